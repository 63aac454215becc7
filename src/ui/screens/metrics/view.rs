//! What of a metric is looked at, as queries.

use crate::domain::metric::{Aggregate, Answer, Function, Grouping, Line, MetricKind, Point, Query, Selector};
use crate::domain::{Span, Timestamp};
use crate::ui::widgets::axis;

/// The ranges, with their names.
pub const RANGES: [(&str, Span); 5] = [
    ("15m", Span::from_secs(900)),
    ("1h", Span::from_secs(3_600)),
    ("6h", Span::from_secs(21_600)),
    ("24h", Span::from_secs(86_400)),
    ("7d", Span::from_secs(604_800)),
];

/// Of more series than this one sees the highest, the mean and the lowest: more lines cannot be told apart.
pub const LINES_MAX: usize = 10;

/// What is drawn of many series, with its name.
const SPREAD: [(Aggregate, &str); 3] =
    [(Aggregate::Max, "highest"), (Aggregate::Avg, "mean"), (Aggregate::Min, "lowest")];

/// Of more lines than this, bands would lie over each other.
const BANDS_MAX: usize = 3;

/// Between which quantiles bands lie.
const QUANTILES: [Function; 3] = [Function::P50, Function::P90, Function::P99];

/// The functions that are gone through, for a kind of metric.
pub const fn functions(kind: MetricKind) -> &'static [Function] {
    match kind {
        MetricKind::Gauge => &[Function::Avg, Function::Min, Function::Max, Function::P50, Function::P95],
        MetricKind::Counter => &[Function::Rate, Function::Increase, Function::Last],
        MetricKind::Histogram => &[Function::P50, Function::P95, Function::P99, Function::Rate],
    }
}

/// What is looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Which series.
    pub selector: Selector,
    /// The unit of the metric.
    pub unit: String,
    /// What is made of each step.
    pub function: Function,
    /// Which of [`RANGES`].
    pub range: usize,
    /// Where it ends; `None` for now, which is followed.
    pub end: Option<Timestamp>,
    /// Whether the same span before it is shown too.
    pub compare: bool,
    /// Of how many series the highest, the mean and the lowest are shown; `None` for each by itself.
    pub spread: Option<u64>,
    /// How many values can be seen beside each other.
    pub dots: u16,
}

impl View {
    /// How long it is.
    pub const fn span(&self) -> Span {
        RANGES[self.range].1
    }

    /// The unit of what is shown.
    pub fn shown_unit(&self) -> String {
        if self.function == Function::Rate { axis::per_second(&self.unit) } else { self.unit.clone() }
    }

    /// How long a step is: whole seconds, so that no two values share a dot.
    fn step(&self) -> i64 {
        let least = self.span().as_micros() / i64::from(self.dots.max(1));
        ((least + 999_999) / 1_000_000).max(1) * 1_000_000
    }

    /// From when to when, in whole steps, so that the picture stands still for the length of one.
    pub fn times(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        let step = self.step();
        let end = self.end.unwrap_or(now).as_micros();
        let to = (end.div_euclid(step) + 1) * step;
        let steps = (self.span().as_micros() + step - 1) / step;
        (Timestamp::from_micros(to - steps * step), Timestamp::from_micros(to))
    }

    /// Whether the quantiles are shown around it, as bands.
    pub const fn banded(&self) -> bool {
        self.function.quantile().is_some() && self.spread.is_none()
    }

    /// What is asked: what is looked at, after it the quantiles of its bands, and then the same of the time before.
    pub fn queries(&self, now: Timestamp) -> Vec<Query> {
        let (from, to) = self.times(now);
        let query = |grouping: Option<Grouping>, back: i64| Query {
            selector: self.selector.clone(),
            from: Timestamp::from_micros(from.as_micros() - back),
            to: Timestamp::from_micros(to.as_micros() - back),
            step: Span::from_micros(self.step()),
            function: self.function,
            grouping,
        };
        let mut queries = Vec::new();
        for back in [Some(0), self.compare.then(|| to.since(from).as_micros())].into_iter().flatten() {
            if self.spread.is_some() {
                let groups = SPREAD.iter().map(|(aggregate, _)| Grouping { aggregate: *aggregate, by: vec![] });
                queries.extend(groups.map(|grouping| query(Some(grouping), back)));
            } else {
                queries.push(query(None, back));
            }
            if self.banded() && back == 0 {
                queries.extend(QUANTILES.map(|function| Query { function, ..query(None, 0) }));
            }
        }
        queries
    }

    /// The answers as the lines of what is looked at, each with its name, those of the time before, and the bands.
    pub fn sort(&self, answers: Vec<Answer>) -> Sorted {
        let each = if self.spread.is_some() { SPREAD.len() } else { 1 };
        let quantiles = if self.banded() { QUANTILES.len() } else { 0 };
        let named = |place: usize, answer: Answer| -> Vec<Named> {
            let spread = self.spread.map(|series| (SPREAD[place % each].1, series));
            let name = |line: &Line| match spread {
                Some((name, series)) => vec![format!("{name} of {series}")],
                None => line.labels.iter().map(|(label, value)| format!("{label} {value}")).collect(),
            };
            let step = answer.step;
            answer.lines.into_iter().map(|line| Named { words: name(&line), points: line.points, step }).collect()
        };
        let mut answers = answers.into_iter();
        let lines: Vec<Named> =
            answers.by_ref().take(each).enumerate().flat_map(|(place, answer)| named(place, answer)).collect();
        let edges: Vec<Vec<Named>> = answers.by_ref().take(quantiles).map(|answer| named(0, answer)).collect();
        let before = answers.enumerate().flat_map(|(place, answer)| named(place, answer)).collect();
        let edges = if lines.len() <= BANDS_MAX { edges } else { Vec::new() };
        Sorted { lines, before, edges }
    }
}

/// What came for a view.
pub struct Sorted {
    /// What is looked at.
    pub lines: Vec<Named>,
    /// The same of the time before.
    pub before: Vec<Named>,
    /// The edges of the bands, from the median up; none where there are no bands.
    pub edges: Vec<Vec<Named>>,
}

/// A line and what tells it from others.
pub struct Named {
    /// Each label with its value.
    pub words: Vec<String>,
    /// Its values.
    pub points: Vec<Point>,
    /// How long a step is.
    pub step: Span,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(range: usize, dots: u16) -> View {
        View {
            selector: Selector::all("m"),
            unit: String::new(),
            function: Function::Avg,
            range,
            end: None,
            compare: false,
            spread: None,
            dots,
        }
    }

    #[test]
    fn a_range_is_asked_for_at_the_width_of_the_screen_and_stands_still_within_a_step() {
        let now = |seconds: i64| Timestamp::from_micros(1_772_618_400_000_000 + seconds * 1_000_000);
        for range in 0..RANGES.len() {
            for dots in [2, 100, 300, 700] {
                let view = view(range, dots);
                let query = view.queries(now(7)).remove(0);
                query.check().unwrap();
                let steps = query.to.since(query.from).as_micros() / query.step.as_micros();
                assert!(steps <= i64::from(dots.max(1)), "{steps} steps for {dots} dots");
                assert!(query.to > now(7) && query.to.since(now(7)) <= query.step);
            }
        }
        let hour = view(1, 240);
        assert_eq!(hour.queries(now(1)), hour.queries(now(14)));
        assert_ne!(hour.queries(now(1)), hour.queries(now(15)));
    }

    #[test]
    fn what_was_before_ends_where_what_is_looked_at_begins() {
        let view = View { compare: true, spread: Some(500), ..view(1, 240) };
        let queries = view.queries(Timestamp::from_micros(1_772_618_400_000_000));
        assert_eq!(queries.len(), 6);
        assert_eq!(queries[0].from, queries[3].to);
        assert_eq!(queries[3].grouping, queries[0].grouping);
    }

    #[test]
    fn quantiles_come_with_their_bands_and_nothing_else_does() {
        let point = |value: f64| Point { time: Timestamp::from_micros(0), value };
        let line = |value: f64| Line { labels: [].into(), points: vec![point(value)] };
        let answer = |value: f64, lines: usize| Answer {
            resolution: crate::domain::metric::Resolution::Raw,
            step: Span::from_secs(1),
            lines: vec![line(value); lines],
        };
        let quantile = View { function: Function::P95, compare: true, ..view(1, 240) };
        let functions: Vec<_> =
            quantile.queries(Timestamp::from_micros(0)).iter().map(|query| query.function).collect();
        assert_eq!(functions, [Function::P95, Function::P50, Function::P90, Function::P99, Function::P95]);
        let sorted = quantile.sort((0..5).map(|place| answer(f64::from(place), 1)).collect());
        assert_eq!(sorted.edges.iter().map(|edge| edge[0].points[0].value).collect::<Vec<_>>(), [1.0, 2.0, 3.0]);
        assert_eq!((sorted.lines[0].points[0].value, sorted.before[0].points[0].value), (0.0, 4.0));
        let many = quantile.sort((0..5).map(|place| answer(f64::from(place), 4)).collect());
        assert!(many.edges.is_empty() && many.lines.len() == 4 && many.before.len() == 4);
        assert_eq!(View { function: Function::Max, ..view(1, 240) }.queries(Timestamp::from_micros(0)).len(), 1);
    }
}
