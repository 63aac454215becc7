//! Resources of nodes and the quantities of them that tasks hold.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::enumeration::enumeration;
use super::id::{AgentId, AllocationId, ExecutionId, NodeId, ResourceId, TaskId};
use super::refusal::Refusal;
use super::time::Timestamp;

enumeration! {
    /// What a resource counts.
    pub enum ResourceType ("resource type") {
        /// Thousandths of a core.
        Compute = "compute",
        /// Bytes of memory.
        Memory = "memory",
        /// Bytes of disk.
        Storage = "storage",
        /// GPU devices, or bytes of their memory.
        Gpu = "gpu",
    }
}

enumeration! {
    /// Whether a resource can be allocated from.
    pub enum ResourceStatus ("resource status") {
        /// Something of it is free.
        Available = "available",
        /// All of it is held.
        Allocated = "allocated",
        /// Withheld by an operator.
        Maintenance = "maintenance",
        /// Its node is lost or the thing is broken.
        Failed = "failed",
    }
}

enumeration! {
    /// The life of an allocation.
    pub enum AllocationStatus ("allocation status") {
        /// Asked for, not yet held.
        Pending = "pending",
        /// Held.
        Active = "active",
        /// Given back.
        Released = "released",
        /// Could not be held to its end because its node was lost.
        Failed = "failed",
    }
}

impl AllocationStatus {
    /// Whether the life of an allocation may go from `self` to `next`.
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Pending, Self::Active | Self::Released | Self::Failed)
                | (Self::Active, Self::Released | Self::Failed)
        )
    }

    /// Checks a change of status.
    pub fn become_checked(self, next: Self) -> Result<Self, Refusal> {
        if self.may_become(next) {
            Ok(next)
        } else {
            Err(Refusal::conflict("allocation status", format!("{self} -> {next}"), ""))
        }
    }
}

/// How much of something there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceCapacity {
    /// The quantity, in `unit`.
    pub total: u64,
    /// `millicores`, `bytes` or `devices`.
    pub unit: String,
}

/// Something countable on a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resource {
    /// Identifier.
    pub id: ResourceId,
    /// The node that has it.
    pub node_id: NodeId,
    /// Which place of [`Quantities`](super::requirements::Quantities) it is: `cpu`, `memory`, `gpu`, `gpu_memory`, `storage`.
    pub name: String,
    /// What it counts.
    #[serde(rename = "type")]
    pub kind: ResourceType,
    /// How much there is.
    pub capacity: ResourceCapacity,
    /// How much of it is held now, in the capacity's unit.
    pub allocated: u64,
    /// Whether it can be allocated from.
    pub status: ResourceStatus,
    /// Location, provider, tags.
    #[serde(default)]
    pub metadata: serde_json::Map<String, serde_json::Value>,
}

/// A quantity of a resource held for a task by an agent for a period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Allocation {
    /// Identifier.
    pub id: AllocationId,
    /// What is held.
    pub resource_id: ResourceId,
    /// For which task.
    pub task_id: TaskId,
    /// By which agent.
    pub agent_id: AgentId,
    /// For which attempt.
    pub execution_id: ExecutionId,
    /// Whether it is still held.
    pub status: AllocationStatus,
    /// How much, in the resource's unit.
    pub quantity: u64,
    /// From when.
    pub start: Timestamp,
    /// Until when; `None` while held.
    #[serde(default)]
    pub end: Option<Timestamp>,
}
