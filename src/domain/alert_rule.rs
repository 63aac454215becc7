//! Rules that raise alerts: which metric is looked at, what it must not reach, and what is then said.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::enumeration::enumeration;
use super::pattern::fits;
use super::quantity::Span;
use super::refusal::{Refusal, RefusalKind, nearest};
use super::system_event::Severity;
use super::threshold::{MetricUnit, Threshold};

/// How many rules there may be.
pub const RULES_MAX: usize = 10_000;
/// The longest name of a rule, metric, label or trigger, in characters.
const NAME_CHARS_MAX: usize = 100;
/// The longest message or remedy, in characters.
const TEXT_CHARS_MAX: usize = 500;
/// How many labels or inhibitors a rule may name.
const LIST_MAX: usize = 20;
/// How long a rule may look back, or wait.
const LONGEST: Span = Span::from_secs(86_400);
/// How many subjects of one rule may be told each by itself.
const GROUP_MAX: u32 = 1000;

enumeration! {
    /// What a rule is evaluated for: each cage by itself, each agent, or all as one.
    pub enum Scope ("scope") {
        /// Each cage, by the label `cage`.
        Cage = "cage",
        /// Each agent, by the label `agent`.
        Agent = "agent",
        /// Each node, by the label `node`.
        Node = "node",
        /// Each task, by the label `task`.
        Task = "task",
        /// The queue.
        Queue = "queue",
        /// The fleet as a whole.
        Fleet = "fleet",
    }
}

impl Scope {
    /// The label whose values are told apart; `None` where there is but one subject.
    pub const fn label(self) -> Option<&'static str> {
        match self {
            Self::Queue | Self::Fleet => None,
            other => Some(other.as_str()),
        }
    }
}

enumeration! {
    /// What is made of a metric's samples within the window.
    pub enum Function ("function") {
        /// The latest.
        Last = "last",
        /// The mean.
        Avg = "avg",
        /// The largest.
        Max = "max",
        /// The smallest.
        Min = "min",
        /// By how much a counter rises a second.
        Rate = "rate",
        /// By how much a counter has risen.
        Increase = "increase",
        /// What 95 of 100 do not exceed.
        P95 = "p95",
        /// How many there are.
        Count = "count",
    }
}

enumeration! {
    /// On which side of its threshold a value is too far.
    pub enum Comparison ("comparison") {
        /// Above it.
        Above = ">" | "above",
        /// At it or above.
        AtLeast = ">=" | "at_least",
        /// Below it.
        Below = "<" | "below",
        /// At it or below.
        AtMost = "<=" | "at_most",
    }
}

impl Comparison {
    /// Whether larger values are worse.
    const fn rises(self) -> bool {
        matches!(self, Self::Above | Self::AtLeast)
    }

    /// Whether a value is too far.
    fn beyond(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Above => value > limit,
            Self::AtLeast => value >= limit,
            Self::Below => value < limit,
            Self::AtMost => value <= limit,
        }
    }
}

enumeration! {
    /// What a rule makes of a subject without samples.
    pub enum NoData ("no_data") {
        /// All stays as it is.
        Keep = "keep",
        /// It counts as well.
        Clear = "clear",
        /// It counts as beyond the first threshold.
        Fire = "fire",
    }
}

enumeration! {
    /// How far a value is.
    pub enum Level ("level") {
        /// Within its thresholds.
        Clear = "clear",
        /// Beyond the warning threshold.
        Warning = "warning",
        /// Beyond the critical threshold.
        Critical = "critical",
    }
}

impl Level {
    /// The severity of an alert at this level; `None` where there is none.
    pub const fn severity(self) -> Option<Severity> {
        match self {
            Self::Clear => None,
            Self::Warning => Some(Severity::Warning),
            Self::Critical => Some(Severity::Critical),
        }
    }

    /// The level of an alert that a rule raised.
    pub const fn of(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Clear,
            Severity::Warning => Self::Warning,
            Severity::Error | Severity::Critical => Self::Critical,
        }
    }
}

/// What a rule is evaluated for: one cage, one agent, the queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    /// What sort of thing.
    pub scope: Scope,
    /// Which one, by number, name or id; empty where there is but one.
    pub name: String,
}

impl Subject {
    /// One of several.
    pub fn new(scope: Scope, name: impl Into<String>) -> Self {
        Self { scope, name: name.into() }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scope.as_str())?;
        if self.name.is_empty() { Ok(()) } else { write!(f, " {}", self.name) }
    }
}

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
    /// What is said, with `{value}`, `{threshold}` and `{scope}`.
    pub message: String,
    /// What to do about it.
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

/// A rule as it is declared: of a rule that there is already, what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AlertRulePatch {
    /// Its name: letters, digits, `-`, `_` and `.`, at most 100.
    pub name: String,
    /// The metric, by name; a new rule has to name one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Only series whose labels have these values; a `*` stands for anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// What it is evaluated for: `cage`, `agent`, `node`, `task`, `queue` or `fleet`. Default `fleet`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// What is made of the samples: `last`, `avg`, `max`, `min`, `rate`, `increase`, `p95` or `count`. Default `last`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<Function>,
    /// How far it looks back, 1 second to 1 day. Default 1 minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Span>,
    /// On which side of the thresholds a value is too far: `>`, `>=`, `<` or `<=`. Default `>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// From where on it is a warning, in the metric's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<Threshold>,
    /// From where on it is critical, in the metric's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critical: Option<Threshold>,
    /// How long a value must have been beyond a threshold without a break, at most 1 day. Default not at all.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub hold: Option<Span>,
    /// By which share of the threshold a value must have gone back before it counts as well again. Default 0.05.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hysteresis: Option<f64>,
    /// What is said, with `{value}`, `{threshold}` and `{scope}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Whether it is evaluated. Default yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// What it makes of a subject without samples: `keep`, `clear` or `fire`. Default `keep`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_data: Option<NoData>,
    /// Rules and triggers whose alerts keep this one quiet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inhibited_by: Option<Vec<String>>,
    /// How many subjects have an alert each; those beyond share one. Default 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<u32>,
}

impl AlertRulePatch {
    /// Refuses a metric that nobody knows, with the name that comes nearest.
    pub fn check_metric<'a>(&self, known: impl IntoIterator<Item = &'a str>) -> Result<(), Refusal> {
        let Some(metric) = &self.metric else { return Ok(()) };
        let known: Vec<&str> = known.into_iter().collect();
        if known.contains(&metric.as_str()) {
            return Ok(());
        }
        let place = format!("alert rule {}", self.name);
        let refusal = Refusal::new(RefusalKind::NotFound, "metric", metric).within(place);
        Err(match nearest(metric, known) {
            Some(near) => refusal.hint(format!("did you mean \"{near}\"?")),
            None => refusal.hint("menagerie alert rule metrics lists those that there are"),
        })
    }

    /// The whole rule, checked: what is said here over the rule that there is.
    pub fn over(&self, known: Option<&AlertRule>) -> Result<AlertRule, Refusal> {
        let place = || format!("alert rule {}", self.name);
        let mut rule = match (known, &self.metric) {
            (Some(known), _) => known.clone(),
            (None, Some(metric)) => AlertRule::new(&self.name, metric),
            (None, None) => {
                return Err(Refusal::invalid("metric", "nothing", "the name of a metric").within(place()));
            }
        };
        macro_rules! take {
            ($($field:ident),+) => {$(if let Some(said) = &self.$field { rule.$field = said.clone(); })+};
        }
        take!(metric, labels, scope, function, window, comparison, hold, hysteresis, message, remedy, enabled, no_data);
        take!(inhibited_by, group);
        rule.warning = self.warning.or(rule.warning);
        rule.critical = self.critical.or(rule.critical);
        rule.check().map_err(|refusal| refusal.within(place()))?;
        Ok(rule)
    }
}

impl From<AlertRule> for AlertRulePatch {
    fn from(rule: AlertRule) -> Self {
        Self {
            name: rule.name,
            metric: Some(rule.metric),
            labels: Some(rule.labels),
            scope: Some(rule.scope),
            function: Some(rule.function),
            window: Some(rule.window),
            comparison: Some(rule.comparison),
            warning: rule.warning,
            critical: rule.critical,
            hold: Some(rule.hold),
            hysteresis: Some(rule.hysteresis),
            message: Some(rule.message),
            remedy: Some(rule.remedy),
            enabled: Some(rule.enabled),
            no_data: Some(rule.no_data),
            inhibited_by: Some(rule.inhibited_by),
            group: Some(rule.group),
        }
    }
}

impl AlertRule {
    /// A rule that says nothing but its metric; it lacks thresholds.
    fn new(name: &str, metric: &str) -> Self {
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

    /// Checks everything that can be told from the rule alone.
    pub fn check(&self) -> Result<(), Refusal> {
        check_name("name", &self.name)?;
        check_metric_name("metric", &self.metric)?;
        if self.labels.len() > LIST_MAX || self.inhibited_by.len() > LIST_MAX {
            let shown = format!("{} labels, {} inhibitors", self.labels.len(), self.inhibited_by.len());
            return Err(Refusal::invalid("alert rule", shown, format!("at most {LIST_MAX} of each")));
        }
        for (label, value) in &self.labels {
            check_metric_name("labels", label)?;
            check_text("labels", value, NAME_CHARS_MAX)?;
        }
        for (field, span, least) in [("window", self.window, Span::from_secs(1)), ("for", self.hold, Span::ZERO)] {
            if span < least || span > LONGEST {
                return Err(Refusal::invalid(field, span, format!("{least} to {LONGEST}")));
            }
        }
        self.check_thresholds()?;
        if !(0.0..1.0).contains(&self.hysteresis) {
            return Err(Refusal::invalid("hysteresis", self.hysteresis, "a share from 0 to less than 1, such as 0.05"));
        }
        check_text("message", &self.message, TEXT_CHARS_MAX)?;
        check_text("remedy", &self.remedy, TEXT_CHARS_MAX)?;
        if self.message.trim().is_empty() {
            return Err(Refusal::invalid("message", &self.message, "what to say, such as \"{scope}: {value}\""));
        }
        for rest in self.message.split('{').skip(1) {
            let name = rest.split('}').next().unwrap_or(rest);
            if !PLACES.contains(&name) {
                let refusal = Refusal::not_one_of("message", name, &PLACES);
                return Err(refusal.allowed("{value}, {threshold} and {scope} between braces"));
            }
        }
        for trigger in &self.inhibited_by {
            check_text("inhibited_by", trigger, NAME_CHARS_MAX)?;
            if trigger.is_empty() || *trigger == self.name {
                return Err(Refusal::invalid("inhibited_by", trigger, "the names of other rules or triggers"));
            }
        }
        if !(1..=GROUP_MAX).contains(&self.group) {
            return Err(Refusal::invalid("group", self.group, format!("1 to {GROUP_MAX}")));
        }
        Ok(())
    }

    fn check_thresholds(&self) -> Result<(), Refusal> {
        let unit = self.unit();
        for (field, threshold) in [("warning", self.warning), ("critical", self.critical)] {
            if let Some(threshold) =
                threshold.filter(|threshold| threshold.unit != unit || !threshold.value.is_finite())
            {
                let hint = format!("{} of {} is counted in {unit}", self.function, self.metric);
                return Err(Refusal::invalid(field, threshold, unit.example()).hint(hint));
            }
        }
        match (self.warning, self.critical) {
            (None, None) => Err(Refusal::invalid("thresholds", "none", "warning, critical or both")),
            (Some(warning), Some(critical)) if !self.comparison.further(critical.value, warning.value) => {
                let side = if self.comparison.rises() { "above" } else { "below" };
                Err(Refusal::invalid("critical", critical, format!("{side} the warning threshold, {warning}")))
            }
            _ => Ok(()),
        }
    }

    /// Whether a series with these labels is one of those that the rule looks at.
    pub fn looks_at(&self, labels: &BTreeMap<String, String>) -> bool {
        self.labels.iter().all(|(label, pattern)| fits(pattern, labels.get(label).map_or("", String::as_str)))
    }

    /// What a series with these labels is about; `None` when it lacks the label of the rule's scope.
    pub fn subject(&self, labels: &BTreeMap<String, String>) -> Option<Subject> {
        match self.scope.label() {
            None => Some(Subject::new(self.scope, "")),
            Some(label) => labels.get(label).map(|name| Subject::new(self.scope, name.as_str())),
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

    /// What is said of a subject at a level.
    pub fn say(&self, subject: &str, level: Level, value: Option<f64>) -> String {
        let unit = self.unit();
        let value = value.map_or_else(|| "unknown".to_owned(), |value| unit.show(value));
        let threshold = self.threshold(level).map_or_else(String::new, |threshold| unit.show(threshold.value));
        self.message.replace("{value}", &value).replace("{threshold}", &threshold).replace("{scope}", subject)
    }
}

impl Comparison {
    /// Whether one threshold is worse than another.
    fn further(self, one: f64, other: f64) -> bool {
        if self.rises() { one > other } else { one < other }
    }
}

/// What may stand between braces in a message.
const PLACES: [&str; 3] = ["value", "threshold", "scope"];

fn check_name(field: &str, name: &str) -> Result<(), Refusal> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(fine) {
        let allowed = format!("1 to {NAME_CHARS_MAX} of the letters a to z, digits, -, _ and .");
        return Err(Refusal::invalid(field, name, allowed));
    }
    Ok(())
}

/// The names that Prometheus and `OpenMetrics` allow for metrics and labels.
fn check_metric_name(field: &str, name: &str) -> Result<(), Refusal> {
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let begins_well = name.starts_with(|c: char| !c.is_ascii_digit());
    if !begins_well || name.len() > NAME_CHARS_MAX || !name.chars().all(fine) {
        let allowed = format!("1 to {NAME_CHARS_MAX} of the letters a to z, digits, _ and :, no digit first");
        return Err(Refusal::invalid(field, name, allowed));
    }
    Ok(())
}

fn check_text(field: &str, text: &str, most: usize) -> Result<(), Refusal> {
    if text.chars().count() > most || text.chars().any(char::is_control) {
        return Err(Refusal::invalid(field, text, format!("one line of at most {most} characters")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(json: serde_json::Value) -> AlertRulePatch {
        serde_json::from_value(json).unwrap()
    }

    fn rule(json: serde_json::Value) -> Result<AlertRule, Refusal> {
        patch(json).over(None)
    }

    #[test]
    fn what_is_wrong_is_named_with_what_is_allowed() {
        let base = serde_json::json!({"name": "hot", "metric": "menagerie_node_cpu_usage_ratio", "critical": "90%"});
        assert!(rule(base.clone()).is_ok());
        for (field, value, expected) in [
            ("name", serde_json::json!("a b"), "name: \"a b\" is not allowed"),
            ("metric", serde_json::json!("9x"), "metric"),
            ("critical", serde_json::json!("5s"), "allowed: a percentage, such as \"90%\""),
            ("critical", serde_json::json!(90), "is counted in ratio"),
            ("warning", serde_json::json!("95%"), "above the warning threshold, 95%"),
            ("comparison", serde_json::json!("<"), ""),
            ("window", serde_json::json!("0s"), "window: \"0s\" is not allowed; allowed: 1s to 1d"),
            ("for", serde_json::json!("2d"), "for: \"2d\""),
            ("hysteresis", serde_json::json!(1.0), "hysteresis"),
            ("message", serde_json::json!("{valeu}"), "did you mean \"value\"?"),
            ("message", serde_json::json!(" "), "message"),
            ("inhibited_by", serde_json::json!(["hot"]), "inhibited_by"),
            ("group", serde_json::json!(0), "group: \"0\""),
            ("labels", serde_json::json!({"a b": "c"}), "labels"),
        ] {
            let mut json = base.clone();
            json[field] = value;
            match rule(json) {
                Err(refusal) => {
                    let text = refusal.to_string();
                    assert!(text.contains(expected) && text.contains("alert rule"), "{field}: {text}");
                }
                Ok(_) => assert!(expected.is_empty(), "{field} {expected}"),
            }
        }
        assert!(
            rule(serde_json::json!({"name": "x", "metric": "y"})).unwrap_err().to_string().contains("critical or both")
        );
        assert!(rule(serde_json::json!({"name": "x", "critical": 1})).is_err());
        let known = ["menagerie_node_cpu_usage_ratio", "menagerie_node_memory_usage_ratio"];
        let wrong = patch(serde_json::json!({"name": "x", "metric": "menagerie_node_cpu_usage_ration", "critical": 1}));
        let refusal = wrong.check_metric(known).unwrap_err().to_string();
        assert!(refusal.contains("did you mean \"menagerie_node_cpu_usage_ratio\"?"), "{refusal}");
    }

    #[test]
    fn a_patch_changes_what_it_names() {
        let known = rule(serde_json::json!({"name": "hot", "metric": "menagerie_node_cpu_usage_ratio", "warning": "80%", "for": "5m"}))
            .unwrap();
        let changed = patch(serde_json::json!({"name": "hot", "critical": "90%"})).over(Some(&known)).unwrap();
        assert_eq!(changed, AlertRule { critical: Some("90%".parse().unwrap()), ..known.clone() });
        assert_eq!(AlertRulePatch::from(changed.clone()).over(Some(&known)).unwrap(), changed);
        assert!(patch(serde_json::json!({"name": "hot", "critical": "70%"})).over(Some(&known)).is_err());
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
    fn a_message_names_value_threshold_and_subject() {
        let json = serde_json::json!({"name": "hot", "metric": "x_ratio", "warning": "50%", "message": "{scope} at {value} of {threshold}"});
        let rule = rule(json).unwrap();
        assert_eq!(rule.say("cage 003", Level::Warning, Some(0.512)), "cage 003 at 51.2 % of 50 %");
        assert_eq!(rule.say("queue", Level::Warning, None), "queue at unknown of 50 %");
    }
}
