//! All that can be done where one is: filters while one types, and does what is chosen.

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::fuzzy::Matcher;
use crate::ui::action::Action;
use crate::ui::app::App;
use crate::ui::key::Key;
use crate::ui::layer::Layer;
use crate::ui::look::Look;
use crate::ui::screen::Out;
use crate::ui::scrollbars::Scrolls;
use crate::ui::step::Step;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;
use crate::ui::widgets::input::Input;

/// Lines for what the cursor is on, in full.
const IN_FULL: u16 = 2;

/// One line of the list.
struct Entry {
    key: String,
    action: &'static Action,
    /// Why it cannot be done now.
    obstacle: Option<String>,
}

/// The list.
pub struct Help {
    entries: Vec<Entry>,
    input: Input,
    cursor: usize,
}

impl Help {
    /// What can be done now, the nearest first; what cannot stays in its place and says why.
    pub fn new(app: &App) -> Self {
        let bindings = app.keymap.in_scopes(&app.scopes());
        let entries = bindings.into_iter().map(|binding| Entry {
            key: binding.key.to_string(),
            action: binding.action,
            obstacle: app.obstacle(binding.action),
        });
        Self { entries: entries.collect(), input: Input::default(), cursor: 0 }
    }

    fn found(&self) -> Vec<&Entry> {
        let typed = self.input.text().trim().to_lowercase();
        let mut matcher = Matcher::new(&typed);
        // What is called as was typed, here or elsewhere, comes before what only speaks of it.
        let mut found: Vec<((u8, u32), &Entry)> = self
            .entries
            .iter()
            .filter_map(|entry| {
                let title = entry.action.title;
                let synonyms = entry.action.synonyms();
                let words = format!("{} {title} {} {}", entry.key, entry.action.help, synonyms.join(" "));
                let score = matcher.score(&words)?;
                let called = match title {
                    title if title == typed => 3,
                    _ if synonyms.contains(&typed.as_str()) => 2,
                    title => u8::from(title.starts_with(&typed)),
                };
                Some(((called, score), entry))
            })
            .collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        found.into_iter().map(|(_, entry)| entry).collect()
    }
}

impl Layer for Help {
    fn name(&self) -> &'static str {
        "help"
    }

    fn key(&mut self, key: Key, out: &mut Out) {
        match key.code {
            KeyCode::Esc => out.step(Step::Close),
            KeyCode::Down => self.cursor = (self.cursor + 1).min(self.found().len().saturating_sub(1)),
            KeyCode::Up => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::PageDown => self.cursor = (self.cursor + 10).min(self.found().len().saturating_sub(1)),
            KeyCode::PageUp => self.cursor = self.cursor.saturating_sub(10),
            KeyCode::Enter => {
                if let Some(name) = self.found().get(self.cursor).map(|entry| entry.action.name) {
                    out.step(Step::Close);
                    out.step(Step::Run(name));
                }
            }
            _ => {
                if self.input.key(key) {
                    self.cursor = 0;
                }
            }
        }
    }

    fn paste(&mut self, text: &str, _: &mut Out) {
        self.input.insert(text);
        self.cursor = 0;
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let found = self.found();
        let width = area.width.saturating_sub(4).min(140);
        let height =
            area.height.saturating_sub(4).min(u16::try_from(self.entries.len()).unwrap_or(40) + 3 + IN_FULL).max(8);
        let inner = widgets::dialog(frame, widgets::middle(area, width, height), "what can be done here", look);
        self.input.draw(frame, Rect { height: 1, ..inner }, " find: ", look);
        let rows = usize::from(inner.height.saturating_sub(1 + IN_FULL));
        let top = (self.cursor + 1).saturating_sub(rows);
        for (line, (place, entry)) in (1u16..).zip(found.iter().enumerate().skip(top).take(rows)) {
            let at = Rect { y: inner.y + line, height: 1, ..inner };
            let ground = if place == self.cursor { Role::Cursor } else { Role::Text };
            let style = |role| look.theme.over(role, ground);
            let title = text::pad(entry.action.title, 18);
            let mut spans = vec![
                Span::styled(format!(" {} ", text::pad_left(&entry.key, 9)), style(Role::Key)),
                Span::styled(title, style(if entry.obstacle.is_some() { Role::Dim } else { Role::Accent })),
            ];
            let words = match &entry.obstacle {
                Some(why) => Span::styled(format!("not now: {why}"), style(Role::Warn)),
                None => Span::styled(entry.action.help, style(Role::Text)),
            };
            let room = usize::from(inner.width).saturating_sub(32);
            spans.push(Span::styled(text::fit(&words.content, room).into_owned(), words.style));
            frame.render_widget(ratatui::widgets::Paragraph::new(Line::from(spans)).style(look.style(ground)), at);
        }
        let list = Rect { y: inner.y + 1, height: u16::try_from(rows).unwrap_or(0), ..inner };
        widgets::scrollbar(frame, list, Scrolls::Nothing, (top as u64, rows as u64, found.len() as u64), look);
        // What is cut in its line stands in full below.
        if let Some(entry) = found.get(self.cursor) {
            let words = format!("{}: {}", entry.action.title, entry.action.help);
            let lines = widgets::wrap(&words, usize::from(inner.width.saturating_sub(2)));
            for (line, words) in (0..IN_FULL).zip(lines) {
                let at = Rect { y: inner.bottom() - IN_FULL + line, height: 1, ..inner };
                frame.render_widget(Line::styled(format!(" {words}"), look.style(Role::Dim)), at);
            }
        }
    }

    fn hints(&self) -> Vec<(String, String)> {
        vec![("enter".into(), "do it".into()), ("esc".into(), "close".into()), ("type".into(), "to find".into())]
    }
}
