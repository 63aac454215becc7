//! Columns of numbers in few bits, written one by one and read one by one.
//!
//! After Gorilla (Pelkonen et al., "Gorilla: A Fast, Scalable, In-Memory Time Series Database", VLDB 2015): a number is
//! written as its difference from the one before. Gorilla's exclusive or is kept for numbers that are not decimal. What
//! metrics mostly are, whole numbers and those with a few decimals, are taken as integers of a scale, of which the
//! difference goes out in Golomb-Rice code with a parameter that follows the numbers seen so far, as in LOCO-I
//! (Weinberger, Seroussi, Sapiro 2000). Numbers that repeat are counted.
//!
//! One symbol after the other: `0` and a difference; `10` and a count, the number repeats; `110`, a new scale and a
//! number of low bits that differences do not have from now on, and a difference; `111` and an exclusive or.

use super::bits::{BitReader, BitWriter, unzigzag, zigzag};

/// By what numbers are multiplied to become integers.
const SCALES: [f64; 4] = [1.0, 1e3, 1e6, 1e9];
/// Integers of this size and more are not exact in a floating point number.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// A quotient of this size and more is written in full instead.
const ESCAPE: u32 = 8;
/// After how many numbers the older ones count half.
const MEMORY: u64 = 32;
/// No difference was written yet, so that nothing is known of their low bits.
const NO_SHIFT: u32 = 63;

/// Golomb-Rice code whose parameter follows the mean of what was written.
#[derive(Clone, Debug, Default)]
pub(super) struct Rice {
    sum: u64,
    count: u64,
}

impl Rice {
    fn parameter(&self) -> u32 {
        if self.sum <= self.count || self.count == 0 {
            return 0;
        }
        let near = self.sum.ilog2() - self.count.ilog2();
        // The smallest for which `count << parameter` reaches the sum; the logarithms are off by one at most.
        if near > 0 && self.count << (near - 1) >= self.sum {
            near - 1
        } else if self.count << near >= self.sum {
            near
        } else {
            near + 1
        }
    }

    /// A number that was written in full counts as the smallest of those: one outlier must not spoil what follows.
    fn learn(&mut self, value: u64, parameter: u32) {
        self.sum += value.min(u64::from(ESCAPE) << parameter.min(50));
        self.count += 1;
        if self.count == MEMORY {
            self.sum /= 2;
            self.count /= 2;
        }
    }

    pub(super) fn put(&mut self, bits: &mut BitWriter, value: u64) {
        let parameter = self.parameter();
        let quotient = value >> parameter;
        if quotient < u64::from(ESCAPE) {
            bits.put((2 << quotient) - 2, u32::try_from(quotient).unwrap_or(0) + 1);
            bits.put(value, parameter);
        } else {
            let width = 64 - value.leading_zeros();
            bits.put((1 << ESCAPE) - 1, ESCAPE);
            bits.put(u64::from(width - 1), 6);
            bits.put(value, width);
        }
        self.learn(value, parameter);
    }

    pub(super) fn get(&mut self, bits: &mut BitReader<'_>) -> Option<u64> {
        let parameter = self.parameter();
        let quotient = bits.ones(ESCAPE)?;
        let value = if quotient < ESCAPE {
            u64::from(quotient) << parameter | bits.get(parameter)?
        } else {
            let width = u32::try_from(bits.get(6)?).ok()? + 1;
            bits.get(width)?
        };
        self.learn(value, parameter);
        Some(value)
    }

    /// Differences have so many low bits more than before.
    fn widen(&mut self, bits: u32) {
        self.sum = if self.sum.leading_zeros() > bits { (self.sum << bits).min(1 << 52) } else { 1 << 52 };
    }
}

/// The nearest integer of a scale; `None` when it is too large to be exact.
fn nearest(value: f64, scale: usize) -> Option<i64> {
    let whole = (value * SCALES[scale]).round();
    #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
    (whole.abs() < EXACT).then_some(whole as i64)
}

/// The smallest scale, from one on, in which a number is an integer, and the integer.
fn integer_of(value: f64, from: usize) -> Option<(usize, i64)> {
    (from..SCALES.len()).find_map(|scale| {
        let integer = nearest(value, scale)?;
        // From the integer, which has no negative zero.
        ((integer as f64 / SCALES[scale]).to_bits() == value.to_bits()).then_some((scale, integer))
    })
}

/// The smallest scale in which all of some numbers are integers.
pub(super) fn scale_of(values: impl IntoIterator<Item = f64>) -> Option<usize> {
    values.into_iter().try_fold(0, |scale, value| integer_of(value, scale).map(|(scale, _)| scale))
}

/// What a number that comes out of calculation stands for: the number of the smallest scale, from one on, that is no further
/// from it than the calculation may be off. Where there is none it is the number itself.
pub(super) fn without_noise(value: f64, from: usize, noise: f64) -> f64 {
    let exact = |scale: usize| Some(nearest(value, scale)? as f64 / SCALES[scale]);
    let found = (from..SCALES.len()).filter_map(exact).find(|exact| (exact - value).abs() <= noise);
    found.unwrap_or(value)
}

/// What writer and reader both know of the numbers so far.
#[derive(Clone, Debug)]
struct State {
    /// The bits of the number before.
    previous: u64,
    /// The integer before, of the scale.
    integer: i64,
    scale: usize,
    /// Low bits that differences do not have.
    shift: u32,
    differences: Rice,
    runs: Rice,
    /// The last exclusive or's leading zeros and width.
    window: (u32, u32),
    /// Whether numbers are differences already, so that the one before is taken for zero.
    residuals: bool,
}

impl State {
    fn new(residuals: bool) -> Self {
        Self {
            previous: 0,
            integer: 0,
            scale: 0,
            shift: NO_SHIFT,
            differences: Rice::default(),
            runs: Rice::default(),
            window: (0, 0),
            residuals,
        }
    }

    /// The integer before in a finer scale; `None` when it is too large for that.
    fn rescaled(&self, scale: usize) -> Option<i64> {
        (self.scale..scale)
            .try_fold(self.integer, |integer, _| integer.checked_mul(1000).filter(|wide| wide.abs() < 1 << 53))
    }

    fn set(&mut self, scale: usize, shift: u32) {
        if scale != self.scale {
            self.differences = Rice::default();
        } else if self.shift != NO_SHIFT {
            self.differences.widen(self.shift.saturating_sub(shift));
        }
        (self.scale, self.shift) = (scale, shift);
    }

    fn seen(&mut self, value: u64) {
        self.previous = value;
        if self.residuals {
            (self.previous, self.integer) = (0, 0);
        }
    }
}

/// Writes a column.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    state: State,
    /// How often the number before was repeated since it was last written.
    run: u64,
}

impl Encoder {
    /// For numbers of which each is near the one before.
    pub(super) fn new() -> Self {
        Self { state: State::new(false), run: 0 }
    }

    /// For numbers that are near zero.
    pub(super) fn of_residuals() -> Self {
        Self { state: State::new(true), run: 0 }
    }

    pub(super) fn put(&mut self, bits: &mut BitWriter, value: f64) {
        let state = &mut self.state;
        if value.to_bits() == state.previous {
            self.run += 1;
            return;
        }
        self.finish(bits);
        let state = &mut self.state;
        let integer = integer_of(value, state.scale);
        let scaled = integer.and_then(|(scale, integer)| Some((scale, integer, state.rescaled(scale)?)));
        if let Some((scale, integer, before)) = scaled {
            let difference = integer - before;
            let zeros = difference.trailing_zeros().min(NO_SHIFT - 1);
            if scale != state.scale || zeros < state.shift {
                bits.put(0b110, 3);
                bits.put(scale as u64, 2);
                bits.put(u64::from(zeros), 6);
                state.set(scale, zeros);
            } else {
                bits.put(0, 1);
            }
            state.differences.put(bits, zigzag(difference >> state.shift));
            state.integer = integer;
        } else {
            bits.put(0b111, 3);
            let xor = value.to_bits() ^ state.previous;
            let (leading, width) = state.window;
            let fits = xor.leading_zeros() >= leading && xor.trailing_zeros() + leading + width >= 64 && width > 0;
            if fits {
                bits.put(0, 1);
            } else {
                let leading = xor.leading_zeros();
                let width = 64 - leading - xor.trailing_zeros();
                bits.put(1, 1);
                bits.put(u64::from(leading), 6);
                bits.put(u64::from(width - 1), 6);
                state.window = (leading, width);
            }
            let (leading, width) = state.window;
            bits.put(xor >> (64 - leading - width), width);
        }
        state.seen(value.to_bits());
    }

    /// Writes what was counted and not yet written; more may follow.
    pub(super) fn finish(&mut self, bits: &mut BitWriter) {
        if self.run > 0 {
            bits.put(0b10, 2);
            self.state.runs.put(bits, self.run - 1);
            self.run = 0;
        }
    }
}

/// Reads a column.
#[derive(Clone, Debug)]
pub(super) struct Decoder {
    state: State,
    run: u64,
}

impl Decoder {
    /// Of what [`Encoder::new`] wrote.
    pub(super) fn new() -> Self {
        Self { state: State::new(false), run: 0 }
    }

    /// Of what [`Encoder::of_residuals`] wrote.
    pub(super) fn of_residuals() -> Self {
        Self { state: State::new(true), run: 0 }
    }

    /// The next number; `None` when the bits end or cannot be what was written.
    pub(super) fn get(&mut self, bits: &mut BitReader<'_>) -> Option<f64> {
        let state = &mut self.state;
        if self.run > 0 {
            self.run -= 1;
            return Some(f64::from_bits(state.previous));
        }
        let value = match bits.ones(3)? {
            1 => {
                self.run = state.runs.get(bits)?;
                return Some(f64::from_bits(state.previous));
            }
            symbol @ (0 | 2) => {
                if symbol == 2 {
                    let scale = usize::try_from(bits.get(2)?).ok()?;
                    let shift = u32::try_from(bits.get(6)?).ok()?;
                    if scale < state.scale {
                        return None;
                    }
                    state.integer = state.rescaled(scale)?;
                    state.set(scale, shift);
                }
                let difference = unzigzag(state.differences.get(bits)?).checked_mul(1_i64.checked_shl(state.shift)?)?;
                state.integer = state.integer.checked_add(difference)?;
                (state.integer as f64 / SCALES[state.scale]).to_bits()
            }
            _ => {
                if bits.get(1)? == 1 {
                    let leading = u32::try_from(bits.get(6)?).ok()?;
                    let width = u32::try_from(bits.get(6)?).ok()? + 1;
                    state.window = (leading, width);
                }
                let (leading, width) = state.window;
                let trailing = 64_u32.checked_sub(leading + width)?;
                bits.get(width)?.checked_shl(trailing)? ^ state.previous
            }
        };
        state.seen(value);
        Some(f64::from_bits(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encode(values: &[f64], residuals: bool) -> Vec<u8> {
        let mut encoder = if residuals { Encoder::of_residuals() } else { Encoder::new() };
        let mut bits = BitWriter::default();
        for value in values {
            encoder.put(&mut bits, *value);
        }
        encoder.finish(&mut bits);
        bits.into_bytes()
    }

    fn decode(bytes: &[u8], count: usize, residuals: bool) -> Option<Vec<u64>> {
        let mut decoder = if residuals { Decoder::of_residuals() } else { Decoder::new() };
        let mut bits = BitReader::new(bytes);
        (0..count).map(|_| decoder.get(&mut bits).map(f64::to_bits)).collect()
    }

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => (-1000..1000_i32).prop_map(f64::from),
            2 => (0..40_i64).prop_map(|pages| (pages * 4096) as f64),
            2 => (0..100_000_i32).prop_map(|millis| f64::from(millis) / 1e3),
            1 => (0..100_000_000_i32).prop_map(|micros| f64::from(micros) / 1e6),
            1 => any::<i64>().prop_map(|wide| wide as f64),
            1 => any::<u64>().prop_map(f64::from_bits),
            1 => proptest::sample::select(vec![0.0, -0.0, EXACT, -EXACT, EXACT - 1.0, f64::MAX, f64::MIN_POSITIVE, 1e-9, 4e15]),
        ]
    }

    fn numbers() -> impl Strategy<Value = Vec<f64>> {
        let runs = proptest::collection::vec((number(), prop_oneof![3 => Just(1_usize), 1 => 1..100_usize]), 0..60);
        runs.prop_map(|runs| runs.into_iter().flat_map(|(value, times)| vec![value; times]).collect())
    }

    proptest! {
        #[test]
        fn any_numbers_come_back_bit_by_bit(values in numbers(), residuals in any::<bool>()) {
            let bytes = encode(&values, residuals);
            let expected: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
            prop_assert_eq!(decode(&bytes, values.len(), residuals), Some(expected));
        }

        #[test]
        fn damaged_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), residuals in any::<bool>()) {
            let _ = decode(&bytes, 500, residuals);
        }
    }

    #[test]
    fn what_metrics_are_like_takes_few_bits() {
        let bits_each = |values: &[f64]| encode(values, false).len() * 8 * 100 / values.len();
        let spread = |place: i32| f64::from(place.wrapping_mul(40_503) >> 3 & 0xff);
        assert!(encode(&vec![7_340_032.0; 600], false).len() < 16, "one that stays");
        let noise: Vec<f64> = (0..600).map(spread).collect();
        assert!(bits_each(&noise) < 1100, "eight bits of noise: {}", bits_each(&noise));
        let pages: Vec<f64> = noise.iter().map(|noise| (700_000.0 + noise) * 4096.0).collect();
        assert!(bits_each(&pages) < 1130, "the same in pages: {}", bits_each(&pages));
        let seconds: Vec<f64> = noise.iter().map(|noise| noise / 1e3).collect();
        assert!(bits_each(&seconds) < 1130, "the same in thousandths: {}", bits_each(&seconds));
    }
}
