//! Reporting a change of several things: what was done, what was refused, and the exit status that follows.

use std::collections::BTreeMap;

use serde_json::Value;

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::output::Role;
use crate::api::client::{Client, Error};
use crate::api::types::WireCommand;
use crate::domain::command::RefusedItem;
use crate::domain::task::NewTask;
use crate::domain::{Reply, TaskId};

/// Sends a command about several things and reports. Exit status 0 when all was done, 1 when a part was, 2 when
/// nothing was.
///
/// `done` says in a table what happened to each: `cancelled`.
pub fn send(context: &mut Context, client: &Client, command: &WireCommand, done: &str) -> Outcome {
    send_named(context, client, command, done, &BTreeMap::new())
}

/// As [`send`], for things that people know by other names than their ids.
pub fn send_named(
    context: &mut Context,
    client: &Client,
    command: &WireCommand,
    done: &str,
    names: &BTreeMap<String, String>,
) -> Outcome {
    let shown = |id: &str| names.get(id).map_or(id, String::as_str).to_owned();
    match client.command(command)? {
        Reply::Items { done: items, mut refused, warnings, .. } => {
            let mut rows: Vec<Value> = items.iter().map(|id| serde_json::json!({"id": id, "done": true})).collect();
            // What is warned of is never of several things at once.
            if let (Some(row), false) = (rows.first_mut(), warnings.is_empty()) {
                row["warning"] = warnings.join("; ").into();
            }
            rows.extend(
                refused
                    .iter()
                    .map(|item| serde_json::json!({"id": item.item, "done": false, "error": item.refusal.to_string()})),
            );
            if !context.out.values(&rows)? {
                for id in &items {
                    context.out.line(&format!("{} {done}", shown(id)))?;
                }
            }
            warn(context, &warnings);
            for item in &mut refused {
                item.item = shown(&item.item);
            }
            if refused.is_empty() { Ok(0) } else { Err(partly(items.is_empty(), &refused)) }
        }
        other => Err(unexpected(&other)),
    }
}

/// Writes to standard error what was taken and will not do what its author may expect.
pub fn warn(context: &Context, warnings: &[String]) {
    let label = context.out.paint(Role::Warning, "warning:");
    for warning in warnings {
        eprintln!("{label} {}", super::table::clean(warning));
    }
}

/// Submits a task that stands alone; a refusal then need not say which task it is about.
pub fn submit_alone(context: &Context, client: &Client, task: NewTask) -> Result<Vec<TaskId>, Failure> {
    let answer = client.command(&WireCommand::SubmitTasks { keep_going: false, tasks: vec![task] });
    match answer {
        Ok(Reply::Submitted { ids, warnings, .. }) => {
            warn(context, &warnings);
            Ok(ids)
        }
        Ok(other) => Err(unexpected(&other)),
        Err(Error::Refused(mut refusal)) => {
            if let Some(field) = ["task 1: ", "tasks[0]."].iter().find_map(|prefix| refusal.field.strip_prefix(prefix))
            {
                refusal.field = field.into();
            }
            Err(refusal.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The failure for things of which some (or, with `none_done`, all) were refused.
pub fn partly(none_done: bool, refused: &[RefusedItem]) -> Failure {
    let sentence = |item: &RefusedItem| {
        // Some refusals name the thing themselves.
        let text = item.refusal.to_string();
        if text.starts_with(&item.item) { text } else { format!("{}: {text}", item.item) }
    };
    let sentences = refused.iter().map(sentence).collect();
    if none_done { Failure::Refused(sentences) } else { Failure::Failed(sentences) }
}

/// The failure for an answer that does not belong to the question.
pub fn unexpected(reply: &Reply) -> Failure {
    let text: String = format!("{reply:?}").chars().take(100).collect();
    Failure::failed(format!("the engine gave an answer of another kind ({text}); are both of the same version?"))
}
