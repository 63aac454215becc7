//! `menagerie apply`: declares cages, agents and defaults from a file and shows the difference.

use std::path::PathBuf;

use clap::Args;

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::output::Role;
use super::{fleet_file, items};
use crate::api::client;
use crate::api::types::WireCommand;
use crate::domain::Reply;

/// Options of `menagerie apply`.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Applying a file twice changes nothing. A cage or agent that a file does not mention is left as it is; one that it mentions is then exactly as the file says, so a limit left out is no limit."
)]
pub struct ApplyArgs {
    /// The fleet file; `-` is standard input
    #[arg(value_name = "FLEET.toml")]
    pub file: PathBuf,
    /// Show what would change and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Only read and check the file; needs no engine
    #[arg(long, conflicts_with = "dry_run")]
    pub check: bool,
}

pub fn run(context: &mut Context, args: &ApplyArgs) -> Outcome {
    let file = fleet_file::read_here(&args.file, &context.settings.data_dir.value)?;
    let fleet = file.fleet.clone();
    items::warn(context, &fleet_file::absent_paths(&fleet));
    if args.check {
        let cages = fleet.cages().map_err(Failure::from)?.len();
        let report = serde_json::json!({"cages": cages, "agents": fleet.agent.len()});
        if !context.out.value(&report)? {
            context.out.line(&format!("{cages} cages and {} agents, no errors", fleet.agent.len()))?;
        }
        return Ok(0);
    }
    let command = WireCommand::Apply { fleet, dry_run: args.dry_run };
    let reply = context.engine()?.command(&command).map_err(|error| match error {
        client::Error::Refused(refusal) => client::Error::Refused(file.placed(refusal)),
        other => other,
    })?;
    let Reply::Applied { changes, unchanged, warnings } = &reply else { return Err(items::unexpected(&reply)) };
    let mut report = serde_json::to_value(&reply).unwrap_or_default();
    if let Some(report) = report.as_object_mut() {
        report.shift_remove("reply");
    }
    if context.out.value(&report)? {
        return Ok(0);
    }
    items::warn(context, warnings);
    let out = &mut context.out;
    for change in changes {
        let (sign, role) = if change.action == "add" { ("+", Role::Good) } else { ("~", Role::Warning) };
        let what = out.paint(role, &format!("{sign} {}", change.what));
        out.line(&what)?;
        for field in change.lines() {
            out.line(&format!("    {}", super::table::clean(field)))?;
        }
    }
    let tense = if args.dry_run { "would change" } else { "changed" };
    out.line(&format!("{} {tense}, {unchanged} as they were", changes.len()))?;
    Ok(0)
}
