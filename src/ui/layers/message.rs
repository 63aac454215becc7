//! A text in full: an error, an explanation.

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::ui::key::Key;
use crate::ui::layer::Layer;
use crate::ui::look::Look;
use crate::ui::screen::Out;
use crate::ui::step::Step;
use crate::ui::theme::Role;
use crate::ui::widgets;

/// The text.
pub struct Message {
    title: String,
    text: String,
    top: usize,
}

impl Message {
    /// Shows `text` under `title`.
    pub fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { title: title.into(), text: text.into(), top: 0 }
    }
}

impl Layer for Message {
    fn name(&self) -> &'static str {
        "message"
    }

    fn key(&mut self, key: Key, out: &mut Out) {
        match key.code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q') => out.step(Step::Close),
            KeyCode::Char('j') | KeyCode::Down => self.top = (self.top + 1).min(self.text.lines().count()),
            KeyCode::Char('k') | KeyCode::Up => self.top = self.top.saturating_sub(1),
            KeyCode::Char('y') => out.step(Step::Copy(self.text.clone())),
            _ => {}
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let width = area.width.saturating_sub(6).min(100);
        let lines = widgets::wrap(&self.text, usize::from(width) - 4);
        let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2).min(area.height - 4).max(5);
        let inner = widgets::dialog(frame, widgets::middle(area, width, height), &self.title, look);
        for (place, line) in (0u16..inner.height).zip(lines.iter().skip(self.top)) {
            let at = Rect { y: inner.y + place, height: 1, ..inner };
            frame.render_widget(Line::styled(format!(" {line}"), look.style(Role::Text)), at);
        }
    }

    fn hints(&self) -> Vec<(String, String)> {
        vec![("esc".into(), "close".into()), ("y".into(), "copy".into()), ("j k".into(), "scroll".into())]
    }
}
