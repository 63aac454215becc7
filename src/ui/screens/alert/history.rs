//! What became of an alert, record by record: who did what, when, with which words.

use ratatui::text::{Line, Span};

use crate::api::types::JournalRow;
use crate::domain::event::Event;
use crate::domain::{Actor, Severity, UserId};
use crate::ui::events_text::{event, mark};
use crate::ui::look::{Look, Mark};
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;

/// What happened, a line of the history.
struct Entry {
    time: String,
    mark: Mark,
    who: String,
    what: String,
}

/// The people who acted.
pub fn people(rows: &[JournalRow]) -> impl Iterator<Item = UserId> {
    rows.iter().filter_map(|row| if let Ok(Actor::User(id)) = row.actor.parse() { Some(id) } else { None })
}

/// Who caused a record.
fn who(actor: &str, look: &Look<'_>) -> String {
    let called = |id: &dyn std::fmt::Display| {
        let id = id.to_string();
        look.names.of(&id).map_or_else(|| text::short_id(&id), str::to_owned)
    };
    match actor.parse() {
        Ok(Actor::Engine) => "engine".to_owned(),
        Ok(Actor::User(id)) => called(&id),
        Ok(Actor::Node(id)) => format!("node {}", called(&id)),
        Err(_) => actor.to_owned(),
    }
}

fn with(what: &str, words: Option<&String>) -> String {
    words.filter(|words| !words.is_empty()).map_or_else(|| what.to_owned(), |words| format!("{what}: {words}"))
}

/// What a record says of the alert. `severity` is that before it.
fn what(event: &Event, severity: Option<Severity>) -> String {
    match event {
        Event::AlertRaised(event) => format!("raised as {}: {}", event.alert.severity, event.alert.message),
        Event::AlertRepeated(event) => {
            let how = match severity {
                Some(before) if event.severity > before => format!("escalated to {}", event.severity),
                Some(before) if event.severity < before => format!("eased to {}", event.severity),
                _ if event.left => "fewer share it".to_owned(),
                _ => "came up again".to_owned(),
            };
            format!("{how}: {}", event.message)
        }
        Event::AlertAcknowledged(event) => with("acknowledged", event.note.as_ref()),
        Event::AlertUnacknowledged(_) => "nobody's any more".to_owned(),
        Event::AlertSilenced(event) => match event.until {
            Some(until) => format!("silenced until {}", text::moment(until)),
            None => "shown again".to_owned(),
        },
        Event::AlertResolved(event) => {
            let done = with("resolved", event.resolution.action.as_ref());
            event.resolution.notes.as_ref().map_or(done.clone(), |notes| format!("{done} ({notes})"))
        }
        Event::AlertReopened(_) => "not over after all".to_owned(),
        _ => String::new(),
    }
}

/// The records as entries, the latest first; those that only say the same again are one.
fn entries(rows: &[JournalRow], look: &Look<'_>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut severity = None;
    let (mut again, mut before) = (0_u64, None);
    // From the first on, so that it is known what each changed.
    for row in rows.iter().rev() {
        let time = text::moment(row.time);
        let Some(event) = event(row) else {
            entries.push(Entry { time, mark: Mark::Unknown, who: who(&row.actor, look), what: row.kind.clone() });
            continue;
        };
        let same = match &event {
            Event::AlertRepeated(event) if Some(event.severity) == severity => Some(event.left),
            _ => None,
        };
        let mut what = what(&event, severity);
        severity = match &event {
            Event::AlertRaised(event) => Some(event.alert.severity),
            Event::AlertReopened(event) => Some(event.alert.severity),
            Event::AlertRepeated(event) => Some(event.severity),
            _ => severity,
        };
        again = if same.is_some() && same == before { again + 1 } else { u64::from(same.is_some()) };
        before = same;
        if again > 1 {
            entries.pop();
            what = format!("{what} ({} times)", text::count(again));
        }
        let mark = match &event {
            Event::AlertAcknowledged(_) => Mark::Starting,
            Event::AlertSilenced(_) => Mark::Withheld,
            event => mark(event),
        };
        entries.push(Entry { time, mark, who: who(&row.actor, look), what });
    }
    entries.reverse();
    entries
}

/// The history under its heading.
pub fn lines(rows: &[JournalRow], room: usize, look: &Look<'_>) -> Vec<Line<'static>> {
    const WHO: usize = 12;
    const TIME: usize = 20;
    let dim = look.style(Role::Dim);
    let mut lines = vec![Line::styled("HISTORY", look.style(Role::Heading))];
    if rows.is_empty() {
        lines.push(Line::styled("  asking the engine …", dim));
    }
    for entry in entries(rows, look) {
        let indent = TIME + 1 + 2 + WHO + 1;
        let wrapped = widgets::wrap(&entry.what, room.saturating_sub(indent).max(20));
        for (place, words) in wrapped.into_iter().enumerate() {
            let front = if place == 0 {
                vec![
                    Span::styled(format!("{} ", text::pad(&entry.time, TIME)), dim),
                    Span::styled(format!("{} ", look.mark(entry.mark)), look.style(entry.mark.role())),
                    Span::styled(format!("{} ", text::pad(&text::clean(&entry.who), WHO)), look.style(Role::Accent)),
                ]
            } else {
                vec![Span::raw(" ".repeat(indent))]
            };
            lines.push(Line::from(front.into_iter().chain([Span::raw(words)]).collect::<Vec<_>>()));
        }
    }
    lines
}
