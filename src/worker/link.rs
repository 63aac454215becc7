//! The connection to the engine: a socket that listens, at most one engine at a time, and the reports that no engine has
//! acknowledged yet.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Error;
use crate::domain::link::{FRAME_BYTES_MAX, FromWorker, Report, Sample, ToWorker};
use crate::domain::{ExecutionId, Timestamp};

/// Beyond so many unsent bytes, samples are left out: they may be lost.
const BACKLOG_BYTES: usize = 4 << 20;
/// How much is read from the engine before others have their turn.
const READ_BYTES: usize = 256 << 10;

/// The worker's end of the link.
pub(super) struct Link {
    listener: UnixListener,
    path: PathBuf,
    peer: Option<Peer>,
    kept: VecDeque<Kept>,
    next: u64,
}

/// A report that is not acknowledged.
struct Kept {
    number: u64,
    frame: Vec<u8>,
    ended: Option<ExecutionId>,
}

struct Peer {
    stream: UnixStream,
    input: Vec<u8>,
    output: Vec<u8>,
    sent: usize,
    greeted: bool,
}

impl Link {
    /// Listens at `path`, for the owner alone. A socket left there by a dead worker is replaced; the caller holds the
    /// lock that says that there is no living one.
    pub(super) fn bind(path: &Path) -> Result<Self, Error> {
        let _ = std::fs::remove_file(path);
        let listener = UnixListener::bind(path).map_err(Error::file("listening", path))?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
            .map_err(Error::file("setting the mode", path))?;
        listener.set_nonblocking(true).map_err(Error::file("listening", path))?;
        Ok(Self { listener, path: path.to_owned(), peer: None, kept: VecDeque::new(), next: 1 })
    }

    /// What to wait on for connections.
    pub(super) fn listener(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    /// What to wait on for the engine.
    pub(super) fn peer(&self) -> Option<BorrowedFd<'_>> {
        self.peer.as_ref().map(|peer| peer.stream.as_fd())
    }

    /// Takes a waiting connection, which replaces the present one. Whether there is a new peer.
    pub(super) fn accept(&mut self) -> bool {
        let Ok((stream, _)) = self.listener.accept() else { return false };
        let ours = rustix::process::geteuid();
        let theirs = rustix::net::sockopt::socket_peercred(&stream);
        // The mode of the socket says the same; but modes are changed by hand.
        if !theirs.is_ok_and(|credentials| credentials.uid == ours) || stream.set_nonblocking(true).is_err() {
            return false;
        }
        self.peer = Some(Peer { stream, input: vec![], output: vec![], sent: 0, greeted: false });
        true
    }

    /// Reads what the engine has sent. An error means that the engine is gone; the connection is closed then.
    pub(super) fn read(&mut self) -> io::Result<Vec<ToWorker>> {
        let result = self.peer.as_mut().map_or_else(|| Ok(vec![]), Peer::read);
        if result.is_err() {
            self.peer = None;
        }
        result
    }

    /// Answers a hello: who the worker is, all that is not acknowledged, and that this is all.
    pub(super) fn greet(&mut self, hello: &FromWorker) {
        let Some(peer) = &mut self.peer else { return };
        peer.greeted = true;
        push_frame(&mut peer.output, hello);
        for kept in &self.kept {
            peer.output.extend_from_slice(&kept.frame);
        }
        push_frame(&mut peer.output, &FromWorker::Synced);
    }

    /// Keeps a report and sends it when there is an engine.
    pub(super) fn report(&mut self, time: Timestamp, report: Report) {
        let ended = if let Report::Ended { execution_id, .. } = &report { Some(*execution_id) } else { None };
        let number = self.next;
        self.next += 1;
        let mut frame = Vec::with_capacity(256);
        push_frame(&mut frame, &FromWorker::Report { number, time, report });
        if let Some(peer) = self.peer.as_mut().filter(|peer| peer.greeted) {
            peer.output.extend_from_slice(&frame);
        }
        self.kept.push_back(Kept { number, frame, ended });
    }

    /// Sends figures, unless nobody listens or the engine is behind.
    pub(super) fn sample(&mut self, sample: Sample) {
        if let Some(peer) = self.peer.as_mut().filter(|peer| peer.greeted)
            && peer.output.len() - peer.sent < BACKLOG_BYTES
        {
            push_frame(&mut peer.output, &FromWorker::Sample(sample));
        }
    }

    /// Forgets the reports up to `number`; the executions whose ends were among them.
    pub(super) fn acknowledge(&mut self, number: u64) -> Vec<ExecutionId> {
        let count = self.kept.partition_point(|kept| kept.number <= number);
        self.kept.drain(..count).filter_map(|kept| kept.ended).collect()
    }

    /// Executions whose end is not acknowledged.
    pub(super) fn ended(&self) -> impl Iterator<Item = ExecutionId> {
        self.kept.iter().filter_map(|kept| kept.ended)
    }

    /// Sends what can be sent now; whether something is left, so that the socket has to be watched for room.
    pub(super) fn flush(&mut self) -> bool {
        let Some(peer) = &mut self.peer else { return false };
        let flushed = peer.flush();
        if flushed.is_err() {
            self.peer = None;
        }
        flushed.unwrap_or(false)
    }

    /// Hangs up.
    pub(super) fn disconnect(&mut self) {
        self.peer = None;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Peer {
    fn read(&mut self) -> io::Result<Vec<ToWorker>> {
        let mut total = 0;
        let mut buffer = [0; 16 << 10];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.input.extend_from_slice(&buffer[..count]);
                    total += count;
                    // A short read has emptied the socket; asking again would only cost a call.
                    if count < buffer.len() || total >= READ_BYTES {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let mut messages = vec![];
        let mut at = 0;
        while let Some(header) = self.input.get(at..at + 4) {
            let length = header.try_into().map_or(0, u32::from_le_bytes) as usize;
            if length > FRAME_BYTES_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let Some(body) = self.input.get(at + 4..at + 4 + length) else { break };
            messages.push(serde_json::from_slice(body)?);
            at += 4 + length;
        }
        self.input.drain(..at);
        Ok(messages)
    }

    fn flush(&mut self) -> io::Result<bool> {
        while self.sent < self.output.len() {
            match self.stream.write(&self.output[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.output.clear();
        self.sent = 0;
        Ok(false)
    }
}

/// Appends a message in the link's framing.
fn push_frame(output: &mut Vec<u8>, message: &impl Serialize) {
    let start = output.len();
    output.extend_from_slice(&[0; 4]);
    if serde_json::to_writer(&mut *output, message).is_err() {
        // Only a map with keys that are no texts could fail, and there is none in the link's types.
        output.truncate(start);
        return;
    }
    let length = u32::try_from(output.len() - start - 4).unwrap_or(u32::MAX);
    output[start..start + 4].copy_from_slice(&length.to_le_bytes());
}
