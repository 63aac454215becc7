//! Identifiers. All are UUID version 7 (RFC 9562), hence ordered by the time of their making, except a cage's number.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::refusal::Refusal;
use super::time::Timestamp;

/// Declares a type for one kind of id, so that a task's id is never taken for an agent's.
macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident ($noun:literal);)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// What errors call this kind of id.
            pub const NOUN: &'static str = $noun;

            /// Makes an id from a time and 74 random bits, of which the lowest 74 of `random` are used.
            pub fn new(time: Timestamp, random: u128) -> Self { Self(uuid_v7(time, random)) }

            /// When it was made, to the millisecond.
            pub fn made_at(self) -> Timestamp { made_at(self.0) }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.hyphenated().fmt(f) }
        }

        impl FromStr for $name {
            type Err = Refusal;
            fn from_str(text: &str) -> Result<Self, Refusal> {
                Uuid::try_parse(text).map(Self).map_err(|_| Refusal::invalid($noun, text, "a UUID"))
            }
        }
    )+};
}

ids! {
    /// Names an agent.
    AgentId ("agent");
    /// Names a task.
    TaskId ("task");
    /// Names one attempt at a task.
    ExecutionId ("execution");
    /// Names an output of an agent.
    ArtifactId ("artifact");
    /// Names a held quantity of a resource.
    AllocationId ("allocation");
    /// Names a countable thing of a node.
    ResourceId ("resource");
    /// Names a machine.
    NodeId ("node");
    /// Names a person or account that acts.
    UserId ("user");
    /// Names a message of the system about itself.
    SystemEventId ("event");
    /// Names an alert.
    AlertId ("alert");
    /// Names a silence.
    SilenceId ("silence");
    /// Names a model that learns.
    ModelId ("model");
    /// Names a version of a model.
    ModelVersionId ("version");
    /// Names a figure about a version of a model.
    LearningMetricId ("learning metric");
    /// Names something that waits for a human: an artifact or a failed task, whose id it is.
    ReviewId ("inbox item");
}

/// Lays out a version 7 UUID: 48 bits of milliseconds, then random bits. The first 12 random bits carry the
/// microseconds within the millisecond (RFC 9562, section 6.2, method 3), so that ids made in one millisecond still sort.
fn uuid_v7(time: Timestamp, random: u128) -> Uuid {
    let micros = u128::from(time.as_micros().unsigned_abs());
    let (millis, sub) = (micros / 1000, (micros % 1000) * 4096 / 1000);
    Uuid::from_u128(
        (millis & 0xffff_ffff_ffff) << 80 | 0x7 << 76 | (sub & 0xfff) << 64 | 0b10 << 62 | (random & ((1 << 62) - 1)),
    )
}

/// The milliseconds of a version 7 UUID.
fn made_at(id: Uuid) -> Timestamp {
    let millis = i64::try_from(id.as_u128() >> 80).unwrap_or(i64::MAX);
    Timestamp::from_micros(millis.saturating_mul(1000))
}

/// How many elements one array may have. The low 24 bits of an element's id are its place in the array.
pub const ARRAY_ELEMENTS_MAX: u32 = (1 << 24) - 1;

impl TaskId {
    /// The id of an array: its low 24 bits are zero, which makes room for the elements' own ids.
    #[must_use]
    pub fn as_array(self) -> Self {
        Self(Uuid::from_u128(self.0.as_u128() & !u128::from(ARRAY_ELEMENTS_MAX)))
    }

    /// The id of the array's element at `place` (counted from 1). An element needs no id of its own in the store
    /// until it starts: it follows from the array's id.
    #[must_use]
    pub fn element(self, place: u32) -> Self {
        Self(Uuid::from_u128(self.as_array().0.as_u128() | u128::from(place & ARRAY_ELEMENTS_MAX)))
    }

    /// Where this id stands in its array, if it belongs to one; zero for the array itself.
    pub fn place(self) -> u32 {
        u32::try_from(self.0.as_u128() & u128::from(ARRAY_ELEMENTS_MAX)).unwrap_or(0)
    }
}

/// The number of a cage, `001` to `1000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CageId(u16);

impl CageId {
    /// The highest number that a cage may bear.
    pub const LAST: u16 = 1000;

    /// From a number in 1-1000.
    pub fn new(number: u16) -> Result<Self, Refusal> {
        if (1..=Self::LAST).contains(&number) {
            Ok(Self(number))
        } else {
            Err(Refusal::invalid("cage", number, "001 to 1000"))
        }
    }

    /// The number, 1-1000.
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Display for CageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:03}", self.0))
    }
}

impl FromStr for CageId {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let digits = !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
        let number = if digits { text.parse().unwrap_or(0) } else { 0 };
        Self::new(number).map_err(|_| Refusal::invalid("cage", text, "001 to 1000"))
    }
}

impl TryFrom<String> for CageId {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Refusal> {
        text.parse()
    }
}

impl From<CageId> for String {
    fn from(id: CageId) -> Self {
        id.to_string()
    }
}

impl JsonSchema for CageId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CageId".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[0-9]{1,4}$", "description": "001 to 1000"})
    }
}

/// Shows a user's prefix of an id: the last twelve hexadecimal digits differ where the first twelve (the time) may not,
/// so short forms are taken from the front and lengthened until they are unambiguous.
pub fn is_id_prefix(text: &str) -> bool {
    (1..=36).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// The first and the last id that begin with these digits, and how many digits there are; dashes may stand where they
/// stand in an id. `None` when no id begins so.
pub fn id_range(text: &str) -> Option<(u128, u128, usize)> {
    if !is_id_prefix(text) {
        return None;
    }
    let (mut value, mut count) = (0u128, 0usize);
    for (at, c) in text.chars().enumerate() {
        match (c, matches!(at, 8 | 13 | 18 | 23)) {
            ('-', true) => {}
            ('-', false) => return None,
            // Digits without any dash are an id in its short spelling.
            _ if count == 32 => return None,
            _ => {
                value = value << 4 | u128::from(c.to_digit(16)?);
                count += 1;
            }
        }
    }
    let open = u32::try_from(4 * (32 - count)).ok()?;
    let first = value.checked_shl(open).unwrap_or(0);
    Some((first, first | u128::MAX.checked_shr(128 - open).unwrap_or(0), count))
}

/// The value and the number of the digits with which an id may end that `text` gives, as consoles show ids in short: ids of one time
/// begin alike. `None` for fewer than eight digits, which say too little, and for more than the last group has.
pub fn id_tail(text: &str) -> Option<(u128, usize)> {
    let digits = (8..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits { u128::from_str_radix(text, 16).ok().map(|value| (value, text.len())) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_7_and_sort_by_time() {
        let early = TaskId::new(Timestamp::from_micros(1_700_000_000_000_001), u128::MAX);
        let late = TaskId::new(Timestamp::from_micros(1_700_000_000_000_900), 0);
        assert_eq!(early.0.get_version_num(), 7);
        assert_eq!(early.0.get_variant(), uuid::Variant::RFC4122);
        assert!(early < late);
        assert_eq!(late.made_at(), Timestamp::from_micros(1_700_000_000_000_000));
        assert_eq!(late.element(9).made_at(), late.made_at(), "the elements of an array are as old as it is");
    }

    #[test]
    fn elements_know_their_array() {
        let array = TaskId::new(Timestamp::from_micros(1), 0x0123_4567_89ab_cdef).as_array();
        assert_eq!(array.place(), 0);
        assert_eq!(array.element(77).place(), 77);
        assert_eq!(array.element(77).as_array(), array);
    }

    #[test]
    fn cages_are_001_to_1000() {
        assert_eq!("7".parse::<CageId>().unwrap().to_string(), "007");
        for text in ["0", "1001", "", "-1", "x", "+5", "99999"] {
            assert!(text.parse::<CageId>().is_err(), "{text}");
        }
    }
}
