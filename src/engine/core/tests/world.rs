//! A language for the engine: a core with a user and a node, verbs to drive it, and checks after every verb.

use crate::domain::command::{Command, Reply};
use crate::domain::learning::{ModelKind, ModelState, ModelVersion, Product, type_number};
use crate::domain::link::Report;
use crate::domain::node::Capacity;
use crate::domain::snapshot::{GivenRating, OpenArtifact, QueuedTask, RatedTask};
use crate::domain::workspace::MergeState;
use crate::domain::*;
use crate::engine::core::{Context, Core, Decisions, Effect};
use std::collections::BTreeMap;

/// Where the tests' time begins.
pub const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

pub struct World {
    pub core: Core,
    pub now: Timestamp,
    pub user: UserId,
    pub node: NodeId,
    pub records: Vec<Record>,
    /// How long agents take in the mean, as it is counted outside of the core.
    pub means: BTreeMap<AgentId, Span>,
    /// Effects since they were last looked at.
    pub effects: Vec<Effect>,
    /// Tasks that have ended, as the store would know them.
    pub ended: BTreeMap<TaskId, QueuedTask>,
    /// Tasks as they were submitted, with what has become of them.
    pub rows: BTreeMap<TaskId, QueuedTask>,
    /// Artifacts and their state.
    pub artifacts: BTreeMap<ArtifactId, OpenArtifact>,
    /// Ended tasks as they were when the record of this number brought them back.
    pub recalled: BTreeMap<u64, QueuedTask>,
    /// Alerts, resolved ones included.
    pub alerts: BTreeMap<AlertId, Alert>,
    /// Artifacts that have to be judged alone.
    pub high_risk: Vec<ArtifactId>,
    /// Until when failed tasks are put off.
    pub snoozed: BTreeMap<TaskId, Timestamp>,
    /// Tasks of which an attempt has ended.
    pub rated: BTreeMap<TaskId, RatedTask>,
}

pub const CAPACITY: Capacity =
    Capacity { cpu_millis: 16_000, memory: 64 << 30, gpu: 2, gpu_memory: 48 << 30, storage: 1 << 40 };

impl World {
    /// A world with a fleet, given as a fleet file.
    pub fn new(fleet: &str) -> Self {
        Self::with_capacity(CAPACITY, fleet)
    }

    pub fn with_capacity(capacity: Capacity, fleet: &str) -> Self {
        let mut core = Core::new();
        let mut out = Decisions::default();
        core.open(START, 42, "test", &mut out);
        core.started(START, "test", 1, &mut out);
        let user = core.user_for(START, 1000, "alice", "host", &mut out);
        let node = core.node_hello(START, "host", capacity, serde_json::Map::new(), &mut out);
        core.node_synced(START, node, false, &[], &mut out);
        let mut world = Self {
            core,
            now: START,
            user,
            node,
            records: vec![],
            means: BTreeMap::new(),
            effects: vec![],
            ended: BTreeMap::new(),
            rows: BTreeMap::new(),
            artifacts: BTreeMap::new(),
            recalled: BTreeMap::new(),
            alerts: BTreeMap::new(),
            high_risk: vec![],
            snoozed: BTreeMap::new(),
            rated: BTreeMap::new(),
        };
        world.take(out);
        if !fleet.is_empty() {
            // The first fleet that every installation gets would be in the way.
            let shell = world.agent("shell");
            world.command(Command::RemoveAgents { ids: vec![shell] }).unwrap();
            world.command(Command::SetCageMaintenance { ids: vec![cage(1)], on: false }).unwrap();
            world.apply(fleet).unwrap();
        }
        world
    }

    /// Takes decisions in: keeps the records, follows the rows, checks the state.
    pub fn take(&mut self, out: Decisions) {
        for record in out.records {
            self.follow(&record);
            self.records.push(record);
        }
        self.effects.extend(out.effects);
        let broken = self.core.check();
        assert!(broken.is_empty(), "{broken:#?}");
    }

    /// What the store would know of tasks.
    fn follow(&mut self, record: &Record) {
        match &record.event {
            Event::TaskSubmitted(event) => {
                let row = QueuedTask { after: event.after.clone(), ..QueuedTask::of(&event.task) };
                self.rows.insert(event.task.id, row);
            }
            Event::TaskMaterialised(event) => {
                let mut element = self.rows[&event.array_id].clone();
                element.id = event.task_id;
                element.array = None;
                element.depends_on.clear();
                element.after.clear();
                element.materialised.clear();
                self.rows.insert(event.task_id, element);
                let place = event.task_id.place();
                self.rows.get_mut(&event.array_id).unwrap().materialised.push((place, place));
                self.rows.get_mut(&event.array_id).unwrap().materialised.sort_unstable();
            }
            Event::TaskCancelled(event) => self.end(event.task_id, TaskStatus::Cancelled),
            Event::TaskFailed(event) => self.end(event.task_id, TaskStatus::Failed),
            Event::ArrayEnded(event) => self.end(event.task_id, event.status),
            Event::TaskRetried(event) => {
                let mut row = self.ended.remove(&event.task_id).unwrap();
                row.array_failed = self.failed_elements(&event.task_id);
                row.after = self.done_by(&row);
                self.snoozed.remove(&event.task_id);
                self.recalled.insert(record.seq, row);
            }
            Event::TaskReassigned(event) => {
                let row = self.rows.get_mut(&event.task_id).unwrap();
                (row.agent_id, row.cage_id) = (event.agent_id, event.cage_id);
            }
            Event::TaskPrioritised(event) => self.rows.get_mut(&event.task_id).unwrap().priority = event.priority,
            Event::ExecutionScheduled(event) => {
                self.rows.get_mut(&event.task_id).unwrap().executions = event.attempt;
            }
            Event::ExecutionEnded(event) => {
                let row = &self.rows[&event.task_id];
                let last = RatedTask {
                    kind: row.kind.clone(),
                    context: row.context.clone(),
                    task_id: event.task_id,
                    execution_id: event.execution_id,
                    agent_id: event.agent_id,
                    ratings: self.rated.remove(&event.task_id).map(|task| task.ratings).unwrap_or_default(),
                };
                self.rated.insert(event.task_id, last);
                if event.task_status.is_final() {
                    let done = event.task_status == TaskStatus::Completed;
                    self.rows.get_mut(&event.task_id).unwrap().done_by = done.then_some(event.agent_id);
                    self.end(event.task_id, event.task_status);
                }
            }
            Event::TaskRated(event) => {
                let ratings = &mut self.rated.get_mut(&event.task_id).unwrap().ratings;
                let Actor::User(user) = record.actor else { panic!("{record:?}") };
                ratings.retain(|given| given.user_id != user);
                ratings.extend(event.rating.map(|stars| GivenRating {
                    user_id: user,
                    stars,
                    note: event.note.clone(),
                    execution_id: event.execution_id,
                    agent_id: event.agent_id,
                    taught: event.taught.clone(),
                    time: record.time,
                }));
            }
            Event::ArtifactAdded(event) => {
                let (id, task_id) = (event.artifact.id, event.artifact.task_id);
                let state = ReviewState::Pending;
                let (agent_id, judged_by) = (event.artifact.agent_id, None);
                let merges = event.artifact.difference.as_ref().is_some_and(|one| one.merge.is_some());
                let kind = type_number(&self.rows[&task_id].kind);
                let product = Product { kind, artifact: event.artifact.kind };
                let snoozed_until = None;
                let open = OpenArtifact { id, task_id, state, snoozed_until, agent_id, judged_by, merges, product };
                self.artifacts.insert(id, open);
                if event.artifact.kind == ArtifactType::Decision {
                    self.high_risk.push(id);
                }
            }
            Event::ArtifactReviewed(event) => {
                let artifact = self.artifacts.get_mut(&event.artifact_id).unwrap();
                (artifact.state, artifact.snoozed_until) = (event.state, None);
                artifact.judged_by = match record.actor {
                    Actor::User(user) if event.state != ReviewState::Pending => Some(user),
                    _ => None,
                };
            }
            Event::ArtifactMerged(event) => {
                self.artifacts.get_mut(&event.artifact_id).unwrap().merges &= event.merge.state != MergeState::Merged;
            }
            Event::ArtifactSnoozed(event) => {
                self.artifacts.get_mut(&event.artifact_id).unwrap().snoozed_until = event.until;
            }
            Event::TaskSnoozed(event) => match event.until {
                Some(until) => drop(self.snoozed.insert(event.task_id, until)),
                None => drop(self.snoozed.remove(&event.task_id)),
            },
            Event::AlertRaised(event) => drop(self.alerts.insert(event.alert.id, event.alert.clone())),
            Event::AlertReopened(event) => drop(self.alerts.insert(event.alert.id, event.alert.clone())),
            Event::AlertResolved(event) => {
                let alert = self.alerts.get_mut(&event.alert_id).unwrap();
                (alert.status, alert.resolution) = (AlertStatus::Resolved, Some(event.resolution.clone()));
            }
            Event::AlertAcknowledged(event) => {
                let alert = self.alerts.get_mut(&event.alert_id).unwrap();
                (alert.status, alert.acknowledged_by) = (AlertStatus::Acknowledged, event.by);
                alert.note.clone_from(&event.note);
            }
            Event::AlertUnacknowledged(event) => {
                let alert = self.alerts.get_mut(&event.alert_id).unwrap();
                (alert.status, alert.acknowledged_by, alert.note) = (AlertStatus::Active, None, None);
            }
            Event::AlertSilenced(event) => {
                self.alerts.get_mut(&event.alert_id).unwrap().silenced_until = event.until;
            }
            Event::AlertRepeated(event) => {
                let alert = self.alerts.get_mut(&event.alert_id).unwrap();
                (alert.severity, alert.count, alert.last_seen) = (event.severity, alert.count + 1, record.time);
                alert.message.clone_from(&event.message);
                alert.context.value = event.value;
                alert.context.threshold = event.threshold.or(alert.context.threshold);
                alert.context.remedy = event.remedy.clone().or_else(|| alert.context.remedy.clone());
                if !event.attempts.is_empty() {
                    alert.context.attempts.clone_from(&event.attempts);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, id: TaskId, status: TaskStatus) {
        let mut row = self.rows[&id].clone();
        row.status = status;
        self.ended.insert(id, row);
    }

    /// What the store would answer.
    pub fn context(&self, command: &Command) -> Context {
        let wanted = self.core.wanted(command);
        let status = |id: &TaskId| {
            self.core
                .task_status(*id)
                .or_else(|| self.ended.get(id).map(|row| row.status))
                .unwrap_or(TaskStatus::Pending)
        };
        let mut tasks: Vec<_> = wanted.tasks.iter().filter_map(|id| self.ended.get(id).cloned()).collect();
        for task in &mut tasks {
            for dependency in &mut task.depends_on {
                dependency.1 = status(&dependency.0);
            }
        }
        for task in &mut tasks {
            task.array_failed = self.failed_elements(&task.id);
            task.after = self.done_by(task);
        }
        let of_wanted = |row: &&QueuedTask| wanted.elements.iter().any(|id| *id != row.id && *id == row.id.as_array());
        let unsuccessful = |row: &&QueuedTask| row.status != TaskStatus::Completed;
        Context {
            tasks,
            artifacts: wanted.artifacts.iter().filter_map(|id| self.artifacts.get(id).copied()).collect(),
            elements: self.ended.values().filter(of_wanted).filter(unsuccessful).cloned().collect(),
            alerts: wanted.alerts.iter().filter_map(|id| self.alerts.get(id).cloned()).collect(),
            high_risk: wanted.risks.iter().copied().filter(|id| self.high_risk.contains(id)).collect(),
            snoozed: wanted.tasks.iter().filter_map(|id| Some((*id, *self.snoozed.get(id)?))).collect(),
            rated: wanted.rated.iter().filter_map(|id| self.rated.get(id).cloned()).collect(),
            model: wanted.model.and_then(|(model, version)| self.version_of(model, version)),
        }
    }

    /// A version of a model, as the store would keep it.
    fn version_of(&self, model: ModelKind, version: u32) -> Option<(ModelVersion, ModelState)> {
        self.records.iter().find_map(|record| match &record.event {
            Event::ModelVersioned(event) if (event.version.model, event.version.version) == (model, version) => {
                Some((event.version.clone(), event.state.clone()))
            }
            _ => None,
        })
    }

    /// The agents that completed what a task depends on.
    fn done_by(&self, row: &QueuedTask) -> Vec<AgentId> {
        let done = row.depends_on.iter().filter_map(|(id, _)| self.ended.get(id)?.done_by);
        done.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }

    /// How many elements of an array failed or were cancelled and were not brought back.
    fn failed_elements(&self, array: &TaskId) -> u32 {
        let elements = self.ended.range(array.element(1)..=array.element(u32::MAX));
        let failed = elements.filter(|(id, row)| *id != array && row.status != TaskStatus::Completed);
        u32::try_from(failed.count()).unwrap()
    }

    pub fn command(&mut self, command: Command) -> Result<Reply, Refusal> {
        let context = self.context(&command);
        let mut out = Decisions::default();
        let before = self.core.digest();
        let foretold = self.core.what_if(self.now, Actor::User(self.user), &command, &context, &self.means);
        let large = matches!(&command, Command::SubmitTasks { tasks, .. } if tasks.len() > 10_000);
        let asked = command.clone();
        let reply = self.core.command(self.now, Actor::User(self.user), command, &context, &mut out);
        if reply.is_err() {
            assert!(out.records.is_empty(), "a refused command left {:?}", out.records);
            assert_eq!(before, self.core.digest());
        }
        if !large {
            let tried = matches!(&asked, Command::Apply { dry_run: true, .. });
            assert_foretold(&asked, foretold, &reply, tried || out.records.is_empty());
        }
        self.take(out);
        reply
    }

    pub fn apply(&mut self, fleet: &str) -> Result<Reply, Refusal> {
        let fleet: Fleet = toml::from_str(fleet).unwrap();
        self.command(Command::Apply { fleet, dry_run: false })
    }

    pub fn submit(&mut self, task: NewTask) -> TaskId {
        self.submit_all(vec![task]).unwrap()[0]
    }

    pub fn submit_all(&mut self, tasks: Vec<NewTask>) -> Result<Vec<TaskId>, Refusal> {
        match self.command(Command::SubmitTasks { tasks, keep_going: false })? {
            Reply::Submitted { ids, .. } => Ok(ids),
            other => panic!("{other:?}"),
        }
    }

    /// Submits as another user.
    pub fn submit_as(&mut self, name: &str, task: NewTask) -> TaskId {
        let mut out = Decisions::default();
        let other = self.core.user_for(self.now, 1, name, "host", &mut out);
        self.take(out);
        let me = std::mem::replace(&mut self.user, other);
        let id = self.submit(task);
        self.user = me;
        id
    }

    /// Starts what can start and gives the tasks in the order in which they did.
    pub fn schedule(&mut self) -> Vec<TaskId> {
        let from = self.records.len();
        loop {
            let mut out = Decisions::default();
            let more = self.core.schedule(self.now, 3, &mut out);
            self.take(out);
            if !more {
                break;
            }
        }
        self.records[from..]
            .iter()
            .filter_map(|record| match &record.event {
                Event::ExecutionScheduled(event) => Some(event.task_id),
                _ => None,
            })
            .collect()
    }

    pub fn report(&mut self, report: Report) {
        let mut out = Decisions::default();
        self.core.report(self.now, self.node, self.now, report, &mut out);
        self.take(out);
    }

    /// The execution of a task that has one.
    pub fn execution(&self, task: TaskId) -> ExecutionId {
        self.running().into_iter().find(|(_, of, ..)| *of == task).map(|(id, ..)| id).expect("the task runs")
    }

    pub fn running(&self) -> Vec<(ExecutionId, TaskId, AgentId, CageId)> {
        self.core.running()
    }

    pub fn start(&mut self, task: TaskId) {
        let execution_id = self.execution(task);
        self.report(Report::Started { execution_id });
    }

    pub fn finish(&mut self, task: TaskId, kind: OutcomeKind) {
        self.finish_with(task, Outcome::new(kind, ""));
    }

    pub fn finish_with(&mut self, task: TaskId, outcome: Outcome) {
        let execution_id = self.execution(task);
        self.report(Report::Ended { execution_id, started_at: None, outcome: Box::new(outcome), artifacts: vec![] });
    }

    pub fn pass(&mut self, span: Span) {
        self.now = self.now.plus(span);
    }

    pub fn agent(&self, name: &str) -> AgentId {
        self.core.agent_by_name(name).expect("the agent exists").0
    }

    pub fn status(&self, task: TaskId) -> TaskStatus {
        self.core.task_status(task).unwrap_or_else(|| self.ended[&task].status)
    }

    /// Where a running task runs, and who does it.
    pub fn place(&self, task: TaskId) -> (String, CageId) {
        let (_, _, agent, cage) = self.running().into_iter().find(|(_, of, ..)| *of == task).expect("the task runs");
        (self.core.agent_spec(agent).unwrap().name.clone(), cage)
    }

    /// The state is what its records say, and what its rows say.
    pub fn assert_durable(&self) {
        let mut replayed = Core::new();
        for record in &self.records {
            if let Some(row) = self.recalled.get(&record.seq) {
                replayed.recall(row.clone());
            }
            replayed.apply(record);
        }
        assert_same(&self.core, &replayed, "replayed");
        let restored = Core::restore(super::snapshot::of(self));
        assert_same(&self.core, &restored, "restored");
        assert_eq!(restored.check(), Vec::<String>::new());
        assert_eq!(self.core.digest(), restored.digest());
    }
}

/// Compares two states part by part and shows the first that differs.
fn assert_same(live: &Core, other: &Core, how: &str) {
    let parts = |core: &Core| {
        let mut parts = vec![];
        core.describe(|part| parts.push(part));
        parts
    };
    let (live, other) = (parts(live), parts(other));
    for (one, two) in live.iter().zip(&other) {
        assert_eq!(one, two, "{how}");
    }
    assert_eq!(live.len(), other.len(), "{how}");
}

pub fn cage(number: u16) -> CageId {
    CageId::new(number).unwrap()
}

/// A task that brings no command.
pub fn bare() -> NewTask {
    NewTask::new("processing")
}

/// The same with a text that says what it is about.
pub fn about(text: &str) -> NewTask {
    let mut task = bare();
    task.parameters.input_data.insert("prompt".into(), text.into());
    task
}

pub fn task() -> NewTask {
    let mut task = bare();
    task.parameters.configuration.insert("command".into(), serde_json::json!(["work"]));
    task
}

/// A task that asks for cores and says how many seconds it takes; zero for nothing.
pub fn sized(cores: u64, seconds: i64) -> NewTask {
    let mut task = task();
    task.requirements.cpu = Cpu::from_cores(cores);
    task.estimate = (seconds > 0).then(|| Span::from_secs(seconds));
    task
}

/// What was foretold of a command is what happened: the same refusals, item by item, and a way back exactly if there is one.
fn assert_foretold(
    command: &Command,
    foretold: Result<WhatIf, Refusal>,
    reply: &Result<Reply, Refusal>,
    nothing_done: bool,
) {
    let foretold = match (foretold, reply) {
        (Ok(foretold), _) => foretold,
        (Err(foretold), Err(refusal)) => return assert_eq!(&foretold, refusal, "{command:?}"),
        (Err(foretold), Ok(reply)) => panic!("{command:?}: foretold {foretold}, but {reply:?}"),
    };
    let mut expected: BTreeMap<_, _> = BTreeMap::new();
    for preview in &foretold.items {
        assert_eq!(preview.refusal.is_some(), preview.change.is_empty(), "{command:?}: {preview:?}");
        if let Some(refusal) = &preview.refusal {
            expected.insert(preview.item.clone(), refusal.clone());
        }
    }
    match reply {
        Err(refusal) => {
            assert_eq!(expected.len(), foretold.items.len(), "{command:?} was refused: {foretold:?}");
            assert_eq!(foretold.items.first().and_then(|item| item.refusal.as_ref()), Some(refusal), "{command:?}");
        }
        Ok(Reply::Items { refused, inverse, .. } | Reply::Submitted { refused, inverse, .. }) => {
            let found = refused.iter().map(|item| (item.item.clone(), item.refusal.clone())).collect();
            assert_eq!(expected, found, "{command:?}");
            assert!(!foretold.reversible || nothing_done || !inverse.is_empty(), "{command:?}: {inverse:?}");
        }
        Ok(Reply::Applied { changes, .. }) => {
            let found: Vec<_> = foretold.items.iter().map(|item| &item.item).collect();
            assert_eq!(found, changes.iter().map(|change| &change.what).collect::<Vec<_>>(), "{command:?}");
        }
    }
    for figure in &foretold.figures {
        assert!(figure.after.is_some_and(|after| after >= 0.0), "{command:?}: {figure:?}");
    }
}
