//! Points in time: UTC with microseconds, written as RFC 3339.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::quantity::Span;
use super::refusal::Refusal;

/// Microseconds since 1970-01-01T00:00:00Z. The domain never reads a clock: times are handed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// 9999-12-31T23:59:59.999999Z, the last instant with a four-digit year; later ones are refused.
const LAST_MICROS: i64 = 253_402_300_799_999_999;

impl Timestamp {
    /// The first instant that a timestamp can name.
    pub const EPOCH: Self = Self(0);
    /// The last instant that a timestamp can name.
    pub const LAST: Self = Self(LAST_MICROS);

    /// From microseconds since the epoch; values outside 1970-9999 are moved to the nearer end.
    pub const fn from_micros(micros: i64) -> Self {
        if micros < 0 {
            Self(0)
        } else if micros > LAST_MICROS {
            Self(LAST_MICROS)
        } else {
            Self(micros)
        }
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This instant plus a span, at most [`Timestamp::LAST`].
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self::from_micros(self.0.saturating_add(span.as_micros()))
    }

    /// The span from `earlier` to this instant, zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Span {
        Span::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// The length of a timestamp's text.
const TEXT_BYTES: usize = 27;

impl Timestamp {
    /// Writes the text by hand: every journal record carries times, and the general formatter takes ten times as long.
    fn text(self) -> [u8; TEXT_BYTES] {
        // Civil date from days, after Howard Hinnant's `civil_from_days`.
        let (seconds, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
        let shifted = days + 719_468;
        let era = shifted / 146_097;
        let day_of_era = shifted % 146_097;
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_shifted + 2) / 5 + 1;
        let month = if month_shifted < 10 { month_shifted + 3 } else { month_shifted - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
        let figures = [(3, year), (6, month), (9, day), (12, hour), (15, minute), (18, second), (25, micros)];
        for (mut place, mut figure) in figures {
            // From the last digit to the first, which stands where the zeros above end.
            while figure > 0 {
                text[place] = b'0' + (figure % 10).unsigned_abs().to_le_bytes()[0];
                figure /= 10;
                place = place.saturating_sub(1);
            }
        }
        text
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Timestamp {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        text.parse::<jiff::Timestamp>()
            .ok()
            .map(jiff::Timestamp::as_microsecond)
            .filter(|micros| (0..=LAST_MICROS).contains(micros))
            .map(Self)
            .ok_or_else(|| Refusal::invalid("time", text, "RFC 3339 with a zone, such as 2026-01-31T17:00:00Z"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.text()).map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "date-time"})
    }
}

/// A moment that may be given as an instant (`2026-01-31T17:00:00Z`) or counted from now (`2h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A fixed instant.
    At(Timestamp),
    /// So long after the moment at which the engine takes the request.
    In(Span),
}

impl When {
    /// The instant, counted from `now`.
    pub const fn resolve(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::In(span) => now.plus(span),
        }
    }
}

impl FromStr for When {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        if let Ok(span) = text.parse() {
            return Ok(Self::In(span));
        }
        text.parse().map(Self::At).map_err(|refusal| {
            refusal.allowed("RFC 3339 with a zone, such as 2026-01-31T17:00:00Z, or a span from now, such as 90m")
        })
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => time.fmt(f),
            Self::In(span) => span.fmt(f),
        }
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for When {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "When".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "RFC 3339 instant, or a span from now such as \"90m\""})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_round_trips(micros in 0..=LAST_MICROS) {
            let time = Timestamp::from_micros(micros);
            let text = time.to_string();
            prop_assert_eq!(text.parse::<Timestamp>().unwrap(), time);
            let expected = jiff::Timestamp::from_microsecond(micros).unwrap();
            prop_assert_eq!(text, format!("{expected:.6}"));
        }
    }

    #[test]
    fn absurd_times_are_refused() {
        for text in ["", "tomorrow", "2026-01-01", "-5", "10000-01-01T00:00:00Z", "1969-12-31T23:59:59Z"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }
}
