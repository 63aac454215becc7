//! Fairness between owners: dominant resource fairness (Ghodsi et al., NSDI 2011).
//!
//! An owner's *dominant share* is the largest fraction that its running work holds of any one resource. Among tasks of
//! equal rank the owner with the smallest dominant share goes first. Agents' slots count as a resource too, so that tasks
//! that ask for no quantity are shared fairly as well.

use crate::domain::requirements::Quantities;

/// What an owner holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Quantities.
    pub quantities: Quantities,
    /// Slots of agents.
    pub slots: u64,
}

/// What there is in all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pool {
    /// Quantities over all nodes.
    pub quantities: Quantities,
    /// Slots over all agents.
    pub slots: u64,
}

/// The dominant share in billionths; integers, so that every machine decides alike.
pub fn dominant(holding: &Holding, pool: &Pool) -> u64 {
    let part = |held: u64, total: u64| {
        if held == 0 {
            0
        } else {
            u64::try_from(u128::from(held) * 1_000_000_000 / u128::from(total.max(1))).unwrap_or(u64::MAX)
        }
    };
    let quantities = (0..5).map(|i| part(holding.quantities.0[i], pool.quantities.0[i]));
    quantities.max().unwrap_or(0).max(part(holding.slots, pool.slots))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the paper: 9 cores and 18 GB; A holds 3 x (1 core, 4 GB), B 2 x (3 cores, 1 GB): both at 2/3.
    #[test]
    fn agrees_with_the_paper() {
        let pool = Pool { quantities: Quantities([9000, 18, 0, 0, 0]), slots: 1000 };
        let a = Holding { quantities: Quantities([3000, 12, 0, 0, 0]), slots: 3 };
        let b = Holding { quantities: Quantities([6000, 2, 0, 0, 0]), slots: 2 };
        assert_eq!(dominant(&a, &pool), dominant(&b, &pool));
        assert_eq!(dominant(&a, &pool), 666_666_666);
        assert_eq!(dominant(&Holding::default(), &Pool::default()), 0);
    }
}
