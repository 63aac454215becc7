//! Waiting for tasks: one with its output and its own exit status, or several.

use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::gather::{self, Names};
use super::view;
use crate::api::client::{Client, End, encode};
use crate::domain::spool::{Chunk, Stream};
use crate::domain::{Span, TaskId};

/// How long one request waits before it is asked again.
const POLL_SECONDS: u64 = 30;
/// What shells give for a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;
/// What shells give for a program that could not be started.
const NOT_STARTED: i32 = 127;

/// So many elements of a failed array are named.
const ELEMENTS_SHOWN: &str = "5";

/// How a task's end shows in an exit status, with a sentence where the status alone does not tell.
struct Verdict {
    status: i32,
    remark: Option<String>,
}

/// Shows a task's output as it comes, standard output and standard error each to its own, and gives its command's exit
/// status.
pub fn stream_one(context: &mut Context, client: &Client, id: &str) -> Outcome {
    let mut broken = None;
    let _remark = Remark::begin(context, id);
    let end = client.logs(id, true, |chunk| match pass_on(context, &chunk) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            broken = Some(error);
            ControlFlow::Break(())
        }
    })?;
    if let Some(error) = broken {
        return Err(error.into());
    }
    if end == End::Interrupted {
        return interrupted(context, &[id]);
    }
    let Some(task) = until_final(client, id, None)? else { return interrupted(context, &[id]) };
    let verdict = verdict(client, &Value::Object(task))?;
    if let Some(remark) = verdict.remark {
        context.out.flush()?;
        remark_on_stderr(&format!("menagerie: task {id} {remark}"));
    }
    Ok(verdict.status)
}

/// How long nothing is said about a task that does not start.
const PATIENCE: Duration = Duration::from_secs(2);

/// Says on a terminal why a task has not started, once, when that takes long. Dropped when there is something else to say.
struct Remark {
    /// Its end tells the thread that nobody is interested any more.
    _done: Option<std::sync::mpsc::Sender<()>>,
}

impl Remark {
    fn begin(context: &Context, id: &str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { _done: None };
        }
        let (done, is_done) = std::sync::mpsc::channel::<()>();
        let (data_dir, id) = (context.settings.data_dir.value.clone(), id.to_owned());
        std::thread::spawn(move || {
            if is_done.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
                && let Some(why) = why_it_waits(&data_dir, &id)
            {
                remark_on_stderr(&format!("menagerie: task {id} has not started: {why}"));
            }
        });
        Self { _done: Some(done) }
    }
}

/// The first thing that holds a task up; none when it has started, and none when nobody knows.
fn why_it_waits(data_dir: &std::path::Path, id: &str) -> Option<String> {
    first_reason(&Client::connect(data_dir).ok()?, id)
}

/// The first thing that holds a pending task up, and what would help; none when nobody knows.
pub fn first_reason(client: &Client, id: &str) -> Option<String> {
    first_blocking(&explanation(client, id)?)
}

/// Why a pending task is where it is; none when nobody knows.
pub fn explanation(client: &Client, id: &str) -> Option<Value> {
    let explanation: Value = client.get(&format!("/v1/tasks/{}/explain", encode(id)), &vec![]).ok()?;
    (view::text(&explanation, "status") == "pending").then_some(explanation)
}

/// The first thing of an explanation that holds its task up, and what would help.
pub fn first_blocking(explanation: &Value) -> Option<String> {
    let reasons = view::at(explanation, "reasons").as_array()?;
    let first = reasons.iter().find(|reason| view::at(reason, "blocking").as_bool() == Some(true))?;
    let change = view::text(explanation, "smallest_change.text");
    let change = if change.is_empty() { change } else { format!("; what would help: {change}") };
    Some(super::table::clean(&format!("{}{change}", view::text(first, "text"))))
}

/// Shows the output of all tasks of a submission as it comes, each line behind the name of its task, and then how each
/// ended; `after` is the journal's last record before the submission. Exit status 0 when all completed, otherwise 1.
pub fn stream_several(context: &mut Context, client: &Client, ids: &[TaskId], names: Names, after: u64) -> Outcome {
    let text = |ids: &[TaskId]| ids.iter().map(TaskId::to_string).collect::<Vec<_>>();
    let open = gather::pass_on(context, names, after)?;
    if open.is_empty() {
        return all(context, client, &text(ids), None);
    }
    interrupted(context, &text(&open).iter().map(String::as_str).collect::<Vec<_>>())
}

/// Waits until all tasks have ended, at most `timeout` in all. Exit status 0 when all completed, otherwise 1.
pub fn all(context: &mut Context, client: &Client, ids: &[String], timeout: Option<Span>) -> Outcome {
    let give_up = timeout.map(|timeout| Instant::now() + timeout.to_std());
    let mut ended = Vec::new();
    let mut status = 0;
    for (place, id) in ids.iter().enumerate() {
        let Some(task) = until_final(client, id, give_up)? else {
            if give_up.is_some_and(|give_up| Instant::now() >= give_up) {
                return Err(Failure::failed(format!("task {id} had not ended when the time was over; it goes on")));
            }
            return interrupted(context, &ids[place..].iter().map(String::as_str).collect::<Vec<_>>());
        };
        let task = Value::Object(task);
        status = status.max(i32::from(view::text(&task, "status") != "completed"));
        if context.out.is_table() {
            let shown = view::status(&task, "status");
            let shown = context.out.paint(shown.role, &shown.text);
            let error = super::table::clean(&view::text(&task, "error"));
            // A cancelled task may have no more to say than that.
            let error = if error == view::text(&task, "status") { String::new() } else { error };
            let error = failed_elements(client, &task)?.unwrap_or(error);
            context.out.line(format!("{} {shown} {error}", view::text(&task, "id")).trim_end())?;
            context.out.flush()?;
        }
        ended.push(task);
    }
    context.out.values(&ended)?;
    Ok(status)
}

/// How many elements kept an array from completing, and what became of those that failed first; none for anything else.
fn failed_elements(client: &Client, task: &Value) -> Result<Option<String>, Failure> {
    let array = view::at(task, "array");
    if !array.is_object() || view::text(task, "status") != "failed" {
        return Ok(None);
    }
    let id = view::text(task, "id");
    let query = [("array", &*id), ("status", "failed,cancelled"), ("sort", "completed_at"), ("limit", ELEMENTS_SHOWN)];
    let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let (elements, count) = client.list::<Value>("tasks", &query)?;
    if elements.is_empty() {
        return Ok(None);
    }
    let shown: Vec<_> = elements
        .iter()
        .map(|element| {
            let error = super::table::clean(&view::text(element, "error"));
            let why = if error.is_empty() { view::text(element, "status") } else { error };
            format!("{} ({why})", view::text(element, "array_index"))
        })
        .collect();
    let all = view::count(array, "last") + 1 - view::count(array, "first");
    let named = shown.join(", ");
    // Without a colon and a space, which stand behind the number of an element in front of its output.
    Ok(Some(if count > shown.len() as u64 {
        let others = format!("menagerie task list --filter 'array:{id} status:failed,cancelled'");
        format!("{count} of {all} elements, among them {named}; all of them are listed by {others}")
    } else {
        format!("{count} of {all} elements, namely {named}")
    }))
}

/// The task once it has ended; `None` when the time is over or the user pressed Ctrl-C.
fn until_final(client: &Client, id: &str, give_up: Option<Instant>) -> Result<Option<Map<String, Value>>, Failure> {
    loop {
        let left = give_up.map_or(Duration::from_secs(POLL_SECONDS), |at| at.saturating_duration_since(Instant::now()));
        let seconds = u64::try_from(left.as_millis().div_ceil(1000)).unwrap_or(POLL_SECONDS).min(POLL_SECONDS);
        match client.wait_for_task(id, seconds)? {
            Ok(Some(task)) => return Ok(Some(task)),
            Ok(None) if give_up.is_none_or(|at| Instant::now() < at) => {}
            Ok(None) | Err(_) => return Ok(None),
        }
    }
}

/// Says how to go on after Ctrl-C: the tasks are not touched.
fn interrupted(context: &mut Context, ids: &[&str]) -> Outcome {
    context.out.flush()?;
    let (what, them) = match ids {
        [id] => (format!("task {id} has not ended"), "it"),
        _ => (format!("{} tasks have not ended", ids.len()), "them"),
    };
    // Beyond a handful of ids a line that can be copied is no longer one.
    let some = ids.iter().take(5).copied().collect::<Vec<_>>().join(" ");
    remark_on_stderr(&format!(
        "menagerie: {what}; no longer waiting for {them}. Wait again: menagerie task wait {some}; end {them}: menagerie task cancel {some}"
    ));
    Ok(INTERRUPTED)
}

/// Says something beside the output.
pub fn remark_on_stderr(text: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

fn pass_on(context: &mut Context, chunk: &Chunk<'_>) -> std::io::Result<()> {
    match chunk.stream {
        Stream::Out => {
            context.out.raw(chunk.bytes)?;
            context.out.flush()
        }
        Stream::Err => std::io::stderr().lock().write_all(chunk.bytes),
        Stream::Note => {
            remark_on_stderr(&note(chunk));
            Ok(())
        }
    }
}

/// A remark about an output, in words.
pub fn note(chunk: &Chunk<'_>) -> String {
    format!("menagerie: {}", String::from_utf8_lossy(chunk.bytes).trim_end())
}

/// What a task's end means as an exit status.
fn verdict(client: &Client, task: &Value) -> Result<Verdict, Failure> {
    let status = view::text(task, "status");
    if status == "completed" {
        return Ok(Verdict { status: 0, remark: None });
    }
    let error = super::table::clean(&view::text(task, "error"));
    let execution = view::text(task, "execution_id");
    let outcome = if execution.is_empty() || status == "cancelled" {
        Value::Null
    } else {
        let execution: Value = client.get(&format!("/v1/executions/{}", encode(&execution)), &vec![])?;
        view::at(&execution, "outcome").clone()
    };
    Ok(judge(&status, &error, &outcome))
}

fn judge(status: &str, error: &str, outcome: &Value) -> Verdict {
    let number = |key: &str| outcome.get(key).and_then(Value::as_i64).and_then(|number| i32::try_from(number).ok());
    let kind = view::text(outcome, "kind");
    let own = match kind.as_str() {
        "failed" => number("exit_code").filter(|code| *code != 0).or_else(|| Some(128 + number("signal")?)),
        "not_started" => Some(NOT_STARTED),
        _ => None,
    };
    // A command that ended well and yet failed, by its own word or for what verified it, has not said so by its status.
    let quiet = kind == "failed" && number("exit_code").is_some_and(|code| code != 0);
    let remark = if error.is_empty() { status.to_owned() } else { format!("{status}: {error}") };
    Verdict { status: own.unwrap_or(1), remark: (!quiet).then_some(remark) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_exit_status_is_the_commands_own() {
        for (outcome, status, said) in [
            (json!({"kind": "failed", "exit_code": 7}), 7, false),
            (json!({"kind": "failed", "exit_code": 0}), 1, true),
            (json!({"kind": "failed", "signal": 9}), 137, true),
            (json!({"kind": "not_started"}), 127, true),
            (json!({"kind": "limit_exceeded", "signal": 9, "limit": "memory"}), 1, true),
            (json!({"kind": "timed_out", "exit_code": 3}), 1, true),
            (json!(null), 1, true),
        ] {
            let verdict = judge("failed", "why", &outcome);
            assert_eq!((verdict.status, verdict.remark.is_some()), (status, said), "{outcome}");
        }
    }
}
