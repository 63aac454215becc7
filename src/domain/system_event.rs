//! What the system says about itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::enumeration::enumeration;
use super::id::SystemEventId;
use super::time::Timestamp;

enumeration! {
    /// How bad something is.
    pub enum Severity ("severity") {
        /// Worth knowing.
        Info = "info",
        /// Will need somebody if it goes on.
        Warning = "warning",
        /// Needs somebody.
        Error = "error",
        /// Needs somebody now.
        Critical = "critical",
    }
}

/// A message of the system about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SystemEvent {
    /// Identifier.
    pub id: SystemEventId,
    /// How bad.
    #[serde(rename = "type")]
    pub severity: Severity,
    /// Which part speaks: `engine`, `store`, `worker`, `cage 003`, `agent tester`.
    pub source: String,
    /// One sentence.
    pub message: String,
    /// When.
    pub time: Timestamp,
    /// Component, action, details.
    #[serde(default)]
    pub context: serde_json::Map<String, serde_json::Value>,
    /// Correlation id, tags.
    #[serde(default)]
    pub metadata: serde_json::Map<String, serde_json::Value>,
}
