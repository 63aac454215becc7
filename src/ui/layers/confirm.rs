//! A question before something that cannot be taken back.

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
use crate::ui::widgets::input::Input;

/// The question.
pub struct Confirm {
    title: String,
    words: Vec<String>,
    /// What has to be typed; where it is empty, `y` will do.
    typed: &'static str,
    input: Input,
    then: Option<Step>,
}

impl Confirm {
    /// Asks before `then` is done. With `typed` the word has to be typed; otherwise `y` says yes, and Enter says no.
    pub fn new(title: impl Into<String>, words: Vec<String>, typed: &'static str, then: Step) -> Self {
        Self { title: title.into(), words, typed, input: Input::default(), then: Some(then) }
    }

    fn agree(&mut self, out: &mut Out) {
        out.step(Step::Close);
        if let Some(step) = self.then.take() {
            out.step(step);
        }
    }
}

impl Layer for Confirm {
    fn name(&self) -> &'static str {
        "confirm"
    }

    fn confirms(&self, _: Key) -> bool {
        true
    }

    fn key(&mut self, key: Key, out: &mut Out) {
        match (key.code, key.typed()) {
            (KeyCode::Enter, _) if !self.typed.is_empty() && self.input.text() == self.typed => self.agree(out),
            (KeyCode::Esc | KeyCode::Enter, _) => out.step(Step::Close),
            (_, Some('y')) if self.typed.is_empty() => self.agree(out),
            (_, Some('n')) if self.typed.is_empty() => out.step(Step::Close),
            _ if !self.typed.is_empty() => {
                self.input.key(key);
            }
            _ => {}
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let columns = area.width.saturating_sub(8).min(76);
        // Without the frame, and the blank before each line.
        let room = usize::from(columns).saturating_sub(3);
        let lines: Vec<String> = self.words.iter().flat_map(|words| widgets::wrap(words, room)).collect();
        let height = u16::try_from(lines.len()).unwrap_or(10).min(area.height.saturating_sub(8)) + 4;
        let inner = widgets::dialog(frame, widgets::middle(area, columns, height), &self.title, look);
        for (place, line) in (0u16..).zip(&lines).take(usize::from(inner.height.saturating_sub(2))) {
            let at = Rect { y: inner.y + place, height: 1, ..inner };
            frame.render_widget(Line::styled(format!(" {line}"), look.style(Role::Text)), at);
        }
        let last = Rect { y: inner.bottom() - 1, height: 1, ..inner };
        if self.typed.is_empty() {
            let words = Line::styled(" y: yes, do it      n, Enter, Esc: no", look.style(Role::Key));
            frame.render_widget(words, last);
        } else {
            self.input.draw(frame, last, &format!(" type {:?}: ", self.typed), look);
        }
    }

    fn hints(&self) -> Vec<(String, String)> {
        let yes = if self.typed.is_empty() { "y" } else { "enter" };
        vec![(yes.into(), "do it".into()), ("esc".into(), "leave it".into())]
    }
}
