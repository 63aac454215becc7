//! What lies over a screen: help, palette, questions. What is on top hears the keys.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::key::Key;
use super::look::Look;
use super::names::Names;
use super::request::{Answer, Ticket};
use super::screen::Out;

/// Something over the screen.
pub trait Layer {
    /// What its frame says, for hints and tests.
    fn name(&self) -> &'static str;

    /// Takes a key. Everything that is not its own it leaves alone; nothing reaches the screen below.
    fn key(&mut self, key: Key, out: &mut Out);

    /// Takes pasted text.
    fn paste(&mut self, text: &str, out: &mut Out) {
        let _ = (text, out);
    }

    /// Takes an answer that it asked for.
    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        let _ = (ticket, answer, out);
        false
    }

    /// Asks for what it shows, once, when it is opened.
    fn opened(&mut self, out: &mut Out) {
        let _ = out;
    }

    /// Scrolls what it shows, down when positive: what the wheel and its scrollbar do.
    fn scroll(&mut self, rows: i64, out: &mut Out) {
        let _ = (rows, out);
    }

    /// Learns the size of the screen and what things are called, before each drawing.
    fn layout(&mut self, area: Rect, names: &Names) {
        let _ = (area, names);
    }

    /// Draws itself over `area`, the whole screen.
    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>);

    /// Keys and what they do here, for the line of hints.
    fn hints(&self) -> Vec<(String, String)>;

    /// Whether this key may confirm something that changes the fleet. Then it is dropped if it was pressed before this was
    /// drawn: it was meant for something else.
    fn confirms(&self, key: Key) -> bool {
        let _ = key;
        false
    }
}
