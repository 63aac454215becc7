//! Connections to the database file, and how they are set up.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::{Doing, Error};

/// The name of the database file in the data directory.
pub const DATABASE: &str = "menagerie.db";

/// Marks the file as ours ("Mena" in ASCII), so that another program's database is never taken for one.
const APPLICATION_ID: i32 = 0x4d65_6e61;

/// Bytes of a page. Larger pages hold more rows of a batch each, so that fewer are written; beyond 8 KiB a single
/// commit writes too much.
const PAGE_SIZE: u32 = 8192;

/// Pages in the write-ahead log before they are carried over into the file (64 MiB). Rows that a task's life touches
/// again soon are then written to the file once.
pub(super) const CHECKPOINT_PAGES: u32 = 8192;

/// A log that grew beyond this (a rebuild is one transaction) is cut back to it when it begins anew.
const LOG_BYTES: u32 = 2 * CHECKPOINT_PAGES * PAGE_SIZE;

/// How long a connection waits for another one's lock. Only a repair or a backup ever holds one for long.
const BUSY: Duration = Duration::from_secs(10);

/// Prepared statements kept by a connection; more than there are in the code.
const STATEMENTS: usize = 256;

/// The database file of a data directory.
pub(super) fn database(data_dir: &Path) -> PathBuf {
    data_dir.join(DATABASE)
}

/// Opens the file for writing, making it if `create` says so.
pub(super) fn open_writer(data_dir: &Path, create: bool) -> Result<Connection, Error> {
    let path = database(data_dir);
    if !create && !path.exists() {
        return Err(Error::Absent { path: data_dir.to_owned() });
    }
    if create {
        make_private(data_dir, &path)?;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&path, flags).doing("opening the store")?;
    connection.busy_timeout(BUSY).doing("opening the store")?;
    connection
        .execute_batch(&format!(
            "PRAGMA page_size = {PAGE_SIZE};
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = OFF;
             PRAGMA temp_store = MEMORY;
             PRAGMA cache_size = -32768;
             PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};
             PRAGMA journal_size_limit = {LOG_BYTES};"
        ))
        .doing("opening the store")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    check_application(&connection, &path)?;
    Ok(connection)
}

/// Makes the file for its owner alone, and its name durable: tasks may carry secrets, and `SQLite` would let everybody
/// read. The log and its index take over the file's mode.
pub(super) fn make_private(data_dir: &Path, path: &Path) -> Result<(), Error> {
    let io = |doing| {
        let path = path.to_owned();
        move |source| Error::Io { doing, path, source }
    };
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => File::open(data_dir).and_then(|folder| folder.sync_all()).map_err(io("making")),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(io("making")(error)),
    }
}

/// Takes away the files of a store that could not be begun. The caller holds the directory's lock and knows that there was
/// no store before.
pub fn remove_unbegun(data_dir: &Path) {
    for end in ["", "-wal", "-shm", "-journal"] {
        // What was never made need not go, and what cannot go is of no use to anybody either.
        let _ = std::fs::remove_file(data_dir.join(format!("{DATABASE}{end}")));
    }
}

/// Opens the file for reading alone.
pub(super) fn open_reader(data_dir: &Path) -> Result<Connection, Error> {
    let path = database(data_dir);
    if !path.exists() {
        return Err(Error::Absent { path: data_dir.to_owned() });
    }
    // Reading a write-ahead log needs its index, which may have to be made; so the file is opened for writing and
    // every statement that would change something is refused instead.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&path, flags).doing("opening the store for reading")?;
    connection.busy_timeout(BUSY).doing("opening the store for reading")?;
    connection
        .execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;")
        .doing("opening the store for reading")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    super::query::register(&connection)?;
    check_application(&connection, &path)?;
    Ok(connection)
}

/// Opens an empty database that nobody else sees and that is gone when it is closed; `SQLite` spills it to a temporary
/// file when it grows.
pub(super) fn open_scratch() -> Result<Connection, Error> {
    let connection = Connection::open("").doing("opening a scratch database")?;
    connection
        .execute_batch(&format!("PRAGMA page_size = {PAGE_SIZE}; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"))
        .doing("opening a scratch database")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Sets up a file of tables that can be made anew at any time: nothing of it has to survive a crash.
pub(super) fn tune_scratch(connection: &Connection) -> Result<(), Error> {
    connection.busy_timeout(BUSY).doing("opening a scratch database")?;
    connection
        .execute_batch(&format!(
            "PRAGMA page_size = {PAGE_SIZE}; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
             PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;"
        ))
        .doing("opening a scratch database")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

/// Writes our mark; part of the first migration.
pub(super) fn mark(connection: &Connection) -> Result<(), Error> {
    connection.pragma_update(None, "application_id", APPLICATION_ID).doing("marking the store")
}

/// Refuses a database that has tables and is not ours.
fn check_application(connection: &Connection, path: &Path) -> Result<(), Error> {
    let found: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).doing("reading the store's mark")?;
    if found == APPLICATION_ID {
        return Ok(());
    }
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .doing("reading the store's tables")?;
    if tables == 0 && found == 0 { Ok(()) } else { Err(Error::Foreign { path: path.to_owned(), found }) }
}
