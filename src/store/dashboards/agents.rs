//! The work of agents, by agent and by day, from what is kept of each on each day.

use std::collections::BTreeMap;

use rusqlite::params;

use super::super::error::{Doing, Error};
use super::super::reader::Reader;
use super::super::rows::Columns;
use super::groups::Groups;
use crate::domain::confidence::Rate;
use crate::domain::dashboard::{DayPerformance, Per, TopAgent, TopBy};
use crate::domain::id::{AgentId, TaskId};
use crate::domain::performance::Day;

const DOING: &str = "reading what agents did";

/// The most rows of agents' days that are looked at to tell groups apart.
const APART_MAX: usize = 50_000;

/// Where groups are not of tasks.
pub(super) const NO_TASK: TaskId = TaskId(uuid::Uuid::nil());

/// What they are ordered by. How sure a share is, the database cannot tell; of those that are, more is better.
const fn order(by: TopBy) -> &'static str {
    match by {
        TopBy::Success | TopBy::Executions => "executions DESC, successes DESC",
        TopBy::Successes => "successes DESC, executions",
        TopBy::Failures => "executions - successes DESC, executions",
        TopBy::Time => "micros DESC, executions DESC",
        TopBy::Tokens => "tokens DESC NULLS LAST, executions DESC",
    }
}

/// By agent the table would be gone through from its beginning.
pub(super) const BY_DAY: &str = "INDEXED BY agent_performance_daily_day";

/// Likewise of what is kept of agents by type of task.
pub(super) const KIND_BY_DAY: &str = "INDEXED BY agent_history_day";

/// The sum of tokens, unknown where none was reported; agents may report any number, so it ends at the largest.
const TOKENS: &str = "CASE WHEN count(p.tokens) = 0 THEN NULL ELSE CAST(total(p.tokens) AS INTEGER) END";

/// How those that did most from a day on are found; with a type of task those that did most of it, for which tokens are not kept.
pub(super) fn top_sql(by: TopBy, of_kind: bool) -> String {
    let order = order(by);
    let sums = if of_kind {
        format!(
            "SELECT h.agent_id, sum(h.executions) AS executions, sum(h.successes) AS successes, sum(h.timed) AS timed,
                       CAST(total(h.micros) AS INTEGER) AS micros, NULL AS tokens, max(h.day) AS last
                   FROM agent_history h {KIND_BY_DAY} WHERE h.day >= ?1 AND h.kind = ?3 GROUP BY h.agent_id"
        )
    } else {
        format!(
            "SELECT p.agent_id, sum(p.execution_count) AS executions, sum(p.success_count) AS successes,
                       sum(p.timed_count) AS timed, CAST(total(p.execution_us) AS INTEGER) AS micros,
                       {TOKENS} AS tokens, max(p.day) AS last
                   FROM agent_performance_daily p {BY_DAY} WHERE p.day >= ?1 AND ?3 IS NULL GROUP BY p.agent_id"
        )
    };
    format!(
        "SELECT s.agent_id, coalesce(a.name, (SELECT v.name FROM agent_version v WHERE v.agent_id = s.agent_id
                     ORDER BY v.version DESC LIMIT 1)), a.id IS NULL, s.executions, s.successes, s.timed, s.micros, s.tokens, s.last
             FROM ({sums}) s
             LEFT JOIN agent a ON a.id = s.agent_id ORDER BY {order}, a.name, s.agent_id LIMIT ?2"
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

/// How the days of agents are found, the latest first.
pub(super) fn days_apart_sql() -> String {
    format!(
        "SELECT p.day, p.agent_id, p.execution_count, p.success_count, p.timed_count, p.execution_us, p.tokens
             FROM agent_performance_daily p {BY_DAY} WHERE p.day >= ? ORDER BY p.day DESC, p.agent_id LIMIT {APART_MAX}"
    )
}

/// How what was done with types of tasks on days is found.
pub(super) fn days_of_kinds_sql() -> String {
    format!(
        "SELECT h.day, h.kind, count(*), sum(h.executions), sum(h.successes), sum(h.timed),
                 CAST(total(h.micros) AS INTEGER)
             FROM agent_history h {KIND_BY_DAY} WHERE h.day >= ? GROUP BY h.day, h.kind ORDER BY h.day, h.kind"
    )
}

/// What the agents of a group did on a day.
#[derive(Default)]
struct Sum {
    agents: u64,
    ended: u64,
    good: u64,
    timed: u64,
    micros: u64,
    tokens: Option<u64>,
}

impl Sum {
    fn add(&mut self, ended: u64, good: u64, (timed, micros): (u64, u64), tokens: Option<i64>) {
        (self.agents, self.ended, self.good) = (self.agents + 1, self.ended + ended, self.good + good);
        (self.timed, self.micros) = (self.timed + timed, self.micros.saturating_add(micros));
        if let Some(tokens) = tokens {
            // Agents may report any number, so the sum ends at the largest that is kept.
            let sum = self.tokens.unwrap_or(0).saturating_add(tokens.unsigned_abs());
            self.tokens = Some(sum.min(i64::MAX.unsigned_abs()));
        }
    }

    fn of_day(self, date: Day, group: String) -> DayPerformance {
        DayPerformance {
            date,
            group: Some(group),
            agents: self.agents,
            execution_count: self.ended,
            success_count: self.good,
            success: Rate::of(self.good, self.ended),
            avg_duration_ms: self.micros.checked_div(self.timed).map(|micros| micros / 1000),
            total_tokens_used: self.tokens,
        }
    }
}

impl Reader {
    /// Those that did most from a day on, at most `limit` of them; where a type of task is named, with tasks of it that leave
    /// it to an agent how they are done.
    pub fn top_agents(&self, since: Day, by: TopBy, limit: u64, kind: Option<&str>) -> Result<Vec<TopAgent>, Error> {
        let sql = top_sql(by, kind.is_some());
        let read = |row: &rusqlite::Row<'_>| {
            let mut columns = Columns::new(row);
            let c = &mut columns;
            let (agent_id, agent, removed) = (c.id(AgentId)?, c.get()?, c.get()?);
            let (execution_count, success_count, timed, micros) = (c.count()?, c.count()?, c.count()?, c.count()?);
            let tokens: Option<i64> = c.get()?;
            Ok(TopAgent {
                agent_id,
                agent,
                removed,
                execution_count,
                success_count,
                success: Rate::of(success_count, execution_count),
                avg_duration_ms: micros.checked_div(timed).map(|micros| micros / 1000),
                busy_ms: (timed > 0).then_some(micros / 1000),
                total_tokens_used: tokens.map(i64::unsigned_abs),
                last_day: Day::from_number(c.get()?),
            })
        };
        let asked = if by == TopBy::Success { i64::MAX } else { i64::try_from(limit).unwrap_or(i64::MAX) };
        let mut found: Vec<TopAgent> = self
            .connection()
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_map(params![since.number(), asked, kind], read)?.collect())
            .doing(DOING)?;
        if by == TopBy::Success {
            found.sort_by(|one, other| other.success.low.total_cmp(&one.success.low));
            found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        Ok(found)
    }

    /// What each group of agents did, day by day from a day on, the earliest first. Days that could not be looked at whole,
    /// because there are very many agents, are missing.
    pub fn days_apart(&self, since: Day, per: Per) -> Result<Vec<DayPerformance>, Error> {
        if per == Per::TaskType {
            return self.days_of_kinds(since);
        }
        let connection = self.connection();
        let _look = connection.unchecked_transaction().doing(DOING)?;
        let mut groups = Groups::new(connection, per)?;
        let mut sums: BTreeMap<(Day, String), Sum> = BTreeMap::new();
        let mut statement = connection.prepare_cached(&days_apart_sql()).doing(DOING)?;
        let mut rows = statement.query([since.number()]).doing(DOING)?;
        let (mut seen, mut last) = (0, None);
        while let Some(row) = rows.next().doing(DOING)? {
            let mut columns = Columns::new(row);
            let c = &mut columns;
            let mut read = || {
                let (day, agent) = (Day::from_number(c.get()?), c.id(AgentId)?);
                Ok((day, agent, c.count()?, c.count()?, (c.count()?, c.count()?), c.get()?))
            };
            let (day, agent, ended, good, took, tokens) = read().doing(DOING)?;
            sums.entry((day, groups.of(agent, NO_TASK)?)).or_default().add(ended, good, took, tokens);
            (seen, last) = (seen + 1, Some(day));
        }
        let cut = last.filter(|_| seen >= APART_MAX);
        let whole = sums.into_iter().filter(|((day, _), _)| Some(*day) != cut);
        Ok(whole.map(|((day, group), sum)| sum.of_day(day, group)).collect())
    }

    /// What was done with each type of task, day by day from a day on, the earliest first. Tasks that bring a command say
    /// nothing of whoever has them run and are not counted; nor are tokens, which are not kept by type.
    fn days_of_kinds(&self, since: Day) -> Result<Vec<DayPerformance>, Error> {
        let read = |row: &rusqlite::Row<'_>| {
            let mut columns = Columns::new(row);
            let c = &mut columns;
            let (date, group) = (Day::from_number(c.get()?), c.get()?);
            let (agents, ended, good, timed, micros) = (c.count()?, c.count()?, c.count()?, c.count()?, c.count()?);
            Ok(Sum { agents, ended, good, timed, micros, tokens: None }.of_day(date, group))
        };
        self.connection()
            .prepare_cached(&days_of_kinds_sql())
            .and_then(|mut statement| statement.query_map([since.number()], read)?.collect())
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
                group: None,
                agents,
                execution_count,
                success_count,
                success: Rate::of(success_count, execution_count),
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
