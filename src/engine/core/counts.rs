//! Figures over everything, kept up to date as they change or counted over the fleet; never over the queue.

use super::Core;
use super::slab::NONE;
use crate::domain::counts::{AgentCounts, ArtifactCounts, CageCounts, Counts, TaskCounts};
use crate::domain::{AgentStatus, ReviewState, TaskStatus};

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
        Counts { tasks, agents, cages, artifacts: ArtifactCounts { pending: pending.count() as u64 } }
    }
}
