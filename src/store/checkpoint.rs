//! Carrying the write-ahead log over into the database file.
//!
//! It is a third of what a commit costs, and can go on beside the writer: a [`Checkpointer`] on a thread of its own does
//! most of it, early. Only while the writer rests can the log begin anew, though, so at a larger size the writer carries
//! over what is left, and the next commit starts at the log's beginning.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::connection::{CHECKPOINT_PAGES, open_reader};
use super::error::{Doing, Error};

/// Pages in the log from which on it is worth carrying over beside the writer.
const EARLY_PAGES: u32 = CHECKPOINT_PAGES / 4 * 3;
/// And again when it has grown by so many.
const STEP_PAGES: u32 = CHECKPOINT_PAGES / 8;

/// The length of the log, as the last commit left it.
#[derive(Debug)]
pub(super) struct Log {
    pages: Arc<AtomicU32>,
    asked_at: u32,
}

impl Log {
    /// Watches the log of a writer, and has it carry over what is left at [`CHECKPOINT_PAGES`].
    pub(super) fn watch(connection: &mut Connection) -> Result<Self, Error> {
        let pages = Arc::new(AtomicU32::new(0));
        let told = pages.clone();
        let hook = move |log: &mut Wal, pages: std::ffi::c_int| {
            let pages = u32::try_from(pages).unwrap_or(0);
            told.store(pages, Ordering::Relaxed);
            if pages >= CHECKPOINT_PAGES {
                // The commit is durable either way; what could not be carried over now is at the next commit.
                let _ = log.checkpoint();
            }
            Ok(())
        };
        connection.wal_hook(Some(hook)).doing("opening the store")?;
        Ok(Self { pages, asked_at: 0 })
    }

    /// Whether the log has become so long, or so much longer since the last yes, that it should be carried over.
    pub(super) fn is_due(&mut self) -> bool {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.asked_at {
            self.asked_at = 0;
        }
        let due = pages >= EARLY_PAGES.max(self.asked_at + STEP_PAGES);
        if due {
            self.asked_at = pages;
        }
        due
    }
}

/// Carries the log over beside the writer. It can be sent to another thread.
#[derive(Debug)]
pub struct Checkpointer {
    connection: Connection,
}

impl Checkpointer {
    /// For the store of a data directory, which must exist.
    pub(super) fn open(data_dir: &Path) -> Result<Self, Error> {
        let connection = open_reader(data_dir)?;
        // What has left the log must be as durable in the file as it was in the log.
        connection.execute_batch("PRAGMA synchronous = FULL").doing("opening the store")?;
        Ok(Self { connection })
    }

    /// Carries over what was committed so far, as far as no reader still needs the log. Waits for nobody, and nobody has
    /// to wait for it. After an error everything is still in the log.
    pub fn run(&self) -> Result<(), Error> {
        self.connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
            .doing("carrying over the write-ahead log")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_early_and_again_after_each_step_and_after_a_new_beginning() {
        let pages = Arc::new(AtomicU32::new(0));
        let mut log = Log { pages: pages.clone(), asked_at: 0 };
        let mut due = |now| {
            pages.store(now, Ordering::Relaxed);
            log.is_due()
        };
        assert!(!due(EARLY_PAGES - 1));
        assert!(due(EARLY_PAGES + 1));
        assert!(!due(EARLY_PAGES + STEP_PAGES));
        assert!(due(EARLY_PAGES + STEP_PAGES + 1));
        assert!(!due(10), "it has begun anew");
        assert!(due(EARLY_PAGES));
    }
}
