//! Figures that grow with every execution, added up over a transaction and written once at its end. Sums come out the
//! same however the records were cut into transactions, so a rebuild gives the same rows.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::domain::event::{Actor, Event, ExecutionEnded, Record};
use crate::domain::performance::Day;
use crate::domain::{AgentId, OutcomeKind, TaskStatus, Timestamp};
use crate::store::error::{Doing, Error};

/// What executions that ended within a transaction add to the counts.
#[derive(Debug, Default)]
pub(in crate::store) struct Tally {
    agents: BTreeMap<AgentId, AgentTally>,
    days: BTreeMap<(AgentId, Day), DayTally>,
    history: BTreeMap<(AgentId, Day), BTreeMap<String, DayTally>>,
    /// How many of an agent's executions of a type succeeded and had started, and how many microseconds those took.
    took: BTreeMap<AgentId, BTreeMap<String, (i64, i64)>>,
    pairs: BTreeMap<(AgentId, AgentId), (i64, i64)>,
    ended: BTreeMap<TaskStatus, i64>,
    listed: BTreeMap<(&'static str, &'static str), i64>,
    /// The block of the journal that was last noted for the predictor.
    pub(super) block: Option<i64>,
}

/// What is added to one agent's record; what is not a sum is as the last execution left it.
#[derive(Debug, Default)]
struct AgentTally {
    total: i64,
    stopped: i64,
    succeeded: i64,
    timed: i64,
    micros: i64,
    good_micros: i64,
    failures: u32,
    heartbeat: Option<Timestamp>,
    updated: Timestamp,
}

/// What is added to what one agent did on one day.
#[derive(Debug, Default)]
struct DayTally {
    total: i64,
    succeeded: i64,
    timed: i64,
    micros: i64,
    /// `None` while none was reported. Agents may report any number: the sum ends at the largest that there is.
    tokens: Option<i64>,
}

impl Tally {
    /// Notes what a record adds to the long lists, and what it moves from one status to another. Where nothing
    /// but the row tells the earlier status, [`moved`](Self::moved) is told.
    pub(super) fn list(&mut self, event: &Event) {
        let mut add = |list, status, rows| *self.listed.entry((list, status)).or_default() += rows;
        match event {
            Event::TaskSubmitted(event) => add("task", listed_status(event.task.status), 1),
            Event::ExecutionScheduled(event) => {
                add("task", "pending", -1);
                add("task", UNDERWAY, 1);
                add("execution", UNDERWAY, 1);
                add("allocation", "held", i64::try_from(event.held.len()).unwrap_or(i64::MAX));
            }
            Event::ExecutionEnded(event) => {
                let succeeded = event.outcome.succeeded();
                add("task", UNDERWAY, -1);
                add("task", listed_status(event.task_status), 1);
                add("execution", UNDERWAY, -1);
                add("execution", if succeeded { "completed" } else { "failed" }, 1);
            }
            _ => {}
        }
    }

    /// Notes a task that came into being, or went from one status to another.
    pub(super) fn moved(&mut self, from: Option<TaskStatus>, to: TaskStatus) {
        if let Some(from) = from {
            *self.listed.entry(("task", listed_status(from))).or_default() -= 1;
        }
        *self.listed.entry(("task", listed_status(to))).or_default() += 1;
    }

    /// Notes an execution that ended.
    pub(super) fn add(&mut self, record: &Record, event: &ExecutionEnded) {
        if event.task_status.is_final() {
            *self.ended.entry(event.task_status).or_default() += 1;
        }
        let agent = self.agents.entry(event.agent_id).or_default();
        agent.failures = event.agent_failures;
        if matches!(record.actor, Actor::Node(_)) {
            agent.heartbeat = Some(record.time);
        }
        agent.updated = record.time;
        if event.outcome.kind == OutcomeKind::CageFailed {
            // The agent never got to work: it neither did something nor failed at it.
            return;
        }
        // What was stopped by others was neither done well nor badly, and used tokens all the same.
        let judged = event.outcome.kind.judges_agent();
        let took = event.started_at.filter(|_| judged).map(|started| event.ended_at.since(started).as_micros());
        agent.total += i64::from(judged);
        agent.stopped += i64::from(!judged);
        agent.succeeded += i64::from(event.outcome.succeeded());
        agent.timed += i64::from(took.is_some());
        agent.micros += took.unwrap_or(0);
        agent.good_micros += took.filter(|_| event.outcome.succeeded()).unwrap_or(0);
        let day = self.days.entry((event.agent_id, Day::of(event.ended_at))).or_default();
        day.total += i64::from(judged);
        day.succeeded += i64::from(event.outcome.succeeded());
        day.timed += i64::from(took.is_some());
        day.micros += took.unwrap_or(0);
        if let Some(tokens) = event.outcome.tokens_used {
            day.tokens = Some(day.tokens.unwrap_or(0).saturating_add(i64::try_from(tokens).unwrap_or(i64::MAX)));
        }
        if let Some(kind) = &event.kind {
            self.tell(record, event, kind);
        }
    }

    /// Notes an end that says something about its agent.
    fn tell(&mut self, record: &Record, event: &ExecutionEnded, kind: &str) {
        let kinds = self.history.entry((event.agent_id, Day::of(record.time))).or_default();
        let tally = match kinds.get_mut(kind) {
            Some(tally) => tally,
            None => kinds.entry(kind.to_owned()).or_default(),
        };
        let succeeded = i64::from(event.outcome.succeeded());
        tally.total += 1;
        tally.succeeded += succeeded;
        if let Some(started) = event.started_at {
            let micros = event.ended_at.since(started).as_micros();
            tally.timed += 1;
            tally.micros += micros;
            if event.outcome.succeeded() {
                let kinds = self.took.entry(event.agent_id).or_default();
                let took = match kinds.get_mut(kind) {
                    Some(took) => took,
                    None => kinds.entry(kind.to_owned()).or_default(),
                };
                *took = (took.0 + 1, took.1 + micros);
            }
        }
        for after in &event.after {
            let pair = self.pairs.entry((event.agent_id, *after)).or_default();
            *pair = (pair.0 + 1, pair.1 + succeeded);
        }
    }

    fn flush_agents(&mut self, connection: &Connection) -> Result<(), Error> {
        for (id, agent) in std::mem::take(&mut self.agents) {
            connection
                .prepare_cached(
                    "UPDATE agent SET total_executions = total_executions + ?,
                         stopped_executions = stopped_executions + ?, success_count = success_count + ?,
                         timed_executions = timed_executions + ?, execution_us = execution_us + ?,
                         success_us = success_us + ?, consecutive_failures = ?, last_heartbeat = coalesce(?, last_heartbeat), updated_at = ?
                     WHERE id = ?",
                )
                .and_then(|mut statement| {
                    statement.execute(params![
                        agent.total,
                        agent.stopped,
                        agent.succeeded,
                        agent.timed,
                        agent.micros,
                        agent.good_micros,
                        agent.failures,
                        agent.heartbeat.map(Timestamp::as_micros),
                        agent.updated.as_micros(),
                        id.0.as_bytes(),
                    ])
                })
                .doing("changing the tables")?;
        }
        Ok(())
    }

    fn flush_days(&mut self, connection: &Connection) -> Result<(), Error> {
        for ((agent, day), tally) in std::mem::take(&mut self.days) {
            connection
                .prepare_cached(
                    "INSERT INTO agent_performance_daily (agent_id, day, execution_count, success_count, timed_count,
                         execution_us, tokens)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                     ON CONFLICT (agent_id, day) DO UPDATE SET execution_count = execution_count + ?3,
                         success_count = success_count + ?4, timed_count = timed_count + ?5,
                         execution_us = execution_us + ?6,
                         tokens = iif(?7 IS NULL, tokens, coalesce(tokens, 0) + min(?7, ?8 - coalesce(tokens, 0)))",
                )
                .and_then(|mut statement| {
                    statement.execute(params![
                        agent.0.as_bytes(),
                        day.number(),
                        tally.total,
                        tally.succeeded,
                        tally.timed,
                        tally.micros,
                        tally.tokens,
                        i64::MAX,
                    ])
                })
                .doing("changing the tables")?;
        }
        Ok(())
    }

    fn flush_history(&mut self, connection: &Connection) -> Result<(), Error> {
        for ((agent, day), kinds) in std::mem::take(&mut self.history) {
            for (kind, tally) in kinds {
                connection
                    .prepare_cached(
                        "INSERT INTO agent_history (agent_id, kind, day, executions, successes, timed, micros)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                         ON CONFLICT (agent_id, kind, day) DO UPDATE SET executions = executions + ?4,
                             successes = successes + ?5, timed = timed + ?6, micros = micros + ?7",
                    )
                    .and_then(|mut statement| {
                        statement.execute(params![
                            agent.0.as_bytes(),
                            kind,
                            day.number(),
                            tally.total,
                            tally.succeeded,
                            tally.timed,
                            tally.micros,
                        ])
                    })
                    .doing("changing the tables")?;
            }
        }
        let mut of_all: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for (agent, kinds) in std::mem::take(&mut self.took) {
            for (kind, (timed, micros)) in kinds {
                connection
                    .prepare_cached(
                        "INSERT INTO agent_kind (agent_id, kind, timed, micros) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT (agent_id, kind) DO UPDATE SET timed = timed + ?3, micros = micros + ?4",
                    )
                    .and_then(|mut statement| statement.execute(params![agent.0.as_bytes(), kind, timed, micros]))
                    .doing("changing the tables")?;
                let sum = of_all.entry(kind).or_default();
                *sum = (sum.0 + timed, sum.1 + micros);
            }
        }
        for (kind, (timed, micros)) in of_all {
            connection
                .prepare_cached(
                    "INSERT INTO kind_time (kind, timed, micros) VALUES (?1, ?2, ?3)
                     ON CONFLICT (kind) DO UPDATE SET timed = timed + ?2, micros = micros + ?3",
                )
                .and_then(|mut statement| statement.execute(params![kind, timed, micros]))
                .doing("changing the tables")?;
        }
        for ((agent, after), (executions, successes)) in std::mem::take(&mut self.pairs) {
            connection
                .prepare_cached(
                    "INSERT INTO agent_pair (agent_id, after, executions, successes) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (agent_id, after) DO UPDATE SET executions = executions + ?3, successes = successes + ?4",
                )
                .and_then(|mut statement| {
                    statement.execute(params![agent.0.as_bytes(), after.0.as_bytes(), executions, successes])
                })
                .doing("changing the tables")?;
        }
        Ok(())
    }

    /// Writes everything that was noted: the last thing in a transaction, and before anything else changes a count.
    pub(in crate::store) fn flush(&mut self, connection: &Connection) -> Result<(), Error> {
        self.flush_agents(connection)?;
        self.flush_days(connection)?;
        self.flush_history(connection)?;
        for (status, tasks) in std::mem::take(&mut self.ended) {
            super::task::add_ended(connection, status, tasks)?;
        }
        for ((list, status), rows) in std::mem::take(&mut self.listed) {
            listed(connection, list, status, rows)?;
        }
        Ok(())
    }
}

/// What stands for scheduled, starting, executing and running: which of them, the execution tells.
const UNDERWAY: &str = "underway";

/// The name under which tasks of a status are counted.
const fn listed_status(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Scheduled | TaskStatus::Executing => UNDERWAY,
        other => other.as_str(),
    }
}

/// Adds rows to a count of a list. A count of nothing has no row, so that it looks the same whichever way it came about.
fn listed(connection: &Connection, list: &str, status: &str, rows: i64) -> Result<(), Error> {
    if rows == 0 {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT INTO listed (list, status, rows) VALUES (?1, ?2, ?3)
             ON CONFLICT (list, status) DO UPDATE SET rows = rows + ?3",
        )
        .and_then(|mut statement| statement.execute(params![list, status, rows]))
        .doing("changing the tables")?;
    if rows < 0 {
        connection
            .prepare_cached("DELETE FROM listed WHERE list = ? AND status = ? AND rows = 0")
            .and_then(|mut statement| statement.execute(params![list, status]))
            .doing("changing the tables")?;
    }
    Ok(())
}
