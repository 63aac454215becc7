//! What metrics were, for rules to be tried on: the store of metrics as the trial asks for it.

use super::series::Recorder;
use super::windows::{History, Labels, Samples};
use crate::domain::metric::{Function, Query, Selector};
use crate::domain::{Span, Timestamp};

/// The steps that a trial is content with: of a longer time fewer, so that a day of a thousand series is gone through in
/// seconds.
const STEPS: i64 = 8_000;

/// What was measured.
pub struct Past(pub Recorder);

impl History for Past {
    fn samples(&self, metric: &str, since: Timestamp) -> Vec<(Labels, Samples)> {
        let now = self.0.now();
        let Ok(handle) = self.0.handle() else { return vec![] };
        let step = (now.since(since).as_micros() / STEPS).max(1_000_000);
        let query = Query {
            selector: Selector::all(metric),
            from: since,
            to: now.plus(Span::from_secs(1)),
            step: Span::from_micros(step),
            function: Function::Last,
            grouping: None,
        };
        let lines = handle.query(&query).map(|answer| answer.lines).unwrap_or_default();
        let samples =
            |points: Vec<_>| points.into_iter().map(|point: crate::domain::metric::Point| (point.time, point.value));
        lines.into_iter().map(|line| (line.labels, samples(line.points).collect())).collect()
    }
}
