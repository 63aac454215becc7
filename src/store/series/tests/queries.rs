//! What is answered, from whatever it is made.

use super::*;
use crate::domain::metric::{Aggregate, Grouping, Resolution};

/// Three hours and a half of a gauge, a counter that begins again now and then, and a gap; sealed and rolled up as far as
/// may be.
fn filled(folder: &Path) -> Series {
    let mut series = open(folder);
    let (gauge, counter) = (gauge(&series, "g", &[]), counter(&series, "c_total", &[]));
    for second in (0..12_600).step_by(5) {
        let time = START + second * SECOND;
        if !(4000..5500).contains(&second) {
            let batch = [
                Sample { series: gauge, time: at(time), value: gauge_at(second) },
                Sample { series: counter, time: at(time), value: counter_at(second) },
            ];
            series.append(at(time), &batch).unwrap();
        }
        if second % 60 == 0 {
            series.maintain(at(time)).unwrap();
        }
    }
    series
}

fn gauge_at(second: i64) -> f64 {
    ((second * 7919) % 1000) as f64 / 8.0
}

fn counter_at(second: i64) -> f64 {
    (second % 3333) as f64
}

fn times() -> impl Iterator<Item = i64> {
    (0..12_600).step_by(5).filter(|second| !(4000..5500).contains(second))
}

#[test]
fn every_resolution_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let series = filled(folder.path());
    let functions = [Function::Avg, Function::Min, Function::Max, Function::Sum, Function::Last, Function::Count];
    for (step, resolution) in [(50, Resolution::Raw), (120, Resolution::Minutes), (3600, Resolution::Hours)] {
        for function in functions {
            let answer = ask(&series, "g", START, START + 12_600 * SECOND, step * SECOND, function);
            assert_eq!((answer.resolution, answer.step), (resolution, Span::from_secs(step)));
            let expected: Vec<(i64, f64)> = (0..=12_600 / step)
                .filter_map(|place| {
                    let values: Vec<f64> = times().filter(|second| second / step == place).map(gauge_at).collect();
                    let sum: f64 = values.iter().sum();
                    let value = match function {
                        Function::Avg => sum / values.len() as f64,
                        Function::Min => values.iter().copied().reduce(f64::min)?,
                        Function::Max => values.iter().copied().reduce(f64::max)?,
                        Function::Sum => sum,
                        Function::Last => *values.last()?,
                        _ => values.len() as f64,
                    };
                    (!values.is_empty()).then_some((place * step * SECOND, value))
                })
                .collect();
            assert_eq!(points(&answer), expected, "{function} by {step} s");
        }
    }
}

#[test]
fn counters_rise_alike_in_every_resolution() {
    let folder = tempfile::tempdir().unwrap();
    let series = filled(folder.path());
    for step in [50, 120, 3600] {
        let answer = ask(&series, "c_total", START, START + 12_600 * SECOND, step * SECOND, Function::Increase);
        let mut expected = vec![];
        let mut before: Option<i64> = None;
        for second in times() {
            let place = second / step * step * SECOND;
            if let Some(before) = before
                // Over the gap, only within a step is it known that the counter went on.
                && (second - before <= 300 || before / step == second / step)
            {
                let rise = counter_at(second) - counter_at(before);
                let rise = if rise < 0.0 { counter_at(second) } else { rise };
                match expected.last_mut() {
                    Some((last, sum)) if *last == place => *sum += rise,
                    _ => expected.push((place, rise)),
                }
            }
            before = Some(second);
        }
        assert_eq!(points(&answer), expected, "by {step} s");
        let rates = ask(&series, "c_total", START, START + 3600 * SECOND, step * SECOND, Function::Rate);
        for (time, rate) in points(&rates).iter().filter(|(time, _)| (3333 - time / SECOND).abs() > step) {
            assert!((rate - 1.0).abs() < 0.02, "{rate} at {time} by {step} s");
        }
    }
}

#[test]
fn quantiles_are_near_in_every_resolution() {
    let folder = tempfile::tempdir().unwrap();
    let series = filled(folder.path());
    for (step, function) in [(50, Function::P50), (120, Function::P95), (3600, Function::P99)] {
        let answer = ask(&series, "g", START, START + 12_600 * SECOND, step * SECOND, function);
        let found = points(&answer);
        assert!(found.len() > 2);
        for (time, value) in found {
            let mut values: Vec<f64> =
                times().filter(|second| second / step == time / SECOND / step).map(gauge_at).collect();
            values.sort_by(f64::total_cmp);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let exact = values[(function.quantile().unwrap() * (values.len() - 1) as f64) as usize];
            assert!((value - exact).abs() <= exact * 0.0101, "{value} for {exact} at {time} by {step} s");
        }
    }
}

#[test]
fn a_gap_is_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let series = filled(folder.path());
    for step in [50, 300] {
        let answer = ask(&series, "g", START + 4200 * SECOND, START + 5400 * SECOND, step * SECOND, Function::Avg);
        assert_eq!(answer.lines, [], "by {step} s");
    }
}

#[test]
fn steps_are_the_same_however_often_they_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let series = filled(folder.path());
    let answer = ask(&series, "g", START + 130 * SECOND, START + 190 * SECOND, 50 * SECOND, Function::Count);
    assert_eq!(points(&answer), [(100 * SECOND, 10.0), (150 * SECOND, 10.0)]);
    // A rise counts from before the first step.
    let rise = ask(&series, "c_total", START + 100 * SECOND, START + 200 * SECOND, 50 * SECOND, Function::Increase);
    assert_eq!(points(&rise), [(100 * SECOND, 50.0), (150 * SECOND, 50.0)]);
}

#[test]
fn series_become_lines_by_their_labels() {
    let folder = tempfile::tempdir().unwrap();
    let mut series = open(folder.path());
    for (cage, node, value) in [("001", "a", 1.0), ("002", "a", 2.0), ("003", "b", 4.0)] {
        let id = gauge(&series, "g", &[("cage", cage), ("node", node)]);
        append(&mut series, id, &[(START, value), (START + SECOND, value * 10.0)]);
    }
    let lines = |selector: &str, grouping: Option<(Aggregate, &[&str])>| {
        let mut query = query(selector, START, START + 10 * SECOND, SECOND, Function::Last);
        query.grouping = grouping
            .map(|(aggregate, by)| Grouping { aggregate, by: by.iter().map(|label| (*label).to_owned()).collect() });
        let answer = series.handle().query(&query).unwrap();
        let line = |line: &crate::domain::metric::Line| {
            let values: Vec<f64> = line.points.iter().map(|point| point.value).collect();
            (line.labels.values().cloned().collect::<Vec<_>>().join("/"), values)
        };
        answer.lines.iter().map(line).collect::<Vec<_>>()
    };
    let named = |name: &str, first: f64| (name.to_owned(), vec![first, first * 10.0]);
    assert_eq!(lines("g", None), [named("001/a", 1.0), named("002/a", 2.0), named("003/b", 4.0)]);
    assert_eq!(lines("g{node=\"a\",cage!=\"001\"}", None), [named("002/a", 2.0)]);
    assert_eq!(lines("g", Some((Aggregate::Sum, &["node"]))), [named("a", 3.0), named("b", 4.0)]);
    assert_eq!(lines("g", Some((Aggregate::Avg, &["node"]))), [named("a", 1.5), named("b", 4.0)]);
    assert_eq!(lines("g", Some((Aggregate::Max, &[]))), [named("", 4.0)]);
    assert_eq!(lines("g", Some((Aggregate::Min, &[]))), [named("", 1.0)]);
    let handle = series.handle();
    assert_eq!(
        handle.names().iter().map(|metric| (metric.name.as_str(), metric.series)).collect::<Vec<_>>(),
        [("g", 3)]
    );
    let labels = handle.labels("g").unwrap();
    assert_eq!(labels["node"].iter().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn histograms_have_quantiles() {
    let folder = tempfile::tempdir().unwrap();
    let mut series = open(folder.path());
    let meta = Meta::new(MetricKind::Histogram, "seconds", "");
    for (agent, scale) in [("a", 1.0), ("b", 3.0)] {
        for (bound, rise) in [("1", 5.0), ("2.5", 9.0), ("+Inf", 10.0)] {
            let key = Key::new("wait_seconds", [("le", bound), ("agent", agent)]);
            let id = series.handle().series_id(&key, &meta).unwrap();
            append(&mut series, id, &[(START, 100.0), (START + SECOND, 100.0 + rise * scale)]);
        }
    }
    let asked = |function, by: Option<&[&str]>| {
        let mut query = query("wait_seconds", START, START + 10 * SECOND, 10 * SECOND, function);
        query.grouping = by
            .map(|by| Grouping { aggregate: Aggregate::Sum, by: by.iter().map(|label| (*label).to_owned()).collect() });
        series.handle().query(&query).unwrap()
    };
    let each = asked(Function::P50, None);
    assert_eq!(each.lines.len(), 2);
    assert!(
        each.lines.iter().all(|line| (line.points[0].value - 1.0).abs() < 1e-9 && line.labels.len() == 1),
        "{each:?}"
    );
    assert_eq!(points(&asked(Function::P50, Some(&[]))), [(0, 1.0)]);
    assert_eq!(points(&asked(Function::P90, Some(&[]))), [(0, 2.5)]);
    assert_eq!(asked(Function::Increase, None).lines.len(), 6);
}
