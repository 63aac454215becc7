//! What a rule would have said of the past.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alert_rule::{Level, Subject};
use super::quantity::Span;
use super::time::Timestamp;

/// A time during which a rule would have had an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Firing {
    /// What it would have been about.
    pub subject: Subject,
    /// The worst level that it would have reached.
    pub level: Level,
    /// When it would have come up.
    pub from: Timestamp,
    /// When it would have been over; `None` when it would be open now.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// What would have been said, at its worst.
    pub message: String,
}

/// What came of trying a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trial {
    /// When the first of the samples that it was tried on was taken; `None` when there are none.
    #[serde(default)]
    pub first: Option<Timestamp>,
    /// How many samples there are.
    pub samples: u64,
    /// How many subjects they are of.
    pub subjects: u64,
    /// The window that it was tried with, where the samples are too far apart for its own: workers measure as often as the
    /// shortest window needs, but not before there is a rule that has it.
    #[serde(default)]
    pub window: Option<Span>,
    /// When it would have fired, in the order of time.
    pub firings: Vec<Firing>,
}
