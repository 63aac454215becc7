//! Preemption: stopping less urgent work that consented to it, for a task at the head that cannot start.

use super::{Core, Decisions};
use crate::domain::requirements::Quantities;
use crate::domain::{Actor, OutcomeKind, Timestamp};

/// Room that a task would find, while victims are being picked.
struct Room {
    slots: u32,
    cage: Quantities,
    node: Quantities,
}

impl Room {
    fn cage_admits(&self, need: &Quantities) -> bool {
        self.slots > 0 && need.fits(&self.cage)
    }
    fn admits(&self, need: &Quantities) -> bool {
        self.cage_admits(need) && need.fits(&self.node)
    }
}

impl Core {
    /// Stops the fewest preemptible executions of lower priority that make room for a task somewhere; none if what is
    /// already being stopped will do.
    pub(super) fn preempt_for(&mut self, slot: u32, now: Timestamp, out: &mut Decisions) {
        let mut best: Option<Vec<u32>> = None;
        for place in 0..self.sites.list.len() {
            if let Some(victims) = self.victims_at(slot, place)
                && best.as_ref().is_none_or(|fewest| victims.len() < fewest.len())
            {
                let enough = victims.is_empty();
                best = Some(victims);
                if enough {
                    break;
                }
            }
        }
        let id = self.tasks[slot].id;
        for victim in best.unwrap_or_default() {
            let note = Some(format!("made room for task {id}"));
            self.stop_execution(victim, OutcomeKind::Preempted, note, now, Actor::Engine, out);
        }
    }

    /// Whom to stop so that a task can start at a site; `None` if that would not help.
    fn victims_at(&self, slot: u32, place: usize) -> Option<Vec<u32>> {
        let (site, shape) = (self.sites.list.get(place)?, self.shape(slot));
        let need = shape.need;
        let agent = self.agent_at(shape, site, self.floater_for(shape))?;
        let cage = self.cage(site.cage)?;
        let node = &self.nodes[cage.node as usize];
        let mut room = Room { slots: self.slots_left(agent), cage: site.free, node: node.free() };
        for (_, run) in &node.ends {
            let run = &self.executions[*run];
            if run.stopping.is_some() {
                room.node = room.node.plus(&run.held);
                if run.cage == site.cage {
                    room.cage = room.cage.plus(&run.held);
                    room.slots += 1;
                }
            }
        }
        let mut victims = vec![];
        for victim in self.less_urgent(slot, cage.executions.iter().copied()) {
            if room.cage_admits(&need) {
                break;
            }
            let held = self.executions[victim].held;
            room = Room { slots: room.slots + 1, cage: room.cage.plus(&held), node: room.node.plus(&held) };
            victims.push(victim);
        }
        if !need.fits(&room.node) {
            let elsewhere = node.ends.iter().map(|(_, run)| *run).filter(|run| !victims.contains(run));
            for victim in self.less_urgent(slot, elsewhere) {
                if need.fits(&room.node) {
                    break;
                }
                room.node = room.node.plus(&self.executions[victim].held);
                if self.executions[victim].cage == site.cage {
                    room.cage = room.cage.plus(&self.executions[victim].held);
                    room.slots += 1;
                }
                victims.push(victim);
            }
        }
        if !room.admits(&need) {
            return None;
        }
        self.spare_the_needless(site.cage, &need, room, &mut victims);
        Some(victims)
    }

    /// Those of some executions that a task may have stopped: the least urgent first, of those the youngest.
    fn less_urgent(&self, slot: u32, runs: impl Iterator<Item = u32>) -> Vec<u32> {
        let priority = self.tasks[slot].priority;
        let mut able: Vec<_> = runs
            .filter(|run| {
                let (run, task) = (&self.executions[*run], &self.tasks[self.executions[*run].task]);
                run.stopping.is_none() && task.preemptible && task.priority < priority
            })
            .collect();
        able.sort_unstable_by_key(|run| {
            let run = &self.executions[*run];
            (self.tasks[run.task].priority, std::cmp::Reverse((run.created_at, run.id)))
        });
        able
    }

    /// A small victim picked early may be needless once a large one has been picked: the most urgent are spared first.
    fn spare_the_needless(
        &self,
        cage: crate::domain::CageId,
        need: &Quantities,
        mut room: Room,
        victims: &mut Vec<u32>,
    ) {
        for at in (0..victims.len()).rev() {
            let run = &self.executions[victims[at]];
            let here = run.cage == cage;
            let without = Room {
                slots: room.slots - u32::from(here),
                cage: if here { room.cage.minus(&run.held) } else { room.cage },
                node: room.node.minus(&run.held),
            };
            if without.admits(need) {
                room = without;
                victims.remove(at);
            }
        }
    }
}
