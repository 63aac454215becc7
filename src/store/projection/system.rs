//! The journal's origin and what the system says about itself.

use rusqlite::params;

use super::{Change, json_unless_default};
use crate::domain::event::{JournalOpened, SystemEventRaised};
use crate::store::error::Error;

pub(super) fn journal_opened(change: &Change<'_, '_>, event: &JournalOpened) -> Result<(), Error> {
    change.run(
        "INSERT INTO origin (one, format, seed, version) VALUES (1, ?, ?, ?)",
        params![event.format, event.seed.cast_signed(), event.version],
    )
}

pub(super) fn raised(change: &Change<'_, '_>, event: &SystemEventRaised) -> Result<(), Error> {
    let event = &event.event;
    change.run(
        "INSERT INTO system_event (seq, id, type, source, message, time, context, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            change.seq,
            event.id.0.as_bytes(),
            event.severity.as_str(),
            event.source,
            event.message,
            event.time.as_micros(),
            json_unless_default("context", &event.context)?,
            json_unless_default("metadata", &event.metadata)?,
        ],
    )
}
