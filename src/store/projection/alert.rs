//! Alerts, resolved ones included.

use rusqlite::params;

use super::{Change, finite, json, json_unless_default};
use crate::domain::AlertStatus;
use crate::domain::event::{
    AlertAcknowledged, AlertRaised, AlertReopened, AlertRepeated, AlertResolved, AlertSilenced, AlertUnacknowledged,
};
use crate::domain::time::Timestamp;
use crate::store::error::Error;
use crate::store::journal::integer;

pub(super) fn raised(change: &Change<'_, '_>, event: &AlertRaised) -> Result<(), Error> {
    let alert = &event.alert;
    change.run(
        "INSERT INTO alert (seq, id, severity, status, source, message, time, last_seen, count, trigger_name, threshold,
             value, remedy, acknowledged_by, note, silenced_until, resolution, about)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            change.seq,
            alert.id.0.as_bytes(),
            alert.severity.as_str(),
            alert.status.as_str(),
            alert.source,
            alert.message,
            alert.time.as_micros(),
            alert.last_seen.as_micros(),
            integer(alert.count),
            alert.context.trigger,
            finite(alert.context.threshold),
            finite(alert.context.value),
            alert.context.remedy,
            alert.acknowledged_by.as_ref().map(|id| id.0.as_bytes()),
            alert.note,
            alert.silenced_until.map(Timestamp::as_micros),
            alert.resolution.as_ref().map(|resolution| json("resolution", resolution)).transpose()?,
            json_unless_default("attempts", &alert.context.attempts)?,
        ],
    )
}

pub(super) fn repeated(change: &Change<'_, '_>, event: &AlertRepeated) -> Result<(), Error> {
    change.run(
        "UPDATE alert SET severity = ?, message = ?, value = ?, threshold = coalesce(?, threshold),
             remedy = coalesce(?, remedy), about = coalesce(?, about), last_seen = CASE WHEN ? THEN last_seen ELSE ? END, count = count + ? WHERE id = ?",
        params![
            event.severity.as_str(),
            event.message,
            finite(event.value),
            finite(event.threshold),
            event.remedy,
            json_unless_default("attempts", &event.attempts)?,
            event.left,
            change.now(),
            i64::from(!event.left),
            event.alert_id.0.as_bytes(),
        ],
    )
}

pub(super) fn acknowledged(change: &Change<'_, '_>, event: &AlertAcknowledged) -> Result<(), Error> {
    change.run(
        "UPDATE alert SET status = ?, acknowledged_by = ?, note = ? WHERE id = ?",
        params![
            AlertStatus::Acknowledged.as_str(),
            event.by.as_ref().map(|id| id.0.as_bytes()),
            event.note,
            event.alert_id.0.as_bytes(),
        ],
    )
}

pub(super) fn unacknowledged(change: &Change<'_, '_>, event: &AlertUnacknowledged) -> Result<(), Error> {
    change.run(
        "UPDATE alert SET status = ?, acknowledged_by = NULL, note = NULL WHERE id = ?",
        params![AlertStatus::Active.as_str(), event.alert_id.0.as_bytes()],
    )
}

pub(super) fn silenced(change: &Change<'_, '_>, event: &AlertSilenced) -> Result<(), Error> {
    change.run(
        "UPDATE alert SET silenced_until = ? WHERE id = ?",
        params![event.until.map(Timestamp::as_micros), event.alert_id.0.as_bytes()],
    )
}

pub(super) fn resolved(change: &Change<'_, '_>, event: &AlertResolved) -> Result<(), Error> {
    // Nothing shares an alert that is over.
    change.run(
        "DELETE FROM alert_grouped
         WHERE rule IN (SELECT trigger_name FROM alert WHERE id = ? AND source = 'rule ' || trigger_name)",
        params![event.alert_id.0.as_bytes()],
    )?;
    change.run(
        "UPDATE alert SET status = ?, resolution = ? WHERE id = ?",
        params![AlertStatus::Resolved.as_str(), json("resolution", &event.resolution)?, event.alert_id.0.as_bytes()],
    )
}

pub(super) fn reopened(change: &Change<'_, '_>, event: &AlertReopened) -> Result<(), Error> {
    change.run(
        "UPDATE alert SET status = ?, resolution = NULL WHERE id = ?",
        params![event.alert.status.as_str(), event.alert.id.0.as_bytes()],
    )
}
