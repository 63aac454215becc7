//! Reading a workload: one job a line, every error with its line and column.

use std::collections::HashMap;
use std::io::{BufRead, Read};

use serde::Deserialize;
use serde_json::Value;

use crate::domain::refusal::nearest;
use crate::domain::{Bytes, Cpu, NewTask, Refusal, Span};

/// Longer lines are refused: a job is a handful of numbers.
const LINE_BYTES_MAX: u64 = 64 << 10;
/// More jobs than this are refused; a simulation of them would not fit into memory at ease.
const JOBS_MAX: usize = 5_000_000;
/// After so many errors the rest is not read any more.
const PROBLEMS_MAX: usize = 20;

/// One line as it is written. Times are seconds since the simulation's beginning, spans are seconds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: Value,
    submit: f64,
    duration: f64,
    #[serde(default)]
    estimate: Option<f64>,
    #[serde(default)]
    cpu: Cpu,
    #[serde(default)]
    memory: Bytes,
    #[serde(default)]
    gpu: u32,
    #[serde(default)]
    tokens: u64,
    #[serde(default)]
    priority: Option<u8>,
    #[serde(default)]
    deadline: Option<f64>,
    #[serde(default)]
    owner: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

const FIELDS: [&str; 12] =
    ["id", "submit", "duration", "estimate", "cpu", "memory", "gpu", "tokens", "priority", "deadline", "owner", "type"];

/// A job: what is submitted, and what the scheduler is not told.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// As the line names it.
    pub id: String,
    /// The line it stands in, from 1.
    pub line: u32,
    /// When it is submitted, since the beginning.
    pub submit: Span,
    /// How long it takes. The scheduler learns this when it ends.
    pub duration: Span,
    /// By when it should have ended, since the beginning.
    pub deadline: Option<Span>,
    /// Whose it is.
    pub owner: String,
    /// As it is submitted, but for the deadline.
    pub task: NewTask,
}

/// Reads a whole workload in the order of submission (and of the lines, where that is the same).
///
/// # Errors
/// One sentence a problem, each beginning with `name:line`, and the column where it is known.
pub fn read(name: &str, reader: &mut dyn BufRead) -> Result<Vec<Job>, Vec<String>> {
    let mut jobs: Vec<Job> = Vec::new();
    let mut problems = Vec::new();
    let mut seen: HashMap<String, u32> = HashMap::new();
    let mut buffer = Vec::new();
    for number in 1u32.. {
        buffer.clear();
        match reader.take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut buffer) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                problems.push(format!("cannot read {name}: {error}"));
                break;
            }
        }
        if buffer.len() as u64 > LINE_BYTES_MAX {
            problems.push(format!("{name}:{number}:1: longer than {LINE_BYTES_MAX} bytes; one job a line"));
            break;
        }
        if buffer.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let read = job(&buffer, number).and_then(|job| match seen.insert(job.id.clone(), number) {
            Some(first) => Err((None, format!("id \"{}\" is already used in line {first}; use another", job.id))),
            None => Ok(job),
        });
        match read {
            Ok(job) => jobs.push(job),
            Err((column, problem)) => {
                let column = column.map_or_else(String::new, |column: usize| format!(":{column}"));
                problems.push(format!("{name}:{number}{column}: {problem}"));
            }
        }
        if problems.len() >= PROBLEMS_MAX {
            problems.push(format!("{name}: more lines were not read"));
            break;
        }
        if jobs.len() > JOBS_MAX {
            problems.push(format!("{name}: more than {JOBS_MAX} jobs; split the workload"));
            break;
        }
    }
    if jobs.is_empty() && problems.is_empty() {
        problems.push(format!("{name}: no jobs; write one JSON object a line, with id, submit and duration"));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    jobs.sort_by_key(|job| (job.submit, job.line));
    Ok(jobs)
}

/// Reads one line; an error comes with its column where that is known.
fn job(text: &[u8], number: u32) -> Result<Job, (Option<usize>, String)> {
    if let Err(error) = std::str::from_utf8(text) {
        return Err((Some(error.valid_up_to() + 1), "not UTF-8; save the file in that encoding".to_owned()));
    }
    let line: Line = serde_json::from_slice(text).map_err(|error| {
        let said = error.to_string();
        let message = said.rsplit_once(" at line ").map_or(said.as_str(), |(message, _)| message);
        (Some(error.column().max(1)), with_nearest(message))
    })?;
    check(line, number).map_err(|refusal| (None, refusal.to_string()))
}

fn check(line: Line, number: u32) -> Result<Job, Refusal> {
    let id = match line.id {
        Value::String(id) if !id.is_empty() => id,
        Value::Number(id) => id.to_string(),
        other => return Err(Refusal::invalid("id", other, "a text or a number")),
    };
    let mut task = NewTask::new(line.kind.unwrap_or_else(|| "simulated".to_owned()));
    // Nothing is run; whether task or agent would bring the command is not the workload's question.
    task.parameters.configuration.insert("command".into(), vec!["simulated"].into());
    task.requirements.cpu = line.cpu;
    task.requirements.memory = line.memory;
    task.requirements.gpu = line.gpu;
    task.requirements.tokens = line.tokens;
    task.priority = line.priority.unwrap_or(task.priority);
    task.estimate = line.estimate.map(|estimate| seconds("estimate", estimate)).transpose()?;
    // A job is run once: what a retry would do to the figures is not asked.
    task.max_attempts = 1;
    task.normalise()?;
    let owner = line.owner.unwrap_or_else(|| "simulation".to_owned());
    crate::domain::requirements::check_name("owner", &owner, 100)?;
    Ok(Job {
        id,
        line: number,
        submit: seconds("submit", line.submit)?,
        duration: seconds("duration", line.duration)?,
        deadline: line.deadline.map(|deadline| seconds("deadline", deadline)).transpose()?,
        owner,
        task,
    })
}

/// Seconds as a span.
fn seconds(field: &str, seconds: f64) -> Result<Span, Refusal> {
    let longest = Span::LONGEST.as_secs_f64();
    if !(0.0..=longest).contains(&seconds) {
        return Err(Refusal::invalid(field, seconds, "seconds from 0 to 100 years"));
    }
    // In range and positive, so the cast neither truncates nor loses a sign.
    #[allow(clippy::cast_possible_truncation)]
    Ok(Span::from_micros((seconds * 1e6).round() as i64))
}

/// Adds the nearest right name to serde's complaint about an unknown field.
fn with_nearest(message: &str) -> String {
    let wrong = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    match wrong.and_then(|wrong| nearest(wrong, FIELDS)) {
        Some(near) => format!("{message}. Did you mean `{near}`?"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &[u8]) -> String {
        read("w.jsonl", &mut &text[..]).unwrap_err().join("\n")
    }

    #[test]
    fn jobs_are_read_in_the_order_of_submission() {
        let text = br#"{"id":"b","submit":5,"duration":2.5,"estimate":null,"cpu":4,"memory":"1GiB","priority":9,"deadline":60,"owner":"ann","type":"analysis"}

{"id":7,"submit":0,"duration":0}
"#;
        let jobs = read("w.jsonl", &mut &text[..]).unwrap();
        assert_eq!(jobs.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), ["7", "b"]);
        assert_eq!(
            (jobs[1].line, jobs[1].duration, jobs[1].deadline),
            (1, Span::from_millis(2500), Some(Span::from_secs(60)))
        );
        assert_eq!((jobs[1].task.kind.as_str(), jobs[1].task.priority, jobs[1].owner.as_str()), ("analysis", 9, "ann"));
        assert_eq!(jobs[0].task.estimate, None);
    }

    #[test]
    fn every_problem_has_its_place() {
        for (text, expected) in [
            (&b"{\"id\":1,\"submit\":0,\"duration\":1}\n{\"id\":2,\"submit\":}"[..], "w.jsonl:2:18: expected value"),
            (b"{\"id\":1,\"submit\":0,\"durration\":1}", "Did you mean `duration`?"),
            (b"{\"id\":1,\"submit\":0}", "missing field `duration`"),
            (b"{\"id\":1,\"submit\":-1,\"duration\":1}", "w.jsonl:1: submit: \"-1\" is not allowed"),
            (b"{\"id\":1,\"submit\":0,\"duration\":1e300}", "duration:"),
            (b"{\"id\":1,\"submit\":0,\"duration\":1,\"priority\":11}", "priority: \"11\""),
            (b"{\"id\":1,\"submit\":0,\"duration\":1,\"cpu\":-1}", "cpu"),
            (b"{\"id\":[],\"submit\":0,\"duration\":1}", "id: \"[]\" is not allowed"),
            (
                b"{\"id\":1,\"submit\":0,\"duration\":1}\n{\"id\":1,\"submit\":0,\"duration\":1}",
                "w.jsonl:2: id \"1\" is already used in line 1",
            ),
            (b"{\"id\":\"\xff\"}", "w.jsonl:1:8: not UTF-8"),
            (b"\n", "w.jsonl: no jobs"),
        ] {
            let found = problems(text);
            assert!(found.contains(expected), "{} gives {found}", String::from_utf8_lossy(text));
        }
        assert!(problems(&b"x".repeat(1 << 20)).contains("w.jsonl:1:1: longer"));
        assert_eq!(problems(&b"x\n".repeat(1000)).lines().count(), PROBLEMS_MAX + 1);
    }
}
