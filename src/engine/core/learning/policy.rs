//! The policy: which agent for which task. A contextual bandit: to what the seven factors say it adds what was learned of
//! each agent, of the agent with this type of task, and of the agent with these words, and a bonus for what is not known
//! well yet (an upper confidence bound; Li, Chu, Langford and Schapire, "A contextual-bandit approach to personalized news
//! article recommendation", 2010). The bonus is exploration: it is bounded by what nothing known is worth, can be switched
//! off, and is not given for tasks that are not for finding out.
//!
//! Four candidates learn side by side, each looking at more than the one before, the first at the factors alone. Each is
//! asked before it is told ("prequential": Dawid, "Present position and potential developments", 1984); the one in force is
//! replaced by another only when that has predicted better what came afterwards.

use std::collections::BTreeSet;

use super::features::{self, Feature};
use super::math::{log_loss, millionths};
use super::regression::{Case, Depth, LOGITS, Regression};
use crate::domain::learning::{
    CandidateState, Compared, EffectState, MODEL_FORMAT, ModelKind, ModelParameters, ModelVersion, NextVersion,
    PolicyState, Taught,
};
use crate::domain::{AgentId, Timestamp};

/// How many standard deviations the bonus is, of an agent with a type of task, and of it with what the task is about.
const BONUS: f64 = 3.0;
const BONUS_OF_DETAILS: f64 = 1.2;
/// The most that either is worth, in logits: half of a whole score.
const BONUS_MAX: f64 = 2.0;
/// By how many nats a candidate must have lost less than the one in force.
const MARGIN: i64 = 500_000;
/// How much of a loss is left after the next, in thousandths: half of it after 700.
const LEFT: i64 = 999;
/// After how many outcomes the candidates are compared first; each time after twice as many, up to the second number.
const REVIEWS: (u32, u32) = (32, 256);
/// From so many outcomes on there is a bonus: before, the first chance of the factors is all that there is.
const WARM: u64 = 32;
/// The most that what was learned of an agent adds to a score or takes from it, in millionths, and as much again of it with
/// what a task is about.
pub(in crate::engine::core) const PART_MAX: u32 = 1_000_000;

/// How it is made.
pub(super) fn parameters() -> ModelParameters {
    let figures = [
        ("bonus", BONUS),
        ("bonus_of_details", BONUS_OF_DETAILS),
        ("bonus_max", BONUS_MAX),
        ("logits", LOGITS),
        ("margin", MARGIN as f64 / 1e6),
        ("left", LEFT as f64 / 1e3),
    ];
    ModelParameters {
        architecture:
            "contextual bandit: Bayesian logistic regression with independent effects of agents, of agents with \
                       types and of agents with words, and an upper confidence bound"
                .to_owned(),
        hyperparameters: figures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}

/// One of those that compete.
#[derive(Clone, Debug, PartialEq)]
struct Candidate {
    regression: Regression,
    /// What it lost of late, in millionths of a nat.
    loss: i64,
    /// What it lost since the candidates were compared.
    batch: i64,
    /// How often it was right since then.
    right: u32,
}

impl Candidate {
    fn new(regression: Regression) -> Self {
        Self { regression, loss: 0, batch: 0, right: 0 }
    }
}

/// What came of comparing the candidates: it becomes a version.
#[derive(Clone, Debug, PartialEq)]
struct Review {
    batch: u32,
    promoted: bool,
    /// What each lost, in millionths of a nat, and how often it was right.
    compared: [(i64, u32); 4],
}

/// The policy.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::engine::core) struct Policy {
    /// In the order of [`Depth::ALL`].
    candidates: [Candidate; 4],
    /// Which is in force.
    in_force: usize,
    /// How many outcomes it has seen.
    lessons: u64,
    /// How many of them since the candidates were compared.
    since: u32,
    /// After how many they are compared next.
    due: u32,
    /// The last comparison, if it has not become a version yet.
    review: Option<Review>,
    /// The number of the last version.
    version: u32,
    /// Whether somebody went back to that.
    gone_back: bool,
    /// The spans of time of which it knows nothing for that.
    gaps: Vec<(Timestamp, Timestamp)>,
}

impl Default for Policy {
    fn default() -> Self {
        let candidates = Depth::ALL.map(|depth| Candidate::new(Regression::new(depth)));
        Self {
            candidates,
            in_force: 0,
            lessons: 0,
            since: 0,
            due: REVIEWS.0,
            review: None,
            version: 0,
            gone_back: false,
            gaps: vec![],
        }
    }
}

/// A bonus of so many standard deviations, less what it would be where nothing is known.
fn bounded(deviations: f64, known: f64, unknown: f64) -> i64 {
    millionths((deviations * (known.sqrt() - unknown.sqrt())).max(-BONUS_MAX) / LOGITS)
}

/// A score, 0-1, as logits to start from.
fn start(score: f64) -> f64 {
    (score - 0.5) * LOGITS
}

impl Policy {
    /// Learns how an execution came out, to a degree of `truth`, 0-1. `score` is what the factors said of the agent, 0-1.
    /// Says whether more has changed than what is thought of this agent.
    pub(in crate::engine::core) fn learn(
        &mut self,
        agent: AgentId,
        score: f64,
        features: &[Feature],
        truth: f64,
        weight: f64,
    ) -> bool {
        let case = Case { agent, start: start(score), features };
        for candidate in &mut self.candidates {
            let chance = candidate.regression.learn(&case, truth, weight);
            let loss = millionths(log_loss(chance, truth));
            candidate.loss = candidate.loss * LEFT / 1000 + millionths(weight * log_loss(chance, truth));
            candidate.batch += loss;
            candidate.right += u32::from((chance >= 0.5) == (truth >= 0.5));
        }
        self.lessons += 1;
        self.since += 1;
        let reviewed = self.since >= self.due;
        if reviewed {
            self.review();
        }
        reviewed || self.lessons == WARM
    }

    /// By how much [`learn`](Self::learn) would change what each candidate has learned.
    pub(in crate::engine::core) fn changes(
        &self,
        agent: AgentId,
        score: f64,
        features: &[Feature],
        truth: f64,
        weight: f64,
    ) -> Taught {
        let case = Case { agent, start: start(score), features };
        Taught(self.candidates.iter().map(|candidate| candidate.regression.changes(&case, truth, weight)).collect())
    }

    /// Makes what a rating has changed, or takes it back. A rating says something of the agent and nothing of how well the candidates
    /// foretell, for it was never foretold: so they are compared by executions alone.
    pub(in crate::engine::core) fn rated(&mut self, agent: AgentId, taught: &Taught, back: bool) {
        for (candidate, changes) in self.candidates.iter_mut().zip(&taught.0) {
            candidate.regression.change(agent, changes, back);
        }
    }

    /// Compares the candidates.
    fn review(&mut self) {
        let (batch, before) = (std::mem::take(&mut self.since), self.in_force);
        let mut effects = 0;
        for candidate in &mut self.candidates {
            candidate.regression.prune();
            effects += candidate.regression.len();
        }
        // A version is as long as there are effects, so there are the fewer of them.
        let most = REVIEWS.1.max(u32::try_from(effects / 4).unwrap_or(u32::MAX));
        self.due = (self.due * 2).min(most);
        for (place, candidate) in self.candidates.iter().enumerate() {
            if candidate.loss + MARGIN < self.candidates[self.in_force].loss {
                self.in_force = place;
            }
        }
        let compared = self
            .candidates
            .each_mut()
            .map(|candidate| (std::mem::take(&mut candidate.batch), std::mem::take(&mut candidate.right)));
        self.review = Some(Review { batch, promoted: self.in_force != before, compared });
    }

    /// The version that the last comparison makes; `None` where nothing was compared since the last.
    pub(in crate::engine::core) fn next_version(&self) -> Option<(ModelVersion, PolicyState)> {
        let review = self.review.as_ref()?;
        let per = |sum: f64| sum / f64::from(review.batch.max(1));
        let compared =
            Depth::ALL.iter().zip(review.compared).enumerate().map(|(place, (depth, (loss, right)))| Compared {
                candidate: depth.as_str().to_owned(),
                loss: per(loss as f64 / 1e6),
                accuracy: per(f64::from(right)),
                in_force: place == self.in_force,
                batch: None,
            });
        let version = ModelVersion {
            model: ModelKind::Policy,
            version: self.version + 1,
            format: MODEL_FORMAT,
            lessons: self.lessons,
            batch: review.batch,
            in_force: self.present().depth.as_str().to_owned(),
            promoted: review.promoted,
            compared: compared.collect(),
            rolled_back_to: None,
        };
        Some((version, self.state()))
    }

    /// Compares the candidates before it is time to, if there is anything to compare them by.
    pub(in crate::engine::core) fn reviewed(&self) -> Option<Self> {
        (self.since > 0).then(|| {
            let mut reviewed = self.clone();
            reviewed.review();
            // What somebody asks for puts off no comparison.
            reviewed.due = self.due;
            reviewed
        })
    }

    /// Everything that it is.
    pub(in crate::engine::core) fn state(&self) -> PolicyState {
        let agents: BTreeSet<_> = self.candidates.iter().flat_map(|candidate| candidate.regression.agents()).collect();
        let agents: Vec<_> = agents.into_iter().collect();
        let candidates = self.candidates.iter().map(|candidate| CandidateState {
            loss: candidate.loss,
            batch: candidate.batch,
            right: candidate.right,
            effects: candidate.regression.state(&agents),
        });
        PolicyState {
            in_force: u32::try_from(self.in_force).unwrap_or(0),
            lessons: self.lessons,
            since: self.since,
            due: self.due,
            candidates: candidates.collect(),
            agents,
            made: Timestamp::EPOCH,
            gaps: self.gaps.clone(),
        }
    }

    /// Whether what was taught at a time is in it.
    pub(in crate::engine::core) fn knows_of(&self, time: Timestamp) -> bool {
        !self.gaps.iter().any(|(from, to)| *from < time && time <= *to)
    }

    /// What a version was.
    pub(in crate::engine::core) fn restore(version: u32, state: &PolicyState) -> Self {
        let nothing = CandidateState::default();
        let candidates = std::array::from_fn(|place| {
            let kept = state.candidates.get(place).unwrap_or(&nothing);
            let regression = Regression::restore(Depth::ALL[place], &kept.effects, &state.agents);
            Candidate { regression, loss: kept.loss, batch: kept.batch, right: kept.right }
        });
        Self {
            candidates,
            in_force: (state.in_force as usize).min(Depth::ALL.len() - 1),
            lessons: state.lessons,
            since: state.since,
            due: state.due.max(REVIEWS.0),
            review: None,
            version,
            gone_back: false,
            gaps: state.gaps.clone(),
        }
    }

    /// The same where somebody went back to a version, or did not.
    pub(in crate::engine::core) const fn gone_back(mut self, gone_back: bool) -> Self {
        self.gone_back = gone_back;
        self
    }

    /// What it is now as if it were its last version; nothing before it has seen anything.
    #[cfg(test)]
    pub(in crate::engine::core) fn latest(&self) -> Option<(ModelVersion, PolicyState)> {
        (self.lessons > 0).then(|| {
            let nothing = Review { batch: 0, promoted: false, compared: [(0, 0); 4] };
            let named = Self { review: Some(nothing), ..self.clone() };
            let rolled_back_to = self.gone_back.then_some(1);
            named
                .next_version()
                .map(|(version, state)| (ModelVersion { version: self.version, rolled_back_to, ..version }, state))
        })?
    }

    /// A fingerprint, to compare states by.
    pub(in crate::engine::core) fn describe(&self) -> String {
        let state = self.state();
        let fold = |hash: u64, part: u64| (hash ^ part).wrapping_mul(0x0100_0000_01b3);
        let effects = state.candidates.iter().flat_map(|candidate| &candidate.effects);
        let effects = effects.fold(0xcbf2_9ce4_8422_2325, |hash, EffectState(feature, agent, mean, evidence)| {
            let mean = u64::from(mean.unsigned_abs()) << 1 | u64::from(*mean < 0);
            [u64::from(*feature), u64::from(*agent), mean, u64::from(*evidence)].into_iter().fold(hash, fold)
        });
        let losses: Vec<_> = state.candidates.iter().map(|one| (one.loss, one.batch, one.right)).collect();
        format!(
            "policy {} {} {} {} {} {} {losses:?} {:?} {effects}",
            self.version, self.gone_back, state.in_force, state.lessons, state.since, state.due, state.agents
        )
    }

    /// The number of the last version.
    pub(in crate::engine::core) const fn version(&self) -> u32 {
        self.version
    }

    /// How far the next version is.
    pub(in crate::engine::core) const fn next(&self) -> NextVersion {
        NextVersion { outcomes: self.since, needed: self.due }
    }

    fn present(&self) -> &Regression {
        &self.candidates[self.in_force].regression
    }

    /// What an agent's score gains or loses with a type of task, in millionths, with a bonus for what is not known.
    pub(in crate::engine::core) fn of_agent(&self, agent: AgentId, kind: Option<Feature>, explore: bool) -> i64 {
        let learned = millionths(self.present().of_agent(agent, kind).mean / LOGITS);
        let bonus = if explore { self.bonus(agent, kind) } else { 0 };
        (learned + bonus).clamp(-i64::from(PART_MAX), i64::from(PART_MAX))
    }

    /// Whether what is not known well is worth finding out: not where somebody went back to the factors alone, which are to
    /// stand as they are then.
    const fn explores(&self) -> bool {
        self.lessons >= WARM && (self.in_force > 0 || !self.gone_back)
    }

    /// What not to be known well is worth, in millionths: nothing where nothing is known, less than that otherwise, so that
    /// it takes from those that are known and gives to nobody.
    fn bonus(&self, agent: AgentId, kind: Option<Feature>) -> i64 {
        if !self.explores() {
            return 0;
        }
        // While the factors alone decide, how well agents are known is what the first of those that look at them says.
        let regression = &self.candidates[self.in_force.max(1)].regression;
        bounded(BONUS, regression.of_agent(agent, kind).variance, regression.unknown(kind))
    }

    /// What both bonuses take from an agent's score, in millionths, so that others are tried, too.
    pub(in crate::engine::core) fn held_back(
        &self,
        agent: AgentId,
        kind: Option<Feature>,
        features: &[Feature],
    ) -> i64 {
        let details = |explore| self.of_details(agent, features, explore);
        self.bonus(agent, kind) + details(true) - details(false)
    }

    /// How uncertain what is learned of an agent with something is, as a standard deviation of its score; `None` while the
    /// factors alone decide.
    pub(in crate::engine::core) fn deviation(
        &self,
        agent: AgentId,
        kind: Option<Feature>,
        features: &[Feature],
    ) -> Option<f64> {
        let present = self.present();
        let variance = present.of_agent(agent, kind).variance + present.of_details(agent, features).0.variance;
        (self.in_force > 0).then_some(variance.sqrt() / LOGITS)
    }

    /// What an agent's score gains or loses by what the task is about, in millionths, with a bonus as above.
    pub(in crate::engine::core) fn of_details(&self, agent: AgentId, features: &[Feature], explore: bool) -> i64 {
        let (logit, unknown) = self.present().of_details(agent, features);
        let explore = explore && self.explores();
        let bonus = if explore { bounded(BONUS_OF_DETAILS, logit.variance, unknown) } else { 0 };
        (millionths(logit.mean / LOGITS) + bonus).clamp(-i64::from(PART_MAX), i64::from(PART_MAX))
    }

    /// Who has something of their own with what a task is about.
    pub(in crate::engine::core) fn agents_of_details(&self, features: &[Feature]) -> impl Iterator<Item = AgentId> {
        let present = self.present();
        let seen = features.iter().filter(|feature| features::is_detail(**feature) && present.depth.sees(**feature));
        seen.flat_map(|feature| present.agents_of(*feature))
    }

    /// What it rests on with an agent, in words.
    pub(in crate::engine::core) fn evidence(&self, agent: AgentId) -> String {
        let by = match self.present().depth {
            _ if self.lessons == 0 => return "unknown: nothing has been learned yet".to_owned(),
            Depth::Start => "the factors alone have foretold as well as anything learned",
            Depth::Agents => "how agents did, whatever the task",
            Depth::Kinds => "how agents did with each type of task",
            Depth::Details => "how agents did with each type of task and with such words",
        };
        let known = self.candidates[1].regression.is_known(agent);
        let of_agent = if known { "" } else { ", none of this agent's" };
        format!("{by}; {} outcomes{of_agent}", self.lessons)
    }

    /// Whether anything but the factors decides.
    #[cfg(test)]
    pub(in crate::engine::core) fn is_promoted(&self) -> bool {
        self.in_force > 0
    }

    /// Forgets an agent that is no more.
    pub(in crate::engine::core) fn forget(&mut self, agent: AgentId) {
        for candidate in &mut self.candidates {
            candidate.regression.forget(agent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    /// Three agents, each good with one type of task, have done so many.
    fn taught(count: u32) -> Policy {
        let mut policy = Policy::default();
        for round in 0..count {
            let (agent, kind) = (round % 3, round / 3 % 3);
            let features: Vec<_> = features::kind(&format!("type-{kind}")).into_iter().collect();
            let truth = if (agent == kind) == round.is_multiple_of(7) { 0.0 } else { 1.0 };
            policy.learn(id(agent), 0.6, &features, truth, 1.0);
        }
        policy
    }

    fn id(agent: u32) -> AgentId {
        AgentId(Uuid::from_u128(u128::from(agent) + 1))
    }

    #[test]
    fn the_factors_decide_until_something_foretells_better() {
        let policy = taught(20);
        assert!(!policy.is_promoted() && policy.next_version().is_none());
        let (kind, other) = (features::kind("type-0"), features::kind("type-1"));
        assert_eq!(policy.of_agent(id(0), kind, true), 0, "nothing is added yet, not even for being unknown");
        let policy = taught(400);
        let (version, _) = policy.next_version().unwrap();
        assert!(policy.is_promoted() && version.compared.iter().filter(|one| one.in_force).count() == 1);
        let best = version.compared.iter().find(|one| one.in_force).unwrap();
        assert!(best.loss < version.compared[0].loss && best.accuracy > version.compared[0].accuracy, "{version:?}");
        assert!(policy.of_agent(id(0), kind, false) > policy.of_agent(id(0), other, false) + 100_000);
        // Who has never done it is preferred to who is known to fail at it, where there is room for finding out.
        assert!(policy.of_agent(id(9), other, true) > policy.of_agent(id(0), other, true));
        assert_eq!(policy.of_agent(id(9), other, true), 0);
    }

    #[test]
    fn what_was_kept_goes_on_as_if_nothing_had_been() {
        for count in [0, 31, 32, 100, 500] {
            let policy = taught(count);
            let text = serde_json::to_string(&policy.state()).unwrap();
            let state: PolicyState = serde_json::from_str(&text).unwrap();
            let (mut restored, mut other) = (Policy::restore(policy.version, &state), policy);
            other.review = None;
            assert_eq!(restored, other, "{count}");
            for policy in [&mut restored, &mut other] {
                policy.forget(id(2));
                policy.learn(id(1), 0.3, &[], 0.25, 0.5);
            }
            assert_eq!(restored, other);
        }
    }
}
