//! Artifacts: what agents made, judged and not, with the text beside where there is room.

use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::api::client::Query;
use crate::api::live::Topic;
use crate::api::types::WireCommand;
use crate::domain::{Artifact, ReviewState, Timestamp};
use crate::ui::action::Scope;
use crate::ui::app::Options;
use crate::ui::list::{Cell, Column, List, Listing, Row};
use crate::ui::look::{Look, Mark};
use crate::ui::pager::Pager;
use crate::ui::place::Place;
use crate::ui::reader::{Reader, Subject};
use crate::ui::request::{Answer, Page, Request, Ticket};
use crate::ui::screen::{Item, Noun, Out, Screen, Selection};
use crate::ui::text::{self, short_id};
use crate::ui::theme::Role;

/// From so many columns on, the text stands beside the list.
const WIDE: u16 = 150;

/// How the state of a review is marked.
pub const fn mark(state: ReviewState) -> Mark {
    match state {
        ReviewState::Pending => Mark::Human,
        ReviewState::Approved => Mark::Done,
        ReviewState::Rejected => Mark::Failed,
    }
}

/// What there is to read of an artifact.
pub fn subject(artifact: &Artifact) -> Subject {
    Subject {
        id: artifact.id.to_string(),
        title: artifact.title.clone(),
        kind: Some(artifact.kind),
        size: artifact.size,
        agent: Some(artifact.agent_id.to_string()),
        made: artifact.created_at,
    }
}

/// What actions on an artifact act on.
pub fn item(artifact: &Artifact) -> Item {
    Item {
        id: artifact.id.to_string(),
        name: artifact.title.clone(),
        state: artifact.review.state.as_str().to_owned(),
        high_risk: artifact.high_risk,
        array: false,
        holds_up: 0,
        task: Some(artifact.task_id.to_string()),
    }
}

impl Row for Artifact {
    const LANE: &'static str = "artifacts";
    const ORDER: &'static str = "-created_at";
    const EMPTY: &'static str =
        "There is no artifact yet.\n\nWhat agents leave in their artifact folder, or report as one, is kept here.";
    const COLUMNS: &'static [Column<Self>] = &[
        Column {
            title: "REVIEW",
            width: 8,
            right: false,
            rank: 1,
            sort: Some("status"),
            cell: |artifact, _| Cell::of(mark(artifact.review.state).role(), artifact.review.state.as_str()),
        },
        Column {
            title: "TYPE",
            width: 8,
            right: false,
            rank: 2,
            sort: Some("type"),
            cell: |artifact, _| Cell::plain(artifact.kind.as_str()),
        },
        Column {
            title: "TITLE",
            width: 0,
            right: false,
            rank: 1,
            sort: Some("title"),
            cell: |artifact, _| Cell::plain(&artifact.title),
        },
        Column { title: "AGENT", width: 12, right: false, rank: 3, sort: None, cell: agent },
        Column {
            title: "TASK",
            width: 8,
            right: false,
            rank: 4,
            sort: None,
            cell: |artifact, _| Cell::of(Role::Dim, short_id(&artifact.task_id.to_string())),
        },
        Column {
            title: "SIZE",
            width: 5,
            right: true,
            rank: 3,
            sort: Some("size"),
            cell: |artifact, _| Cell::plain(size(artifact.size)),
        },
        Column {
            title: "AGE",
            width: 4,
            right: true,
            rank: 1,
            sort: Some("created_at"),
            cell: |artifact, look| Cell::of(Role::Dim, look.age(artifact.created_at)),
        },
        Column {
            title: "NOTE",
            width: 24,
            right: false,
            rank: 5,
            sort: None,
            cell: |artifact, _| Cell::of(Role::Dim, artifact.review.note.as_deref().unwrap_or_default()),
        },
    ];

    fn request(query: Query) -> Request {
        Request::Artifacts(query)
    }

    fn page(answer: &Answer) -> Option<&Page<Self>> {
        match answer {
            Answer::Artifacts(page) => Some(page),
            _ => None,
        }
    }

    fn item(&self) -> Item {
        item(self)
    }

    fn mark(&self) -> Mark {
        mark(self.review.state)
    }
}

fn agent(artifact: &Artifact, look: &Look<'_>) -> Cell {
    match look.names.of(artifact.agent_id) {
        Some(name) => Cell::plain(name),
        // Not asked for yet, or the agent was removed: its id says at least which are by the same one.
        None => Cell::of(Role::Dim, short_id(&artifact.agent_id.to_string())),
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn size(bytes: u64) -> String {
    text::bytes(bytes as f64)
}

/// The list.
pub struct Artifacts {
    list: List<Artifact>,
    reader: Reader,
    ascii: bool,
    wide: bool,
}

impl Artifacts {
    /// All artifacts, the newest first.
    pub fn new() -> Self {
        Self {
            list: List::new(Query::new()),
            reader: Reader::new(("artifacts text", "artifacts text ahead")),
            ascii: false,
            wide: false,
        }
    }

    fn parts(area: Rect) -> (Rect, Option<Rect>) {
        if area.width < WIDE {
            return (area, None);
        }
        let width = area.width * 11 / 20;
        let beside = Rect { x: area.x + width + 1, width: area.width - width - 1, ..area };
        (Rect { width, ..area }, Some(beside))
    }

    fn body(beside: Rect) -> Rect {
        let head = 3.min(beside.height);
        Rect { x: beside.x + 1, y: beside.y + head, width: beside.width - 1, height: beside.height - head }
    }
}

impl Screen for Artifacts {
    fn title(&self) -> String {
        format!("artifacts {}", self.list.summary())
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic::Artifacts]
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Artifacts, Scope::List]
    }

    fn attend(&mut self, now: Instant, _: Timestamp, options: &Options) {
        self.list.attend(now);
        self.ascii = options.ascii;
    }

    fn refresh(&mut self, out: &mut Out) {
        self.list.refresh(out);
        self.reader.retry(out);
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        if self.list.answer(ticket, answer, out) {
            if let Ok(Answer::Artifacts(page)) = answer {
                out.name(page.rows.iter().map(|artifact| artifact.agent_id));
            }
            return true;
        }
        self.reader.answer(ticket, answer, out)
    }

    fn ordered(&mut self, command: &WireCommand, out: &mut Out) {
        let here = self.list.current().map(|artifact| artifact.id.to_string());
        if let (WireCommand::ReviewArtifacts { ids, .. }, Some(here)) = (command, here)
            && ids.contains(&here)
        {
            self.list.go_on(out);
        }
    }

    fn layout(&mut self, area: Rect, out: &mut Out) {
        let (list, beside) = Self::parts(area);
        self.list.layout(list.height.saturating_sub(1), out);
        self.wide = beside.is_some();
        if let Some(beside) = beside {
            self.reader.show(self.list.current().map(subject), out);
            self.reader.layout(Self::body(beside), self.ascii, out);
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let (list, beside) = Self::parts(area);
        self.list.draw(frame, list, look, true);
        let Some(beside) = beside else { return };
        for y in beside.y..beside.bottom() {
            let at = Rect { x: beside.x - 1, y, width: 1, height: 1 };
            frame.render_widget(Line::styled(look.sign("│", "|"), look.style(Role::Border)), at);
        }
        if let Some(artifact) = self.list.current() {
            for (y, line) in (beside.y..beside.bottom()).zip(super::artifact::head(artifact, &self.reader, look)) {
                frame.render_widget(line, Rect { y, height: 1, ..beside });
            }
            self.reader.draw(frame, Self::body(beside), look);
        }
    }

    fn selection(&self) -> Option<Selection> {
        let (items, marked) = self.list.selected();
        Some(Selection { noun: Noun::Artifact, items, marked })
    }

    fn target(&self) -> Option<Place> {
        self.list.current().map(|artifact| Place::Artifact(artifact.id.to_string(), artifact.title.clone()))
    }

    fn list(&mut self) -> Option<&mut dyn Listing> {
        Some(&mut self.list)
    }

    fn obstacle(&self, action: &str) -> Option<String> {
        if !self.wide && matches!(action, "text_down" | "text_up") {
            return Some("there is no text beside the list; Enter opens it".to_owned());
        }
        self.list.obstacle(action)
    }

    fn next_change(&self) -> Option<Instant> {
        self.list.armed_at()
    }

    fn text(&self) -> Option<&Pager> {
        self.wide.then(|| self.reader.pager())
    }

    fn pager(&mut self) -> Option<&mut Pager> {
        self.wide.then(|| self.reader.pager_mut())
    }

    fn paged(&mut self, out: &mut Out) {
        self.reader.paged(out);
    }

    fn perform(&mut self, action: &str, out: &mut Out) -> bool {
        if action != "changes" || !self.wide {
            return false;
        }
        self.reader.toggle_changes(out);
        true
    }
}
