//! Draws: ids and jitter, from the seed of the journal and the number of the record that they are for.
//!
//! There is no generator with a state that would have to be persisted: the same record gets the same draw, and what was
//! drawn stands in the event. A stream per purpose keeps a new draw here from moving an outcome there.

use crate::domain::Span;

/// What a draw is for.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// An id.
    Id,
    /// The spread of retries.
    Jitter,
}

/// One step of splitmix64 (Steele, Lea, Flood 2014): a good mix of 64 bits.
const fn splitmix(mut word: u64) -> u64 {
    word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// 64 bits for a purpose, a record and a place within it.
pub const fn bits(seed: u64, purpose: Purpose, seq: u64, counter: u64) -> u64 {
    splitmix(splitmix(splitmix(seed ^ (purpose as u64) << 56) ^ seq) ^ counter)
}

/// The low bits of an id: 30 bits of the record's number, 6 of the place within the record, 26 random ones.
///
/// With the number in front, ids made in the same microsecond still sort in the order in which they were made, which is
/// what makes the order of submission readable from the ids alone. An array's id gives up its low 24 bits and stays unique.
pub const fn id_bits(seed: u64, seq: u64, counter: u64) -> u128 {
    let place = (seq & 0x3fff_ffff) << 32 | (counter & 0x3f) << 26;
    (place | bits(seed, Purpose::Id, seq, counter) & 0x03ff_ffff) as u128
}

/// A span between half of `span` and the whole of it.
pub fn jitter(seed: u64, seq: u64, span: Span) -> Span {
    let micros = span.as_micros().unsigned_abs();
    let spread = bits(seed, Purpose::Jitter, seq, 0) % (micros / 2 + 1);
    Span::from_micros(i64::try_from(micros - spread).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{TaskId, Timestamp};

    #[test]
    fn ids_of_one_instant_sort_by_record_and_are_unique() {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let mut last = None;
        for seq in 1..2000 {
            for counter in 0..5 {
                let id = TaskId::new(now, id_bits(7, seq, counter));
                assert!(last < Some(id));
                last = Some(id);
            }
        }
        let arrays: std::collections::BTreeSet<_> =
            (1..2000).map(|seq| TaskId::new(now, id_bits(7, seq, 0)).as_array()).collect();
        assert_eq!(arrays.len(), 1999);
    }

    #[test]
    fn jitter_stays_between_half_and_whole() {
        for seq in 0..1000 {
            let span = jitter(3, seq, Span::from_secs(10));
            assert!(span >= Span::from_secs(5) && span <= Span::from_secs(10));
        }
        assert_eq!(jitter(3, 1, Span::ZERO), Span::ZERO);
    }
}
