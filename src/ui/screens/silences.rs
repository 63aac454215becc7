//! Silences: which alerts call nobody, until when, and why.

use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::api::client::Query;
use crate::api::live::Topic;
use crate::domain::{Silence, Timestamp};
use crate::ui::action::Scope;
use crate::ui::app::Options;
use crate::ui::list::{Cell, Column, List, Listing, Row};
use crate::ui::look::{Look, Mark};
use crate::ui::request::{Answer, Page, Request, Ticket};
use crate::ui::screen::{Item, Noun, Out, Screen, Selection};
use crate::ui::text;
use crate::ui::theme::Role;

/// What fits everything stands as a star.
fn pattern(pattern: Option<&String>) -> String {
    pattern.cloned().unwrap_or_else(|| "*".to_owned())
}

/// How long it goes on.
fn left_over(silence: &Silence, look: &Look<'_>) -> Cell {
    let left = silence.until.as_micros() - look.now.as_micros();
    if left > 0 { Cell::plain(text::age(left)) } else { Cell::of(Role::Dim, "over") }
}

impl Row for Silence {
    const LANE: &'static str = "silences";
    const ORDER: &'static str = "until";
    const EMPTY: &'static str = "Nothing is silenced by rule or source.\n\n+ makes a silence; S at a rule silences all of its alerts.\n\
        What is silenced one by one is among the alerts.";
    const COLUMNS: &'static [Column<Self>] = &[
        Column {
            cell: |silence, _| Cell::plain(pattern(silence.matcher.rule.as_ref())),
            ..Column::text("RULE", 22, 1, Some("rule"))
        },
        Column {
            cell: |silence, _| Cell::of(Role::Accent, pattern(silence.matcher.source.as_ref())),
            ..Column::text("ABOUT", 18, 1, Some("source"))
        },
        Column {
            cell: |silence, _| Cell::plain(text::moment(silence.until)),
            ..Column::text("UNTIL", 20, 2, Some("until"))
        },
        Column { cell: left_over, right: true, ..Column::text("LEFT", 4, 1, None) },
        Column {
            cell: |silence, look| match look.names.of(silence.by) {
                Some(name) => Cell::plain(name),
                None => Cell::of(Role::Dim, text::short_id(&silence.by.to_string())),
            },
            ..Column::text("BY", 10, 3, None)
        },
        Column {
            cell: |silence, look| Cell::of(Role::Dim, look.age(silence.created_at)),
            right: true,
            ..Column::text("AGE", 4, 4, Some("created_at"))
        },
        Column {
            cell: |silence, _| silence.note.as_ref().map_or_else(Cell::unknown, Cell::plain),
            ..Column::text("WHY", 0, 2, None)
        },
    ];

    fn request(query: Query) -> Request {
        Request::Silences(query)
    }

    fn page(answer: &Answer) -> Option<&Page<Self>> {
        match answer {
            Answer::Silences(page) => Some(page),
            _ => None,
        }
    }

    fn item(&self) -> Item {
        let (rule, source) = (pattern(self.matcher.rule.as_ref()), pattern(self.matcher.source.as_ref()));
        Item {
            id: self.id.to_string(),
            name: format!("{rule} about {source}"),
            state: "active".to_owned(),
            high_risk: false,
            array: false,
            holds_up: 0,
            task: None,
        }
    }

    fn mark(&self) -> Mark {
        Mark::Withheld
    }
}

/// The list.
pub struct Silences {
    list: List<Silence>,
}

impl Silences {
    /// All of them, the first to end first.
    pub fn new() -> Self {
        Self { list: List::new(Vec::new()) }
    }
}

impl Screen for Silences {
    fn title(&self) -> String {
        format!("silences {}", self.list.summary())
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic::Alerts]
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Silences, Scope::List]
    }

    fn attend(&mut self, now: Instant, _: Timestamp, _: &Options) {
        self.list.attend(now);
    }

    fn refresh(&mut self, out: &mut Out) {
        self.list.refresh(out);
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        let mine = self.list.answer(ticket, answer, out);
        if mine && let Ok(Answer::Silences(page)) = answer {
            out.name(page.rows.iter().map(|silence| silence.by));
        }
        mine
    }

    fn layout(&mut self, area: Rect, out: &mut Out) {
        self.list.layout(area.height.saturating_sub(1), out);
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        self.list.draw(frame, area, look, true);
    }

    fn selection(&self) -> Option<Selection> {
        let (items, marked) = self.list.selected();
        Some(Selection { noun: Noun::Silence, items, marked })
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
}
