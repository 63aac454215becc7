//! The terminal: taken over, drawn on, and given back as it was found, whatever happens.

pub mod color;
pub mod decoder;
pub mod encoder;
pub mod input;
pub mod probe;
pub mod signals;

use std::io::{self, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::layout::Size;

pub use color::ColorDepth;
use encoder::Encoder;

/// What is asked of the terminal while the console has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manners {
    /// How many colours to use.
    pub depth: ColorDepth,
    /// Whether frames are put into synchronized updates.
    pub synchronized: bool,
    /// Whether the mouse is listened to.
    pub mouse: bool,
}

/// Alternate screen, bracketed paste, focus reports; what the terminal does not know it ignores.
const ENTER: &str = "\x1b[?1049h\x1b[?2004h\x1b[?1004h\x1b[2J";
/// The same backwards, with attributes, cursor and a half-sent synchronized update put right.
const LEAVE: &str = "\x1b[?2026l\x1b[?1004l\x1b[?2004l\x1b[0m\x1b[?25h\x1b[?1049l";
/// Buttons, drags and the wheel, in the encoding that knows wide screens.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";

/// Whether the terminal is ours at the moment; the panic hook and the guard agree through it on who gives it back.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Held while something is sent, so that a thread that panics beside the one that draws does not speak into a frame.
static SENDING: Mutex<()> = Mutex::new(());

/// The terminal while the console has it. Dropping it gives it back.
pub struct Taken {
    terminal: Terminal<Encoder<Stdout>>,
    manners: Manners,
}

impl Taken {
    /// Takes the terminal: raw mode, alternate screen. A panic from now on, on whatever thread, gives it back before it
    /// speaks; `on_panic` hears of it, so that who waits for something else learns that it is over. From then on nothing
    /// is sent any more.
    pub fn take(manners: Manners, on_panic: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        let size = size()?;
        let terminal = Terminal::new(Encoder::new(io::stdout(), size, manners.depth, manners.synchronized))?;
        let hook = std::panic::take_hook();
        let drawer = thread::current().id();
        std::panic::set_hook(Box::new(move |panic| {
            give_back_after_a_panic(drawer);
            hook(panic);
            on_panic();
        }));
        let mut taken = Self { terminal, manners };
        taken.resume()?;
        Ok(taken)
    }

    /// Takes the terminal again after [`Taken::suspend`].
    pub fn resume(&mut self) -> io::Result<()> {
        crossterm::terminal::enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        self.terminal.backend_mut().forget();
        self.terminal.backend_mut().send(ENTER)?;
        if self.manners.mouse {
            self.terminal.backend_mut().send(MOUSE_ON)?;
        }
        self.resize()
    }

    /// Gives the terminal back for a while: to an editor, or to the shell.
    pub fn suspend(&mut self) {
        give_back();
    }

    /// Uses the terminal in another way from now on.
    pub fn set_manners(&mut self, manners: Manners) -> io::Result<()> {
        let before = std::mem::replace(&mut self.manners, manners);
        self.terminal.backend_mut().set_manners(manners.depth, manners.synchronized);
        if manners.mouse != before.mouse {
            self.send(if manners.mouse { MOUSE_ON } else { MOUSE_OFF })?;
        }
        if manners.depth == before.depth { Ok(()) } else { self.resize() }
    }

    /// Learns the screen's size anew and draws everything with the next frame.
    pub fn resize(&mut self) -> io::Result<()> {
        let _sending = sending()?;
        let size = size()?;
        self.terminal.backend_mut().resize(size);
        self.terminal.resize(size.into())
    }

    /// Draws one frame; sends nothing when it looks like the last one.
    pub fn draw(&mut self, view: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()> {
        let _sending = sending()?;
        self.terminal.draw(view).map(drop)
    }

    /// Sends a sequence beside the frames.
    pub fn send(&mut self, sequence: &str) -> io::Result<()> {
        let _sending = sending()?;
        self.terminal.backend_mut().send(sequence)
    }

    /// How long writing the last frame took.
    pub fn took(&self) -> Duration {
        self.terminal.backend().took()
    }

    /// How many bytes have been sent since the start.
    pub fn written(&self) -> u64 {
        self.terminal.backend().written()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

/// The right to send something to the terminal.
///
/// # Errors
/// When the terminal is not taken: a thread panicked and gave it back.
fn sending() -> io::Result<MutexGuard<'static, ()>> {
    let sending = SENDING.lock().unwrap_or_else(PoisonError::into_inner);
    if TAKEN.load(Ordering::SeqCst) {
        Ok(sending)
    } else {
        Err(io::Error::other("a part of the console failed; the fleet goes on"))
    }
}

/// Gives the terminal back between two frames; within one when the thread that draws panicked itself.
fn give_back_after_a_panic(drawer: ThreadId) {
    let beside = thread::current().id() != drawer;
    let _sending = beside.then(|| SENDING.lock().unwrap_or_else(PoisonError::into_inner));
    give_back();
}

/// Gives the terminal back if it is taken. A terminal that is gone cannot be mended, so failures are left alone.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let mut out = io::stdout();
        let _ = out.write_all(MOUSE_OFF.as_bytes()).and_then(|()| out.write_all(LEAVE.as_bytes()));
        let _ = out.flush();
        let _ = crossterm::terminal::disable_raw_mode();
    }
}

/// Whether the environment says that the terminal's ground is light: `COLORFGBG`, as rxvt, konsole and others set it, ends
/// with the number of the ground's colour, and 7 and 15 are the light ones.
pub fn says_light(variable: impl Fn(&str) -> Option<String>) -> bool {
    let value = variable("COLORFGBG").unwrap_or_default();
    matches!(value.rsplit(';').next(), Some("7" | "15"))
}

fn size() -> io::Result<Size> {
    let (width, height) = crossterm::terminal::size()?;
    // A terminal that does not know its size says 0; 80x24 is what everybody assumes then.
    Ok(if width == 0 || height == 0 { Size::new(80, 24) } else { Size::new(width, height) })
}
