//! What executions print, kept in files of bounded size in the format of [`crate::domain::spool`].
//!
//! Half of the cap belongs to the beginning, the rest to the latest output in segments of a quarter each, of which the
//! oldest goes when a new one begins. Nothing is opened before the first byte, so that a silent execution costs nothing.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::spool::{CHUNK_HEADER_BYTES, Chunk, Stream, encode};
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
    /// Later segments that still exist, with the output bytes in each; the last is the one being written.
    tail: VecDeque<(u32, u64)>,
    /// Output bytes taken in.
    taken: u64,
    /// Output bytes no longer, or never, kept.
    dropped: u64,
    failure: Option<io::Error>,
}

/// Later segments kept at a time.
const TAIL_SEGMENTS: usize = 2;

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
            tail: VecDeque::new(),
            taken: 0,
            dropped: 0,
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
        let added = if fits { Ok(()) } else { self.advance(time) };
        let added = added.and_then(|()| self.append(Chunk { stream: Stream::Note, time, bytes: text.as_bytes() }));
        if let Err(error) = added {
            self.failure.get_or_insert(error);
        }
    }

    /// Takes output in.
    pub(super) fn write(&mut self, stream: Stream, time: Timestamp, mut bytes: &[u8]) {
        self.taken += bytes.len() as u64;
        while !bytes.is_empty() {
            let room = self.room();
            let fits = usize::try_from(room).unwrap_or(usize::MAX).saturating_sub(CHUNK_HEADER_BYTES);
            if self.file.is_none() || fits == 0 {
                if let Err(error) = self.advance(time) {
                    self.dropped += bytes.len() as u64;
                    // A failed segment is tried again with the next output: the disk may have room then.
                    self.file = None;
                    self.failure.get_or_insert(error);
                    return;
                }
                if self.file.is_none() {
                    self.dropped += bytes.len() as u64;
                    return;
                }
                continue;
            }
            let (now, later) = bytes.split_at(bytes.len().min(fits));
            if let Err(error) = self.append(Chunk { stream, time, bytes: now }) {
                self.dropped += bytes.len() as u64;
                self.failure.get_or_insert(error);
                return;
            }
            bytes = later;
        }
    }

    fn room(&self) -> u64 {
        let limit = if self.number == 0 { self.cap / 2 } else { self.cap / 4 };
        limit.saturating_sub(self.filled)
    }

    /// Begins the first or the next segment. Leaves `file` empty when the cap is too small to keep anything.
    fn advance(&mut self, time: Timestamp) -> io::Result<()> {
        if self.cap / 4 <= 2 * CHUNK_HEADER_BYTES as u64 + NOTE_BYTES {
            return Ok(());
        }
        let first = self.taken_nothing_yet();
        let number = if first { 0 } else { self.number + 1 };
        let file = OpenOptions::new().append(true).create(true).open(self.path(number))?;
        (self.file, self.number, self.filled) = (Some(file), number, 0);
        if first {
            return Ok(());
        }
        self.tail.push_back((number, 0));
        while self.tail.len() > TAIL_SEGMENTS {
            if let Some((oldest, bytes)) = self.tail.pop_front() {
                self.dropped += bytes;
                let _ = std::fs::remove_file(self.path(oldest));
            }
        }
        if self.dropped > 0 {
            let text = format!("{} bytes of output were dropped before segment {number}", self.dropped);
            self.append(Chunk { stream: Stream::Note, time, bytes: text.as_bytes() })?;
        }
        Ok(())
    }

    fn taken_nothing_yet(&self) -> bool {
        self.number == 0 && self.filled == 0
    }

    fn append(&mut self, chunk: Chunk<'_>) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut header = Vec::with_capacity(CHUNK_HEADER_BYTES);
        encode(Chunk { bytes: &[], ..chunk }, &mut header);
        let length = u32::try_from(chunk.bytes.len()).unwrap_or(u32::MAX);
        header[CHUNK_HEADER_BYTES - 4..].copy_from_slice(&length.to_le_bytes());
        let total = header.len() + chunk.bytes.len();
        let written = file.write_vectored(&[IoSlice::new(&header), IoSlice::new(chunk.bytes)])?;
        if written < total {
            // A disk that fills up writes in parts; a chunk must not stay cut, or the rest could not be read.
            let rest = [&header[..], chunk.bytes].concat();
            if let Err(error) = file.write_all(&rest[written..]) {
                let _ = file.set_len(self.filled);
                return Err(error);
            }
        }
        self.filled += total as u64;
        if chunk.stream != Stream::Note
            && let Some((_, bytes)) = self.tail.back_mut()
        {
            *bytes += chunk.bytes.len() as u64;
        }
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
    use crate::domain::spool::decode;
    use proptest::prelude::*;

    type Chunks = Vec<(u8, Vec<u8>)>;

    fn read(folder: &Path) -> Vec<(u32, Chunks)> {
        let mut segments = vec![];
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let number = name.split('.').nth(1).unwrap().parse().unwrap();
            let content = std::fs::read(path).unwrap();
            let (mut at, mut chunks) = (0, vec![]);
            while at < content.len() {
                let (chunk, length) = decode(&content[at..]).expect("whole chunks");
                chunks.push((chunk.stream as u8, chunk.bytes.to_vec()));
                at += length;
            }
            segments.push((number, chunks));
        }
        segments.sort();
        segments
    }

    proptest! {
        #[test]
        fn beginning_and_end_survive_within_the_cap(
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
            let segments = read(folder.path());
            prop_assert_eq!(segments.is_empty(), all.is_empty());
            let size: u64 = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
            prop_assert!(size <= cap, "{} of {}", size, cap);
            let out = |chunks: &Chunks| -> Vec<u8> {
                chunks.iter().filter(|(stream, _)| *stream == 1).flat_map(|(_, bytes)| bytes.clone()).collect()
            };
            if let Some((_, head)) = segments.first() {
                prop_assert!(all.starts_with(&out(head)));
                let tail: Vec<u8> = segments[1..].iter().flat_map(|(_, chunks)| out(chunks)).collect();
                prop_assert!(all.ends_with(&tail));
                let kept = out(head).len() + tail.len();
                prop_assert_eq!(kept as u64 + spool.dropped, all.len() as u64);
            }
        }
    }

    #[test]
    fn a_cap_of_nothing_keeps_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(folder.path().into(), ExecutionId::new(Timestamp::EPOCH, 1), 0);
        spool.write(Stream::Out, Timestamp::EPOCH, b"hello");
        assert_eq!((spool.taken(), spool.dropped), (5, 5));
        assert!(read(folder.path()).is_empty());
    }
}
