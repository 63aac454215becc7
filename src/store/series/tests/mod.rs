//! The store of metrics as a whole.

mod faults;
mod model;
mod queries;
mod retention;

use std::path::Path;

use super::{Appended, Policy, Sample, Series, SeriesId};
use crate::domain::metric::{Answer, Function, Key, Meta, MetricKind, Query, Selector};
use crate::domain::{Span, Timestamp};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// 2026-11-28T00:00:00Z.
const START: i64 = 1_795_824_000 * SECOND;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn open(folder: &Path) -> Series {
    Series::open(folder, Policy::default()).unwrap()
}

fn gauge(series: &Series, name: &str, labels: &[(&str, &str)]) -> SeriesId {
    series.handle().series_id(&Key::new(name, labels.iter().copied()), &Meta::new(MetricKind::Gauge, "", "")).unwrap()
}

fn counter(series: &Series, name: &str, labels: &[(&str, &str)]) -> SeriesId {
    series.handle().series_id(&Key::new(name, labels.iter().copied()), &Meta::new(MetricKind::Counter, "", "")).unwrap()
}

/// Appends at the time of the last sample.
fn append(series: &mut Series, id: SeriesId, samples: &[(i64, f64)]) -> Appended {
    let now = samples.iter().map(|sample| sample.0).max().unwrap();
    append_at(series, now, id, samples)
}

fn append_at(series: &mut Series, now: i64, id: SeriesId, samples: &[(i64, f64)]) -> Appended {
    let samples: Vec<Sample> =
        samples.iter().map(|(time, value)| Sample { series: id, time: at(*time), value: *value }).collect();
    series.append(at(now), &samples).unwrap()
}

fn query(name: &str, from: i64, to: i64, step: i64, function: Function) -> Query {
    Query {
        selector: name.parse::<Selector>().unwrap(),
        from: at(from),
        to: at(to),
        step: Span::from_micros(step),
        function,
        grouping: None,
    }
}

fn ask(series: &Series, name: &str, from: i64, to: i64, step: i64, function: Function) -> Answer {
    series.handle().query(&query(name, from, to, step, function)).unwrap()
}

/// The points of the only line, as microseconds since the start and values; none when there is no line.
fn points(answer: &Answer) -> Vec<(i64, f64)> {
    assert!(answer.lines.len() <= 1, "{answer:?}");
    let points = answer.lines.iter().flat_map(|line| &line.points);
    points.map(|point| (point.time.as_micros() - START, point.value)).collect()
}

/// What there is of a series second by second.
fn samples(series: &Series, name: &str, from: i64, to: i64) -> Vec<(i64, f64)> {
    points(&ask(series, name, from, to, SECOND, Function::Last))
}
