//! Rules that raise alerts: which metric is looked at, what it must not reach, and what is then said.

mod check;
mod patch;
mod subject;
mod words;
mod work;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::check::{LABEL_PLACES, check_hysteresis};
pub use self::patch::AlertRulePatch;
pub use self::subject::{Scope, Subject};
pub use self::words::{Comparison, Function, Level, NoData};
use super::pattern::fits;
use super::quantity::Span;
use super::threshold::{MetricUnit, Threshold};

/// How many rules there may be.
pub const RULES_MAX: usize = 10_000;

/// A rule that raises alerts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertRule {
    /// Its name, unique; the trigger of its alerts.
    pub name: String,
    /// The metric, by name.
    pub metric: String,
    /// Only series whose labels have these values; a `*` stands for anything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What it is evaluated for.
    pub scope: Scope,
    /// What is made of the samples.
    pub function: Function,
    /// How far it looks back.
    pub window: Span,
    /// On which side of the thresholds a value is too far.
    pub comparison: Comparison,
    /// From where on it is a warning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<Threshold>,
    /// From where on it is critical.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical: Option<Threshold>,
    /// How long a value must have been beyond a threshold without a break.
    #[serde(rename = "for")]
    pub hold: Span,
    /// By which share of the threshold a value must have gone back before it counts as well again, 0 to 1.
    pub hysteresis: f64,
    /// What is said, with `{value}`, `{threshold}`, `{scope}` and labels of the metric, such as `{gpu}`.
    pub message: String,
    /// What to do about it, with the same.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
    /// Whether it is evaluated.
    pub enabled: bool,
    /// What it makes of a subject without samples.
    pub no_data: NoData,
    /// While one of these rules or triggers has an alert of the same subject, its node or the fleet, this one raises none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inhibited_by: Vec<String>,
    /// How many subjects have an alert each; those beyond share one.
    pub group: u32,
}

impl AlertRule {
    /// A rule that says nothing but its metric; it lacks thresholds.
    pub(super) fn new(name: &str, metric: &str) -> Self {
        Self {
            name: name.to_owned(),
            metric: metric.to_owned(),
            labels: BTreeMap::new(),
            scope: Scope::Fleet,
            function: Function::Last,
            window: Span::from_secs(60),
            comparison: Comparison::Above,
            warning: None,
            critical: None,
            hold: Span::ZERO,
            hysteresis: 0.05,
            message: format!("{{scope}}: {metric} is {{value}}, the threshold is {{threshold}}"),
            remedy: String::new(),
            enabled: true,
            no_data: NoData::Keep,
            inhibited_by: vec![],
            group: 10,
        }
    }

    /// The unit of what is held against the thresholds.
    pub fn unit(&self) -> MetricUnit {
        match (self.function, MetricUnit::of(&self.metric)) {
            (Function::Count, _) => MetricUnit::Count,
            // Seconds a second: a share of a processor, of a day.
            (Function::Rate, MetricUnit::Seconds) => MetricUnit::Ratio,
            (_, unit) => unit,
        }
    }

    /// Whether a series with these labels is one of those that the rule looks at.
    pub fn looks_at(&self, labels: &BTreeMap<String, String>) -> bool {
        self.labels.iter().all(|(label, pattern)| fits(pattern, labels.get(label).map_or("", String::as_str)))
    }

    /// What a series with these labels is about; `None` when it lacks the label of the rule's scope.
    pub fn subject(&self, labels: &BTreeMap<String, String>) -> Option<Subject> {
        let Some(label) = self.scope.label() else { return Some(Subject::new(self.scope, "")) };
        let name = labels.get(label)?;
        match self.scope {
            Scope::Gpu => labels.get(Scope::Node.as_str()).map(|node| Subject::gpu(name, node)),
            _ => Some(Subject::new(self.scope, name.as_str())),
        }
    }

    /// The threshold of a level.
    pub const fn threshold(&self, level: Level) -> Option<Threshold> {
        match level {
            Level::Clear => None,
            Level::Warning => self.warning,
            Level::Critical => self.critical,
        }
    }

    /// Whether a value is beyond the threshold of a level. From a level that has fired it comes back only when the value
    /// has gone back by the hysteresis as well.
    pub fn is_beyond(&self, level: Level, value: f64, fired: Level) -> bool {
        self.threshold(level).is_some_and(|threshold| {
            let back = if fired >= level { threshold.value.abs() * self.hysteresis } else { 0.0 };
            let limit = if self.comparison.rises() { threshold.value - back } else { threshold.value + back };
            self.comparison.beyond(value, limit)
        })
    }

    /// How far a value is, when the alert so far has `fired` at a level. Without a value the rule says what that means.
    pub fn level(&self, value: Option<f64>, fired: Level) -> Level {
        match (value.filter(|value| value.is_finite()), self.no_data) {
            (Some(value), _) => [Level::Critical, Level::Warning]
                .into_iter()
                .find(|level| self.is_beyond(*level, value, fired))
                .unwrap_or(Level::Clear),
            (None, NoData::Keep) => fired,
            (None, NoData::Clear) => Level::Clear,
            (None, NoData::Fire) => fired.max(if self.warning.is_some() { Level::Warning } else { Level::Critical }),
        }
    }

    /// In what a rule differs from another of its name, the other's word after its own: `scope: node, built in: gpu`.
    pub fn differences(&self, built_in: &Self) -> Vec<String> {
        let fields = |rule: &Self| match serde_json::to_value(rule) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let (own, others) = (fields(self), fields(built_in));
        let shown = |value: Option<&serde_json::Value>| match value {
            None | Some(serde_json::Value::Null) => "none".to_owned(),
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let names: std::collections::BTreeSet<&String> = own.keys().chain(others.keys()).collect();
        let differ = names.into_iter().filter(|name| own.get(*name) != others.get(*name));
        differ.map(|name| format!("{name}: {}, built in: {}", shown(own.get(name)), shown(others.get(name)))).collect()
    }

    /// The metric that it looks at, without what all of them begin with.
    pub fn measure(&self) -> &str {
        self.metric.strip_prefix("menagerie_").unwrap_or(&self.metric)
    }

    /// What is said of a subject at a level, of which the figure is that of a series with these labels.
    pub fn say(
        &self,
        subject: &Subject,
        level: Level,
        value: Option<f64>,
        labels: &BTreeMap<String, String>,
    ) -> String {
        self.fill(&self.message, subject, level, value, labels)
    }

    /// What to do about a subject at a level; `None` when the rule does not say.
    pub fn advise(
        &self,
        subject: &Subject,
        level: Level,
        value: Option<f64>,
        labels: &BTreeMap<String, String>,
    ) -> Option<String> {
        (!self.remedy.is_empty()).then(|| self.fill(&self.remedy, subject, level, value, labels))
    }

    /// A text with what stands between braces in it. What is not known is said to be unknown.
    fn fill(
        &self,
        text: &str,
        subject: &Subject,
        level: Level,
        value: Option<f64>,
        labels: &BTreeMap<String, String>,
    ) -> String {
        let unit = self.unit();
        let unknown = || "unknown".to_owned();
        let mut text = text
            .replace("{value}", &value.map_or_else(unknown, |value| unit.show(value)))
            .replace("{threshold}", &self.threshold(level).map_or_else(String::new, |limit| unit.show(limit.value)))
            .replace("{scope}", &subject.to_string());
        for label in LABEL_PLACES {
            let place = format!("{{{label}}}");
            if text.contains(&place) {
                text = text.replace(&place, &labels.get(label).cloned().unwrap_or_else(unknown));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Refusal;

    fn rule(json: serde_json::Value) -> Result<AlertRule, Refusal> {
        serde_json::from_value::<AlertRulePatch>(json).unwrap().over(None)
    }

    #[test]
    fn levels_go_back_only_below_the_hysteresis() {
        let json = serde_json::json!({"name": "hot", "metric": "x_ratio", "warning": "50%", "critical": "80%", "hysteresis": 0.1});
        let up = rule(json).unwrap();
        for (value, fired, expected) in [
            (0.5, Level::Clear, Level::Clear),
            (0.51, Level::Clear, Level::Warning),
            (0.46, Level::Clear, Level::Clear),
            (0.46, Level::Warning, Level::Warning),
            (0.45, Level::Warning, Level::Clear),
            (0.79, Level::Warning, Level::Warning),
            (0.81, Level::Clear, Level::Critical),
            (0.73, Level::Critical, Level::Critical),
            (0.71, Level::Critical, Level::Warning),
            (f64::NAN, Level::Critical, Level::Critical),
        ] {
            assert_eq!(up.level(Some(value), fired), expected, "{value} {fired}");
        }
        let json = serde_json::json!({"name": "low", "metric": "x", "warning": 10, "comparison": "<=", "hysteresis": 0.1, "no_data": "fire"});
        let down = rule(json).unwrap();
        assert_eq!(down.level(Some(10.0), Level::Clear), Level::Warning);
        assert_eq!(down.level(Some(11.0), Level::Warning), Level::Warning);
        assert_eq!(down.level(Some(11.1), Level::Warning), Level::Clear);
        assert_eq!(down.level(None, Level::Clear), Level::Warning);
        assert_eq!(AlertRule { no_data: NoData::Clear, ..down }.level(None, Level::Warning), Level::Clear);
    }

    #[test]
    fn a_rule_tells_in_what_it_differs_from_the_one_that_came_with_the_program() {
        let json = |scope: &str, warning: &str| serde_json::json!({"name": "gpu-memory", "metric": "x_ratio", "warning": warning, "scope": scope, "message": "m"});
        let (old, new) = (rule(json("node", "80%")).unwrap(), rule(json("gpu", "90%")).unwrap());
        assert_eq!(old.differences(&new), ["scope: node, built in: gpu", "warning: 80%, built in: 90%"]);
        assert_eq!(new.differences(&new), Vec::<String>::new());
    }

    #[test]
    fn a_message_names_value_threshold_and_subject() {
        let json = serde_json::json!({"name": "hot", "metric": "x_ratio", "warning": "50%", "message": "{scope} at {value} of {threshold}"});
        let rule = rule(json).unwrap();
        let said = |subject: Subject, value| rule.say(&subject, Level::Warning, value, &BTreeMap::new());
        assert_eq!(said(Subject::new(Scope::Cage, "003"), Some(0.512)), "cage 003 at 51.2 % of 50 %");
        assert_eq!(said(Subject::new(Scope::Queue, ""), None), "queue at unknown of 50 %");
    }

    #[test]
    fn a_gpu_is_named_by_its_number_its_node_and_what_its_series_says_of_it() {
        let json = serde_json::json!({
            "name": "full", "metric": "x_ratio", "warning": "50%", "scope": "gpu",
            "message": "GPU {gpu} ({uuid}) of {node} at {value}", "remedy": "look at {scope}",
        });
        let rule = rule(json).unwrap();
        let labels = |uuid: Option<&str>| {
            let pairs = [("gpu", Some("3")), ("node", Some("here")), ("uuid", uuid)];
            let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
            pairs.collect::<BTreeMap<_, _>>()
        };
        let (whole, subject) = (labels(Some("GPU-a")), Subject::gpu("3", "here"));
        assert_eq!(rule.subject(&whole), Some(subject.clone()));
        assert_eq!(subject.to_string(), "gpu 3 of here");
        assert_eq!(Subject::of_source("gpu 3 of here"), Some(subject.clone()));
        assert_eq!(subject.node(), Some("here"));
        let said = rule.say(&subject, Level::Warning, Some(0.9), &whole);
        assert_eq!(said, "GPU 3 (GPU-a) of here at 90 %");
        assert_eq!(rule.advise(&subject, Level::Warning, None, &whole).unwrap(), "look at gpu 3 of here");
        assert!(rule.say(&subject, Level::Warning, Some(0.9), &labels(None)).contains("(unknown)"));
        assert_eq!(rule.subject(&BTreeMap::from([("gpu".to_owned(), "3".to_owned())])), None, "of which node?");
    }
}
