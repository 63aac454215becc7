//! How one cage is drawn.

use std::collections::BTreeSet;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Cage, CageStatus, Panel, RowId, limits, measure, open_alerts, work};
use crate::ui::columns::{Front, header, line, widths};
use crate::ui::list::Column;
use crate::ui::list::FILL_MIN;
use crate::ui::look::{Look, Mark};
use crate::ui::scrollbars::Scrolls;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;
use crate::ui::widgets::stack::{Want, stack};

/// From how many columns on there are two columns of panels.
const TWO_COLUMNS_FROM: u16 = 140;

/// Draws everything.
pub fn draw(cage: &Cage, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
    cage.drawn.borrow_mut().clear();
    cage.tables.borrow_mut().clear();
    let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    if cage.record.is_none() {
        let words = cage.error.as_deref().unwrap_or("asking the engine …");
        widgets::center_text(frame, area, words, look.style(Role::Dim));
        return;
    }
    let facts = facts(cage, usize::from(area.width), look);
    for (place, line) in (0u16..area.height).zip(facts) {
        frame.render_widget(line, Rect { y: area.y + place, height: 1, ..area });
    }
    for (panel, at) in &cage.plan {
        draw_panel(cage, frame, *panel, *at, look);
    }
}

/// Who lives there and what it may reach.
fn facts(cage: &Cage, room: usize, look: &Look<'_>) -> Vec<Line<'static>> {
    let Some(known) = cage.record.as_deref() else { return Vec::new() };
    let dim = look.style(Role::Dim);
    let status = match known.status {
        CageStatus::Occupied => Mark::Running,
        CageStatus::Vacant => Mark::Vacant,
        CageStatus::Maintenance => Mark::Withheld,
    };
    let state = cage
        .cell
        .as_ref()
        .map_or((status, known.status.as_str()), |cell| (measure::mark_of(cell), measure::word_of(cell)));
    let agent = cage.cell.as_ref().and_then(|cell| cell.agent.as_deref());
    let who = match (agent, known.agent_id) {
        (Some(agent), _) => Span::styled(text::fit(&text::clean(agent), 40).into_owned(), look.style(Role::Accent)),
        (None, Some(id)) => Span::styled(text::short_id(&id.to_string()), look.style(Role::Accent)),
        (None, None) => Span::styled("nobody", dim),
    };
    let node = cage.cell.as_ref().and_then(|cell| cell.node.as_deref()).map_or("-".into(), text::clean);
    let withheld = if known.status == CageStatus::Maintenance { "  withheld: nothing new starts" } else { "" };
    let first = Line::from(vec![
        Span::styled(format!("{} {}", look.mark(state.0), state.1), look.style(state.0.role())),
        Span::styled("  agent ", dim),
        who,
        Span::styled("  on ", dim),
        Span::raw(text::fit(&node, 24).into_owned()),
        Span::styled(format!("  {}", known.status), dim),
        Span::styled(withheld, look.style(Role::Warn)),
    ]);
    let paths = |paths: &[String]| if paths.is_empty() { "-".to_owned() } else { paths.join(" ") };
    let reach = format!(
        "network {}   reads {}   writes {}",
        known.network,
        text::clean(&paths(&known.read)),
        text::clean(&paths(&known.write))
    );
    vec![first, Line::styled(text::fit(&reach, room).into_owned(), dim)]
}

/// How many lines the facts take.
const FACTS: u16 = 2;

/// Where each panel goes within the screen's area.
pub fn arrange(cage: &Cage, area: Rect) -> Vec<(Panel, Rect)> {
    let (x, y) = (area.x + 1, area.y + FACTS);
    let area = Rect { x, y, width: area.width.saturating_sub(2), height: area.height.saturating_sub(FACTS) };
    let count = |rows: usize, more: u16| u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(more);
    let focus = cage.focus();
    let two = area.width >= TWO_COLUMNS_FROM;
    let limits_room = if two { (area.width - 2) / 2 } else { area.width };
    let want = |panel: Panel| {
        let (rank, least, best) = match panel {
            Panel::Alerts if cage.alerts.is_empty() => (1, 0, 0),
            Panel::Alerts => {
                let best = count(alerts_height(cage, usize::from(limits_room)), 1);
                // Whoever goes there reads what to do to its end.
                // Elsewhere there is room for what the first one is about and what to do.
                let least = if focus == panel { area.height / 2 } else { area.height / 3 };
                (1, best.min(least).max(3), best)
            }
            // Headings of the panel and of the columns are two lines.
            Panel::Work => (2, 3, count(cage.executions.len().max(1), 2)),
            Panel::Limits => (3, 3, count(limits_height(cage, usize::from(limits_room)), 1)),
            Panel::Output => (4, 4, u16::MAX),
            Panel::Processes => (5, 3, count(cage.known_processes().len().max(1), 2)),
        };
        // What the cursor is in gets the room that there is.
        Want { panel, rank: if panel == focus { 0 } else { rank }, least, best }
    };
    if !two {
        let mut wants = [Panel::Alerts, Panel::Limits, Panel::Work, Panel::Processes, Panel::Output].map(want);
        // Nothing but what the cursor is in pushes the output out of sight.
        let third = (area.height / 3).max(4);
        for want in &mut wants[..4] {
            want.best = want.best.min(if want.panel == focus { area.height / 2 } else { third });
        }
        return stack(area, &wants, false);
    }
    let left = Rect { width: (area.width - 2) / 2, ..area };
    let right = Rect { x: left.right() + 2, width: area.width - left.width - 2, ..area };
    let mut work = want(Panel::Work);
    work.best = work.best.min(area.height / 2);
    let mut out = stack(left, &[Panel::Alerts, Panel::Limits, Panel::Processes].map(want), true);
    out.extend(stack(right, &[work, want(Panel::Output)], true));
    out
}

fn draw_panel(cage: &Cage, frame: &mut Frame<'_>, panel: Panel, area: Rect, look: &Look<'_>) {
    let focused = cage.focus() == panel && panel != Panel::Output;
    let (name, more) = match panel {
        Panel::Alerts => ("alerts", text::count(cage.alerts.len() as u64)),
        Panel::Limits => ("limits", limits::summary(&cage.limits())),
        Panel::Work => ("executions", text::count(cage.executions_total)),
        Panel::Processes => {
            let count = match &cage.processes {
                Some(Ok(processes)) => text::count(processes.len() as u64),
                _ => "-".to_owned(),
            };
            ("processes", count)
        }
        Panel::Output => {
            let of = match &cage.output_of {
                Some((_, task, runs)) => {
                    let id = text::short_id(task);
                    format!("of task {id}, {}", if *runs { "live" } else { "ended" })
                }
                None => String::new(),
            };
            ("output", of)
        }
    };
    widgets::heading(frame, Rect { height: 1, ..area }, name, &more, focused, look);
    let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
    match panel {
        Panel::Alerts => draw_lines(cage, frame, body, alert_lines(cage, usize::from(body.width), look)),
        Panel::Limits => draw_limits(cage, frame, body, look),
        Panel::Work => {
            let rows = cage.executions.iter();
            let rows: Vec<_> =
                rows.map(|row| (RowId::Execution(row.execution.id), work::mark(&row.execution), row)).collect();
            table(cage, frame, body, (work::EXECUTIONS, &rows), "Nothing has run in this cage yet.", look);
        }
        Panel::Processes => {
            let empty = match &cage.processes {
                None => "asking the engine …".to_owned(),
                Some(Err(message)) => format!("not known: {}", text::clean(message)),
                Some(Ok(_)) => "No process: one starts with the next execution.".to_owned(),
            };
            let rows = cage.known_processes().iter();
            let rows: Vec<_> = rows.map(|row| (RowId::Process(row.pid), work::process_mark(row), row)).collect();
            table(cage, frame, body, (work::PROCESSES, &rows), &empty, look);
        }
        Panel::Output => draw_output(cage, frame, body, look),
    }
}

fn limits_height(cage: &Cage, room: usize) -> usize {
    let here = |limit: &limits::Limit| cage.cursor.as_ref() == Some(&RowId::Limit(limit.name.clone()));
    cage.limits().iter().map(|limit| limits::height(limit, here(limit), room)).sum()
}

/// How many lines the open alerts take.
fn alerts_height(cage: &Cage, room: usize) -> usize {
    cage.alerts.iter().map(|open| open_alerts::height(open, room)).sum()
}

/// The lines of all open alerts, each with its row.
fn alert_lines(cage: &Cage, room: usize, look: &Look<'_>) -> Vec<(RowId, Line<'static>)> {
    let rows = cage.alerts.iter().flat_map(|open| {
        let id = RowId::Alert(open.alert.id);
        let here = cage.cursor.as_ref() == Some(&id);
        open_alerts::lines(open, here, room, look).into_iter().map(move |line| (id.clone(), line))
    });
    rows.collect()
}

/// The lines of all limits, each with its row.
fn limit_lines(cage: &Cage, room: usize, look: &Look<'_>) -> Vec<(RowId, Line<'static>)> {
    let rows = cage.limits().into_iter().flat_map(|limit| {
        let id = RowId::Limit(limit.name.clone());
        let here = cage.cursor.as_ref() == Some(&id);
        limits::lines(&limit, (&cage.past, &cage.id), here, room, look).into_iter().map(move |line| (id.clone(), line))
    });
    rows.collect()
}

fn draw_limits(cage: &Cage, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
    let room = usize::from(area.width);
    let lines = limit_lines(cage, room, look);
    if lines.is_empty() {
        let words = "No limit and not set up yet: how it holds is known after the first use.";
        frame.render_widget(Line::styled(text::fit(words, room).into_owned(), look.style(Role::Dim)), area);
        return;
    }
    draw_lines(cage, frame, area, lines);
}

/// Lines of rows, scrolled so that the row under the cursor is in sight.
fn draw_lines(cage: &Cage, frame: &mut Frame<'_>, area: Rect, lines: Vec<(RowId, Line<'static>)>) {
    let on = |(id, _): &(RowId, Line<'_>)| cage.cursor.as_ref() == Some(id);
    let here = lines.iter().position(on).unwrap_or(0)..lines.iter().rposition(on).map_or(0, |last| last + 1);
    let top = here.end.saturating_sub(usize::from(area.height)).min(here.start);
    for (row, (id, line)) in (0..area.height).zip(lines.into_iter().skip(top)) {
        let at = Rect { y: area.y + row, height: 1, ..area };
        frame.render_widget(line, at);
        cage.drawn.borrow_mut().push((at, id));
    }
}

/// A row with its name and its state.
type TableRow<'a, R> = (RowId, Mark, &'a R);

/// A table of rows that are all here, scrolled so that the cursor is in sight.
fn table<R>(
    cage: &Cage,
    frame: &mut Frame<'_>,
    area: Rect,
    (columns, rows): (&[Column<R>], &[TableRow<'_, R>]),
    empty: &str,
    look: &Look<'_>,
) {
    if rows.is_empty() {
        let words = text::fit(empty, usize::from(area.width)).into_owned();
        frame.render_widget(Line::styled(format!("  {words}"), look.style(Role::Dim)), area);
        return;
    }
    let widths = widths(columns, &BTreeSet::new(), area.width, FILL_MIN);
    frame.render_widget(header(columns, &widths, None, look), Rect { height: 1, ..area });
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let at = rows.iter().position(|(id, ..)| cage.cursor.as_ref() == Some(id));
    let top = (at.unwrap_or(0) + 1).saturating_sub(usize::from(body.height));
    for (place, (id, mark, row)) in (0..body.height).zip(rows.iter().skip(top)) {
        let front = Front { state: *mark, here: cage.cursor.as_ref() == Some(id), marked: false, focused: true };
        let at = Rect { y: body.y + place, height: 1, ..body };
        frame.render_widget(line(columns, row, front, &widths, look), at);
        cage.drawn.borrow_mut().push((at, id.clone()));
    }
    let panel = rows.first().map_or(Panel::Work, |(id, ..)| id.panel());
    cage.tables.borrow_mut().push((panel, top, usize::from(body.height)));
    let bar = Scrolls::Panel(panel as usize);
    widgets::scrollbar(frame, body, bar, (top as u64, u64::from(body.height), rows.len() as u64), look);
}

fn draw_output(cage: &Cage, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
    if !cage.output.lines().is_empty() {
        cage.output.draw(frame, area, look);
        return;
    }
    let words = match &cage.output_of {
        None => "  What executions write comes here while they run.",
        Some(_) if !cage.output_known => "  asking the engine …",
        Some((.., true)) => "  It has written nothing yet.",
        Some((.., false)) => "  It wrote nothing.",
    };
    let words = text::fit(words, usize::from(area.width)).into_owned();
    frame.render_widget(Line::styled(words, look.style(Role::Dim)), area);
}
