//! `menagerie model …`: what is learned of who does what well.

use clap::Subcommand;
use serde_json::{Value, json};

use super::args::one_of;
use super::context::Context;
use super::failure::{Failure, Outcome};
use super::items;
use super::table::{Align, Cell, Table};
use crate::api::types::WireCommand;
use crate::domain::Refusal;
use crate::domain::learning::{LearningMetricKind, ModelKind, ModelReport, StoredVersion};
use crate::ui;

/// What can be done with models.
#[derive(Subcommand, Debug)]
pub enum ModelVerb {
    /// List the models with their versions in force
    List,
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
        ModelVerb::List => {
            let models: Vec<StoredVersion> = client.get("/v1/models", &vec![])?;
            if !context.out.value(&json!(models))? {
                if models.is_empty() {
                    context.out.line("no model has a version yet: the first is made after 32 outcomes")?;
                } else {
                    context.out.table(&table_of(&models))?;
                }
            }
            Ok(0)
        }
        ModelVerb::Show { model } => {
            let report = report(model)?;
            if context.out.value(&json!(report))? {
                return Ok(0);
            }
            context
                .out
                .line(&format!("{model}, version {}: {}", report.current_version, report.parameters.architecture))?;
            let figures = report.parameters.hyperparameters.iter().map(|(name, value)| format!("{name} {value}"));
            context.out.line(&figures.collect::<Vec<_>>().join(", "))?;
            context.out.table(&table_of(&report.versions))?;
            Ok(0)
        }
        ModelVerb::Train { model } => items::send(context, &client, &WireCommand::TrainModel { model }, "trained"),
        ModelVerb::Rollback { model, version } => {
            let done = format!("is version {version} again");
            items::send(context, &client, &WireCommand::RollBackModel { model, version }, &done)
        }
        ModelVerb::Compare { model, one, other } => {
            let report = report(model)?;
            compare(context, &report, one, other.unwrap_or(report.current_version))
        }
        ModelVerb::Export { model, version } => {
            let version = match version {
                Some(version) => version,
                None => report(model)?.current_version,
            };
            let exported: Value = client.get(&format!("/v1/models/{model}/versions/{version}"), &vec![])?;
            context.out.raw(format!("{exported}\n").as_bytes())?;
            Ok(0)
        }
    }
}

fn table_of(versions: &[StoredVersion]) -> Table {
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
    for StoredVersion { version, time, kept, .. } in versions {
        let best = version.compared.iter().find(|one| one.in_force);
        let figure = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| ui::decimals(value, 3));
        let how = match (version.rolled_back_to, version.promoted) {
            (Some(to), _) => format!("back to version {to}"),
            (None, true) => "promoted".to_owned(),
            (None, false) => "goes on".to_owned(),
        };
        let kept = if *kept { "" } else { ", no longer kept" };
        let row = [
            version.model.to_string(),
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
            let hint = format!("menagerie model show {} lists them", report.model);
            return Err(Refusal::not_found("version", version).hint(hint).into());
        }
    }
    let of: Vec<_> = report.metrics.iter().filter(|metric| [one, other].contains(&metric.version)).collect();
    if context.out.value(&json!(of))? {
        return Ok(0);
    }
    context.out.line(&format!("{}: version {one} beside version {other}", report.model))?;
    let mut table = Table::new(&[
        ("CANDIDATE", Align::Left),
        ("FIGURE", Align::Left),
        ("ONE", Align::Right),
        ("OTHER", Align::Right),
    ]);
    let mut candidates: Vec<_> = of.iter().map(|metric| metric.candidate.as_str()).collect();
    candidates.sort_unstable();
    candidates.dedup();
    for candidate in candidates {
        for kind in LearningMetricKind::ALL {
            let value = |version: u32| {
                let found = of.iter().find(|metric| {
                    (metric.version, metric.candidate.as_str(), metric.kind) == (version, candidate, *kind)
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
