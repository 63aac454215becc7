//! The latest samples of each metric in memory, for rules, which look back but a little. What is older than any rule
//! looks back is forgotten; the long memory is elsewhere.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::domain::alert_rule::{Comparison, Function};
use crate::domain::{AlertRule, Span, Subject, Timestamp};

/// Labels of a series.
pub type Labels = BTreeMap<String, String>;

/// Samples in the order of their times, as a series or a part of it has them.
pub type Samples = Vec<(Timestamp, f64)>;

/// How many series there may be in all. Samples of further ones are dropped and counted.
const SERIES_MAX: usize = 200_000;
/// How many samples of one series are kept. A window that has more is as short as they reach.
const SAMPLES_MAX: usize = 4096;
/// How far back samples of a metric are kept that no rule looks at.
const KEPT_AT_LEAST: Span = Span::from_secs(60);
/// How much longer than the longest window a series is kept that gets no samples.
const FORGOTTEN_AFTER: Span = Span::from_secs(300);
/// How far ahead of the engine's clock a sample may be.
const AHEAD_MAX: Span = Span::from_secs(60);

/// Whoever knows what rules look at.
pub trait Windows {
    /// What a rule makes of each of its subjects; `None` for one that has a series and no samples within the window.
    fn values(&self, rule: &AlertRule, now: Timestamp) -> Vec<(Subject, Option<f64>)>;

    /// Of that series of a subject which counts, or counts most, for what a rule made of it: its labels, and when it was
    /// sampled last. None when it has none.
    fn worst(&self, rule: &AlertRule, subject: &Subject, now: Timestamp) -> Option<(Labels, Timestamp)>;
}

/// Whoever knows what a metric was in the past.
pub trait History {
    /// The samples of each series of a metric from a time on, with its labels.
    fn samples(&self, metric: &str, since: Timestamp) -> Vec<(Labels, Samples)>;
}

/// One series.
#[derive(Debug)]
struct Series {
    labels: Labels,
    samples: VecDeque<(Timestamp, f64)>,
}

/// One metric.
#[derive(Debug, Default)]
struct Metric {
    series: Vec<Series>,
    numbers: HashMap<Labels, usize>,
    /// By label and value: the numbers of the series that have it.
    by_label: HashMap<(String, String), Vec<usize>>,
    kept: Span,
    /// Rises when series come or go.
    version: u64,
}

/// Which series a rule looks at, until series come or go or the rule changes.
#[derive(Debug)]
struct Selection {
    rule: AlertRule,
    version: u64,
    /// Each subject with the numbers of its series.
    subjects: Vec<(Subject, Vec<usize>)>,
}

#[derive(Debug, Default)]
struct Inner {
    metrics: HashMap<String, Metric>,
    series: usize,
    selections: HashMap<String, Selection>,
    looked_after: Option<Timestamp>,
    /// The metrics that some rule looks at.
    wanted: HashSet<String>,
}

/// The samples in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Ring {
    inner: Arc<Mutex<Inner>>,
    dropped: Arc<AtomicU64>,
    pushed: Arc<Notify>,
}

impl Ring {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a sample and has the rules evaluated. `now` is the engine's time: a sample that is far ahead of it, not
    /// finite, or of one series too many is dropped and counted. One that comes late takes its place; one with the time
    /// of another takes its stead.
    pub fn push(&self, metric: &str, labels: &Labels, time: Timestamp, value: f64, now: Timestamp) {
        if self.put(metric, labels, time, value, now) {
            self.pushed.notify_one();
        }
    }

    /// As [`push`](Self::push), for whoever evaluates and needs no waking. Gives whether it was taken in.
    pub fn put(&self, metric: &str, labels: &Labels, time: Timestamp, value: f64, now: Timestamp) -> bool {
        let fine = value.is_finite() && time <= now.plus(AHEAD_MAX);
        let taken = fine && self.lock().push(metric, labels, time, value);
        self.dropped.fetch_add(u64::from(!taken), Ordering::Relaxed);
        taken
    }

    /// Whether some rule looks at a metric: of others no samples need to be put here.
    pub fn wants(&self, metric: &str) -> bool {
        self.lock().wanted.contains(metric)
    }

    /// How many samples were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Resolves when a sample has come since the last time.
    pub async fn pushed(&self) {
        self.pushed.notified().await;
    }

    /// The names of the metrics that there are samples of.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.lock().metrics.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// Keeps samples for as long as these rules look back, and forgets the series that get none any more.
    pub fn keep(&self, rules: &[AlertRule], now: Timestamp) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        inner.wanted = rules.iter().map(|rule| rule.metric.clone()).collect();
        for (name, metric) in &mut inner.metrics {
            let windows = rules.iter().filter(|rule| rule.metric == *name).map(|rule| rule.window);
            metric.kept = windows.max().unwrap_or(KEPT_AT_LEAST).max(KEPT_AT_LEAST);
        }
        inner.selections.retain(|name, _| rules.iter().any(|rule| rule.name == *name));
        inner.forget(now);
    }

    /// Forgets the series that get no samples any more, once a minute.
    pub fn look_after(&self, now: Timestamp) {
        let mut inner = self.lock();
        if inner.looked_after.is_none_or(|at| now.since(at) >= KEPT_AT_LEAST) {
            inner.forget(now);
        }
    }
}

impl Inner {
    fn push(&mut self, name: &str, labels: &Labels, time: Timestamp, value: f64) -> bool {
        if !self.metrics.contains_key(name) {
            self.metrics.insert(name.to_owned(), Metric { kept: KEPT_AT_LEAST, ..Metric::default() });
        }
        let Some(metric) = self.metrics.get_mut(name) else { return false };
        let number = match metric.numbers.get(labels) {
            Some(number) => *number,
            None if self.series >= SERIES_MAX => return false,
            None => {
                self.series += 1;
                metric.add(labels)
            }
        };
        let (kept, samples) = (metric.kept, &mut metric.series[number].samples);
        let latest = samples.back().map_or(time, |(latest, _)| time.max(*latest));
        if latest.since(time) > kept {
            return false;
        }
        let place = samples.partition_point(|(at, _)| *at < time);
        match samples.get_mut(place) {
            Some(same) if same.0 == time => same.1 = value,
            _ => samples.insert(place, (time, value)),
        }
        while samples.len() > SAMPLES_MAX || samples.front().is_some_and(|(at, _)| latest.since(*at) > kept) {
            samples.pop_front();
        }
        true
    }

    fn forget(&mut self, now: Timestamp) {
        self.looked_after = Some(now);
        for metric in self.metrics.values_mut() {
            let span = Span::from_micros(metric.kept.as_micros() + FORGOTTEN_AFTER.as_micros());
            let live = |series: &Series| series.samples.back().is_some_and(|(at, _)| now.since(*at) <= span);
            if metric.series.iter().all(live) {
                continue;
            }
            let kept: Vec<Series> = metric.series.drain(..).filter(live).collect();
            metric.numbers.clear();
            metric.by_label.clear();
            for series in kept {
                let number = metric.add(&series.labels);
                metric.series[number].samples = series.samples;
            }
        }
        self.metrics.retain(|_, metric| !metric.series.is_empty());
        self.series = self.metrics.values().map(|metric| metric.series.len()).sum();
        self.selections.retain(|_, selection| self.metrics.contains_key(&selection.rule.metric));
    }
}

impl Metric {
    fn add(&mut self, labels: &Labels) -> usize {
        let number = self.series.len();
        self.version += 1;
        self.numbers.insert(labels.clone(), number);
        for (label, value) in labels {
            self.by_label.entry((label.clone(), value.clone())).or_default().push(number);
        }
        self.series.push(Series { labels: labels.clone(), samples: VecDeque::new() });
        number
    }

    /// The subjects of a rule and their series, by way of its rarest label.
    fn select(&self, rule: &AlertRule) -> Vec<(Subject, Vec<usize>)> {
        let exact = rule.labels.iter().filter(|(_, value)| !value.contains('*'));
        let rarest = exact
            .map(|(label, value)| self.by_label.get(&(label.clone(), value.clone())).map_or(&[][..], Vec::as_slice))
            .min_by_key(|numbers| numbers.len());
        let all: Vec<usize>;
        let candidates = if let Some(numbers) = rarest {
            numbers
        } else {
            all = (0..self.series.len()).collect();
            &all
        };
        let mut subjects: BTreeMap<Subject, Vec<usize>> = BTreeMap::new();
        for number in candidates.iter().copied() {
            let labels = &self.series[number].labels;
            if rule.looks_at(labels)
                && let Some(subject) = rule.subject(labels)
            {
                subjects.entry(subject).or_default().push(number);
            }
        }
        subjects.into_iter().collect()
    }
}

impl Windows for Ring {
    fn values(&self, rule: &AlertRule, now: Timestamp) -> Vec<(Subject, Option<f64>)> {
        let mut inner = self.lock();
        let Inner { metrics, selections, .. } = &mut *inner;
        let Some(metric) = metrics.get_mut(&rule.metric) else { return vec![] };
        metric.kept = metric.kept.max(rule.window);
        let fits = |kept: &Selection| kept.version == metric.version && kept.rule == *rule;
        if !selections.get(&rule.name).is_some_and(fits) {
            let selection = Selection { rule: rule.clone(), version: metric.version, subjects: metric.select(rule) };
            selections.insert(rule.name.clone(), selection);
        }
        let Some(selection) = selections.get(&rule.name) else { return vec![] };
        let mut scratch = vec![];
        let mut value = |numbers: &[usize]| {
            together(rule, numbers.iter().filter_map(|number| metric.series[*number].value(rule, now, &mut scratch)))
        };
        selection.subjects.iter().map(|(subject, numbers)| (subject.clone(), value(numbers))).collect()
    }

    fn worst(&self, rule: &AlertRule, subject: &Subject, now: Timestamp) -> Option<(Labels, Timestamp)> {
        let inner = self.lock();
        let metric = inner.metrics.get(&rule.metric)?;
        let selection = inner.selections.get(&rule.name).filter(|selection| selection.rule == *rule);
        let subjects = selection.map_or(&[][..], |selection| &selection.subjects);
        let numbers = &subjects[subjects.binary_search_by(|(known, _)| known.cmp(subject)).ok()?].1;
        let mut scratch = vec![];
        // After series have gone, and until somebody asks for values again, a number may be none any more.
        let series = numbers.iter().filter_map(|number| metric.series.get(*number));
        let worst = worst(rule, series.map(|series| (series, series.value(rule, now, &mut scratch))));
        worst.and_then(|series| Some((series.labels.clone(), series.samples.back()?.0)))
    }
}

impl Series {
    /// What a rule makes of its samples.
    fn value(&self, rule: &AlertRule, now: Timestamp, scratch: &mut Vec<f64>) -> Option<f64> {
        let samples = &self.samples;
        let begin = samples.partition_point(|(at, _)| now.since(*at) >= rule.window && *at <= now);
        let end = samples.partition_point(|(at, _)| *at <= now);
        reduce(rule.function, samples.range(begin..end.max(begin)).copied(), scratch)
    }
}

impl History for Ring {
    fn samples(&self, metric: &str, since: Timestamp) -> Vec<(Labels, Samples)> {
        let inner = self.lock();
        let Some(metric) = inner.metrics.get(metric) else { return vec![] };
        let late = |series: &Series| series.samples.iter().filter(|(at, _)| *at >= since).copied().collect();
        metric.series.iter().map(|series| (series.labels.clone(), late(series))).collect()
    }
}

/// What several series of one subject come to: what is counted adds up, of the rest the worst counts.
pub fn together(rule: &AlertRule, values: impl Iterator<Item = f64>) -> Option<f64> {
    match (rule.function, rule.comparison) {
        (Function::Rate | Function::Increase | Function::Count, _) => values.reduce(|a, b| a + b),
        (_, Comparison::Above | Comparison::AtLeast) => values.reduce(f64::max),
        (_, Comparison::Below | Comparison::AtMost) => values.reduce(f64::min),
    }
}

/// Of several series of one subject that whose value is worst; of some that have none the first.
pub fn worst<T>(rule: &AlertRule, series: impl Iterator<Item = (T, Option<f64>)>) -> Option<T> {
    let worse = |value: Option<f64>, than: Option<f64>| match (value, than) {
        (Some(value), Some(than)) => rule.comparison.further(value, than),
        (value, than) => value.is_some() && than.is_none(),
    };
    series.reduce(|a, b| if worse(b.1, a.1) { b } else { a }).map(|(series, _)| series)
}

/// What a function makes of the samples of a window, in the order of their times; `None` when there are too few for it.
/// `scratch` is room to work in.
pub fn reduce(
    function: Function,
    mut samples: impl Iterator<Item = (Timestamp, f64)>,
    scratch: &mut Vec<f64>,
) -> Option<f64> {
    match function {
        Function::Last => samples.last().map(|(_, value)| value),
        Function::Max => samples.map(|(_, value)| value).reduce(f64::max),
        Function::Min => samples.map(|(_, value)| value).reduce(f64::min),
        Function::Avg => {
            let (count, sum) = samples.fold((0.0, 0.0), |(count, sum), (_, value)| (count + 1.0, sum + value));
            (count > 0.0).then_some(sum / count)
        }
        Function::Count => {
            let count = samples.count();
            (count > 0).then_some(count as f64)
        }
        Function::Rate | Function::Increase => {
            let (first, mut before) = samples.next()?;
            let (mut last, mut risen) = (first, 0.0);
            for (at, value) in samples {
                // A counter that has fallen began anew at zero.
                risen += if value >= before { value - before } else { value };
                (before, last) = (value, at);
            }
            let seconds = last.since(first).as_secs_f64();
            match function {
                _ if seconds <= 0.0 => None,
                Function::Rate => Some(risen / seconds),
                _ => Some(risen),
            }
        }
        Function::P95 => {
            scratch.clear();
            scratch.extend(samples.map(|(_, value)| value));
            // The nearest rank: the smallest value that at least 95 of 100 do not exceed.
            let rank = (scratch.len() * 95).div_ceil(100).checked_sub(1)?;
            Some(*scratch.select_nth_unstable_by(rank, f64::total_cmp).1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AlertRulePatch;
    use crate::domain::alert_rule::Scope;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros((1_000_000 + seconds) * 1_000_000)
    }

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
    }

    fn rule(scope: Scope, function: Function, pairs: &[(&str, &str)]) -> AlertRule {
        let patch = AlertRulePatch {
            name: "r".into(),
            metric: Some("m".into()),
            scope: Some(scope),
            function: Some(function),
            window: Some(Span::from_secs(10)),
            warning: Some("1".parse().unwrap()),
            labels: Some(labels(pairs)),
            ..AlertRulePatch::default()
        };
        patch.over(None).unwrap()
    }

    #[test]
    fn functions_are_those_of_the_samples_of_the_window() {
        let ring = Ring::default();
        let series = labels(&[("cage", "001")]);
        // The first is too old, one comes late, the counter begins anew.
        for (second, value) in [(-20, 99.0), (1, 4.0), (3, 10.0), (2, 6.0), (5, 2.0), (9, 4.0)] {
            ring.push("m", &series, at(second), value, at(10));
        }
        let value = |function| ring.values(&rule(Scope::Cage, function, &[]), at(10))[0].1;
        assert_eq!(value(Function::Last), Some(4.0));
        assert_eq!(value(Function::Max), Some(10.0));
        assert_eq!(value(Function::Min), Some(2.0));
        assert_eq!(value(Function::Avg), Some(26.0 / 5.0));
        assert_eq!(value(Function::Count), Some(5.0));
        assert_eq!(value(Function::Increase), Some(2.0 + 4.0 + 2.0 + 2.0));
        assert_eq!(value(Function::Rate), Some(10.0 / 8.0));
        assert_eq!(value(Function::P95), Some(10.0));
        let subject = Subject::new(Scope::Cage, "001");
        assert_eq!(ring.values(&rule(Scope::Cage, Function::Last, &[]), at(40)), [(subject, None)]);
    }

    #[test]
    fn a_quantile_is_the_nearest_rank() {
        for (count, expected) in [(1, 1.0), (19, 19.0), (20, 19.0), (100, 95.0)] {
            let samples = (1..=count).rev().map(|value| (at(0), f64::from(value)));
            assert_eq!(reduce(Function::P95, samples, &mut vec![]), Some(expected), "{count}");
        }
        assert_eq!(reduce(Function::P95, std::iter::empty(), &mut vec![]), None);
        assert_eq!(reduce(Function::Rate, [(at(0), 1.0)].into_iter(), &mut vec![]), None, "one sample has no rate");
    }

    #[test]
    fn rules_pick_series_by_label_and_tell_subjects_apart() {
        let ring = Ring::default();
        for (cage, kind, value) in [("001", "a", 1.0), ("001", "b", 5.0), ("002", "a", 3.0)] {
            ring.push("m", &labels(&[("cage", cage), ("kind", kind)]), at(0), value, at(0));
        }
        ring.push("m", &labels(&[("kind", "a")]), at(0), 100.0, at(0));
        let of = |rule: &AlertRule| -> Vec<(String, Option<f64>)> {
            ring.values(rule, at(1)).into_iter().map(|(subject, value)| (subject.to_string(), value)).collect()
        };
        let cages = |one, two| vec![("cage 001".to_owned(), Some(one)), ("cage 002".to_owned(), Some(two))];
        assert_eq!(of(&rule(Scope::Cage, Function::Last, &[])), cages(5.0, 3.0), "the worst of several series");
        assert_eq!(of(&rule(Scope::Cage, Function::Last, &[("kind", "a")])), cages(1.0, 3.0));
        assert_eq!(of(&rule(Scope::Cage, Function::Count, &[("kind", "*")])), cages(2.0, 1.0), "counts add up");
        let below = AlertRule { comparison: Comparison::Below, ..rule(Scope::Cage, Function::Last, &[]) };
        assert_eq!(of(&below), cages(1.0, 3.0));
        assert_eq!(of(&rule(Scope::Fleet, Function::Max, &[])), [("fleet".to_owned(), Some(100.0))]);
        assert_eq!(of(&rule(Scope::Cage, Function::Last, &[("kind", "z")])), []);
        // A new series is found by a rule that was asked before.
        ring.push("m", &labels(&[("cage", "003"), ("kind", "a")]), at(1), 7.0, at(1));
        assert_eq!(of(&rule(Scope::Cage, Function::Last, &[("kind", "a")])).len(), 3);
    }

    #[test]
    fn what_is_wrong_is_dropped_and_counted_and_what_is_old_forgotten() {
        let ring = Ring::default();
        let series = labels(&[]);
        for (time, value) in [(at(0), f64::NAN), (at(0), f64::INFINITY), (at(200), 1.0)] {
            ring.push("m", &series, time, value, at(0));
        }
        assert_eq!((ring.dropped(), ring.names()), (3, vec![]));
        ring.push("m", &series, at(100), 1.0, at(100));
        ring.push("m", &series, at(0), 1.0, at(100));
        assert_eq!(ring.dropped(), 4, "older than anything that is kept");
        for number in 0..2 * i64::try_from(SAMPLES_MAX).unwrap() {
            ring.push("m", &series, Timestamp::from_micros(at(100).as_micros() + number), 1.0, at(100));
        }
        assert_eq!(ring.samples("m", at(0))[0].1.len(), SAMPLES_MAX);
        ring.look_after(at(300));
        assert_eq!(ring.names(), ["m"]);
        ring.look_after(at(600));
        assert!(ring.names().is_empty());
        for number in 0..=SERIES_MAX {
            ring.push("n", &labels(&[("cage", &number.to_string())]), at(700), 1.0, at(700));
        }
        assert_eq!(ring.dropped(), 5, "one series too many");
    }
}
