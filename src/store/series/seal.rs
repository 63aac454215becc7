//! Sealing: the chunks of a slot that is over go to the file of their day, and the log forgets what they hold.
//!
//! The file is durable before the log forgets. Whatever happens in between, the log fills the head again, and the slot is
//! sealed again: into a file that has some of it already, the head's samples going before the file's. So it is when the
//! clock has gone back, too.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::chunk::{self, Closed, Open, SLOT};
use super::dictionary::SeriesId;
use super::files::{DAY, Part, Tier, open_part, part_of, row_id};
use super::head::hour_of;
use super::writer::Series;
use crate::store::error::{Doing, Error};

impl Series {
    /// Seals every slot that is over, the earliest first.
    pub(super) fn seal_due(&mut self, now: i64) -> Result<(), Error> {
        loop {
            let Some(slot) = self.shared.head().due(now) else { return Ok(()) };
            self.seal(slot)?;
        }
    }

    fn seal(&mut self, slot: i64) -> Result<(), Error> {
        {
            // Queries read beside this; nobody but this thread writes.
            let head = self.shared.head();
            let part = part_of(&self.shared.folder, Tier::Raw, slot * SLOT);
            write(&mut open_part(&self.shared.folder, &part)?, &part, slot, &head.slot(slot))?;
        }
        let doing = "sealing metrics";
        let day = (slot * SLOT).div_euclid(DAY);
        let (needed, ids): (i64, Vec<SeriesId>) = {
            let head = self.shared.head();
            (head.needed_after(slot), head.slot(slot).iter().map(|(id, _)| *id).collect())
        };
        let unseen = self.shared.names().unseen(&ids, day);
        let transaction = self.connection.transaction().doing(doing)?;
        transaction.execute("DELETE FROM log WHERE id < ?", [needed]).doing(doing)?;
        for id in &unseen {
            transaction
                .prepare_cached("UPDATE series SET seen = ? WHERE id = ?")
                .and_then(|mut update| update.execute(params![day, id.0]))
                .doing(doing)?;
        }
        transaction.execute("INSERT OR IGNORE INTO pending (hour) VALUES (?)", [hour_of(slot)]).doing(doing)?;
        transaction.commit().doing(doing)?;
        self.shared.names_mut().mark_seen(&unseen, day);
        self.shared.head_mut().sealed(slot);
        Ok(())
    }
}

/// Writes the chunks of a slot in one transaction.
fn write(connection: &mut Connection, part: &Part, slot: i64, chunks: &[(SeriesId, &Open)]) -> Result<(), Error> {
    let doing = "sealing metrics";
    let transaction = connection.transaction().doing(doing)?;
    let range = [row_id(Tier::Raw, slot * SLOT, SeriesId(0)), row_id(Tier::Raw, (slot + 1) * SLOT, SeriesId(0))];
    let again: bool = transaction
        .query_row("SELECT EXISTS (SELECT 1 FROM block WHERE id >= ? AND id < ?)", range, |row| row.get(0))
        .doing(doing)?;
    let mut known_times: HashMap<Vec<u8>, i64> = HashMap::new();
    for (id, open) in chunks {
        let row = row_id(Tier::Raw, slot * SLOT, *id);
        let Closed { times, values } = match if again { read(&transaction, part, slot, row)? } else { None } {
            Some(before) => Open::of(slot, &chunk::merge(&before, &open.samples())).close(),
            None => open.close(),
        };
        let times_id = if let Some(known) = known_times.get(&times) {
            *known
        } else {
            let insert = transaction.prepare_cached("INSERT INTO times (data) VALUES (?)");
            let known = insert.and_then(|mut insert| insert.insert([&times])).doing(doing)?;
            known_times.insert(times, known);
            known
        };
        transaction
            .prepare_cached("INSERT OR REPLACE INTO block (id, times, data) VALUES (?, ?, ?)")
            .and_then(|mut insert| insert.execute(params![row, times_id, values]))
            .doing(doing)?;
    }
    transaction.commit().doing(doing)
}

/// The samples that a file has already of a series in a slot.
fn read(connection: &Connection, part: &Part, slot: i64, row: i64) -> Result<Option<Vec<chunk::Pair>>, Error> {
    let found: Option<(Vec<u8>, Vec<u8>)> = connection
        .prepare_cached("SELECT t.data, b.data FROM block b JOIN times t ON t.id = b.times WHERE b.id = ?")
        .and_then(|mut select| select.query_row([row], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .doing("sealing metrics")?;
    let Some((times, values)) = found else { return Ok(None) };
    let samples = chunk::times(slot, &times).and_then(|times| chunk::samples(&times, &values));
    samples.map(Some).ok_or_else(|| Error::DamagedSeries { path: part.path.clone(), what: "samples" })
}
