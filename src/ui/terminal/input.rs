//! Keys, mouse and pastes, read on a thread of its own that sleeps until there is something to read.
//!
//! crossterm's reader would have to be polled with a timeout or would keep the terminal while an editor has it. So this
//! thread waits on the terminal and on a pipe, without a timeout, and asks crossterm only when something is there.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, poll};

use super::probe;

/// What is read.
pub enum Read {
    /// An event, and when it was read.
    Event(Event, Instant),
    /// Whether the terminal's ground is light.
    Ground(bool),
    /// The terminal is gone.
    Gone,
}

/// Holds the reading thread back while somebody else has the terminal.
pub struct Reader {
    wake: io::PipeWriter,
    gate: Arc<Gate>,
}

/// Whether the thread may read.
struct Gate {
    held: AtomicBool,
    /// Whether the thread has noticed.
    asleep: Mutex<bool>,
    changed: Condvar,
}

impl Reader {
    /// Starts reading and hands on what comes; with `probe`, [`probe::QUESTION`] has been sent and the answer comes
    /// first. Ends when the receiver wants no more or the terminal is gone.
    pub fn start(probe: bool, mut hand_on: impl FnMut(Read) -> bool + Send + 'static) -> io::Result<Self> {
        let (woken, wake) = io::pipe()?;
        let gate = Arc::new(Gate { held: AtomicBool::new(false), asleep: Mutex::new(false), changed: Condvar::new() });
        let terminal = terminal()?;
        let for_thread = Arc::clone(&gate);
        thread::Builder::new().name("input".to_owned()).spawn(move || {
            if probe {
                let found = probe::listen(&terminal);
                let ground = found.light.map(Read::Ground);
                let keys = probe::keys(&found.rest).into_iter().map(|key| Read::Event(Event::Key(key), Instant::now()));
                if !ground.into_iter().chain(keys).all(&mut hand_on) {
                    return;
                }
            }
            read(&terminal, woken, &for_thread, hand_on);
        })?;
        Ok(Self { wake, gate })
    }

    /// Stops reading, and returns once the thread has left the terminal alone.
    pub fn hold(&mut self) {
        self.gate.held.store(true, Ordering::SeqCst);
        if self.wake.write_all(b"x").is_err() {
            return;
        }
        let mut asleep = self.gate.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        while !*asleep {
            asleep = self.gate.changed.wait(asleep).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Goes on reading.
    pub fn release(&mut self) {
        self.gate.held.store(false, Ordering::SeqCst);
        *self.gate.asleep.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.gate.changed.notify_all();
    }
}

/// The terminal that crossterm reads from: standard input if it is one, else the controlling terminal.
fn terminal() -> io::Result<OwnedFd> {
    let stdin = io::stdin();
    if rustix::termios::isatty(&stdin) {
        Ok(stdin.as_fd().try_clone_to_owned()?)
    } else {
        Ok(std::fs::OpenOptions::new().read(true).write(true).open("/dev/tty")?.into())
    }
}

fn read(terminal: &OwnedFd, mut woken: io::PipeReader, gate: &Gate, mut hand_on: impl FnMut(Read) -> bool) {
    loop {
        let mut fds = [PollFd::new(terminal, PollFlags::IN), PollFd::new(&woken, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => {
                hand_on(Read::Gone);
                return;
            }
        }
        let (input, wake) = (fds[0].revents(), fds[1].revents());
        if wake.intersects(PollFlags::HUP) {
            return;
        }
        if wake.contains(PollFlags::IN) {
            let mut byte = [0];
            let _ = io::Read::read(&mut woken, &mut byte);
            wait_while_held(gate);
            continue;
        }
        if input.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            hand_on(Read::Gone);
            return;
        }
        if !input.contains(PollFlags::IN) {
            continue;
        }
        loop {
            match event::poll(Duration::ZERO) {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => {
                    hand_on(Read::Gone);
                    return;
                }
            }
            let Ok(event) = event::read() else {
                hand_on(Read::Gone);
                return;
            };
            if !hand_on(Read::Event(event, Instant::now())) {
                return;
            }
        }
    }
}

fn wait_while_held(gate: &Gate) {
    let mut asleep = gate.asleep.lock().unwrap_or_else(PoisonError::into_inner);
    if !gate.held.load(Ordering::SeqCst) {
        return;
    }
    *asleep = true;
    gate.changed.notify_all();
    while *asleep {
        asleep = gate.changed.wait(asleep).unwrap_or_else(PoisonError::into_inner);
    }
}
