//! What each day brought, of all agents or of each group of them: how many executions ended, how many of them well, how long they took, what they used.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::agents::{DAYS, days, millis, share, standing, tokens};
use super::trends::within;
use super::{Dashboard, table};
use crate::domain::dashboard::{DayPerformance, Per};
use crate::domain::{Day, Timestamp};
use crate::ui::list::{Cell, Column};
use crate::ui::look::{Look, Mark};
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::text;
use crate::ui::theme::Role;

/// A day; nothing where nothing ended on it.
struct Row {
    date: Day,
    day: Option<DayPerformance>,
    /// What succeeded and what failed, of the most that ended on any day.
    good: f64,
    bad: f64,
}

/// What is known.
pub struct Days {
    range: usize,
    apart: Option<Per>,
    rows: Option<Vec<(Mark, Row)>>,
    cursor: usize,
}

impl Default for Days {
    fn default() -> Self {
        Self { range: 1, apart: None, rows: None, cursor: 0 }
    }
}

/// Columns of the bars.
const BAR: u16 = 24;

/// Figures of a day on which something ended. None that ended is a fact; how long none took is unknown.
fn of(row: &Row, cell: impl Fn(&DayPerformance) -> Cell) -> Cell {
    row.day.as_ref().map_or_else(Cell::unknown, cell)
}

fn bars(row: &Row, look: &Look<'_>) -> Cell {
    let good = table::bar(row.good, usize::from(BAR), look);
    let left = usize::from(BAR).saturating_sub(text::width(&good));
    let bad = look.sign("▒", "x").repeat(crate::ui::widgets::chart::steps(row.bad, usize::from(BAR)).min(left));
    Cell::of(Role::Chart, format!("{good}{bad}"))
}

/// The first is there only where groups are told apart.
const COLUMNS: &[Column<Row>] = &[
    Column {
        cell: |row, _| of(row, |day| Cell::of(Role::Accent, day.group.clone().unwrap_or_default())),
        ..Column::text("GROUP", 16, 1, None)
    },
    Column { cell: |row, _| Cell::plain(row.date.to_string()), ..Column::text("DAY", 10, 1, None) },
    Column { cell: |row, look| bars(row, look), ..Column::text("SUCCEEDED, FAILED", BAR, 2, None) },
    Column {
        cell: |row, _| Cell::plain(text::count(row.day.as_ref().map_or(0, |day| day.execution_count))),
        ..Column::figure("RUNS", 9, 1, None)
    },
    Column { cell: |row, _| of(row, |day| share(&day.success)), ..Column::figure("GOOD", 4, 1, None) },
    Column { cell: |row, _| of(row, |day| within(&day.success)), ..Column::figure("95%", 7, 2, None) },
    Column {
        cell: |row, _| of(row, |day| Cell::plain(text::count(day.execution_count.saturating_sub(day.success_count)))),
        ..Column::figure("FAILED", 7, 3, None)
    },
    Column { cell: |row, _| of(row, |day| millis(day.avg_duration_ms)), ..Column::figure("MEAN", 6, 2, None) },
    Column {
        cell: |row, _| of(row, |day| Cell::plain(text::count(day.agents))),
        ..Column::figure("AGENTS", 6, 3, None)
    },
    Column {
        cell: |row, _| of(row, |day| tokens(day.total_tokens_used)),
        ..Column::figure("SAID TOKENS", 11, 2, None)
    },
];

/// Every day of a range up to today, the latest first.
fn whole(days: &[DayPerformance], count: u64, today: Day) -> Vec<(Mark, Row)> {
    let most = days.iter().map(|day| day.execution_count).max().unwrap_or(0).max(1) as f64;
    let row = |back: u64| {
        let date = Day::from_number(today.number() - i64::try_from(back).unwrap_or(0));
        let day = days.iter().find(|day| day.date == date).cloned();
        let (good, all) = day.as_ref().map_or((0, 0), |day| (day.success_count, day.execution_count));
        let mark = day.as_ref().map_or(Mark::Idle, |day| standing(&day.success));
        (mark, Row { date, day, good: good as f64 / most, bad: all.saturating_sub(good) as f64 / most })
    };
    (0..count).map(row).collect()
}

/// The days of each group, the latest first.
fn of_groups(days: &[DayPerformance]) -> Vec<(Mark, Row)> {
    let most = days.iter().map(|day| day.execution_count).max().unwrap_or(0).max(1) as f64;
    let row = |day: &DayPerformance| {
        let bad = day.execution_count.saturating_sub(day.success_count) as f64 / most;
        (
            standing(&day.success),
            Row { date: day.date, good: day.success_count as f64 / most, bad, day: Some(day.clone()) },
        )
    };
    let mut rows: Vec<_> = days.iter().map(row).collect();
    rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.date));
    rows
}

impl Dashboard for Days {
    fn request(&self, _: Timestamp) -> Request {
        Request::Days(DAYS[self.range], self.apart)
    }

    fn take(&mut self, request: &Request, answer: &Answer, now: Timestamp) -> bool {
        let (Request::Days(count, apart), Answer::Days(days)) = (request, answer) else { return false };
        if apart.is_some() {
            self.rows = Some(of_groups(days));
            return true;
        }
        // Midnight may have passed there and not yet here.
        let today = days.last().map_or(Day::of(now), |day| day.date.max(Day::of(now)));
        self.rows = Some(whole(days, *count, today));
        true
    }

    fn known(&self) -> bool {
        self.rows.is_some()
    }

    fn summary(&self, _: Timestamp) -> String {
        format!("{}{}", table::apart(self.apart), days(DAYS[self.range]))
    }

    fn rows(&self) -> usize {
        self.rows.as_ref().map_or(0, Vec::len)
    }

    fn cursor(&mut self) -> &mut usize {
        &mut self.cursor
    }

    fn target(&self) -> Option<Place> {
        None
    }

    fn zoom(&mut self, longer: bool) -> bool {
        table::step(&mut self.range, DAYS.len(), longer)
    }

    fn measure(&mut self) -> bool {
        self.apart = table::next_apart(self.apart);
        self.cursor = 0;
        true
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, drawn: &mut Vec<(Rect, usize)>, look: &Look<'_>) {
        let rows = self.rows.as_deref().unwrap_or_default();
        let columns = if self.apart.is_some() { COLUMNS } else { &COLUMNS[1..] };
        let empty = "No execution has ended within this time.\n\n+ looks at a longer one.";
        table::draw(frame, area, (columns, rows, empty), 12, self.cursor, drawn, look);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_without_work_is_there_and_has_no_mean() {
        let day = |date: &str, all: u64, good: u64| DayPerformance {
            date: date.parse().unwrap(),
            group: None,
            agents: 2,
            execution_count: all,
            success_count: good,
            success: crate::domain::confidence::Rate::of(good, all),
            avg_duration_ms: Some(1_000),
            total_tokens_used: None,
        };
        let rows = whole(&[day("2026-03-02", 10, 7), day("2026-03-04", 40, 40)], 3, "2026-03-04".parse().unwrap());
        let dates: Vec<String> = rows.iter().map(|(_, row)| row.date.to_string()).collect();
        assert_eq!(dates, ["2026-03-04", "2026-03-03", "2026-03-02"]);
        assert!(rows[1].1.day.is_none());
        assert_eq!((rows[2].1.good, rows[2].1.bad), (0.175, 0.075));
        assert_eq!(of(&rows[1].1, |_| Cell::plain("x")).text, "-");
    }
}
