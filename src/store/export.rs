//! The journal as text, for keeping elsewhere or reading with other tools.

use std::io::Write;
use std::path::Path;

use super::connection::open_reader;
use super::error::Error;
use super::migrate;
use super::query::{self, JournalQuery};

/// Records read at a time.
const CHUNK: usize = 1000;

/// Writes the records after number `after`, one a line, as JSON objects with the fields of
/// [`JournalRow`](super::JournalRow); gives how many there were. Needs no lock.
pub fn export(data_dir: &Path, after: u64, out: &mut dyn Write) -> Result<u64, Error> {
    let connection = open_reader(data_dir)?;
    migrate::version(&connection)?;
    let failed = |source| Error::Io { doing: "exporting the journal of", path: data_dir.to_owned(), source };
    let (mut last, mut records) = (after, 0);
    loop {
        let query = JournalQuery { after: Some(last), limit: CHUNK, ..JournalQuery::default() };
        let rows = query::records(&connection, &query)?.rows;
        let Some(end) = rows.last() else { return Ok(records) };
        last = end.seq;
        for row in rows {
            serde_json::to_writer(&mut *out, &row).map_err(|error| failed(error.into()))?;
            out.write_all(b"\n").map_err(failed)?;
            records += 1;
        }
    }
}
