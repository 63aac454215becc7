//! The work of agents, by agent and by day, from what is kept of each on each day.

use rusqlite::params;

use super::super::error::{Doing, Error};
use super::super::reader::Reader;
use super::super::rows::Columns;
use crate::domain::dashboard::{DayPerformance, TopAgent, TopBy};
use crate::domain::id::AgentId;
use crate::domain::performance::Day;

const DOING: &str = "reading what agents did";

/// What they are ordered by.
const fn order(by: TopBy) -> &'static str {
    match by {
        TopBy::Executions => "executions DESC, successes DESC",
        TopBy::Successes => "successes DESC, executions",
        TopBy::Failures => "executions - successes DESC, executions",
        TopBy::Time => "micros DESC, executions DESC",
        TopBy::Tokens => "tokens DESC NULLS LAST, executions DESC",
    }
}

/// By agent the table would be gone through from its beginning.
const BY_DAY: &str = "INDEXED BY agent_performance_daily_day";

/// The sum of tokens, unknown where none was reported; agents may report any number, so it ends at the largest.
const TOKENS: &str = "CASE WHEN count(p.tokens) = 0 THEN NULL ELSE CAST(total(p.tokens) AS INTEGER) END";

/// How those that did most from a day on are found.
pub(super) fn top_sql(by: TopBy) -> String {
    let order = order(by);
    format!(
        "SELECT s.agent_id, a.name, s.executions, s.successes, s.timed, s.micros, s.tokens, s.last
             FROM (SELECT p.agent_id, sum(p.execution_count) AS executions, sum(p.success_count) AS successes,
                       sum(p.timed_count) AS timed, CAST(total(p.execution_us) AS INTEGER) AS micros,
                       {TOKENS} AS tokens, max(p.day) AS last
                   FROM agent_performance_daily p {BY_DAY} WHERE p.day >= ? GROUP BY p.agent_id) s
             LEFT JOIN agent a ON a.id = s.agent_id ORDER BY {order}, a.name, s.agent_id LIMIT ?"
    )
}

/// How what each day from one on brought is found.
pub(super) fn days_sql() -> String {
    format!(
        "SELECT p.day, count(*), sum(p.execution_count), sum(p.success_count), sum(p.timed_count),
                 CAST(total(p.execution_us) AS INTEGER), {TOKENS}
             FROM agent_performance_daily p {BY_DAY} WHERE p.day >= ? GROUP BY p.day ORDER BY p.day"
    )
}

impl Reader {
    /// Those that did most from a day on, at most `limit` of them.
    pub fn top_agents(&self, since: Day, by: TopBy, limit: u64) -> Result<Vec<TopAgent>, Error> {
        let sql = top_sql(by);
        let read = |row: &rusqlite::Row<'_>| {
            let mut columns = Columns::new(row);
            let c = &mut columns;
            let (agent_id, agent) = (c.id(AgentId)?, c.get()?);
            let (execution_count, success_count, timed, micros) = (c.count()?, c.count()?, c.count()?, c.count()?);
            let tokens: Option<i64> = c.get()?;
            Ok(TopAgent {
                agent_id,
                agent,
                execution_count,
                success_count,
                avg_duration_ms: micros.checked_div(timed).map(|micros| micros / 1000),
                busy_ms: (timed > 0).then_some(micros / 1000),
                total_tokens_used: tokens.map(i64::unsigned_abs),
                last_day: Day::from_number(c.get()?),
            })
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.connection()
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_map(params![since.number(), limit], read)?.collect())
            .doing(DOING)
    }

    /// What all of them did, day by day from a day on, the earliest first.
    pub fn days(&self, since: Day) -> Result<Vec<DayPerformance>, Error> {
        let sql = days_sql();
        let read = |row: &rusqlite::Row<'_>| {
            let mut columns = Columns::new(row);
            let c = &mut columns;
            let (date, agents) = (Day::from_number(c.get()?), c.count()?);
            let (execution_count, success_count, timed, micros) = (c.count()?, c.count()?, c.count()?, c.count()?);
            let tokens: Option<i64> = c.get()?;
            Ok(DayPerformance {
                date,
                agents,
                execution_count,
                success_count,
                avg_duration_ms: micros.checked_div(timed).map(|micros| micros / 1000),
                total_tokens_used: tokens.map(i64::unsigned_abs),
            })
        };
        self.connection()
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_map([since.number()], read)?.collect())
            .doing(DOING)
    }
}
