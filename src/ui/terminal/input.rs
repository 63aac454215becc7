//! Keys, mouse and pastes, read on a thread of its own that sleeps until there is something to read.
//!
//! The thread waits on the terminal and on a pipe, reads whatever is there and hands all of it on before it waits again;
//! [`super::decode`] makes events of it. It has a timeout only after an Escape that may be the beginning of more. Changes
//! of the window's size come by [`super::signals`] and never past here.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use crossterm::event::Event;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::decode::Decoder;
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
    pub fn start(probe: bool, hand_on: impl FnMut(Read) -> bool + Send + 'static) -> io::Result<Self> {
        Self::on(terminal()?, probe, hand_on)
    }

    fn on(terminal: OwnedFd, probe: bool, mut hand_on: impl FnMut(Read) -> bool + Send + 'static) -> io::Result<Self> {
        let (woken, wake) = io::pipe()?;
        let gate = Arc::new(Gate { held: AtomicBool::new(false), asleep: Mutex::new(false), changed: Condvar::new() });
        let for_thread = Arc::clone(&gate);
        thread::Builder::new().name("input".to_owned()).spawn(move || {
            let mut decoder = Decoder::default();
            if probe {
                let found = probe::listen(&terminal);
                let ground = found.light.map(Read::Ground);
                let events = decoder.take(&found.rest).into_iter().map(|event| Read::Event(event, Instant::now()));
                if !ground.into_iter().chain(events).all(&mut hand_on) {
                    return;
                }
            }
            read(&terminal, woken, &for_thread, decoder, hand_on);
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

/// The terminal to read from: standard input if it is one, else the controlling terminal.
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
    mut decoder: Decoder,
    mut hand_on: impl FnMut(Read) -> bool,
) {
    let mut buffer = [0; 4096];
    loop {
        let mut fds = [PollFd::new(terminal, PollFlags::IN), PollFd::new(&woken, PollFlags::IN)];
        let patience = decoder.patience().map(|span| Timespec { tv_sec: 0, tv_nsec: i64::from(span.subsec_nanos()) });
        let events = match poll(&mut fds, patience.as_ref()) {
            Ok(0) => decoder.settle(),
            Ok(_) => {
                let (input, wake) = (fds[0].revents(), fds[1].revents());
                if wake.contains(PollFlags::IN) {
                    let mut byte = [0];
                    let _ = io::Read::read(&mut woken, &mut byte);
                    wait_while_held(gate);
                    continue;
                }
                if wake.intersects(PollFlags::HUP) {
                    return;
                }
                if input.contains(PollFlags::IN) {
                    match rustix::io::read(terminal, &mut buffer) {
                        Ok(count @ 1..) => decoder.take(&buffer[..count]),
                        Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => continue,
                        Ok(0) | Err(_) => {
                            hand_on(Read::Gone);
                            return;
                        }
                    }
                } else if input.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
                    hand_on(Read::Gone);
                    return;
                } else {
                    continue;
                }
            }
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => {
                hand_on(Read::Gone);
                return;
            }
        };
        let at = Instant::now();
        if !events.into_iter().all(|event| hand_on(Read::Event(event, at))) {
            return;
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

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::mpsc::{self, Receiver};
    use std::time::Duration;

    use crossterm::event::{KeyCode, KeyEvent};
    use rustix::fs::OFlags;
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

    use super::*;

    /// Longer than a key may ever take, so that only one that is lost is missed.
    const LOST: Duration = Duration::from_secs(20);

    /// The far end of a terminal that is read from, and what is read.
    fn reading() -> (File, Reader, Receiver<Read>) {
        let far = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&far).unwrap();
        unlockpt(&far).unwrap();
        let name = ptsname(&far, Vec::new()).unwrap();
        let near = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, rustix::fs::Mode::empty()).unwrap();
        let mut settings = tcgetattr(&near).unwrap();
        settings.make_raw();
        tcsetattr(&near, OptionalActions::Now, &settings).unwrap();
        let (sender, queue) = mpsc::channel();
        let reader = Reader::on(near, false, move |read| sender.send(read).is_ok()).unwrap();
        (File::from(far), reader, queue)
    }

    fn key(queue: &Receiver<Read>) -> KeyCode {
        match queue.recv_timeout(LOST).expect("the key was lost") {
            Read::Event(Event::Key(KeyEvent { code, .. }), _) => code,
            _ => panic!("no key"),
        }
    }

    #[test]
    fn each_key_is_read_at_once_however_often_the_window_changes() {
        let (mut far, _reader, queue) = reading();
        // A reader that hears signals itself would hear this one.
        signal_hook::flag::register(signal_hook::consts::SIGWINCH, Arc::default()).unwrap();
        for round in 0..50 {
            let size = Winsize { ws_row: 24 + round % 2, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
            tcsetwinsize(&far, size).unwrap();
            signal_hook::low_level::raise(signal_hook::consts::SIGWINCH).unwrap();
            far.write_all(b"a").unwrap();
            assert_eq!(key(&queue), KeyCode::Char('a'), "round {round}");
        }
    }

    #[test]
    fn a_burst_is_read_to_its_end() {
        let (mut far, _reader, queue) = reading();
        let writer = thread::spawn(move || {
            far.write_all(&[b'x'; 9_000]).unwrap();
            far
        });
        for _ in 0..9_000 {
            assert_eq!(key(&queue), KeyCode::Char('x'));
        }
        let mut far = writer.join().unwrap();
        far.write_all(b"\x1b").unwrap();
        assert_eq!(key(&queue), KeyCode::Esc, "what comes after it is not late");
    }

    #[test]
    fn what_is_typed_while_it_is_held_is_left_to_others() {
        let (mut far, mut reader, queue) = reading();
        far.write_all(b"a").unwrap();
        assert_eq!(key(&queue), KeyCode::Char('a'));
        reader.hold();
        far.write_all(b"b").unwrap();
        assert!(queue.try_recv().is_err());
        reader.release();
        assert_eq!(key(&queue), KeyCode::Char('b'));
    }

    #[test]
    fn a_terminal_that_is_gone_is_said_to_be() {
        let (far, _reader, queue) = reading();
        drop(far);
        assert!(matches!(queue.recv_timeout(LOST), Ok(Read::Gone)));
    }
}
