//! A fixed fleet with names and output that mean harm, as the engine would answer.

pub mod agents;
pub mod alerts;
pub mod cages;
pub mod candidates;
pub mod dashboards;
pub mod found;
pub mod metrics;
pub mod overview;
pub mod records;
pub mod review;
pub mod tasks;

use super::NOW;
use crate::api::client::Query;
use crate::api::live::{Pulse, Topic};
use crate::domain::counts::Counts;
use crate::domain::{Task, Timestamp};
use crate::ui::request::{Answer, OutputOf, Page, Request};

/// How many tasks there are.
pub const TASKS: u64 = 500;

/// Names that would break a careless screen.
pub const HOSTILE: [&str; 6] = [
    "\x1b[2J\x1b[31mred\x07",
    "right\u{202e}left\u{2066}",
    "名前がとても長いタスク",
    "👩‍👩‍👧‍👦 family 🏳️‍🌈",
    "z\u{335}\u{321}\u{334}\u{327}\u{326}a\u{336}\u{325}l\u{335}g\u{336}o",
    "a\u{200b}b\u{200b}c\u{feff}\u{ad}",
];

fn at(seconds_ago: i64) -> Timestamp {
    Timestamp::from_micros(NOW - seconds_ago * 1_000_000)
}

/// The engine's notice.
pub fn pulse() -> Pulse {
    let mut counts = Counts::default();
    (counts.tasks.pending, counts.tasks.executing, counts.tasks.completed, counts.tasks.failed) = (340, 12, 140, 8);
    counts.artifacts.pending = 27;
    Pulse {
        seq: 4711,
        time: Timestamp::from_micros(NOW),
        changed: Topic::ALL.to_vec(),
        counts,
        alerts: 2,
        read_only: false,
    }
}

fn task(number: u64, seconds_ago: i64) -> Task {
    let status =
        ["pending", "executing", "completed", "failed", "cancelled", "scheduled"][usize::try_from(number % 6).unwrap()];
    let kind = match number % 12 {
        3 => HOSTILE[usize::try_from(number / 12 % 6).unwrap()].to_owned(),
        5 => "x".repeat(500),
        other => format!("build part {other}"),
    };
    let started = matches!(status, "executing" | "completed" | "failed").then(|| at(seconds_ago - 5));
    let ended = matches!(status, "completed" | "failed").then(|| at(seconds_ago - 65));
    serde_json::from_value(serde_json::json!({
        "id": format!("0195{number:04x}-0000-7000-8000-{number:012x}"),
        "type": kind,
        "status": status,
        "priority": number % 10 + 1,
        "parameters": {},
        "requirements": {},
        "depends_on": [],
        "max_attempts": 3,
        "created_by": "0195ffff-0000-7000-8000-000000000001",
        "created_at": at(seconds_ago),
        "updated_at": at(seconds_ago),
        "started_at": started,
        "attempt_started_at": started,
        "completed_at": ended,
        "error": (status == "failed").then_some("exit status 2: \x1b[31mno rule to make target\x1b[0m"),
        "metadata": {"source": "test", "tags": []},
    }))
    .unwrap()
}

/// A part of the tasks, the newest first.
pub fn tasks_page(offset: u64, limit: u64) -> Page<Task> {
    let rows = (offset..(offset + limit).min(TASKS))
        .map(|number| task(TASKS - number, 70 + i64::try_from(number).unwrap() * 40));
    Page { rows: rows.collect(), total: TASKS }
}

/// Tasks that came later.
pub fn newer_tasks(count: u64) -> Vec<Task> {
    (0..count).map(|number| task(TASKS + 10 + number, 1)).collect()
}

fn window(query: &Query) -> (u64, u64) {
    let number = |name: &str| query.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.parse().ok());
    (number("offset").unwrap_or(0), number("limit").unwrap_or(100))
}

/// What the engine would answer.
pub fn answer(request: &Request) -> Result<Answer, String> {
    // What runs in a cage has another output than what tasks are looked at for.
    if let Request::Output { of: OutputOf::Execution(execution), part } = request
        && execution.starts_with(cages::EXECUTIONS)
    {
        return Ok(Answer::Output(tasks::part(&[cages::output()], part)));
    }
    if let Some(answer) = tasks::answer(request) {
        return answer;
    }
    Ok(match request {
        Request::Tasks(query) => {
            let (offset, limit) = window(query);
            Answer::Tasks(tasks_page(offset, limit))
        }
        Request::Overview => Answer::Overview(Box::new(overview::overview())),
        Request::Grid => Answer::Grid(cages::grid(1_000)),
        Request::Cage(id) if ["042", "005", "404"].contains(&id.as_str()) => Answer::Cage(Box::new(cages::cage(id))),
        Request::Attempts(query) if query.iter().any(|(name, _)| name == "cage") => {
            Answer::Attempts(cages::executions(window(query).1))
        }
        Request::Processes(_) => Answer::Processes(cages::processes()),
        Request::CageAlerts(id) => Answer::OpenAlerts(if id == "404" { cages::alerts() } else { vec![] }),
        Request::Inbox(query) => Answer::Inbox(review::inbox(query)),
        Request::Artifacts(query) => Answer::Artifacts(review::artifacts(query)),
        Request::Artifact(id) => {
            let number = (0..review::ARTIFACTS).find(|number| review::id(*number) == *id);
            Answer::Artifact(Box::new(review::artifact(number.ok_or("there is no such artifact")?)))
        }
        Request::Content { id, offset, length } => Answer::Bytes(review::part(id, *offset, *length)),
        Request::Agent(id) => {
            let query = vec![("agent".to_owned(), id.clone()), ("limit".to_owned(), "1".to_owned())];
            let found = agents::rows(&query).rows.into_iter().next();
            let missing =
                || crate::domain::Refusal::not_found("agent", id).hint("did you mean \"builder-13\"?").to_string();
            Answer::Agent(Box::new(found.ok_or_else(missing)?.agent))
        }
        // What the palette asks for names by.
        Request::AgentRows(query) if query.iter().any(|(_, value)| value.starts_with("name:")) => {
            let plain = |(name, value): &(String, String)| {
                (name.clone(), value.trim_start_matches("name:").trim_matches('"').to_owned())
            };
            Answer::AgentRows(agents::rows(&query.iter().map(plain).collect()))
        }
        Request::Search(query) => Answer::Found(found::found(query)),
        Request::AgentRows(query) => Answer::AgentRows(agents::rows(query)),
        Request::Attempts(query) => Answer::Attempts(agents::attempts(query)),
        Request::Hierarchy(filter) => Answer::Hierarchy(agents::hierarchy(filter)),
        Request::Cage(number) => Answer::Cage(Box::new(agents::cage(number))),
        Request::Alerts(query) => Answer::Alerts(alerts::page(query)),
        Request::Alert(id) => Answer::Alert(Box::new(alerts::row(id).ok_or("there is no such alert")?)),
        Request::Ratings(_) => Answer::Ratings(vec![]),
        Request::AlertMembers(_) => Answer::Members(vec![]),
        Request::AlertHistory(id) => Answer::History(alerts::history(id)),
        Request::AlertRule(name) => {
            let found = alerts::rules().into_iter().find(|row| row.rule.name == *name);
            let missing = || crate::domain::Refusal::not_found("alert rule", name).to_string();
            Answer::AlertRule(Box::new(found.ok_or_else(missing)?))
        }
        Request::AlertRules(query) => Answer::AlertRules(crate::ui::whole::rules_page(alerts::rules(), query)),
        Request::Silences(query) => Answer::Silences(crate::ui::whole::silences_page(alerts::silences(), query)),
        Request::TestRule(test) => Answer::Trial(Box::new(alerts::trial(test))),
        Request::TopAgents(_, by) => Answer::TopAgents(dashboards::top_agents(*by)),
        Request::Trends(days, per) => Answer::Trends(dashboards::trends(*days, *per)),
        Request::Days(days, None) => Answer::Days(dashboards::days(*days)),
        Request::Days(days, Some(_)) => Answer::Days(dashboards::days_apart(*days)),
        Request::Errors(since, _) => Answer::Errors(dashboards::errors(*since)),
        Request::Collaboration(since, _) => Answer::Collaboration(dashboards::collaboration(*since)),
        Request::Timeline { time, offset, limit, .. } => Answer::Timeline(dashboards::timeline(*time, *offset, *limit)),
        Request::Metrics => Answer::Metrics(metrics::list()),
        Request::Series(queries) => Answer::Series(queries.iter().map(metrics::series).collect()),
        Request::Sensors => Answer::Sensors(metrics::sensors()),
        Request::Journal(query) => Answer::Journal(records::records(query, records::LAST)),
        Request::Names(ids) => {
            let known = (0..agents::AGENTS).map(|number| (agents::id(number), format!("builder-{number}")));
            let mut names: std::collections::BTreeMap<_, _> = known.filter(|(id, _)| ids.contains(id)).collect();
            names.insert("0195ffff-0000-7000-8000-000000000001".into(), "ann".into());
            names.insert("0195ffff-0000-7000-8000-000000000002".into(), "box".into());
            Answer::Names(names)
        }
        Request::TaskCandidates(_) => Answer::Candidates(candidates::agents()),
        Request::AgentCandidates(_) => Answer::Candidates(candidates::cages()),
        Request::WhatIf(command) => Answer::WhatIf(Box::new(candidates::what_if(command))),
        _ => return Err(format!("the fixed fleet has no answer to {request:?}")),
    })
}
