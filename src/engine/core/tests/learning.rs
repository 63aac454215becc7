//! What the policy makes of outcomes whose truth is known, because they are made up here.

use crate::engine::core::trial::{Outcome, Question, Trial};

/// SplitMix64 (Steele, Lea and Flood, 2014), so that a seed is a whole test.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, count: usize) -> usize {
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
            Decides::Text => "work".to_owned(),
            Decides::Agent => format!("type-{}", self.draws.below(CONTEXTS)),
        };
        let word = |draws: &mut Draws| match self.decides {
            Decides::Text if draws.below(3) > 0 => format!("topic{context}x{}", draws.below(10)),
            _ => format!("common{}", draws.below(100)),
        };
        let text: Vec<_> = (0..6).map(|_| word(&mut self.draws)).collect();
        Task { context, kind, text: text.join(" ") }
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
    let (mut trial, mut first, mut later) = (Trial::default(), Had::default(), Had::default());
    for number in 0..TASKS + MEASURED {
        let task = truth.task();
        let names: Vec<_> = truth.names.iter().map(String::as_str).collect();
        let question = Question { text: &task.text, kind: &task.kind };
        let chosen = trial.choose(question, &names).unwrap().chosen;
        let had = if number < TASKS { &mut first } else { &mut later };
        let chance = |agent: usize| truth.chances[agent][task.context];
        had.policy += chance(chosen);
        had.single += chance(single);
        had.oracle += (0..agents).map(chance).fold(0.0, f64::max);
        let success = truth.draws.unit() < truth.chances[chosen][task.context];
        trial.learn(question, &truth.names[chosen], Outcome { success, micros: None });
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
