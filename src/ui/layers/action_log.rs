//! What was changed from this console, each with the command line that does the same.

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::ui::app::Options;
use crate::ui::key::Key;
use crate::ui::layer::Layer;
use crate::ui::look::Look;
use crate::ui::names::Names;
use crate::ui::orders::Entry;
use crate::ui::screen::Out;
use crate::ui::scrollbars::Scrolls;
use crate::ui::step::Step;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::verb;
use crate::ui::widgets;
use crate::ui::widgets::choice::Choice;

/// The log as it was when it was opened, the newest first.
pub struct ActionLog {
    entries: Vec<Entry>,
    choice: Choice,
}

impl ActionLog {
    /// Shows these entries, the oldest first in `entries`, their lines as they mean the same fleet in any shell.
    pub fn new(entries: &[Entry], options: &Options) -> Self {
        let whole = |entry: &Entry| Entry { line: verb::addressed(&entry.line, options), ..entry.clone() };
        Self { entries: entries.iter().rev().map(whole).collect(), choice: Choice::default() }
    }

    /// How many lines its frame has; each entry takes two of those within.
    fn lines(area: Rect) -> u16 {
        area.height.saturating_sub(4).min(30)
    }
}

impl Layer for ActionLog {
    fn name(&self) -> &'static str {
        "action log"
    }

    fn key(&mut self, key: Key, out: &mut Out) {
        match key.code {
            KeyCode::Esc | KeyCode::Char('q') => out.step(Step::Close),
            KeyCode::Char('j') | KeyCode::Down => self.choice.go(1, self.entries.len()),
            KeyCode::Char('k') | KeyCode::Up => self.choice.go(-1, self.entries.len()),
            KeyCode::Char('y') => {
                if let Some(entry) = self.entries.get(self.choice.cursor()) {
                    out.step(Step::Copy(entry.line.clone()));
                }
            }
            _ => {}
        }
    }

    fn scroll(&mut self, rows: i64, _: &mut Out) {
        self.choice.scroll(rows, self.entries.len());
    }

    fn layout(&mut self, area: Rect, _: &Names) {
        self.choice.layout(usize::from(Self::lines(area).saturating_sub(2) / 2), self.entries.len());
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let height = Self::lines(area);
        let inner =
            widgets::dialog(frame, widgets::middle(area, area.width.saturating_sub(4), height), "action log", look);
        if self.entries.is_empty() {
            let words = "Nothing was changed from here yet.\nEvery change will stand here with its command line.";
            widgets::center_text(frame, inner, words, look.style(Role::Dim));
            return;
        }
        let rows = usize::from(inner.height / 2).max(1);
        let top = self.choice.top();
        for (line, (place, entry)) in (0u16..).step_by(2).zip(self.entries.iter().enumerate().skip(top).take(rows)) {
            let ground = if place == self.choice.cursor() { Role::Cursor } else { Role::Text };
            let style = |role| look.theme.over(role, ground);
            // The last column is for the scrollbar.
            let room = usize::from(inner.width).saturating_sub(1);
            let role = if entry.failed { Role::Bad } else { Role::Good };
            let outcome = text::clean(entry.outcome.as_deref().unwrap_or("…")).into_owned();
            let title = format!(" {:>4} ago  {}: ", look.age(entry.time), text::clean(&entry.title));
            let left = room.saturating_sub(text::width(&title));
            let first = Line::from(vec![
                Span::raw(text::fit(&title, room).into_owned()),
                Span::styled(text::pad(&outcome, left), style(role)),
            ]);
            let at = Rect { y: inner.y + line, height: 1, ..inner };
            frame.render_widget(first.style(look.style(ground)), at);
            if at.y + 1 < inner.bottom() {
                let second = text::pad(&format!("       $ {}", text::clean(&entry.line)), room);
                let at = Rect { y: at.y + 1, ..at };
                frame.render_widget(Line::styled(second, style(Role::Dim)), at);
            }
        }
        let measure = (top as u64, rows as u64, self.entries.len() as u64);
        widgets::scrollbar(frame, inner, Scrolls::Layer, measure, look);
    }

    fn hints(&self) -> Vec<(String, String)> {
        vec![("y".into(), "copy the command".into()), ("esc".into(), "close".into())]
    }
}
