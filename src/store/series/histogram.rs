//! Quantiles of histograms: from how much the counter of each bucket rose.

use std::collections::BTreeMap;

/// How much the counters of a histogram's buckets rose in each step, by upper bound.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    risen: BTreeMap<OrderedBound, Vec<Option<f64>>>,
}

/// A bound that is a number, or infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
struct OrderedBound(f64);

impl Eq for OrderedBound {}
impl PartialOrd for OrderedBound {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for OrderedBound {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Buckets {
    /// Takes in how much a bucket's counter rose in each step; several of the same bound are added up.
    pub(super) fn put(&mut self, bound: f64, risen: &[Option<f64>]) {
        let known = self.risen.entry(OrderedBound(bound)).or_insert_with(|| vec![None; risen.len()]);
        for (known, risen) in known.iter_mut().zip(risen) {
            if let Some(risen) = risen {
                *known = Some(known.unwrap_or(0.0) + risen);
            }
        }
    }

    /// The value that a share of what was observed in a step does not exceed, taking what is in a bucket as spread evenly
    /// in it, as Prometheus does. `None` when nothing was observed, or no bucket holds everything.
    pub(super) fn quantile(&self, place: usize, share: f64) -> Option<f64> {
        let at = |risen: &Vec<Option<f64>>| risen.get(place).copied().flatten();
        let (top, all) = self.risen.last_key_value()?;
        let total = at(all).filter(|total| *total > 0.0 && top.0.is_infinite())?;
        let rank = share * total;
        let (mut lower, mut below) = (None, 0.0);
        for (OrderedBound(bound), risen) in &self.risen {
            // A bucket that was not sampled in this step says nothing.
            let Some(upto) = at(risen) else { continue };
            if upto >= rank && upto > below {
                if bound.is_infinite() {
                    // Beyond the largest bound nothing is known of how far.
                    return lower;
                }
                let lower = lower.unwrap_or(f64::min(0.0, *bound));
                return Some(lower + (bound - lower) * ((rank - below) / (upto - below)).clamp(0.0, 1.0));
            }
            (lower, below) = (Some(*bound), upto.max(below));
        }
        lower
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(buckets: &[(f64, f64)]) -> Buckets {
        let mut found = Buckets::default();
        for (bound, risen) in buckets {
            found.put(*bound, &[Some(*risen)]);
        }
        found
    }

    #[test]
    fn a_quantile_lies_within_its_bucket() {
        let buckets = of(&[(1.0, 50.0), (2.0, 90.0), (f64::INFINITY, 100.0)]);
        assert_eq!(buckets.quantile(0, 0.25), Some(0.5));
        assert_eq!(buckets.quantile(0, 0.7), Some(1.5));
        assert_eq!(buckets.quantile(0, 0.99), Some(2.0), "no more is known than that it is beyond");
    }

    #[test]
    fn what_cannot_be_known_is_not() {
        assert_eq!(of(&[(1.0, 0.0), (f64::INFINITY, 0.0)]).quantile(0, 0.5), None, "nothing observed");
        assert_eq!(of(&[(1.0, 5.0)]).quantile(0, 0.5), None, "the bucket of all is missing");
        assert_eq!(of(&[]).quantile(0, 0.5), None);
        assert_eq!(of(&[(f64::INFINITY, 5.0)]).quantile(0, 0.5), None, "no bound at all");
    }
}
