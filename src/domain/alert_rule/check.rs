//! What is wrong with a rule, as far as the rule alone tells.

use super::AlertRule;
use crate::domain::quantity::Span;
use crate::domain::refusal::Refusal;

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

impl AlertRule {
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
        check_hysteresis(self.hysteresis)?;
        check_text("message", &self.message, TEXT_CHARS_MAX)?;
        check_text("remedy", &self.remedy, TEXT_CHARS_MAX)?;
        if self.message.trim().is_empty() {
            return Err(Refusal::invalid("message", &self.message, "what to say, such as \"{scope}: {value}\""));
        }
        for rest in self.message.split('{').skip(1) {
            let name = rest.split('}').next().unwrap_or(rest);
            let places: Vec<&str> = PLACES.into_iter().chain(LABEL_PLACES).collect();
            if !places.contains(&name) {
                let refusal = Refusal::not_one_of("message", name, &places);
                return Err(refusal.allowed("{value}, {threshold}, {scope}, and labels such as {gpu} between braces"));
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
}

/// What may stand between braces in a message.
const PLACES: [&str; 3] = ["value", "threshold", "scope"];

/// The labels that may stand there as well: those that metrics have.
pub const LABEL_PLACES: [&str; 11] =
    ["node", "gpu", "uuid", "cage", "agent", "task", "mount", "device", "interface", "sensor", "core"];

fn check_name(field: &str, name: &str) -> Result<(), Refusal> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(fine) {
        let allowed = format!("1 to {NAME_CHARS_MAX} of the letters a to z, digits, -, _ and .");
        return Err(Refusal::invalid(field, name, allowed));
    }
    Ok(())
}

/// A share of a threshold. Neither NaN nor infinity is one, and JSON has no words for them: they have to be refused where
/// they are read.
pub fn check_hysteresis(share: f64) -> Result<f64, Refusal> {
    if (0.0..1.0).contains(&share) {
        return Ok(share);
    }
    Err(Refusal::invalid("hysteresis", share, "a share from 0 to less than 1, such as 0.05"))
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
    use super::super::AlertRulePatch;
    use super::*;

    fn patch(json: serde_json::Value) -> AlertRulePatch {
        serde_json::from_value(json).unwrap()
    }

    fn rule(json: serde_json::Value) -> Result<AlertRule, Refusal> {
        patch(json).over(None)
    }

    #[test]
    fn what_is_no_number_is_no_hysteresis() {
        let fleet = |share: &str| {
            let rule = format!("[[alert_rule]]\nname = \"x\"\nmetric = \"y\"\ncritical = 5\nhysteresis = {share}\n");
            toml::from_str::<crate::domain::Fleet>(&rule)
        };
        assert_eq!(fleet("0.2").unwrap().alert_rule[0].hysteresis, Some(0.2));
        assert_eq!(fleet("0").unwrap().alert_rule[0].hysteresis, Some(0.0));
        for (share, shown) in [("nan", "NaN"), ("inf", "inf"), ("-inf", "-inf"), ("1.0", "1"), ("-0.1", "-0.1")] {
            let error = match fleet(share) {
                Ok(fleet) => fleet.alert_rule[0].over(None).unwrap_err().to_string(),
                Err(error) => error.to_string(),
            };
            let expected = format!("hysteresis: \"{shown}\" is not allowed; allowed: a share from 0 to less than 1");
            assert!(error.contains(&expected), "{share}: {error}");
        }
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
}
