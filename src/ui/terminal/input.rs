//! Keys, mouse and pastes, read on a thread of its own that sleeps until there is something to read.
//!
//! It waits on the terminal and on a pipe, without a timeout unless half a sequence is there, and leaves the terminal alone while an
//! editor has it.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::Event;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::decoder::{Decoded, Decoder};

/// What follows an Escape within this may be the rest of a sequence; nobody types so fast.
const TORN_WITHIN: Duration = Duration::from_millis(50);

/// How long a terminal whose keys nobody keeps up with is left alone before it is asked again whether they do.
const BREATH: Duration = Duration::from_millis(5);

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
    /// Starts reading and hands on what comes. While the receiver `is_full` nothing is read, so that what a stuck key or a file sent to
    /// the terminal brings waits in the kernel, whose room ends, and not here. Ends when the receiver wants no more or the terminal is
    /// gone.
    pub fn start(
        hand_on: impl FnMut(Read) -> bool + Send + 'static,
        is_full: impl Fn() -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let (woken, wake) = io::pipe()?;
        let gate = Arc::new(Gate { held: AtomicBool::new(false), asleep: Mutex::new(false), changed: Condvar::new() });
        let terminal = terminal()?;
        let for_thread = Arc::clone(&gate);
        let body = move || read(&terminal, woken, &for_thread, hand_on, is_full);
        thread::Builder::new().name("input".to_owned()).spawn(body)?;
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

/// The terminal: standard input if it is one, else the controlling terminal.
pub fn terminal() -> io::Result<OwnedFd> {
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
    mut hand_on: impl FnMut(Read) -> bool,
    is_full: impl Fn() -> bool,
) {
    let mut decoder = Decoder::default();
    let mut buffer = [0; 16 * 1024];
    let mut last = Instant::now();
    loop {
        let full = is_full();
        let wanted = if full { PollFlags::empty() } else { PollFlags::IN };
        let mut fds = [PollFd::new(terminal, wanted), PollFd::new(&woken, PollFlags::IN)];
        // Only what has begun and is not complete is waited for, and not for long.
        let patience = if full { Some(BREATH) } else { decoder.patience() };
        let patience = patience.map(|span| Timespec { tv_sec: 0, tv_nsec: i64::from(span.subsec_nanos()) });
        let ready = match poll(&mut fds, patience.as_ref()) {
            Ok(ready) => ready,
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => {
                hand_on(Read::Gone);
                return;
            }
        };
        let at = Instant::now();
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
        if full {
            continue;
        }
        let found = if ready == 0 {
            decoder.rest()
        } else {
            if at.duration_since(last) > TORN_WITHIN {
                decoder.pause();
            }
            last = at;
            match rustix::io::read(terminal, &mut buffer) {
                Ok(count @ 1..) => decoder.take(&buffer[..count]),
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => continue,
                Ok(_) | Err(_) => {
                    hand_on(Read::Gone);
                    return;
                }
            }
        };
        let heard = found.into_iter().map(|decoded| match decoded {
            Decoded::Event(event) => Read::Event(event, at),
            Decoded::Ground(light) => Read::Ground(light),
        });
        // What was read at once was typed before anything that was drawn meanwhile.
        for read in heard {
            if !hand_on(read) {
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
