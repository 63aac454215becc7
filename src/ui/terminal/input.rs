//! Keys, mouse and pastes, read on a thread of its own that sleeps until there is something to read.
//!
//! crossterm's reader would have to be polled with a timeout or would keep the terminal while an editor has it. So this
//! thread waits on the terminal and on a pipe, without a timeout, and asks crossterm only when something is there.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, poll};

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
    /// Starts reading; hands each event on with the time at which it was read. Ends when the receiver wants no more or
    /// the terminal is gone, which it says with `None`.
    pub fn start(hand_on: impl FnMut(Option<(Event, Instant)>) -> bool + Send + 'static) -> io::Result<Self> {
        let (woken, wake) = io::pipe()?;
        let gate = Arc::new(Gate { held: AtomicBool::new(false), asleep: Mutex::new(false), changed: Condvar::new() });
        let terminal = terminal()?;
        let for_thread = Arc::clone(&gate);
        thread::Builder::new().name("input".to_owned()).spawn(move || read(&terminal, woken, &for_thread, hand_on))?;
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

fn read(
    terminal: &OwnedFd,
    mut woken: io::PipeReader,
    gate: &Gate,
    mut hand_on: impl FnMut(Option<(Event, Instant)>) -> bool,
) {
    loop {
        let mut fds = [PollFd::new(terminal, PollFlags::IN), PollFd::new(&woken, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => {
                hand_on(None);
                return;
            }
        }
        let (input, wake) = (fds[0].revents(), fds[1].revents());
        if wake.intersects(PollFlags::HUP) {
            return;
        }
        if wake.contains(PollFlags::IN) {
            let mut byte = [0];
            let _ = woken.read(&mut byte);
            wait_while_held(gate);
            continue;
        }
        if input.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            hand_on(None);
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
                    hand_on(None);
                    return;
                }
            }
            let event = event::read().ok().map(|event| (event, Instant::now()));
            let gone = event.is_none();
            if !hand_on(event) || gone {
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
