//! The words that a rule is made of: what is made of samples, on which side of a threshold is too far, and how far a value is.

use crate::domain::enumeration::enumeration;
use crate::domain::system_event::Severity;

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
    pub(super) const fn rises(self) -> bool {
        matches!(self, Self::Above | Self::AtLeast)
    }

    /// Whether a value is too far.
    pub(super) fn beyond(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Above => value > limit,
            Self::AtLeast => value >= limit,
            Self::Below => value < limit,
            Self::AtMost => value <= limit,
        }
    }

    /// Whether one threshold is worse than another.
    pub fn further(self, one: f64, other: f64) -> bool {
        if self.rises() { one > other } else { one < other }
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
