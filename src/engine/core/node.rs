//! Beginnings: the journal's, the engine's, users', and nodes' comings and goings.

use super::alerts::{GPU_LOST, NODE_LOST, WORKER_ENDED, node_source, trigger};
use super::draw;
use super::slab::NONE;
use super::{Core, Decisions, Effect, GRACE};
use crate::domain::agent::Capability;
use crate::domain::alert::AlertContext;
use crate::domain::event::{
    AgentDeclared, CageDeclared, EngineStarted, JOURNAL_FORMAT, JournalOpened, NodeLost, NodeSeen, UserAdded,
};
use crate::domain::node::{Capacity, LOST_GPUS};
use crate::domain::requirements::Quantities;
use crate::domain::resource::ResourceCapacity;
use crate::domain::{
    Actor, AgentId, AgentSpec, Bytes, CageId, CageSpec, ExecutionId, Node, NodeId, NodeStatus, OutcomeKind, Resource,
    ResourceId, ResourceStatus, ResourceType, Scope, Severity, Subject, Timestamp, User, UserId,
};

/// Free-form facts about a node.
type Metadata = serde_json::Map<String, serde_json::Value>;

/// Among those facts: which life of the worker it is. The engine's loop puts it there.
const INCARNATION: &str = "incarnation";

/// The GPUs that a node says it has lost.
pub(super) fn lost_gpus(metadata: &Metadata) -> Vec<String> {
    let listed = metadata.get(LOST_GPUS).and_then(serde_json::Value::as_array);
    listed.into_iter().flatten().filter_map(|gpu| gpu.as_str().map(str::to_owned)).collect()
}

impl Core {
    /// Opens an empty journal; later calls do nothing.
    pub fn open(&mut self, now: Timestamp, seed: u64, version: &str, out: &mut Decisions) {
        let now = self.clock(now);
        if self.seq == 0 {
            let event = JournalOpened { format: JOURNAL_FORMAT, seed, version: version.to_owned() };
            self.emit(now, Actor::Engine, event, out);
        }
    }

    /// Notes that an engine took up the journal.
    pub fn started(&mut self, now: Timestamp, version: &str, pid: u32, out: &mut Decisions) {
        let now = self.clock(now);
        self.emit(now, Actor::Engine, EngineStarted { version: version.to_owned(), pid }, out);
        // No worker is connected yet. One that stays away is given up like one that went: the lease begins now.
        for state in &mut self.nodes {
            state.lost_at.get_or_insert(now);
        }
    }

    /// The user for an account of the operating system, added when it acts for the first time.
    pub fn user_for(&mut self, now: Timestamp, uid: u32, name: &str, host: &str, out: &mut Decisions) -> UserId {
        let email = format!("{name}@{host}");
        if let Some(user) = self.users.values().find(|user| user.email == email) {
            return user.id;
        }
        self.add_user(now, email, name.to_owned(), Some(uid), "owner", out)
    }

    fn add_user(
        &mut self,
        now: Timestamp,
        email: String,
        name: String,
        uid: Option<u32>,
        role: &str,
        out: &mut Decisions,
    ) -> UserId {
        let now = self.clock(now);
        let id = UserId::new(now, draw::id_bits(self.seed, self.seq + 1, 0));
        let roles = vec![role.to_owned()];
        let user = User { id, email, name, avatar_url: None, roles, uid, created_at: now };
        self.emit(now, Actor::User(id), UserAdded { user }, out);
        id
    }

    /// A worker says what its node is and has. Nothing starts there before [`Core::node_synced`].
    ///
    /// The worker's incarnation (`metadata["incarnation"]`) is recorded only then, together with the losses that a new one
    /// brings. Otherwise an engine that is interrupted in between would find the new incarnation in the rows, would take
    /// what the old one ran for starts that never arrived, and would start it a second time.
    ///
    /// The first node of an installation without any cage or agent gets a small fleet, so that a command can be run at
    /// once: cage 001 without limits of its own and without network, and an agent `shell` with a slot for each core.
    pub fn node_hello(
        &mut self,
        now: Timestamp,
        name: &str,
        capacity: Capacity,
        mut metadata: Metadata,
        out: &mut Decisions,
    ) -> NodeId {
        let now = self.clock(now);
        let known = self.nodes.iter().position(|state| state.node.name == name);
        let incarnation = metadata.get(INCARNATION).cloned();
        if let Some(at) = known {
            match self.nodes[at].node.metadata.get(INCARNATION).cloned() {
                Some(before) => metadata.insert(INCARNATION.to_owned(), before),
                None => metadata.remove(INCARNATION),
            };
        }
        let (id, created_at) = match known {
            Some(at) => (self.nodes[at].node.id, self.nodes[at].node.created_at),
            None => (NodeId::new(now, draw::id_bits(self.seed, self.seq + 1, 0)), now),
        };
        let same = known.is_some_and(|at| {
            let node = &self.nodes[at].node;
            node.status == NodeStatus::Online && node.capacity == capacity && node.metadata == metadata
        });
        if !same {
            let returned = known.is_some_and(|at| self.nodes[at].node.status == NodeStatus::Lost);
            let old = known.map(|at| self.nodes[at].resources.clone()).unwrap_or_default();
            let resources = self.resources(id, &capacity, &old, now);
            let status = NodeStatus::Online;
            let before = known.map(|at| lost_gpus(&self.nodes[at].node.metadata)).unwrap_or_default();
            let node = Node { id, name: name.to_owned(), status, capacity, metadata, created_at, updated_at: now };
            self.see_node(node, resources, &before, now, out);
            if returned {
                let message = format!("node {name} is back");
                self.tell(Severity::Info, node_source(name), AlertContext::default(), message, now, out);
                self.clear_alert(&node_source(name), NODE_LOST, "the node is back", now, out);
            }
        }
        if let Some(number) = self.node_number(id) {
            let state = &mut self.nodes[number as usize];
            state.ready = false;
            state.lost_at = None;
            state.incarnation = incarnation;
            self.sites.stale = true;
        }
        if self.cages().next().is_none() && self.agents.len() == 0 {
            self.declare_first_fleet(now, id, name, &capacity, out);
        }
        id
    }

    /// A node has more or less than it said before: a GPU was lost, or is back. What runs on a lost one goes on until it
    /// fails by itself.
    pub(super) fn node_changed(
        &mut self,
        now: Timestamp,
        node: NodeId,
        capacity: Capacity,
        mut metadata: Metadata,
        out: &mut Decisions,
    ) {
        let Some(number) = self.node_number(node) else { return };
        let state = &self.nodes[number as usize];
        if let Some(incarnation) = state.node.metadata.get(INCARNATION) {
            metadata.insert(INCARNATION.to_owned(), incarnation.clone());
        }
        if state.node.capacity == capacity && state.node.metadata == metadata {
            return;
        }
        let before = lost_gpus(&state.node.metadata);
        let node = Node { capacity, metadata, updated_at: now, ..state.node.clone() };
        let resources = self.resources(node.id, &capacity, &state.resources, now);
        self.see_node(node, resources, &before, now, out);
    }

    /// Records what a node has. Resources of which nothing is left because all of it was lost have failed; each loss raises
    /// an alert, which clears when nothing is lost any more.
    fn see_node(
        &mut self,
        node: Node,
        mut resources: Vec<Resource>,
        lost_before: &[String],
        now: Timestamp,
        out: &mut Decisions,
    ) {
        let (id, name) = (node.id, node.name.clone());
        let lost = lost_gpus(&node.metadata);
        let left = node.capacity.gpu;
        for resource in resources.iter_mut().filter(|resource| resource.kind == ResourceType::Gpu) {
            if !lost.is_empty() && left == 0 {
                resource.status = ResourceStatus::Failed;
            }
        }
        self.emit(now, Actor::Node(id), NodeSeen { node, resources }, out);
        if lost.iter().any(|gpu| !lost_before.contains(gpu)) {
            let which = if let [gpu] = &lost[..] { format!("GPU {gpu}") } else { format!("GPUs {}", lost.join(", ")) };
            let message = format!(
                "node {name} has lost {which}; {left} left. Look at the kernel's log (dmesg) for its Xid; it is tried \
                 again once a minute, and as a rule needs the machine to be restarted"
            );
            let context = AlertContext { value: Some(lost.len() as f64), ..trigger(GPU_LOST) };
            self.tell(Severity::Error, node_source(&name), context, message, now, out);
        }
        if lost.is_empty() && !lost_before.is_empty() {
            self.clear_alert(&node_source(&name), GPU_LOST, "no GPU is missing any more", now, out);
        }
    }

    fn declare_first_fleet(
        &mut self,
        now: Timestamp,
        node_id: NodeId,
        host: &str,
        capacity: &Capacity,
        out: &mut Decisions,
    ) {
        let owner = match self.users.keys().next() {
            Some(id) => *id,
            None => self.add_user(now, format!("menagerie@{host}"), "menagerie".to_owned(), None, "engine", out),
        };
        // 001 is a valid number; were it not, there would be no first fleet and nothing else amiss.
        let Ok(cage) = CageId::new(1) else { return };
        // A quarter of the memory stays the host's, whatever a first command may do.
        let mut cage_spec = CageSpec::new(cage);
        cage_spec.limits.memory = (capacity.memory > 0).then(|| Bytes::new(capacity.memory / 4 * 3));
        self.emit(now, Actor::Engine, CageDeclared { spec: cage_spec, node_id }, out);
        let mut spec = AgentSpec::new("shell");
        spec.capabilities = vec![Capability { kind: "shell".to_owned(), parameters: Metadata::new() }];
        spec.concurrency = u32::try_from(capacity.cpu_millis / 1000).unwrap_or(1).clamp(1, 1024);
        let agent_id = AgentId::new(now, draw::id_bits(self.seed, self.seq + 1, 0));
        self.emit(now, Actor::Engine, AgentDeclared { agent_id, spec, owner }, out);
    }

    /// The resources of a node; those that it had keep their ids.
    fn resources(&self, node_id: NodeId, capacity: &Capacity, old: &[Resource], now: Timestamp) -> Vec<Resource> {
        let kinds =
            [ResourceType::Compute, ResourceType::Memory, ResourceType::Gpu, ResourceType::Gpu, ResourceType::Storage];
        let units = ["millicores", "bytes", "devices", "bytes", "bytes"];
        let quantities = capacity.quantities();
        (0..5)
            .map(|i| {
                let name = Quantities::NAMES[i];
                let known = old.iter().find(|resource| resource.name == name);
                let id = known.map_or_else(
                    || ResourceId::new(now, draw::id_bits(self.seed, self.seq + 1, i as u64)),
                    |resource| resource.id,
                );
                Resource {
                    id,
                    node_id,
                    name: name.to_owned(),
                    kind: kinds[i],
                    capacity: ResourceCapacity { total: quantities.0[i], unit: units[i].to_owned() },
                    allocated: 0,
                    // What an operator has declared stays.
                    status: match known.map(|resource| resource.status) {
                        Some(ResourceStatus::Maintenance) => ResourceStatus::Maintenance,
                        _ => ResourceStatus::Available,
                    },
                    metadata: known.map(|resource| resource.metadata.clone()).unwrap_or_default(),
                }
            })
            .collect()
    }

    /// A worker is in step: everything that it had to report has been taken in. `executions` are those that it knows.
    ///
    /// With a new incarnation what it does not know is lost; with the old one it has not got the word yet, and is told
    /// again. What it runs and should not is stopped.
    pub fn node_synced(
        &mut self,
        now: Timestamp,
        node: NodeId,
        new_incarnation: bool,
        executions: &[ExecutionId],
        out: &mut Decisions,
    ) {
        let now = self.clock(now);
        let Some(number) = self.node_number(node) else { return };
        for cage in self.cages.iter_mut().flatten().filter(|cage| cage.node == number) {
            cage.told = None;
        }
        self.note_incarnation(number, now, out);
        self.nodes[number as usize].ready = true;
        self.sites.stale = true;
        self.tell_cages(out);
        let mut known = executions.to_vec();
        known.sort_unstable();
        let unknown = |id: ExecutionId| known.binary_search(&id).is_err();
        if new_incarnation {
            let name = self.nodes[number as usize].node.name.clone();
            let message = format!("the worker of node {name} ended and took it along");
            let lost = self.lose_executions(number as usize, unknown, &message, now, out);
            if lost > 0 {
                let message = format!("the worker of node {name} ended; {lost} executions were lost with it");
                let context = AlertContext { value: u32::try_from(lost).ok().map(f64::from), ..trigger(WORKER_ENDED) };
                self.tell(Severity::Error, node_source(&name), context, message, now, out);
            }
        }
        // First what has to go, because what starts may need its place.
        for execution_id in known.iter().copied().filter(|id| !self.is_live(*id)) {
            let reason = OutcomeKind::Cancelled;
            out.effects.push(Effect::Stop { node_id: node, execution_id, reason, grace: GRACE });
        }
        self.repeat_orders(number, &unknown, now, out);
        // Whoever is meant merges once, however often it is told.
        out.effects.extend(self.merging.iter().map(|artifact_id| Effect::Merge { artifact_id: *artifact_id }));
    }

    /// Records which incarnation of a node's worker is in step.
    fn note_incarnation(&mut self, number: u32, now: Timestamp, out: &mut Decisions) {
        let state = &mut self.nodes[number as usize];
        let Some(incarnation) = state.incarnation.take() else { return };
        if state.node.metadata.get(INCARNATION) == Some(&incarnation) {
            return;
        }
        let mut node = Node { updated_at: now, ..state.node.clone() };
        node.metadata.insert(INCARNATION.to_owned(), incarnation);
        let resources = state.resources.clone();
        self.emit(now, Actor::Node(node.id), NodeSeen { node, resources }, out);
    }

    /// Tells a worker again what it may not have heard: starts, and stops.
    fn repeat_orders(
        &mut self,
        number: u32,
        unknown: &impl Fn(ExecutionId) -> bool,
        now: Timestamp,
        out: &mut Decisions,
    ) {
        let node_id = self.nodes[number as usize].node.id;
        let mut runs: Vec<_> =
            self.nodes[number as usize].ends.iter().map(|(_, slot)| (self.executions[*slot].id, *slot)).collect();
        runs.sort_unstable();
        for (execution_id, slot) in runs {
            let run = &self.executions[slot];
            match (run.stopping, unknown(execution_id)) {
                (Some(reason), false) => {
                    out.effects.push(Effect::Stop { node_id, execution_id, reason, grace: GRACE });
                }
                // It was to be stopped and the worker never heard of it: it has ended before it began.
                (Some(reason), true) => {
                    let outcome = crate::domain::Outcome::new(reason, "stopped before its start reached the worker");
                    self.end_execution(slot, None, now, outcome, now, Actor::Engine, out);
                }
                (None, true) => {
                    let (task, cage_id) = (run.task, run.cage);
                    out.effects.push(Effect::Start {
                        node_id,
                        execution_id,
                        task_id: self.tasks[task].id,
                        agent_id: self.agents[run.agent].id,
                        cage_id,
                        timeout: self.timeout_of(task),
                        tokens: self.token_budget(cage_id, self.shape(task).tokens),
                    });
                }
                (None, false) => {}
            }
        }
    }

    /// A node's worker cannot be reached: nothing starts there, and what runs there is kept until the lease ends.
    pub fn node_lost(&mut self, now: Timestamp, node: NodeId, out: &mut Decisions) {
        let now = self.clock(now);
        let Some(number) = self.node_number(node) else { return };
        let state = &self.nodes[number as usize];
        // That workers leave when the whole fleet is stopped was wanted: the next engine gives up the one that stays away.
        if state.node.status == NodeStatus::Lost || self.stopping_all {
            return;
        }
        let (subject, running) = (Subject::new(Scope::Node, &state.node.name), state.ends.len());
        let name = &subject.name;
        self.emit(now, Actor::Engine, NodeLost { node_id: node }, out);
        let lease = self.defaults.lease.human();
        let kept = match running {
            0 => "nothing ran there".to_owned(),
            1 => format!("the execution there is given up in {lease}"),
            some => format!("its {some} executions are given up in {lease}"),
        };
        let message = format!("node {name} cannot be reached; {kept}");
        self.tell(Severity::Critical, node_source(name), trigger(NODE_LOST), message, now, out);
        // That it was not heard led to this: one story, of which this is the graver end.
        self.supersede_rules(&subject, NODE_LOST, now, out);
        self.supersede_rules_on(&subject, NODE_LOST, now, out);
    }

    /// Declares to the workers what they do not know about their cages.
    pub(super) fn tell_cages(&mut self, out: &mut Decisions) {
        let floating = self.agents.iter().map(|(_, agent)| &agent.spec).filter(|spec| spec.cage.is_none());
        let floating = floating.map(|spec| spec.concurrency).max().unwrap_or(1);
        for number in 0..self.cages.len() {
            let Some(cage) = &self.cages[number] else { continue };
            let state = &self.nodes[cage.node as usize];
            let homely = (cage.home != NONE).then(|| self.agents[cage.home].spec.concurrency);
            let running = u32::try_from(cage.executions.len()).unwrap_or(u32::MAX);
            let slots = homely.unwrap_or(floating).max(running);
            if !state.ready || cage.told == Some(slots) {
                continue;
            }
            out.effects.push(Effect::Cage { node_id: state.node.id, spec: cage.spec.clone(), slots });
            if let Some(cage) = &mut self.cages[number] {
                cage.told = Some(slots);
            }
        }
    }
}
