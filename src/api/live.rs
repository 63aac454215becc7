//! What somebody who watches the fleet asks for again and again: small, made for being fetched once a second.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::triage::InboxItem;
use crate::domain::alert::Alert;
use crate::domain::counts::Counts;
use crate::domain::enumeration::enumeration;
use crate::domain::node::Capacity;
use crate::domain::sensors::Sensors;
use crate::domain::watch::HostUsage;
use crate::domain::{CageId, CageStatus, NodeStatus, TaskId, Timestamp};

enumeration! {
    /// A part of the fleet that can change.
    pub enum Topic ("topic") {
        /// Tasks and their executions.
        Tasks = "tasks",
        /// Agents.
        Agents = "agents",
        /// Cages and nodes.
        Cages = "cages",
        /// Artifacts and their reviews.
        Artifacts = "artifacts",
        /// Alerts and system events.
        Alerts = "alerts",
        /// Figures that are sampled and not journalled: use of processors and memory, progress, tokens.
        Usage = "usage",
    }
}

/// One notice of `GET /v1/pulse`: something changed since the last one. Nothing is sent while nothing changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pulse {
    /// The journal's last record.
    pub seq: u64,
    /// The engine's clock.
    pub time: Timestamp,
    /// What changed.
    pub changed: Vec<Topic>,
    /// How many there are of everything now.
    pub counts: Counts,
    /// Active alerts.
    pub alerts: u64,
    /// Whether the engine takes no changes because its store failed.
    pub read_only: bool,
}

/// How far a starting engine is: `GET /v1/ready`, which answers before all other routes do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ready {
    /// Whether every route answers.
    pub ready: bool,
    /// What it does now, for people: `reading tasks`.
    pub phase: String,
    /// How many of `total` are done in this phase.
    pub done: u64,
    /// How many there are to do; 0 when unknown.
    pub total: u64,
}

impl Ready {
    /// For people: `reading tasks 400,000 of 1,000,000`.
    pub fn text(&self) -> String {
        if self.total == 0 {
            return self.phase.clone();
        }
        format!("{} {} of {}", self.phase, grouped(self.done), grouped(self.total))
    }
}

/// `1,000,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok());
    groups.collect::<Vec<_>>().join(",")
}

enumeration! {
    /// How something is, from good to bad.
    pub enum HealthState ("health") {
        /// As it should be.
        Ok = "ok",
        /// Works, but somebody should look.
        Degraded = "degraded",
        /// Does not do its work.
        Failed = "failed",
        /// Nobody has measured it.
        Unknown = "unknown",
    }
}

/// How one part is and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// `store`, `journal`, `disk`, `worker`, `cages`, `sensors`, `queue`, `agents`, `alert delivery`, `clock`.
    pub component: String,
    /// How it is.
    pub state: HealthState,
    /// Why, with the figure; empty when all is well.
    #[serde(default)]
    pub reason: String,
    /// What to do about it; empty when there is nothing.
    #[serde(default)]
    pub remedy: String,
    /// Since when it is so, as far as the engine knows; from its start what was so then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// How the engine and everything it needs is: `GET /health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthReport {
    /// That of the worst part.
    pub state: HealthState,
    /// When it was asked for.
    pub time: Timestamp,
    /// Each part, the worst first.
    pub components: Vec<Health>,
}

/// Used and granted of a limit. What nobody measures is left out and is not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gauge {
    /// What is used now: cores, bytes, devices, tokens in the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<f64>,
    /// What running work has reserved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted: Option<f64>,
    /// The most there can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
}

impl Gauge {
    /// Used of limit, 0-1 and more when a limit is overrun; `None` when either is unknown or the limit is zero.
    pub fn share(&self) -> Option<f64> {
        match (self.used, self.limit) {
            (Some(used), Some(limit)) if limit > 0.0 => Some(used / limit),
            _ => None,
        }
    }
}

enumeration! {
    /// What goes on in a cage, as one mark.
    pub enum CellState ("cell state") {
        /// Something runs.
        Running = "running",
        /// Something is being started.
        Starting = "starting",
        /// An agent lives there and has nothing to do.
        Idle = "idle",
        /// Its agent waits for a human.
        Waiting = "waiting",
        /// An open alert is about it or its agent, or it runs and a limit is nearly reached.
        Warning = "warning",
        /// The same, and the gravest of the open alerts is an error.
        Error = "error",
        /// The same, and the gravest of the open alerts is critical.
        Critical = "critical",
        /// Nobody lives there, or it is withheld.
        Stopped = "stopped",
        /// Its agent's breaker is open, or its last execution failed. The cage itself is well, so it is not called failed.
        Failing = "failing",
        /// Its node is out of reach.
        Unknown = "unknown",
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // As serde calls it.
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// An open alert about a cage: `GET /v1/cages/{id}/alerts`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OpenAlert {
    /// It.
    pub alert: Alert,
    /// Its figure beside its limit, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figure: Option<String>,
    /// What its figure is now and was at worst, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
}

/// One cage of the grid: `GET /v1/grid` gives all of them, in the order of their numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CageCell {
    /// Its number.
    pub id: CageId,
    /// Whether somebody lives there.
    pub status: CageStatus,
    /// What goes on.
    pub state: CellState,
    /// The node it is on, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The name of the agent that lives or works there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// How many executions run in it.
    #[serde(default)]
    pub running: u32,
    /// How many open alerts are about it, its agent, or of its node and speak of it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub alerts: u32,
    /// Cores.
    pub cpu: Gauge,
    /// Bytes.
    pub memory: Gauge,
    /// Bytes: the most that were in use since the cage was set up.
    #[serde(default)]
    pub memory_peak: Gauge,
    /// Devices.
    pub gpu: Gauge,
    /// Tokens in the limit's window.
    pub tokens: Gauge,
    /// Processes.
    pub pids: Gauge,
}

/// One process of a cage: `GET /v1/cages/{id}/processes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CageProcess {
    /// Its number on the host.
    pub pid: u32,
    /// Its parent's number on the host.
    pub parent: u32,
    /// The kernel's letter for its state: R, S, D, Z, T.
    pub state: String,
    /// Its command line, at most 300 characters.
    pub command: String,
    /// Processor time so far, in seconds.
    pub cpu_seconds: f64,
    /// Resident memory in bytes.
    pub memory_bytes: u64,
    /// Threads.
    pub threads: u32,
    /// The task it works for, when that can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
}

/// What ended in one minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Minute {
    /// Executions that completed.
    pub completed: u64,
    /// Executions that failed.
    pub failed: u64,
}

/// How long the queue is and how long it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueFigures {
    /// Tasks that wait for their turn.
    pub pending: u64,
    /// How long the oldest of them has waited, in seconds.
    #[serde(default)]
    pub oldest_wait_s: Option<f64>,
    /// The median wait of the tasks that started within the last minutes, in seconds.
    #[serde(default)]
    pub median_wait_s: Option<f64>,
}

/// What a machine has and gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeLoad {
    /// Host name.
    pub name: String,
    /// Whether its worker is connected.
    pub status: NodeStatus,
    /// Cores.
    pub cpu: Gauge,
    /// Bytes.
    pub memory: Gauge,
    /// Devices.
    pub gpu: Gauge,
}

/// What a node's sensors say: `GET /v1/nodes/{node}/sensors`. They are read while somebody looks; what is asked for first
/// is waited for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeSensors {
    /// Host name.
    pub name: String,
    /// Whether its worker is connected.
    pub status: NodeStatus,
    /// What it has.
    pub capacity: Capacity,
    /// What everything on it uses; `None` when its worker has not measured.
    #[serde(default)]
    pub host: Option<HostUsage>,
    /// Disks, network, temperatures and GPUs; `None` when they were not read.
    #[serde(default)]
    pub sensors: Option<Sensors>,
}

/// A task that may miss its deadline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AtRisk {
    /// Which.
    pub task_id: TaskId,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it has to be done.
    pub deadline: Timestamp,
    /// Why it may be late.
    pub reason: String,
}

/// What a person needs in the first five seconds: `GET /v1/overview`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Overview {
    /// The journal's last record.
    pub seq: u64,
    /// The engine's clock.
    pub time: Timestamp,
    /// Each part, the worst first.
    pub health: Vec<Health>,
    /// How many there are of everything.
    pub counts: Counts,
    /// The queue.
    pub queue: QueueFigures,
    /// The last 60 minutes, oldest first; the last one is still going on.
    pub minutes: Vec<Minute>,
    /// The machines.
    pub nodes: Vec<NodeLoad>,
    /// Tokens that executions of the last hour reported; `None` when none reported any.
    #[serde(default)]
    pub tokens_hour: Option<u64>,
    /// Their cost in US dollars; `None` when none reported any.
    #[serde(default)]
    pub cost_hour: Option<f64>,
    /// The first of what waits for a human apart from alerts, which stand below; at most 20.
    pub inbox: Vec<InboxItem>,
    /// How much waits for a human apart from alerts.
    pub inbox_total: u64,
    /// The worst active alerts, at most five.
    pub alerts: Vec<Alert>,
    /// How many alerts are active.
    pub alerts_total: u64,
    /// How many others are not over, which somebody has acknowledged or silenced.
    #[serde(default)]
    pub alerts_taken: u64,
    /// Tasks that may miss their deadline, the most urgent first, at most five.
    pub at_risk: Vec<AtRisk>,
    /// How many may.
    pub at_risk_total: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_with_figures_where_there_are_any() {
        let ready = |done, total| Ready { ready: false, phase: "reading tasks".to_owned(), done, total }.text();
        assert_eq!(ready(0, 0), "reading tasks");
        assert_eq!(ready(0, 999), "reading tasks 0 of 999");
        assert_eq!(ready(400_000, 12_345_678), "reading tasks 400,000 of 12,345,678");
    }

    #[test]
    fn a_share_needs_both_figures() {
        let gauge = |used, limit| Gauge { used, granted: None, limit }.share();
        assert_eq!(gauge(Some(3.0), Some(2.0)), Some(1.5));
        assert_eq!(gauge(Some(3.0), Some(0.0)), None);
        assert_eq!((gauge(None, Some(1.0)), gauge(Some(1.0), None)), (None, None));
    }
}
