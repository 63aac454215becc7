//! Groups of agents beside each other, each beside the time before, with how sure that is.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::agents::{DAYS, millis, share, standing};
use super::{Dashboard, table};
use crate::domain::Timestamp;
use crate::domain::confidence::{Change, MedianTime, Rate};
use crate::domain::dashboard::{Per, Trend};
use crate::ui::list::{Cell, Column};
use crate::ui::look::{Look, Mark};
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::text;
use crate::ui::theme::Role;

/// What is known.
pub struct Trends {
    range: usize,
    per: Per,
    groups: u64,
    rows: Option<Vec<(Mark, Trend)>>,
    cursor: usize,
}

impl Default for Trends {
    fn default() -> Self {
        Self { range: 1, per: Per::default(), groups: 0, rows: None, cursor: 0 }
    }
}

/// Between which shares the truth lies.
pub fn within(rate: &Rate) -> Cell {
    match rate.n {
        0 => Cell::unknown(),
        _ => Cell::of(Role::Dim, format!("{}-{}", text::decimals(rate.low * 100.0, 0), text::percent(rate.high))),
    }
}

/// A share, and of how many it is.
fn of_so_many(rate: &Rate) -> Cell {
    let words = |share| Cell::of(Role::Dim, format!("{} of {}", text::percent(share), text::count(rate.n)));
    rate.share.map_or_else(Cell::unknown, words)
}

/// Between which times the median lies.
fn between(time: &MedianTime) -> Cell {
    match (time.low_ms, time.high_ms) {
        (Some(low), Some(high)) => {
            Cell::of(Role::Dim, format!("{}-{}", millis(Some(low)).text, millis(Some(high)).text))
        }
        _ => Cell::unknown(),
    }
}

/// What is not clear is not to be seen first. Where there is nothing beside which it could be held, there is none.
fn changed(change: Change, beside: (u64, u64)) -> Cell {
    if beside.0 == 0 || beside.1 == 0 {
        return Cell::unknown();
    }
    let role = match change {
        Change::Better => Role::Good,
        Change::Worse => Role::Bad,
        Change::Unclear => Role::Dim,
    };
    Cell::of(role, change.as_str())
}

const COLUMNS: &[Column<Trend>] = &[
    Column { cell: |row, _| Cell::of(Role::Accent, row.group.clone()), ..Column::text("GROUP", 0, 1, None) },
    Column { cell: |row, _| Cell::plain(text::count(row.now.agents)), ..Column::figure("AGENTS", 6, 6, None) },
    Column { cell: |row, _| Cell::plain(text::count(row.now.success.n)), ..Column::figure("RUNS", 7, 1, None) },
    Column { cell: |row, _| share(&row.now.success), ..Column::figure("GOOD", 4, 1, None) },
    Column { cell: |row, _| within(&row.now.success), ..Column::figure("95%", 7, 1, None) },
    Column { cell: |row, _| of_so_many(&row.before.success), ..Column::figure("BEFORE", 14, 3, None) },
    Column {
        cell: |row, _| changed(row.success_change, (row.now.success.n, row.before.success.n)),
        ..Column::text("SUCCESS", 7, 1, None)
    },
    Column { cell: |row, _| Cell::plain(text::count(row.now.time.n)), ..Column::figure("TIMED", 6, 5, None) },
    Column { cell: |row, _| millis(row.now.time.median_ms), ..Column::figure("MEDIAN", 6, 2, None) },
    Column { cell: |row, _| between(&row.now.time), ..Column::figure("95%", 13, 4, None) },
    Column {
        cell: |row, _| Cell::of(Role::Dim, millis(row.before.time.median_ms).text),
        ..Column::figure("BEFORE", 6, 4, None)
    },
    Column {
        cell: |row, _| changed(row.time_change, (row.now.time.n, row.before.time.n)),
        ..Column::text("TIME", 7, 2, None)
    },
];

impl Dashboard for Trends {
    fn request(&self, _: Timestamp) -> Request {
        Request::Trends(DAYS[self.range], self.per)
    }

    fn take(&mut self, _: &Request, answer: &Answer, _: Timestamp) -> bool {
        let Answer::Trends(found) = answer else { return false };
        let row = |trend: &Trend| (standing(&trend.now.success), trend.clone());
        self.rows = Some(found.trends.iter().map(row).collect());
        self.groups = found.groups;
        true
    }

    fn known(&self) -> bool {
        self.rows.is_some()
    }

    fn summary(&self, _: Timestamp) -> String {
        let time = match DAYS[self.range] {
            1 => "today beside the day before".to_owned(),
            some => format!("{some} days beside the {some} before"),
        };
        let shown = self.rows() as u64;
        let more =
            if self.groups > shown { format!(" · {shown} of {}", text::count(self.groups)) } else { String::new() };
        format!("per {}, the lower end of 95% · {time}{more}", self.per)
    }

    fn rows(&self) -> usize {
        self.rows.as_ref().map_or(0, Vec::len)
    }

    fn cursor(&mut self) -> &mut usize {
        &mut self.cursor
    }

    fn target(&self) -> Option<Place> {
        let (_, row) = self.rows.as_ref()?.get(self.cursor).filter(|_| self.per == Per::Agent)?;
        Some(Place::Agent(row.group.clone(), row.group.clone()))
    }

    fn zoom(&mut self, longer: bool) -> bool {
        table::step(&mut self.range, DAYS.len(), longer)
    }

    fn measure(&mut self) -> bool {
        self.per = table::next_per(self.per);
        self.cursor = 0;
        true
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, drawn: &mut Vec<(Rect, usize)>, look: &Look<'_>) {
        let rows = self.rows.as_deref().unwrap_or_default();
        let empty = "No execution has ended within this time, nor before.\n\n+ looks at a longer one.";
        table::draw(frame, area, (COLUMNS, rows, empty), 14, self.cursor, drawn, look);
    }
}
