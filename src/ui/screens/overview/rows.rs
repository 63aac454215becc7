//! The panels with rows that can be opened: what waits for a human, alerts, deadlines at risk.

use ratatui::text::{Line, Span};

use crate::api::live::{AtRisk, Overview};
use crate::api::triage::{InboxItem, InboxKind, Risk};
use crate::domain::alert::{Alert, AlertStatus};
use crate::domain::system_event::Severity;
use crate::ui::events_text::{said_of, shortened};
use crate::ui::look::{Look, Mark};
use crate::ui::place::Place;
use crate::ui::text;
use crate::ui::theme::Role;

/// A row under the cursor, named so that it is found again when others come above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowId {
    /// Something that waits for a human.
    Inbox(String),
    /// An alert.
    Alert(String),
    /// A task whose deadline is at risk.
    Risk(String),
}

/// All rows in the order in which the cursor goes through them.
pub fn all(overview: &Overview) -> Vec<RowId> {
    let inbox = overview.inbox.iter().map(|item| RowId::Inbox(item.id.clone()));
    let alerts = overview.alerts.iter().map(|alert| RowId::Alert(alert.id.to_string()));
    let risks = overview.at_risk.iter().map(|risk| RowId::Risk(risk.task_id.to_string()));
    inbox.chain(alerts).chain(risks).collect()
}

/// Where a row leads.
pub fn target(overview: &Overview, row: &RowId) -> Option<Place> {
    match row {
        RowId::Inbox(id) => {
            let item = overview.inbox.iter().find(|item| item.id == *id)?;
            crate::ui::screens::inbox::place(item)
        }
        RowId::Alert(_) => Some(Place::Alerts),
        RowId::Risk(id) => Some(Place::Task(id.clone())),
    }
}

/// A row of at most `room` columns: a mark, words that may be cut, words at the right that may not.
struct Words {
    mark: Mark,
    text: String,
    more: String,
    right: String,
}

impl Words {
    fn line(self, here: bool, room: usize, look: &Look<'_>) -> Line<'static> {
        let ground = if here { Role::Cursor } else { Role::Text };
        let style = |role: Role| look.theme.over(role, ground);
        let right = text::width(&self.right);
        let left = room.saturating_sub(right + 5);
        let text = text::fit(&self.text, left).into_owned();
        let more = text::pad(&self.more, left.saturating_sub(text::width(&text)));
        Line::from(vec![
            Span::raw(if here { look.sign("▶ ", "> ") } else { "  " }),
            Span::styled(look.mark(self.mark), style(self.mark.role())),
            Span::raw(" "),
            Span::raw(text),
            Span::styled(more, style(Role::Dim)),
            Span::styled(format!(" {}", self.right), style(Role::Dim)),
        ])
        .style(look.style(ground))
    }
}

/// Something that waits for a human.
pub fn inbox(item: &InboxItem, here: bool, room: usize, look: &Look<'_>) -> Line<'static> {
    let mark = match (item.kind, item.risk) {
        (InboxKind::FailedTask | InboxKind::Alert, _) => Mark::Failed,
        (InboxKind::Artifact, Risk::High) => Mark::Warning,
        (InboxKind::Artifact, Risk::Normal) => Mark::Human,
    };
    let kind = match (item.kind, item.artifact_type) {
        (InboxKind::FailedTask, _) => "failed task".to_owned(),
        (InboxKind::Alert, _) => "alert".to_owned(),
        (InboxKind::Artifact, Some(kind)) => kind.to_string(),
        (InboxKind::Artifact, None) => "artifact".to_owned(),
    };
    let risk = if item.risk == Risk::High { ", decide alone" } else { "" };
    let agent = item.agent.as_deref().map(|agent| format!(" by {}", text::clean(agent))).unwrap_or_default();
    let blocks = match item.blocks {
        0 => String::new(),
        number => format!("blocks {}  ", text::count(number)),
    };
    let words = Words {
        mark,
        text: text::clean(&item.title).into_owned(),
        more: format!("  {kind}{risk}{agent}"),
        right: format!("{blocks}{:>4}", look.age(item.since)),
    };
    words.line(here, room, look)
}

/// An alert.
pub fn alert(alert: &Alert, here: bool, room: usize, look: &Look<'_>) -> Line<'static> {
    let mark = match alert.severity {
        Severity::Info => Mark::Idle,
        Severity::Warning => Mark::Warning,
        Severity::Error | Severity::Critical => Mark::Failed,
    };
    let often = if alert.count > 1 { format!("{} times  ", text::count(alert.count)) } else { String::new() };
    let taken = if alert.status == AlertStatus::Acknowledged { " (taken)" } else { "" };
    let words = Words {
        mark,
        text: text::clean(&format!(
            "{}{taken}: {}",
            shortened(&alert.source),
            said_of(&look.names.speak(&alert.source), &look.names.speak(&alert.message))
        ))
        .into_owned(),
        more: String::new(),
        right: format!("{often}{:>4}", look.age(alert.last_seen)),
    };
    words.line(here, room, look)
}

/// A deadline.
pub fn risk(risk: &AtRisk, here: bool, room: usize, look: &Look<'_>) -> Line<'static> {
    let left = risk.deadline.as_micros() - look.now.as_micros();
    let (mark, due) = if left < 0 {
        (Mark::Failed, format!("late {:>4}", text::age(-left)))
    } else {
        (Mark::Warning, format!("in {:>4}", text::age(left)))
    };
    let words = Words {
        mark,
        text: text::clean(&risk.kind).into_owned(),
        more: format!("  {}", text::clean(&risk.reason)),
        right: due,
    };
    words.line(here, room, look)
}
