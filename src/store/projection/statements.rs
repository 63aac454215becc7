//! The statements of one transaction. Records repeat a few of them thousands of times, and looking one up in the
//! connection's cache means hashing its whole text and moving it twice.

use std::cell::RefCell;

use rusqlite::{CachedStatement, Connection, Params};

use crate::store::error::{Doing, Error};

/// Statements in use on a connection, kept from their first use until this is dropped.
pub(in crate::store) struct Statements<'c> {
    /// Where they run.
    pub(super) connection: &'c Connection,
    kept: RefCell<Vec<(&'static str, CachedStatement<'c>)>>,
}

impl<'c> Statements<'c> {
    /// None yet.
    pub(in crate::store) fn new(connection: &'c Connection) -> Self {
        Self { connection, kept: RefCell::new(Vec::new()) }
    }

    /// Runs a statement that changes rows.
    pub(super) fn run(&self, sql: &'static str, params: impl Params) -> Result<(), Error> {
        let mut kept = self.kept.borrow_mut();
        // By address: a text that stands in the program twice is merely kept twice.
        let known = kept.iter().position(|(text, _)| std::ptr::eq(*text, sql));
        let place = known.unwrap_or(kept.len());
        if known.is_none() {
            kept.push((sql, self.connection.prepare_cached(sql).doing("changing the tables")?));
        }
        kept[place].1.execute(params).map(drop).doing("changing the tables")
    }
}
