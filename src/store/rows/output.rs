//! Artifacts and system events.

use rusqlite::{Result, Row};

use super::Columns;
use crate::domain::artifact::{Artifact, Review};
use crate::domain::id::{AgentId, ArtifactId, ExecutionId, SystemEventId, TaskId, UserId};
use crate::domain::system_event::SystemEvent;

/// The columns of [`artifact`], of `artifact r`.
pub(in crate::store) const ARTIFACT_COLUMNS: &str = "r.id, r.agent_id, r.task_id, r.execution_id, r.type, r.title, \
    r.content, r.path, r.size, r.digest, coalesce(r.quality_judged, r.quality_score), r.human_approved, r.state, r.reviewed_by, r.reviewed_at, \
    r.note, r.judged_by_rule, r.quality_judged, (r.type = 'decision' OR EXISTS (SELECT 1 FROM task t, json_each(t.metadata, '$.tags') g \
    WHERE t.id = r.task_id AND g.value = 'high-risk')), r.metadata, r.difference, r.merge, r.created_at";

/// Reads an artifact.
pub(in crate::store) fn artifact(row: &Row<'_>) -> Result<Artifact> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    Ok(Artifact {
        id: c.id(ArtifactId)?,
        agent_id: c.id(AgentId)?,
        task_id: c.id(TaskId)?,
        execution_id: c.id(ExecutionId)?,
        kind: c.word()?,
        title: c.get()?,
        content: c.get()?,
        path: c.get()?,
        size: c.count()?,
        digest: c.get()?,
        quality_score: c.get()?,
        human_approved: c.get()?,
        review: Review {
            state: c.word()?,
            by: c.optional_id(UserId)?,
            at: c.optional_time()?,
            note: c.get()?,
            rule: c.get()?,
            quality: c.get()?,
        },
        high_risk: c.get()?,
        approval: None,
        metadata: c.json_or_default()?,
        difference: c.optional_json()?,
        merge: c.optional_json()?,
        created_at: c.time()?,
    })
}

/// The columns of [`system_event`], of `system_event s`.
pub(in crate::store) const EVENT_COLUMNS: &str = "s.id, s.type, s.source, s.message, s.time, s.context, s.metadata";

/// Reads a system event.
pub(in crate::store) fn system_event(row: &Row<'_>) -> Result<SystemEvent> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    Ok(SystemEvent {
        id: c.id(SystemEventId)?,
        severity: c.word()?,
        source: c.get()?,
        message: c.get()?,
        time: c.time()?,
        context: c.json_or_default()?,
        metadata: c.json_or_default()?,
    })
}
