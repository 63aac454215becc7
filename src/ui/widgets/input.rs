//! One line in which one types.

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

use crate::ui::key::Key;
use crate::ui::look::Look;
use crate::ui::text;
use crate::ui::theme::Role;

/// The longest line that is taken, in bytes.
const BYTES_MAX: usize = 16 * 1024;

/// So many bytes, at most, are looked at for a column.
const BYTES_A_COLUMN: usize = 64;

/// What is typed and where the next character goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    text: String,
    /// In bytes, at a border of whole characters.
    cursor: usize,
    /// Whether all of it is selected, so that what is typed takes its place.
    selected: bool,
}

impl Input {
    /// A line that already says something, the cursor at its end.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { cursor: text.len(), text, selected: false }
    }

    /// The same, all of it selected: what is typed takes its place, and a key that moves keeps it.
    pub fn selected(text: impl Into<String>) -> Self {
        let input = Self::new(text);
        Self { selected: !input.text.is_empty(), ..input }
    }

    /// What it says.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Puts text where the cursor is, on one line and without control characters.
    pub fn insert(&mut self, text: &str) {
        if std::mem::take(&mut self.selected) {
            (self.text, self.cursor) = (String::new(), 0);
        }
        let room = BYTES_MAX.saturating_sub(self.text.len());
        let mut clean = text::clean(text).into_owned();
        let mut end = clean.len().min(room);
        while !clean.is_char_boundary(end) {
            end -= 1;
        }
        clean.truncate(end);
        self.text.insert_str(self.cursor, &clean);
        self.cursor += clean.len();
    }

    /// Takes a key that edits; `false` when it does not.
    pub fn key(&mut self, key: Key) -> bool {
        let selected = std::mem::take(&mut self.selected);
        let word_left = |text: &str, from: usize| {
            let before = text[..from].trim_end();
            before.rfind(' ').map_or(0, |place| place + 1)
        };
        match key.code {
            KeyCode::Backspace | KeyCode::Delete if selected => (self.text, self.cursor) = (String::new(), 0),
            KeyCode::Char('u') if key.ctrl => {
                self.text.drain(..self.cursor);
                self.cursor = 0;
            }
            KeyCode::Char('k') if key.ctrl => self.text.truncate(self.cursor),
            KeyCode::Char('w') if key.ctrl => {
                let start = word_left(&self.text, self.cursor);
                self.text.drain(start..self.cursor);
                self.cursor = start;
            }
            KeyCode::Char('e') if key.ctrl => self.cursor = self.text.len(),
            KeyCode::Backspace => {
                let start = self.left();
                self.text.drain(start..self.cursor);
                self.cursor = start;
            }
            KeyCode::Delete => {
                let end = self.right();
                self.text.drain(self.cursor..end);
            }
            KeyCode::Left if key.ctrl || key.alt => self.cursor = word_left(&self.text, self.cursor),
            KeyCode::Left => self.cursor = self.left(),
            KeyCode::Right => self.cursor = self.right(),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            _ => {
                self.selected = selected;
                let Some(c) = key.typed() else { return false };
                self.insert(c.encode_utf8(&mut [0; 4]));
            }
        }
        true
    }

    fn left(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(place, _)| place)
    }

    fn right(&self) -> usize {
        self.text[self.cursor..].graphemes(true).next().map_or(self.text.len(), |next| self.cursor + next.len())
    }

    /// Where what is shown begins so that the cursor is in sight: the last place from which on the text up to the cursor
    /// fits into `room` columns. Only what fits is looked at, whatever is left of it.
    fn first_in_sight(&self, room: usize) -> usize {
        let mut used = 0;
        let before = self.text[..self.cursor].grapheme_indices(true).rev();
        let fits = before.take_while(|(_, grapheme)| {
            used += text::width(grapheme);
            used <= room
        });
        fits.last().map_or(self.cursor, |(place, _)| place)
    }

    /// Draws it behind a prompt, with the terminal's cursor where the next character goes.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, prompt: &str, look: &Look<'_>) {
        let room = usize::from(area.width).saturating_sub(text::width(prompt) + 1);
        let start = self.first_in_sight(room);
        // However long the line is, no more of it is looked at than can be shown.
        let rest = &self.text[start..];
        let rest = &rest[..rest.floor_char_boundary(room.saturating_mul(BYTES_A_COLUMN))];
        // What it began with may have line ends and the like in it; each is shown as a sign.
        let shown = text::fit(&text::clean(rest), room).into_owned();
        let column = text::width(prompt) + text::width(&text::clean(&self.text[start..self.cursor]));
        let ground = if self.selected { Role::Mark } else { Role::Input };
        let spans = vec![
            Span::styled(prompt.to_owned(), look.theme.over(Role::Accent, Role::Input)),
            Span::styled(shown, look.style(ground)),
        ];
        let line = text::width(prompt);
        debug_assert!(line <= usize::from(area.width) || area.width == 0);
        frame.render_widget(ratatui::widgets::Paragraph::new(Line::from(spans)).style(look.style(Role::Input)), area);
        let x = area.x + u16::try_from(column).unwrap_or(u16::MAX).min(area.width.saturating_sub(1));
        frame.set_cursor_position((x, area.y));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(input: &mut Input, keys: &str) {
        for key in keys.split(' ') {
            input.key(key.parse().unwrap());
        }
    }

    #[test]
    fn the_cursor_is_in_sight_with_as_much_before_it_as_fits() {
        let input = Input::new("ab\u{6f22}\u{5b57}e\u{301}");
        let shown = |room| &input.text()[input.first_in_sight(room)..];
        assert_eq!(shown(100), input.text());
        assert_eq!(shown(7), input.text());
        assert_eq!(shown(6), "b\u{6f22}\u{5b57}e\u{301}");
        assert_eq!(shown(4), "\u{5b57}e\u{301}", "no half of a wide character");
        assert_eq!(shown(0), "");
        let long = Input::new("x".repeat(BYTES_MAX));
        assert_eq!(long.first_in_sight(10), BYTES_MAX - 10);
    }

    #[test]
    fn what_is_selected_gives_way_to_what_is_typed_and_stays_when_one_moves() {
        let after = |keys: &str| {
            let mut input = Input::selected("old");
            press(&mut input, keys);
            input.text().to_owned()
        };
        assert_eq!(after("n e w"), "new");
        assert_eq!(after("end s"), "olds");
        assert_eq!(
            (after("backspace"), after("left x"), after("ctrl-w")),
            (String::new(), "olxd".into(), String::new())
        );
        assert_eq!(after("f5 x"), "x", "a key that edits nothing selects nothing else");
        let mut input = Input::selected("old");
        input.insert("pasted");
        assert_eq!(input.text(), "pasted");
    }

    #[test]
    fn editing_goes_by_whole_characters_and_words() {
        let mut input = Input::new("one two");
        press(&mut input, "left backspace x");
        assert_eq!(input.text(), "one txo");
        press(&mut input, "end ctrl-w");
        assert_eq!(input.text(), "one ");
        input.insert("e\u{301}\u{1f468}\u{200d}\u{1f469}");
        press(&mut input, "backspace backspace");
        assert!(input.text().starts_with("one "), "{:?}", input.text());
        press(&mut input, "ctrl-u");
        assert_eq!(input.text(), "");
        press(&mut input, "delete left right home end");
        input.insert("a\nb\x1b[0m");
        assert_eq!(input.text(), "a b␛[0m");
    }
}
