//! Outputs of agents that a human may have to approve.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::enumeration::enumeration;
use super::id::{AgentId, ArtifactId, ExecutionId, TaskId, UserId};
use super::learning::Prospect;
use super::refusal::Refusal;
use super::time::Timestamp;
use super::workspace::{Difference, Merge};

enumeration! {
    /// What an artifact is.
    pub enum ArtifactType ("artifact type") {
        /// Source text, a patch, a script.
        Code = "code",
        /// Documentation.
        Doc = "doc",
        /// Findings, tables, measurements.
        Analysis = "analysis",
        /// Something decided.
        Decision = "decision",
        /// A summary for people.
        Report = "report",
    }
}

enumeration! {
    /// Where the review of an artifact stands.
    pub enum ReviewState ("review state") {
        /// Nobody has judged it.
        Pending = "pending",
        /// Accepted.
        Approved = "approved",
        /// Refused.
        Rejected = "rejected",
    }
}

impl ReviewState {
    /// Whether a review may go from `self` to `next`: a judgement may be changed and taken back.
    pub const fn may_become(self, next: Self) -> bool {
        !matches!(
            (self, next),
            (Self::Pending, Self::Pending) | (Self::Approved, Self::Approved) | (Self::Rejected, Self::Rejected)
        )
    }

    /// Checks a change of state.
    pub fn become_checked(self, next: Self) -> Result<Self, Refusal> {
        if self.may_become(next) {
            Ok(next)
        } else {
            Err(Refusal::conflict("review", format!("already {self}"), "an artifact that is not yet so"))
        }
    }
}

/// The judgement of a human on an artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Review {
    /// Where it stands.
    pub state: ReviewState,
    /// Who judged.
    #[serde(default)]
    pub by: Option<UserId>,
    /// When.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// Why.
    #[serde(default)]
    pub note: Option<String>,
    /// The rule that judged, in the place of a human.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// How good whoever judged thinks that it is, 0-1, where they said so. It counts in the place of what the agent reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<f64>,
}

/// What a quality may be, in words.
pub const QUALITY: &str = "a number from 0, useless, to 1, perfect";

/// Whether a figure says how good something is: from 0 to 1.
pub fn is_quality(quality: f64) -> bool {
    (0.0..=1.0).contains(&quality)
}

/// The longest title, in characters.
pub const TITLE_CHARS_MAX: usize = 500;

/// An output of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Artifact {
    /// Identifier.
    pub id: ArtifactId,
    /// Who made it.
    pub agent_id: AgentId,
    /// For which task.
    pub task_id: TaskId,
    /// In which attempt.
    pub execution_id: ExecutionId,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: ArtifactType,
    /// At most 500 characters; a file's name when it came from the artifact folder.
    pub title: String,
    /// The text itself when it is short; otherwise `None` and `path` names the file.
    #[serde(default)]
    pub content: Option<String>,
    /// Where it lies in the artifact store, relative to the data directory.
    #[serde(default)]
    pub path: Option<String>,
    /// Bytes.
    pub size: u64,
    /// BLAKE3 of the content, hexadecimal.
    pub digest: String,
    /// How good it is, 0-1: by whoever judged it, otherwise as its agent reported; null where neither said anything.
    #[serde(default)]
    pub quality_score: Option<f64>,
    /// Whether a human approved it.
    pub human_approved: bool,
    /// The judgement.
    pub review: Review,
    /// Whether it is judged alone: it is a decision, or its task is tagged `high-risk`. Known where artifacts are asked for; the
    /// journal does not keep it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub high_risk: bool,
    /// How likely it is to be approved, where it waits to be judged and enough was learned to say. Known where one artifact is
    /// asked for; the journal does not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Prospect>,
    /// Free.
    #[serde(default)]
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// What it is a difference from, where it is what an execution changed in its workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
    /// What came of merging it, once it was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<Merge>,
    /// When it was taken.
    pub created_at: Timestamp,
}

/// An artifact as the worker found it, before the engine gives it an id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundArtifact {
    /// What it is, judged by name and content.
    #[serde(rename = "type")]
    pub kind: ArtifactType,
    /// The file's path within the artifact folder, or a title given by the agent.
    pub title: String,
    /// The text itself when it is short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Where the worker has put it, relative to the data directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Bytes.
    pub size: u64,
    /// BLAKE3 of the content, hexadecimal.
    pub digest: String,
    /// What the agent said about it.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// How good the agent says that it is, 0-1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<f64>,
    /// What it is a difference from. The worker alone says this, never an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}
