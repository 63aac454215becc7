//! Tasks, arrays of them, and how many have ended.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Change, json_unless_default, json_unless_null};
use crate::domain::CageId;
use crate::domain::event::{
    ArrayEnded, TaskCancelled, TaskFailed, TaskMaterialised, TaskPrioritised, TaskReassigned, TaskRetried, TaskSnoozed,
    TaskSubmitted,
};
use crate::domain::id::TaskId;
use crate::domain::quantity::Span;
use crate::domain::task::TaskStatus;
use crate::domain::time::Timestamp;
use crate::store::error::{Doing, Error};
use crate::store::rows::Columns;

pub(super) fn submitted(change: &Change<'_, '_>, event: &TaskSubmitted) -> Result<(), Error> {
    let task = &event.task;
    change.run(
        "INSERT INTO task (seq, id, type, status, priority, deadline, dependencies, approval_gate, max_attempts,
             attempts, losses, executions, timeout, estimate, preemptible, agent_id, cage_id, assigned_agent_id,
             execution_id, not_before, array_first, array_last, array_index, created_by, created_at, updated_at,
             started_at, completed_at, requirements, metadata, parameters, error, output, brings_command, verify, workspace,
             topic)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            change.seq,
            task.id.0.as_bytes(),
            task.kind,
            task.status.as_str(),
            task.priority,
            task.deadline.map(Timestamp::as_micros),
            i64::try_from(task.depends_on.len()).unwrap_or(i64::MAX),
            task.approval_gate,
            task.max_attempts,
            task.attempts,
            task.losses,
            task.attempts.saturating_add(task.losses),
            task.timeout.map(Span::as_micros),
            task.estimate.map(Span::as_micros),
            task.preemptible,
            task.agent_id.as_ref().map(|id| id.0.as_bytes()),
            task.cage_id.map(CageId::number),
            task.assigned_agent_id.as_ref().map(|id| id.0.as_bytes()),
            task.execution_id.as_ref().map(|id| id.0.as_bytes()),
            task.not_before.map(Timestamp::as_micros),
            task.array.map(|array| array.first),
            task.array.map(|array| array.last),
            task.array_index,
            task.created_by.0.as_bytes(),
            task.created_at.as_micros(),
            task.updated_at.as_micros(),
            task.started_at.map(Timestamp::as_micros),
            task.completed_at.map(Timestamp::as_micros),
            json_unless_default("requirements", &task.requirements)?,
            json_unless_default("metadata", &task.metadata)?,
            json_unless_default("parameters", &task.parameters)?,
            task.error,
            json_unless_null("output", task.output.as_ref())?,
            task.brings_command(),
            json_unless_default("verify", &task.verify)?,
            json_unless_default("workspace", &task.workspace)?,
            json_unless_default("topic", &task.context)?,
        ],
    )?;
    for (place, id) in (0i64..).zip(&task.depends_on) {
        change.run(
            "INSERT INTO task_dependency (task_id, place, depends_on) VALUES (?, ?, ?)",
            params![task.id.0.as_bytes(), place, id.0.as_bytes()],
        )?;
    }
    Ok(())
}

/// The element takes everything from its array but the parameters, its workspace and what verifies it, which may be long and
/// are read from there.
pub(super) fn materialised(change: &Change<'_, '_>, event: &TaskMaterialised) -> Result<(), Error> {
    change.run(
        "INSERT INTO task (seq, id, type, status, priority, deadline, dependencies, approval_gate, max_attempts,
             attempts, losses, executions, timeout, estimate, preemptible, agent_id, cage_id, array_id, array_index,
             created_by, created_at, updated_at, requirements, metadata, brings_command, topic)
         SELECT ?1, ?2, type, 'pending', priority, deadline, 0, approval_gate, max_attempts, 0, 0, 0, timeout, estimate,
             preemptible, agent_id, cage_id, id, ?3, created_by, created_at, ?4, requirements, metadata, brings_command, topic
         FROM task WHERE id = ?5",
        params![change.seq, event.task_id.0.as_bytes(), event.index, change.now(), event.array_id.0.as_bytes()],
    )?;
    change.moved.set(Some((None, TaskStatus::Pending)));
    Ok(())
}

pub(super) fn array_ended(change: &Change<'_, '_>, event: &ArrayEnded) -> Result<(), Error> {
    change.moved.set(earlier(change, event.task_id)?.map(|(status, _)| (Some(status), event.status)));
    change.run(
        "UPDATE task SET status = ?1, completed_at = ?2, updated_at = ?2 WHERE id = ?3",
        params![event.status.as_str(), change.now(), event.task_id.0.as_bytes()],
    )
}

pub(super) fn cancelled(change: &Change<'_, '_>, event: &TaskCancelled) -> Result<(), Error> {
    end_unstarted(change, event.task_id, TaskStatus::Cancelled, event.note.as_deref())
}

pub(super) fn failed(change: &Change<'_, '_>, event: &TaskFailed) -> Result<(), Error> {
    end_unstarted(change, event.task_id, TaskStatus::Failed, Some(&event.error))?;
    match &event.cause {
        None => Ok(()),
        Some(cause) => change
            .run("UPDATE task SET failed_by = ? WHERE id = ?", params![cause.0.as_bytes(), event.task_id.0.as_bytes()]),
    }
}

pub(super) fn snoozed(change: &Change<'_, '_>, event: &TaskSnoozed) -> Result<(), Error> {
    change.run(
        "UPDATE task SET snoozed_until = ? WHERE id = ?",
        params![event.until.map(Timestamp::as_micros), event.task_id.0.as_bytes()],
    )
}

/// Ends a task that is not running. Of an array this ends the elements that are not yet tasks, and the array itself:
/// elements under way go on without it, and nothing will say that they have ended together.
fn end_unstarted(change: &Change<'_, '_>, id: TaskId, status: TaskStatus, error: Option<&str>) -> Result<(), Error> {
    let Some((earlier, _)) = earlier(change, id)? else { return Ok(()) };
    change.moved.set(Some((Some(earlier), status)));
    let ended = weight(change, id)?;
    change.run(
        "UPDATE task SET status = ?1, error = ?2, updated_at = ?3, completed_at = ?3 WHERE id = ?4",
        params![status.as_str(), error, change.now(), id.0.as_bytes()],
    )?;
    count_ended(change, status, ended)
}

/// How many tasks a row stands for: an array for those of its elements that are not yet tasks.
fn weight(change: &Change<'_, '_>, id: TaskId) -> Result<i64, Error> {
    Ok(match earlier(change, id)?.and_then(|(_, elements)| elements) {
        None => 1,
        Some(elements) => {
            let (first, last) = (id.element(1), id.element(u32::MAX));
            let tasks: i64 = change
                .statements
                .connection
                .prepare_cached("SELECT count(*) FROM task WHERE id BETWEEN ? AND ?")
                .and_then(|mut statement| {
                    statement.query_row(params![first.0.as_bytes(), last.0.as_bytes()], |row| row.get(0))
                })
                .doing("reading an array")?;
            elements - tasks
        }
    })
}

/// The status that a task has before it is changed, and of an array the number of elements.
fn earlier(change: &Change<'_, '_>, id: TaskId) -> Result<Option<(TaskStatus, Option<i64>)>, Error> {
    change
        .statements
        .connection
        .prepare_cached("SELECT status, array_last - array_first + 1 FROM task WHERE id = ?")
        .and_then(|mut statement| {
            let read = |row: &Row<'_>| {
                let mut columns = Columns::new(row);
                Ok((columns.word()?, columns.get()?))
            };
            statement.query_row(params![id.0.as_bytes()], read).optional()
        })
        .doing("reading a task")
}

pub(super) fn retried(change: &Change<'_, '_>, event: &TaskRetried) -> Result<(), Error> {
    change.moved.set(earlier(change, event.task_id)?.map(|(status, _)| (Some(status), TaskStatus::Pending)));
    let id = event.task_id.0.as_bytes();
    change.run(
        "UPDATE ended SET tasks = tasks - ? WHERE status = (SELECT status FROM task WHERE id = ?)",
        params![weight(change, event.task_id)?, id],
    )?;
    change.run(
        "UPDATE task SET status = 'pending', attempts = 0, losses = 0, not_before = NULL, error = NULL, output = NULL,
             completed_at = NULL, verification = NULL, failed_by = NULL, snoozed_until = NULL, updated_at = ? WHERE id = ?",
        params![change.now(), id],
    )
}

pub(super) fn reassigned(change: &Change<'_, '_>, event: &TaskReassigned) -> Result<(), Error> {
    change.run(
        "UPDATE task SET agent_id = ?, cage_id = ?, updated_at = ? WHERE id = ?",
        params![
            event.agent_id.as_ref().map(|id| id.0.as_bytes()),
            event.cage_id.map(CageId::number),
            change.now(),
            event.task_id.0.as_bytes(),
        ],
    )
}

pub(super) fn prioritised(change: &Change<'_, '_>, event: &TaskPrioritised) -> Result<(), Error> {
    change.run(
        "UPDATE task SET priority = ?, updated_at = ? WHERE id = ?",
        params![event.priority, change.now(), event.task_id.0.as_bytes()],
    )
}

/// Counts `tasks` that ended in `status`.
pub(super) fn count_ended(change: &Change<'_, '_>, status: TaskStatus, tasks: i64) -> Result<(), Error> {
    add_ended(change.statements.connection, status, tasks)
}

/// The same for a figure that was added up over many records.
pub(super) fn add_ended(connection: &Connection, status: TaskStatus, tasks: i64) -> Result<(), Error> {
    connection
        .prepare_cached(
            "INSERT INTO ended (status, tasks) VALUES (?1, ?2) ON CONFLICT (status) DO UPDATE SET tasks = tasks + ?2",
        )
        .and_then(|mut statement| statement.execute(params![status.as_str(), tasks]))
        .map(drop)
        .doing("changing the tables")
}
