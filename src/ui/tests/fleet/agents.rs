//! Agents, what they do and what they attempted.

use serde_json::json;

use super::{HOSTILE, at, window};
use crate::api::client::Query;
use crate::domain::{Agent, Cage};
use crate::ui::gather::{AgentRow, AttemptRow, Member, Work};
use crate::ui::request::Page;

/// How many there are.
pub const AGENTS: u64 = 60;

/// The id of an agent.
pub fn id(number: u64) -> String {
    format!("0195{number:04x}-0000-7000-8000-a{number:011x}")
}

fn name(number: u64) -> String {
    match number {
        0 => "director".into(),
        1..=4 => format!("lead-{number}"),
        7 => HOSTILE[0].into(),
        8 => HOSTILE[1].into(),
        9 => HOSTILE[2].into(),
        10 => HOSTILE[3].into(),
        11 => "x".repeat(100),
        number => format!("builder-{number:02}"),
    }
}

/// The director above four leads, who share the others; two stand alone.
fn above(number: u64) -> Option<String> {
    match number {
        0 | 58 | 59 => None,
        1..=4 => Some("director".into()),
        number => Some(name(1 + number % 4)),
    }
}

fn agent(number: u64) -> Agent {
    let statuses = ["busy", "idle", "active", "error", "maintenance", "blocked", "offline"];
    let status = statuses[usize::try_from(number % 7).unwrap()];
    let works = matches!(status, "busy" | "active");
    let ran = if number == 6 { 0 } else { number * 40 };
    serde_json::from_value(json!({
        "id": id(number),
        "name": name(number),
        "division": "engineering",
        "tier": if number == 0 { "director" } else if number < 5 { "lead" } else { "worker" },
        "role": "coder",
        "reports_to": above(number),
        "capabilities": ["rust", "review"],
        "tools_available": ["git"],
        "runtime": {"type": "command", "command": ["/bin/sh", "-c", "work \x1b[31mhard"], "env": {"HOME_PAGE": "x"}},
        "concurrency": if status == "active" { 4 } else { 1 },
        "cage": number.is_multiple_of(3).then(|| format!("{:03}", number + 1)),
        "status": status,
        "owner": "0195ffff-0000-7000-8000-000000000001",
        "cage_id": works.then(|| format!("{:03}", number + 1)),
        "current_task_id": works.then(|| format!("0195{number:04x}-0000-7000-8000-{number:012x}")),
        "running": if status == "active" { 3 } else { u32::from(works) },
        "counters": {"total_executions": ran, "success_count": ran * 9 / 10, "avg_execution_time_ms": 42_500},
        "consecutive_failures": if status == "error" { 5 } else { 0 },
        "breaker_until": (status == "error").then(|| at(-180)),
        "drained": status == "maintenance",
        "last_heartbeat": (status != "offline").then(|| at(7)),
        "created_at": at(90_000),
        "updated_at": at(70),
    }))
    .unwrap()
}

fn row(number: u64) -> AgentRow {
    let agent = agent(number);
    let work = agent.current_task_id.map(|task| Work {
        task,
        kind: Some(format!("build part {number}")),
        progress: number.is_multiple_of(2).then_some(62),
        activity: number.is_multiple_of(4).then(|| "using cargo test".to_owned()),
        said: number.is_multiple_of(2).then(|| "compiling \x1b]0;x\x07".to_owned()),
        started: None,
    });
    AgentRow { agent, work }
}

fn asked(query: &Query, name: &str) -> Option<String> {
    query.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

/// The agents of a window; a filter lets through ids, or else names that hold it.
pub fn rows(query: &Query) -> Page<AgentRow> {
    let (offset, limit) = window(query);
    let filter = asked(query, "filter").unwrap_or_default();
    let one = asked(query, "agent");
    let is = |row: &AgentRow, wanted: &String| row.agent.id.to_string() == *wanted || row.agent.spec.name == *wanted;
    let keep = |row: &AgentRow| match filter.strip_prefix("id:") {
        _ if one.is_some() => one.as_ref().is_some_and(|wanted| is(row, wanted)),
        Some(ids) => ids.split(',').any(|id| row.agent.id.to_string() == id),
        None => row.agent.spec.name.contains(&filter),
    };
    let all: Vec<AgentRow> = (0..AGENTS).map(row).filter(keep).collect();
    let total = all.len() as u64;
    let skip = usize::try_from(offset).unwrap();
    Page { rows: all.into_iter().skip(skip).take(usize::try_from(limit).unwrap()).collect(), total }
}

/// Who reports to whom.
pub fn hierarchy(filter: &str) -> Page<Member> {
    let member = |number| Member { id: id(number).parse().unwrap(), name: name(number), reports_to: above(number) };
    let rows: Vec<Member> = (0..AGENTS).map(member).filter(|member| member.name.contains(filter)).collect();
    Page { total: rows.len() as u64, rows }
}

/// What an agent attempted, the newest first.
pub fn attempts(query: &Query) -> Page<AttemptRow> {
    let (offset, limit) = window(query);
    let row = |number: u64| {
        let (status, outcome) = match number % 5 {
            0 => ("running", None),
            3 => ("failed", Some(json!({"kind": "limit_exceeded", "message": "memory: 512MiB \x1b[2J used"}))),
            4 => ("failed", Some(json!({"kind": "cancelled"}))),
            _ => ("completed", Some(json!({"kind": "succeeded"}))),
        };
        let start = 100 + i64::try_from(number).unwrap() * 400;
        AttemptRow {
            kind: (number != 7).then(|| format!("build part {number}")),
            execution: serde_json::from_value(json!({
                "id": format!("0195{number:04x}-0000-7000-8000-e{number:011x}"),
                "task_id": format!("0195{number:04x}-0000-7000-8000-{number:012x}"),
                "agent_id": id(2), "cage_id": "003", "node_id": "0195ffff-0000-7000-8000-000000000002",
                "execution_type": "command", "status": status, "progress": (number == 0).then_some(62),
                "attempt": 1 + number % 3, "outcome": outcome, "tokens_used": number.is_multiple_of(2).then_some(12_345),
                "created_at": at(start), "started_at": at(start),
                "completed_at": (status != "running").then(|| at(start - 42)),
                "output_summary": (number == 0).then_some("compiling"),
            }))
            .unwrap(),
        }
    };
    let total = 40;
    Page { rows: (offset..(offset + limit).min(total)).map(row).collect(), total }
}

/// A cage.
pub fn cage(number: &str) -> Cage {
    serde_json::from_value(json!({
        "id": number, "node_id": "0195ffff-0000-7000-8000-000000000002", "agent_id": id(2), "status": "occupied",
        "resource_limits": {"cpu": 1.5, "memory": "512MiB", "pids": 48, "wall": "5m"},
        "network": "none", "read": [], "write": [], "created_at": at(90_000), "updated_at": at(90_000),
    }))
    .unwrap()
}
