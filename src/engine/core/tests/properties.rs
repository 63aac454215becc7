//! Random lives: commands, reports, lost nodes and time in any order. After every step the state checks itself; at the
//! end it equals what its records and its rows give, and once the faults stop every task reaches an end.

use proptest::prelude::*;

use super::world::*;
use crate::domain::artifact::FoundArtifact;
use crate::domain::command::Command;
use crate::domain::link::Report;
use crate::domain::*;
use crate::engine::core::{Decisions, Effect};
use std::collections::BTreeSet;

const FLEET: &str = r#"
[[cage]]
range = "001-003"
limits = { cpu = 4, memory = "8GiB", wall = "2h" }
[[cage]]
range = "004-005"
limits = { cpu = 8, memory = "16GiB", gpu = 1, tokens = "100k" }
[[cage]]
id = "006"
[[agent]]
name = "home"
cage = "001"
concurrency = 3
capabilities = ["shell"]
[[agent]]
name = "gpu"
cage = "004"
concurrency = 2
capabilities = ["shell", "cuda"]
[[agent]]
name = "float"
concurrency = 2
capabilities = ["shell"]
[[agent]]
name = "float2"
capabilities = ["review"]
[defaults]
preemption = true
patience = "1m"
breaker = { failures = 3, cooldown = "20s" }
"#;

/// One step of a life. The numbers choose among what there is.
#[derive(Clone, Debug)]
enum Step {
    Submit { kind: u8, priority: u8, cores: u64, estimate: i64, flags: u8, on: usize },
    Array { last: u32, priority: u8 },
    Schedule,
    Start(usize),
    End { which: usize, how: usize, artifact: bool },
    Pass(i64),
    Cancel(usize),
    CancelElement(usize, u32),
    Retry(usize),
    Reassign { which: usize, agent: usize, cage: u16 },
    Prioritise(usize, u8),
    Drain(usize),
    Resume(usize),
    Move { agent: usize, cage: u16 },
    Vacate(u16),
    Maintenance(u16, bool),
    Review(usize, bool),
    Apply(u8),
    Lose,
    Return { new_incarnation: bool, keeps: usize },
    LateReport(usize),
}

const AGENTS: [&str; 4] = ["home", "gpu", "float", "float2"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..6_u8, 1..=10_u8, 0..6_u64, 0..300_i64, any::<u8>(), any::<usize>())
            .prop_map(|(kind, priority, cores, estimate, flags, on)| Step::Submit { kind, priority, cores, estimate, flags, on }),
        1 => (1..20_u32, 1..=10_u8).prop_map(|(last, priority)| Step::Array { last, priority }),
        8 => Just(Step::Schedule),
        4 => any::<usize>().prop_map(Step::Start),
        8 => (any::<usize>(), 0..9_usize, any::<bool>()).prop_map(|(which, how, artifact)| Step::End { which, how, artifact }),
        4 => (0..200_i64).prop_map(Step::Pass),
        1 => any::<usize>().prop_map(Step::Cancel),
        1 => (any::<usize>(), 1..20_u32).prop_map(|(which, place)| Step::CancelElement(which, place)),
        2 => any::<usize>().prop_map(Step::Retry),
        1 => (any::<usize>(), 0..5_usize, 0..8_u16).prop_map(|(which, agent, cage)| Step::Reassign { which, agent, cage }),
        1 => (any::<usize>(), 1..=10_u8).prop_map(|(which, priority)| Step::Prioritise(which, priority)),
        1 => (0..4_usize).prop_map(Step::Drain),
        2 => (0..4_usize).prop_map(Step::Resume),
        1 => (0..4_usize, 0..7_u16).prop_map(|(agent, cage)| Step::Move { agent, cage }),
        1 => (1..7_u16).prop_map(Step::Vacate),
        1 => (1..7_u16, any::<bool>()).prop_map(|(cage, on)| Step::Maintenance(cage, on)),
        3 => (any::<usize>(), any::<bool>()).prop_map(|(which, approve)| Step::Review(which, approve)),
        1 => (0..4_u8).prop_map(Step::Apply),
        1 => Just(Step::Lose),
        2 => (any::<bool>(), any::<usize>()).prop_map(|(new_incarnation, keeps)| Step::Return { new_incarnation, keeps }),
        1 => any::<usize>().prop_map(Step::LateReport),
    ]
}

fn pick<T: Copy>(from: &[T], which: usize) -> Option<T> {
    (!from.is_empty()).then(|| from[which % from.len()])
}

struct Life {
    world: World,
    past: Vec<ExecutionId>,
}

impl Life {
    fn open_tasks(&self) -> Vec<TaskId> {
        let known = self.world.rows.keys();
        known.copied().filter(|id| self.world.core.task_status(*id).is_some()).collect()
    }

    /// Does one step. Commands may be refused here; what counts is that the world checks itself after each.
    fn step(&mut self, step: &Step) {
        let world = &mut self.world;
        match step {
            Step::Submit { kind, priority, cores, estimate, flags, on } => {
                self.submit(*kind, *priority, *cores, *estimate, *flags, *on);
            }
            Step::Array { last, priority } => {
                let array = Some(task::ArrayRange { first: 1, last: *last });
                let tasks = vec![NewTask { array, priority: *priority, max_attempts: 1, ..task() }];
                let _ = world.command(Command::SubmitTasks { tasks, keep_going: false });
            }
            Step::Schedule => {
                self.world.schedule();
            }
            Step::Start(which) => {
                if let Some((execution_id, ..)) = pick(&self.world.running(), *which) {
                    self.world.report(Report::Started { execution_id });
                }
            }
            Step::End { which, how, artifact } => {
                if let Some((id, ..)) = pick(&self.world.running(), *which) {
                    self.end(id, *how, *artifact);
                }
            }
            Step::Pass(seconds) => world.pass(Span::from_secs(*seconds)),
            Step::Cancel(which) => {
                if let Some(id) = pick(&self.open_tasks(), *which) {
                    self.world
                        .command(Command::CancelTasks { ids: vec![id], note: None, pending_only: false })
                        .unwrap();
                }
            }
            Step::CancelElement(which, place) => {
                let arrays: Vec<_> = world.rows.values().filter(|row| row.array.is_some()).map(|row| row.id).collect();
                if let Some(id) = pick(&arrays, *which) {
                    let _ = world.command(Command::CancelTasks {
                        ids: vec![id.element(*place)],
                        note: Some("hole".into()),
                        pending_only: false,
                    });
                }
            }
            Step::Retry(which) => {
                let ended: Vec<_> = world.ended.keys().copied().collect();
                if let Some(id) = pick(&ended, *which) {
                    let _ = world.command(Command::RetryTasks { ids: vec![id] });
                }
            }
            Step::Reassign { which, agent, cage: number } => {
                let agent = AGENTS.get(*agent).map(|name| world.agent(name));
                let cage = (1..7).contains(number).then(|| cage(*number));
                if let Some(id) = pick(&self.open_tasks(), *which) {
                    let _ = self.world.command(Command::ReassignTasks { ids: vec![id], agent, cage });
                }
            }
            Step::Prioritise(which, priority) => {
                if let Some(id) = pick(&self.open_tasks(), *which) {
                    let command = Command::PrioritiseTasks { ids: vec![id], priority: *priority };
                    self.world.command(command).unwrap();
                }
            }
            Step::Drain(which) => {
                let ids = vec![world.agent(AGENTS[*which])];
                world.command(Command::DrainAgents { ids }).unwrap();
            }
            Step::Resume(which) => {
                let ids = vec![world.agent(AGENTS[*which])];
                world.command(Command::ResumeAgents { ids }).unwrap();
            }
            Step::Move { agent, cage: number } => {
                let cage = (*number > 0).then(|| cage(*number));
                let ids = vec![world.agent(AGENTS[*agent])];
                let _ = world.command(Command::ReassignAgents { ids, cage });
            }
            Step::Vacate(number) => {
                world.command(Command::VacateCages { ids: vec![cage(*number)] }).unwrap();
            }
            Step::Maintenance(number, on) => {
                world.command(Command::SetCageMaintenance { ids: vec![cage(*number)], on: *on }).unwrap();
            }
            Step::Review(which, approve) => {
                let ids: Vec<_> = world.artifacts.keys().copied().collect();
                if let Some(id) = pick(&ids, *which) {
                    let _ = world.command(Command::ReviewArtifacts {
                        ids: vec![id],
                        approve: *approve,
                        note: None,
                        quality: None,
                    });
                }
            }
            Step::Apply(which) => self.apply(*which),
            Step::Lose => {
                let mut out = Decisions::default();
                world.core.node_lost(world.now, world.node, &mut out);
                world.take(out);
            }
            Step::Return { new_incarnation, keeps } => self.bring_back(*new_incarnation, *keeps),
            Step::LateReport(which) => {
                if let Some(execution_id) = pick(&self.past, *which) {
                    let before = self.world.core.digest();
                    self.world.report(Report::Started { execution_id });
                    let outcome = Box::new(Outcome::new(OutcomeKind::Succeeded, ""));
                    let late = Report::Ended { execution_id, started_at: None, outcome, artifacts: vec![] };
                    self.world.report(late);
                    assert_eq!(before, self.world.core.digest(), "a late report changed something");
                }
            }
        }
        self.check_promises();
    }

    fn submit(&mut self, kind: u8, priority: u8, cores: u64, estimate: i64, flags: u8, on: usize) {
        let mut new = NewTask { priority, max_attempts: 2, preemptible: flags & 1 > 0, ..sized(cores, estimate) };
        new.requirements.memory = Bytes::from_mib(u64::from(flags) * 40);
        match kind {
            1 => new.requirements.capabilities = vec!["shell".into()],
            2 => new.requirements.gpu = 1,
            3 => new.agent = Some(AGENTS[on % 4].into()),
            4 => new.cage = Some(cage(u16::try_from(on % 6).unwrap() + 1)),
            _ => {}
        }
        if flags & 2 > 0 {
            new.timeout = Some(Span::from_secs(100));
        }
        if flags & 4 > 0 {
            let known: Vec<_> = self.world.rows.keys().copied().collect();
            new.depends_on.extend(pick(&known, on).map(|id| id.to_string()));
            new.depends_on.extend(pick(&known, on / 7).map(|id| id.to_string()));
            new.approval_gate = flags & 8 > 0;
        }
        let _ = self.world.command(Command::SubmitTasks { tasks: vec![new], keep_going: false });
    }

    fn end(&mut self, execution_id: ExecutionId, how: usize, artifact: bool) {
        let kinds = [
            OutcomeKind::Succeeded,
            OutcomeKind::Failed,
            OutcomeKind::TimedOut,
            OutcomeKind::LimitExceeded,
            OutcomeKind::NotStarted,
            OutcomeKind::WorkerLost,
        ];
        let mut outcome = Outcome::new(kinds.get(how).copied().unwrap_or(OutcomeKind::Succeeded), "so it was");
        outcome.exit_code = (how == 4).then_some(127);
        let found = FoundArtifact {
            kind: ArtifactType::Report,
            title: "r.md".into(),
            content: None,
            path: None,
            size: 1,
            digest: "00".into(),
            metadata: serde_json::Map::new(),
            quality: None,
            difference: how.is_multiple_of(2).then(|| Difference {
                repository: "/srv/shop".into(),
                base: "00".into(),
                files: 1,
                insertions: 0,
                deletions: 0,
                merge: how.is_multiple_of(4).then(|| "main".into()),
            }),
        };
        let artifacts = if artifact { vec![found] } else { vec![] };
        self.world.report(Report::Ended { execution_id, started_at: None, outcome: Box::new(outcome), artifacts });
        self.past.push(execution_id);
    }

    fn apply(&mut self, which: u8) {
        let fleet = match which {
            0 => FLEET.to_owned(),
            1 => "[[cage]]\nid = \"002\"\nlimits = { cpu = 1 }\n".to_owned(),
            2 => "[defaults]\nageing = \"1m\"\nrequirements = { cpu = 1 }\n".to_owned(),
            _ => {
                "[[agent]]\nname = \"float\"\nconcurrency = 4\ncapabilities = [\"shell\", \"review\"]\ncage = \"003\"\n"
                    .to_owned()
            }
        };
        if self.world.apply(&fleet).is_ok() {
            let again = self.world.apply(&fleet).unwrap();
            assert!(matches!(again, Reply::Applied { changes, .. } if changes.is_empty()), "applied twice");
        }
    }

    fn bring_back(&mut self, new_incarnation: bool, keeps: usize) {
        let world = &mut self.world;
        let mut kept: Vec<_> = world.running().into_iter().map(|(id, ..)| id).collect();
        kept.truncate(keeps % (kept.len() + 1));
        kept.extend(self.past.last());
        let mut out = Decisions::default();
        let node = world.core.node_hello(world.now, "host", CAPACITY, serde_json::Map::new(), &mut out);
        world.core.node_synced(world.now, node, new_incarnation, &kept, &mut out);
        let told: BTreeSet<_> = out
            .effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Start { execution_id, .. } => Some(*execution_id),
                _ => None,
            })
            .collect();
        world.take(out);
        for (id, ..) in world.running() {
            assert!(kept.contains(&id) || told.contains(&id), "the worker was not told of {id}");
        }
    }

    /// No task starts again that has completed, and none runs twice at a time.
    fn check_promises(&self) {
        let mut tasks = BTreeSet::new();
        for (_, task, ..) in self.world.running() {
            assert!(tasks.insert(task), "{task} runs twice");
            let done = self.world.ended.get(&task).is_some_and(|row| row.status == TaskStatus::Completed);
            assert!(!done, "{task} runs again");
        }
    }

    /// Stops the faults and lets everything come to its end.
    fn wind_down(&mut self) {
        self.bring_back(false, usize::MAX - 1);
        let _ = self.world.apply("[defaults]\nrequirements = {}\n");
        for number in 1..7 {
            self.world.command(Command::SetCageMaintenance { ids: vec![cage(number)], on: false }).unwrap();
        }
        for _ in 0..2000 {
            let ids = AGENTS.map(|name| self.world.agent(name)).to_vec();
            self.world.command(Command::ResumeAgents { ids }).unwrap();
            let open: Vec<_> = self.world.core.artifacts.keys().copied().collect();
            if !open.is_empty() {
                self.world
                    .command(Command::ReviewArtifacts { ids: open, approve: true, note: None, quality: None })
                    .unwrap();
            }
            self.world.schedule();
            let idle = self.world.running().is_empty();
            for (id, ..) in self.world.running() {
                self.end(id, 0, false);
            }
            if self.open_tasks().is_empty() {
                return;
            }
            if let Some(at) = self.world.core.wake_at() {
                self.world.now = self.world.now.max(at);
            } else if idle && self.world.running().is_empty() {
                // Nothing runs and nothing will: then no task may be left that some place would admit.
                for id in self.open_tasks() {
                    let why = self.world.core.explain(self.world.now, id).unwrap();
                    assert!(why.reasons.iter().any(|reason| reason.blocking), "{why:#?}");
                }
                return;
            }
        }
        panic!("no end in sight: {:#?}", self.world.core.counts());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn lives_hold_together(steps in prop::collection::vec(step(), 1..120)) {
        let mut life = Life { world: World::new(FLEET), past: vec![] };
        for step in &steps {
            life.step(step);
        }
        life.world.assert_durable();
        life.wind_down();
        life.world.assert_durable();
    }

    #[test]
    fn the_same_life_gives_the_same_records(steps in prop::collection::vec(step(), 1..60)) {
        let live = || {
            let mut life = Life { world: World::new(FLEET), past: vec![] };
            for step in &steps {
                life.step(step);
            }
            life.world.records
        };
        prop_assert_eq!(live(), live());
    }
}
