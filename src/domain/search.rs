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
