//! `menagerie run`: any command in a cage.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::gather::Names;
use super::program::Programs;
use super::task_options::TaskOptions;
use super::{items, view, wait};
use crate::api::types::{BATCH_TASKS_MAX, WireCommand};
use crate::domain::task::{ArrayRange, NewTask};
use crate::domain::{Refusal, Reply, TaskId};

/// Options of `menagerie run`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Prints the new task's id. The command sees its cage's own folders and what the cage was given, not the current folder. \
It is tried once unless --max-attempts says otherwise.

With --wait the exit status is the command's own: 128 plus the signal's number when a signal ended it, 127 when it \
could not be started, 1 when a limit, a timeout or a person ended it. Ctrl-C leaves the task running. With --array or \
--each every line of output stands behind its number or line, then each task's status is printed (other formats than \
the table: only that), and the exit status is 1 when one of the tasks failed.")]
pub struct RunArgs {
    #[command(flatten)]
    pub task: TaskOptions,
    /// Wait until it has ended and show its output
    #[arg(short, long)]
    pub wait: bool,
    /// One task for each number; it is in `MENAGERIE_ARRAY_INDEX`
    #[arg(long, value_name = "FIRST-LAST", value_parser = parse_range, conflicts_with = "each")]
    pub array: Option<ArrayRange>,
    /// One task for each line of a file (`-` is standard input): the line replaces `{}` in the command, or is appended; lines with nothing but blanks are skipped
    #[arg(long, value_name = "FILE")]
    pub each: Option<PathBuf>,
    /// What sort of work it is
    #[arg(long = "type", visible_alias = "name", value_name = "TYPE", default_value = "command")]
    pub kind: String,
    /// A variable for the command; may be repeated
    #[arg(short, long = "env", value_name = "NAME=VALUE", value_parser = parse_variable)]
    pub env: Vec<(String, String)>,
    /// The folder in which the command starts; the current one when no folder is named. The cage must be able to see it
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = ".")]
    pub workdir: Option<PathBuf>,
    /// The command and its arguments, after `--`
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

fn parse_range(text: &str) -> Result<ArrayRange, Refusal> {
    let range = text
        .split_once('-')
        .and_then(|(first, last)| Some(ArrayRange { first: first.parse().ok()?, last: last.parse().ok()? }))
        .filter(|range| !range.is_empty());
    let allowed = format!("FIRST-LAST, such as 1-1000: whole numbers up to {}, the first at most the last", u32::MAX);
    range.ok_or_else(|| Refusal::invalid("array", text, allowed))
}

/// Reads a variable with its value.
pub fn parse_variable(text: &str) -> Result<(String, String), Refusal> {
    let (name, value) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| Refusal::invalid("env", text, "NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

pub fn run(context: &mut Context, args: RunArgs) -> Outcome {
    let (wait, each, array) = (args.wait, args.each.clone(), args.array);
    let task = task_of(args)?;
    let mut programs = Programs::of_engine(&context.settings);
    let lines = each.as_deref().map(super::batch::read_lines).transpose()?;
    let mut tasks = match &lines {
        Some(lines) => one_a_line(&task, lines),
        None => vec![task],
    };
    for task in &mut tasks {
        programs.check_task(task)?;
        task.normalise()?;
    }
    let client = context.engine()?;
    let several = array.is_some() || lines.is_some();
    // What happens to the tasks is read from here on; nothing of it can come before.
    let after = if wait && several && context.out.is_table() {
        Some(view::count(&client.get::<Value>("/v1/status", &vec![])?, "seq"))
    } else {
        None
    };
    let ids = match (tasks.len(), tasks.pop()) {
        (1, Some(task)) => items::submit_alone(context, &client, task)?,
        (_, last) => {
            tasks.extend(last);
            match client.command(&WireCommand::SubmitTasks { keep_going: false, tasks })? {
                Reply::Submitted { ids, warnings, .. } => {
                    items::warn(context, &warnings);
                    ids
                }
                other => return Err(items::unexpected(&other)),
            }
        }
    };
    if !wait {
        return print_ids(context, &ids, each.is_some());
    }
    match (&ids[..], after) {
        ([id], _) if !several => wait::stream_one(context, &client, &id.to_string()),
        (_, None) => wait::all(context, &client, &ids.iter().map(TaskId::to_string).collect::<Vec<_>>(), None),
        (_, Some(after)) => {
            let names = match (&ids[..], array) {
                ([id], Some(range)) => Names::Array { id: *id, first: range.first },
                _ => Names::of_lines(&ids, &lines.unwrap_or_default()),
            };
            wait::stream_several(context, &client, &ids, names, after)
        }
    }
}

/// Writes the ids of new tasks: one a line, or as objects; a single task as one object unless `many`.
pub fn print_ids(context: &mut Context, ids: &[TaskId], many: bool) -> Outcome {
    if context.out.is_table() {
        for id in ids {
            context.out.line(&id.to_string())?;
        }
        return Ok(0);
    }
    let rows: Vec<Value> = ids.iter().map(|id| serde_json::json!({"id": id})).collect();
    match &rows[..] {
        [row] if !many => context.out.value(row)?,
        _ => context.out.values(&rows)?,
    };
    Ok(0)
}

/// The task that the options describe.
fn task_of(args: RunArgs) -> Result<NewTask, Failure> {
    let mut task = NewTask::new(args.kind);
    let named_agent = args.task.agent.is_some();
    args.task.put_into(&mut task, 1);
    if !named_agent && task.requirements.capabilities.is_empty() {
        // Any agent that runs commands will do; one that was named has been chosen by a person.
        task.requirements.capabilities.push("shell".into());
    }
    task.array = args.array;
    task.metadata.source = Some("run".into());
    let configuration = &mut task.parameters.configuration;
    configuration.insert("command".into(), args.command.into());
    if !args.env.is_empty() {
        let env: Map<String, Value> = args.env.into_iter().map(|(name, value)| (name, value.into())).collect();
        configuration.insert("env".into(), env.into());
    }
    if let Some(workdir) = args.workdir {
        let absolute = workdir
            .canonicalize()
            .map_err(|error| Failure::refused(format!("workdir: \"{}\": {error}", workdir.display())))?;
        let text = absolute.into_os_string().into_string();
        let text = text.map_err(|_| Failure::refused("workdir: not UTF-8; use a folder whose path is"))?;
        configuration.insert("workdir".into(), text.into());
    }
    Ok(task)
}

/// One task for each line: the line replaces `{}` wherever it stands in the command, or is appended.
fn one_a_line(task: &NewTask, lines: &[String]) -> Vec<NewTask> {
    let words: Vec<&str> = task.command().into_iter().flatten().filter_map(Value::as_str).collect();
    let replaces = words.iter().any(|word| word.contains("{}"));
    lines
        .iter()
        .map(|line| {
            let mut command: Vec<Value> = words.iter().map(|word| word.replace("{}", line).into()).collect();
            if !replaces {
                command.push(line.clone().into());
            }
            let mut task = task.clone();
            task.parameters.configuration.insert("command".into(), command.into());
            task
        })
        .collect()
}

/// Refuses more tasks than one request may carry.
pub fn check_count(name: &str, count: usize) -> Result<(), Failure> {
    if count > BATCH_TASKS_MAX {
        return Err(Failure::refused(format!("{name}: more than {BATCH_TASKS_MAX} tasks; split it")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_replace_braces_or_are_appended() {
        let command = |words: &[&str]| {
            let mut task = NewTask::new("x");
            task.parameters.configuration.insert("command".into(), words.to_vec().into());
            let tasks = one_a_line(&task, &["a b".into(), "c".into()]);
            tasks.iter().map(|task| serde_json::to_string(task.command().unwrap()).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(command(&["echo", "<{}>", "{}"]), [r#"["echo","<a b>","a b"]"#, r#"["echo","<c>","c"]"#]);
        assert_eq!(command(&["wc"]), [r#"["wc","a b"]"#, r#"["wc","c"]"#]);
    }

    #[test]
    fn ranges() {
        assert_eq!(parse_range("0-9").unwrap(), ArrayRange { first: 0, last: 9 });
        for text in ["", "5", "9-1", "-1-5", "1-", "a-b", "1-99999999999"] {
            assert!(parse_range(text).is_err(), "{text}");
        }
    }
}
