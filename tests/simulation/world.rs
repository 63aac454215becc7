//! The world of one seed: an engine made of the real core and the real store, a model of a worker, a clock, and whatever
//! goes wrong.

use std::collections::{BTreeMap, BTreeSet};

use menagerie::domain::agent::{AgentSpec, Capability, Runtime};
use menagerie::domain::approval_rule::Verdict;
use menagerie::domain::cage::CageLimits;
use menagerie::domain::fleet::CageEntry;
use menagerie::domain::link::Report;
use menagerie::domain::node::Capacity;
use menagerie::domain::task::ArrayRange;
use menagerie::domain::time::When;
use menagerie::domain::{
    Actor, AlertId, ApprovalRule, ArtifactType, Bytes, CageId, Command, Cpu, Defaults, Event, Fleet, Matcher, NewTask,
    NodeId, Record, Reply, ReviewId, Scope, Span, Subject, TaskId, TaskStatus, Timestamp, UserId,
};
use menagerie::engine::core::{Context, Core, Decisions, Effect, Observation};
use menagerie::store::{self, Store};

use super::draw::Draw;
use super::ledger::Ledger;
use super::worker::{Order, Worker};

const START: Timestamp = Timestamp::from_micros(1_760_000_000_000_000);
const CAGES: u16 = 6;
const AGENTS: usize = 8;

pub struct World {
    draw: Draw,
    now: Timestamp,
    folder: tempfile::TempDir,
    store: Option<Store>,
    core: Core,
    out: Decisions,
    /// The highest number of a report decided on in this connection.
    ack: Option<u64>,
    node: NodeId,
    worker: Worker,
    users: Vec<UserId>,
    tasks: Vec<TaskId>,
    artifacts: Vec<menagerie::domain::ArtifactId>,
    /// Every alert that was ever raised.
    alerts: Vec<AlertId>,
    /// What would take back what was done.
    inverses: Vec<Vec<Command>>,
    /// What has been decided, also what is not durable yet, in another's books.
    ledger: Ledger,
    /// How many of the records in `out` the ledger has.
    booked: usize,
    /// Every durable record.
    journal: Vec<Record>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        // A folder in memory, where there is one: durability is not what this test is about.
        let memory = std::path::Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut world = Self {
            draw: Draw::new(seed),
            now: START,
            folder,
            store: Some(store),
            core: Core::new(),
            out: Decisions::default(),
            ack: None,
            node: NodeId(uuid::Uuid::nil()),
            worker: Worker::new(1),
            users: vec![],
            tasks: vec![],
            artifacts: vec![],
            alerts: vec![],
            inverses: vec![],
            ledger: Ledger::new(),
            booked: 0,
            journal: vec![],
        };
        world.core.open(world.now, seed, "simulated", &mut world.out);
        world.core.started(world.now, "simulated", 1, &mut world.out);
        for (uid, name) in [(1000, "ada"), (1001, "bob")] {
            let user = world.core.user_for(world.now, uid, name, "sim", &mut world.out);
            world.users.push(user);
        }
        world.commit();
        world.stay_connected();
        let fleet = world.fleet();
        world.command(&Command::Apply { fleet, dry_run: false }).unwrap();
        world.commit();
        world
    }

    fn fleet(&mut self) -> Fleet {
        let mut fleet = Fleet::default();
        for number in 1..=CAGES {
            let limits = CageLimits {
                cpu: Some(Cpu::from_millis(500 * (1 + self.draw.below(4)))),
                memory: Some(Bytes::from_mib(64 << self.draw.below(4))),
                ..CageLimits::default()
            };
            fleet.cage.push(CageEntry { id: Some(CageId::new(number).unwrap()), limits, ..CageEntry::default() });
        }
        for number in 0..AGENTS {
            let mut agent = AgentSpec::new(format!("agent-{number}"));
            let words = ["parser", "sql", "tester", "build"];
            agent.keywords.extend(self.draw.pick(&words).filter(|_| number % 2 == 0).map(|word| (*word).to_owned()));
            if number % 2 == 0 {
                agent.runtime = Runtime::of_command(vec!["work".to_owned()]);
            }
            agent.concurrency = 1 + u32::try_from(self.draw.below(3)).unwrap();
            let home = u16::try_from(number).unwrap() + 1;
            agent.cage = (home <= CAGES - 2).then(|| CageId::new(home).unwrap());
            for capability in ["shell", "gpu", "text"] {
                if self.draw.chance(70) {
                    agent.capabilities.push(Capability { kind: capability.into(), parameters: serde_json::Map::new() });
                }
            }
            fleet.agent.push(agent);
        }
        fleet.defaults = Some(Defaults {
            preemption: self.draw.chance(50),
            ageing: Span::from_secs(60),
            lease: Span::from_secs(30),
            ..Defaults::default()
        });
        fleet
    }

    /// One random thing happens.
    pub fn step(&mut self) {
        match self.draw.below(100) {
            0..25 => self.submit(),
            25..30 => self.meddle_with_tasks(),
            30..36 => self.meddle_with_fleet(),
            36..40 => self.review(),
            40..42 => self.meddle_with_alerts(),
            42..45 => self.take_back(),
            45..60 => self.worker.obey(),
            60..78 => {
                for _ in 0..=self.draw.below(3) {
                    self.worker.work(self.now, &mut self.draw, false);
                }
            }
            78..88 => self.listen(),
            88..94 => self.pass_time(),
            94 => self.crash_engine(),
            95 => self.crash_worker(),
            96 => self.disconnect(),
            97 => self.repeat_an_old_report(),
            _ => self.commit(),
        }
        if !self.worker.connected && self.draw.chance(30) {
            self.connect();
        }
        if self.draw.chance(80) {
            let limit = if self.draw.chance(90) { 64 } else { 1 };
            self.schedule(limit);
        }
        if self.draw.chance(60) {
            self.commit();
        }
        self.check();
    }

    /// Lets the core start what it can; when it says that this is all, the ledger must agree.
    fn schedule(&mut self, limit: usize) -> bool {
        let more = self.core.schedule(self.now, limit, &mut self.out);
        self.book();
        if !more && let Some((task, agent, cage)) = self.ledger.left_lying(self.core.now()) {
            let explanation = serde_json::to_string_pretty(&self.core.explain(self.now, task)).unwrap();
            panic!("task {task} is first and could start with agent {agent} in cage {cage}: {explanation}");
        }
        more
    }

    /// Enters into the ledger what was decided since.
    fn book(&mut self) {
        for record in &self.out.records[self.booked..] {
            self.ledger.take(record);
            if let Event::ExecutionEnded(event) = &record.event {
                let (said, done) = (event.outcome.succeeded(), self.worker.succeeded.contains(&event.execution_id));
                assert!(!said || done, "something succeeded that never did: {record:?}");
            }
        }
        self.booked = self.out.records.len();
    }

    fn check(&mut self) {
        self.book();
        let broken = self.core.check();
        assert!(broken.is_empty(), "broken invariants: {broken:#?}");
        let (counts, booked) = (self.core.counts().tasks, self.ledger.counts());
        let counts = [
            (TaskStatus::Pending, counts.pending),
            (TaskStatus::Scheduled, counts.scheduled),
            (TaskStatus::Executing, counts.executing),
            (TaskStatus::Completed, counts.completed),
            (TaskStatus::Failed, counts.failed),
            (TaskStatus::Cancelled, counts.cancelled),
        ];
        for (status, count) in counts {
            assert_eq!(count, booked.get(&status).copied().unwrap_or(0), "tasks that are {status}, core and ledger");
        }
        let running: Vec<_> = self.core.running().into_iter().map(|(id, task, _, cage)| (id, task, cage)).collect();
        let booked: Vec<_> = self.ledger.live.iter().map(|(id, run)| (*id, run.task, run.cage)).collect();
        assert_eq!(running, booked, "what runs, core and ledger");
    }

    fn new_task(&mut self) -> NewTask {
        let mut task = NewTask::new(["processing", "build", "review"][usize::try_from(self.draw.below(3)).unwrap()]);
        if self.draw.chance(40) {
            let text =
                *self.draw.pick(&["fix the parser in main.rs", "write tests", "sql migration", "写测试"]).unwrap();
            task.parameters.input_data.insert("prompt".into(), text.into());
        }
        if self.draw.chance(50) {
            task.parameters.configuration.insert("command".into(), serde_json::json!(["work"]));
        }
        task.priority = 1 + u8::try_from(self.draw.below(10)).unwrap();
        if self.draw.chance(70) {
            task.requirements.cpu = Cpu::from_millis(100 * self.draw.below(8));
        }
        if self.draw.chance(50) {
            task.requirements.memory = Bytes::from_mib(16 * self.draw.below(8));
        }
        if self.draw.chance(30) {
            task.requirements.capabilities.push("shell".into());
        }
        if self.draw.chance(15) {
            task.agent = Some(format!("agent-{}", self.draw.below(AGENTS as u64)));
        }
        if self.draw.chance(5) {
            task.cage = Some(self.some_cage());
            task.agent = None;
        }
        if self.draw.chance(20) {
            task.deadline = Some(When::In(Span::from_secs(1 + i64::try_from(self.draw.below(1000)).unwrap())));
        }
        if self.draw.chance(40) {
            task.estimate = Some(Span::from_secs(1 + i64::try_from(self.draw.below(100)).unwrap()));
        }
        if self.draw.chance(30) {
            for _ in 0..=self.draw.below(2) {
                if let Some(id) = self.draw.pick(&self.tasks) {
                    task.depends_on.push(id.to_string());
                }
            }
            task.approval_gate = self.draw.chance(40);
        }
        task.preemptible = self.draw.chance(40);
        task.max_attempts = 1 + u32::try_from(self.draw.below(3)).unwrap();
        if self.draw.chance(10) {
            task.timeout = Some(Span::from_secs(1 + i64::try_from(self.draw.below(200)).unwrap()));
        }
        if self.draw.chance(8) {
            task.array = Some(ArrayRange { first: 5, last: 5 + u32::try_from(self.draw.below(20)).unwrap() });
        }
        task
    }

    fn submit(&mut self) {
        let count = 1 + self.draw.below(5);
        let mut tasks: Vec<_> = (0..count).map(|_| self.new_task()).collect();
        for place in 1..tasks.len() {
            // Some depend on others of the same submission.
            if self.draw.chance(15) {
                tasks[place - 1].key = Some(format!("key-{place}"));
                tasks[place].depends_on.push(format!("key-{place}"));
            }
        }
        let keep_going = self.draw.chance(50);
        if let Some(Reply::Submitted { ids, .. }) = self.command(&Command::SubmitTasks { tasks, keep_going }) {
            for id in ids {
                self.tasks.push(id);
            }
        }
    }

    fn some_task(&mut self) -> Option<TaskId> {
        let id = *self.draw.pick(&self.tasks)?;
        // Elements of arrays are tasks too, whether they exist already or not.
        Some(if id.as_array() == id && self.draw.chance(50) {
            id.element(1 + u32::try_from(self.draw.below(20)).unwrap())
        } else {
            id
        })
    }

    fn meddle_with_tasks(&mut self) {
        let Some(id) = self.some_task() else { return };
        let ids = vec![id];
        let command = match self.draw.below(5) {
            0 | 1 => Command::CancelTasks { ids, note: None, pending_only: false },
            2 => Command::RetryTasks { ids },
            3 => Command::PrioritiseTasks { ids, priority: 1 + u8::try_from(self.draw.below(10)).unwrap() },
            _ => {
                let name = format!("agent-{}", self.draw.below(AGENTS as u64));
                let agent = self.core.agent_by_name(&name).map(|(id, _)| id).filter(|_| self.draw.chance(50));
                let cage = if agent.is_none() && self.draw.chance(30) { Some(self.some_cage()) } else { None };
                Command::ReassignTasks { ids, agent, cage }
            }
        };
        self.command(&command);
    }

    fn meddle_with_fleet(&mut self) {
        let name = format!("agent-{}", self.draw.below(AGENTS as u64));
        let agent = self.core.agent_by_name(&name).map(|(id, _)| id);
        let cage = self.some_cage();
        let command = match (self.draw.below(10), agent) {
            (0, Some(id)) => Command::DrainAgents { ids: vec![id] },
            (1 | 2, Some(id)) => Command::ResumeAgents { ids: vec![id] },
            (3, Some(id)) => {
                let cage = self.draw.chance(60).then_some(cage);
                Command::ReassignAgents { ids: vec![id], cage }
            }
            (4, _) => Command::SetCageMaintenance { ids: vec![cage], on: self.draw.chance(40) },
            (5, _) => Command::VacateCages { ids: vec![cage] },
            // Agents come and go, too; these have no home, so that the fleet for settling never collides with theirs.
            (6, _) => {
                let mut agent = AgentSpec::new(format!("guest-{}", self.draw.below(3)));
                agent.capabilities.push(Capability { kind: "shell".into(), parameters: serde_json::Map::new() });
                Command::AddAgent { agent: Box::new(agent) }
            }
            (8, _) => {
                let [name, other] = [3, 4].map(|below| format!("guest-{}", self.draw.below(below)));
                let Some((agent, _)) = self.core.agent_by_name(&name) else { return };
                Command::RenameAgent { agent, name: other }
            }
            (7, _) => {
                let name = format!("guest-{}", self.draw.below(3));
                let Some((id, _)) = self.core.agent_by_name(&name) else { return };
                Command::RemoveAgents { ids: vec![id] }
            }
            _ => Command::Apply { fleet: self.fleet(), dry_run: self.draw.chance(30) },
        };
        self.command(&command);
    }

    fn some_cage(&mut self) -> CageId {
        CageId::new(1 + u16::try_from(self.draw.below(u64::from(CAGES))).unwrap()).unwrap()
    }

    fn review(&mut self) {
        let Some(id) = self.draw.pick(&self.artifacts).copied() else { return };
        let approve = self.draw.chance(70);
        let mut ids = vec![id];
        if self.draw.chance(20) {
            ids.extend(self.draw.pick(&self.artifacts).copied());
        }
        let until = self.draw.chance(70).then_some(When::In(Span::from_secs(60)));
        let task = self.some_task().map(|id| ReviewId(id.0));
        let rated = self.some_task();
        let rating = self.draw.chance(85).then(|| u8::try_from(1 + self.draw.below(5)).unwrap());
        let command = match self.draw.below(15) {
            13 | 14 => Command::RateTasks { ids: rated.into_iter().collect(), rating, note: None },
            0 => Command::ReopenReviews { ids },
            10 | 11 => {
                let verdict = if self.draw.chance(70) { Verdict::Approve } else { Verdict::Reject };
                let (name, task_type) = (format!("rule-{}", self.draw.below(3)), "processing".to_owned());
                let agent = format!("agent-{}", self.draw.below(AGENTS as u64));
                let rule = ApprovalRule { name, agent, kind: ArtifactType::Report, task_type, verdict };
                Command::AddApprovalRule { rule: Box::new(rule) }
            }
            12 => Command::RemoveApprovalRules { names: vec![format!("rule-{}", self.draw.below(3))] },
            1 => Command::SnoozeReviews { ids: vec![ReviewId(id.0)], until },
            2 => Command::SnoozeReviews { ids: task.into_iter().collect(), until },
            _ => Command::ReviewArtifacts { ids, approve, note: None, quality: None },
        };
        self.command(&command);
    }

    /// Figures of rules come in, also of what is not there.
    fn observe(&mut self) {
        for _ in 0..=self.draw.below(8) {
            let cage = format!("{:03}", 1 + self.draw.below(u64::from(CAGES) + 1));
            let (rule, subject) = match self.draw.below(3) {
                0 => ("cage-memory", Subject::new(Scope::Cage, cage)),
                1 => ("cage-tokens", Subject::new(Scope::Cage, cage)),
                _ => ("queue-wait", Subject::new(Scope::Queue, "")),
            };
            let value = self
                .draw
                .chance(90)
                .then(|| self.draw.below(100) as f64 / [80.0, 0.02][usize::from(rule == "queue-wait")]);
            let observation = Observation {
                rule: rule.to_owned(),
                subject,
                value,
                time: None,
                labels: std::collections::BTreeMap::new(),
            };
            self.core.observe(self.now, &observation, &mut self.out);
        }
    }

    fn meddle_with_alerts(&mut self) {
        if self.draw.chance(50) {
            return self.observe();
        }
        if self.draw.chance(20) {
            let patch = |text: &str| toml::from_str(text).unwrap();
            let command = match self.draw.below(3) {
                0 => Command::AddAlertRule { rule: Box::new(patch("name = 'cage-tokens'\ngroup = 1\nfor = '1s'")) },
                1 => Command::RemoveAlertRules { names: vec!["cage-tokens".into()] },
                _ => Command::EnableAlertRules { names: vec!["cage-memory".into()], on: self.draw.chance(70) },
            };
            self.command(&command);
            return;
        }
        let open: Vec<_> = self.ledger.alerts.keys().copied().collect();
        let from = if self.draw.chance(70) { &open } else { &self.alerts };
        let Some(id) = self.draw.pick(from).copied() else { return };
        let ids = vec![id];
        let command = match self.draw.below(7) {
            5 => {
                let (rule, source) = (self.draw.chance(50).then(|| "*e*".to_owned()), Some("*0*".to_owned()));
                let until = When::In(Span::from_secs(60));
                Command::AddSilence { matcher: Matcher { rule, source }, until, note: None }
            }
            6 => {
                let ids = self.core.silences().map(|silence| silence.id).take(1).collect();
                Command::RemoveSilences { ids }
            }
            0 => Command::AcknowledgeAlerts { ids, note: Some("seen".into()) },
            1 => Command::UnacknowledgeAlerts { ids },
            2 => {
                let until = self.draw.chance(70).then_some(When::In(Span::from_secs(60)));
                Command::SilenceAlerts { ids, until }
            }
            3 => Command::ResolveAlerts { ids, action: Some("mended".into()), notes: None },
            _ => Command::ReopenAlerts { ids },
        };
        self.command(&command);
    }

    /// Takes back something that was done: its inverse may be refused by now, but never leaves anything half done.
    fn take_back(&mut self) {
        let Some(inverse) = self.draw.pick(&self.inverses).cloned() else { return };
        for command in inverse {
            self.command(&command);
        }
    }

    /// Gives a command to the core the way the engine does. A refusal must leave nothing behind.
    fn command(&mut self, command: &Command) -> Option<Reply> {
        let wanted = self.core.wanted(command);
        let mut context = Context::default();
        if !wanted.is_empty() {
            self.commit();
            let reader = self.store.as_ref().unwrap().reader().unwrap();
            context = menagerie::engine::context::fetch(&reader, &wanted).unwrap();
        }
        let actor = Actor::User(*self.draw.pick(&self.users).unwrap());
        // The fingerprint is most of the cost of a command, so it is taken for some only.
        let (records, digest) = (self.out.records.len(), self.draw.chance(20).then(|| self.core.digest()));
        // Foretelling costs a copy of the fleet, so it is done for some only; it must not change anything.
        let foretold = digest.map(|_| self.core.what_if(self.now, actor, command, &context, &BTreeMap::new()));
        match self.core.command(self.now, actor, command.clone(), &context, &mut self.out) {
            Ok(reply) => {
                assert!(!matches!(foretold, Some(Err(_))), "{command:?} was done, but foretold was {foretold:?}");
                if let (Some(Ok(foretold)), Reply::Items { refused, .. }) = (&foretold, &reply) {
                    let expected = foretold.items.iter().filter(|item| item.refusal.is_some()).count();
                    assert_eq!(expected, refused.len(), "{command:?}: {foretold:?}, {refused:?}");
                }
                if let Reply::Items { inverse, .. } | Reply::Submitted { inverse, .. } = &reply
                    && !inverse.is_empty()
                {
                    self.inverses.push(inverse.clone());
                }
                Some(reply)
            }
            Err(refusal) => {
                let allowed = foretold.and_then(Result::ok).filter(|foretold| {
                    foretold.items.is_empty() || foretold.items.iter().any(|item| item.refusal.is_none())
                });
                assert!(allowed.is_none(), "{command:?} was refused ({refusal}), but foretold was {allowed:?}");
                assert!(!refusal.to_string().is_empty());
                assert_eq!(self.out.records.len(), records, "{command:?} was refused ({refusal}) but left records");
                if let Some(digest) = digest {
                    assert_eq!(self.core.digest(), digest, "{command:?} was refused ({refusal}) but changed the state");
                }
                None
            }
        }
    }

    /// The engine takes some of what the worker has sent.
    fn listen(&mut self) {
        for _ in 0..=self.draw.below(4) {
            let Some((number, time, report)) = self.worker.outbox.pop_front() else { return };
            self.report(time, report);
            self.ack = Some(number);
        }
    }

    /// Takes in a report and lets rules judge what it has brought, as the deciding thread does.
    fn report(&mut self, time: Timestamp, report: Report) {
        let facts = self.core.wanted_by_rules(&report).map(|task| {
            let reader = self.store.as_ref().unwrap().reader().unwrap();
            reader.task_facts(task).unwrap().expect("what has run is not in the store")
        });
        let first = self.out.records.len();
        self.core.report(self.now, self.node, time, report, &mut self.out);
        if let Some(facts) = facts {
            self.core.judge_by_rules(self.now, &facts, first, &mut self.out);
        }
    }

    fn repeat_an_old_report(&mut self) {
        // A copy of a report that is still unacknowledged arrives once more: nothing may come of it twice.
        if let (true, Some((_, time, report))) = (self.worker.connected, self.worker.unacknowledged.front().cloned()) {
            if self.worker.outbox.iter().any(|(_, _, waiting)| *waiting == report) {
                return;
            }
            // That a cage is ready may be older than what came after it, a fault of the cage: then it is tried once more before
            // its pause is over.
            if matches!(report, Report::CageReady { .. }) && self.worker.unacknowledged.len() > 1 {
                return;
            }
            let records = self.out.records.len();
            self.report(time, report.clone());
            let consequences = &self.out.records[records..];
            assert!(consequences.is_empty(), "a repeated report had consequences: {report:?}: {consequences:?}");
        }
    }

    fn pass_time(&mut self) {
        if self.draw.chance(5) {
            // The host's clock is set back. The engine's time stands still until it has caught up.
            self.now = self.now.plus(Span::from_secs(-i64::try_from(self.draw.below(600)).unwrap()));
            return;
        }
        let span = match self.draw.below(4) {
            0 => Span::from_millis(i64::try_from(self.draw.below(1000)).unwrap()),
            1 | 2 => Span::from_secs(i64::try_from(self.draw.below(60)).unwrap()),
            _ => Span::from_secs(i64::try_from(self.draw.below(3 * 3600)).unwrap()),
        };
        self.now = self.now.plus(span);
    }

    /// Makes durable what was decided, then lets it take effect.
    fn commit(&mut self) {
        self.book();
        self.booked = 0;
        let Decisions { records, effects, .. } = std::mem::take(&mut self.out);
        self.store.as_mut().unwrap().commit(&records).unwrap();
        for record in &records {
            let ordered = match &record.event {
                Event::ExecutionScheduled(event) => effects.iter().any(
                    |effect| matches!(effect, Effect::Start { execution_id, .. } if *execution_id == event.execution_id),
                ),
                Event::ExecutionStopping(event) => effects.iter().any(
                    |effect| matches!(effect, Effect::Stop { execution_id, .. } if *execution_id == event.execution_id),
                ),
                Event::ArtifactAdded(event) => {
                    self.artifacts.push(event.artifact.id);
                    true
                }
                Event::AlertRaised(event) => {
                    self.alerts.push(event.alert.id);
                    true
                }
                _ => true,
            };
            assert!(ordered, "decided, but the worker is not told: {record:?}");
        }
        self.journal.extend(records);
        for effect in effects {
            let order = match effect {
                Effect::Start { execution_id, cage_id, .. } => Order::Start(execution_id, cage_id),
                Effect::Stop { execution_id, reason, .. } => Order::Stop(execution_id, reason),
                Effect::Cage { spec, slots, .. } => Order::Cage(spec.id, slots),
                Effect::RemoveCage { .. } | Effect::Merge { .. } => continue,
            };
            if self.worker.connected {
                self.worker.inbox.push_back(order);
            }
        }
        if let (true, Some(number)) = (self.worker.connected, self.ack.take()) {
            self.worker.inbox.push_back(Order::Ack(number));
        }
        if self.draw.chance(10) {
            self.compare_with_rows();
        }
    }

    /// The state restored from the rows must be the live one.
    fn compare_with_rows(&self) {
        let restored = Core::restore(self.store.as_ref().unwrap().snapshot().unwrap());
        if restored.digest() == self.core.digest() {
            return;
        }
        let parts = |core: &Core| {
            let mut parts = BTreeSet::new();
            core.describe(|part| {
                parts.insert(part);
            });
            parts
        };
        let (restored, live) = (parts(&restored), parts(&self.core));
        panic!(
            "the state restored from the rows differs from the live one\nrestored: {:#?}\nlive: {:#?}",
            restored.difference(&live).collect::<Vec<_>>(),
            live.difference(&restored).collect::<Vec<_>>()
        );
    }

    /// The engine is killed: what was not committed never happened. The worker goes on.
    fn crash_engine(&mut self) {
        self.out = Decisions::default();
        self.booked = 0;
        self.ledger = Ledger::new();
        // What starts, started while the worker was in step.
        self.ledger.in_step = true;
        self.journal.iter().for_each(|record| self.ledger.take(record));
        self.ledger.in_step = false;
        self.ack = None;
        self.store = None;
        let store = Store::open(self.folder.path()).unwrap();
        self.core = Core::restore(store.snapshot().unwrap());
        self.store = Some(store);
        self.core.started(self.now, "simulated", 2, &mut self.out);
        self.drop_connection();
        // What was submitted but not committed is unknown to everybody.
        let reader = self.store.as_ref().unwrap().reader().unwrap();
        let known: BTreeSet<_> = reader.queued_tasks(&self.tasks).unwrap().into_iter().map(|task| task.id).collect();
        self.tasks.retain(|id| known.contains(id));
    }

    fn crash_worker(&mut self) {
        self.disconnect();
        self.worker.die();
    }

    fn disconnect(&mut self) {
        if self.worker.connected {
            self.drop_connection();
            self.core.node_lost(self.now, self.node, &mut self.out);
        }
    }

    fn drop_connection(&mut self) {
        self.book();
        self.ledger.in_step = false;
        self.worker.connected = false;
        self.worker.outbox.clear();
        self.ack = None;
        // Part of what was on its way arrives, the rest is lost.
        let arrived = usize::try_from(self.draw.below(1 + self.worker.inbox.len() as u64)).unwrap();
        self.worker.inbox.truncate(arrived);
        while !self.worker.inbox.is_empty() {
            self.worker.obey();
        }
    }

    fn connect(&mut self) {
        let capacity = Capacity { cpu_millis: 4000, memory: 1 << 30, gpu: 0, gpu_memory: 0, storage: 1 << 40 };
        self.commit();
        let known = self.core.node_by_name("sim").and_then(|node| node.metadata.get("incarnation")).cloned();
        let incarnation: serde_json::Value = self.worker.incarnation.to_string().into();
        let mut metadata = serde_json::Map::new();
        metadata.insert("incarnation".into(), incarnation.clone());
        let is_new = known.as_ref() != Some(&incarnation);
        self.node = self.core.node_hello(self.now, "sim", capacity, metadata, &mut self.out);
        self.worker.connected = true;
        self.commit();
        // The connection may break, or either of the two may die, before they are in step.
        match self.draw.below(100) {
            0..8 => return self.disconnect(),
            8..12 => return self.crash_engine(),
            12..16 => return self.crash_worker(),
            _ => {}
        }
        let executions = self.worker.known();
        let resent: Vec<_> = self.worker.unacknowledged.iter().cloned().collect();
        for (number, time, report) in resent {
            self.report(time, report);
            self.ack = Some(number);
            if self.draw.chance(10) {
                self.commit();
            }
        }
        self.core.node_synced(self.now, self.node, is_new, &executions, &mut self.out);
        self.book();
        self.ledger.in_step = true;
        if self.draw.chance(50) {
            self.commit();
        }
        self.check();
    }

    /// Connects until the two are in step.
    fn stay_connected(&mut self) {
        while !self.ledger.in_step {
            self.disconnect();
            self.connect();
        }
    }

    /// The faults stop. Everything has to come to an end, and the books have to agree.
    pub fn settle(mut self) -> u64 {
        self.stay_connected();
        for number in 0..AGENTS {
            if let Some(id) = self.core.agent_by_name(&format!("agent-{number}")).map(|(id, _)| id) {
                self.command(&Command::ResumeAgents { ids: vec![id] });
            }
        }
        for number in 1..=CAGES {
            self.command(&Command::SetCageMaintenance { ids: vec![CageId::new(number).unwrap()], on: false });
        }
        let fleet = self.fleet_for_settling();
        self.command(&Command::Apply { fleet, dry_run: false }).expect("the fleet for settling is refused");
        for round in 0.. {
            for id in std::mem::take(&mut self.artifacts) {
                self.command(&Command::ReviewArtifacts { ids: vec![id], approve: true, note: None, quality: None });
            }
            while self.schedule(64) {}
            self.commit();
            while !self.worker.inbox.is_empty() {
                self.worker.obey();
            }
            while !self.worker.running.is_empty() {
                self.worker.work(self.now, &mut self.draw, true);
            }
            while !self.worker.outbox.is_empty() {
                self.listen();
            }
            self.commit();
            self.check();
            let counts = self.core.counts();
            if counts.tasks.pending + counts.tasks.scheduled + counts.tasks.executing == 0 {
                break;
            }
            assert!(round < 2000, "tasks never end: {counts:?}\n{}", self.why_open());
            self.now = match self.core.wake_at() {
                Some(at) if at > self.now => at,
                _ => self.now.plus(Span::from_secs(1)),
            };
        }
        self.audit()
    }

    /// Everything that was ever asked for can run somewhere in this fleet.
    fn fleet_for_settling(&mut self) -> Fleet {
        let mut fleet = self.fleet();
        for cage in &mut fleet.cage {
            cage.limits.cpu = Some(Cpu::from_cores(4));
            cage.limits.memory = Some(Bytes::from_mib(1024));
        }
        for agent in &mut fleet.agent {
            agent.runtime = Runtime::of_command(vec!["work".to_owned()]);
            agent.capabilities = ["shell", "gpu", "text"]
                .map(|kind| Capability { kind: kind.into(), parameters: serde_json::Map::new() })
                .to_vec();
        }
        fleet
    }

    fn why_open(&self) -> String {
        let explanations = self.tasks.iter().filter_map(|id| self.core.explain(self.now, *id));
        explanations.take(5).map(|explanation| serde_json::to_string_pretty(&explanation).unwrap()).collect()
    }

    /// The books: chain, rows against the journal, statuses against what was witnessed, nothing held.
    fn audit(mut self) -> u64 {
        assert_eq!(self.core.running_executions(), 0, "executions without tasks");
        let snapshot = self.store.as_ref().unwrap().snapshot().unwrap();
        assert!(snapshot.executions.is_empty(), "executions are left: {:?}", snapshot.executions);
        self.compare_with_rows();
        let reader = self.store.as_ref().unwrap().reader().unwrap();
        for (id, entry) in &self.ledger.tasks {
            let task = reader.task(*id).unwrap().unwrap();
            assert!(task.status.is_final(), "{id} is {}", task.status);
            assert_eq!(
                (task.status, task.attempts, task.losses),
                (entry.task.status, entry.task.attempts, entry.task.losses),
                "{id}"
            );
        }
        drop(reader);
        self.store = None;
        let folder = self.folder.path();
        store::verify(folder).unwrap();
        if self.draw.chance(30) {
            let (mut before, mut after) = (Vec::new(), Vec::new());
            store::dump(folder, &mut before).unwrap();
            store::rebuild(folder).unwrap();
            store::dump(folder, &mut after).unwrap();
            assert!(before == after, "the rebuilt tables differ");
        }
        let (mut hasher, mut body) = (blake3::Hasher::new(), Vec::new());
        for record in &self.journal {
            body.clear();
            record.event.write_body(&mut body).unwrap();
            hasher.update(&record.time.as_micros().to_le_bytes()).update(record.event.kind().as_bytes()).update(&body);
        }
        let hash = hasher.finalize();
        u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap())
    }
}
