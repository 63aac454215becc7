//! What a tick of the alert rules costs: ten thousand rules over a hundred thousand series with a minute of samples each,
//! evaluated and observed, in turns with a bare loop that adds up the same samples. Prints JSON, milliseconds as the median and the
//! worst of several ticks; `of_bare` is the bare loop's time by ours.
//!
//! `cargo bench --bench rules -- [RULES [SERIES]]`.

use std::error::Error;
use std::time::Instant;

use menagerie::domain::alert_rule::{Function, Scope};
use menagerie::domain::{Actor, AlertRulePatch, Command, Fleet, Timestamp};
use menagerie::engine::core::{Context, Core, Decisions};
use menagerie::engine::rules::Evaluator;
use menagerie::engine::windows::{Labels, Ring};

const SECONDS: i64 = 60;
const TICKS: i64 = 20;
/// How many different metrics there are.
const METRICS: usize = 10;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((1_700_000_000 + seconds) * 1_000_000)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    // With the fifteen that every fleet has they are ten thousand.
    let rules: usize = arguments.next().map_or(Ok(9_985), |text| text.parse())?;
    let series: usize = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let per_rule = series.div_ceil(rules);
    let mut core = Core::new();
    let mut out = Decisions::default();
    core.open(at(0), 1, "bench", &mut out);
    let user = core.user_for(at(0), 1, "bench", "host", &mut out);
    let functions = [Function::Last, Function::Avg, Function::Max, Function::P95, Function::Rate];
    let patch = |number: usize| -> Result<AlertRulePatch, Box<dyn Error>> {
        Ok(AlertRulePatch {
            name: format!("rule-{number}"),
            metric: Some(format!("load_{}", number % METRICS)),
            labels: Some(Labels::from([("group".to_owned(), number.to_string())])),
            scope: Some(Scope::Agent),
            function: Some(functions[number / METRICS % functions.len()]),
            warning: Some("1000".parse()?),
            critical: Some("2000".parse()?),
            ..AlertRulePatch::default()
        })
    };
    let alert_rule = (0..rules).map(patch).collect::<Result<Vec<_>, _>>()?;
    let fleet = Fleet { alert_rule, ..Fleet::default() };
    let command = Command::Apply { fleet, dry_run: false };
    core.command(at(0), Actor::User(user), command, &Context::default(), &mut out)?;
    let ring = Ring::default();
    let mut evaluator = Evaluator::default();
    let mut watched = core.watched(0);
    evaluator.learn(&mut watched);
    let labels: Vec<(String, Labels)> = (0..series)
        .map(|number| {
            let rule = number / per_rule;
            let labels = [("group".to_owned(), rule.to_string()), ("agent".to_owned(), format!("agent-{number}"))];
            (format!("load_{}", rule % METRICS), labels.into())
        })
        .collect();
    let push = |second: i64, hot: usize| {
        for (number, (metric, labels)) in labels.iter().enumerate() {
            let value = if number < hot { 1500.0 } else { f64::from(u32::try_from(number % 100).unwrap_or(0)) };
            ring.put(metric, labels, at(second), value, at(second));
        }
    };
    for second in 0..SECONDS {
        push(second, 0);
    }
    let mut report = serde_json::Map::new();
    report.insert("rules".to_owned(), rules.into());
    report.insert("series".to_owned(), series.into());
    report.insert("samples_a_series".to_owned(), SECONDS.into());
    let seconds = usize::try_from(SECONDS)?;
    let samples: Vec<f64> = (0..series * seconds).map(|place| (place % 100) as f64).collect();
    // All is well; then a hundred subjects are beyond their threshold and stay there.
    for (name, hot) in [("quiet", 0), ("hundred_hot", 100)] {
        let (mut took, mut bare, mut records) = (vec![], vec![], 0);
        for tick in 0..TICKS {
            let second = SECONDS + tick + if hot > 0 { TICKS } else { 0 };
            push(second, hot);
            let begun = Instant::now();
            let beyond = samples.chunks(seconds).filter(|window| window.iter().sum::<f64>() > 1e6).count();
            std::hint::black_box(beyond);
            bare.push(begun.elapsed().as_secs_f64() * 1e3);
            let begun = Instant::now();
            let mut watched = core.watched(evaluator.version());
            evaluator.learn(&mut watched);
            let observations = evaluator.evaluate(&watched, &ring, at(second));
            let mut out = Decisions::default();
            for observation in &observations {
                core.observe(at(second), observation, &mut out);
            }
            took.push(begun.elapsed().as_secs_f64() * 1e3);
            records += out.records.len();
        }
        took.sort_by(f64::total_cmp);
        bare.sort_by(f64::total_cmp);
        let figures = serde_json::json!({
            "median_ms": took[took.len() / 2], "worst_ms": took[took.len() - 1], "records": records,
            "of_bare": bare[bare.len() / 2] / took[took.len() / 2],
        });
        report.insert(name.to_owned(), figures);
    }
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}
