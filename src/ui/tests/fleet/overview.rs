//! The overview of a fleet that has some trouble.

use serde_json::json;

use super::{HOSTILE, NOW, at};
use crate::api::live::Overview;

/// What the engine would answer.
pub fn overview() -> Overview {
    let minutes: Vec<_> = (0..60)
        .map(|minute: u64| json!({"completed": (minute * 7) % 13 + minute / 6, "failed": u64::from(minute.is_multiple_of(17))}))
        .collect();
    let inbox = |number: u64, kind: &str, title: &str, risk: &str, blocks: u64| {
        json!({
            "id": format!("0195eeee-0000-7000-8000-{number:012x}"),
            "kind": kind,
            "title": title,
            "artifact_type": (kind == "artifact").then_some("report"),
            "agent": "builder-7",
            "task_id": format!("0195dddd-0000-7000-8000-{number:012x}"),
            "task_type": "survey",
            "since": at(i64::try_from(number).unwrap() * 1_300),
            "blocks": blocks,
            "cost_of_delay": 40.0 - number as f64,
            "group": "g",
            "risk": risk,
        })
    };
    let alert = |number: u64, severity: &str, source: &str, message: &str, count: u64| {
        json!({
            "id": format!("0195ffff-0000-7000-8000-{number:012x}"),
            "severity": severity,
            "status": "active",
            "source": source,
            "message": message,
            "time": at(9_000),
            "last_seen": at(120),
            "count": count,
        })
    };
    let task = |number: u64| format!("0195dddd-0000-7000-8000-{number:012x}");
    let gib = 1024.0 * 1024.0 * 1024.0;
    serde_json::from_value(json!({
        "seq": 4711,
        "time": at(0),
        "health": [
            {"component": "agents", "state": "degraded", "reason": "2 of 12 circuit breakers are open: linter, fuzzer",
             "remedy": "read why with menagerie agent show linter, then menagerie agent resume linter"},
            {"component": "disk", "state": "unknown"},
            {"component": "store", "state": "ok"},
            {"component": "worker", "state": "ok"},
            {"component": "queue", "state": "ok"},
        ],
        "counts": {
            "tasks": {"pending": 340, "scheduled": 3, "executing": 12, "completed": 1_402_118, "failed": 8},
            "agents": {"idle": 300, "active": 2, "busy": 607, "blocked": 1, "error": 2, "offline": 0},
            "cages": {"occupied": 900, "vacant": 90, "maintenance": 10},
            "artifacts": {"pending": 27},
        },
        "queue": {"pending": 340, "oldest_wait_s": 4_210.0, "median_wait_s": 12.4},
        "minutes": minutes,
        "nodes": [{
            "name": "local", "status": "online",
            "cpu": {"used": 5.4, "granted": 6.0, "limit": 8.0},
            "memory": {"used": 22.0 * gib, "granted": 30.5 * gib, "limit": 64.0 * gib},
            "gpu": {"limit": 2.0, "granted": 1.0},
        }],
        "tokens_hour": 1_234_567,
        "cost_hour": 12.5,
        "inbox": [
            inbox(1, "artifact", "decide: delete the old build cache", "high", 12),
            inbox(2, "failed_task", HOSTILE[0], "normal", 7),
            inbox(3, "artifact", &"long title ".repeat(50), "normal", 3),
            inbox(4, "artifact", HOSTILE[2], "normal", 0),
            inbox(5, "artifact", "report.md", "normal", 0),
        ],
        "inbox_total": 27,
        "alerts": [
            alert(1, "error", "cage 021", "memory limit reached 3 times in 5 minutes", 3),
            alert(2, "warning", "agent \u{202e}linter", "breaker open after 5 failures\x1b[2J", 1),
        ],
        "alerts_total": 2,
        "at_risk": [
            {"task_id": task(1), "type": "release notes", "deadline": crate::domain::Timestamp::from_micros(NOW - 240_000_000), "reason": "it waits since 1h10m for agent builder-7"},
            {"task_id": task(2), "type": HOSTILE[3], "deadline": crate::domain::Timestamp::from_micros(NOW + 900_000_000), "reason": "would take 20m, 15m are left"},
        ],
        "at_risk_total": 2,
    }))
    .unwrap()
}

/// The overview of an engine that has just been made: nothing is there yet.
pub fn empty() -> Overview {
    serde_json::from_value(json!({
        "seq": 1, "time": at(0),
        "health": [{"component": "store", "state": "ok"}, {"component": "worker", "state": "ok"}],
        "counts": {"tasks": {}, "agents": {}, "cages": {}, "artifacts": {}},
        "queue": {"pending": 0}, "minutes": [], "nodes": [],
        "inbox": [], "inbox_total": 0, "alerts": [], "alerts_total": 0, "at_risk": [], "at_risk_total": 0,
    }))
    .unwrap()
}
