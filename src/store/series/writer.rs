//! The one writer.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::chunk;
use super::dictionary::{Dictionary, SeriesId};
use super::files::{self, DAY, MINUTE};
use super::handle::{Handle, Shared};
use super::head::{AHEAD, Head, is_due};
use super::log::{self, Logged};
use super::policy::Policy;
use crate::domain::Timestamp;
use crate::domain::metric::Dropped;
use crate::store::error::{Doing, Error};

/// How long nothing is tried again after the files could not be written.
const PAUSE: i64 = MINUTE;

/// A value of a series at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Which series, by the number that [`Handle::series_id`] gave.
    pub series: SeriesId,
    /// When.
    pub time: Timestamp,
    /// The value.
    pub value: f64,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Samples that are durable now.
    pub kept: u64,
    /// Samples that are not, by reason.
    pub dropped: Dropped,
}

/// The one writer of a data directory's metrics. That there is one is the engine's lock of the data directory's doing.
#[derive(Debug)]
pub struct Series {
    pub(super) connection: Connection,
    pub(super) shared: Arc<Shared>,
    pub(super) policy: Policy,
    /// When the writer last looked after its files, and since when its clock has gone on evenly.
    pub(super) looked: i64,
    pub(super) steady: i64,
    /// When files were last looked through for what has expired.
    pub(super) expired: i64,
    /// When writing files failed.
    failed: Option<i64>,
}

impl Series {
    /// Opens the metrics of a data directory, making them when there are none, and takes up what the log holds.
    pub fn open(data_dir: &Path, policy: Policy) -> Result<Self, Error> {
        let folder = files::make_folder(data_dir)?;
        let connection = files::open_series(&folder)?;
        let dictionary = Dictionary::read(&connection, policy.series)?;
        let head = replay(&connection, &folder)?;
        let shared = Arc::new(Shared::new(folder, policy.series, dictionary, head));
        Ok(Self { connection, shared, policy, looked: 0, steady: 0, expired: 0, failed: None })
    }

    /// What gives out numbers of series and answers queries, on any thread.
    pub fn handle(&self) -> Handle {
        Handle(self.shared.clone())
    }

    /// Makes samples durable, as one batch. What cannot be taken is counted, here and in the store's figures, and does
    /// not keep the rest from being taken. On an error nothing of the batch was taken, all of it is counted, and the next
    /// batch may well be.
    pub fn append(&mut self, now: Timestamp, samples: &[Sample]) -> Result<Appended, Error> {
        let (batch, mut dropped) = self.sift(now.as_micros(), samples);
        match self.write(now.as_micros(), &batch) {
            Ok(logged) => self.shared.head_mut().put(logged, &batch),
            Err(error) => {
                let lost = if error.is_out_of_space() { &mut dropped.disk_full } else { &mut dropped.failed };
                *lost += batch.len() as u64;
                self.shared.tally().dropped.add(&dropped);
                return Err(error);
            }
        }
        let kept = batch.len() as u64;
        let mut tally = self.shared.tally();
        tally.samples += kept;
        tally.dropped.add(&dropped);
        Ok(Appended { kept, dropped })
    }

    /// The samples that can be taken, and why others cannot.
    fn sift(&self, now: i64, samples: &[Sample]) -> (Vec<Logged>, Dropped) {
        let mut dropped = Dropped::default();
        let names = self.shared.names();
        let mut batch = Vec::with_capacity(samples.len());
        for sample in samples {
            let time = sample.time.as_micros();
            let reason = if !sample.value.is_finite() {
                &mut dropped.not_finite
            } else if time > now + AHEAD {
                &mut dropped.future
            } else if is_due(chunk::slot_of(time), now) {
                &mut dropped.late
            } else if names.entry(sample.series).is_none() {
                &mut dropped.unknown_series
            } else {
                batch.push((sample.series, time, sample.value));
                continue;
            };
            *reason += 1;
        }
        (batch, dropped)
    }

    /// Writes a batch to the log; gives the number of its row.
    fn write(&mut self, now: i64, batch: &[Logged]) -> Result<i64, Error> {
        if batch.is_empty() {
            return Ok(i64::MAX);
        }
        let doing = "writing metrics";
        let day = now.div_euclid(DAY);
        let transaction = self.connection.transaction().doing(doing)?;
        let unsaved = {
            let names = self.shared.names();
            if names.has_unsaved() { names.save(&transaction, day).doing(doing)? } else { BTreeSet::new() }
        };
        let logged = transaction
            .prepare_cached("INSERT INTO log (data) VALUES (?)")
            .and_then(|mut insert| insert.insert([log::encode(batch)]))
            .doing(doing)?;
        transaction.commit().doing(doing)?;
        if !unsaved.is_empty() {
            self.shared.names_mut().saved(&unsaved, day);
        }
        Ok(logged)
    }

    /// When [`Series::maintain`] will have something to do next; `None` when nothing is open.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.shared.head().next_due().map(Timestamp::from_micros)
    }

    /// Seals what is over, sums up what is sealed and removes what has expired. Costs nothing when nothing is due; to be
    /// called every second or so. What fails is tried again a minute later, and nothing is lost meanwhile.
    pub fn maintain(&mut self, now: Timestamp) -> Result<(), Error> {
        let now = now.as_micros();
        if self.failed.is_some_and(|failed| (0..PAUSE).contains(&(now - failed))) {
            return Ok(());
        }
        self.note_clock(now);
        let done = self.seal_due(now).and_then(|()| self.roll_up_due(now)).and_then(|()| self.expire(now));
        self.failed = done.is_err().then_some(now);
        done
    }
}

/// What the log holds, in memory again; and which hours are not summed up.
fn replay(connection: &Connection, folder: &Path) -> Result<Head, Error> {
    let doing = "reading the log of metrics";
    let mut head = Head::default();
    let mut statement = connection.prepare("SELECT id, data FROM log ORDER BY id").doing(doing)?;
    let mut rows = statement.query([]).doing(doing)?;
    while let Some(row) = rows.next().doing(doing)? {
        let (logged, data): (i64, Vec<u8>) = row.try_into().doing(doing)?;
        let batch = log::decode(&data)
            .ok_or_else(|| Error::DamagedSeries { path: folder.join("series.db"), what: "the log" })?;
        head.put(logged, &batch);
    }
    let mut statement = connection.prepare("SELECT hour FROM pending").doing(doing)?;
    let hours = statement.query_map([], |row| row.get(0)).doing(doing)?;
    head.pending = hours.collect::<rusqlite::Result<_>>().doing(doing)?;
    Ok(head)
}
