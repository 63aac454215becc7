//! How likely something is, one outcome at a time: Bayesian logistic regression over a few inputs that can be said in words.
//! Each weight has a mean and a variance of its own and moves by one step of an extended Kalman filter an outcome (West,
//! Harrison and Migon, "Dynamic generalized linear models and Bayesian forecasting", 1985); evidence has a ceiling, so that old
//! outcomes fade. Most inputs are [rates]: how often it came true for an agent, a type, an agent with a type, each pulled
//! towards what is known of the whole the less it was seen. The weights learn how far these are to be believed, which keeps what
//! is said near to how often it comes true.
//!
//! Who succeeds is asked again, so most outcomes are of those who are good at it, and what is learned of them says too much of
//! the others. Of who was seen seldom it therefore counts more how often it comes true for anybody ("empirical Bayes": Robbins,
//! 1956): the first time, because whoever is asked again was chosen for what came of that.
//!
//! Four candidates stand side by side, the first a figure that learns nothing by itself, each of the others looking at more
//! inputs than the one before. Each is asked before it is told ("prequential": Dawid, "Present position and potential
//! developments", 1984); another comes into force only when it has lost less on what came afterwards.
//!
//! Everything is kept as whole numbers, so that it comes back from the journal as it was.
//!
//! [rates]: Rates

use std::collections::{BTreeMap, BTreeSet};

use super::features::{ALWAYS, Feature};
use super::math::{ln, log_loss, millionths, moderated};
use super::regression::{Effect, FIRST, Whose};
use crate::domain::AgentId;
use crate::domain::learning::{
    ChancesState, Compared, LossState, MODEL_FORMAT, ModelKind, ModelVersion, NextVersion, QuestionState, RateState,
    WeightState,
};

/// How many inputs there are at most.
pub(super) const INPUTS: usize = 7;
/// By how many nats a candidate must have lost less than the one in force.
const MARGIN: i64 = 500_000;
/// How much of a loss is left after the next, in thousandths.
const LEFT: i64 = 999;
/// After how many outcomes the candidates are compared first; each time after twice as many, up to the second number.
const REVIEWS: (u32, u32) = (32, 256);
/// How much of a rate is left after the next outcome, in thousandths: it rests on at most 200.
const RATE_LEFT: u32 = 995;
/// How many outcomes of the whole a rate begins with.
const RATE_CASES: f64 = 4.0;
/// What tells how often something came true the first time from how often it did at all: above what features are.
const FIRST_TIME: Feature = 1 << 31;
/// So many rates are kept. Those that rest on the least go first.
const RATES_MAX: usize = 32_768;

/// The figures above, by name.
pub(super) fn figures() -> [(&'static str, f64); 4] {
    [
        ("margin", MARGIN as f64 / 1e6),
        ("left", LEFT as f64 / 1e3),
        ("rate_left", f64::from(RATE_LEFT) / 1e3),
        ("rate_cases", RATE_CASES),
    ]
}

/// The logit of a chance that is neither 0 nor 1.
pub(super) fn logit(chance: f64) -> f64 {
    ln(chance / (1.0 - chance))
}

/// How something is asked.
#[derive(Debug, PartialEq)]
pub(super) struct Plan {
    /// What stands before its candidates' names in versions.
    pub(super) prefix: &'static str,
    /// The candidates by name.
    pub(super) names: [&'static str; 4],
    /// At how many of the inputs each looks.
    pub(super) inputs: [usize; 4],
    /// The weights of the inputs while nothing is known.
    pub(super) weights: [f64; INPUTS],
    /// The variance of a weight while nothing is known.
    pub(super) variance: f64,
    /// Which inputs can make it only likelier the larger they are.
    pub(super) rises: [bool; INPUTS],
    /// Whether what is not certain is nearer to one half. It is not where a larger input must never make it less likely.
    pub(super) moderated: bool,
}

/// What is asked about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Case {
    /// What the first candidate says, 0-1.
    pub(super) plain: f64,
    /// What the others start from, as a logit.
    pub(super) start: f64,
    pub(super) inputs: [f64; INPUTS],
    /// What is expected besides where it is of one of many, who may have been seen seldom.
    pub(super) seldom: Option<Seldom>,
}

/// What is expected of one of many of whom little may be known. What the candidates have learned is of those who do most, so
/// the less one was seen the more this counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Seldom {
    /// How much what the candidates say counts, 0-1.
    known: f64,
    /// What is expected before anything is known of it, 0-1.
    before: f64,
    /// The same with its own outcomes. The first candidate learns nothing of anybody, so it does not look at this.
    after: f64,
}

impl Seldom {
    /// Of one of whom this is known, where `expected` is expected while nothing is.
    pub(super) fn new(rate: Rate, expected: f64) -> Self {
        let cases = rate.cases();
        Self { known: cases / (cases + RATE_CASES), before: expected, after: rate.share(expected, RATE_CASES) }
    }
}

impl Case {
    /// What is said where the candidate of a place says `chance`.
    fn said(&self, place: usize, chance: f64) -> f64 {
        self.seldom.map_or(chance, |Seldom { known, before, after }| {
            known * chance + (1.0 - known) * if place == 0 { before } else { after }
        })
    }
}

/// How often something came true, in thousandths; old outcomes fade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rate {
    good: u32,
    all: u32,
}

impl Rate {
    fn learn(&mut self, truth: bool) {
        self.good = self.good * RATE_LEFT / 1000 + if truth { 1000 } else { 0 };
        self.all = self.all * RATE_LEFT / 1000 + 1000;
    }

    /// Its share, where one more counts as `plain` says.
    fn share(self, plain: f64, cases: f64) -> f64 {
        (f64::from(self.good) / 1e3 + cases * plain) / (f64::from(self.all) / 1e3 + cases)
    }

    /// On how many outcomes it rests.
    fn cases(self) -> f64 {
        f64::from(self.all) / 1e3
    }

    /// Whether that is so few that what is known of the whole counts more.
    pub(super) fn is_seldom(self) -> bool {
        self.cases() < RATE_CASES
    }

    /// `31 % of about 40`, older ones fading; `None` for what was never seen.
    pub(super) fn phrase(self) -> Option<String> {
        let percent = (u64::from(self.good) * 100 + u64::from(self.all) / 2).checked_div(u64::from(self.all))?;
        Some(format!("{percent} % of about {}", (self.all + 500) / 1000))
    }
}

/// How often something came true, by what and whose. Of each of whom it can be asked, the first outcome with something counts
/// besides as [`FIRST_TIME`] of nobody's in particular.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rates(BTreeMap<(Feature, Whose), Rate>);

impl Rates {
    pub(super) fn get(&self, of: Feature, whose: Whose) -> Rate {
        self.0.get(&(of, whose)).copied().unwrap_or_default()
    }

    /// How often it came true at all; one half while nothing is known.
    pub(super) fn base(&self) -> f64 {
        self.get(ALWAYS, None).share(0.5, 2.0)
    }

    /// How often it came true for one of them, where `plain` is expected while nothing is known.
    pub(super) fn of(&self, of: Feature, whose: Whose, plain: f64) -> f64 {
        self.get(of, whose).share(plain, RATE_CASES)
    }

    /// How often it comes true for any of them, each counted alike: the first time, and one more as `plain` says.
    pub(super) fn of_anybody(&self, of: Feature, plain: f64) -> f64 {
        self.get(of | FIRST_TIME, None).share(plain, 1.0)
    }

    pub(super) fn learn(&mut self, of: Feature, whose: Whose, truth: bool) {
        let is_new = !self.0.contains_key(&(of, whose));
        if is_new && self.0.len() >= RATES_MAX {
            return;
        }
        self.0.entry((of, whose)).or_default().learn(truth);
        if is_new && whose.is_some() {
            self.learn(of | FIRST_TIME, None, truth);
        }
    }

    /// The agents that were seen with something.
    pub(super) fn agents_of(&self, of: Feature) -> impl Iterator<Item = AgentId> {
        self.0.range((of, FIRST)..(of + 1, None)).filter_map(|((_, agent), _)| *agent)
    }

    /// Drops the half that rests on the least, if there is little room left.
    fn prune(&mut self) {
        if self.0.len() < RATES_MAX / 4 * 3 {
            return;
        }
        let mut cases: Vec<_> = self.0.values().map(|rate| rate.all).collect();
        cases.sort_unstable();
        let median = cases[cases.len() / 2];
        self.0.retain(|key, rate| *key == (ALWAYS, None) || rate.all > median);
    }
}

/// How a candidate does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Score {
    /// What it lost of late, in millionths of a nat.
    loss: i64,
    /// What it lost since the candidates were compared.
    batch: i64,
    /// How often what it thought likelier came true since then.
    right: u32,
}

/// One thing that is asked, and what competes to answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Question {
    plan: &'static Plan,
    pub(super) rates: Rates,
    scores: [Score; 4],
    /// Of the second candidate and those after it.
    weights: [[Effect; INPUTS]; 3],
    in_force: usize,
    /// How many outcomes it has seen.
    cases: u64,
    /// How many of them since the candidates were compared.
    since: u32,
}

impl Question {
    fn new(plan: &'static Plan) -> Self {
        Self {
            plan,
            rates: Rates::default(),
            scores: [Score::default(); 4],
            weights: [[Effect::default(); INPUTS]; 3],
            in_force: 0,
            cases: 0,
            since: 0,
        }
    }

    /// The mean and the variance of what a candidate after the first says.
    fn mean(&self, place: usize, case: &Case) -> (f64, f64) {
        let inputs = case.inputs.iter().zip(&self.weights[place - 1]).take(self.plan.inputs[place]).enumerate();
        inputs.fold((case.start, 0.0), |(mean, variance), (at, (input, effect))| {
            let weight = self.plan.weights[at] + effect.mean();
            let weight = if self.plan.rises[at] { weight.max(0.0) } else { weight };
            (mean + weight * input, variance + input * input * effect.variance(self.plan.variance))
        })
    }

    fn chance_by(&self, place: usize, case: &Case) -> f64 {
        if place == 0 {
            return case.plain;
        }
        let (mean, variance) = self.mean(place, case);
        moderated(mean, if self.plan.moderated { variance } else { 0.0 })
    }

    /// How likely a case is, by the candidate in force; `None` while too little was seen to say. The case is made of the rates
    /// only if it is looked at.
    pub(super) fn chance(&self, case: impl FnOnce(&Rates) -> Case) -> Option<f64> {
        (self.cases >= u64::from(REVIEWS.0)).then(|| {
            let case = case(&self.rates);
            case.said(self.in_force, self.chance_by(self.in_force, &case))
        })
    }

    /// Which candidate is in force, by its place.
    pub(super) const fn in_force(&self) -> usize {
        self.in_force
    }

    /// How many outcomes it has seen.
    pub(super) const fn cases(&self) -> u64 {
        self.cases
    }

    /// Learns whether a case came true. The rates are for whoever knows of what.
    pub(super) fn learn(&mut self, case: &Case, truth: bool) {
        let y = if truth { 1.0 } else { 0.0 };
        for place in 0..self.scores.len() {
            let chance = self.chance_by(place, case);
            let said = case.said(place, chance);
            let loss = millionths(log_loss(said, y));
            let score = &mut self.scores[place];
            score.loss = score.loss * LEFT / 1000 + loss;
            score.batch += loss;
            score.right += u32::from((said >= 0.5) == truth);
            if place == 0 {
                continue;
            }
            let (_, variance) = self.mean(place, case);
            let information = chance * (1.0 - chance);
            let gain = (y - chance) / (1.0 + information * variance);
            let looked_at = case.inputs.iter().take(self.plan.inputs[place]);
            for (input, effect) in looked_at.zip(&mut self.weights[place - 1]) {
                let own = effect.variance(self.plan.variance);
                effect.learn(own * input * gain, input * input * information);
            }
        }
        self.cases += 1;
        self.since += 1;
    }

    /// Compares the candidates. Gives how many outcomes there were since, and what each lost and how often each was right.
    fn review(&mut self) -> (u32, [(i64, u32); 4]) {
        self.rates.prune();
        if self.cases >= u64::from(REVIEWS.0) {
            for place in 0..self.scores.len() {
                if self.scores[place].loss + MARGIN < self.scores[self.in_force].loss {
                    self.in_force = place;
                }
            }
        }
        let compared =
            self.scores.each_mut().map(|score| (std::mem::take(&mut score.batch), std::mem::take(&mut score.right)));
        (std::mem::take(&mut self.since), compared)
    }

    /// The same without what it knows of anybody in particular.
    pub(super) fn without_rates(&self) -> Self {
        let Self { plan, scores, weights, in_force, cases, since, .. } = *self;
        Self { plan, rates: Rates::default(), scores, weights, in_force, cases, since }
    }

    fn state(&self, agents: &[AgentId]) -> QuestionState {
        let place = |agent: &Whose| match agent {
            Some(agent) => agents.binary_search(agent).map_or(0, |place| place + 1),
            None => 0,
        };
        let rates = self.rates.0.iter().map(|((feature, agent), rate)| {
            RateState(*feature, u32::try_from(place(agent)).unwrap_or(0), rate.good, rate.all)
        });
        QuestionState {
            in_force: u32::try_from(self.in_force).unwrap_or(0),
            cases: self.cases,
            since: self.since,
            scores: self.scores.iter().map(|one| LossState(one.loss, one.batch, one.right)).collect(),
            weights: self.weights.iter().map(|of| of.iter().map(|effect| effect.state()).collect()).collect(),
            rates: rates.collect(),
        }
    }

    fn restore(plan: &'static Plan, state: &QuestionState, agents: &[AgentId]) -> Self {
        let rate = |RateState(feature, agent, good, all): &RateState| {
            let agent = (*agent as usize).checked_sub(1).and_then(|place| agents.get(place)).copied();
            ((*feature, agent), Rate { good: *good, all: *all })
        };
        let score = |at: usize| {
            let LossState(loss, batch, right) = state.scores.get(at).copied().unwrap_or_default();
            Score { loss, batch, right }
        };
        let weight = |place: usize, at: usize| -> WeightState {
            state.weights.get(place).and_then(|of| of.get(at)).copied().unwrap_or_default()
        };
        Self {
            plan,
            rates: Rates(state.rates.iter().map(rate).collect()),
            scores: std::array::from_fn(score),
            weights: std::array::from_fn(|place| std::array::from_fn(|at| Effect::restore(weight(place, at)))),
            in_force: (state.in_force as usize).min(plan.names.len() - 1),
            cases: state.cases,
            since: state.since,
        }
    }
}

/// What came of comparing the candidates: it becomes a version.
#[derive(Clone, Debug, PartialEq)]
struct Review {
    batch: u32,
    promoted: bool,
    /// For each question how often it was asked, and what each candidate lost and how often it was right.
    compared: Vec<(u32, [(i64, u32); 4])>,
}

/// A model that says how likely something is, or several things.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chances {
    model: ModelKind,
    pub(super) questions: Vec<Question>,
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
}

impl Chances {
    pub(super) fn new(model: ModelKind, plans: &'static [Plan]) -> Self {
        Self {
            model,
            questions: plans.iter().map(Question::new).collect(),
            lessons: 0,
            since: 0,
            due: REVIEWS.0,
            review: None,
            version: 0,
        }
    }

    /// One of the questions has learned something.
    pub(super) fn learned(&mut self) {
        self.lessons += 1;
        self.since += 1;
        if self.since >= self.due {
            self.compare();
        }
    }

    fn compare(&mut self) {
        let in_force = |questions: &[Question]| questions.iter().map(Question::in_force).collect::<Vec<_>>();
        let before = in_force(&self.questions);
        let compared = self.questions.iter_mut().map(Question::review).collect();
        let rates: usize = self.questions.iter().map(|question| question.rates.0.len()).sum();
        // A version is as long as there are rates, so there are the fewer of them.
        let most = REVIEWS.1.max(u32::try_from(rates / 4).unwrap_or(u32::MAX));
        self.due = (self.due * 2).min(most);
        let promoted = before != in_force(&self.questions);
        self.review = Some(Review { batch: std::mem::take(&mut self.since), promoted, compared });
    }

    /// The version that the last comparison makes; `None` where nothing was compared since the last.
    pub(super) fn next_version(&self) -> Option<(ModelVersion, ChancesState)> {
        let review = self.review.as_ref()?;
        let (mut compared, mut in_force) = (vec![], vec![]);
        for (question, (since, scores)) in self.questions.iter().zip(&review.compared) {
            if question.cases == 0 {
                continue;
            }
            let Plan { prefix, names, .. } = question.plan;
            in_force.push(format!("{prefix}{}", names[question.in_force]));
            // What no outcome was about was not measured, which is not nothing.
            if *since == 0 {
                continue;
            }
            let per = |sum: f64| sum / f64::from(*since);
            compared.extend(names.iter().zip(scores).enumerate().map(|(at, (name, (loss, right)))| Compared {
                candidate: format!("{prefix}{name}"),
                loss: per(*loss as f64 / 1e6),
                accuracy: per(f64::from(*right)),
                in_force: at == question.in_force,
                batch: Some(*since),
            }));
        }
        let version = ModelVersion {
            model: self.model,
            version: self.version + 1,
            format: MODEL_FORMAT,
            lessons: self.lessons,
            batch: review.batch,
            in_force: in_force.join("; "),
            promoted: review.promoted,
            compared,
            rolled_back_to: None,
        };
        Some((version, self.state()))
    }

    /// Compares the candidates before it is time to, if there is anything to compare them by.
    pub(super) fn reviewed(&self) -> Option<Self> {
        (self.since > 0).then(|| {
            let mut reviewed = self.clone();
            reviewed.compare();
            // What somebody asks for puts off no comparison.
            reviewed.due = self.due;
            reviewed
        })
    }

    fn state(&self) -> ChancesState {
        let keys = self.questions.iter().flat_map(|question| question.rates.0.keys());
        let agents: BTreeSet<_> = keys.filter_map(|(_, agent)| *agent).collect();
        let agents: Vec<_> = agents.into_iter().collect();
        ChancesState {
            lessons: self.lessons,
            since: self.since,
            due: self.due,
            questions: self.questions.iter().map(|question| question.state(&agents)).collect(),
            agents,
        }
    }

    /// What a version was.
    pub(super) fn restore(model: ModelKind, plans: &'static [Plan], version: u32, state: &ChancesState) -> Self {
        let nothing = QuestionState::default();
        let question = |(at, plan): (usize, &'static Plan)| {
            Question::restore(plan, state.questions.get(at).unwrap_or(&nothing), &state.agents)
        };
        Self {
            model,
            questions: plans.iter().enumerate().map(question).collect(),
            lessons: state.lessons,
            since: state.since,
            due: state.due.max(REVIEWS.0),
            review: None,
            version,
        }
    }

    /// Everything that it is, as text, to compare states by.
    pub(super) fn describe(&self) -> String {
        format!("{} {} {:?}", self.model, self.version, self.state())
    }

    /// The number of the last version.
    pub(super) const fn version(&self) -> u32 {
        self.version
    }

    /// How far the next version is.
    pub(super) const fn next(&self) -> NextVersion {
        NextVersion { outcomes: self.since, needed: self.due }
    }

    /// Forgets an agent that is no more.
    pub(super) fn forget(&mut self, agent: AgentId) {
        for question in &mut self.questions {
            question.rates.0.retain(|(_, of), _| *of != Some(agent));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const PLANS: &[Plan] = &[Plan {
        prefix: "",
        names: ["half", "one", "two", "three"],
        inputs: [0, 1, 2, 3],
        weights: [0.0; INPUTS],
        variance: 1.0,
        rises: [false, true, false, false, false, false, false],
        moderated: true,
    }];

    fn id(agent: u32) -> AgentId {
        AgentId(Uuid::from_u128(u128::from(agent) + 1))
    }

    fn case(input: f64) -> Case {
        Case { plain: 0.5, start: 0.0, inputs: [1.0, input, 0.0, 0.0, 0.0, 0.0, 0.0], seldom: None }
    }

    #[test]
    fn a_weight_is_found_and_one_that_must_not_fall_does_not() {
        let mut question = Question::new(&PLANS[0]);
        for round in 0..4000_u32 {
            let up = round % 2 == 0;
            // Nine of ten where the input says so, three of ten elsewhere.
            let truth = if up { round % 20 != 0 } else { round % 10 < 4 && round % 20 != 1 };
            question.learn(&case(if up { 1.0 } else { -1.0 }), truth);
        }
        let chance = |question: &Question, input| question.chance_by(2, &case(input));
        assert!((chance(&question, 1.0) - 0.9).abs() < 0.06, "{}", chance(&question, 1.0));
        assert!((chance(&question, -1.0) - 0.3).abs() < 0.08, "{}", chance(&question, -1.0));
        let mut question = Question::new(&PLANS[0]);
        for round in 0..2000 {
            question.learn(&case(if round % 2 == 0 { 1.0 } else { -1.0 }), round % 2 == 1);
        }
        assert!(chance(&question, 1.0) >= chance(&question, -1.0));
    }

    #[test]
    fn there_is_room_for_so_many_rates_and_an_agent_is_forgotten() {
        let mut chances = Chances::new(ModelKind::Classifier, PLANS);
        for round in 0..40_000_u32 {
            chances.questions[0].rates.learn(1 + round % 9000, Some(id(round % 1000)), round % 2 == 0);
            if round % 1024 == 0 {
                chances.compare();
            }
        }
        assert!(chances.questions[0].rates.0.len() <= RATES_MAX);
        let again = Chances::restore(ModelKind::Classifier, PLANS, 0, &chances.state());
        assert_eq!(again.describe(), chances.describe());
        chances.forget(id(5));
        assert!(!chances.state().agents.contains(&id(5)));
    }
}
