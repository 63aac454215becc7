//! `bench submit`: batches of tasks, each with a record of its own; what a queued task weighs; one submission by the
//! command line.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::report::Report;
use super::subject::Subject;
use crate::api::types::WireCommand;
use crate::cli::failure::Failure;
use crate::domain::NewTask;
use crate::domain::task::ArrayRange;

/// How many tasks one request carries.
const BATCH: usize = 10_000;
/// How many single submissions are timed.
const SINGLES: usize = 200;

/// Runs the benchmark `runs` times with `tasks` tasks each.
pub fn run(tasks: usize, runs: usize) -> Result<Report, Failure> {
    let mut results = Vec::new();
    for _ in 0..runs {
        results.push(once(tasks)?);
    }
    Ok(Report::new("submit", json!({"tasks": tasks, "batch": BATCH, "singles": SINGLES}), results))
}

/// A task that waits for as long as the benchmark lasts: its agent is drained.
pub fn waiting_task() -> NewTask {
    let mut task = NewTask::new("processing");
    task.agent = Some("shell".into());
    task.parameters.configuration.insert("command".into(), json!(["/bin/true"]));
    task
}

/// Submits `tasks` tasks that wait, in requests of [`BATCH`], and gives the time it took.
pub fn fill(subject: &Subject, tasks: usize) -> Result<Duration, Failure> {
    let client = subject.client()?;
    client.command(&json!({"command": "drain_agents", "ids": ["shell"]}))?;
    let bodies: Vec<Vec<u8>> = (0..tasks)
        .step_by(BATCH)
        .map(|first| {
            let count = BATCH.min(tasks - first);
            serde_json::to_vec(&WireCommand::SubmitTasks { tasks: vec![waiting_task(); count], keep_going: false })
        })
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::failed(error.to_string()))?;
    let begun = Instant::now();
    // Two connections, so that the engine reads one request while it stores the other.
    let halves: Vec<Vec<Vec<u8>>> =
        bodies.into_iter().enumerate().fold(vec![vec![], vec![]], |mut halves, (place, body)| {
            halves[place % 2].push(body);
            halves
        });
    std::thread::scope(|scope| {
        let senders: Vec<_> = halves
            .into_iter()
            .map(|bodies| {
                scope.spawn(move || -> Result<(), Failure> {
                    let client = subject.client()?;
                    for body in bodies {
                        client.command_bytes(body)?;
                    }
                    Ok(())
                })
            })
            .collect();
        senders
            .into_iter()
            .try_for_each(|sender| sender.join().unwrap_or_else(|_| Err(Failure::failed("a sender panicked"))))
    })?;
    Ok(begun.elapsed())
}

fn once(tasks: usize) -> Result<Value, Failure> {
    let subject = Subject::start(None)?;
    wait_for_worker(&subject)?;
    let span = fill(&subject, tasks)?;
    // The first of them make the engine keep, once, what it works with: the store's page cache, room for a request. What a
    // task adds is seen in as many more.
    let filled = subject.status()?.memory_bytes;
    fill(&subject, tasks)?;
    let full = subject.status()?.memory_bytes;
    let singles = singles(&subject)?;
    drop(subject);
    let subject = Subject::start(None)?;
    wait_for_worker(&subject)?;
    let client = subject.client()?;
    client.command(&json!({"command": "drain_agents", "ids": ["shell"]}))?;
    let before = subject.status()?.memory_bytes;
    let last = u32::try_from(tasks).unwrap_or(u32::MAX).min(1_000_000);
    let array = NewTask { array: Some(ArrayRange { first: 1, last }), ..waiting_task() };
    client.command(&WireCommand::SubmitTasks { tasks: vec![array], keep_going: false })?;
    let array_bytes = subject.status()?.memory_bytes.saturating_sub(before);
    Ok(json!({
        "tasks_per_s": tasks as f64 / span.as_secs_f64(),
        "bytes_a_queued_task": full.saturating_sub(filled) as f64 / tasks as f64,
        "memory_bytes": full,
        "bytes_an_array_element": array_bytes as f64 / f64::from(last),
        "run_p50_ms": singles.0,
        "run_p99_ms": singles.1,
    }))
}

/// Waits until the engine has its default fleet, which it gets with its first worker.
pub fn wait_for_worker(subject: &Subject) -> Result<(), Failure> {
    let begun = Instant::now();
    while subject.status()?.nodes.is_empty() {
        if begun.elapsed() > Duration::from_mins(1) {
            return Err(Failure::failed("no worker joined the engine"));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// Milliseconds of a whole `menagerie run` process that does not wait: median and 99th percentile.
fn singles(subject: &Subject) -> Result<(f64, f64), Failure> {
    let mut spans = Vec::new();
    for _ in 0..SINGLES {
        let mut command = subject.command(&["run", "--agent", "shell", "--", "/bin/true"])?;
        let begun = Instant::now();
        let status = command.status().map_err(|error| Failure::failed(format!("cannot run this program: {error}")))?;
        if !status.success() {
            return Err(Failure::failed(format!("menagerie run ended with {status}")));
        }
        spans.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    spans.sort_by(f64::total_cmp);
    Ok((spans[SINGLES / 2], spans[SINGLES * 99 / 100]))
}
