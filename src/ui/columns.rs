//! Columns of rows: how wide each is, their headings, the cells of a row.

use std::collections::BTreeSet;

use ratatui::text::{Line, Span};

use super::list::{Column, Sort};
use super::look::{Look, Mark};
use super::text;
use super::theme::Role;

/// The columns in front of the cells: two for the pointer and marks, one for the state, one blank.
const FRONT: u16 = 4;

/// Each shown column with its width; those of high rank go first when there is so little room that columns that share
/// what is left would be narrower than `fill_min`.
pub fn widths<R>(columns: &[Column<R>], hidden: &BTreeSet<usize>, room: u16, fill_min: u16) -> Vec<(usize, u16)> {
    let shown = |rank: u8| {
        columns.iter().enumerate().filter(move |(place, column)| column.rank <= rank && !hidden.contains(place))
    };
    let needs = |rank: u8| {
        shown(rank).map(|(_, column)| if column.width == 0 { fill_min } else { column.width } + 1).sum::<u16>()
    };
    let room = room.saturating_sub(FRONT);
    let rank = (1..=9).rev().find(|rank| needs(*rank) <= room).unwrap_or(1);
    let fills = shown(rank).filter(|(_, column)| column.width == 0).count();
    let fixed: u16 = shown(rank).map(|(_, column)| column.width + 1).sum();
    let left = room.saturating_sub(fixed);
    let share = if fills == 0 { 0 } else { left / u16::try_from(fills).unwrap_or(1) };
    shown(rank).map(|(place, column)| (place, if column.width == 0 { share } else { column.width })).collect()
}

/// The headings, with an arrow at the one that is sorted by.
pub fn header<R>(columns: &[Column<R>], widths: &[(usize, u16)], sort: Option<Sort>, look: &Look<'_>) -> Line<'static> {
    let mut spans = vec![Span::raw(" ".repeat(usize::from(FRONT)))];
    for (place, width) in widths {
        let column = &columns[*place];
        let arrow = match sort {
            Some(sort) if sort.column == *place && sort.descending => look.sign("▼", "v"),
            Some(sort) if sort.column == *place => look.sign("▲", "^"),
            _ => "",
        };
        let title = format!("{}{arrow}", column.title);
        let width = usize::from(*width);
        spans.push(Span::raw(if column.right { text::pad_left(&title, width) } else { text::pad(&title, width) }));
        spans.push(Span::raw(" "));
    }
    Line::from(spans).style(look.style(Role::Columns))
}

/// The cells of a row on a ground.
pub fn cells<R>(
    columns: &[Column<R>],
    row: &R,
    widths: &[(usize, u16)],
    look: &Look<'_>,
    ground: Role,
) -> Vec<Span<'static>> {
    let mut spans = Vec::with_capacity(widths.len() * 2);
    for (column, width) in widths {
        let column = &columns[*column];
        let cell = (column.cell)(row, look);
        let cleaned = text::clean(&cell.text);
        let width = usize::from(*width);
        let padded = if column.right { text::pad_left(&cleaned, width) } else { text::pad(&cleaned, width) };
        spans.push(match cell.role {
            Some(role) => Span::styled(padded, look.theme.over(role, ground)),
            None => Span::raw(padded),
        });
        spans.push(Span::raw(" "));
    }
    spans
}

/// What stands in front of a row.
#[derive(Clone, Copy)]
pub struct Front {
    /// Its state.
    pub state: Mark,
    /// Whether the cursor is on it.
    pub here: bool,
    /// Whether it is marked.
    pub marked: bool,
    /// Whether the keys go to its list.
    pub focused: bool,
}

/// What a row is drawn on.
pub const fn ground(here: bool, marked: bool) -> Role {
    match (here, marked) {
        (true, _) => Role::Cursor,
        (false, true) => Role::Mark,
        (false, false) => Role::Text,
    }
}

/// What points at a row: whether the cursor is on it, and whether it is marked.
pub fn pointer(here: bool, marked: bool, look: &Look<'_>) -> &'static str {
    match (here, marked) {
        (true, true) => look.sign("▶✚", ">+"),
        (true, false) => look.sign("▶ ", "> "),
        (false, true) => look.sign(" ✚", " +"),
        (false, false) => "  ",
    }
}

/// The whole line of a row: pointer, state, cells.
pub fn line<R>(
    columns: &[Column<R>],
    row: &R,
    front: Front,
    widths: &[(usize, u16)],
    look: &Look<'_>,
) -> Line<'static> {
    let ground = ground(front.here && front.focused, front.marked);
    let pointer = pointer(front.here, front.marked, look);
    let state = Span::styled(look.mark(front.state), look.theme.over(front.state.role(), ground));
    let mut spans = vec![Span::raw(pointer), state, Span::raw(" ")];
    spans.extend(cells(columns, row, widths, look, ground));
    Line::from(spans).style(look.style(ground))
}
