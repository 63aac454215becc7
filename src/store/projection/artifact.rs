//! Artifacts and their review.

use rusqlite::params;

use super::{Change, finite, json, json_unless_default};
use crate::domain::artifact::ReviewState;
use crate::domain::event::{Actor, ArtifactAdded, ArtifactMerged, ArtifactReviewed, ArtifactSnoozed};
use crate::domain::time::Timestamp;
use crate::store::error::Error;
use crate::store::journal::integer;

pub(super) fn added(change: &Change<'_, '_>, event: &ArtifactAdded) -> Result<(), Error> {
    let artifact = &event.artifact;
    change.run(
        "INSERT OR REPLACE INTO artifact (seq, id, agent_id, task_id, execution_id, type, title, path, size, digest,
             quality_score, human_approved, state, reviewed_by, reviewed_at, note, created_at, metadata, content,
             difference, merge)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            json_unless_default("difference", &artifact.difference)?,
            json_unless_default("merge", &artifact.merge)?,
        ],
    )
}

pub(super) fn reviewed(change: &Change<'_, '_>, event: &ArtifactReviewed) -> Result<(), Error> {
    // A judgement that was taken back leaves nothing behind; the journal knows. What is merged stays merged.
    let judged = event.state != ReviewState::Pending;
    let by = match &change.actor {
        Actor::User(id) if judged => Some(id.0.as_bytes()),
        _ => None,
    };
    super::rating::judged(change, event)?;
    change.run(
        "UPDATE artifact SET state = ?, human_approved = ?, reviewed_by = ?, reviewed_at = ?, note = ?,
             judged_by_rule = ?, quality_judged = ?, snoozed_until = NULL, merge = iif(merge ->> '$.state' = 'merged', merge, NULL)
         WHERE id = ?",
        params![
            event.state.as_str(),
            event.state == ReviewState::Approved && event.rule.is_none(),
            by,
            judged.then(|| change.now()),
            event.note,
            event.rule,
            finite(event.quality),
            event.artifact_id.0.as_bytes(),
        ],
    )
}

pub(super) fn merged(change: &Change<'_, '_>, event: &ArtifactMerged) -> Result<(), Error> {
    change.run(
        "UPDATE artifact SET merge = ? WHERE id = ?",
        params![json("merge", &event.merge)?, event.artifact_id.0.as_bytes()],
    )
}

pub(super) fn snoozed(change: &Change<'_, '_>, event: &ArtifactSnoozed) -> Result<(), Error> {
    change.run(
        "UPDATE artifact SET snoozed_until = ? WHERE id = ?",
        params![event.until.map(Timestamp::as_micros), event.artifact_id.0.as_bytes()],
    )
}
