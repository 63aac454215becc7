//! The store against a plain list of samples: random batches, restarts, sealing, borders of days, late ones, resets.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    /// Time goes on by so many seconds.
    Wait(i64),
    /// Samples of a series, each so many seconds ago.
    Append(usize, Vec<(i64, f64)>),
    /// The files are looked after.
    Maintain,
    /// The store is left without a word and opened again.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![(0..50_i32).prop_map(f64::from), -1e3..1e3_f64];
    let ago = prop_oneof![4 => 0..10_i64, 2 => 0..700_i64, 1 => -400..2000_i64];
    prop_oneof![
        4 => prop_oneof![1..120_i64, 300..1000_i64].prop_map(Step::Wait),
        1 => (3600..9000_i64).prop_map(Step::Wait),
        8 => (0..2_usize, proptest::collection::vec((ago, value), 1..12)).prop_map(|(series, samples)| Step::Append(series, samples)),
        3 => Just(Step::Maintain),
        1 => Just(Step::Restart),
    ]
}

/// What is to be answered to a query of the first series, a gauge, or of the second, a counter.
fn expected(model: &BTreeMap<i64, f64>, from: i64, to: i64, step: i64, function: Function) -> Vec<(i64, f64)> {
    let mut found = vec![];
    let start = from.div_euclid(step) * step;
    for begin in (start..to).step_by(usize::try_from(step).unwrap()) {
        let values: Vec<f64> = model.range(begin..begin + step).map(|(_, value)| *value).collect();
        let sum = values.iter().sum::<f64>();
        let value = match function {
            _ if values.is_empty() => None,
            Function::Avg => Some(sum / values.len() as f64),
            Function::Min => values.iter().copied().reduce(f64::min),
            Function::Max => values.iter().copied().reduce(f64::max),
            Function::Last => values.last().copied(),
            Function::Count => Some(values.len() as f64),
            _ => {
                let before = model.range(..begin).next_back();
                let first = model.range(begin..).next();
                let near = before.zip(first).filter(|(before, first)| first.0 - before.0 <= 300 * SECOND);
                let mut known = near.map(|(before, _)| *before.1);
                let mut sum = None;
                for value in values {
                    if let Some(before) = known {
                        let rise = if value < before { value } else { value - before };
                        sum = Some(sum.unwrap_or(0.0) + rise);
                    }
                    known = Some(value);
                }
                sum
            }
        };
        found.extend(value.map(|value| (begin - START, value)));
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_those_of_a_plain_list(steps in proptest::collection::vec(step(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let mut series = open(folder.path());
        let mut ids = [gauge(&series, "g", &[]), counter(&series, "c_total", &[])];
        let mut model = [BTreeMap::new(), BTreeMap::new()];
        // Shortly before midnight, so that days are crossed.
        let mut now = START + 23 * HOUR;
        let mut dropped = 0;
        for step in steps {
            match step {
                Step::Wait(seconds) => now += seconds * SECOND,
                Step::Append(which, samples) => {
                    let samples: Vec<(i64, f64)> = samples.iter().map(|(ago, value)| (now - ago * SECOND, *value)).collect();
                    append_at(&mut series, now, ids[which], &samples);
                    for (time, value) in samples {
                        let slot = 10 * MINUTE;
                        let over = (time.div_euclid(slot) + 1) * slot + 2 * MINUTE;
                        if over > now && time <= now + 5 * MINUTE {
                            model[which].insert(time, value);
                        } else {
                            dropped += 1;
                        }
                    }
                }
                Step::Maintain => series.maintain(at(now)).unwrap(),
                Step::Restart => {
                    let dropped_before = series.handle().stats().dropped.total();
                    drop(series);
                    series = open(folder.path());
                    series.handle().count_dropped(&crate::domain::metric::Dropped { late: dropped_before, ..Default::default() });
                    ids = [gauge(&series, "g", &[]), counter(&series, "c_total", &[])];
                }
            }
        }
        prop_assert_eq!(series.handle().stats().dropped.total(), dropped);
        let end = now + 5 * MINUTE + 1;
        let gauges = [Function::Avg, Function::Min, Function::Max, Function::Last, Function::Count];
        for seconds in [7, 60, 600, 3600, 7200] {
            let step = seconds * SECOND;
            let asked = gauges.iter().map(|function| ("g", 0, *function)).chain([("c_total", 1, Function::Increase)]);
            for (name, which, function) in asked {
                let from = if seconds == 7 { now - 2 * HOUR } else { START + 22 * HOUR };
                let found = points(&ask(&series, name, from, end, step, function));
                let wanted = expected(&model[which], from, end, step, function);
                prop_assert_eq!(found.len(), wanted.len(), "{} by {} s: {:?} for {:?}", function, seconds, found, wanted);
                for (found, wanted) in found.iter().zip(&wanted) {
                    let near = (found.1 - wanted.1).abs() <= 1e-9 * wanted.1.abs().max(1e3);
                    prop_assert!(found.0 == wanted.0 && near, "{} by {} s: {:?} for {:?}", function, seconds, found, wanted);
                }
            }
        }
    }
}
