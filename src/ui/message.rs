//! Everything that can happen to the console, in one queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::time::Instant;

use crossterm::event::MouseEvent;

use super::key::Key;
use super::link::LinkState;
use super::request::{Answer, Ticket};
use super::step::Tone;
use super::terminal::signals::Signal;
use super::travel::{News, OpenPast};
use crate::api::client::Account;
use crate::api::live::Pulse;

/// One thing that happened.
pub enum Message {
    /// A key, and when it was read.
    Key(Key, Instant),
    /// The mouse.
    Mouse(MouseEvent),
    /// Text that was pasted.
    Paste(String),
    /// The terminal window was entered or left.
    Focus(bool),
    /// Whether the terminal's ground is light.
    Ground(bool),
    /// A signal.
    Signal(Signal),
    /// The terminal is gone.
    TerminalGone,
    /// A thread panicked; the terminal has been given back.
    Panicked,
    /// The fleet has changed.
    Pulse(Pulse),
    /// The fleet changed before, while nobody listened: the last notice of that, and when it was heard.
    PulseBefore(Pulse, Instant),
    /// The link to the engine has changed.
    Link(LinkState),
    /// An answer, or why there is none.
    Answer {
        /// Which ask it is for.
        ticket: Ticket,
        /// What came.
        answer: Result<Answer, String>,
    },
    /// What was asked reached no engine, or none that was there until it had answered. It says nothing about what was asked
    /// for. Changes are answered in any case.
    Unheard {
        /// Which ask it was.
        ticket: Ticket,
        /// Why.
        why: String,
    },
    /// A verb of the command line has ended: its line and what it said.
    Verb {
        /// What was run.
        line: String,
        /// Its output and errors.
        said: String,
        /// Its exit status; `None` when it could not be run or was killed.
        status: Option<i32>,
        /// What it changed, in order.
        changes: Vec<Account>,
    },
    /// A remark of somebody who works beside the console.
    Said {
        /// How it is meant.
        tone: Tone,
        /// What it says.
        text: String,
    },
    /// A theme or keymap file was saved.
    SettingsChanged,
    /// News of a past.
    Past(News),
    /// A past answers now, unless it was given up meanwhile.
    PastOpened(Box<dyn OpenPast>, Arc<AtomicBool>),
    /// What came on a line to an engine.
    On(Line, Box<Message>),
}

/// Tells the lines to engines apart.
pub type Line = u32;

/// With so many messages waiting, keys are left in the terminal.
const FULL: usize = 1_000;

/// Puts messages into the queue.
#[derive(Clone)]
pub struct Post {
    queue: Sender<Message>,
    waiting: Arc<AtomicUsize>,
    /// The line on which they come.
    line: Option<Line>,
}

impl Post {
    /// Into this queue.
    pub fn new(queue: Sender<Message>) -> Self {
        Self { queue, waiting: Arc::default(), line: None }
    }

    /// Into the same queue, as what comes on a line.
    #[must_use]
    pub fn on(&self, line: Line) -> Self {
        Self { line: Some(line), ..self.clone() }
    }

    /// Whether anybody still listens.
    pub fn send(&self, message: Message) -> bool {
        let message = match self.line {
            Some(line) => Message::On(line, Box::new(message)),
            None => message,
        };
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.queue.send(message).is_ok()
    }

    /// Takes note that so many messages were taken out.
    pub fn taken(&self, count: usize) {
        self.waiting.fetch_sub(count, Ordering::Relaxed);
    }

    /// Whether so much waits that whoever can should send no more for now.
    pub fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= FULL
    }
}
