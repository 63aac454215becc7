//! Alerts: what needs somebody's eye until it is resolved.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alert_rule::AlertRule;
use super::enumeration::enumeration;
use super::id::{AlertId, CageId, ExecutionId, TaskId, UserId};
use super::system_event::Severity;
use super::threshold::MetricUnit;
use super::time::Timestamp;

enumeration! {
    /// Where an alert stands.
    pub enum AlertStatus ("alert status") {
        /// Nobody has taken it.
        Active = "active",
        /// Somebody knows.
        Acknowledged = "acknowledged",
        /// It is over.
        Resolved = "resolved",
    }
}

/// What raised an alert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AlertContext {
    /// The rule or event that raised it.
    pub trigger: String,
    /// The limit that was crossed, where there is one.
    pub threshold: Option<f64>,
    /// The value that crossed it, where there is one.
    pub value: Option<f64>,
    /// What to do about it, where the rule says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// What it is about of what ran: the attempt that broke a limit, repeats itself or says nothing; several where nobody can tell
    /// which of them it is. Empty where it is about no work.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<AlertAttempt>,
}

/// An attempt that an alert is about. It stays known from the alert alone, whatever becomes of task and agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertAttempt {
    /// Who, by name.
    pub agent: String,
    /// Where.
    pub cage: CageId,
    /// Its task.
    pub task_id: TaskId,
    /// Itself.
    pub execution_id: ExecutionId,
}

/// What has become of the figure that raised an alert while that is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertFigures {
    /// What it is now; `None` when there are no samples at the moment.
    #[serde(default)]
    pub now: Option<f64>,
    /// What it was at worst since the alert came up, as far as the engine has looked since its start.
    pub worst: f64,
    /// When that was.
    pub worst_at: Timestamp,
    /// What both are counted in.
    pub unit: MetricUnit,
}

impl AlertFigures {
    /// The figure of now in words; `None` when there is none at the moment.
    pub fn present(&self) -> Option<String> {
        self.now.map(|now| self.unit.show(now))
    }

    /// Both in words: `93 % now, 99.1 % at worst`.
    pub fn said(&self) -> String {
        let now = self.present().map_or_else(|| "no figure now".to_owned(), |now| format!("{now} now"));
        format!("{now}, {} at worst", self.unit.show(self.worst))
    }
}

/// How an alert was ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resolution {
    /// When.
    pub time: Timestamp,
    /// Who, unless it cleared by itself.
    #[serde(default)]
    pub by: Option<UserId>,
    /// What was done.
    #[serde(default)]
    pub action: Option<String>,
    /// Anything else.
    #[serde(default)]
    pub notes: Option<String>,
}

/// Something that needs somebody's eye. Events of the same cause count as one alert until it is resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// Identifier.
    pub id: AlertId,
    /// How bad.
    pub severity: Severity,
    /// Where it stands.
    pub status: AlertStatus,
    /// Which part it is about: `engine`, `store`, `worker`, `cage 003`, `agent tester`.
    pub source: String,
    /// One sentence: the last one that was said of it.
    pub message: String,
    /// When it was raised.
    pub time: Timestamp,
    /// When it was last seen.
    pub last_seen: Timestamp,
    /// How often its cause came up since it was raised.
    pub count: u64,
    /// What raised it.
    #[serde(default)]
    pub context: AlertContext,
    /// Who acknowledged it.
    #[serde(default)]
    pub acknowledged_by: Option<UserId>,
    /// What was said when it was acknowledged.
    #[serde(default)]
    pub note: Option<String>,
    /// Not shown as needing an eye until then.
    #[serde(default)]
    pub silenced_until: Option<Timestamp>,
    /// How it ended.
    #[serde(default)]
    pub resolution: Option<Resolution>,
}

/// One of those that share an alert: `GET /v1/alerts/{id}/members`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertMember {
    /// What it is: `cage 003`.
    pub source: String,
    /// How bad it is there.
    pub severity: Severity,
}

impl Alert {
    /// Whether it is the one that several subjects of a rule share, once there are many of them.
    pub fn is_shared(&self) -> bool {
        self.source.strip_prefix("rule ") == Some(self.context.trigger.as_str())
    }

    /// The figure that raised it beside its limit, in the unit of `rule` and with what that measures: that is the rule that
    /// raised it, if one did and is still there. Of a shared alert, how many share it. `None` where there is no figure.
    pub fn figure(&self, rule: Option<&AlertRule>) -> Option<String> {
        let AlertContext { value, threshold, .. } = self.context;
        if self.is_shared() {
            return value.map(|members| format!("{members:.0} share it"));
        }
        let show = |value: f64| rule.map_or_else(|| value.to_string(), |rule| rule.unit().show(value));
        let words = match (value, threshold) {
            (Some(value), Some(limit)) => format!("{} where {} is the limit", show(value), show(limit)),
            (Some(value), None) => show(value),
            (None, Some(limit)) => format!("not known where {} is the limit", show(limit)),
            (None, None) => return None,
        };
        let measured = rule.map(|rule| format!(", {} of {}", rule.function, rule.measure()));
        Some(words + &measured.unwrap_or_default())
    }

    /// What has happened to it since it was raised, in words: how often its cause came up, and of one that a rule has raised, which
    /// is told again only when its severity changes, what became of that. `None` when nothing has.
    pub fn happened(&self, of_rule: bool) -> Option<String> {
        let again = self.count.saturating_sub(1);
        match (of_rule && !self.is_shared(), again) {
            (_, 0) => None,
            // A rule knows two levels, so that one change says both.
            (true, 1) if self.severity > Severity::Warning => Some("escalated from warning to critical".to_owned()),
            (true, 1) => Some("eased from critical to warning".to_owned()),
            (true, _) => Some(format!("its severity changed {again} times, {} now", self.severity)),
            (false, _) => Some(format!("came up {} times", self.count)),
        }
    }

    /// What tells it from other alerts: no two that are not resolved share it.
    pub fn cause(&self) -> (&str, &str) {
        (&self.source, &self.context.trigger)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_to_an_alert_is_said_and_not_only_counted() {
        let happened = |severity: &str, count: u64, source: &str, of_rule: bool| {
            let alert: Alert = serde_json::from_value(serde_json::json!({
                "id": "0195eeee-0000-7000-8000-000000000001", "severity": severity, "status": "active", "source": source,
                "message": "m", "time": Timestamp::EPOCH, "last_seen": Timestamp::EPOCH, "count": count,
                "context": {"trigger": "cage-memory"},
            }))
            .unwrap();
            alert.happened(of_rule)
        };
        let said = |severity, count, source, of_rule| happened(severity, count, source, of_rule).unwrap();
        assert_eq!((happened("warning", 1, "cage 001", true), happened("warning", 1, "cage 001", false)), (None, None));
        assert_eq!(said("critical", 2, "cage 001", true), "escalated from warning to critical");
        assert_eq!(said("warning", 2, "cage 001", true), "eased from critical to warning");
        assert_eq!(said("critical", 4, "cage 001", true), "its severity changed 3 times, critical now");
        assert_eq!(said("critical", 4, "cage 001", false), "came up 4 times");
        assert_eq!(said("critical", 4, "rule cage-memory", true), "came up 4 times", "others joined and left");
    }
}
