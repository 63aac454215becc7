//! Tries a rule on the past before it is armed: the same functions and levels as in earnest. What would have been
//! inhibited, silenced or shared is told all the same.

use std::collections::{BTreeMap, BTreeSet};

use super::windows::{History, Labels, Samples, reduce, together, worst};
use crate::domain::alert_state::Pending;
use crate::domain::alert_trial::{Firing, Runs, Trial};
use crate::domain::{AlertRule, Level, Span, Subject, Timestamp};

/// The window to try a rule with: its own, unless samples lie so far apart that it would be empty between them, where in
/// earnest it has two. Then it is twice the distance that most have at least.
fn window_for(rule: &AlertRule, subjects: &BTreeMap<Subject, Vec<(Labels, Samples)>>) -> Span {
    let pairs = subjects.values().flatten().flat_map(|(_, samples)| samples.windows(2));
    let mut apart: Vec<i64> = pairs.map(|pair| pair[1].0.as_micros() - pair[0].0.as_micros()).collect();
    if apart.is_empty() {
        return rule.window;
    }
    let middle = apart.len() / 2;
    let (_, median, _) = apart.select_nth_unstable(middle);
    Span::from_micros(median.saturating_mul(2)).max(rule.window)
}

/// When a rule would have fired since a time. `runs` says when something ran where, which rules about work go by.
pub fn try_rule(rule: &AlertRule, history: &impl History, runs: &Runs, since: Timestamp, now: Timestamp) -> Trial {
    // The first figures need a window's worth of samples before them.
    let from = Timestamp::from_micros(since.as_micros().saturating_sub(rule.window.as_micros()));
    let mut subjects: BTreeMap<Subject, Vec<(Labels, Samples)>> = BTreeMap::new();
    for (labels, samples) in history.samples(&rule.metric, from) {
        if rule.looks_at(&labels)
            && let Some(subject) = rule.subject(&labels)
        {
            subjects.entry(subject).or_default().push((labels, samples));
        }
    }
    let window = window_for(rule, &subjects);
    let all = || subjects.values().flatten().flat_map(|(_, samples)| samples);
    let mut trial = Trial {
        first: all().map(|(at, _)| *at).min(),
        samples: all().count() as u64,
        subjects: subjects.len() as u64,
        window: (window != rule.window).then_some(window),
        firings: vec![],
    };
    let rule = &AlertRule { window, ..rule.clone() };
    for (subject, series) in &subjects {
        replay(rule, (subject, series), runs, (since, now), &mut trial.firings);
    }
    trial.firings.sort_by_key(|firing| firing.from);
    trial
}

/// Goes through the times at which a subject's figure may change.
fn replay(
    rule: &AlertRule,
    (subject, series): (&Subject, &[(Labels, Samples)]),
    runs: &Runs,
    (since, now): (Timestamp, Timestamp),
    firings: &mut Vec<Firing>,
) {
    let mut times: BTreeSet<Timestamp> = BTreeSet::new();
    for (at, _) in series.iter().flat_map(|(_, samples)| samples) {
        // A figure changes with a sample, when one leaves the window, and when it has held for long enough.
        times.extend([*at, at.plus(rule.window), at.plus(rule.hold)]);
    }
    // What is about work is over with it, and what waits for its time begins anew.
    if rule.is_of_work() {
        times.extend(runs.changes(&subject.name));
    }
    let mut walk = runs.walk(&subject.name);
    let (mut pending, mut fired, mut scratch) = (Pending::default(), Level::Clear, vec![]);
    let mut open: Option<Firing> = None;
    for at in times.into_iter().filter(|at| (since..=now).contains(at)) {
        let begin = at.as_micros() - rule.window.as_micros();
        let values = series.iter().map(|(labels, samples)| {
            let first = samples.partition_point(|(time, _)| time.as_micros() <= begin);
            let end = samples.partition_point(|(time, _)| *time <= at);
            let last = samples[..end].last().map(|(time, _)| *time);
            ((labels, last), reduce(rule.function, samples[first..end].iter().copied(), &mut scratch))
        });
        let values: Vec<_> = values.collect();
        let value = together(rule, values.iter().filter_map(|(_, value)| *value));
        let (labels, last) = worst(rule, values.into_iter()).unzip();
        walk.go_to(at);
        if rule.is_of_before(walk.first(), last.flatten()) {
            continue;
        }
        let level = pending.take_in(rule, fired, value, walk.is_at_rest(at), at);
        if level == fired {
            continue;
        }
        pending.settle(level);
        fired = level;
        let labels = labels.cloned().unwrap_or_default();
        let message = rule.say(subject, level, value, &labels);
        match (&mut open, level) {
            (Some(_), Level::Clear) => {
                firings.extend(open.take().map(|firing| Firing { until: Some(at), ..firing }));
            }
            (Some(firing), level) if level > firing.level => (firing.level, firing.message) = (level, message),
            (None, level) if level > Level::Clear => {
                open = Some(Firing { subject: subject.clone(), level, from: at, until: None, message });
            }
            _ => {}
        }
    }
    firings.extend(open);
}

/// How far back a rule is tried at most.
pub const LONGEST: Span = Span::from_secs(366 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AlertRulePatch, Scope};
    use crate::engine::windows::Labels;

    struct Past(Vec<(&'static str, Samples)>);

    impl History for Past {
        fn samples(&self, _: &str, since: Timestamp) -> Vec<(Labels, Samples)> {
            let late = |samples: &Samples| samples.iter().filter(|(at, _)| *at >= since).copied().collect();
            let labels = |cage: &str| Labels::from([("cage".to_owned(), cage.to_owned())]);
            self.0.iter().map(|(cage, samples)| (labels(cage), late(samples))).collect()
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros((1_000_000 + seconds) * 1_000_000)
    }

    #[test]
    fn a_rule_says_when_it_would_have_fired() {
        let patch = AlertRulePatch {
            name: "hot".into(),
            metric: Some("heat".into()),
            scope: Some(Scope::Cage),
            warning: Some("10".parse().unwrap()),
            critical: Some("20".parse().unwrap()),
            hold: Some(Span::from_secs(3)),
            window: Some(Span::from_secs(5)),
            ..AlertRulePatch::default()
        };
        let rule = patch.over(None).unwrap();
        let series = |values: &[f64]| (0..).zip(values).map(|(second, value)| (at(second), *value)).collect();
        let past = Past(vec![
            ("001", series(&[1.0, 11.0, 11.0, 11.0, 11.0, 25.0, 25.0, 25.0, 25.0, 5.0, 5.0, 11.0, 5.0])),
            ("002", series(&[1.0, 11.0, 11.0, 1.0])),
            ("003", series(&[1.0, 1.0, 1.0, 12.0, 12.0, 12.0, 12.0])),
        ]);
        let trial = try_rule(&rule, &past, &Runs::default(), at(0), at(100));
        assert_eq!((trial.first, trial.samples, trial.subjects), (Some(at(0)), 24, 3));
        let told: Vec<_> = trial
            .firings
            .iter()
            .map(|firing| (firing.subject.name.as_str(), firing.level, firing.from, firing.until))
            .collect();
        assert_eq!(
            told,
            [("001", Level::Critical, at(4), Some(at(9))), ("003", Level::Warning, at(6), None)],
            "the last has no samples any more, and the rule keeps what it said"
        );
        assert!(trial.firings[0].message.contains("25"), "{}", trial.firings[0].message);
        assert_eq!(try_rule(&rule, &past, &Runs::default(), at(5), at(100)).firings.len(), 2);
        assert!(try_rule(&rule, &past, &Runs::default(), at(50), at(100)).firings.is_empty());
    }

    #[test]
    fn samples_that_lie_further_apart_than_the_window_are_one_firing_all_the_same() {
        let patch = AlertRulePatch {
            name: "busy".into(),
            metric: Some("work_total".into()),
            scope: Some(Scope::Cage),
            function: Some("rate".parse().unwrap()),
            warning: Some("1".parse().unwrap()),
            window: Some(Span::from_secs(5)),
            ..AlertRulePatch::default()
        };
        let rule = patch.over(None).unwrap();
        // Every 10 seconds, with two a second of what is counted between the third and the seventh.
        let counted = [0.0, 0.0, 0.0, 20.0, 40.0, 60.0, 80.0, 80.0, 80.0, 80.0];
        let past = Past(vec![("001", (0..).zip(counted).map(|(place, value)| (at(place * 10), value)).collect())]);
        let trial = try_rule(&rule, &past, &Runs::default(), at(0), at(90));
        assert_eq!((trial.samples, trial.window), (10, Some(Span::from_secs(20))));
        assert_eq!(trial.firings.len(), 1, "{:?}", trial.firings);
        assert!(trial.firings[0].until.is_some(), "{:?}", trial.firings);
    }
    #[test]
    fn what_is_about_work_is_over_with_it_as_in_earnest() {
        let patch = AlertRulePatch {
            name: "full".into(),
            metric: Some("menagerie_cage_memory_usage_ratio".into()),
            scope: Some(Scope::Cage),
            warning: Some("90%".parse().unwrap()),
            window: Some(Span::from_secs(60)),
            no_data: Some("clear".parse().unwrap()),
            ..AlertRulePatch::default()
        };
        let rule = patch.over(None).unwrap();
        // Two attempts of eight seconds that both leak, ten seconds apart; samples come while they run, and one late.
        let leak = |begun: i64| (0..8).map(move |second| (at(begun + second), if second < 4 { 0.5 } else { 0.95 }));
        let samples: Samples = leak(0).chain([(at(9), 0.95)]).chain(leak(18)).collect();
        let past = Past(vec![("001", samples)]);
        let told = |runs: &Runs| {
            let firings = try_rule(&rule, &past, runs, at(0), at(200)).firings;
            firings.iter().map(|firing| (firing.from, firing.until)).collect::<Vec<_>>()
        };
        let mut runs = Runs::from(at(0));
        runs.add("001", at(0), Some(at(8)));
        runs.add("001", at(18), Some(at(26)));
        assert_eq!(told(&runs), [(at(4), Some(at(8))), (at(22), Some(at(26)))]);
        // Of which nobody knows whether it ran, it is over when the window is empty, or the next figure is a good one.
        let unknown = Runs::from(at(1000));
        assert_eq!(told(&unknown), [(at(4), Some(at(18))), (at(22), Some(at(85)))]);
    }
}
