//! A fingerprint of the state, to compare a state that lived through its events with one that was restored or replayed.

use std::fmt::{Debug, Write as _};

use super::Core;
use super::slab::NONE;
use crate::domain::ResourceStatus;

/// Folds text into 64 bits (FNV-1a); good enough to tell states apart in tests, and the same on every machine.
struct Fold(u64);

impl std::fmt::Write for Fold {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

impl Fold {
    fn add(&mut self, part: impl Debug) {
        // Folding cannot fail: `write_str` above always succeeds.
        let _ = write!(self, "{part:?};");
    }
}

impl Core {
    /// A fingerprint of everything that events decide. What only speeds up the search, and what a worker's connection
    /// decides, is left out.
    pub fn digest(&self) -> u64 {
        let mut fold = Fold(0xcbf2_9ce4_8422_2325);
        self.describe(|part| fold.add(part));
        fold.0
    }

    /// The parts of the fingerprint as text, so that a test can say where two states differ.
    pub fn describe(&self, mut add: impl FnMut(String)) {
        add(format!("seq {} seed {} ended {:?} counts {:?}", self.seq, self.seed, self.ended, self.by_status));
        add(format!("{:?}", self.defaults));
        self.users.values().for_each(|user| add(format!("{user:?}")));
        let mut nodes: Vec<_> = self.nodes.iter().collect();
        nodes.sort_unstable_by_key(|state| state.node.id);
        for state in nodes {
            let node = &state.node;
            add(format!(
                "node {} {} {:?} {:?} {:?} used {:?}",
                node.id, node.name, node.status, node.capacity, node.metadata, state.used
            ));
            for resource in &state.resources {
                let withheld = resource.status == ResourceStatus::Maintenance;
                add(format!("resource {} {} {withheld} {:?}", resource.id, resource.name, resource.metadata));
            }
        }
        for cage in self.cages() {
            let name = |slot: u32| if slot == NONE { None } else { Some(self.agents[slot].id) };
            // The node's name in a declaration is not kept by the rows; the node itself is.
            let mut spec = cage.spec.clone();
            spec.node = None;
            let network = std::mem::take(&mut spec.network).to_string();
            add(format!(
                "cage {spec:?} {network} on {} {} home {:?} occupant {:?} used {:?} {:?} {:?}",
                self.nodes[cage.node as usize].node.id,
                cage.maintenance,
                name(cage.home),
                name(cage.occupant),
                cage.used,
                cage.enforcement,
                cage.fault
            ));
        }
        for slot in self.agent_names.values() {
            let agent = &self.agents[*slot];
            add(format!(
                "agent {} {:?} {} {} {} {:?} {} {:?} {}",
                agent.id,
                agent.spec,
                agent.owner,
                agent.drained,
                agent.failures,
                agent.breaker_until,
                agent.running,
                agent.cage,
                self.selection.describe(*slot)
            ));
        }
        add(self.selection.policy().describe());
        add(self.predictor.describe());
        add(self.classifier.describe());
        add(self.value.describe());
        self.artifacts.values().for_each(|artifact| add(format!("{artifact:?}")));
        self.merging.iter().for_each(|id| add(format!("merging {id}")));
        self.alerts.iter().for_each(|alert| add(format!("{alert:?}")));
        self.rules.declared.values().for_each(|rule| add(format!("{rule:?}")));
        self.rules.all_grouped().for_each(|member| add(format!("grouped {member:?}")));
        self.approval_rules.values().for_each(|rule| add(format!("{rule:?}")));
        self.silences.values().for_each(|silence| add(format!("{silence:?}")));
        self.describe_tasks(&mut add);
        let mut runs: Vec<_> = self.executions.iter().map(|(_, run)| run).collect();
        runs.sort_unstable_by_key(|run| run.id);
        for run in runs {
            add(format!(
                "execution {} {} {} {} {:?} {} {:?} {:?} {:?} {:?} {:?}",
                run.id,
                self.tasks[run.task].id,
                self.agents[run.agent].id,
                run.cage,
                run.held,
                run.attempt,
                run.created_at,
                run.started_at,
                run.stopping,
                run.stop_note,
                run.end
            ));
        }
    }

    fn describe_tasks(&self, add: &mut impl FnMut(String)) {
        let mut tasks: Vec<_> = self.tasks.iter().collect();
        tasks.sort_unstable_by_key(|(_, task)| task.id);
        for (slot, task) in tasks {
            let deps = task.deps.as_ref().map(|deps| {
                let mut on = deps.on.clone();
                on.sort_unstable();
                (on, deps.waiting, deps.after.clone())
            });
            let array = task.array.as_ref().map(|array| {
                // Ranges of holes may be cut differently; the places are the same.
                let holes: Vec<_> = array.holes.iter().flat_map(|(first, last)| *first..=*last).collect();
                (array.range, array.next, array.remaining, holes, &array.live, array.failed)
            });
            let key = self.key(slot);
            add(format!(
                "task {} {} {} {:?} {:?} {:?} {:?} {:?} {} {} {} {} {} {} {:?} {:?} {:?}",
                task.id,
                task.status,
                task.priority,
                task.created_at,
                task.deadline,
                task.not_before,
                task.timeout,
                task.estimate,
                task.executions,
                task.attempts,
                task.losses,
                task.max_attempts,
                task.preemptible,
                task.gate,
                deps,
                array,
                (key.level, &self.shape(slot).wish, self.selection.topics.get(task.topic))
            ));
        }
    }
}
