//! Alerts of every severity and state.

use serde_json::json;

use super::{HOSTILE, at, window};
use crate::api::client::Query;
use crate::api::types::{AlertRow, AlertRuleRow, JournalRow, RuleTest};
use crate::domain::alert::AlertFigures;
use crate::domain::alert_trial::Trial;
use crate::domain::{Alert, Silence, Timestamp};
use crate::ui::request::Page;

/// How many there are.
const ALERTS: u64 = 24;

/// Somebody who acts.
const ANN: &str = "0195ffff-0000-7000-8000-000000000001";

/// An alert.
pub fn alert(number: u64) -> Alert {
    let place = |list: &[&str]| list[usize::try_from(number).unwrap() % list.len()].to_owned();
    let status = place(&["active", "active", "acknowledged", "active", "resolved"]);
    let message = match number {
        4 => "y".repeat(500),
        6 => format!("{} \x1b]52;c;eA==\x07", HOSTILE[2]),
        other => format!("memory of cage 003 is {} % of its limit", 70 + other % 30),
    };
    serde_json::from_value(json!({
        "id": format!("0195eeee-0000-7000-8000-{number:012x}"),
        "severity": place(&["critical", "error", "warning"]),
        "status": status,
        "source": place(&["cage 003", "agent builder-12", "worker", "store"]),
        "message": message,
        "time": at(4_000 + i64::try_from(number).unwrap() * 60),
        "last_seen": at(30 + i64::try_from(number).unwrap() * 60),
        "count": 1 + number * 3,
        "context": {"trigger": if number.is_multiple_of(4) { "cage-memory" } else { "breaker opened" }, "threshold": 0.9, "value": 0.97,
            "remedy": number.is_multiple_of(4).then_some("raise limits.memory of the cage, or stop what leaks")},
        "acknowledged_by": (status == "acknowledged").then_some(ANN),
        "silenced_until": (number == 3).then(|| at(-7_200)),
        "note": (status == "acknowledged").then_some("looking into it"),
        "resolution": (status == "resolved").then(|| json!({"time": at(20), "action": "raised the limit"})),
    }))
    .unwrap()
}

/// The alerts of a window; statuses as the screen asks for them.
pub fn page(query: &Query) -> Page<AlertRow> {
    let (offset, limit) = window(query);
    let statuses = query.iter().find(|(name, _)| name == "status").map_or("", |(_, value)| value.as_str());
    let fits = |alert: &Alert| statuses.is_empty() || statuses.split(',').any(|status| status == alert.status.as_str());
    let all: Vec<Alert> = (0..ALERTS).map(alert).filter(fits).collect();
    let total = all.len() as u64;
    let skip = usize::try_from(offset).unwrap();
    Page { rows: all.into_iter().skip(skip).take(usize::try_from(limit).unwrap()).map(with_figures).collect(), total }
}

/// With what its figure is now, of those that a rule has raised and that are not over.
fn with_figures(alert: Alert) -> AlertRow {
    let of_rule = alert.context.trigger == "cage-memory" && alert.resolution.is_none();
    let figures = of_rule.then(|| AlertFigures {
        now: (alert.count > 1).then_some(0.953),
        worst: 0.991,
        worst_at: at(600),
        unit: crate::domain::MetricUnit::Ratio,
    });
    AlertRow { alert, figures }
}

/// The same with its figures.
pub fn row(id: &str) -> Option<AlertRow> {
    by_id(id).map(with_figures)
}

/// The alert of an id.
pub fn by_id(id: &str) -> Option<Alert> {
    (0..ALERTS).map(alert).find(|alert| alert.id.to_string() == id)
}

/// What became of an alert, the newest first: it escalated, somebody took it, it was silenced, and some are over.
pub fn history(id: &str) -> Vec<JournalRow> {
    let Some(alert) = by_id(id) else { return Vec::new() };
    let since = |seconds: i64| Timestamp::from_micros(alert.time.as_micros() + seconds * 1_000_000);
    let user = format!("user:{ANN}");
    let warning = Alert { severity: crate::domain::Severity::Warning, ..alert.clone() };
    let again = |severity: &str, message: &str| json!({"alert_id": id, "severity": severity, "message": message, "value": 0.99});
    let mut records = vec![
        ("engine", "alert_raised", 0, json!({"alert": warning})),
        ("engine", "alert_repeated", 60, again("warning", "it is 91 % now")),
        ("engine", "alert_repeated", 90, again("warning", "it is 92 % now")),
        (&user, "alert_acknowledged", 100, json!({"alert_id": id, "by": ANN, "note": "looking into it"})),
        ("engine", "alert_unacknowledged", 200, json!({"alert_id": id})),
        ("engine", "alert_repeated", 200, again("critical", "it is 99 % now\u{1b}[2J")),
        (&user, "alert_silenced", 400, json!({"alert_id": id, "until": at(-7_200)})),
    ];
    if let Some(resolution) = &alert.resolution {
        records.push((&user, "alert_resolved", 900, json!({"alert_id": id, "resolution": resolution})));
    }
    let row = |(place, (actor, kind, seconds, body)): (usize, (&str, &str, i64, serde_json::Value))| JournalRow {
        seq: 100 + place as u64,
        time: since(seconds),
        actor: actor.to_owned(),
        kind: kind.to_owned(),
        version: 1,
        body,
        hash: String::new(),
    };
    let mut rows: Vec<JournalRow> = records.into_iter().enumerate().map(row).collect();
    rows.reverse();
    rows
}

/// Rules: built in, changed, added, disabled.
pub fn rules() -> Vec<AlertRuleRow> {
    let rule = |name: &str,
                metric: &str,
                scope: &str,
                limits: [Option<&str>; 2],
                enabled: bool,
                fired: u64|
     -> AlertRuleRow {
        let patch = serde_json::from_value::<crate::domain::AlertRulePatch>(json!({
            "name": name, "metric": metric, "scope": scope, "warning": limits[0], "critical": limits[1], "for": "5s",
            "enabled": enabled, "message": "{scope} uses {value}", "remedy": "stop what leaks",
        }));
        AlertRuleRow {
            rule: patch.unwrap().over(None).unwrap(),
            built_in: name != "hot",
            declared: !enabled || name == "hot",
            changed: vec![],
            alerts: fired / 5,
            fired,
            last_fired: (fired > 0).then(|| at(4_000)),
        }
    };
    vec![
        rule("cage-memory", "menagerie_cage_memory_usage_ratio", "cage", [Some("80%"), Some("90%")], true, 12),
        rule("cost-burn", "menagerie_fleet_cost_hour_dollars", "fleet", [Some("$20"), None], false, 0),
        rule("hot", "menagerie_node_temperature_celsius", "node", [None, Some("90")], true, 1),
        rule("queue-wait", "menagerie_queue_wait_seconds", "queue", [Some("30m"), Some("2h")], true, 3),
    ]
}

/// Silences, one of which is over.
pub fn silences() -> Vec<Silence> {
    let silence = |number: u64, rule: Option<&str>, source: Option<&str>, until: Timestamp, note: Option<&str>| {
        json!({
            "id": format!("0195cccc-0000-7000-8000-{number:012x}"), "matcher": {"rule": rule, "source": source},
            "until": until, "note": note, "by": ANN, "created_at": at(900),
        })
    };
    let rows = [
        silence(1, Some("cage-memory"), Some("cage 00*"), at(-7_200), Some("known leak \u{1b}[31m")),
        silence(2, Some("node lost"), None, at(-600), None),
        silence(3, None, Some("agent builder"), at(60), Some(HOSTILE[1])),
    ];
    rows.into_iter().map(|row| serde_json::from_value(row).unwrap()).collect()
}

/// When a rule would have fired.
pub fn trial(test: &RuleTest) -> Trial {
    let firing = |level: &str, from: i64, until: Option<i64>| {
        json!({"subject": {"scope": "cage", "name": "003"}, "level": level, "from": at(from), "until": until.map(at),
            "message": "cage 003 uses 93 % \u{1b}[2J"})
    };
    let samples = if test.rule.name == "hot" { 0 } else { 86_400 };
    serde_json::from_value(json!({
        "first": (samples > 0).then(|| at(86_400)), "samples": samples, "subjects": 12,
        "firings": if samples > 0 { vec![firing("warning", 40_000, Some(39_000)), firing("critical", 600, None)] } else { vec![] },
    }))
    .unwrap()
}
