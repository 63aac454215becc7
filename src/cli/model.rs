//! `menagerie model …`: what is learned of who does what well.

use clap::Subcommand;
use serde_json::{Value, json};

use super::args::one_of;
use super::context::Context;
use super::failure::{Failure, Outcome};
use super::items;
use super::list::ListArgs;
use super::table::{Align, Cell, Table};
use crate::api::filters::MODELS;
use crate::api::types::WireCommand;
use crate::domain::Refusal;
use crate::domain::learning::{
    LearningMetricKind, LearningSource, Model, ModelKind, ModelReport, NextVersion, StoredVersion,
};
use crate::ui;

/// What can be done with models.
#[derive(Subcommand, Debug)]
pub enum ModelVerb {
    /// List the models with their versions in force, also those that have none yet
    List {
        /// Which, and how many.
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show a model: how it is made, its versions and how they did on what they had not seen
    Show {
        /// Which
        #[arg(value_parser = one_of::<ModelKind>(ModelKind::ALL), default_value = "policy")]
        model: ModelKind,
    },
    /// Make a version of what was learned since the last, before it is time to
    Train {
        /// Which
        #[arg(value_parser = one_of::<ModelKind>(ModelKind::ALL), default_value = "policy")]
        model: ModelKind,
    },
    /// Show how two versions did, each on the outcomes that followed the version before it
    Compare {
        /// Which
        #[arg(value_parser = one_of::<ModelKind>(ModelKind::ALL))]
        model: ModelKind,
        /// A version
        one: u32,
        /// Another; the one in force when left out
        other: Option<u32>,
    },
    /// Go back to a version; what was learned since is kept as a version of its own
    Rollback {
        /// Which
        #[arg(value_parser = one_of::<ModelKind>(ModelKind::ALL))]
        model: ModelKind,
        /// To which version
        version: u32,
    },
    /// Print everything that a version is, as JSON
    Export {
        /// Which
        #[arg(value_parser = one_of::<ModelKind>(ModelKind::ALL), default_value = "policy")]
        model: ModelKind,
        /// Which version; the one in force when left out
        #[arg(long)]
        version: Option<u32>,
    },
}

pub fn run(context: &mut Context, verb: &ModelVerb) -> Outcome {
    let client = context.engine()?;
    let report =
        |model: ModelKind| -> Result<ModelReport, Failure> { Ok(client.get(&format!("/v1/models/{model}"), &vec![])?) };
    match *verb {
        ModelVerb::List { ref list } => {
            let fetched = list.fetch(&client, &MODELS, vec![], context.out.is_table())?;
            list.print(context, fetched, |rows| {
                let models = rows.iter().filter_map(|row| serde_json::from_value::<Model>(row.clone()).ok());
                table_of(models.map(|model| Listed { version: model.current, kind: model.kind, next: model.next }))
            })
        }
        ModelVerb::Show { model } => {
            let report = report(model)?;
            if context.out.value(&json!(report))? {
                return Ok(0);
            }
            show(context, report)
        }
        ModelVerb::Train { model } => items::send(context, &client, &WireCommand::TrainModel { model }, "trained"),
        ModelVerb::Rollback { model, version } => {
            let done = format!("is version {version} again");
            items::send(context, &client, &WireCommand::RollBackModel { model, version }, &done)
        }
        ModelVerb::Compare { model, one, other } => {
            let report = report(model)?;
            let present = current(&report)?;
            match other {
                None if one == present => {
                    let allowed = "another version than the one in force, which is what it is compared with";
                    Err(Refusal::invalid("version", one, allowed).hint(listed_by(model)).into())
                }
                Some(other) if one == other => {
                    Err(Refusal::invalid("version", one, "two different versions").hint(listed_by(model)).into())
                }
                other => compare(context, &report, one, other.unwrap_or(present)),
            }
        }
        ModelVerb::Export { model, version } => {
            let version = match version {
                Some(version) => version,
                None => current(&report(model)?)?,
            };
            let exported: Value = client.get(&format!("/v1/models/{model}/versions/{version}"), &vec![])?;
            context.out.raw(format!("{exported}\n").as_bytes())?;
            Ok(0)
        }
    }
}

fn listed_by(model: ModelKind) -> String {
    format!("menagerie model show {model} lists them")
}

/// The version in force.
fn current(report: &ModelReport) -> Result<u32, Refusal> {
    let Model { kind, next, .. } = report.model;
    let none = || Refusal::not_found("version", format!("of {kind}")).hint(format!("It has {}", not_yet(next)));
    report.model.current_version.ok_or_else(none)
}

/// `no version yet; 12 of 32 outcomes`.
fn not_yet(next: NextVersion) -> String {
    format!("no version yet; {}", progress(next))
}

fn progress(NextVersion { outcomes, needed }: NextVersion) -> String {
    format!("{outcomes} of {needed} outcomes")
}

fn show(context: &mut Context, report: ModelReport) -> Outcome {
    let ModelReport { model, versions, .. } = report;
    let Model { kind, parameters, current_version, metrics, metadata, next, .. } = model;
    let version = current_version.map_or_else(|| not_yet(next), |version| format!("version {version}"));
    context.out.line(&format!("{kind}, {version}: {}", parameters.architecture))?;
    let figures = parameters.hyperparameters.iter().map(|(name, value)| format!("{name} {value}"));
    context.out.line(&figures.collect::<Vec<_>>().join(", "))?;
    if let Some(training) = metadata.training_data {
        let records: Vec<_> = training.records.iter().map(|range| format!("{} to {}", range.from, range.to)).collect();
        context.out.line(&format!(
            "rests on {} outcomes ({}) in the records {}",
            training.outcomes,
            training.from,
            records.join(", ")
        ))?;
    }
    if let Some(validation) = metadata.validation_data {
        let figure = |name: &str, value: Option<f64>| value.map(|value| format!("{name} {}", ui::decimals(value, 3)));
        let figures = [
            metrics.candidate,
            figure("loss", metrics.loss),
            figure("accuracy", metrics.accuracy),
            figure("convergence", metrics.convergence),
        ];
        let figures: Vec<_> = figures.into_iter().flatten().collect();
        let figures = if figures.is_empty() { "nothing was measured".to_owned() } else { figures.join(", ") };
        context.out.line(&format!(
            "measured on {} outcomes, each foretold before it was learned from: {figures}",
            validation.outcomes
        ))?;
    }
    if current_version.is_none() {
        return Ok(0);
    }
    context.out.line(&format!("the next version: {}", progress(next)))?;
    let listed = |version| Listed { version: Some(version), kind, next };
    context.out.table(&table_of(versions.into_iter().map(listed)))?;
    Ok(0)
}

/// A row of the table of versions.
struct Listed {
    /// Nothing before the first.
    version: Option<StoredVersion>,
    kind: ModelKind,
    next: NextVersion,
}

fn table_of(rows: impl Iterator<Item = Listed>) -> Table {
    let mut table = Table::new(&[
        ("MODEL", Align::Left),
        ("VERSION", Align::Right),
        ("OUTCOMES", Align::Right),
        ("BATCH", Align::Right),
        ("DECIDES BY", Align::Left),
        ("LOSS", Align::Right),
        ("ACCURACY", Align::Right),
        ("CAME ABOUT", Align::Elastic),
    ]);
    for Listed { version: stored, kind, next } in rows {
        let Some(StoredVersion { version, time, kept, .. }) = stored else {
            let nothing = || "-".to_owned();
            let row =
                [kind.to_string(), nothing(), nothing(), nothing(), nothing(), nothing(), nothing(), not_yet(next)];
            table.row(row.into_iter().map(Cell::from).collect());
            continue;
        };
        let best = version.compared.iter().find(|one| one.in_force);
        let figure = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| ui::decimals(value, 3));
        let how = match (version.rolled_back_to, version.promoted) {
            (Some(to), _) => format!("back to version {to}"),
            (None, true) => "promoted".to_owned(),
            (None, false) => "goes on".to_owned(),
        };
        let kept = if kept { "" } else { ", no longer kept" };
        let row = [
            kind.to_string(),
            version.version.to_string(),
            version.lessons.to_string(),
            version.batch.to_string(),
            version.in_force.clone(),
            figure(best.map(|one| one.loss)),
            figure(best.map(|one| one.accuracy)),
            format!("{time}: {how}{kept}"),
        ];
        table.row(row.into_iter().map(Cell::from).collect());
    }
    table
}

/// How two versions' candidates did, side by side.
fn compare(context: &mut Context, report: &ModelReport, one: u32, other: u32) -> Outcome {
    for version in [one, other] {
        if !report.versions.iter().any(|known| known.version.version == version) {
            return Err(Refusal::not_found("version", version).hint(listed_by(report.model.kind)).into());
        }
    }
    let of: Vec<_> =
        report.learning_metrics.iter().filter(|metric| [one, other].contains(&metric.metadata.version)).collect();
    if context.out.value(&json!(of))? {
        return Ok(0);
    }
    context.out.line(&format!("{}: version {one} beside version {other}", report.model.kind))?;
    let mut table = Table::new(&[
        ("CANDIDATE", Align::Left),
        ("FIGURE", Align::Left),
        ("ONE", Align::Right),
        ("OTHER", Align::Right),
    ]);
    let mut candidates: Vec<_> = of.iter().map(|metric| metric.metadata.candidate.as_str()).collect();
    candidates.sort_unstable();
    candidates.dedup();
    for candidate in candidates {
        for kind in LearningMetricKind::ALL {
            let value = |version: u32| {
                let found = of.iter().find(|metric| {
                    let LearningSource { version: of, candidate: whose } = &metric.metadata;
                    (*of, whose.as_str(), metric.kind) == (version, candidate, *kind)
                });
                found.map_or_else(|| "-".to_owned(), |metric| ui::decimals(metric.value, 4))
            };
            let row = [candidate.to_owned(), kind.to_string(), value(one), value(other)];
            table.row(row.into_iter().map(Cell::from).collect());
        }
    }
    context.out.table(&table)?;
    Ok(0)
}
