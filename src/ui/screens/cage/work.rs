//! What goes on in a cage: executions that run and ran, and the processes that there are now.

use crate::api::live::CageProcess;
use crate::domain::{Execution, ExecutionStatus, OutcomeKind};
use crate::ui::gather::AttemptRow;
use crate::ui::list::{Cell, Column};
use crate::ui::look::{Look, Mark};
use crate::ui::text::{self, short_id};
use crate::ui::theme::Role;
use crate::ui::widgets::chart;

/// How an execution is marked.
pub fn mark(execution: &Execution) -> Mark {
    match execution.status {
        ExecutionStatus::Starting => Mark::Starting,
        ExecutionStatus::Running => Mark::Running,
        ExecutionStatus::Completed => Mark::Done,
        ExecutionStatus::Failed => match execution.outcome.as_ref().map(|outcome| outcome.kind) {
            Some(OutcomeKind::Cancelled | OutcomeKind::Preempted) => Mark::Stopped,
            _ => Mark::Failed,
        },
    }
}

/// The columns of executions.
pub const EXECUTIONS: &[Column<AttemptRow>] = &[
    column("TASK", 8, false, 2, |row, _| Cell::of(Role::Dim, short_id(&row.execution.task_id.to_string()))),
    column("TYPE", 0, false, 1, |row, _| row.kind.as_deref().map_or_else(Cell::unknown, Cell::plain)),
    column("STATE", 14, false, 1, |row, _| Cell::of(mark(&row.execution).role(), state(&row.execution))),
    column("PROGRESS", 15, false, 3, |row, look| progress(&row.execution, look)),
    column("TOOK", 7, true, 1, |row, look| took(&row.execution, look)),
    column("AGE", 4, true, 2, |row, look| Cell::of(Role::Dim, look.age(row.execution.created_at))),
    column("TRY", 3, true, 5, |row, _| Cell::plain(row.execution.attempt.to_string())),
    column("RSS", 6, true, 4, |row, _| peak(&row.execution)),
    column("TOKENS", 7, true, 5, |row, _| {
        row.execution.tokens_used.map_or_else(Cell::unknown, |tokens| Cell::plain(text::count(tokens)))
    }),
    column("SAYS", 0, false, 4, |row, _| Cell::plain(says(&row.execution))),
];

/// The most memory that one of its processes had resident; the cage's peak is of all of them together.
fn peak(execution: &Execution) -> Cell {
    let peak = execution.outcome.as_ref().and_then(|outcome| outcome.usage.memory_peak);
    peak.map_or_else(Cell::unknown, |peak| Cell::plain(text::bytes(peak as f64)))
}

const fn column<R>(
    title: &'static str,
    width: u16,
    right: bool,
    rank: u8,
    cell: fn(&R, &Look<'_>) -> Cell,
) -> Column<R> {
    Column { title, width, right, rank, sort: None, cell }
}

fn state(execution: &Execution) -> String {
    match &execution.outcome {
        Some(outcome) if execution.status == ExecutionStatus::Failed => outcome.kind.as_str().replace('_', " "),
        _ => execution.status.as_str().to_owned(),
    }
}

fn progress(execution: &Execution, look: &Look<'_>) -> Cell {
    if execution.status.is_final() {
        return Cell::plain("");
    }
    // An agent that never speaks of progress is not at its beginning.
    let Some(progress) = execution.progress else { return Cell::of(Role::Dim, "not reported") };
    let full = chart::steps(f64::from(progress) / 100.0, 10);
    let bar = look.sign("█", "#").repeat(full) + &look.sign("░", ".").repeat(10 - full);
    Cell::of(Role::Chart, format!("{bar} {progress:>3}%"))
}

fn took(execution: &Execution, look: &Look<'_>) -> Cell {
    match (execution.metrics.duration, execution.started_at) {
        (Some(duration), _) => Cell::plain(text::duration(duration.as_micros())),
        (None, Some(start)) if !execution.status.is_final() => Cell::of(Role::Good, look.since(start)),
        _ => Cell::unknown(),
    }
}

/// Why it failed, otherwise what the agent does and said last.
fn says(execution: &Execution) -> String {
    let why = execution.outcome.as_ref().map(|outcome| outcome.message.as_str()).filter(|why| !why.is_empty());
    let said = [execution.doing(), execution.output_summary.clone()];
    why.map_or_else(|| said.into_iter().flatten().collect::<Vec<_>>().join(": "), str::to_owned)
}

/// How a process is marked.
pub fn process_mark(process: &CageProcess) -> Mark {
    match process.state.as_str() {
        "R" => Mark::Running,
        "S" | "I" => Mark::Idle,
        "D" => Mark::Queued,
        "T" | "t" => Mark::Stopped,
        "Z" | "X" => Mark::Failed,
        _ => Mark::Unknown,
    }
}

/// The columns of processes.
pub const PROCESSES: &[Column<CageProcess>] = &[
    column("PID", 7, true, 1, |process, _| Cell::plain(process.pid.to_string())),
    column("STATE", 7, false, 2, |process, _| Cell::of(process_mark(process).role(), process_state(process))),
    column("CPU", 7, true, 1, |process, _| {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "processor time in microseconds is far below what i64 holds"
        )]
        Cell::plain(text::duration((process.cpu_seconds * 1e6) as i64))
    }),
    column("MEM", 6, true, 1, |process, _| Cell::plain(text::bytes(process.memory_bytes as f64))),
    column("THR", 4, true, 4, |process, _| Cell::plain(process.threads.to_string())),
    column("TASK", 8, false, 3, |process, _| {
        process.task_id.map_or_else(Cell::unknown, |id| Cell::of(Role::Dim, short_id(&id.to_string())))
    }),
    column("COMMAND", 0, false, 1, |process, _| Cell::plain(&process.command)),
];

fn process_state(process: &CageProcess) -> String {
    match process.state.as_str() {
        "R" => "runs",
        "S" | "I" => "sleeps",
        "D" => "on disk",
        "T" | "t" => "stopped",
        "Z" | "X" => "ended",
        other => other,
    }
    .to_owned()
}
