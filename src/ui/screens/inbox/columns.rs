//! The columns of the inbox.

use crate::api::triage::{InboxItem, InboxKind, Risk};
use crate::domain::Timestamp;
use crate::ui::events_text::{severity, shortened};
use crate::ui::list::{Cell, Column};
use crate::ui::look::{Look, Mark};
use crate::ui::text;
use crate::ui::theme::Role;

/// The columns in order. There is nothing to sort by: the order is what the engine finds dearest.
pub const COLUMNS: &[Column<InboxItem>] = &[
    Column { title: "WHAT", width: 8, right: false, rank: 1, sort: None, cell: |item, _| Cell::plain(what(item)) },
    Column { title: "TITLE", width: 0, right: false, rank: 1, sort: None, cell: title },
    Column { title: "AGENT", width: 12, right: false, rank: 3, sort: None, cell: |item, _| agent(item) },
    Column { title: "FOR", width: 12, right: false, rank: 4, sort: None, cell: |item, _| purpose(item) },
    Column {
        title: "BLOCKS",
        width: 6,
        right: true,
        rank: 2,
        sort: None,
        cell: |item, look| blocks(item.blocks, look),
    },
    Column {
        title: "DUE",
        width: 5,
        right: true,
        rank: 2,
        sort: None,
        cell: |item, look| due(item.blocks_deadline, look),
    },
    Column {
        title: "AGE",
        width: 4,
        right: true,
        rank: 1,
        sort: None,
        cell: |item, look| Cell::of(Role::Dim, look.age(item.since)),
    },
    Column { title: "SIZE", width: 5, right: true, rank: 5, sort: None, cell: |item, _| size(item.size) },
];

/// The place of the column of titles.
pub const TITLE: usize = 1;

/// The title; of what was put off also for how long still.
fn title(item: &InboxItem, look: &Look<'_>) -> Cell {
    // What the engine says calls things by ids.
    let title = if item.alert.is_some() { look.names.speak(&item.title) } else { item.title.clone() };
    match item.snoozed_until.filter(|until| *until > look.now) {
        Some(until) => {
            let left = text::age(until.as_micros() - look.now.as_micros());
            Cell::of(Role::Dim, format!("put off for {left} more: {title}"))
        }
        None => Cell::plain(title),
    }
}

/// What an item is, in a word.
pub fn what(item: &InboxItem) -> &'static str {
    match item.kind {
        InboxKind::Artifact => item.artifact_type.map_or("artifact", |kind| kind.as_str()),
        InboxKind::FailedTask => "failed",
        InboxKind::Alert => item.alert.as_ref().map_or("alert", |alert| alert.severity.as_str()),
    }
}

/// The mark in front of an item.
pub fn mark(item: &InboxItem) -> Mark {
    if let Some(alert) = &item.alert {
        return severity(alert.severity);
    }
    match (item.risk, item.kind) {
        (Risk::High, _) => Mark::Warning,
        (Risk::Normal, InboxKind::Artifact) => Mark::Human,
        (Risk::Normal, InboxKind::FailedTask | InboxKind::Alert) => Mark::Failed,
    }
}

/// Who made it; of an alert what it is about.
fn agent(item: &InboxItem) -> Cell {
    if let (None, Some(alert)) = (&item.agent, &item.alert) {
        return Cell::plain(shortened(&alert.source));
    }
    item.agent.as_ref().map_or_else(|| Cell::of(Role::Dim, "(gone)"), Cell::plain)
}

/// For which type of task it was made; of an alert what raised it.
fn purpose(item: &InboxItem) -> Cell {
    let trigger = item.alert.as_ref().map(|alert| &alert.context.trigger);
    item.task_type.as_ref().or(trigger).map_or_else(Cell::unknown, |words| Cell::of(Role::Dim, words))
}

/// How many tasks it blocks; nothing is said where it blocks none, so that those that do stand out.
pub fn blocks(number: u64, look: &Look<'_>) -> Cell {
    if number == 0 { Cell::of(Role::Dim, look.sign("·", ".")) } else { Cell::of(Role::Warn, text::count(number)) }
}

/// How long until a deadline; late ones have a minus.
pub fn due(deadline: Option<Timestamp>, look: &Look<'_>) -> Cell {
    let Some(deadline) = deadline else { return Cell::of(Role::Dim, look.sign("·", ".")) };
    let left = deadline.as_micros() - look.now.as_micros();
    let role = match left {
        ..0 => Role::Bad,
        0..3_600_000_000 => Role::Warn,
        _ => Role::Text,
    };
    Cell::of(role, text::left(left))
}

#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn size(size: Option<u64>) -> Cell {
    size.map_or_else(Cell::unknown, |size| Cell::of(Role::Dim, text::bytes(size as f64)))
}
