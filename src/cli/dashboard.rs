//! `menagerie dashboard …`: who did best, how groups of agents stand beside the time before, what each day brought, what went
//! wrong, who succeeds after whom. Shares and times come with their intervals at 95 % and how many they are of.

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
use crate::domain::confidence::{Change, MedianTime, Rate};
use crate::domain::dashboard::{Collaboration, DayPerformance, ErrorSummary, Per, TopAgent, TopBy, Trends};
use crate::ui;

/// What there is a dashboard of.
#[derive(Subcommand, Debug)]
pub enum DashboardVerb {
    /// The agents that did best or most
    TopAgents {
        #[command(flatten)]
        days: DaysArgs,
        /// By what they are the top ones
        #[arg(long, value_name = "FIGURE", value_parser = one_of::<TopBy>(TopBy::ALL), default_value = "success")]
        by: TopBy,
        /// At most this many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u64,
        /// Only what they did with tasks of this type
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
    },
    /// Groups of agents beside as many days before: success and time, with intervals; the surest to succeed first
    Trends {
        #[command(flatten)]
        days: DaysArgs,
        /// By what agents are taken together
        #[arg(long, value_name = "WHAT", value_parser = one_of::<Per>(Per::ALL), default_value = "agent")]
        per: Per,
        /// At most this many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u64,
    },
    /// What agents did, day by day
    Days {
        #[command(flatten)]
        days: DaysArgs,
        #[command(flatten)]
        apart: ApartArgs,
    },
    /// What went wrong, like messages together
    Errors {
        #[command(flatten)]
        since: SinceArgs,
        #[command(flatten)]
        apart: ApartArgs,
    },
    /// Who works on whose results, and how well beside overall
    Collaboration {
        #[command(flatten)]
        since: SinceArgs,
        /// By what agents are taken together
        #[arg(long, value_name = "WHAT", value_parser = one_of::<Per>(Per::ALL), default_value = "agent")]
        per: Per,
    },
}

/// Whether groups of agents are told apart.
#[derive(Args, Clone, Debug)]
pub struct ApartArgs {
    /// Each group of agents apart
    #[arg(long, value_name = "WHAT", value_parser = one_of::<Per>(Per::ALL))]
    pub per: Option<Per>,
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
        DashboardVerb::TopAgents { days, by, limit, kind } => top_agents(context, &days, by, limit, kind),
        DashboardVerb::Trends { days, per, limit } => trends(context, &days, per, limit),
        DashboardVerb::Days { days, apart } => each_day(context, &days, &apart),
        DashboardVerb::Errors { since, apart } => errors(context, &since, &apart),
        DashboardVerb::Collaboration { since, per } => collaboration(context, &since, per),
    }
}

fn given<const N: usize>(parameters: [(&str, String); N]) -> Query {
    parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Rows as values, for the formats that programs read.
fn values(rows: &[impl Serialize]) -> Vec<Value> {
    rows.iter().filter_map(|row| serde_json::to_value(row).ok()).collect()
}

/// Which groups are asked for, if any.
fn apart(query: &mut Query, apart: &ApartArgs) {
    query.extend(apart.per.map(|per| ("per".to_owned(), per.to_string())));
}

/// The head of the column of groups, as it stands in headers.
fn head(per: Per) -> &'static str {
    match per {
        Per::Agent => "AGENT",
        Per::Type => "KIND",
        Per::TaskType => "TASK TYPE",
        Per::Division => "DIVISION",
        Per::Owner => "OWNER",
    }
}

pub(super) fn share(rate: &Rate) -> String {
    rate.share.map_or_else(|| view::NOTHING.to_owned(), |share| format!("{}%", ui::decimals(share * 100.0, 0)))
}

/// Between which shares the truth lies.
pub(super) fn within(rate: &Rate) -> String {
    if rate.n == 0 {
        return view::NOTHING.to_owned();
    }
    format!("{}-{}%", ui::decimals(rate.low * 100.0, 0), ui::decimals(rate.high * 100.0, 0))
}

/// Between which times the median lies.
fn between(time: &MedianTime) -> String {
    match (time.low_ms, time.high_ms) {
        (Some(_), Some(_)) => format!("{} to {}", millis(time.low_ms), millis(time.high_ms)),
        _ => view::NOTHING.to_owned(),
    }
}

/// A change in colour, of something of so many beside so many. Where there is nothing on one side, there is none.
fn changed(change: Change, beside: (u64, u64), unclear: &str) -> Cell {
    if beside.0 == 0 || beside.1 == 0 {
        return Cell::new(view::NOTHING, Role::Dim);
    }
    let role = match change {
        Change::Better => Role::Good,
        Change::Worse => Role::Bad,
        Change::Unclear => Role::Dim,
    };
    Cell::new(if change == Change::Unclear { unclear } else { change.as_str() }, role)
}

fn millis(value: Option<u64>) -> String {
    let span = |millis| Span::from_millis(i64::try_from(millis).unwrap_or(i64::MAX)).human();
    value.map_or_else(|| view::NOTHING.to_owned(), span)
}

fn known(value: Option<u64>) -> String {
    value.map_or_else(|| view::NOTHING.to_owned(), |value| value.to_string())
}

/// Who it is, also after its removal.
fn named(row: &TopAgent) -> String {
    match &row.agent {
        Some(name) if row.removed => format!("{name} (removed)"),
        Some(name) => name.clone(),
        None => row.agent_id.to_string(),
    }
}

fn top_agents(context: &mut Context, days: &DaysArgs, by: TopBy, limit: u64, kind: Option<String>) -> Outcome {
    let mut query = given([("days", days.days.to_string()), ("by", by.to_string()), ("limit", limit.to_string())]);
    query.extend(kind.map(|kind| ("type".to_owned(), kind)));
    let rows: Vec<TopAgent> = context.engine()?.get("/v1/dashboards/top-agents", &query)?;
    if context.out.nested_values(&values(&rows))? {
        return Ok(0);
    }
    let mut table = Table::new(&[
        ("AGENT", Align::Elastic),
        ("DONE", Align::Right),
        ("GOOD", Align::Right),
        (if by == TopBy::Success { "95% (BY ITS LOWER END)" } else { "95%" }, Align::Right),
        ("MEAN", Align::Right),
        ("BUSY", Align::Right),
        // What agents say of themselves is not measured, and said to be so.
        ("SAID TOKENS", Align::Right),
        ("LAST DAY", Align::Left),
    ]);
    for row in rows {
        table.row(vec![
            named(&row).into(),
            row.execution_count.to_string().into(),
            share(&row.success).into(),
            within(&row.success).into(),
            millis(row.avg_duration_ms).into(),
            millis(row.busy_ms).into(),
            known(row.total_tokens_used).into(),
            row.last_day.to_string().into(),
        ]);
    }
    context.out.table(&table)?;
    Ok(0)
}

fn trends(context: &mut Context, days: &DaysArgs, per: Per, limit: u64) -> Outcome {
    let query = given([("days", days.days.to_string()), ("per", per.to_string()), ("limit", limit.to_string())]);
    let found: Trends = context.engine()?.get("/v1/dashboards/trends", &query)?;
    if context.out.nested_values(&values(&found.trends))? {
        return Ok(0);
    }
    let mut table = Table::new(&[
        (head(per), Align::Elastic),
        ("AGENTS", Align::Right),
        ("GOOD (95%, BY ITS LOWER END)", Align::Right),
        ("BEFORE", Align::Right),
        ("SUCCESS", Align::Left),
        ("MEDIAN (95%)", Align::Right),
        ("BEFORE", Align::Right),
        ("TIME", Align::Left),
    ]);
    let rate = |rate: &Rate| match rate.n {
        0 => view::NOTHING.to_owned(),
        n => format!("{} ({}) of {n}", share(rate), within(rate)),
    };
    let time = |time: &MedianTime| match time.n {
        0 => view::NOTHING.to_owned(),
        n => format!("{} ({}) of {n}", millis(time.median_ms), between(time)),
    };
    for row in &found.trends {
        table.row(vec![
            row.group.clone().into(),
            row.now.agents.to_string().into(),
            rate(&row.now.success).into(),
            rate(&row.before.success).into(),
            changed(row.success_change, (row.now.success.n, row.before.success.n), "no clear change"),
            time(&row.now.time).into(),
            time(&row.before.time).into(),
            changed(row.time_change, (row.now.time.n, row.before.time.n), "no clear change"),
        ]);
    }
    if !table.is_empty() {
        context.out.table(&table)?;
    }
    let Trends { from, before, groups, timed_from, .. } = found;
    let timed = if timed_from > from.begins() { format!("; times since {timed_from}") } else { String::new() };
    remark(
        context,
        &format!(
            "{groups} {} since {from}, beside the days since {before}{timed}",
            if groups == 1 { "group" } else { "groups" }
        ),
    )
}

fn each_day(context: &mut Context, days: &DaysArgs, apart_by: &ApartArgs) -> Outcome {
    let mut query = given([("days", days.days.to_string())]);
    apart(&mut query, apart_by);
    let rows: Vec<DayPerformance> = context.engine()?.get("/v1/dashboards/days", &query)?;
    if context.out.nested_values(&values(&rows))? {
        return Ok(0);
    }
    let mut columns = vec![
        ("DATE", Align::Left),
        ("AGENTS", Align::Right),
        ("DONE", Align::Right),
        ("GOOD", Align::Right),
        ("95%", Align::Right),
        ("MEAN", Align::Right),
        ("SAID TOKENS", Align::Right),
    ];
    if let Some(per) = apart_by.per {
        columns.insert(1, (head(per), Align::Elastic));
    }
    let mut table = Table::new(&columns);
    for row in rows {
        let mut cells: Vec<Cell> = vec![
            row.date.to_string().into(),
            row.agents.to_string().into(),
            row.execution_count.to_string().into(),
            share(&row.success).into(),
            within(&row.success).into(),
            millis(row.avg_duration_ms).into(),
            known(row.total_tokens_used).into(),
        ];
        if let Some(group) = row.group {
            cells.insert(1, group.into());
        }
        table.row(cells);
    }
    context.out.table(&table)?;
    Ok(0)
}

fn errors(context: &mut Context, since: &SinceArgs, apart_by: &ApartArgs) -> Outcome {
    let mut query = given([("since", since.since.to_string())]);
    apart(&mut query, apart_by);
    let summary: ErrorSummary = context.engine()?.get("/v1/dashboards/errors", &query)?;
    if context.out.nested_values(&values(&summary.groups))? {
        return Ok(0);
    }
    let mut columns = vec![
        ("TIMES", Align::Right),
        ("OF FAILED", Align::Right),
        ("95%", Align::Right),
        ("AGENTS", Align::Right),
        ("CAGES", Align::Right),
        ("LAST", Align::Left),
        ("OUTCOME", Align::Left),
        ("MESSAGE", Align::Elastic),
    ];
    if let Some(per) = apart_by.per {
        columns.insert(0, (head(per), Align::Left));
    }
    let mut table = Table::new(&columns);
    for group in &summary.groups {
        let mut cells: Vec<Cell> = vec![
            group.count.to_string().into(),
            share(&group.share).into(),
            within(&group.share).into(),
            group.agents.to_string().into(),
            group.cages.to_string().into(),
            group.last.to_string().into(),
            Cell::new(group.outcome.as_str(), Role::Bad),
            group.pattern.clone().into(),
        ];
        if let Some(of) = &group.group {
            cells.insert(0, of.clone().into());
        }
        table.row(cells);
    }
    if !table.is_empty() {
        context.out.table(&table)?;
    }
    remark(context, &format!("{} failed executions since {}", summary.looked_at, summary.complete_from))
}

fn collaboration(context: &mut Context, since: &SinceArgs, per: Per) -> Outcome {
    let query = given([("since", since.since.to_string()), ("per", per.to_string())]);
    let found: Collaboration = context.engine()?.get("/v1/dashboards/collaboration", &query)?;
    if context.out.nested_values(&values(&found.links))? {
        return Ok(0);
    }
    let mut table = Table::new(&[
        ("RESULTS OF", Align::Left),
        ("USED BY", Align::Elastic),
        ("TASKS", Align::Right),
        ("ARTIFACTS", Align::Right),
        ("APPROVED", Align::Right),
        ("DONE", Align::Right),
        ("GOOD", Align::Right),
        ("95%", Align::Right),
        ("OVERALL", Align::Right),
        ("95%", Align::Right),
        ("OF", Align::Right),
        ("AFTER IT", Align::Left),
    ]);
    for link in &found.links {
        table.row(vec![
            link.from.clone().into(),
            link.to.clone().into(),
            link.tasks.to_string().into(),
            link.artifacts.to_string().into(),
            link.approved.to_string().into(),
            link.success.n.to_string().into(),
            share(&link.success).into(),
            within(&link.success).into(),
            share(&link.overall).into(),
            within(&link.overall).into(),
            link.overall.n.to_string().into(),
            changed(link.change, (link.success.n, link.overall.n), "no clear difference"),
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
