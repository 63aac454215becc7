//! Executions, with what they change of their task and their agent.

use rusqlite::params;
use serde_json::Value;

use super::{Change, finite, json, json_unless_default, json_unless_null};
use crate::domain::event::{ExecutionEnded, ExecutionScheduled, ExecutionStarted, ExecutionStopping};
use crate::domain::execution::{ExecutionStatus, Outcome};
use crate::domain::time::Timestamp;
use crate::domain::verify::Verification;
use crate::store::error::Error;

pub(super) fn scheduled(change: &Change<'_, '_>, event: &ExecutionScheduled) -> Result<(), Error> {
    change.run(
        "INSERT INTO execution (seq, id, task_id, agent_id, cage_id, node_id, status, attempt, created_at, held_count, held, choice)
         VALUES (?, ?, ?, ?, ?, ?, 'starting', ?, ?, ?, ?, ?)",
        params![
            change.seq,
            event.execution_id.0.as_bytes(),
            event.task_id.0.as_bytes(),
            event.agent_id.0.as_bytes(),
            event.cage_id.number(),
            event.node_id.0.as_bytes(),
            event.attempt,
            change.now(),
            i64::try_from(event.held.len()).unwrap_or(i64::MAX),
            json_unless_default("held", &event.held)?,
            event.choice.as_ref().map(|choice| json("choice", choice)).transpose()?,
        ],
    )?;
    change.run(
        "UPDATE task SET status = 'scheduled', assigned_agent_id = ?, execution_id = ?, executions = ?, updated_at = ? WHERE id = ?",
        params![
            event.agent_id.0.as_bytes(),
            event.execution_id.0.as_bytes(),
            event.attempt,
            change.now(),
            event.task_id.0.as_bytes(),
        ],
    )
}

pub(super) fn started(change: &Change<'_, '_>, event: &ExecutionStarted) -> Result<(), Error> {
    let started_at = event.started_at.as_micros();
    change.run(
        "UPDATE execution SET status = 'running', started_at = ? WHERE id = ?",
        params![started_at, event.execution_id.0.as_bytes()],
    )?;
    change.run(
        "UPDATE task SET status = 'executing', started_at = coalesce(started_at, ?), updated_at = ? WHERE id = ?",
        params![started_at, change.now(), event.task_id.0.as_bytes()],
    )
}

pub(super) fn stopping(change: &Change<'_, '_>, event: &ExecutionStopping) -> Result<(), Error> {
    change.run(
        "UPDATE execution SET stopping = ?, stopping_note = ? WHERE id = ?",
        params![event.reason.as_str(), event.note, event.execution_id.0.as_bytes()],
    )
}

pub(super) fn ended(change: &Change<'_, '_>, event: &ExecutionEnded) -> Result<(), Error> {
    let succeeded = event.outcome.succeeded();
    let status = if succeeded { ExecutionStatus::Completed } else { ExecutionStatus::Failed };
    let (started_at, ended_at) = (event.started_at.map(Timestamp::as_micros), event.ended_at.as_micros());
    let outcome = outcome_text(&event.outcome)?;
    change.run(
        "UPDATE execution SET status = ?, started_at = coalesce(?, started_at), completed_at = ?, outcome_kind = ?,
             outcome = ? WHERE id = ?",
        params![
            status.as_str(),
            started_at,
            ended_at,
            event.outcome.kind.as_str(),
            outcome,
            event.execution_id.0.as_bytes(),
        ],
    )?;
    change.run(
        "UPDATE task SET status = ?, attempts = ?, losses = ?, not_before = ?, output = ?, error = ?, verification = ?,
             started_at = coalesce(started_at, ?), completed_at = ?, updated_at = ? WHERE id = ?",
        params![
            event.task_status.as_str(),
            event.attempts,
            event.losses,
            event.not_before.map(Timestamp::as_micros),
            json_unless_null("result", event.outcome.result.as_ref())?,
            (!succeeded).then_some(event.outcome.message.as_str()),
            Some(event.outcome.verification).filter(|word| !word.is_unverified()).map(Verification::as_str),
            started_at,
            event.task_status.is_final().then_some(ended_at),
            change.now(),
            event.task_id.0.as_bytes(),
        ],
    )
}

/// The outcome as JSON. A cost that is no number and a result of null are left out: JSON has no word for the one and the
/// other reads back as no result, and the text must be the same live and read back from the journal.
fn outcome_text(outcome: &Outcome) -> Result<String, Error> {
    let cost = finite(outcome.cost);
    if cost.is_some() == outcome.cost.is_some() && outcome.result != Some(Value::Null) {
        return json("outcome", outcome);
    }
    let result = outcome.result.clone().filter(|result| !result.is_null());
    json("outcome", &Outcome { result, cost, ..outcome.clone() })
}
