//! Alerts: what needs somebody's eye, and what did.

use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::api::client::Query;
use crate::api::live::Topic;
use crate::api::types::AlertRow;
use crate::domain::alert::AlertFigures;
use crate::domain::{Alert, AlertStatus, Severity, Timestamp};
use crate::ui::action::Scope;
use crate::ui::app::Options;
use crate::ui::events_text::{about, said_of, severity, shortened};
use crate::ui::list::{Cell, Column, List, Listing, Row};
use crate::ui::look::{Look, Mark};
use crate::ui::place::Place;
use crate::ui::request::{Answer, Page, Request, Ticket};
use crate::ui::screen::{Item, Noun, Out, Screen, Selection};
use crate::ui::step::Step;
use crate::ui::text;
use crate::ui::theme::Role;

/// The statuses of what is not over.
const OPEN: &str = "active,acknowledged";
/// The column of when an alert was last seen.
const SEEN: usize = 7;

impl Row for AlertRow {
    const LANE: &'static str = "alerts";
    // What nobody has taken comes first, then the worst: `critical`, `error` and `warning` are in the order of letters.
    const ORDER: &'static str = "-status,type,-last_seen";
    const EMPTY: &'static str = "No alert.\n\nWarnings and errors of the engine, its workers, cages and agents stand here until they are over.\n\
        H shows those that are over.";
    const COLUMNS: &'static [Column<Self>] = &[
        Column {
            cell: |alert, _| Cell::of(severity(alert.severity).role(), alert.severity.as_str()),
            ..Column::text("SEVERITY", 8, 4, Some("type"))
        },
        Column { cell: |alert, look| status(alert, look), ..Column::text("STATUS", 12, 1, Some("status")) },
        Column {
            cell: |alert, _| Cell::of(Role::Accent, shortened(&alert.source)),
            ..Column::text("SOURCE", 16, 2, Some("source"))
        },
        Column {
            cell: |alert, _| Cell::plain(said_of(&alert.source, &alert.message)),
            ..Column::text("MESSAGE", 0, 1, None)
        },
        Column {
            // What the message says is what raised it.
            cell: |alert, _| Cell::plain(alert.figures.as_ref().and_then(AlertFigures::present).unwrap_or_default()),
            ..Column::figure("NOW", 8, 5, None)
        },
        Column {
            cell: |alert, _| Cell::plain(text::count(alert.count)),
            ..Column::figure("TIMES", 6, 3, Some("count"))
        },
        Column {
            cell: |alert, look| Cell::of(Role::Dim, look.age(alert.time)),
            ..Column::figure("AGE", 4, 2, Some("time"))
        },
        Column {
            cell: |alert, look| Cell::of(Role::Dim, look.age(alert.last_seen)),
            ..Column::figure("SEEN", 4, 2, Some("last_seen"))
        },
    ];

    fn request(query: Query) -> Request {
        Request::Alerts(query)
    }

    fn page(answer: &Answer) -> Option<&Page<Self>> {
        match answer {
            Answer::Alerts(page) => Some(page),
            _ => None,
        }
    }

    fn item(&self) -> Item {
        Item {
            id: self.id.to_string(),
            name: format!("{} alert about {}", self.severity, shortened(&self.source)),
            state: self.status.as_str().to_owned(),
            high_risk: false,
            array: false,
            holds_up: 0,
            task: None,
        }
    }

    fn mark(&self) -> Mark {
        match self.status {
            AlertStatus::Resolved => Mark::Done,
            _ => severity(self.severity),
        }
    }
}

/// Until when an alert calls nobody, if it does not.
pub fn silenced(alert: &Alert, now: Timestamp) -> Option<Timestamp> {
    alert.silenced_until.filter(|until| *until > now && alert.status != AlertStatus::Resolved)
}

/// Where an alert stands.
pub fn status(alert: &Alert, look: &Look<'_>) -> Cell {
    if let Some(until) = silenced(alert, look.now) {
        return Cell::of(Role::Dim, format!("silenced {}", text::age(until.as_micros() - look.now.as_micros())));
    }
    let role = match alert.status {
        AlertStatus::Active => Role::Waiting,
        AlertStatus::Acknowledged => Role::Info,
        AlertStatus::Resolved => Role::Good,
    };
    Cell::of(role, alert.status.as_str())
}

/// The list.
pub struct Alerts {
    list: List<AlertRow>,
    /// Whether those are shown that are over.
    over: bool,
}

impl Alerts {
    /// What is not over, what nobody has taken first.
    pub fn new() -> Self {
        Self { list: List::new(vec![("status".to_owned(), OPEN.to_owned())]), over: false }
    }

    fn turn(&mut self, out: &mut Out) {
        self.over = !self.over;
        if self.over {
            self.list = List::new(vec![("status".to_owned(), AlertStatus::Resolved.as_str().to_owned())]);
            // Of what is over the latest comes first; sorting twice is sorting downwards.
            self.list.sort_by(SEEN, &mut Out::default());
            self.list.sort_by(SEEN, out);
        } else {
            *self = Self::new();
            self.list.refresh(out);
        }
    }
}

impl Screen for Alerts {
    fn title(&self) -> String {
        let what = if self.over { "alerts that are over" } else { "alerts" };
        format!("{what} {}", self.list.summary())
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic::Alerts]
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Alerts, Scope::List]
    }

    fn attend(&mut self, now: Instant, _: Timestamp, _: &Options) {
        self.list.attend(now);
    }

    fn refresh(&mut self, out: &mut Out) {
        self.list.refresh(out);
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        self.list.answer(ticket, answer, out)
    }

    fn layout(&mut self, area: Rect, out: &mut Out) {
        self.list.layout(area.height.saturating_sub(1), out);
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        self.list.draw(frame, area, look, true);
    }

    fn selection(&self) -> Option<Selection> {
        let (items, marked) = self.list.selected();
        Some(Selection { noun: Noun::Alert, items, marked })
    }

    fn target(&self) -> Option<Place> {
        self.list.current().and_then(|alert| about(&alert.source, &alert.message))
    }

    fn list(&mut self) -> Option<&mut dyn Listing> {
        Some(&mut self.list)
    }

    fn obstacle(&self, action: &str) -> Option<String> {
        self.list.obstacle(action)
    }

    fn next_change(&self) -> Option<Instant> {
        self.list.armed_at()
    }

    fn perform(&mut self, action: &str, out: &mut Out) -> bool {
        match action {
            "over" => self.turn(out),
            "describe" => {
                if let Some(alert) = self.list.current() {
                    out.step(Step::Go(Place::Alert(alert.id.to_string())));
                }
            }
            _ => return false,
        }
        true
    }
}

/// Whether an alert is bad enough to call somebody who looks elsewhere.
pub fn calls(alert: &Alert, now: Timestamp) -> bool {
    alert.severity >= Severity::Error && alert.status == AlertStatus::Active && silenced(alert, now).is_none()
}
