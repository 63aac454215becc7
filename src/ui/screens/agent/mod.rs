//! One agent: what it is and does, its record, and what it attempted.

mod attempt;
mod facts;

use std::cell::Cell;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use self::facts::{Fact, facts};
use crate::api::live::Topic;
use crate::domain::{Cage, ExecutionStatus};
use crate::ui::action::Scope;
use crate::ui::gather::{AgentRow, AttemptRow};
use crate::ui::list::{List, Listing, Row};
use crate::ui::look::Look;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::{Noun, Out, Screen, Selection};
use crate::ui::scrollbars::Scrolls;
use crate::ui::step::Step;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;

/// From this width on, facts stand beside the attempts.
const BESIDE_FROM: u16 = 110;
/// How wide they then are.
const FACTS_WIDTH: u16 = 58;
/// How many lines they get above the attempts.
const FACTS_LINES: u16 = 9;
/// The columns of a label.
const LABEL: usize = 12;
/// The most lines of one fact.
const LINES_MAX: usize = 60;

/// What is known of the agent.
pub struct OneAgent {
    id: String,
    name: String,
    row: Option<AgentRow>,
    /// Whether the engine said that there is no such agent.
    gone: bool,
    cage: Option<Cage>,
    error: Option<String>,
    attempts: List<AttemptRow>,
    row_asked: Option<Ticket>,
    cage_asked: Option<Ticket>,
    /// The first line in sight of what is known of it.
    facts_top: usize,
    /// How many lines there are of that, and how many were in sight, as of the last drawing.
    facts_drawn: Cell<(usize, usize)>,
    /// Where it was drawn last, for the mouse.
    area: Rect,
}

impl OneAgent {
    /// The agent of an id.
    pub fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            row: None,
            gone: false,
            cage: None,
            error: None,
            attempts: List::new(vec![("agent".to_owned(), id.to_owned())]),
            row_asked: None,
            cage_asked: None,
            facts_top: 0,
            facts_drawn: Cell::new((0, 0)),
            area: Rect::ZERO,
        }
    }

    fn take_row(&mut self, answer: &Result<Answer, String>, out: &mut Out) {
        match answer {
            Ok(Answer::AgentRows(page)) => {
                self.error = None;
                self.gone = page.rows.is_empty();
                if let Some(row) = page.rows.first() {
                    out.name(std::iter::once(row.agent.id));
                    let cage = row.agent.cage_id.or(row.agent.spec.cage);
                    if cage != self.cage.as_ref().map(|cage| cage.id) {
                        self.cage = None;
                        self.cage_asked = cage.map(|cage| out.ask(Some("agent-cage"), Request::Cage(cage.to_string())));
                    }
                    self.row = Some(row.clone());
                }
            }
            Ok(_) => self.error = Some("the engine answered something else".to_owned()),
            Err(message) => self.error = Some(message.clone()),
        }
    }

    /// Where facts and attempts stand.
    fn areas(area: Rect) -> (Rect, Rect) {
        if area.width >= BESIDE_FROM {
            let left = Rect { width: FACTS_WIDTH, ..area };
            let right = Rect { x: area.x + FACTS_WIDTH + 1, width: area.width - FACTS_WIDTH - 1, ..area };
            return (left, right);
        }
        let lines = FACTS_LINES.min(area.height / 2);
        let below = Rect { y: area.y + lines, height: area.height - lines, ..area };
        (Rect { height: lines, ..area }, below)
    }

    fn draw_facts(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let Some(row) = &self.row else {
            let words = match (&self.error, self.gone) {
                (Some(error), _) => error.as_str(),
                (None, true) => "This agent was removed.\nEsc goes back.",
                (None, false) => "asking the engine …",
            };
            widgets::center_text(frame, area, words, look.style(Role::Dim));
            return;
        };
        let mut facts = facts(row, self.cage.as_ref(), look);
        if self.gone {
            let words = "This agent was removed; what you see is how it was.".to_owned();
            facts.insert(0, Fact { label: "removed", words, role: Role::Warn });
        }
        let room = usize::from(area.width).saturating_sub(LABEL + 3);
        let mut lines = Vec::new();
        for fact in &facts {
            // However long a script is, no more of it is looked at than can be shown.
            let head: String = fact.words.chars().take(LINES_MAX * room.max(1)).collect();
            let words = widgets::wrap(&head, room);
            let cut = words.len() > LINES_MAX || head.len() < fact.words.len();
            for (turn, words) in words.into_iter().take(LINES_MAX).enumerate() {
                let label = if turn == 0 { fact.label } else { "" };
                lines.push(Line::from(vec![
                    Span::styled(format!(" {}", text::pad(label, LABEL)), look.style(Role::Dim)),
                    Span::styled(words, look.style(fact.role)),
                ]));
            }
            if cut {
                let words = format!(" {}… menagerie agent show has all of it", " ".repeat(LABEL));
                lines.push(Line::styled(words, look.style(Role::Dim)));
            }
        }
        let height = usize::from(area.height);
        let top = self.facts_top.min(lines.len().saturating_sub(height));
        self.facts_drawn.set((lines.len(), height));
        let total = lines.len() as u64;
        for (y, line) in (area.y..area.bottom()).zip(lines.into_iter().skip(top)) {
            frame.render_widget(line, Rect { y, height: 1, width: area.width.saturating_sub(1), ..area });
        }
        widgets::scrollbar(frame, area, Scrolls::Panel(0), (top as u64, height as u64, total), look);
    }

    /// Moves what is in sight of the facts by so many lines.
    fn scroll_facts(&mut self, by: isize) {
        let (total, height) = self.facts_drawn.get();
        let last = total.saturating_sub(height);
        self.facts_top = self.facts_top.min(last).saturating_add_signed(by).min(last);
    }
}

impl Screen for OneAgent {
    fn title(&self) -> String {
        format!("agent {} · attempts {}", self.name, self.attempts.summary())
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic::Agents, Topic::Tasks, Topic::Usage]
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Agent, Scope::List]
    }

    fn refresh(&mut self, out: &mut Out) {
        // The field answers to names as well as to ids.
        let query = vec![("agent".to_owned(), self.id.clone()), ("limit".to_owned(), "1".to_owned())];
        self.row_asked = Some(out.ask(Some("agent"), Request::AgentRows(query)));
        self.attempts.refresh(out);
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        if self.row_asked.take_if(|asked| *asked == ticket).is_some() {
            self.take_row(answer, out);
        } else if self.cage_asked.take_if(|asked| *asked == ticket).is_some() {
            if let Ok(Answer::Cage(cage)) = answer {
                self.cage = Some((**cage).clone());
            }
        } else {
            return self.attempts.answer(ticket, answer, out);
        }
        true
    }

    fn layout(&mut self, area: Rect, out: &mut Out) {
        self.area = area;
        let (_, list) = Self::areas(area);
        self.attempts.layout(list.height.saturating_sub(1), out);
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let (left, right) = Self::areas(area);
        self.draw_facts(frame, left, look);
        if right.y == area.y {
            for y in area.y..area.bottom() {
                let bar = Line::styled(look.sign("│", "|"), look.style(Role::Border));
                frame.render_widget(bar, Rect { x: right.x - 1, y, width: 1, height: 1 });
            }
        }
        self.attempts.draw(frame, right, look, true);
    }

    /// Actions are about the agent; attempts are only looked at.
    fn selection(&self) -> Option<Selection> {
        let items = self.row.iter().filter(|_| !self.gone).map(Row::item).collect();
        Some(Selection { noun: Noun::Agent, items, marked: false })
    }

    fn target(&self) -> Option<Place> {
        self.attempts.current().map(|row| Place::Task(row.execution.task_id.to_string()))
    }

    fn list(&mut self) -> Option<&mut dyn Listing> {
        Some(&mut self.attempts)
    }

    fn perform(&mut self, action: &str, out: &mut Out) -> bool {
        let page = isize::try_from(self.facts_drawn.get().1).unwrap_or(1).saturating_sub(1).max(1);
        match action {
            "attempt_output" => {}
            "facts_down" => {
                self.scroll_facts(page);
                return true;
            }
            "facts_up" => {
                self.scroll_facts(-page);
                return true;
            }
            _ => return false,
        }
        if let Some(row) = self.attempts.current() {
            let (task, id) = (row.execution.task_id.to_string(), row.execution.id.to_string());
            out.step(Step::Go(Place::Attempt(task, id)));
        }
        true
    }

    fn obstacle(&self, action: &str) -> Option<String> {
        let words = match action {
            "attempt_output" if self.attempts.current().is_none() => "it has attempted nothing yet",
            "facts_down" | "facts_up" if self.facts_drawn.get().0 <= self.facts_drawn.get().1 => {
                "all that is known of it is in sight"
            }
            "mark" | "mark_range" | "mark_all" => "attempts are only looked at; actions here are about the agent",
            _ => return None,
        };
        Some(words.to_owned())
    }

    fn click(&mut self, column: u16, row: u16, out: &mut Out) -> bool {
        let (_, list) = Self::areas(self.area);
        let inside = column >= list.x;
        if let Some(row) = row.checked_sub(list.y - self.area.y).filter(|_| inside) {
            self.attempts.click(row, out);
        }
        true
    }

    fn scroll_panel(&mut self, _: usize, rows: i64) {
        self.scroll_facts(isize::try_from(rows).unwrap_or(0));
    }

    fn ticks(&self) -> bool {
        self.attempts.visible().any(|row| row.execution.status == ExecutionStatus::Running)
    }
}
