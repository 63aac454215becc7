//! The thread that keeps the search index up to date with the journal, behind everything else.
//!
//! It works for a fifth of the time at most while records come in, so that it takes little from what it follows: how far
//! it is behind is said with every answer.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Error;
use super::beat::Beat;
use crate::store::{self, Reader, SearchIndex};

/// So many records that can be found are taken in at a time.
const BATCH: usize = 500;
/// For each moment of work so many of rest.
const REST: u32 = 4;
/// The shortest time between two looks at the journal.
const INTERVAL: Duration = Duration::from_millis(200);
/// After a failure, for instance of the disk.
const PAUSE: Duration = Duration::from_secs(30);

/// What the thread works with.
pub struct Indexer {
    /// Where journal and index are.
    pub data_dir: PathBuf,
    /// Says that something has changed.
    pub beat: Beat,
    /// Set once the engine has begun to leave.
    pub leaving: Arc<AtomicBool>,
}

/// Follows the journal until the engine leaves. A failure is no harm to anything but search, and is tried again.
pub fn keep_indexing(indexer: Indexer) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(Error::io("start the search index"))?;
    runtime.block_on(indexer.run());
    Ok(())
}

impl Indexer {
    async fn run(self) {
        let mut changes = self.beat.follow();
        let mut opened = None;
        while !self.leaving.load(Ordering::Acquire) {
            changes.mark_unchanged();
            let begun = Instant::now();
            match self.work(&mut opened) {
                Ok(true) => tokio::time::sleep(begun.elapsed() * REST).await,
                Ok(false) => {
                    tokio::time::sleep(INTERVAL.max(begun.elapsed() * REST)).await;
                    if changes.changed().await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the search index is behind");
                    opened = None;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Takes in what comes next. Says whether there is more.
    fn work(&self, opened: &mut Option<(Reader, SearchIndex)>) -> Result<bool, store::Error> {
        let (reader, mut index) = if let Some(opened) = opened.take() {
            opened
        } else {
            let reader = Reader::open(&self.data_dir)?;
            let index = SearchIndex::open(&self.data_dir, &reader)?;
            (reader, index)
        };
        let more = index.catch_up(&reader, BATCH)?;
        *opened = Some((reader, index));
        Ok(more)
    }
}
