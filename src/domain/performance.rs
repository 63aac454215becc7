//! What agents did, day by day.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::id::AgentId;
use super::refusal::Refusal;
use super::time::Timestamp;

const DAY_MICROS: i64 = 86_400_000_000;

/// A day in UTC, written as `2026-01-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

impl Day {
    /// The day of a moment.
    pub const fn of(time: Timestamp) -> Self {
        Self(time.as_micros() / DAY_MICROS)
    }

    /// From the number of days since 1970-01-01.
    pub const fn from_number(number: i64) -> Self {
        Self::of(Timestamp::from_micros(number.saturating_mul(DAY_MICROS)))
    }

    /// The number of days since 1970-01-01.
    pub const fn number(self) -> i64 {
        self.0
    }

    /// The moment at which it begins.
    pub const fn begins(self) -> Timestamp {
        Timestamp::from_micros(self.0 * DAY_MICROS)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let begins = self.begins().to_string();
        f.write_str(begins.split('T').next().unwrap_or_default())
    }
}

impl FromStr for Day {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let begins = format!("{text}T00:00:00Z").parse::<Timestamp>().ok();
        begins.map(Self::of).ok_or_else(|| Refusal::invalid("date", text, "a day, such as 2026-01-31"))
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Day {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Day".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "date"})
    }
}

/// What an agent did on a day: its executions that ended on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentPerformance {
    /// Whose executions.
    pub agent_id: AgentId,
    /// Its name; `NAME (removed)` of an agent that was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The day on which they ended, in UTC.
    pub date: Day,
    /// How many there were.
    pub execution_count: u64,
    /// How many of them succeeded.
    pub success_count: u64,
    /// How long those that had started took, in the mean, in milliseconds; `None` when none had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avg_duration_ms: Option<u64>,
    /// Tokens, as the agent reported them; `None` when it reported none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_tokens_used: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_that_of_utc_and_reads_back() {
        for (time, day) in [
            ("1970-01-01T00:00:00Z", "1970-01-01"),
            ("2026-11-28T00:30:00+02:00", "2026-11-27"),
            ("2028-02-29T23:59:59.999999Z", "2028-02-29"),
        ] {
            let found = Day::of(time.parse().unwrap());
            assert_eq!(found.to_string(), day);
            assert_eq!(day.parse::<Day>().unwrap(), found);
            assert_eq!(Day::from_number(found.number()), found);
            assert_eq!(serde_json::to_string(&found).unwrap(), format!("\"{day}\""));
        }
        for wrong in ["", "2026-02-30", "2026-1-1", "today", "2026-01-01T00:00:00Z"] {
            assert!(wrong.parse::<Day>().is_err(), "{wrong}");
        }
    }
}
