//! The log: every batch that was taken and is not in the files yet, one row each.

use super::bits::{get_varint, put_varint, unzigzag, zigzag};
use super::dictionary::SeriesId;

/// Its table.
pub(super) const TABLE: &str = "
    CREATE TABLE log (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
";

/// One sample of a batch.
pub(super) type Logged = (SeriesId, i64, f64);

/// A batch in few bytes and little time: each number as it differs from the one before, and values with their bytes
/// turned round, so that the low ones of round numbers, which are zero, take no room.
pub(super) fn encode(samples: &[Logged]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(samples.len() * 8 + 10);
    put_varint(&mut bytes, samples.len() as u64);
    let (mut series, mut before) = (0, 0);
    for (id, time, value) in samples {
        put_varint(&mut bytes, zigzag(i64::from(id.0) - series));
        put_varint(&mut bytes, zigzag(time - before));
        put_varint(&mut bytes, value.to_bits().swap_bytes());
        (series, before) = (i64::from(id.0), *time);
    }
    bytes
}

/// The batch again; `None` when it is damaged.
pub(super) fn decode(mut bytes: &[u8]) -> Option<Vec<Logged>> {
    let count = get_varint(&mut bytes)?;
    let mut samples = vec![];
    let (mut series, mut time) = (0_i64, 0_i64);
    for _ in 0..count {
        series = series.checked_add(unzigzag(get_varint(&mut bytes)?))?;
        time = time.checked_add(unzigzag(get_varint(&mut bytes)?))?;
        let value = f64::from_bits(get_varint(&mut bytes)?.swap_bytes());
        samples.push((SeriesId(u32::try_from(series).ok()?), time, value));
    }
    Some(samples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn batches_come_back(samples in proptest::collection::vec((any::<u32>(), 0..i64::MAX / 4, any::<f64>()), 0..60)) {
            let samples: Vec<Logged> = samples.into_iter().map(|(id, time, value)| (SeriesId(id), time, value)).collect();
            let bytes = encode(&samples);
            prop_assert_eq!(decode(&bytes), Some(samples.clone()));
            if !samples.is_empty() {
                prop_assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
            }
        }
    }
}
