//! Groups of agents beside each other, each beside the time before: how many of their executions succeed, and how long those
//! take.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::super::error::{Doing, Error};
use super::super::journal::integer;
use super::super::reader::Reader;
use super::super::rows::Columns;
use super::agents::{BY_DAY, KIND_BY_DAY, NO_TASK};
use super::groups::Groups;
use crate::domain::confidence::{MedianTime, Rate};
use crate::domain::dashboard::{Per, Period, Trend, Trends};
use crate::domain::id::{AgentId, TaskId};
use crate::domain::performance::Day;
use crate::domain::time::Timestamp;

const DOING: &str = "reading what groups of agents did";

/// The most executions whose times are looked at, of each of the two times.
const TIMES_MAX: usize = 50_000;

/// How what agents did from one day on and from a later one on is found.
pub(super) fn counts_sql() -> String {
    format!(
        "SELECT p.agent_id, p.day >= ?2 AS late, sum(p.execution_count), sum(p.success_count)
             FROM agent_performance_daily p {BY_DAY} WHERE p.day >= ?1 GROUP BY p.agent_id, late"
    )
}

/// How what was done with types of tasks from one day on and from a later one on is found.
pub(super) fn counts_of_kinds_sql() -> String {
    format!(
        "SELECT h.kind, h.day >= ?2 AS late, count(DISTINCT h.agent_id), sum(h.executions), sum(h.successes)
             FROM agent_history h {KIND_BY_DAY} WHERE h.day >= ?1 GROUP BY h.kind, late"
    )
}

/// How the last executions after one record and up to another are found.
pub(super) fn times_sql() -> String {
    format!(
        "SELECT e.agent_id, e.task_id, e.status = 'completed', e.created_at, e.started_at, e.completed_at FROM execution e
             WHERE e.seq > ?1 AND e.seq <= ?2 ORDER BY e.seq DESC LIMIT {TIMES_MAX}"
    )
}

/// What a group did within one of the two times.
#[derive(Default)]
struct Sum {
    agents: u64,
    ended: u64,
    good: u64,
    times: Vec<u64>,
}

impl Sum {
    fn period(self) -> Period {
        Period { agents: self.agents, success: Rate::of(self.good, self.ended), time: MedianTime::of(self.times) }
    }
}

/// Executions and successes of each agent from a day on, by whether they are from a later one on.
pub(super) fn counts(connection: &Connection, from: Day, late: Day) -> Result<Vec<(AgentId, bool, u64, u64)>, Error> {
    let read = |row: &rusqlite::Row<'_>| {
        let mut columns = Columns::new(row);
        let c = &mut columns;
        Ok((c.id(AgentId)?, c.get()?, c.count()?, c.count()?))
    };
    connection
        .prepare_cached(&counts_sql())
        .and_then(|mut statement| statement.query_map(params![from.number(), late.number()], read)?.collect())
        .doing(DOING)
}

/// What was done with one type of task within one of the two times.
pub(super) struct OfKind {
    pub(super) kind: String,
    pub(super) late: bool,
    pub(super) agents: u64,
    pub(super) ended: u64,
    pub(super) good: u64,
}

/// Executions and successes of each type of task from a day on, likewise.
pub(super) fn counts_of_kinds(connection: &Connection, from: Day, late: Day) -> Result<Vec<OfKind>, Error> {
    let read = |row: &rusqlite::Row<'_>| {
        let mut columns = Columns::new(row);
        let c = &mut columns;
        Ok(OfKind { kind: c.get()?, late: c.get()?, agents: c.count()?, ended: c.count()?, good: c.count()? })
    };
    connection
        .prepare_cached(&counts_of_kinds_sql())
        .and_then(|mut statement| statement.query_map(params![from.number(), late.number()], read)?.collect())
        .doing(DOING)
}

/// How long executions took that succeeded.
struct Times {
    /// In milliseconds, with whose they are and of which task.
    took: Vec<(AgentId, TaskId, u64)>,
    /// When the first of them began, where there are more than are looked at.
    first: Option<Timestamp>,
}

/// How long the last executions after one record and up to another took.
fn times(connection: &Connection, after: i64, upto: i64) -> Result<Times, Error> {
    let mut statement = connection.prepare_cached(&times_sql()).doing(DOING)?;
    let mut rows = statement.query(params![after, upto]).doing(DOING)?;
    let (mut took, mut seen, mut first) = (vec![], 0, None);
    while let Some(row) = rows.next().doing(DOING)? {
        let mut columns = Columns::new(row);
        let c = &mut columns;
        let mut read =
            || Ok((c.id(AgentId)?, c.id(TaskId)?, c.get()?, c.time()?, c.optional_time()?, c.optional_time()?));
        let (agent, task, good, created, started, ended): (_, _, bool, _, _, _) = read().doing(DOING)?;
        (seen, first) = (seen + 1, Some(created));
        if let (true, Some(started), Some(ended)) = (good, started, ended) {
            took.push((agent, task, ended.since(started).as_micros().max(0).unsigned_abs() / 1_000));
        }
    }
    Ok(Times { took, first: first.filter(|_| seen >= TIMES_MAX) })
}

impl Reader {
    /// Groups of agents from a day on, beside the days from `before` up to it; at most `limit` of them.
    pub fn trends(&self, before: Day, from: Day, per: Per, limit: u64) -> Result<Trends, Error> {
        let connection = self.connection();
        // One transaction, so that all is of the same moment.
        let _look = connection.unchecked_transaction().doing(DOING)?;
        let mut groups = Groups::new(connection, per)?;
        let mut sums: BTreeMap<String, [Sum; 2]> = BTreeMap::new();
        if per == Per::TaskType {
            for OfKind { kind, late, agents, ended, good } in counts_of_kinds(connection, before, from)? {
                let sum = &mut sums.entry(kind).or_default()[usize::from(late)];
                (sum.agents, sum.ended, sum.good) = (agents, ended, good);
            }
        } else {
            for (agent, late, ended, good) in counts(connection, before, from)? {
                let sum = &mut sums.entry(groups.of(agent, NO_TASK)?).or_default()[usize::from(late)];
                (sum.agents, sum.ended, sum.good) = (sum.agents + 1, sum.ended + ended, sum.good + good);
            }
        }
        let earlier = integer(self.journal_before(before.begins())?);
        let middle = integer(self.journal_before(from.begins())?);
        let mut timed_from = from.begins();
        for (place, (after, upto)) in [(earlier, middle), (middle, i64::MAX)].into_iter().enumerate() {
            let found = times(connection, after, upto)?;
            for (agent, task, took) in found.took {
                let group = groups.of(agent, task)?;
                // Tasks that bring their command say nothing of their type: one of which there are only those is left out.
                if per != Per::TaskType || sums.contains_key(&group) {
                    sums.entry(group).or_default()[place].times.push(took);
                }
            }
            timed_from = if place == 1 { found.first.unwrap_or(timed_from) } else { timed_from };
        }
        let mut trends: Vec<Trend> = sums
            .into_iter()
            .map(|(group, [before, now])| {
                let (before, now) = (before.period(), now.period());
                let success_change = now.success.beside(&before.success);
                let time_change = now.time.beside(&before.time);
                Trend { group, now, before, success_change, time_change }
            })
            .collect();
        let groups = trends.len() as u64;
        trends.sort_by(|one, other| {
            other.now.success.low.total_cmp(&one.now.success.low).then_with(|| {
                (Reverse(one.now.success.n), &one.group).cmp(&(Reverse(other.now.success.n), &other.group))
            })
        });
        trends.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Trends { per, from, before, timed_from, groups, trends })
    }
}
