//! What the policy makes of outcomes whose truth is known, because they are made up here.

use std::collections::BTreeMap;

use super::world::*;
use crate::domain::event::ModelVersioned;
use crate::domain::learning::{EffectChange, EffectState, ModelKind, ModelState};
use crate::domain::{Command, Event, NewTask, OutcomeKind, RefusalKind};
use crate::engine::core::rehearsal::{Outcome, Question, Rehearsal};

/// `SplitMix64` (Steele, Lea and Flood, 2014), so that a seed is a whole test.
pub struct Draws(pub u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count as u64).unwrap()
    }
}

/// What decides whether an agent succeeds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Decides {
    /// The type of task.
    Kind,
    /// What the text is about; the type is the same for all.
    Text,
    /// How often it is done again; the type is the same for all.
    Time,
    /// The agent alone: types and texts mean nothing.
    Agent,
}

const CONTEXTS: usize = 6;
const TASKS: usize = 2000;
/// What is measured afterwards.
const MEASURED: usize = 500;

/// A world in which it is known how likely each agent is to succeed with what.
struct Truth {
    decides: Decides,
    draws: Draws,
    /// By agent, then by context.
    chances: Vec<Vec<f64>>,
    names: Vec<String>,
}

/// A task of that world.
struct Task {
    context: usize,
    kind: String,
    text: String,
}

impl Truth {
    fn new(decides: Decides, agents: usize, seed: u64) -> Self {
        let mut draws = Draws(seed);
        let mut chances: Vec<Vec<f64>> = (0..agents)
            .map(|agent| {
                let base = match decides {
                    Decides::Agent => 0.4 + 0.45 * (agent as f64 + 0.5) / agents as f64,
                    _ => 0.3 + 0.3 * draws.unit(),
                };
                let spread = if decides == Decides::Agent { 0.0 } else { 0.2 };
                (0..CONTEXTS).map(|_| base + spread * (draws.unit() - 0.5)).collect()
            })
            .collect();
        if decides != Decides::Agent {
            // One agent is made for each context, so that no agent is best everywhere.
            for context in 0..CONTEXTS {
                chances[context % agents][context] = 0.9;
            }
        }
        Self { decides, draws, chances, names: (0..agents).map(|agent| format!("agent-{agent}")).collect() }
    }

    fn task(&mut self) -> Task {
        let context = self.draws.below(CONTEXTS);
        let kind = match self.decides {
            Decides::Kind => format!("type-{context}"),
            Decides::Text | Decides::Time => "work".to_owned(),
            Decides::Agent => format!("type-{}", self.draws.below(CONTEXTS)),
        };
        let word = |draws: &mut Draws| match self.decides {
            Decides::Text if draws.below(3) > 0 => format!("topic{context}x{}", draws.below(10)),
            _ => format!("common{}", draws.below(100)),
        };
        let text: Vec<_> = (0..6).map(|_| word(&mut self.draws)).collect();
        let mut text = text.join(" ");
        if self.decides == Decides::Time {
            let [minute, day] = [60, 28].map(|below| self.draws.below(below));
            let times = ["* * * *", "3 * * *", "15 * * *", "9 * * 1", "7 1 * *", "7 1 1 *"][context];
            let times = times.replacen("7 1", &format!("7 {}", day + 1), 1);
            text = format!("{text} at {minute} {times}");
        }
        Task { context, kind, text }
    }

    fn best_single(&self) -> usize {
        let sum = |agent: &usize| self.chances[*agent].iter().sum::<f64>();
        (0..self.names.len()).max_by(|one, other| sum(one).total_cmp(&sum(other))).unwrap()
    }
}

/// What was to be had on average, by whoever chose.
#[derive(Debug, Default)]
struct Had {
    policy: f64,
    single: f64,
    oracle: f64,
}

impl Had {
    fn closed(&self) -> f64 {
        (self.policy - self.single) / (self.oracle - self.single)
    }
}

/// Has the real selection choose; gives what it had while it learned, and afterwards.
fn live(decides: Decides, agents: usize, seed: u64) -> (Had, Had) {
    let mut truth = Truth::new(decides, agents, seed);
    let single = truth.best_single();
    let (mut rehearsal, mut first, mut later) = (Rehearsal::default(), Had::default(), Had::default());
    for number in 0..TASKS + MEASURED {
        let task = truth.task();
        let names: Vec<_> = truth.names.iter().map(String::as_str).collect();
        let question = Question { text: &task.text, kind: &task.kind };
        let chosen = rehearsal.choose(question, &names).unwrap().chosen;
        let had = if number < TASKS { &mut first } else { &mut later };
        let chance = |agent: usize| truth.chances[agent][task.context];
        had.policy += chance(chosen);
        had.single += chance(single);
        had.oracle += (0..agents).map(chance).fold(0.0, f64::max);
        let success = truth.draws.unit() < truth.chances[chosen][task.context];
        rehearsal.learn(question, &truth.names[chosen], Outcome { success, micros: None });
    }
    (first, later)
}

#[test]
fn where_the_type_decides_most_of_the_gap_to_the_oracle_is_closed() {
    for seed in 1..=5 {
        let (first, later) = live(Decides::Kind, 8, seed);
        assert!(first.closed() > 0.6, "seed {seed}: {} while it learned", first.closed());
        assert!(later.closed() > 0.8, "seed {seed}: {} afterwards", later.closed());
    }
}

#[test]
fn where_the_text_decides_most_of_the_gap_to_the_oracle_is_closed() {
    for seed in 1..=5 {
        let (_, later) = live(Decides::Text, 8, seed);
        assert!(later.closed() > 0.6, "seed {seed}: {}", later.closed());
    }
}

#[test]
fn where_it_decides_how_often_something_is_done_most_of_the_gap_to_the_oracle_is_closed() {
    for seed in 1..=5 {
        let (_, later) = live(Decides::Time, 8, seed);
        assert!(later.closed() > 0.6, "seed {seed}: {}", later.closed());
    }
}

#[test]
fn where_context_means_nothing_little_is_lost_to_the_best_single_agent() {
    for seed in 1..=5 {
        let (_, later) = live(Decides::Agent, 8, seed);
        assert!(later.policy > 0.97 * later.single, "seed {seed}: {} of {}", later.policy, later.single);
    }
}

#[test]
fn the_same_outcomes_teach_the_same() {
    let (one, other) = (live(Decides::Text, 5, 9), live(Decides::Text, 5, 9));
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
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

/// Has tasks of two types done, and gives how many of them succeeded. No agent fails so often in a row that it gets a pause.
fn work(world: &mut World, tasks: usize) -> usize {
    let mut successes = 0;
    for round in 0..tasks {
        let kind = if round % 2 == 0 { "sql" } else { "web" };
        let id = world.submit(NewTask { kind: kind.to_owned(), max_attempts: 1, ..bare() });
        world.schedule();
        let good = (world.place(id).0 == "ann") == (kind == "sql");
        world.finish(id, if good { OutcomeKind::Succeeded } else { OutcomeKind::Failed });
        world.command(Command::ResumeAgents { ids: vec![world.agent("ann"), world.agent("ben")] }).ok();
        successes += usize::from(good);
    }
    successes
}

/// The versions of the policy.
fn versions(world: &World) -> Vec<&ModelVersioned> {
    let of_models = world.records.iter().filter_map(|record| match &record.event {
        Event::ModelVersioned(event) if event.version.model == ModelKind::Policy => Some(event),
        _ => None,
    });
    of_models.collect()
}

#[test]
fn what_the_scheduler_learned_is_in_the_journal_and_comes_back_from_it() {
    let mut world = World::new(FLEET);
    work(&mut world, 31);
    assert!(versions(&world).is_empty());
    world.assert_durable();
    work(&mut world, 1);
    assert_eq!(versions(&world)[0].version.lessons, 32);
    world.assert_durable();
    work(&mut world, 80);
    assert_eq!(versions(&world).len(), 2, "the second after 64 more");
    world.assert_durable();
    assert!(work(&mut world, 20) >= 18);
}

#[test]
fn a_version_can_be_made_and_gone_back_to() {
    let mut world = World::new(FLEET);
    let model = ModelKind::Policy;
    let refused = world.command(Command::TrainModel { model }).unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Conflict, "there is nothing to learn from");
    assert!(world.command(Command::TrainModel { model: ModelKind::Predictor }).is_err());
    work(&mut world, 10);
    world.command(Command::TrainModel { model }).unwrap();
    assert_eq!(versions(&world)[0].version.batch, 10);
    world.assert_durable();
    work(&mut world, 5);
    let unknown = world.command(Command::RollBackModel { model, version: 7 }).unwrap_err();
    assert_eq!(unknown.kind, RefusalKind::NotFound);
    world.command(Command::RollBackModel { model, version: 1 }).unwrap();
    let made = versions(&world);
    let numbers: Vec<_> = made.iter().map(|one| (one.version.version, one.version.lessons)).collect();
    assert_eq!(numbers, [(1, 10), (2, 15), (3, 10)], "what was learned since is kept as a version of its own");
    let learned = |place: usize| match &made[place].state {
        ModelState::Policy(state) => state.candidates.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(learned(2), learned(0));
    world.assert_durable();
}

#[test]
fn going_back_to_the_factors_alone_leaves_nothing_learned_in_scores() {
    let mut world = World::new(FLEET);
    let model = ModelKind::Policy;
    work(&mut world, 32);
    assert_eq!(versions(&world)[0].version.in_force, "factors", "{:?}", versions(&world)[0].version);
    let learned = |world: &World| {
        let kinds = ["sql", "web"].into_iter();
        let found = kinds.flat_map(|kind| world.core.recommend("", kind, Some(world.user), 2).items);
        found.map(|item| (item.name, item.learned.value)).collect::<Vec<_>>()
    };
    let nothing = |world: &World| learned(world).iter().all(|(_, value)| value.abs() < 1e-9);
    work(&mut world, 100);
    assert!(!nothing(&world), "something has foretold better");
    world.command(Command::RollBackModel { model, version: 1 }).unwrap();
    assert!(nothing(&world), "{:?}", learned(&world));
    let item = world.core.recommend("", "sql", None, 1).items.remove(0);
    let factors: f64 = item.factors.iter().map(|factor| factor.weight * factor.counted).sum();
    assert!((item.score - factors).abs() < 1e-5, "{item:?}");
    world.assert_durable();
    // It goes on learning from there, and is nothing until that foretells better.
    work(&mut world, 63);
    assert!(nothing(&world), "{:?}", learned(&world));
    world.assert_durable();
}

#[test]
fn what_was_learned_says_that_ratings_are_in_it() {
    let mut world = World::new(FLEET);
    work(&mut world, 40);
    let evidence = |world: &World, agent: &str| {
        let found = world.core.recommend("", "sql", None, 2).items;
        found.into_iter().find(|item| item.name == agent).unwrap().learned.evidence
    };
    assert!(evidence(&world, "ann").contains("; 40 outcomes; -0."), "{}", evidence(&world, "ann"));
    let id = world.submit(NewTask { agent: Some("ann".into()), ..bare() });
    world.schedule();
    world.finish(id, OutcomeKind::Succeeded);
    world.command(Command::RateTasks { ids: vec![id], rating: Some(1), note: None }).unwrap();
    let said = evidence(&world, "ann");
    assert!(said.contains("; 41 outcomes and 1 rating of its work; -0.") && said.ends_with("(exploration)"), "{said}");
    assert!(evidence(&world, "ben").contains("; 41 outcomes; -0."), "{}", evidence(&world, "ben"));
}

#[test]
fn a_rating_that_is_taken_back_leaves_what_is_thought_as_it_was_however_often() {
    let mut world = World::new(FLEET);
    work(&mut world, 40);
    let id = world.submit(NewTask { agent: Some("ann".into()), ..bare() });
    world.schedule();
    world.finish(id, OutcomeKind::Succeeded);
    let rate = |rating| Command::RateTasks { ids: vec![id], rating, note: None };
    // By candidate, feature and agent what is thought, in logits, and what it rests on.
    let thought = |world: &World| {
        let candidates = world.core.selection.policy().state().candidates;
        let effects = candidates.iter().enumerate().flat_map(|(place, candidate)| {
            candidate.effects.iter().map(move |effect| ((place, effect.0, effect.1), effect))
        });
        effects
            .map(|(key, effect)| (key, (f64::from(effect.2) / 1e4, f64::from(effect.3) / 1e3)))
            .collect::<BTreeMap<_, _>>()
    };
    let apart = |one: &BTreeMap<_, (f64, f64)>, other: &BTreeMap<_, (f64, f64)>| {
        let of = |map: &BTreeMap<_, (f64, f64)>, key| map.get(key).copied().unwrap_or_default();
        let keys = one.keys().chain(other.keys());
        let differences = keys.map(|key| {
            let (one, other) = (of(one, key), of(other, key));
            (one.0 - other.0).abs().max((one.1 - other.1).abs())
        });
        differences.fold(0.0, f64::max)
    };
    let before = thought(&world);
    world.command(rate(Some(1))).unwrap();
    let rated = apart(&before, &thought(&world));
    assert!(rated > 0.1, "it teaches: {rated}");
    world.command(rate(None)).unwrap();
    let once = apart(&before, &thought(&world));
    assert!(once < rated / 20.0, "and untaught: {rated} {once}");
    for _ in 0..10 {
        world.command(rate(Some(5))).unwrap();
        world.command(rate(None)).unwrap();
    }
    let often = apart(&before, &thought(&world));
    assert!(often < rated / 10.0, "however often: {rated} {often}");
    world.assert_durable();
}

#[test]
fn a_rating_teaches_less_the_more_often_one_gives_it() {
    let mut world = World::new(FLEET);
    let mut weights = vec![];
    for _ in 0..4 {
        let id = world.submit(NewTask { agent: Some("ann".into()), ..bare() });
        world.schedule();
        world.finish(id, OutcomeKind::Succeeded);
        world.command(Command::RateTasks { ids: vec![id], rating: Some(1), note: None }).unwrap();
        world.command(Command::RateTasks { ids: vec![id], rating: Some(2), note: None }).unwrap();
        let rated = world.records.iter().rev().filter_map(|record| match &record.event {
            Event::TaskRated(event) => Some((event.rating, event.taught.clone().unwrap())),
            _ => None,
        });
        let [changed, taken_back, first] = &rated.take(3).collect::<Vec<_>>()[..] else { panic!() };
        assert_eq!(
            (first.0, taken_back.0, changed.0),
            (Some(1), None, Some(2)),
            "it is taken back and another is given"
        );
        assert_eq!(first.1, taken_back.1, "with just what it had changed");
        // On how much more an agent's own effect rests.
        let EffectChange(.., evidence) = first.1.0[1].iter().find(|change| change.1).unwrap();
        weights.push(*evidence);
    }
    assert!(weights.windows(2).all(|pair| pair[1] < pair[0]) && weights[3] * 4 < weights[0], "{weights:?}");
    world.assert_durable();
    world.command(Command::RemoveAgents { ids: vec![world.agent("ann")] }).unwrap();
    world.assert_durable();
}

#[test]
fn ratings_that_were_changed_and_taken_back_leave_nothing_and_grant_nothing() {
    let mut world = World::new(FLEET);
    let mut finished = || {
        let id = world.submit(NewTask { kind: "sql".to_owned(), agent: Some("ann".into()), ..bare() });
        world.schedule();
        world.finish(id, OutcomeKind::Succeeded);
        id
    };
    let (first, second) = (finished(), finished());
    // The effects of each candidate, in logits. A score counts besides how much was seen in all.
    let learned = |world: &World| -> Vec<f64> {
        let candidates = world.core.selection.policy().state().candidates;
        let sum = |effects: &[EffectState]| effects.iter().map(|effect| f64::from(effect.2) / 1e4).sum::<f64>();
        candidates.iter().map(|one| sum(&one.effects)).collect()
    };
    let rate = |world: &mut World, id, rating| {
        world.command(Command::RateTasks { ids: vec![id], rating, note: None }).unwrap();
        world.assert_durable();
    };
    let apart =
        |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max);
    let before = learned(&world);
    // How well the candidates foretell is judged by executions alone: nobody votes one out of force, or makes versions.
    let judged = |world: &World| {
        let state = world.core.selection.policy().state();
        (state.lessons, state.since, state.candidates.iter().map(|one| one.loss).collect::<Vec<_>>())
    };
    let judged_before = judged(&world);
    for _ in 0..20 {
        rate(&mut world, first, Some(5));
        let best = learned(&world);
        rate(&mut world, first, Some(1));
        let worst = learned(&world);
        assert!(worst[1] < best[1], "another rating teaches something else: {best:?} {worst:?}");
        rate(&mut world, first, None);
    }
    let after = learned(&world);
    assert!(apart(&before, &after) < 0.01, "{before:?} {after:?}");
    // In another order than they were given each takes with it what it taught itself.
    for _ in 0..20 {
        for (id, rating) in [(first, Some(5)), (second, Some(1)), (first, None), (second, None)] {
            rate(&mut world, id, rating);
        }
        let after = learned(&world);
        assert!(apart(&before, &after) < 0.01, "{before:?} {after:?}");
    }

    assert_eq!(judged(&world), judged_before);
    // A rating that a version does not know of takes nothing out of it.
    world.command(Command::TrainModel { model: ModelKind::Policy }).unwrap();
    let version = world.core.selection.policy().version();
    world.pass(crate::domain::Span::from_secs(1));
    rate(&mut world, first, Some(1));
    world.pass(crate::domain::Span::from_secs(1));
    world.command(Command::RollBackModel { model: ModelKind::Policy, version }).unwrap();
    let gone_back = learned(&world);
    rate(&mut world, first, None);
    assert_eq!(learned(&world), gone_back, "it went with what came after that version");
}

/// Rates a task as somebody else.
fn rate_as(world: &mut World, uid: u32, task: crate::domain::TaskId, stars: u8) {
    let mut out = crate::engine::core::Decisions::default();
    let other = world.core.user_for(world.now, uid, &format!("user-{uid}"), "host", &mut out);
    world.take(out);
    let me = std::mem::replace(&mut world.user, other);
    world.command(Command::RateTasks { ids: vec![task], rating: Some(stars), note: None }).unwrap();
    world.user = me;
}

#[test]
fn one_user_cannot_dominate_what_others_say() {
    // One person rates every task of ann's with one star; three others rate one of them each, with five.
    let rated = |poisoned: usize, others: u32| {
        let mut world = World::new(FLEET);
        let tasks: Vec<_> = (0..60)
            .map(|_| {
                let id = world.submit(NewTask { kind: "sql".to_owned(), agent: Some("ann".into()), ..bare() });
                world.schedule();
                world.finish(id, OutcomeKind::Succeeded);
                id
            })
            .collect();
        for uid in 0..others {
            rate_as(&mut world, 100 + uid, tasks[uid as usize], 5);
        }
        for id in &tasks[..poisoned] {
            rate_as(&mut world, 666, *id, 1);
        }
        world.assert_durable();
        let found = world.core.recommend("", "sql", None, 2).items;
        let ann = found.into_iter().find(|item| item.name == "ann").unwrap();
        let recent = ann.factors[crate::domain::selection::Factor::RecentSuccess as usize].value.unwrap();
        let candidates = world.core.selection.policy().state().candidates;
        // What the policy thinks of ann herself, in logits, where agents are looked at.
        let effect =
            candidates[1].effects.iter().find(|effect| effect.1 > 0).map_or(0.0, |effect| f64::from(effect.2) / 1e4);
        (recent, effect)
    };
    let (clean, few, many) = (rated(0, 3), rated(4, 3), rated(60, 3));
    // Of the factor, sixty ratings say no more than four, and one of four people.
    assert!((few.0 - many.0).abs() < 0.02, "{few:?} {many:?}");
    assert!(clean.0 - many.0 < 0.25 && many.0 > 0.7, "{clean:?} {many:?}");
    // Of what is learned, all that one person says is little beside sixty successes and what three others say.
    assert!(clean.1 > 0.0 && many.1 > 0.0 && few.1 - many.1 < 0.25 * clean.1, "{clean:?} {few:?} {many:?}");
    let alone = rated(60, 0);
    assert!(alone.0 < many.0, "whoever is alone is not contradicted: {alone:?} {many:?}");
}
