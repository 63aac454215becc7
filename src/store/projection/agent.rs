//! Agents. What one is doing now is not written here: the view `agent_now` derives it from the executions.

use rusqlite::params;

use super::{Change, json};
use crate::domain::CageId;
use crate::domain::event::{
    AgentDeclared, AgentDrained, AgentMoved, AgentRemoved, AgentResumed, BreakerClosed, BreakerOpened,
};
use crate::store::error::Error;

pub(super) fn declared(change: &Change<'_, '_>, event: &AgentDeclared) -> Result<(), Error> {
    let spec = &event.spec;
    change.run(
        "INSERT INTO agent (id, name, concurrency, home, owner, drained, consecutive_failures, total_executions,
             success_count, timed_executions, execution_us, created_at, updated_at, spec)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0, 0, 0, 0, ?6, ?6, ?7)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, concurrency = excluded.concurrency, home = excluded.home,
             owner = excluded.owner, updated_at = excluded.updated_at, spec = excluded.spec",
        params![
            event.agent_id.0.as_bytes(),
            spec.name,
            spec.concurrency,
            spec.cage.map(CageId::number),
            event.owner.0.as_bytes(),
            change.now(),
            json("agent", spec)?,
        ],
    )?;
    change.run(
        "INSERT INTO agent_version (agent_id, version, name, seq, declared_at, actor, spec)
         VALUES (?1, (SELECT coalesce(max(version), 0) + 1 FROM agent_version WHERE agent_id = ?1), ?2, ?3, ?4, ?5, ?6)",
        params![
            event.agent_id.0.as_bytes(),
            spec.name,
            change.seq,
            change.now(),
            change.actor.to_string(),
            json("agent", spec)?,
        ],
    )
}

pub(super) fn removed(change: &Change<'_, '_>, event: &AgentRemoved) -> Result<(), Error> {
    change.run("DELETE FROM agent WHERE id = ?", params![event.agent_id.0.as_bytes()])
}

pub(super) fn moved(change: &Change<'_, '_>, event: &AgentMoved) -> Result<(), Error> {
    change.run(
        "UPDATE agent SET home = ?, updated_at = ? WHERE id = ?",
        params![event.cage_id.map(CageId::number), change.now(), event.agent_id.0.as_bytes()],
    )
}

pub(super) fn drained(change: &Change<'_, '_>, event: &AgentDrained) -> Result<(), Error> {
    change.run(
        "UPDATE agent SET drained = 1, updated_at = ? WHERE id = ?",
        params![change.now(), event.agent_id.0.as_bytes()],
    )
}

pub(super) fn resumed(change: &Change<'_, '_>, event: &AgentResumed) -> Result<(), Error> {
    change.run(
        "UPDATE agent SET drained = 0, breaker_until = NULL, consecutive_failures = 0, updated_at = ? WHERE id = ?",
        params![change.now(), event.agent_id.0.as_bytes()],
    )
}

pub(super) fn breaker_opened(change: &Change<'_, '_>, event: &BreakerOpened) -> Result<(), Error> {
    change.run(
        "UPDATE agent SET breaker_until = ?, consecutive_failures = ?, updated_at = ? WHERE id = ?",
        params![event.until.as_micros(), event.failures, change.now(), event.agent_id.0.as_bytes()],
    )
}

pub(super) fn breaker_closed(change: &Change<'_, '_>, event: &BreakerClosed) -> Result<(), Error> {
    change.run(
        "UPDATE agent SET breaker_until = NULL, updated_at = ? WHERE id = ?",
        params![change.now(), event.agent_id.0.as_bytes()],
    )
}
