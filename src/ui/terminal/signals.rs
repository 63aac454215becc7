//! Signals as messages: resize, stop and continue, end.

use std::io;
use std::thread;

use signal_hook::consts::signal::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::{Handle, Signals};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The screen has another size.
    Resize,
    /// Give the terminal to the shell and stop until continued.
    Stop,
    /// Somebody continued us, perhaps without having stopped us first.
    Continue,
    /// End, the terminal still being there.
    End,
    /// End; the terminal is gone.
    Hangup,
}

/// Listens on a thread of its own and hands each signal on; ends when the receiver wants no more.
pub fn listen(hand_on: impl FnMut(Signal) -> bool + Send + 'static) -> io::Result<()> {
    listen_to(&[SIGWINCH, SIGCONT, SIGTERM, SIGHUP], hand_on).map(drop)
}

/// Listens to what keys of the terminal send to everybody who has it, until this is dropped: from then on that is for
/// whoever else has it, and passes us by.
pub struct Keys(Handle);

impl Keys {
    /// Begins to listen.
    pub fn listen(hand_on: impl FnMut(Signal) -> bool + Send + 'static) -> io::Result<Self> {
        listen_to(&[SIGTSTP, SIGINT, SIGQUIT], hand_on).map(Self)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Listens to what ends this process, beside whoever else does, until this is dropped.
pub struct Ends(Handle);

impl Ends {
    /// Begins to listen; `ends` is called for each such signal.
    pub fn listen(mut ends: impl FnMut() + Send + 'static) -> io::Result<Self> {
        let hand_on = move |_| {
            ends();
            true
        };
        listen_to(&[SIGTERM, SIGHUP], hand_on).map(Self)
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn listen_to(numbers: &[i32], mut hand_on: impl FnMut(Signal) -> bool + Send + 'static) -> io::Result<Handle> {
    let mut signals = Signals::new(numbers)?;
    let handle = signals.handle();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for number in signals.forever() {
            let signal = match number {
                SIGWINCH => Signal::Resize,
                SIGTSTP => Signal::Stop,
                SIGCONT => Signal::Continue,
                SIGHUP => Signal::Hangup,
                _ => Signal::End,
            };
            if !hand_on(signal) {
                return;
            }
        }
    })?;
    Ok(handle)
}

/// Stops this process as SIGTSTP would have; returns when it is continued.
pub fn stop() -> io::Result<()> {
    signal_hook::low_level::emulate_default_handler(SIGTSTP)
}
