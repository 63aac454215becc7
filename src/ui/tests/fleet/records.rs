//! The journal: 4,711 records of which every kind occurs, with bodies as the engine writes them.

use serde_json::{Value, json};

use super::{HOSTILE, NOW, agents};
use crate::api::client::Query;
use crate::api::types::JournalRow;
use crate::domain::Timestamp;
use crate::domain::event::Event;
use crate::ui::gather::Records;

/// The number of the last record.
pub const LAST: u64 = 4711;

const TASK: &str = "01950001-0000-7000-8000-000000000abc";
const ARTIFACT: &str = "01950002-0000-7000-8000-000000000def";
const EXECUTION: &str = "01950003-0000-7000-8000-000000000eee";
const NODE: &str = "0195ffff-0000-7000-8000-000000000002";
const ALERT: &str = "0195eeee-0000-7000-8000-000000000001";

/// An agent that has been removed: nobody knows its name.
pub const NAMELESS: &str = "0195dead-0000-7000-8000-00000000dead";

/// A body of a kind; panics for a kind that has none here.
pub fn body(kind: &str) -> Value {
    let agent = agents::id(12);
    let time = Timestamp::from_micros(NOW);
    let user = "0195ffff-0000-7000-8000-000000000001";
    let alert = super::alerts::alert(1);
    match kind {
        "journal_opened" => json!({"format": 1, "seed": 7, "version": "0.1.0"}),
        "engine_started" => json!({"version": "0.1.0", "pid": 42}),
        "user_added" => json!({"user": {"id": user, "email": "ann@host", "name": "ann", "created_at": time}}),
        "defaults_set" => json!({"defaults": {}}),
        "node_seen" => {
            json!({"node": {"id": NODE, "name": "box", "status": "online", "capacity": {}, "created_at": time,
            "updated_at": time}, "resources": []})
        }
        "node_lost" => json!({"node_id": NODE}),
        "cage_declared" => json!({"spec": {"id": "003"}, "node_id": NODE}),
        "cage_removed" | "cage_released" => json!({"cage_id": "003"}),
        "cage_maintenance" => json!({"cage_id": "003", "on": true}),
        "cage_enforced" => json!({"cage_id": "003", "enforcement": []}),
        "cage_faulted" => json!({"cage_id": "003", "fault": {"reason": "no such path", "failures": 2, "until": time}}),
        "agent_declared" => json!({"agent_id": agent, "spec": {"name": "builder-12"}, "owner": user}),
        "agent_removed" => json!({"agent_id": NAMELESS}),
        "agent_moved" => json!({"agent_id": agent, "cage_id": "003"}),
        "agent_drained" | "agent_resumed" | "breaker_closed" => json!({"agent_id": agent}),
        "breaker_opened" => json!({"agent_id": agent, "failures": 5, "until": time}),
        "task_submitted" => json!({"task": {"id": TASK, "type": HOSTILE[0], "status": "pending", "priority": 5,
            "max_attempts": 3, "created_by": user, "created_at": time, "updated_at": time, "agent_id": agent}}),
        "task_materialised" => json!({"array_id": TASK, "task_id": TASK, "index": 4}),
        "array_ended" => json!({"task_id": TASK, "status": "failed"}),
        "task_cancelled" => json!({"task_id": TASK, "note": "not \x1b[2J needed"}),
        "task_failed" => json!({"task_id": TASK, "error": "its dependency failed"}),
        "task_retried" => json!({"task_id": TASK}),
        "task_reassigned" => json!({"task_id": TASK, "agent_id": agent, "cage_id": null}),
        "task_prioritised" => json!({"task_id": TASK, "priority": 9}),
        "execution_scheduled" => {
            json!({"execution_id": EXECUTION, "task_id": TASK, "agent_id": agent, "cage_id": "003",
            "node_id": NODE, "attempt": 2, "held": []})
        }
        "execution_started" => json!({"execution_id": EXECUTION, "task_id": TASK, "started_at": time}),
        "execution_stopping" => {
            json!({"execution_id": EXECUTION, "task_id": TASK, "reason": "timed_out", "note": null})
        }
        "execution_ended" => json!({"execution_id": EXECUTION, "task_id": TASK, "agent_id": agent,
            "started_at": Timestamp::from_micros(NOW - 42_000_000), "ended_at": time,
            "outcome": {"kind": "limit_exceeded", "message": "memory: 512MiB used"}, "task_status": "pending",
            "attempts": 1, "losses": 0, "not_before": null, "agent_failures": 1}),
        "artifact_added" => json!({"artifact": {"id": ARTIFACT, "agent_id": agent, "task_id": TASK,
            "execution_id": EXECUTION, "type": "report", "title": HOSTILE[1], "size": 12, "digest": "00",
            "human_approved": false, "review": {"state": "pending"}, "created_at": time}}),
        "task_rated" => {
            json!({"task_id": TASK, "execution_id": EXECUTION, "agent_id": agent, "rating": 4, "note": "good"})
        }
        "model_versioned" => {
            json!({"version": {"model": "policy", "version": 3, "format": 1, "lessons": 96, "batch": 32,
            "in_force": "factors+agents", "promoted": true, "compared": []}, "state": {"policy": {"in_force": 1,
            "lessons": 96, "since": 0, "due": 64, "agents": [], "candidates": []}}})
        }
        "artifact_reviewed" => json!({"artifact_id": ARTIFACT, "task_id": TASK, "state": "approved", "note": "good"}),
        "artifact_merged" => json!({"artifact_id": ARTIFACT, "task_id": TASK, "merge": {"state": "set_aside",
            "branch": "menagerie/0195", "commit": "1a2b3c4d5e6f7a8b", "reason": "it conflicts in \x1b[2J a.txt"}}),
        "artifact_snoozed" => json!({"artifact_id": ARTIFACT, "until": time}),
        "task_snoozed" => json!({"task_id": TASK, "until": null}),
        "alert_raised" | "alert_reopened" => json!({"alert": alert}),
        "alert_repeated" => json!({"alert_id": ALERT, "severity": "error", "message": "again", "value": null}),
        "alert_acknowledged" => json!({"alert_id": ALERT, "by": user, "note": null}),
        "alert_unacknowledged" => json!({"alert_id": ALERT}),
        "alert_silenced" => json!({"alert_id": ALERT, "until": time}),
        "alert_resolved" => json!({"alert_id": ALERT, "resolution": {"time": time, "action": "restarted"}}),
        "system_event_raised" => json!({"event": {"id": ALERT, "type": "warning", "source": "cage 003",
            "message": "memory nearly full \x07", "time": time}}),
        "alert_grouped" => {
            json!({"rule": "cage-memory", "subject": {"scope": "cage", "name": "003"}, "severity": "warning"})
        }
        "alert_rule_declared" => json!({"rule": {"name": "hot", "metric": "menagerie_cage_memory_usage_ratio",
            "scope": "cage", "function": "max", "window": "1m", "comparison": ">", "warning": "90%", "for": "1m",
            "hysteresis": 0.1, "message": "{scope} is hot", "enabled": true, "no_data": "keep", "group": 20}}),
        "alert_rule_removed" => json!({"name": "hot"}),
        "approval_rule_declared" => json!({"rule": {"name": "daily", "agent": "tester", "type": "report",
            "task_type": "survey", "verdict": "approve"}}),
        "approval_rule_removed" => json!({"name": "daily"}),
        "silence_added" => json!({"silence": {"id": ALERT, "matcher": {"rule": "cage-memory"}, "until": time,
            "note": "known", "by": user, "created_at": time}}),
        "silence_removed" => json!({"silence_id": ALERT}),
        other => panic!("write a body of kind {other}"),
    }
}

fn record(seq: u64, head: u64) -> JournalRow {
    let kind = Event::KINDS[usize::try_from(seq).unwrap() % Event::KINDS.len()];
    let actors = ["engine", "user:0195ffff-0000-7000-8000-000000000001", "node:0195ffff-0000-7000-8000-000000000002"];
    JournalRow {
        seq,
        time: Timestamp::from_micros(NOW - i64::try_from(head.saturating_sub(seq)).unwrap() * 3_000_000),
        actor: actors[usize::try_from(seq % 3).unwrap()].to_owned(),
        kind: kind.to_owned(),
        version: 1,
        body: body(kind),
        hash: "00".repeat(32),
    }
}

/// What the engine would answer when its journal goes up to `head`. A filter knows `kind:=KIND` and looks at 100 records
/// at a time.
pub fn records(query: &Query, head: u64) -> Records {
    let asked = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let number = |name: &str| asked(name).and_then(|value| value.parse::<u64>().ok());
    let limit = usize::try_from(number("limit").unwrap()).unwrap();
    let newest_first = asked("order") == Some("desc");
    let kind = asked("filter").and_then(|filter| filter.strip_prefix("kind:="));
    let (first, last) = (number("after").unwrap_or(0) + 1, number("before").map_or(head, |before| before - 1));
    let range: Box<dyn Iterator<Item = u64>> =
        if newest_first { Box::new((first..=last).rev()) } else { Box::new(first..=last) };
    let mut found = Records { rows: vec![], next: None, head };
    let mut looked_at = 0;
    for (turn, seq) in range.enumerate() {
        if found.rows.len() == limit || (kind.is_some() && turn == 100) {
            found.next = Some(looked_at);
            break;
        }
        looked_at = seq;
        let row = record(seq, head);
        if kind.is_none_or(|kind| row.kind == kind) {
            found.rows.push(row);
        }
    }
    found
}
