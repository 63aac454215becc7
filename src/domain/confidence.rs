//! How sure a figure is: intervals at 95 % for shares and for medians, with the number of samples that they rest on. Two
//! figures differ clearly where their intervals do not overlap; that is stricter than a test at 5 %, so what is called a
//! change is one, and a small change may be called none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::enumeration::enumeration;

/// The quantile of the normal distribution that leaves 2.5 % above it.
const Z: f64 = 1.959_963_984_540_054;

/// Of so many samples and fewer the ranks of the median's interval are counted out; of more they follow from the normal
/// distribution, which by then is within one rank.
const EXACT_MAX: u64 = 1_000;

enumeration! {
    /// How a figure stands beside an earlier or an overall one.
    #[derive(Default)]
    pub enum Change ("change") {
        /// The intervals do not overlap, and it is better.
        Better = "better",
        /// The intervals do not overlap, and it is worse.
        Worse = "worse",
        /// The intervals overlap: it may be chance.
        #[default]
        Unclear = "unclear",
    }
}

/// How many of some succeeded, and between which shares that says the truth lies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rate {
    /// How many there were.
    pub n: u64,
    /// How many of them succeeded.
    pub successes: u64,
    /// The share of them, 0-1; `None` of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// The lower end of the interval at 95 %, 0-1; 0 of none.
    pub low: f64,
    /// Its upper end, 0-1; 1 of none.
    pub high: f64,
}

impl Rate {
    /// The rate of `successes` of `n`, with the score interval of Wilson ("Probable inference, the law of succession, and
    /// statistical inference", Journal of the American Statistical Association 22, 1927), which holds for few samples and
    /// for shares near 0 and 1 too.
    pub fn of(successes: u64, n: u64) -> Self {
        let successes = successes.min(n);
        if n == 0 {
            return Self { n, successes, share: None, low: 0.0, high: 1.0 };
        }
        let (all, share) = (n as f64, successes as f64 / n as f64);
        let z2 = Z * Z;
        let center = (share + z2 / (2.0 * all)) / (1.0 + z2 / all);
        let half = Z / (1.0 + z2 / all) * (share * (1.0 - share) / all + z2 / (4.0 * all * all)).sqrt();
        // At the ends it is exact, whatever is lost in rounding.
        let low = if successes == 0 { 0.0 } else { (center - half).max(0.0) };
        let high = if successes == n { 1.0 } else { (center + half).min(1.0) };
        Self { n, successes, share: Some(share), low, high }
    }

    /// How it stands beside another: a higher share is better.
    pub fn beside(&self, other: &Self) -> Change {
        if self.low > other.high {
            Change::Better
        } else if self.high < other.low {
            Change::Worse
        } else {
            Change::Unclear
        }
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self::of(0, 0)
    }
}

/// The median of some times, and between which times that says the true one lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MedianTime {
    /// How many times it is of.
    pub n: u64,
    /// The median, in milliseconds; `None` of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_ms: Option<u64>,
    /// The lower end of the interval at 95 %, in milliseconds; `None` of fewer than six, of which none can be that sure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_ms: Option<u64>,
    /// Its upper end, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_ms: Option<u64>,
}

impl MedianTime {
    /// The median of times in milliseconds, in any order, with the interval between two of them that needs no distribution
    /// (Thompson, "On confidence ranges for the median", Annals of Mathematical Statistics 7, 1936).
    pub fn of(mut times: Vec<u64>) -> Self {
        times.sort_unstable();
        let n = times.len() as u64;
        let at = |rank: u64| usize::try_from(rank).ok().and_then(|rank| times.get(rank.checked_sub(1)?)).copied();
        let median_ms = at(n.div_ceil(2)).zip(at(n / 2 + 1)).map(|(one, other)| u64::midpoint(one, other));
        let rank = median_rank(n);
        let (low_ms, high_ms) = (rank.and_then(at), rank.and_then(|rank| at(n + 1 - rank)));
        Self { n, median_ms, low_ms, high_ms }
    }

    /// How it stands beside another: shorter is better.
    pub const fn beside(&self, other: &Self) -> Change {
        match (self.low_ms, self.high_ms, other.low_ms, other.high_ms) {
            (_, Some(high), Some(low), _) if high < low => Change::Better,
            (Some(low), _, _, Some(high)) if low > high => Change::Worse,
            _ => Change::Unclear,
        }
    }
}

/// The rank, from 1, of the lower of the two among `n` ordered samples between which the median lies at 95 %; the upper has
/// the same rank from above. `None` where not even the smallest and the largest are that far apart.
fn median_rank(n: u64) -> Option<u64> {
    if n > EXACT_MAX {
        let all = n as f64;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and n / 2")]
        return Some(((all - Z * all.sqrt()) / 2.0).floor() as u64);
    }
    // How likely at most so many of n samples lie below the median: the binomial distribution with one half.
    let all = n as f64;
    let mut term = 0.5_f64.powf(all);
    let (mut below, mut rank) = (0.0, 0);
    while rank < n {
        below += term;
        if below > 0.025 {
            break;
        }
        term *= (all - rank as f64) / (rank as f64 + 1.0);
        rank += 1;
    }
    (rank > 0).then_some(rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_the_intervals_of_the_literature() {
        // Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17, 1998, table I.
        for (successes, n, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let rate = Rate::of(successes, n);
            assert!((rate.low - low).abs() < 5e-5 && (rate.high - high).abs() < 5e-5, "{successes}/{n}: {rate:?}");
            // What failed mirrors it.
            let mirrored = Rate::of(n - successes, n);
            assert!((rate.low + mirrored.high - 1.0).abs() < 1e-12, "{mirrored:?}");
        }
        let none = Rate::of(0, 0);
        assert_eq!((none.share, none.low, none.high), (None, 0.0, 1.0));
        assert_eq!((Rate::of(7, 7).high, Rate::of(0, 7).low, Rate::of(9, 7)), (1.0, 0.0, Rate::of(7, 7)));
    }

    #[test]
    fn few_by_luck_are_not_above_many() {
        assert!(Rate::of(2, 2).low < Rate::of(95, 100).low);
        assert_eq!(Rate::of(2, 2).beside(&Rate::of(60, 100)), Change::Unclear);
        assert_eq!(Rate::of(95, 100).beside(&Rate::of(60, 100)), Change::Better);
        assert_eq!(Rate::of(60, 100).beside(&Rate::of(95, 100)), Change::Worse);
        assert_eq!(Rate::of(60, 100).beside(&Rate::default()), Change::Unclear);
    }

    #[test]
    fn medians_have_the_ranks_of_the_tables() {
        // The ranks of the sign test at 95 %, as in Conover, "Practical nonparametric statistics", table A3.
        for (n, rank) in [(6, 1), (8, 1), (9, 2), (10, 2), (15, 4), (20, 6), (25, 8), (50, 18), (100, 40)] {
            assert_eq!(median_rank(n), Some(rank), "{n}");
        }
        assert!((0..6).all(|n| median_rank(n).is_none()));
        // The two ways meet.
        let exact = median_rank(EXACT_MAX).unwrap();
        assert!(median_rank(EXACT_MAX + 1).unwrap().abs_diff(exact) <= 1, "{exact}");
    }

    #[test]
    fn a_median_lies_in_the_middle_and_within_its_interval() {
        assert_eq!(MedianTime::of(vec![]), MedianTime::default());
        assert_eq!(MedianTime::of(vec![9, 1, 5]).median_ms, Some(5));
        assert_eq!(MedianTime::of(vec![4, 1, 5, 2]).median_ms, Some(3));
        let ten = MedianTime::of((1..=10).rev().map(|time| time * 100).collect());
        assert_eq!((ten.low_ms, ten.median_ms, ten.high_ms, ten.n), (Some(200), Some(550), Some(900), 10));
        let slower = MedianTime::of((11..=20).map(|time| time * 100).collect());
        assert_eq!((ten.beside(&slower), slower.beside(&ten)), (Change::Better, Change::Worse));
        assert_eq!(ten.beside(&MedianTime::of(vec![5_000; 5])), Change::Unclear, "five say nothing for sure");
        let many = MedianTime::of((1..=20_000).collect());
        assert!(many.low_ms.unwrap() > 9_800 && many.high_ms.unwrap() < 10_200, "{many:?}");
    }
}
