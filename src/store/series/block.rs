//! Summaries of one series that follow each other, column by column, as they are stored.
//!
//! A column is written either as it is or as what it differs by from what other columns let expect, whichever is shorter.
//! Times are kept to the second. Sums and rises of decimal numbers are kept without what adding floating point numbers puts
//! behind their decimals, which is no information and takes more room than all the rest. How values are spread comes last, so that whoever does not ask for it need not read it.

use super::bits::{BitReader, BitWriter, get_varint, put_varint};
use super::codec::{Decoder, Encoder, scale_of, without_noise};
use super::sketch::{Sketch, SketchCodec};
use super::summary::Summary;

const SECOND: i64 = 1_000_000;

/// How long what a summary of a block stands for is, and how long a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Microseconds that a summary stands for.
    pub(super) period: i64,
    /// Microseconds that a block stands for; a multiple of the period.
    pub(super) span: i64,
}

/// Writes one column: the flag says whether it is as it is or as it differs from what was expected.
fn put_column(bits: &mut BitWriter, values: &[f64], expected: &[f64]) {
    let differences: Vec<f64> = values.iter().zip(expected).map(|(value, expected)| value - expected).collect();
    let back = differences.iter().zip(expected).map(|(difference, expected)| difference + expected);
    // Floating point numbers do not always come back from their difference.
    let come_back = back.zip(values).all(|(back, value)| back.to_bits() == value.to_bits());
    put_shorter(bits, values, Some(&differences).filter(|_| come_back));
}

/// Writes a column that was calculated from numbers of a scale, each value off by so much at most.
fn put_calculated(bits: &mut BitWriter, values: &[f64], expected: &[f64], scale: usize, noise: &[f64]) {
    let plain: Vec<f64> = values.iter().zip(noise).map(|(value, noise)| without_noise(*value, scale, *noise)).collect();
    let differences: Vec<f64> =
        (0..values.len()).map(|place| without_noise(values[place] - expected[place], scale, noise[place])).collect();
    let back = |place: usize| differences[place] + expected[place];
    // What comes back is the value as well as it was known.
    let come_back = (0..values.len()).all(|place| (back(place) - values[place]).abs() <= noise[place]);
    put_shorter(bits, &plain, Some(&differences).filter(|_| come_back));
}

/// Writes the values as they are, or as differences if those can be used and are shorter.
fn put_shorter(bits: &mut BitWriter, values: &[f64], differences: Option<&Vec<f64>>) {
    let write = |mut encoder: Encoder, values: &[f64]| {
        let mut column = BitWriter::default();
        for value in values {
            encoder.put(&mut column, *value);
        }
        encoder.finish(&mut column);
        column
    };
    let plain = write(Encoder::new(), values);
    if let Some(differences) = differences {
        let differing = write(Encoder::of_residuals(), differences);
        if differing.len() < plain.len() {
            bits.put(1, 1);
            return bits.append(&differing);
        }
    }
    bits.put(0, 1);
    bits.append(&plain);
}

/// By how much the sum of a summary's values, and how much they rose, may be off: adding `n` numbers is off by at most `n` times the
/// precision of the sum of their sizes (Higham, "The Accuracy of Floating Point Summation", 1993).
fn noise(summary: &Summary) -> f64 {
    let count = summary.count as f64;
    count * count * summary.min.abs().max(summary.max.abs()) * f64::EPSILON
}

/// Reads a column whose values are expected one by one, from the place and the value before.
fn get_column(bits: &mut BitReader<'_>, count: usize, mut expected: impl FnMut(usize, f64) -> f64) -> Option<Vec<f64>> {
    let differing = bits.get(1)? == 1;
    let mut decoder = if differing { Decoder::of_residuals() } else { Decoder::new() };
    let mut values = Vec::with_capacity(count);
    let mut before = 0.0;
    for place in 0..count {
        let mut value = decoder.get(bits)?;
        if differing {
            value += expected(place, before);
        }
        before = value;
        values.push(value);
    }
    Some(values)
}

/// The sum that values between two have when they rise evenly.
fn even_sum(count: f64, first: f64, last: f64) -> f64 {
    count * (first + last) / 2.0
}

/// Writes a block of summaries by their place in it, in order. Of a counter the rise is kept, of others the spread.
pub(super) fn encode(shape: Shape, counter: bool, summaries: &[(usize, Summary)]) -> Vec<u8> {
    let mut bytes = vec![];
    put_varint(&mut bytes, summaries.len() as u64);
    let mut bits = BitWriter::default();
    bits.put(u64::from(counter), 1);
    let column = |value: fn(&Summary) -> f64| summaries.iter().map(|(_, summary)| value(summary)).collect::<Vec<_>>();
    let offset = |time: i64| (time.rem_euclid(shape.period) / SECOND) as f64;
    let zeros = vec![0.0; summaries.len()];
    // Most often none is missing.
    let in_a_row: Vec<f64> = (0..summaries.len()).map(|place| place as f64).collect();
    put_column(&mut bits, &summaries.iter().map(|(place, _)| *place as f64).collect::<Vec<_>>(), &in_a_row);
    let counts = column(|summary| summary.count as f64);
    put_column(&mut bits, &counts, &zeros);
    put_column(&mut bits, &summaries.iter().map(|(_, summary)| offset(summary.first_time)).collect::<Vec<_>>(), &zeros);
    put_column(&mut bits, &summaries.iter().map(|(_, summary)| offset(summary.last_time)).collect::<Vec<_>>(), &zeros);
    let (firsts, lasts) = (column(|summary| summary.first), column(|summary| summary.last));
    put_column(&mut bits, &lasts, &zeros);
    let before: Vec<f64> = std::iter::once(0.0).chain(lasts.iter().copied()).take(lasts.len()).collect();
    put_column(&mut bits, &firsts, &before);
    put_column(&mut bits, &column(|summary| summary.min), &firsts);
    put_column(&mut bits, &column(|summary| summary.max), &lasts);
    let even: Vec<f64> = (0..counts.len()).map(|place| even_sum(counts[place], firsts[place], lasts[place])).collect();
    let ends = summaries.iter().flat_map(|(_, summary)| [summary.first, summary.last, summary.min, summary.max]);
    let (scale, noise) = (scale_of(ends), column(noise));
    let mut put_made = |values: &[f64], expected: &[f64]| match scale {
        Some(scale) => put_calculated(&mut bits, values, expected, scale, &noise),
        None => put_column(&mut bits, values, expected),
    };
    put_made(&column(|summary| summary.sum), &even);
    if counter {
        let risen: Vec<f64> = firsts.iter().zip(&lasts).map(|(first, last)| last - first).collect();
        put_made(&column(|summary| summary.increase), &risen);
    } else {
        let mut codec = SketchCodec::default();
        let spread = summaries.iter().filter(|(_, summary)| is_spread(summary.min, summary.max));
        spread.for_each(|(_, summary)| codec.put(&mut bits, summary.sketch.as_ref().unwrap_or(&Sketch::default())));
    }
    bytes.extend(bits.into_bytes());
    bytes
}

/// Whether values differ. Where they do not, their sketch follows from their count.
fn is_spread(min: f64, max: f64) -> bool {
    min.to_bits() != max.to_bits()
}

/// Reads a block that begins at a time; the spread only if it is asked for. `None` when it is damaged.
pub(super) fn decode(shape: Shape, start: i64, mut bytes: &[u8], sketched: bool) -> Option<Vec<(usize, Summary)>> {
    let most = usize::try_from(shape.span / shape.period).ok()?;
    let count = usize::try_from(get_varint(&mut bytes)?).ok().filter(|count| *count <= most)?;
    let bits = &mut BitReader::new(bytes);
    let counter = bits.get(1)? == 1;
    let none = |_, _| 0.0;
    let places = get_column(bits, count, |place, _| place as f64)?;
    let counts = get_column(bits, count, none)?;
    let first_offsets = get_column(bits, count, none)?;
    let last_offsets = get_column(bits, count, none)?;
    let lasts = get_column(bits, count, none)?;
    let firsts = get_column(bits, count, |place, _| if place == 0 { 0.0 } else { lasts[place - 1] })?;
    let mins = get_column(bits, count, |place, _| firsts[place])?;
    let maxes = get_column(bits, count, |place, _| lasts[place])?;
    let sums = get_column(bits, count, |place, _| even_sum(counts[place], firsts[place], lasts[place]))?;
    let increases =
        if counter { get_column(bits, count, |place, _| lasts[place] - firsts[place])? } else { vec![0.0; count] };
    let mut codec = SketchCodec::default();
    let mut summaries = Vec::with_capacity(count);
    for place in 0..count {
        let whole = |value: f64, below: i64| {
            #[expect(clippy::cast_possible_truncation, reason = "checked against what a block holds")]
            (value >= 0.0 && value < below as f64).then_some(value as i64)
        };
        let at = whole(places[place], shape.span / shape.period)?;
        let period = start + at * shape.period;
        let time = |offset: f64| Some(period + whole(offset, shape.period / SECOND)? * SECOND);
        let samples = whole(counts[place], 1 << 53)?.unsigned_abs();
        let sketch = match (sketched && !counter, is_spread(mins[place], maxes[place])) {
            (false, _) => None,
            (true, true) => Some(codec.get(bits)?),
            (true, false) => {
                let mut sketch = Sketch::default();
                sketch.add(mins[place], samples);
                Some(sketch)
            }
        };
        let summary = Summary {
            count: samples,
            min: mins[place],
            max: maxes[place],
            sum: sums[place],
            first: firsts[place],
            last: lasts[place],
            increase: increases[place],
            first_time: time(first_offsets[place])?,
            last_time: time(last_offsets[place])?,
            sketch,
        };
        summaries.push((usize::try_from(at).ok()?, summary));
    }
    Some(summaries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: Shape = Shape { period: 60_000_000, span: 3_600_000_000 };
    const START: i64 = 1_700_000_000_000_000 / HOUR.span * HOUR.span;

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            Just(0.0),
            (0..1000_i32).prop_map(f64::from),
            (0..100_000_i32).prop_map(|millis| f64::from(millis) / 1e3),
            -1e12..1e12_f64
        ]
    }

    fn summaries(minutes: &[(u16, Vec<f64>)], sketched: bool) -> Vec<(usize, Summary)> {
        let mut place = 0;
        let mut found = vec![];
        for (skip, values) in minutes {
            place += usize::from(*skip);
            let start = START + i64::try_from(place).unwrap() * HOUR.period;
            let mut summary = Summary::of(start, values[0], sketched);
            (1..).zip(&values[1..]).for_each(|(second, value)| summary.put(start + second * SECOND, *value));
            found.push((place, summary));
            place += 1;
        }
        found
    }

    proptest! {
        #[test]
        fn summaries_come_back(
            minutes in proptest::collection::vec((0..2_u16, proptest::collection::vec(value(), 1..59)), 0..20), counter in any::<bool>(),
        ) {
            let mut expected = summaries(&minutes, !counter);
            let bytes = encode(HOUR, counter, &expected);
            if !counter {
                for (_, summary) in &mut expected {
                    summary.increase = 0.0;
                }
            }
            let found = decode(HOUR, START, &bytes, true).unwrap();
            prop_assert_eq!(&encode(HOUR, counter, &found), &bytes, "what is read and written again stays");
            for ((_, expected), (_, found)) in expected.iter_mut().zip(&found) {
                prop_assert!((expected.sum - found.sum).abs() <= noise(expected), "{} for {}", found.sum, expected.sum);
                prop_assert!((expected.increase - found.increase).abs() <= noise(expected));
                (expected.sum, expected.increase) = (found.sum, found.increase);
            }
            prop_assert_eq!(found, expected.clone());
            for (_, summary) in &mut expected {
                summary.sketch = None;
            }
            prop_assert_eq!(decode(HOUR, START, &bytes, false), Some(expected));
        }

        #[test]
        fn damaged_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(found) = decode(HOUR, START, &bytes, true) {
                for (_, summary) in found {
                    for function in crate::domain::metric::Function::ALL {
                        let _ = summary.value(*function, None);
                    }
                }
            }
        }
    }

    /// A counter of microseconds in seconds, as processor time is, with a draw for each second.
    fn busy_hour() -> Vec<(usize, Summary)> {
        let (mut micros, mut draw) = (1_234_567_890_u64, 1_u64);
        let mut minute = |_| {
            let second = |_| {
                draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                micros += 150_000 + (draw >> 33) % 500_000;
                micros as f64 / 1e6
            };
            (0, (0..59).map(second).collect())
        };
        summaries(&(0..60).map(&mut minute).collect::<Vec<_>>(), false)
    }

    #[test]
    fn an_hour_of_a_decimal_counter_takes_no_room_for_noise() {
        let hour = busy_hour();
        let bytes = encode(HOUR, true, &hour);
        for ((_, known), (_, found)) in hour.iter().zip(decode(HOUR, START, &bytes, false).unwrap()) {
            assert!((known.sum - found.sum).abs() <= known.sum * 1e-12, "{} for {}", found.sum, known.sum);
            assert!((known.increase - found.increase).abs() <= 1e-9, "{} for {}", found.increase, known.increase);
        }
        assert!(bytes.len() < 1000, "{} bytes", bytes.len());
    }

    #[test]
    fn decimals_that_ends_do_not_show_are_kept() {
        let all = summaries(&[(0, vec![1.0, 1.5, 2.0]), (0, vec![2.0, 2.000_1, 3.0])], false);
        let found = decode(HOUR, START, &encode(HOUR, true, &all), false).unwrap();
        assert_eq!((found[0].1.sum, found[1].1.sum), (4.5, 7.000_1));
    }

    #[test]
    fn an_hour_of_what_stays_is_small() {
        let minutes = vec![(0, vec![4096.0; 59]); 60];
        assert!(encode(HOUR, false, &summaries(&minutes, true)).len() < 60);
    }
}
