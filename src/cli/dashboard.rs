//! `menagerie dashboard …`: who did most, what each day brought, what went wrong, who works on whose results.

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use super::args::one_of;
use super::context::Context;
use super::failure::Outcome;
use super::output::Role;
use super::table::{Align, Cell, Table};
use super::view;
use crate::api::client::Query;
use crate::domain::Span;
use crate::domain::dashboard::{Collaboration, DayPerformance, ErrorSummary, TopAgent, TopBy};

/// What there is a dashboard of.
#[derive(Subcommand, Debug)]
pub enum DashboardVerb {
    /// The agents that did most
    TopAgents {
        #[command(flatten)]
        days: DaysArgs,
        /// By what they are the top ones
        #[arg(long, value_name = "FIGURE", value_parser = one_of::<TopBy>(TopBy::ALL), default_value = "executions")]
        by: TopBy,
        /// At most this many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u64,
    },
    /// What all agents did, day by day
    Days(DaysArgs),
    /// What went wrong, like messages together
    Errors(SinceArgs),
    /// Who works on whose results
    Collaboration(SinceArgs),
}

/// Days, of which the last is today.
#[derive(Args, Clone, Debug)]
pub struct DaysArgs {
    /// How many days, of which the last is today, in UTC
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub days: u64,
}

/// How far back.
#[derive(Args, Clone, Debug)]
pub struct SinceArgs {
    /// How far back
    #[arg(long, value_name = "SPAN", default_value = "24h")]
    pub since: Span,
}

pub fn run(context: &mut Context, verb: DashboardVerb) -> Outcome {
    match verb {
        DashboardVerb::TopAgents { days, by, limit } => top_agents(context, &days, by, limit),
        DashboardVerb::Days(days) => each_day(context, &days),
        DashboardVerb::Errors(since) => errors(context, &since),
        DashboardVerb::Collaboration(since) => collaboration(context, &since),
    }
}

fn given<const N: usize>(parameters: [(&str, String); N]) -> Query {
    parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Rows as values, for the formats that programs read.
fn values(rows: &[impl Serialize]) -> Vec<Value> {
    rows.iter().filter_map(|row| serde_json::to_value(row).ok()).collect()
}

fn share(good: u64, all: u64) -> String {
    (good * 100).checked_div(all).map_or_else(|| view::NOTHING.to_owned(), |share| format!("{share}%"))
}

fn millis(value: Option<u64>) -> String {
    let span = |millis| Span::from_millis(i64::try_from(millis).unwrap_or(i64::MAX)).human();
    value.map_or_else(|| view::NOTHING.to_owned(), span)
}

fn known(value: Option<u64>) -> String {
    value.map_or_else(|| view::NOTHING.to_owned(), |value| value.to_string())
}

fn top_agents(context: &mut Context, days: &DaysArgs, by: TopBy, limit: u64) -> Outcome {
    let query = given([("days", days.days.to_string()), ("by", by.to_string()), ("limit", limit.to_string())]);
    let rows: Vec<TopAgent> = context.engine()?.get("/v1/dashboards/top-agents", &query)?;
    if context.out.values(&values(&rows))? {
        return Ok(0);
    }
    let mut table = Table::new(&[
        ("AGENT", Align::Elastic),
        ("DONE", Align::Right),
        ("GOOD", Align::Right),
        ("MEAN", Align::Right),
        ("BUSY", Align::Right),
        // What agents say of themselves is not measured, and said to be so.
        ("SAID TOKENS", Align::Right),
        ("LAST DAY", Align::Left),
    ]);
    for row in rows {
        table.row(vec![
            row.agent.unwrap_or_else(|| row.agent_id.to_string()).into(),
            row.execution_count.to_string().into(),
            share(row.success_count, row.execution_count).into(),
            millis(row.avg_duration_ms).into(),
            millis(row.busy_ms).into(),
            known(row.total_tokens_used).into(),
            row.last_day.to_string().into(),
        ]);
    }
    context.out.table(&table)?;
    Ok(0)
}

fn each_day(context: &mut Context, days: &DaysArgs) -> Outcome {
    let query = given([("days", days.days.to_string())]);
    let rows: Vec<DayPerformance> = context.engine()?.get("/v1/dashboards/days", &query)?;
    if context.out.values(&values(&rows))? {
        return Ok(0);
    }
    let mut table = Table::new(&[
        ("DATE", Align::Left),
        ("AGENTS", Align::Right),
        ("DONE", Align::Right),
        ("GOOD", Align::Right),
        ("MEAN", Align::Right),
        ("SAID TOKENS", Align::Right),
    ]);
    for row in rows {
        table.row(vec![
            row.date.to_string().into(),
            row.agents.to_string().into(),
            row.execution_count.to_string().into(),
            share(row.success_count, row.execution_count).into(),
            millis(row.avg_duration_ms).into(),
            known(row.total_tokens_used).into(),
        ]);
    }
    context.out.table(&table)?;
    Ok(0)
}

fn errors(context: &mut Context, since: &SinceArgs) -> Outcome {
    let query = given([("since", since.since.to_string())]);
    let summary: ErrorSummary = context.engine()?.get("/v1/dashboards/errors", &query)?;
    if context.out.values(&values(&summary.groups))? {
        return Ok(0);
    }
    let mut table = Table::new(&[
        ("TIMES", Align::Right),
        ("AGENTS", Align::Right),
        ("CAGES", Align::Right),
        ("LAST", Align::Left),
        ("OUTCOME", Align::Left),
        ("MESSAGE", Align::Elastic),
    ]);
    for group in &summary.groups {
        table.row(vec![
            group.count.to_string().into(),
            group.agents.to_string().into(),
            group.cages.to_string().into(),
            group.last.to_string().into(),
            Cell::new(group.outcome.as_str(), Role::Bad),
            group.pattern.clone().into(),
        ]);
    }
    if !table.is_empty() {
        context.out.table(&table)?;
    }
    remark(context, &format!("{} failed executions since {}", summary.looked_at, summary.complete_from))
}

fn collaboration(context: &mut Context, since: &SinceArgs) -> Outcome {
    let query = given([("since", since.since.to_string())]);
    let found: Collaboration = context.engine()?.get("/v1/dashboards/collaboration", &query)?;
    if context.out.values(&values(&found.links))? {
        return Ok(0);
    }
    let mut table = Table::new(&[
        ("RESULTS OF", Align::Left),
        ("USED BY", Align::Elastic),
        ("TASKS", Align::Right),
        ("ARTIFACTS", Align::Right),
        ("APPROVED", Align::Right),
    ]);
    for link in &found.links {
        table.row(vec![
            link.from.clone().into(),
            link.to.clone().into(),
            link.tasks.to_string().into(),
            link.artifacts.to_string().into(),
            link.approved.to_string().into(),
        ]);
    }
    if !table.is_empty() {
        context.out.table(&table)?;
    }
    let Collaboration { looked_at, open, complete_from, .. } = found;
    remark(
        context,
        &format!("{looked_at} dependencies since {complete_from}, {open} of them of tasks that nobody did yet"),
    )
}

/// A last line that says what was looked at.
fn remark(context: &mut Context, words: &str) -> Outcome {
    let words = context.out.paint(Role::Dim, words);
    context.out.line(&words)?;
    Ok(0)
}
