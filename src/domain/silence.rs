//! Silences: alerts that somebody knows will come and does not want to be told of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alert::Alert;
use super::id::{SilenceId, UserId};
use super::pattern::fits;
use super::refusal::Refusal;
use super::time::Timestamp;

/// The longest pattern or note, in characters.
const TEXT_CHARS_MAX: usize = 200;

/// Which alerts a silence means. What is left out fits every alert; in both a `*` stands for anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Matcher {
    /// The rule or other trigger: `cage-memory`, `node lost`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What it is about: `cage 00*`, `agent builder`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl Matcher {
    /// Refuses one that says nothing, and so would silence everything, and one that is too long.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.rule.is_none() && self.source.is_none() {
            return Err(Refusal::invalid("silence", "neither rule nor source", "a rule, a source or both")
                .hint("source = \"*\" means every alert"));
        }
        for (field, pattern) in [("rule", &self.rule), ("source", &self.source)] {
            let Some(pattern) = pattern else { continue };
            if pattern.is_empty() || pattern.chars().count() > TEXT_CHARS_MAX {
                return Err(Refusal::invalid(
                    format!("silence.{field}"),
                    pattern,
                    format!("1 to {TEXT_CHARS_MAX} characters"),
                ));
            }
        }
        Ok(())
    }

    /// Whether it means an alert of this source and trigger.
    pub fn means(&self, (source, trigger): (&str, &str)) -> bool {
        self.rule.as_ref().is_none_or(|pattern| fits(pattern, trigger))
            && self.source.as_ref().is_none_or(|pattern| fits(pattern, source))
    }
}

/// Alerts that are not shown as needing an eye until a time, those that come up meanwhile included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Silence {
    /// Identifier.
    pub id: SilenceId,
    /// Which alerts.
    pub matcher: Matcher,
    /// Until when.
    pub until: Timestamp,
    /// Why.
    #[serde(default)]
    pub note: Option<String>,
    /// Who.
    pub by: UserId,
    /// Since when.
    pub created_at: Timestamp,
}

impl Silence {
    /// Whether it silences an alert at a time.
    pub fn covers(&self, alert: &Alert, now: Timestamp) -> bool {
        self.until > now && self.matcher.means(alert.cause())
    }
}
