//! What stands beside the list: the text that is to be judged, what is alike in a group, or what failed.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::columns::{self as fields};
use super::entries::Row;
use super::{Inbox, Parts, rows};
use crate::api::triage::{InboxItem, InboxKind, Risk};
use crate::domain::alert::AlertFigures;
use crate::ui::events_text::severity;
use crate::ui::look::{Look, Mark};
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;

/// Lines above the text: its title, two of facts, and an empty one where there is room.
const fn head_lines(area: Rect) -> u16 {
    match area.height {
        0..3 => area.height,
        3..16 => 3,
        _ => 4,
    }
}

impl Inbox {
    /// Where the text is drawn.
    pub(super) fn body(area: Rect) -> Rect {
        let head = head_lines(area);
        Rect { x: area.x + 1, y: area.y + head, width: area.width.saturating_sub(1), height: area.height - head }
    }

    pub(super) fn draw_beside(&self, frame: &mut Frame<'_>, parts: &Parts, look: &Look<'_>) {
        let area = parts.beside;
        if parts.wide {
            for y in area.y..area.bottom() {
                let at = Rect { x: area.x - 1, y, width: 1, height: 1 };
                frame.render_widget(Line::styled(look.sign("│", "|"), look.style(Role::Border)), at);
            }
        }
        if area.height <= 3 {
            return;
        }
        let body = Self::body(area);
        match self.entries.current() {
            None => head(frame, parts, look, Mark::Idle, "", [Line::default(), Line::default()]),
            Some(Row::Item(place, _)) => {
                let Some(item) = self.entries.items().get(*place) else { return };
                let facts = [self.facts(item, look), stakes(item, look)];
                head(frame, parts, look, fields::mark(item), &item.title, facts);
                match item.kind {
                    InboxKind::Artifact => self.reader.draw(frame, body, look),
                    InboxKind::FailedTask => draw_failure(item, frame, body, look),
                    InboxKind::Alert => draw_alert(item, frame, body, look),
                }
            }
            Some(Row::Group(places)) => {
                let members: Vec<&InboxItem> =
                    places.iter().filter_map(|place| self.entries.items().get(*place)).collect();
                let words = "Keys act on all of them, with a list to look at first; those of high risk are left out.";
                let facts = [Line::styled(format!(" {words}"), look.style(Role::Dim)), Line::default()];
                head(frame, parts, look, Mark::Human, &rows::label(&members), facts);
                draw_members(&members, frame, body, look);
            }
        }
    }
}

fn head(frame: &mut Frame<'_>, parts: &Parts, look: &Look<'_>, mark: Mark, title: &str, facts: [Line<'static>; 2]) {
    let area = parts.beside;
    let room = usize::from(area.width);
    let title = text::fit(&text::clean(title), room.saturating_sub(8)).into_owned();
    let mut spans = Vec::new();
    if !parts.wide {
        spans.push(Span::styled(look.sign("──", "--"), look.style(Role::Border)));
    }
    if !title.is_empty() {
        spans.push(Span::styled(format!(" {} ", look.mark(mark)), look.style(mark.role())));
        spans.push(Span::styled(format!("{title} "), look.style(Role::Title)));
    }
    if !parts.wide {
        let used: usize = spans.iter().map(|span| text::width(&span.content)).sum();
        let line = look.sign("─", "-").repeat(room.saturating_sub(used));
        spans.push(Span::styled(line, look.style(Role::Border)));
    }
    let lines = std::iter::once(Line::from(spans)).chain(facts);
    for (y, line) in (area.y..).zip(lines) {
        frame.render_widget(line, Rect { y, height: 1, ..area });
    }
}

impl Inbox {
    fn facts(&self, item: &InboxItem, look: &Look<'_>) -> Line<'static> {
        let who = item.agent.as_ref().map_or_else(|| "an agent that is gone".to_owned(), |name| short(name, 24));
        let task = short(item.task_type.as_deref().unwrap_or_default(), 24);
        let words = match item.kind {
            InboxKind::Artifact => {
                format!(" {} by {who} for {task} · {}", fields::what(item), self.reader.summary())
            }
            InboxKind::FailedTask => format!(" a task of type {task}, tried last by {who}"),
            InboxKind::Alert => item.alert.as_ref().map_or_else(String::new, |alert| {
                let happened = alert.happened(alert.figures.is_some());
                let often = happened.map_or_else(String::new, |words| format!(", {words}"));
                let (source, trigger) = (short(&alert.source, 32), short(&alert.context.trigger, 32));
                format!(" {} about {source}, raised by {trigger}{often}", alert.severity)
            }),
        };
        let words = format!("{words} · waits {}", look.age(item.since));
        Line::styled(words, look.style(Role::Dim))
    }
}

fn short(name: &str, columns: usize) -> String {
    text::fit(&text::clean(name), columns).into_owned()
}

/// What depends on it, and how careful one has to be.
fn stakes(item: &InboxItem, look: &Look<'_>) -> Line<'static> {
    let mut spans = Vec::new();
    if item.risk == Risk::High {
        let words = format!(" {} HIGH RISK: decided alone ", look.mark(Mark::Warning));
        spans.push(Span::styled(words, look.style(Role::Bad)));
    }
    if item.kind == InboxKind::Alert {
        spans.push(Span::styled(" nobody has taken it", look.style(Role::Waiting)));
    } else if item.blocks > 0 {
        let tasks = if item.blocks == 1 { "task" } else { "tasks" };
        let held = if item.kind == InboxKind::FailedTask { "took along" } else { "holds up" };
        let words = format!(" {held} {} {tasks}", text::count(item.blocks));
        spans.push(Span::styled(words, look.style(Role::Warn)));
    } else {
        spans.push(Span::styled(" holds up nothing", look.style(Role::Dim)));
    }
    if let Some(approval) = item.approval {
        let role = if approval < 0.5 { Role::Warn } else { Role::Dim };
        spans.push(Span::styled(format!(" · {} likely to be approved", text::percent(approval)), look.style(role)));
    }
    if let Some(deadline) = item.blocks_deadline {
        let left = deadline.as_micros() - look.now.as_micros();
        let (role, words) = if left < 0 {
            (Role::Bad, format!(", the first late by {}", text::age(-left)))
        } else {
            (Role::Warn, format!(", the first due in {}", text::age(left)))
        };
        spans.push(Span::styled(words, look.style(role)));
    }
    if let Some(until) = item.snoozed_until.filter(|until| *until > look.now) {
        let words = format!(" · put off for {}", text::age(until.as_micros() - look.now.as_micros()));
        spans.push(Span::styled(words, look.style(Role::Info)));
    }
    Line::from(spans)
}

fn draw_failure(item: &InboxItem, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
    let keys = "t tries it again · Enter shows the task · S puts it off";
    let words = [
        (Role::Bad, &*item.title),
        (Role::Text, ""),
        (Role::Dim, "What depends on it failed with it."),
        (Role::Dim, keys),
    ];
    draw_words(&words, frame, area, look);
}

fn draw_alert(item: &InboxItem, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
    let Some(alert) = &item.alert else { return };
    let message = look.names.speak(&alert.message);
    let now = alert.figures.as_ref().map(AlertFigures::said);
    let mut words = vec![(severity(alert.severity).role(), &*message)];
    words.extend(now.as_deref().map(|now| (Role::Text, now)));
    words.push((Role::Text, ""));
    if let Some(remedy) = &alert.context.remedy {
        words.extend([(Role::Text, &**remedy), (Role::Text, "")]);
    }
    let keys = "A says that you look after it · R that it is over · S silences it · Enter shows all about it · o what it is about";
    words.push((Role::Dim, keys));
    draw_words(&words, frame, area, look);
}

/// Draws paragraphs, as far as there is room.
fn draw_words(words: &[(Role, &str)], frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
    let room = usize::from(area.width.saturating_sub(2));
    let wrapped = |text: &str| if text.is_empty() { vec![String::new()] } else { widgets::wrap(text, room) };
    let lines = words.iter().flat_map(|(role, text)| wrapped(text).into_iter().map(|line| (*role, line)));
    for (y, (role, line)) in (area.y..area.bottom()).zip(lines) {
        frame.render_widget(Line::styled(line, look.style(role)), Rect { y, height: 1, ..area });
    }
}

fn draw_members(members: &[&InboxItem], frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
    let rows = usize::from(area.height);
    let shown = if members.len() > rows { rows.saturating_sub(1) } else { members.len() };
    for (y, item) in (area.y..).zip(members.iter().take(shown)) {
        let mark = fields::mark(item);
        let source = item.alert.as_ref().map(|alert| alert.source.as_str());
        let agent = short(item.agent.as_deref().or(source).unwrap_or("(gone)"), 16);
        let room = usize::from(area.width).saturating_sub(24);
        let line = Line::from(vec![
            Span::styled(format!("{} ", look.mark(mark)), look.style(mark.role())),
            Span::raw(text::pad(&text::clean(&item.title), room)),
            Span::styled(format!(" {} ", text::pad(&agent, 16)), look.style(Role::Dim)),
            Span::styled(text::pad_left(&look.age(item.since), 3), look.style(Role::Dim)),
        ]);
        frame.render_widget(line, Rect { y, height: 1, ..area });
    }
    if members.len() > shown {
        let words = format!("and {} more", text::count((members.len() - shown) as u64));
        let at = Rect { y: area.bottom() - 1, height: 1, ..area };
        frame.render_widget(Line::styled(words, look.style(Role::Dim)), at);
    }
}
