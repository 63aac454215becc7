//! What the fleet did: the agents that did best, executions over cages, errors by likeness, who works on whose results, what
//! each day brought, and groups of agents beside the time before. Only the one in sight is asked for, and that seldom: nothing of it changes by the second.

mod agents;
mod collaboration;
mod days;
mod errors;
mod table;
mod timeline;
mod trends;

use std::cell::RefCell;
use std::time::{Duration, Instant};

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use self::agents::Agents;
use self::collaboration::Matrix;
use self::days::Days;
use self::errors::Errors;
use self::timeline::Gantt;
use self::trends::Trends;
use crate::api::live::Topic;
use crate::domain::Timestamp;
use crate::ui::action::Scope;
use crate::ui::app::Options;
use crate::ui::look::Look;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::{Out, Screen};
use crate::ui::theme::Role;
use crate::ui::widgets;

/// The shortest time between two asks of the same dashboard.
const EVERY: Duration = Duration::from_secs(5);

/// So much later the same is still looked at, in microseconds: what is followed is asked for no sooner.
const STILL: i64 = 10_000_000;

/// A dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tab {
    Agents,
    Timeline,
    Errors,
    Collaboration,
    Days,
    Trends,
}

impl Tab {
    const ALL: [Self; 6] = [Self::Agents, Self::Timeline, Self::Errors, Self::Collaboration, Self::Days, Self::Trends];

    const fn name(self) -> &'static str {
        match self {
            Self::Agents => "top agents",
            Self::Timeline => "timeline",
            Self::Errors => "errors",
            Self::Collaboration => "collaboration",
            Self::Days => "days",
            Self::Trends => "trends",
        }
    }

    const fn place(self) -> usize {
        self as usize
    }
}

/// The shape that all dashboards share.
trait Dashboard {
    /// What it asks for now.
    fn request(&self, now: Timestamp) -> Request;

    /// Takes what came of a request that it made, at a time; `false` when it is of another sort.
    fn take(&mut self, request: &Request, answer: &Answer, now: Timestamp) -> bool;

    /// Whether anything came yet.
    fn known(&self) -> bool;

    /// How long a time it looks at, and anything else that it can say in its title.
    fn summary(&self, now: Timestamp) -> String;

    /// Learns how much room there is, without the line of tabs.
    fn layout(&mut self, area: Rect) {
        let _ = area;
    }

    /// How many rows the cursor goes through.
    fn rows(&self) -> usize;

    /// Where the cursor is.
    fn cursor(&mut self) -> &mut usize;

    /// Has the row `top` be the first in sight, of `height` that are: where what is in sight follows from the cursor, the
    /// last of them is the cursor's.
    fn show_from(&mut self, top: usize, height: usize) {
        *self.cursor() = top + height.saturating_sub(1);
    }

    /// Where the row under the cursor leads.
    fn target(&self) -> Option<Place>;

    /// Looks at a longer time, or a shorter one; `false` when there is none.
    fn zoom(&mut self, longer: bool) -> bool;

    /// Looks at an earlier time, or a later one; `false` when it always ends now.
    fn pan(&mut self, back: bool, now: Timestamp) -> bool {
        let _ = (back, now);
        false
    }

    /// Looks at another measure; `false` when there is but one.
    fn measure(&mut self) -> bool {
        false
    }

    /// Draws itself; notes where rows are.
    fn draw(&self, frame: &mut Frame<'_>, area: Rect, drawn: &mut Vec<(Rect, usize)>, look: &Look<'_>);
}

/// The screen.
pub struct Dashboards {
    tab: Tab,
    agents: Agents,
    timeline: Gantt,
    errors: Errors,
    collaboration: Matrix,
    days: Days,
    trends: Trends,
    /// What was asked for last, of which dashboard, when; and the ticket while it is not answered.
    asked: Option<(Tab, Request, Option<Instant>)>,
    ticket: Option<Ticket>,
    /// Whether something may have changed since it was asked for.
    stale: bool,
    error: Option<String>,
    now: (Option<Instant>, Timestamp),
    /// Where rows and tabs were drawn last, for clicks.
    drawn: RefCell<Vec<(Rect, usize)>>,
    tabs: RefCell<Vec<(Rect, Tab)>>,
}

impl Dashboards {
    /// Dashboards that have asked nothing yet.
    pub fn new() -> Self {
        Self {
            tab: Tab::Agents,
            agents: Agents::default(),
            timeline: Gantt::default(),
            errors: Errors::default(),
            collaboration: Matrix::default(),
            days: Days::default(),
            trends: Trends::default(),
            asked: None,
            ticket: None,
            stale: false,
            error: None,
            now: (None, Timestamp::EPOCH),
            drawn: RefCell::default(),
            tabs: RefCell::default(),
        }
    }

    fn here(&self) -> &dyn Dashboard {
        match self.tab {
            Tab::Agents => &self.agents,
            Tab::Timeline => &self.timeline,
            Tab::Errors => &self.errors,
            Tab::Collaboration => &self.collaboration,
            Tab::Days => &self.days,
            Tab::Trends => &self.trends,
        }
    }

    fn here_mut(&mut self) -> &mut dyn Dashboard {
        match self.tab {
            Tab::Agents => &mut self.agents,
            Tab::Timeline => &mut self.timeline,
            Tab::Errors => &mut self.errors,
            Tab::Collaboration => &mut self.collaboration,
            Tab::Days => &mut self.days,
            Tab::Trends => &mut self.trends,
        }
    }

    fn ask(&mut self, request: Request, out: &mut Out) {
        self.ticket = Some(out.ask(Some("dashboard"), request.clone()));
        self.asked = Some((self.tab, request, self.now.0));
        self.stale = false;
    }

    /// Asks when something else is to be looked at than what was asked for last, or what is there is old.
    fn follow(&mut self, out: &mut Out) {
        let request = self.here().request(self.now.1);
        let other = match &self.asked {
            Some((tab, asked, _)) => *tab != self.tab || (*asked != request && !same_view(asked, &request)),
            None => true,
        };
        let due = self.due().is_none_or(|due| self.now.0.is_some_and(|now| now >= due));
        if other || (self.stale && due) {
            self.ask(request, out);
        }
    }

    /// When what is in sight may be asked for again.
    fn due(&self) -> Option<Instant> {
        self.asked.as_ref().and_then(|(.., at)| *at).map(|at| at + EVERY)
    }

    fn go(&mut self, tab: Tab, out: &mut Out) {
        self.tab = tab;
        self.error = None;
        self.follow(out);
    }

    fn put_cursor(&mut self, choose: impl FnOnce(usize, usize) -> usize) {
        let here = self.here_mut();
        if let Some(last) = here.rows().checked_sub(1) {
            let at = *here.cursor();
            *here.cursor() = choose(at, last).min(last);
        }
    }
}

/// Whether two requests differ only in that time went on between them.
fn same_view(one: &Request, other: &Request) -> bool {
    match (one, other) {
        (
            Request::Timeline { time, step, offset, limit },
            Request::Timeline { time: later, step: other_step, offset: other_offset, limit: other_limit },
        ) => {
            let moved = later.1.as_micros() - time.1.as_micros();
            let range = |time: &(Timestamp, Timestamp)| time.1.since(time.0);
            range(time) == range(later)
                && (step, offset, limit) == (other_step, other_offset, other_limit)
                // As far as time itself goes on between two asks.
                && (0..=step.as_micros().max(STILL)).contains(&moved)
        }
        _ => false,
    }
}

impl Screen for Dashboards {
    fn title(&self) -> String {
        format!("{} · {}", self.tab.name(), self.here().summary(self.now.1))
    }

    fn unanswered(&self) -> Option<&str> {
        self.error.as_deref()
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic::Tasks, Topic::Agents, Topic::Cages, Topic::Artifacts]
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Dashboards]
    }

    fn refresh(&mut self, out: &mut Out) {
        self.stale = true;
        self.follow(out);
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, _: &mut Out) -> bool {
        if self.ticket.take_if(|asked| *asked == ticket).is_none() {
            return false;
        }
        let Some((tab, request, _)) = self.asked.clone() else { return true };
        // What was asked for before another was gone to is not shown there.
        if tab != self.tab {
            return true;
        }
        let now = self.now.1;
        self.error = match answer {
            Ok(answer) if self.here_mut().take(&request, answer, now) => None,
            Ok(_) => Some("the engine answered something else".to_owned()),
            Err(message) => Some(message.clone()),
        };
        self.put_cursor(|at, _| at);
        true
    }

    fn attend(&mut self, now: Instant, wall: Timestamp, _: &Options) {
        self.now = (Some(now), wall);
    }

    fn layout(&mut self, area: Rect, out: &mut Out) {
        let body = Rect {
            x: area.x + 1,
            y: area.y + 1,
            width: area.width.saturating_sub(2),
            height: area.height.saturating_sub(1),
        };
        self.here_mut().layout(body);
        self.follow(out);
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let mut drawn = self.drawn.borrow_mut();
        drawn.clear();
        self.draw_tabs(frame, Rect { height: 1, ..area }, look);
        let body = Rect {
            x: area.x + 1,
            y: area.y + 1,
            width: area.width.saturating_sub(2),
            height: area.height.saturating_sub(1),
        };
        if self.here().known() {
            self.here().draw(frame, body, &mut drawn, look);
        } else {
            let words = self.error.as_deref().unwrap_or("asking the engine …");
            widgets::center_text(frame, body, words, look.style(Role::Dim));
        }
    }

    fn target(&self) -> Option<Place> {
        self.here().target()
    }

    fn perform(&mut self, action: &str, out: &mut Out) -> bool {
        let now = self.now.1;
        let count = Tab::ALL.len();
        match action {
            "next_dashboard" => self.go(Tab::ALL[(self.tab.place() + 1) % count], out),
            "previous_dashboard" => self.go(Tab::ALL[(self.tab.place() + count - 1) % count], out),
            "next_row" => self.put_cursor(|at, _| at + 1),
            "previous_row" => self.put_cursor(|at, _| at.saturating_sub(1)),
            "first_row" => self.put_cursor(|_, _| 0),
            "last_row" => self.put_cursor(|_, last| last),
            "range_longer" => {
                self.here_mut().zoom(true);
            }
            "range_shorter" => {
                self.here_mut().zoom(false);
            }
            "earlier" => {
                self.here_mut().pan(true, now);
            }
            "later" => {
                self.here_mut().pan(false, now);
            }
            "another_group" => {
                self.here_mut().measure();
            }
            _ => return false,
        }
        self.follow(out);
        true
    }

    fn obstacle(&self, action: &str) -> Option<String> {
        let words = match action {
            "earlier" | "later" if self.tab != Tab::Timeline => "only the timeline is moved through; this one ends now",
            "another_group" if self.tab == Tab::Timeline => "the timeline is of all executions, whoever did them",
            "open" if self.target().is_none() => "there is nothing under the cursor to open",
            _ => return None,
        };
        Some(words.to_owned())
    }

    fn click(&mut self, column: u16, row: u16, out: &mut Out) -> bool {
        let at = (column, row + crate::ui::view::BODY_TOP);
        let tab = self.tabs.borrow().iter().find(|(area, _)| area.contains(at.into())).map(|(_, tab)| *tab);
        if let Some(tab) = tab {
            self.go(tab, out);
            return true;
        }
        let found = self.drawn.borrow().iter().find(|(area, _)| area.contains(at.into())).map(|(_, row)| *row);
        if let Some(row) = found {
            self.put_cursor(|_, _| row);
            self.follow(out);
        }
        found.is_some()
    }

    fn scroll_panel(&mut self, _: usize, rows: i64) {
        let drawn = self.drawn.borrow();
        let Some((_, top)) = drawn.first().filter(|_| rows != 0) else { return };
        let (top, height) = (*top, drawn.len());
        drop(drawn);
        let here = self.here_mut();
        let last = here.rows().saturating_sub(height);
        here.show_from(top.saturating_add_signed(isize::try_from(rows).unwrap_or(0)).min(last), height);
    }

    fn next_change(&self) -> Option<Instant> {
        self.due().filter(|_| self.stale)
    }
}

impl Dashboards {
    /// The names of all of them, the present one bright.
    fn draw_tabs(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let mut tabs = self.tabs.borrow_mut();
        tabs.clear();
        let mut x = area.x + 1;
        let mut spans = vec![Span::raw(" ")];
        for tab in Tab::ALL {
            let here = tab == self.tab;
            let words = if here { format!("[{}]", tab.name()) } else { format!(" {} ", tab.name()) };
            let width = u16::try_from(words.len()).unwrap_or(0);
            tabs.push((Rect { x, width: width.min(area.right().saturating_sub(x)), ..area }, tab));
            x = x.saturating_add(width + 1);
            spans.push(Span::styled(words, look.style(if here { Role::Accent } else { Role::Dim })));
            spans.push(Span::raw(" "));
        }
        frame.render_widget(Line::from(spans), area);
    }
}
