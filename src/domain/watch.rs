//! What a worker measures while somebody watches: shown, never journalled and never decided on. What could not be
//! measured is left out and is not zero.

use serde::{Deserialize, Serialize};

use super::id::{CageId, TaskId};

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
}

/// What everything on a machine uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostUsage {
    /// Thousandths of a core over the time since the measurement before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_millis: Option<u64>,
    /// Bytes of memory that are not available to a new process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
}

/// One measurement of a machine and its cages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measurement {
    /// Whether all that was measured before is to be forgotten: the first after the watch began names every cage that is
    /// set up, later ones only those in which something runs or has just ended.
    #[serde(default)]
    pub first: bool,
    /// The machine.
    pub host: HostUsage,
    /// Cages by number. One that is not named does nothing, and its memory is as it was.
    pub cages: Vec<CageUsage>,
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
