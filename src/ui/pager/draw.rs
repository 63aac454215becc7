//! Drawing the rows of a text that are in sight.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::line::{Gutter, Ink, TextLine};
use super::{Pager, Spot};
use crate::ui::look::Look;
use crate::ui::scrollbars::Scrolls;
use crate::ui::text;
use crate::ui::theme::{Role, contrast};
use crate::ui::widgets;

/// The least contrast at which a colour that somebody else chose is kept. Lower than what themes keep: dim on purpose
/// is allowed, hidden is not.
const OWN_CONTRAST_MIN: f64 = 2.0;

impl Pager {
    /// Draws the rows in sight into `area`, as the screen's text.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        self.draw_as(Scrolls::Text, frame, area, look);
    }

    /// The same, with a scrollbar that moves something else.
    pub fn draw_as(&self, of: Scrolls, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        if area.height == 0 || area.width < 4 {
            return;
        }
        let mut spot = self.top;
        for line in 0..area.height {
            let Some(content) = self.lines.get(spot.line) else { break };
            let at = Rect { y: area.y + line, height: 1, ..area };
            let rows = self.rows_of(spot.line);
            if let Some(bounds) = rows.get(spot.row) {
                frame.render_widget(self.row(content, spot, *bounds, look), at);
            }
            spot = if spot.row + 1 < rows.len() {
                Spot { row: spot.row + 1, ..spot }
            } else {
                Spot { line: spot.line + 1, row: 0 }
            };
        }
        let (top, total) = (self.top.line as u64, self.lines.len() as u64);
        let seen = (spot.line as u64).saturating_sub(top).max(1);
        // Where a single line is longer than the screen there is more to see though all lines are in sight.
        widgets::scrollbar(frame, area, of, (top, seen, total), look);
    }

    /// Columns before the text.
    pub(super) fn gutter_columns(&self) -> u16 {
        let widest = match self.lines.last().map(|line| line.gutter) {
            Some(Gutter::Number(number)) => u16::try_from(number.max(1).ilog10()).unwrap_or(0) + 3,
            _ => 0,
        };
        // Output and texts with a cursor keep room for their signs, so that nothing moves when the first one comes.
        let signs = match (self.cursor, self.follow) {
            (Some(_), _) => 4,
            (None, Some(_)) => 2,
            (None, None) if self.signs => 2,
            (None, None) => 1,
        };
        widest.max(signs)
    }

    fn row(&self, content: &TextLine, spot: Spot, bounds: (usize, usize), look: &Look<'_>) -> Paragraph<'static> {
        let ground = match (self.cursor == Some(spot.line), self.found == Some(spot.line)) {
            (true, _) => Role::Cursor,
            (false, true) => Role::Mark,
            (false, false) => Role::Text,
        };
        let mut spans = self.gutter(content, spot, ground, look);
        let mut cut = false;
        let (start, end) = if self.wrap {
            if spot.row > 0 {
                spans.push(Span::raw(" ".repeat(content.indent(usize::from(self.text_columns())))));
            }
            bounds
        } else {
            let columns = usize::from(self.text_columns());
            let (blanks, start, end) = content.window(self.shift, columns);
            cut = end < content.text().len();
            // Where something is cut off at the right, the last column says so.
            let (blanks, start, end) = if cut { content.window(self.shift, columns - 1) } else { (blanks, start, end) };
            spans.push(Span::raw(" ".repeat(blanks)));
            (start, end)
        };
        let places = self.search.places(content.text());
        for (from, to, ink) in content.pieces(start, end) {
            let own = ink_style(ink, ground, look);
            let mut at = from;
            for (begin, finish) in places.iter().filter(|place| place.1 > from && place.0 < to) {
                let (begin, finish) = ((*begin).max(from), (*finish).min(to));
                spans.push(Span::styled(content.text()[at..begin].to_owned(), own));
                spans.push(Span::styled(
                    content.text()[begin..finish].to_owned(),
                    look.theme.over(Role::Match, ground).add_modifier(Modifier::REVERSED),
                ));
                at = finish;
            }
            let words = &content.text()[at..to];
            let ours = look.options.ascii && matches!(ink, Ink::Role(_));
            spans.push(Span::styled(if ours { plain_signs(words) } else { words.to_owned() }, own));
        }
        if cut {
            let used: usize = spans.iter().map(Span::width).sum();
            let last = usize::from(self.gutter_columns() + self.text_columns() - 1);
            spans.push(Span::raw(" ".repeat(last.saturating_sub(used))));
            spans.push(Span::styled(look.sign("›", ">"), look.theme.over(Role::Accent, ground)));
        }
        Paragraph::new(Line::from(spans)).style(look.style(ground))
    }

    fn gutter(&self, content: &TextLine, spot: Spot, ground: Role, look: &Look<'_>) -> Vec<Span<'static>> {
        let mut columns = usize::from(self.gutter_columns());
        let first = spot.row == 0;
        let (sign, role) = match content.gutter {
            Gutter::Number(number) if first => {
                (text::pad_left(&number.to_string(), columns.saturating_sub(2)), Role::Dim)
            }
            Gutter::Error if first => (look.sign("!", "!").to_owned(), Role::Bad),
            Gutter::Note if first => (look.sign("·", "-").to_owned(), Role::Info),
            Gutter::State(mark) if first => (look.mark(mark).to_owned(), mark.role()),
            _ => (String::new(), Role::Dim),
        };
        let mut spans = Vec::with_capacity(2);
        if self.cursor.is_some() {
            let here = self.cursor == Some(spot.line) && first;
            let pointer = if here { look.sign("▶ ", "> ") } else { "  " };
            spans.push(Span::styled(pointer, look.theme.over(Role::Accent, ground)));
            columns = columns.saturating_sub(2);
        }
        spans.push(Span::styled(text::pad(&sign, columns), look.theme.over(role, ground)));
        spans
    }
}

/// In pure ASCII the branches of trees and the arrows that the console itself draws become what comes near.
fn plain_signs(text: &str) -> String {
    let plain = |c| match c {
        '├' | '└' => '+',
        '│' => '|',
        '─' => '-',
        '→' => '>',
        '…' => '.',
        c => c,
    };
    text.chars().map(plain).collect()
}

/// How a piece looks on its ground. What would be hidden there, by chance or on purpose, is shown like the ground's own
/// text.
fn ink_style(ink: Ink, ground: Role, look: &Look<'_>) -> Style {
    let own = match ink {
        Ink::Role(role) => return look.theme.over(role, ground),
        Ink::Own(own) => own,
    };
    let under = look.style(ground);
    let (fg, bg) = (own.fg.or(under.fg), own.bg.or(under.bg));
    let hidden = match contrast(fg, bg) {
        Some(contrast) => contrast < OWN_CONTRAST_MIN,
        // Where the terminal's owner chose the ground, nobody knows; equal colours are hidden everywhere.
        None => own.fg.is_some_and(|fg| fg != Color::Reset) && own.fg == own.bg,
    };
    let kept = if hidden { Style { fg: None, bg: None, ..own } } else { own };
    under.patch(kept)
}
