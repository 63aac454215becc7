//! `menagerie metric …`: what was measured, over time.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::args::one_of;
use super::context::{Context, now};
use super::failure::{Failure, Outcome};
use super::metric_export::{self, ExportFormat};
use super::metric_labels::Labels;
use super::table::{Align, Table};
use super::view;
use crate::api::client::{Client, encode};
use crate::domain::metric::{Aggregate, Answer, Function, Metric, Selector, Stats, labels_text};
use crate::domain::moment::Moment;
use crate::domain::{Refusal, Span, Timestamp};
use crate::ui;

/// What can be done with metrics.
#[derive(Subcommand, Debug)]
pub enum MetricVerb {
    /// List metrics, or the labels of one
    List {
        /// A metric: its labels, with their values
        #[arg(value_name = "METRIC")]
        name: Option<String>,
    },
    /// Show what a metric was over a time, in steps
    Query(QueryArgs),
    /// Write the samples of a metric for other programs
    Export(ExportArgs),
    /// Show how much is kept, and what could not be
    Stats,
}

/// Over which time.
#[derive(Args, Clone, Debug)]
pub struct RangeArgs {
    /// Which series: a metric's name, perhaps with labels: `menagerie_cage_pids{cage~"00*"}`
    #[arg(value_name = "SERIES")]
    pub series: String,
    /// The last so long, such as `24h` [default: 1h]
    #[arg(long, value_name = "SPAN", conflicts_with = "from")]
    pub since: Option<Span>,
    /// From when on: a time, or so long ago, such as `-10m`
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = moment)]
    pub from: Option<Moment>,
    /// Up to when, written alike [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = moment)]
    pub to: Option<Moment>,
}

/// A moment as people write it. Which record was the last then is nothing that metrics know.
fn moment(text: &str) -> Result<Moment, Refusal> {
    let allowed = "14:03 (today, UTC), -10m (so long ago), 2026-01-31, 2026-01-31T14:03 or 2026-01-31T14:03:22Z";
    let refused = || Refusal::invalid("time", text, allowed);
    text.parse().ok().filter(|moment| !matches!(moment, Moment::Seq(_))).ok_or_else(refused)
}

impl RangeArgs {
    /// When it begins and ends.
    pub fn range(&self) -> (Timestamp, Timestamp) {
        let now = now();
        let time = |moment: Option<Moment>| moment.and_then(|moment| moment.time(now));
        let to = time(self.to).unwrap_or(now);
        let since = self.since.unwrap_or(Span::from_secs(3600));
        let from = time(self.from).unwrap_or_else(|| Timestamp::from_micros(to.as_micros() - since.as_micros()));
        (from, to)
    }
}

/// Options of `menagerie metric query`.
#[derive(Args, Clone, Debug)]
pub struct QueryArgs {
    #[command(flatten)]
    pub range: RangeArgs,
    /// How long a step is [default: a thirtieth of the range for people, a three hundredth for programs]
    #[arg(long, value_name = "SPAN")]
    pub step: Option<Span>,
    /// What is made of the values in a step [default: avg, of counters rate, of histograms p95]
    #[arg(short, long, value_name = "FUNCTION", value_parser = one_of::<Function>(Function::ALL))]
    pub function: Option<Function>,
    /// What is made of several series; each is a line of its own without
    #[arg(long, value_name = "AGGREGATE", value_parser = one_of::<Aggregate>(Aggregate::ALL))]
    pub aggregate: Option<Aggregate>,
    /// With --aggregate: series that have these labels in common become one line
    #[arg(long, value_name = "LABEL", value_delimiter = ',', requires = "aggregate")]
    pub by: Vec<String>,
}

/// Options of `menagerie metric export`.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    #[command(flatten)]
    pub range: RangeArgs,
    /// The shortest time between two samples; where only figures of minutes or hours are kept, it is theirs
    #[arg(long, value_name = "SPAN", default_value = "1s")]
    pub step: Span,
    /// How to write them
    #[arg(long, value_name = "FORMAT", default_value = "openmetrics", value_parser = one_of::<ExportFormat>(ExportFormat::ALL))]
    pub format: ExportFormat,
}

pub fn run(context: &mut Context, verb: MetricVerb) -> Outcome {
    match verb {
        MetricVerb::List { name: None } => list(context),
        MetricVerb::List { name: Some(name) } => labels(context, &name),
        MetricVerb::Query(args) => query(context, &args),
        MetricVerb::Export(args) => metric_export::run(context, &args),
        MetricVerb::Stats => stats(context),
    }
}

/// The metric of a name, or the refusal that names the nearest.
pub(super) fn metric(client: &Client, name: &str) -> Result<Metric, Failure> {
    let metrics: Vec<Metric> = client.get("/v1/metrics", &vec![])?;
    if let Some(metric) = metrics.iter().find(|metric| metric.name == name) {
        return Ok(metric.clone());
    }
    // The engine says why, and which is nearest.
    let refused = client.get::<Value>(&format!("/v1/metrics/{}/labels", encode(name)), &vec![]);
    Err(refused.err().map_or_else(|| Refusal::not_found("metric", name).into(), Failure::from))
}

fn list(context: &mut Context) -> Outcome {
    let client = context.engine()?;
    let metrics: Vec<Value> = client.get("/v1/metrics", &vec![])?;
    if context.out.values(&metrics)? {
        return Ok(0);
    }
    let mut table = Table::new(&[
        ("METRIC", Align::Left),
        ("KIND", Align::Left),
        ("UNIT", Align::Left),
        ("SERIES", Align::Right),
        ("DESCRIPTION", Align::Elastic),
    ]);
    for metric in &metrics {
        let cell = |field: &str| view::text(metric, field).into();
        table.row(vec![cell("name"), cell("kind"), cell("unit"), cell("series"), cell("description")]);
    }
    context.out.table(&table)?;
    Ok(0)
}

fn labels(context: &mut Context, name: &str) -> Outcome {
    let client = context.engine()?;
    let labels: BTreeMap<String, Vec<String>> = client.get(&format!("/v1/metrics/{}/labels", encode(name)), &vec![])?;
    let rows: Vec<Value> = labels.iter().map(|(label, values)| json!({"label": label, "values": values})).collect();
    if context.out.values(&rows)? {
        return Ok(0);
    }
    let mut table = Table::new(&[("LABEL", Align::Left), ("VALUES", Align::Elastic)]);
    for (label, values) in &labels {
        table.row(vec![label.as_str().into(), values.join(", ").into()]);
    }
    context.out.table(&table)?;
    Ok(0)
}

/// Asks for what a series was.
pub(super) fn ask(
    client: &Client,
    series: &str,
    (from, to): (Timestamp, Timestamp),
    also: Vec<(&str, Option<String>)>,
) -> Result<Answer, Failure> {
    let mut asked = vec![
        ("series".to_owned(), series.to_owned()),
        ("from".to_owned(), from.to_string()),
        ("to".to_owned(), to.to_string()),
    ];
    asked.extend(also.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    Ok(client.get("/v1/metrics/query", &asked)?)
}

fn query(context: &mut Context, args: &QueryArgs) -> Outcome {
    let selector: Selector = args.range.series.parse().map_err(|refusal: Refusal| Failure::from(refusal))?;
    let client = context.engine()?;
    let labels = Labels::of(&client, &selector.name)?;
    labels.check(&selector, &args.by)?;
    let (from, to) = args.range.range();
    let steps = if context.out.is_table() { 30 } else { 300 };
    let seconds = (to.since(from).as_micros() / 1_000_000 / steps).max(1);
    let by = (!args.by.is_empty()).then(|| args.by.join(","));
    let also = vec![
        ("step", Some(args.step.unwrap_or(Span::from_secs(seconds)).to_string())),
        ("function", args.function.map(|function| function.to_string())),
        ("aggregate", args.aggregate.map(|aggregate| aggregate.to_string())),
        ("by", by),
    ];
    let answer = ask(&client, &args.range.series, (from, to), also)?;
    let rows: Vec<Value> = answer
        .lines
        .iter()
        .flat_map(|line| {
            let row = |point: &crate::domain::metric::Point| {
                json!({"labels": line.labels, "time": point.time, "value": point.value})
            };
            line.points.iter().map(row)
        })
        .collect();
    if rows.is_empty() {
        labels.say_empty(context, &selector, (from, to));
    }
    if context.out.values(&rows)? || rows.is_empty() {
        return Ok(0);
    }
    let mut table = Table::new(&[("TIME", Align::Left), ("VALUE", Align::Right), ("LABELS", Align::Elastic)]);
    for line in &answer.lines {
        let labels = labels_text(&line.labels);
        for point in &line.points {
            table.row(vec![point.time.to_string().into(), figure(point.value).into(), labels.as_str().into()]);
        }
    }
    context.out.table(&table)?;
    Ok(0)
}

/// A figure for people, with at most three decimals.
fn figure(value: f64) -> String {
    ui::decimals(value, 3).trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// From when on samples are counted.
const SINCE_START: &str = "since the engine started";

fn none_or(parts: &[String]) -> String {
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

fn stats(context: &mut Context) -> Outcome {
    let client = context.engine()?;
    let stats: Value = client.get("/v1/metrics/stats", &vec![])?;
    if context.out.value(&stats)? {
        return Ok(0);
    }
    let known: Stats = serde_json::from_value(stats.clone())
        .map_err(|error| Failure::failed(format!("the engine's answer cannot be read: {error}")))?;
    let dropped: Vec<String> = stats["dropped"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, count)| count.as_u64() != Some(0))
        .map(|(reason, count)| format!("{count} {}", reason.replace('_', " ")))
        .collect();
    context.out.fields(&[
        ("series", format!("{} of at most {}", known.series, known.series_max).into()),
        ("samples kept", format!("{} {SINCE_START}", known.samples).into()),
        ("samples dropped", format!("{} {SINCE_START}", none_or(&dropped)).into()),
        ("on disk", crate::domain::Bytes::new(known.bytes).human().into()),
        ("oldest sample", view::moment(&stats, "raw_since")),
        ("oldest minute", view::moment(&stats, "minutes_since")),
        ("oldest hour", view::moment(&stats, "hours_since")),
    ])?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_written_as_people_write_moments() {
        assert_eq!(moment("-10m"), Ok(Moment::Ago(Span::from_secs(600))));
        for text in ["14:03", "2026-01-31", "2026-01-31T14:03:22Z"] {
            assert!(moment(text).is_ok(), "{text}");
        }
        for text in ["seq:5", "10", "--to", "-x"] {
            assert!(moment(text).unwrap_err().to_string().contains("-10m"), "{text}");
        }
    }

    #[test]
    fn figures_have_no_needless_decimals() {
        for (value, text) in
            [(3.0, "3"), (0.25, "0.25"), (1234.5678, "1234.568"), (0.0, "0"), (-0.0001, "0"), (100.0, "100")]
        {
            assert_eq!(figure(value), text);
        }
    }
}
