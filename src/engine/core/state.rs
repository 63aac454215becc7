//! Everything that decisions rest on.

use std::collections::{BTreeMap, BTreeSet};

use super::alerts::Alerts;
use super::backfill::Holder;
use super::learning::{Classifier, Predictor, ValueFunction};
use super::queue::{Key, Queue, level};
use super::rules::Rules;
use super::selection::Selection;
use super::shape::{Ask, AskState, CapabilitySets, Shape, Wish};
use super::share::{Holding, Pool};
use super::sites::Sites;
use super::slab::{IdMap, NONE, Slab};
use super::stand_back::StandingBack;
use super::task::TaskState;
use crate::domain::approval_rule::ApprovalRule;
use crate::domain::cage::CageFault;
use crate::domain::requirements::Quantities;
use crate::domain::snapshot::{EndedCounts, OpenArtifact, QueuedTask};
use crate::domain::{
    AgentId, AgentSpec, AgentStatus, ArtifactId, CageId, CageSpec, Defaults, Enforcements, ExecutionId, Node, NodeId,
    NodeStatus, OutcomeKind, Resource, ResourceStatus, Silence, SilenceId, TaskId, TaskStatus, Timestamp, User, UserId,
};

/// The engine's memory and its decisions. See the module's text.
#[derive(Debug)]
pub struct Core {
    /// The number of the last record.
    pub(super) seq: u64,
    /// The latest time seen; never goes back.
    pub(super) now: Timestamp,
    /// Seeds every draw.
    pub(super) seed: u64,
    pub(super) defaults: Defaults,
    pub(super) users: BTreeMap<UserId, User>,
    pub(super) owners: Vec<Owner>,
    pub(super) owner_numbers: BTreeMap<UserId, u32>,
    pub(super) pool: Pool,
    pub(super) nodes: Vec<NodeState>,
    /// By number; index 0 stays empty.
    pub(super) cages: Vec<Option<CageState>>,
    pub(super) agents: Slab<AgentState>,
    pub(super) agent_ids: IdMap<AgentId>,
    pub(super) agent_names: BTreeMap<String, u32>,
    pub(super) tasks: Slab<TaskState>,
    pub(super) task_ids: IdMap<TaskId>,
    pub(super) executions: Slab<ExecutionState>,
    pub(super) execution_ids: IdMap<ExecutionId>,
    /// Who depends on a task: while it is open, and for gated dependents until they start.
    pub(super) dependents: BTreeMap<TaskId, BTreeSet<TaskId>>,
    /// Artifacts that are not approved.
    pub(super) artifacts: BTreeMap<ArtifactId, OpenArtifact>,
    /// Those of them that were rejected.
    pub(super) rejected: BTreeSet<ArtifactId>,
    /// Approved differences of which no worker has said yet what came of merging them.
    pub(super) merging: BTreeSet<ArtifactId>,
    /// How many artifacts of a task are not approved; of an array, those of all its elements.
    pub(super) unapproved: BTreeMap<TaskId, u32>,
    /// Alerts that are not resolved.
    pub(super) alerts: Alerts,
    /// What was declared of alert rules, and how far their subjects are.
    pub(super) rules: Rules,
    /// Silences that nobody has removed.
    pub(super) silences: BTreeMap<SilenceId, Silence>,
    /// Rules that judge artifacts, by name.
    pub(super) approval_rules: BTreeMap<String, ApprovalRule>,
    pub(super) ended: EndedCounts,
    /// Tasks in memory by status, in the order of [`TaskStatus::ALL`]; an array counts for its elements to come.
    pub(super) by_status: [u64; 6],
    /// The slots of the arrays in memory.
    pub(super) arrays: BTreeSet<u32>,
    pub(super) shapes: Slab<Shape>,
    pub(super) shape_numbers: BTreeMap<Wish, u32>,
    pub(super) asks: Slab<AskState>,
    pub(super) ask_numbers: BTreeMap<Ask, u32>,
    pub(super) capability_sets: CapabilitySets,
    pub(super) queue: Queue,
    pub(super) sites: Sites,
    /// Agents without a home that could take a task and have none, by their set of capabilities.
    pub(super) floaters: BTreeMap<u32, BTreeSet<(AgentId, u32)>>,
    /// How well agents suit tasks.
    pub(super) selection: Selection,
    /// How long tasks take.
    pub(super) predictor: Predictor,
    /// How likely executions are to succeed, and artifacts to be approved.
    pub(super) classifier: Classifier,
    /// What it costs to let tasks wait.
    pub(super) value: ValueFunction,
    /// Tasks in memory that have a deadline, by when they have to start; for people, not for decisions.
    pub(super) deadlines: BTreeSet<(Timestamp, TaskId)>,
    /// When a task may be tried again.
    pub(super) retries: BTreeSet<(Timestamp, TaskId)>,
    /// When a circuit breaker closes.
    pub(super) breakers: BTreeSet<(Timestamp, AgentId)>,
    /// When cages that could not be set up are tried again.
    pub(super) cage_pauses: BTreeSet<(Timestamp, CageId)>,
    /// The first task in order that cannot start, and what is kept for it.
    pub(super) holder: Option<Holder>,
    /// Rises with every reservation made.
    pub(super) reservations: u64,
    /// Since when tasks that wait at the head with no end in sight are passed by.
    pub(super) passed_since: BTreeMap<TaskId, Timestamp>,
    /// Tasks at the head of their group that leave agents which suit them badly to others behind them.
    pub(super) standing_back: BTreeMap<TaskId, StandingBack>,
    /// Ended tasks that a command is about to bring back, handed in by the loop.
    pub(super) recalled: BTreeMap<TaskId, QueuedTask>,
    /// The whole fleet is being stopped: that workers leave is what was wanted.
    pub(super) stopping_all: bool,
    /// Rises with every change of cages, agents or nodes.
    pub(super) fleet_version: u64,
    /// In a partial state: how many tasks that must be done by an agent are not in it.
    pub(super) left_out: BTreeMap<AgentId, usize>,
}

/// Somebody who owns tasks.
#[derive(Debug)]
pub struct Owner {
    /// Who.
    pub user: UserId,
    /// What their running work holds.
    pub holding: Holding,
    /// Their dominant share, in billionths.
    pub share: u64,
}

/// A node.
#[derive(Debug)]
pub struct NodeState {
    /// As it was last seen.
    pub node: Node,
    /// What it has.
    pub resources: Vec<Resource>,
    /// What executions hold of it.
    pub used: Quantities,
    /// Whether its worker is connected and in step, so that something may start on it.
    pub ready: bool,
    /// Since when its worker is out of reach, if it is.
    pub lost_at: Option<Timestamp>,
    /// The incarnation of a worker that has said hello and is not yet in step.
    pub incarnation: Option<serde_json::Value>,
    /// Executions on it by expected end ([`Timestamp::LAST`] for unknown).
    pub ends: BTreeSet<(Timestamp, u32)>,
    /// Whether something did not start for lack of its capacity since the last release.
    pub tight: bool,
}

impl NodeState {
    /// What of it executions may hold together: nothing of a resource that an operator withholds.
    pub fn lendable(&self) -> Quantities {
        let mut lendable = self.node.capacity.quantities();
        for resource in self.resources.iter().filter(|resource| resource.status == ResourceStatus::Maintenance) {
            if let Some(place) = Quantities::NAMES.iter().position(|name| *name == resource.name) {
                lendable.0[place] = 0;
            }
        }
        lendable
    }
    /// What may still be held.
    pub fn free(&self) -> Quantities {
        self.lendable().minus(&self.used)
    }
    /// Whether something may start on it.
    pub fn is_open(&self) -> bool {
        self.ready && self.node.status == NodeStatus::Online
    }
}

/// A cage.
#[derive(Debug)]
pub struct CageState {
    /// What was declared.
    pub spec: CageSpec,
    /// Where it is, as a number.
    pub node: u32,
    /// Whether it is withheld.
    pub maintenance: bool,
    /// How its limits hold, as the worker said.
    pub enforcement: Enforcements,
    /// The room that its limits give.
    pub room: Quantities,
    /// What executions in it hold.
    pub used: Quantities,
    /// The agent that has its home here.
    pub home: u32,
    /// The agent that is here now: the one at home, or a floating one with work.
    pub occupant: u32,
    /// What runs in it.
    pub executions: Vec<u32>,
    /// With how many slots the worker knows it; `None` when it has to be told.
    pub told: Option<u32>,
    /// Whether it was made smaller than what already ran in it.
    pub over: bool,
    /// Why it cannot be set up, if that is so.
    pub fault: Option<CageFault>,
}

/// An agent.
#[derive(Debug)]
pub struct AgentState {
    /// Identifier.
    pub id: AgentId,
    /// What was declared; `cage` is its home.
    pub spec: AgentSpec,
    /// Who declared it.
    pub owner: UserId,
    /// Whether an operator drained it.
    pub drained: bool,
    /// Failures in a row.
    pub failures: u32,
    /// Until when its circuit breaker is open.
    pub breaker_until: Option<Timestamp>,
    /// Executions it has.
    pub running: u32,
    /// The cage it works in, while it does.
    pub cage: Option<CageId>,
    /// Its set of capabilities.
    pub capability_set: u32,
}

/// An execution that has not ended.
#[derive(Debug)]
pub struct ExecutionState {
    /// The attempt.
    pub id: ExecutionId,
    /// Its task.
    pub task: u32,
    /// Who.
    pub agent: u32,
    /// Where.
    pub cage: CageId,
    /// On which node.
    pub node: u32,
    /// What it holds.
    pub held: Quantities,
    /// From 1.
    pub attempt: u32,
    /// When it was decided.
    pub created_at: Timestamp,
    /// When its process started, if that is known.
    pub started_at: Option<Timestamp>,
    /// As what it is being stopped, if it is.
    pub stopping: Option<OutcomeKind>,
    /// Why, in words.
    pub stop_note: Option<String>,
    /// When it is expected to end; [`Timestamp::LAST`] for unknown.
    pub end: Timestamp,
}

impl Default for Core {
    fn default() -> Self {
        Self::new()
    }
}

impl Core {
    /// The state before the first record.
    pub fn new() -> Self {
        Self {
            seq: 0,
            now: Timestamp::EPOCH,
            seed: 0,
            defaults: Defaults::default(),
            users: BTreeMap::new(),
            owners: vec![],
            owner_numbers: BTreeMap::new(),
            pool: Pool::default(),
            nodes: vec![],
            cages: (0..=CageId::LAST).map(|_| None).collect(),
            agents: Slab::default(),
            agent_ids: IdMap::default(),
            agent_names: BTreeMap::new(),
            tasks: Slab::default(),
            task_ids: IdMap::default(),
            executions: Slab::default(),
            execution_ids: IdMap::default(),
            dependents: BTreeMap::new(),
            artifacts: BTreeMap::new(),
            merging: BTreeSet::new(),
            rejected: BTreeSet::new(),
            unapproved: BTreeMap::new(),
            alerts: Alerts::default(),
            rules: Rules::default(),
            silences: BTreeMap::new(),
            approval_rules: BTreeMap::new(),
            ended: EndedCounts::default(),
            by_status: [0; 6],
            arrays: BTreeSet::new(),
            shapes: Slab::default(),
            shape_numbers: BTreeMap::new(),
            asks: Slab::default(),
            ask_numbers: BTreeMap::new(),
            capability_sets: CapabilitySets::default(),
            queue: Queue::default(),
            sites: Sites::default(),
            floaters: BTreeMap::new(),
            selection: Selection::default(),
            predictor: Predictor::default(),
            classifier: Classifier::default(),
            value: ValueFunction::default(),
            deadlines: BTreeSet::new(),
            retries: BTreeSet::new(),
            breakers: BTreeSet::new(),
            cage_pauses: BTreeSet::new(),
            holder: None,
            reservations: 0,
            passed_since: BTreeMap::new(),
            standing_back: BTreeMap::new(),
            recalled: BTreeMap::new(),
            stopping_all: false,
            fleet_version: 1,
            left_out: BTreeMap::new(),
        }
    }

    /// The number of the last record.
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The defaults in force.
    pub const fn defaults(&self) -> &Defaults {
        &self.defaults
    }

    /// The status of a task that has not ended.
    pub fn task_status(&self, id: TaskId) -> Option<TaskStatus> {
        self.task_ids.get(id).map(|slot| self.tasks[slot].status)
    }

    /// The id and the declaration of the agent of a name.
    pub fn agent_by_name(&self, name: &str) -> Option<(AgentId, &AgentSpec)> {
        let agent = &self.agents[*self.agent_names.get(name)?];
        Some((agent.id, &agent.spec))
    }

    /// The declaration of an agent.
    pub fn agent_spec(&self, id: AgentId) -> Option<&AgentSpec> {
        self.agent_ids.get(id).map(|slot| &self.agents[slot].spec)
    }

    /// What an agent is doing.
    #[cfg(test)]
    pub(super) fn agent_status(&self, id: AgentId) -> Option<AgentStatus> {
        self.agent_ids.get(id).map(|slot| self.status_of_agent(slot))
    }

    /// The declaration of a cage.
    pub fn cage_spec(&self, id: CageId) -> Option<&CageSpec> {
        self.cage(id).map(|cage| &cage.spec)
    }

    /// A node by its name.
    pub fn node_by_name(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().map(|state| &state.node).find(|node| node.name == name)
    }

    /// The node of an id.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.node_number(id).map(|number| &self.nodes[number as usize].node)
    }

    /// Executions that have not ended: each with its task, agent and cage, in the order of their ids.
    pub fn running(&self) -> Vec<(ExecutionId, TaskId, AgentId, CageId)> {
        let mut running: Vec<_> = self
            .executions
            .iter()
            .map(|(_, run)| (run.id, self.tasks[run.task].id, self.agents[run.agent].id, run.cage))
            .collect();
        running.sort_unstable();
        running
    }

    /// Whether an execution has not ended.
    pub fn is_live(&self, id: ExecutionId) -> bool {
        self.execution_ids.contains(id)
    }

    pub(super) fn cage(&self, id: CageId) -> Option<&CageState> {
        self.cages[id.number() as usize].as_ref()
    }

    pub(super) fn cage_mut(&mut self, id: CageId) -> Option<&mut CageState> {
        self.cages[id.number() as usize].as_mut()
    }

    /// The cages in the order of their numbers.
    pub(super) fn cages(&self) -> impl Iterator<Item = &CageState> {
        self.cages.iter().flatten()
    }

    pub(super) fn node_number(&self, id: NodeId) -> Option<u32> {
        self.nodes.iter().position(|state| state.node.id == id).and_then(|at| u32::try_from(at).ok())
    }

    pub(super) fn status_of_agent(&self, slot: u32) -> AgentStatus {
        let agent = &self.agents[slot];
        let node = agent.cage.or(agent.spec.cage).and_then(|cage| self.cage(cage)).map(|cage| cage.node);
        let lost = node.is_some_and(|node| self.nodes[node as usize].node.status == NodeStatus::Lost);
        match agent {
            AgentState { drained: true, .. } => AgentStatus::Maintenance,
            AgentState { breaker_until: Some(_), .. } => AgentStatus::Error,
            _ if lost => AgentStatus::Offline,
            AgentState { running, spec, .. } if *running >= spec.concurrency => AgentStatus::Busy,
            AgentState { running: 1.., .. } => AgentStatus::Active,
            _ => AgentStatus::Idle,
        }
    }

    /// How many more executions an agent may have now. After a pause of its circuit breaker it gets one to try.
    pub(super) fn slots_left(&self, slot: u32) -> u32 {
        if self.takes_tasks(slot) { self.slots_at_once(slot).saturating_sub(self.agents[slot].running) } else { 0 }
    }

    /// Whether an agent takes tasks at all now: it is neither drained nor paused.
    pub(super) fn takes_tasks(&self, slot: u32) -> bool {
        let agent = &self.agents[slot];
        !agent.drained && agent.breaker_until.is_none()
    }

    /// How many executions an agent may have at once: one while it has to prove itself.
    pub(super) fn slots_at_once(&self, slot: u32) -> u32 {
        let agent = &self.agents[slot];
        if agent.failures >= self.defaults.breaker.failures { 1 } else { agent.spec.concurrency }
    }

    /// The number of an owner.
    pub(super) fn owner_number(&mut self, user: UserId) -> u32 {
        if let Some(number) = self.owner_numbers.get(&user) {
            return *number;
        }
        let number = u32::try_from(self.owners.len()).unwrap_or(NONE);
        self.owners.push(Owner { user, holding: Holding::default(), share: 0 });
        self.owner_numbers.insert(user, number);
        number
    }

    /// The shape of a wish, made when there is none.
    pub(super) fn shape_of(&mut self, wish: Wish) -> u32 {
        if let Some(number) = self.shape_numbers.get(&wish) {
            return *number;
        }
        let owner = self.owner_number(wish.owner);
        let shape = Shape::new(wish.clone(), owner, &self.defaults.requirements, &self.capability_sets);
        let number = self.shapes.insert(shape);
        self.shape_numbers.insert(wish, number);
        self.join_ask(number);
        number
    }

    /// Finds the ask of a shape, or makes it.
    pub(super) fn join_ask(&mut self, shape: u32) {
        let ask = self.shapes[shape].ask();
        let number = self.ask_numbers.get(&ask).copied().unwrap_or_else(|| {
            let state = AskState::new(ask.clone());
            let number = self.asks.insert(state);
            self.ask_numbers.insert(ask, number);
            number
        });
        self.asks[number].shapes += 1;
        self.shapes[shape].ask = number;
    }

    /// A shape gives up its ask.
    pub(super) fn leave_ask(&mut self, ask: u32) {
        self.asks[ask].shapes -= 1;
        if self.asks[ask].shapes == 0
            && let Some(state) = self.asks.remove(ask)
        {
            self.ask_numbers.remove(&state.ask);
        }
    }

    /// The group of a wish and a class of duration; the caller's task becomes a member.
    pub(super) fn join_group(&mut self, wish: Wish, class: u16) -> u32 {
        let shape = self.shape_of(wish);
        let owner = self.shapes[shape].owner;
        let (group, new) = self.queue.join(shape, class, owner);
        if new {
            self.shapes[shape].groups += 1;
        }
        group
    }

    /// A task gives up its membership of a group.
    pub(super) fn leave_group(&mut self, group: u32) {
        if let Some(shape) = self.queue.leave(group) {
            self.shapes[shape].groups -= 1;
            self.drop_unused_shape(shape);
        }
    }

    /// Forgets a shape that no group uses.
    pub(super) fn drop_unused_shape(&mut self, shape: u32) {
        if self.shapes[shape].groups == 0
            && let Some(shape) = self.shapes.remove(shape)
        {
            self.shape_numbers.remove(&shape.wish);
            self.leave_ask(shape.ask);
        }
    }

    /// The shape of a task in memory.
    pub(super) fn shape(&self, task: u32) -> &Shape {
        &self.shapes[self.queue.groups[self.tasks[task].group].shape]
    }

    /// The place of a task in its group.
    pub(super) fn key(&self, slot: u32) -> Key {
        let task = &self.tasks[slot];
        let level = level(task.created_at, task.priority, self.defaults.ageing);
        Key { level, deadline: task.deadline, id: task.id, slot }
    }

    /// Puts a task into the queue or takes it out, as its state demands; sets its retry's timer. Called after every
    /// change to what decides about it.
    pub(super) fn settle(&mut self, slot: u32) {
        let key = self.key(slot);
        let task = &mut self.tasks[slot];
        let waits = task.status == TaskStatus::Pending
            && task.is_free()
            && task.array.as_ref().is_none_or(|array| array.remaining > 0);
        let ready = waits && task.not_before <= self.now;
        if waits && !ready {
            self.retries.insert((task.not_before, task.id));
        } else if task.not_before > Timestamp::EPOCH {
            self.retries.remove(&(task.not_before, task.id));
        }
        let was = std::mem::replace(&mut task.queued, ready);
        let group = task.group;
        match (was, ready) {
            (false, true) => self.queue.push(group, key),
            (true, false) => {
                self.queue.pull(group, key);
                // Nothing is kept for a task that may not start, for instance because a gate has closed again.
                self.drop_holder_of(slot);
            }
            _ => {}
        }
    }

    /// Takes a task out of the queue before something changes that decides about its place there.
    pub(super) fn unqueue(&mut self, slot: u32) {
        let key = self.key(slot);
        let task = &mut self.tasks[slot];
        self.retries.remove(&(task.not_before, task.id));
        if std::mem::take(&mut task.queued) {
            let group = task.group;
            self.queue.pull(group, key);
        }
    }

    /// Changes a task's status and the counts. Events say what follows from the state that they were decided on, so that a change
    /// which the table of transitions does not know is a fault of ours: every test and every simulated seed ends at it.
    pub(super) fn set_status(&mut self, slot: u32, status: TaskStatus) {
        let task = &mut self.tasks[slot];
        let weight = task.weight();
        let old = std::mem::replace(&mut task.status, status);
        debug_assert!(old.may_become(status), "task {}: {old} -> {status}", task.id);
        self.by_status[old as usize] -= weight;
        self.by_status[status as usize] += weight;
    }
}
