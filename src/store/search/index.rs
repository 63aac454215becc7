//! Writing the index: what the journal has beyond the watermark.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::document::{Change, Document, KINDS, change_of};
use crate::domain::search::SearchNoun;
use crate::store::connection::make_private;
use crate::store::error::{Doing, Error};
use crate::store::journal::{integer, read_head, read_kinds_after};
use crate::store::reader::Reader;

/// The form of the index; another is made anew.
const FORM: i64 = 2;

/// The one writer of the index.
#[derive(Debug)]
pub struct SearchIndex {
    connection: Connection,
}

impl SearchIndex {
    /// Opens the index of a data directory, or makes it. One that cannot be read, has another form or follows another
    /// journal than the reader's is made anew.
    pub fn open(data_dir: &Path, reader: &Reader) -> Result<Self, Error> {
        let path = super::database(data_dir);
        let seed = reader.seed()?;
        if let Ok(connection) = Self::connect(data_dir) {
            let index = Self { connection };
            if index.follows(seed, read_head(reader.connection())?.seq) {
                return Ok(index);
            }
        }
        for end in ["", "-wal", "-shm"] {
            // What is not there need not go; what cannot go shows when the file is opened.
            let _ = std::fs::remove_file(format!("{}{end}", path.display()));
        }
        let index = Self { connection: Self::connect(data_dir)? };
        for noun in SearchNoun::ALL {
            index
                .connection
                .execute_batch(&format!(
                    "CREATE VIRTUAL TABLE {} USING fts5 (title, body, id UNINDEXED, time UNINDEXED,
                         tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3');",
                    super::table(*noun)
                ))
                .doing("making the search index")?;
        }
        index
            .connection
            .execute_batch(
                "CREATE TABLE agent (id TEXT PRIMARY KEY, name TEXT NOT NULL, entry INTEGER NOT NULL) WITHOUT ROWID;
                 CREATE TABLE state (form INTEGER NOT NULL, seed INTEGER NOT NULL, seq INTEGER NOT NULL);",
            )
            .doing("making the search index")?;
        index
            .connection
            .execute("INSERT INTO state (form, seed, seq) VALUES (?, ?, 0)", params![FORM, seed])
            .doing("making the search index")?;
        Ok(index)
    }

    fn connect(data_dir: &Path) -> Result<Connection, Error> {
        let path = super::database(data_dir);
        make_private(data_dir, &path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags).doing("opening the search index")?;
        // It can be made anew at any time, so nothing in it has to be durable.
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;")
            .doing("opening the search index")?;
        Ok(connection)
    }

    /// Whether the index has the form of this binary and follows the journal of a seed that has come to `head`.
    fn follows(&self, seed: i64, head: u64) -> bool {
        let state = self.connection.query_row("SELECT form, seed, seq FROM state", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        });
        state.is_ok_and(|(form, of, seq)| form == FORM && of == seed && seq <= integer(head))
    }

    /// Takes in the next records, at most `max` that can be found. Says whether the journal has more.
    pub fn catch_up(&mut self, reader: &Reader, max: usize) -> Result<bool, Error> {
        let doing = "writing the search index";
        let seq: i64 = self.connection.query_row("SELECT seq FROM state", [], |row| row.get(0)).doing(doing)?;
        let (records, upto, more) = read_kinds_after(reader.connection(), KINDS, seq.unsigned_abs(), max)?;
        let transaction = self.connection.transaction().doing(doing)?;
        for record in &records {
            match change_of(record) {
                Some(Change::Put(document)) => {
                    put(&transaction, integer(record.seq), record.time.as_micros(), &document)?;
                }
                Some(Change::Remove(noun, id)) => remove(&transaction, noun, &id)?,
                None => {}
            }
        }
        transaction.execute("UPDATE state SET seq = ?", [integer(upto)]).doing(doing)?;
        transaction.commit().doing(doing)?;
        Ok(more)
    }
}

fn put(connection: &Connection, row: i64, time: i64, document: &Document) -> Result<(), Error> {
    let doing = "writing the search index";
    let Document { noun, id, title, body } = document;
    remove(connection, *noun, id)?;
    let sql = format!("INSERT INTO {} (rowid, title, body, id, time) VALUES (?, ?, ?, ?, ?)", super::table(*noun));
    connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.execute(params![row, title, body, id, time]))
        .doing(doing)?;
    if *noun == SearchNoun::Agent {
        connection
            .prepare_cached("INSERT INTO agent (id, name, entry) VALUES (?, ?, ?)")
            .and_then(|mut statement| statement.execute(params![id, title, row]))
            .doing(doing)?;
    }
    Ok(())
}

/// Only agents change and go.
fn remove(connection: &Connection, noun: SearchNoun, id: &str) -> Result<(), Error> {
    let doing = "writing the search index";
    if noun != SearchNoun::Agent {
        return Ok(());
    }
    let entry: Option<i64> = connection
        .prepare_cached("DELETE FROM agent WHERE id = ? RETURNING entry")
        .and_then(|mut statement| statement.query_row([id], |row| row.get(0)).optional())
        .doing(doing)?;
    if let Some(entry) = entry {
        connection
            .prepare_cached(&format!("DELETE FROM {} WHERE rowid = ?", super::table(noun)))
            .and_then(|mut statement| statement.execute([entry]))
            .doing(doing)?;
    }
    Ok(())
}
