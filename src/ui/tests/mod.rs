//! The whole console, driven without a terminal and without an engine: keys in, frames out, answers from a fixed fleet.

mod agents;
mod alert_rules;
mod alerts;
mod arming;
mod artifacts;
mod cages;
mod candidates;
mod dashboards;
mod events;
mod failures;
mod fleet;
mod frames;
mod in_sight;
mod inbox;
mod layers;
mod lists;
mod metrics;
mod mouse;
mod overview;
mod palette;
mod plain;
mod read_only;
mod search;
mod silence;
mod small_truths;
mod tasks;
mod travel;
mod undo;

use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;

use super::app::{App, Effect, Options};
use super::message::Message;
use super::place::Place;
use super::request::{Answer, Request};
use super::terminal::ColorDepth;
use super::terminal::encoder::Encoder;
use super::view;
use crate::domain::Timestamp;

/// The moment at which all fixed states are looked at: 2026-03-04T10:00:00Z.
pub const NOW: i64 = 1_772_618_400_000_000;

/// Answers in the engine's place.
pub type Engine = Box<dyn FnMut(&Request) -> Result<Answer, String>>;

/// A console under test.
pub struct Driver {
    pub app: App,
    pub began: Instant,
    /// What was asked and not yet answered.
    pub asked: Vec<(u64, Request)>,
    pub effects: Vec<Effect>,
    /// The fixed fleet unless a test needs one that changes.
    pub engine: Engine,
    /// Whether no engine hears what is asked.
    pub gone: bool,
    size: (u16, u16),
}

/// The options that tests start from.
pub fn options(depth: ColorDepth) -> Options {
    Options::new("/nowhere".into(), depth)
}

impl Driver {
    /// A console of so many columns and lines, connected to the fixed fleet, on `place`.
    pub fn new(place: &Place, size: (u16, u16)) -> Self {
        Self::with(options(ColorDepth::True), place, size)
    }

    pub fn with(options: Options, place: &Place, size: (u16, u16)) -> Self {
        let began = Instant::now();
        let app = App::new(options, place, (Timestamp::from_micros(NOW), began));
        let mut driver =
            Self { app, began, asked: vec![], effects: vec![], engine: Box::new(fleet::answer), gone: false, size };
        driver.app.update(Message::Pulse(fleet::pulse()));
        driver.draw();
        driver.settle();
        driver
    }

    /// Answers everything that was asked from the fixed fleet, until nothing more is asked.
    pub fn settle(&mut self) {
        loop {
            self.collect();
            let asked = std::mem::take(&mut self.asked);
            if asked.is_empty() {
                return;
            }
            for (ticket, request) in asked {
                self.app.update(if self.gone {
                    Message::Unheard { ticket, why: "no engine runs".to_owned() }
                } else {
                    Message::Answer { ticket, answer: (self.engine)(&request) }
                });
            }
            self.draw();
        }
    }

    /// Takes what was asked without answering it.
    pub fn collect(&mut self) {
        self.asked.extend(self.app.take_asks().into_iter().map(|ask| (ask.ticket, ask.request)));
        self.effects.extend(self.app.take_effects());
    }

    /// Presses keys, written with blanks between them, each followed by a frame.
    pub fn press(&mut self, keys: &str) {
        for key in keys.split(' ') {
            let key = key.parse().unwrap();
            self.app.update(Message::Key(key, Instant::now()));
            self.draw();
            self.settle();
        }
    }

    /// Types text, character by character.
    pub fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            let key = super::key::Key::plain(crossterm::event::KeyCode::Char(c));
            self.app.update(Message::Key(key, Instant::now()));
        }
        self.draw();
        self.settle();
    }

    /// Lets time pass.
    pub fn later(&mut self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap();
        self.app.set_now((Timestamp::from_micros(NOW + micros), self.began + by));
    }

    /// The frame as plain text.
    pub fn draw(&mut self) -> String {
        let mut terminal = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
        terminal.draw(|frame| view::draw(&mut self.app, frame)).unwrap();
        self.app.drawn(Instant::now());
        let buffer = terminal.backend().buffer();
        let mut out = String::new();
        for y in 0..self.size.1 {
            let mut line = String::new();
            let mut skip = 0;
            for x in 0..self.size.0 {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                let symbol = buffer[(x, y)].symbol();
                skip = super::text::width(symbol).saturating_sub(1);
                line.push_str(symbol);
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    /// The foreground of the first character of something in sight.
    #[track_caller]
    pub fn colour_of(&mut self, text: &str) -> ratatui::style::Color {
        let mut terminal = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
        terminal.draw(|frame| view::draw(&mut self.app, frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let row = |y: u16| (0..self.size.0).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        let at = |y: u16| Some((row(y).find(text)?, y));
        let (byte, y) = (0..self.size.1).find_map(at).unwrap_or_else(|| panic!("{text:?} is not in sight"));
        let x = row(y)[..byte].chars().count();
        buffer[(u16::try_from(x).unwrap(), y)].fg
    }

    /// The frame as a terminal would get it.
    pub fn draw_encoded(&mut self) -> String {
        let size = Size::new(self.size.0, self.size.1);
        let mut bytes = Vec::new();
        {
            let encoder = Encoder::new(&mut bytes, size, self.app.options.depth, false);
            let mut terminal = Terminal::new(encoder).unwrap();
            terminal.draw(|frame| view::draw(&mut self.app, frame)).unwrap();
        }
        String::from_utf8(bytes).unwrap()
    }

    /// The frame has this somewhere.
    #[track_caller]
    pub fn sees(&mut self, text: &str) {
        let frame = self.draw();
        assert!(frame.contains(text), "{text:?} is not in sight:\n{frame}");
    }

    /// The frame has this nowhere.
    #[track_caller]
    pub fn sees_not(&mut self, text: &str) {
        let frame = self.draw();
        assert!(!frame.contains(text), "{text:?} is in sight:\n{frame}");
    }
}
