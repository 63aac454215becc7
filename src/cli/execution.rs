//! `menagerie execution …`: single attempts at tasks, with what agents report of them.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::args::one_of;
use super::context::Context;
use super::failure::Outcome;
use super::list::{ListArgs, given};
use super::output::Role;
use super::table::{Align, Cell, Table};
use super::view::{self, AgentNames, ShortIds};
use crate::api::client::{Client, encode};
use crate::api::live::CageCell;
use crate::domain::filter::tables;
use crate::domain::selection::Choice;
use crate::domain::{Activity, CageId, ExecutionStatus, OutcomeKind, Span, Verification};
use crate::ui;

/// What can be done with executions.
#[derive(Subcommand, Debug)]
pub enum ExecutionVerb {
    /// List executions, the latest first
    List(ExecutionListArgs),
    /// Show everything about an execution
    Show {
        /// The execution: its id or the beginning of it
        id: String,
    },
}

/// Options of `menagerie execution list`.
#[derive(Args, Clone, Debug)]
pub struct ExecutionListArgs {
    /// Only executions with this status
    #[arg(short, long, value_name = "STATUS", value_parser = one_of::<ExecutionStatus>(ExecutionStatus::ALL))]
    pub status: Option<ExecutionStatus>,
    /// Only executions of this task
    #[arg(long, value_name = "ID")]
    pub task: Option<String>,
    /// Only executions by this agent
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// Only executions in this cage
    #[arg(long, value_name = "NUMBER")]
    pub cage: Option<CageId>,
    #[command(flatten)]
    pub list: ListArgs,
}

pub fn run(context: &mut Context, verb: ExecutionVerb) -> Outcome {
    match verb {
        ExecutionVerb::List(args) => list(context, args),
        ExecutionVerb::Show { id } => show(context, &id),
    }
}

fn list(context: &mut Context, args: ExecutionListArgs) -> Outcome {
    let client = context.engine()?;
    let filters = given([
        ("status", args.status.map(|status| status.to_string())),
        ("task", args.task),
        ("agent", args.agent),
        ("cage", args.cage.map(|cage| cage.to_string())),
    ]);
    let fetched = args.list.fetch(&client, &tables::EXECUTIONS, filters, context.out.is_table())?;
    args.list.print(context, fetched, |rows| draw(rows, &AgentNames::new(&client), &Uses::of(rows, &client), true))
}

/// What executions use that run now. The kernel counts for whole cages, so it is told of those that are alone in theirs.
pub struct Uses(BTreeMap<String, CageCell>);

impl Uses {
    /// Asks only where one of these executions is under way; what cannot be told is not shown.
    pub fn of(executions: &[Value], client: &Client) -> Self {
        let run =
            executions.iter().any(|execution| view::text(execution, "status") == ExecutionStatus::Running.as_str());
        let cells = if run { client.grid().unwrap_or_default() } else { vec![] };
        Self(cells.into_iter().filter(|cell| cell.running == 1).map(|cell| (cell.id.to_string(), cell)).collect())
    }

    fn cell(&self, execution: &Value) -> Option<&CageCell> {
        let runs = view::text(execution, "status") == ExecutionStatus::Running.as_str();
        self.0.get(&view::text(execution, "cage_id")).filter(|_| runs)
    }

    /// Processor time in all; of one that runs, cores at present.
    fn cpu(&self, execution: &Value) -> String {
        let cores = self.cell(execution).and_then(|cell| cell.cpu.used);
        cores.map_or_else(|| cpu(execution), |cores| format!("{cores:.2} now"))
    }

    /// The most memory that was used; of one that runs, what is at present.
    fn memory(&self, execution: &Value) -> String {
        let bytes = self.cell(execution).and_then(|cell| cell.memory.used);
        let peak = || view::size(execution, "metrics.resource_usage.memory_peak");
        bytes.map_or_else(peak, |bytes| format!("{} now", super::cage::bytes(bytes)))
    }
}

/// The table of executions; `with_task` for those of several tasks.
pub fn draw(rows: &[Value], names: &AgentNames<'_>, uses: &Uses, with_task: bool) -> Table {
    let (ids, tasks) = (ShortIds::of(rows, "id"), ShortIds::of(rows, "task_id"));
    let first = if with_task { ("TASK", Align::Left) } else { ("ATTEMPT", Align::Right) };
    let mut table = Table::new(&[
        first,
        ("EXECUTION", Align::Left),
        ("STATUS", Align::Left),
        ("AGENT", Align::Left),
        ("CAGE", Align::Left),
        ("TOOK", Align::Right),
        ("CPU", Align::Right),
        ("MEMORY", Align::Right),
        // What agents say of themselves is not measured, and said to be so.
        ("SAID DONE", Align::Right),
        ("SAID TOKENS", Align::Right),
        ("SAID COST", Align::Right),
        ("OUTCOME", Align::Elastic),
    ]);
    for execution in rows {
        let first = if with_task { tasks.cell(execution, "task_id") } else { view::text(execution, "attempt").into() };
        table.row(vec![
            first,
            ids.cell(execution, "id"),
            view::status(execution, "status"),
            names.name(execution, "agent_id").into(),
            view::text(execution, "cage_id").into(),
            view::between(execution, "started_at", "completed_at").into(),
            uses.cpu(execution).into(),
            uses.memory(execution).into(),
            progress(execution).into(),
            view::text_or_dash(execution, "tokens_used").into(),
            cost(execution).into(),
            outcome(execution).into(),
        ]);
    }
    table
}

/// What an agent reports of an execution, as labelled values: shown as reported, for nothing proves it.
pub fn reported(execution: &Value) -> [(&'static str, Cell); 4] {
    let with = |text: String| if text == view::NOTHING { Cell::default() } else { text.into() };
    [
        ("progress, as reported", with(progress(execution))),
        ("tokens, as reported", view::text(execution, "tokens_used").into()),
        ("cost, as reported", with(cost(execution))),
        ("said last", view::text(execution, "output_summary").into()),
    ]
}

/// Processor time; a dash where none was measured, as of an attempt that was never started.
fn cpu(execution: &Value) -> String {
    let micros = view::at(execution, "metrics.resource_usage.cpu_us").as_i64();
    micros.map_or_else(|| view::NOTHING.to_owned(), |micros| Span::from_micros(micros).human())
}

fn progress(execution: &Value) -> String {
    view::at(execution, "progress").as_u64().map_or_else(|| view::NOTHING.to_owned(), |percent| format!("{percent}%"))
}

fn cost(execution: &Value) -> String {
    view::at(execution, "cost").as_f64().map_or_else(|| view::NOTHING.to_owned(), |dollars| format!("${dollars:.4}"))
}

fn outcome(execution: &Value) -> String {
    let kind = view::text(execution, "outcome.kind");
    let parts = if kind == OutcomeKind::Succeeded.as_str() {
        [kind, view::text_or(execution, "outcome.verification", Verification::Unverified.as_str())]
    } else {
        [kind, view::text(execution, "outcome.message")]
    };
    parts.join(" ").trim().to_owned()
}

/// How good its artifacts are; nothing where nobody said so.
pub fn quality(execution: &Value) -> String {
    let quality = view::at(execution, "quality_score").as_f64();
    quality.map(|quality| format!("{}, the mean of its artifacts", ui::decimals(quality, 2))).unwrap_or_default()
}

/// What it does, and with what; nothing once it has ended, or where it says nothing.
fn activity(execution: &Value) -> String {
    let activity = view::text(execution, "activity").parse::<Activity>().ok();
    let detail = view::text(execution, "activity_detail");
    let detail = Some(detail.as_str()).filter(|detail| !detail.is_empty());
    activity.map(|activity| activity.phrase(detail)).unwrap_or_default()
}

fn show(context: &mut Context, id: &str) -> Outcome {
    let client = context.engine()?;
    let execution: Value = client.get(&format!("/v1/executions/{}", encode(id)), &vec![])?;
    if context.out.value(&execution)? {
        return Ok(0);
    }
    let names = AgentNames::new(&client);
    let uses = Uses::of(std::slice::from_ref(&execution), &client);
    let measured = |text: String| if text == view::NOTHING { Cell::default() } else { text.into() };
    let mut fields = vec![
        ("id", view::text(&execution, "id").into()),
        ("task", view::text(&execution, "task_id").into()),
        ("attempt", view::text(&execution, "attempt").into()),
        ("status", view::status(&execution, "status")),
        ("activity", activity(&execution).into()),
        ("outcome", outcome(&execution).into()),
        ("agent", names.name(&execution, "agent_id").into()),
        ("cage", view::text(&execution, "cage_id").into()),
        ("runtime", view::text(&execution, "execution_type").into()),
        ("workspace", view::workspace(&execution).into()),
        ("took", measured(view::between(&execution, "started_at", "completed_at"))),
        ("cpu", measured(uses.cpu(&execution))),
        ("memory", measured(uses.memory(&execution))),
    ];
    fields.extend(reported(&execution));
    fields.push(("rating", view::text(&execution, "user_satisfaction_rating").into()));
    fields.push(("quality", quality(&execution).into()));
    if let Ok(choice) = serde_json::from_value::<Choice>(view::at(&execution, "choice").clone()) {
        fields.push(("chosen", choice.sentence(&names.name(&execution, "agent_id")).into()));
    }
    fields.extend([
        ("created", view::moment(&execution, "created_at")),
        ("started", view::moment(&execution, "started_at")),
        ("completed", view::moment(&execution, "completed_at")),
        ("result", Cell::new(view::text(&execution, "result.output"), Role::Plain)),
    ]);
    context.out.fields(&fields)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_never_measured_or_said_is_a_dash() {
        let nothing =
            json!({"status": "failed", "metrics": {"duration": null, "resource_usage": null}, "progress": null});
        assert_eq!((cpu(&nothing), progress(&nothing), cost(&nothing)), ("-".into(), "-".into(), "-".into()));
        assert!(reported(&nothing).iter().all(|(_, cell)| cell.text.is_empty()));
        let said = json!({"progress": 0, "tokens_used": 12, "cost": 0.5, "output_summary": "done it",
            "metrics": {"resource_usage": {"cpu_us": 0}}});
        assert_eq!((cpu(&said), progress(&said), cost(&said)), ("0us".into(), "0%".into(), "$0.5000".into()));
        let texts = reported(&said).map(|(_, cell)| cell.text);
        assert_eq!(texts, ["0%", "12", "$0.5000", "done it"].map(str::to_owned));
    }

    #[test]
    fn what_runs_alone_in_its_cage_uses_what_the_cage_uses() {
        let cell = |running: u32| -> CageCell {
            serde_json::from_value(json!({"id": "001", "status": "occupied", "state": "running", "running": running,
                "cpu": {"used": 0.5}, "memory": {"used": 2_097_152.0}, "gpu": {}, "tokens": {}, "pids": {}}))
            .unwrap()
        };
        let uses = Uses([("001".to_owned(), cell(1))].into());
        let runs = json!({"status": "running", "cage_id": "001"});
        assert_eq!((uses.cpu(&runs), uses.memory(&runs)), ("0.50 now".into(), "2MiB now".into()));
        for other in [json!({"status": "starting", "cage_id": "001"}), json!({"status": "running", "cage_id": "002"})] {
            assert_eq!((uses.cpu(&other), uses.memory(&other)), ("-".into(), "-".into()));
        }
    }

    #[test]
    fn a_success_says_whether_it_was_verified() {
        for (said, text) in [
            (json!({"kind": "succeeded", "message": ""}), "succeeded unverified"),
            (json!({"kind": "succeeded", "message": "", "verification": "verified"}), "succeeded verified"),
            (json!({"kind": "failed", "message": "exit status 1"}), "failed exit status 1"),
        ] {
            assert_eq!(outcome(&json!({ "outcome": said })), text);
        }
    }
}
