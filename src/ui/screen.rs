//! The shape that all screens share, and what they hand back.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::action::Scope;
use super::app::Options;
use super::list::Listing;
use super::look::Look;
use super::pager::Pager;
use super::place::Place;
use super::request::{Answer, Lane, Request, Ticket};
use super::step::Step;
use crate::api::live::Topic;
use crate::api::types::WireCommand;
use crate::domain::{Reply, Timestamp};

/// What an update wants done: requests to the engine and steps for the console.
#[derive(Default)]
pub struct Out {
    next_ticket: Ticket,
    /// Requests, in order.
    pub asks: Vec<super::request::Ask>,
    /// Steps, in order.
    pub steps: Vec<Step>,
}

impl Out {
    /// An empty one whose tickets begin after `last`.
    pub fn after(last: Ticket) -> Self {
        Self { next_ticket: last + 1, ..Self::default() }
    }

    /// The last ticket given out.
    pub const fn last_ticket(&self) -> Ticket {
        self.next_ticket - 1
    }

    /// Asks the engine; of several waiting asks in the same lane only the newest is asked.
    pub fn ask(&mut self, lane: Option<Lane>, request: Request) -> Ticket {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.asks.push(super::request::Ask { ticket, lane, request });
        ticket
    }

    /// Asks for the names of agents, as far as they are not known. Those of users and machines come along.
    pub fn name(&mut self, ids: impl Iterator<Item = impl Display>) {
        let ids: BTreeSet<String> = ids.map(|id| id.to_string()).collect();
        self.step(Step::Name(ids.into_iter().collect()));
    }

    /// Has the console do something.
    pub fn step(&mut self, step: Step) {
        self.steps.push(step);
    }
}

/// What things an action would act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noun {
    /// Tasks.
    Task,
    /// Agents.
    Agent,
    /// Cages.
    Cage,
    /// Artifacts.
    Artifact,
    /// Alerts.
    Alert,
    /// Alert rules.
    Rule,
    /// Silences.
    Silence,
    /// Records of the journal.
    Record,
    /// Attempts at tasks.
    Execution,
}

impl Noun {
    /// `task` or `tasks`.
    pub fn counted(self, number: usize) -> String {
        let name = match self {
            Self::Task => "task",
            Self::Agent => "agent",
            Self::Cage => "cage",
            Self::Artifact => "artifact",
            Self::Alert => "alert",
            Self::Rule => "rule",
            Self::Silence => "silence",
            Self::Record => "record",
            Self::Execution => "execution",
        };
        if number == 1 { format!("1 {name}") } else { format!("{} {name}s", super::text::count(number as u64)) }
    }
}

/// One selected thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its id: what commands take.
    pub id: String,
    /// Its name for people; may be hostile, is cleaned when drawn.
    pub name: String,
    /// Its state in the word of the data model: what actions judge by.
    pub state: String,
    /// Whether it must be decided alone.
    pub high_risk: bool,
    /// Whether it is an array of tasks, of which some may run while it is pending itself.
    pub array: bool,
    /// How many tasks wait until it is judged, as far as the screen knows.
    pub holds_up: u64,
    /// For an artifact or execution: the task it belongs to.
    pub task: Option<String>,
}

/// What is selected: the marked ones, otherwise the one under the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// What they are.
    pub noun: Noun,
    /// Which; may be empty.
    pub items: Vec<Item>,
    /// Whether they were marked, not just under the cursor.
    pub marked: bool,
}

impl Selection {
    /// Whether a change has to be shown before it is made: of several things, and of what is marked, which may be out of
    /// sight. What is under the cursor is in sight.
    pub const fn shown_first(&self) -> bool {
        self.marked || self.items.len() > 1
    }
}

/// What a single action is to act on instead of what the screen has selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aim {
    /// What it acts on.
    pub selection: Selection,
    /// Where that leads.
    pub target: Option<Place>,
}

/// One screen. Each is a module of this shape; none knows another.
pub trait Screen {
    /// Its frame's title: what it shows, filter and count.
    fn title(&self) -> String;

    /// Why its last question was not answered, so that it still shows what came before; `None` when all were answered.
    fn unanswered(&self) -> Option<&str> {
        None
    }

    /// What it shows changes with these.
    fn topics(&self) -> &'static [Topic];

    /// The sections of the keymap that hold here, before `[global]`.
    fn scopes(&self) -> &'static [Scope];

    /// Asks for what is in sight: when it is entered and when its topics changed.
    fn refresh(&mut self, out: &mut Out);

    /// Takes an answer that it asked for; `false` when the ticket is not its own.
    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool;

    /// Learns that no engine heard what it asked: `answer` says why. What it shows stays as it was; `false` when the ticket
    /// is not its own.
    fn unheard(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        self.list().is_some_and(|list| list.unheard(ticket)) || self.answer(ticket, answer, out)
    }

    /// Learns what time it is, on this machine and on the engine's clock, and how the console was started: before
    /// everything else that it is told.
    fn attend(&mut self, now: Instant, wall: Timestamp, options: &Options) {
        let _ = (now, wall, options);
    }

    /// Learns that a change was asked of the engine while it was in sight.
    fn ordered(&mut self, command: &WireCommand, out: &mut Out) {
        let _ = (command, out);
    }

    /// Learns that a change has been answered: what is in sight may have changed before the engine's next notice.
    fn order_answered(&mut self, out: &mut Out) {
        self.refresh(out);
    }

    /// Learns what a change brought that was asked for here, or with `back` what came of taking one back: what is new, or is
    /// back, is what whoever did it looks for next. [`Screen::order_answered`] follows.
    fn brought(&mut self, reply: &Reply, back: bool) {
        let _ = (reply, back);
    }

    /// Learns where it will be drawn, before each drawing.
    fn layout(&mut self, area: Rect, out: &mut Out);

    /// Draws itself.
    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>);

    /// What actions act on here; `None` where nothing can be selected.
    fn selection(&self) -> Option<Selection> {
        None
    }

    /// Where Enter leads.
    fn target(&self) -> Option<Place> {
        None
    }

    /// Where what the thing under the cursor is about is shown.
    fn source(&self) -> Option<Place> {
        self.target()
    }

    /// Its list, for motions, marks, filter and sort.
    fn list(&mut self) -> Option<&mut dyn Listing> {
        None
    }

    /// Its text, for looking at.
    fn text(&self) -> Option<&Pager> {
        None
    }

    /// Its text, for paging, searching and following.
    fn pager(&mut self) -> Option<&mut Pager> {
        None
    }

    /// Learns that its text may have been moved, and asks for what comes into sight.
    fn paged(&mut self, out: &mut Out) {
        let _ = out;
    }

    /// Learns that one has gone elsewhere, and gives up what takes much room and can be asked for again; `true` when it
    /// has to be asked for before it is shown the next time.
    fn left(&mut self) -> bool {
        false
    }

    /// Does what only this screen can; `false` when it does not know the action.
    fn perform(&mut self, action: &str, out: &mut Out) -> bool {
        let _ = (action, out);
        false
    }

    /// Does what only this screen can to one thing that it shows, by its id; `false` when it does not know the action or
    /// shows no such thing.
    fn perform_on(&mut self, action: &str, id: &str, out: &mut Out) -> bool {
        let _ = (action, id, out);
        false
    }

    /// Why the action cannot be done on this screen now; `None` when it can or is not this screen's.
    fn obstacle(&self, action: &str) -> Option<String> {
        let _ = action;
        None
    }

    /// Takes the mouse at a place inside its area; `true` when it did something.
    fn click(&mut self, column: u16, row: u16, out: &mut Out) -> bool {
        let _ = (column, row, out);
        false
    }

    /// Scrolls one of its panels by so many rows, down when positive: what the panel's scrollbar does.
    fn scroll_panel(&mut self, panel: usize, rows: i64) {
        let _ = (panel, rows);
    }

    /// When something in sight or what can be done changes by itself, if it is known to.
    fn next_change(&self) -> Option<Instant> {
        None
    }

    /// Whether something in sight changes with every second, such as the time a task has run.
    fn ticks(&self) -> bool {
        false
    }
}
