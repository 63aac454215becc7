//! What a worker measures while somebody watches or something runs: shown, never journalled and never decided on. What
//! could not be measured is left out and is not zero.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::{CageId, ExecutionId, TaskId};

/// What a cage's processes use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CageUsage {
    /// Which.
    pub cage_id: CageId,
    /// Thousandths of a core over the time since the measurement before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_millis: Option<u64>,
    /// Bytes of memory now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// The most bytes of memory since the cage was set up. This and the next two are looked at more rarely than the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_peak: Option<u64>,
    /// Processes and threads of agents now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pids: Option<u32>,
    /// Microseconds for which its processes were held back for want of processor time, since this was last looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled_us: Option<u64>,
    /// Processes that the kernel has ended for want of memory, since its present slots were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oom_kills: Option<u64>,
    /// Tokens reported within the span of its limit, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Microseconds of processor time since the cage was set up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_total_us: Option<u64>,
    /// Microseconds for which its processes were held back since the cage was set up. This and the next are looked at more
    /// rarely than the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled_total_us: Option<u64>,
    /// What it has read from and written to disks since it was set up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub io: Option<Io>,
}

impl CageUsage {
    /// A cage of which nothing is known.
    pub const fn unknown(cage_id: CageId) -> Self {
        Self {
            cage_id,
            cpu_millis: None,
            memory: None,
            memory_peak: None,
            pids: None,
            throttled_us: None,
            oom_kills: None,
            tokens: None,
            cpu_total_us: None,
            throttled_total_us: None,
            io: None,
        }
    }
}

/// What was read from and written to disks, as the kernel counts it. Version 1 of control groups books what is written
/// later, out of the kernel's memory, to nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Io {
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// Reads.
    pub reads: u64,
    /// Writes.
    pub writes: u64,
}

/// What an execution prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecutionUsage {
    /// Which.
    pub execution_id: ExecutionId,
    /// Of which task.
    pub task_id: TaskId,
    /// Where.
    pub cage_id: CageId,
    /// By whom, by name.
    pub agent: String,
    /// Bytes so far.
    pub output_bytes: u64,
    /// Lines so far.
    pub output_lines: u64,
    /// Bytes a second since the measurement before.
    pub output_bytes_rate: f64,
    /// Lines a second since the measurement before.
    pub output_lines_rate: f64,
    /// Milliseconds since it last printed something, or since it began when it has printed nothing.
    pub silent_ms: u64,
    /// How many percent of its latest lines are like others among them, times aside; `None` before there are enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeated_percent: Option<u8>,
}

/// What everything on a machine uses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostUsage {
    /// Thousandths of a core over the time since the measurement before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_millis: Option<u64>,
    /// Bytes of memory that are not available to a new process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Bytes of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_total: Option<u64>,
    /// Bytes of swap in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swap: Option<u64>,
    /// Bytes of swap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swap_total: Option<u64>,
    /// Thousandths of each core, as `cpu_millis`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cores: Vec<u64>,
    /// How many tasks of the kernel ran or waited for a core, in the mean of the last 1, 5 and 15 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<[f64; 3]>,
    /// Seconds since the machine was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_s: Option<u64>,
}

/// One measurement of a machine and its cages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Whether all that was measured before is to be forgotten: the first after the watch began names every cage that is
    /// set up, later ones only those in which something runs or has just ended.
    #[serde(default)]
    pub first: bool,
    /// The machine.
    pub host: HostUsage,
    /// Cages by number. One that is not named does nothing, and its memory is as it was.
    pub cages: Vec<CageUsage>,
    /// What executions print. One that is not named and runs has printed nothing since it was last named.
    #[serde(default)]
    pub executions: Vec<ExecutionUsage>,
    /// After how many milliseconds the next may be expected.
    #[serde(default)]
    pub interval_ms: u32,
}

/// A process in a cage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Its number on the host.
    pub pid: u32,
    /// Its parent's number on the host.
    pub parent: u32,
    /// The kernel's letter for its state.
    pub state: String,
    /// Its command line, or its name in brackets when it has none; at most 300 characters.
    pub command: String,
    /// Processor time so far, in microseconds.
    pub cpu_us: u64,
    /// Resident memory in bytes.
    pub memory: u64,
    /// Threads.
    pub threads: u32,
    /// The task it works for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
}
