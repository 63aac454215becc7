//! Reading the files: samples and summaries of one series after the other.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::rc::Rc;

use rusqlite::{Connection, OptionalExtension, Row};

use super::block;
use super::chunk::{self, Pair, SLOT};
use super::dictionary::SeriesId;
use super::files::{Part, Tier, open_reader, parts, row_id};
use super::summary::Summary;
use crate::store::error::{Doing, Error};

/// How many lists of times are kept for further series that have the same.
const TIMES: usize = 1024;

/// The files there were when it was made, opened as they are needed.
#[derive(Debug)]
pub(super) struct Sources {
    parts: Vec<Part>,
    connections: HashMap<usize, Option<Connection>>,
    times: HashMap<(usize, i64), Rc<[i64]>>,
}

impl Sources {
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        Ok(Self { parts: parts(folder)?, connections: HashMap::new(), times: HashMap::new() })
    }

    /// From which day on there may be something of a tier.
    pub(super) fn since(&mut self, tier: Tier) -> Result<Option<i64>, Error> {
        let Some(place) = self.parts.iter().position(|part| part.tier == tier) else { return Ok(None) };
        if tier != Tier::Hours {
            return Ok(Some(self.parts[place].from));
        }
        // The file of a month may have been begun late in it.
        let Some(connection) = connection(&mut self.connections, &self.parts, place)? else { return Ok(None) };
        let first: rusqlite::Result<Option<i64>> =
            connection.query_row("SELECT min(id) FROM block", [], |row| row.get(0));
        Ok(first.doing("reading metrics")?.map(|row| (row >> 32) * tier.shape().span))
    }

    /// The samples of a series within a range, the earliest first, in pieces.
    pub(super) fn samples(
        &mut self,
        id: SeriesId,
        from: i64,
        to: i64,
        mut take: impl FnMut(&[Pair]),
    ) -> Result<(), Error> {
        for (place, begin, end) in self.overlapping(Tier::Raw, from, to) {
            let Some(connection) = connection(&mut self.connections, &self.parts, place)? else { continue };
            let path = &self.parts[place].path;
            for slot in chunk::slot_of(begin)..=chunk::slot_of(end - 1) {
                let row = row(
                    connection,
                    "SELECT times, data FROM block WHERE id = ?",
                    row_id(Tier::Raw, slot * SLOT, id),
                    |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)),
                )?;
                let Some((times_id, values)) = row else { continue };
                let damaged = || Error::DamagedSeries { path: path.clone(), what: "samples" };
                let times = if let Some(times) = self.times.get(&(place, times_id)) {
                    times.clone()
                } else {
                    let bytes = row_bytes(connection, "SELECT data FROM times WHERE id = ?", times_id)?;
                    let times: Rc<[i64]> =
                        bytes.and_then(|bytes| chunk::times(slot, &bytes)).ok_or_else(damaged)?.into();
                    if self.times.len() >= TIMES {
                        self.times.clear();
                    }
                    self.times.insert((place, times_id), times.clone());
                    times
                };
                let samples = chunk::samples(&times, &values).ok_or_else(damaged)?;
                take(within(&samples, from, to));
            }
        }
        Ok(())
    }

    /// The summaries of a series that begin within a range, the earliest first, each with the time at which it begins.
    pub(super) fn summaries(
        &mut self,
        tier: Tier,
        id: SeriesId,
        range: (i64, i64),
        sketched: bool,
        mut take: impl FnMut(i64, &Summary),
    ) -> Result<(), Error> {
        let shape = tier.shape();
        let (from, to) = range;
        for (place, begin, end) in self.overlapping(tier, from, to) {
            let Some(connection) = connection(&mut self.connections, &self.parts, place)? else { continue };
            for number in begin.div_euclid(shape.span)..=(end - 1).div_euclid(shape.span) {
                let start = number * shape.span;
                let Some(bytes) =
                    row_bytes(connection, "SELECT data FROM block WHERE id = ?", row_id(tier, start, id))?
                else {
                    continue;
                };
                let summaries = block::decode(shape, start, &bytes, sketched)
                    .ok_or_else(|| Error::DamagedSeries { path: self.parts[place].path.clone(), what: "figures" })?;
                for (place, summary) in &summaries {
                    let time = start + i64::try_from(*place).unwrap_or(0) * shape.period;
                    if (from..to).contains(&time) {
                        take(time, summary);
                    }
                }
            }
        }
        Ok(())
    }

    /// The series that have samples within an hour or less, by number.
    pub(super) fn series(&mut self, from: i64, to: i64) -> Result<Vec<SeriesId>, Error> {
        let mut found = vec![];
        for (place, begin, end) in self.overlapping(Tier::Raw, from, to) {
            let Some(connection) = connection(&mut self.connections, &self.parts, place)? else { continue };
            let doing = "reading which series there are";
            let mut statement = connection
                .prepare_cached("SELECT DISTINCT id & 0xffffffff FROM block WHERE id >= ? AND id < ?")
                .doing(doing)?;
            let range = [row_id(Tier::Raw, begin, SeriesId(0)), row_id(Tier::Raw, end, SeriesId(0))];
            let ids = statement.query_map(range, |row| row.get(0).map(SeriesId)).doing(doing)?;
            found.extend(ids.collect::<rusqlite::Result<Vec<_>>>().doing(doing)?);
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// The files of a tier that overlap a range, with the part of the range that is theirs.
    fn overlapping(&self, tier: Tier, from: i64, to: i64) -> Vec<(usize, i64, i64)> {
        let parts = self.parts.iter().enumerate().filter(|(_, part)| part.tier == tier);
        let common = parts.map(|(place, part)| (place, part.from.max(from), part.to.min(to)));
        common.filter(|(_, begin, end)| begin < end).collect()
    }
}

fn connection<'a>(
    connections: &'a mut HashMap<usize, Option<Connection>>,
    parts: &[Part],
    place: usize,
) -> Result<Option<&'a Connection>, Error> {
    let opened = match connections.entry(place) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(free) => free.insert(open_reader(&parts[place])?),
    };
    Ok(opened.as_ref())
}

/// The samples of a sorted list that are within a range.
pub(super) fn within(samples: &[Pair], from: i64, to: i64) -> &[Pair] {
    let begin = samples.partition_point(|sample| sample.0 < from);
    let end = samples.partition_point(|sample| sample.0 < to).max(begin);
    &samples[begin..end]
}

fn row<T>(
    connection: &Connection,
    sql: &str,
    id: i64,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, Error> {
    let row = connection.prepare_cached(sql).and_then(|mut statement| statement.query_row([id], read).optional());
    row.doing("reading metrics")
}

/// The bytes in the one column of a row.
pub(super) fn row_bytes(connection: &Connection, sql: &str, id: i64) -> Result<Option<Vec<u8>>, Error> {
    row(connection, sql, id, |row| row.get(0))
}
