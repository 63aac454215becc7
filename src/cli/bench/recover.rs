//! `bench recover`: a queue of waiting tasks, SIGKILL to the engine, and the time until the next one answers.

use serde_json::{Value, json};

use super::report::Report;
use super::subject::Subject;
use super::submit::{fill, wait_for_worker};
use crate::cli::failure::Failure;

/// Runs the benchmark: one queue of `tasks` tasks, killed `runs` times.
pub fn run(tasks: usize, runs: usize) -> Result<Report, Failure> {
    let mut subject = Subject::start(None)?;
    wait_for_worker(&subject)?;
    fill(&subject, tasks)?;
    let mut results: Vec<Value> = Vec::new();
    for _ in 0..runs {
        let span = subject.restart_after_kill()?;
        let status = subject.status()?;
        if status.tasks.pending != tasks as u64 {
            return Err(Failure::failed(format!("{} of {tasks} tasks are left after the kill", status.tasks.pending)));
        }
        results.push(json!({"ready_s": span.as_secs_f64(), "memory_bytes": status.memory_bytes}));
    }
    Ok(Report::new("recover", json!({"tasks": tasks}), results))
}
