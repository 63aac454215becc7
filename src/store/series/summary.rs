//! What is known of the values of a series within some time: made of samples, or of shorter summaries.

use super::sketch::Sketch;
use crate::domain::metric::Function;

/// Beyond this many microseconds between two samples nothing is known of what was between them.
pub(super) const GAP: i64 = 300_000_000;

/// What is known of some values that follow each other.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Summary {
    pub(super) count: u64,
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) sum: f64,
    pub(super) first: f64,
    pub(super) last: f64,
    /// By how much a counter rose from the first to the last.
    pub(super) increase: f64,
    /// When the first and the last were, in microseconds since the epoch.
    pub(super) first_time: i64,
    pub(super) last_time: i64,
    /// How the values are spread; only where it was asked for.
    pub(super) sketch: Option<Sketch>,
}

/// By how much a counter rose from one value to the next. One that falls began again at zero.
fn rise(before: f64, after: f64) -> f64 {
    if after < before { after } else { after - before }
}

impl Summary {
    /// Of one sample.
    pub(super) fn of(time: i64, value: f64, sketched: bool) -> Self {
        let sketch = sketched.then(|| {
            let mut sketch = Sketch::default();
            sketch.add(value, 1);
            sketch
        });
        Self {
            count: 1,
            min: value,
            max: value,
            sum: value,
            first: value,
            last: value,
            increase: 0.0,
            first_time: time,
            last_time: time,
            sketch,
        }
    }

    /// Takes in a sample that is later than all so far.
    pub(super) fn put(&mut self, time: i64, value: f64) {
        self.count += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.sum += value;
        self.increase += rise(self.last, value);
        self.last = value;
        self.last_time = time;
        if let Some(sketch) = &mut self.sketch {
            sketch.add(value, 1);
        }
    }

    /// Takes in what is known of values that are later than all so far.
    pub(super) fn join(&mut self, later: &Self) {
        self.count += later.count;
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.sum += later.sum;
        self.increase += rise(self.last, later.first) + later.increase;
        self.last = later.last;
        self.last_time = later.last_time;
        if let (Some(sketch), Some(later)) = (&mut self.sketch, &later.sketch) {
            sketch.merge(later);
        }
    }

    /// By how much a counter rose, and in how many microseconds, since the last value of what came before, or since the
    /// first value when that is too long ago; `None` when there was only one.
    fn rise_after(&self, before: Option<&Self>) -> Option<(f64, i64)> {
        match before {
            Some(before) if self.first_time - before.last_time <= GAP => {
                Some((rise(before.last, self.first) + self.increase, self.last_time - before.last_time))
            }
            _ => (self.count > 1).then_some((self.increase, self.last_time - self.first_time)),
        }
    }

    /// What a function makes of the values, of which those in `before` came just before; `None` when it is not known.
    pub(super) fn value(&self, function: Function, before: Option<&Self>) -> Option<f64> {
        match function {
            Function::Avg => Some(self.sum / self.count as f64),
            Function::Min => Some(self.min),
            Function::Max => Some(self.max),
            Function::Sum => Some(self.sum),
            Function::Last => Some(self.last),
            Function::Count => Some(self.count as f64),
            Function::Increase => self.rise_after(before).map(|(rise, _)| rise),
            Function::Rate => self
                .rise_after(before)
                .filter(|(_, micros)| *micros > 0)
                .map(|(rise, micros)| rise * 1e6 / micros as f64),
            Function::P50 | Function::P90 | Function::P95 | Function::P99 => {
                let found = self.sketch.as_ref()?.quantile(function.quantile()?)?;
                Some(found.max(self.min).min(self.max))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: &[(i64, f64)]) -> Summary {
        let mut samples = samples.iter();
        let (time, value) = samples.next().unwrap();
        let mut summary = Summary::of(*time * 1_000_000, *value, true);
        samples.for_each(|(time, value)| summary.put(*time * 1_000_000, *value));
        summary
    }

    #[test]
    fn a_counter_that_begins_again_has_still_risen() {
        let summary = of(&[(0, 10.0), (1, 15.0), (2, 3.0), (3, 4.0)]);
        assert_eq!(summary.value(Function::Increase, None), Some(9.0));
        assert_eq!(summary.value(Function::Rate, None), Some(3.0));
    }

    #[test]
    fn what_came_before_counts_unless_there_is_a_gap() {
        let before = of(&[(0, 10.0)]);
        assert_eq!(before.value(Function::Increase, None), None, "one value says nothing of a rise");
        assert_eq!(of(&[(10, 14.0)]).value(Function::Increase, Some(&before)), Some(4.0));
        assert_eq!(of(&[(10, 14.0)]).value(Function::Rate, Some(&before)), Some(0.4));
        assert_eq!(of(&[(10, 4.0)]).value(Function::Increase, Some(&before)), Some(4.0), "it began again");
        assert_eq!(of(&[(301, 14.0)]).value(Function::Increase, Some(&before)), None, "a gap is no rise");
        assert_eq!(of(&[(301, 14.0), (302, 15.0)]).value(Function::Rate, Some(&before)), Some(1.0));
    }

    #[test]
    fn parts_joined_equal_the_whole() {
        let samples = [(0, 3.0), (1, 9.0), (70, 2.0), (71, 2.5), (500, 8.0), (501, 1.0)];
        for split in 1..samples.len() {
            let mut joined = of(&samples[..split]);
            joined.join(&of(&samples[split..]));
            assert_eq!(joined, of(&samples), "split at {split}");
        }
    }
}
