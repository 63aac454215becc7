//! The worker's end of the sensing process: starts it, asks it, reads its answers, and does without it when it hangs.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::super::run::NEVER;
use super::super::sys;
use super::Wanted;
use crate::domain::sensors::Sensors;

/// How long an answer may take. A library with eight devices takes half a second, and several when it begins.
const ANSWER_WITHIN_US: u64 = 10_000_000;
/// How long the worker waits for the first answer before it greets an engine with what the device files say.
const FIRST_WITHIN_MS: i64 = 5_000;
/// After how long what has hung is tried again.
const RETRY_AFTER_US: u64 = 10 * 60 * 1_000_000;
/// A longer line is no answer.
const LINE_BYTES_MAX: usize = 4 << 20;

/// The sensing process, if there is one.
pub(in super::super) struct Helper {
    data_dir: PathBuf,
    process: Option<Process>,
    /// Neither is asked for before that: it has hung.
    gpus_at: u64,
    host_at: u64,
}

struct Process {
    /// Closed when it is no longer needed, upon which it leaves.
    input: Option<ChildStdin>,
    output: ChildStdout,
    pidfd: OwnedFd,
    line: Vec<u8>,
    /// What was asked for and when, while there is no answer.
    asked: Option<(Wanted, u64)>,
}

impl Helper {
    /// None is started yet.
    pub(in super::super) fn new(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned(), process: None, gpus_at: 0, host_at: 0 }
    }

    /// Starts the process and asks it for GPUs; the worker prepares itself meanwhile.
    pub(in super::super) fn ask_first(&mut self) -> io::Result<()> {
        self.start()?;
        self.send(Wanted::Gpus, sys::monotonic());
        Ok(())
    }

    /// Waits for the first answer; `None` when it does not come in time.
    pub(in super::super) fn wait_first(&mut self) -> Option<Sensors> {
        let begun = sys::monotonic();
        loop {
            let passed = i64::try_from((sys::monotonic() - begun) / 1000).unwrap_or(i64::MAX);
            let left = FIRST_WITHIN_MS.saturating_sub(passed);
            let process = self.process.as_ref()?;
            if left <= 0 {
                self.gpus_at = sys::monotonic() + RETRY_AFTER_US;
                return None;
            }
            let timeout = Timespec { tv_sec: left / 1000, tv_nsec: left % 1000 * 1_000_000 };
            let _ = poll(&mut [PollFd::new(&process.output, PollFlags::IN)], Some(&timeout));
            match self.read() {
                Ok(Some(sensors)) => return Some(sensors),
                Ok(None) => {}
                Err(_) => return None,
            }
        }
    }

    /// Asks for everything that does not hang. Starts the process if there is none; `true` then, and it has to be waited
    /// on anew. An answer that is still to come is not asked for again.
    pub(in super::super) fn ask(&mut self, now: u64) -> io::Result<bool> {
        let wanted = match (now >= self.host_at, now >= self.gpus_at) {
            (true, true) => Wanted::All,
            (true, false) => Wanted::Host,
            (false, true) => Wanted::Gpus,
            (false, false) => return Ok(false),
        };
        let started = self.process.is_none();
        if started {
            self.start()?;
        }
        if self.process.as_ref().is_some_and(|process| process.asked.is_none()) {
            self.send(wanted, now);
        }
        Ok(started)
    }

    fn start(&mut self) -> io::Result<()> {
        // The worker's own program, also when another has taken its place on the disk.
        let mut command = Command::new("/proc/self/exe");
        command.arg("--data-dir").arg(&self.data_dir).arg("sense");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
        let output = output.ok_or(io::ErrorKind::BrokenPipe)?;
        rustix::io::ioctl_fionbio(&output, true)?;
        self.process = Some(Process { input, output, pidfd, line: vec![], asked: None });
        Ok(())
    }

    fn send(&mut self, wanted: Wanted, now: u64) {
        let Some(process) = &mut self.process else { return };
        // One that has just ended is noticed by its end.
        if let Some(input) = &mut process.input
            && input.write_all(&[wanted as u8]).is_ok()
        {
            process.asked = Some((wanted, now));
        }
    }

    /// What to wait on: answers, and the process's end.
    pub(in super::super) fn descriptors(&self) -> Option<[BorrowedFd<'_>; 2]> {
        self.process.as_ref().map(|process| [process.output.as_fd(), process.pidfd.as_fd()])
    }

    /// Reads what there is; an answer when it is complete.
    ///
    /// # Errors
    /// When the process has closed its end, or says what is no answer.
    pub(in super::super) fn read(&mut self) -> io::Result<Option<Sensors>> {
        let Some(process) = &mut self.process else { return Ok(None) };
        let mut buffer = [0; 16 << 10];
        loop {
            match process.output.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => process.line.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if process.line.len() > LINE_BYTES_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        let Some(end) = sys::find_byte(b'\n', &process.line) else { return Ok(None) };
        let line: Vec<u8> = process.line.drain(..=end).collect();
        process.asked = None;
        Ok(Some(serde_json::from_slice(&line)?))
    }

    /// When the answer has to be there.
    pub(in super::super) fn deadline(&self) -> u64 {
        let asked = self.process.as_ref().and_then(|process| process.asked);
        asked.map_or(NEVER, |(_, at)| at.saturating_add(ANSWER_WITHIN_US))
    }

    /// Kills a process whose answer is overdue; what was asked for is left alone for a while. Gives what that was.
    pub(in super::super) fn overdue(&mut self, now: u64) -> Option<Wanted> {
        let process = self.process.as_mut()?;
        let (wanted, _) = process.asked.take_if(|(_, at)| now >= at.saturating_add(ANSWER_WITHIN_US))?;
        sys::signal_held(process.pidfd.as_fd(), libc::SIGKILL);
        process.input = None;
        let later = now + RETRY_AFTER_US;
        match wanted {
            // Of the two the library is the more likely; if it is not that, the next answer tells.
            Wanted::All | Wanted::Gpus => self.gpus_at = later,
            Wanted::Host => self.host_at = later,
        }
        Some(wanted)
    }

    /// It is no longer needed: it leaves by itself, or is made to when it is in the middle of something.
    pub(in super::super) fn dismiss(&mut self) {
        let Some(process) = &mut self.process else { return };
        process.input = None;
        if process.asked.take().is_some() {
            self.kill();
        }
    }

    /// It has ended.
    pub(in super::super) fn ended(&mut self) {
        if let Some(process) = self.process.take() {
            sys::reap(process.pidfd.as_fd());
        }
    }

    /// Ends it: its answers make no sense, or it gives none.
    pub(in super::super) fn kill(&mut self) {
        if let Some(process) = &mut self.process {
            sys::signal_held(process.pidfd.as_fd(), libc::SIGKILL);
            (process.input, process.asked) = (None, None);
        }
    }
}
