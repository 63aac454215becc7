//! A deterministic listing of every row that follows from the journal, to compare stores by.

use std::io::{self, Write};
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::connection::open_reader;
use super::error::{Doing, Error};
use super::journal::hex;
use super::migrate;
use super::projection::TABLES;

/// Writes every row of every table that follows from the journal, one a line: the table, then each column with its
/// value. Equal stores give equal bytes.
pub fn dump(data_dir: &Path, out: &mut dyn Write) -> Result<(), Error> {
    let connection = open_reader(data_dir)?;
    migrate::version(&connection)?;
    let transaction = connection.unchecked_transaction().doing("listing the tables")?;
    let failed = |source: io::Error| Error::Io { doing: "writing the listing of", path: data_dir.to_owned(), source };
    for table in TABLES {
        // An older schema lacks the tables that later steps made.
        if !transaction.table_exists(None, *table).doing("listing the tables")? {
            continue;
        }
        let mut statement = transaction.prepare(&select(&transaction, table)?).doing("listing the tables")?;
        let mut rows = statement.query([]).doing("listing the tables")?;
        while let Some(row) = rows.next().doing("listing the tables")? {
            writeln!(out, "{table} {}", show(row).doing("listing the tables")?).map_err(failed)?;
        }
    }
    Ok(())
}

/// A query for all rows of a table in the order of its primary key.
pub(super) fn select(connection: &Connection, table: &str) -> Result<String, Error> {
    let mut statement = connection
        .prepare_cached("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk")
        .doing("listing the tables")?;
    let key: Vec<String> =
        statement.query_map([table], |row| row.get(0)).and_then(Iterator::collect).doing("listing the tables")?;
    Ok(format!("SELECT * FROM {table} ORDER BY {}", key.join(", ")))
}

/// A row as text. Types are told apart, so that `1` and `"1"` differ.
pub(super) fn show(row: &Row<'_>) -> rusqlite::Result<String> {
    let mut text = String::new();
    for (column, name) in row.as_ref().column_names().enumerate() {
        let value = match row.get_ref(column)? {
            ValueRef::Null => "-".to_owned(),
            ValueRef::Integer(value) => value.to_string(),
            ValueRef::Real(value) => format!("{value:?}"),
            ValueRef::Text(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
            ValueRef::Blob(bytes) => format!("x{}", hex(bytes)),
        };
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(name);
        text.push('=');
        text.push_str(&value);
    }
    Ok(text)
}
