//! Reads the kept output of an execution in order, while it grows and while older parts of it are dropped.
//!
//! Whoever follows an output gets whole chunks. What was dropped before it could be read is told once, in its place.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::spool::{Position, next_segment, path};
use crate::domain::spool::{CHUNK_HEADER_BYTES, Chunk, Piece, Stream, decode_piece, encode};
use crate::domain::{Bytes, ExecutionId, Timestamp};

/// How much is handed on at a time.
const READ_BYTES: usize = 256 << 10;

/// Reads the segments of one execution's output in order, from where it stopped.
pub(super) struct SpoolReader {
    folder: PathBuf,
    /// Whose output.
    pub(super) execution: ExecutionId,
    at: Position,
    until: Option<Position>,
    /// The segment being read. It is held open, so that it is read to its end even if it is dropped meanwhile.
    file: Option<File>,
    /// How many bytes of output came before; unknown where the reader was set down within an output.
    passed: Option<u64>,
}

impl SpoolReader {
    /// Reads from the beginning, and goes on as the output grows.
    pub(super) fn new(folder: &Path, execution: ExecutionId) -> Self {
        let folder = folder.to_owned();
        Self { folder, execution, at: Position::default(), until: None, file: None, passed: Some(0) }
    }

    /// Begins at a position.
    #[must_use]
    pub(super) fn from(self, at: Position) -> Self {
        let passed = (at == Position::default()).then_some(0);
        Self { at, passed, ..self }
    }

    /// Ends at a position.
    #[must_use]
    pub(super) fn until(self, until: Position) -> Self {
        Self { until: Some(until), ..self }
    }

    /// What follows, in whole chunks; empty when there is nothing more, or nothing yet.
    pub(super) fn read(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let mut chunks = self.read_segment()?;
            if chunks.is_empty() {
                if self.until.is_some_and(|until| until.segment <= self.at.segment) {
                    return Ok(chunks);
                }
                let Some(next) = next_segment(&self.folder, self.execution, self.at.segment)? else {
                    return Ok(chunks);
                };
                // Where another was begun nothing is added any more; it may have been since the segment was read.
                chunks = self.read_segment()?;
                if chunks.is_empty() {
                    self.go_on_with(next)?;
                    continue;
                }
            }
            return Ok(chunks);
        }
    }

    /// The next chunks of the segment being read.
    fn read_segment(&mut self) -> io::Result<Vec<u8>> {
        let mut chunks = vec![];
        while chunks.is_empty() {
            let end = self
                .until
                .filter(|until| until.segment <= self.at.segment)
                .map_or(u64::MAX, |until| if until.segment < self.at.segment { 0 } else { until.offset });
            let file = match self.file.take() {
                Some(file) => file,
                None => match open(&self.folder, self.execution, self.at.segment)? {
                    Some(file) => file,
                    // Nothing was spooled yet, or the segment was dropped before it was read.
                    None => return Ok(chunks),
                },
            };
            let pieces = whole_pieces(&file, self.at.offset, end)?;
            self.file = Some(file);
            if pieces.is_empty() {
                return Ok(chunks);
            }
            self.pass(&pieces, &mut chunks)?;
        }
        Ok(chunks)
    }

    /// Copies chunks, and tells what is missing between them.
    fn pass(&mut self, pieces: &[u8], chunks: &mut Vec<u8>) -> io::Result<()> {
        let mut rest = pieces;
        while let Some((piece, length)) = decode_piece(rest) {
            match piece {
                Piece::Chunk(chunk) => {
                    if chunk.stream != Stream::Note {
                        self.passed = self.passed.map(|passed| passed + chunk.bytes.len() as u64);
                    }
                    chunks.extend_from_slice(&rest[..length]);
                }
                Piece::Place { time, passed } => {
                    let known = match self.passed {
                        None => self.count_before()?,
                        known => known,
                    };
                    let missing = passed.saturating_sub(known.unwrap_or(passed));
                    if missing > 0 {
                        note_missing(missing, self.at.offset == 0, time, chunks);
                    }
                    self.passed = Some(passed);
                }
            }
            self.at.offset += length as u64;
            rest = &rest[length..];
        }
        Ok(())
    }

    /// Goes on with a later segment.
    fn go_on_with(&mut self, segment: u32) -> io::Result<()> {
        if let (None, Some(file)) = (self.passed, &self.file)
            && segment != self.at.segment + 1
        {
            self.passed = count(file, self.at)?;
        }
        (self.at, self.file) = (Position { segment, offset: 0 }, None);
        Ok(())
    }

    /// How many bytes of output are known to come before the place where the reader was set down.
    fn count_before(&self) -> io::Result<Option<u64>> {
        if self.at.offset > 0 {
            return self.file.as_ref().map_or(Ok(None), |file| count(file, self.at));
        }
        let mut before = None;
        let mut next = Some(0);
        while let Some(segment) = next.filter(|segment| *segment < self.at.segment) {
            before = Some(segment);
            next = next_segment(&self.folder, self.execution, segment)?;
        }
        let Some(segment) = before else { return Ok(None) };
        let file = open(&self.folder, self.execution, segment)?;
        file.map_or(Ok(None), |file| count(&file, Position { segment, offset: u64::MAX }))
    }
}

fn open(folder: &Path, execution: ExecutionId, segment: u32) -> io::Result<Option<File>> {
    match File::open(path(folder, execution, segment)) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// How many bytes of output come before a position, by its segment; `None` when that does not say.
fn count(file: &File, before: Position) -> io::Result<Option<u64>> {
    let mut counted = (before.segment == 0).then_some(0);
    let mut at = 0;
    loop {
        let pieces = whole_pieces(file, at, before.offset)?;
        let mut rest = &pieces[..];
        while let Some((piece, length)) = decode_piece(rest) {
            match piece {
                Piece::Chunk(Chunk { stream: Stream::Note, .. }) => {}
                Piece::Chunk(chunk) => counted = counted.map(|counted| counted + chunk.bytes.len() as u64),
                Piece::Place { passed, .. } => counted = Some(passed),
            }
            rest = &rest[length..];
        }
        if pieces.is_empty() {
            return Ok(counted);
        }
        at += pieces.len() as u64;
    }
}

/// The pieces from an offset on that are whole before `end`, about [`READ_BYTES`] of them, at least one if there is one.
fn whole_pieces(file: &File, offset: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut bytes = read_at(file, offset, end, READ_BYTES)?;
    if decode_piece(&bytes).is_none()
        && let Some(header) = bytes.first_chunk::<CHUNK_HEADER_BYTES>()
    {
        // A piece that is longer than what is usually read, unless it is still being written.
        let [.., a, b, c, d] = *header;
        let length = CHUNK_HEADER_BYTES + u32::from_le_bytes([a, b, c, d]) as usize;
        if length > READ_BYTES && file.metadata()?.len().min(end).saturating_sub(offset) >= length as u64 {
            bytes = read_at(file, offset, end, length)?;
        }
    }
    let mut whole = 0;
    while let Some((_, length)) = decode_piece(&bytes[whole..]) {
        whole += length;
    }
    bytes.truncate(whole);
    Ok(bytes)
}

/// So many bytes from an offset on, fewer where the file or `end` comes first.
fn read_at(file: &File, offset: u64, end: u64, length: usize) -> io::Result<Vec<u8>> {
    let left = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX);
    let mut bytes = vec![0; length.min(left)];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Tells in its place what is missing.
fn note_missing(missing: u64, is_rotated: bool, time: Timestamp, chunks: &mut Vec<u8>) {
    let why = if is_rotated { "rotated away" } else { "it could not be kept" };
    let size = Bytes::new(missing).human();
    let text = format!("\u{2026} {size} of output ({missing} bytes) left out, {why}\n");
    encode(Chunk { stream: Stream::Note, time, bytes: text.as_bytes() }, chunks);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::spool::{decode, encode_place};

    fn execution() -> ExecutionId {
        ExecutionId::new(Timestamp::EPOCH, 1)
    }

    fn put(folder: &Path, segment: u32, pieces: &[u8]) {
        use std::io::Write;
        let path = path(folder, execution(), segment);
        let mut file = File::options().append(true).create(true).open(path).unwrap();
        file.write_all(pieces).unwrap();
    }

    fn output(text: &str) -> Vec<u8> {
        let mut bytes = vec![];
        encode(Chunk { stream: Stream::Out, time: Timestamp::EPOCH, bytes: text.as_bytes() }, &mut bytes);
        bytes
    }

    fn place(passed: u64) -> Vec<u8> {
        let mut bytes = vec![];
        encode_place(Timestamp::EPOCH, passed, &mut bytes);
        bytes
    }

    /// All that there is now: output as it is, notes in brackets.
    fn text(reader: &mut SpoolReader) -> String {
        let mut text = String::new();
        loop {
            let bytes = reader.read().unwrap();
            if bytes.is_empty() {
                return text;
            }
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (chunk, length) = decode(rest).expect("whole chunks and nothing else");
                let said = String::from_utf8_lossy(chunk.bytes);
                if chunk.stream == Stream::Note {
                    text.extend(["[", said.trim_end(), "]"]);
                } else {
                    text.push_str(&said);
                }
                rest = &rest[length..];
            }
        }
    }

    #[test]
    fn what_is_held_is_read_to_its_end_and_what_was_dropped_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut reader = SpoolReader::new(folder, execution());
        assert_eq!(text(&mut reader), "");
        put(folder, 0, &output("head "));
        assert_eq!(text(&mut reader), "head ");
        put(folder, 1, &[place(5), output("one ")].concat());
        assert_eq!(text(&mut reader), "one ");
        // The reader is busy while much is written and dropped.
        put(folder, 1, &output("more "));
        put(folder, 2, &[place(14), output("two ")].concat());
        std::fs::remove_file(path(folder, execution(), 1)).unwrap();
        std::fs::remove_file(path(folder, execution(), 2)).unwrap();
        put(folder, 3, &[place(18), output("three ")].concat());
        put(folder, 4, &[place(24), output("four ")].concat());
        let told = "[\u{2026} 4B of output (4 bytes) left out, rotated away]";
        assert_eq!(text(&mut reader), format!("more {told}three four "));
        put(folder, 4, &output("end"));
        assert_eq!(text(&mut reader), "end");
        // Another reader that comes later misses more.
        let told = "[\u{2026} 13B of output (13 bytes) left out, rotated away]";
        let whole = format!("head {told}three four end");
        assert_eq!(text(&mut SpoolReader::new(folder, execution())), whole);
        // One that begins where the dropped part ends is told of it, one that begins later is not.
        let begin = |segment, offset| SpoolReader::new(folder, execution()).from(Position { segment, offset });
        assert_eq!(text(&mut begin(3, 0)), format!("{told}three four end"));
        assert_eq!(text(&mut begin(4, 0)), "four end");
        let head = output("head ").len() as u64;
        assert_eq!(text(&mut begin(0, head)), format!("{told}three four end"));
        assert_eq!(text(&mut begin(3, place(0).len() as u64)), "three four end");
    }

    #[test]
    fn a_chunk_that_is_being_written_waits_until_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let chunk = output(&"x".repeat(READ_BYTES * 3));
        let mut reader = SpoolReader::new(folder.path(), execution());
        let (first, second) = chunk.split_at(READ_BYTES * 2);
        put(folder.path(), 0, first);
        assert_eq!(text(&mut reader), "");
        put(folder.path(), 0, second);
        assert_eq!(text(&mut reader).len(), READ_BYTES * 3);
    }

    #[test]
    fn what_could_not_be_kept_is_told_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), 0, &[output("one "), place(104), output("two")].concat());
        let told = "[\u{2026} 100B of output (100 bytes) left out, it could not be kept]";
        assert_eq!(text(&mut SpoolReader::new(folder.path(), execution())), format!("one {told}two"));
        let begin = Position { segment: 0, offset: output("one ").len() as u64 };
        let mut reader = SpoolReader::new(folder.path(), execution()).from(begin);
        assert_eq!(text(&mut reader), format!("{told}two"));
    }
}
