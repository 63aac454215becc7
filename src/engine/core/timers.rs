//! Timers: retries, circuit breakers of agents and cages, leases. There is none without a reason, so an idle engine sleeps.

use super::{Core, Decisions};
use crate::domain::event::BreakerClosed;
use crate::domain::{Actor, NodeStatus, Outcome, OutcomeKind, Timestamp};

impl Core {
    /// The present, as far as the core is concerned: time never goes back, whatever the host's clock does.
    pub(super) fn clock(&mut self, now: Timestamp) -> Timestamp {
        self.now = self.now.max(now);
        self.now
    }

    /// When [`Core::schedule`] has to be called next though nothing happens; `None` is never.
    pub fn wake_at(&self) -> Option<Timestamp> {
        let retry = self.retries.first().map(|(at, _)| *at);
        let breaker = self.breakers.first().map(|(at, _)| *at);
        let pause = self.cage_pauses.first().map(|(at, _)| *at);
        // A lease matters as long as something would be lost with it, or as long as the node still counts as online.
        let held = |node: &&super::state::NodeState| !node.ends.is_empty() || node.node.status == NodeStatus::Online;
        let leases = self.nodes.iter().filter(held).filter_map(|node| node.lost_at);
        let lease = leases.map(|lost| lost.plus(self.defaults.lease)).min();
        retry.into_iter().chain(breaker).chain(pause).chain(lease).min()
    }

    /// Does what the time demands.
    pub(super) fn fire_timers(&mut self, now: Timestamp, out: &mut Decisions) {
        while let Some((at, id)) = self.retries.first().copied()
            && at <= now
        {
            self.retries.remove(&(at, id));
            if let Some(slot) = self.task_ids.get(id) {
                self.settle(slot);
            }
        }
        while let Some((at, agent_id)) = self.breakers.first().copied()
            && at <= now
        {
            self.breakers.remove(&(at, agent_id));
            self.emit(now, Actor::Engine, BreakerClosed { agent_id }, out);
        }
        self.release_cages(now, out);
        for number in 0..self.nodes.len() {
            let node = &self.nodes[number];
            if node.lost_at.is_some_and(|lost| lost.plus(self.defaults.lease) <= now) {
                let (id, message) =
                    (node.node.id, format!("node {} was out of reach for longer than its lease", node.node.name));
                let since = node.lost_at;
                self.node_lost(now, id, out);
                // Finding out that a node is lost must not begin its lease anew.
                self.nodes[number].lost_at = since;
                self.lose_executions(number, |_| true, &message, now, out);
            }
        }
    }

    /// Gives up executions of a node, in the order of their ids.
    pub(super) fn lose_executions(
        &mut self,
        node: usize,
        lost: impl Fn(crate::domain::ExecutionId) -> bool,
        message: &str,
        now: Timestamp,
        out: &mut Decisions,
    ) -> usize {
        let runs = self.nodes[node].ends.iter().map(|(_, slot)| (self.executions[*slot].id, *slot));
        let mut runs: Vec<_> = runs.filter(|(id, _)| lost(*id)).collect();
        runs.sort_unstable();
        for (_, slot) in &runs {
            let started_at = self.executions[*slot].started_at;
            let outcome = Outcome::new(OutcomeKind::WorkerLost, message);
            self.end_execution(*slot, started_at, now, outcome, now, Actor::Engine, out);
        }
        runs.len()
    }
}
