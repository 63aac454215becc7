//! What a search for words finds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::enumeration::enumeration;
use super::time::Timestamp;

enumeration! {
    /// What can be searched for.
    pub enum SearchNoun ("in") {
        /// Agents: names, roles, keywords, what they can do.
        Agent = "agent",
        /// Tasks: types, tags, titles, commands, texts of their input.
        Task = "task",
        /// Artifacts: titles, and the beginning of those that are short.
        Artifact = "artifact",
        /// What the system said about itself, and alerts.
        Event = "event",
    }
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Piece {
    /// The part.
    pub text: String,
    /// Whether it is what was searched for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hit: bool,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hit {
    /// What it is.
    pub noun: SearchNoun,
    /// Its id.
    pub id: String,
    /// The number of the journal's record that says so; of an agent the one that declared it last.
    #[serde(default)]
    pub record: u64,
    /// Of an event, whether it is an alert.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alert: bool,
    /// Its name, type or title, in parts.
    pub title: Vec<Piece>,
    /// Where its text has the words, in parts.
    pub text: Vec<Piece>,
    /// When it was made.
    pub time: Timestamp,
    /// Whether its name is only like what was searched for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub similar: bool,
}

/// What a search found, the best first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Found {
    /// What was found.
    pub items: Vec<Hit>,
    /// How many records of the journal are not in the index yet.
    pub behind: u64,
}

/// Words as a search is sent: one with blanks was in quotation marks, and is a phrase. One that has such marks itself says by itself
/// what belongs together.
pub fn text_of(words: &[String]) -> String {
    let blanks = |word: &&String| word.contains(char::is_whitespace) && !word.contains('"');
    let word = |word: &String| if blanks(&word) { format!("\"{word}\"") } else { word.clone() };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_with_blanks_is_a_phrase() {
        assert_eq!(text_of(&["parser".into(), "unit tests".into()]), "parser \"unit tests\"");
        assert_eq!(text_of(&["\"columns csv\"".into()]), "\"columns csv\"");
        assert_eq!(text_of(&["a \"columns csv\"".into()]), "a \"columns csv\"");
    }
}
