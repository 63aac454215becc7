//! Why something was refused: which field, which value, what would have been allowed, and what to do next.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::enumeration::enumeration;

enumeration! {
    /// What sort of refusal this is; the command line and HTTP derive their status from it.
    pub enum RefusalKind ("refusal kind") {
        /// The request itself is malformed or out of range.
        Invalid = "invalid",
        /// The request names something that does not exist.
        NotFound = "not_found",
        /// A shortened id fits several things.
        Ambiguous = "ambiguous",
        /// The request is well formed but contradicts the present state.
        Conflict = "conflict",
        /// No cage, agent or node could ever meet what is asked for.
        Impossible = "impossible",
        /// The asker may not do this.
        Forbidden = "forbidden",
        /// The engine cannot take changes now, for instance because its disk is full.
        Unavailable = "unavailable",
    }
}

/// A refusal that names the field, the value, what is allowed and how to mend it.
///
/// Every refusal is complete in itself: [`Display`](fmt::Display) makes one or two sentences that a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// What sort of refusal this is.
    pub kind: RefusalKind,
    /// The field at fault, as the user wrote it (`priority`, `cage 003: limits.memory`).
    pub field: String,
    /// The offending value, shortened when long.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// What is allowed there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub allowed: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

/// Values longer than this many characters are cut in a refusal, so that 10 MiB of input make no 10 MiB error.
const VALUE_CHARS: usize = 80;

impl Refusal {
    /// A refusal of `kind` about `field` with the offending `value`.
    pub fn new(kind: RefusalKind, field: impl Into<String>, value: impl fmt::Display) -> Self {
        let text = value.to_string();
        let mut value: String = text.chars().take(VALUE_CHARS).flat_map(char::escape_debug_unquoted).collect();
        if text.chars().nth(VALUE_CHARS).is_some() {
            value.push('…');
        }
        Self { kind, field: field.into(), value, allowed: String::new(), hint: String::new() }
    }

    /// A malformed or out-of-range `value` of `field`; says what is `allowed`.
    pub fn invalid(field: impl Into<String>, value: impl fmt::Display, allowed: impl Into<String>) -> Self {
        Self::new(RefusalKind::Invalid, field, value).allowed(allowed)
    }

    /// Something named that does not exist.
    pub fn not_found(field: impl Into<String>, value: impl fmt::Display) -> Self {
        Self::new(RefusalKind::NotFound, field, value)
    }

    /// A request that contradicts the present state.
    pub fn conflict(field: impl Into<String>, value: impl fmt::Display, allowed: impl Into<String>) -> Self {
        Self::new(RefusalKind::Conflict, field, value).allowed(allowed)
    }

    /// `value` is none of the `choices`; proposes the nearest.
    pub fn not_one_of(field: impl Into<String>, value: &str, choices: &[&str]) -> Self {
        Self::invalid(field, value, choices.join(", ")).hint_nearest(value, choices.iter().copied(), "")
    }

    /// Adds what is allowed.
    #[must_use]
    pub fn allowed(mut self, allowed: impl Into<String>) -> Self {
        self.allowed = allowed.into();
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Asks whether the one of `names` was meant that is nearest to `name`, or else gives another hint.
    #[must_use]
    pub fn hint_nearest<'a>(
        self,
        name: &str,
        names: impl IntoIterator<Item = &'a str>,
        otherwise: impl Into<String>,
    ) -> Self {
        match nearest(name, names) {
            Some(near) => self.hint(format!("did you mean \"{near}\"?")),
            None => self.hint(otherwise),
        }
    }

    /// Puts `prefix` before the field, for errors that come out of something nested (`line 3: priority`).
    #[must_use]
    pub fn within(mut self, prefix: impl fmt::Display) -> Self {
        self.field = if self.field.is_empty() { prefix.to_string() } else { format!("{prefix}: {}", self.field) };
        self
    }
}

/// The choice nearest to `value` by edit distance, when it is near enough to be a likely slip.
pub fn nearest<'a>(value: &str, choices: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if value.len() > 64 {
        return None;
    }
    choices
        .into_iter()
        .map(|choice| (strsim::damerau_levenshtein(&value.to_lowercase(), &choice.to_lowercase()), choice))
        .filter(|(distance, choice)| *distance <= 1.max(choice.len() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, choice)| choice)
}

/// The name nearest to `value`; where none is near, one of which a word is: `ritta` is a slip in `review-rita`.
pub fn nearest_name<'a>(value: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> Option<&'a str> {
    if let Some(name) = nearest(value, names.clone()) {
        return Some(name);
    }
    let slips = if value.chars().count() < 6 { 1 } else { 2 };
    if value.len() > 64 || value.chars().count() < 3 {
        return None;
    }
    let lower = value.to_lowercase();
    let distance = |name: &str| {
        let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 2);
        words.map(|word| strsim::damerau_levenshtein(&lower, &word.to_lowercase())).min()
    };
    names
        .into_iter()
        .filter_map(|name| Some((distance(name).filter(|distance| *distance <= slips)?, name)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = &self.value;
        match self.kind {
            RefusalKind::NotFound => write!(f, "{} \"{value}\" does not exist", self.field)?,
            RefusalKind::Ambiguous => write!(f, "{} \"{value}\" is ambiguous", self.field)?,
            _ if value.is_empty() => write!(f, "{}", self.field)?,
            RefusalKind::Invalid => write!(f, "{}: \"{value}\" is not allowed", self.field)?,
            _ => write!(f, "{}: {value}", self.field)?,
        }
        if !self.allowed.is_empty() {
            write!(f, "; allowed: {}", self.allowed)?;
        }
        if !self.hint.is_empty() {
            write!(f, ". {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

/// Escapes control characters so that a value cannot drive the terminal that shows it.
trait EscapeUnquoted {
    fn escape_debug_unquoted(self) -> std::vec::IntoIter<char>;
}

impl EscapeUnquoted for char {
    fn escape_debug_unquoted(self) -> std::vec::IntoIter<char> {
        if self.is_control() { self.escape_default().collect::<Vec<_>>().into_iter() } else { vec![self].into_iter() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_field_value_allowed_and_hint() {
        let refusal = Refusal::not_one_of("status", "runing", &["pending", "running"]);
        assert_eq!(
            refusal.to_string(),
            "status: \"runing\" is not allowed; allowed: pending, running. did you mean \"running\"?"
        );
    }

    #[test]
    fn a_word_of_a_name_is_near_when_no_name_is() {
        let names = ["build-bob", "review-rita", "shell"];
        for (value, near) in
            [("ritta", "review-rita"), ("rita", "review-rita"), ("shel", "shell"), ("rewiev", "review-rita")]
        {
            assert_eq!(nearest_name(value, names), Some(near), "{value}");
        }
        for value in ["rxtxa", "", "b", "-", "zzz"] {
            assert_eq!(nearest_name(value, names), None, "{value}");
        }
    }

    #[test]
    fn long_and_hostile_values_are_cut_and_escaped() {
        let refusal = Refusal::invalid("name", "\u{1b}[2J".to_owned() + &"x".repeat(1000), "1-100 characters");
        assert!(refusal.value.len() < 120);
        assert!(!refusal.to_string().contains('\u{1b}'));
    }
}
