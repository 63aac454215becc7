//! What executions print, kept in files of bounded size in the format of [`crate::domain::spool`].
//!
//! Half of the cap belongs to the beginning, the rest to the latest output in segments of a quarter each, of which the
//! oldest goes when a new one begins. Nothing is opened before the first byte, so that a silent execution costs nothing.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::spool::{CHUNK_HEADER_BYTES, Chunk, PLACE_BYTES, Stream, encode, encode_place};
use crate::domain::{ExecutionId, Timestamp};

/// The output of one execution.
pub(super) struct Spool {
    folder: Arc<Path>,
    id: ExecutionId,
    cap: u64,
    file: Option<File>,
    /// The number of the segment being written.
    number: u32,
    /// Bytes in it, headers included.
    filled: u64,
    /// Whether it ends with the end of a line and has little room left: the next line belongs to the next one.
    full: bool,
    /// Later segments that still exist; the last is the one being written.
    tail: VecDeque<u32>,
    /// Output bytes taken in.
    taken: u64,
    /// Whether output could not be kept since the last that was: what follows says where it stands.
    gap: bool,
    failure: Option<io::Error>,
}

/// Later segments kept at a time.
const TAIL_SEGMENTS: usize = 2;
/// Lines up to this length are not cut by the end of a segment, as far as the cap is not small.
const LINE_BYTES: u64 = 4 << 10;

/// The name of a segment's file.
pub(super) fn segment_name(id: ExecutionId, number: u32) -> String {
    format!("{id}.{number}.spool")
}

impl Spool {
    /// A spool in `folder` that keeps at most about `cap` bytes. Nothing is made yet.
    pub(super) fn new(folder: Arc<Path>, id: ExecutionId, cap: u64) -> Self {
        Self {
            folder,
            id,
            cap,
            file: None,
            number: 0,
            filled: 0,
            full: false,
            tail: VecDeque::new(),
            taken: 0,
            gap: false,
            failure: None,
        }
    }

    /// Output bytes taken in so far.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// The first error in writing, once.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Adds a remark of the worker's own to what is kept, if anything is; it is no output.
    pub(super) fn note(&mut self, time: Timestamp, text: &str) {
        if self.file.is_none() {
            return;
        }
        let fits = self.room() >= (text.len() + CHUNK_HEADER_BYTES) as u64;
        let added = if fits { Ok(()) } else { self.advance(time, self.taken) };
        let added = added.and_then(|()| self.append(Chunk { stream: Stream::Note, time, bytes: text.as_bytes() }));
        if let Err(error) = added {
            self.failure.get_or_insert(error);
        }
    }

    /// Takes output in.
    pub(super) fn write(&mut self, stream: Stream, time: Timestamp, bytes: &[u8]) {
        self.taken += bytes.len() as u64;
        if let Err(error) = self.keep(stream, time, bytes) {
            self.gap = true;
            self.failure.get_or_insert(error);
        }
    }

    fn keep(&mut self, stream: Stream, time: Timestamp, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let passed = self.taken - bytes.len() as u64;
            if self.file.is_none() || self.fits() == 0 {
                // A segment that failed is tried again with the next output: the disk may have room then.
                self.advance(time, passed).inspect_err(|_| self.file = None)?;
                if self.file.is_none() {
                    return Ok(());
                }
            }
            if self.gap {
                self.place(time, passed)?;
            }
            let (now, later) = bytes.split_at(self.cut(bytes));
            self.append(Chunk { stream, time, bytes: now })?;
            bytes = later;
        }
        Ok(())
    }

    /// Bytes of a segment.
    const fn limit(&self) -> u64 {
        if self.number == 0 { self.cap / 2 } else { self.cap / 4 }
    }

    fn room(&self) -> u64 {
        if self.full { 0 } else { self.limit().saturating_sub(self.filled) }
    }

    /// How much output the segment can still take.
    fn fits(&self) -> usize {
        let headers = CHUNK_HEADER_BYTES + if self.gap { PLACE_BYTES } else { 0 };
        usize::try_from(self.room()).unwrap_or(usize::MAX).saturating_sub(headers)
    }

    /// How much of `bytes` goes to this segment: towards its end only whole lines, if there are such. So two lines that did
    /// not follow each other are not glued together where older output is dropped between them.
    fn cut(&mut self, bytes: &[u8]) -> usize {
        let fits = self.fits();
        let now = &bytes[..bytes.len().min(fits)];
        if (fits - now.len()) as u64 >= LINE_BYTES.min(self.limit() / 8) {
            return now.len();
        }
        let lines = now.iter().rposition(|byte| *byte == b'\n').map(|end| end + 1);
        self.full = lines.is_some();
        lines.unwrap_or(now.len())
    }

    /// Begins the first or the next segment, with what comes after `passed` bytes of output. Leaves `file` empty when the cap
    /// is too small to keep anything.
    fn advance(&mut self, time: Timestamp, passed: u64) -> io::Result<()> {
        if self.cap / 4 <= 2 * CHUNK_HEADER_BYTES as u64 + PLACE_BYTES as u64 + NOTE_BYTES {
            return Ok(());
        }
        let first = self.number == 0 && self.filled == 0;
        let number = if first { 0 } else { self.number + 1 };
        let file = OpenOptions::new().append(true).create(true).open(self.path(number))?;
        (self.file, self.number, self.filled, self.full) = (Some(file), number, 0, false);
        if first {
            return Ok(());
        }
        self.tail.push_back(number);
        while self.tail.len() > TAIL_SEGMENTS {
            if let Some(oldest) = self.tail.pop_front() {
                let _ = std::fs::remove_file(self.path(oldest));
            }
        }
        self.place(time, passed)
    }

    /// Says where the output stands.
    fn place(&mut self, time: Timestamp, passed: u64) -> io::Result<()> {
        let mut place = Vec::with_capacity(PLACE_BYTES);
        encode_place(time, passed, &mut place);
        self.put(&place, &[])?;
        self.gap = false;
        Ok(())
    }

    fn append(&mut self, chunk: Chunk<'_>) -> io::Result<()> {
        let mut header = Vec::with_capacity(CHUNK_HEADER_BYTES);
        encode(Chunk { bytes: &[], ..chunk }, &mut header);
        let length = u32::try_from(chunk.bytes.len()).unwrap_or(u32::MAX);
        header[CHUNK_HEADER_BYTES - 4..].copy_from_slice(&length.to_le_bytes());
        self.put(&header, chunk.bytes)
    }

    fn put(&mut self, header: &[u8], content: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let total = header.len() + content.len();
        let written = file.write_vectored(&[IoSlice::new(header), IoSlice::new(content)])?;
        if written < total {
            // A disk that fills up writes in parts; a chunk must not stay cut, or the rest could not be read.
            let rest = [header, content].concat();
            if let Err(error) = file.write_all(&rest[written..]) {
                let _ = file.set_len(self.filled);
                return Err(error);
            }
        }
        self.filled += total as u64;
        Ok(())
    }

    fn path(&self, number: u32) -> PathBuf {
        self.folder.join(segment_name(self.id, number))
    }
}

/// The longest note.
const NOTE_BYTES: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::spool::{Piece, decode_piece};
    use proptest::prelude::*;

    /// What a segment holds: bytes of output, and where it says that the output stands.
    #[derive(Debug, PartialEq, Eq)]
    enum Held {
        Output(Vec<u8>),
        Place(u64),
    }

    fn read(folder: &Path) -> Vec<(u32, Vec<Held>)> {
        let mut segments = vec![];
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let number = name.split('.').nth(1).unwrap().parse().unwrap();
            let content = std::fs::read(path).unwrap();
            let (mut at, mut held) = (0, vec![]);
            while at < content.len() {
                let (piece, length) = decode_piece(&content[at..]).expect("whole pieces");
                held.push(match piece {
                    Piece::Chunk(chunk) => Held::Output(chunk.bytes.to_vec()),
                    Piece::Place { passed, .. } => Held::Place(passed),
                });
                at += length;
            }
            segments.push((number, held));
        }
        segments.sort_by_key(|(number, _)| *number);
        segments
    }

    /// What is kept, and from where on, by what the segments say of themselves.
    fn kept(folder: &Path) -> Vec<(u64, Vec<u8>)> {
        let mut kept = vec![(0, vec![])];
        for (_, held) in read(folder) {
            for piece in held {
                let (begin, bytes): &mut (u64, Vec<u8>) = kept.last_mut().unwrap();
                match piece {
                    Held::Output(more) => bytes.extend(more),
                    Held::Place(passed) if passed == *begin + bytes.len() as u64 => {}
                    Held::Place(passed) => kept.push((passed, vec![])),
                }
            }
        }
        kept
    }

    proptest! {
        #[test]
        fn beginning_and_end_survive_within_the_cap_and_say_where_they_stand(
            cap in 1000_u64..20_000,
            writes in proptest::collection::vec(0_usize..3000, 0..40),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let id = ExecutionId::new(Timestamp::EPOCH, 1);
            let mut spool = Spool::new(folder.path().into(), id, cap);
            let mut all = vec![];
            for (index, length) in writes.iter().enumerate() {
                let bytes = vec![u8::try_from(index).unwrap(); *length];
                spool.write(Stream::Out, Timestamp::EPOCH, &bytes);
                all.extend(bytes);
            }
            prop_assert_eq!(spool.taken(), all.len() as u64);
            prop_assert_eq!(read(folder.path()).is_empty(), all.is_empty());
            let size: u64 = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
            prop_assert!(size <= cap, "{} of {}", size, cap);
            let kept = kept(folder.path());
            prop_assert!(kept.len() <= 2, "the beginning and the end: {}", kept.len());
            for (begin, bytes) in &kept {
                let begin = usize::try_from(*begin).unwrap();
                prop_assert_eq!(&all[begin..begin + bytes.len()], &bytes[..]);
            }
            let (begin, bytes) = kept.last().unwrap();
            prop_assert_eq!(begin + bytes.len() as u64, all.len() as u64);
        }

        #[test]
        fn lines_are_not_cut_where_output_is_dropped(
            lines in proptest::collection::vec(0_usize..120, 100..1000),
            read in 50_usize..3000,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut spool = Spool::new(folder.path().into(), ExecutionId::new(Timestamp::EPOCH, 1), 16_000);
            let all: Vec<u8> = lines.iter().flat_map(|length| [&vec![b'x'; *length][..], b"\n"].concat()).collect();
            for bytes in all.chunks(read) {
                spool.write(Stream::Out, Timestamp::EPOCH, bytes);
            }
            let kept = kept(folder.path());
            for (begin, bytes) in &kept {
                let begin = usize::try_from(*begin).unwrap();
                prop_assert!(begin == 0 || all[begin - 1] == b'\n', "{} begins in the middle of a line", begin);
                prop_assert_eq!(bytes.last(), Some(&b'\n'));
            }
        }
    }

    #[test]
    fn what_could_not_be_kept_is_told_by_what_follows() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("inside");
        let mut spool = Spool::new(inside.as_path().into(), ExecutionId::new(Timestamp::EPOCH, 1), 10_000);
        spool.write(Stream::Out, Timestamp::EPOCH, b"lost\n");
        assert!(spool.take_failure().is_some(), "the folder is not there");
        std::fs::create_dir(&inside).unwrap();
        spool.write(Stream::Out, Timestamp::EPOCH, b"kept\n");
        spool.write(Stream::Out, Timestamp::EPOCH, b"too\n");
        let held = [Held::Place(5), Held::Output(b"kept\n".to_vec()), Held::Output(b"too\n".to_vec())];
        assert_eq!(read(&inside), [(0, held.into())]);
    }

    #[test]
    fn a_cap_of_nothing_keeps_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(folder.path().into(), ExecutionId::new(Timestamp::EPOCH, 1), 0);
        spool.write(Stream::Out, Timestamp::EPOCH, b"hello");
        assert_eq!(spool.taken(), 5);
        assert!(read(folder.path()).is_empty());
    }
}
