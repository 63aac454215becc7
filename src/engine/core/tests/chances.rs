//! What the classifier and the value function make of outcomes whose truth is known, because they are made up here, and where
//! what they say is said.

use super::learning::Draws;
use super::world::*;
use crate::domain::artifact::FoundArtifact;
use crate::domain::learning::{Lesson, ModelKind, Product, Slack, USUAL, type_number};
use crate::domain::snapshot::PastLesson;
use crate::domain::time::When;
use crate::domain::*;
use crate::engine::core::learning::{Classifier, Try, ValueFunction};
use crate::engine::core::{Core, Decisions, ReasonKind};

const AGENTS: usize = 8;
const TYPES: usize = 6;

/// A world in which it is known how likely each agent is to succeed with what.
struct Truth {
    draws: Draws,
    /// By agent, then by type, as a logit.
    logits: Vec<Vec<f64>>,
}

fn logistic(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

impl Truth {
    /// `spread` is how much agents and types matter, 0 for not at all.
    fn new(seed: u64, spread: f64) -> Self {
        let mut draws = Draws(seed);
        let mut around = |width: f64| width * spread * 2.0 * (draws.unit() - 0.5);
        let (agents, types): (Vec<_>, Vec<_>) =
            ((0..AGENTS).map(|_| around(1.0)).collect(), (0..TYPES).map(|_| around(1.5)).collect());
        let logits =
            agents.iter().map(|agent| types.iter().map(|kind| 0.5 + agent + kind + around(1.2)).collect()).collect();
        Self { draws, logits }
    }

    /// An execution: who did what, and how likely it was to succeed.
    fn next(&mut self) -> (AgentId, Lesson, f64) {
        // Some agents and types are seen much more often than others.
        let (agent, kind) = (self.draws.below(AGENTS + 4) % AGENTS, self.draws.below(TYPES * 2) % (TYPES + 1) % TYPES);
        let attempt = u16::try_from(1 + self.draws.below(2)).unwrap();
        let matters = if self.logits[0][0].to_bits() == self.logits[1][1].to_bits() { 0.0 } else { 0.8 };
        let chance = logistic(self.logits[agent][kind] - matters * f64::from(attempt - 1));
        let features = vec![type_number(&format!("type-{kind}"))];
        let lesson = Lesson { score: 500, features, weight: 1000, priority: USUAL, attempt };
        (AgentId(uuid::Uuid::from_u128(agent as u128 + 1)), lesson, chance)
    }
}

fn loss(chance: f64, truth: bool) -> f64 {
    -(if truth { chance } else { 1.0 - chance }).ln()
}

/// What came of asking before telling.
#[derive(Default)]
struct Had {
    /// By tenths of the chance that was said: how often, the sum of what was said, how often it came true.
    tenths: [(f64, f64, f64); 10],
    loss: f64,
    plain: f64,
    oracle: f64,
    seen: f64,
}

impl Had {
    fn add(&mut self, said: f64, plain: f64, oracle: f64, truth: bool) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let tenth = &mut self.tenths[((said * 10.0) as usize).min(9)];
        *tenth = (tenth.0 + 1.0, tenth.1 + said, tenth.2 + f64::from(u8::from(truth)));
        self.loss += loss(said, truth);
        self.plain += loss(plain, truth);
        self.oracle += loss(oracle, truth);
        self.seen += 1.0;
    }

    fn assert_calibrated(&self, seed: u64) {
        for (count, said, true_) in self.tenths.iter().filter(|tenth| tenth.0 >= 300.0) {
            let (said, came) = (said / count, true_ / count);
            assert!((said - came).abs() < 0.06, "seed {seed}: said {said}, came {came} of {count}");
        }
    }
}

/// Has the classifier learn `learned` executions and foretell `measured` more, from which it goes on learning.
fn live(seed: u64, spread: f64, learned: usize, measured: usize) -> (Classifier, Had) {
    let (mut truth, mut classifier, mut had) = (Truth::new(seed, spread), Classifier::default(), Had::default());
    let (mut good, mut all) = (1.0, 2.0);
    for number in 0..learned + measured {
        let (agent, lesson, chance) = truth.next();
        let succeeded = truth.draws.unit() < chance;
        if number >= learned {
            let said = classifier.success(&Try::of(agent, &lesson)).expect("it is known by now");
            had.add(said, good / all, chance, succeeded);
        }
        (good, all) = (good + f64::from(u8::from(succeeded)), all + 1.0);
        classifier.tried(agent, &lesson, succeeded);
        if let Some((version, state)) = classifier.next_version() {
            classifier = Classifier::restore(version.version, &state);
        }
    }
    (classifier, had)
}

#[test]
fn where_agents_and_types_matter_it_is_right_as_often_as_it_says() {
    for seed in 1..=6 {
        let (classifier, had) = live(seed, 1.0, 1500, 4000);
        had.assert_calibrated(seed);
        let per = |sum: f64| sum / had.seen;
        let (said, plain, oracle) = (per(had.loss), per(had.plain), per(had.oracle));
        assert!(said < oracle + 0.4 * (plain - oracle), "seed {seed}: {said} between {oracle} and {plain}");
        let (version, _) = classifier.reviewed().unwrap_or(classifier).next_version().unwrap();
        assert_eq!(version.in_force, "agents+types+circumstances", "seed {seed}: {version:?}");
        let best = version.compared.iter().find(|one| one.in_force).unwrap();
        assert!(best.loss < version.compared[0].loss, "seed {seed}: {version:?}");
    }
}

#[test]
fn where_nothing_matters_the_base_rate_stays_in_force() {
    for seed in 1..=6 {
        let (classifier, had) = live(seed, 0.0, 500, 2500);
        let (version, _) = classifier.reviewed().unwrap_or(classifier).next_version().unwrap();
        assert_eq!(version.in_force, "base rate", "seed {seed}: {version:?}");
        assert!(had.loss < had.plain + 0.01 * had.seen, "seed {seed}: {} {}", had.loss, had.plain);
    }
}

#[test]
fn the_same_outcomes_teach_the_same() {
    let (one, other) = (live(3, 1.0, 700, 9).0, live(3, 1.0, 700, 9).0);
    assert_eq!(one.describe(), other.describe());
    let mut one = one;
    let product = Product { kind: 0, artifact: ArtifactType::Doc };
    one.judged(AgentId(uuid::Uuid::from_u128(1)), product, true);
    assert_ne!(one.describe(), other.describe());
}

/// Tasks of some minutes, begun with anything from a quarter of a minute to hours left.
fn stood(draws: &mut Draws) -> (Slack, f64) {
    let normal = (-2.0 * draws.unit().max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * draws.unit()).cos();
    let median: f64 = [60.0, 600.0][draws.below(2)];
    let left = 15.0 * 1000.0_f64.powf(draws.unit());
    // How long it takes is lognormal, so whether that is more than what is left is a coin whose chance is known.
    let chance = logistic(1.7 * (median.ln() - left.ln()) / 0.7);
    let missed = median.ln() + 0.7 * normal > left.ln();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let slack = Slack { kind: 0, left: left as u32, expected: median as u32, priority: USUAL, missed };
    (slack, chance)
}

#[test]
fn how_likely_a_deadline_is_missed_is_learned_and_beats_the_formula() {
    for seed in 1..=6 {
        let (mut draws, mut value, mut had) = (Draws(seed), ValueFunction::default(), Had::default());
        for number in 0..3000 {
            let (slack, chance) = stood(&mut draws);
            if number >= 600 {
                let formula = 1.0 / (1.0 + f64::from(slack.left) / 3600.0);
                had.add(value.misses(&slack).clamp(1e-3, 0.999), formula, chance, slack.missed);
            }
            value.learn(&slack);
            if let Some((version, state)) = value.next_version() {
                value = ValueFunction::restore(version.version, &state);
            }
        }
        had.assert_calibrated(seed);
        let (said, formula, oracle) = (had.loss / had.seen, had.plain / had.seen, had.oracle / had.seen);
        assert!(said < oracle + 0.1 * (formula - oracle), "seed {seed}: {said} between {oracle} and {formula}");
        let (version, _) = value.reviewed().unwrap_or(value).next_version().unwrap();
        assert!(version.in_force.starts_with("time left+length"), "seed {seed}: {version:?}");
    }
}

#[test]
fn where_the_formula_is_the_truth_it_stands_or_what_is_learned_says_the_same() {
    for seed in 1..=4 {
        let (mut draws, mut value) = (Draws(seed), ValueFunction::default());
        for _ in 0..2000 {
            let left = 30.0 * 1000.0_f64.powf(draws.unit());
            let missed = draws.unit() < 1.0 / (1.0 + left / 3600.0);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            value.learn(&Slack { kind: 0, left: left as u32, expected: 0, priority: USUAL, missed });
        }
        for left in [60, 600, 3600, 14_400] {
            let slack = Slack { kind: 0, left, expected: 0, priority: USUAL, missed: false };
            let formula = 1.0 / (1.0 + f64::from(left) / 3600.0);
            assert!((value.misses(&slack) - formula).abs() < 0.12, "seed {seed}: {left} {}", value.misses(&slack));
        }
    }
}

/// Two agents, of whom one is good with each of two types of tasks.
const FLEET: &str = r#"
[[cage]]
range = "001-002"

[[agent]]
name = "ann"
cage = "001"
runtime = { type = "command", command = ["work"] }

[[agent]]
name = "ben"
cage = "002"
runtime = { type = "command", command = ["work"] }
"#;

fn of(kind: &str, agent: &str) -> NewTask {
    NewTask { kind: kind.to_owned(), agent: Some(agent.into()), max_attempts: 1, ..bare() }
}

fn found(kind: ArtifactType) -> FoundArtifact {
    FoundArtifact {
        kind,
        title: "a".into(),
        content: None,
        path: None,
        size: 0,
        digest: String::new(),
        metadata: serde_json::Map::new(),
        quality: None,
        difference: None,
    }
}

/// Has a task done that leaves an artifact, and gives that.
fn make(world: &mut World, kind: &str, agent: &str, artifact: ArtifactType) -> ArtifactId {
    let known: Vec<_> = world.artifacts.keys().copied().collect();
    let id = world.submit(of(kind, agent));
    world.schedule();
    let (execution_id, outcome) = (world.execution(id), Box::new(Outcome::new(OutcomeKind::Succeeded, "")));
    world.report(link::Report::Ended { execution_id, started_at: None, outcome, artifacts: vec![found(artifact)] });
    *world.artifacts.keys().find(|id| !known.contains(id)).unwrap()
}

/// Has each agent do tasks of both types: ann succeeds with sql, ben with web. No agent fails so often in a row that it gets
/// a pause.
fn work(world: &mut World, rounds: usize) {
    for _ in 0..rounds {
        for (agent, kind) in [("ann", "sql"), ("ann", "web"), ("ben", "web"), ("ben", "sql")] {
            let id = world.submit(of(kind, agent));
            world.schedule();
            let good = (agent == "ann") == (kind == "sql");
            world.finish(id, if good { OutcomeKind::Succeeded } else { OutcomeKind::Failed });
        }
    }
}

/// The versions of a model, by number and outcomes.
fn versions(world: &World, model: ModelKind) -> Vec<(u32, u64)> {
    let versions = world.records.iter().filter_map(|record| match &record.event {
        Event::ModelVersioned(event) if event.version.model == model => Some(&event.version),
        _ => None,
    });
    versions.map(|version| (version.version, version.lessons)).collect()
}

fn warnings(world: &mut World, tasks: Vec<NewTask>) -> Vec<String> {
    match world.command(Command::SubmitTasks { tasks, keep_going: false }) {
        Ok(Reply::Submitted { warnings, .. }) => warnings,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bad_match_is_warned_of_wherever_an_agent_is_chosen() {
    let mut world = World::new(FLEET);
    work(&mut world, 7);
    assert!(warnings(&mut world, vec![of("web", "ann")]).is_empty(), "too little is known");
    world.schedule();
    let first = world.running()[0].1;
    world.finish(first, OutcomeKind::Failed);
    work(&mut world, 30);
    let said = warnings(&mut world, vec![of("web", "ann"), of("web", "ann"), of("sql", "ann"), of("web", "ben")]);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("agent: ann with type web succeeds in about "), "{said:?}");
    assert!(said[0].contains("of ann with type web succeeded") && said[0].contains("; ben does in about "), "{said:?}");
    let given = world.submit(of("web", "ben"));
    let reassign = |agent: &World, name: Option<&str>| Command::ReassignTasks {
        ids: vec![given],
        agent: name.map(|name| agent.agent(name)),
        cage: None,
    };
    let mut told = |name: Option<&str>| match world.command(reassign(&world, name)) {
        Ok(Reply::Items { warnings, .. }) => warnings,
        other => panic!("{other:?}"),
    };
    assert!(told(None).is_empty() && told(Some("ben")).is_empty());
    assert_eq!(told(Some("ann")), said, "it is the same whichever way an agent is given a task");
    // Whoever brings a command does the same whoever has it run.
    assert!(warnings(&mut world, vec![NewTask { agent: Some("ann".into()), kind: "web".into(), ..task() }]).is_empty());
    let waiting = world.submit(of("web", "ann"));
    let explained = world.core.explain(world.now, waiting).unwrap();
    let matched = explained.reasons.iter().find(|reason| reason.kind == ReasonKind::Match).unwrap();
    assert!(matched.text.starts_with("with agent ann it succeeds in about ") && !matched.blocking, "{matched:?}");
    let outlooks = |found: crate::domain::selection::Recommendations| {
        let of = |item: crate::domain::selection::Recommendation| (item.name, item.learned.outlook.unwrap());
        found.items.into_iter().map(of).collect::<std::collections::BTreeMap<_, _>>()
    };
    for found in [
        outlooks(world.core.recommend("", "web", None, USUAL, 5)),
        outlooks(world.core.recommend_for_task(waiting, 5).unwrap()),
    ] {
        assert!(found["ann"].bad && found["ann"].chance < 0.3, "{found:?}");
        assert!(!found["ben"].bad && found["ben"].chance > 0.7, "{found:?}");
    }
}

#[test]
fn what_presses_leaves_who_fails_at_it_to_something_else() {
    let hour = Some(When::In(Span::from_secs(3600)));
    for (priority, deadline) in [(8, None), (5, hour), (9, hour)] {
        let mut world = World::new(FLEET);
        let free = |kind: &str| NewTask { priority, deadline, agent: None, ..of(kind, "") };
        let next = |world: &mut World, agent: &str, ended: TaskId| {
            world.finish(ended, if agent == "ann" { OutcomeKind::Succeeded } else { OutcomeKind::Failed });
            world.schedule()
        };
        // Nothing is known yet, so what presses takes what there is.
        let [anns, bens] = [("sql", "ann"), ("web", "ben")].map(|(kind, agent)| world.submit(of(kind, agent)));
        world.schedule();
        let [first, second] = ["web", "sql"].map(|kind| world.submit(free(kind)));
        assert_eq!(next(&mut world, "ann", anns), [first], "{priority}");
        for id in [bens, first, second] {
            world.finish(id, OutcomeKind::Succeeded);
            world.schedule();
        }
        work(&mut world, 30);
        let [anns, bens] = [("sql", "ann"), ("web", "ben")].map(|(kind, agent)| world.submit(of(kind, agent)));
        assert_eq!(world.schedule(), [anns, bens]);
        let [first, second] = ["web", "sql"].map(|kind| world.submit(free(kind)));
        assert_eq!(next(&mut world, "ann", anns), [second], "{priority}: it would fail");
        assert_eq!(next(&mut world, "ben", bens), [first]);
        assert_eq!(world.place(first).0, "ben");
        world.assert_durable();
    }
}

#[test]
fn what_has_a_deadline_waits_no_longer_than_that_allows() {
    let mut world = World::new(FLEET);
    work(&mut world, 30);
    let minute = Some(Span::from_secs(60));
    let due = |kind: &str, seconds: i64| {
        let deadline = Some(When::In(Span::from_secs(seconds)));
        NewTask { deadline, estimate: minute, agent: None, ..of(kind, "") }
    };
    let [anns, _] = [("sql", "ann"), ("web", "ben")].map(|(kind, agent)| world.submit(of(kind, agent)));
    world.schedule();
    let [first, second, third] =
        [("web", 70), ("sql", 80), ("sql", 90)].map(|(kind, left)| world.submit(due(kind, left)));
    world.finish(anns, OutcomeKind::Succeeded);
    assert_eq!(world.schedule(), [second]);
    world.pass(Span::from_secs(11));
    world.finish(second, OutcomeKind::Succeeded);
    assert_eq!(world.schedule(), [first], "it is as likely to be missed as to fail");
    assert_eq!(world.schedule(), [], "{third}");
}

#[test]
fn what_was_learned_of_executions_and_judgements_comes_back_from_the_journal() {
    let mut world = World::new(FLEET);
    work(&mut world, 7);
    let judge = |world: &mut World, id: ArtifactId, approve: bool| {
        world.command(Command::ReviewArtifacts { ids: vec![id], approve, note: None, quality: None }).unwrap();
    };
    let artifact = make(&mut world, "web", "ben", ArtifactType::Code);
    judge(&mut world, artifact, true);
    world.assert_durable();
    assert_eq!(versions(&world, ModelKind::Classifier), []);
    let artifact = make(&mut world, "web", "ben", ArtifactType::Doc);
    judge(&mut world, artifact, true);
    assert_eq!(versions(&world, ModelKind::Classifier), [(1, 32)], "thirty executions and two judgements");
    world.assert_durable();
    // A judgement that is changed or taken back teaches nothing more.
    judge(&mut world, artifact, false);
    world.command(Command::ReopenReviews { ids: vec![artifact] }).unwrap();
    world.assert_durable();
    let model = ModelKind::Classifier;
    assert_eq!(world.command(Command::TrainModel { model }).unwrap_err().kind, RefusalKind::Conflict);
    work(&mut world, 2);
    world.command(Command::TrainModel { model }).unwrap();
    work(&mut world, 1);
    world.command(Command::RollBackModel { model, version: 1 }).unwrap();
    assert_eq!(versions(&world, model), [(1, 32), (2, 40), (3, 44), (4, 32)]);
    world.assert_durable();
    world.command(Command::RemoveAgents { ids: vec![world.agent("ann")] }).unwrap();
    world.assert_durable();
}

#[test]
fn what_a_journal_teaches_that_knew_of_no_such_model_becomes_a_version_at_the_start() {
    let mut world = World::new(FLEET);
    work(&mut world, 10);
    let mut snapshot = super::snapshot::of(&world);
    snapshot.past.models.retain(|(version, _)| version.model != ModelKind::Classifier);
    let tried = world.records.iter().filter_map(|record| match &record.event {
        Event::ExecutionEnded(event) => {
            let (agent_id, succeeded) = (event.agent_id, event.outcome.succeeded());
            event.lesson.clone().map(|lesson| PastLesson::Tried { agent_id, lesson, succeeded })
        }
        _ => None,
    });
    snapshot.past.lessons = tried.collect();
    let mut core = Core::restore(snapshot);
    let mut made = || {
        let mut out = Decisions::default();
        core.models_taken_up(world.now, &[], &mut out);
        let versions = out.records.into_iter().filter_map(|record| match record.event {
            Event::ModelVersioned(event) => Some((event.version.model, event.version.version, event.version.lessons)),
            _ => None,
        });
        versions.collect::<Vec<_>>()
    };
    assert_eq!(made(), [(ModelKind::Classifier, 1, 40)]);
    assert_eq!(made(), [], "once is enough");
}

#[test]
fn what_is_unlikely_to_be_approved_comes_first() {
    let mut world = World::new(FLEET);
    let mut last = vec![];
    for round in 0..34 {
        for (agent, good) in [("ann", true), ("ben", false)] {
            let id = make(&mut world, "web", agent, ArtifactType::Report);
            if round < 32 {
                world
                    .command(Command::ReviewArtifacts { ids: vec![id], approve: good, note: None, quality: None })
                    .unwrap();
            } else {
                last.push(id);
            }
        }
    }
    world.assert_durable();
    let inbox = world.core.inbox(world.now, false);
    let chance = |id: ArtifactId| inbox.iter().find(|item| item.id == id).unwrap().approval.unwrap();
    assert!(chance(last[0]) > 0.7 && chance(last[1]) < 0.3, "{inbox:?}");
    assert_eq!(inbox.iter().map(|item| item.id).collect::<Vec<_>>(), [last[1], last[3], last[0], last[2]]);
    for item in &inbox {
        let plain = world.core.urgency().cost_of_delay(Span::ZERO, &item.blocked, world.now);
        assert!((item.cost - plain * (2.0 - item.approval.unwrap())).abs() < 1e-3, "{item:?}");
    }
    let said = world.core.approval_of(last[1], "web").unwrap();
    assert!(said.bad && said.evidence.contains("of ben"), "{said:?}");
    assert_eq!(world.core.approval_of(ArtifactId(uuid::Uuid::nil()), "web"), None);
}

/// A task with a deadline in so many seconds is done in five minutes.
fn stand(world: &mut World, seconds: i64) {
    let deadline = Some(When::In(Span::from_secs(seconds)));
    let id = world.submit(NewTask { deadline, ..of("web", "ben") });
    world.schedule();
    world.pass(Span::from_secs(300));
    world.finish(id, OutcomeKind::Succeeded);
}

#[test]
fn what_waiting_costs_is_learned_from_deadlines_and_comes_back() {
    let mut world = World::new(FLEET);
    let explained = |world: &World, id: TaskId| {
        let explained = world.core.explain(world.now, id).unwrap();
        explained.reasons.into_iter().find(|reason| reason.kind == ReasonKind::Delay).unwrap()
    };
    let in_an_hour = |world: &mut World| {
        let deadline = Some(When::In(Span::from_secs(3600)));
        world.submit(NewTask { deadline, priority: 5, ..of("web", "ben") })
    };
    let first = in_an_hour(&mut world);
    let (delay, said) = (world.core.delay_of(first, world.now).unwrap(), explained(&world, first));
    assert!((delay.cost - 5.5).abs() < 1e-9 && delay.learned_from.is_none(), "{delay:?}");
    assert!(said.text.starts_with("an hour more of waiting costs 5.5 task-hours: 1 task waits"), "{said:?}");
    assert!(said.text.contains("by 1 / (1 + hours left)"), "{said:?}");
    // What is behind it waits as long.
    world.submit(NewTask { depends_on: vec![first.to_string()], priority: 10, ..of("web", "ben") });
    let behind = world.core.delay_of(first, world.now).unwrap();
    assert!((behind.cost - 16.5).abs() < 1e-9 && behind.waiting.tasks == 2, "{behind:?}");
    let command = Command::PrioritiseTasks { ids: vec![first], priority: 10 };
    let foretold = world
        .core
        .what_if(world.now, Actor::User(world.user), &command, &world.context(&command), &world.means)
        .unwrap();
    let cost = foretold.figures.iter().find(|figure| figure.unit == Unit::TaskHours).unwrap();
    assert!((cost.before.unwrap() - 16.5).abs() < 1e-9 && (cost.after.unwrap() - 22.0).abs() < 1e-9, "{cost:?}");
    world.command(Command::CancelTasks { ids: vec![first], note: None, pending_only: false }).unwrap();
    for round in 0..40 {
        stand(&mut world, [60, 200, 3600, 7200][round % 4]);
        if round == 30 || round == 31 {
            world.assert_durable();
        }
    }
    assert_eq!(versions(&world, ModelKind::ValueFunction), [(1, 32)]);
    for _ in 0..30 {
        stand(&mut world, 60);
        stand(&mut world, 3600);
    }
    world.assert_durable();
    assert_eq!(versions(&world, ModelKind::ValueFunction), [(1, 32), (2, 96)]);
    let later = in_an_hour(&mut world);
    let delay = world.core.delay_of(later, world.now).unwrap();
    assert!(delay.cost < 3.0 && delay.learned_from == Some(100), "{delay:?}");
    assert!(explained(&world, later).text.contains("by 100 tasks that had a deadline"));
    // So it is in the inbox.
    let blocked =
        crate::engine::core::Blocked { tasks: 1, priorities: 5, deadline: Some(world.now.plus(Span::from_secs(3600))) };
    assert!(world.core.urgency().cost_of_delay(Span::ZERO, &blocked, world.now) < 8.0, "the formula would say 11");
    world.schedule();
    assert_eq!(world.core.delay_of(later, world.now), None, "it waits no more");
    world.command(Command::TrainModel { model: ModelKind::ValueFunction }).unwrap();
    world.command(Command::RollBackModel { model: ModelKind::ValueFunction, version: 1 }).unwrap();
    world.assert_durable();
}

/// Has thirty agents do tasks of six types as the scheduler chooses, and says of those that were seen fewer than four times,
/// and of those so seen with a type: how many, the mean of what is said of them, the mean of what is true.
fn of_seldom_seen(truth: impl Fn(usize, usize) -> f64) -> [(f64, f64, f64); 2] {
    const FLEET_SIZE: usize = 30;
    let agent = |at: usize| {
        let cage = format!("cage = \"{:03}\"\n", at + 1);
        format!("[[agent]]\nname = \"agent-{at}\"\n{cage}runtime = {{ type = \"command\", command = [\"work\"] }}\n")
    };
    let fleet = format!("[[cage]]\nrange = \"001-{FLEET_SIZE:03}\"\n[defaults.breaker]\nfailures = 100\n");
    let fleet = fleet + &(0..FLEET_SIZE).map(agent).collect::<String>();
    let number = |name: &str| name.trim_start_matches("agent-").parse::<usize>().unwrap();
    let mut had = [(0.0, 0.0, 0.0); 2];
    for seed in 1..=4 {
        let (mut world, mut draws) = (World::new(&fleet), Draws(seed));
        let (mut seen, mut with) = ([0; FLEET_SIZE], [[0; TYPES]; FLEET_SIZE]);
        for _ in 0..400 {
            let kind = draws.below(TYPES);
            let id = world.submit(NewTask { kind: format!("type-{kind}"), max_attempts: 1, ..bare() });
            world.schedule();
            let agent = number(&world.place(id).0);
            seen[agent] += 1;
            with[agent][kind] += 1;
            let succeeded = draws.unit() < truth(agent, kind);
            world.finish(id, if succeeded { OutcomeKind::Succeeded } else { OutcomeKind::Failed });
        }
        let kinds =
            (0..TYPES).map(|kind| (kind, world.core.recommend("", &format!("type-{kind}"), None, USUAL, FLEET_SIZE)));
        for (kind, item) in kinds.flat_map(|(kind, found)| found.items.into_iter().map(move |item| (kind, item))) {
            let (agent, outlook) = (number(&item.name), item.learned.outlook.unwrap());
            let often = with[agent][kind];
            for (had, few) in had.iter_mut().zip([seen[agent] < 4, often < 4]) {
                if few {
                    *had = (had.0 + 1.0, had.1 + outlook.chance, had.2 + truth(agent, kind));
                }
            }
            // Four count a little less than four, because older ones fade.
            assert!(often == 4 || (often < 4) == outlook.seldom, "{often}: {outlook:?}");
        }
    }
    had.map(|(count, said, true_)| (count, said / count, true_ / count))
}

#[test]
fn of_agents_that_were_seen_seldom_no_more_is_said_than_is_true() {
    // Each agent is good with one type and bad with the others; or every second with all; or all are alike.
    let specialists = of_seldom_seen(|agent, kind| if agent % TYPES == kind { 0.9 } else { 0.15 });
    let some = of_seldom_seen(|agent, _| if agent % 2 == 0 { 0.85 } else { 0.25 });
    let alike = of_seldom_seen(|_, _| 0.6);
    // Where all are alike, everybody is seen often.
    for (count, said, true_) in specialists.into_iter().chain(some).chain([alike[1]]) {
        assert!(count >= 30.0 && (said - true_).abs() < 0.1, "said {said}, true {true_} of {count}");
    }
}
