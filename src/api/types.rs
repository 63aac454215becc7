//! What travels between the engine and its clients beyond the domain's own values.

use std::ops::Deref;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::live::{Health, HealthState};
use crate::domain::alert::AlertFigures;
use crate::domain::approval_rule::ApprovalRule;
use crate::domain::counts::{AgentCounts, ArtifactCounts, CageCounts, TaskCounts};
use crate::domain::link::Sample;
use crate::domain::{
    Activity, Agent, Alert, AlertRule, AlertRulePatch, AllocationId, NodeStatus, Refusal, Resource, ResourceStatus,
    Span, Task, Timestamp,
};

pub use crate::domain::command::WireCommand;

/// The name of the engine's socket in its data directory.
pub const SOCKET_NAME: &str = "engine.sock";

/// What every route but `/v1/ready` is refused with, as the field of the refusal, until the engine has read its store.
pub const NOT_READY: &str = "the engine is still reading its store";

/// The header of a list that says how many items there are in all, regardless of `limit` and `offset`.
pub const TOTAL_HEADER: &str = "x-total-count";

/// The header of a list whose items were counted up to a bound only: there are more than [`TOTAL_HEADER`] says.
pub const MORE_HEADER: &str = "x-total-more";

/// The header of a part of the journal that does not reach its end: the number from which to go on, as `after`, or as
/// `before` when the newest come first.
pub const NEXT_HEADER: &str = "x-next";

/// The header of an artifact's content that says how many bytes there are in all, regardless of `offset` and `length`.
pub const SIZE_HEADER: &str = "x-total-size";

/// The headers of an answer with output: the positions at which it begins and ends, and how many bytes are kept in all.
pub const LOG_START_HEADER: &str = "x-log-start";
/// See [`LOG_START_HEADER`]; left out while the output is followed.
pub const LOG_END_HEADER: &str = "x-log-end";
/// See [`LOG_START_HEADER`].
pub const LOG_SIZE_HEADER: &str = "x-log-size";

/// The most tasks that one `submit_tasks` may carry.
pub const BATCH_TASKS_MAX: usize = 1_000_000;

/// The body of every answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WireError {
    /// What was refused and how to mend it.
    pub error: Refusal,
}

/// The body of `POST /v1/shutdown`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Shutdown {
    /// Whether the worker and everything that runs in its cages ends too.
    pub kill: bool,
}

/// The body of `POST /v1/moment`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToMoment {
    /// Which moment: `14:03`, `-10m`, `seq:1234`, `2026-01-31T14:03:22Z`.
    pub at: String,
}

/// How the engine is and what it has to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// The engine's version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Its data directory, absolute.
    pub data_dir: String,
    /// When it started.
    pub started_at: Timestamp,
    /// The sequence number of the journal's last record.
    pub seq: u64,
    /// Whether it takes no changes because its store failed.
    pub read_only: bool,
    /// The machines it knows.
    #[serde(default)]
    pub nodes: Vec<NodeSummary>,
    /// Tasks by status; an array counts as its elements.
    pub tasks: TaskCounts,
    /// Agents by status.
    pub agents: AgentCounts,
    /// Cages by status.
    pub cages: CageCounts,
    /// Artifacts that wait for a human.
    pub artifacts: ArtifactCounts,
    /// Resident memory of the engine's process in bytes.
    pub memory_bytes: u64,
    /// How each part is, the worst first.
    #[serde(default)]
    pub health: Vec<Health>,
}

/// A task, and what is said of it while it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskRow {
    /// The task; its fields stand beside the other in JSON.
    #[serde(flatten)]
    pub task: Task,
    /// What is being done about it; absent for one that was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<Activity>,
    /// What its execution says, once it has said something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Sample>,
}

/// An agent, and what it says of the task that it took last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentRow {
    /// The agent; its fields stand beside the other in JSON.
    #[serde(flatten)]
    pub agent: Agent,
    /// What it says of its current task, once it has said something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Sample>,
}

/// A resource, and what is held of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceRow {
    /// The resource; its fields stand beside the others in JSON.
    #[serde(flatten)]
    pub resource: Resource,
    /// The allocations that hold some of it now.
    #[serde(default)]
    pub allocations: Vec<AllocationId>,
    /// How it is.
    #[serde(default)]
    pub metrics: ResourceMetrics,
}

/// How a resource is. What nobody measures is null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ResourceMetrics {
    /// How much of it is held, 0-1; null where there is none.
    pub utilization: Option<f64>,
    /// How fast it is, 0-1.
    pub performance: Option<f64>,
    /// `ok`, or `failed` when its node cannot be reached; null while it is withheld.
    pub health: Option<HealthState>,
}

impl ResourceMetrics {
    /// What a resource itself tells of that.
    #[allow(clippy::cast_precision_loss)] // Only shown.
    pub fn of(resource: &Resource) -> Self {
        let total = resource.capacity.total;
        let utilization = (total > 0).then(|| resource.allocated as f64 / total as f64);
        let health = match resource.status {
            ResourceStatus::Available | ResourceStatus::Allocated => Some(HealthState::Ok),
            ResourceStatus::Failed => Some(HealthState::Failed),
            ResourceStatus::Maintenance => None,
        };
        Self { utilization, performance: None, health }
    }
}

/// An alert, and what has become of its figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertRow {
    /// The alert; its fields stand beside the other in JSON.
    #[serde(flatten)]
    pub alert: Alert,
    /// What its figure is now and was at worst, of one that a rule has raised and that is not over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<AlertFigures>,
}

impl From<Alert> for AlertRow {
    fn from(alert: Alert) -> Self {
        Self { alert, figures: None }
    }
}

impl Deref for AlertRow {
    type Target = Alert;

    fn deref(&self) -> &Alert {
        &self.alert
    }
}

/// An alert rule and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertRuleRow {
    /// The rule; its fields stand beside the others in JSON.
    #[serde(flatten)]
    pub rule: AlertRule,
    /// Whether it came with the program.
    pub built_in: bool,
    /// Whether it was added, or changed from how it came.
    pub declared: bool,
    /// Of one that came with the program and was changed since: what it says otherwise than that does now, as `scope: node, built in:
    /// gpu`. Also when it was declared as the program of that time had it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// Alerts of it that are not resolved.
    pub alerts: u64,
    /// How many alerts it ever raised, resolved ones included.
    #[serde(default)]
    pub fired: u64,
    /// When it raised the last of them; `None` when it raised none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_fired: Option<Timestamp>,
}

/// A metric that rules may look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MetricName {
    /// Its name.
    pub name: String,
    /// What it is; empty for one that the program does not know.
    pub description: String,
}

/// A rule to be tried on the past: `POST /v1/alert-rules/test`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleTest {
    /// The rule; of one that there is, what is left out is as it stands.
    pub rule: AlertRulePatch,
    /// How far back.
    pub since: Span,
}

/// A rule that judges artifacts, to be tried on the past: `POST /v1/approval-rules/test`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRuleTest {
    /// The rule.
    pub rule: ApprovalRule,
    /// How far back.
    pub since: Span,
}

/// One machine in a [`Status`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeSummary {
    /// Host name.
    pub name: String,
    /// Whether its worker is connected.
    pub status: NodeStatus,
}

/// One record of the journal, as `GET /v1/journal` and the event stream give it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JournalRow {
    /// Its place in the journal, from 1.
    pub seq: u64,
    /// When it was decided.
    pub time: Timestamp,
    /// Who caused it: `engine`, `user:ID` or `node:ID`.
    pub actor: String,
    /// What happened.
    pub kind: String,
    /// The version of the kind's body.
    pub version: u32,
    /// The facts.
    pub body: Value,
    /// BLAKE3 over the previous record's hash and this record, hexadecimal.
    pub hash: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AgentSpec, Command, Fleet, NewTask};

    #[test]
    fn a_command_is_a_wire_command() {
        let task = NewTask::new("x");
        let commands: [Command; 5] = [
            Command::SubmitTasks { tasks: vec![task], keep_going: true },
            Command::CancelTasks { ids: vec![], note: Some("why".into()), pending_only: false },
            Command::Apply { fleet: Fleet::default(), dry_run: true },
            Command::AddAgent { agent: Box::new(AgentSpec::new("a")) },
            Command::SetCageMaintenance { ids: vec!["7".parse().unwrap()], on: true },
        ];
        for command in commands {
            let wire: WireCommand = serde_json::from_value(serde_json::to_value(&command).unwrap()).unwrap();
            let back: Command = serde_json::from_value(serde_json::to_value(&wire).unwrap()).unwrap();
            assert_eq!(back, command);
        }
    }
}
