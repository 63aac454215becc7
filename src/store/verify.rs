//! Whether the journal is what was written.

use std::path::Path;

use serde::Serialize;

use super::connection::open_reader;
use super::error::{Doing, Error};
use super::journal::{hex, walk};
use super::migrate;

/// A journal that is what was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// How many records it has.
    pub records: u64,
    /// The hash of the last one, hexadecimal: who has noted it elsewhere sees whether the whole was exchanged.
    pub head: String,
}

/// Walks the journal of a data directory: every number, hash, kind and body, and its end. The first record that is not
/// what was written is named in the error. Needs no lock; an engine may run meanwhile.
pub fn verify(data_dir: &Path) -> Result<Verified, Error> {
    let connection = open_reader(data_dir)?;
    migrate::version(&connection)?;
    // One transaction, so that records that arrive meanwhile do not look like a wrong head.
    let transaction = connection.unchecked_transaction().doing("reading the journal")?;
    let head =
        walk(&transaction, |raw| raw.record().map(drop).map_err(|fault| Error::BadRecord { seq: raw.seq, fault }))?;
    Ok(Verified { records: head.seq, head: hex(&head.hash) })
}
