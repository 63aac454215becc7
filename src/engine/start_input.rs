//! What an agent is given: the task's own data, read from the store at the moment of starting, because the engine's memory
//! does not hold it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::commit::PendingStart;
use crate::domain::agent::{Runtime, StreamFormat};
use crate::domain::link::{Start, ToWorker};
use crate::domain::{Refusal, Task, TaskId};
use crate::store::{self, Reader};

/// How many bytes of its dependencies' metadata and outputs a task is handed; what does not fit is named with its size.
/// Many large ones would otherwise make a message that no worker takes.
const DEPENDENCIES_BYTES_MAX: usize = 8 << 20;
/// So many dependencies are in memory at a time.
const DEPENDENCIES_AT_ONCE: usize = 32;

/// The messages that start `starts`, one each in the same order.
pub fn messages(reader: &Reader, starts: &[PendingStart]) -> Result<Vec<ToWorker>, store::Error> {
    if starts.is_empty() {
        return Ok(vec![]);
    }
    let ids: Vec<_> = starts.iter().map(|start| start.task_id).collect();
    let tasks: BTreeMap<TaskId, Task> = reader.start_inputs(&ids)?.into_iter().map(|task| (task.id, task)).collect();
    starts
        .iter()
        .map(|start| {
            let task = tasks
                .get(&start.task_id)
                .ok_or_else(|| store::Error::Refused(Refusal::not_found("task", start.task_id)))?;
            Ok(ToWorker::Start(Box::new(message(reader, start, task)?)))
        })
        .collect()
}

fn message(reader: &Reader, start: &PendingStart, task: &Task) -> Result<Start, store::Error> {
    let Runtime::Command { command, env, workdir, format, workspace } = &start.runtime;
    let configuration = &task.parameters.configuration;
    let own = configuration.get("command").and_then(Value::as_array);
    let command = own
        .map_or_else(|| command.clone(), |words| words.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    let task_env = configuration.get("env").and_then(Value::as_object);
    let env = env.iter().chain(task_env.into_iter().flatten());
    let workdir = configuration.get("workdir").and_then(Value::as_str).map(str::to_owned).or_else(|| workdir.clone());
    let own_format = configuration.get("format").and_then(Value::as_str).and_then(|name| name.parse().ok());
    let format: StreamFormat = own_format.unwrap_or(*format);
    Ok(Start {
        execution_id: start.execution_id,
        task_id: task.id,
        cage_id: start.cage_id,
        agent: start.agent.clone(),
        command,
        env: env.map(|(name, value)| (name.clone(), text(value))).collect(),
        workdir,
        format,
        verify: task.verify.clone(),
        workspace: task.workspace.clone().or_else(|| workspace.clone()),
        task: as_given(reader, task)?,
        timeout: start.timeout,
        output: start.output,
        tokens: start.tokens,
    })
}

/// Environment values may be written as numbers or booleans in a fleet file.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What a task is told of one that it depends on, with its metadata and its output as long as there is room.
fn dependency(task: &Task, room: &mut usize) -> Value {
    let mut given = json!({"task_id": task.id, "type": task.kind});
    for (name, value) in [("metadata", json!(task.metadata)), ("output", json!(task.output))] {
        let bytes = value.to_string().len();
        if let Some(left) = room.checked_sub(bytes) {
            *room = left;
            given[name] = value;
        } else {
            given[format!("{name}_omitted_bytes")] = bytes.into();
        }
    }
    given
}

/// The task as the agent sees it: what it works on, and what its dependencies gave.
fn as_given(reader: &Reader, task: &Task) -> Result<Value, store::Error> {
    let mut given = Map::new();
    given.insert("id".into(), json!(task.id));
    given.insert("type".into(), json!(task.kind));
    given.insert("priority".into(), json!(task.priority));
    given.insert("attempt".into(), json!(task.attempts + task.losses + 1));
    given.insert("parameters".into(), json!(task.parameters));
    given.insert("requirements".into(), json!(task.requirements));
    given.insert("metadata".into(), json!(task.metadata));
    if let Some(deadline) = task.deadline {
        given.insert("deadline".into(), json!(deadline));
    }
    if let Some(index) = task.array_index {
        given.insert("array_index".into(), json!(index));
    }
    if !task.depends_on.is_empty() {
        let mut room = DEPENDENCIES_BYTES_MAX;
        let mut dependencies = Vec::with_capacity(task.depends_on.len());
        for some in task.depends_on.chunks(DEPENDENCIES_AT_ONCE) {
            dependencies.extend(reader.start_inputs(some)?.iter().map(|task| dependency(task, &mut room)));
        }
        given.insert("dependencies".into(), Value::Array(dependencies));
    }
    Ok(Value::Object(given))
}
