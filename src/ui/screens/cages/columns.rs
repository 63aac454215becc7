//! The columns of the grid's other form, the list, and how rows are put in order.

use std::cmp::Ordering;

use super::measure::{WORST_FIRST, cores, mark_of, thousands, word_of};
use crate::api::live::{CageCell, Gauge};
use crate::ui::list::{Cell, Column};
use crate::ui::text;
use crate::ui::theme::Role;

/// The columns. All can be sorted by: all rows are here.
pub const COLUMNS: &[Column<CageCell>] = &[
    column("CAGE", 5, false, 1, |cell, _| Cell::plain(cell.id.to_string())),
    column("STATE", 8, false, 1, |cell, _| Cell::of(mark_of(cell).role(), word_of(cell))),
    column("AGENT", 0, false, 1, |cell, _| {
        cell.agent.as_deref().map_or_else(|| Cell::of(Role::Dim, "nobody"), Cell::plain)
    }),
    column("NODE", 12, false, 6, |cell, _| cell.node.as_deref().map_or_else(Cell::unknown, Cell::plain)),
    column("RUN", 4, true, 3, |cell, _| Cell::plain(cell.running.to_string())),
    column("CPU", 5, true, 2, |cell, _| figure(cell.cpu.used, cores)),
    column("CPUMAX", 6, true, 5, |cell, _| limit(cell.cpu.limit, cores)),
    column("MEM", 6, true, 1, |cell, _| figure(cell.memory.used, text::bytes)),
    column("MEMMAX", 6, true, 2, |cell, _| limit(cell.memory.limit, text::bytes)),
    column("MEM%", 6, true, 1, |cell, _| share(&cell.memory)),
    column("GPU", 4, true, 4, |cell, _| figure(cell.gpu.used, |value| text::decimals(value, 0))),
    column("TOKENS", 7, true, 3, |cell, _| figure(cell.tokens.used, thousands)),
    column("TOKMAX", 6, true, 5, |cell, _| limit(cell.tokens.limit, thousands)),
    column("PIDS", 5, true, 3, |cell, _| figure(cell.pids.used, |value| text::decimals(value, 0))),
];

/// The column of the numbers, by which the grid is sorted at first.
pub const NUMBER: usize = 0;

type Draw = fn(&CageCell, &crate::ui::look::Look<'_>) -> Cell;

const fn column(title: &'static str, width: u16, right: bool, rank: u8, cell: Draw) -> Column<CageCell> {
    Column { title, width, right, rank, sort: Some(title), cell }
}

fn figure(value: Option<f64>, write: impl Fn(f64) -> String) -> Cell {
    value.map_or_else(Cell::unknown, |value| Cell::plain(write(value)))
}

fn limit(value: Option<f64>, write: impl Fn(f64) -> String) -> Cell {
    value.map_or_else(Cell::unknown, |value| Cell::of(Role::Dim, write(value)))
}

fn share(gauge: &Gauge) -> Cell {
    let role = |share: f64| match share {
        full if full >= 0.9 => Role::Bad,
        much if much >= 0.7 => Role::Warn,
        _ => Role::Text,
    };
    gauge.share().map_or_else(Cell::unknown, |share| Cell::of(role(share), text::percent(share)))
}

/// What a column is sorted by.
enum Key<'a> {
    Number(Option<f64>),
    Text(Option<&'a str>),
}

fn key(cell: &CageCell, column: usize) -> Key<'_> {
    match column {
        1 => Key::Number(WORST_FIRST.iter().position(|state| *state == cell.state).map(|place| place as f64)),
        2 => Key::Text(cell.agent.as_deref()),
        3 => Key::Text(cell.node.as_deref()),
        4 => Key::Number(Some(f64::from(cell.running))),
        5 => Key::Number(cell.cpu.used),
        6 => Key::Number(cell.cpu.limit),
        7 => Key::Number(cell.memory.used),
        8 => Key::Number(cell.memory.limit),
        9 => Key::Number(cell.memory.share()),
        10 => Key::Number(cell.gpu.used),
        11 => Key::Number(cell.tokens.used),
        12 => Key::Number(cell.tokens.limit),
        13 => Key::Number(cell.pids.used),
        _ => Key::Number(Some(f64::from(cell.id.number()))),
    }
}

/// Whether a column is one of figures, of which the greatest is looked for first.
pub fn greatest_first(column: usize) -> bool {
    column >= 4
}

/// The order of two cells by a column. What is unknown comes last whichever way one sorts.
pub fn order(one: &CageCell, other: &CageCell, column: usize, descending: bool) -> Ordering {
    let turned = |order: Ordering| if descending { order.reverse() } else { order };
    let found = match (key(one, column), key(other, column)) {
        (Key::Number(one), Key::Number(other)) => known_first(one, other, |one, other| turned(one.total_cmp(&other))),
        (Key::Text(one), Key::Text(other)) => known_first(one, other, |one, other| turned(one.cmp(other))),
        _ => Ordering::Equal,
    };
    found.then(one.id.cmp(&other.id))
}

/// What is known before what is not; both known: as `compare` says.
pub fn known_first<T>(one: Option<T>, other: Option<T>, compare: impl Fn(T, T) -> Ordering) -> Ordering {
    match (one, other) {
        (Some(one), Some(other)) => compare(one, other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}
