//! `menagerie execution …`: single attempts at tasks, with what agents report of them.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::args::one_of;
use super::context::Context;
use super::failure::Outcome;
use super::list::{ListArgs, given};
use super::output::Role;
use super::table::{Align, Cell, Table};
use super::view::{self, AgentNames, ShortIds};
use crate::api::client::encode;
use crate::domain::filter::tables;
use crate::domain::{Activity, CageId, ExecutionStatus, OutcomeKind, Span, Verification};

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
    args.list.print(context, fetched, |rows| draw(rows, &AgentNames::new(&client), true))
}

/// The table of executions; `with_task` for those of several tasks.
pub fn draw(rows: &[Value], names: &AgentNames<'_>, with_task: bool) -> Table {
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
            cpu(execution).into(),
            view::size(execution, "metrics.resource_usage.memory_peak").into(),
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
        ("cpu", measured(cpu(&execution))),
        ("memory", measured(view::size(&execution, "metrics.resource_usage.memory_peak"))),
    ];
    fields.extend(reported(&execution));
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
