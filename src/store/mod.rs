//! The memory: the journal and its hash chain, the tables that follow from it, migrations and queries.
//!
//! Knows the domain and nothing else. It decides nothing: it makes durable what the engine has decided.
//!
//! [`Store`] is the one writer: a batch of records becomes journal rows, the chain's new head and changed table rows in
//! one transaction. [`Reader`]s look at the tables, any number of them beside the writer. The tables follow from the
//! journal alone: [`rebuild()`] makes them anew and [`check`] compares, [`verify()`] walks the chain, and [`migrate`]
//! takes the tables from one schema to the next.

mod agent_past;
mod alert_history;
mod approval;
mod checkpoint;
mod connection;
mod dashboards;
mod data_dir;
mod dump;
mod error;
mod export;
mod journal;
pub mod migrate;
mod model;
mod past;
mod projection;
mod query;
mod reader;
mod rebuild;
mod resolve;
mod rows;
mod runs;
mod search;
pub mod series;
mod snapshot;
mod triage;
mod verify;
mod version;
mod writer;

#[cfg(test)]
mod tests;

pub use checkpoint::Checkpointer;
pub use connection::{DATABASE, remove_unbegun};
pub use dashboards::TimelineQuery;
pub use data_dir::{DataDir, DataDirLock};
pub use dump::dump;
pub use error::{Error, Fault};
pub use export::export;
pub use journal::{Chain, Entries, Hash, JournalRow, hex};
pub use past::{PastStore, View};
pub use query::{COUNT_MAX, JournalPage, JournalQuery, Page, Query};
pub use reader::Reader;
pub use rebuild::{Checked, Difference, Rebuilt, check, rebuild};
pub use search::{SEARCH_DATABASE, SearchIndex, SearchQuery, search};
pub use triage::{FailureRow, ReviewRow};
pub use verify::{Verified, verify};
pub use writer::Store;
