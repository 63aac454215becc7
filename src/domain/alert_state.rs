//! How a rule's figures become levels over time, for one subject: what is beyond a threshold for long enough fires, what
//! has gone back far enough is over.

use super::alert_rule::{AlertRule, Level};
use super::time::Timestamp;

/// Since when, without a break, a subject has been beyond each threshold whose level has not fired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// The warning threshold.
    pub warning: Option<Timestamp>,
    /// The critical threshold.
    pub critical: Option<Timestamp>,
}

impl Pending {
    /// Whether nothing waits for its time.
    pub const fn is_none(&self) -> bool {
        self.warning.is_none() && self.critical.is_none()
    }

    /// Takes in a figure of a subject that has `fired` at a level so far, and gives the level that it ought to have now.
    /// A rise has to hold for the rule's time and is repeated until [`Pending::settle`]; a fall counts at once.
    pub fn observe(&mut self, rule: &AlertRule, fired: Level, value: Option<f64>, now: Timestamp) -> Level {
        let level = rule.level(value, fired);
        for (of, since) in [(Level::Warning, &mut self.warning), (Level::Critical, &mut self.critical)] {
            let waits = of > fired && level >= of && rule.threshold(of).is_some();
            *since = if waits { since.or(Some(now)) } else { None };
        }
        let due = |since: Option<Timestamp>| since.is_some_and(|since| now.since(since) >= rule.hold);
        match () {
            () if due(self.critical) => Level::Critical,
            () if due(self.warning) => Level::Warning,
            () => level.min(fired),
        }
    }

    /// The same for a subject of which it is known whether it rests, that is whether the rule is about work and nothing runs there:
    /// then nothing gets worse or waits for its time, and what is over with the work is over. Live and in trials this is the one
    /// way from a figure to a level.
    pub fn take_in(
        &mut self,
        rule: &AlertRule,
        fired: Level,
        value: Option<f64>,
        rests: bool,
        now: Timestamp,
    ) -> Level {
        if !(rests && rule.rests_without_work()) {
            return self.observe(rule, fired, value, now);
        }
        let level = if rule.ends_with_work() { Level::Clear } else { self.observe(rule, fired, value, now).min(fired) };
        *self = Self::default();
        level
    }

    /// A level has fired: nothing waits for it, or for a lesser one, any more.
    pub fn settle(&mut self, level: Level) {
        self.warning = self.warning.filter(|_| level < Level::Warning);
        self.critical = self.critical.filter(|_| level < Level::Critical);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert_rule::{AlertRulePatch, Comparison};
    use crate::domain::{Span, Threshold};
    use proptest::prelude::*;

    /// The same by the letter of the definition, from the whole past: no state but the level.
    fn naive(rule: &AlertRule, past: &[(Timestamp, Option<f64>)]) -> Vec<Level> {
        let rises = matches!(rule.comparison, Comparison::Above | Comparison::AtLeast);
        let strict = matches!(rule.comparison, Comparison::Above | Comparison::Below);
        let beyond = |threshold: Option<Threshold>, value: f64, back: bool| {
            let Some(Threshold { value: limit, .. }) = threshold else { return false };
            let margin = if back { limit.abs() * rule.hysteresis } else { 0.0 };
            // By how much the value is on the wrong side.
            let over = if rises { value - (limit - margin) } else { (limit + margin) - value };
            over > 0.0 || (!strict && over == 0.0)
        };
        let threshold = |level| if level == Level::Warning { rule.warning } else { rule.critical };
        let mut levels: Vec<Level> = vec![];
        for at in 0..past.len() {
            let fired = levels.last().copied().unwrap_or(Level::Clear);
            let (now, value) = past[at];
            let Some(value) = value else {
                levels.push(fired);
                continue;
            };
            let mut next = [Level::Critical, Level::Warning]
                .into_iter()
                .find(|level| *level <= fired && beyond(threshold(*level), value, true))
                .unwrap_or(Level::Clear);
            // A critical value makes a rule that had no warning before fall to nothing lesser.
            if next < fired && fired == Level::Critical && beyond(threshold(Level::Warning), value, true) {
                next = Level::Warning;
            }
            for level in [Level::Warning, Level::Critical].into_iter().filter(|level| *level > fired) {
                // The longest run up to now in which the value was known, beyond, and the level had not fired.
                let mut begun = None;
                for back in (0..=at).rev() {
                    let before = if back == 0 { Level::Clear } else { levels[back - 1] };
                    if past[back].1.is_none_or(|value| !beyond(threshold(level), value, false)) || before >= level {
                        break;
                    }
                    begun = Some(past[back].0);
                }
                if begun.is_some_and(|begun| now.since(begun) >= rule.hold) {
                    next = next.max(level);
                }
            }
            levels.push(next);
        }
        levels
    }

    fn rule(comparison: usize, hold: i64, hysteresis: f64, both: usize) -> AlertRule {
        let comparison = Comparison::ALL[comparison];
        let rises = matches!(comparison, Comparison::Above | Comparison::AtLeast);
        let (warning, critical) = if rises { ("10", "20") } else { ("-10", "-20") };
        AlertRulePatch {
            name: "r".into(),
            metric: Some("m".into()),
            comparison: Some(comparison),
            warning: (both != 1).then(|| warning.parse().unwrap()),
            critical: (both != 0).then(|| critical.parse().unwrap()),
            hold: Some(Span::from_secs(hold)),
            hysteresis: Some(hysteresis),
            ..AlertRulePatch::default()
        }
        .over(None)
        .unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn levels_follow_the_definition(
            comparison in 0..4usize,
            hold in 0..4i64,
            hysteresis in prop_oneof![Just(0.0), Just(0.25)],
            both in 0..3usize,
            // Seconds that pass, which may be none, and a value around the thresholds, or none.
            steps in prop::collection::vec((0..3i64, prop::option::weighted(0.9, 5..25i32)), 1..40),
        ) {
            let rule = rule(comparison, hold, hysteresis, both);
            let rises = matches!(rule.comparison, Comparison::Above | Comparison::AtLeast);
            let mut now = 1_000_000;
            let past: Vec<(Timestamp, Option<f64>)> = steps
                .iter()
                .map(|(passed, value)| {
                    now += passed;
                    let value = value.map(|value| f64::from(if rises { value } else { -value }));
                    (Timestamp::from_micros(now * 1_000_000), value)
                })
                .collect();
            let (mut pending, mut fired, mut levels) = (Pending::default(), Level::Clear, vec![]);
            for (now, value) in &past {
                let level = pending.observe(&rule, fired, *value, *now);
                if level > fired {
                    pending.settle(level);
                }
                fired = level;
                levels.push(fired);
            }
            prop_assert_eq!(levels, naive(&rule, &past));
        }
    }
}
