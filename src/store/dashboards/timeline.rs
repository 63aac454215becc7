//! Executions over cages within a time. Rows of executions are in the order in which they were decided, and the journal finds
//! the first of a time by halves; so what is looked at is what began within the time or not long before it, newest first, and
//! what has not ended.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, params};

use super::super::error::{Doing, Error};
use super::super::journal::integer;
use super::super::reader::Reader;
use super::super::rows::Columns;
use crate::domain::dashboard::{Timeline, TimelineRow, TimelineSpan};
use crate::domain::id::{AgentId, CageId, ExecutionId, TaskId};
use crate::domain::quantity::Span;
use crate::domain::time::Timestamp;

const DOING: &str = "reading executions over time";

/// The most executions that are looked at.
const EXECUTIONS_MAX: u64 = 50_000;

/// How much earlier than the time an execution may have begun that ends within it.
pub(in crate::store) const LOOK_BACK: Span = Span::from_secs(6 * 3600);

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimelineQuery {
    /// From when on.
    pub from: Timestamp,
    /// Up to when.
    pub to: Timestamp,
    /// What is shorter than this is not told apart from what is beside it.
    pub step: Span,
    /// How many cages to leave out at the front, of those that had something within the time.
    pub offset: u64,
    /// How many cages at most.
    pub limit: u64,
}

/// An execution, as the table has it.
struct Found {
    id: ExecutionId,
    task: TaskId,
    agent: AgentId,
    cage: CageId,
    created: Timestamp,
    from: Timestamp,
    to: Option<Timestamp>,
    failed: bool,
    cancelled: bool,
}

fn found(row: &Row<'_>) -> rusqlite::Result<Found> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    let (id, task, agent, cage) = (c.id(ExecutionId)?, c.id(TaskId)?, c.id(AgentId)?, c.cage()?);
    let (created, started, to) = (c.time()?, c.optional_time()?, c.optional_time()?);
    let from = started.unwrap_or(created);
    Ok(Found { id, task, agent, cage, created, from, to, failed: c.get()?, cancelled: c.get()? })
}

const COLUMNS: &str = "e.id, e.task_id, e.agent_id, e.cage_id, e.created_at, e.started_at, e.completed_at, \
    e.status = 'failed' AND e.outcome_kind IS NOT 'cancelled', e.outcome_kind IS 'cancelled'";

/// How executions that began after one record and up to another are found.
pub(super) fn began_sql() -> String {
    format!(
        "SELECT {COLUMNS} FROM execution e WHERE e.seq > ?1 AND e.seq <= ?2 ORDER BY e.seq DESC LIMIT {EXECUTIONS_MAX}"
    )
}

/// How executions are found that have not ended and began before.
pub(super) fn open_sql() -> String {
    format!("SELECT {COLUMNS} FROM execution e WHERE e.completed_at IS NULL AND e.seq <= ?1")
}

impl Reader {
    /// The executions that were under way within a time, cage by cage.
    pub fn timeline(&self, query: &TimelineQuery) -> Result<Timeline, Error> {
        let connection = self.connection();
        // One transaction, so that all is of the same moment.
        let _look = connection.unchecked_transaction().doing(DOING)?;
        let earliest = Timestamp::from_micros(query.from.as_micros().saturating_sub(LOOK_BACK.as_micros()).max(0));
        let (low, high) = (self.journal_before(earliest)?, self.journal_before(query.to)?);
        let sql = began_sql();
        let ended: Vec<Found> = connection
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_map(params![integer(low), integer(high)], found)?.collect())
            .doing(DOING)?;
        let complete = match ended.last() {
            Some(last) if ended.len() as u64 >= EXECUTIONS_MAX => last.created.max(query.from),
            _ => query.from,
        };
        // What has run for longer than one looks back.
        let sql = open_sql();
        let open: Vec<Found> = connection
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_map(params![integer(low)], found)?.collect())
            .doing(DOING)?;
        let within = |found: &Found| found.from < query.to && found.to.is_none_or(|to| to >= query.from);
        let mut cages: BTreeMap<CageId, Vec<Found>> = BTreeMap::new();
        for found in ended.into_iter().chain(open).filter(within) {
            cages.entry(found.cage).or_default().push(found);
        }
        let total = cages.len() as u64;
        let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let rows = cages.into_iter().skip(number(query.offset)).take(number(query.limit));
        let rows =
            rows.map(|(cage_id, found)| Ok(TimelineRow { cage_id, spans: self.named(together(found, query.step))? }));
        Ok(Timeline { complete_from: complete, cages: total, rows: rows.collect::<Result<_, Error>>()? })
    }

    /// With the types of tasks and the names of agents.
    fn named(&self, spans: Vec<(TimelineSpan, AgentId)>) -> Result<Vec<TimelineSpan>, Error> {
        let connection = self.connection();
        let mut of_task = connection.prepare_cached("SELECT type FROM task WHERE id = ?").doing(DOING)?;
        let mut of_agent = connection.prepare_cached(super::super::version::NAME).doing(DOING)?;
        let mut named = Vec::with_capacity(spans.len());
        for (mut span, agent) in spans {
            span.task_type =
                of_task.query_row([span.task_id.0.as_bytes()], |row| row.get(0)).optional().doing(DOING)?;
            span.agent = of_agent.query_row([agent.0.as_bytes()], |row| row.get(0)).doing(DOING)?;
            named.push(span);
        }
        Ok(named)
    }
}

/// Executions of one cage in the order of time, those that are too short to be told apart as one.
fn together(mut found: Vec<Found>, step: Span) -> Vec<(TimelineSpan, AgentId)> {
    found.sort_by_key(|one| (one.from, one.id));
    let short = |from: Timestamp, to: Option<Timestamp>| to.is_some_and(|to| to.since(from) < step);
    let mut spans: Vec<(TimelineSpan, AgentId)> = vec![];
    for one in found {
        let (failed, cancelled) = (u64::from(one.failed), u64::from(one.cancelled));
        if let Some((last, agent)) = spans.last_mut()
            && let Some(end) = last.to
            && one.from.since(end) < step
            && short(one.from, one.to)
            && (last.count > 1 || short(last.from, last.to))
        {
            last.to = one.to.max(Some(end));
            (last.count, last.failed, last.cancelled) =
                (last.count + 1, last.failed + failed, last.cancelled + cancelled);
            (last.execution_id, last.task_id, *agent) = (one.id, one.task, one.agent);
            continue;
        }
        let span = TimelineSpan {
            from: one.from,
            to: one.to,
            count: 1,
            failed,
            cancelled,
            execution_id: one.id,
            task_id: one.task,
            task_type: None,
            agent: None,
        };
        spans.push((span, one.agent));
    }
    spans
}
