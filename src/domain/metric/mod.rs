//! Metrics: named series of numbers over time, told apart by labels. Names, labels and units follow the conventions of
//! Prometheus, because that is what dashboards and scrapers expect.
//!
//! A metric is a number and its [`Key`]; what all of one name have in common is their [`Meta`]. What is asked of them
//! stands in [`query`]. Nothing of this is journalled or decided on.

pub mod exposition;
mod likely;
pub mod query;
mod selector;
mod stats;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::likely::unknown;
pub use self::query::{Aggregate, Answer, Function, Grouping, Line, Point, Query, Resolution};
pub use self::selector::{Matcher, Operator, Selector};
pub use self::stats::{Dropped, Stats};
use super::enumeration::enumeration;
use super::refusal::Refusal;

/// The longest name of a metric, in bytes.
pub const NAME_BYTES: usize = 200;
/// The most labels of one series.
pub const LABELS: usize = 16;
/// The longest name of a label, in bytes.
pub const LABEL_BYTES: usize = 64;
/// The longest value of a label, in bytes.
pub const LABEL_VALUE_BYTES: usize = 256;
/// The longest unit, in bytes.
pub const UNIT_BYTES: usize = 32;
/// The longest description, in bytes.
pub const DESCRIPTION_BYTES: usize = 500;
/// The label that holds the upper bound of a histogram's bucket.
pub const BUCKET_LABEL: &str = "le";

const NAME_ALLOWED: &str =
    "1 to 200 of letters, digits, _ and :, not beginning with a digit, such as menagerie_cage_memory_used_bytes";
const LABEL_ALLOWED: &str = "1 to 64 of letters, digits and _, not beginning with a digit or with __, such as cage";

enumeration! {
    /// How the values of a metric follow each other.
    pub enum MetricKind ("kind") {
        /// Goes up and down.
        Gauge = "gauge",
        /// Only rises, and begins at zero again when what counts it begins again. Its name ends in `_total`.
        Counter = "counter",
        /// Counts observations by size: a counter for each upper bound, which stands in the label `le`, each of which
        /// holds those of the smaller ones too; the largest is `+Inf`.
        Histogram = "histogram",
    }
}

/// What all series of one name have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Meta {
    /// How values follow each other.
    pub kind: MetricKind,
    /// The unit in which values are, such as `bytes`; empty when they are mere numbers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// What is measured, in a sentence for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

impl Meta {
    /// The meta data of a metric; [`Meta::check`] says whether they are allowed.
    pub fn new(kind: MetricKind, unit: &str, description: &str) -> Self {
        Self { kind, unit: unit.to_owned(), description: description.to_owned() }
    }

    /// Refuses what does not fit the conventions, for a metric of this name.
    pub fn check(&self, name: &str) -> Result<(), Refusal> {
        let unit_fits = self.unit.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_/%".contains(&byte));
        if self.unit.len() > UNIT_BYTES || !unit_fits {
            return Err(Refusal::invalid(
                format!("metric {name}: unit"),
                &self.unit,
                "at most 32 letters and digits, such as bytes, seconds or ratio",
            ));
        }
        if self.description.len() > DESCRIPTION_BYTES || self.description.chars().any(char::is_control) {
            return Err(Refusal::invalid(
                format!("metric {name}: description"),
                &self.description,
                "one line of at most 500 bytes",
            ));
        }
        match self.kind {
            MetricKind::Counter if !name.ends_with("_total") => {
                Err(Refusal::invalid("metric", name, "a counter's name ends in _total")
                    .hint(format!("Call it {name}_total, or make it a gauge")))
            }
            MetricKind::Gauge | MetricKind::Histogram if name.ends_with("_total") => {
                Err(Refusal::invalid("metric", name, "only a counter's name ends in _total")
                    .hint("Make it a counter, or leave the ending out"))
            }
            _ => Ok(()),
        }
    }
}

/// Which series: the metric's name and the labels. Two keys with the same labels in another order are the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Key {
    /// The metric's name.
    pub name: String,
    /// Labels by their names; one without a value is not there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl Key {
    /// A key of a name and labels; those with an empty value are left out. [`Key::check`] says whether it is allowed.
    pub fn new<'a>(name: &str, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let labels = labels.into_iter().filter(|(_, value)| !value.is_empty());
        Self {
            name: name.to_owned(),
            labels: labels.map(|(label, value)| (label.to_owned(), value.to_owned())).collect(),
        }
    }

    /// Refuses what does not fit the conventions.
    pub fn check(&self, kind: MetricKind) -> Result<(), Refusal> {
        check_name(&self.name)?;
        if self.labels.len() > LABELS {
            return Err(Refusal::invalid(
                format!("metric {}: labels", self.name),
                self.labels.len(),
                format!("at most {LABELS}"),
            ));
        }
        for (label, value) in &self.labels {
            check_label(label).map_err(|refusal| refusal.within(format!("metric {}", self.name)))?;
            if value.is_empty() || value.len() > LABEL_VALUE_BYTES || value.chars().any(char::is_control) {
                return Err(Refusal::invalid(
                    format!("metric {}: label {label}", self.name),
                    value,
                    "1 to 256 bytes without control characters",
                ));
            }
        }
        let bound = self.labels.get(BUCKET_LABEL);
        match (kind, bound) {
            (MetricKind::Histogram, None) => Err(Refusal::invalid(
                format!("metric {}: label {BUCKET_LABEL}", self.name),
                "",
                "a histogram's series have the upper bound of their bucket there, such as 0.5 or +Inf",
            )),
            (MetricKind::Histogram, Some(bound)) if bucket_bound(bound).is_none() => {
                Err(Refusal::invalid(format!("metric {}: label {BUCKET_LABEL}", self.name), bound, "a number or +Inf"))
            }
            (MetricKind::Gauge | MetricKind::Counter, Some(bound)) => Err(Refusal::invalid(
                format!("metric {}: label {BUCKET_LABEL}", self.name),
                bound,
                "only a histogram has this label",
            )),
            _ => Ok(()),
        }
    }

    /// The labels as they stand between braces: `cage="001",node="here"`.
    pub fn labels_text(&self) -> String {
        labels_text(&self.labels)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.labels.is_empty() { Ok(()) } else { write!(f, "{{{}}}", self.labels_text()) }
    }
}

/// Labels as Prometheus writes them, without the braces.
pub fn labels_text(labels: &BTreeMap<String, String>) -> String {
    let escape = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let texts: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escape(value))).collect();
    texts.join(",")
}

/// The upper bound that a histogram's label names; `None` when it is none.
pub fn bucket_bound(text: &str) -> Option<f64> {
    if text == "+Inf" {
        return Some(f64::INFINITY);
    }
    text.parse().ok().filter(|bound: &f64| bound.is_finite())
}

fn is_word(text: &str, bytes: usize, also: u8) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == also;
    !text.is_empty() && text.len() <= bytes && text.bytes().all(fits) && !text.as_bytes()[0].is_ascii_digit()
}

/// Refuses what cannot be the name of a metric.
pub fn check_name(name: &str) -> Result<(), Refusal> {
    if is_word(name, NAME_BYTES, b':') {
        return Ok(());
    }
    let mended: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == ':' { c.to_ascii_lowercase() } else { '_' })
        .collect();
    let refusal = Refusal::invalid("metric", name, NAME_ALLOWED);
    Err(if is_word(&mended, NAME_BYTES, b':') { refusal.hint(format!("Call it {mended}")) } else { refusal })
}

/// Refuses what cannot be the name of a label.
pub fn check_label(label: &str) -> Result<(), Refusal> {
    if is_word(label, LABEL_BYTES, b'_') && !label.starts_with("__") {
        return Ok(());
    }
    Err(Refusal::invalid("label", label, LABEL_ALLOWED))
}

/// A metric that the store has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// What all its series have in common.
    #[serde(flatten)]
    pub meta: Meta,
    /// How many series it has.
    pub series: u64,
}
