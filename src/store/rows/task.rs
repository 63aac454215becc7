//! Tasks, whole and as the engine needs them.

use std::collections::HashMap;

use rusqlite::{Result, Row};

use super::{Columns, unreadable};
use crate::domain::id::{AgentId, ExecutionId, TaskId, UserId};
use crate::domain::requirements::Requirements;
use crate::domain::snapshot::QueuedTask;
use crate::domain::task::{ArrayRange, Task, TaskStatus};
use crate::domain::verify::Verification;

/// The columns of [`task`], of `task t`. An element's parameters are its array's.
pub(in crate::store) const TASK_COLUMNS: &str = "t.id, t.type, t.status, t.priority, \
    CASE WHEN t.array_id IS NULL THEN t.parameters ELSE (SELECT a.parameters FROM task a WHERE a.id = t.array_id) END, \
    t.requirements, t.deadline, t.approval_gate, t.max_attempts, t.attempts, t.losses, t.timeout, t.estimate, \
    t.preemptible, t.agent_id, t.cage_id, t.assigned_agent_id, t.execution_id, t.not_before, t.output, t.error, \
    CASE WHEN t.array_id IS NULL THEN t.verify ELSE (SELECT a.verify FROM task a WHERE a.id = t.array_id) END, \
    CASE WHEN t.array_id IS NULL THEN t.workspace ELSE (SELECT a.workspace FROM task a WHERE a.id = t.array_id) END, \
    t.verification, t.metadata, t.array_first, t.array_last, t.array_index, t.created_by, t.created_at, t.updated_at, t.started_at, \
    t.completed_at, (SELECT e.cage_id FROM execution e WHERE e.id = t.execution_id), \
    CASE WHEN t.array_first IS NOT NULL THEN t.started_at WHEN t.status NOT IN ('pending', 'scheduled') \
    THEN (SELECT e.started_at FROM execution e WHERE e.id = t.execution_id) END, t.topic, t.dependencies";

/// Reads a task, and how many dependencies it has: those are rows of their own.
pub(in crate::store) fn task(row: &Row<'_>) -> Result<(Task, u64)> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    let mut task = Task {
        id: c.id(TaskId)?,
        kind: c.get()?,
        status: c.word()?,
        priority: c.get()?,
        parameters: c.json_or_default()?,
        requirements: c.json_or_default()?,
        deadline: c.optional_time()?,
        depends_on: vec![],
        approval_gate: c.get()?,
        max_attempts: c.get()?,
        attempts: c.get()?,
        losses: c.get()?,
        timeout: c.optional_span()?,
        estimate: c.optional_span()?,
        preemptible: c.get()?,
        agent_id: c.optional_id(AgentId)?,
        cage_id: c.optional_cage()?,
        assigned_agent_id: c.optional_id(AgentId)?,
        execution_id: c.optional_id(ExecutionId)?,
        not_before: c.optional_time()?,
        output: c.optional_json()?,
        error: c.get()?,
        verify: c.json_or_default()?,
        workspace: c.optional_json()?,
        verification: c.optional_word()?,
        metadata: c.json_or_default()?,
        array: array(c)?,
        array_index: c.get()?,
        created_by: c.id(UserId)?,
        created_at: c.time()?,
        updated_at: c.time()?,
        started_at: c.optional_time()?,
        completed_at: c.optional_time()?,
        assigned_cage_id: c.optional_cage()?,
        attempt_started_at: c.optional_time()?,
        context: c.json_or_default()?,
    };
    // An array has no attempts of its own that could have been verified.
    if task.status == TaskStatus::Completed && task.array.is_none() {
        task.verification.get_or_insert(Verification::Unverified);
    }
    Ok((task, c.count()?))
}

/// The columns of [`queued`], of `task t`.
pub(in crate::store) const QUEUED_COLUMNS: &str = "t.id, t.status, t.priority, t.requirements, t.agent_id, t.cage_id, \
    t.created_by, t.deadline, t.created_at, t.not_before, t.attempts, t.losses, t.executions, t.max_attempts, \
    t.timeout, t.estimate, t.preemptible, t.approval_gate, t.array_first, t.array_last, t.brings_command, t.type, t.topic, \
    CASE WHEN t.status = 'completed' THEN t.assigned_agent_id END, t.dependencies";

/// A queued task, whose dependencies and elements are still to be read.
pub(in crate::store) struct Queued {
    pub(in crate::store) task: QueuedTask,
    pub(in crate::store) dependencies: u64,
}

/// Reads a task as the engine needs it. A million tasks ask for few different things: each text is parsed once.
pub(in crate::store) fn queued(row: &Row<'_>, seen: &mut HashMap<Vec<u8>, Requirements>) -> Result<Queued> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    let task = QueuedTask {
        id: c.id(TaskId)?,
        status: c.word()?,
        priority: c.get()?,
        requirements: requirements(c, seen)?,
        agent_id: c.optional_id(AgentId)?,
        cage_id: c.optional_cage()?,
        owner: c.id(UserId)?,
        deadline: c.optional_time()?,
        created_at: c.time()?,
        not_before: c.optional_time()?,
        attempts: c.get()?,
        losses: c.get()?,
        executions: c.get()?,
        max_attempts: c.get()?,
        timeout: c.optional_span()?,
        estimate: c.optional_span()?,
        preemptible: c.get()?,
        approval_gate: c.get()?,
        depends_on: vec![],
        array: array(c)?,
        brings_command: c.get()?,
        kind: c.get()?,
        context: c.json_or_default()?,
        after: vec![],
        done_by: c.optional_id(AgentId)?,
        materialised: vec![],
        array_failed: 0,
    };
    Ok(Queued { task, dependencies: c.count()? })
}

fn array(columns: &mut Columns<'_>) -> Result<Option<ArrayRange>> {
    let (first, last) = (columns.get()?, columns.get()?);
    Ok(match (first, last) {
        (Some(first), Some(last)) => Some(ArrayRange { first, last }),
        _ => None,
    })
}

/// The most texts that are kept; a queue in which every task asks for something else must not be held twice.
const SEEN_MAX: usize = 4096;

fn requirements(columns: &mut Columns<'_>, seen: &mut HashMap<Vec<u8>, Requirements>) -> Result<Requirements> {
    let Some(text) = columns.bytes()? else { return Ok(Requirements::default()) };
    if let Some(known) = seen.get(text) {
        return Ok(known.clone());
    }
    let read: Requirements = serde_json::from_slice(text).map_err(|error| unreadable(3, error))?;
    if seen.len() < SEEN_MAX {
        seen.insert(text.to_vec(), read.clone());
    }
    Ok(read)
}
