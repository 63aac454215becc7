//! Columns of rows, whoever holds the rows: what a cell says, how wide columns are, headings and lines.

use std::collections::BTreeSet;

use ratatui::text::{Line, Span};

use super::look::{Look, Mark};
use super::text;
use super::theme::Role;

/// The text of one cell and how it looks.
pub struct Cell {
    /// What it says; cleaned and cut when it is drawn.
    pub text: String,
    /// Its colour; `None` for that of the row.
    pub role: Option<Role>,
}

impl Cell {
    /// A cell in the row's colour.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), role: None }
    }

    /// A cell in the colour of a role.
    pub fn of(role: Role, text: impl Into<String>) -> Self {
        Self { text: text.into(), role: Some(role) }
    }

    /// What nobody knows or measured.
    pub fn unknown() -> Self {
        Self::of(Role::Dim, "-")
    }
}

/// One column of rows of type `R`.
pub struct Column<R> {
    /// Its heading; in small letters its name in `:set columns` and in the menu.
    pub title: &'static str,
    /// Columns of the screen; 0 shares what is left.
    pub width: u16,
    /// Whether it is aligned to the right.
    pub right: bool,
    /// 1 is always shown; the highest goes first when there is little room.
    pub rank: u8,
    /// The field that it sorts by, if it does.
    pub sort: Option<&'static str>,
    /// A row's cell.
    pub cell: fn(&R, &Look<'_>) -> Cell,
}

/// A sort order: a column and its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// Place of the column among all.
    pub column: usize,
    /// Greatest first.
    pub descending: bool,
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

/// Each shown column with its width; those of high rank go first when there is little room.
pub fn widths<R>(columns: &[Column<R>], hidden: &BTreeSet<usize>, room: u16) -> Vec<(usize, u16)> {
    const FILL_MIN: u16 = 12;
    let shown = |rank: u8| {
        columns.iter().enumerate().filter(move |(place, column)| column.rank <= rank && !hidden.contains(place))
    };
    let needs = |rank: u8| {
        shown(rank).map(|(_, column)| if column.width == 0 { FILL_MIN } else { column.width } + 1).sum::<u16>()
    };
    // Two columns in front are for mark and state.
    let room = room.saturating_sub(4);
    let rank = (1..=9).rev().find(|rank| needs(*rank) <= room).unwrap_or(1);
    let fills = shown(rank).filter(|(_, column)| column.width == 0).count();
    let fixed: u16 = shown(rank).map(|(_, column)| column.width + 1).sum();
    let left = room.saturating_sub(fixed);
    let share = if fills == 0 { 0 } else { left / u16::try_from(fills).unwrap_or(1) };
    shown(rank).map(|(place, column)| (place, if column.width == 0 { share } else { column.width })).collect()
}

/// The line of headings.
pub fn headings<R>(
    columns: &[Column<R>],
    widths: &[(usize, u16)],
    sort: Option<Sort>,
    look: &Look<'_>,
) -> Line<'static> {
    let mut spans = vec![Span::raw("    ")];
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

/// The line of a row.
pub fn line<R>(
    columns: &[Column<R>],
    row: &R,
    front: Front,
    widths: &[(usize, u16)],
    look: &Look<'_>,
) -> Line<'static> {
    let ground = match (front.here && front.focused, front.marked) {
        (true, _) => Role::Cursor,
        (false, true) => Role::Mark,
        (false, false) => Role::Text,
    };
    let style = |role: Role| look.theme.over(role, ground);
    let pointer = match (front.here, front.marked) {
        (true, true) => look.sign("▶✚", ">+"),
        (true, false) => look.sign("▶ ", "> "),
        (false, true) => look.sign(" ✚", " +"),
        (false, false) => "  ",
    };
    let state = front.state;
    let mut spans = vec![Span::raw(pointer), Span::styled(look.mark(state), style(state.role())), Span::raw(" ")];
    for (column, width) in widths {
        let column = &columns[*column];
        let cell = (column.cell)(row, look);
        let cleaned = text::clean(&cell.text);
        let width = usize::from(*width);
        let padded = if column.right { text::pad_left(&cleaned, width) } else { text::pad(&cleaned, width) };
        spans.push(
            cell.role.map_or_else(|| Span::raw(padded.clone()), |role| Span::styled(padded.clone(), style(role))),
        );
        spans.push(Span::raw(" "));
    }
    Line::from(spans).style(look.style(ground))
}
