//! A second book-keeper: it reads the records alone, knows nothing of the core's structures, and refuses what must not be.
//!
//! `Core::check` walks the core's own state; a mistake that the state makes consistently would pass it. Here every rule is
//! written down a second time, in the plainest way: what may start where, what is held, what an attempt costs, who must
//! go first.

use std::collections::{BTreeMap, BTreeSet};

use menagerie::domain::event::{
    AlertRaised, AlertReopened, ExecutionEnded, ExecutionScheduled, ExecutionStopping, Held,
};
use menagerie::domain::learning::ModelKind;
use menagerie::domain::requirements::Quantities;
use menagerie::domain::{
    Actor, AgentId, AgentSpec, Alert, AlertId, ArtifactId, CageId, Defaults, Event, ExecutionId, OutcomeKind, Record,
    ResourceId, ReviewState, Severity, Span, Task, TaskId, TaskStatus, Timestamp,
};

/// Attempts lost with workers after which a task is given up.
const LOSSES_MAX: u32 = 10;

pub struct Ledger {
    seq: u64,
    time: Timestamp,
    defaults: Defaults,
    /// Whether something may have been learned of how long tasks take, so that of what says nothing itself nobody here knows.
    foretold: bool,
    online: bool,
    /// Whether the worker is connected and in step; the world says so, no record does.
    pub in_step: bool,
    capacity: Quantities,
    resources: BTreeMap<ResourceId, usize>,
    cages: BTreeMap<CageId, Cage>,
    agents: BTreeMap<AgentId, Agent>,
    pub tasks: BTreeMap<TaskId, Entry>,
    pub live: BTreeMap<ExecutionId, Live>,
    past: BTreeSet<ExecutionId>,
    artifacts: BTreeMap<ArtifactId, (TaskId, ReviewState)>,
    /// Elements that ended with their array, without ever having been tasks of their own.
    never_tasks: BTreeMap<TaskStatus, u64>,
    /// Alerts that are not resolved.
    pub alerts: BTreeMap<AlertId, Alert>,
    /// The record of a warning whose alert has to follow.
    told: Option<u64>,
}

struct Cage {
    room: Quantities,
    maintenance: bool,
    /// Whether it cannot be set up and has a pause.
    faulty: bool,
}

struct Agent {
    spec: AgentSpec,
    drained: bool,
    paused: bool,
    failures: u32,
}

pub struct Entry {
    pub task: Task,
    /// For an array: the places that are tasks of their own.
    elements: BTreeSet<u32>,
    executions: u32,
}

pub struct Live {
    pub task: TaskId,
    agent: AgentId,
    pub cage: CageId,
    held: Quantities,
    started: bool,
    stopping: Option<OutcomeKind>,
}

impl Entry {
    fn is_array(&self) -> bool {
        self.task.array.is_some()
    }
    /// Elements that are not yet tasks.
    fn remaining(&self) -> u64 {
        self.task.array.map_or(0, |range| u64::from(range.len()) - self.elements.len() as u64)
    }
}

impl Ledger {
    pub fn new() -> Self {
        Self {
            seq: 0,
            time: Timestamp::EPOCH,
            defaults: Defaults::default(),
            foretold: false,
            online: false,
            in_step: false,
            capacity: Quantities::ZERO,
            resources: BTreeMap::new(),
            cages: BTreeMap::new(),
            agents: BTreeMap::new(),
            tasks: BTreeMap::new(),
            live: BTreeMap::new(),
            past: BTreeSet::new(),
            artifacts: BTreeMap::new(),
            never_tasks: BTreeMap::new(),
            alerts: BTreeMap::new(),
            told: None,
        }
    }

    /// Takes in a record, or panics if it must not be.
    pub fn take(&mut self, record: &Record) {
        assert_eq!(record.seq, self.seq + 1, "a gap in the records");
        assert!(record.time >= self.time, "time goes back: {record:?}");
        (self.seq, self.time) = (record.seq, record.time);
        if let Some(seq) = self.told {
            let gives_way = matches!(record.event, Event::AlertResolved(_));
            let raised = matches!(record.event, Event::AlertRaised(_) | Event::AlertRepeated(_));
            assert!(raised || gives_way, "a warning of record {seq} raised no alert: {record:?}");
            self.told = None;
        }
        match &record.event {
            Event::DefaultsSet(event) => self.defaults = event.defaults.clone(),
            Event::ModelVersioned(event) => self.foretold |= event.version.model == ModelKind::Predictor,
            Event::NodeSeen(event) => {
                self.online = true;
                self.capacity = event.node.capacity.quantities();
                let place = |name: &str| Quantities::NAMES.iter().position(|known| *known == name).unwrap();
                self.resources = event.resources.iter().map(|resource| (resource.id, place(&resource.name))).collect();
            }
            Event::NodeLost(_) => self.online = false,
            Event::CageDeclared(event) => {
                let maintenance = self.cages.get(&event.spec.id).is_some_and(|cage| cage.maintenance);
                self.cages.insert(event.spec.id, Cage { room: event.spec.limits.room(), maintenance, faulty: false });
            }
            Event::CageMaintenance(event) => {
                let cage = self.cages.get_mut(&event.cage_id).unwrap();
                cage.maintenance = event.on;
                cage.faulty &= event.on;
            }
            Event::CageFaulted(event) => {
                let cage = self.cages.get_mut(&event.cage_id).unwrap();
                assert!(!std::mem::replace(&mut cage.faulty, true), "a fault that is known: {record:?}");
                assert!(event.fault.until.is_some_and(|until| until > record.time), "no pause: {record:?}");
            }
            Event::CageReleased(event) => {
                let cage = self.cages.get_mut(&event.cage_id).unwrap();
                assert!(std::mem::replace(&mut cage.faulty, false), "a pause that nobody had ended: {record:?}");
            }
            Event::CageEnforced(event) => self.cages.get_mut(&event.cage_id).unwrap().faulty = false,
            Event::AgentDeclared(event) => {
                let spec = event.spec.clone();
                if let Some(agent) = self.agents.get_mut(&event.agent_id) {
                    agent.spec = spec;
                } else {
                    let agent = Agent { spec, drained: false, paused: false, failures: 0 };
                    self.agents.insert(event.agent_id, agent);
                }
            }
            Event::AgentRemoved(event) => {
                assert!(self.live.values().all(|run| run.agent != event.agent_id), "a working agent was removed");
                self.agents.remove(&event.agent_id).expect("an agent was removed twice");
            }
            Event::AgentMoved(event) => self.agent(event.agent_id).spec.cage = event.cage_id,
            Event::AgentDrained(event) => self.agent(event.agent_id).drained = true,
            Event::AgentResumed(event) => {
                let agent = self.agent(event.agent_id);
                (agent.drained, agent.paused, agent.failures) = (false, false, 0);
            }
            Event::BreakerOpened(event) => {
                let limit = self.defaults.breaker.failures;
                let agent = self.agent(event.agent_id);
                assert!(agent.failures >= limit && !agent.paused, "{record:?} after {} failures", agent.failures);
                agent.paused = true;
            }
            Event::BreakerClosed(event) => self.agent(event.agent_id).paused = false,
            Event::ExecutionScheduled(event) => self.scheduled(event),
            Event::ExecutionStarted(event) => {
                let run = self.live.get_mut(&event.execution_id).expect("something started that is not live");
                assert!(!std::mem::replace(&mut run.started, true), "started twice: {record:?}");
                self.set_status(event.task_id, &[TaskStatus::Scheduled], TaskStatus::Executing);
            }
            Event::ExecutionStopping(event) => self.stopping(event, record.actor),
            Event::ExecutionEnded(event) => self.ended(event),
            Event::ArtifactAdded(event) => {
                let artifact = &event.artifact;
                assert!(self.live.contains_key(&artifact.execution_id), "an artifact of nothing live: {record:?}");
                let before = self.artifacts.insert(artifact.id, (artifact.task_id, artifact.review.state));
                assert!(before.is_none(), "an artifact came twice: {record:?}");
            }
            Event::ArtifactReviewed(event) => {
                let state = &mut self.artifacts.get_mut(&event.artifact_id).unwrap().1;
                let fresh = *state == ReviewState::Pending;
                assert!(event.rule.is_none() || fresh, "a rule judged what was judged: {record:?}");
                *state = event.state;
            }
            Event::AlertRaised(AlertRaised { alert }) | Event::AlertReopened(AlertReopened { alert }) => {
                let twin = self.alerts.values().any(|other| other.cause() == alert.cause());
                assert!(!twin, "two alerts of one cause: {record:?}");
                assert!(alert.resolution.is_none() && alert.severity >= Severity::Warning, "{record:?}");
                self.alerts.insert(alert.id, alert.clone());
            }
            Event::AlertRepeated(event) => {
                let alert = self.alerts.get_mut(&event.alert_id).expect("a resolved alert came up again");
                // What a rule says follows its figures; everything else only gets worse.
                let of_rule = event.threshold.is_some() || alert.source.starts_with("rule ");
                assert!(of_rule || event.severity >= alert.severity, "an alert became milder: {record:?}");
                alert.severity = event.severity;
            }
            Event::AlertResolved(event) => drop(self.alerts.remove(&event.alert_id).expect("resolved twice")),
            Event::SystemEventRaised(event) => {
                // What is bad enough is followed by its alert, whatever became of earlier ones.
                self.told = (event.event.severity >= Severity::Warning).then_some(record.seq);
            }
            _ => self.take_task(record),
        }
    }

    fn take_task(&mut self, record: &Record) {
        match &record.event {
            Event::TaskSubmitted(event) => {
                let task = event.task.clone();
                for dependency in &task.depends_on {
                    let status = self.tasks[dependency].task.status;
                    assert!(
                        !matches!(status, TaskStatus::Failed | TaskStatus::Cancelled),
                        "depends on {dependency}, which is {status}"
                    );
                }
                let entry = Entry { task, elements: BTreeSet::new(), executions: 0 };
                assert!(self.tasks.insert(event.task.id, entry).is_none(), "a task was submitted twice: {record:?}");
            }
            Event::TaskMaterialised(event) => {
                let array = self.tasks.get_mut(&event.array_id).unwrap();
                assert!(!array.task.status.is_final(), "an element of an ended array: {record:?}");
                let (range, place) = (array.task.array.unwrap(), event.task_id.place());
                assert!((1..=range.len()).contains(&place), "no element of {range:?}: {record:?}");
                assert!(array.elements.insert(place), "an element came twice: {record:?}");
                assert_eq!(event.index, range.first + place - 1);
                let mut task = array.task.clone();
                (task.id, task.array, task.array_index) = (event.task_id, None, Some(event.index));
                task.depends_on.clear();
                let entry = Entry { task, elements: BTreeSet::new(), executions: 0 };
                assert!(self.tasks.insert(event.task_id, entry).is_none());
            }
            Event::ArrayEnded(event) => {
                let array = &self.tasks[&event.task_id];
                assert_eq!(array.remaining(), 0, "an array ended with elements to come: {record:?}");
                let all: BTreeSet<_> =
                    array.elements.iter().map(|place| self.element_status(event.task_id, *place)).collect();
                assert!(all.iter().all(|status| status.is_final()), "an array ended before its elements: {all:?}");
                let completed = all.iter().all(|status| *status == TaskStatus::Completed);
                assert_eq!(event.status == TaskStatus::Completed, completed, "{record:?} of elements that are {all:?}");
                self.set_status(event.task_id, &[TaskStatus::Pending], event.status);
            }
            Event::TaskCancelled(event) => self.ended_unstarted(event.task_id, TaskStatus::Cancelled),
            Event::TaskFailed(event) => {
                let deps = &self.tasks[&event.task_id].task.depends_on;
                let broken =
                    |id: &TaskId| matches!(self.tasks[id].task.status, TaskStatus::Failed | TaskStatus::Cancelled);
                assert!(deps.iter().any(broken), "failed with all dependencies well: {record:?}");
                let failed = |id: &TaskId| self.tasks[id].task.status == TaskStatus::Failed;
                assert!(event.cause.is_none_or(|cause| failed(&cause)), "failed for what has not: {record:?}");
                self.ended_unstarted(event.task_id, TaskStatus::Failed);
            }
            Event::TaskRetried(event) => {
                let entry = &self.tasks[&event.task_id];
                // Of an array, those elements come back that were never tasks.
                let (status, weight) = (entry.task.status, entry.remaining());
                if weight > 0 {
                    *self.never_tasks.get_mut(&status).expect("elements come back that never ended") -= weight;
                }
                self.set_status(event.task_id, &[TaskStatus::Failed, TaskStatus::Cancelled], TaskStatus::Pending);
                let task = &mut self.tasks.get_mut(&event.task_id).unwrap().task;
                (task.attempts, task.losses, task.not_before) = (0, 0, None);
            }
            Event::TaskReassigned(event) => {
                let task = &mut self.tasks.get_mut(&event.task_id).unwrap().task;
                assert!(!task.status.is_final());
                (task.agent_id, task.cage_id) = (event.agent_id, event.cage_id);
            }
            Event::TaskPrioritised(event) => {
                let task = &mut self.tasks.get_mut(&event.task_id).unwrap().task;
                assert!(!task.status.is_final());
                task.priority = event.priority;
            }
            _ => {}
        }
    }

    fn agent(&mut self, id: AgentId) -> &mut Agent {
        self.agents.get_mut(&id).expect("no such agent")
    }

    fn element_status(&self, array: TaskId, place: u32) -> TaskStatus {
        self.tasks[&array.element(place)].task.status
    }

    fn set_status(&mut self, id: TaskId, from: &[TaskStatus], to: TaskStatus) {
        let task = &mut self.tasks.get_mut(&id).expect("no such task").task;
        assert!(from.contains(&task.status), "task {id} became {to} while it was {}", task.status);
        task.status = to;
    }

    fn ended_unstarted(&mut self, id: TaskId, status: TaskStatus) {
        assert!(self.live.values().all(|run| run.task != id), "task {id} became {status} while it ran");
        self.set_status(id, &[TaskStatus::Pending], status);
        *self.never_tasks.entry(status).or_default() += self.tasks[&id].remaining();
    }

    fn scheduled(&mut self, event: &ExecutionScheduled) {
        let id = event.execution_id;
        assert!(!self.past.contains(&id) && !self.live.contains_key(&id), "execution {id} came twice");
        let entry = &self.tasks[&event.task_id];
        let held = self.sum(&event.held);
        assert!(self.is_ready(entry, self.time), "a task was started that was not ready: {:?}", entry.task);
        assert_eq!(event.attempt, entry.executions + 1, "attempts are counted wrongly: {event:?}");
        assert_eq!(held, self.need(&entry.task), "held is not what is needed: {event:?}");
        if let Err(why) = self.admits(&entry.task, event.agent_id, event.cage_id) {
            panic!("task {} was started where it must not: {why}: {event:?}", event.task_id);
        }
        self.check_turn(entry, event);
        let entry = self.tasks.get_mut(&event.task_id).unwrap();
        entry.executions += 1;
        entry.task.status = TaskStatus::Scheduled;
        let (task, agent, cage) = (event.task_id, event.agent_id, event.cage_id);
        self.live.insert(id, Live { task, agent, cage, held, started: false, stopping: None });
    }

    fn stopping(&mut self, event: &ExecutionStopping, actor: Actor) {
        let victim = &self.live[&event.execution_id];
        let task = &self.tasks[&victim.task].task;
        let note = event.note.as_deref().unwrap_or_default();
        if actor == Actor::Engine && note.starts_with("made room") {
            assert_eq!(event.reason, OutcomeKind::Preempted);
            assert!(self.defaults.preemption && task.preemptible, "preempted without consent: {event:?}");
            let urgent = |entry: &Entry| entry.task.priority > task.priority && self.is_ready(entry, self.time);
            assert!(self.tasks.values().any(urgent), "preempted for nobody more urgent: {event:?}");
        }
        let victim = self.live.get_mut(&event.execution_id).unwrap();
        let again = victim.stopping.replace(event.reason);
        assert!(
            again.is_none_or(|before| before == OutcomeKind::Preempted && event.reason == OutcomeKind::Cancelled),
            "stopped twice: {event:?}"
        );
    }

    fn ended(&mut self, event: &ExecutionEnded) {
        let run = self.live.remove(&event.execution_id).expect("something ended that was not live");
        self.past.insert(event.execution_id);
        assert_eq!((run.task, run.agent), (event.task_id, event.agent_id));
        let kind = event.outcome.kind;
        if let Some(reason) = run.stopping {
            assert!(kind == reason || kind == OutcomeKind::Succeeded, "stopped as {reason}, ended as {kind}");
        }
        let limit = self.defaults.breaker.failures;
        let costs = matches!(
            kind,
            OutcomeKind::Failed | OutcomeKind::TimedOut | OutcomeKind::LimitExceeded | OutcomeKind::NotStarted
        );
        let task = &mut self.tasks.get_mut(&event.task_id).unwrap().task;
        let attempts = task.attempts + u32::from(costs || kind == OutcomeKind::Succeeded);
        let losses = task.losses + u32::from(kind == OutcomeKind::WorkerLost);
        assert_eq!((event.attempts, event.losses), (attempts, losses), "attempts are counted wrongly: {event:?}");
        let status = match kind {
            OutcomeKind::Succeeded => TaskStatus::Completed,
            OutcomeKind::Cancelled => TaskStatus::Cancelled,
            OutcomeKind::WorkerLost if losses > LOSSES_MAX => TaskStatus::Failed,
            OutcomeKind::WorkerLost | OutcomeKind::Preempted | OutcomeKind::CageFailed => TaskStatus::Pending,
            _ if attempts >= task.max_attempts => TaskStatus::Failed,
            _ => TaskStatus::Pending,
        };
        assert_eq!(event.task_status, status, "{event:?}");
        let paused = costs && status == TaskStatus::Pending;
        assert_eq!(event.not_before.is_some(), paused, "only what failed waits: {event:?}");
        (task.status, task.attempts, task.losses, task.not_before) = (status, attempts, losses, event.not_before);
        let brings_command = task.brings_command();
        let agent = self.agent(event.agent_id);
        agent.failures = match kind {
            OutcomeKind::Succeeded => 0,
            // No agent is to blame for a command that a task brings.
            _ if costs && !agent.paused && !brings_command => agent.failures + 1,
            _ => agent.failures,
        };
        assert_eq!(
            event.agent_failures, agent.failures,
            "failures in a row are counted wrongly (of {limit}): {event:?}"
        );
    }

    fn sum(&self, held: &[Held]) -> Quantities {
        let mut sum = Quantities::ZERO;
        for part in held {
            sum.0[self.resources[&part.resource_id]] += part.quantity;
        }
        sum
    }

    fn need(&self, task: &Task) -> Quantities {
        let (own, other) = (task.requirements.quantities(), self.defaults.requirements.quantities());
        Quantities(std::array::from_fn(|i| if own.0[i] == 0 { other.0[i] } else { own.0[i] }))
    }

    /// Whether a task waits for nothing but its turn and a place.
    fn is_ready(&self, entry: &Entry, now: Timestamp) -> bool {
        let task = &entry.task;
        task.status == TaskStatus::Pending
            && (!entry.is_array() || entry.remaining() > 0)
            && task.not_before.is_none_or(|at| at <= now)
            && task.depends_on.iter().all(|id| self.tasks[id].task.status == TaskStatus::Completed)
            && (!task.approval_gate || task.depends_on.iter().all(|id| self.is_approved(*id)))
    }

    /// Whether everything that a task, or any element of an array, has made is approved.
    fn is_approved(&self, id: TaskId) -> bool {
        let open = |(task, state): &(TaskId, ReviewState)| {
            (*task == id || task.as_array() == id) && *state != ReviewState::Approved
        };
        !self.artifacts.values().any(open)
    }

    /// Who is in a cage: who works there, else who has its home there.
    fn occupant(&self, cage: CageId) -> Option<AgentId> {
        let working = self.live.values().find(|run| run.cage == cage).map(|run| run.agent);
        working.or_else(|| self.home_of(cage))
    }

    fn home_of(&self, cage: CageId) -> Option<AgentId> {
        self.agents.iter().find(|(_, agent)| agent.spec.cage == Some(cage)).map(|(id, _)| *id)
    }

    /// Whether a task could start with an agent in a cage, if nothing else ran there.
    fn is_able(&self, task: &Task, agent_id: AgentId, cage_id: CageId) -> Result<(), &'static str> {
        let (agent, cage) = (&self.agents[&agent_id], &self.cages[&cage_id]);
        let capabilities = if task.requirements.capabilities.is_empty() {
            &self.defaults.requirements.capabilities
        } else {
            &task.requirements.capabilities
        };
        let has = |name: &String| agent.spec.capabilities.iter().any(|capability| capability.kind == *name);
        let need = self.need(task);
        let checks = [
            (self.online && self.in_step, "the node is out of reach"),
            (!cage.maintenance, "the cage is withheld"),
            (!cage.faulty, "the cage cannot be set up"),
            (!agent.drained && !agent.paused, "the agent is drained or paused"),
            (agent.spec.cage.is_none_or(|home| home == cage_id), "the agent has its home elsewhere"),
            (self.home_of(cage_id).is_none_or(|home| home == agent_id), "the cage is another's home"),
            (self.occupant(cage_id).is_none_or(|other| other == agent_id), "the cage holds another agent"),
            (capabilities.iter().all(has), "a capability is missing"),
            (task.brings_command() || agent.spec.has_command(), "neither task nor agent has a command"),
            (task.agent_id.is_none_or(|id| id == agent_id), "it must be done by another agent"),
            (task.cage_id.is_none_or(|id| id == cage_id), "it must run in another cage"),
            (need.fits(&cage.room), "the cage is too small"),
            (need.fits(&self.capacity), "the node is too small"),
        ];
        checks.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, why)| Err(why))
    }

    /// Whether a task can start with an agent in a cage now.
    fn admits(&self, task: &Task, agent_id: AgentId, cage_id: CageId) -> Result<(), &'static str> {
        self.is_able(task, agent_id, cage_id)?;
        let agent = &self.agents[&agent_id];
        let (mut in_cage, mut on_node, mut running) = (Quantities::ZERO, Quantities::ZERO, 0);
        for run in self.live.values() {
            on_node = on_node.plus(&run.held);
            if run.cage == cage_id {
                in_cage = in_cage.plus(&run.held);
            }
            if run.agent == agent_id {
                running += 1;
                if run.cage != cage_id {
                    return Err("the agent works elsewhere");
                }
            }
        }
        let slots = if agent.failures >= self.defaults.breaker.failures { 1 } else { agent.spec.concurrency };
        let need = self.need(task);
        let fits = |used: &Quantities, room: &Quantities| {
            (0..5).all(|i| need.0[i] == 0 || used.0[i].saturating_add(need.0[i]) <= room.0[i])
        };
        let checks = [
            (running < slots, "the agent has no slot left"),
            (fits(&in_cage, &self.cages[&cage_id].room), "the cage has no room left"),
            (fits(&on_node, &self.capacity), "the node has no room left"),
        ];
        checks.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, why)| Err(why))
    }

    /// What is compared first: whole intervals of ageing less priority, then the deadline. The smaller goes first.
    fn rank(&self, task: &Task) -> (i64, Timestamp) {
        let level = task.created_at.as_micros() / self.defaults.ageing.as_micros() - i64::from(task.priority);
        (level, task.deadline.unwrap_or(Timestamp::LAST))
    }

    /// How long a task is expected to take, if that is known.
    fn duration(&self, task: &Task) -> Span {
        let timeout = task.timeout.or(self.defaults.timeout);
        task.estimate.into_iter().chain(timeout).min().unwrap_or(Span::LONGEST)
    }

    /// Whether it is known of two tasks which is expected to take longer: once something was learned, of what says nothing
    /// itself only if they are alike.
    fn compares(&self, one: &Task, other: &Task) -> bool {
        let like = |task: &Task| (task.kind.clone(), task.brings_command(), task.agent_id);
        let said = |task: &Task| task.estimate.is_some();
        !self.foretold || (said(one) && said(other)) || (!said(one) && !said(other) && like(one) == like(other))
    }

    /// Nobody may be overtaken at a place by somebody less urgent who is neither smaller nor shorter.
    fn check_turn(&self, starting: &Entry, event: &ExecutionScheduled) {
        let (rank, need, duration) =
            (self.rank(&starting.task), self.need(&starting.task), self.duration(&starting.task));
        for other in self.tasks.values() {
            let task = &other.task;
            if task.status == TaskStatus::Pending
                && self.rank(task) < rank
                && self.need(task).fits(&need)
                && self.duration(task) <= duration
                && self.compares(task, &starting.task)
                && self.is_ready(other, self.time)
                && self.admits(task, event.agent_id, event.cage_id).is_ok()
            {
                panic!("task {} was overtaken by {:?}: {event:?}\n{task:?}", task.id, starting.task);
            }
        }
    }

    /// After a pass that left nothing undone, the first task in order that could run somewhere does not wait for a place
    /// that is free (those behind it may, because places are kept for it). Gives the one that does, and the place.
    pub fn left_lying(&self, now: Timestamp) -> Option<(TaskId, AgentId, CageId)> {
        if !self.online || !self.in_step {
            return None;
        }
        let mut ready: Vec<_> = self.tasks.values().filter(|entry| self.is_ready(entry, now)).collect();
        ready.sort_by_key(|entry| (self.rank(&entry.task), entry.task.id));
        let places: Vec<_> =
            self.agents.keys().flat_map(|agent| self.cages.keys().map(move |cage| (*agent, *cage))).collect();
        // A floating agent that is busy elsewhere does not count: nobody knows where it will be next.
        let at_hand = |agent: AgentId, cage: CageId| {
            self.agents[&agent].spec.cage.is_some()
                || self.live.values().all(|run| run.agent != agent || run.cage == cage)
        };
        let able = |entry: &&Entry| {
            places
                .iter()
                .any(|(agent, cage)| at_hand(*agent, *cage) && self.is_able(&entry.task, *agent, *cage).is_ok())
        };
        let mut able = ready.into_iter().filter(able);
        let first = able.next()?;
        let rank = self.rank(&first.task);
        // Among equals the owner with the smaller share is first; whoever comes first of each may be meant.
        let mut firsts = BTreeMap::from([(first.task.created_by, first)]);
        for entry in able.take_while(|entry| self.rank(&entry.task) == rank) {
            firsts.entry(entry.task.created_by).or_insert(entry);
        }
        let place = |entry: &Entry| {
            places.iter().find(|(agent, cage)| self.admits(&entry.task, *agent, *cage).is_ok()).copied()
        };
        let free: Option<Vec<_>> =
            firsts.values().map(|entry| place(entry).map(|(agent, cage)| (entry.task.id, agent, cage))).collect();
        free?.first().copied()
    }

    /// How many tasks stand where, as the core should count them: arrays stand for their elements to come.
    pub fn counts(&self) -> BTreeMap<TaskStatus, u64> {
        let mut counts = self.never_tasks.clone();
        for entry in self.tasks.values() {
            let weight = match (entry.is_array(), entry.task.status.is_final()) {
                (false, _) => 1,
                (true, false) => entry.remaining(),
                (true, true) => 0,
            };
            *counts.entry(entry.task.status).or_default() += weight;
        }
        counts
    }
}
