//! Nodes: machines that run one worker each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::enumeration::enumeration;
use super::id::NodeId;
use super::requirements::Quantities;
use super::time::Timestamp;

enumeration! {
    /// Whether a node's worker can be reached.
    pub enum NodeStatus ("node status") {
        /// Its worker is connected.
        Online = "online",
        /// Its worker is not connected; its executions are kept until the lease ends.
        Lost = "lost",
    }
}

/// Under this name a node's metadata lists the GPUs that were there and are lost, by UUID.
pub const LOST_GPUS: &str = "lost_gpus";

/// A machine with resources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// Identifier.
    pub id: NodeId,
    /// Host name.
    pub name: String,
    /// Whether its worker is connected.
    pub status: NodeStatus,
    /// What the machine has, and so what allocations may sum up to.
    pub capacity: Capacity,
    /// Kernel, cgroup version and whatever else the worker found worth telling.
    #[serde(default)]
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// When it first joined.
    pub created_at: Timestamp,
    /// When its record last changed.
    pub updated_at: Timestamp,
}

/// The countable resources of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Capacity {
    /// Thousandths of a core.
    pub cpu_millis: u64,
    /// Bytes of memory.
    pub memory: u64,
    /// GPU devices.
    pub gpu: u64,
    /// Bytes of GPU memory over all devices.
    pub gpu_memory: u64,
    /// Bytes of disk under the data directory.
    pub storage: u64,
}

impl Capacity {
    /// The same in the order of [`Quantities`].
    pub const fn quantities(&self) -> Quantities {
        Quantities([self.cpu_millis, self.memory, self.gpu, self.gpu_memory, self.storage])
    }
}
