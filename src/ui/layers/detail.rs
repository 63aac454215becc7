//! Everything about one thing, as text to scroll through: an alert, a record of the journal.

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

use crate::ui::key::Key;
use crate::ui::layer::Layer;
use crate::ui::look::Look;
use crate::ui::names::Names;
use crate::ui::screen::{Aim, Out};
use crate::ui::scrollbars::Scrolls;
use crate::ui::step::Step;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;

/// The most columns of its frame.
const WIDTH_MAX: u16 = 120;

/// One line before it is broken: parts with their colours.
pub type Parts = Vec<(Role, String)>;

/// A key that does an action from here.
pub struct DetailKey {
    /// The key.
    pub key: char,
    /// The action's name.
    pub action: &'static str,
    /// What it does, for the line of hints.
    pub title: &'static str,
}

/// The text.
pub struct Detail {
    title: String,
    lines: Vec<Parts>,
    /// The same broken for so many columns: once, however often it is drawn.
    broken: (usize, Vec<Parts>),
    keys: Vec<DetailKey>,
    /// What those keys act on: what is shown, whatever is marked behind it.
    aim: Option<Aim>,
    top: usize,
    /// How many lines can be in sight.
    height: usize,
}

impl Detail {
    /// Shows lines under a title.
    pub fn new(title: impl Into<String>, lines: Vec<Parts>) -> Self {
        Self { title: title.into(), lines, broken: (0, Vec::new()), keys: Vec::new(), aim: None, top: 0, height: 0 }
    }

    /// Shows a text under a title.
    pub fn of_text(title: impl Into<String>, text: &str) -> Self {
        Self::new(title, text.lines().map(|line| vec![(Role::Text, line.to_owned())]).collect())
    }

    /// Keys that do something with what is shown, which is `aim`.
    pub fn with_keys(mut self, keys: Vec<DetailKey>, aim: Aim) -> Self {
        (self.keys, self.aim) = (keys, Some(aim));
        self
    }

    fn plain(&self) -> String {
        let line = |parts: &Parts| parts.iter().map(|(_, words)| words.as_str()).collect::<String>();
        self.lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn go(&mut self, by: isize) {
        self.top = self.top.saturating_add_signed(by).min(self.broken.1.len().saturating_sub(self.height));
    }

    /// Where it is drawn.
    fn frame(&self, area: Rect) -> Rect {
        let height = u16::try_from(self.broken.1.len()).unwrap_or(u16::MAX).saturating_add(2);
        let height = height.min(area.height.saturating_sub(4)).max(5);
        widgets::middle(area, area.width.saturating_sub(6).min(WIDTH_MAX), height)
    }
}

/// Breaks a line at `columns`; what goes on is indented a little more than the line itself.
fn broken(parts: &Parts, columns: usize) -> Vec<Parts> {
    let whole: String = parts.iter().map(|(_, words)| words.as_str()).collect();
    let indent = (whole.len() - whole.trim_start_matches(' ').len() + 2).min(columns / 2);
    let mut lines = vec![Parts::new()];
    let mut used = 0;
    for (role, words) in parts {
        let cleaned = text::clean(words).into_owned();
        let mut piece = String::new();
        for word in cleaned.split_inclusive(' ') {
            let fits = used + text::width(word.trim_end()) <= columns;
            let long = text::width(word) > columns.saturating_sub(indent);
            for part in if fits || !long { vec![word] } else { word.graphemes(true).collect() } {
                let width = text::width(part);
                if used + text::width(part.trim_end()) > columns && used > 0 {
                    push(&mut lines, *role, &mut piece);
                    lines.push(vec![(Role::Text, " ".repeat(indent))]);
                    used = indent;
                }
                piece.push_str(part);
                used += width;
            }
        }
        push(&mut lines, *role, &mut piece);
    }
    lines
}

fn push(lines: &mut [Parts], role: Role, piece: &mut String) {
    if let Some(line) = lines.last_mut()
        && !piece.is_empty()
    {
        line.push((role, std::mem::take(piece)));
    }
}

impl Layer for Detail {
    fn name(&self) -> &'static str {
        "detail"
    }

    fn key(&mut self, key: Key, out: &mut Out) {
        let half = isize::try_from(self.height / 2).unwrap_or(1).max(1);
        match key.code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Left | KeyCode::Char('q') => out.step(Step::Close),
            KeyCode::Char('j') | KeyCode::Down => self.go(1),
            KeyCode::Char('k') | KeyCode::Up => self.go(-1),
            KeyCode::Char('d') if key.ctrl => self.go(half),
            KeyCode::Char('u') if key.ctrl => self.go(-half),
            KeyCode::PageDown => self.go(half * 2),
            KeyCode::PageUp => self.go(-half * 2),
            KeyCode::Char('g') | KeyCode::Home => self.top = 0,
            KeyCode::Char('G') | KeyCode::End => self.go(isize::MAX / 2),
            KeyCode::Char('y') => out.step(Step::Copy(self.plain())),
            _ => {
                if let Some(known) = self.keys.iter().find(|known| key.typed() == Some(known.key)) {
                    out.step(Step::Close);
                    out.step(match &self.aim {
                        Some(aim) => Step::RunOn(known.action, aim.clone()),
                        None => Step::Run(known.action),
                    });
                }
            }
        }
    }

    fn scroll(&mut self, rows: i64, _: &mut Out) {
        self.go(isize::try_from(rows).unwrap_or(0));
    }

    fn layout(&mut self, area: Rect, _: &Names) {
        let columns = usize::from(area.width.saturating_sub(6).min(WIDTH_MAX).saturating_sub(5));
        if self.broken.0 != columns || self.broken.1.is_empty() {
            self.broken = (columns, self.lines.iter().flat_map(|parts| broken(parts, columns)).collect());
        }
        self.height = usize::from(self.frame(area).height.saturating_sub(2));
        self.go(0);
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let inner = widgets::dialog(frame, self.frame(area), &self.title, look);
        let total = self.broken.1.len() as u64;
        for (y, parts) in (inner.y..inner.bottom()).zip(self.broken.1.iter().skip(self.top)) {
            let spans = parts.iter().map(|(role, words)| Span::styled(words.as_str(), look.style(*role)));
            let line = Line::from(std::iter::once(Span::raw(" ")).chain(spans).collect::<Vec<_>>());
            frame.render_widget(line, Rect { y, height: 1, width: inner.width - 1, ..inner });
        }
        widgets::scrollbar(frame, inner, Scrolls::Layer, (self.top as u64, u64::from(inner.height), total), look);
    }

    fn hints(&self) -> Vec<(String, String)> {
        let own = self.keys.iter().map(|key| (key.key.to_string(), key.title.to_owned()));
        let common = [("esc", "close"), ("j k", "scroll"), ("y", "copy")];
        own.chain(common.map(|(key, title)| (key.to_owned(), title.to_owned()))).collect()
    }
}

/// A JSON value, indented, with its keys and values told apart.
pub fn json(value: &serde_json::Value) -> Vec<Parts> {
    let written = serde_json::to_string_pretty(value).unwrap_or_default();
    written.lines().map(json_line).collect()
}

fn json_line(line: &str) -> Parts {
    let body = line.trim_start_matches(' ');
    let indent = " ".repeat(line.len() - body.len());
    let value = |words: &str| if words.starts_with('"') { Role::Literal } else { Role::Text };
    // A key ends with the first `": `: within a string quotation marks are escaped.
    match body.strip_prefix('"').and_then(|rest| rest.split_once("\": ")) {
        Some((key, rest)) if !key.ends_with('\\') => vec![
            (Role::Text, indent),
            (Role::Keyword, format!("\"{key}\"")),
            (Role::Dim, ": ".to_owned()),
            (value(rest), rest.to_owned()),
        ],
        _ => vec![(Role::Text, indent), (value(body), body.to_owned())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(parts: &Parts, columns: usize) -> Vec<String> {
        let join = |parts: &Parts| parts.iter().map(|(_, words)| words.as_str()).collect::<String>();
        broken(parts, columns).iter().map(join).collect()
    }

    #[test]
    fn lines_break_at_blanks_and_keep_their_indentation() {
        let parts = vec![(Role::Text, "  \"key\": ".to_owned()), (Role::Literal, "one two three four".to_owned())];
        assert_eq!(lines(&parts, 20), ["  \"key\": one two ", "    three four"]);
        let long = vec![(Role::Text, "x".repeat(25))];
        assert_eq!(lines(&long, 10), ["xxxxxxxxxx", "  xxxxxxxx", "  xxxxxxx"]);
        assert_eq!(lines(&vec![], 10), [""]);
        for line in lines(&vec![(Role::Text, "名前が とても 長い".repeat(9))], 10) {
            assert!(text::width(line.trim_end()) <= 10, "{line:?}");
        }
    }

    #[test]
    fn keys_and_values_of_json_are_told_apart() {
        let lines = json(&serde_json::json!({"a\"b": "x\": y", "n": 1}));
        assert_eq!(lines[1][1], (Role::Keyword, "\"a\\\"b\"".to_owned()));
        assert_eq!(lines[1][3], (Role::Literal, "\"x\\\": y\",".to_owned()));
        assert_eq!(lines[2][3], (Role::Text, "1".to_owned()));
    }
}
