//! Alerts: what needs somebody's eye until it is resolved.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alert_rule::AlertRule;
use super::enumeration::enumeration;
use super::id::{AlertId, CageId, ExecutionId, TaskId, UserId};
use super::system_event::Severity;
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

    /// What tells it from other alerts: no two that are not resolved share it.
    pub fn cause(&self) -> (&str, &str) {
        (&self.source, &self.context.trigger)
    }
}
