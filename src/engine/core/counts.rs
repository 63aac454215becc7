//! Figures over everything, kept up to date as they change or counted over the fleet; never over the queue.

use schemars::JsonSchema;
use serde::Serialize;

use super::Core;
use super::slab::NONE;
use crate::domain::{AgentStatus, ReviewState, TaskStatus};

/// Counts by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// Tasks. An array counts for its elements, not for itself.
    pub tasks: TaskCounts,
    /// Agents.
    pub agents: AgentCounts,
    /// Cages.
    pub cages: CageCounts,
    /// Artifacts that wait for a judgement.
    pub pending_artifacts: u64,
}

/// Tasks by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs)] // Each field is the status of its name.
pub struct TaskCounts {
    pub pending: u64,
    pub scheduled: u64,
    pub executing: u64,
    pub completed: u64,
    pub failed: u64,
    pub cancelled: u64,
}

/// Agents by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs)] // Each field is the status of its name.
pub struct AgentCounts {
    pub offline: u64,
    pub idle: u64,
    pub active: u64,
    pub busy: u64,
    pub blocked: u64,
    pub error: u64,
    pub maintenance: u64,
}

/// Cages by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs)] // Each field is the status of its name.
pub struct CageCounts {
    pub occupied: u64,
    pub vacant: u64,
    pub maintenance: u64,
}

impl Core {
    /// Counts by status.
    pub fn counts(&self) -> Counts {
        let now = |status: TaskStatus| self.by_status[status as usize];
        let tasks = TaskCounts {
            pending: now(TaskStatus::Pending),
            scheduled: now(TaskStatus::Scheduled),
            executing: now(TaskStatus::Executing),
            completed: self.ended.completed,
            failed: self.ended.failed,
            cancelled: self.ended.cancelled,
        };
        let mut agents = AgentCounts::default();
        for (slot, _) in self.agents.iter() {
            *match self.status_of_agent(slot) {
                AgentStatus::Offline => &mut agents.offline,
                AgentStatus::Idle => &mut agents.idle,
                AgentStatus::Active => &mut agents.active,
                AgentStatus::Busy => &mut agents.busy,
                AgentStatus::Blocked => &mut agents.blocked,
                AgentStatus::Error => &mut agents.error,
                AgentStatus::Maintenance => &mut agents.maintenance,
            } += 1;
        }
        let mut cages = CageCounts::default();
        for cage in self.cages() {
            *match cage {
                cage if cage.maintenance => &mut cages.maintenance,
                cage if cage.occupant == NONE => &mut cages.vacant,
                _ => &mut cages.occupied,
            } += 1;
        }
        let pending = self.artifacts.values().filter(|artifact| artifact.state == ReviewState::Pending);
        Counts { tasks, agents, cages, pending_artifacts: pending.count() as u64 }
    }
}
