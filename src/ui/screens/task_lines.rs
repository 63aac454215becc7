//! What is known of a task as lines, each leading to what it names.

use serde_json::Value;

use super::task::Known;
use super::tasks::{self, mark};
use crate::domain::execution::ExecutionStatus;
use crate::domain::requirements::Quantities;
use crate::domain::{Artifact, Execution, Outcome, Task, Timestamp};
use crate::ui::events_text::shortened;
use crate::ui::look::Mark;
use crate::ui::pager::{Gutter, TextLine};
use crate::ui::place::Place;
use crate::ui::request::Page;
use crate::ui::text::{self, short_id};
use crate::ui::theme::Role;

/// Columns of a label.
const LABEL: usize = 13;

/// The most lines of a value that is written as JSON.
const JSON_LINES_MAX: usize = 40;

/// What came of the task and what hangs on it.
pub fn related(known: &Known) -> Vec<TextLine> {
    let Some(task) = &known.task else { return Vec::new() };
    let mut lines = Vec::new();
    if let Some(error) = &task.error {
        lines.push(heading("ERROR", None));
        lines.extend(error.lines().map(|line| TextLine::plain(Role::Bad, line)));
        lines.push(TextLine::default());
    }
    let waits = if task.approval_gate { "WAITS FOR, AND FOR APPROVAL OF WHAT THEY MADE" } else { "WAITS FOR" };
    section(&mut lines, waits, known.parents.as_ref(), "nothing", task_line);
    if let Some(page) = &known.parents
        && page.total < task.depends_on.len() as u64
    {
        let missing = task.depends_on.len() as u64 - page.total;
        lines.push(TextLine::plain(Role::Dim, format!("and {} more; o shows the tree", text::count(missing))));
    }
    let parents = || known.parents.iter().flat_map(|page| &page.rows);
    lines.extend(known.approvals.iter().map(|words| approval_line(words, parents())));
    lines.push(TextLine::default());
    section(&mut lines, "HOLDS UP", known.children.as_ref(), "nothing", task_line);
    lines.push(TextLine::default());
    let start = lines.len();
    section(&mut lines, "ATTEMPTS", known.executions.as_ref(), "none yet", |one| execution_line(one, known));
    if known.executions.as_ref().is_some_and(|page| !page.rows.is_empty()) {
        lines.insert(start + 1, TextLine::plain(Role::Dim, ATTEMPT_COLUMNS));
    }
    if let Some(execution) = known.executions.iter().flat_map(|page| &page.rows).next() {
        lines.push(TextLine::default());
        lines.extend(choice_lines(task, execution, known));
    }
    lines.push(TextLine::default());
    section(&mut lines, "ARTIFACTS", known.artifacts.as_ref(), "none", artifact_line);
    lines
}

/// An approval that is waited for: the engine's words, with these tasks called by their types.
pub fn approval_line<'a>(words: &str, parents: impl Iterator<Item = &'a Task>) -> TextLine {
    let words = parents.fold(words.to_owned(), |words, task| {
        let id = task.id.to_string();
        words.replace(&id, &format!("{} {}", text::fit(&text::clean(&task.kind), 30), short_id(&id)))
    });
    let line = TextLine::plain(Role::Waiting, shortened(&words)).with_gutter(Gutter::State(Mark::Human));
    // One artifact alone is called by its id, and that leads to it.
    let id = words
        .split_once("artifact ")
        .and_then(|(_, rest)| rest.get(..36))
        .filter(|id| uuid::Uuid::try_parse(id).is_ok());
    match id {
        Some(id) => line.to(Place::Artifact(id.to_owned(), format!("artifact {}", short_id(id)))),
        None => line,
    }
}

fn heading(title: &str, total: Option<u64>) -> TextLine {
    let count = total.filter(|total| *total > 0).map(|total| format!("  {}", text::count(total))).unwrap_or_default();
    TextLine::roles([(Role::Heading, title.to_owned()), (Role::Dim, count)])
}

fn section<T>(
    lines: &mut Vec<TextLine>,
    title: &str,
    page: Option<&Page<T>>,
    none: &str,
    line: impl Fn(&T) -> TextLine,
) {
    lines.push(heading(title, page.map(|page| page.total)));
    let Some(page) = page else {
        lines.push(TextLine::plain(Role::Dim, "asking the engine …"));
        return;
    };
    if page.rows.is_empty() {
        lines.push(TextLine::plain(Role::Dim, none));
    }
    lines.extend(page.rows.iter().map(line));
    let more = page.total.saturating_sub(page.rows.len() as u64);
    if more > 0 {
        lines.push(TextLine::plain(Role::Dim, format!("and {} more", text::count(more))));
    }
}

/// A task as a line that leads to it.
pub fn task_line(task: &Task) -> TextLine {
    tree_line("", task)
}

/// The same behind the branches of a tree.
pub fn tree_line(branches: &str, task: &Task) -> TextLine {
    let sign = mark(task.status);
    let id = task.id.to_string();
    let kind_columns = 34_usize.saturating_sub(text::width(branches)).max(12);
    let pieces = [
        (Role::Border, branches.to_owned()),
        (sign.role(), text::pad(task.status.as_str(), 10)),
        (Role::Dim, format!(" {} ", short_id(&id))),
        (Role::Text, text::pad(&text::clean(&task.kind), kind_columns)),
        (Role::Bad, format!(" {}", task.error.as_deref().unwrap_or_default())),
    ];
    let indent = u16::try_from(text::width(branches)).unwrap_or(0).saturating_add(20);
    TextLine::roles(pieces).hanging(indent).with_gutter(Gutter::State(sign)).to(Place::Task(id))
}

fn execution_line(execution: &Execution, known: &Known) -> TextLine {
    let outcome = execution.outcome.as_ref();
    let sign = match (execution.status, outcome.map(Outcome::succeeded)) {
        (ExecutionStatus::Starting, _) => Mark::Starting,
        (ExecutionStatus::Running, _) => Mark::Running,
        (_, Some(true)) | (ExecutionStatus::Completed, None) => Mark::Done,
        (_, Some(false)) | (ExecutionStatus::Failed, None) => Mark::Failed,
    };
    let word = outcome.map_or(execution.status.as_str(), |outcome| outcome.kind.as_str());
    let took = match (execution.started_at, execution.completed_at) {
        (Some(start), Some(end)) => text::duration(end.as_micros() - start.as_micros()),
        _ => "-".to_owned(),
    };
    // Nothing was measured of an attempt that was never started.
    let usage = outcome.map(|outcome| outcome.usage).filter(|_| execution.started_at.is_some());
    let cpu = usage.map_or("-".to_owned(), |usage| text::duration(i64::try_from(usage.cpu_us).unwrap_or(i64::MAX)));
    let memory = usage.and_then(|usage| usage.memory_peak).map_or("-".to_owned(), |peak| text::bytes(peak as f64));
    let exit = match outcome.map(|outcome| (outcome.exit_code, outcome.signal, outcome.succeeded())) {
        Some((Some(code), _, false)) => format!("exit {code}  "),
        Some((None, Some(signal), _)) => format!("signal {signal}  "),
        _ => String::new(),
    };
    let message = outcome.map(|outcome| outcome.message.clone()).unwrap_or_default();
    let checked = outcome.filter(|outcome| outcome.succeeded()).map(|outcome| outcome.verification.as_str());
    let pieces = [
        (Role::Text, text::pad_left(&execution.attempt.to_string(), 2)),
        (sign.role(), format!("  {} ", text::pad(word, 14))),
        (Role::Text, format!("{} ", text::pad_left(&took, 6))),
        (Role::Text, format!("{} ", text::pad(&text::clean(&known.name(&execution.agent_id.to_string())), 14))),
        (Role::Dim, format!("{} ", text::pad_left(&execution.cage_id.to_string(), 4))),
        (Role::Dim, format!("{} {}  ", text::pad_left(&cpu, 6), text::pad_left(&memory, 6))),
        (Role::Bad, format!("{exit}{message}")),
        (Role::Dim, checked.map(str::to_owned).or_else(|| execution.doing()).unwrap_or_default()),
    ];
    let place = Place::Attempt(execution.task_id.to_string(), execution.id.to_string());
    TextLine::roles(pieces).hanging(19).with_gutter(Gutter::State(sign)).to(place)
}

/// Columns of a line of factors.
const FACTORS_COLUMNS: usize = 70;

/// Why the agent of the last attempt was chosen.
fn choice_lines(task: &Task, execution: &Execution, known: &Known) -> Vec<TextLine> {
    let mut lines = vec![heading("WHY THIS AGENT", None)];
    let agent = known.name(&execution.agent_id.to_string());
    let Some(choice) = &execution.choice else {
        // What asks for an agent, or begins while selection is off, goes to whoever is free.
        let words = match task.agent_id {
            Some(id) if id == execution.agent_id => format!("the task asks for {agent}"),
            _ => format!("{agent} was free; nobody was chosen by how well they suit"),
        };
        lines.push(TextLine::plain(Role::Dim, words));
        return lines;
    };
    lines.push(TextLine::plain(Role::Text, format!("{agent} {}", choice.result())).hanging(2));
    let mut rows: Vec<String> = Vec::new();
    for factor in choice.known() {
        match rows.last_mut() {
            Some(row) if row.len() + factor.len() + 2 <= FACTORS_COLUMNS => {
                row.push_str("  ");
                row.push_str(&factor);
            }
            _ => rows.push(factor),
        }
    }
    lines.extend(rows.into_iter().map(|row| TextLine::plain(Role::Text, format!("  {row}"))));
    lines.extend(choice.unknown().map(|words| TextLine::plain(Role::Dim, format!("  {words}")).hanging(2)));
    lines.extend(choice.better().map(|words| TextLine::plain(Role::Warn, format!("  {words}")).hanging(2)));
    lines
}

/// The headings above attempts; each stands where its column does.
const ATTEMPT_COLUMNS: &str = " #  OUTCOME          TOOK AGENT          CAGE    CPU    RSS  HOW IT ENDED";

fn artifact_line(artifact: &Artifact) -> TextLine {
    let sign = super::artifacts::mark(artifact.review.state);
    let pieces = [
        (sign.role(), text::pad(artifact.review.state.as_str(), 10)),
        (Role::Text, text::pad(&text::clean(&artifact.title), 44)),
        (Role::Dim, format!(" {}", text::pad(artifact.kind.as_str(), 9))),
        (Role::Dim, text::pad_left(&text::bytes(artifact.size as f64), 6)),
    ];
    let place = Place::Artifact(artifact.id.to_string(), artifact.title.clone());
    TextLine::roles(pieces).with_gutter(Gutter::State(sign)).to(place)
}

/// What was asked, and when what happened.
pub fn facts(known: &Known) -> Vec<TextLine> {
    let Some(task) = &known.task else { return Vec::new() };
    let mut lines = vec![heading("WHAT WAS ASKED", None)];
    let mut say = |label: &str, value: String| {
        if !value.is_empty() {
            let line = TextLine::roles([(Role::Dim, text::pad(label, LABEL)), (Role::Text, value)]);
            lines.push(line.hanging(u16::try_from(LABEL).unwrap_or(0)));
        }
    };
    let time = |time: Option<Timestamp>| time.map(text::moment).unwrap_or_default();
    let span = |span: Option<crate::domain::Span>| span.map(crate::domain::Span::human).unwrap_or_default();
    say("id", task.id.to_string());
    say("type", task.kind.clone());
    say("command", command_line(task));
    say("agent", task.agent_id.map_or("any that can".to_owned(), |id| known.name(&id.to_string())));
    say("cage", task.cage_id.map_or("any that admits it".to_owned(), |id| id.to_string()));
    say("needs", requirements(task));
    say("array", task.array.map(|array| format!("{} to {}", array.first, array.last)).unwrap_or_default());
    say("element", task.array_index.map(|index| index.to_string()).unwrap_or_default());
    say("deadline", time(task.deadline));
    say("timeout", span(task.timeout));
    say("estimate", span(task.estimate));
    say("verified by", task.verify.phrase(crate::ui::verb::quote));
    say("works on", task.workspace.as_ref().map(crate::domain::Workspace::phrase).unwrap_or_default());
    say("verification", task.verification.map(|word| word.to_string()).unwrap_or_default());
    let under_way = if tasks::attempt(task) > task.attempts { ", one under way" } else { "" };
    let lost = if task.losses > 0 { format!(", {} lost with a worker", task.losses) } else { String::new() };
    say("attempts", format!("{} of {} made{under_way}{lost}", task.attempts, task.max_attempts));
    for rating in &known.ratings {
        say("rated", text::clean(&rating.sentence()).into_owned());
    }
    say("preemptible", if task.preemptible { "yes".to_owned() } else { String::new() });
    say("read as", text::clean(&task.context.sentence()).into_owned());
    say("tags", task.metadata.tags.join(" "));
    say("source", task.metadata.source.clone().unwrap_or_default());
    say("submitted", text::moment(task.created_at));
    say("by", known.name(&task.created_by.to_string()));
    say("not before", time(task.not_before));
    say("started", time(task.started_at));
    say("ended", time(task.completed_at));
    say("changed", text::moment(task.updated_at));
    let mut configuration = task.parameters.configuration.clone();
    configuration.remove("command");
    for (title, map) in [
        ("INPUT", &task.parameters.input_data),
        ("CONFIGURATION", &configuration),
        ("CONSTRAINTS", &task.parameters.constraints),
        ("METADATA", &task.metadata.other),
    ] {
        if !map.is_empty() {
            json(&mut lines, title, &Value::Object(map.clone()));
        }
    }
    if let Some(output) = &task.output {
        json(&mut lines, "RESULT", output);
    }
    lines
}

fn json(lines: &mut Vec<TextLine>, title: &str, value: &Value) {
    lines.push(TextLine::default());
    lines.push(heading(title, None));
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|error| error.to_string());
    let count = text.lines().count();
    lines.extend(text.lines().take(JSON_LINES_MAX).map(|line| TextLine::plain(Role::Text, line)));
    if count > JSON_LINES_MAX {
        let words = format!("and {} lines more; :task show with --output json has all", count - JSON_LINES_MAX);
        lines.push(TextLine::plain(Role::Dim, words));
    }
}

/// The command as a shell would read it; empty when the task brings none.
pub fn command_line(task: &Task) -> String {
    let words = task.parameters.configuration.get("command").and_then(Value::as_array);
    let words = words.into_iter().flatten().filter_map(Value::as_str);
    words.map(crate::ui::verb::quote).collect::<Vec<_>>().join(" ")
}

fn requirements(task: &Task) -> String {
    let needs = &task.requirements;
    let quantities = needs.quantities();
    let mut parts: Vec<String> = (0..quantities.0.len())
        .filter(|place| quantities.0[*place] > 0)
        .map(|place| format!("{} {}", Quantities::NAMES[place], Quantities::show(place, quantities.0[place])))
        .collect();
    if needs.tokens > 0 {
        parts.push(format!("tokens {}", text::count(needs.tokens)));
    }
    parts.extend(needs.capabilities.iter().map(|name| format!("can {name}")));
    if parts.is_empty() { "nothing but a place".to_owned() } else { parts.join(", ") }
}
