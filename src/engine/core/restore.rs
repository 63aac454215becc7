//! The state from rows, as the store hands it over at the engine's start. It equals the state that applying every event
//! would have reached; [`Core::digest`] is what tests compare.

use super::Core;
use super::state::{AgentState, NodeState};
use crate::domain::performance::Day;
use crate::domain::requirements::Quantities;
use crate::domain::snapshot::{QueuedTask, Snapshot};
use crate::domain::{CageStatus, NodeStatus, Timestamp};

impl Core {
    /// The state from rows.
    pub fn restore(snapshot: Snapshot) -> Self {
        Self::new().filled(snapshot)
    }

    /// An empty state with what rows say.
    pub(super) fn filled(self, snapshot: Snapshot) -> Self {
        let mut core = self;
        core.seq = snapshot.seq;
        core.now = snapshot.time;
        core.seed = snapshot.seed;
        core.defaults = snapshot.defaults;
        core.selection.weigh(&core.defaults.selection);
        core.ended = snapshot.ended;
        core.users = snapshot.users.into_iter().map(|user| (user.id, user)).collect();
        for (node, resources) in snapshot.nodes {
            let lost_at = (node.status == NodeStatus::Lost).then_some(node.updated_at);
            core.nodes.push(NodeState {
                node,
                resources,
                used: Quantities::ZERO,
                ready: false,
                lost_at,
                incarnation: None,
                ends: std::collections::BTreeSet::new(),
                tight: false,
            });
        }
        for cage in snapshot.cages {
            let (node, spec) = (core.node_number(cage.node_id).unwrap_or(0), cage.spec());
            core.declare_cage(spec, node);
            if let Some(state) = core.cage_mut(cage.id) {
                state.maintenance = cage.status == CageStatus::Maintenance;
                state.enforcement = cage.enforcement;
            }
            core.set_fault(cage.id, cage.fault);
        }
        for agent in snapshot.agents {
            core.insert_agent(AgentState {
                id: agent.id,
                spec: agent.spec,
                owner: agent.owner,
                drained: agent.drained,
                failures: agent.consecutive_failures,
                breaker_until: agent.breaker_until,
                running: 0,
                cage: None,
                capability_set: 0,
            });
        }
        core.selection.remember(Day::of(core.now), &snapshot.past, |id| core.agent_ids.get(id));
        core.remember_models(&snapshot.past);
        for artifact in snapshot.artifacts {
            core.hold_artifact(artifact);
        }
        core.merging = snapshot.merging.into_iter().collect();
        for alert in snapshot.alerts {
            core.alerts.insert(alert);
        }
        for rule in snapshot.alert_rules {
            core.rules.declare(rule);
        }
        core.approval_rules = snapshot.approval_rules.into_iter().map(|rule| (rule.name.clone(), rule)).collect();
        for (rule, subject, severity) in &snapshot.alerts_grouped {
            core.rules.set_grouped(rule, subject, Some(*severity));
        }
        core.silences = snapshot.silences.into_iter().map(|silence| (silence.id, silence)).collect();
        core.restore_tasks(&snapshot.tasks);
        for execution in &snapshot.executions {
            core.insert_execution(execution);
        }
        for cage in core.cages.iter_mut().flatten() {
            cage.over = !cage.used.fits(&cage.room);
        }
        for slot in core.tasks.numbers() {
            core.settle(slot);
        }
        core.sites.stale = true;
        core
    }

    /// Takes every node that was online for connected, where a past is looked at and no worker will ever say hello.
    pub fn assume_connected(&mut self) {
        for state in &mut self.nodes {
            state.ready = state.node.status == NodeStatus::Online;
        }
        self.sites.stale = true;
    }

    /// Takes in the tasks, then links them: to their arrays, and to what they depend on.
    fn restore_tasks(&mut self, tasks: &[QueuedTask]) {
        self.tasks.reserve(tasks.len());
        self.task_ids.reserve(tasks.len());
        for task in tasks {
            self.insert_task(task);
        }
        for task in tasks {
            let Some(slot) = self.task_ids.get(task.id) else { continue };
            if let Some(parent) = self.array_of(task.id) {
                self.tasks[slot].parent = parent;
                if let Some(array) = &mut self.tasks[parent].array {
                    array.live.insert(task.id.place());
                }
            }
            let on: Vec<_> = task.depends_on.iter().map(|(id, _)| *id).collect();
            self.link_dependencies(slot, &on, &task.after);
        }
    }

    /// Hands in an ended task that a command is about to bring back, or, in a replay, that the next record brings back:
    /// ended tasks are not kept in memory.
    pub fn recall(&mut self, task: QueuedTask) {
        if !self.task_ids.contains(task.id) {
            self.recalled.insert(task.id, task);
        }
    }

    /// The latest time that the state knows of.
    pub const fn now(&self) -> Timestamp {
        self.now
    }
}
