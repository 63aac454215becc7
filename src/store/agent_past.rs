//! What choices among agents rest on, as the engine takes it up.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::{Doing, Error};
use super::reader::Reader;
use super::rows::Columns;
use crate::domain::id::{AgentId, ExecutionId, TaskId, UserId};
use crate::domain::performance::Day;
use crate::domain::selection::Rating;
use crate::domain::snapshot::{GivenRating, Past, PastDay, PastOpinion, PastPair, RatedTask};
use crate::domain::time::Timestamp;

const DOING: &str = "reading what agents have done";

/// How far back the days are read, from the last record on; what is older no longer counts.
const DAYS: i64 = 90;

/// What is known of the agents that there are.
pub(super) fn read(connection: &Connection) -> Result<Past, Error> {
    let time = connection
        .query_row("SELECT time FROM journal ORDER BY seq DESC LIMIT 1", [], |row| row.get(0))
        .map(Timestamp::from_micros)
        .doing(DOING)?;
    let since = Day::of(time).number() - DAYS;
    let days = |row: &Row<'_>| {
        let mut columns = Columns::new(row);
        Ok(PastDay {
            agent_id: columns.id(AgentId)?,
            kind: columns.get()?,
            day: columns.get()?,
            executions: columns.get()?,
            successes: columns.get()?,
            timed: columns.get()?,
            micros: columns.count()?,
        })
    };
    let pairs = |row: &Row<'_>| {
        let mut columns = Columns::new(row);
        Ok(PastPair {
            agent_id: columns.id(AgentId)?,
            after: columns.id(AgentId)?,
            executions: columns.get()?,
            successes: columns.get()?,
        })
    };
    let opinions = |row: &Row<'_>| {
        let mut columns = Columns::new(row);
        Ok(PastOpinion {
            agent_id: columns.id(AgentId)?,
            user_id: columns.id(UserId)?,
            ratings: columns.get()?,
            stars: columns.get()?,
            approved: columns.get()?,
            rejected: columns.get()?,
        })
    };
    Ok(Past {
        days: connection
            .prepare(
                "SELECT h.agent_id, h.kind, h.day, h.executions, h.successes, h.timed, h.micros FROM agent_history h
                 JOIN agent a ON a.id = h.agent_id WHERE h.day > ? ORDER BY h.agent_id, h.kind, h.day",
            )
            .and_then(|mut statement| statement.query_map([since], days)?.collect())
            .doing(DOING)?,
        pairs: connection
            .prepare(
                "SELECT p.agent_id, p.after, p.executions, p.successes FROM agent_pair p
                 JOIN agent a ON a.id = p.agent_id ORDER BY p.agent_id, p.after",
            )
            .and_then(|mut statement| statement.query_map([], pairs)?.collect())
            .doing(DOING)?,
        opinions: connection
            .prepare(
                "SELECT o.agent_id, o.user_id, sum(o.ratings), sum(o.stars), sum(o.approved), sum(o.rejected) FROM (
                     SELECT agent_id, user_id, 1 AS ratings, rating AS stars, 0 AS approved, 0 AS rejected FROM rating
                     UNION ALL SELECT agent_id, user_id, 0, 0, approved, rejected FROM agent_judgement) o
                 JOIN agent a ON a.id = o.agent_id GROUP BY o.agent_id, o.user_id ORDER BY o.agent_id, o.user_id",
            )
            .and_then(|mut statement| statement.query_map([], opinions)?.collect())
            .doing(DOING)?,
        models: super::model::latest(connection)?,
        lessons: super::model::lessons(connection)?,
    })
}

impl Reader {
    /// The seed of the journal, which tells it from others.
    pub(super) fn seed(&self) -> Result<i64, Error> {
        self.connection().query_row("SELECT seed FROM origin", [], |row| row.get(0)).doing("reading the journal's seed")
    }

    /// Of the tasks named those of which an attempt has ended, as far as rating them needs.
    pub fn rated_tasks(&self, ids: &[TaskId]) -> Result<Vec<RatedTask>, Error> {
        let doing = "reading what is to be rated";
        let mut found = vec![];
        for id in ids {
            let key = params![id.0.as_bytes()];
            let task = self
                .connection()
                .prepare_cached(
                    "SELECT e.id, e.agent_id, t.type, t.topic FROM execution e JOIN task t ON t.id = e.task_id
                     WHERE e.task_id = ? AND e.completed_at IS NOT NULL ORDER BY e.seq DESC LIMIT 1",
                )
                .and_then(|mut statement| {
                    let read = |row: &Row<'_>| {
                        let mut columns = Columns::new(row);
                        let (execution_id, agent_id) = (columns.id(ExecutionId)?, columns.id(AgentId)?);
                        let (kind, context) = (columns.get()?, columns.optional_json()?.unwrap_or_default());
                        Ok(RatedTask { task_id: *id, execution_id, agent_id, ratings: vec![], kind, context })
                    };
                    statement.query_row(key, read).optional()
                })
                .doing(doing)?;
            let Some(mut task) = task else { continue };
            task.ratings = self
                .connection()
                .prepare_cached(
                    "SELECT user_id, rating, note, execution_id, agent_id, taught, rated_at FROM rating
                     WHERE task_id = ? ORDER BY user_id",
                )
                .and_then(|mut statement| {
                    let read = |row: &Row<'_>| {
                        let mut columns = Columns::new(row);
                        Ok(GivenRating {
                            user_id: columns.id(UserId)?,
                            stars: columns.get()?,
                            note: columns.get()?,
                            execution_id: columns.id(ExecutionId)?,
                            agent_id: columns.id(AgentId)?,
                            taught: columns.optional_json()?,
                            time: columns.time()?,
                        })
                    };
                    statement.query_map(key, read)?.collect()
                })
                .doing(doing)?;
            found.push(task);
        }
        Ok(found)
    }

    /// What everybody thinks of how a task was done, the first said first.
    pub fn ratings(&self, task: TaskId) -> Result<Vec<Rating>, Error> {
        self.connection()
            .prepare_cached(
                "SELECT u.name, r.agent_id, r.execution_id, r.rating, r.note, r.rated_at
                 FROM rating r JOIN user u ON u.id = r.user_id WHERE r.task_id = ? ORDER BY r.rated_at, u.name",
            )
            .and_then(|mut statement| {
                let read = |row: &Row<'_>| {
                    let mut columns = Columns::new(row);
                    Ok(Rating {
                        user: columns.get()?,
                        agent_id: columns.id(AgentId)?,
                        execution_id: columns.id(ExecutionId)?,
                        rating: columns.get()?,
                        note: columns.get()?,
                        rated_at: columns.time()?,
                    })
                };
                statement.query_map(params![task.0.as_bytes()], read)?.collect()
            })
            .doing("reading the ratings of a task")
    }
}
