//! The open alerts about a cage: how bad, what is said, the figure, and what to do.

use ratatui::text::{Line, Span};

use super::super::alerts::silenced;
use crate::api::live::OpenAlert;
use crate::domain::AlertStatus;
use crate::ui::events_text::{severity, shortened};
use crate::ui::look::Look;
use crate::ui::theme::Role;
use crate::ui::widgets;

/// How it stands, where that is more than open.
fn stands(open: &OpenAlert, silenced: bool) -> &'static str {
    match open.alert.status {
        _ if silenced => ", silenced",
        AlertStatus::Acknowledged => ", acknowledged",
        _ => "",
    }
}

/// How many lines one takes, unless it is silenced, which may need more.
pub fn height(open: &OpenAlert, room: usize) -> usize {
    let words = |words: &str, before: usize| widgets::wrap(words, room.saturating_sub(before)).len();
    let remedy = open.alert.context.remedy.as_ref().filter(|remedy| !remedy.is_empty());
    words(&shortened(&open.alert.message), 6 + open.alert.severity.as_str().len() + stands(open, false).len())
        + open.figure.as_ref().map_or(0, |figure| words(figure, 6))
        + open.now.as_ref().map_or(0, |now| words(now, 6))
        + remedy.map_or(0, |remedy| words(remedy, 6))
}

/// The lines of one; that under the cursor stands on its ground.
pub fn lines(open: &OpenAlert, here: bool, room: usize, look: &Look<'_>) -> Vec<Line<'static>> {
    let alert = &open.alert;
    let ground = if here { Role::Cursor } else { Role::Text };
    let style = |role: Role| look.theme.over(role, ground);
    let mark = severity(alert.severity);
    let taken = stands(open, silenced(alert, look.now).is_some());
    let pointer = if here { look.sign("▶ ", "> ") } else { "  " };
    let head = format!("{pointer}{} {}{taken}  ", look.mark(mark), alert.severity);
    let before = head.chars().count();
    let mut words = widgets::wrap(&shortened(&alert.message), room.saturating_sub(before)).into_iter();
    let first = vec![
        Span::styled(head, style(mark.role())),
        Span::styled(words.next().unwrap_or_default(), style(Role::Title)),
    ];
    let mut lines = vec![Line::from(first).style(look.style(ground))];
    lines.extend(words.map(|words| Line::styled(format!("{}{words}", " ".repeat(before)), look.style(Role::Title))));
    let below = |front: &'static str, words: &str, role: Role| {
        let wrapped = widgets::wrap(words, room.saturating_sub(6)).into_iter().enumerate();
        let line = |(place, words): (usize, String)| {
            let front = if place == 0 { front } else { "  " };
            Line::from(vec![
                Span::styled(format!("    {front}"), look.style(Role::Accent)),
                Span::styled(words, look.style(role)),
            ])
        };
        wrapped.map(line).collect::<Vec<_>>()
    };
    lines.extend(open.figure.iter().flat_map(|figure| below("  ", figure, Role::Dim)));
    lines.extend(open.now.iter().flat_map(|now| below("  ", now, Role::Text)));
    let remedy = alert.context.remedy.iter().filter(|remedy| !remedy.is_empty());
    lines.extend(remedy.flat_map(|remedy| below(look.sign("→ ", "> "), remedy, Role::Info)));
    lines
}
