//! The format in which the output of an execution is kept: what the worker writes and everybody else reads.
//!
//! An execution's output lies in segments `<execution>.<n>.spool`, n from 0. Segment 0 is the head and is kept; of the
//! later ones the oldest are dropped when the cap is reached, so that beginning and end survive. A segment is a
//! sequence of chunks: one byte for the stream, eight bytes of microseconds, four bytes of length (both little-endian),
//! then the bytes as they came.

use super::time::Timestamp;

/// Bytes before the content of a chunk.
pub const CHUNK_HEADER_BYTES: usize = 13;

/// Where output came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out = 1,
    /// Standard error.
    Err = 2,
    /// A remark of the worker, such as how many bytes were dropped.
    Note = 3,
}

/// A piece of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Where it came from.
    pub stream: Stream,
    /// When the worker read it.
    pub time: Timestamp,
    /// What it is.
    pub bytes: &'a [u8],
}

/// Appends a chunk to `buffer`. Content beyond 4 GiB is cut.
pub fn encode(chunk: Chunk<'_>, buffer: &mut Vec<u8>) {
    let length = u32::try_from(chunk.bytes.len()).unwrap_or(u32::MAX);
    buffer.push(chunk.stream as u8);
    buffer.extend_from_slice(&chunk.time.as_micros().to_le_bytes());
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(&chunk.bytes[..length as usize]);
}

/// The first chunk of `bytes` and how many bytes it takes; `None` while it is incomplete or when it is none.
pub fn decode(bytes: &[u8]) -> Option<(Chunk<'_>, usize)> {
    let (header, rest) = bytes.split_at_checked(CHUNK_HEADER_BYTES)?;
    let stream = match header[0] {
        1 => Stream::Out,
        2 => Stream::Err,
        3 => Stream::Note,
        _ => return None,
    };
    let time = Timestamp::from_micros(i64::from_le_bytes(header[1..9].try_into().ok()?));
    let length = u32::from_le_bytes(header[9..13].try_into().ok()?) as usize;
    Some((Chunk { stream, time, bytes: rest.get(..length)? }, CHUNK_HEADER_BYTES + length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn chunks_round_trip_and_cut_ones_wait(bytes in proptest::collection::vec(any::<u8>(), 0..200), micros in 0i64..1_000_000_000) {
            let chunk = Chunk { stream: Stream::Err, time: Timestamp::from_micros(micros), bytes: &bytes };
            let mut buffer = Vec::new();
            encode(chunk, &mut buffer);
            prop_assert_eq!(decode(&buffer), Some((chunk, buffer.len())));
            prop_assert_eq!(decode(&buffer[..buffer.len() - 1]), None);
        }
    }
}
