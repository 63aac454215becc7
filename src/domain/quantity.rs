//! Quantities with units: cores, bytes, spans of time, token budgets. Each reads the spellings that people use, refuses
//! negative and absurd values, and has one canonical spelling.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::refusal::Refusal;

/// Processor time per time, in thousandths of a core (`1500` is a core and a half). At most 100,000 cores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cpu(u64);

/// A size in bytes, at most 8 EiB - 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(u64);

/// A length of time in microseconds, at most 100 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

/// A token budget: so many in all for an execution, or so many per hour (or minute, or day) for a cage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenLimit {
    /// How many tokens, at most 10^15.
    pub tokens: u64,
    /// Within which sliding period; `None` is for each execution.
    pub per: Option<Span>,
}

const CPU_MILLIS_MAX: u64 = 100_000_000;
const BYTES_MAX: u64 = i64::MAX as u64;
const SPAN_MICROS_MAX: i64 = 100 * 366 * 86_400 * 1_000_000;
const TOKENS_MAX: u64 = 1_000_000_000_000_000;

/// Splits `"1.5GiB"` into the number's thousandths (`1500`) and the unit (`"GiB"`). Refuses signs, exponents and more
/// than three decimals by giving `None`, so that no value passes through floating point.
fn split_number(text: &str) -> Option<(u128, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number = number.replace('_', "");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 24 || fraction.len() > 3 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let thousandths = whole.parse::<u128>().ok()? * 1000 + format!("{fraction:0<3}").parse::<u128>().ok()?;
    Some((thousandths, unit.trim()))
}

/// Writes thousandths without needless zeros: `1500` is `1.5`, `2000` is `2`.
fn write_thousandths(f: &mut fmt::Formatter<'_>, thousandths: u64) -> fmt::Result {
    let (whole, rest) = (thousandths / 1000, thousandths % 1000);
    if rest == 0 { write!(f, "{whole}") } else { f.write_str(format!("{whole}.{rest:03}").trim_end_matches('0')) }
}

impl Cpu {
    /// No processor time.
    pub const ZERO: Self = Self(0);
    const ALLOWED: &'static str = "cores from 0 to 100000 with at most three decimals, such as 1.5 or \"250m\"";

    /// From thousandths of a core; more than 100,000 cores become that.
    pub const fn from_millis(millis: u64) -> Self {
        Self(if millis > CPU_MILLIS_MAX { CPU_MILLIS_MAX } else { millis })
    }
    /// From whole cores.
    pub const fn from_cores(cores: u64) -> Self {
        Self::from_millis(cores.saturating_mul(1000))
    }
    /// Thousandths of a core.
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

impl FromStr for Cpu {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let parsed = split_number(text).and_then(|(thousandths, unit)| match unit {
            "" => Some(thousandths),
            "m" if thousandths % 1000 == 0 => Some(thousandths / 1000),
            _ => None,
        });
        match parsed.and_then(|millis| u64::try_from(millis).ok()) {
            Some(millis) if millis <= CPU_MILLIS_MAX => Ok(Self(millis)),
            _ => Err(Refusal::invalid("cpu", text, Self::ALLOWED)),
        }
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_thousandths(f, self.0)
    }
}

const BYTE_UNITS: [(&str, u64); 12] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("PiB", 1 << 50),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("PB", 1_000_000_000_000_000),
    ("B", 1),
];

impl Bytes {
    /// No bytes.
    pub const ZERO: Self = Self(0);
    const ALLOWED: &'static str = "bytes from 0 to 8 EiB, such as 1048576, \"256MiB\" or \"1.5GB\"";

    /// From a count of bytes; more than 8 EiB - 1 become that.
    pub const fn new(bytes: u64) -> Self {
        Self(if bytes > BYTES_MAX { BYTES_MAX } else { bytes })
    }
    /// From mebibytes.
    pub const fn from_mib(mib: u64) -> Self {
        Self::new(mib.saturating_mul(1 << 20))
    }
    /// The count of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }
    /// For people: about three significant digits with a binary unit (`1.5GiB`). Not exact.
    pub fn human(self) -> String {
        let mut value = self.0 as f64;
        for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
            if value < 1024.0 {
                let text = if value < 10.0 && unit != "B" { format!("{value:.1}") } else { format!("{value:.0}") };
                return format!("{}{unit}", text.trim_end_matches(".0"));
            }
            value /= 1024.0;
        }
        format!("{value:.1}PiB")
    }
}

impl FromStr for Bytes {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let scale = |unit: &str| {
            if unit.is_empty() {
                return Some(1);
            }
            let exact = BYTE_UNITS.iter().find(|(name, _)| *name == unit);
            let short = || BYTE_UNITS.iter().take(5).find(|(name, _)| name[..1].eq_ignore_ascii_case(unit));
            exact.or_else(short).map(|(_, scale)| *scale)
        };
        split_number(text)
            .and_then(|(thousandths, unit)| Some(thousandths.checked_mul(u128::from(scale(unit)?))? / 1000))
            .and_then(|bytes| u64::try_from(bytes).ok())
            .filter(|bytes| *bytes <= BYTES_MAX)
            .map(Self)
            .ok_or_else(|| Refusal::invalid("size", text, Self::ALLOWED))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binary = BYTE_UNITS.iter().take(5).rev().find(|(_, scale)| self.0 != 0 && self.0.is_multiple_of(*scale));
        match binary {
            Some((unit, scale)) => write!(f, "{}{unit}", self.0 / scale),
            None => write!(f, "{}B", self.0),
        }
    }
}

const SPAN_UNITS: [(&str, i64); 7] = [
    ("w", 7 * 86_400_000_000),
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest span, 100 years.
    pub const LONGEST: Self = Self(SPAN_MICROS_MAX);
    const ALLOWED: &'static str = "a span from 0 to 100 years, such as \"10m\", \"1h30m\" or \"500ms\"";

    /// From microseconds; negative ones become zero, more than 100 years become that.
    pub const fn from_micros(micros: i64) -> Self {
        if micros < 0 {
            Self(0)
        } else if micros > SPAN_MICROS_MAX {
            Self(SPAN_MICROS_MAX)
        } else {
            Self(micros)
        }
    }
    /// From milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self::from_micros(millis.saturating_mul(1000))
    }
    /// From seconds.
    pub const fn from_secs(seconds: i64) -> Self {
        Self::from_micros(seconds.saturating_mul(1_000_000))
    }
    /// Microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }
    /// Seconds, for ratios and for people.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
    /// The same span for the standard library's timers.
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_micros(self.0.unsigned_abs())
    }
    /// For people, rounded: the two largest units (`3d4h`, `12m5s`), tenths of few seconds (`1.6s`), or `340ms`.
    pub fn human(self) -> String {
        match self.0 {
            ..1_000 => return format!("{}us", self.0),
            1_000..999_500 => return format!("{}ms", (self.0 + 500) / 1_000),
            999_500..9_950_000 => {
                let tenths = (self.0 + 50_000) / 100_000;
                let (whole, tenth) = (tenths / 10, tenths % 10);
                return if tenth == 0 { format!("{whole}s") } else { format!("{whole}.{tenth}s") };
            }
            _ => {}
        }
        // Rounded to the second of the two units that are said: a minute less a moment is a minute.
        let units = &SPAN_UNITS[1..5];
        let largest = units.iter().position(|(_, scale)| self.0 >= *scale).unwrap_or(3);
        let (_, smallest) = units[(largest + 1).min(3)];
        let mut rest = self.0.saturating_add(smallest / 2) / smallest * smallest;
        let mut parts = Vec::new();
        for (unit, scale) in units {
            if rest >= *scale {
                parts.push(format!("{}{unit}", rest / scale));
                rest %= scale;
            } else if !parts.is_empty() {
                break;
            }
        }
        parts.truncate(2);
        parts.concat()
    }
}

impl FromStr for Span {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let refuse = || Refusal::invalid("span", text, Self::ALLOWED);
        let mut rest = text.trim();
        if rest.is_empty() || rest.len() > 64 {
            return Err(refuse());
        }
        let mut total: i128 = 0;
        while !rest.is_empty() {
            let (thousandths, tail) = split_number(rest).ok_or_else(refuse)?;
            let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
            let unit = tail[..end].trim();
            // A bare number is seconds, but only alone: "1h30" would be a guess.
            let scale = if unit.is_empty() && total == 0 && tail.is_empty() {
                1_000_000
            } else {
                SPAN_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(refuse)?.1
            };
            let thousandths = i128::try_from(thousandths).map_err(|_| refuse())?;
            total = thousandths
                .checked_mul(i128::from(scale))
                .and_then(|micros| total.checked_add(micros / 1000))
                .filter(|total| *total <= i128::from(SPAN_MICROS_MAX))
                .ok_or_else(refuse)?;
            rest = &tail[end..];
        }
        i64::try_from(total).map(Self).map_err(|_| refuse())
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, scale) in &SPAN_UNITS[1..] {
            if rest >= *scale {
                write!(f, "{}{unit}", rest / scale)?;
                rest %= scale;
            }
        }
        Ok(())
    }
}

impl FromStr for TokenLimit {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let refuse = || {
            Refusal::invalid(
                "tokens",
                text,
                "a count such as 50000, \"200k\" or \"200k/h\" (per m, h or d), at most 10^15",
            )
        };
        let (count, per) = match text.split_once('/') {
            None => (text, None),
            Some((count, unit)) => {
                let scale =
                    SPAN_UNITS.iter().find(|(name, _)| *name == unit.trim() && name.len() == 1).ok_or_else(refuse)?;
                (count, Some(Span(scale.1)))
            }
        };
        let (thousandths, unit) = split_number(count).ok_or_else(refuse)?;
        let scale: u128 = match unit {
            "" => 1,
            "k" | "K" => 1_000,
            "M" => 1_000_000,
            "G" => 1_000_000_000,
            _ => return Err(refuse()),
        };
        let tokens = thousandths
            .checked_mul(scale)
            .and_then(|tokens| u64::try_from(tokens / 1000).ok())
            .filter(|tokens| *tokens <= TOKENS_MAX)
            .ok_or_else(refuse)?;
        Ok(Self { tokens, per })
    }
}

impl fmt::Display for TokenLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match self.tokens {
            0 => (0, ""),
            n if n % 1_000_000_000 == 0 => (n / 1_000_000_000, "G"),
            n if n % 1_000_000 == 0 => (n / 1_000_000, "M"),
            n if n % 1_000 == 0 => (n / 1_000, "k"),
            n => (n, ""),
        };
        write!(f, "{count}{unit}")?;
        match self.per.and_then(|per| SPAN_UNITS.iter().find(|(_, scale)| *scale == per.0)) {
            Some((unit, _)) => write!(f, "/{unit}"),
            None => Ok(()),
        }
    }
}

/// Serde for quantities that are read from a number or a text. `$number` turns a JSON number into the text to parse.
macro_rules! quantity_serde {
    ($name:ident, $description:literal, $serialize:expr) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let write: fn(&$name, S) -> Result<S::Ok, S::Error> = $serialize;
                write(self, serializer)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reader;
                impl Visitor<'_> for Reader {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($description)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                    fn visit_u64<E: de::Error>(self, number: u64) -> Result<$name, E> {
                        self.visit_str(&number.to_string())
                    }
                    fn visit_i64<E: de::Error>(self, number: i64) -> Result<$name, E> {
                        self.visit_str(&number.to_string())
                    }
                    fn visit_f64<E: de::Error>(self, number: f64) -> Result<$name, E> {
                        self.visit_str(&number.to_string())
                    }
                }
                deserializer.deserialize_any(Reader)
            }
        }
        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": ["number", "string"], "description": $description})
            }
        }
    };
}

quantity_serde!(Cpu, "cores: a number such as 1.5, or a text such as \"250m\"", |cpu, serializer| {
    if cpu.0 % 1000 == 0 {
        serializer.serialize_u64(cpu.0 / 1000)
    } else {
        serializer.serialize_f64(cpu.0 as f64 / 1e3)
    }
});
quantity_serde!(Bytes, "bytes: a number, or a text such as \"256MiB\"", |bytes, serializer| {
    serializer.serialize_u64(bytes.0)
});
quantity_serde!(Span, "a span: a text such as \"10m\", or a number of seconds", |span, serializer| {
    serializer.collect_str(span)
});
quantity_serde!(TokenLimit, "tokens: a number, or a text such as \"200k/h\"", |limit, serializer| {
    serializer.collect_str(limit)
});

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_people_write() {
        assert_eq!("256MiB".parse::<Bytes>().unwrap().get(), 256 << 20);
        assert_eq!("1.5G".parse::<Bytes>().unwrap().get(), 3 << 29);
        assert_eq!("1GB".parse::<Bytes>().unwrap().get(), 1_000_000_000);
        assert_eq!("1.5".parse::<Cpu>().unwrap().as_millis(), 1500);
        assert_eq!("250m".parse::<Cpu>().unwrap().as_millis(), 250);
        assert_eq!("1h30m".parse::<Span>().unwrap(), Span::from_secs(5400));
        assert_eq!("2.5".parse::<Span>().unwrap(), Span::from_millis(2500));
        assert_eq!(
            "200k/h".parse::<TokenLimit>().unwrap(),
            TokenLimit { tokens: 200_000, per: Some(Span::from_secs(3600)) }
        );
        assert_eq!(serde_json::from_str::<Cpu>("0.25").unwrap().as_millis(), 250);
    }

    #[test]
    fn refuses_negative_and_absurd() {
        for text in ["-1", "", "1e9", "NaN", "inf", "99999999999GiB", "1 2", "0x10", "1XiB", "\u{0}"] {
            assert!(text.parse::<Bytes>().is_err(), "{text:?}");
        }
        for text in ["-1", "100001", "1.2345", "1GiB", "1.5m"] {
            assert!(text.parse::<Cpu>().is_err(), "{text:?}");
        }
        for text in ["-1s", "1h30", "1x", "200y", "9999999w", ""] {
            assert!(text.parse::<Span>().is_err(), "{text:?}");
        }
        for text in ["-1", "1k/y", "1e3", "/h", "10000000G"] {
            assert!(text.parse::<TokenLimit>().is_err(), "{text:?}");
        }
        assert!(serde_json::from_str::<Bytes>("-5").is_err());
    }

    #[test]
    fn spans_for_people_are_rounded_and_not_cut() {
        let human = |micros: i64| Span(micros).human();
        assert_eq!([0, 999, 1_499, 1_500, 999_499].map(human), ["0us", "999us", "1ms", "2ms", "999ms"]);
        assert_eq!(
            [999_500, 1_000_000, 1_640_000, 9_949_999, 9_950_000].map(human),
            ["1s", "1s", "1.6s", "9.9s", "10s"]
        );
        assert_eq!([59_400_000, 59_600_000, 60_600_000].map(human), ["59s", "1m", "1m1s"]);
        assert_eq!([3_599_600_000, 3_629_000_000, 3_631_000_000].map(human), ["1h", "1h", "1h1m"]);
        assert_eq!([86_399_999_999, 3 * 86_400_000_000 + 4 * 3_600_000_000].map(human), ["1d", "3d4h"]);
    }

    proptest! {
        #[test]
        fn a_span_for_people_is_near_the_span(micros in 1_000..=SPAN_MICROS_MAX) {
            let read = Span(micros).human().parse::<Span>().unwrap().as_micros();
            prop_assert!((read - micros).abs() <= micros / 2, "{micros}: {read}");
            prop_assert!(micros < 2_000_000 || (read - micros).abs() <= micros / 20, "{micros}: {read}");
        }
        #[test]
        fn canonical_spelling_round_trips(n in 0..=BYTES_MAX, c in 0..=CPU_MILLIS_MAX, s in 0..=SPAN_MICROS_MAX, t in 0..=TOKENS_MAX) {
            prop_assert_eq!(Bytes::new(n).to_string().parse::<Bytes>().unwrap(), Bytes::new(n));
            prop_assert_eq!(Cpu(c).to_string().parse::<Cpu>().unwrap(), Cpu(c));
            prop_assert_eq!(Span(s).to_string().parse::<Span>().unwrap(), Span(s));
            let limit = TokenLimit { tokens: t, per: Some(Span::from_secs(60)) };
            prop_assert_eq!(limit.to_string().parse::<TokenLimit>().unwrap(), limit);
            prop_assert_eq!(serde_json::from_str::<Cpu>(&serde_json::to_string(&Cpu(c)).unwrap()).unwrap(), Cpu(c));
        }
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = text.parse::<Bytes>();
            let _ = text.parse::<Cpu>();
            let _ = text.parse::<Span>();
            let _ = text.parse::<TokenLimit>();
        }
    }
}
