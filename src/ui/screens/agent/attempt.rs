//! An attempt at a task as one row of its agent's history.

use crate::api::client::Query;
use crate::domain::ExecutionStatus;
use crate::ui::gather::AttemptRow;
use crate::ui::list::{Cell, Column, Row};
use crate::ui::look::{Look, Mark};
use crate::ui::request::{Answer, Page, Request};
use crate::ui::screen::Item;
use crate::ui::screens::cage::work::mark;
use crate::ui::text;
use crate::ui::theme::Role;

impl Row for AttemptRow {
    const LANE: &'static str = "attempts";
    const ORDER: &'static str = "-created_at";
    const EMPTY: &'static str =
        "It has not attempted anything yet.\n\nmenagerie task submit TYPE --agent NAME gives it something to do.";
    const COLUMNS: &'static [Column<Self>] = &[
        Column {
            cell: |row, _| Cell::plain(row.kind.as_deref().unwrap_or("a task")),
            ..Column::text("TASK", 0, 1, None)
        },
        Column {
            cell: |row, _| Cell::of(mark(&row.execution).role(), ended(row)),
            ..Column::text("ENDED AS", 14, 1, Some("outcome"))
        },
        Column { cell: |row, _| progress(row), ..Column::figure("PROG", 4, 3, None) },
        Column {
            cell: |row, _| Cell::plain(row.execution.attempt.to_string()),
            ..Column::figure("TRY", 3, 4, Some("attempt"))
        },
        Column { cell: took, ..Column::figure("TOOK", 7, 1, Some("duration")) },
        Column {
            cell: |row, look| Cell::of(Role::Dim, look.age(row.execution.created_at)),
            ..Column::figure("AGE", 4, 2, Some("created_at"))
        },
        Column {
            cell: |row, _| Cell::plain(row.execution.cage_id.to_string()),
            ..Column::figure("CAGE", 4, 5, Some("cage"))
        },
        Column {
            cell: |row, _| {
                row.execution.tokens_used.map_or_else(Cell::unknown, |tokens| Cell::plain(text::count(tokens)))
            },
            ..Column::figure("TOKENS", 9, 6, Some("tokens"))
        },
        Column {
            cell: |row, _| {
                row.execution
                    .cost
                    .map_or_else(Cell::unknown, |cost| Cell::plain(format!("${}", text::decimals(cost, 2))))
            },
            ..Column::figure("COST", 7, 6, Some("cost"))
        },
        Column { cell: |row, _| said(row), ..Column::text("SAID", 0, 3, None) },
    ];

    fn request(query: Query) -> Request {
        Request::Attempts(query)
    }

    fn page(answer: &Answer) -> Option<&Page<Self>> {
        match answer {
            Answer::Attempts(page) => Some(page),
            _ => None,
        }
    }

    fn item(&self) -> Item {
        Item {
            id: self.execution.id.to_string(),
            name: self.kind.clone().unwrap_or_default(),
            state: self.execution.status.as_str().to_owned(),
            high_risk: false,
            array: false,
            holds_up: 0,
            task: Some(self.execution.task_id.to_string()),
        }
    }

    fn mark(&self) -> Mark {
        mark(&self.execution)
    }
}

/// How it ended, or that it goes on.
fn ended(row: &AttemptRow) -> &'static str {
    row.execution.outcome.as_ref().map_or(row.execution.status.as_str(), |outcome| outcome.kind.as_str())
}

/// How far it says it is; what ended is as far as it got.
fn progress(row: &AttemptRow) -> Cell {
    match (row.execution.status, row.execution.progress) {
        (ExecutionStatus::Completed, _) => Cell::plain(""),
        (_, None) => Cell::unknown(),
        (_, Some(progress)) => Cell::plain(format!("{progress}%")),
    }
}

fn took(row: &AttemptRow, look: &Look<'_>) -> Cell {
    match (row.execution.metrics.duration, row.execution.started_at, row.execution.completed_at) {
        (Some(duration), _, _) => Cell::plain(text::duration(duration.as_micros())),
        (None, Some(start), Some(end)) => Cell::plain(text::duration(end.as_micros() - start.as_micros())),
        (None, Some(start), None) => Cell::of(Role::Good, look.since(start)),
        (None, None, _) => Cell::unknown(),
    }
}

/// Why it failed, else what its agent said last.
fn said(row: &AttemptRow) -> Cell {
    match &row.execution.outcome {
        Some(outcome) if !outcome.message.is_empty() => Cell::of(Role::Bad, outcome.message.clone()),
        _ => Cell::of(Role::Dim, row.execution.output_summary.clone().unwrap_or_default()),
    }
}
