//! The samples of one series within one slot of ten minutes: open, while more may come, and closed, as it is stored.

use super::bits::{BitReader, BitWriter, get_varint, put_varint};
use super::codec::{Decoder, Encoder};

/// How long a slot is, in microseconds.
pub(super) const SLOT: i64 = 600_000_000;

/// A sample: microseconds since the epoch, and the value.
pub(super) type Pair = (i64, f64);

/// The number, since the epoch, of the slot that a time is in.
pub(super) const fn slot_of(time: i64) -> i64 {
    time.div_euclid(SLOT)
}

/// A chunk as it is stored. Series that are sampled together have the same times, which are then stored once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Closed {
    /// How many samples, and by how much each is later than the one before.
    pub(super) times: Vec<u8>,
    /// Their values.
    pub(super) values: Vec<u8>,
}

/// A chunk that takes samples, packed from the first one on.
#[derive(Clone, Debug)]
pub(super) struct Open {
    slot: i64,
    count: u64,
    /// The latest sample's time and value.
    last: i64,
    value: f64,
    times: (Encoder, BitWriter),
    values: (Encoder, BitWriter),
}

impl Open {
    /// An empty chunk of a slot.
    pub(super) fn new(slot: i64) -> Self {
        let column = || (Encoder::new(), BitWriter::default());
        Self { slot, count: 0, last: slot * SLOT, value: 0.0, times: column(), values: column() }
    }

    /// Takes a sample of the slot. One of a time that is there already takes its place.
    pub(super) fn put(&mut self, time: i64, value: f64) {
        if self.count > 0 && time <= self.last {
            return self.insert(time, value);
        }
        // Within a slot, so that every step is an exact floating point number.
        self.times.0.put(&mut self.times.1, (time - self.last) as f64);
        self.values.0.put(&mut self.values.1, value);
        (self.last, self.value) = (time, value);
        self.count += 1;
    }

    /// The latest sample, while there is one.
    pub(super) fn last(&self) -> Option<Pair> {
        (self.count > 0).then_some((self.last, self.value))
    }

    /// A late one: the whole is written anew, which costs some microseconds for some hundred samples.
    fn insert(&mut self, time: i64, value: f64) {
        let mut samples = self.samples();
        match samples.binary_search_by_key(&time, |sample| sample.0) {
            Ok(place) => samples[place].1 = value,
            Err(place) => samples.insert(place, (time, value)),
        }
        *self = Self::of(self.slot, &samples);
    }

    /// A chunk of samples in order.
    pub(super) fn of(slot: i64, samples: &[Pair]) -> Self {
        let mut open = Self::new(slot);
        for (time, value) in samples {
            open.put(*time, *value);
        }
        open
    }

    /// The chunk as it is stored.
    pub(super) fn close(&self) -> Closed {
        let bytes = |(encoder, bits): &(Encoder, BitWriter)| {
            let (mut encoder, mut bits) = (encoder.clone(), bits.clone());
            encoder.finish(&mut bits);
            bits.into_bytes()
        };
        let mut times = vec![];
        put_varint(&mut times, self.count);
        times.extend(bytes(&self.times));
        Closed { times, values: bytes(&self.values) }
    }

    /// The samples, in order.
    pub(super) fn samples(&self) -> Vec<Pair> {
        let closed = self.close();
        // What was just written can be read.
        let times = times(self.slot, &closed.times).unwrap_or_default();
        samples(&times, &closed.values).unwrap_or_default()
    }
}

/// The times of a closed chunk; `None` when they are damaged.
pub(super) fn times(slot: i64, mut bytes: &[u8]) -> Option<Vec<i64>> {
    let count = get_varint(&mut bytes)?;
    // More samples than microseconds is damage, and no reason to ask for so much memory.
    let count = usize::try_from(count).ok().filter(|_| count <= SLOT.unsigned_abs())?;
    let (mut bits, mut decoder) = (BitReader::new(bytes), Decoder::new());
    let mut time = slot * SLOT;
    let mut times = Vec::with_capacity(count.min(4096));
    for _ in 0..count {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number within a slot, and damage may give any")]
        let step = decoder.get(&mut bits)? as i64;
        time = time.checked_add(step)?;
        times.push(time);
    }
    Some(times)
}

/// The samples of a closed chunk with these times; `None` when the values are damaged.
pub(super) fn samples(times: &[i64], values: &[u8]) -> Option<Vec<Pair>> {
    let (mut bits, mut decoder) = (BitReader::new(values), Decoder::new());
    times.iter().map(|time| Some((*time, decoder.get(&mut bits)?))).collect()
}

/// Both in order of time; of two at the same time, that of the later ones.
pub(super) fn merge(earlier: &[Pair], later: &[Pair]) -> Vec<Pair> {
    let mut merged = Vec::with_capacity(earlier.len() + later.len());
    let mut rest = later.iter().peekable();
    for sample in earlier {
        while let Some(next) = rest.next_if(|next| next.0 < sample.0) {
            merged.push(*next);
        }
        if rest.peek().is_none_or(|next| next.0 != sample.0) {
            merged.push(*sample);
        }
    }
    merged.extend(rest);
    merged
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use proptest::prelude::*;

    fn bits(samples: &[Pair]) -> Vec<(i64, u64)> {
        samples.iter().map(|(time, value)| (*time, value.to_bits())).collect()
    }

    proptest! {
        #[test]
        fn samples_in_any_order_come_back_in_order(
            samples in proptest::collection::vec((prop_oneof![0..SLOT, 0..10_i64], any::<f64>()), 0..80), slot in 0..4_000_000_i64,
        ) {
            let mut open = Open::new(slot);
            let mut model = BTreeMap::new();
            for (offset, value) in samples {
                open.put(slot * SLOT + offset, value);
                model.insert(slot * SLOT + offset, value);
            }
            let expected: Vec<Pair> = model.into_iter().collect();
            prop_assert_eq!(bits(&open.samples()), bits(&expected));
            prop_assert_eq!(open.last().map(|last| bits(&[last])), expected.last().map(|last| bits(&[*last])));
        }

        #[test]
        fn merging_keeps_the_later_of_two(
            earlier in proptest::collection::btree_map(0..20_i64, -9.0..9.0_f64, 0..20),
            later in proptest::collection::btree_map(0..20_i64, -9.0..9.0_f64, 0..20),
        ) {
            let pairs = |map: &BTreeMap<i64, f64>| map.iter().map(|(time, value)| (*time, *value)).collect::<Vec<_>>();
            let merged = merge(&pairs(&earlier), &pairs(&later));
            let mut model = earlier.clone();
            model.extend(later);
            prop_assert_eq!(merged, pairs(&model));
        }
    }

    #[test]
    fn samples_taken_together_have_the_same_times() {
        let chunk = |scale: f64| {
            let mut open = Open::new(5);
            for i in 0..600_i32 {
                open.put(5 * SLOT + i64::from(i) * 1_000_000 + i64::from(i % 7) * 113, f64::from(i) * scale);
            }
            open.close()
        };
        assert_eq!(chunk(1.0).times, chunk(-7.5).times);
        assert_ne!(chunk(1.0).values, chunk(-7.5).values);
    }

    #[test]
    fn damage_is_seen() {
        let closed = Open::of(1, &[(SLOT, 1.5), (SLOT + 7, 2e300)]).close();
        assert!(times(1, &closed.times[..1]).is_none());
        assert!(times(1, &[255, 255, 255, 255, 255, 255, 255, 255, 255, 1]).is_none());
        assert!(samples(&times(1, &closed.times).unwrap(), &closed.values[..4]).is_none());
    }
}
