//! Numbers of any width, one after the other, the most significant bit first.

/// Takes numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// The last bits, fewer than eight between two calls.
    pending: u64,
    filled: u32,
}

impl BitWriter {
    /// Adds the low `width` bits of a number; at most 64.
    pub(super) fn put(&mut self, value: u64, width: u32) {
        if width > 32 {
            self.put(value >> 32, width - 32);
            return self.put(value & 0xffff_ffff, 32);
        }
        self.pending = self.pending << width | value & ((1 << width) - 1);
        self.filled += width;
        while self.filled >= 8 {
            self.filled -= 8;
            self.bytes.push((self.pending >> self.filled).to_le_bytes()[0]);
        }
        self.pending &= 0xff;
    }

    /// Adds everything that another one has.
    pub(super) fn append(&mut self, other: &Self) {
        for byte in &other.bytes {
            self.put(u64::from(*byte), 8);
        }
        self.put(other.pending & ((1 << other.filled) - 1), other.filled);
    }

    /// How many bits there are.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() * 8 + self.filled as usize
    }

    /// The bytes; the last is filled up with zeros.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.put(0, (8 - self.filled) % 8);
        self.bytes
    }
}

/// Gives numbers back.
#[derive(Clone, Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next bits, at least 57 of them, at the top of a word; zeros beyond the end.
    fn window(&self) -> u64 {
        let byte = self.at / 8;
        let mut word = [0; 8];
        let rest = self.bytes.get(byte..).unwrap_or_default();
        let taken = rest.len().min(8);
        word[..taken].copy_from_slice(&rest[..taken]);
        u64::from_be_bytes(word) << (self.at % 8)
    }

    /// The next number of a width; `None` when there is no more.
    pub(super) fn get(&mut self, width: u32) -> Option<u64> {
        if width > 32 {
            let high = self.get(width - 32)?;
            return Some(high << 32 | self.get(32)?);
        }
        if width == 0 {
            return Some(0);
        }
        let value = self.window() >> (64 - width);
        self.advance(width as usize)?;
        Some(value)
    }

    /// How many ones come before the next zero; at most `most`, after which no zero is looked for.
    pub(super) fn ones(&mut self, most: u32) -> Option<u32> {
        let ones = self.window().leading_ones().min(most);
        self.advance(ones as usize + usize::from(ones < most))?;
        Some(ones)
    }

    fn advance(&mut self, bits: usize) -> Option<()> {
        self.at += bits;
        (self.at <= self.bytes.len() * 8).then_some(())
    }
}

/// Adds a number to bytes, seven bits in each, the low ones first.
pub(super) fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
}

/// Takes a number from the beginning of bytes; `None` when there is none.
pub(super) fn get_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Signed to unsigned, small to small.
pub(super) const fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

/// The other way.
pub(super) const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_put_is_got(numbers in proptest::collection::vec((any::<u64>(), 0..=64_u32), 0..50), split in 0..50_usize) {
            let numbers: Vec<(u64, u32)> =
                numbers.into_iter().map(|(n, width)| (n & 1_u64.checked_shl(width).map_or(u64::MAX, |top| top - 1), width)).collect();
            let split = split.min(numbers.len());
            let (mut writer, mut other) = (BitWriter::default(), BitWriter::default());
            for (number, width) in &numbers[..split] {
                writer.put(*number, *width);
            }
            for (number, width) in &numbers[split..] {
                other.put(*number, *width);
            }
            writer.append(&other);
            prop_assert_eq!(writer.len(), numbers.iter().map(|(_, width)| *width as usize).sum::<usize>());
            let bytes = writer.into_bytes();
            let mut reader = BitReader::new(&bytes);
            for (number, width) in &numbers {
                prop_assert_eq!(reader.get(*width), Some(*number));
            }
            prop_assert_eq!(reader.get(64), None);
        }

        #[test]
        fn small_forms_come_back(value in any::<u64>(), signed in any::<i64>()) {
            let mut bytes = vec![];
            put_varint(&mut bytes, value);
            prop_assert_eq!(get_varint(&mut &bytes[..]), Some(value));
            prop_assert_eq!(get_varint(&mut &bytes[..bytes.len() - 1]), None);
            prop_assert_eq!(unzigzag(zigzag(signed)), signed);
        }
    }
}
