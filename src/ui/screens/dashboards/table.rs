//! Rows that are all here, in columns, scrolled so that the cursor is in sight.

use std::collections::BTreeSet;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::domain::dashboard::Per;
use crate::ui::columns::{Front, header, line, widths};
use crate::ui::list::Column;
use crate::ui::look::{Look, Mark};
use crate::ui::scrollbars::Scrolls;
use crate::ui::theme::Role;
use crate::ui::widgets;

/// The columns of a table, its rows each with its mark, and what is said when there is none.
pub type Body<'a, R> = (&'a [Column<R>], &'a [(Mark, R)], &'a str);

/// Draws a table, whose column that shares what is left has `fill_min` columns at least; notes where each row is.
pub fn draw<R>(
    frame: &mut Frame<'_>,
    area: Rect,
    (columns, rows, empty): Body<'_, R>,
    fill_min: u16,
    cursor: usize,
    drawn: &mut Vec<(Rect, usize)>,
    look: &Look<'_>,
) {
    if rows.is_empty() {
        widgets::center_text(frame, area, empty, look.style(Role::Dim));
        return;
    }
    let widths = widths(columns, &BTreeSet::new(), area.width, fill_min);
    frame.render_widget(header(columns, &widths, None, look), Rect { height: 1, ..area });
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let top = (cursor + 1).saturating_sub(usize::from(body.height));
    for (y, (place, (mark, row))) in (body.y..body.bottom()).zip(rows.iter().enumerate().skip(top)) {
        let front = Front { state: *mark, here: place == cursor, marked: false, focused: true };
        let at = Rect { y, height: 1, ..body };
        frame.render_widget(line(columns, row, front, &widths, look), at);
        drawn.push((at, place));
    }
    let measure = (top as u64, u64::from(body.height), rows.len() as u64);
    widgets::scrollbar(frame, body, Scrolls::Panel(0), measure, look);
}

/// A share of the whole as a bar of text, of `width` columns.
pub fn bar(share: f64, width: usize, look: &Look<'_>) -> String {
    look.sign("█", "#").repeat(widgets::chart::steps(share, width))
}

/// The next way to take agents together.
pub fn next_per(per: Per) -> Per {
    let at = Per::ALL.iter().position(|one| *one == per).unwrap_or(0);
    Per::ALL[(at + 1) % Per::ALL.len()]
}

/// The next way to tell groups of agents apart; after the last they are not.
pub fn next_apart(per: Option<Per>) -> Option<Per> {
    let next = per.map_or(0, |per| Per::ALL.iter().position(|one| *one == per).unwrap_or(0) + 1);
    Per::ALL.get(next).copied()
}

/// How groups of agents are told apart, as it stands in a title.
pub fn apart(per: Option<Per>) -> String {
    per.map_or_else(String::new, |per| format!("per {per} · "))
}

/// The next of so many ranges, up when `longer`; `false` when there is none.
pub fn step(range: &mut usize, count: usize, longer: bool) -> bool {
    let next = if longer { (*range + 1).min(count - 1) } else { range.saturating_sub(1) };
    std::mem::replace(range, next) != next
}
