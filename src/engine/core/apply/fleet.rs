//! Nodes, cages, agents and defaults.

use crate::domain::event::{
    AgentDeclared, AgentDrained, AgentMoved, AgentRemoved, AgentResumed, BreakerClosed, BreakerOpened, CageDeclared,
    CageMaintenance, CageRemoved, DefaultsSet, NodeLost, NodeSeen,
};
use crate::domain::requirements::Quantities;
use crate::domain::{CageId, CageSpec, Enforcements, NodeStatus, Timestamp};
use crate::engine::core::Core;
use crate::engine::core::slab::NONE;
use crate::engine::core::state::{AgentState, CageState, NodeState};

impl Core {
    pub(super) fn apply_defaults_set(&mut self, event: &DefaultsSet) {
        let requeue = event.defaults.ageing != self.defaults.ageing;
        let slots = if requeue { self.tasks.numbers() } else { vec![] };
        for slot in &slots {
            self.unqueue(*slot);
        }
        self.defaults = event.defaults.clone();
        self.selection.weigh(&self.defaults.selection);
        for shape in self.shapes.numbers() {
            self.leave_ask(self.shapes[shape].ask);
            self.shapes[shape].apply_defaults(&self.defaults.requirements, &self.capability_sets);
            self.join_ask(shape);
        }
        for slot in slots {
            self.settle(slot);
        }
        for run in self.executions.numbers() {
            self.reckon_end(run);
        }
        self.sites.stale = true;
    }

    pub(super) fn apply_node_seen(&mut self, event: &NodeSeen) {
        let lost_at = (event.node.status == NodeStatus::Lost).then_some(event.node.updated_at);
        match self.node_number(event.node.id) {
            Some(number) => {
                let state = &mut self.nodes[number as usize];
                // A record that only says otherwise what the node has is no sign of life.
                if state.node.status != event.node.status {
                    state.lost_at = lost_at;
                }
                state.node = event.node.clone();
                state.resources.clone_from(&event.resources);
            }
            None => self.nodes.push(NodeState {
                node: event.node.clone(),
                resources: event.resources.clone(),
                used: Quantities::ZERO,
                ready: false,
                lost_at,
                incarnation: None,
                ends: std::collections::BTreeSet::new(),
                tight: false,
            }),
        }
        self.sites.stale = true;
    }

    pub(super) fn apply_node_lost(&mut self, event: &NodeLost, time: Timestamp) {
        if let Some(number) = self.node_number(event.node_id) {
            let state = &mut self.nodes[number as usize];
            state.node.status = NodeStatus::Lost;
            state.lost_at = Some(time);
            state.ready = false;
            self.sites.stale = true;
        }
    }

    pub(super) fn apply_cage_declared(&mut self, event: &CageDeclared) {
        let Some(node) = self.node_number(event.node_id) else { return };
        self.declare_cage(event.spec.clone(), node);
        // Perhaps it was declared otherwise because it could not be set up as it was.
        self.set_fault(event.spec.id, None);
        for run in self.cage(event.spec.id).map(|cage| cage.executions.clone()).unwrap_or_default() {
            self.reckon_end(run);
        }
    }

    /// Takes a cage's declaration over; what runs in it stays.
    pub(in crate::engine::core) fn declare_cage(&mut self, spec: CageSpec, node: u32) {
        let number = spec.id.number() as usize;
        let room = spec.limits.room();
        match &mut self.cages[number] {
            Some(cage) => {
                cage.over = !cage.used.fits(&room);
                cage.room = room;
                cage.spec = spec;
                cage.node = node;
                cage.told = None;
            }
            vacant => {
                *vacant = Some(CageState {
                    spec,
                    node,
                    maintenance: false,
                    enforcement: Enforcements::default(),
                    room,
                    used: Quantities::ZERO,
                    home: NONE,
                    occupant: NONE,
                    executions: vec![],
                    told: None,
                    over: false,
                    fault: None,
                });
            }
        }
        self.sites.stale = true;
    }

    pub(super) fn apply_cage_removed(&mut self, event: &CageRemoved) {
        self.set_fault(event.cage_id, None);
        self.cages[event.cage_id.number() as usize] = None;
        self.sites.stale = true;
    }

    pub(super) fn apply_cage_maintenance(&mut self, event: &CageMaintenance) {
        if let Some(cage) = self.cage_mut(event.cage_id) {
            cage.maintenance = event.on;
            if !event.on {
                self.set_fault(event.cage_id, None);
            }
            self.forget_reservation();
            self.site_gained(event.cage_id);
        }
    }

    pub(super) fn apply_agent_declared(&mut self, event: &AgentDeclared) {
        let slot = match self.agent_ids.get(event.agent_id) {
            Some(slot) => {
                self.agent_names.remove(&self.agents[slot].spec.name);
                let home = event.spec.cage;
                let old = std::mem::replace(&mut self.agents[slot].spec, event.spec.clone());
                self.agents[slot].spec.cage = old.cage;
                self.agents[slot].owner = event.owner;
                self.agent_names.insert(event.spec.name.clone(), slot);
                self.learn_capabilities(slot);
                self.set_home(slot, home);
                slot
            }
            None => self.insert_agent(AgentState {
                id: event.agent_id,
                spec: event.spec.clone(),
                owner: event.owner,
                drained: false,
                failures: 0,
                breaker_until: None,
                running: 0,
                cage: None,
                capability_set: 0,
            }),
        };
        self.refresh_agent(slot, false);
        self.sites.stale = true;
    }

    /// Takes an agent into memory and into its home.
    pub(in crate::engine::core) fn insert_agent(&mut self, mut agent: AgentState) -> u32 {
        let (id, name, home) = (agent.id, agent.spec.name.clone(), agent.spec.cage.take());
        if let Some(until) = agent.breaker_until {
            self.breakers.insert((until, id));
        }
        let slot = self.agents.insert(agent);
        self.agent_ids.insert(id, slot);
        self.agent_names.insert(name, slot);
        self.learn_capabilities(slot);
        self.set_home(slot, home);
        self.sites.stale = true;
        slot
    }

    fn learn_capabilities(&mut self, slot: u32) {
        let spec = &self.agents[slot].spec;
        let names = spec.capabilities.iter().map(|capability| capability.kind.clone());
        let tools = spec.tools_available.iter().cloned();
        let (set, new) = self.capability_sets.intern(names, tools, spec.has_command());
        self.agents[slot].capability_set = set;
        let (id, size) = (self.agents[slot].id, self.capability_sets.size(set));
        self.selection.declared(slot, id, &self.agents[slot].spec, size);
        if new {
            for shape in self.shapes.numbers() {
                self.shapes[shape].learn(set, &self.capability_sets);
            }
        }
    }

    /// Gives an agent another home, or none. It stays where it works until its work has ended.
    fn set_home(&mut self, slot: u32, home: Option<CageId>) {
        let works_in = self.agents[slot].cage;
        if let Some(old) = self.agents[slot].spec.cage
            && let Some(cage) = self.cage_mut(old)
        {
            // Another may have been given this home already, when two agents exchange theirs.
            if cage.home == slot {
                cage.home = NONE;
            }
            if cage.occupant == slot && works_in != Some(old) {
                cage.occupant = cage.home;
            }
        }
        self.agents[slot].spec.cage = home;
        if let Some(cage) = home.and_then(|home| self.cage_mut(home)) {
            cage.home = slot;
            if cage.occupant == NONE {
                cage.occupant = slot;
            }
        }
    }

    pub(super) fn apply_agent_removed(&mut self, event: &AgentRemoved) {
        let Some(slot) = self.agent_ids.remove(event.agent_id) else { return };
        self.set_home(slot, None);
        let set = self.agents[slot].capability_set;
        if let Some(idle) = self.floaters.get_mut(&set) {
            idle.remove(&(event.agent_id, slot));
        }
        self.selection.removed(slot);
        self.selection.forget(event.agent_id);
        self.predictor.forget(event.agent_id);
        self.classifier.forget(event.agent_id);
        if let Some(agent) = self.agents.remove(slot) {
            self.agent_names.remove(&agent.spec.name);
            if let Some(until) = agent.breaker_until {
                self.breakers.remove(&(until, agent.id));
            }
        }
        self.sites.stale = true;
    }

    pub(super) fn apply_agent_moved(&mut self, event: &AgentMoved) {
        if let Some(slot) = self.agent_ids.get(event.agent_id) {
            self.set_home(slot, event.cage_id);
            self.sites.stale = true;
        }
    }

    pub(super) fn apply_agent_drained(&mut self, event: &AgentDrained) {
        if let Some(slot) = self.agent_ids.get(event.agent_id) {
            self.agents[slot].drained = true;
            self.forget_reservation();
            self.refresh_agent(slot, false);
        }
    }

    pub(super) fn apply_agent_resumed(&mut self, event: &AgentResumed) {
        if let Some(slot) = self.agent_ids.get(event.agent_id) {
            self.agents[slot].drained = false;
            self.agents[slot].failures = 0;
            self.close_breaker(slot);
        }
    }

    pub(super) fn apply_breaker_opened(&mut self, event: &BreakerOpened) {
        let Some(slot) = self.agent_ids.get(event.agent_id) else { return };
        let agent = &mut self.agents[slot];
        agent.failures = event.failures;
        if let Some(old) = agent.breaker_until.replace(event.until) {
            self.breakers.remove(&(old, event.agent_id));
        }
        self.breakers.insert((event.until, event.agent_id));
        self.forget_reservation();
        self.refresh_agent(slot, false);
    }

    pub(super) fn apply_breaker_closed(&mut self, event: &BreakerClosed) {
        if let Some(slot) = self.agent_ids.get(event.agent_id) {
            self.close_breaker(slot);
        }
    }

    fn close_breaker(&mut self, slot: u32) {
        let agent = &mut self.agents[slot];
        if let Some(until) = agent.breaker_until.take() {
            let id = agent.id;
            self.breakers.remove(&(until, id));
        }
        self.forget_reservation();
        self.refresh_agent(slot, true);
    }

    /// How many of the tasks in memory must be done by an agent and have not ended.
    pub(in crate::engine::core) fn pinned_to(&self, slot: u32) -> usize {
        let id = self.agents[slot].id;
        let pinned = |group: &&crate::engine::core::queue::Group| self.shapes[group.shape].wish.agent == Some(id);
        let here: usize =
            self.queue.groups.iter().map(|(_, group)| group).filter(pinned).map(|group| group.members as usize).sum();
        here + self.left_out.get(&id).copied().unwrap_or(0)
    }
}
