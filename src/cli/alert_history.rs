//! What became of an alert, step by step: its records in the journal, read from the first on.

use serde_json::{Value, json};

use super::view;
use crate::api::types::JournalRow;
use crate::domain::event::Event;
use crate::domain::{Severity, Timestamp, User};

/// Something that happened to an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When.
    pub time: Timestamp,
    /// Who did it: `engine`, or the name of a user.
    pub by: String,
    /// What happened: `raised`, `escalated`, `eased`, `repeated`, `acknowledged` and so on.
    pub what: &'static str,
    /// How bad it was before, where this changed it.
    pub from: Option<Severity>,
    /// How bad it was from then on, where this said so.
    pub to: Option<Severity>,
    /// Why, in words; empty when nothing was said.
    pub why: String,
    /// How often the same was said in a row.
    pub times: u64,
}

impl Step {
    /// For programs.
    pub fn value(&self) -> Value {
        let Self { time, by, what, from, to, why, times } = self;
        json!({"time": time, "by": by, "what": what, "from": from, "to": to, "why": why, "times": times})
    }

    /// For people: `escalated from warning to critical: cage 003 uses 98.1 % of ...`.
    pub fn sentence(&self) -> String {
        let how = match (self.from, self.to) {
            (Some(from), Some(to)) => format!("{} from {from} to {to}", self.what),
            (None, Some(to)) => format!("{} as {to}", self.what),
            _ => self.what.to_owned(),
        };
        let times = if self.times > 1 { format!(" ({} times)", self.times) } else { String::new() };
        if self.why.is_empty() { format!("{how}{times}") } else { format!("{how}{times}: {}", self.why) }
    }
}

/// The steps of an alert, the first one first. `rows` are its records, the newest first; what was said again without any
/// change is one step, with the words of the last time.
pub fn steps(rows: &[JournalRow], users: &[User]) -> Vec<Step> {
    let mut steps: Vec<Step> = vec![];
    let mut severity = None;
    for row in rows.iter().rev() {
        let event = serde_json::to_vec(&row.body).ok().and_then(|body| Event::read(&row.kind, row.version, &body).ok());
        let Some((what, to, why)) = event.and_then(|event| told(event, severity)) else { continue };
        let from = if matches!(what, "escalated" | "eased") { severity } else { None };
        severity = to.or(severity);
        let to = to.filter(|_| what != "repeated");
        let step = Step { time: row.time, by: view::actor(&row.actor, users), what, from, to, why, times: 1 };
        match steps.last_mut() {
            Some(last) if last.what == "repeated" && what == "repeated" => {
                *last = Step { times: last.times + 1, ..step }
            }
            _ => steps.push(step),
        }
    }
    steps
}

/// What a record says: what happened, how bad it is from then on, and why. `before` is how bad it was.
fn told(event: Event, before: Option<Severity>) -> Option<(&'static str, Option<Severity>, String)> {
    Some(match event {
        Event::AlertRaised(event) => ("raised", Some(event.alert.severity), event.alert.message),
        Event::AlertRepeated(event) => {
            let what = match before {
                Some(before) if event.severity > before => "escalated",
                Some(before) if event.severity < before => "eased",
                _ => "repeated",
            };
            (what, Some(event.severity), event.message)
        }
        Event::AlertAcknowledged(event) => ("acknowledged", None, event.note.unwrap_or_default()),
        Event::AlertUnacknowledged(_) => ("active again", None, String::new()),
        Event::AlertSilenced(event) => match event.until {
            Some(until) => ("silenced", None, format!("until {until}")),
            None => ("shown again", None, String::new()),
        },
        Event::AlertResolved(event) => {
            let words: Vec<String> = [event.resolution.action, event.resolution.notes].into_iter().flatten().collect();
            ("resolved", None, words.join("; "))
        }
        Event::AlertReopened(event) => ("reopened", Some(event.alert.severity), String::new()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(second: i64, kind: &str, body: Value) -> JournalRow {
        let time = Timestamp::from_micros(second * 1_000_000);
        let (seq, actor, hash) = (u64::try_from(second).unwrap(), "engine".to_owned(), String::new());
        JournalRow { seq, time, actor, kind: kind.to_owned(), version: 1, body, hash }
    }

    fn repeated(second: i64, severity: &str, message: &str) -> JournalRow {
        let body = json!({"alert_id": ID, "severity": severity, "message": message, "value": 0.98});
        row(second, "alert_repeated", body)
    }

    const ID: &str = "0195aaaa-0000-7000-8000-000000000001";

    #[test]
    fn each_escalation_says_when_from_what_to_what_and_why() {
        let alert = json!({"alert": {
            "id": ID, "severity": "warning", "status": "active", "source": "cage 003", "message": "at 91 %",
            "time": Timestamp::EPOCH, "last_seen": Timestamp::EPOCH, "count": 1,
        }});
        let resolution = json!({"alert_id": ID, "resolution": {"time": Timestamp::EPOCH, "action": "stopped it", "notes": "a leak"}});
        let rows = [
            row(7, "alert_resolved", resolution),
            repeated(6, "warning", "at 95 %"),
            repeated(5, "critical", "at 99.2 %"),
            repeated(4, "critical", "at 99.1 %"),
            repeated(3, "critical", "at 99 %"),
            row(2, "alert_unacknowledged", json!({"alert_id": ID})),
            row(1, "alert_raised", alert),
        ];
        let told: Vec<(i64, String)> =
            steps(&rows, &[]).iter().map(|step| (step.time.as_micros() / 1_000_000, step.sentence())).collect();
        let expected = [
            (1, "raised as warning: at 91 %"),
            (2, "active again"),
            (3, "escalated from warning to critical: at 99 %"),
            (5, "repeated (2 times): at 99.2 %"),
            (6, "eased from critical to warning: at 95 %"),
            (7, "resolved: stopped it; a leak"),
        ];
        assert_eq!(told, expected.map(|(second, text)| (second, text.to_owned())));
        let value = steps(&rows, &[])[2].value();
        assert_eq!(
            (&value["what"], &value["from"], &value["to"]),
            (&json!("escalated"), &json!("warning"), &json!("critical"))
        );
    }
}
