//! What engine and worker say to each other, over a Unix socket in frames of a length and a JSON body.
//!
//! The worker numbers its reports from 1 within its incarnation, keeps each until the engine has acknowledged it, and
//! sends what is unacknowledged again after a reconnection. The engine acknowledges a report once what follows from it
//! is durable. Requests are idempotent: a `start` for an execution that the worker has seen changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::activity::Activity;
use super::agent::StreamFormat;
use super::artifact::FoundArtifact;
use super::cage::{CageSpec, Enforcements};
use super::execution::{Outcome, OutcomeKind};
use super::id::{ArtifactId, CageId, ExecutionId, TaskId};
use super::node::Capacity;
use super::quantity::{Bytes, Span};
use super::sensors::Sensors;
use super::time::Timestamp;
use super::verify::Verify;
use super::watch::{Measurement, Process};
use super::workspace::{Difference, Merge, Workspace};

/// The version of this protocol. Both ends have to speak the same.
pub const LINK_VERSION: u32 = 5;

/// How often a worker says that it is there while an engine is connected, whatever else it says.
pub const HEARTBEAT: Duration = Duration::from_secs(5);

/// The longest frame in bytes. Anything longer is a broken peer.
pub const FRAME_BYTES_MAX: usize = 64 << 20;

/// From the engine to a worker.
// A cage's declaration is rare and short-lived; a box would only be in the way.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum ToWorker {
    /// The first message: who speaks.
    Hello {
        /// [`LINK_VERSION`].
        version: u32,
    },
    /// Declares a cage, anew or otherwise than before. It is set up when it is first used; one in use takes up new
    /// limits at once where the kernel allows, and the rest when it is next empty.
    Cage {
        /// What it is.
        spec: CageSpec,
        /// How many executions it has to host at a time.
        slots: u32,
    },
    /// Sets a cage up without using it, so that its enforcement can be reported.
    Probe {
        /// Which.
        cage_id: CageId,
    },
    /// Ends everything in a cage and forgets it.
    RemoveCage {
        /// Which.
        cage_id: CageId,
    },
    /// Starts an execution.
    Start(Box<Start>),
    /// Ends an execution: SIGTERM, then after `grace` SIGKILL to all that is left.
    Stop {
        /// Which.
        execution_id: ExecutionId,
        /// As what it ends.
        reason: OutcomeKind,
        /// Between the two signals.
        grace: Span,
    },
    /// Everything up to this number is durable at the engine.
    Ack {
        /// The number of a report.
        number: u64,
    },
    /// Merge an approved difference into a repository of the node. Idempotent: what is merged already stays as it is.
    Merge(Box<MergeOrder>),
    /// Measure as often as this; or no longer. A new connection begins without.
    Watch {
        /// Milliseconds between two measurements; `None` to stop.
        interval_ms: Option<u32>,
        /// Whether to rest while nothing runs: nobody looks, and what is measured only goes into the record.
        #[serde(default)]
        while_busy: bool,
    },
    /// Which processes are in a cage?
    Processes {
        /// Comes back with the answer.
        request: u64,
        /// Which cage.
        cage_id: CageId,
    },
    /// Leave. With `kill`, end everything first; otherwise this is refused while something runs.
    Shutdown {
        /// Whether to end what runs.
        kill: bool,
    },
}

/// An execution to be started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The attempt.
    pub execution_id: ExecutionId,
    /// The task.
    pub task_id: TaskId,
    /// Where.
    pub cage_id: CageId,
    /// Who, by name.
    pub agent: String,
    /// Program and arguments. An empty list fails the execution as not started.
    pub command: Vec<String>,
    /// Environment beyond the cage's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Where the process starts; the cage's working folder when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workdir: Option<String>,
    /// The language of its standard output.
    #[serde(default, skip_serializing_if = "StreamFormat::is_default")]
    pub format: StreamFormat,
    /// What must hold once it has ended well.
    #[serde(default, skip_serializing_if = "Verify::is_empty")]
    pub verify: Verify,
    /// The repository that it works on, in a copy of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Workspace>,
    /// The task as the agent gets it, on standard input and in a file.
    pub task: Value,
    /// How long it may take; the cage's wall limit holds besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// How many bytes of output are kept.
    pub output: Bytes,
    /// How many tokens it may report before it is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
}

/// An approved difference that is to be merged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MergeOrder {
    /// The artifact that it is.
    pub artifact_id: ArtifactId,
    /// The task that it is from.
    pub task_id: TaskId,
    /// The attempt that made it.
    pub execution_id: ExecutionId,
    /// Who made it, by name.
    pub agent: String,
    /// Who approved it, by name.
    pub approved_by: String,
    /// When. The commit has this time, so that the same order makes the same commit.
    pub approved_at: Timestamp,
    /// The repository, the base and the branch.
    pub difference: Difference,
    /// The first line of the commit's message: what sort of work it was, and what its agent said of it last.
    pub subject: String,
    /// The difference itself when it is short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Otherwise where it lies, relative to the data directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// BLAKE3 of what was approved, hexadecimal; nothing else is merged.
    pub digest: String,
}

/// From a worker to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum FromWorker {
    /// The first message: what the worker is and has.
    Hello {
        /// [`LINK_VERSION`].
        version: u32,
        /// Changes with every start of the worker.
        incarnation: u64,
        /// Its process.
        pid: u32,
        /// The host's name.
        node: String,
        /// What the host has.
        capacity: Capacity,
        /// Kernel, cgroup version and so on.
        metadata: serde_json::Map<String, Value>,
        /// Executions that it has seen and whose end is not acknowledged, those that ended included.
        executions: Vec<ExecutionId>,
    },
    /// All reports that were unacknowledged at the time of the hello have been sent again.
    Synced,
    /// The worker is there; every [`HEARTBEAT`]. Without it one that hangs could not be told from one with nothing to say.
    Heartbeat {
        /// What the worker's clock says now; one that is off from the engine's is told of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time: Option<Timestamp>,
    },
    /// Something that the engine has to make durable.
    Report {
        /// From 1, within the incarnation.
        number: u64,
        /// When it happened, by the worker's clock.
        time: Timestamp,
        /// What.
        report: Report,
    },
    /// Something that may be lost.
    Sample(Sample),
    /// What the machine and its cages use; may be lost.
    Usage(Measurement),
    /// What the node's slower sensors say; may be lost.
    Sensors(Sensors),
    /// The answer to [`ToWorker::Processes`].
    Processes {
        /// The question's number.
        request: u64,
        /// How many there are in all.
        total: u64,
        /// Them, by number; of very many only the first.
        processes: Vec<Process>,
    },
}

/// Something that happened on a node and that the engine has to make durable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum Report {
    /// A process runs. Left out when the end follows at once.
    Started {
        /// The attempt.
        execution_id: ExecutionId,
    },
    /// An execution ended; its whole process tree is gone.
    Ended {
        /// The attempt.
        execution_id: ExecutionId,
        /// When its process started, if one did.
        started_at: Option<Timestamp>,
        /// How it ended.
        outcome: Box<Outcome>,
        /// What was found in its artifact folder or announced by it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        artifacts: Vec<FoundArtifact>,
    },
    /// An approved difference was merged, or it could not be.
    Merged {
        /// The artifact that it is.
        artifact_id: ArtifactId,
        /// The task that it is from.
        task_id: TaskId,
        /// What came of it.
        merge: Merge,
    },
    /// A cage was set up.
    CageReady {
        /// Which.
        cage_id: CageId,
        /// How each limit holds.
        enforcement: Enforcements,
    },
    /// The node has more or less than it said in its hello: a device was lost or is back.
    Capacity {
        /// What it has now.
        capacity: Capacity,
        /// What is told of it now, [`LOST_GPUS`](super::node::LOST_GPUS) among it.
        metadata: serde_json::Map<String, Value>,
    },
    /// Something worth telling a person.
    Notice {
        /// How bad.
        severity: super::system_event::Severity,
        /// Which part speaks.
        source: String,
        /// One sentence.
        message: String,
    },
}

/// What a running execution says of itself; shown, not journalled, and gone when it ends, when its outcome says the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LiveFigures")]
pub struct Sample {
    /// The attempt.
    pub execution_id: ExecutionId,
    /// 0-100, when the agent said something about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<u8>,
    /// What it does, in its own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<Activity>,
    /// What it does that with: a tool, a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_detail: Option<String>,
    /// Tokens so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_used: Option<u64>,
    /// Cost so far, in US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
}
