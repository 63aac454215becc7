//! The one writer.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::checkpoint::{Checkpointer, Log};
use super::connection::open_writer;
use super::error::{Doing, Error};
use super::journal::{Appender, Chain, Entries, Head, check_format, read_head};
use super::migrate;
use super::projection::{Statements, Tally, apply};
use super::reader::Reader;
use super::snapshot::read_snapshot;
use crate::domain::event::Record;
use crate::domain::snapshot::Snapshot;

/// The writer of a data directory's store. There is one a directory (see [`DataDir`](super::DataDir)); it can be moved
/// to a thread of its own.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    data_dir: PathBuf,
    /// The last durable record; `None` after a failed commit, when the file has to be asked.
    head: Option<Head>,
    log: Log,
}

impl Store {
    /// Opens the store, making it if there is none and bringing its tables to the newest schema. A schema or journal
    /// that is newer than this binary knows is refused and left as it is. The caller holds the directory's lock.
    pub fn open(data_dir: &Path) -> Result<Self, Error> {
        let mut connection = open_writer(data_dir, true)?;
        // The format first: tables of a journal that this binary cannot read are not to be touched.
        if migrate::version(&connection)? > 0 {
            check_format(&connection)?;
        }
        migrate::forward(&mut connection, migrate::SCHEMA)?;
        let head = read_head(&connection)?;
        let log = Log::watch(&mut connection)?;
        Ok(Self { connection, data_dir: data_dir.to_owned(), head: Some(head), log })
    }

    /// Whether the journal has no record yet. After a failed commit this is not known and the answer is no.
    pub fn is_empty(&self) -> bool {
        self.head == Some(Head::EMPTY)
    }

    /// Makes records durable: all of them, with their rows, or none. They must follow the last record without a gap.
    ///
    /// After an error nothing of them is in the store, and a later commit may succeed.
    pub fn commit(&mut self, records: &[Record]) -> Result<(), Error> {
        let mut entries = Entries::default();
        entries.take_over(&mut records.to_vec(), &mut self.chain()?);
        self.commit_together(std::iter::once(&mut entries))
    }

    /// Makes several batches of records durable in one transaction, as [`commit`](Self::commit) does one.
    pub fn commit_together<'e>(&mut self, batches: impl IntoIterator<Item = &'e mut Entries>) -> Result<(), Error> {
        let mut batches = batches.into_iter().filter(|entries| !entries.is_empty()).peekable();
        if batches.peek().is_none() {
            return Ok(());
        }
        let head = self.head()?;
        // The head stays unknown until the commit is through: after a failed sync only the file can say how it ended.
        self.head = None;
        let head = self.commit_after(head, batches)?;
        self.head = Some(head);
        Ok(())
    }

    fn commit_after<'e>(&mut self, head: Head, batches: impl Iterator<Item = &'e mut Entries>) -> Result<Head, Error> {
        // Dropping the transaction on any error rolls it back.
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).doing("beginning a commit")?;
        let mut appender = Appender::new(&transaction, head)?;
        let (statements, mut tally) = (Statements::new(&transaction), Tally::default());
        for entries in batches {
            appender.append_all(entries, |record| apply(&statements, &mut tally, record))?;
        }
        tally.flush(&transaction)?;
        let head = appender.finish(&transaction)?;
        drop(statements);
        transaction.commit().doing("committing")?;
        Ok(head)
    }

    fn head(&self) -> Result<Head, Error> {
        self.head.map_or_else(|| read_head(&self.connection), Ok)
    }

    /// What the next records are chained to.
    pub fn chain(&self) -> Result<Chain, Error> {
        self.head().map(Chain::of)
    }

    /// The unfinished work and the fleet, for the engine to start from. The journal must not be empty.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        self.snapshot_with(&|_, _| {})
    }

    /// The same, saying now and then how many of the unfinished tasks have been read, and how many there are.
    pub fn snapshot_with(&self, progress: &dyn Fn(u64, u64)) -> Result<Snapshot, Error> {
        read_snapshot(&self.connection, progress)
    }

    /// Whether the log of commits should be carried over now, which a [`checkpointer`](Self::checkpointer) can do beside
    /// further commits. After a yes the answer is no until the log has grown.
    pub fn checkpoint_is_due(&mut self) -> bool {
        self.log.is_due()
    }

    /// What carries over the log of this store's commits.
    pub fn checkpointer(&self) -> Result<Checkpointer, Error> {
        Checkpointer::open(&self.data_dir)
    }

    /// A reader of the same store.
    pub fn reader(&self) -> Result<Reader, Error> {
        Reader::open(&self.data_dir)
    }

    /// Bounds the size of the file, in pages, as a full disk would.
    #[cfg(test)]
    pub(super) fn limit_pages(&self, pages: u32) {
        self.connection.pragma_update(None, "max_page_count", pages).unwrap();
    }

    /// The pages of the file now.
    #[cfg(test)]
    pub(super) fn pages(&self) -> u32 {
        self.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap()
    }
}
