//! Alerts: what needs somebody's eye until it is resolved.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::enumeration::enumeration;
use super::id::{AlertId, UserId};
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

impl Alert {
    /// What tells it from other alerts: no two that are not resolved share it.
    pub fn cause(&self) -> (&str, &str) {
        (&self.source, &self.context.trigger)
    }
}
