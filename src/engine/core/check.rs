//! A state that can check itself: every relation that must hold, in one walk. The simulation calls it after each step.

use std::collections::BTreeMap;

use super::Core;
use super::node::lost_gpus;
use super::slab::NONE;
use crate::domain::requirements::Quantities;
use crate::domain::{NodeStatus, TaskStatus, Timestamp};

impl Core {
    /// Names every relation that does not hold; empty when all is well.
    pub fn check(&self) -> Vec<String> {
        let mut broken = vec![];
        self.check_allocations(&mut broken);
        self.check_agents(&mut broken);
        self.check_tasks(&mut broken);
        self.check_queue(&mut broken);
        self.check_sites(&mut broken);
        broken
    }

    fn check_allocations(&self, broken: &mut Vec<String>) {
        let mut nodes = vec![Quantities::ZERO; self.nodes.len()];
        let mut cages: BTreeMap<_, Quantities> = BTreeMap::new();
        let mut owners = vec![(Quantities::ZERO, 0); self.owners.len()];
        for (slot, run) in self.executions.iter() {
            nodes[run.node as usize] = nodes[run.node as usize].plus(&run.held);
            let cage = cages.entry(run.cage).or_default();
            *cage = cage.plus(&run.held);
            let owner = &mut owners[self.shape(run.task).owner as usize];
            *owner = (owner.0.plus(&run.held), owner.1 + 1);
            if self.tasks.get(run.task).is_none_or(|task| task.execution != slot) {
                broken.push(format!("execution {} belongs to no task in memory", run.id));
            }
            if self.agents.get(run.agent).is_none_or(|agent| agent.cage != Some(run.cage)) {
                broken.push(format!("execution {} runs in cage {} without its agent", run.id, run.cage));
            }
            if !self.nodes[run.node as usize].ends.contains(&(run.end, slot)) {
                broken.push(format!("execution {} is missing among its node's ends", run.id));
            }
        }
        for (state, sum) in self.nodes.iter().zip(&nodes) {
            if state.used != *sum {
                broken.push(format!("node {}: held {:?}, counted {sum:?}", state.node.name, state.used));
            }
            // What runs on a device that was lost holds it until it ends; nothing more is given.
            let lost = !lost_gpus(&state.node.metadata).is_empty();
            let capacity = state.node.capacity.quantities();
            let over = Quantities::NAMES
                .iter()
                .zip(sum.0)
                .zip(capacity.0)
                .any(|((name, held), whole)| held > whole && !(lost && name.starts_with("gpu")));
            if state.node.status == NodeStatus::Online && over {
                broken.push(format!("node {} is over-allocated: {sum:?}", state.node.name));
            }
        }
        for cage in self.cages() {
            let sum = cages.get(&cage.spec.id).copied().unwrap_or_default();
            if cage.used != sum {
                broken.push(format!("cage {}: held {:?}, counted {sum:?}", cage.spec.id, cage.used));
            }
            if !cage.over && !sum.fits(&cage.room) {
                broken.push(format!("cage {} is over-allocated: {sum:?}", cage.spec.id));
            }
        }
        for (owner, (quantities, slots)) in self.owners.iter().zip(&owners) {
            if owner.holding.quantities != *quantities || owner.holding.slots != *slots {
                broken.push(format!("owner {}: {:?}, counted {quantities:?} {slots}", owner.user, owner.holding));
            }
        }
    }

    fn check_agents(&self, broken: &mut Vec<String>) {
        for (slot, agent) in self.agents.iter() {
            let name = &agent.spec.name;
            let running = self.executions.iter().filter(|(_, run)| run.agent == slot).count();
            if agent.running as usize != running {
                broken.push(format!("agent {name}: {} running, counted {running}", agent.running));
            }
            if (agent.running == 0) != agent.cage.is_none() {
                broken.push(format!("agent {name} with {} running is in {:?}", agent.running, agent.cage));
            }
            if let Some(home) = agent.spec.cage
                && self.cage(home).is_some_and(|cage| cage.home != slot)
            {
                broken.push(format!("agent {name} has its home in {home}, which is another's"));
            }
            if self.agent_names.get(name) != Some(&slot) || self.agent_ids.get(agent.id) != Some(slot) {
                broken.push(format!("agent {name} cannot be found"));
            }
        }
        for cage in self.cages() {
            let mut inside: Vec<_> = cage.executions.iter().map(|run| self.executions[*run].agent).collect();
            inside.dedup();
            if inside.len() > 1 || inside.first().is_some_and(|agent| *agent != cage.occupant) {
                broken.push(format!("cage {} holds several agents", cage.spec.id));
            }
            if inside.is_empty() && cage.occupant != cage.home {
                broken.push(format!("cage {} is occupied by nobody at work or at home", cage.spec.id));
            }
        }
    }

    fn check_tasks(&self, broken: &mut Vec<String>) {
        let mut by_status = [0; 6];
        for (slot, task) in self.tasks.iter() {
            by_status[task.status as usize] += task.weight();
            if task.status.is_final() || self.task_ids.get(task.id) != Some(slot) {
                broken.push(format!("task {} is {} and in memory", task.id, task.status));
            }
            let runs = matches!(task.status, TaskStatus::Scheduled | TaskStatus::Executing);
            if runs != (task.execution != NONE) {
                broken.push(format!("task {} is {} with execution {}", task.id, task.status, task.execution));
            }
            if runs && task.queued {
                broken.push(format!("task {} runs and is queued", task.id));
            }
            if let Some(deps) = &task.deps {
                let open = |id| self.task_ids.contains(id) || (task.gate && self.unapproved.contains_key(&id));
                let waiting = deps.on.iter().filter(|id| open(**id)).count();
                if waiting != deps.waiting as usize {
                    broken.push(format!("task {} waits for {}, counted {waiting}", task.id, deps.waiting));
                }
            }
            if let Some(array) = &task.array {
                if array.remaining == 0 && array.live.is_empty() {
                    broken.push(format!("array {} has ended and is in memory", task.id));
                }
                for place in &array.live {
                    let element = self.task_ids.get(task.id.element(*place));
                    if element.is_none_or(|element| self.tasks[element].parent != slot) {
                        broken.push(format!("array {} does not know its element {place}", task.id));
                    }
                }
            }
        }
        if by_status != self.by_status {
            broken.push(format!("tasks by status {:?}, counted {by_status:?}", self.by_status));
        }
        let arrays = self.tasks.iter().filter(|(_, task)| task.array.is_some()).map(|(slot, _)| slot);
        if !self.arrays.iter().copied().eq(arrays.collect::<std::collections::BTreeSet<_>>()) {
            broken.push(format!("arrays are at {:?}", self.arrays));
        }
        if self.tasks.len() != self.task_ids.len() {
            broken.push(format!("{} tasks, {} ids", self.tasks.len(), self.task_ids.len()));
        }
    }

    fn check_queue(&self, broken: &mut Vec<String>) {
        let mut ready = 0;
        let mut listed = 0;
        for (number, group) in self.queue.groups.iter() {
            ready += group.ready.len();
            listed += usize::from(group.listed().is_some() && group.parked().is_none());
            if group.listed().as_ref() != group.ready.first() {
                broken.push(format!("group {number} stands in the order with another head"));
            }
            for key in &group.ready {
                let fits = self.tasks.get(key.slot).is_some_and(|task| task.queued && task.id == key.id);
                if !fits || self.key(key.slot) != *key {
                    broken.push(format!("task {} stands at the wrong place in the queue", key.id));
                }
            }
        }
        let queued = self.tasks.iter().filter(|(_, task)| task.queued).count();
        if ready != queued || listed != self.queue.order.len() {
            broken.push(format!(
                "{queued} queued, {ready} in groups; {listed} heads, {} in order",
                self.queue.order.len()
            ));
        }
        let oldest = self.tasks.iter().filter(|(_, task)| task.queued).map(|(_, task)| task.id.made_at()).min();
        let second = |at: Timestamp| at.as_micros() / 1_000_000;
        if self.queue.submitted() != queued as u64 || self.queue.oldest().map(second) != oldest.map(second) {
            broken.push(format!("{queued} queued since {oldest:?}, counted {} by age", self.queue.submitted()));
        }
        let listed: std::collections::BTreeSet<_> =
            self.tasks.iter().filter_map(|(slot, _)| self.deadline_key(slot)).collect();
        if listed != self.deadlines {
            broken.push(format!("{} deadlines, listed {}", listed.len(), self.deadlines.len()));
        }
        for (slot, task) in self.tasks.iter() {
            let waits = task.status == TaskStatus::Pending
                && task.is_free()
                && task.array.as_ref().is_none_or(|array| array.remaining > 0);
            let timed = self.retries.contains(&(task.not_before, task.id));
            if waits != (task.queued || timed) {
                broken.push(format!(
                    "task {} in slot {slot}: waits {waits}, queued {}, timed {timed}",
                    task.id, task.queued
                ));
            }
        }
    }

    fn check_sites(&self, broken: &mut Vec<String>) {
        if self.sites.stale {
            return;
        }
        for entry in &self.sites.list {
            if self.site(entry.cage).as_ref() != Some(entry) {
                broken.push(format!("cage {} looks different to the search", entry.cage));
            }
        }
        for (slot, agent) in self.agents.iter() {
            let idle = agent.running == 0 && agent.spec.cage.is_none() && self.slots_left(slot) > 0;
            let listed = self.floaters.get(&agent.capability_set).is_some_and(|set| set.contains(&(agent.id, slot)));
            if idle != listed {
                broken.push(format!("agent {} floats free: {idle}, listed {listed}", agent.spec.name));
            }
        }
    }
}
