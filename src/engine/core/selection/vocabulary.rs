//! The index of words: which agents are declared with which stems, and how rare a stem is.

use std::collections::BTreeMap;

use super::profile::Profile;

/// The index. It is kept as agents change.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    /// By stem: the slots of the agents that have it, with how much it counts there, in thousandths.
    postings: BTreeMap<String, BTreeMap<u32, u16>>,
    agents: u32,
    /// Rises with every change.
    pub(super) generation: u64,
}

impl Vocabulary {
    /// Adds an agent's words.
    pub(super) fn add(&mut self, slot: u32, profile: &Profile) {
        for (stem, weight) in &profile.terms {
            self.postings.entry(stem.clone()).or_default().insert(slot, *weight);
        }
        self.agents += 1;
        self.generation += 1;
    }

    /// Takes an agent's words out.
    pub(super) fn remove(&mut self, slot: u32, profile: &Profile) {
        for stem in profile.terms.keys() {
            if let Some(slots) = self.postings.get_mut(stem) {
                slots.remove(&slot);
                if slots.is_empty() {
                    self.postings.remove(stem);
                }
            }
        }
        self.agents -= 1;
        self.generation += 1;
    }

    /// Whether some agent has a stem.
    pub(super) fn knows(&self, stem: &str) -> bool {
        self.postings.contains_key(stem)
    }

    /// Who has a stem, with how much it counts there, in thousandths.
    pub(super) fn agents_with(&self, stem: &str) -> impl Iterator<Item = (u32, u16)> {
        self.postings.get(stem).into_iter().flatten().map(|(slot, weight)| (*slot, *weight))
    }

    /// How rare a stem is, in thousandths: `log2(1 + agents / agents that have it)`; `None` when nobody has it.
    pub(super) fn rarity(&self, stem: &str) -> Option<u32> {
        let having = self.postings.get(stem)?.len() as u64;
        Some(log2_millis(u64::from(self.agents) + having, having))
    }
}

/// `log2(part / whole)` in thousandths, the logarithm of the mantissa taken as a straight line: within 9 % of 1, the same
/// on every machine.
fn log2_millis(part: u64, whole: u64) -> u32 {
    let ratio = (part * 1024 / whole.max(1)).max(1024);
    let octave = ratio.ilog2();
    let mantissa = u32::try_from((ratio << 10 >> octave) - 1024).unwrap_or(0);
    (octave - 10) * 1000 + mantissa * 1000 / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_exact_at_powers_of_two_and_rise_between() {
        for octave in 0..20 {
            assert_eq!(log2_millis(1 << octave, 1), octave * 1000);
        }
        assert!((500..=600).contains(&log2_millis(3, 2)));
        assert!((1..5000_u64).all(|n| log2_millis(n, 1) <= log2_millis(n + 1, 1)));
    }
}
