//! Which series are meant: `menagerie_cage_memory_used_bytes{cage="001",node!="far",agent~"coder-*|tester"}`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::refusal::Refusal;
use super::{LABELS, check_label, check_name};

const ALLOWED: &str = "a metric's name and perhaps labels in braces, each with =, !=, ~ or !~ and a text in quotation marks, such as \
     menagerie_cage_memory_used_bytes{cage=\"001\",agent~\"coder-*|tester\"}";

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Is the text. The empty text fits where the label is missing.
    Is,
    /// Is not the text.
    IsNot,
    /// Is like one of the patterns between `|`, in which `*` stands for anything.
    Like,
    /// Is like none of the patterns.
    NotLike,
}

impl Operator {
    /// Every operator; one that begins with another stands before it.
    const ALL: [Self; 4] = [Self::NotLike, Self::IsNot, Self::Like, Self::Is];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Is => "=",
            Self::IsNot => "!=",
            Self::Like => "~",
            Self::NotLike => "!~",
        }
    }
}

/// What a label has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    /// The label.
    pub label: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub text: String,
}

impl Matcher {
    fn fits(&self, labels: &BTreeMap<String, String>) -> bool {
        self.admits(labels.get(&self.label).map_or("", String::as_str))
    }

    /// Whether the label may have a value; the empty text stands for none.
    pub fn admits(&self, value: &str) -> bool {
        match self.operator {
            Operator::Is => value == self.text,
            Operator::IsNot => value != self.text,
            Operator::Like => self.text.split('|').any(|pattern| like(pattern, value)),
            Operator::NotLike => !self.text.split('|').any(|pattern| like(pattern, value)),
        }
    }
}

/// Whether a text is like a pattern in which `*` stands for anything. The pieces between the stars are looked for from
/// left to right, each at its first place, which is enough because a star gives room to whatever follows.
fn like(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(text) = text.strip_prefix(head) else { return false };
    let Some(mut text) = text.strip_suffix(tail) else { return false };
    for piece in middle.split('*') {
        let Some(at) = text.find(piece) else { return false };
        text = &text[at + piece.len()..];
    }
    true
}

/// Which series are meant: a name, and what labels have to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The metric's name.
    pub name: String,
    /// What has to fit, all of it.
    pub matchers: Vec<Matcher>,
}

impl Selector {
    /// All series of a metric.
    pub fn all(name: &str) -> Self {
        Self { name: name.to_owned(), matchers: vec![] }
    }

    /// Whether a series of this name with these labels is meant.
    pub fn fits(&self, labels: &BTreeMap<String, String>) -> bool {
        self.matchers.iter().all(|matcher| matcher.fits(labels))
    }
}

impl FromStr for Selector {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let refuse = || Refusal::invalid("series", text, ALLOWED);
        let text = text.trim();
        let Some((name, rest)) = text.split_once('{') else {
            check_name(text)?;
            return Ok(Self::all(text));
        };
        let name = name.trim();
        check_name(name)?;
        let mut rest = rest.strip_suffix('}').ok_or_else(refuse)?.trim();
        let mut matchers = vec![];
        while !rest.is_empty() {
            let end = rest.find(['=', '!', '~']).ok_or_else(refuse)?;
            let label = rest[..end].trim();
            check_label(label).map_err(|refusal| refusal.within(format!("series {name}")))?;
            let operator = Operator::ALL.into_iter().find(|operator| rest[end..].starts_with(operator.as_str()));
            let operator = operator.ok_or_else(refuse)?;
            rest = rest[end + operator.as_str().len()..].trim_start();
            let (value, after) = quoted(rest).ok_or_else(refuse)?;
            matchers.push(Matcher { label: label.to_owned(), operator, text: value });
            rest = after.trim_start();
            if let Some(next) = rest.strip_prefix(',') {
                rest = next.trim_start();
            } else if !rest.is_empty() {
                return Err(refuse());
            }
        }
        if matchers.len() > 2 * LABELS {
            return Err(refuse());
        }
        Ok(Self { name: name.to_owned(), matchers })
    }
}

/// The text between quotation marks at the beginning, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut value = String::new();
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &inside[at + 1..])),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (place, Matcher { label, operator, text }) in self.matchers.iter().enumerate() {
            f.write_str(if place == 0 { "{" } else { "," })?;
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            write!(f, "{label}{}\"{text}\"", operator.as_str())?;
        }
        f.write_str(if self.matchers.is_empty() { "" } else { "}" })
    }
}

impl Serialize for Selector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
