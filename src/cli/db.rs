//! `menagerie db …`: the schema of the store, and the tables made anew from the journal. Works on the files, without an
//! engine; what changes something takes the directory's lock.

use clap::Subcommand;
use serde_json::json;

use super::context::Context;
use super::failure::{Failure, Outcome, chain};
use super::output::Role;
use super::table::{Align, Cell, Table};
use crate::store::{self, migrate};

/// What can be done with the store.
#[derive(Subcommand, Debug)]
pub enum DbVerb {
    /// Show which migrations were applied
    Status,
    /// Apply the migrations that are missing
    Up {
        /// Only up to this schema
        #[arg(long, value_name = "SCHEMA")]
        to: Option<u32>,
    },
    /// Take the last migration back
    Down {
        /// Back to this schema
        #[arg(long, value_name = "SCHEMA")]
        to: Option<u32>,
    },
    /// Make every table anew from the journal
    Rebuild {
        /// Only compare; change nothing
        #[arg(long)]
        check: bool,
    },
}

/// A store that cannot be used fails a verb; one that refuses what was asked for says so with exit status 2.
pub fn failure(error: store::Error) -> Failure {
    match error {
        store::Error::Refused(refusal) => refusal.into(),
        // The user named the directory; that it cannot be used is about the request.
        error @ (store::Error::Absent { .. } | store::Error::Io { .. }) => Failure::refused(chain(&error)),
        error if error.is_out_of_space() => Failure::refused(chain(&error)),
        other => Failure::failed(chain(&other)),
    }
}

/// Does what was asked for.
pub fn run(context: &mut Context, verb: &DbVerb) -> Outcome {
    let data_dir = context.settings.data_dir.value.clone();
    match verb {
        DbVerb::Status => status(context, &migrate::status(&data_dir).map_err(failure)?),
        DbVerb::Up { to } => migrated(context, &migrate::up(&data_dir, *to).map_err(failure)?),
        DbVerb::Down { to } => migrated(context, &migrate::down(&data_dir, *to).map_err(failure)?),
        DbVerb::Rebuild { check: false } => {
            let rebuilt = store::rebuild(&data_dir).map_err(failure)?;
            if !context.out.value(&json!(rebuilt))? {
                context.out.line(&format!("rebuilt every table from {} records", rebuilt.records))?;
            }
            Ok(0)
        }
        DbVerb::Rebuild { check: true } => compared(context, &store::check(&data_dir).map_err(failure)?),
    }
}

fn status(context: &mut Context, status: &migrate::Status) -> Outcome {
    if context.out.value(&json!(status))? {
        return Ok(0);
    }
    let mut table = Table::new(&[
        ("schema", Align::Right),
        ("name", Align::Elastic),
        ("applied", Align::Left),
        ("reversible", Align::Left),
    ]);
    for step in &status.steps {
        let word = |yes: bool| if yes { "yes" } else { "no" };
        let role = if step.applied { Role::Good } else { Role::Warning };
        table.row(vec![
            Cell::from(step.version.to_string()),
            Cell::from(step.name.clone()),
            Cell::new(word(step.applied), role),
            Cell::from(word(step.reversible).to_owned()),
        ]);
    }
    context.out.table(&table)?;
    Ok(0)
}

fn migrated(context: &mut Context, migrated: &migrate::Migrated) -> Outcome {
    if !context.out.value(&json!(migrated))? {
        let text = if migrated.from == migrated.to {
            format!("the store has schema {} already", migrated.to)
        } else {
            format!("the store went from schema {} to {}", migrated.from, migrated.to)
        };
        context.out.line(&text)?;
    }
    Ok(0)
}

fn compared(context: &mut Context, checked: &store::Checked) -> Outcome {
    if !context.out.value(&json!(checked))? {
        context.out.line(&format!("{} rows follow from {} records", checked.rows, checked.records))?;
    }
    if checked.differences.is_empty() {
        return Ok(0);
    }
    let sentence = |difference: &store::Difference| {
        let shown = |row: &Option<String>| row.clone().unwrap_or_else(|| "no row".into());
        format!(
            "table {}: expected {}, found {}",
            difference.table,
            shown(&difference.expected),
            shown(&difference.found)
        )
    };
    Err(Failure::Failed(checked.differences.iter().map(sentence).collect()))
}

/// `menagerie journal verify`: walks the chain and names the first bad record.
pub fn verify(context: &mut Context) -> Outcome {
    let verified = store::verify(&context.settings.data_dir.value).map_err(failure)?;
    if !context.out.value(&json!(verified))? {
        let text =
            format!("{} records are as they were written; the last has hash {}", verified.records, verified.head);
        context.out.line(&text)?;
    }
    Ok(0)
}
