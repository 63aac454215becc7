//! Resources of nodes and the quantities of them that tasks hold.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::enumeration::enumeration;
use super::id::{AgentId, AllocationId, ExecutionId, NodeId, ResourceId, TaskId};
use super::refusal::Refusal;
use super::requirements::{Quantities, check_name};
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
    /// From when until when.
    pub period: Period,
    /// How well it is used.
    #[serde(default)]
    pub metrics: AllocationMetrics,
}

/// From when until when something is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Period {
    /// From when.
    pub start: Timestamp,
    /// Until when; null while held.
    #[serde(default)]
    pub end: Option<Timestamp>,
}

/// How well an allocation is used, each 0-1; null until somebody measures it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AllocationMetrics {
    /// How much of the quantity is used.
    pub utilization: Option<f64>,
    /// How much of the period it was used.
    pub efficiency: Option<f64>,
}

/// What an operator declares about a resource of a node; a `[[resource]]` of a fleet file. How much there is of it, the
/// node's worker says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceSpec {
    /// `cpu`, `memory`, `gpu`, `gpu_memory` or `storage`.
    pub name: String,
    /// The node that has it, by name; the first when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Whether it is withheld: what holds some of it goes on, nothing new gets any.
    #[serde(default)]
    pub maintenance: bool,
    /// Where it is and whose.
    #[serde(default)]
    pub metadata: ResourceMetadata,
}

/// Where a resource is, whose, and how it is tagged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceMetadata {
    /// Where it is: `rack 4`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Whose it is, or who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Words to find it by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

impl ResourceSpec {
    /// Checks the name and the metadata. Whether the node exists is for the engine to say.
    pub fn check(&self) -> Result<(), Refusal> {
        if !Quantities::NAMES.contains(&self.name.as_str()) {
            return Err(Refusal::not_one_of("resource.name", &self.name, &Quantities::NAMES));
        }
        let place = format!("resource {}", self.name);
        let texts = [("metadata.location", &self.metadata.location), ("metadata.provider", &self.metadata.provider)];
        let texts = texts.into_iter().filter_map(|(field, text)| Some((field, text.as_ref()?)));
        for (field, text) in texts.chain(self.metadata.tags.iter().map(|tag| ("metadata.tags", tag))) {
            check_name(field, text, 200).map_err(|refusal| refusal.within(&place))?;
        }
        Ok(())
    }

    /// The metadata as a resource has it.
    pub fn metadata(&self) -> serde_json::Map<String, serde_json::Value> {
        match serde_json::to_value(&self.metadata) {
            Ok(serde_json::Value::Object(map)) => map,
            _ => serde_json::Map::new(),
        }
    }
}
