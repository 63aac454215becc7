//! The agents that did best or most within some days.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::trends::within;
use super::{Dashboard, table};
use crate::domain::Timestamp;
use crate::domain::confidence::Rate;
use crate::domain::dashboard::{TopAgent, TopBy};
use crate::ui::list::{Cell, Column};
use crate::ui::look::{Look, Mark};
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets::axis;

/// How many days can be looked at, the last of them today.
pub const DAYS: [u64; 4] = [1, 7, 30, 90];

/// A number of days in words.
pub fn days(days: u64) -> String {
    if days == 1 { "today".to_owned() } else { format!("the last {days} days, UTC") }
}

/// An agent, and how it stands beside the first.
struct Row {
    place: usize,
    agent: TopAgent,
    share: f64,
}

/// What is known.
pub struct Agents {
    range: usize,
    by: TopBy,
    rows: Option<Vec<(Mark, Row)>>,
    cursor: usize,
}

impl Default for Agents {
    fn default() -> Self {
        Self { range: 1, by: TopBy::default(), rows: None, cursor: 0 }
    }
}

/// The figure by which an agent is a top one; unknown where it did not say.
fn figure(agent: &TopAgent, by: TopBy) -> Option<f64> {
    let count = match by {
        TopBy::Success => return Some(agent.success.low),
        TopBy::Executions => Some(agent.execution_count),
        TopBy::Successes => Some(agent.success_count),
        TopBy::Failures => Some(agent.execution_count.saturating_sub(agent.success_count)),
        TopBy::Time => agent.busy_ms,
        TopBy::Tokens => agent.total_tokens_used,
    };
    count.map(|count| count as f64)
}

/// Columns of the bar.
const BAR: u16 = 16;

fn name(row: &Row) -> Cell {
    match &row.agent.agent {
        Some(name) if row.agent.removed => Cell::of(Role::Dim, format!("{name} (removed)")),
        Some(name) => Cell::of(Role::Accent, name.clone()),
        None => Cell::of(Role::Dim, format!("removed {}", text::short_id(&row.agent.agent_id.to_string()))),
    }
}

/// How good successes are, as a mark, by the interval in which the share of them lies at 95 %: what few executions leave
/// open is not said. docs/console.md has the rule.
pub fn standing(rate: &Rate) -> Mark {
    match rate {
        Rate { n: 0, .. } => Mark::Idle,
        Rate { high, .. } if *high < 0.5 => Mark::Failed,
        Rate { high, .. } if *high < 0.9 => Mark::Warning,
        Rate { low, .. } if *low > 0.5 => Mark::Done,
        _ => Mark::Unknown,
    }
}

/// A share in words, coloured by how good it is.
pub fn share(rate: &Rate) -> Cell {
    let words = rate.share.map(text::percent);
    words.map_or_else(Cell::unknown, |words| match standing(rate) {
        Mark::Unknown => Cell::plain(words),
        mark => Cell::of(mark.role(), words),
    })
}

/// Milliseconds for people.
pub fn millis(millis: Option<u64>) -> Cell {
    let micros = |millis: u64| i64::try_from(millis).unwrap_or(i64::MAX / 1000).saturating_mul(1000);
    millis.map_or_else(Cell::unknown, |millis| Cell::plain(text::duration(micros(millis))))
}

/// Tokens for people.
pub fn tokens(tokens: Option<u64>) -> Cell {
    tokens.map_or_else(Cell::unknown, |tokens| Cell::plain(axis::words(tokens as f64, "")))
}

const COLUMNS: &[Column<Row>] = &[
    Column { cell: |row, _| Cell::of(Role::Dim, (row.place + 1).to_string()), ..Column::figure("#", 3, 4, None) },
    Column { cell: |row, _| name(row), ..Column::text("AGENT", 0, 1, None) },
    Column {
        cell: |row, look| Cell::of(Role::Chart, table::bar(row.share, usize::from(BAR), look)),
        ..Column::text("", BAR, 2, None)
    },
    Column { cell: |row, _| Cell::plain(text::count(row.agent.execution_count)), ..Column::figure("RUNS", 8, 1, None) },
    Column { cell: |row, _| share(&row.agent.success), ..Column::figure("GOOD", 4, 1, None) },
    Column { cell: |row, _| within(&row.agent.success), ..Column::figure("95%", 7, 1, None) },
    Column {
        cell: |row, _| match row.agent.execution_count.saturating_sub(row.agent.success_count) {
            0 => Cell::of(Role::Dim, "0"),
            some => Cell::of(Role::Bad, text::count(some)),
        },
        ..Column::figure("FAILED", 6, 3, None)
    },
    Column { cell: |row, _| millis(row.agent.avg_duration_ms), ..Column::figure("MEAN", 6, 2, None) },
    Column { cell: |row, _| millis(row.agent.busy_ms), ..Column::figure("BUSY", 6, 3, None) },
    // What agents say of themselves is not measured, and said to be so.
    Column { cell: |row, _| tokens(row.agent.total_tokens_used), ..Column::figure("SAID TOKENS", 11, 4, None) },
    Column {
        cell: |row, _| Cell::of(Role::Dim, row.agent.last_day.to_string()),
        ..Column::text("LAST DAY", 10, 5, None)
    },
];

impl Dashboard for Agents {
    fn request(&self, _: Timestamp) -> Request {
        Request::TopAgents(DAYS[self.range], self.by)
    }

    fn take(&mut self, request: &Request, answer: &Answer, _: Timestamp) -> bool {
        let (Request::TopAgents(_, by), Answer::TopAgents(agents)) = (request, answer) else { return false };
        let most = agents.iter().filter_map(|agent| figure(agent, *by)).fold(0.0, f64::max);
        let row = |(place, agent): (usize, &TopAgent)| {
            let share = figure(agent, *by).filter(|_| most > 0.0).map_or(0.0, |figure| figure / most);
            (standing(&agent.success), Row { place, agent: agent.clone(), share })
        };
        self.rows = Some(agents.iter().enumerate().map(row).collect());
        true
    }

    fn known(&self) -> bool {
        self.rows.is_some()
    }

    fn summary(&self, _: Timestamp) -> String {
        let how = if self.by == TopBy::Success { ", the lower end of 95%" } else { "" };
        format!("by {}{how} · {}", self.by, days(DAYS[self.range]))
    }

    fn rows(&self) -> usize {
        self.rows.as_ref().map_or(0, Vec::len)
    }

    fn cursor(&mut self) -> &mut usize {
        &mut self.cursor
    }

    fn target(&self) -> Option<Place> {
        let (_, row) = self.rows.as_ref()?.get(self.cursor)?;
        let name = row.agent.agent.clone()?;
        Some(Place::Agent(row.agent.agent_id.to_string(), name))
    }

    fn zoom(&mut self, longer: bool) -> bool {
        table::step(&mut self.range, DAYS.len(), longer)
    }

    fn measure(&mut self) -> bool {
        let at = TopBy::ALL.iter().position(|by| *by == self.by).unwrap_or(0);
        self.by = TopBy::ALL[(at + 1) % TopBy::ALL.len()];
        true
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, drawn: &mut Vec<(Rect, usize)>, look: &Look<'_>) {
        let rows = self.rows.as_deref().unwrap_or_default();
        let empty = "No execution has ended within this time.\n\n+ looks at a longer one.";
        table::draw(frame, area, (COLUMNS, rows, empty), 16, self.cursor, drawn, look);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_say_what_is_sure_and_nothing_of_what_few_executions_leave_open() {
        for (good, all, mark) in [
            (36, 41, Mark::Done),
            (4, 4, Mark::Done),
            (1, 1, Mark::Unknown),
            (2, 3, Mark::Unknown),
            (0, 2, Mark::Warning),
            (70, 100, Mark::Warning),
            (0, 5, Mark::Failed),
            (0, 0, Mark::Idle),
        ] {
            assert_eq!(standing(&Rate::of(good, all)), mark, "{good} of {all}");
        }
    }
}
