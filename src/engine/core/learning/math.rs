//! The few functions that learning needs, made of additions, multiplications, divisions and square roots alone: IEEE 754
//! rounds those the same everywhere, which the libraries' own exponential and logarithm do not promise.

use std::f64::consts::{LN_2, LOG2_E, PI};

/// `e` to the power of `x`; `x` counts as at most 700 away from 0.
pub(super) fn exp(x: f64) -> f64 {
    let x = x.clamp(-700.0, 700.0);
    let octaves = (x * LOG2_E).round();
    let rest = x - octaves * LN_2;
    // Taylor's series; the rest is at most 0.35, where 14 terms are exact to the last place but one.
    let series = (1..=14).rev().fold(1.0, |sum, term| 1.0 + sum * rest / f64::from(term));
    // Within 1010 of 0, so that the exponent is one of a normal number.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let power = f64::from_bits(((octaves as i64 + 1023) as u64) << 52);
    series * power
}

/// The natural logarithm of a positive normal number; of anything else that of the smallest one.
pub(super) fn ln(x: f64) -> f64 {
    let x = if x >= f64::MIN_POSITIVE && x.is_finite() { x } else { f64::MIN_POSITIVE };
    let bits = x.to_bits();
    // The exponent has 11 bits.
    #[allow(clippy::cast_possible_wrap)]
    let octaves = (bits >> 52) as i64 - 1023;
    let mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    // `ln m = 2 artanh((m - 1) / (m + 1))`, whose argument is at most a third.
    let part = (mantissa - 1.0) / (mantissa + 1.0);
    let square = part * part;
    let series = (0..18_i32).rev().fold(0.0, |sum, term| sum * square + 1.0 / f64::from(2 * term + 1));
    2.0 * part * series + octaves as f64 * LN_2
}

/// The logistic function: a probability from its logit.
pub(super) fn logistic(logit: f64) -> f64 {
    1.0 / (1.0 + exp(-logit))
}

/// The probability of a logit that is normally distributed, nearly (`MacKay`, "The evidence framework applied to
/// classification networks", 1992): what is not certain is nearer to one half.
pub(super) fn moderated(logit: f64, variance: f64) -> f64 {
    logistic(logit / (1.0 + PI * variance / 8.0).sqrt())
}

/// What it costs to have given a probability to what came true to a degree of `truth`, 0-1: cross-entropy, in nats.
pub(super) fn log_loss(probability: f64, truth: f64) -> f64 {
    let probability = probability.clamp(1e-3, 1.0 - 1e-3);
    -(truth * ln(probability) + (1.0 - truth) * ln(1.0 - probability))
}

/// Millionths.
pub(super) fn millionths(value: f64) -> i64 {
    // Whoever calls has values far below the range's ends; what is no number becomes 0.
    #[allow(clippy::cast_possible_truncation)]
    let whole = (value * 1e6).round() as i64;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_agree_with_the_libraries() {
        for step in -3000..=3000 {
            let x = f64::from(step) / 10.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-12, "{x}");
            let y = x.exp();
            assert!((ln(y) - x).abs() < 1e-11, "{x}");
        }
        assert!((logistic(0.0) - 0.5).abs() < 1e-15 && logistic(40.0) > 0.999_999 && logistic(-1e9) < 1e-9);
        assert!(ln(0.0).is_finite() && ln(-1.0).is_finite() && ln(f64::NAN).is_finite());
    }

    #[test]
    fn what_is_uncertain_is_nearer_to_one_half() {
        assert!((moderated(2.0, 0.0) - logistic(2.0)).abs() < 1e-15);
        let chances: Vec<_> = [0.0, 1.0, 4.0, 100.0].map(|variance| moderated(2.0, variance)).into();
        assert!(chances.is_sorted_by(|one, two| one > two) && chances[3] > 0.5, "{chances:?}");
    }

    #[test]
    fn to_be_sure_and_wrong_is_dear_and_not_endless() {
        assert!(log_loss(1.0, 0.0) < 7.0 && log_loss(0.5, 0.0) < 0.7 && log_loss(1.0, 1.0) < 0.002);
    }
}
