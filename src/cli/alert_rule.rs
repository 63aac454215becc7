//! `menagerie alert rule …`: what raises alerts.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::args::one_of;
use super::context::Context;
use super::failure::{Failure, Outcome};
use super::items;
use super::output::Role;
use super::table::{Align, Cell, Table};
use super::view;
use crate::api::client::encode;
use crate::api::types::{MetricName, RuleTest, WireCommand};
use crate::domain::alert_rule::{Comparison, Function, NoData, check_hysteresis};
use crate::domain::alert_trial::Trial;
use crate::domain::{AlertRulePatch, Level, Refusal, Scope, Span, Threshold};

/// What can be done with alert rules.
#[derive(Subcommand, Debug)]
pub enum RuleVerb {
    /// List the rules
    List,
    /// Show everything about a rule
    Show {
        /// Its name
        name: String,
    },
    /// Add a rule, or change a built-in one
    Add(RuleArgs),
    /// Remove rules; a built-in one is then as it came
    Remove {
        /// Names of rules
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Have rules evaluated
    Enable {
        /// Names of rules
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Have rules no longer evaluated; their alerts are over
    Disable {
        /// Names of rules
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Say when a rule would have fired, and change nothing
    Test {
        #[command(flatten)]
        rule: RuleArgs,
        /// How far back
        #[arg(long, value_name = "SPAN", default_value = "24h")]
        since: Span,
    },
    /// List the metrics that rules may look at
    Metrics,
}

/// A rule as options; of a rule that there is, what is left out is as it stands.
#[derive(Args, Clone, Debug)]
pub struct RuleArgs {
    /// Its name
    pub name: String,
    /// The metric
    #[arg(long)]
    pub metric: Option<String>,
    /// Only series with this value of a label; `*` stands for anything
    #[arg(long, value_name = "LABEL=VALUE")]
    pub label: Vec<String>,
    /// What it is evaluated for
    #[arg(long, value_parser = one_of::<Scope>(Scope::ALL))]
    pub scope: Option<Scope>,
    /// What is made of the samples
    #[arg(long, value_parser = one_of::<Function>(Function::ALL))]
    pub function: Option<Function>,
    /// How far it looks back
    #[arg(long, value_name = "SPAN")]
    pub window: Option<Span>,
    /// On which side of the thresholds a value is too far
    #[arg(long, value_parser = one_of::<Comparison>(Comparison::ALL))]
    pub comparison: Option<Comparison>,
    /// From where on it is a warning: `90%`, `5s`, `256MiB`, `$5`, `12`
    #[arg(long, value_name = "THRESHOLD", allow_hyphen_values = true)]
    pub warning: Option<Threshold>,
    /// From where on it is critical
    #[arg(long, value_name = "THRESHOLD", allow_hyphen_values = true)]
    pub critical: Option<Threshold>,
    /// How long a value must have been beyond a threshold
    #[arg(long = "for", value_name = "SPAN")]
    pub hold: Option<Span>,
    /// By which share of the threshold it must have gone back to be over
    #[arg(long, value_name = "SHARE", allow_hyphen_values = true, value_parser = share)]
    pub hysteresis: Option<f64>,
    /// What is said, with {value}, {threshold}, {scope} and labels of the metric, such as {gpu}
    #[arg(long, value_name = "TEXT")]
    pub message: Option<String>,
    /// What to do about it
    #[arg(long, value_name = "TEXT")]
    pub remedy: Option<String>,
    /// What it makes of a subject without samples
    #[arg(long, value_parser = one_of::<NoData>(NoData::ALL))]
    pub no_data: Option<NoData>,
    /// A rule or trigger whose alerts keep this one quiet
    #[arg(long, value_name = "TRIGGER")]
    pub inhibited_by: Vec<String>,
    /// How many subjects have an alert each before further ones share one
    #[arg(long, value_name = "COUNT")]
    pub group: Option<u32>,
}

/// A hysteresis as it is typed.
fn share(text: &str) -> Result<f64, Refusal> {
    let allowed = "a share from 0 to less than 1, such as 0.05";
    check_hysteresis(text.trim().parse().map_err(|_| Refusal::invalid("hysteresis", text, allowed))?)
}

impl RuleArgs {
    fn patch(self) -> Result<AlertRulePatch, Failure> {
        let mut labels = BTreeMap::new();
        for text in &self.label {
            let Some((label, value)) = text.split_once('=') else {
                return Err(Failure::refused(format!("--label: \"{text}\" is not allowed; allowed: LABEL=VALUE")));
            };
            labels.insert(label.to_owned(), value.to_owned());
        }
        Ok(AlertRulePatch {
            name: self.name,
            metric: self.metric,
            labels: (!labels.is_empty()).then_some(labels),
            scope: self.scope,
            function: self.function,
            window: self.window,
            comparison: self.comparison,
            warning: self.warning,
            critical: self.critical,
            hold: self.hold,
            hysteresis: self.hysteresis,
            message: self.message,
            remedy: self.remedy,
            enabled: None,
            no_data: self.no_data,
            inhibited_by: (!self.inhibited_by.is_empty()).then_some(self.inhibited_by),
            group: self.group,
        })
    }
}

pub fn run(context: &mut Context, verb: RuleVerb) -> Outcome {
    let (command, done) = match verb {
        RuleVerb::List => return list(context),
        RuleVerb::Show { name } => return show(context, &name),
        RuleVerb::Test { rule, since } => return test(context, rule, since),
        RuleVerb::Metrics => return metrics(context),
        RuleVerb::Add(rule) => return add(context, rule),
        RuleVerb::Remove { names } => (WireCommand::RemoveAlertRules { names }, "removed"),
        RuleVerb::Enable { names } => (WireCommand::EnableAlertRules { names, on: true }, "enabled"),
        RuleVerb::Disable { names } => (WireCommand::EnableAlertRules { names, on: false }, "disabled"),
    };
    let client = context.engine()?;
    items::send(context, &client, &command, done)
}

/// Adds a rule, or changes the one that has its name.
fn add(context: &mut Context, rule: RuleArgs) -> Outcome {
    let client = context.engine()?;
    let rules: Vec<Value> = client.get("/v1/alert-rules", &vec![])?;
    let known = rules.iter().any(|known| view::text(known, "name") == rule.name);
    let command = WireCommand::AddAlertRule { rule: Box::new(rule.patch()?) };
    items::send(context, &client, &command, if known { "changed" } else { "added" })
}

/// What is held against what: `avg of menagerie_node_cpu_usage_ratio in 5m > 90%`.
fn condition(rule: &Value, level: &str) -> Option<String> {
    let threshold = view::at(rule, level).as_str()?;
    let [function, metric, window, comparison] =
        ["function", "metric", "window", "comparison"].map(|field| view::text(rule, field));
    Some(format!("{function} of {metric} in {window} {comparison} {threshold}"))
}

fn list(context: &mut Context) -> Outcome {
    let client = context.engine()?;
    let rules: Vec<Value> = client.get("/v1/alert-rules", &vec![])?;
    if context.out.values(&rules)? {
        return Ok(0);
    }
    let mut table = Table::new(&[
        ("NAME", Align::Left),
        ("STATE", Align::Left),
        ("SCOPE", Align::Left),
        ("METRIC", Align::Left),
        ("WARNING", Align::Right),
        ("CRITICAL", Align::Right),
        ("FOR", Align::Right),
        ("ALERTS", Align::Right),
        ("FIRED", Align::Right),
        ("ORIGIN", Align::Left),
    ]);
    for rule in &rules {
        let flag = |path: &str| view::at(rule, path).as_bool() == Some(true);
        let origin = match (flag("built_in"), flag("declared")) {
            (true, true) => "built in, changed",
            (true, false) => "built in",
            _ => "added",
        };
        let state = if flag("enabled") { Cell::new("enabled", Role::Good) } else { Cell::new("disabled", Role::Dim) };
        table.row(vec![
            view::text(rule, "name").into(),
            state,
            view::text(rule, "scope").into(),
            view::text(rule, "metric").into(),
            view::text(rule, "warning").into(),
            view::text(rule, "critical").into(),
            view::text(rule, "for").into(),
            view::text(rule, "alerts").into(),
            view::text(rule, "fired").into(),
            origin.into(),
        ]);
    }
    context.out.table(&table)?;
    Ok(0)
}

fn show(context: &mut Context, name: &str) -> Outcome {
    let client = context.engine()?;
    let mut rule: Value = client.get(&format!("/v1/alert-rules/{}", encode(name)), &vec![])?;
    let names: Vec<MetricName> = client.get("/v1/metric-names", &vec![])?;
    let metric = view::text(&rule, "metric");
    let looks_at = names.into_iter().find(|known| known.name == metric).map_or_else(String::new, |it| it.description);
    rule["looks_at"] = looks_at.as_str().into();
    if context.out.value(&rule)? {
        return Ok(0);
    }
    let text = |path: &str| -> Cell { view::text(&rule, path).into() };
    let level = |level: &str| -> Cell { condition(&rule, level).unwrap_or_else(|| "-".to_owned()).into() };
    context.out.fields(&[
        ("name", text("name")),
        ("enabled", text("enabled")),
        ("scope", text("scope")),
        ("looks at", looks_at.into()),
        ("labels", text("labels")),
        ("warning", level("warning")),
        ("critical", level("critical")),
        ("for", text("for")),
        ("hysteresis", text("hysteresis")),
        ("no data", text("no_data")),
        ("inhibited by", view::joined(&rule, "inhibited_by", ", ").into()),
        ("group", text("group")),
        ("message", text("message")),
        ("remedy", text("remedy")),
        ("built in", text("built_in")),
        ("changed", view::joined(&rule, "changed", "; ").into()),
        ("alerts", text("alerts")),
        ("fired", text("fired")),
        ("last fired", view::moment(&rule, "last_fired")),
    ])?;
    Ok(0)
}

fn test(context: &mut Context, rule: RuleArgs, since: Span) -> Outcome {
    let client = context.engine()?;
    let trial: Trial = client.post("/v1/alert-rules/test", &RuleTest { rule: rule.patch()?, since })?;
    let rows: Vec<Value> = trial.firings.iter().filter_map(|firing| serde_json::to_value(firing).ok()).collect();
    if context.out.values(&rows)? {
        return Ok(0);
    }
    let mut table = Table::new(&[
        ("FROM", Align::Left),
        ("UNTIL", Align::Left),
        ("LEVEL", Align::Left),
        ("SUBJECT", Align::Left),
        ("MESSAGE", Align::Elastic),
    ]);
    for firing in &trial.firings {
        let colour = if firing.level == Level::Critical { Role::Bad } else { Role::Warning };
        table.row(vec![
            firing.from.to_string().into(),
            firing.until.map_or_else(|| "now".to_owned(), |until| until.to_string()).into(),
            Cell::new(firing.level.as_str(), colour),
            firing.subject.to_string().into(),
            firing.message.clone().into(),
        ]);
    }
    if !trial.firings.is_empty() {
        context.out.table(&table)?;
    }
    let tried = match trial.first {
        Some(first) => {
            let Trial { samples, subjects, window, .. } = trial;
            let window =
                window.map(|window| format!(", with a window of {window}: they lie too far apart for a shorter one"));
            format!("tried on {samples} samples of {subjects} subjects since {first}{}", window.unwrap_or_default())
        }
        None => "there are no samples to try it on".to_owned(),
    };
    let remark = format!("would have fired {} times; {tried}", trial.firings.len());
    let remark = context.out.paint(Role::Dim, &remark);
    context.out.line(&remark)?;
    Ok(0)
}

fn metrics(context: &mut Context) -> Outcome {
    let client = context.engine()?;
    let names: Vec<Value> = client.get("/v1/metric-names", &vec![])?;
    if context.out.values(&names)? {
        return Ok(0);
    }
    let mut table = Table::new(&[("METRIC", Align::Left), ("WHAT", Align::Elastic)]);
    for name in &names {
        table.row(vec![view::text(name, "name").into(), view::text(name, "description").into()]);
    }
    context.out.table(&table)?;
    Ok(0)
}
