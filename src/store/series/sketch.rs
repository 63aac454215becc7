//! How values are spread, in little space and with a known error: quantiles of any number of sketches put together are as
//! good as those of one sketch of everything.
//!
//! `DDSketch` (Masson, Rim, Lee, "`DDSketch`: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees",
//! VLDB 2019): values are counted in buckets whose bounds grow by a constant factor, so that a quantile's answer is off
//! by at most one per cent of the value.

use super::bits::{BitReader, BitWriter, unzigzag, zigzag};
use super::codec::Rice;

/// By how much an answer may be off, in relation to it.
pub(super) const ACCURACY: f64 = 0.01;
/// By how much the bounds of buckets grow: `(1 + accuracy) / (1 - accuracy)`.
const GROWTH: f64 = (1.0 + ACCURACY) / (1.0 - ACCURACY);
/// What is nearer to zero than this counts as zero.
const SMALLEST: f64 = 1e-9;
/// Added to the number of a bucket, so that all of values above zero are above zero: `SMALLEST` is in bucket -1036.
const LIFT: i32 = 1040;
/// No number is in a bucket beyond this; what is read from there is damaged.
const MOST: u32 = 100_000;

/// Counts of values by bucket, in the order of buckets: thousands of them are put together for a chart, and what lies in a
/// row is gone through many times faster than a tree. Buckets of values below zero have numbers below zero; that of zero is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sketch(Vec<(i32, u64)>);

fn bucket_of(value: f64) -> i32 {
    if value.abs() < SMALLEST {
        return 0;
    }
    #[expect(clippy::cast_possible_truncation, reason = "logarithms of finite numbers are below 40000 here")]
    let place = (value.abs().ln() / GROWTH.ln()).ceil() as i32 + LIFT;
    if value < 0.0 { -place } else { place }
}

/// The value in the middle of a bucket, off by at most [`ACCURACY`] from each in it.
fn value_of(bucket: i32) -> f64 {
    if bucket == 0 {
        return 0.0;
    }
    let size = 2.0 * (f64::from(bucket.abs() - LIFT) * GROWTH.ln()).exp() / (GROWTH + 1.0);
    size.min(f64::MAX).copysign(f64::from(bucket))
}

impl Sketch {
    /// Counts a value so many times.
    pub(super) fn add(&mut self, value: f64, times: u64) {
        let bucket = bucket_of(value);
        match self.0.binary_search_by_key(&bucket, |(known, _)| *known) {
            Ok(place) => self.0[place].1 += times,
            Err(place) => self.0.insert(place, (bucket, times)),
        }
    }

    /// Counts everything that another one has counted.
    pub(super) fn merge(&mut self, other: &Self) {
        let mut merged = Vec::with_capacity(self.0.len() + other.0.len());
        let mut rest = other.0.iter().peekable();
        for (bucket, count) in &self.0 {
            while let Some(next) = rest.next_if(|next| next.0 < *bucket) {
                merged.push(*next);
            }
            let also = rest.next_if(|next| next.0 == *bucket).map_or(0, |next| next.1);
            merged.push((*bucket, count.saturating_add(also)));
        }
        merged.extend(rest);
        self.0 = merged;
    }

    /// The value that a share of all does not exceed; `None` when there is none. Of `n` values it is that at place
    /// `share * (n - 1)`, counted from zero and rounded down.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        let total = self.0.iter().fold(0_u64, |total, (_, count)| total.saturating_add(*count));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
        let place = (share * (total.checked_sub(1)? as f64)) as u64;
        let mut before = 0_u64;
        for (bucket, count) in &self.0 {
            before = before.saturating_add(*count);
            if before > place {
                return Some(value_of(*bucket));
            }
        }
        None
    }
}

/// Writes sketches one after the other; what is alike in them teaches the codes.
#[derive(Debug, Default)]
pub(super) struct SketchCodec {
    buckets: Rice,
    firsts: Rice,
    steps: Rice,
    counts: Rice,
    first: i32,
}

impl SketchCodec {
    pub(super) fn put(&mut self, bits: &mut BitWriter, sketch: &Sketch) {
        self.buckets.put(bits, sketch.0.len() as u64);
        let mut before = None;
        for (bucket, count) in &sketch.0 {
            match before.replace(*bucket) {
                None => {
                    self.firsts.put(bits, zigzag(i64::from(bucket - self.first)));
                    self.first = *bucket;
                }
                // One at least, because they are in order.
                Some(before) => self.steps.put(bits, u64::from(bucket.abs_diff(before)) - 1),
            }
            self.counts.put(bits, count.saturating_sub(1));
        }
    }

    pub(super) fn get(&mut self, bits: &mut BitReader<'_>) -> Option<Sketch> {
        let buckets = self.buckets.get(bits)?;
        let mut sketch = Sketch::default();
        let mut bucket = 0_i32;
        for place in 0..buckets {
            if place == 0 {
                let step = i32::try_from(unzigzag(self.firsts.get(bits)?)).ok()?;
                bucket = self.first.checked_add(step)?;
                self.first = bucket;
            } else {
                let step = i32::try_from(self.steps.get(bits)?).ok()?.checked_add(1)?;
                bucket = bucket.checked_add(step)?;
            }
            if bucket.unsigned_abs() > MOST {
                return None;
            }
            sketch.0.push((bucket, self.counts.get(bits)?.checked_add(1)?));
        }
        Some(sketch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            Just(0.0),
            -1e6..1e6_f64,
            1e-8..1e-3_f64,
            (0..60_i32).prop_map(f64::from),
            Just(f64::MAX),
            Just(-f64::MAX)
        ]
    }

    proptest! {
        #[test]
        fn quantiles_are_near_and_parts_equal_the_whole(
            values in proptest::collection::vec(value(), 1..200), split in 0..200_usize, share in 0.0..=1.0_f64,
        ) {
            let split = split.min(values.len());
            let (mut whole, mut left, mut right) = (Sketch::default(), Sketch::default(), Sketch::default());
            for value in &values {
                whole.add(*value, 1);
            }
            for value in &values[..split] {
                left.add(*value, 1);
            }
            for value in &values[split..] {
                right.add(*value, 1);
            }
            left.merge(&right);
            prop_assert_eq!(&left, &whole);
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let exact = sorted[(share * (sorted.len() - 1) as f64) as usize];
            let found = whole.quantile(share).unwrap();
            prop_assert!((found - exact).abs() <= exact.abs() * ACCURACY * 1.000_001 + SMALLEST, "{} for {}", found, exact);
        }

        #[test]
        fn sketches_come_back(sketches in proptest::collection::vec(proptest::collection::vec(value(), 0..40), 0..6)) {
            let sketches: Vec<Sketch> = sketches.iter().map(|values| {
                let mut sketch = Sketch::default();
                for value in values {
                    sketch.add(*value, 1);
                }
                sketch
            }).collect();
            let (mut codec, mut bits) = (SketchCodec::default(), BitWriter::default());
            for sketch in &sketches {
                codec.put(&mut bits, sketch);
            }
            let bytes = bits.into_bytes();
            let (mut codec, mut bits) = (SketchCodec::default(), BitReader::new(&bytes));
            for sketch in &sketches {
                prop_assert_eq!(codec.get(&mut bits), Some(sketch.clone()));
            }
        }
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(Sketch::default().quantile(0.5), None);
    }
}
