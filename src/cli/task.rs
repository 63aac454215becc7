//! `menagerie task …`: submit, list, follow and steer tasks.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::args::one_of;
use super::context::Context;
use super::failure::{Failure, Outcome};
use super::list::{ListArgs, given};
use super::logs::LogsArgs;
use super::output::Role;
use super::program::Programs;
use super::table::{Align, Cell, Table};
use super::task_options::{TaskOptions, parse_priority};
use super::view::{self, AgentNames, ShortIds};
use super::{batch, candidates, execution, items, logs, run, wait};
use crate::api::client::{Client, Error, encode};
use crate::api::types::WireCommand;
use crate::domain::filter::tables;
use crate::domain::selection::{Rating, TaskContext};
use crate::domain::task::NewTask;
use crate::domain::{CageId, Refusal, Reply, Span, TaskStatus, Verify};

/// What can be done with tasks.
#[derive(Subcommand, Debug)]
pub enum TaskVerb {
    /// Submit a task, or a batch of them
    Submit(Box<SubmitArgs>),
    /// List tasks
    List(TaskListArgs),
    /// Show everything about a task
    Show {
        /// The task: its id or the beginning of it
        id: String,
    },
    /// Show what a task wrote
    Logs(LogsArgs),
    /// Wait until tasks have ended
    Wait {
        /// Ids of tasks or the beginnings of them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// Wait at most so long in all
        #[arg(long, value_name = "SPAN")]
        timeout: Option<Span>,
    },
    /// Take tasks back; running ones are stopped
    Cancel {
        /// Ids of tasks or the beginnings of them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// Why
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        /// Refuse a task that runs instead of stopping it
        #[arg(long)]
        pending_only: bool,
    },
    /// Give failed or cancelled tasks another life
    Retry {
        /// Ids of tasks or the beginnings of them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Say who has to do tasks, or where; without --agent and --cage the scheduler chooses again
    Reassign {
        /// Ids of tasks or the beginnings of them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// The agent that must do them
        #[arg(long, value_name = "NAME")]
        agent: Option<String>,
        /// The cage they must run in
        #[arg(long, value_name = "NUMBER")]
        cage: Option<CageId>,
        /// Only show the agents that the first could be given to, and what speaks for each
        #[arg(long, conflicts_with_all = ["agent", "cage"])]
        candidates: bool,
    },
    /// Say why a task is where it is
    Explain {
        /// The task: its id or the beginning of it
        id: String,
    },
    /// Say how good a task was done, 1 to 5 stars; whom tasks go to learns from it
    Rate {
        /// Its id or a unique prefix of it
        #[arg(value_name = "TASK")]
        id: String,
        /// 1 to 5, 5 best
        #[arg(value_name = "STARS", required_unless_present = "off")]
        rating: Option<u8>,
        /// Take your rating back
        #[arg(long, conflicts_with = "rating")]
        off: bool,
        /// Why
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// Change the priority of tasks
    #[command(visible_alias = "prioritize")]
    Prioritise {
        /// Ids of tasks or the beginnings of them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// 1-10, 10 first
        #[arg(short, long, value_name = "N", value_parser = parse_priority, allow_negative_numbers = true)]
        priority: u8,
    },
}

/// Options of `menagerie task submit`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
A line of a batch is a task as JSON; all fields but `type` may be left out:
  {\"type\": \"analysis\", \"key\": \"a\", \"agent\": \"tester\", \"priority\": 7, \"parameters\": {\"input_data\": {}},
   \"requirements\": {\"memory\": \"256MiB\"}, \"deadline\": \"2h\", \"depends_on\": [\"KEY-OR-ID\"], \"metadata\": {}}
A batch is submitted as a whole or, when a line is refused, not at all, unless --keep-going.")]
pub struct SubmitArgs {
    /// What sort of work it is; `processing`, `analysis` and `learning` are known
    #[arg(value_name = "TYPE", required_unless_present_any = ["batch", "named"], conflicts_with = "batch")]
    pub kind: Option<String>,
    /// The same, as `run` takes it
    #[arg(long = "type", value_name = "TYPE", conflicts_with_all = ["batch", "kind"])]
    pub named: Option<String>,
    /// What it works on: a JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "batch")]
    pub input: Option<String>,
    /// Tasks as JSON lines from a file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub batch: Option<PathBuf>,
    /// Submit the other lines of a batch when one is refused
    #[arg(long, requires = "batch")]
    pub keep_going: bool,
    #[command(flatten)]
    pub task: TaskOptions,
}

/// Options of `menagerie task list`.
#[derive(Args, Clone, Debug)]
pub struct TaskListArgs {
    /// Only tasks with this status; several may be separated by commas
    #[arg(short, long, value_name = "STATUS", value_delimiter = ',', value_parser = one_of::<TaskStatus>(TaskStatus::ALL))]
    pub status: Vec<TaskStatus>,
    /// Only tasks of this agent
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// Only tasks of this type
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// Only tasks of this user
    #[arg(long, value_name = "USER")]
    pub owner: Option<String>,
    /// Only tasks with this tag
    #[arg(long, value_name = "WORD")]
    pub tag: Option<String>,
    /// Only tasks in this cage
    #[arg(long, value_name = "NUMBER")]
    pub cage: Option<CageId>,
    #[command(flatten)]
    pub list: ListArgs,
}

pub fn run(context: &mut Context, verb: TaskVerb) -> Outcome {
    match verb {
        TaskVerb::Submit(args) => match args.batch.clone() {
            Some(file) => submit_batch(context, &file, args.keep_going),
            None => submit_one(context, *args),
        },
        TaskVerb::List(args) => list(context, args),
        TaskVerb::Show { id } => show(context, &id),
        TaskVerb::Logs(args) => {
            let client = context.engine()?;
            logs::run(context, &client, &args)
        }
        TaskVerb::Wait { ids, timeout } => {
            let client = context.engine()?;
            wait::all(context, &client, &ids, timeout)
        }
        TaskVerb::Explain { id } => explain(context, &id),
        TaskVerb::Cancel { ids, note, pending_only } => {
            send(context, &WireCommand::CancelTasks { ids, note, pending_only }, "cancelled")
        }
        TaskVerb::Retry { ids } => send(context, &WireCommand::RetryTasks { ids }, "queued again"),
        TaskVerb::Reassign { ids, candidates: true, .. } => {
            candidates::show(context, &format!("/v1/tasks/{}/candidates", encode(&ids[0])))
        }
        TaskVerb::Reassign { ids, agent, cage, .. } => {
            send(context, &WireCommand::ReassignTasks { ids, agent, cage }, "reassigned")
        }
        TaskVerb::Rate { id, rating, off: _, note } => {
            let done = rating.map_or_else(|| "no longer rated".to_owned(), |stars| format!("rated {stars} of 5"));
            send(context, &WireCommand::RateTasks { ids: vec![id], rating, note }, &done)
        }
        TaskVerb::Prioritise { ids, priority } => {
            send(context, &WireCommand::PrioritiseTasks { ids, priority }, &format!("has priority {priority}"))
        }
    }
}

fn send(context: &mut Context, command: &WireCommand, done: &str) -> Outcome {
    let client = context.engine()?;
    items::send(context, &client, command, done)
}

fn submit_one(context: &mut Context, args: SubmitArgs) -> Outcome {
    let mut task = NewTask::new(args.kind.or(args.named).unwrap_or_default());
    args.task.put_into(&mut task, 3);
    task.metadata.source = Some("cli".into());
    if let Some(input) = args.input {
        task.parameters.input_data = serde_json::from_str::<Map<String, Value>>(&input).map_err(|error| {
            Refusal::invalid("input", &input, "a JSON object, such as {\"path\": \"src\"}")
                .hint(format!("It says: {error}"))
        })?;
    }
    task.normalise()?;
    let client = context.engine()?;
    let ids = items::submit_alone(context, &client, task)?;
    run::print_ids(context, &ids, false)
}

fn submit_batch(context: &mut Context, file: &std::path::Path, keep_going: bool) -> Outcome {
    let mut batch = batch::read(file, keep_going, Programs::of_engine(&context.settings))?;
    if batch.lines.is_empty() && batch.problems.is_empty() {
        return Err(Failure::refused(format!("{}: no tasks; nothing to submit", batch.name)));
    }
    if batch.lines.is_empty() {
        return Err(Failure::Refused(batch.problems));
    }
    let body = batch.take_command();
    let client = context.engine()?;
    let progress = batch::committing(batch.lines.len());
    let answer = client.command_bytes(body);
    progress.finish_and_clear();
    let reply = answer.map_err(|error| match error {
        Error::Refused(mut refusal) => {
            refusal.field = batch.field(&refusal.field);
            match Failure::from(refusal) {
                Failure::Refused(sentences) => {
                    Failure::Refused(sentences.into_iter().chain(["nothing was submitted".to_owned()]).collect())
                }
                other => other,
            }
        }
        other => other.into(),
    })?;
    let Reply::Submitted { ids, refused, warnings, .. } = reply else { return Err(items::unexpected(&reply)) };
    items::warn(context, &warnings);
    let mut problems = std::mem::take(&mut batch.problems);
    problems.extend(refused.iter().map(|item| format!("{}: {}", batch.place(&item.item), item.refusal)));
    if context.out.is_table() {
        let plural = if ids.len() == 1 { "task" } else { "tasks" };
        context.out.line(&format!("{} {plural} submitted", ids.len()))?;
    } else {
        run::print_ids(context, &ids, true)?;
    }
    match problems.is_empty() {
        true => Ok(0),
        false if ids.is_empty() => Err(Failure::Refused(problems)),
        false => Err(Failure::Failed(problems)),
    }
}

fn list(context: &mut Context, args: TaskListArgs) -> Outcome {
    let client = context.engine()?;
    let statuses: Vec<&str> = args.status.iter().map(|status| status.as_str()).collect();
    let filters = given([
        ("status", (!statuses.is_empty()).then(|| statuses.join(","))),
        ("agent", args.agent),
        ("type", args.kind),
        ("owner", args.owner),
        ("tag", args.tag),
        ("cage", args.cage.map(|cage| cage.to_string())),
    ]);
    let fetched = args.list.fetch(&client, &tables::TASKS, filters, context.out.is_table())?;
    args.list.print(context, fetched, |rows| draw(rows, &client))
}

/// The table of tasks.
pub fn draw(rows: &[Value], client: &Client) -> Table {
    let (ids, names) = (ShortIds::of(rows, "id"), AgentNames::new(client));
    let mut table = Table::new(&[
        ("ID", Align::Left),
        ("TYPE", Align::Left),
        ("STATUS", Align::Left),
        ("PRIO", Align::Right),
        ("AGENT", Align::Left),
        ("CAGE", Align::Left),
        ("AGE", Align::Right),
        ("TOOK", Align::Right),
        ("WHAT", Align::Elastic),
    ]);
    for task in rows {
        table.row(vec![
            ids.cell(task, "id"),
            view::text(task, "type").into(),
            view::status(task, "status"),
            view::text(task, "priority").into(),
            doer(task, &names).into(),
            cage_of(task).into(),
            view::age(task, "created_at").into(),
            view::between(task, "attempt_started_at", "completed_at").into(),
            what(task),
        ]);
    }
    table
}

/// Who does a task or did it last; of one that nobody has taken yet, who must do it.
fn doer(task: &Value, names: &AgentNames<'_>) -> String {
    let taken = !view::at(task, "assigned_agent_id").is_null();
    names.name(task, if taken { "assigned_agent_id" } else { "agent_id" })
}

/// What tells a task from others: why it failed, its numbers, its title, its command or its tags, and what it says it does.
fn what(task: &Value) -> Cell {
    let error = view::text(task, "error");
    // Of one that is tried again the last failure says nothing of now.
    if !error.is_empty() && view::text(task, "status") != TaskStatus::Executing.as_str() {
        return Cell::new(error, Role::Bad);
    }
    let array = match (view::at(task, "array"), view::at(task, "array_index")) {
        (Value::Object(range), _) => {
            let end = |key: &str| range.get(key).and_then(Value::as_u64).unwrap_or(0);
            format!("[{}-{}] ", end("first"), end("last"))
        }
        (_, Value::Number(index)) => format!("[{index}] "),
        _ => String::new(),
    };
    let command = view::command_line(task);
    let tags = view::joined(task, "metadata.tags", " ");
    let does = match view::text(task, "live.activity") {
        said if said.is_empty() => said,
        _ => format!(" ({})", view::activity(task)),
    };
    let title = view::text(task, "metadata.title");
    let words = [title, command, tags].into_iter().find(|words| !words.is_empty()).unwrap_or_default();
    Cell::from(format!("{array}{words}{does}"))
}

/// What was read out of a task's text, which its agent is chosen by.
fn read_as(task: &Value) -> String {
    serde_json::from_value::<TaskContext>(view::at(task, "context").clone()).unwrap_or_default().sentence()
}

fn show(context: &mut Context, id: &str) -> Outcome {
    let client = context.engine()?;
    let mut task: Value = client.get(&format!("/v1/tasks/{}", encode(id)), &vec![])?;
    // An array has no executions of its own: its elements have.
    let is_array = view::at(&task, "array").is_object();
    let executions = if is_array {
        vec![]
    } else {
        client.list::<Value>("executions", &vec![("task".to_owned(), view::text(&task, "id"))])?.0
    };
    let ratings: Vec<Rating> = client.get(&format!("/v1/tasks/{}/ratings", encode(id)), &vec![])?;
    if !context.out.is_table() {
        if let Some(task) = task.as_object_mut() {
            task.insert("executions".to_owned(), executions.into());
            task.insert("ratings".to_owned(), ratings.iter().map(|rating| serde_json::json!(rating)).collect());
        }
        context.out.value(&task)?;
        return Ok(0);
    }
    let names = AgentNames::new(&client);
    let mut activity = view::activity(&task);
    let mut delay = String::new();
    if view::text(&task, "status") == TaskStatus::Pending.as_str()
        && let Some(explanation) = wait::explanation(&client, &view::text(&task, "id"))
    {
        if let Some(why) = wait::first_blocking(&explanation) {
            activity = format!("{activity}: {why}");
        }
        let mut reasons = view::at(&explanation, "reasons").as_array().into_iter().flatten();
        delay = reasons
            .find(|reason| view::text(reason, "kind") == "delay")
            .map_or(delay, |reason| view::text(reason, "text"));
    }
    let requirements = view::at(&task, "requirements").as_object().cloned().unwrap_or_default();
    let requirements: Vec<String> = requirements
        .iter()
        .map(|(name, value)| match (name.as_str(), value) {
            ("memory" | "storage" | "gpu_memory", _) => format!("{name} {}", size_of(value)),
            (_, Value::Array(_)) => view::joined(&Value::Object(requirements.clone()), name, " "),
            (_, value) => format!("{name} {value}"),
        })
        .collect();
    let pinned = if view::at(&task, "agent_id").is_null() { String::new() } else { names.name(&task, "agent_id") };
    let mut fields = vec![
        ("id", view::text(&task, "id").into()),
        ("type", view::text(&task, "type").into()),
        ("title", view::text(&task, "metadata.title").into()),
        ("description", view::text(&task, "metadata.description").into()),
        ("status", view::status(&task, "status")),
        ("activity", activity.into()),
        ("delay", delay.into()),
        ("error", Cell::new(view::text(&task, "error"), Role::Bad)),
        ("priority", view::text(&task, "priority").into()),
        ("command", view::command_line(&task).into()),
        ("agent", names.name(&task, "assigned_agent_id").into()),
        ("cage", cage_of(&task).into()),
        ("must be done by", pinned.into()),
        ("must run in cage", view::text(&task, "cage_id").into()),
        ("requires", requirements.join(", ").into()),
        ("attempts", format!("{} of {}", view::text(&task, "attempts"), view::text(&task, "max_attempts")).into()),
        ("timeout", view::text(&task, "timeout").into()),
        ("verify", verification(&task).into()),
        ("workspace", view::workspace(&task).into()),
        ("deadline", view::moment(&task, "deadline")),
        ("after", view::joined(&task, "depends_on", " ").into()),
        ("tags", view::joined(&task, "metadata.tags", " ").into()),
        ("read as", read_as(&task).into()),
        ("created", view::moment(&task, "created_at")),
        ("not before", view::moment(&task, "not_before")),
        ("started", view::moment(&task, "started_at")),
        ("completed", view::moment(&task, "completed_at")),
        ("input", object(&task, "parameters.input_data")),
        ("output", object(&task, "output")),
    ];
    // The attempt under way, or the last one, says the most.
    let latest = executions.iter().max_by_key(|execution| view::count(execution, "attempt"));
    // Of one that failed the error says it.
    let remark = latest.map(|execution| view::text(execution, "outcome.message")).unwrap_or_default();
    if view::text(&task, "status") == TaskStatus::Completed.as_str() {
        fields.push(("remark", Cell::new(remark, Role::Warning)));
    }
    fields.extend(latest.into_iter().flat_map(execution::reported));
    fields.extend(latest.map(|latest| ("quality", execution::quality(latest).into())));
    fields.extend(ratings.iter().map(|rating| ("rated", rating.sentence().into())));
    context.out.fields(&fields)?;
    if is_array {
        return show_elements(context, &client, &task);
    }
    if !executions.is_empty() {
        context.out.line("")?;
        context.out.table(&execution::draw(&executions, &names, &execution::Uses::of(&executions, &client), false))?;
    }
    Ok(0)
}

/// Says how many elements of an array are where; those that are not yet tasks of their own are only counted.
fn show_elements(context: &mut Context, client: &Client, array: &Value) -> Outcome {
    let all = view::count(array, "array.last") + 1 - view::count(array, "array.first");
    let (mut table, mut known) = (Table::new(&[("ELEMENTS", Align::Left), ("COUNT", Align::Right)]), 0);
    for status in TaskStatus::ALL {
        let query = vec![
            ("array".to_owned(), view::text(array, "id")),
            ("status".to_owned(), status.to_string()),
            ("limit".to_owned(), "0".to_owned()),
        ];
        let (_, count) = client.list::<Value>("tasks", &query)?;
        known += count;
        if count > 0 {
            table.row(vec![Cell::status(status.as_str()), count.to_string().into()]);
        }
    }
    let ended = view::text(array, "status");
    if all > known {
        let still = if ended == "pending" { "to come".to_owned() } else { format!("never started, {ended}") };
        table.row(vec![still.into(), (all - known).to_string().into()]);
    }
    context.out.line("")?;
    context.out.table(&table)?;
    Ok(0)
}

/// A JSON object or any other value at a path, unless it is empty.
fn object(value: &Value, path: &str) -> Cell {
    match view::at(value, path) {
        Value::Object(map) if map.is_empty() => Cell::default(),
        _ => view::text(value, path).into(),
    }
}

/// So many cages are spoken of one by one.
const CAGES_SHOWN: usize = 8;

fn explain(context: &mut Context, id: &str) -> Outcome {
    let client = context.engine()?;
    let explanation: Value = client.get(&format!("/v1/tasks/{}/explain", encode(id)), &vec![])?;
    if context.out.value(&explanation)? {
        return Ok(0);
    }
    let role = Role::of_status(&view::text(&explanation, "status"));
    let summary = [view::text(&explanation, "summary"), view::text(&explanation, "status")];
    let summary = summary.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    let summary = context.out.paint(role, &super::table::clean(&summary));
    context.out.line(&format!("{}  {summary}", view::text(&explanation, "task_id")))?;
    for reason in view::at(&explanation, "reasons").as_array().map_or(&[][..], Vec::as_slice) {
        let blocking = view::at(reason, "blocking").as_bool() == Some(true);
        let (sign, role) = if blocking { ("x", Role::Bad) } else { ("-", Role::Dim) };
        let sign = context.out.paint(role, sign);
        context.out.line(&format!("  {sign} {}", super::table::clean(&view::text(reason, "text"))))?;
    }
    let cages = view::at(&explanation, "cages").as_array().map_or(&[][..], Vec::as_slice);
    let cages: Vec<_> = cages.iter().filter(|cage| view::at(cage, "admits").as_bool() == Some(false)).collect();
    for cage in cages.iter().take(CAGES_SHOWN) {
        let text = format!("    cage {}: {}", view::text(cage, "cage"), view::text(cage, "text"));
        let text = context.out.paint(Role::Dim, &super::table::clean(&text));
        context.out.line(&text)?;
    }
    let more = cages.len().saturating_sub(CAGES_SHOWN) as u64 + view::count(&explanation, "cages_left_out");
    if more > 0 {
        let text = context.out.paint(Role::Dim, &format!("    and {more} cages that are further off"));
        context.out.line(&text)?;
    }
    context.out.fields(&[
        ("position", view::text(&explanation, "position").into()),
        ("expected", expected(&explanation)),
        ("smallest change", view::text(&explanation, "smallest_change.text").into()),
        ("to change it", view::text(&explanation, "change").into()),
    ])?;
    Ok(0)
}

/// When a task is expected to start: an instant, or a span from now.
fn expected(explanation: &Value) -> Cell {
    if view::time(explanation, "expected_start").is_some() {
        view::moment(explanation, "expected_start")
    } else {
        view::text(explanation, "expected_start").into()
    }
}

/// What the task's completion is verified by, as it would be typed.
fn verification(task: &Value) -> String {
    let verify: Option<Verify> = serde_json::from_value(view::at(task, "verify").clone()).ok();
    verify.map(|verify| verify.phrase(view::quote)).unwrap_or_default()
}

fn size_of(value: &Value) -> String {
    value.as_u64().map_or_else(|| value.to_string(), |bytes| crate::domain::Bytes::new(bytes).human())
}

/// Where a task runs or ran last; before its first attempt, where it has to run.
fn cage_of(task: &Value) -> String {
    let place = if view::at(task, "assigned_cage_id").is_null() { "cage_id" } else { "assigned_cage_id" };
    view::text_or_dash(task, place)
}
