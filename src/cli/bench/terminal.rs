//! A program in a terminal of its own, as a terminal emulator would have it, but measured instead of shown.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::cli::failure::{Failure, Outcome};

/// What ends a synchronized update, and with it a frame.
const FRAME_END: &[u8] = b"\x1b[?2026l";

/// What the program is about to begin with, and the measuring too.
const BEGUN: &[u8] = b"\0";

/// The question for primary device attributes, and what a dark terminal answers to it and to the one for its ground.
const QUESTION: &[u8] = b"\x1b[c";
const ANSWER: &[u8] = b"\x1b]11;rgb:1010/1010/1818\x1b\\\x1b[?62;22c";

/// Nothing measured here takes so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came in some time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heard {
    /// Bytes.
    pub bytes: u64,
    /// Frames.
    pub frames: u64,
    /// When the first frame was complete.
    pub first: Option<Instant>,
    /// When the last one was.
    pub last: Option<Instant>,
}

/// A program in a terminal. Dropping it ends the program.
pub struct Terminal {
    master: File,
    child: Child,
    /// When the program began.
    pub begun: Instant,
    /// The end of what was read, so that a sequence in two pieces is found.
    tail: Vec<u8>,
}

impl Terminal {
    /// Runs this binary with `words` on a data directory, on a screen of so many columns and lines.
    pub fn start(data_dir: &Path, words: &[&str], size: (u16, u16)) -> Result<Self, Failure> {
        let cannot = |what: &str, error: std::io::Error| Failure::failed(format!("cannot {what}: {error}"));
        let (master, slave) = pair(size).map_err(|error| cannot("open a pseudo-terminal", error))?;
        let program = std::env::current_exe().map_err(|error| cannot("find this program", error))?;
        let copy = || slave.try_clone().map(Stdio::from).map_err(|error| cannot("open a pseudo-terminal", error));
        let child = Command::new(program)
            .args(["bench", "terminal", "--", "--data-dir"])
            .arg(data_dir)
            .args(words)
            .env("TERM", "xterm-256color")
            .env("COLORTERM", "truecolor")
            .env_remove("TMUX")
            .env_remove("NO_COLOR")
            .stdin(copy()?)
            .stdout(copy()?)
            .stderr(copy()?)
            .spawn()
            .map_err(|error| cannot("start the console", error))?;
        drop(slave);
        let mut terminal = Self { master: master.into(), child, begun: Instant::now(), tail: vec![] };
        terminal.wait_for_begin()?;
        Ok(terminal)
    }

    /// Waits until the helper is about to become the program.
    fn wait_for_begin(&mut self) -> Result<(), Failure> {
        let mut byte = [0];
        let until = Instant::now() + PATIENCE;
        while self.wait(until.saturating_duration_since(Instant::now())) {
            if self.master.read(&mut byte).is_ok_and(|count| count == 1) && byte == BEGUN {
                self.begun = Instant::now();
                return Ok(());
            }
        }
        Err(Failure::failed("the console did not start in a pseudo-terminal"))
    }

    /// The program's process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Types.
    pub fn press(&mut self, keys: &[u8]) -> Result<(), Failure> {
        self.master.write_all(keys).map_err(|error| Failure::failed(format!("the console reads no keys: {error}")))
    }

    /// Reads until nothing has come for `quiet` after a frame, or nothing at all within `patience`.
    pub fn read_until_quiet(&mut self, quiet: Duration, patience: Duration) -> Heard {
        let mut heard = Heard::default();
        let give_up = Instant::now() + patience;
        loop {
            let span = match heard.last {
                Some(_) => quiet,
                None => give_up.saturating_duration_since(Instant::now()),
            };
            if span.is_zero() || Instant::now() > give_up || !self.wait(span) || !self.read(&mut heard) {
                return heard;
            }
        }
    }

    /// Reads for so long.
    pub fn read_for(&mut self, span: Duration) -> Heard {
        let mut heard = Heard::default();
        let until = Instant::now() + span;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return heard;
            }
            if self.wait(left) && !self.read(&mut heard) {
                return heard;
            }
        }
    }

    /// Whether something can be read within `span`.
    fn wait(&self, span: Duration) -> bool {
        let timeout = Timespec {
            tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(span.subsec_nanos()),
        };
        matches!(poll(&mut [PollFd::new(&self.master, PollFlags::IN)], Some(&timeout)), Ok(1..))
    }

    /// Reads once what there is; `false` when the program is gone.
    fn read(&mut self, heard: &mut Heard) -> bool {
        let mut buffer = [0; 16 * 1024];
        let Ok(count @ 1..) = self.master.read(&mut buffer) else { return false };
        heard.bytes += count as u64;
        self.tail.extend_from_slice(&buffer[..count]);
        let frames = self.tail.windows(FRAME_END.len()).filter(|part| *part == FRAME_END).count() as u64;
        if frames > 0 {
            let now = Instant::now();
            heard.first.get_or_insert(now);
            heard.last = Some(now);
            heard.frames += frames;
        }
        if self.tail.windows(QUESTION.len()).any(|part| part == QUESTION) {
            // A console that does not hear the answer goes on without.
            let _ = self.master.write_all(ANSWER);
        }
        // Of a sequence that is complete nothing is left to be found a second time.
        let kept = [FRAME_END, QUESTION]
            .iter()
            .filter_map(|mark| (1..mark.len()).rev().find(|length| self.tail.ends_with(&mark[..*length])));
        let kept = kept.max().unwrap_or(0);
        self.tail.drain(..self.tail.len() - kept);
        true
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Both ends of a new pseudo-terminal of so many columns and lines.
fn pair((columns, lines): (u16, u16)) -> std::io::Result<(OwnedFd, OwnedFd)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, vec![])?;
    let slave = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    tcsetwinsize(&slave, Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })?;
    Ok((master, slave))
}

/// Takes the terminal on standard input as its own, in a session of its own, and becomes this program with `words`.
pub fn become_program(words: &[String]) -> Outcome {
    let cannot = |error: std::io::Error| Failure::failed(format!("cannot take the terminal: {error}"));
    let input = std::io::stdin();
    rustix::process::setsid().map_err(|error| cannot(error.into()))?;
    rustix::process::ioctl_tiocsctty(&input).map_err(|error| cannot(error.into()))?;
    let mut out = std::io::stdout();
    out.write_all(BEGUN).and_then(|()| out.flush()).map_err(cannot)?;
    let program = std::env::current_exe().map_err(cannot)?;
    Err(cannot(Command::new(program).args(words).exec()))
}

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// Time on a processor, of all its threads that live.
    pub cpu: Duration,
    /// Time that they were ready to run and had to wait for a processor.
    pub waited: Duration,
}

impl Used {
    /// Of a process, by its threads.
    pub fn of(pid: u32) -> Self {
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().filter_map(Result::ok);
        threads.fold(Self::default(), |sum, thread| {
            let text = std::fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            let mut figures = text.split_whitespace().filter_map(|figure| figure.parse().ok());
            let mut next = || Duration::from_nanos(figures.next().unwrap_or(0));
            Self { cpu: sum.cpu + next(), waited: sum.waited + next() }
        })
    }

    /// What was used since `earlier`.
    pub fn since(self, earlier: Self) -> Self {
        Self { cpu: self.cpu.saturating_sub(earlier.cpu), waited: self.waited.saturating_sub(earlier.waited) }
    }
}

/// Resident memory of a process in bytes: now, at most so far, and what is its own and not of a file.
pub fn memory(pid: u32) -> [u64; 3] {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    ["VmRSS:", "VmHWM:", "RssAnon:"].map(|name| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
    })
}
