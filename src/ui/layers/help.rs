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
use crate::ui::names::Names;
use crate::ui::screen::Out;
use crate::ui::scrollbars::Scrolls;
use crate::ui::step::Step;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;
use crate::ui::widgets::choice::Choice;
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
    choice: Choice,
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
        Self { entries: entries.collect(), input: Input::default(), choice: Choice::default() }
    }

    /// How large its frame is.
    fn size(&self, area: Rect) -> (u16, u16) {
        let entries = u16::try_from(self.entries.len()).unwrap_or(40);
        (area.width.saturating_sub(4).min(140), area.height.saturating_sub(4).min(entries + 3 + IN_FULL).max(8))
    }

    fn found(&self) -> Vec<&Entry> {
        let typed = self.input.text().trim().to_lowercase();
        let mut matcher = Matcher::new(&typed);
        // What is called as was typed comes first, then what is called so elsewhere, then what only speaks of it.
        let mut found: Vec<((u8, u32), &Entry)> = self
            .entries
            .iter()
            .filter_map(|entry| {
                let title = entry.action.title;
                let synonyms = entry.action.synonyms();
                let words = format!("{} {title} {} {}", entry.key, entry.action.help, synonyms.join(" "));
                let score = matcher.score(&words)?;
                let like = matcher.score(title);
                let called = match title {
                    title if title == typed => 5,
                    _ if synonyms.contains(&typed.as_str()) => 4,
                    title if title.starts_with(&typed) => 3,
                    title if title.contains(&typed) => 2,
                    _ => u8::from(like.is_some()),
                };
                Some(((called, like.unwrap_or(score)), entry))
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
            KeyCode::Down => self.choice.go(1, self.found().len()),
            KeyCode::Up => self.choice.go(-1, self.found().len()),
            KeyCode::PageDown => self.choice.go(10, self.found().len()),
            KeyCode::PageUp => self.choice.go(-10, self.found().len()),
            KeyCode::Enter => {
                if let Some(name) = self.found().get(self.choice.cursor()).map(|entry| entry.action.name) {
                    out.step(Step::Close);
                    out.step(Step::Run(name));
                }
            }
            _ => {
                if self.input.key(key) {
                    self.choice.restart();
                }
            }
        }
    }

    fn paste(&mut self, text: &str, _: &mut Out) {
        self.input.insert(text);
        self.choice.restart();
    }

    fn scroll(&mut self, rows: i64, _: &mut Out) {
        self.choice.scroll(rows, self.found().len());
    }

    fn layout(&mut self, area: Rect, _: &Names) {
        let (_, height) = self.size(area);
        // Without the frame and the line in which one types.
        let height = usize::from(height.min(area.height).saturating_sub(3 + IN_FULL));
        self.choice.layout(height, self.found().len());
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let found = self.found();
        let (width, height) = self.size(area);
        let inner = widgets::dialog(frame, widgets::middle(area, width, height), "what can be done here", look);
        self.input.draw(frame, Rect { height: 1, ..inner }, " find: ", look);
        let rows = usize::from(inner.height.saturating_sub(1 + IN_FULL));
        let (cursor, top) = (self.choice.cursor(), self.choice.top());
        for (line, (place, entry)) in (1u16..).zip(found.iter().enumerate().skip(top).take(rows)) {
            let at = Rect { y: inner.y + line, height: 1, ..inner };
            let ground = if place == cursor { Role::Cursor } else { Role::Text };
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
        widgets::scrollbar(frame, list, Scrolls::Layer, (top as u64, rows as u64, found.len() as u64), look);
        // What is cut in its line stands in full below.
        if let Some(entry) = found.get(cursor) {
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
