//! What can go wrong with the memory.

use std::io;
use std::path::PathBuf;

use crate::domain::Refusal;

/// Why the store could not do something. Each variant is a sentence that a person can act on; causes are in the source.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for is not possible: an unknown field, an ambiguous prefix.
    #[error("{0}")]
    Refused(#[from] Refusal),

    /// `SQLite` could not do something: no space, an I/O error, a damaged file.
    #[error("{doing}: {source}{}", hint(source))]
    Sqlite {
        /// What was being done.
        doing: &'static str,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },

    /// The operating system could not do something with a file.
    #[error("{doing} {}: {source}{}", path.display(), io_hint(source))]
    Io {
        /// What was being done.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// Another engine, or a repair, has the data directory.
    #[error(
        "data directory {}: in use by {}; allowed: one engine a directory. Stop that one (`menagerie stop`) or choose another --data-dir",
        path.display(), holder(*pid)
    )]
    Locked {
        /// The data directory.
        path: PathBuf,
        /// The process that holds it, if it has said so yet.
        pid: Option<u32>,
    },

    /// The data directory has no store.
    #[error("data directory {}: there is no {} in it. Start an engine there first, or name the right --data-dir", path.display(), super::DATABASE)]
    Absent {
        /// The data directory.
        path: PathBuf,
    },

    /// The file is a `SQLite` database, but not ours.
    #[error("{}: is not a Menagerie database (application id {found:#x}). Choose another --data-dir", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its application id.
        found: i32,
    },

    /// The tables were made by a newer binary.
    #[error(
        "the store has schema {found}; this binary knows up to {known}. Use a newer menagerie, or go back with its `menagerie db down`"
    )]
    NewerSchema {
        /// The schema of the file.
        found: u32,
        /// The newest that this binary knows.
        known: u32,
    },

    /// The tables are of an older schema than the operation needs.
    #[error("the store has schema {found}; this needs {known}. Run `menagerie db up` first")]
    OlderSchema {
        /// The schema of the file.
        found: u32,
        /// The one that is needed.
        known: u32,
    },

    /// The journal was begun by a newer binary.
    #[error("the journal has format {found}; this binary knows up to {known}. Use a newer menagerie")]
    NewerFormat {
        /// The format that the first record names.
        found: u32,
        /// The newest that this binary knows.
        known: u32,
    },

    /// The journal is not what was written: the first bad record, and why.
    #[error("journal record {seq}: {fault}. Everything before it is good; restore the journal from a backup")]
    BadRecord {
        /// The number of the first bad record.
        seq: u64,
        /// What is wrong with it.
        fault: Fault,
    },

    /// Metrics are not what was written.
    #[error("metrics {}: {what} cannot be read. Remove the file: it holds samples and nothing else", path.display())]
    DamagedSeries {
        /// The file.
        path: PathBuf,
        /// What in it.
        what: &'static str,
    },

    /// A record that was to be committed does not follow the last one.
    #[error("journal record {got} cannot follow record {last}")]
    OutOfOrder {
        /// The number of the last durable record.
        last: u64,
        /// The number that was offered.
        got: u64,
    },

    /// A value could not be written as JSON.
    #[error("writing {what} as JSON: {source}")]
    Json {
        /// What was written.
        what: &'static str,
        /// Why not.
        source: serde_json::Error,
    },
}

/// What is wrong with a journal record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The hash is not that of the record and its predecessor.
    #[error("its hash does not fit what it says: it was changed after it was written")]
    Hash,
    /// It was made to follow another record than the one before it.
    #[error("it follows another record than the last one in the journal")]
    Chain,
    /// A number is missing.
    #[error("it is missing; the next one found is {found}")]
    Gap {
        /// The number that stands where this one should.
        found: u64,
    },
    /// The journal ends before its recorded head.
    #[error("it is missing; the journal should reach to record {head}")]
    CutOff {
        /// The number of the last record that was committed.
        head: u64,
    },
    /// The journal goes on after its recorded head, or the head does not fit.
    #[error("the recorded head of the journal does not fit it")]
    Head,
    /// The first record is not `journal_opened`.
    #[error("it should be journal_opened and is {found}")]
    NotOpened {
        /// Its kind.
        found: String,
    },
    /// The body, actor or kind cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

impl Error {
    /// Whether the disk is full; what failed may work later.
    pub fn is_out_of_space(&self) -> bool {
        match self {
            Self::Sqlite { source, .. } => source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull),
            Self::Io { source, .. } => source.kind() == io::ErrorKind::StorageFull,
            _ => false,
        }
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

fn hint(source: &rusqlite::Error) -> &'static str {
    use rusqlite::ErrorCode;
    match source.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => ". The disk is full: free some space, nothing was half done",
        Some(ErrorCode::ReadOnly) => ". The data directory cannot be written: check its owner and mode",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            ". The file is damaged: see `menagerie journal verify` and `menagerie db rebuild`"
        }
        None if matches!(source, rusqlite::Error::FromSqlConversionFailure(..)) => {
            ". A row does not fit the journal: see `menagerie db rebuild --check`"
        }
        _ => "",
    }
}

fn io_hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull => ". The disk is full: free some space",
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            ". The data directory must be writable: check its owner and mode, or choose another --data-dir"
        }
        _ => ". Check the data directory, or choose another --data-dir",
    }
}

/// Says what was being done when `SQLite` failed.
pub(super) trait Doing<T> {
    /// Adds what was being done.
    fn doing(self, doing: &'static str) -> Result<T, Error>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, doing: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::Sqlite { doing, source })
    }
}
