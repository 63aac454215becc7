//! Tasks one by one: what they depend on, their attempts, artifacts and output, and why they wait.

use serde_json::{Value, json};

use super::{HOSTILE, TASKS, at, task};
use crate::api::client::{LogPage, LogPart, Query};
use crate::domain::spool::{self, Chunk, Stream};
use crate::domain::{Task, Timestamp};
use crate::ui::request::{Answer, OutputOf, Page, Request};

/// The id of a task by its number.
pub fn id(number: u64) -> String {
    format!("0195{number:04x}-0000-7000-8000-{number:012x}")
}

fn number(id: &str) -> Option<u64> {
    u64::from_str_radix(id.rsplit('-').next()?, 16).ok().filter(|number| *number <= TASKS)
}

/// What a task waits for. Those from 20 to 29 wait for each other in a circle, which the engine would not allow.
fn parents(number: u64) -> Vec<u64> {
    match number % 10 {
        0 if number == 20 => vec![29],
        0 => vec![],
        5 => vec![number - 1, number - 3],
        _ => vec![number - 1],
    }
}

/// A task with everything that it can have.
pub fn whole(number: u64) -> Task {
    let mut task = task(number, 70 + i64::try_from(TASKS - number).unwrap() * 40);
    task.depends_on = parents(number).into_iter().map(|number| id(number).parse().unwrap()).collect();
    task.attempts = if task.status.as_str() == "pending" { 0 } else { 3 };
    task.requirements =
        serde_json::from_value(json!({"cpu": 1.5, "memory": "256MiB", "capabilities": ["shell", "rust"]})).unwrap();
    task.parameters = serde_json::from_value(json!({
        "configuration": {"command": ["make", "-j2", "it's all"], "env": {"LANG": "C\u{1b}[31m"}},
        "input_data": {"path": "src", "names": HOSTILE},
    }))
    .unwrap();
    task.deadline = Some(at(-7_200));
    task.verify =
        serde_json::from_value(json!({"commands": [["make", "it's test"]], "expect_artifacts": {"type": "code"}}))
            .unwrap();
    task.metadata.tags = vec!["nightly".to_owned(), "high-risk".to_owned()];
    if task.status.as_str() != "pending" {
        task.assigned_agent_id = Some(agent_id(1).parse().unwrap());
        task.assigned_cage_id = Some("4".parse().unwrap());
    }
    task
}

fn agent_id(number: u64) -> String {
    format!("0195aaaa-0000-7000-8000-{number:012x}")
}

fn execution_id(number: u64, attempt: u64) -> String {
    format!("0195eeee-{attempt:04x}-7000-8000-{number:012x}")
}

fn executions(task: &Task, number: u64) -> Vec<Value> {
    if task.status.as_str() == "pending" {
        return vec![];
    }
    let attempt = |attempt: u64| {
        let last = attempt == 3;
        let running = last && task.status.as_str() == "executing";
        let good = last && task.status.as_str() == "completed";
        let kind = match (good, attempt) {
            (true, _) => "succeeded",
            (_, 1) => "limit_exceeded",
            _ => "failed",
        };
        let message = if good { "" } else { "exit status 2: \u{1b}[31mno rule to make target\u{1b}[0m" };
        let outcome = (!running).then(|| {
            json!({
                "kind": kind, "message": message, "exit_code": if good { 0 } else { 2 },
                "verification": if good { "verified" } else { "unverified" },
                "usage": {"cpu_us": 2_400_000, "memory_peak": 134_217_728_u64, "output_bytes": 12},
            })
        });
        json!({
            "id": execution_id(number, attempt), "task_id": id(number), "agent_id": agent_id(attempt % 2),
            "cage_id": "004", "node_id": "0195bbbb-0000-7000-8000-000000000001", "execution_type": "command",
            "status": if running { "running" } else if good { "completed" } else { "failed" },
            "progress": if running { 40 } else { 100 }, "attempt": attempt, "outcome": outcome,
            "output_summary": running.then_some("compiling \u{1b}]0;title\u{7}名前"),
            "activity": running.then_some("tool"), "activity_detail": running.then_some("cargo \u{1b}[2Jtest"),
            "created_at": at(800 - i64::try_from(attempt).unwrap() * 200),
            "started_at": at(799 - i64::try_from(attempt).unwrap() * 200),
            "completed_at": (!running).then(|| at(700 - i64::try_from(attempt).unwrap() * 200)),
            "choice": last.then(|| json!({
                "score": 780, "factors": [900, null, 940, 700, 1000, null, 250], "learned": 31, "among": 5,
                "better": {"agent": HOSTILE[1], "ahead": 120},
            })),
        })
    };
    (1..=3).rev().map(attempt).collect()
}

fn artifacts(number: u64) -> Vec<Value> {
    let artifact = |place: u64| {
        json!({
            "id": format!("0195cccc-{place:04x}-7000-8000-{number:012x}"), "agent_id": agent_id(1), "task_id": id(number),
            "execution_id": execution_id(number, 3), "type": "report", "title": HOSTILE[usize::try_from(place).unwrap()],
            "size": 2_048 * (place + 1), "digest": "00", "human_approved": place == 1,
            "review": {"state": (["pending", "approved", "rejected"][usize::try_from(place).unwrap()])},
            "created_at": at(60),
        })
    };
    if number.is_multiple_of(6) { vec![] } else { (0..3).map(artifact).collect() }
}

/// The names of those among some ids that work on tasks, and of whoever submits them; `None` where these are of others.
fn names(ids: &[String]) -> Option<std::collections::BTreeMap<String, String>> {
    let known = [(agent_id(1), "builder".to_owned()), (agent_id(0), format!("tester {}", HOSTILE[1]))];
    let mut names: std::collections::BTreeMap<_, _> = known.into_iter().filter(|(id, _)| ids.contains(id)).collect();
    if names.is_empty() {
        return None;
    }
    names.insert("0195ffff-0000-7000-8000-000000000001".into(), "ann".into());
    Some(names)
}

/// Why a task waits, as the engine says it.
pub fn explanation(id: &str) -> Value {
    json!({
        "task_id": id, "status": "pending", "position": 3, "queued": 340, "expected_start": null,
        "reasons": [
            {"kind": "dependency", "blocking": true, "need": "completed", "have": "failed",
             "text": "waits for task 019501e5-0000-7000-8000-0000000001e5, which is failed"},
            {"kind": "cage", "blocking": true, "need": "1 with room", "have": "0 with room",
             "text": "0 cages have room for it; cage 007 comes nearest: in maintenance"},
            {"kind": "agent", "blocking": false, "need": "1 free", "have": "2 free",
             "text": "3 agents can do this, 1 working, 2 available"},
            {"kind": "order", "blocking": false, "need": "1", "have": "3", "text": "position 3 of 340 in the queue"},
        ],
        "cages": [
            {"cage": "007", "admits": false, "text": "in \u{1b}[31mmaintenance"},
            {"cage": "004", "admits": false, "text": "memory limit 128MiB < 256MiB asked"},
            {"cage": "009", "admits": true, "text": "has room"},
        ],
        "cages_left_out": 12,
        "change": "menagerie cage maintenance 007 --off",
        "smallest_change": {
            "text": "give cage 007 back",
            "command": {"command": "set_cage_maintenance", "ids": ["007"], "on": false},
        },
    })
}

/// What a task wrote: colours, both streams, a progress bar, and everything that would harm a careless screen.
pub fn output(lines: u64) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    let mut say = |stream: Stream, second: u64, bytes: &[u8]| {
        let time = Timestamp::from_micros(super::NOW - 600_000_000 + i64::try_from(second).unwrap() * 1_000);
        let mut chunk = Vec::new();
        spool::encode(Chunk { stream, time, bytes }, &mut chunk);
        chunks.push(chunk);
    };
    for line in 0..lines {
        let text = match line % 10 {
            3 => format!(
                "\x1b[1;31merror\x1b[0m: line {line} \x1b[38;5;208morange\x1b[0m \x1b[48;2;0;60;0mgreen ground\x1b[0m\n"
            ),
            5 => format!("{} in line {line}\n", HOSTILE[usize::try_from(line / 10 % 6).unwrap()]),
            7 => format!("a long line {line}: {}\n", "words that go on and on, ".repeat(12)),
            8 => " 10 %\r 55 %\r100 % done\r\n".to_owned(),
            9 => format!("\x1b]52;c;aGFybQ==\x07\x1b[2J\x1b[999;1Hstill line {line}\n"),
            _ => format!("line {line} of the build\n"),
        };
        let stream = if line % 10 == 4 { Stream::Err } else { Stream::Out };
        say(stream, line, text.as_bytes());
    }
    say(Stream::Note, lines, b"3 bytes of output were dropped here");
    say(Stream::Out, lines, b"the last line has no end");
    chunks
}

/// A part of chunks as the engine gives it: positions are bytes, and it begins and ends where a chunk does.
pub fn part(chunks: &[Vec<u8>], part: &LogPart) -> LogPage {
    let mut borders = vec![0];
    for chunk in chunks {
        borders.push(borders.last().unwrap() + chunk.len() as u64);
    }
    let size = *borders.last().unwrap();
    let at = |wanted: u64| *borders.iter().rfind(|border| **border <= wanted).unwrap();
    let mut end = at(part.before.unwrap_or(size));
    let mut start = at(part.from.unwrap_or(0));
    if let Some(tail) = part.tail {
        start = start.max(at(end.saturating_sub(tail)));
    }
    if let Some(length) = part.length {
        end = end.min(at(start + length));
    }
    let bytes = |number: u64| usize::try_from(number).unwrap();
    LogPage { start, end, size, bytes: chunks.concat()[bytes(start)..bytes(end)].to_vec().into() }
}

/// How many lines the longest output has.
pub const OUTPUT_LINES: u64 = 12_000;

fn page<T: serde::de::DeserializeOwned>(rows: Vec<Value>) -> Page<T> {
    let total = rows.len() as u64;
    Page { rows: serde_json::from_value(Value::Array(rows)).unwrap(), total }
}

fn field<'a>(query: &'a Query, name: &str) -> Option<&'a str> {
    query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// What the engine would answer about tasks one by one; `None` for other requests.
pub fn answer(request: &Request) -> Option<Result<Answer, String>> {
    Some(Ok(match request {
        Request::Task(id) => match number(id) {
            Some(number) => Answer::Task(Box::new(whole(number))),
            None => return Some(Err(format!("no task {id}"))),
        },
        Request::Tasks(query) if field(query, "id").is_some() => {
            let ids = field(query, "id")?.split(',').filter_map(number).map(whole).collect::<Vec<_>>();
            let total = ids.len() as u64;
            Answer::Tasks(Page { rows: ids, total })
        }
        Request::Tasks(query) if field(query, "depends_on").is_some() => {
            let on: Vec<u64> = field(query, "depends_on")?.split(',').filter_map(number).collect();
            let rows = (1..=TASKS).filter(|number| parents(*number).iter().any(|parent| on.contains(parent)));
            let rows: Vec<Task> = rows.map(whole).collect();
            let total = rows.len() as u64;
            Answer::Tasks(Page { rows, total })
        }
        Request::Executions(query) => {
            let number = number(field(query, "task")?)?;
            Answer::Executions(page(executions(&whole(number), number)))
        }
        Request::Artifacts(query) => Answer::Artifacts(page(artifacts(number(field(query, "task")?)?))),
        Request::Names(ids) => Answer::Names(names(ids)?),
        Request::Explain(id) => Answer::Explain(Box::new(explanation(id))),
        Request::Output { of: OutputOf::Task(task), part: wanted } => {
            let lines = if number(task)? % 6 == 0 { 0 } else { OUTPUT_LINES };
            let chunks = if lines == 0 { vec![] } else { output(lines) };
            Answer::Output(part(&chunks, wanted))
        }
        Request::Output { part: wanted, .. } => Answer::Output(part(&output(30), wanted)),
        _ => return None,
    }))
}
