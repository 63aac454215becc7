//! What an alert and its rule say of themselves.

use ratatui::text::{Line, Span};

use super::super::alerts::{silenced, status};
use crate::api::types::{AlertRow, AlertRuleRow};
use crate::domain::{AlertMember, AlertRule, Severity};
use crate::ui::events_text::{severity, shortened};
use crate::ui::look::Look;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;

/// Columns of what a fact is called.
const LABEL: usize = 14;

/// A fact, wrapped.
fn fact(label: &str, role: Role, words: &str, room: usize, look: &Look<'_>) -> Vec<Line<'static>> {
    let wrapped = widgets::wrap(words, room.saturating_sub(LABEL));
    let line = |(place, words): (usize, String)| {
        let label = if place == 0 { label } else { "" };
        Line::from(vec![
            Span::styled(text::pad(label, LABEL), look.style(Role::Dim)),
            Span::styled(words, look.style(role)),
        ])
    };
    wrapped.into_iter().enumerate().map(line).collect()
}

/// Those that share an alert, the worst first, in words.
fn shared(members: &[AlertMember]) -> String {
    let named = members.iter().map(|member| match member.severity {
        Severity::Critical => format!("{} (critical)", shortened(&member.source)),
        _ => shortened(&member.source),
    });
    named.collect::<Vec<_>>().join(", ")
}

/// What is known of an alert and of the rule that raised it, if one did; `members` share it.
pub fn lines(
    alert: &AlertRow,
    members: &[AlertMember],
    rule: Option<&AlertRule>,
    room: usize,
    look: &Look<'_>,
) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    let title = look.style(Role::Title);
    lines.extend(widgets::wrap(&alert.message, room).into_iter().map(|words| Line::styled(words, title)));
    if let Some(remedy) = alert.context.remedy.as_ref().filter(|remedy| !remedy.is_empty()) {
        for (place, words) in widgets::wrap(remedy, room.saturating_sub(2)).into_iter().enumerate() {
            let front = if place == 0 { look.sign("→ ", "> ") } else { "  " };
            lines.push(Line::from(vec![
                Span::styled(front, look.style(Role::Accent)),
                Span::styled(words, look.style(Role::Info)),
            ]));
        }
    }
    let mut say = |label: &str, role: Role, words: String| {
        if !words.is_empty() {
            lines.extend(fact(label, role, &words, room, look));
        }
    };
    let stands = status(alert, look);
    let until = silenced(alert, look.now).map(|until| format!(", silenced until {}", text::moment(until)));
    let note = alert.note.as_ref().filter(|note| !note.is_empty()).map(|note| format!(": {note}")).unwrap_or_default();
    let taken = alert.acknowledged_by.map(|id| match look.names.of(id) {
        Some(name) => format!(", taken by {name}"),
        None => format!(", taken by {}", text::short_id(&id.to_string())),
    });
    let words = format!("{}{}{note}{}", alert.status, taken.unwrap_or_default(), until.unwrap_or_default());
    say("severity", severity(alert.severity).role(), alert.severity.to_string());
    say("status", stands.role.unwrap_or(Role::Text), words);
    say("raised", Role::Text, format!("{}, {} ago", text::moment(alert.time), look.age(alert.time)));
    let happened =
        alert.happened(rule.is_some()).map(|words| format!("{words}, last {}", text::moment(alert.last_seen)));
    say("since then", Role::Text, happened.unwrap_or_default());
    say("figure", Role::Text, alert.figure(rule).unwrap_or_default());
    let now = alert.figures.as_ref().map(|it| format!("{}, {} ago", it.said(), look.age(it.worst_at)));
    say("present", Role::Text, now.unwrap_or_default());
    say("shared by", Role::Accent, shared(members));
    say("cause", Role::Text, alert.context.trigger.clone());
    if let Some(resolution) = &alert.resolution {
        let by =
            resolution.by.map(|id| look.names.of(id).map_or_else(|| text::short_id(&id.to_string()), str::to_owned));
        let by = by.map_or_else(|| "by itself".to_owned(), |name| format!("by {name}"));
        say("over", Role::Good, format!("{} {by}", text::moment(resolution.time)));
        say("done", Role::Text, resolution.action.clone().unwrap_or_default());
        say("notes", Role::Text, resolution.notes.clone().unwrap_or_default());
    }
    say("id", Role::Dim, alert.id.to_string());
    lines
}

/// What a rule holds against what: `avg of node_cpu_usage_ratio in 5m >`.
pub fn condition(rule: &AlertRule) -> String {
    format!("{} of {} in {} {}", rule.function, rule.measure(), rule.window, rule.comparison)
}

/// The thresholds of a rule in words: `warning 90%, critical 98%`.
pub fn thresholds(rule: &AlertRule) -> String {
    let named = [("warning", rule.warning), ("critical", rule.critical)];
    let words = named.into_iter().filter_map(|(name, limit)| limit.map(|limit| format!("{name} {limit}")));
    words.collect::<Vec<_>>().join(", ")
}

/// The rule that raised an alert.
pub fn rule(row: &AlertRuleRow, room: usize, look: &Look<'_>) -> Vec<Line<'static>> {
    let rule = &row.rule;
    let hold = if rule.hold.as_micros() > 0 { format!(" for {}", rule.hold) } else { String::new() };
    let off = if rule.enabled { "" } else { "; it is disabled now" };
    let words = format!("{}, for each {}: {} {}{hold}{off}", rule.name, rule.scope, condition(rule), thresholds(rule));
    let words = if rule.scope.label().is_none() { words.replace(", for each ", ", of the ") } else { words };
    let mut lines = fact("rule", Role::Accent, &words, room, look);
    let last = row.last_fired.map(|last| format!(", the last {} ago", look.age(last))).unwrap_or_default();
    let times = match row.fired {
        1 => "once".to_owned(),
        times => format!("{} times", text::count(times)),
    };
    lines.extend(fact("fired", Role::Text, &format!("{times} in all{last}; {} open", row.alerts), room, look));
    lines
}
