//! What a quantity will be, one observation at a time: its logarithm is what all have in common, plus what a type of task has
//! of its own, plus what an agent has, plus what the agent has with the type, each the nearer to nothing the less is known of
//! it (hierarchical shrinkage by Bayesian linear regression with independent effects; West and Harrison, "Bayesian Forecasting
//! and Dynamic Models", 1997). Evidence has a ceiling, so that old observations fade.
//!
//! How far off that is makes the quantiles, for each type of its own: a mean distance, and by how many of those the median
//! and the ninth decile are apart from the mean. These follow from nothing but how often they held: a step up where the
//! quantity was larger, a step down where it was not, in the ratio that balances when as many hold as should (Gibbs and
//! Candes, "Adaptive conformal inference under distribution shift", 2021). So they hold in the long run whatever the
//! distribution is.
//!
//! Everything is kept as whole numbers, so that it comes back from the journal as it was.

use std::collections::BTreeMap;

use super::features::{ALWAYS, Feature};
use super::regression::Whose;
use crate::domain::AgentId;
use crate::domain::learning::{EffectState, GuessState, SpreadState};

/// Variances of what is not known yet, in those of what cannot be known: of what all have in common, of a type, of an agent
/// with all types, of an agent with a type.
const COMMON: f64 = 100.0;
const OF_TYPE: f64 = 16.0;
const OF_AGENT: f64 = 2.0;
const OF_PAIR: f64 = 1.0;
/// The most observations that an effect rests on.
pub(super) const CASES_MAX: u32 = 60;
/// So many effects are kept. Those that rest on the least go first.
pub(super) const EFFECTS_MAX: usize = 32_768;
/// How many observations the mean distance that a type begins with counts for, and the most that one rests on.
const SCALE_CASES: (u32, u32) = (8, 128);
/// The least that a mean distance is: what always takes the same is not thought to do so to the last hundredth.
const SCALE_LEAST: f64 = 0.01;
/// The steps by which quantiles move, in mean distances: the second at the first observation, later the first.
const STEP: (f64, f64) = (0.06, 0.25);
/// How many observations it takes to halve the difference between these.
const STEP_CASES: f64 = 8.0;
/// The logarithm beyond which nothing is foretold: thirty years in microseconds.
const LARGEST: f64 = 34.0;

/// How much a guess looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Depth {
    /// All tasks are alike.
    All,
    /// Types of tasks.
    Types,
    /// Agents with types of tasks.
    Agents,
}

impl Depth {
    pub(super) const ALL: [Self; 3] = [Self::All, Self::Types, Self::Agents];
}

/// What is thought of one effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Effect {
    /// In ten-thousandths.
    mean: i32,
    /// How many observations it rests on.
    cases: u32,
}

impl Effect {
    fn mean(self) -> f64 {
        f64::from(self.mean) / 1e4
    }

    fn variance(self, prior: f64) -> f64 {
        1.0 / (1.0 / prior + f64::from(self.cases))
    }
}

/// How far off guesses are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Spread {
    /// How many observations it has seen.
    cases: u32,
    /// The mean distance, in ten-thousandths.
    scale: u32,
    /// By how many mean distances the median is above the guess, in ten-thousandths.
    half: i32,
    /// The same of the ninth decile.
    most: i32,
}

impl Default for Spread {
    /// Before anything is known: a factor of e in the mean, normally distributed.
    fn default() -> Self {
        Self { cases: 0, scale: 10_000, half: 0, most: 16_000 }
    }
}

impl Spread {
    fn scale(self) -> f64 {
        f64::from(self.scale) / 1e4
    }

    fn quantiles(self, guess: f64, width: f64) -> Quantiles {
        let at = |offset: i32| (guess + self.scale() * width * f64::from(offset) / 1e4).clamp(0.0, LARGEST);
        Quantiles { half: at(self.half), most: at(self.most.max(self.half)) }
    }

    /// Takes in by how much an observation was above the guess; `width` is how much further off it could be for what was
    /// not known.
    fn learn(&mut self, above: f64, width: f64) {
        let distances = above / (self.scale() * width);
        let cases = f64::from(self.cases);
        let step = STEP.0 + (STEP.1 - STEP.0) * STEP_CASES / (cases + STEP_CASES);
        let moved = |offset: i32, share: f64| {
            let by = step * if distances > f64::from(offset) / 1e4 { share } else { share - 1.0 };
            ten_thousandths(f64::from(offset) / 1e4 + by, 50.0)
        };
        (self.half, self.most) = (moved(self.half, 0.5), moved(self.most, 0.9));
        let rests_on = f64::from(self.cases.saturating_add(SCALE_CASES.0).min(SCALE_CASES.1));
        let scale = self.scale() + (above.abs() / width - self.scale()) / rests_on;
        self.scale = ten_thousandths(scale.max(SCALE_LEAST), 50.0).unsigned_abs();
        self.cases = self.cases.saturating_add(1);
    }
}

/// In ten-thousandths, at most so far from 0.
fn ten_thousandths(value: f64, most: f64) -> i32 {
    // What is no number becomes 0; the rest is within the range.
    #[allow(clippy::cast_possible_truncation)]
    let whole = (value.clamp(-most, most) * 1e4).round() as i32;
    whole
}

/// The logarithms of what half of all and nine of ten are thought not to exceed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quantiles {
    pub(super) half: f64,
    pub(super) most: f64,
}

/// A guess.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Guess {
    depth: Depth,
    effects: BTreeMap<(Feature, Whose), Effect>,
    /// By type; of all together [`ALWAYS`].
    spreads: BTreeMap<Feature, Spread>,
}

impl Guess {
    pub(super) fn new(depth: Depth) -> Self {
        Self { depth, effects: BTreeMap::new(), spreads: BTreeMap::new() }
    }

    /// The effects of a case, each with its variance while nothing is known.
    fn parts(&self, kind: Feature, agent: Whose) -> impl Iterator<Item = ((Feature, Whose), f64)> + use<> {
        let of_type = (self.depth >= Depth::Types).then_some(((kind, None), OF_TYPE));
        let agent = agent.filter(|_| self.depth >= Depth::Agents);
        let of_agent = agent.map(|agent| [((ALWAYS, Some(agent)), OF_AGENT), ((kind, Some(agent)), OF_PAIR)]);
        [((ALWAYS, None), COMMON)].into_iter().chain(of_type).chain(of_agent.into_iter().flatten())
    }

    /// The mean, and its variance in those of what cannot be known.
    fn mean(&self, kind: Feature, agent: Whose) -> (f64, f64) {
        self.parts(kind, agent).fold((0.0, 0.0), |(mean, variance), (key, prior)| {
            let effect = self.effects.get(&key).copied().unwrap_or_default();
            (mean + effect.mean(), variance + effect.variance(prior))
        })
    }

    /// The spread of a type; while nothing is known of it that of all.
    fn spread(&self, kind: Feature) -> Spread {
        let of_type = self.spreads.get(&kind).filter(|_| self.depth >= Depth::Types);
        of_type.or_else(|| self.spreads.get(&ALWAYS)).copied().unwrap_or_default()
    }

    /// What is to be expected of a type of task with an agent, or with any.
    pub(super) fn quantiles(&self, kind: Feature, agent: Whose) -> Quantiles {
        let (mean, variance) = self.mean(kind, agent);
        self.spread(kind).quantiles(mean, (1.0 + variance).sqrt())
    }

    /// Learns the logarithm that there was. Says what it had expected.
    pub(super) fn learn(&mut self, kind: Feature, agent: AgentId, value: f64) -> Quantiles {
        let (mean, variance) = self.mean(kind, Some(agent));
        let (above, width) = (value - mean, (1.0 + variance).sqrt());
        let mut spread = self.spread(kind);
        let expected = spread.quantiles(mean, width);
        for (key, prior) in self.parts(kind, Some(agent)) {
            if self.effects.len() < EFFECTS_MAX || self.effects.contains_key(&key) {
                let effect = self.effects.entry(key).or_default();
                let gain = effect.variance(prior) / (1.0 + variance);
                effect.mean = ten_thousandths(effect.mean() + gain * above, 50.0);
                effect.cases = (effect.cases + 1).min(CASES_MAX);
            }
        }
        self.spreads.entry(ALWAYS).or_default().learn(above, width);
        if self.effects.contains_key(&(kind, None)) {
            // A type begins with what is known of all, and with no observation of its own.
            spread.cases = self.spreads.get(&kind).map_or(0, |own| own.cases);
            spread.learn(above, width);
            self.spreads.insert(kind, spread);
        }
        expected
    }

    /// The types that were seen, and how often each was.
    pub(super) fn types(&self) -> impl Iterator<Item = (Feature, u32)> {
        self.spreads.iter().filter(|(kind, _)| **kind != ALWAYS).map(|(kind, spread)| (*kind, spread.cases))
    }

    /// The agents that were seen with types, and on how many observations it rests.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (Feature, AgentId, u32)> {
        let of_types = self.effects.iter().filter(|((kind, _), _)| *kind != ALWAYS);
        of_types.filter_map(|((kind, agent), effect)| Some((*kind, (*agent)?, effect.cases)))
    }

    /// Forgets an agent that is no more.
    pub(super) fn forget(&mut self, agent: AgentId) {
        self.effects.retain(|(_, of), _| *of != Some(agent));
    }

    /// Drops the half that rests on the least, if there is little room left.
    pub(super) fn prune(&mut self) {
        if self.effects.len() < EFFECTS_MAX / 4 * 3 {
            return;
        }
        let mut cases: Vec<_> = self.effects.values().map(|effect| effect.cases).collect();
        cases.sort_unstable();
        let median = cases[cases.len() / 2];
        self.effects.retain(|key, effect| *key == (ALWAYS, None) || effect.cases > median);
        let effects = &self.effects;
        self.spreads.retain(|kind, _| *kind == ALWAYS || effects.contains_key(&(*kind, None)));
    }

    /// How many effects it has.
    pub(super) fn len(&self) -> usize {
        self.effects.len()
    }

    /// Whose effects it has.
    pub(super) fn agents(&self) -> impl Iterator<Item = AgentId> {
        self.effects.keys().filter_map(|(_, agent)| *agent)
    }

    /// Everything that it has learned, in order, with agents by their place among `agents`, which are in order.
    pub(super) fn state(&self, agents: &[AgentId]) -> GuessState {
        let place = |agent: &Whose| match agent {
            Some(agent) => agents.binary_search(agent).map_or(0, |place| place + 1),
            None => 0,
        };
        let effects = self.effects.iter().map(|((feature, agent), effect)| {
            EffectState(*feature, u32::try_from(place(agent)).unwrap_or(0), effect.mean, effect.cases)
        });
        let spreads = self.spreads.iter().map(|(kind, spread)| {
            let Spread { cases, scale, half, most } = *spread;
            SpreadState(*kind, cases, scale, half, most)
        });
        GuessState { effects: effects.collect(), spreads: spreads.collect() }
    }

    /// Takes up what it had learned.
    pub(super) fn restore(depth: Depth, state: &GuessState, agents: &[AgentId]) -> Self {
        let effect = |EffectState(feature, agent, mean, cases): &EffectState| {
            let agent = (*agent as usize).checked_sub(1).and_then(|place| agents.get(place)).copied();
            ((*feature, agent), Effect { mean: *mean, cases: *cases })
        };
        let spread = |SpreadState(kind, cases, scale, half, most): &SpreadState| {
            // Whatever was written, nothing is divided by nothing.
            (*kind, Spread { cases: *cases, scale: (*scale).max(1), half: *half, most: *most })
        };
        Self {
            depth,
            effects: state.effects.iter().map(effect).collect(),
            spreads: state.spreads.iter().map(spread).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(agent: u32) -> AgentId {
        AgentId(Uuid::from_u128(u128::from(agent) + 1))
    }

    #[test]
    fn an_agent_that_is_slow_with_a_type_is_told_from_the_others() {
        let mut guess = Guess::new(Depth::Agents);
        for round in 0..200_u32 {
            for (agent, kind, value) in [(0, 5, 2.0), (1, 5, 4.0), (0, 6, 7.0), (1, 6, 7.0)] {
                guess.learn(kind, id(agent), value + if round % 2 == 0 { 0.1 } else { -0.1 });
            }
        }
        for (agent, kind, value) in [(0, 5, 2.0), (1, 5, 4.0), (0, 6, 7.0), (1, 6, 7.0)] {
            let found = guess.quantiles(kind, Some(id(agent)));
            assert!((found.half - value).abs() < 0.2 && found.most >= found.half, "{agent} {kind} {found:?}");
            assert!((found.most - value) < 0.4, "{agent} {kind} {found:?}");
        }
        // Of who is new with it less is known.
        let (known, new) = (guess.quantiles(5, Some(id(0))), guess.quantiles(5, Some(id(9))));
        assert!(new.most - new.half > 1.2 * (known.most - known.half), "{known:?} {new:?}");
    }

    #[test]
    fn what_has_changed_is_learned_anew() {
        let mut guess = Guess::new(Depth::Types);
        for round in 0..2200 {
            guess.learn(5, id(0), if round < 2000 { 2.0 } else { 6.0 });
        }
        let found = guess.quantiles(5, None);
        assert!((found.half - 6.0).abs() < 0.3 && found.most >= 5.9, "{found:?}");
    }

    #[test]
    fn it_has_a_size_that_is_not_exceeded_and_comes_back_as_it_was() {
        let mut guess = Guess::new(Depth::Agents);
        for round in 0..40_000_u32 {
            guess.learn(1 + round % 9000, id(round % 1000), f64::from(round % 10));
            if round % 1024 == 0 {
                guess.prune();
            }
        }
        assert!(guess.len() <= EFFECTS_MAX && guess.spreads.len() <= EFFECTS_MAX + 1, "{}", guess.len());
        let agents: Vec<_> = guess.agents().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
        assert_eq!(Guess::restore(Depth::Agents, &guess.state(&agents), &agents), guess);
        guess.forget(id(5));
        assert!(guess.agents().all(|agent| agent != id(5)));
    }
}
