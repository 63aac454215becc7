//! How the store of metrics does: what it has, and what it could not take.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::time::Timestamp;

/// Samples that were not kept, by reason, since the engine started. None is ever lost without being counted here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dropped {
    /// Older than what is still open.
    #[serde(default)]
    pub late: u64,
    /// More than five minutes ahead of the engine's clock.
    #[serde(default)]
    pub future: u64,
    /// No finite number.
    #[serde(default)]
    pub not_finite: u64,
    /// Of series that are not known.
    #[serde(default)]
    pub unknown_series: u64,
    /// Of series whose names are not allowed.
    #[serde(default)]
    pub refused_series: u64,
    /// Of series that would have been one too many.
    #[serde(default)]
    pub too_many_series: u64,
    /// The disk was full.
    #[serde(default)]
    pub disk_full: u64,
    /// Writing failed for another reason.
    #[serde(default)]
    pub failed: u64,
    /// More came than could be written.
    #[serde(default)]
    pub overrun: u64,
}

impl Dropped {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.by_reason().iter().map(|(_, count)| count).sum()
    }

    /// How many there are of each reason, by the reason's name.
    pub const fn by_reason(&self) -> [(&'static str, u64); 9] {
        [
            ("late", self.late),
            ("future", self.future),
            ("not_finite", self.not_finite),
            ("unknown_series", self.unknown_series),
            ("refused_series", self.refused_series),
            ("too_many_series", self.too_many_series),
            ("disk_full", self.disk_full),
            ("failed", self.failed),
            ("overrun", self.overrun),
        ]
    }

    /// Counts what another one has counted.
    pub const fn add(&mut self, other: &Self) {
        self.late += other.late;
        self.future += other.future;
        self.not_finite += other.not_finite;
        self.unknown_series += other.unknown_series;
        self.refused_series += other.refused_series;
        self.too_many_series += other.too_many_series;
        self.disk_full += other.disk_full;
        self.failed += other.failed;
        self.overrun += other.overrun;
    }
}

/// How the store of metrics does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    /// How many series it knows.
    pub series: u64,
    /// How many it may know.
    pub series_max: u64,
    /// Samples kept since the engine started.
    pub samples: u64,
    /// Bytes of all its files.
    pub bytes: u64,
    /// What could not be taken since the engine started.
    pub dropped: Dropped,
    /// From when on there may be samples, figures of minutes and figures of hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_since: Option<Timestamp>,
    /// The same for figures of minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes_since: Option<Timestamp>,
    /// The same for figures of hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours_since: Option<Timestamp>,
}
