//! `menagerie config show`: every setting with its value and where it comes from.

use clap::Subcommand;
use serde_json::{Value, json};

use super::config::{Origin, Setting, Settings};
use super::context::Context;
use super::failure::{Failure, Outcome};
use super::output::Role;
use super::table::{Align, Cell, Table};
use super::view;
use crate::ui::Options;
use crate::ui::terminal::ColorDepth;

/// What can be done with settings.
#[derive(Subcommand, Debug)]
pub enum ConfigVerb {
    /// Show every setting with its value and where it comes from
    #[command(after_help = "Precedence: flag, environment, file, default.")]
    Show,
}

pub fn run(context: &mut Context, _: &ConfigVerb) -> Outcome {
    let settings = &context.settings;
    let mut rows = vec![
        row("data_dir", settings.data_dir.value.display(), &settings.data_dir),
        row("output", settings.output.value, &settings.output),
        row("color", settings.color.value, &settings.color),
        row("start", settings.start.value, &settings.start),
        row("engine.log_format", settings.log_format.value, &settings.log_format),
        row("engine.log_level", settings.log_level.value, &settings.log_level),
        row("engine.measure_every", settings.measure_every.value, &settings.measure_every),
        row("engine.metrics_per_agent", settings.metrics_per_agent.value, &settings.metrics_per_agent),
        row("engine.no_data_grace", settings.no_data_grace.value, &settings.no_data_grace),
        row("metrics.raw", settings.metrics.raw.value, &settings.metrics.raw),
        row("metrics.minutes", settings.metrics.minutes.value, &settings.metrics.minutes),
        row("metrics.hours", settings.metrics.hours.value, &settings.metrics.hours),
        row("metrics.bytes", settings.metrics.bytes.value, &settings.metrics.bytes),
        row("metrics.series", settings.metrics.series.value, &settings.metrics.series),
    ];
    // Headers may be secrets, and are not shown.
    rows.extend(settings.otlp.endpoint.as_ref().map(|endpoint| {
        let origin = Origin::File(settings.file.clone().unwrap_or_default());
        row("otlp.endpoint", endpoint, &Setting { value: endpoint, origin })
    }));
    rows.extend(console(settings));
    let mut options = Options::new(settings.data_dir.value.clone(), ColorDepth::True);
    let problems = super::console::apply(&mut options, settings);
    // Only here it is a failure: the console starts without what is wrong.
    let outcome = if problems.is_empty() { Ok(0) } else { Err(Failure::Refused(problems)) };
    if context.out.values(&rows)? {
        return outcome;
    }
    let mut table = Table::new(&[("KEY", Align::Left), ("VALUE", Align::Left), ("FROM", Align::Elastic)]);
    for row in &rows {
        let origin = Cell::new(view::text(row, "origin"), Role::Dim);
        table.row(vec![view::text(row, "key").into(), view::text(row, "value").into(), origin]);
    }
    context.out.table(&table)?;
    outcome
}

/// What is set for the console, as it is given.
fn console(settings: &Settings) -> impl Iterator<Item = Value> {
    let usual = Options::new(settings.data_dir.value.clone(), ColorDepth::True);
    crate::ui::settings::ALL.iter().map(move |setting| {
        let given = settings.console.iter().rfind(|(name, _)| *name == setting.name);
        // Colours depend on the terminal where nobody says which.
        let default = || if setting.name == "colors" { "auto".to_owned() } else { (setting.show)(&usual) };
        let found =
            given.map_or_else(|| Setting { value: default(), origin: Origin::Default }, |(_, given)| given.clone());
        row(&format!("console.{}", setting.name), &found.value, &found)
    })
}

fn row<T>(key: &str, value: impl std::fmt::Display, setting: &Setting<T>) -> Value {
    json!({"key": key, "value": value.to_string(), "origin": setting.origin.to_string()})
}
