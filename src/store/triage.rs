//! What somebody who decides asks the store for: what waits for a human, and how agents have done.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::{Doing, Error};
use super::reader::Reader;
use super::rows::Columns;
use crate::domain::agent::AgentCounters;
use crate::domain::id::{AgentId, ArtifactId, TaskId};
use crate::domain::{ArtifactType, Timestamp};

/// Whether a wrong judgement of artifact `r` of task `t` would be bad: it is a decision, or its task is tagged so.
pub(super) const IS_HIGH_RISK: &str = "(r.type = 'decision' OR EXISTS (SELECT 1 FROM json_each(t.metadata, '$.tags') g \
    WHERE g.value = 'high-risk'))";

/// An artifact that waits to be judged, as the inbox shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewRow {
    /// Its title.
    pub title: String,
    /// What it is.
    pub artifact_type: ArtifactType,
    /// Who made it, by name; `None` when that agent was removed.
    pub agent: Option<String>,
    /// The type of its task.
    pub task_type: String,
    /// Bytes.
    pub size: u64,
    /// When it was taken.
    pub created_at: Timestamp,
    /// Whether it has to be judged by itself.
    pub high_risk: bool,
}

/// A task that failed and took others along, as the inbox shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureRow {
    /// The task.
    pub task_id: TaskId,
    /// Its type.
    pub task_type: String,
    /// Why it failed.
    pub error: String,
    /// Who tried last, by name.
    pub agent: Option<String>,
    /// When it failed.
    pub since: Timestamp,
    /// How many tasks failed with it.
    pub blocks: u64,
    /// The sum of their priorities.
    pub priorities: u64,
    /// The earliest deadline among them.
    pub deadline: Option<Timestamp>,
    /// Until when it is put off.
    pub snoozed_until: Option<Timestamp>,
    /// Whether it has to be decided by itself.
    pub high_risk: bool,
}

impl Reader {
    /// Those of the artifacts whose review is of high risk.
    pub fn high_risk(&self, ids: &[ArtifactId]) -> Result<Vec<ArtifactId>, Error> {
        let doing = "reading artifacts";
        let sql =
            format!("SELECT 1 FROM artifact r LEFT JOIN task t ON t.id = r.task_id WHERE r.id = ? AND {IS_HIGH_RISK}");
        let mut statement = self.connection().prepare_cached(&sql).doing(doing)?;
        let mut found = vec![];
        for id in ids {
            if statement.exists(params![id.0.as_bytes()]).doing(doing)? {
                found.push(*id);
            }
        }
        Ok(found)
    }

    /// Until when tasks are put off, those that are.
    pub fn snoozed_tasks(&self, ids: &[TaskId]) -> Result<Vec<(TaskId, Timestamp)>, Error> {
        let doing = "reading tasks";
        let sql = "SELECT snoozed_until FROM task WHERE id = ? AND snoozed_until IS NOT NULL";
        let mut statement = self.connection().prepare_cached(sql).doing(doing)?;
        let mut found = vec![];
        for id in ids {
            let mut rows = statement.query(params![id.0.as_bytes()]).doing(doing)?;
            if let Some(row) = rows.next().doing(doing)? {
                found.push((*id, Columns::new(row).time().doing(doing)?));
            }
        }
        Ok(found)
    }

    /// What the inbox shows of artifacts; `None` for those that do not exist.
    pub fn reviews(&self, ids: &[ArtifactId]) -> Result<Vec<Option<ReviewRow>>, Error> {
        let doing = "reading the inbox";
        let sql = format!(
            "SELECT r.title, r.type, a.name, coalesce(t.type, ''), r.size, r.created_at, {IS_HIGH_RISK}
             FROM artifact r LEFT JOIN task t ON t.id = r.task_id LEFT JOIN agent a ON a.id = r.agent_id WHERE r.id = ?"
        );
        let mut statement = self.connection().prepare_cached(&sql).doing(doing)?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let mut rows = statement.query(params![id.0.as_bytes()]).doing(doing)?;
            found.push(rows.next().doing(doing)?.map(review).transpose().doing(doing)?);
        }
        Ok(found)
    }

    /// The failed tasks that others failed with.
    pub fn failures(&self) -> Result<Vec<FailureRow>, Error> {
        let sql = "SELECT r.id, r.type, coalesce(r.error, ''), a.name, coalesce(r.completed_at, r.updated_at), f.blocks,
                 f.priorities, f.deadline, r.snoozed_until,
                 EXISTS (SELECT 1 FROM json_each(r.metadata, '$.tags') g WHERE g.value = 'high-risk')
             FROM (SELECT failed_by, sum(coalesce(array_last - array_first + 1, 1)) AS blocks,
                       sum(priority * coalesce(array_last - array_first + 1, 1)) AS priorities, min(deadline) AS deadline
                   FROM task WHERE failed_by IS NOT NULL AND status = 'failed' GROUP BY failed_by) f
             JOIN task r ON r.id = f.failed_by LEFT JOIN agent a ON a.id = r.assigned_agent_id
             WHERE r.status = 'failed' ORDER BY r.seq";
        read_all(self.connection(), sql, failure)
    }

    /// What an agent has done so far; `None` when there is no such agent.
    pub fn agent_counters(&self, id: AgentId) -> Result<Option<AgentCounters>, Error> {
        let sql = "SELECT total_executions, stopped_executions, success_count, execution_us / 1000 / nullif(timed_executions, 0)
             FROM agent WHERE id = ?";
        let read = |row: &Row<'_>| {
            let mut columns = Columns::new(row);
            let (total_executions, stopped_executions) = (columns.count()?, columns.count()?);
            let success_count = columns.count()?;
            let mean: Option<i64> = columns.get()?;
            let avg_execution_time_ms = mean.and_then(|mean| u64::try_from(mean).ok());
            Ok(AgentCounters { total_executions, stopped_executions, success_count, avg_execution_time_ms })
        };
        self.connection()
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(params![id.0.as_bytes()], read).optional())
            .doing("reading an agent's record")
    }

    /// What the last executions of agents cost in the mean, in US dollars; only those that said so.
    pub fn mean_costs(&self) -> Result<Vec<(AgentId, f64)>, Error> {
        let sql = "SELECT agent_id, avg(outcome ->> 'cost') FROM
                 (SELECT agent_id, outcome FROM execution WHERE completed_at IS NOT NULL ORDER BY seq DESC LIMIT 2000)
             WHERE outcome ->> 'cost' IS NOT NULL GROUP BY agent_id";
        read_all(self.connection(), sql, |row| {
            let mut columns = Columns::new(row);
            Ok((columns.id(AgentId)?, columns.get()?))
        })
    }
}

fn read_all<T>(
    connection: &Connection,
    sql: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Error> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_map([], |row| read(row))?.collect())
        .doing("reading what waits for a human")
}

fn review(row: &Row<'_>) -> rusqlite::Result<ReviewRow> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    Ok(ReviewRow {
        title: c.get()?,
        artifact_type: c.word()?,
        agent: c.get()?,
        task_type: c.get()?,
        size: c.count()?,
        created_at: c.time()?,
        high_risk: c.get()?,
    })
}

fn failure(row: &Row<'_>) -> rusqlite::Result<FailureRow> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    Ok(FailureRow {
        task_id: c.id(TaskId)?,
        task_type: c.get()?,
        error: c.get()?,
        agent: c.get()?,
        since: c.time()?,
        blocks: c.count()?,
        priorities: c.count()?,
        deadline: c.optional_time()?,
        snoozed_until: c.optional_time()?,
        high_risk: c.get()?,
    })
}
