//! The binary in a pseudo-terminal of its own, with an emulator that shows what a person would see.
//!
//! Nothing here waits for a time: it waits until the screen shows something, patiently, and says what it showed instead when that
//! never comes. Reading and writing are one loop, so that a console that is slow to read never blocks the test.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};

use super::scan::Scan;

/// Far longer than anything here takes; reaching it is a failure, not a pause.
const PATIENCE: Duration = Duration::from_secs(90);

/// How long one look at the terminal waits.
const LOOK: Duration = Duration::from_millis(20);

/// What a dark terminal answers to the questions for its ground and its attributes.
const ANSWER: &[u8] = b"\x1b]11;rgb:1010/1010/1818\x1b\\\x1b[?62;22c";

/// What a frame of the console in its place is made of.
const CONSOLE_MODES: [u16; 6] = [1000, 1002, 1004, 1006, 1049, 2004];

/// What a program in a terminal finds in its environment, and what it does not.
const ENVIRONMENT: &[(&str, Option<&str>)] = &[
    ("TERM", Some("xterm-256color")),
    ("COLORTERM", Some("truecolor")),
    ("EDITOR", Some("true")),
    ("VISUAL", Some("true")),
    ("TMUX", None),
    ("NO_COLOR", None),
    ("COLORFGBG", None),
    ("TERM_PROGRAM", None),
    ("MENAGERIE_COLOR", None),
    ("MENAGERIE_CONFIG", None),
];

/// A program in a terminal; it ends with this value.
pub struct Terminal {
    master: std::fs::File,
    /// Kept, so that the terminal's settings can be read after the program has left.
    slave: OwnedFd,
    child: Running,
    emulator: vt100::Parser,
    /// What was sent.
    pub scan: Scan,
    /// The terminal's settings before anybody touched them.
    before: String,
    answered: usize,
    /// The beginning of a character that has not come whole.
    unshown: Vec<u8>,
}

impl Terminal {
    /// Opens a terminal of so many columns and lines; `make` gives what runs in it.
    pub fn start(size: (u16, u16), make: impl FnOnce() -> Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, vec![]).unwrap();
        let slave = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        tcsetwinsize(&slave, winsize(size)).unwrap();
        rustix::io::ioctl_fionbio(&master, true).unwrap();
        let before = settings(&slave);
        let end = || Stdio::from(slave.try_clone().unwrap());
        let mut command = make();
        // What the test wants otherwise it has said already; what the machine says is not asked.
        let said: Vec<_> = command.get_envs().map(|(name, _)| name.to_owned()).collect();
        for (name, value) in ENVIRONMENT.iter().filter(|(name, _)| !said.iter().any(|said| said == name)) {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let child = Running(command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap());
        let emulator = vt100::Parser::new(size.1, size.0, 0);
        Self {
            master: master.into(),
            slave,
            child,
            emulator,
            scan: Scan::new(size),
            before,
            answered: 0,
            unshown: vec![],
        }
    }

    /// What the screen shows, a line a row.
    pub fn screen(&self) -> String {
        self.emulator.screen().rows(0, self.scan.size.0).map(|row| row.trim_end().to_owned() + "\n").collect()
    }

    /// The line of the screen that has `text` in it.
    pub fn line(&self, text: &str) -> String {
        self.screen().lines().find(|line| line.contains(text)).unwrap_or_default().to_owned()
    }

    /// What is in a cell.
    pub fn cell(&self, (column, line): (u16, u16)) -> String {
        self.emulator.screen().cell(line, column).map(|cell| cell.contents().to_owned()).unwrap_or_default()
    }

    /// Waits until `done` holds.
    #[track_caller]
    pub fn wait_for(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let begun = Instant::now();
        // A frame that is not complete shows nothing that anybody could have seen.
        while self.scan.modes.contains(&2026) || !done(self) {
            if begun.elapsed() > PATIENCE || self.has_ended() {
                // The end may have come between the question and this.
                self.look(LOOK);
                assert!(
                    done(self),
                    "waited in vain for {what} ({}); the screen:\n{}\nmodes {:?}, sent last: {}",
                    if self.has_ended() { "the program has ended" } else { "it runs" },
                    self.screen(),
                    self.scan.modes,
                    self.scan.tail()
                );
                return;
            }
            self.look(LOOK);
        }
    }

    /// Waits until the screen shows `text`.
    #[track_caller]
    pub fn sees(&mut self, text: &str) {
        self.wait_for(&format!("{text:?} on the screen"), |terminal| terminal.screen().contains(text));
    }

    /// Waits until the screen shows `text` no longer.
    #[track_caller]
    pub fn sees_no_longer(&mut self, text: &str) {
        self.wait_for(&format!("{text:?} to go"), |terminal| !terminal.screen().contains(text));
    }

    /// Waits until everything that was typed has been read.
    #[track_caller]
    pub fn all_is_read(&mut self) {
        self.wait_for("all keys to be read", |terminal| terminal.unread() == 0);
    }

    /// How many bytes were typed that the program has not read.
    pub fn unread(&self) -> u64 {
        rustix::io::ioctl_fionread(&self.slave).unwrap()
    }

    /// Types, in one piece: the program may read all of it at once.
    #[track_caller]
    pub fn types(&mut self, keys: impl AsRef<[u8]>) {
        self.writes(keys.as_ref());
        // Escape and a key soon after it would be a key with Alt. A second sequence, here that the terminal is looked at, ends that.
        if keys.as_ref().ends_with(b"\x1b") {
            self.writes(b"\x1b[I");
            self.is_up_to_date();
        }
    }

    /// The same without a thought for what they are.
    #[track_caller]
    pub fn writes(&mut self, mut left: &[u8]) {
        let begun = Instant::now();
        while !left.is_empty() {
            match self.master.write(left) {
                Ok(count) => left = &left[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("cannot type: {error}"),
            }
            assert!(begun.elapsed() < PATIENCE, "the program reads no keys; the screen:\n{}", self.screen());
            self.look(if left.is_empty() { Duration::ZERO } else { Duration::from_millis(1) });
        }
    }

    /// Waits until everything that was typed has been read and a frame came that was drawn after that: what is seen now has been seen by
    /// the program's own account too, so that a question may be answered.
    #[track_caller]
    pub fn is_up_to_date(&mut self) {
        self.all_is_read();
        let frames = self.scan.frames;
        // Everything is drawn anew as for another size.
        self.signals(Signal::WINCH);
        self.wait_for("a frame", |terminal| terminal.scan.frames > frames);
    }

    /// Waits until a question is on the screen that has `text` in it, and can be answered.
    #[track_caller]
    pub fn is_asked(&mut self, text: &str) {
        self.sees(text);
        self.is_up_to_date();
    }

    /// Presses one key after the other, each only when the one before has been read.
    #[track_caller]
    pub fn presses(&mut self, keys: &str) {
        for key in keys.chars() {
            self.types(key.encode_utf8(&mut [0; 4]).as_bytes());
            self.all_is_read();
        }
    }

    /// Pastes, as a terminal does that was asked to bracket it.
    #[track_caller]
    pub fn pastes(&mut self, text: &str) {
        self.types(format!("\x1b[200~{text}\x1b[201~"));
    }

    /// Gives the window another size; the kernel tells the program.
    pub fn resizes(&mut self, size: (u16, u16)) {
        // What was sent for the old size may go where the new one has no place.
        self.look(Duration::ZERO);
        self.scan.size = (size.0.max(self.scan.size.0), size.1.max(self.scan.size.1));
        // The emulator cannot place a wide character on one column, nor scroll one line, and trips over a wide character that a smaller
        // size cuts in two: it begins with an empty screen. Whatever is on it is drawn for the new size.
        self.emulator = vt100::Parser::new(size.1.max(2), size.0.max(2), 0);
        for (mode, switch) in [(1049, "\x1b[?1049h"), (25, "\x1b[?25l")] {
            if self.scan.modes.contains(&mode) == (mode == 1049) {
                self.emulator.process(switch.as_bytes());
            }
        }
        tcsetwinsize(&self.slave, winsize(size)).unwrap();
    }

    /// Sends the program a signal.
    pub fn signals(&mut self, signal: Signal) {
        kill_process(Pid::from_child(&self.child.0), signal).unwrap();
    }

    /// Whether the program is stopped, as by SIGSTOP.
    pub fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.0.id())).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    }

    /// Whether the program is gone.
    pub fn has_ended(&mut self) -> bool {
        self.child.0.try_wait().unwrap().is_some()
    }

    /// Whether the terminal is the program's: alternate screen, mouse, pastes in brackets.
    pub fn is_taken(&self) -> bool {
        CONSOLE_MODES.iter().all(|mode| self.scan.modes.contains(mode)) && settings(&self.slave) != self.before
    }

    /// What is different from what the terminal was, if anything.
    pub fn not_given_back(&self) -> Vec<String> {
        let mut problems: Vec<String> =
            self.scan.modes.iter().filter(|mode| **mode != 25).map(|mode| format!("mode {mode} is on")).collect();
        let screen = self.emulator.screen();
        if !self.scan.modes.contains(&25) || screen.hide_cursor() {
            problems.push("the cursor is hidden".to_owned());
        }
        if screen.alternate_screen() || self.scan.taken != self.scan.left {
            problems.push("the alternate screen is shown".to_owned());
        }
        if (screen.fgcolor(), screen.bgcolor(), screen.bold(), screen.inverse())
            != (vt100::Color::Default, vt100::Color::Default, false, false)
        {
            problems.push("colours or attributes are left".to_owned());
        }
        let now = settings(&self.slave);
        if now != self.before {
            problems.push(format!("the terminal's settings were {} and are {now}", self.before));
        }
        problems
    }

    /// Nothing was sent that a console has no need to send.
    #[track_caller]
    pub fn has_sent_nothing_strange(&self) {
        assert!(self.scan.strangers.is_empty(), "{:?}", self.scan.strangers);
    }

    /// Waits until the program has left, and holds that the terminal is as it was and nothing strange was sent. Gives how it left.
    #[track_caller]
    pub fn ends(&mut self) -> ExitStatus {
        let status = self.leaves();
        let problems = self.not_given_back();
        assert!(problems.is_empty(), "{status}: {problems:?}; sent last: {}", self.scan.tail());
        self.has_sent_nothing_strange();
        status
    }

    /// Waits until the program has left and everything that it sent is read.
    #[track_caller]
    pub fn leaves(&mut self) -> ExitStatus {
        let begun = Instant::now();
        while !self.has_ended() {
            assert!(begun.elapsed() < PATIENCE, "it does not leave; the screen:\n{}", self.screen());
            self.look(LOOK);
        }
        while self.look(Duration::ZERO) {}
        self.child.0.try_wait().unwrap().unwrap()
    }

    /// Presses `q` and holds that it leaves as it should.
    #[track_caller]
    pub fn quits(&mut self) {
        self.types("q");
        let status = self.ends();
        assert!(status.success(), "{status}: {}", self.screen());
    }

    /// Closes the terminal under the program, as a lost connection does, and waits until it has left.
    pub fn lose(self) -> ExitStatus {
        let Self { master, slave, mut child, .. } = self;
        drop((master, slave));
        child.0.wait().unwrap()
    }

    /// Lets the emulator show what came. It leaves out U+FFFD, the sign for what is no character, which a terminal shows in one column
    /// as any other; so it gets a question mark instead.
    fn shows(&mut self, bytes: &[u8]) {
        const NO_CHARACTER: &[u8] = "\u{fffd}".as_bytes();
        self.unshown.extend_from_slice(bytes);
        let half = (1..NO_CHARACTER.len()).rev().find(|length| self.unshown.ends_with(&NO_CHARACTER[..*length]));
        let rest = self.unshown.split_off(self.unshown.len() - half.unwrap_or(0));
        let mut left = &std::mem::replace(&mut self.unshown, rest)[..];
        while let Some(at) = left.windows(NO_CHARACTER.len()).position(|part| part == NO_CHARACTER) {
            self.emulator.process(&left[..at]);
            self.emulator.process(b"?");
            left = &left[at + NO_CHARACTER.len()..];
        }
        self.emulator.process(left);
    }

    /// Reads what there is, waiting at most `span` for something; `true` when something came.
    fn look(&mut self, span: Duration) -> bool {
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(span.subsec_nanos()) };
        if !matches!(poll(&mut [PollFd::new(&self.master, PollFlags::IN)], Some(&timeout)), Ok(1..)) {
            return false;
        }
        let mut buffer = [0; 16 * 1024];
        let Ok(count @ 1..) = self.master.read(&mut buffer) else { return false };
        // The helper's sign that it is about to become the program.
        let bytes: Vec<u8> = buffer[..count].iter().copied().filter(|byte| *byte != 0).collect();
        self.scan.read(&bytes);
        self.shows(&bytes);
        if self.scan.questions > self.answered {
            self.answered = self.scan.questions;
            self.writes(ANSWER);
        }
        true
    }
}

/// A process that ends with the test, whatever happens.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn winsize((columns, lines): (u16, u16)) -> Winsize {
    Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// The settings of a terminal: echo, line editing, signals and all.
fn settings(slave: &OwnedFd) -> String {
    format!("{:?}", tcgetattr(slave).unwrap())
}
