//! Thresholds of metrics: a number with the unit of what is measured.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::enumeration::enumeration;
use super::quantity::{Bytes, Span};
use super::refusal::Refusal;

enumeration! {
    /// What a metric counts. It follows from the end of its name, by the conventions of Prometheus and `OpenMetrics`.
    pub enum MetricUnit ("metric unit") {
        /// A number of things.
        Count = "count",
        /// A share, 0-1.
        Ratio = "ratio",
        /// Seconds.
        Seconds = "seconds",
        /// Bytes.
        Bytes = "bytes",
        /// US dollars.
        Dollars = "dollars",
    }
}

impl MetricUnit {
    /// The unit of a metric by its name: `cage_memory_bytes`, `agent_errors_ratio`, `cage_cpu_seconds_total`.
    pub fn of(metric: &str) -> Self {
        let name = metric.strip_suffix("_total").unwrap_or(metric);
        match name.rsplit('_').next() {
            Some("ratio") => Self::Ratio,
            Some("seconds") => Self::Seconds,
            Some("bytes") => Self::Bytes,
            Some("dollars") => Self::Dollars,
            _ => Self::Count,
        }
    }

    /// How a threshold of this unit is written.
    pub const fn example(self) -> &'static str {
        match self {
            Self::Count => "a number, such as 12",
            Self::Ratio => "a percentage, such as \"90%\"",
            Self::Seconds => "a span, such as \"5s\"",
            Self::Bytes => "a size, such as \"256MiB\"",
            Self::Dollars => "an amount, such as \"$5\"",
        }
    }

    /// A value for people: `93.5 %`, `1m30s`, `1.2GiB`.
    pub fn show(self, value: f64) -> String {
        let sign = if value < 0.0 { "-" } else { "" };
        let size = value.abs();
        match self {
            Self::Count => trimmed(value, 2),
            Self::Ratio => format!("{} %", trimmed(value * 100.0, 1)),
            Self::Seconds => format!("{sign}{}", span(size).human()),
            Self::Bytes => format!("{sign}{}", bytes(size).human()),
            Self::Dollars => format!("{sign}${}", trimmed(size, 2)),
        }
    }
}

/// A number with at most so many decimals, and no zeros at its end.
fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

// A cast from f64 saturates, which is right for both: what is larger than can be held is shown as the largest.
#[allow(clippy::cast_possible_truncation)]
fn span(seconds: f64) -> Span {
    Span::from_micros((seconds * 1e6).round() as i64)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn bytes(size: f64) -> Bytes {
    Bytes::new(size.round() as u64)
}

/// A value that a metric may reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// In the unit itself: a share as 0-1, seconds, bytes, dollars.
    pub value: f64,
    /// What it counts.
    pub unit: MetricUnit,
}

impl Threshold {
    /// One of a value and a unit.
    pub const fn new(value: f64, unit: MetricUnit) -> Self {
        Self { value, unit }
    }
}

impl FromStr for Threshold {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let refuse = || {
            let allowed = "a number, a percentage such as \"90%\", a span such as \"5s\", a size such as \"256MiB\" or an \
                amount such as \"$5\"";
            Refusal::invalid("threshold", text, allowed)
        };
        let trimmed = text.trim();
        let (sign, size) = trimmed.strip_prefix('-').map_or((1.0, trimmed), |rest| (-1.0, rest));
        if !size.starts_with(|c: char| c.is_ascii_digit() || c == '$' || c == '.') || size.len() > 40 {
            return Err(refuse());
        }
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        let (value, unit) = if let Some(percent) = size.strip_suffix('%') {
            (number(percent).ok_or_else(refuse)? / 100.0, MetricUnit::Ratio)
        } else if let Some(amount) = size.strip_prefix('$') {
            (number(amount).ok_or_else(refuse)?, MetricUnit::Dollars)
        } else if let Some(count) = number(size) {
            (count, MetricUnit::Count)
        } else if let Ok(span) = size.parse::<Span>() {
            // Spans before sizes: "5m" is five minutes.
            (span.as_secs_f64(), MetricUnit::Seconds)
        } else {
            (size.parse::<Bytes>().map_err(|_| refuse())?.get() as f64, MetricUnit::Bytes)
        };
        Ok(Self { value: sign * value, unit })
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.value.abs();
        if self.value < 0.0 {
            f.write_str("-")?;
        }
        match self.unit {
            MetricUnit::Count => write!(f, "{size}"),
            MetricUnit::Ratio => write!(f, "{}%", trimmed(size * 100.0, 6)),
            MetricUnit::Seconds => write!(f, "{}", span(size)),
            MetricUnit::Bytes => write!(f, "{}", bytes(size)),
            MetricUnit::Dollars => write!(f, "${size}"),
        }
    }
}

impl Serialize for Threshold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Threshold;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a threshold: a number, or a text such as \"90%\", \"5s\", \"256MiB\" or \"$5\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Threshold, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Threshold, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Threshold, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Threshold, E> {
                self.visit_str(&number.to_string())
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl JsonSchema for Threshold {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Threshold".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["number", "string"],
            "description": "a number, or a text such as \"90%\", \"5s\", \"256MiB\" or \"$5\"; the unit is that of the metric"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_people_write_and_refuses_the_rest() {
        for (text, value, unit) in [
            ("90%", 0.9, MetricUnit::Ratio),
            ("256MiB", 268_435_456.0, MetricUnit::Bytes),
            ("5s", 5.0, MetricUnit::Seconds),
            ("5m", 300.0, MetricUnit::Seconds),
            ("-90s", -90.0, MetricUnit::Seconds),
            ("$2.5", 2.5, MetricUnit::Dollars),
            ("12", 12.0, MetricUnit::Count),
        ] {
            let read: Threshold = text.parse().unwrap();
            assert_eq!((read.value, read.unit), (value, unit), "{text}");
            assert_eq!(read.to_string().parse::<Threshold>().unwrap(), read, "{text}");
        }
        for text in ["", "NaN", "inf", "-", "%", "1e400", "5 parrots", "$", "$x", "--1", "1%%"] {
            assert!(text.parse::<Threshold>().is_err(), "{text}");
        }
        assert_eq!(serde_json::from_str::<Threshold>("3").unwrap(), Threshold::new(3.0, MetricUnit::Count));
    }

    #[test]
    fn units_follow_from_names() {
        for (name, unit) in [
            ("menagerie_queue_wait_seconds", MetricUnit::Seconds),
            ("cage_cpu_seconds_total", MetricUnit::Seconds),
            ("menagerie_node_memory_usage_ratio", MetricUnit::Ratio),
            ("cage_memory_bytes", MetricUnit::Bytes),
            ("menagerie_fleet_cost_hour_dollars", MetricUnit::Dollars),
            ("tokens_total", MetricUnit::Count),
            ("ratios", MetricUnit::Count),
        ] {
            assert_eq!(MetricUnit::of(name), unit, "{name}");
        }
        assert_eq!(MetricUnit::Ratio.show(0.935), "93.5 %");
        assert_eq!(MetricUnit::Seconds.show(-90.0), "-1m30s");
        assert_eq!(MetricUnit::Count.show(3.0), "3");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = text.parse::<Threshold>();
        }
    }
}
