//! Rolling up: an hour's samples become a summary a minute, and one for the hour.
//!
//! Both follow from the samples in the day's file alone, so that it may be done again at any time: after a crash, or when
//! samples came for an hour that was done because the clock had gone back.

use rusqlite::{Connection, params};

use super::block;
use super::dictionary::SeriesId;
use super::files::{HOUR, MINUTE, Tier, open_part, part_of, row_id};
use super::sources::{Sources, row_bytes};
use super::summary::Summary;
use super::writer::Series;
use crate::domain::metric::MetricKind;
use crate::store::error::{Doing, Error};

impl Series {
    /// Rolls up every hour that is over and sealed, the earliest first.
    pub(super) fn roll_up_due(&mut self, now: i64) -> Result<(), Error> {
        loop {
            let Some(hour) = self.shared.head().rollable(now) else { return Ok(()) };
            self.roll_up(hour)?;
        }
    }

    fn roll_up(&mut self, hour: i64) -> Result<(), Error> {
        let mut sources = Sources::open(&self.shared.folder)?;
        let ids = sources.series(hour, hour + HOUR)?;
        let doing = "summing up metrics";
        // Where the samples have expired meanwhile, nothing can be made of them, and nothing in their place.
        if !ids.is_empty() {
            let folder = &self.shared.folder;
            let mut minutes = open_part(folder, &part_of(folder, Tier::Minutes, hour))?;
            let mut hours = open_part(folder, &part_of(folder, Tier::Hours, hour))?;
            let minutes = minutes.transaction().doing(doing)?;
            let hours = hours.transaction().doing(doing)?;
            for id in &ids {
                // One that was removed has nobody left to ask for it.
                let Some(kind) = self.shared.names().entry(*id).map(|entry| entry.kind) else { continue };
                let counter = kind != MetricKind::Gauge;
                let summaries = summarise(&mut sources, *id, hour, counter)?;
                put_minutes(&minutes, *id, hour, counter, &summaries)?;
                put_hour(&hours, *id, hour, counter, &summaries)?;
            }
            minutes.commit().doing(doing)?;
            hours.commit().doing(doing)?;
        }
        self.connection.execute("DELETE FROM pending WHERE hour = ?", [hour]).doing(doing)?;
        self.shared.head_mut().pending.remove(&hour);
        Ok(())
    }
}

/// A summary for each minute of an hour in which a series has samples, by the minute's place.
fn summarise(sources: &mut Sources, id: SeriesId, hour: i64, counter: bool) -> Result<Vec<(usize, Summary)>, Error> {
    let mut summaries: Vec<(usize, Summary)> = vec![];
    sources.samples(id, hour, hour + HOUR, |samples| {
        for (time, value) in samples {
            let minute = usize::try_from((time - hour) / MINUTE).unwrap_or(0);
            match summaries.last_mut().filter(|(place, _)| *place == minute) {
                Some((_, summary)) => summary.put(*time, *value),
                None => summaries.push((minute, Summary::of(*time, *value, !counter))),
            }
        }
    })?;
    Ok(summaries)
}

fn put_minutes(
    connection: &Connection,
    id: SeriesId,
    hour: i64,
    counter: bool,
    summaries: &[(usize, Summary)],
) -> Result<(), Error> {
    put(connection, row_id(Tier::Minutes, hour, id), &block::encode(Tier::Minutes.shape(), counter, summaries))
}

/// Puts the hour's summary among those of its day.
fn put_hour(
    connection: &Connection,
    id: SeriesId,
    hour: i64,
    counter: bool,
    minutes: &[(usize, Summary)],
) -> Result<(), Error> {
    let mut minutes = minutes.iter().map(|(_, summary)| summary);
    let Some(mut whole) = minutes.next().cloned() else { return Ok(()) };
    minutes.for_each(|minute| whole.join(minute));
    let (shape, row) = (Tier::Hours.shape(), row_id(Tier::Hours, hour, id));
    let day = hour.div_euclid(shape.span) * shape.span;
    let before = row_bytes(connection, "SELECT data FROM block WHERE id = ?", row)?;
    // A damaged row is written anew with what is known.
    let before = before.and_then(|bytes| block::decode(shape, day, &bytes, true));
    let mut summaries = before.unwrap_or_default();
    let place = usize::try_from((hour - day) / shape.period).unwrap_or(0);
    match summaries.binary_search_by_key(&place, |(place, _)| *place) {
        Ok(found) => summaries[found].1 = whole,
        Err(found) => summaries.insert(found, (place, whole)),
    }
    put(connection, row, &block::encode(shape, counter, &summaries))
}

fn put(connection: &Connection, row: i64, data: &[u8]) -> Result<(), Error> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO block (id, data) VALUES (?, ?)")
        .and_then(|mut insert| insert.execute(params![row, data]))
        .map(|_| ())
        .doing("summing up metrics")
}
