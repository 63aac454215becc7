//! The kept output of an execution: where its pieces begin, so that any part of a gigabyte can be had without reading the
//! rest.
//!
//! A *position* is a number that grows with the output and stays what it is while older output is dropped: the number of
//! the segment and the byte in it. Only the beginnings of chunks are positions.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::spool::CHUNK_HEADER_BYTES;
use crate::domain::{ExecutionId, Timestamp};

/// The low bits of a position, for the byte; a segment is never so long.
const OFFSET_BITS: u32 = 40;
/// Of the beginnings of chunks one is kept in so many bytes.
const MARK_EVERY: u64 = 256 << 10;
/// How many segments the marks of are kept.
const SEGMENTS_MARKED: usize = 64;
/// How much is read at once while chunks are short.
const BLOCK_BYTES: usize = 64 << 10;
/// After a chunk that is longer than this only the next header is read, not what follows it.
const LONG_CHUNK: u64 = 8 << 10;

/// Where a chunk begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) segment: u32,
    pub(super) offset: u64,
}

impl Position {
    /// From the number on the wire; one that nobody was given is as good as one near it.
    pub(super) fn from_number(number: u64) -> Self {
        let segment = u32::try_from(number >> OFFSET_BITS).unwrap_or(u32::MAX);
        Self { segment, offset: number & ((1 << OFFSET_BITS) - 1) }
    }

    /// The number on the wire.
    pub(super) fn number(self) -> u64 {
        u64::from(self.segment) << OFFSET_BITS | self.offset
    }
}

/// Which part of an output is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// From this position on.
    pub(super) from: Option<u64>,
    /// Up to this position.
    pub(super) before: Option<u64>,
    /// Only so many bytes at the end of it, or a little more.
    pub(super) tail: Option<u64>,
    /// Only so many bytes at the beginning of it, or a little less; one chunk at least.
    pub(super) length: Option<u64>,
}

/// A part of an output, found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it begins.
    pub(super) start: Position,
    /// Where it ends.
    pub(super) end: Position,
    /// How many bytes are kept in all.
    pub(super) size: u64,
}

/// Beginnings of chunks that were found before, by segment. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks(Arc<Mutex<BySegment>>);

/// In ascending order for each segment.
type BySegment = HashMap<(ExecutionId, u32), Vec<u64>>;

pub(super) fn path(folder: &Path, execution: ExecutionId, segment: u32) -> PathBuf {
    folder.join(format!("{execution}.{segment}.spool"))
}

/// The segment after one. It is usually the next number; after a drop the folder has to be searched.
pub(super) fn next_segment(folder: &Path, execution: ExecutionId, segment: u32) -> io::Result<Option<u32>> {
    if path(folder, execution, segment + 1).exists() {
        return Ok(Some(segment + 1));
    }
    if !path(folder, execution, segment).exists() && segment == 0 {
        return Ok(None);
    }
    let prefix = format!("{execution}.");
    let mut later = None;
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(&prefix)?.strip_suffix(".spool")?.parse().ok());
        if let Some(number) = number.filter(|number| *number > segment) {
            later = Some(later.map_or(number, |known: u32| known.min(number)));
        }
    }
    Ok(later)
}

/// Finds a part of an execution's output, of that which was there at a time if there is one.
pub(super) fn find(
    folder: &Path,
    execution: ExecutionId,
    part: &Part,
    at: Option<Timestamp>,
    marks: &Marks,
) -> io::Result<Found> {
    let mut segments = segments(folder, execution)?;
    if let Some(at) = at {
        cut(folder, execution, &mut segments, at)?;
    }
    let Some((last, last_bytes)) = segments.last().copied() else { return Ok(Found::default()) };
    let spool = Spool { folder, execution, segments: &segments, marks };
    let size = segments.iter().map(|(_, bytes)| bytes).sum();
    let end = part.before.map_or(Position { segment: last, offset: last_bytes }, Position::from_number);
    let end = spool.border(end)?;
    let mut start = match part.from {
        Some(number) => spool.border(Position::from_number(number))?,
        None => Position { segment: segments[0].0, offset: 0 },
    };
    if let Some(bytes) = part.tail {
        start = start.max(spool.border(spool.back(end, bytes))?);
    }
    let start = spool.begin(start);
    let mut found = Found { start, end: end.max(start), size };
    if let Some(bytes) = part.length {
        let limit = spool.border(spool.forward(start, bytes))?;
        // One chunk at least, or nobody would come any further.
        let limit = if limit > start { limit } else { spool.after(start)? };
        found.end = found.end.min(limit);
    }
    Ok(found)
}

/// The segments that there are, and how long they are.
fn segments(folder: &Path, execution: ExecutionId) -> io::Result<Vec<(u32, u64)>> {
    let length = |segment| match std::fs::metadata(path(folder, execution, segment)) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let mut found = vec![];
    let mut segment = Some(0);
    while let Some(number) = segment {
        // One that was dropped since it was found is passed over.
        found.extend(length(number)?.map(|bytes| (number, bytes)));
        segment = next_segment(folder, execution, number)?;
    }
    Ok(found)
}

/// Leaves of segments only what was written by a time. Whoever looks at a past reads each header up to there, once a look.
fn cut(folder: &Path, execution: ExecutionId, segments: &mut Vec<(u32, u64)>, at: Timestamp) -> io::Result<()> {
    for place in 0..segments.len() {
        let (segment, length) = segments[place];
        let file = File::open(path(folder, execution, segment))?;
        let mut headers = Headers { file: &file, block: vec![], begin: 0 };
        let mut end = 0;
        while let Some(next) = headers.next(end, length)? {
            if headers.time(end).is_some_and(|time| time > at) {
                segments[place].1 = end;
                segments.truncate(place + usize::from(end > 0));
                return Ok(());
            }
            end = next;
        }
    }
    Ok(())
}

/// The segments of one output.
struct Spool<'a> {
    folder: &'a Path,
    execution: ExecutionId,
    segments: &'a [(u32, u64)],
    marks: &'a Marks,
}

impl Spool<'_> {
    /// The last beginning of a chunk, or the end of one, at or before a place.
    fn border(&self, place: Position) -> io::Result<Position> {
        let Some((segment, length)) = self.segments.iter().rev().find(|(segment, _)| *segment <= place.segment) else {
            return Ok(Position { segment: self.segments[0].0, offset: 0 });
        };
        let within = if *segment == place.segment { place.offset.min(*length) } else { *length };
        Ok(Position { segment: *segment, offset: self.walk(*segment, within, *length)?.0 })
    }

    /// The same place, at the beginning of a segment rather than at the end of the one before.
    fn begin(&self, place: Position) -> Position {
        let at_end = self.segments.iter().any(|(segment, length)| *segment == place.segment && *length == place.offset);
        let next = self.segments.iter().find(|(segment, _)| *segment > place.segment);
        match next {
            Some((segment, _)) if at_end => Position { segment: *segment, offset: 0 },
            _ => place,
        }
    }

    /// The end of the chunk that begins at a position.
    fn after(&self, start: Position) -> io::Result<Position> {
        let Some((segment, length)) = self.segments.iter().find(|(segment, _)| *segment == start.segment) else {
            return Ok(start);
        };
        let (_, next) = self.walk(*segment, start.offset, *length)?;
        Ok(Position { segment: *segment, offset: next })
    }

    /// The place so many bytes before another.
    fn back(&self, from: Position, bytes: u64) -> Position {
        let mut left = bytes;
        for (segment, length) in self.segments.iter().rev().filter(|(segment, _)| *segment <= from.segment) {
            let there = if *segment == from.segment { from.offset } else { *length };
            if left <= there {
                return Position { segment: *segment, offset: there - left };
            }
            left -= there;
        }
        Position { segment: self.segments[0].0, offset: 0 }
    }

    /// The place so many bytes after another.
    fn forward(&self, from: Position, bytes: u64) -> Position {
        let mut left = bytes;
        for (segment, length) in self.segments.iter().filter(|(segment, _)| *segment >= from.segment) {
            let begin = if *segment == from.segment { from.offset } else { 0 };
            if left <= length.saturating_sub(begin) {
                return Position { segment: *segment, offset: begin + left };
            }
            left -= length.saturating_sub(begin);
        }
        Position { segment: u32::MAX, offset: 0 }
    }

    /// Goes from chunk to chunk: the last beginning at or before `target`, and the end of that chunk.
    fn walk(&self, segment: u32, target: u64, length: u64) -> io::Result<(u64, u64)> {
        let file = File::open(path(self.folder, self.execution, segment))?;
        let mut marks = self.marks.of(self.execution, segment);
        let known = marks.partition_point(|mark| *mark <= target);
        let mut at = if known == 0 { 0 } else { marks[known - 1] };
        let mut headers = Headers { file: &file, block: vec![], begin: 0 };
        let mut end = at;
        while at <= target {
            let Some(next) = headers.next(at, length)? else { break };
            if next > target {
                end = next;
                break;
            }
            (at, end) = (next, next);
            if marks.last().is_none_or(|mark| at >= mark + MARK_EVERY) {
                marks.push(at);
            }
        }
        self.marks.keep(self.execution, segment, marks);
        Ok((at, end))
    }
}

/// Reads headers of chunks, a block at a time while they stand close together.
struct Headers<'a> {
    file: &'a File,
    block: Vec<u8>,
    /// Where the block begins in the file.
    begin: u64,
}

impl Headers<'_> {
    /// When the chunk at `at` was written, of which the header was read last.
    fn time(&self, at: u64) -> Option<Timestamp> {
        let place = usize::try_from(at.checked_sub(self.begin)?).ok()?;
        let micros = self.block.get(place..)?.get(1..9)?.first_chunk::<8>()?;
        Some(Timestamp::from_micros(i64::from_le_bytes(*micros)))
    }

    /// The end of the chunk at `at`; `None` when there is no whole one.
    fn next(&mut self, at: u64, length: u64) -> io::Result<Option<u64>> {
        let header_bytes = CHUNK_HEADER_BYTES as u64;
        let inside = at >= self.begin && at + header_bytes <= self.begin + self.block.len() as u64;
        if !inside {
            let far = at > self.begin + self.block.len() as u64 + LONG_CHUNK;
            self.block.resize(if far { CHUNK_HEADER_BYTES } else { BLOCK_BYTES }, 0);
            let read = self.file.read_at(&mut self.block, at)?;
            self.block.truncate(read);
            self.begin = at;
        }
        let place = usize::try_from(at - self.begin).unwrap_or(usize::MAX);
        let Some(header) = self.block.get(place..place.saturating_add(CHUNK_HEADER_BYTES)) else { return Ok(None) };
        let Some(content) = header.last_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes)) else { return Ok(None) };
        let end = at + header_bytes + u64::from(content);
        Ok((end <= length).then_some(end))
    }
}

impl Marks {
    fn of(&self, execution: ExecutionId, segment: u32) -> Vec<u64> {
        let marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        marks.get(&(execution, segment)).cloned().unwrap_or_default()
    }

    fn keep(&self, execution: ExecutionId, segment: u32, found: Vec<u64>) {
        let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if marks.len() >= SEGMENTS_MARKED && !marks.contains_key(&(execution, segment)) {
            marks.clear();
        }
        marks.insert((execution, segment), found);
    }
}

#[cfg(test)]
mod tests {
    use super::super::spool_reader::SpoolReader;
    use super::*;
    use crate::domain::spool::{Chunk, Stream, encode};
    use proptest::prelude::*;

    fn execution() -> ExecutionId {
        ExecutionId::new(Timestamp::EPOCH, 1)
    }

    /// Writes segments of chunks with these contents; gives every beginning and the whole text, by segment.
    fn write(folder: &Path, segments: &[(u32, Vec<usize>)]) -> Vec<(Position, Vec<u8>)> {
        let mut chunks = vec![];
        for (segment, lengths) in segments {
            let mut bytes = vec![];
            for (number, length) in lengths.iter().enumerate() {
                let offset = bytes.len() as u64;
                let content = vec![u8::try_from(number % 3 + 1).unwrap(); *length];
                let chunk = Chunk { stream: Stream::Out, time: Timestamp::EPOCH, bytes: &content };
                encode(chunk, &mut bytes);
                let at = usize::try_from(offset).unwrap();
                chunks.push((Position { segment: *segment, offset }, bytes[at..].to_vec()));
            }
            std::fs::write(path(folder, execution(), *segment), bytes).unwrap();
        }
        chunks
    }

    fn read(folder: &Path, found: &Found) -> Vec<u8> {
        let mut reader = SpoolReader::new(folder, execution()).from(found.start).until(found.end);
        let mut all = vec![];
        loop {
            let bytes = reader.read().unwrap();
            if bytes.is_empty() {
                return all;
            }
            all.extend(bytes);
        }
    }

    proptest! {
        #[test]
        fn pages_backwards_and_forwards_give_the_whole_once(
            first in proptest::collection::vec(0_usize..400, 1..40),
            later in proptest::collection::vec(0_usize..400, 1..40),
            gap in 1_u32..5,
            page in 1_u64..5000,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let chunks = write(folder.path(), &[(0, first), (gap, later)]);
            let whole: Vec<u8> = chunks.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
            let borders: Vec<Position> = chunks.iter().map(|(at, _)| *at).collect();
            let marks = Marks::default();
            let find = |part: Part| find(folder.path(), execution(), &part, None, &marks).unwrap();
            let all = find(Part::default());
            prop_assert_eq!(all.size, whole.len() as u64);
            prop_assert_eq!(read(folder.path(), &all), whole.clone());

            let mut backwards = vec![];
            let mut before = None;
            loop {
                let found = find(Part { before, tail: Some(page), ..Part::default() });
                if found.start == found.end {
                    break;
                }
                let bytes = read(folder.path(), &found);
                prop_assert!(borders.contains(&found.start), "{:?}", found);
                let least = page.min(whole.len() as u64 - backwards.len() as u64);
                prop_assert!(bytes.len() as u64 >= least, "{} of {}", bytes.len(), least);
                backwards.splice(0..0, bytes);
                before = Some(found.start.number());
            }
            prop_assert_eq!(&backwards, &whole);

            let mut forwards = vec![];
            let mut from = 0;
            loop {
                let found = find(Part { from: Some(from), length: Some(page), ..Part::default() });
                let bytes = read(folder.path(), &found);
                if bytes.is_empty() {
                    break;
                }
                let longest = 400 + CHUNK_HEADER_BYTES as u64;
                prop_assert!(bytes.len() as u64 <= page.max(longest), "{}", bytes.len());
                forwards.extend(bytes);
                from = found.end.number();
            }
            prop_assert_eq!(&forwards, &whole);
        }
    }

    #[test]
    fn a_place_within_a_chunk_is_taken_for_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        // Longer than what is read at once and than the distance of marks, so that each way of going on is gone.
        let lengths = [100_000, 10, 20_000, 300_000, 5, 5, 700_000, 1];
        let chunks = write(folder.path(), &[(0, lengths.to_vec())]);
        let marks = Marks::default();
        for (at, bytes) in chunks.iter().chain(chunks.iter().rev()) {
            for within in [0, 1, bytes.len() as u64 - 1] {
                let from = Some(Position { offset: at.offset + within, ..*at }.number());
                let found = find(folder.path(), execution(), &Part { from, ..Part::default() }, None, &marks).unwrap();
                assert_eq!(found.start, *at, "{within}");
            }
        }
    }

    #[test]
    fn a_chunk_that_is_still_being_written_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let chunks = write(folder.path(), &[(0, vec![50, 60])]);
        let file = path(folder.path(), execution(), 0);
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, &whole[..whole.len() - 1]).unwrap();
        let found = find(folder.path(), execution(), &Part::default(), None, &Marks::default()).unwrap();
        assert_eq!(found.end, chunks[1].0);
        let nothing =
            find(folder.path(), ExecutionId::new(Timestamp::EPOCH, 2), &Part::default(), None, &Marks::default());
        assert_eq!(nothing.unwrap(), Found::default());
    }

    #[test]
    fn of_a_past_there_is_what_was_written_by_then() {
        let folder = tempfile::tempdir().unwrap();
        let mut chunk = 0;
        for segment in [0, 3] {
            let mut bytes = vec![];
            for _ in 0..4 {
                chunk += 1;
                let text = format!("{chunk}");
                let time = Timestamp::from_micros(chunk * 10);
                encode(Chunk { stream: Stream::Out, time, bytes: text.as_bytes() }, &mut bytes);
            }
            std::fs::write(path(folder.path(), execution(), segment), bytes).unwrap();
        }
        let marks = Marks::default();
        for (at, chunks) in [(9, 0), (10, 1), (25, 2), (40, 4), (49, 4), (50, 5), (80, 8), (1000, 8)] {
            let at = Some(Timestamp::from_micros(at));
            let found = find(folder.path(), execution(), &Part::default(), at, &marks).unwrap();
            let mut reader = SpoolReader::new(folder.path(), execution()).from(found.start).until(found.end);
            let mut read = 0;
            if chunks > 0 {
                loop {
                    let more = reader.read().unwrap();
                    if more.is_empty() {
                        break;
                    }
                    read += more.len() as u64;
                }
            }
            assert_eq!((found.size, read), (chunks * 14, chunks * 14), "{at:?}");
        }
    }
}
