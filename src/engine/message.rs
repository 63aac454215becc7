//! What reaches the deciding thread: one queue, hence one order.

use tokio::sync::oneshot;

use super::core::look::{FleetView, OverviewView};
use super::core::{Core, Explanation, Observation};
use super::figures::Figures;
use super::outlet::Outlet;
use crate::domain::counts::Counts;
use crate::domain::link::Report;
use crate::domain::node::Capacity;
use crate::domain::snapshot::Snapshot;
use crate::domain::{Command, ExecutionId, NodeId, Refusal, Reply, Span, TaskId, Timestamp, WhatIf};
use crate::store::Chain;

/// Who stands at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The operating system's number of the account.
    pub uid: u32,
    /// Its name.
    pub name: String,
}

/// A worker that has said hello.
pub struct Greeting {
    /// Tells this connection's messages from those of an earlier one to the same node.
    pub connection: u64,
    /// The host's name.
    pub node: String,
    /// Changes with every start of the worker.
    pub incarnation: u64,
    /// What the host has.
    pub capacity: Capacity,
    /// Kernel and so on.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// Executions that the worker knows of.
    pub executions: Vec<ExecutionId>,
    /// Where messages for the worker go.
    pub outlet: Box<dyn Outlet>,
}

/// The state as it is on disk.
pub struct Durable {
    /// The unfinished work and the fleet.
    pub snapshot: Snapshot,
    /// What the next records are chained to.
    pub chain: Chain,
}

/// Told when the engine has stopped, or why not everything has ended.
pub type StopAnswer = oneshot::Sender<Result<(), Refusal>>;

/// Looks into the engine's memory at a moment.
pub type Look = Box<dyn FnOnce(&Core, Timestamp) + Send>;

/// Something for the deciding thread.
pub enum Message {
    /// A change that somebody asks for.
    Command {
        /// Who asks.
        peer: Peer,
        /// For what.
        command: Command,
        /// Where the answer goes, once it is durable.
        answer: oneshot::Sender<Result<Reply, Refusal>>,
    },
    /// What would a command do?
    WhatIf {
        /// Who asks.
        peer: Peer,
        /// About what.
        command: Command,
        /// How long agents take, to judge deadlines by.
        means: Figures,
        /// Where the answer goes.
        answer: oneshot::Sender<Result<WhatIf, Refusal>>,
    },
    /// A worker connected.
    Hello(Box<Greeting>),
    /// A worker has sent everything again that was not acknowledged.
    Synced {
        /// By which connection.
        connection: u64,
    },
    /// A worker reports.
    Report {
        /// By which connection.
        connection: u64,
        /// The report's number within the worker's incarnation.
        number: u64,
        /// When it happened, by the worker's clock.
        time: Timestamp,
        /// What happened.
        report: Report,
    },
    /// An execution cannot be started: no message to a worker can carry it.
    NotSent {
        /// Where it should have run.
        node: NodeId,
        /// The attempt.
        execution_id: ExecutionId,
        /// Why, for people.
        why: String,
    },
    /// Figures of rules that may change a level.
    Observe(Vec<Observation>),
    /// A receiver of alerts is dead, or is well again.
    Delivery {
        /// The receiver, by name.
        receiver: String,
        /// Why it is dead; `None` when it is well.
        error: Option<String>,
    },
    /// A worker's clock is off from the engine's, or right again.
    Clock {
        /// By which connection.
        connection: u64,
        /// By how many microseconds it is ahead; `None` when it is right.
        offset: Option<i64>,
    },
    /// A connection to a worker ended.
    Closed {
        /// Which.
        connection: u64,
    },
    /// Why is a task where it is?
    Explain {
        /// Which task.
        task: TaskId,
        /// Where the answer goes; `None` when the task is not in memory, hence ended or unknown.
        answer: oneshot::Sender<Option<Explanation>>,
    },
    /// A question that the memory answers and that changes nothing; the answer goes where the question knows.
    Look(Look),
    /// How many tasks, agents and cages are in which state, and is the engine read-only?
    Counts {
        /// Where the answer goes.
        answer: oneshot::Sender<(Counts, bool)>,
    },
    /// How is every cage and every machine?
    ViewFleet {
        /// Where the answer goes.
        answer: oneshot::Sender<FleetView>,
    },
    /// What does an overview need to know?
    ViewOverview {
        /// How far ahead deadlines matter.
        horizon: Span,
        /// How many of them are given at most.
        due_max: usize,
        /// Where the answer goes.
        answer: oneshot::Sender<(OverviewView, Counts, bool)>,
    },
    /// Which execution does each running task have?
    Executing {
        /// Where the answer goes.
        answer: oneshot::Sender<Vec<(TaskId, ExecutionId)>>,
    },
    /// A batch could not be committed; what followed it was dropped.
    CommitFailed {
        /// What is on disk, if that can be read: what was decided since is void and must not be shown.
        durable: Option<Box<Durable>>,
        /// In words.
        error: String,
    },
    /// The store can be read again: the state as it is on disk.
    Recovered(Box<Durable>),
    /// Leave. With `kill`, end what runs first.
    Stop {
        /// Whether to end what runs.
        kill: bool,
        /// Told when it is done.
        done: Option<StopAnswer>,
    },
}
