//! The value function: what it costs to let a task wait longer.
//!
//! The unit is the task-hour: one task of the usual priority 5 that waits for one hour. An hour more of waiting of a task costs
//! what waits, itself and all that is behind it by priority, and what a missed deadline costs, which counts as nine hours of
//! all that, by how likely it is to be missed were the task begun now:
//!
//! ```text
//! cost an hour = (its priority + the priorities behind it) / 5 * (1 + 9 * chance of missing)
//! ```
//!
//! The chance is learned from tasks with a deadline that completed. The first candidate is a fixed formula, `1 / (1 + hours
//! left)`, which stands until what was learned has foretold better.

use super::chances::{Case, Chances, INPUTS, Plan, figures, logit};
use super::features::ALWAYS;
use super::math::ln;
use crate::domain::learning::{ChancesState, ModelKind, ModelParameters, ModelVersion, NextVersion, Slack};

/// As how many hours of waiting a missed deadline counts.
pub(in crate::engine::core) const MISSED: f64 = 9.0;
/// The shortest and the longest time left that makes a difference, in hours: a second and some six weeks.
const LEFT: (f64, f64) = (1.0 / 3600.0, 1000.0);
/// How much more or less than what is left a task may be expected to take, as a logarithm.
const RATIO_MAX: f64 = 5.0;

const PLANS: &[Plan] = &[Plan {
    prefix: "",
    names: ["formula", "time left", "time left+length", "time left+length+type"],
    inputs: [0, 2, 3, 5],
    // Short of an hour it is missed as often as not.
    weights: [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    variance: 1.0,
    rises: [false, true, true, false, false, false, false],
    moderated: false,
}];

/// How it is made.
pub(super) fn parameters() -> ModelParameters {
    let own = [("variance", PLANS[0].variance), ("missed", MISSED)];
    ModelParameters {
        architecture:
            "cost of an hour more of waiting, in task-hours: Bayesian logistic regression of missed deadlines over \
                       the time left, the expected length, the type's rate and priority, beside 1 / (1 + hours left)"
                .to_owned(),
        hyperparameters: figures().into_iter().chain(own).map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}

/// The value function.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::engine::core) struct ValueFunction(Chances);

impl Default for ValueFunction {
    fn default() -> Self {
        Self(Chances::new(ModelKind::ValueFunction, PLANS))
    }
}

impl ValueFunction {
    fn case(&self, slack: &Slack) -> Case {
        let rates = &self.0.questions[0].rates;
        let hours = (f64::from(slack.left) / 3600.0).clamp(LEFT.0, LEFT.1);
        let ratio = match slack.expected {
            0 => 0.0,
            expected => ln(f64::from(expected) / 3600.0 / hours).clamp(-RATIO_MAX, RATIO_MAX),
        };
        let base = rates.base();
        let of_kind = if slack.kind == ALWAYS { 0.0 } else { logit(rates.of(slack.kind, None, base)) - logit(base) };
        let priority = (f64::from(slack.priority) - f64::from(crate::domain::learning::USUAL)) / 2.5;
        let mut inputs = [0.0; INPUTS];
        inputs[..5].copy_from_slice(&[1.0, -ln(hours), ratio, of_kind, priority]);
        Case { plain: 1.0 / (1.0 + f64::from(slack.left) / 3600.0), start: 0.0, inputs, seldom: None }
    }

    /// Learns how a task that completed stood to its deadline.
    pub(in crate::engine::core) fn learn(&mut self, slack: &Slack) {
        let case = self.case(slack);
        let question = &mut self.0.questions[0];
        question.learn(&case, slack.missed);
        for kind in [Some(ALWAYS), Some(slack.kind).filter(|kind| *kind != ALWAYS)].into_iter().flatten() {
            question.rates.learn(kind, None, slack.missed);
        }
        self.0.learned();
    }

    /// How likely a task is to miss its deadline, were it begun with this much left, 0-1. Whether it did is not looked at.
    pub(in crate::engine::core) fn misses(&self, slack: &Slack) -> f64 {
        if slack.left == 0 {
            return 1.0;
        }
        let case = self.case(slack);
        self.0.questions[0].chance(|_| case).unwrap_or(case.plain)
    }

    /// How many outcomes what it says rests on; `None` while the formula stands.
    pub(in crate::engine::core) fn learned_from(&self) -> Option<u64> {
        let question = &self.0.questions[0];
        (question.in_force() > 0).then(|| question.cases())
    }

    /// One that says the same where the type is not known, for whoever has no core at hand.
    pub(in crate::engine::core) fn without_types(&self) -> Self {
        let mut plain = Self::default();
        plain.0.questions[0] = self.0.questions[0].without_rates();
        plain
    }

    /// The version that the last comparison makes; `None` where nothing was compared since the last.
    pub(in crate::engine::core) fn next_version(&self) -> Option<(ModelVersion, ChancesState)> {
        self.0.next_version()
    }

    /// Compares the candidates before it is time to, if there is anything to compare them by.
    pub(in crate::engine::core) fn reviewed(&self) -> Option<Self> {
        self.0.reviewed().map(Self)
    }

    /// What a version was.
    pub(in crate::engine::core) fn restore(version: u32, state: &ChancesState) -> Self {
        Self(Chances::restore(ModelKind::ValueFunction, PLANS, version, state))
    }

    /// Everything that it is, as text, to compare states by.
    pub(in crate::engine::core) fn describe(&self) -> String {
        self.0.describe()
    }

    /// The number of the last version.
    pub(in crate::engine::core) const fn version(&self) -> u32 {
        self.0.version()
    }

    /// How far the next version is.
    pub(in crate::engine::core) const fn next(&self) -> NextVersion {
        self.0.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slack(left: u32, missed: bool) -> Slack {
        Slack { kind: 0, left, expected: 0, priority: 5, missed }
    }

    #[test]
    fn until_something_was_learned_it_is_the_formula() {
        let value = ValueFunction::default();
        assert!((value.misses(&slack(3600, false)) - 0.5).abs() < 1e-12);
        assert!((value.misses(&slack(0, false)) - 1.0).abs() < 1e-12);
        assert_eq!(value.learned_from(), None);
    }

    #[test]
    fn the_less_is_left_the_likelier_a_deadline_is_missed_whatever_was_learned() {
        let mut value = ValueFunction::default();
        // As wrong as can be: only those with much time miss it.
        for round in 0..400_u32 {
            value.learn(&slack(if round % 2 == 0 { 60 } else { 360_000 }, round % 2 == 1));
        }
        let chances: Vec<_> = [1, 60, 3600, 36_000, 3_600_000].map(|left| value.misses(&slack(left, false))).into();
        assert!(chances.is_sorted_by(|one, other| one >= other), "{chances:?}");
    }

    #[test]
    fn what_takes_minutes_is_not_missed_with_an_hour_left() {
        let mut value = ValueFunction::default();
        for round in 0..400_u32 {
            // Tasks take five minutes.
            let left = [60, 200, 400, 1200, 3600, 7200][round as usize % 6];
            value.learn(&slack(left, left < 300));
        }
        assert!(value.learned_from().is_some());
        assert!(value.misses(&slack(3600, false)) < 0.1, "{}", value.misses(&slack(3600, false)));
        assert!(value.misses(&slack(60, false)) > 0.8, "{}", value.misses(&slack(60, false)));
        let (version, state) = value.reviewed().unwrap_or_else(|| value.clone()).next_version().unwrap();
        assert!(version.in_force.starts_with("time left"), "{version:?}");
        let again = ValueFunction::restore(version.version, &state);
        assert_eq!(again.misses(&slack(500, false)).to_bits(), value.misses(&slack(500, false)).to_bits());
    }
}
