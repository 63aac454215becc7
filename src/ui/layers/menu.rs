//! A few choices to pick one from: columns to sort by, themes.

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::ui::fuzzy::Matcher;
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

/// One choice.
pub struct Choice {
    /// What it says.
    pub label: String,
    /// What is said beside it.
    pub remark: String,
    /// Makes the step that choosing it leads to.
    pub step: Box<dyn Fn() -> Step>,
    /// Makes the step that shows it while the cursor is on it.
    pub live: Option<Box<dyn Fn() -> Step>>,
}

impl Choice {
    /// A choice with its step.
    pub fn new(label: impl Into<String>, remark: impl Into<String>, step: impl Fn() -> Step + 'static) -> Self {
        Self { label: label.into(), remark: remark.into(), step: Box::new(step), live: None }
    }
}

/// The choices.
pub struct Menu {
    title: String,
    choices: Vec<Choice>,
    input: Input,
    cursor: usize,
    /// Done when nothing is chosen: puts back what `live` changed.
    undo: Option<Box<dyn Fn() -> Step>>,
}

impl Menu {
    /// A menu under a title.
    pub fn new(title: impl Into<String>, choices: Vec<Choice>) -> Self {
        Self { title: title.into(), choices, input: Input::default(), cursor: 0, undo: None }
    }

    /// What is done when nothing is chosen.
    pub fn otherwise(mut self, step: impl Fn() -> Step + 'static) -> Self {
        self.undo = Some(Box::new(step));
        self
    }

    /// The choices that match what was typed, the best first, those of which only the remark matches last; all in their
    /// order while nothing is typed.
    fn found(&self) -> Vec<usize> {
        let mut matcher = Matcher::new(self.input.text());
        let mut score = |choice: &Choice| match matcher.score(&choice.label) {
            Some(score) => Some((true, score)),
            None => Some((false, matcher.score(&choice.remark)?)),
        };
        let scored = self.choices.iter().enumerate().filter_map(|(place, choice)| Some((score(choice)?, place)));
        let mut found: Vec<((bool, u32), usize)> = scored.collect();
        found.sort_by_key(|(score, place)| (std::cmp::Reverse(*score), *place));
        found.into_iter().map(|(_, place)| place).collect()
    }

    fn moved(&mut self, out: &mut Out) {
        let found = self.found();
        self.cursor = self.cursor.min(found.len().saturating_sub(1));
        if let Some(live) = found.get(self.cursor).and_then(|place| self.choices[*place].live.as_ref()) {
            out.step(live());
        }
    }
}

impl Layer for Menu {
    fn name(&self) -> &'static str {
        "menu"
    }

    fn key(&mut self, key: Key, out: &mut Out) {
        match key.code {
            KeyCode::Esc => {
                if let Some(undo) = &self.undo {
                    out.step(undo());
                }
                out.step(Step::Close);
            }
            KeyCode::Down => {
                self.cursor += 1;
                self.moved(out);
            }
            KeyCode::Up => {
                self.cursor = self.cursor.saturating_sub(1);
                self.moved(out);
            }
            KeyCode::Enter => {
                if let Some(place) = self.found().get(self.cursor) {
                    out.step(Step::Close);
                    out.step((self.choices[*place].step)());
                }
            }
            _ => {
                if self.input.key(key) {
                    self.cursor = 0;
                    self.moved(out);
                }
            }
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let found = self.found();
        let widest = self.choices.iter().map(|choice| text::width(&choice.label) + text::width(&choice.remark)).max();
        let width = u16::try_from(widest.unwrap_or(20) + 10).unwrap_or(60).clamp(30, 100);
        let height =
            u16::try_from(self.choices.len()).unwrap_or(40).saturating_add(3).min(area.height.saturating_sub(4));
        let inner = widgets::dialog(frame, widgets::middle(area, width, height), &self.title, look);
        self.input.draw(frame, Rect { height: 1, ..inner }, " find: ", look);
        let rows = usize::from(inner.height.saturating_sub(1));
        let top = (self.cursor + 1).saturating_sub(rows);
        for (line, (place, choice)) in (1u16..).zip(found.iter().enumerate().skip(top).take(rows)) {
            let choice = &self.choices[*choice];
            let ground = if place == self.cursor { Role::Cursor } else { Role::Text };
            // The last column is for the scrollbar.
            let room = usize::from(inner.width).saturating_sub(1);
            let label = text::clean(&choice.label);
            let words = format!(" {}  {}", label, text::clean(&choice.remark));
            let at = Rect { y: inner.y + line, height: 1, ..inner };
            frame.render_widget(Line::styled(text::pad(&words, room), look.style(ground)), at);
        }
        let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        widgets::scrollbar(frame, list, Scrolls::Nothing, (top as u64, rows as u64, found.len() as u64), look);
    }

    fn hints(&self) -> Vec<(String, String)> {
        vec![("enter".into(), "choose".into()), ("esc".into(), "leave".into()), ("type".into(), "to find".into())]
    }
}
