//! One line asked for at the bottom: a filter, a note, a number.

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph};

use crate::ui::key::Key;
use crate::ui::layer::Layer;
use crate::ui::look::Look;
use crate::ui::screen::Out;
use crate::ui::step::Step;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;
use crate::ui::widgets::input::Input;

/// The most lines that are given to what is wrong with the line.
const PROBLEM_LINES: u16 = 4;

/// What becomes of the line: steps, or why it will not do.
type Finish = Box<dyn Fn(&str) -> Result<Vec<Step>, String>>;

/// The question.
pub struct Prompt {
    label: String,
    help: String,
    input: Input,
    finish: Finish,
    /// Called with every change, for filters that work while one types.
    live: Option<fn(&str) -> Step>,
    before: String,
    problem: Option<String>,
    /// Whether what is typed becomes a change of the fleet.
    changes: bool,
}

impl Prompt {
    /// Asks `label`, with `start` in the line already; `finish` says what the answer leads to.
    pub fn new(
        label: impl Into<String>,
        start: impl Into<String>,
        help: impl Into<String>,
        finish: impl Fn(&str) -> Result<Vec<Step>, String> + 'static,
    ) -> Self {
        let start = start.into();
        Self {
            label: label.into(),
            help: help.into(),
            input: Input::new(start.clone()),
            finish: Box::new(finish),
            live: None,
            before: start,
            problem: None,
            changes: false,
        }
    }

    /// One whose answer changes the fleet: an Enter that came before it could be seen does not count.
    pub fn changing(mut self) -> Self {
        self.changes = true;
        self
    }

    /// What is in the line already is selected, so that typing replaces it.
    pub fn selected(mut self) -> Self {
        self.input = Input::selected(self.before.clone());
        self
    }

    /// Does a step with every change, and with what was there before when it is given up.
    pub fn live(mut self, step: fn(&str) -> Step) -> Self {
        self.live = Some(step);
        self
    }

    fn changed(&mut self, out: &mut Out) {
        self.problem = None;
        if let Some(live) = self.live {
            out.step(live(self.input.text()));
        }
    }
}

impl Layer for Prompt {
    fn name(&self) -> &'static str {
        "prompt"
    }

    fn confirms(&self, key: Key) -> bool {
        self.changes && key.code == KeyCode::Enter
    }

    fn key(&mut self, key: Key, out: &mut Out) {
        match key.code {
            KeyCode::Esc => {
                if let Some(live) = self.live {
                    out.step(live(&self.before));
                }
                out.step(Step::Close);
            }
            KeyCode::Enter => match (self.finish)(self.input.text()) {
                Ok(steps) => {
                    out.step(Step::Close);
                    out.steps.extend(steps);
                }
                Err(problem) => self.problem = Some(problem),
            },
            _ => {
                if self.input.key(key) {
                    self.changed(out);
                }
            }
        }
    }

    fn paste(&mut self, text: &str, out: &mut Out) {
        self.input.insert(text);
        self.changed(out);
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let room = usize::from(area.width).saturating_sub(2);
        let (role, words) = match &self.problem {
            // What is wrong is said whole; help that is cut is the same in the documentation.
            Some(problem) => (Role::Bad, widgets::wrap(problem, room)),
            None => (Role::Hint, vec![text::fit(&text::clean(&self.help), room + 1).into_owned()]),
        };
        let height = u16::try_from(words.len()).unwrap_or(PROBLEM_LINES).clamp(1, PROBLEM_LINES);
        let below = Rect { y: area.bottom().saturating_sub(height), height, ..area };
        let line = Rect { y: below.y.saturating_sub(1), height: 1, ..area };
        frame.render_widget(Clear, line);
        frame.render_widget(Clear, below);
        let words: Vec<Line<'_>> = words.iter().map(|words| Line::from(format!(" {words}"))).collect();
        frame.render_widget(Paragraph::new(words).style(look.style(role)), below);
        self.input.draw(frame, line, &format!(" {} ", self.label), look);
    }

    fn hints(&self) -> Vec<(String, String)> {
        vec![("enter".into(), "take it".into()), ("esc".into(), "leave it".into())]
    }
}
