//! A moment of the journal, as people name it: a record's number, a time, or so long ago.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::Span;
use super::refusal::Refusal;
use super::time::Timestamp;

/// How a moment can be written.
const ALLOWED: &str = "14:03 or 14:03:22 (today, UTC), -10m (so long ago), seq:1234 (after that record), 2026-01-31, \
                       2026-01-31T14:03 or 2026-01-31T14:03:22Z";

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// A moment, before the journal was asked where that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Right after the record of this number.
    Seq(u64),
    /// At this time.
    Time(Timestamp),
    /// So long before the time at which it is looked up.
    Ago(Span),
    /// At this time of the day (microseconds since midnight, UTC) at which it is looked up.
    OfToday(i64),
}

impl Moment {
    /// The time that is meant; `None` for a record, whose time only the journal knows.
    pub const fn time(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Seq(_) => None,
            Self::Time(time) => Some(time),
            Self::Ago(span) => Some(Timestamp::from_micros(now.as_micros().saturating_sub(span.as_micros()))),
            Self::OfToday(micros) => Some(Timestamp::from_micros(now.as_micros() / DAY * DAY + micros)),
        }
    }
}

impl FromStr for Moment {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        let malformed = || Refusal::invalid("at", text, ALLOWED);
        if let Some(number) = text.strip_prefix("seq:") {
            return number.parse().map(Self::Seq).map_err(|_| malformed());
        }
        if let Some(span) = text.strip_prefix('-') {
            return span.parse().map(Self::Ago).map_err(|_| malformed());
        }
        if let Some(micros) = of_day(text) {
            return Ok(Self::OfToday(micros));
        }
        if let Ok(time) = text.parse() {
            return Ok(Self::Time(time));
        }
        // A date, perhaps with a time of the day, in UTC.
        let (date, rest) = text.split_at_checked(10).ok_or_else(malformed)?;
        let midnight: Timestamp = format!("{date}T00:00:00Z").parse().map_err(|_| malformed())?;
        let micros = match rest.strip_prefix(['T', ' ']) {
            None if rest.is_empty() => 0,
            Some(clock) => of_day(clock).ok_or_else(malformed)?,
            None => return Err(malformed()),
        };
        Ok(Self::Time(Timestamp::from_micros(midnight.as_micros() + micros)))
    }
}

/// `14:03` or `14:03:22` as microseconds since midnight.
fn of_day(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let mut next = |below: i64| {
        let part = parts.next()?;
        let digits = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse().ok().filter(|number| digits && *number < below)
    };
    let (hour, minute) = (next(24)?, next(60)?);
    let second = if text.matches(':').count() == 2 { next(60)? } else { 0 };
    parts.next().is_none().then_some(((hour * 60 + minute) * 60 + second) * 1_000_000)
}

/// Where in the journal something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Standpoint {
    /// The number of the last record that has happened there.
    pub seq: u64,
    /// The time there: not before that record, and before the next.
    pub time: Timestamp,
}

impl fmt::Display for Standpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, record {}", self.time, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn moments_are_read_as_people_write_them() {
        let now = at("2026-03-04T10:00:00Z");
        for (text, time) in [
            ("09:30", "2026-03-04T09:30:00Z"),
            ("9:30:05", "2026-03-04T09:30:05Z"),
            ("-10m", "2026-03-04T09:50:00Z"),
            ("-2d", "2026-03-02T10:00:00Z"),
            ("2026-03-01", "2026-03-01T00:00:00Z"),
            ("2026-03-01 08:15", "2026-03-01T08:15:00Z"),
            ("2026-03-01T08:15:30", "2026-03-01T08:15:30Z"),
            ("2026-03-01T08:15:30+02:00", "2026-03-01T06:15:30Z"),
            // Whether there is such a record, or such a past, is the journal's to say.
            ("23:59", "2026-03-04T23:59:00Z"),
        ] {
            assert_eq!(text.parse::<Moment>().unwrap().time(now), Some(at(time)), "{text}");
        }
        assert_eq!(" seq:1234 ".parse(), Ok(Moment::Seq(1234)));
        assert_eq!(Moment::Seq(1234).time(now), None);
    }

    #[test]
    fn what_is_no_moment_is_refused_with_what_is() {
        for text in [
            "",
            "yesterday",
            "24:00",
            "12:60",
            "1:2:3:4",
            "+5m",
            "-",
            "--5m",
            "seq:",
            "seq:-1",
            "seq:x",
            "2026-13-01",
            "2026-03-01T",
            "2026-03-01x08:15",
            "12",
            "ö:30",
            "２０２６-03-01",
        ] {
            let refusal = text.parse::<Moment>().unwrap_err();
            assert!(refusal.to_string().contains("seq:1234"), "{text}: {refusal}");
        }
    }
}
