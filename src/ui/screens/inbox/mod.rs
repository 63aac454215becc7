//! Everything that waits for a human, the dearest delay first, with what it is about beside it.

mod beside;
mod columns;
mod entries;
mod listing;
mod proposing;
mod rows;

use std::collections::BTreeMap;
use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::api::live::Topic;
use crate::api::triage::{InboxItem, InboxKind};
use crate::api::types::WireCommand;
use crate::domain::{Reply, Timestamp};
use crate::ui::action::Scope;
use crate::ui::app::Options;
use crate::ui::arming;
use crate::ui::events_text::about;
use crate::ui::list::Listing;
use crate::ui::look::Look;
use crate::ui::pager::Pager;
use crate::ui::place::Place;
use crate::ui::reader::{Reader, Subject};
use crate::ui::request::{Answer, Ticket};
use crate::ui::screen::{Out, Screen, Selection};
use crate::ui::text;
use entries::{Entries, Row};
use proposing::Proposing;

/// From so many columns on, the text stands beside the list and not below it.
const WIDE: u16 = 130;

/// The inbox.
pub struct Inbox {
    entries: Entries,
    reader: Reader,
    proposing: Proposing,
    wall: Option<Timestamp>,
    ascii: bool,
    /// The columns of its frame.
    width: u16,
}

/// Where its parts are drawn.
struct Parts {
    list: Rect,
    beside: Rect,
    wide: bool,
}

impl Inbox {
    /// The inbox, not yet asked for.
    pub fn new() -> Self {
        Self {
            entries: Entries::new(),
            reader: Reader::new(("inbox text", "inbox text ahead")),
            proposing: Proposing::default(),
            wall: None,
            ascii: false,
            width: u16::MAX,
        }
    }

    fn parts(area: Rect) -> Parts {
        let wide = area.width >= WIDE;
        if wide {
            let width = area.width * 9 / 20;
            let list = Rect { width, ..area };
            let beside = Rect { x: area.x + width + 1, width: area.width - width - 1, ..area };
            Parts { list, beside, wide }
        } else {
            let height = (area.height * 2 / 5).max(4).min(area.height);
            let list = Rect { height, ..area };
            Parts { list, beside: Rect { y: area.y + height, height: area.height - height, ..area }, wide }
        }
    }

    /// How much waits, since when, what it blocks and what is due first; `short` with what one can do without left out.
    fn said(&self, short: bool) -> String {
        let mut parts = vec![format!("inbox {}", self.entries.summary())];
        let items = self.entries.items();
        if let (Some(now), Some(oldest)) = (self.wall, items.iter().map(|item| item.since).min()) {
            let mut waits: Vec<i64> = items.iter().map(|item| now.since(item.since).as_micros()).collect();
            waits.sort_unstable();
            // Of one there is no middle.
            let median = if waits.len() > 1 && !short { waits.get((waits.len() - 1) / 2) } else { None };
            let median = median.map(|median| format!(", median {}", text::age(*median))).unwrap_or_default();
            parts.push(format!("oldest {}{median}", text::age(now.since(oldest).as_micros())));
            let (blocked, most) = blocked(items);
            if blocked > 0 {
                let (most, tasks) = (if most { "up to " } else { "" }, if blocked == 1 { "task" } else { "tasks" });
                let blocked = text::count(blocked);
                parts.push(if short {
                    format!("blocks {most}{blocked}")
                } else {
                    format!("{most}{blocked} {tasks} blocked")
                });
            }
            if let Some(deadline) = items.iter().filter_map(|item| item.blocks_deadline).min() {
                let left = deadline.as_micros() - now.as_micros();
                let age = text::age(left.abs());
                parts.push(match (left < 0, short) {
                    (true, false) => format!("deadline missed {age} ago"),
                    (true, true) => format!("missed {age} ago"),
                    (false, _) => format!("first due in {age}"),
                });
            }
        }
        parts.extend(self.proposing.notice());
        parts.join(" · ")
    }

    /// Has the reader read what the cursor is on, and fetch what it will come to.
    fn read(&mut self, out: &mut Out) {
        self.reader.show(self.entries.current_item().and_then(subject), out);
        if let Some(next) = self.entries.next_item().and_then(subject) {
            self.reader.fetch_ahead(&next.id, next.size, out);
        }
    }
}

/// How many tasks items block, those that block the same ones counted once; and whether that is only the most there can
/// be, because what different ones block may meet further behind.
fn blocked(items: &[InboxItem]) -> (u64, bool) {
    let mut known: BTreeMap<&[String], u64> = BTreeMap::new();
    for item in items.iter().filter(|item| item.blocks > 0) {
        if item.blocked_task_ids.is_empty() {
            // A failed task blocks what depends on it, and nothing else is said of that.
            known.insert(std::slice::from_ref(&item.id), item.blocks);
        } else {
            known.insert(&item.blocked_task_ids, item.blocks);
        }
    }
    (known.values().sum(), known.len() > 1)
}

/// What there is to read of an item; nothing of a failed task or an alert.
fn subject(item: &InboxItem) -> Option<Subject> {
    (item.kind == InboxKind::Artifact).then(|| Subject {
        id: item.id.clone(),
        title: item.title.clone(),
        kind: item.artifact_type,
        size: item.size.unwrap_or(0),
        agent: item.agent.as_ref().map(|name| format!("={name}")),
        made: item.since,
    })
}

/// The screen of an item.
pub fn place(item: &InboxItem) -> Option<Place> {
    match item.kind {
        InboxKind::Artifact => Some(Place::Artifact(item.id.clone(), item.title.clone())),
        InboxKind::FailedTask => item.task_id.clone().map(Place::Task),
        InboxKind::Alert => Some(Place::Alert(item.id.clone())),
    }
}

impl Screen for Inbox {
    fn title(&self) -> String {
        // Of the ways to say it the first for which there is room.
        let long = self.said(false);
        if text::width(&long) + 4 <= usize::from(self.width) { long } else { self.said(true) }
    }

    fn topics(&self) -> &'static [Topic] {
        // What blocks how much changes with tasks, and with that the order.
        &[Topic::Artifacts, Topic::Tasks, Topic::Alerts]
    }

    fn scopes(&self) -> &'static [Scope] {
        match self.entries.kind() {
            Some(InboxKind::Alert) => &[Scope::InboxAlert, Scope::Inbox, Scope::List],
            _ => &[Scope::Inbox, Scope::List],
        }
    }

    fn attend(&mut self, now: Instant, wall: Timestamp, options: &Options) {
        self.entries.arming.set_now(now);
        self.wall = Some(wall);
        // Whoever only looks arms nothing.
        self.proposing.after = if options.read_only { 0 } else { options.propose };
        self.ascii = options.ascii;
    }

    fn refresh(&mut self, out: &mut Out) {
        self.entries.refresh(out);
        self.proposing.refresh(out);
        self.reader.retry(out);
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        self.entries.answer(ticket, answer, out)
            || self.proposing.answer(ticket, answer)
            || self.reader.answer(ticket, answer, out)
    }

    fn ordered(&mut self, command: &WireCommand, _: &mut Out) {
        if let WireCommand::ReviewArtifacts { ids, .. }
        | WireCommand::SnoozeReviews { ids, .. }
        | WireCommand::RetryTasks { ids }
        | WireCommand::AcknowledgeAlerts { ids, .. }
        | WireCommand::SilenceAlerts { ids, .. }
        | WireCommand::ResolveAlerts { ids, .. } = command
        {
            self.entries.decide(ids);
        }
    }

    fn brought(&mut self, reply: &Reply, back: bool) {
        if let (Reply::Items { done, .. }, true) = (reply, back) {
            self.entries.seek(done);
        }
    }

    fn order_answered(&mut self, out: &mut Out) {
        self.entries.order_answered();
        self.entries.refresh(out);
    }

    fn layout(&mut self, area: Rect, out: &mut Out) {
        self.width = area.width + 2;
        let parts = Self::parts(area);
        self.entries.layout(usize::from(parts.list.height.saturating_sub(1)));
        self.entries.arming.drawn();
        self.read(out);
        self.reader.layout(Self::body(parts.beside), self.ascii, out);
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let parts = Self::parts(area);
        rows::draw(&self.entries, frame, parts.list, look);
        self.draw_beside(frame, &parts, look);
    }

    fn selection(&self) -> Option<Selection> {
        Some(self.entries.selection())
    }

    fn target(&self) -> Option<Place> {
        self.entries.current_item().and_then(place)
    }

    fn source(&self) -> Option<Place> {
        let alert = self.entries.current_item()?.alert.as_ref()?;
        about(&alert.source, &alert.message)
    }

    fn list(&mut self) -> Option<&mut dyn Listing> {
        Some(&mut self.entries)
    }

    fn text(&self) -> Option<&Pager> {
        self.reader.subject().map(|_| self.reader.pager())
    }

    fn pager(&mut self) -> Option<&mut Pager> {
        self.reader.subject().is_some().then_some(())?;
        Some(self.reader.pager_mut())
    }

    fn paged(&mut self, out: &mut Out) {
        self.reader.paged(out);
    }

    fn perform(&mut self, action: &str, out: &mut Out) -> bool {
        match action {
            "fold" => return self.entries.toggle_fold(),
            "group" => self.entries.toggle_groups(),
            "proposal" => return self.proposing.open(out),
            "show_snoozed" => self.entries.toggle_snoozed(out),
            "changes" => {
                if self.reader.subject().is_none() {
                    return false;
                }
                self.reader.toggle_changes(out);
            }
            _ => return false,
        }
        true
    }

    fn obstacle(&self, action: &str) -> Option<String> {
        if action == "sort" {
            return Some("the inbox is in the order of what delay costs; / narrows it".to_owned());
        }
        if action == "proposal" {
            return self.proposing.obstacle();
        }
        let marks = arming::marks(action);
        if !marks && (!arming::waits(action) || self.entries.marked() > 0) {
            return None;
        }
        if self.entries.stale {
            return Some(arming::ON_ITS_WAY.to_owned());
        }
        if marks {
            return None;
        }
        let items = self.entries.items();
        let places = match self.entries.current()? {
            Row::Item(place, _) => std::slice::from_ref(place),
            Row::Group(places) => places.as_slice(),
        };
        self.entries.arming.obstacle(places.iter().filter_map(|place| items.get(*place)).map(|item| item.id.as_str()))
    }

    fn next_change(&self) -> Option<Instant> {
        self.entries.arming.next()
    }
}
