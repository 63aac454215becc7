//! What the predictor makes of durations whose truth is known, because they are made up here, and what the scheduler does
//! with that.

use super::learning::Draws;
use super::world::*;
use crate::domain::learning::{ModelKind, ModelState};
use crate::domain::node::Capacity;
use crate::domain::snapshot::PastLesson;
use crate::domain::time::When;
use crate::domain::*;
use crate::engine::core::ReasonKind;
use crate::engine::core::learning::Predictor;
use crate::engine::core::learning::features::timed_kind;

const TYPES: usize = 6;
const AGENTS: usize = 8;

/// A world of lognormal tasks.
struct Truth {
    draws: Draws,
    /// Of each type: the logarithm of its median in seconds, and how far apart its tasks are.
    types: Vec<(f64, f64)>,
    /// By how much each agent is slower, with each type.
    slower: Vec<Vec<f64>>,
}

impl Truth {
    fn new(seed: u64) -> Self {
        let mut draws = Draws(seed);
        let types = (0..TYPES).map(|at| (0.5 + 1.2 * at as f64, 0.2 + 0.8 * draws.unit())).collect();
        let slower = (0..AGENTS)
            .map(|_| {
                let pace = 1.4 * (draws.unit() - 0.5);
                (0..TYPES).map(|_| pace + 0.6 * (draws.unit() - 0.5)).collect()
            })
            .collect();
        Self { draws, types, slower }
    }

    /// A normally distributed number (Box and Muller, 1958).
    fn normal(&mut self) -> f64 {
        let (one, other) = (self.draws.unit().max(1e-12), self.draws.unit());
        (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
    }

    /// A task: its type, who did it, how long that took.
    fn task(&mut self) -> (usize, usize, Span) {
        // Some types and agents are seen much more often than others.
        let (kind, agent) = (self.draws.below(TYPES * 2) % (TYPES + 1) % TYPES, self.draws.below(AGENTS + 4) % AGENTS);
        let (median, spread) = self.types[kind];
        let logarithm = median + self.slower[agent][kind] + spread * self.normal();
        #[allow(clippy::cast_possible_truncation)]
        let micros = (logarithm.exp() * 1e6) as i64;
        (kind, agent, Span::from_micros(micros))
    }
}

/// How often what was foretold held.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    seen: f64,
    half: f64,
    most: f64,
    /// The same while nothing was said of who would do it.
    of_anybody: f64,
    tokens: f64,
}

impl Held {
    fn share(&self, count: f64) -> f64 {
        count / self.seen
    }
}

fn id(agent: usize) -> AgentId {
    AgentId(uuid::Uuid::from_u128(agent as u128 + 1))
}

/// Has the predictor learn `learned` tasks and foretell `measured` more, from all of which it goes on learning; in the latter
/// everything takes `times` as long.
fn live(seed: u64, learned: usize, measured: usize, times: i64) -> (Predictor, Held) {
    let (mut truth, mut predictor, mut held) = (Truth::new(seed), Predictor::default(), Held::default());
    for number in 0..learned + measured {
        let (kind, agent, took) = truth.task();
        let (kind, agent) = (timed_kind(&format!("type-{kind}"), false), id(agent));
        let took = if number < learned { took } else { Span::from_micros(took.as_micros() * times) };
        let tokens = took.as_micros().unsigned_abs() / 5_000;
        if number >= learned + measured / 4 {
            let forecast = predictor.forecast(kind, Some(agent)).expect("it is known by now");
            let holds = |limit: Span| f64::from(u8::from(took <= limit));
            held.seen += 1.0;
            held.half += holds(forecast.half);
            held.most += holds(forecast.most);
            held.of_anybody += holds(predictor.most(kind, None).unwrap());
            held.tokens += f64::from(u8::from(tokens <= forecast.tokens.unwrap().1));
        }
        predictor.learn(kind, agent, took, Some(tokens));
        if let Some((version, state)) = predictor.next_version() {
            predictor = Predictor::restore(version.version, &state);
        }
    }
    (predictor, held)
}

#[test]
fn nine_of_ten_hold_on_what_was_not_seen() {
    for seed in 1..=8 {
        let (predictor, held) = live(seed, 600, 2400, 1);
        for (what, count) in [("most", held.most), ("of anybody", held.of_anybody), ("tokens", held.tokens)] {
            let share = held.share(count);
            assert!((0.85..=0.95).contains(&share), "seed {seed}: {what} {share}");
        }
        let half = held.share(held.half);
        assert!((0.42..=0.58).contains(&half), "seed {seed}: {half}");
        let (version, _) = predictor.reviewed().unwrap_or(predictor).next_version().unwrap();
        assert_eq!(version.in_force, "types+agents; tokens: types+agents", "seed {seed}: {version:?}");
    }
}

#[test]
fn nine_of_ten_hold_again_after_everything_has_changed() {
    for seed in 1..=4 {
        let (_, held) = live(seed, 2000, 2400, 5);
        let share = held.share(held.most);
        assert!((0.85..=0.95).contains(&share), "seed {seed}: {share}");
    }
}

#[test]
fn the_same_outcomes_teach_the_same_and_agents_differ() {
    let (one, _) = live(3, 1500, 4, 1);
    let (other, _) = live(3, 1500, 4, 1);
    assert_eq!(one, other);
    let truth = Truth::new(3);
    // Where one agent is half as fast as another with the most frequent type, that is foretold.
    let kind = timed_kind("type-0", false);
    let by_speed = |better: bool| {
        let slower = |agent: &usize| truth.slower[*agent][0];
        let agents = 0..AGENTS;
        let order = |a: &usize, b: &usize| slower(a).total_cmp(&slower(b));
        if better { agents.min_by(order).unwrap() } else { agents.max_by(order).unwrap() }
    };
    let half = |agent: usize| one.forecast(kind, Some(id(agent))).unwrap().half;
    assert!(half(by_speed(true)) < half(by_speed(false)));
}

const HUNDRED: &str = r#"
[[cage]]
id = "001"
limits = { cpu = 100 }

[[agent]]
name = "ann"
cage = "001"
concurrency = 1000
runtime = { type = "command", command = ["work"] }
"#;

fn of_type(kind: &str, cores: u64) -> NewTask {
    NewTask { kind: kind.to_owned(), requirements: sized(cores, 0).requirements, ..bare() }
}

/// A fleet of one agent that has done so many tasks, every second of which took long.
fn taught(count: usize) -> World {
    let mut world = World::with_capacity(Capacity { cpu_millis: 100_000, ..CAPACITY }, HUNDRED);
    teach(&mut world, count);
    world
}

fn teach(world: &mut World, count: usize) {
    for round in 0..count {
        let (kind, seconds) = if round % 2 == 0 { ("long", 1000) } else { ("short", 10) };
        let id = world.submit(of_type(kind, 1));
        world.schedule();
        world.start(id);
        world.pass(Span::from_secs(seconds));
        world.finish_with(id, Outcome { tokens_used: Some(700), ..Outcome::new(OutcomeKind::Succeeded, "") });
    }
}

/// The versions of the predictor, by number and outcomes.
fn versions(world: &World) -> Vec<(u32, u64)> {
    let versions = world.records.iter().filter_map(|record| match &record.event {
        Event::ModelVersioned(event) if event.version.model == ModelKind::Predictor => Some(&event.version),
        _ => None,
    });
    versions.map(|version| (version.version, version.lessons)).collect()
}

#[test]
fn a_gap_is_filled_by_what_took_short_before() {
    for (outcomes, expected) in [(30, false), (40, true)] {
        let mut world = taught(outcomes);
        let first = world.submit(of_type("long", 60));
        world.schedule();
        world.start(first);
        world.pass(Span::from_secs(500));
        let wide = world.submit(of_type("long", 80));
        let long = world.submit(of_type("long", 30));
        let short = world.submit(of_type("short", 30));
        // Forty cores are free. The wide one needs sixty more and leaves twenty over, so what is to go before it has to be gone
        // when the first one is.
        let started = world.schedule();
        if !expected {
            assert_eq!(started, [long], "nothing is foretold yet, and nobody has lost patience");
            continue;
        }
        assert_eq!(started, [short]);
        world.assert_durable();
        world.pass(Span::from_secs(20));
        world.finish(short, OutcomeKind::Succeeded);
        assert_eq!(world.schedule(), []);
        world.pass(Span::from_secs(480));
        world.finish(first, OutcomeKind::Succeeded);
        assert_eq!(world.schedule(), [wide]);
        world.assert_durable();
    }
}

#[test]
fn what_the_task_says_itself_counts_and_not_what_was_learned() {
    let mut world = taught(40);
    let first = world.submit(of_type("long", 60));
    let _wide = world.submit(of_type("long", 80));
    let said = world.submit(NewTask { estimate: Some(Span::from_secs(5)), ..of_type("long", 30) });
    let denied = world.submit(NewTask { estimate: Some(Span::from_secs(5000)), ..of_type("short", 10) });
    assert_eq!(world.schedule(), [first, said, denied], "there are twenty left over beside the wide one");
    let explained = world.core.explain(world.now, said).unwrap();
    assert!(explained.reasons.iter().all(|reason| reason.kind != ReasonKind::Duration), "{explained:?}");
    // A timeout is no estimate: it is the most that it can be.
    let mut world = taught(40);
    let first = world.submit(of_type("long", 60));
    let _wide = world.submit(of_type("long", 80));
    let limited = world.submit(NewTask { timeout: Some(Span::from_secs(5)), ..of_type("long", 30) });
    let loose = world.submit(NewTask { timeout: Some(Span::from_secs(90_000)), ..of_type("long", 5) });
    let short = world.submit(NewTask { timeout: Some(Span::from_secs(90_000)), ..of_type("short", 5) });
    assert_eq!(world.schedule(), [first, limited, loose, short]);
    world.assert_durable();
}

#[test]
fn explain_says_how_long_and_why_and_when_it_starts() {
    let mut world = taught(40);
    let first = world.submit(of_type("long", 60));
    let wide = world.submit(of_type("short", 80));
    world.schedule();
    world.start(first);
    let explained = world.core.explain(world.now, wide).unwrap();
    let texts: Vec<_> = explained.reasons.iter().map(|reason| reason.text.as_str()).collect();
    let length = explained.reasons.iter().find(|reason| reason.kind == ReasonKind::Duration).unwrap();
    assert!(length.text.contains("by 16 of type short that succeeded, half take up to "), "{}", length.text);
    assert!(length.text.contains("tokens") && !length.blocking, "{}", length.text);
    let starts = explained.expected_start.unwrap().since(world.now);
    assert!((900..1300).contains(&(starts.as_micros() / 1_000_000)), "{starts:?}");
    assert!(texts.iter().any(|text| text.contains("by how long the like of what runs there took")), "{texts:?}");
    let running = world.core.explain(world.now, first).unwrap();
    let length = running.reasons.iter().find(|reason| reason.kind == ReasonKind::Duration).unwrap();
    assert!(length.text.contains("of type long"), "{}", length.text);
    // Of a type that nobody has done nothing is said.
    let other = world.submit(of_type("other", 80));
    let explained = world.core.explain(world.now, other).unwrap();
    assert!(explained.reasons.iter().all(|reason| reason.kind != ReasonKind::Duration), "{explained:?}");
}

#[test]
fn a_deadline_is_at_risk_by_what_was_learned() {
    let mut world = taught(40);
    let within = |world: &World, seconds: i64| Some(When::At(world.now.plus(Span::from_secs(seconds))));
    let late = world.submit(NewTask { deadline: within(&world, 700), ..of_type("long", 1) });
    let fine = world.submit(NewTask { deadline: within(&world, 690), ..of_type("short", 1) });
    let due = world.core.view_overview(world.now, Span::from_secs(600), 10).due;
    // It is looked as far ahead as anything takes.
    assert_eq!(due.iter().map(|due| due.task_id).collect::<Vec<_>>(), [fine, late]);
    assert!(due.iter().all(|due| due.foretold.is_some() && due.estimate.is_none()));
    let foretold: Vec<_> = due.iter().filter_map(|due| due.foretold).collect();
    assert!(foretold[0] < Span::from_secs(690) && foretold[1] > Span::from_secs(900), "{foretold:?}");
    assert_eq!(world.core.vitals(world.now).due, due);
    world.schedule();
    let running = world.core.view_overview(world.now, Span::from_secs(600), 10).due;
    assert!(running[1].running_since.is_some() && running[1].foretold > Some(Span::from_secs(900)), "{running:?}");
}

#[test]
fn what_was_learned_comes_back_from_the_journal() {
    let mut world = taught(31);
    assert_eq!(versions(&world), []);
    world.assert_durable();
    teach(&mut world, 1);
    assert_eq!(versions(&world), [(1, 32)]);
    world.assert_durable();
    // What runs while another version comes is expected to end otherwise from then on.
    let running = world.submit(of_type("long", 1));
    world.schedule();
    world.start(running);
    teach(&mut world, 70);
    assert_eq!(versions(&world), [(1, 32), (2, 96)]);
    world.assert_durable();
    world.finish(running, OutcomeKind::Failed);
    assert_eq!(versions(&world).len(), 2);
    // Only who succeeds says how long it takes.
    let past = super::snapshot::of(&world).past;
    assert_eq!(past.lessons.iter().filter(|lesson| matches!(lesson, PastLesson::Took { .. })).count(), 6);
    world.command(Command::RemoveAgents { ids: vec![world.agent("ann")] }).unwrap();
    world.assert_durable();
}

#[test]
fn a_version_can_be_made_and_gone_back_to() {
    let mut world = taught(0);
    let model = ModelKind::Predictor;
    assert_eq!(world.command(Command::TrainModel { model }).unwrap_err().kind, RefusalKind::Conflict);
    teach(&mut world, 40);
    world.command(Command::TrainModel { model }).unwrap();
    world.assert_durable();
    teach(&mut world, 4);
    world.command(Command::RollBackModel { model, version: 1 }).unwrap();
    assert_eq!(versions(&world), [(1, 32), (2, 40), (3, 44), (4, 32)]);
    world.assert_durable();
    let states = world.records.iter().filter_map(|record| match &record.event {
        Event::ModelVersioned(event) => Some(&event.state),
        _ => None,
    });
    let of_predictor: Vec<_> = states.filter(|state| matches!(state, ModelState::Predictor(_))).collect();
    assert_eq!(of_predictor[0], of_predictor[3]);
    let unknown = world.command(Command::RollBackModel { model, version: 9 }).unwrap_err();
    assert_eq!(unknown.kind, RefusalKind::NotFound);
}
