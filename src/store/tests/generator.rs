//! Random histories that an engine could have written: ids that exist, statuses that follow each other.

use serde_json::json;

use crate::domain::agent::AgentSpec;
use crate::domain::alert::{Alert, AlertAttempt, AlertContext, AlertStatus, Resolution};
use crate::domain::alert_rule::{AlertRulePatch, Scope, Subject};
use crate::domain::approval_rule::{ApprovalRule, Verdict};
use crate::domain::artifact::{Artifact, ArtifactType, Review, ReviewState};
use crate::domain::cage::{CageFault, CageSpec, Enforcement, EnforcementEntry, Enforcements, NetworkPolicy};
use crate::domain::event::*;
use crate::domain::execution::{Outcome, OutcomeKind};
use crate::domain::fleet::Defaults;
use crate::domain::id::*;
use crate::domain::learning::{
    CandidateState, ChancesState, Compared, EffectChange, EffectState, GuessState, Lesson, LossState, ModelKind,
    ModelState, ModelVersion, PolicyState, PredictorState, Product, QuantityState, QuestionState, RateState, Slack,
    SpreadState, Taught, WeightState, type_number,
};
use crate::domain::node::{Capacity, Node, NodeStatus};
use crate::domain::quantity::{Bytes, Cpu, Span};
use crate::domain::requirements::Requirements;
use crate::domain::resource::{Resource, ResourceCapacity, ResourceStatus, ResourceType};
use crate::domain::selection::{Better, Choice, TaskContext};
use crate::domain::silence::{Matcher, Silence};
use crate::domain::system_event::{Severity, SystemEvent};
use crate::domain::task::{ArrayRange, NewTask, Task, TaskMetadata, TaskStatus};
use crate::domain::time::Timestamp;
use crate::domain::user::User;
use crate::domain::verify::{Verification, Verify};
use crate::domain::workspace::{Difference, Merge, MergeState};

/// What the generator remembers of a task.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) id: TaskId,
    pub(super) status: TaskStatus,
    pub(super) executions: u32,
    pub(super) attempts: u32,
}

#[derive(Clone, Debug)]
struct KnownArray {
    id: TaskId,
    len: u32,
    next: u32,
    closed: bool,
}

#[derive(Clone, Debug)]
struct KnownExecution {
    id: ExecutionId,
    task: usize,
    agent: AgentId,
    started: Option<Timestamp>,
}

/// Draws events from a stream of numbers, and remembers enough that each fits what came before.
pub(super) struct History {
    random: std::cell::Cell<u64>,
    now: i64,
    pub(super) records: Vec<Record>,
    pub(super) users: Vec<UserId>,
    node: Node,
    resources: Vec<Resource>,
    pub(super) agents: Vec<AgentId>,
    cages: Vec<CageId>,
    pub(super) tasks: Vec<Known>,
    arrays: Vec<KnownArray>,
    live: Vec<KnownExecution>,
    artifacts: Vec<(ArtifactId, TaskId)>,
    /// Alerts that are not resolved, and those that are.
    pub(super) alerts: Vec<Alert>,
    past_alerts: Vec<Alert>,
    versions: u32,
    silences: Vec<SilenceId>,
}

impl History {
    /// A history of a fleet of one node, `agents` agents and as many cages.
    pub(super) fn new(seed: u64, agents: usize) -> Self {
        let start = Timestamp::from_micros(1_750_000_000_000_000);
        let mut history = Self {
            random: std::cell::Cell::new(seed),
            now: start.as_micros(),
            records: vec![],
            users: vec![],
            node: Node {
                id: NodeId::new(start, u128::from(seed)),
                name: "here".into(),
                status: NodeStatus::Online,
                capacity: Capacity { cpu_millis: 8000, memory: 1 << 34, ..Capacity::default() },
                metadata: serde_json::Map::new(),
                created_at: start,
                updated_at: start,
            },
            resources: vec![],
            agents: vec![],
            cages: vec![],
            tasks: vec![],
            arrays: vec![],
            live: vec![],
            artifacts: vec![],
            alerts: vec![],
            past_alerts: vec![],
            versions: 0,
            silences: vec![],
        };
        history.add(JournalOpened { format: JOURNAL_FORMAT, seed: seed ^ u64::MAX, version: "test".into() });
        history.add(EngineStarted { version: "test".into(), pid: 1 });
        for name in ["ada", "ben"] {
            let id = UserId::new(history.time(), history.wide());
            history.users.push(id);
            let user = User {
                id,
                email: format!("{name}@here"),
                name: name.into(),
                avatar_url: None,
                roles: vec!["owner".into()],
                uid: Some(1000),
                created_at: history.time(),
            };
            history.add(UserAdded { user });
        }
        for (name, kind, total, unit) in
            [("cpu", ResourceType::Compute, 8000, "millicores"), ("memory", ResourceType::Memory, 1 << 34, "bytes")]
        {
            let resource = Resource {
                id: ResourceId::new(history.time(), history.wide()),
                node_id: history.node.id,
                name: name.into(),
                kind,
                capacity: ResourceCapacity { total, unit: unit.into() },
                allocated: 0,
                status: ResourceStatus::Available,
                metadata: serde_json::Map::new(),
            };
            history.resources.push(resource);
        }
        history.see_node();
        for number in 1..=agents {
            let id = CageId::new(u16::try_from(number).unwrap()).unwrap();
            history.cages.push(id);
            history.add(CageDeclared { spec: CageSpec::new(id), node_id: history.node.id });
            let agent_id = AgentId::new(history.time(), history.wide());
            history.agents.push(agent_id);
            let mut spec = AgentSpec::new(format!("agent-{number}"));
            spec.cage = (number % 2 == 0).then_some(id);
            spec.concurrency = 2;
            let owner = history.users[number % 2];
            history.add(AgentDeclared { agent_id, spec, owner });
        }
        history
    }

    pub(super) fn below(&self, bound: usize) -> usize {
        // splitmix64; the bound is tiny, so its bias does not matter.
        self.random.set(self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mut z = self.random.get();
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % (bound.max(1) as u64)) as usize
    }

    fn wide(&self) -> u128 {
        u128::from(self.below(usize::MAX) as u64) << 64 | u128::from(self.below(usize::MAX) as u64)
    }

    pub(super) fn time(&self) -> Timestamp {
        Timestamp::from_micros(self.now)
    }

    pub(super) fn add(&mut self, event: impl Into<Event>) {
        self.now += self.below(2_000) as i64;
        let actor = match self.below(3) {
            0 => Actor::Engine,
            1 if !self.users.is_empty() => Actor::User(self.users[self.below(self.users.len())]),
            _ => Actor::Node(self.node.id),
        };
        let seq = self.records.len() as u64 + 1;
        self.records.push(Record { seq, time: self.time(), actor, event: event.into() });
    }

    fn see_node(&mut self) {
        let node = Node { updated_at: self.time(), ..self.node.clone() };
        self.add(NodeSeen { node, resources: self.resources.clone() });
    }

    /// Adds one more thing that could happen now.
    pub(super) fn step(&mut self) {
        match self.below(27) {
            0..=5 => self.submit(),
            6 => self.submit_array(),
            7..=8 => self.materialise(),
            9..=12 => self.schedule(),
            13..=14 => self.start(),
            15..=17 => self.end(),
            18 => self.end_unstarted(),
            19 => self.retry(),
            20 => self.artifact(),
            21 => self.change_task(),
            22 => self.change_fleet(),
            23..=24 => self.alert(),
            25 => self.snooze(),
            _ => self.system(),
        }
    }

    pub(super) fn new_task(&mut self) -> Task {
        let now = self.time();
        let new = NewTask::new(["processing", "analysis", "ünïcode \" '"][self.below(3)]);
        let mut requirements = Requirements { cpu: Cpu::from_cores(self.below(4) as u64), ..Requirements::default() };
        if self.below(2) == 0 {
            requirements.memory = Bytes::from_mib(self.below(9) as u64);
            requirements.capabilities = vec!["shell".into()];
        }
        let mut parameters = new.parameters.clone();
        if self.below(2) == 0 {
            // Figures whose shortest spelling needs exact reading, and integers beyond SQLite's.
            parameters
                .input_data
                .insert("x".into(), json!(f64::from_bits(0x3ff0_0000_0000_0000 | self.random.get() >> 12)));
            parameters.input_data.insert("y".into(), json!(u64::MAX - self.random.get()));
            parameters.configuration.insert("command".into(), json!(["true", "ä\u{1}"]));
        }
        let mut metadata = TaskMetadata::default();
        if self.below(2) == 0 {
            metadata.tags = vec!["red".into(), ["small", "large"][self.below(2)].into()];
            metadata.source = Some("test".into());
            metadata.other.insert("note".into(), json!({"b": 1, "a": [null, 2.5]}));
        }
        Task {
            id: TaskId::new(now, self.wide()),
            kind: new.kind,
            status: TaskStatus::Pending,
            priority: 1 + self.below(10) as u8,
            parameters,
            requirements,
            deadline: (self.below(3) == 0).then(|| now.plus(Span::from_secs(60))),
            depends_on: vec![],
            approval_gate: self.below(5) == 0,
            max_attempts: 3,
            attempts: 0,
            losses: 0,
            timeout: (self.below(3) == 0).then(|| Span::from_secs(5)),
            estimate: (self.below(3) == 0).then(|| Span::from_millis(1500)),
            preemptible: self.below(2) == 0,
            verify: if self.below(3) == 0 {
                serde_json::from_value(json!({"commands": [["make", "ä"]], "expect_artifacts": {"type": "code"}}))
                    .unwrap()
            } else {
                Verify::default()
            },
            workspace: (self.below(3) == 0)
                .then(|| serde_json::from_value(json!({"repository": "/srv/ä", "merge": "main"})).unwrap()),
            verification: None,
            agent_id: (self.below(4) == 0).then(|| self.agents[0]),
            cage_id: (self.below(4) == 0).then(|| self.cages[0]),
            assigned_agent_id: None,
            execution_id: None,
            attempt_started_at: None,
            not_before: None,
            output: None,
            error: None,
            metadata,
            array: None,
            array_index: None,
            created_by: self.users[self.below(self.users.len())],
            created_at: now,
            updated_at: now,
            started_at: None,
            completed_at: None,
            assigned_cage_id: None,
            context: TaskContext {
                keywords: (0..self.below(3)).map(|at| ["pars", "sql", "テスト"][at].to_owned()).collect(),
                ..TaskContext::default()
            },
        }
    }

    fn know(&mut self, id: TaskId) {
        self.tasks.push(Known { id, status: TaskStatus::Pending, executions: 0, attempts: 0 });
    }

    fn submit(&mut self) {
        let mut task = self.new_task();
        for _ in 0..self.below(3) {
            if !self.tasks.is_empty() {
                let id = self.tasks[self.below(self.tasks.len())].id;
                if !task.depends_on.contains(&id) {
                    task.depends_on.push(id);
                }
            }
        }
        self.know(task.id);
        self.add(TaskSubmitted { task, after: vec![] });
    }

    fn submit_array(&mut self) {
        let mut task = self.new_task();
        task.id = task.id.as_array();
        let array = ArrayRange { first: 5, last: 5 + self.below(6) as u32 };
        task.array = Some(array);
        self.arrays.push(KnownArray { id: task.id, len: array.len(), next: 1, closed: false });
        self.add(TaskSubmitted { task, after: vec![] });
    }

    fn materialise(&mut self) {
        let open: Vec<_> = (0..self.arrays.len()).filter(|at| !self.arrays[*at].closed).collect();
        let Some(at) = open.get(self.below(open.len())).copied() else { return };
        let array = self.arrays[at].clone();
        if array.next > array.len {
            self.arrays[at].closed = true;
            self.add(ArrayEnded { task_id: array.id, status: TaskStatus::Completed });
            return;
        }
        self.arrays[at].next += 1;
        let task_id = array.id.element(array.next);
        self.know(task_id);
        self.add(TaskMaterialised { array_id: array.id, task_id, index: 4 + array.next });
    }

    fn pick(&self, fits: impl Fn(&Known) -> bool) -> Option<usize> {
        let fitting: Vec<_> = (0..self.tasks.len()).filter(|at| fits(&self.tasks[*at])).collect();
        fitting.get(self.below(fitting.len())).copied()
    }

    fn schedule(&mut self) {
        let Some(at) = self.pick(|task| task.status == TaskStatus::Pending) else { return };
        let id = ExecutionId::new(self.time(), self.wide());
        let agent = self.agents[self.below(self.agents.len())];
        let cage_id = self.cages[self.below(self.cages.len())];
        self.tasks[at].status = TaskStatus::Scheduled;
        self.tasks[at].executions += 1;
        let held = (0..self.below(3))
            .map(|place| Held {
                id: AllocationId::new(self.time(), self.wide()),
                resource_id: self.resources[place].id,
                quantity: 1 + self.below(500) as u64,
            })
            .collect();
        self.live.push(KnownExecution { id, task: at, agent, started: None });
        self.add(ExecutionScheduled {
            execution_id: id,
            task_id: self.tasks[at].id,
            agent_id: agent,
            cage_id,
            node_id: self.node.id,
            attempt: self.tasks[at].executions,
            held,
            choice: at.is_multiple_of(2).then_some(Choice {
                score: 700,
                factors: [Some(1), None, Some(2), None, None, None, None],
                learned: 0,
                among: 2,
                better: at.is_multiple_of(4).then(|| Better { agent: "ann".to_owned(), ahead: 120 }),
            }),
        });
    }

    fn start(&mut self) {
        let at = self.below(self.live.len());
        let Some(execution) = self.live.get(at).cloned() else { return };
        let task_id = self.tasks[execution.task].id;
        if self.below(6) == 0 {
            let note = (self.below(2) == 0).then(|| "enough".to_owned());
            self.add(ExecutionStopping { execution_id: execution.id, task_id, reason: OutcomeKind::Cancelled, note });
        } else if execution.started.is_none() {
            let started_at = self.time();
            self.live[at].started = Some(started_at);
            self.tasks[execution.task].status = TaskStatus::Executing;
            self.add(ExecutionStarted { execution_id: execution.id, task_id, started_at });
        }
    }

    fn end(&mut self) {
        let at = self.below(self.live.len());
        if self.live.is_empty() {
            return;
        }
        let execution = self.live.swap_remove(at);
        let kind = OutcomeKind::ALL[self.below(OutcomeKind::ALL.len())];
        let task = &mut self.tasks[execution.task];
        task.attempts += u32::from(kind.costs_attempt());
        task.status = match kind {
            OutcomeKind::Succeeded => TaskStatus::Completed,
            OutcomeKind::Cancelled => TaskStatus::Cancelled,
            _ if task.attempts >= 3 => TaskStatus::Failed,
            _ => TaskStatus::Pending,
        };
        let task = task.clone();
        let mut outcome = Outcome::new(kind, if kind == OutcomeKind::Succeeded { "" } else { "it \"broke\"\n" });
        outcome.verification = Verification::ALL[self.below(Verification::ALL.len())];
        outcome.cost = [None, Some(f64::NAN), Some(0.1 + 0.2), Some(1.0 / 3.0)][self.below(4)];
        outcome.tokens_used = Some(self.below(1000) as u64);
        outcome.usage.cpu_us = self.below(100_000) as u64;
        outcome.result = [None, Some(json!(null)), Some(json!({"z": 0.1, "a": "é"}))][self.below(3)].clone();
        let (ended_at, lesson) = (self.time(), self.lesson());
        let left = u32::try_from(self.below(3)).unwrap();
        let slack = Slack { kind: 0, left, expected: left, priority: 5, missed: left == 1 };
        self.add(ExecutionEnded {
            execution_id: execution.id,
            task_id: task.id,
            agent_id: execution.agent,
            started_at: execution.started,
            ended_at,
            outcome,
            task_status: task.status,
            attempts: task.attempts,
            losses: u32::from(kind == OutcomeKind::WorkerLost),
            not_before: (task.status == TaskStatus::Pending).then(|| ended_at.plus(Span::from_secs(1))),
            agent_failures: u32::from(kind.blames_agent()),
            kind: (!at.is_multiple_of(3)).then(|| ["build", "test"][at % 2].to_owned()),
            after: if at.is_multiple_of(2) { vec![self.agents[0]] } else { vec![] },
            lesson,
            slack: Some(slack).filter(|slack| slack.left > 0),
        });
    }

    fn end_unstarted(&mut self) {
        if self.below(3) == 0 {
            let at = self.below(self.arrays.len());
            if self.arrays.get(at).is_some_and(|array| !array.closed) {
                self.arrays[at].closed = true;
                self.add(TaskCancelled { task_id: self.arrays[at].id, note: Some("no more".into()) });
            }
            return;
        }
        let Some(at) = self.pick(|task| task.status == TaskStatus::Pending) else { return };
        let task_id = self.tasks[at].id;
        if self.below(2) == 0 {
            self.tasks[at].status = TaskStatus::Cancelled;
            self.add(TaskCancelled { task_id, note: None });
        } else {
            self.tasks[at].status = TaskStatus::Failed;
            let cause = self.pick(|task| task.status == TaskStatus::Failed && task.id != task_id);
            let cause = cause.map(|at| self.tasks[at].id).filter(|_| self.below(2) == 0);
            self.add(TaskFailed { task_id, error: "a dependency failed".into(), cause });
        }
    }

    fn retry(&mut self) {
        let Some(at) = self.pick(|task| matches!(task.status, TaskStatus::Failed | TaskStatus::Cancelled)) else {
            return;
        };
        self.tasks[at].status = TaskStatus::Pending;
        self.tasks[at].attempts = 0;
        self.add(TaskRetried { task_id: self.tasks[at].id });
    }

    fn rate(&mut self) {
        let Some(at) = self.pick(|task| task.executions > 0) else { return };
        let stars = |draw: usize| u8::try_from(draw).ok().filter(|stars| *stars > 0);
        let lesson = self.lesson();
        let taught =
            lesson.as_ref().map(|lesson| Taught(vec![vec![EffectChange(lesson.features[0], true, -5, 3)], vec![]]));
        self.add(TaskRated {
            task_id: self.tasks[at].id,
            execution_id: ExecutionId::new(self.time(), self.wide()),
            agent_id: self.agents[self.below(self.agents.len())],
            rating: stars(self.below(6)),
            note: (self.below(2) == 0).then(|| "so so".to_owned()),
            was: stars(self.below(6)),
            taught,
        });
    }

    fn lesson(&mut self) -> Option<Lesson> {
        let feature = u32::try_from(self.below(9)).unwrap();
        (feature > 2).then(|| Lesson {
            score: 500,
            features: vec![feature, 1 << 22],
            weight: 1000,
            priority: u8::try_from(feature).unwrap(),
            attempt: 1,
        })
    }

    fn model(&mut self) {
        self.versions += 1;
        let compared = ["factors", "factors+agents"].map(|candidate| Compared {
            candidate: candidate.to_owned(),
            loss: 1.0 / f64::from(self.versions),
            accuracy: 0.5,
            in_force: candidate == "factors",
            batch: None,
        });
        let version = ModelVersion {
            model: ModelKind::Policy,
            version: self.versions,
            format: 1,
            lessons: 32,
            batch: 32,
            in_force: "factors".to_owned(),
            promoted: false,
            compared: compared.into(),
            rolled_back_to: None,
        };
        let effects = vec![EffectState(1 << 22, 1, -7, 30)];
        if self.below(3) == 0 {
            let rates = vec![RateState(1 << 22, 1, 500, 1000)];
            let weights = vec![vec![WeightState(-3, 40)]];
            let scores = vec![LossState(7, 7, 1)];
            let questions = vec![QuestionState { scores, weights, rates, ..QuestionState::default() }];
            let state = ChancesState { agents: vec![self.agents[0]], questions, ..ChancesState::default() };
            let (model, state) = match self.below(2) {
                0 => (ModelKind::Classifier, ModelState::Classifier(state)),
                _ => (ModelKind::ValueFunction, ModelState::ValueFunction(state)),
            };
            self.add(ModelVersioned { version: ModelVersion { model, ..version }, state });
            return;
        }
        if self.below(2) == 0 {
            let guesses = vec![GuessState { effects, spreads: vec![SpreadState(0, 3, 10_000, -1, 16_000)] }];
            let quantities = vec![QuantityState { cases: 32, guesses, ..QuantityState::default() }];
            let state = PredictorState { agents: vec![self.agents[0]], quantities, ..PredictorState::default() };
            let version = ModelVersion { model: ModelKind::Predictor, ..version };
            self.add(ModelVersioned { version, state: ModelState::Predictor(state) });
            return;
        }
        let candidates = vec![CandidateState { effects, ..CandidateState::default() }];
        let state = PolicyState { agents: vec![self.agents[0]], candidates, ..PolicyState::default() };
        self.add(ModelVersioned { version, state: ModelState::Policy(state) });
    }

    fn artifact(&mut self) {
        if self.below(20) == 0 {
            self.model();
        }
        if self.below(4) == 0 {
            self.rate();
            return;
        }
        if self.below(2) == 0 && !self.artifacts.is_empty() {
            let (artifact_id, task_id) = self.artifacts[self.below(self.artifacts.len())];
            let state = ReviewState::ALL[self.below(3)];
            let was = ReviewState::ALL.get(self.below(4)).copied();
            let agent_id = Some(self.agents[self.below(self.agents.len())]);
            let was_by = Some(self.users[self.below(2)]);
            let merges = self.below(2) == 0;
            let note = Some("seen".into());
            let rule = (self.below(3) == 0).then(|| "some-rule".to_owned());
            let quality = (self.below(3) == 0).then_some(0.25);
            let kind = type_number(["", "build"][self.below(2)]);
            let product = Some(Product { kind, artifact: ArtifactType::Code }).filter(|_| self.below(2) == 0);
            self.add(ArtifactReviewed {
                artifact_id,
                task_id,
                state,
                note,
                merges,
                agent_id,
                was,
                was_by,
                rule,
                quality,
                product,
            });
            if merges {
                let state = MergeState::ALL[self.below(3)];
                let merge = Merge { state, branch: Some("main".into()), commit: None, reason: Some("ä".into()) };
                self.add(ArtifactMerged { artifact_id, task_id, merge });
            }
            return;
        }
        let Some(execution) = self.live.get(self.below(self.live.len())).cloned() else { return };
        let id = ArtifactId::new(self.time(), self.wide());
        let task_id = self.tasks[execution.task].id;
        self.artifacts.push((id, task_id));
        let artifact = Artifact {
            id,
            agent_id: execution.agent,
            task_id,
            execution_id: execution.id,
            kind: ArtifactType::ALL[self.below(ArtifactType::ALL.len())],
            title: "report_100%.md".into(),
            content: Some("text".into()),
            path: None,
            size: 4,
            digest: "00".into(),
            quality_score: Some(0.7),
            human_approved: false,
            review: Review { state: ReviewState::Pending, by: None, at: None, note: None, rule: None, quality: None },
            high_risk: false,
            approval: None,
            metadata: serde_json::Map::new(),
            difference: (self.below(2) == 0).then(|| Difference {
                repository: "/srv/shop".into(),
                base: "0".repeat(40),
                files: 1,
                insertions: 2,
                deletions: 3,
                merge: Some("main".into()),
            }),
            merge: None,
            created_at: self.time(),
        };
        self.add(ArtifactAdded { artifact });
    }

    fn change_task(&mut self) {
        let Some(at) = self.pick(|task| task.status == TaskStatus::Pending) else { return };
        let task_id = self.tasks[at].id;
        if self.below(2) == 0 {
            let priority = 1 + self.below(10) as u8;
            self.add(TaskPrioritised { task_id, priority });
        } else {
            let (agent_id, cage_id) = (Some(self.agents[0]), Some(self.cages[0]));
            self.add(TaskReassigned { task_id, agent_id, cage_id });
        }
    }

    fn change_fleet(&mut self) {
        let agent_id = self.agents[self.below(self.agents.len())];
        let cage_id = self.cages[self.below(self.cages.len())];
        match self.below(13) {
            0 => self.add(AgentDrained { agent_id }),
            1 => self.add(AgentResumed { agent_id }),
            2 => self.add(BreakerOpened { agent_id, failures: 5, until: self.time().plus(Span::from_secs(30)) }),
            3 => self.add(BreakerClosed { agent_id }),
            4 => self.add(AgentMoved { agent_id, cage_id: Some(cage_id) }),
            5 => {
                let on = self.below(2) == 0;
                self.add(CageMaintenance { cage_id, on });
            }
            6 => {
                let mut spec = CageSpec::new(cage_id);
                spec.limits.memory = Some(Bytes::from_mib(64));
                spec.network = NetworkPolicy::Ports(vec![80, 8080]);
                spec.read = vec!["~/src".into()];
                self.add(CageDeclared { spec, node_id: self.node.id });
            }
            7 => {
                let enforcement = Enforcements(vec![EnforcementEntry {
                    limit: "memory".into(),
                    enforcement: Enforcement::Enforced,
                    by: "cgroup".into(),
                }]);
                self.add(CageEnforced { cage_id, enforcement });
            }
            11 => {
                let until = Some(self.time().plus(Span::from_secs(30)));
                let fault = CageFault { reason: "no such \"path\"".into(), failures: 1, until };
                self.add(CageFaulted { cage_id, fault });
            }
            12 => self.add(CageReleased { cage_id }),
            8 => self.add(NodeLost { node_id: self.node.id }),
            9 => self.see_node(),
            _ => {
                let defaults = Defaults { preemption: self.below(2) == 0, ..Defaults::default() };
                self.add(DefaultsSet { defaults });
            }
        }
    }

    fn alert(&mut self) {
        let at = self.below(self.alerts.len());
        let Some(alert) = self.alerts.get(at).cloned() else { return self.raise_alert() };
        let alert_id = alert.id;
        let by = (self.below(2) == 0).then(|| self.users[0]);
        let until = (self.below(2) == 0).then(|| self.time().plus(Span::from_secs(60)));
        match self.below(10) {
            8 => self.rule(),
            9 => self.silence(),
            0 => {
                let attempts = self.attempts();
                self.add(AlertRepeated {
                    alert_id,
                    severity: Severity::Critical,
                    message: "worse".into(),
                    value: [None, Some(0.1 + 0.2)][self.below(2)],
                    threshold: [None, Some(0.7)][self.below(2)],
                    left: at.is_multiple_of(3),
                    remedy: [None, Some("mend it otherwise".into())][self.below(2)].clone(),
                    attempts,
                });
            }
            1 => self.add(AlertAcknowledged { alert_id, by, note: Some("é".into()) }),
            2 => self.add(AlertUnacknowledged { alert_id }),
            3 => self.add(AlertSilenced { alert_id, until }),
            4 | 5 => {
                let resolution = Resolution { time: self.time(), by, action: Some("mended".into()), notes: None };
                self.past_alerts.push(self.alerts.swap_remove(at));
                self.add(AlertResolved { alert_id, resolution });
            }
            6 if !self.past_alerts.is_empty() => {
                let alert = self.past_alerts.swap_remove(self.below(self.past_alerts.len()));
                self.alerts.push(alert.clone());
                self.add(AlertReopened { alert });
            }
            _ => self.raise_alert(),
        }
    }

    fn rule(&mut self) {
        let name = format!("rule-{}", self.below(3));
        let severity = [None, Some(Severity::Warning), Some(Severity::Critical)][self.below(3)];
        let subject = Subject::new([Scope::Cage, Scope::Queue][self.below(2)], format!("{}", self.below(4)));
        match self.below(8) {
            0 => self.add(AlertRuleRemoved { name }),
            6 => self.add(ApprovalRuleRemoved { name }),
            7 => {
                let verdict = Verdict::ALL[self.below(2)];
                let (agent, task_type, kind) = ("a".to_owned(), "t".to_owned(), ArtifactType::Report);
                self.add(ApprovalRuleDeclared { rule: ApprovalRule { name, agent, kind, task_type, verdict } });
            }
            1 | 2 => self.add(AlertGrouped { rule: name, subject, severity }),
            _ => {
                let patch = AlertRulePatch {
                    name,
                    metric: Some("menagerie_node_cpu_usage_ratio".into()),
                    critical: Some("90%".parse().unwrap()),
                    enabled: Some(self.below(2) == 0),
                    ..AlertRulePatch::default()
                };
                self.add(AlertRuleDeclared { rule: patch.over(None).unwrap() });
            }
        }
    }

    fn silence(&mut self) {
        if self.below(3) == 0
            && let Some(silence_id) = self.silences.pop()
        {
            return self.add(SilenceRemoved { silence_id });
        }
        let id = SilenceId::new(self.time(), self.wide());
        self.silences.push(id);
        let matcher = Matcher { rule: Some("rule-*".into()), source: None };
        let (until, by, created_at) = (self.time().plus(Span::from_secs(60)), self.users[0], self.time());
        self.add(SilenceAdded { silence: Silence { id, matcher, until, note: None, by, created_at } });
    }

    fn attempts(&mut self) -> Vec<AlertAttempt> {
        let (task_id, execution_id) = (TaskId::new(self.time(), 1), ExecutionId::new(self.time(), 2));
        let attempt = AlertAttempt { agent: "é".into(), cage: CageId::new(7).unwrap(), task_id, execution_id };
        vec![attempt; self.below(3)]
    }

    pub(super) fn new_alert(&mut self) -> Alert {
        Alert {
            id: AlertId::new(self.time(), self.wide()),
            severity: Severity::ALL[1 + self.below(3)],
            status: AlertStatus::Active,
            source: format!("part {}", self.below(100_000)),
            message: "odd".into(),
            time: self.time(),
            last_seen: self.time(),
            count: 1,
            context: AlertContext {
                trigger: "oddity".into(),
                threshold: [None, Some(1.0 / 3.0), Some(f64::NAN)][self.below(3)],
                value: None,
                remedy: [None, Some("mend it".into())][self.below(2)].clone(),
                attempts: self.attempts(),
            },
            acknowledged_by: None,
            note: None,
            silenced_until: None,
            resolution: None,
        }
    }

    fn raise_alert(&mut self) {
        let alert = self.new_alert();
        self.alerts.push(alert.clone());
        self.add(AlertRaised { alert });
    }

    fn snooze(&mut self) {
        let until = (self.below(3) > 0).then(|| self.time().plus(Span::from_secs(60)));
        if let Some((artifact_id, _)) = self.artifacts.get(self.below(self.artifacts.len())).copied() {
            self.add(ArtifactSnoozed { artifact_id, until });
        }
        if let Some(at) = self.pick(|task| task.status == TaskStatus::Failed) {
            self.add(TaskSnoozed { task_id: self.tasks[at].id, until });
        }
    }

    fn system(&mut self) {
        let event = SystemEvent {
            id: SystemEventId::new(self.time(), self.wide()),
            severity: Severity::ALL[self.below(4)],
            source: "engine".into(),
            message: "something happened".into(),
            time: self.time(),
            context: serde_json::Map::new(),
            metadata: serde_json::Map::new(),
        };
        self.add(SystemEventRaised { event });
    }
}

/// A history of `steps` random steps.
pub(super) fn history(seed: u64, steps: usize) -> History {
    let mut history = History::new(seed, 4);
    for _ in 0..steps {
        history.step();
    }
    history
}
