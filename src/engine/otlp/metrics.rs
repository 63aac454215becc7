//! What is measured, as OTLP has it: the latest value of every series, and the figures of lives that are over.

use serde_json::{Value, json};

use super::instruments::Instruments;
use super::json::{Attributes, CUMULATIVE, nanos};
use crate::domain::Timestamp;
use crate::domain::metric::MetricKind;
use crate::engine::clock::Clock;
use crate::engine::exposition::{Bounds, OVER};
use crate::engine::samples::METRICS;
use crate::engine::series::Recorder;

/// Where metrics come from.
pub(super) struct Metrics {
    pub(super) recorder: Recorder,
    pub(super) bounds: Bounds,
    pub(super) clock: Clock,
    pub(super) instruments: Instruments,
    /// Counters count from then on, as far as the collector is concerned.
    pub(super) since: Timestamp,
}

impl Metrics {
    /// All of it, and how many values that are.
    pub(super) fn told(&self) -> (Vec<Value>, u64) {
        let now = self.clock.now();
        let (mut told, mut count) = self.instruments.told(now);
        let Ok(handle) = self.recorder.handle() else { return (told, count) };
        let latest = handle.latest(Timestamp::from_micros(now.as_micros() - OVER.as_micros()));
        let mut room = self.bounds.series;
        for metric in METRICS {
            let series = latest.of(metric.name, metric.kind);
            let kept = series.iter().filter(|(key, _)| self.bounds.admits(&key.labels)).take(room);
            let points: Vec<Value> = kept
                .map(|(key, value)| {
                    let attributes = key
                        .labels
                        .iter()
                        .fold(Attributes::default(), |list, (label, value)| list.text(label, value.as_str()));
                    let (since, now) = (nanos(self.since), nanos(now));
                    let mut point = json!({"attributes": attributes.done(), "timeUnixNano": now, "asDouble": value});
                    if metric.kind == MetricKind::Counter {
                        point["startTimeUnixNano"] = since.into();
                    }
                    point
                })
                .collect();
            if points.is_empty() {
                continue;
            }
            room -= points.len();
            count += points.len() as u64;
            let data = match metric.kind {
                MetricKind::Counter => {
                    json!({"dataPoints": points, "aggregationTemporality": CUMULATIVE, "isMonotonic": true})
                }
                MetricKind::Gauge | MetricKind::Histogram => json!({"dataPoints": points}),
            };
            let field = if metric.kind == MetricKind::Counter { "sum" } else { "gauge" };
            let (name, unit, description) = (metric.name, unit(metric.unit), metric.description);
            told.push(json!({"name": name, "unit": unit, "description": description, field: data}));
        }
        (told, count)
    }
}

/// A unit as UCUM has it, which OTLP asks for.
fn unit(ours: &str) -> &str {
    match ours {
        "seconds" => "s",
        "bytes" => "By",
        "bytes_per_second" => "By/s",
        "lines_per_second" => "{line}/s",
        "ratio" => "1",
        "celsius" => "Cel",
        "hertz" => "Hz",
        "watts" => "W",
        "cores" => "{cpu}",
        "dollars" => "{USD}",
        "tokens" => "{token}",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_of_the_table_has_its_sign() {
        for metric in METRICS {
            assert!(metric.unit.is_empty() || unit(metric.unit) != metric.unit, "{}: {}", metric.name, metric.unit);
        }
    }
}
