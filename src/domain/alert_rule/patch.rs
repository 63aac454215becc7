//! A rule as it is declared: what it says over a rule that there is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::check::check_hysteresis;
use super::{AlertRule, Comparison, Function, NoData, Scope};
use crate::domain::metric::unknown;
use crate::domain::quantity::Span;
use crate::domain::refusal::Refusal;
use crate::domain::threshold::Threshold;

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
    /// What it is evaluated for: `cage`, `agent`, `node`, `gpu`, `task`, `queue` or `fleet`. Default `fleet`.
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
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "hysteresis")]
    pub hysteresis: Option<f64>,
    /// What is said, with `{value}`, `{threshold}`, `{scope}` and labels of the metric, such as `{gpu}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What to do about it, with the same.
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

/// A share that is a number; said here, because what is none would be gone once it was made JSON. The whole rule says
/// whether it is one that a rule may have.
fn hysteresis<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let share = Option::<f64>::deserialize(from)?;
    if let Some(share) = share.filter(|share| !share.is_finite()) {
        check_hysteresis(share).map_err(D::Error::custom)?;
    }
    Ok(share)
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
        let otherwise = "menagerie alert rule metrics lists those that there are";
        Err(unknown(metric, known, otherwise).within(place))
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
        // Of work under way nothing is measured any more once it has ended, and what it was about is over then.
        if known.is_none() && self.no_data.is_none() && rule.rests_without_work() {
            rule.no_data = NoData::Clear;
        }
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
    fn a_patch_changes_what_it_names() {
        let known = rule(serde_json::json!({"name": "hot", "metric": "menagerie_node_cpu_usage_ratio", "warning": "80%", "for": "5m"}))
            .unwrap();
        let changed = patch(serde_json::json!({"name": "hot", "critical": "90%"})).over(Some(&known)).unwrap();
        assert_eq!(changed, AlertRule { critical: Some("90%".parse().unwrap()), ..known.clone() });
        assert_eq!(AlertRulePatch::from(changed.clone()).over(Some(&known)).unwrap(), changed);
        assert!(patch(serde_json::json!({"name": "hot", "critical": "70%"})).over(Some(&known)).is_err());
    }
}
