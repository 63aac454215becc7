//! What is asked of metrics: which series, over which range, at which step, and what is made of the values in a step.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::enumeration::enumeration;
use super::super::quantity::Span;
use super::super::refusal::Refusal;
use super::super::time::Timestamp;
use super::selector::Selector;
use super::{MetricKind, check_label};

/// The most points of one line; more than any screen shows.
pub const POINTS: i64 = 11_000;

enumeration! {
    /// What is made of the values within a step.
    pub enum Function ("function") {
        /// Their mean.
        Avg = "avg",
        /// The smallest.
        Min = "min",
        /// The largest.
        Max = "max",
        /// Their sum.
        Sum = "sum",
        /// The last one.
        Last = "last",
        /// How many there are.
        Count = "count",
        /// By how much a counter rose in a second.
        Rate = "rate",
        /// By how much a counter rose.
        Increase = "increase",
        /// The median.
        P50 = "p50",
        /// What nine in ten do not exceed.
        P90 = "p90",
        /// What nineteen in twenty do not exceed.
        P95 = "p95",
        /// What ninety-nine in a hundred do not exceed.
        P99 = "p99",
    }
}

impl Function {
    /// The share of values that a quantile's answer is not exceeded by; `None` for what is no quantile.
    pub const fn quantile(self) -> Option<f64> {
        match self {
            Self::P50 => Some(0.5),
            Self::P90 => Some(0.9),
            Self::P95 => Some(0.95),
            Self::P99 => Some(0.99),
            _ => None,
        }
    }

    /// Refuses what says nothing about a metric of this kind.
    pub fn check(self, name: &str, kind: MetricKind) -> Result<(), Refusal> {
        let allowed = match (kind, self) {
            (MetricKind::Counter, Self::P50 | Self::P90 | Self::P95 | Self::P99) => {
                "for a counter: rate, increase, last, min, max, avg, sum, count"
            }
            (MetricKind::Gauge, Self::Rate | Self::Increase) => {
                "for a gauge: avg, min, max, sum, last, count, p50, p90, p95, p99"
            }
            (MetricKind::Histogram, Self::Avg | Self::Min | Self::Max | Self::Sum | Self::Last | Self::Count) => {
                "for a histogram: p50, p90, p95, p99, rate, increase"
            }
            _ => return Ok(()),
        };
        Err(Refusal::invalid(format!("function of {name}"), self, allowed))
    }
}

enumeration! {
    /// What is made of several series at each step.
    pub enum Aggregate ("aggregate") {
        /// Their sum.
        Sum = "sum",
        /// Their mean.
        Avg = "avg",
        /// The smallest.
        Min = "min",
        /// The largest.
        Max = "max",
    }
}

enumeration! {
    /// From what a line was made.
    pub enum Resolution ("resolution") {
        /// The samples themselves.
        Raw = "raw",
        /// A figure a minute.
        Minutes = "minutes",
        /// A figure an hour.
        Hours = "hours",
    }
}

/// How series become one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grouping {
    /// What is made of them.
    pub aggregate: Aggregate,
    /// Series that have these labels in common become one line; all become one when there are none.
    #[serde(default)]
    pub by: Vec<String>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// Which series.
    pub selector: Selector,
    /// From when on; the first step begins here or at the full step before, so that steps are the same however often
    /// it is asked.
    pub from: Timestamp,
    /// Up to when, exclusive.
    pub to: Timestamp,
    /// How long a step is. The answer's may be longer, when only coarser figures are kept of that time.
    pub step: Span,
    /// What is made of the values in a step.
    pub function: Function,
    /// How series become one line; each stays one by itself without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grouping: Option<Grouping>,
}

impl Query {
    /// Refuses a range or a step that cannot be answered.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.to <= self.from {
            return Err(Refusal::invalid("to", self.to, format!("later than from ({})", self.from)));
        }
        if self.step < Span::from_millis(1) {
            return Err(Refusal::invalid("step", self.step, "1ms or more"));
        }
        let points = self.to.since(self.from).as_micros() / self.step.as_micros();
        if points > POINTS {
            return Err(Refusal::invalid(
                "step",
                self.step,
                format!("at most {POINTS} steps in a range; here are {points}"),
            )
            .hint("Ask for a longer step or a shorter range"));
        }
        for label in self.grouping.iter().flat_map(|grouping| &grouping.by) {
            check_label(label).map_err(|refusal| refusal.within("by"))?;
        }
        Ok(())
    }
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// From what it was made; what is not yet summed up comes from samples all the same.
    pub resolution: Resolution,
    /// How long a step is.
    pub step: Span,
    /// A line for each series or group that has values, by labels.
    pub lines: Vec<Line>,
}

/// One step of a line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// When the step begins.
    pub time: Timestamp,
    /// What was made of the values in it.
    pub value: f64,
}

/// A line of an answer. Steps without a value are missing: a gap is no zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// The labels of the series, or those that its group has in common.
    pub labels: BTreeMap<String, String>,
    /// Steps with values, the earliest first.
    pub points: Vec<Point>,
}
