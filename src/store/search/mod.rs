//! Full-text search, in a database of its own beside the store (`search.db`).
//!
//! The index follows the journal with a watermark, on a thread of its own, and is no table of the projections: full-text
//! rows would be written within every commit, would double what a submission writes, and would have to come out the same
//! byte for byte in a rebuild. Nothing in it has to be durable: without it, or when it belongs to another journal, it is
//! made anew.
//!
//! Each noun has a table of its own, so that a search for agents is not slowed by a million tasks, nor an agent that has
//! a common word buried under them.

mod document;
mod index;
mod query;

pub use index::SearchIndex;
pub use query::{SearchQuery, search};

use std::path::{Path, PathBuf};

use crate::domain::search::SearchNoun;

/// The name of the file in the data directory.
pub const SEARCH_DATABASE: &str = "search.db";

fn database(data_dir: &Path) -> PathBuf {
    data_dir.join(SEARCH_DATABASE)
}

/// The table of a noun.
fn table(noun: SearchNoun) -> &'static str {
    match noun {
        SearchNoun::Agent => "agent_entry",
        SearchNoun::Task => "task_entry",
        SearchNoun::Artifact => "artifact_entry",
        SearchNoun::Event => "event_entry",
    }
}
