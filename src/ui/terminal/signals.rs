//! Signals as messages: resize, stop and continue, end.

use std::io;
use std::thread;

use signal_hook::consts::signal::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;

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
pub fn listen(mut hand_on: impl FnMut(Signal) -> bool + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGWINCH, SIGTSTP, SIGCONT, SIGTERM, SIGINT, SIGQUIT, SIGHUP])?;
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
    Ok(())
}

/// Stops this process as SIGTSTP would have; returns when it is continued.
pub fn stop() -> io::Result<()> {
    signal_hook::low_level::emulate_default_handler(SIGTSTP)
}
