//! An agent as one row.

use crate::api::client::Query;
use crate::domain::AgentStatus;
use crate::domain::agent::{Division, Tier};
use crate::ui::gather::AgentRow;
use crate::ui::list::{Cell, Column, Row};
use crate::ui::look::{Look, Mark};
use crate::ui::request::{Answer, Page, Request};
use crate::ui::screen::Item;
use crate::ui::text;
use crate::ui::theme::Role;

/// How the status of an agent is marked.
pub fn mark(status: AgentStatus) -> Mark {
    match status {
        AgentStatus::Offline => Mark::Unknown,
        AgentStatus::Idle => Mark::Idle,
        AgentStatus::Active | AgentStatus::Busy => Mark::Running,
        AgentStatus::Blocked => Mark::Human,
        AgentStatus::Error => Mark::Failed,
        AgentStatus::Maintenance => Mark::Stopped,
    }
}

impl Row for AgentRow {
    const LANE: &'static str = "agents";
    const ORDER: &'static str = "name";
    const EMPTY: &'static str = "There is no agent yet.\n\nmenagerie apply FLEET.toml declares cages and agents; \
        menagerie agent add NAME -- COMMAND adds one.\nmenagerie demo shows a fleet at work.";
    const COLUMNS: &'static [Column<Self>] = &[
        Column { cell: |row, _| Cell::plain(&row.agent.spec.name), ..Column::text("NAME", 24, 1, Some("name")) },
        Column {
            cell: |row, _| Cell::of(mark(row.agent.status).role(), row.agent.status.as_str()),
            ..Column::text("STATUS", 11, 1, Some("status"))
        },
        Column { cell: |row, _| cage(row), ..Column::figure("CAGE", 4, 1, Some("cage")) },
        Column { cell: |row, _| work(row), ..Column::text("DOES", 0, 2, None) },
        Column { cell: |row, _| progress(row), ..Column::figure("PROG", 4, 2, None) },
        Column { cell: |row, _| slots(row), ..Column::figure("SLOTS", 5, 2, Some("running")) },
        Column { cell: |row, _| good(row), ..Column::figure("GOOD", 4, 2, Some("success")) },
        Column {
            cell: |row, _| Cell::plain(text::count(row.agent.counters.total_executions)),
            ..Column::figure("RUNS", 7, 4, Some("executions"))
        },
        Column { cell: |row, _| mean(row), ..Column::figure("MEAN", 6, 5, None) },
        Column { cell: |row, _| failures(row), ..Column::figure("FAILS", 5, 4, Some("failures")) },
        Column { cell: heartbeat, ..Column::figure("HEARD", 5, 3, Some("heartbeat")) },
        Column { cell: |row, _| word(row.agent.spec.role.as_deref()), ..Column::text("ROLE", 18, 6, Some("role")) },
        Column {
            cell: |row, _| word(row.agent.spec.tier.map(Tier::as_str)),
            ..Column::text("TIER", 10, 7, Some("tier"))
        },
        Column {
            cell: |row, _| word(row.agent.spec.division.map(Division::as_str)),
            ..Column::text("DIVISION", 11, 8, Some("division"))
        },
    ];

    fn request(query: Query) -> Request {
        Request::AgentRows(query)
    }

    fn page(answer: &Answer) -> Option<&Page<Self>> {
        match answer {
            Answer::AgentRows(page) => Some(page),
            _ => None,
        }
    }

    fn item(&self) -> Item {
        Item {
            id: self.agent.id.to_string(),
            name: self.agent.spec.name.clone(),
            state: self.agent.status.as_str().to_owned(),
            high_risk: false,
            array: false,
            holds_up: 0,
            task: self.agent.current_task_id.map(|id| id.to_string()),
        }
    }

    fn mark(&self) -> Mark {
        mark(self.agent.status)
    }
}

/// The cage it is in; while it is in none, its home in pale, or that any will do.
fn cage(row: &AgentRow) -> Cell {
    match (row.agent.cage_id, row.agent.spec.cage) {
        (Some(cage), _) => Cell::plain(cage.to_string()),
        (None, Some(home)) => Cell::of(Role::Dim, home.to_string()),
        (None, None) => Cell::of(Role::Dim, "any"),
    }
}

/// What it does, how many things beside that, and with what, where it says so.
fn work(row: &AgentRow) -> Cell {
    let Some(work) = &row.work else { return Cell::of(Role::Dim, "") };
    let kind = work.kind.as_deref().unwrap_or("a task");
    let others = row.agent.running.saturating_sub(1);
    let does = work.activity.as_ref().map(|does| format!(": {does}")).unwrap_or_default();
    Cell::plain(if others > 0 { format!("{kind} +{others}{does}") } else { format!("{kind}{does}") })
}

fn progress(row: &AgentRow) -> Cell {
    match row.work.as_ref().map(|work| work.progress) {
        None => Cell::plain(""),
        Some(None) => Cell::unknown(),
        Some(Some(progress)) => Cell::plain(format!("{progress}%")),
    }
}

fn slots(row: &AgentRow) -> Cell {
    let words = format!("{}/{}", row.agent.running, row.agent.spec.concurrency);
    if row.agent.running == 0 { Cell::of(Role::Dim, words) } else { Cell::plain(words) }
}

/// The share of its executions that succeeded; unknown while there was none.
fn good(row: &AgentRow) -> Cell {
    match success(row) {
        None => Cell::unknown(),
        Some(share) => {
            let role = if share < 0.75 { Role::Warn } else { Role::Text };
            Cell::of(role, text::percent(share))
        }
    }
}

/// The share of its executions that succeeded, 0-1.
pub fn success(row: &AgentRow) -> Option<f64> {
    let counters = &row.agent.counters;
    (counters.total_executions > 0).then(|| counters.success_count as f64 / counters.total_executions as f64)
}

fn mean(row: &AgentRow) -> Cell {
    let counters = &row.agent.counters;
    let Some(mean) = counters.avg_execution_time_ms.filter(|_| counters.total_executions > 0) else {
        return Cell::unknown();
    };
    let micros = i64::try_from(mean).unwrap_or(i64::MAX).saturating_mul(1_000);
    Cell::plain(text::duration(micros))
}

fn failures(row: &AgentRow) -> Cell {
    match row.agent.consecutive_failures {
        0 => Cell::of(Role::Dim, "0"),
        number => Cell::of(Role::Warn, number.to_string()),
    }
}

fn heartbeat(row: &AgentRow, look: &Look<'_>) -> Cell {
    match row.heard() {
        Some(time) => Cell::of(Role::Dim, look.age(time)),
        None if row.agent.counters.total_executions == 0 => Cell::of(Role::Unknown, "never"),
        None => Cell::unknown(),
    }
}

fn word(value: Option<&str>) -> Cell {
    value.map_or_else(Cell::unknown, Cell::plain)
}
