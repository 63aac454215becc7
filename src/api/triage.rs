//! What somebody who decides asks for: what waits for a human, who else could do it, and what a command would change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::types::AlertRow;
use crate::domain::enumeration::enumeration;
use crate::domain::{ArtifactType, Timestamp};

pub use crate::domain::preview::{Candidate, Figure, Preview, Unit, WhatIf};

enumeration! {
    /// What waits for a human.
    pub enum InboxKind ("inbox kind") {
        /// An artifact that nobody has judged.
        Artifact = "artifact",
        /// A task that failed for good while others depend on it: retry it, or cancel those.
        FailedTask = "failed_task",
        /// An alert that nobody has taken: acknowledge it, resolve it, or silence it.
        Alert = "alert",
    }
}

enumeration! {
    /// How bad a wrong decision would be.
    pub enum Risk ("risk") {
        /// Can be decided together with others.
        Normal = "normal",
        /// Is decided alone: an artifact of type `decision`, or of a task tagged `high-risk`.
        High = "high",
    }
}

/// One thing that waits for a human: `GET /v1/inbox`, the dearest delay first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InboxItem {
    /// The artifact's, the task's or the alert's id.
    pub id: String,
    /// What it is.
    pub kind: InboxKind,
    /// The artifact's title, what failed, or what the alert says.
    pub title: String,
    /// The artifact's type.
    #[serde(default)]
    pub artifact_type: Option<ArtifactType>,
    /// Who made it, or whom the alert is about, by name.
    #[serde(default)]
    pub agent: Option<String>,
    /// The task it belongs to; an alert belongs to none.
    #[serde(default)]
    pub task_id: Option<String>,
    /// That task's type.
    #[serde(default)]
    pub task_type: Option<String>,
    /// The alert itself, of an alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<Box<AlertRow>>,
    /// Bytes of the artifact.
    #[serde(default)]
    pub size: Option<u64>,
    /// Since when it waits.
    pub since: Timestamp,
    /// How many tasks cannot start before it is decided, those behind them included.
    pub blocks: u64,
    /// The first of those that wait for it directly, by id: things with the same ones hold up the same tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked_task_ids: Vec<String>,
    /// The earliest deadline among them.
    #[serde(default)]
    pub blocks_deadline: Option<Timestamp>,
    /// The order of the list: docs/console.md defines it. Higher is dearer.
    pub cost_of_delay: f64,
    /// How likely an artifact is to be approved, 0-1; null while too little was learned to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<f64>,
    /// Items with the same group are alike: same kind, type of artifact, type of task; of alerts, raised by the same.
    pub group: String,
    /// Whether it may be decided in a batch.
    pub risk: Risk,
    /// Hidden from the list's head until then.
    #[serde(default)]
    pub snoozed_until: Option<Timestamp>,
}
