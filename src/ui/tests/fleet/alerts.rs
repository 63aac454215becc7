//! Alerts of every severity and state.

use serde_json::json;

use super::{HOSTILE, at, window};
use crate::api::client::Query;
use crate::domain::Alert;
use crate::ui::request::Page;

/// How many there are.
const ALERTS: u64 = 24;

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
        "context": {"trigger": "cage memory", "threshold": 0.9, "value": 0.97},
        "silenced_until": (number == 3).then(|| at(-7_200)),
        "note": (status == "acknowledged").then_some("looking into it"),
        "resolution": (status == "resolved").then(|| json!({"time": at(20), "action": "raised the limit"})),
    }))
    .unwrap()
}

/// The alerts of a window; statuses as the screen asks for them.
pub fn page(query: &Query) -> Page<Alert> {
    let (offset, limit) = window(query);
    let statuses = query.iter().find(|(name, _)| name == "status").map_or("", |(_, value)| value.as_str());
    let fits = |alert: &Alert| statuses.is_empty() || statuses.split(',').any(|status| status == alert.status.as_str());
    let all: Vec<Alert> = (0..ALERTS).map(alert).filter(fits).collect();
    let total = all.len() as u64;
    let skip = usize::try_from(offset).unwrap();
    Page { rows: all.into_iter().skip(skip).take(usize::try_from(limit).unwrap()).collect(), total }
}
