//! The format in which the output of an execution is kept: what the worker writes and everybody else reads.
//!
//! An execution's output lies in segments `<execution>.<n>.spool`, n from 0. Segment 0 is the head and is kept; of the
//! later ones the oldest are dropped when the cap is reached, so that beginning and end survive. A segment is a
//! sequence of chunks: one byte for the stream, eight bytes of microseconds, four bytes of length (both little-endian),
//! then the bytes as they came. A chunk of stream 4 is no output but says where the output stands: its eight bytes
//! (little-endian) are how many bytes of output were written before it. Every segment but the head begins with one, and one
//! follows whatever could not be kept, so that a reader knows what it has missed.

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
    /// A remark of the worker or of whoever hands the output on, such as how many bytes are left out.
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

/// The stream number of a place.
const PLACE: u8 = 4;
/// Bytes of a place, header included.
pub const PLACE_BYTES: usize = CHUNK_HEADER_BYTES + 8;

/// What a segment consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Output, or a remark.
    Chunk(Chunk<'a>),
    /// Where the output stands.
    Place {
        /// When this was written.
        time: Timestamp,
        /// How many bytes of output came before it, whether they are kept or not.
        passed: u64,
    },
}

/// Appends a chunk to `buffer`. Content beyond 4 GiB is cut.
pub fn encode(chunk: Chunk<'_>, buffer: &mut Vec<u8>) {
    let length = u32::try_from(chunk.bytes.len()).unwrap_or(u32::MAX);
    buffer.push(chunk.stream as u8);
    buffer.extend_from_slice(&chunk.time.as_micros().to_le_bytes());
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(&chunk.bytes[..length as usize]);
}

/// Appends to `buffer` that `passed` bytes of output came before.
pub fn encode_place(time: Timestamp, passed: u64, buffer: &mut Vec<u8>) {
    buffer.push(PLACE);
    buffer.extend_from_slice(&time.as_micros().to_le_bytes());
    buffer.extend_from_slice(&8_u32.to_le_bytes());
    buffer.extend_from_slice(&passed.to_le_bytes());
}

/// The first chunk of `bytes` and how many bytes it takes; `None` while it is incomplete or when it is none.
pub fn decode(bytes: &[u8]) -> Option<(Chunk<'_>, usize)> {
    match decode_piece(bytes)? {
        (Piece::Chunk(chunk), length) => Some((chunk, length)),
        (Piece::Place { .. }, _) => None,
    }
}

/// The first piece of a segment and how many bytes it takes; `None` while it is incomplete or when it is none.
pub fn decode_piece(bytes: &[u8]) -> Option<(Piece<'_>, usize)> {
    let (header, rest) = bytes.split_at_checked(CHUNK_HEADER_BYTES)?;
    let time = Timestamp::from_micros(i64::from_le_bytes(header[1..9].try_into().ok()?));
    let length = u32::from_le_bytes(header[9..13].try_into().ok()?) as usize;
    let bytes = rest.get(..length)?;
    let piece = match header[0] {
        1 => Piece::Chunk(Chunk { stream: Stream::Out, time, bytes }),
        2 => Piece::Chunk(Chunk { stream: Stream::Err, time, bytes }),
        3 => Piece::Chunk(Chunk { stream: Stream::Note, time, bytes }),
        PLACE => Piece::Place { time, passed: u64::from_le_bytes(bytes.try_into().ok()?) },
        _ => return None,
    };
    Some((piece, CHUNK_HEADER_BYTES + length))
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

        #[test]
        fn places_round_trip_and_are_no_chunks(passed in any::<u64>(), micros in 0i64..1_000_000_000) {
            let time = Timestamp::from_micros(micros);
            let mut buffer = Vec::new();
            encode_place(time, passed, &mut buffer);
            prop_assert_eq!(decode_piece(&buffer), Some((Piece::Place { time, passed }, PLACE_BYTES)));
            prop_assert_eq!(decode_piece(&buffer[..PLACE_BYTES - 1]), None);
            prop_assert_eq!(decode(&buffer), None);
        }
    }
}
