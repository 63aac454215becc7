//! What everybody but the writer has of the store: numbers of series, and answers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::chunk::Pair;
use super::dictionary::{Dictionary, SeriesId};
use super::files::{self, Tier};
use super::head::Head;
use super::query;
use super::sources::Sources;
use crate::domain::Timestamp;
use crate::domain::metric::{Answer, Dropped, Key, Meta, Metric, MetricKind, Query, Selector, Stats};
use crate::domain::refusal::{Refusal, RefusalKind};
use crate::store::error::Error;

/// What the writer and all handles share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) folder: PathBuf,
    pub(super) series_max: u32,
    dictionary: RwLock<Dictionary>,
    head: RwLock<Head>,
    tally: Mutex<Tally>,
}

/// What was kept and what was not.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) samples: u64,
    pub(super) dropped: Dropped,
}

impl Shared {
    pub(super) fn new(folder: PathBuf, series_max: u32, dictionary: Dictionary, head: Head) -> Self {
        let (dictionary, head) = (RwLock::new(dictionary), RwLock::new(head));
        Self { folder, series_max, dictionary, head, tally: Mutex::default() }
    }

    // A thread that panicked while it held one of these changed one entry at most, and whole.
    pub(super) fn names(&self) -> RwLockReadGuard<'_, Dictionary> {
        self.dictionary.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn names_mut(&self) -> RwLockWriteGuard<'_, Dictionary> {
        self.dictionary.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn head(&self) -> RwLockReadGuard<'_, Head> {
        self.head.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn head_mut(&self) -> RwLockWriteGuard<'_, Head> {
        self.head.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives out numbers of series and answers queries beside the writer. Clones share everything.
#[derive(Clone, Debug)]
pub struct Handle(pub(super) Arc<Shared>);

impl Handle {
    /// The number of a series, which is made known when it is new. Costs one look-up when it is not. Refused is what does
    /// not fit the conventions or contradicts what is known of the metric, and what would be one series too many.
    pub fn series_id(&self, key: &Key, meta: &Meta) -> Result<SeriesId, Refusal> {
        if let Some(id) = self.0.names().known(key, meta.kind) {
            return Ok(id);
        }
        let found = self.0.names_mut().id(key, meta);
        found.inspect_err(|refusal| {
            let dropped = &mut self.0.tally().dropped;
            match refusal.kind {
                RefusalKind::Unavailable => dropped.too_many_series += 1,
                _ => dropped.refused_series += 1,
            }
        })
    }

    /// Counts samples that did not reach the writer.
    pub fn count_dropped(&self, dropped: &Dropped) {
        self.0.tally().dropped.add(dropped);
    }

    /// How often a series was refused so far.
    pub fn refused_series(&self) -> u64 {
        let dropped = self.dropped();
        dropped.refused_series + dropped.too_many_series
    }

    /// How many series are known, and how many may be.
    pub fn room(&self) -> (u64, u64) {
        (self.0.names().len() as u64, u64::from(self.0.series_max))
    }

    /// What could not be taken since the engine started.
    pub fn dropped(&self) -> Dropped {
        self.0.tally().dropped
    }

    /// Every metric by name.
    pub fn names(&self) -> Vec<Metric> {
        self.0.names().metrics()
    }

    /// The latest value of every series that was sampled from a time on. Looks at what is in memory alone: ten minutes back
    /// at least while the engine runs.
    pub fn latest(&self, from: Timestamp) -> Latest {
        Latest { shared: self.0.clone(), values: self.0.head().latest(from.as_micros()) }
    }

    /// The labels that series of a metric have, each with its values, at most a thousand of them.
    pub fn labels(&self, name: &str) -> Result<BTreeMap<String, BTreeSet<String>>, Refusal> {
        self.0.names().labels(name)
    }

    /// Whether a metric has a series whose labels are as wanted.
    pub fn has_series(&self, name: &str, wanted: impl Fn(&BTreeMap<String, String>) -> bool) -> bool {
        let names = self.0.names();
        names.select(&Selector::all(name)).is_ok_and(|(_, found)| found.iter().any(|entry| wanted(&entry.key.labels)))
    }

    /// Answers a query. Reads files, so that it has no place on a thread that must not wait.
    pub fn query(&self, query: &Query) -> Result<Answer, Error> {
        query::answer(&self.0, query)
    }

    /// How the store does. Looks at the files' sizes.
    pub fn stats(&self) -> Stats {
        let mut sources = Sources::open(&self.0.folder).ok();
        let mut since = |tier| sources.as_mut()?.since(tier).ok()?.map(Timestamp::from_micros);
        let series = self.0.names().len() as u64;
        let tally = self.0.tally();
        Stats {
            series,
            series_max: u64::from(self.0.series_max),
            samples: tally.samples,
            bytes: files::bytes(&self.0.folder),
            dropped: tally.dropped,
            raw_since: since(Tier::Raw),
            minutes_since: since(Tier::Minutes),
            hours_since: since(Tier::Hours),
        }
    }
}

/// The latest values of series, as they were at one moment.
#[derive(Debug)]
pub struct Latest {
    shared: Arc<Shared>,
    values: HashMap<SeriesId, Pair>,
}

impl Latest {
    /// The series of a metric of this kind with their values, in the order in which they became known.
    pub fn of(&self, name: &str, kind: MetricKind) -> Vec<(Arc<Key>, f64)> {
        let names = self.shared.names();
        let known = names.series_of(name, kind);
        known.filter_map(|entry| Some((entry.key.clone(), self.values.get(&entry.id)?.1))).collect()
    }
}
