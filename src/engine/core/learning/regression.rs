//! Bayesian logistic regression, one observation at a time: every effect has a mean and a precision, thought independent of
//! the others (a diagonal Gaussian, updated by one step of an extended Kalman filter for the logit; West, Harrison and Migon,
//! "Dynamic generalized linear models and Bayesian forecasting", 1985). Evidence has a ceiling, so that what was learned can
//! be unlearned: beyond it old observations fade as new ones come in.
//!
//! Effects are kept as whole numbers, so that they come back from the journal as they were.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::features::{ALWAYS, Class, Feature, class};
use super::math::moderated;
use crate::domain::AgentId;
use crate::domain::learning::{EffectChange, EffectState, WeightState};

/// Variance of what is not known yet of an agent, in squared logits.
const AGENT: f64 = 0.4;
/// The same of an agent with a type of task.
const AGENT_AND_KIND: f64 = 1.0;
/// The same of an agent with a word, a type of file or a phase.
const AGENT_AND_DETAIL: f64 = 0.4;
/// How much less is thought of how easy types and words are for everybody.
const FOR_ALL: f64 = 0.1;
/// The variances of the intercept and of the slope of what it starts from.
const INTERCEPT: f64 = 4.0;
const SLOPE: f64 = 1.0;
/// The most that an effect rests on: about 160 observations that could have come out either way.
const EVIDENCE_MAX: f64 = 40.0;
/// So many effects are kept. Those that rest on the least go first.
pub(super) const EFFECTS_MAX: usize = 32_768;
/// So many agents have an effect of one detail.
const AGENTS_A_DETAIL: usize = 256;
/// How steep a score is in logits: the whole score is worth this many.
pub(in crate::engine::core) const LOGITS: f64 = 4.0;

/// Whose an effect is; `None` for everybody.
pub(super) type Whose = Option<AgentId>;

/// What stands before every agent in the order of effects.
pub(super) const FIRST: Whose = Some(AgentId(Uuid::nil()));
/// The feature of the slope.
const START: Feature = 1;

/// What is thought of one effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effect {
    /// In ten-thousandths of a logit.
    mean: i32,
    /// What was learned, as precision, in thousandths.
    evidence: u32,
}

impl Effect {
    pub(super) fn mean(self) -> f64 {
        f64::from(self.mean) / 1e4
    }

    pub(super) fn variance(self, prior: f64) -> f64 {
        1.0 / (1.0 / prior + f64::from(self.evidence) / 1e3)
    }

    /// What it is, as it is kept.
    pub(super) const fn state(self) -> WeightState {
        WeightState(self.mean, self.evidence)
    }

    /// The reverse.
    pub(super) const fn restore(WeightState(mean, evidence): WeightState) -> Self {
        Self { mean, evidence }
    }

    /// Takes in an observation.
    pub(super) fn learn(&mut self, step: f64, information: f64) {
        // Both are far within their range: a step moves by less than the prior's spread, evidence has a ceiling.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        {
            self.mean = ((self.mean() + step) * 1e4).round().clamp(-5e5, 5e5) as i32;
            self.evidence =
                (f64::from(self.evidence) + information * 1e3).round().clamp(0.0, EVIDENCE_MAX * 1e3) as u32;
        }
    }
}

/// What a prediction says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Logit {
    pub(super) mean: f64,
    pub(super) variance: f64,
}

impl Logit {
    pub(super) fn chance(self) -> f64 {
        moderated(self.mean, self.variance)
    }

    fn add(&mut self, effect: Effect, prior: f64, times: f64) {
        self.mean += times * effect.mean();
        self.variance += times * times * effect.variance(prior);
    }
}

/// What an outcome is predicted from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'f> {
    pub(super) agent: AgentId,
    /// What is thought of the case without having learned, in logits.
    pub(super) start: f64,
    pub(super) features: &'f [Feature],
}

/// How much a regression looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Depth {
    /// Where it starts from alone, with an intercept and a slope.
    Start,
    /// Agents, whatever the task.
    Agents,
    /// Agents with types of tasks.
    Kinds,
    /// Agents with types of tasks, words, types of files and phases.
    Details,
}

impl Depth {
    /// What it looks at, in words.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "factors",
            Self::Agents => "factors+agents",
            Self::Kinds => "factors+agents+types",
            Self::Details => "factors+agents+types+words",
        }
    }

    pub(super) const ALL: [Self; 4] = [Self::Start, Self::Agents, Self::Kinds, Self::Details];

    /// Whether effects of a feature count.
    pub(super) const fn sees(self, feature: Feature) -> bool {
        match class(feature) {
            Class::Always => self as u8 >= Self::Agents as u8,
            Class::Kind => self as u8 >= Self::Kinds as u8,
            Class::Detail => self as u8 >= Self::Details as u8,
        }
    }
}

/// The variance of an effect of which nothing is known.
const fn prior(feature: Feature, agent: Whose) -> f64 {
    let of_agent = match class(feature) {
        Class::Always if agent.is_none() => return if feature == START { SLOPE } else { INTERCEPT },
        Class::Always => AGENT,
        Class::Kind => AGENT_AND_KIND,
        Class::Detail => AGENT_AND_DETAIL,
    };
    if agent.is_none() { of_agent * FOR_ALL } else { of_agent }
}

/// The regression.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Regression {
    pub(super) depth: Depth,
    /// By feature and by the agent, so that those who have an effect of a feature stand side by side.
    effects: BTreeMap<(Feature, Whose), Effect>,
}

impl Regression {
    pub(super) fn new(depth: Depth) -> Self {
        Self { depth, effects: BTreeMap::new() }
    }

    fn effect(&self, feature: Feature, agent: Whose) -> Effect {
        self.effects.get(&(feature, agent)).copied().unwrap_or_default()
    }

    /// Every effect that a case has, with how often it counts.
    fn parts<'c>(&self, case: &Case<'c>) -> impl Iterator<Item = ((Feature, Whose), f64)> + use<'c> {
        let (agent, depth, features, start) = (Some(case.agent), self.depth, case.features, case.start);
        let own = depth.sees(ALWAYS).then_some(((ALWAYS, agent), 1.0));
        let of_features = features
            .iter()
            .filter(move |feature| depth.sees(**feature))
            .flat_map(move |feature| [((*feature, None), 1.0), ((*feature, agent), 1.0)]);
        [((ALWAYS, None), 1.0), ((START, None), start)].into_iter().chain(own).chain(of_features)
    }

    /// What is to be expected of a case.
    pub(super) fn predict(&self, case: &Case<'_>) -> Logit {
        let mut logit = Logit { mean: case.start, variance: 0.0 };
        for ((feature, agent), times) in self.parts(case) {
            logit.add(self.effect(feature, agent), prior(feature, agent), times);
        }
        logit
    }

    /// Learns how a case came out, to a degree of `truth`, 0-1. An observation that should count for less has a `weight`
    /// below 1. Says what it had thought the chance to be.
    pub(super) fn learn(&mut self, case: &Case<'_>, truth: f64, weight: f64) -> f64 {
        let (chance, gain, information) = self.gain(case, truth, weight);
        for (key, times) in self.parts(case) {
            if let Some(effect) = self.told(key, times, gain, information) {
                self.effects.insert(key, effect);
            }
        }
        chance
    }

    /// By how much [`learn`](Self::learn) would change each effect of a case.
    pub(super) fn changes(&self, case: &Case<'_>, truth: f64, weight: f64) -> Vec<EffectChange> {
        let (_, gain, information) = self.gain(case, truth, weight);
        let changes = self.parts(case).filter_map(|((feature, agent), times)| {
            let (before, after) = (self.effect(feature, agent), self.told((feature, agent), times, gain, information)?);
            Some(EffectChange(
                feature,
                agent.is_some(),
                after.mean - before.mean,
                i32::try_from(i64::from(after.evidence) - i64::from(before.evidence)).unwrap_or(0),
            ))
        });
        changes.collect()
    }

    /// Makes changes, or makes them back. As sums know no order, that is exact however much was learned in between; but for what
    /// was pruned, and what came to a ceiling.
    pub(super) fn change(&mut self, agent: AgentId, changes: &[EffectChange], back: bool) {
        for EffectChange(feature, own, mean, evidence) in changes {
            let key = (*feature, own.then_some(agent));
            if back && !self.effects.contains_key(&key) {
                continue;
            }
            let effect = self.effects.entry(key).or_default();
            let sign = if back { -1 } else { 1 };
            effect.mean = effect.mean.saturating_add(sign * mean);
            effect.evidence = effect.evidence.saturating_add_signed(sign * evidence);
        }
    }

    /// What is expected of a case, by how much each of its effects is moved for its variance, and how much that tells.
    fn gain(&self, case: &Case<'_>, truth: f64, weight: f64) -> (f64, f64, f64) {
        let logit = self.predict(case);
        let chance = logit.chance();
        let information = weight * chance * (1.0 - chance);
        (chance, weight * (truth - chance) / (1.0 + information * logit.variance), information)
    }

    /// What an effect is once it was told; `None` where there are too many of its kind already.
    fn told(&self, (feature, agent): (Feature, Whose), times: f64, gain: f64, information: f64) -> Option<Effect> {
        let crowded = class(feature) == Class::Detail
            && agent.is_some()
            && !self.effects.contains_key(&(feature, agent))
            && (self.effects.len() >= EFFECTS_MAX || self.agents_of(feature).count() >= AGENTS_A_DETAIL);
        (!crowded).then(|| {
            let mut effect = self.effect(feature, agent);
            let variance = effect.variance(prior(feature, agent));
            effect.learn(variance * times * gain, times * times * information);
            effect
        })
    }

    /// What an agent has of its own with a type of task: the mean, and the variance against which nothing is known is
    /// [`unknown`](Self::unknown).
    pub(super) fn of_agent(&self, agent: AgentId, kind: Option<Feature>) -> Logit {
        let mut logit = Logit { mean: 0.0, variance: 0.0 };
        for feature in [Some(ALWAYS), kind].into_iter().flatten().filter(|feature| self.depth.sees(*feature)) {
            logit.add(self.effect(feature, Some(agent)), prior(feature, Some(agent)), 1.0);
        }
        logit
    }

    /// The variance where nothing is known of an agent with a type of task.
    pub(super) fn unknown(&self, kind: Option<Feature>) -> f64 {
        let seen = [Some(ALWAYS), kind].into_iter().flatten().filter(|feature| self.depth.sees(*feature));
        seen.map(|feature| prior(feature, FIRST)).sum()
    }

    /// Whether anything was learned of an agent.
    pub(super) fn is_known(&self, agent: AgentId) -> bool {
        self.effects.contains_key(&(ALWAYS, Some(agent)))
    }

    /// What an agent has of its own with what a task is about, and the variance where nothing is known of that.
    pub(super) fn of_details(&self, agent: AgentId, features: &[Feature]) -> (Logit, f64) {
        let (mut logit, mut unknown) = (Logit { mean: 0.0, variance: 0.0 }, 0.0);
        for feature in features.iter().filter(|feature| class(**feature) == Class::Detail && self.depth.sees(**feature))
        {
            logit.add(self.effect(*feature, Some(agent)), AGENT_AND_DETAIL, 1.0);
            unknown += AGENT_AND_DETAIL;
        }
        (logit, unknown)
    }

    /// The agents that have something of their own with a detail.
    pub(super) fn agents_of(&self, feature: Feature) -> impl Iterator<Item = AgentId> {
        self.effects.range((feature, FIRST)..(feature + 1, None)).filter_map(|((_, agent), _)| *agent)
    }

    /// Forgets an agent that is no more.
    pub(super) fn forget(&mut self, agent: AgentId) {
        self.effects.retain(|(_, of), _| *of != Some(agent));
    }

    /// Drops the half of the details that rests on the least, if there is little room left.
    pub(super) fn prune(&mut self) {
        if self.effects.len() < EFFECTS_MAX / 4 * 3 {
            return;
        }
        let details = self.effects.iter().filter(|((feature, _), _)| class(*feature) == Class::Detail);
        let mut evidence: Vec<_> = details.map(|(_, effect)| effect.evidence).collect();
        if evidence.is_empty() {
            return;
        }
        evidence.sort_unstable();
        let median = evidence[evidence.len() / 2];
        self.effects.retain(|(feature, _), effect| class(*feature) != Class::Detail || effect.evidence > median);
    }

    /// Whose effects it has.
    pub(super) fn agents(&self) -> impl Iterator<Item = AgentId> {
        self.effects.keys().filter_map(|(_, agent)| *agent)
    }

    /// Everything that it has learned, in order, with agents by their place among `agents`, which are in order.
    pub(super) fn state(&self, agents: &[AgentId]) -> Vec<EffectState> {
        let place = |agent: &Whose| match agent {
            Some(agent) => agents.binary_search(agent).map_or(0, |place| place + 1),
            None => 0,
        };
        let effects = self.effects.iter().map(|((feature, agent), effect)| {
            EffectState(*feature, u32::try_from(place(agent)).unwrap_or(0), effect.mean, effect.evidence)
        });
        effects.collect()
    }

    /// Takes up what it had learned.
    pub(super) fn restore(depth: Depth, state: &[EffectState], agents: &[AgentId]) -> Self {
        let effect = |EffectState(feature, agent, mean, evidence): &EffectState| {
            let agent = (*agent as usize).checked_sub(1).and_then(|place| agents.get(place)).copied();
            ((*feature, agent), Effect { mean: *mean, evidence: *evidence })
        };
        Self { depth, effects: state.iter().map(effect).collect() }
    }

    /// How many effects it has.
    pub(super) fn len(&self) -> usize {
        self.effects.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::core::learning::features;
    use crate::engine::core::learning::math::log_loss;

    fn id(agent: u32) -> AgentId {
        AgentId(Uuid::from_u128(u128::from(agent) + 1))
    }

    fn case(agent: u32, features: &[Feature]) -> Case<'_> {
        Case { agent: id(agent), start: 0.0, features }
    }

    #[test]
    fn it_finds_out_who_succeeds_with_what() {
        let (sql, web) = (features::kind("sql").unwrap(), features::kind("web").unwrap());
        let mut regression = Regression::new(Depth::Details);
        let mut losses = vec![];
        for round in 0..200_u32 {
            for (agent, kind) in [(0, sql), (0, web), (1, sql), (1, web)] {
                // Each is good at one of them, but for every fifth time.
                let good = (agent == 0) == (kind == sql);
                let truth = if good == round.is_multiple_of(5) { 0.0 } else { 1.0 };
                losses.push(log_loss(regression.learn(&case(agent, &[kind]), truth, 1.0), truth));
            }
        }
        let chance = |agent, kind| regression.predict(&case(agent, &[kind])).chance();
        for (agent, kind, expected) in [(0, sql, 0.8), (0, web, 0.2), (1, sql, 0.2), (1, web, 0.8)] {
            assert!((chance(agent, kind) - expected).abs() < 0.08, "{agent} {}", chance(agent, kind));
        }
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        assert!(mean(&losses[..8]) > 0.6 && mean(&losses[400..]) < 0.54, "{:?}", mean(&losses[400..]));
        let unknown = regression.of_agent(id(7), Some(sql));
        assert!((unknown.variance - regression.unknown(Some(sql))).abs() < 1e-12 && unknown.mean == 0.0);
        assert!(
            regression.of_agent(id(0), Some(sql)).variance < unknown.variance / 4.0,
            "what is known is less uncertain"
        );
    }

    #[test]
    fn what_was_learned_can_be_unlearned() {
        let mut regression = Regression::new(Depth::Agents);
        for _ in 0..5000 {
            regression.learn(&case(0, &[]), 1.0, 1.0);
            regression.learn(&case(1, &[]), 0.0, 1.0);
        }
        assert!(regression.predict(&case(0, &[])).chance() > 0.9);
        for _ in 0..300 {
            regression.learn(&case(0, &[]), 0.0, 1.0);
        }
        assert!(regression.predict(&case(0, &[])).chance() < 0.3, "{:?}", regression.predict(&case(0, &[])));
    }

    #[test]
    fn it_has_a_size_that_is_not_exceeded() {
        let mut regression = Regression::new(Depth::Details);
        for round in 0..u32::try_from(EFFECTS_MAX / 8).unwrap() {
            let features: Vec<_> = (0..20).map(|place| (2 << 22) | (round * 20 + place)).collect();
            regression.learn(&case(round % 1000, &features), 1.0, 1.0);
            if round % 64 == 0 {
                regression.prune();
            }
        }
        assert!(regression.len() < EFFECTS_MAX + 20_000, "{}", regression.len());
        let agents: Vec<_> = regression.agents().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
        assert_eq!(Regression::restore(Depth::Details, &regression.state(&agents), &agents), regression);
        for agent in 0..1000 {
            regression.learn(&case(agent, &[2 << 22]), 1.0, 1.0);
        }
        assert!(regression.agents_of(2 << 22).count() <= AGENTS_A_DETAIL);
        regression.forget(id(5));
        assert_eq!(regression.of_agent(id(5), None), Regression::new(Depth::Details).of_agent(id(5), None));
    }
}
