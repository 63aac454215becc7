//! `menagerie metric export`: samples for other programs, as CSV, JSON lines or in the text form of `OpenMetrics`.

use serde_json::json;

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::metric::{self, ExportArgs};
use super::metric_labels::Labels;
use crate::domain::enumeration::enumeration;
use crate::domain::metric::exposition::{Exposition, Form};
use crate::domain::metric::query::POINTS;
use crate::domain::metric::{Answer, Line, Metric, MetricKind, Selector, labels_text};
use crate::domain::{Refusal, Span, Timestamp};

enumeration! {
    /// How samples are written for other programs.
    pub enum ExportFormat ("format") {
        /// The text form of `OpenMetrics`, with times.
        OpenMetrics = "openmetrics",
        /// Comma-separated values with a header.
        Csv = "csv",
        /// One JSON value a line.
        Json = "json",
    }
}

pub fn run(context: &mut Context, args: &ExportArgs) -> Outcome {
    let selector: Selector = args.range.series.parse().map_err(|refusal: Refusal| Failure::from(refusal))?;
    let client = context.engine()?;
    let metric = metric::metric(&client, &selector.name)?;
    let labels = Labels::of(&client, &selector.name)?;
    labels.check(&selector, &[])?;
    // A series' samples have to stand together, so that everything is fetched before anything is written.
    let mut lines: Vec<Line> = vec![];
    let (begin, to) = args.range.range();
    let mut from = begin;
    let step = args.step.max(Span::from_millis(1));
    let piece = Span::from_micros(step.as_micros().saturating_mul(POINTS - 2));
    while from < to {
        let end = from.plus(piece).min(to);
        let also = vec![("step", Some(step.to_string())), ("function", Some("last".to_owned()))];
        let also = if metric.meta.kind == MetricKind::Histogram { histogram(also) } else { also };
        let answer = metric::ask(&client, &args.range.series, (from, end), also)?;
        join(&mut lines, answer, from);
        from = end;
    }
    if lines.iter().all(|line| line.points.is_empty()) {
        labels.say_empty(context, &selector, (begin, to));
    }
    for text in texts(args.format, &metric, &lines) {
        context.out.line(&text)?;
    }
    Ok(0)
}

/// Of histograms what rose is known, not where the counters stand.
fn histogram(mut also: Vec<(&'static str, Option<String>)>) -> Vec<(&'static str, Option<String>)> {
    also[1].1 = Some("increase".to_owned());
    also
}

/// Adds a piece to what was fetched; its first step may begin before the piece and be there already.
fn join(lines: &mut Vec<Line>, answer: Answer, from: Timestamp) {
    for line in answer.lines {
        match lines.iter_mut().find(|known| known.labels == line.labels) {
            None => lines.push(line),
            Some(known) => {
                let last = known.points.last().map_or(from, |point| point.time);
                known.points.extend(line.points.into_iter().filter(|point| point.time > last));
            }
        }
    }
}

fn texts(format: ExportFormat, metric: &Metric, lines: &[Line]) -> Vec<String> {
    let mut texts = vec![];
    match format {
        ExportFormat::OpenMetrics => {
            let mut text = Exposition::new(Form::OpenMetrics);
            text.family_of(&metric.name, &metric.meta);
            for line in lines {
                for point in &line.points {
                    text.sample(&metric.name, &line.labels, point.value, Some(point.time));
                }
            }
            texts.extend(text.end().lines().map(str::to_owned));
        }
        ExportFormat::Csv => {
            texts.push("name,labels,time,value".to_owned());
            for line in lines {
                let labels = labels_text(&line.labels).replace('"', "\"\"");
                let row = |point: &crate::domain::metric::Point| {
                    format!("{},\"{labels}\",{},{}", metric.name, point.time, point.value)
                };
                texts.extend(line.points.iter().map(row));
            }
        }
        ExportFormat::Json => {
            for line in lines {
                let row = |point: &crate::domain::metric::Point| {
                    json!({"name": metric.name, "labels": line.labels, "time": point.time, "value": point.value})
                        .to_string()
                };
                texts.extend(line.points.iter().map(row));
            }
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::metric::{Meta, Point};

    #[test]
    fn other_programs_read_it() {
        let metric = Metric {
            name: "cpu_seconds_total".into(),
            meta: Meta::new(MetricKind::Counter, "seconds", "Used \"cpu\"."),
            series: 1,
        };
        let time = Timestamp::from_micros(1_700_000_000_250_000);
        let labels = [("cage".to_owned(), "0\"01".to_owned())].into();
        let lines = [Line { labels, points: vec![Point { time, value: 1.5 }] }];
        assert_eq!(
            texts(ExportFormat::OpenMetrics, &metric, &lines),
            [
                "# TYPE cpu_seconds counter",
                "# UNIT cpu_seconds seconds",
                "# HELP cpu_seconds Used \\\"cpu\\\".",
                "cpu_seconds_total{cage=\"0\\\"01\"} 1.5 1700000000.250000",
                "# EOF"
            ]
        );
        assert_eq!(
            texts(ExportFormat::Csv, &metric, &lines)[1],
            "cpu_seconds_total,\"cage=\"\"0\\\"\"01\"\"\",2023-11-14T22:13:20.250000Z,1.5"
        );
        let json = &texts(ExportFormat::Json, &metric, &lines)[0];
        assert_eq!(serde_json::from_str::<serde_json::Value>(json).unwrap()["labels"]["cage"], "0\"01");
    }
}
