//! Artifacts and their review.

use rusqlite::params;

use super::{Change, finite, json_unless_default};
use crate::domain::artifact::ReviewState;
use crate::domain::event::{Actor, ArtifactAdded, ArtifactReviewed};
use crate::domain::time::Timestamp;
use crate::store::error::Error;
use crate::store::journal::integer;

pub(super) fn added(change: &Change<'_, '_>, event: &ArtifactAdded) -> Result<(), Error> {
    let artifact = &event.artifact;
    change.run(
        "INSERT OR REPLACE INTO artifact (seq, id, agent_id, task_id, execution_id, type, title, path, size, digest,
             quality_score, human_approved, state, reviewed_by, reviewed_at, note, created_at, metadata, content)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            change.seq,
            artifact.id.0.as_bytes(),
            artifact.agent_id.0.as_bytes(),
            artifact.task_id.0.as_bytes(),
            artifact.execution_id.0.as_bytes(),
            artifact.kind.as_str(),
            artifact.title,
            artifact.path,
            integer(artifact.size),
            artifact.digest,
            finite(artifact.quality_score),
            artifact.human_approved,
            artifact.review.state.as_str(),
            artifact.review.by.as_ref().map(|id| id.0.as_bytes()),
            artifact.review.at.map(Timestamp::as_micros),
            artifact.review.note,
            artifact.created_at.as_micros(),
            json_unless_default("metadata", &artifact.metadata)?,
            artifact.content,
        ],
    )
}

pub(super) fn reviewed(change: &Change<'_, '_>, event: &ArtifactReviewed) -> Result<(), Error> {
    let by = match &change.actor {
        Actor::User(id) => Some(id.0.as_bytes()),
        Actor::Engine | Actor::Node(_) => None,
    };
    change.run(
        "UPDATE artifact SET state = ?, human_approved = ?, reviewed_by = ?, reviewed_at = ?, note = ? WHERE id = ?",
        params![
            event.state.as_str(),
            event.state == ReviewState::Approved,
            by,
            change.now(),
            event.note,
            event.artifact_id.0.as_bytes(),
        ],
    )
}
