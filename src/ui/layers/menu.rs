//! A few choices to pick one from: columns to sort by, themes.

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::ui::fuzzy::Matcher;
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
use crate::ui::widgets::choice::Choice as Place;
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
    place: Place,
    /// Done when nothing is chosen: puts back what `live` changed.
    undo: Option<Box<dyn Fn() -> Step>>,
}

impl Menu {
    /// A menu under a title.
    pub fn new(title: impl Into<String>, choices: Vec<Choice>) -> Self {
        Self { title: title.into(), choices, input: Input::default(), place: Place::default(), undo: None }
    }

    /// How many lines its frame has.
    fn lines(&self, area: Rect) -> u16 {
        u16::try_from(self.choices.len()).unwrap_or(40).saturating_add(3).min(area.height.saturating_sub(4))
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

    /// Moves the cursor by so many rows, and shows what it is on.
    fn go(&mut self, rows: isize, out: &mut Out) {
        self.place.go(rows, self.found().len());
        self.moved(out);
    }

    fn moved(&mut self, out: &mut Out) {
        let found = self.found();
        if let Some(live) = found.get(self.place.cursor()).and_then(|place| self.choices[*place].live.as_ref()) {
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
            KeyCode::Down => self.go(1, out),
            KeyCode::Up => self.go(-1, out),
            KeyCode::Enter => {
                if let Some(place) = self.found().get(self.place.cursor()) {
                    out.step(Step::Close);
                    out.step((self.choices[*place].step)());
                }
            }
            _ => {
                if self.input.key(key) {
                    self.place.restart();
                    self.moved(out);
                }
            }
        }
    }

    fn scroll(&mut self, rows: i64, out: &mut Out) {
        self.place.scroll(rows, self.found().len());
        self.moved(out);
    }

    fn layout(&mut self, area: Rect, _: &Names) {
        // Without the frame and the line in which one types.
        let height = usize::from(self.lines(area).saturating_sub(3));
        self.place.layout(height, self.found().len());
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let found = self.found();
        let widest = self.choices.iter().map(|choice| text::width(&choice.label) + text::width(&choice.remark)).max();
        let width = u16::try_from(widest.unwrap_or(20) + 10).unwrap_or(60).clamp(30, 100);
        let inner = widgets::dialog(frame, widgets::middle(area, width, self.lines(area)), &self.title, look);
        self.input.draw(frame, Rect { height: 1, ..inner }, " find: ", look);
        let rows = usize::from(inner.height.saturating_sub(1));
        let top = self.place.top();
        for (line, (place, choice)) in (1u16..).zip(found.iter().enumerate().skip(top).take(rows)) {
            let choice = &self.choices[*choice];
            let ground = if place == self.place.cursor() { Role::Cursor } else { Role::Text };
            // The last column is for the scrollbar.
            let room = usize::from(inner.width).saturating_sub(1);
            let label = text::clean(&choice.label);
            let words = format!(" {}  {}", label, text::clean(&choice.remark));
            let at = Rect { y: inner.y + line, height: 1, ..inner };
            frame.render_widget(Line::styled(text::pad(&words, room), look.style(ground)), at);
        }
        let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        widgets::scrollbar(frame, list, Scrolls::Layer, (top as u64, rows as u64, found.len() as u64), look);
    }

    fn hints(&self) -> Vec<(String, String)> {
        vec![("enter".into(), "choose".into()), ("esc".into(), "leave".into()), ("type".into(), "to find".into())]
    }
}
