//! The tables made anew from the journal, and the comparison of those that are with those that should be.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};
use serde::Serialize;

use super::connection::{open_reader, open_scratch, open_writer};
use super::data_dir::DataDir;
use super::dump::{select, show};
use super::error::{Doing, Error};
use super::journal::{Head, walk};
use super::migrate;
use super::projection::{Statements, TABLES, Tally, apply};

/// What a rebuild did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rebuilt {
    /// How many records were read.
    pub records: u64,
}

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// How many records were read.
    pub records: u64,
    /// How many rows are as they should be.
    pub rows: u64,
    /// The first row of each table that is not.
    pub differences: Vec<Difference>,
}

/// A row that does not follow from the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// In which table.
    pub table: String,
    /// The row that should be there.
    pub expected: Option<String>,
    /// The row that is.
    pub found: Option<String>,
}

/// Makes every table anew from the journal, in one transaction: a process that is killed meanwhile leaves the rows as
/// they were. A journal that is not what was written is refused. Takes the directory's lock, so no engine may run.
pub fn rebuild(data_dir: &Path) -> Result<Rebuilt, Error> {
    let _lock = DataDir::lock(data_dir)?;
    let mut connection = open_writer(data_dir, false)?;
    migrate::require_newest(&connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).doing("rebuilding")?;
    let head = remake(&transaction)?;
    transaction.commit().doing("committing the rebuilt tables")?;
    Ok(Rebuilt { records: head.seq })
}

/// Empties the tables and fills them from the journal, within the transaction that the caller has begun.
pub(super) fn remake(connection: &Connection) -> Result<Head, Error> {
    for table in TABLES {
        connection.execute(&format!("DELETE FROM {table}"), []).doing("emptying the tables")?;
    }
    replay(connection, connection)
}

/// Compares every row with what the journal gives, and changes nothing. Needs no lock; an engine may run meanwhile.
pub fn check(data_dir: &Path) -> Result<Checked, Error> {
    let connection = open_reader(data_dir)?;
    migrate::require_newest(&connection)?;
    let mut scratch = open_scratch()?;
    migrate::forward(&mut scratch, migrate::SCHEMA)?;
    let transaction = connection.unchecked_transaction().doing("comparing the tables")?;
    let target = scratch.unchecked_transaction().doing("comparing the tables")?;
    let head = replay(&transaction, &target)?;
    let mut checked = Checked { records: head.seq, rows: 0, differences: vec![] };
    for table in TABLES {
        compare(table, &target, &transaction, &mut checked)?;
    }
    Ok(checked)
}

/// Applies every record of one database's journal to the tables of another, or of the same.
fn replay(journal: &Connection, tables: &Connection) -> Result<Head, Error> {
    let (statements, mut tally) = (Statements::new(tables), Tally::default());
    let head = walk(journal, |raw| {
        let record = raw.record().map_err(|fault| Error::BadRecord { seq: raw.seq, fault })?;
        apply(&statements, &mut tally, &record)
    })?;
    tally.flush(tables)?;
    Ok(head)
}

/// Goes through the rows of a table on both sides until two differ.
fn compare(table: &str, expected: &Connection, found: &Connection, checked: &mut Checked) -> Result<(), Error> {
    let doing = "comparing the tables";
    let (mut left, mut right) = (
        expected.prepare(&select(expected, table)?).doing(doing)?,
        found.prepare(&select(found, table)?).doing(doing)?,
    );
    let (mut left, mut right) = (left.query([]).doing(doing)?, right.query([]).doing(doing)?);
    loop {
        let expected = left.next().doing(doing)?.map(show).transpose().doing(doing)?;
        let found = right.next().doing(doing)?.map(show).transpose().doing(doing)?;
        if expected.is_none() && found.is_none() {
            return Ok(());
        }
        if expected != found {
            checked.differences.push(Difference { table: table.to_owned(), expected, found });
            return Ok(());
        }
        checked.rows += 1;
    }
}
