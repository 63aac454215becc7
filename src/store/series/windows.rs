//! The steps of a range, and what is known of the values in each.

use super::summary::{GAP, Summary};
use crate::domain::metric::Function;

/// The steps of a query, in microseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Steps {
    /// When the first begins.
    pub(super) start: i64,
    pub(super) step: i64,
    pub(super) count: usize,
}

impl Steps {
    /// Full steps from that of `from` to that before `to`.
    pub(super) fn new(from: i64, to: i64, step: i64) -> Self {
        let start = from.div_euclid(step) * step;
        let count = usize::try_from((to - start + step - 1) / step).unwrap_or(0);
        Self { start, step, count }
    }

    pub(super) fn begin(&self, place: usize) -> i64 {
        self.start + i64::try_from(place).unwrap_or(0) * self.step
    }

    /// From when on values are wanted: a rise counts from the last value before the first step.
    pub(super) fn wanted_from(&self, function: Function) -> i64 {
        if matches!(function, Function::Rate | Function::Increase) { self.start - GAP } else { self.start }
    }
}

/// What is known of one series in each step.
#[derive(Debug)]
pub(super) struct Windows {
    steps: Steps,
    sketched: bool,
    /// What came before the first step.
    before: Option<Summary>,
    summaries: Vec<Option<Summary>>,
}

impl Windows {
    pub(super) fn new(steps: Steps, function: Function) -> Self {
        let sketched = function.quantile().is_some();
        Self { steps, sketched, before: None, summaries: vec![None; steps.count] }
    }

    /// Takes in a sample; they come in order.
    pub(super) fn put(&mut self, time: i64, value: f64) {
        let sketched = self.sketched;
        let Some(known) = self.of(time) else { return };
        match known {
            Some(summary) => summary.put(time, value),
            None => *known = Some(Summary::of(time, value, sketched)),
        }
    }

    /// Takes in a summary of what begins at a time and does not reach beyond its step; they come in order.
    pub(super) fn join(&mut self, time: i64, later: &Summary) {
        let Some(known) = self.of(time) else { return };
        match known {
            Some(summary) => summary.join(later),
            None => *known = Some(later.clone()),
        }
    }

    fn of(&mut self, time: i64) -> Option<&mut Option<Summary>> {
        if time < self.steps.start {
            return Some(&mut self.before);
        }
        self.summaries.get_mut(usize::try_from((time - self.steps.start) / self.steps.step).ok()?)
    }

    /// What a function makes of each step; `None` where nothing is known.
    pub(super) fn values(&self, function: Function) -> Vec<Option<f64>> {
        let mut before = self.before.as_ref();
        let value = |summary: &Option<Summary>, before: Option<&Summary>| summary.as_ref()?.value(function, before);
        let mut values = Vec::with_capacity(self.summaries.len());
        for summary in &self.summaries {
            values.push(value(summary, before).filter(|value| value.is_finite()));
            before = summary.as_ref().or(before);
        }
        values
    }
}
