//! `menagerie artifact …`: list, read and judge what agents made.

use std::ops::ControlFlow;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::args::one_of;
use super::context::Context;
use super::defuse::Defuser;
use super::failure::Outcome;
use super::items;
use super::list::{ListArgs, given};
use super::table::{Align, Table};
use super::view::{self, AgentNames, ShortIds};
use crate::api::client::{Client, encode};
use crate::api::types::WireCommand;
use crate::domain::artifact::{QUALITY, is_quality};
use crate::domain::filter::tables;
use crate::domain::learning::Prospect;
use crate::domain::{ArtifactType, Difference, Merge, Refusal, ReviewState};
use crate::ui;

/// What can be done with artifacts.
#[derive(Subcommand, Debug)]
pub enum ArtifactVerb {
    /// List artifacts
    List(ArtifactListArgs),
    /// Show an artifact: what is known of it, then its content
    Show {
        /// Its id or the beginning of it
        id: String,
        /// Write only the content, byte for byte
        #[arg(long)]
        content: bool,
    },
    /// Approve artifacts; tasks that wait for them can start
    Approve(ReviewArgs),
    /// Reject artifacts
    Reject(ReviewArgs),
    /// Take judgements back; the artifacts wait to be judged again
    Reopen {
        /// Ids of artifacts or the beginnings of them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
}

/// Options of `menagerie artifact list`.
#[derive(Args, Clone, Debug)]
pub struct ArtifactListArgs {
    /// Only artifacts whose review stands here
    #[arg(short = 's', long = "status", visible_alias = "review", value_name = "STATE", value_parser = one_of::<ReviewState>(ReviewState::ALL))]
    pub review: Option<ReviewState>,
    /// Only artifacts of this type
    #[arg(long = "type", value_name = "TYPE", value_parser = one_of::<ArtifactType>(ArtifactType::ALL))]
    pub kind: Option<ArtifactType>,
    /// Only artifacts of this task
    #[arg(long, value_name = "ID")]
    pub task: Option<String>,
    /// Only artifacts of this agent
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    #[command(flatten)]
    pub list: ListArgs,
}

/// Options of `menagerie artifact approve` and `reject`.
#[derive(Args, Clone, Debug)]
pub struct ReviewArgs {
    /// Ids of artifacts or the beginnings of them
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// How good they are, from 0 to 1; it counts in the place of what their agents reported
    #[arg(long, value_name = "SHARE", value_parser = parse_quality, allow_hyphen_values = true)]
    pub quality: Option<f64>,
}

/// How good something is. What is no number would reach the engine as nothing said.
fn parse_quality(text: &str) -> Result<f64, Refusal> {
    let quality = text.parse().ok().filter(|quality| is_quality(*quality));
    quality.ok_or_else(|| Refusal::invalid("quality", text, QUALITY))
}

pub fn run(context: &mut Context, verb: ArtifactVerb) -> Outcome {
    let (ReviewArgs { ids, note, quality }, approve, done) = match verb {
        ArtifactVerb::List(args) => return list(context, args),
        ArtifactVerb::Show { id, content } => return show(context, &id, content),
        ArtifactVerb::Approve(args) => (args, true, "approved"),
        ArtifactVerb::Reject(args) => (args, false, "rejected"),
        ArtifactVerb::Reopen { ids } => {
            let client = context.engine()?;
            return items::send(context, &client, &WireCommand::ReopenReviews { ids }, "waits again");
        }
    };
    let client = context.engine()?;
    items::send(context, &client, &WireCommand::ReviewArtifacts { ids, approve, note, quality }, done)
}

fn list(context: &mut Context, args: ArtifactListArgs) -> Outcome {
    let client = context.engine()?;
    let filters = given([
        ("status", args.review.map(|review| review.to_string())),
        ("type", args.kind.map(|kind| kind.to_string())),
        ("task", args.task),
        ("agent", args.agent),
    ]);
    let fetched = args.list.fetch(&client, &tables::ARTIFACTS, filters, context.out.is_table())?;
    args.list.print(context, fetched, |rows| draw(rows, &AgentNames::new(&client)))
}

fn draw(rows: &[Value], names: &AgentNames<'_>) -> Table {
    let (ids, tasks) = (ShortIds::of(rows, "id"), ShortIds::of(rows, "task_id"));
    let mut table = Table::new(&[
        ("ID", Align::Left),
        ("TYPE", Align::Left),
        ("REVIEW", Align::Left),
        ("SIZE", Align::Right),
        ("AGENT", Align::Left),
        ("TASK", Align::Left),
        ("AGE", Align::Right),
        ("TITLE", Align::Elastic),
    ]);
    for artifact in rows {
        table.row(vec![
            ids.cell(artifact, "id"),
            view::text(artifact, "type").into(),
            view::status(artifact, "review.state"),
            view::size(artifact, "size").into(),
            names.name(artifact, "agent_id").into(),
            tasks.cell(artifact, "task_id"),
            view::age(artifact, "created_at").into(),
            view::text(artifact, "title").into(),
        ]);
    }
    table
}

/// How good it is, and who says so; nothing where nobody does.
fn quality(artifact: &Value) -> String {
    let reported = view::at(artifact, "review.quality").is_null();
    let quality = view::at(artifact, "quality_score").as_f64();
    let said = |quality| format!("{}{}", ui::decimals(quality, 2), if reported { ", as reported" } else { "" });
    quality.map(said).unwrap_or_default()
}

fn show(context: &mut Context, id: &str, only_content: bool) -> Outcome {
    let client = context.engine()?;
    if only_content {
        return content(context, &client, id);
    }
    let artifact: Value = client.get(&format!("/v1/artifacts/{}", encode(id)), &vec![])?;
    if context.out.value(&artifact)? {
        return Ok(0);
    }
    let names = AgentNames::new(&client);
    context.out.fields(&[
        ("id", view::text(&artifact, "id").into()),
        ("title", view::text(&artifact, "title").into()),
        ("type", view::text(&artifact, "type").into()),
        ("review", view::status(&artifact, "review.state")),
        ("outlook", outlook(&artifact).into()),
        ("note", view::text(&artifact, "review.note").into()),
        ("rule", view::text(&artifact, "review.rule").into()),
        ("judged", view::moment(&artifact, "review.at")),
        ("agent", names.name(&artifact, "agent_id").into()),
        ("task", view::text(&artifact, "task_id").into()),
        ("size", view::size(&artifact, "size").into()),
        ("quality", quality(&artifact).into()),
        ("digest", view::text(&artifact, "digest").into()),
        ("difference", difference(&artifact).into()),
        ("merge", merge(&artifact).into()),
        ("created", view::moment(&artifact, "created_at")),
    ])?;
    context.out.line("")?;
    content(context, &client, &view::text(&artifact, "id"))
}

/// How likely it is to be approved, and what that rests on; of one that waits, once that is known.
fn outlook(artifact: &Value) -> String {
    let approval: Option<Prospect> = serde_json::from_value(view::at(artifact, "approval").clone()).ok();
    approval.map_or_else(String::new, |prospect| prospect.sentence("is approved"))
}

/// What a difference is from, and how large it is.
fn difference(artifact: &Value) -> String {
    let difference: Option<Difference> = serde_json::from_value(view::at(artifact, "difference").clone()).ok();
    difference.map_or_else(String::new, |one| {
        let base = one.base.get(..12).unwrap_or(&one.base);
        format!("{} from {} at {base}", one.phrase(), one.repository)
    })
}

/// What has come of merging it, or what will once it is approved.
fn merge(artifact: &Value) -> String {
    let merge: Option<Merge> = serde_json::from_value(view::at(artifact, "merge").clone()).ok();
    let branch = view::text(artifact, "difference.merge");
    match merge {
        Some(merge) => merge.phrase(),
        None if branch.is_empty() => String::new(),
        None if view::at(artifact, "human_approved") == true => format!("under way, into {branch}"),
        None => format!("into {branch} once it is approved"),
    }
}

/// Writes the content as it comes, to a terminal without an agent's control characters.
fn content(context: &mut Context, client: &Client, id: &str) -> Outcome {
    let mut defuser = context.out.is_terminal.then(Defuser::default);
    let mut broken = None;
    client.receive(&format!("/v1/artifacts/{}/content", encode(id)), |bytes| {
        let written = match &mut defuser {
            Some(defuser) => context.out.raw(&defuser.defuse(bytes)),
            None => context.out.raw(bytes),
        };
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                broken = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    broken.map_or(Ok(0), |error| Err(error.into()))
}
