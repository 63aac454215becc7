//! The connection to the engine: a socket that listens, at most one engine at a time, and the reports that no engine has
//! acknowledged yet.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Error, sys};
use crate::domain::link::{FRAME_BYTES_MAX, FromWorker, Report, Sample, ToWorker};
use crate::domain::sensors::Sensors;
use crate::domain::watch::{Measurement, Process};
use crate::domain::{ExecutionId, Timestamp};

/// Beyond so many unsent bytes, samples are left out: they may be lost.
const BACKLOG_BYTES: usize = 4 << 20;
/// So many sent bytes are kept before what is unsent is moved to the front: rarely enough to cost nothing.
const SENT_BYTES: usize = 1 << 20;
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
    /// How many of the messages in `output` that were not yet offered to the socket are reports of ends.
    ends: usize,
    /// Whether there is another message among them.
    others: bool,
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
        self.peer =
            Some(Peer { stream, input: vec![], output: vec![], sent: 0, greeted: false, ends: 0, others: false });
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
        (peer.greeted, peer.others) = (true, true);
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
        let mut message = FromWorker::Report { number, time, report };
        let mut cut = None;
        if !push_frame(&mut frame, &message) {
            cut = Some(cut_down(&mut message));
            push_frame(&mut frame, &message);
        }
        if let Some(peer) = self.peer.as_mut().filter(|peer| peer.greeted) {
            peer.output.extend_from_slice(&frame);
            if ended.is_some() {
                peer.ends += 1;
            } else {
                peer.others = true;
            }
        }
        self.kept.push_back(Kept { number, frame, ended });
        if let Some(message) = cut {
            let severity = crate::domain::Severity::Error;
            self.report(time, Report::Notice { severity, source: "worker".to_owned(), message });
        }
    }

    /// Says that the worker is there, unless nobody listens or the engine is behind, which then has enough to read.
    pub(super) fn heartbeat(&mut self) {
        if let Some(peer) = self.peer.as_mut().filter(|peer| peer.greeted)
            && peer.output.len() - peer.sent < BACKLOG_BYTES
        {
            push_frame(&mut peer.output, &FromWorker::Heartbeat { time: Some(sys::now()) });
        }
    }

    /// Sends figures, unless nobody listens or the engine is behind.
    pub(super) fn sample(&mut self, sample: Sample) {
        if let Some(peer) = self.peer.as_mut().filter(|peer| peer.greeted)
            && peer.output.len() - peer.sent < BACKLOG_BYTES
        {
            push_frame(&mut peer.output, &FromWorker::Sample(sample));
            peer.others = true;
        }
    }

    /// Sends a measurement, unless nobody listens or the engine is behind.
    pub(super) fn usage(&mut self, measurement: Measurement) {
        if let Some(peer) = self.peer.as_mut().filter(|peer| peer.greeted)
            && peer.output.len() - peer.sent < BACKLOG_BYTES
        {
            push_frame(&mut peer.output, &FromWorker::Usage(measurement));
        }
    }

    /// Sends what the slower sensors say, unless nobody listens or the engine is behind.
    pub(super) fn sensors(&mut self, sensors: Sensors) {
        if let Some(peer) = self.peer.as_mut().filter(|peer| peer.greeted)
            && peer.output.len() - peer.sent < BACKLOG_BYTES
        {
            push_frame(&mut peer.output, &FromWorker::Sensors(sensors));
        }
    }

    /// Answers a question after processes.
    pub(super) fn processes(&mut self, request: u64, total: u64, processes: Vec<Process>) {
        if let Some(peer) = self.peer.as_mut().filter(|peer| peer.greeted) {
            push_frame(&mut peer.output, &FromWorker::Processes { request, total, processes });
        }
    }

    /// Forgets the reports up to `number`; the executions whose ends were among them.
    pub(super) fn acknowledge(&mut self, number: u64) -> Vec<ExecutionId> {
        let count = self.kept.partition_point(|kept| kept.number <= number);
        self.kept.drain(..count).filter_map(|kept| kept.ended).collect()
    }

    /// Whether reports wait for their acknowledgement.
    pub(super) fn has_kept(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Executions whose end is not acknowledged.
    pub(super) fn ended(&self) -> impl Iterator<Item = ExecutionId> {
        self.kept.iter().filter_map(|kept| kept.ended)
    }

    /// How many reports of ends are ready to be sent, if that is all there is to send.
    pub(super) fn ends_alone(&self) -> usize {
        self.peer.as_ref().filter(|peer| !peer.others).map_or(0, |peer| peer.ends)
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
        (self.ends, self.others) = (0, false);
        while self.sent < self.output.len() {
            match self.stream.write(&self.output[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let behind = self.sent < self.output.len();
        // An engine that is always a little behind would otherwise make it grow by all that it was ever sent.
        if !behind || self.sent >= SENT_BYTES {
            self.output.drain(..self.sent);
            self.sent = 0;
        }
        Ok(behind)
    }
}

/// Takes from a report that is too long for a frame what can be spared, and says what that was. The engine would break
/// the connection upon such a frame, and again each time it came back.
fn cut_down(message: &mut FromWorker) -> String {
    let FromWorker::Report { number, report, .. } = message else { return String::new() };
    match report {
        Report::Ended { execution_id, outcome, artifacts, .. } => {
            let count = artifacts.len();
            artifacts.clear();
            outcome.result = None;
            outcome.message = outcome.message.chars().take(1000).collect();
            format!(
                "execution {execution_id}: its result and the records of its {count} artifacts were too long for the \
                 link to the engine and are lost; files among them lie in artifacts/{execution_id}"
            )
        }
        other => {
            // Nothing else carries what an agent can make long.
            let text = format!("report {number} was too long for the link to the engine and is lost");
            *other = Report::Notice {
                severity: crate::domain::Severity::Error,
                source: "worker".to_owned(),
                message: text.clone(),
            };
            text
        }
    }
}

/// Appends a message in the link's framing. Whether it was short enough; otherwise nothing is appended.
fn push_frame(output: &mut Vec<u8>, message: &impl Serialize) -> bool {
    let start = output.len();
    output.extend_from_slice(&[0; 4]);
    if serde_json::to_writer(&mut *output, message).is_err() {
        // Only a map with keys that are no texts could fail, and there is none in the link's types.
        output.truncate(start);
        return false;
    }
    let length = output.len() - start - 4;
    if length > FRAME_BYTES_MAX {
        output.truncate(start);
        return false;
    }
    output[start..start + 4].copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Outcome, OutcomeKind};

    #[test]
    fn what_an_engine_has_taken_is_not_kept_while_it_is_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut link = Link::bind(&folder.path().join("sock")).unwrap();
        let mut engine = UnixStream::connect(&link.path).unwrap();
        assert!(link.accept());
        rustix::net::sockopt::set_socket_send_buffer_size(&link.peer.as_ref().unwrap().stream, SENT_BYTES / 8).unwrap();
        let text = "x".repeat(SENT_BYTES);
        let mut taken = vec![0; 4 + serde_json::to_vec(&text).unwrap().len()];
        // Before each message is taken the next is waiting, so that never all of it has gone.
        push_frame(&mut link.peer.as_mut().unwrap().output, &text);
        for _ in 0..8 {
            push_frame(&mut link.peer.as_mut().unwrap().output, &text);
            std::thread::scope(|scope| {
                let reader = scope.spawn(|| engine.read_exact(&mut taken).unwrap());
                while !reader.is_finished() {
                    assert!(link.flush(), "nothing waits any more");
                    std::thread::yield_now();
                }
            });
            let kept = link.peer.as_ref().unwrap().output.len();
            assert!(kept < 4 * SENT_BYTES, "{kept} bytes are kept");
        }
    }

    #[test]
    fn no_frame_is_longer_than_the_engine_takes() {
        let folder = tempfile::tempdir().unwrap();
        let mut link = Link::bind(&folder.path().join("sock")).unwrap();
        let execution_id = ExecutionId::new(Timestamp::EPOCH, 1);
        let result = Some(serde_json::Value::String("\u{1}".repeat(FRAME_BYTES_MAX / 6)));
        let outcome = Box::new(Outcome { result, ..Outcome::new(OutcomeKind::Succeeded, String::new()) });
        link.report(Timestamp::EPOCH, Report::Ended { execution_id, started_at: None, outcome, artifacts: vec![] });
        let sent: Vec<FromWorker> =
            link.kept.iter().map(|kept| serde_json::from_slice(&kept.frame[4..]).unwrap()).collect();
        let [FromWorker::Report { report: end, .. }, FromWorker::Report { report: notice, .. }] = &sent[..] else {
            panic!("{} reports", sent.len());
        };
        let Report::Ended { execution_id: id, outcome, .. } = end else { panic!("{end:?}") };
        assert_eq!((*id, outcome.kind, &outcome.result), (execution_id, OutcomeKind::Succeeded, &None));
        assert!(matches!(notice, Report::Notice { message, .. } if message.contains(&execution_id.to_string())));
    }
}
