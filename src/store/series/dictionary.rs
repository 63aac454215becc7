//! The names: which series there are, by number.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rusqlite::{Connection, params};

use crate::domain::metric::{self, Key, Meta, Metric, MetricKind, Selector};
use crate::domain::refusal::{Refusal, RefusalKind};
use crate::store::error::{Doing, Error};

/// The number of a series in one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(pub(super) u32);

/// How many different values of a label are listed.
const VALUES: usize = 1000;

/// A series.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: SeriesId,
    pub(super) key: Arc<Key>,
    pub(super) kind: MetricKind,
}

/// What series of one name have in common.
#[derive(Debug)]
struct Family {
    meta: Meta,
    series: BTreeMap<SeriesId, Arc<Entry>>,
}

/// Every series.
#[derive(Debug)]
pub(super) struct Dictionary {
    by_key: HashMap<Arc<Key>, Arc<Entry>>,
    by_id: HashMap<SeriesId, Arc<Entry>>,
    families: BTreeMap<String, Family>,
    /// Those that are not in the file yet.
    unsaved: BTreeSet<SeriesId>,
    /// The day since the epoch on which a series last had samples, when that is in the file.
    seen: HashMap<SeriesId, i64>,
    next: u32,
    limit: u32,
}

/// The tables of the names.
pub(super) const TABLES: &str = "
    CREATE TABLE family (
        name TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        unit TEXT NOT NULL,
        description TEXT NOT NULL
    ) WITHOUT ROWID;
    -- Numbers are never given out again: what an old file holds under one must not become another series'.
    CREATE TABLE series (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL REFERENCES family,
        labels TEXT NOT NULL,
        seen INTEGER NOT NULL
    );
";

impl Dictionary {
    /// Reads the names; at most `limit` series will be known.
    pub(super) fn read(connection: &Connection, limit: u32) -> Result<Self, Error> {
        let mut dictionary = Self {
            by_key: HashMap::new(),
            by_id: HashMap::new(),
            families: BTreeMap::new(),
            unsaved: BTreeSet::new(),
            seen: HashMap::new(),
            next: 1,
            limit,
        };
        let doing = "reading the names of metrics";
        let bad = |text: String, error: &dyn std::fmt::Display| {
            rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, format!("{text}: {error}").into())
        };
        let mut statement = connection
            .prepare(
                "SELECT s.id, s.name, s.labels, s.seen, f.kind, f.unit, f.description
                 FROM series s JOIN family f ON f.name = s.name ORDER BY s.id",
            )
            .doing(doing)?;
        let mut rows = statement.query([]).doing(doing)?;
        while let Some(row) = rows.next().doing(doing)? {
            let read = || -> rusqlite::Result<(u32, Key, i64, Meta)> {
                let labels: String = row.get(2)?;
                let labels = serde_json::from_str(&labels).map_err(|error| bad(labels.clone(), &error))?;
                let kind: String = row.get(4)?;
                let kind = kind.parse().map_err(|error: Refusal| bad(kind.clone(), &error))?;
                let meta = Meta { kind, unit: row.get(5)?, description: row.get(6)? };
                Ok((row.get(0)?, Key { name: row.get(1)?, labels }, row.get(3)?, meta))
            };
            let (id, key, seen, meta) = read().doing(doing)?;
            dictionary.insert(SeriesId(id), key, &meta);
            dictionary.seen.insert(SeriesId(id), seen);
        }
        let last: u32 = connection
            .query_row("SELECT coalesce(max(seq), 0) FROM sqlite_sequence", [], |row| row.get(0))
            .doing(doing)?;
        dictionary.next = last + 1;
        Ok(dictionary)
    }

    fn insert(&mut self, id: SeriesId, key: Key, meta: &Meta) {
        let key = Arc::new(key);
        let entry = Arc::new(Entry { id, key: key.clone(), kind: meta.kind });
        let family = self.families.entry(key.name.clone());
        family
            .or_insert_with(|| Family { meta: meta.clone(), series: BTreeMap::new() })
            .series
            .insert(id, entry.clone());
        self.by_id.insert(id, entry.clone());
        self.by_key.insert(key, entry);
    }

    /// The number of a series that is known, if it is of this kind.
    pub(super) fn known(&self, key: &Key, kind: MetricKind) -> Option<SeriesId> {
        self.by_key.get(key).filter(|entry| entry.kind == kind).map(|entry| entry.id)
    }

    /// The number of a series, which is new perhaps.
    pub(super) fn id(&mut self, key: &Key, meta: &Meta) -> Result<SeriesId, Refusal> {
        if let Some(id) = self.known(key, meta.kind) {
            return Ok(id);
        }
        key.check(meta.kind)?;
        meta.check(&key.name)?;
        if let Some(family) = self.families.get(&key.name)
            && family.meta.kind != meta.kind
        {
            let allowed = format!("{}, as it was at first", family.meta.kind);
            return Err(Refusal::conflict(format!("metric {}: kind", key.name), meta.kind, allowed));
        }
        if self.by_id.len() >= self.limit as usize {
            return Err(Refusal::new(RefusalKind::Unavailable, "metrics: series", key)
                .allowed(format!("at most {} series; those there are go on", self.limit))
                .hint("Use labels with fewer different values"));
        }
        let id = SeriesId(self.next);
        self.next += 1;
        self.insert(id, key.clone(), meta);
        self.unsaved.insert(id);
        Ok(id)
    }

    pub(super) fn entry(&self, id: SeriesId) -> Option<&Arc<Entry>> {
        self.by_id.get(&id)
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The kind of a metric and those of its series that are meant. A name that is not known is refused, with the nearest.
    pub(super) fn select(&self, selector: &Selector) -> Result<(MetricKind, Vec<Arc<Entry>>), Refusal> {
        let Some(family) = self.families.get(&selector.name) else {
            let names = self.families.keys().map(String::as_str);
            return Err(metric::unknown(&selector.name, names, "See `menagerie metric list`"));
        };
        let meant = family.series.values().filter(|entry| selector.fits(&entry.key.labels));
        Ok((family.meta.kind, meant.cloned().collect()))
    }

    /// Every metric by name.
    pub(super) fn metrics(&self) -> Vec<Metric> {
        let metric = |(name, family): (&String, &Family)| Metric {
            name: name.clone(),
            meta: family.meta.clone(),
            series: family.series.len() as u64,
        };
        self.families.iter().map(metric).collect()
    }

    /// The series of a metric that is known and of this kind, by number.
    pub(super) fn series_of(&self, name: &str, kind: MetricKind) -> impl Iterator<Item = &Arc<Entry>> {
        let family = self.families.get(name).filter(|family| family.meta.kind == kind);
        family.into_iter().flat_map(|family| family.series.values())
    }

    /// The labels that series of a metric have, each with the values that there are, at most a thousand of them.
    pub(super) fn labels(&self, name: &str) -> Result<BTreeMap<String, BTreeSet<String>>, Refusal> {
        let (_, entries) = self.select(&Selector::all(name))?;
        let mut labels: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (label, value) in entries.iter().flat_map(|entry| &entry.key.labels) {
            let values = labels.entry(label.clone()).or_default();
            if values.len() < VALUES {
                values.insert(value.clone());
            }
        }
        Ok(labels)
    }

    /// Writes the series that are not in the file yet, seen on this day; gives them for [`Dictionary::saved`].
    pub(super) fn save(&self, connection: &Connection, day: i64) -> rusqlite::Result<BTreeSet<SeriesId>> {
        for id in &self.unsaved {
            let Some(Entry { key, .. }) = self.by_id.get(id).map(Arc::as_ref) else { continue };
            if let Some(Family { meta, .. }) = self.families.get(&key.name) {
                connection
                    .prepare_cached("INSERT OR IGNORE INTO family (name, kind, unit, description) VALUES (?, ?, ?, ?)")?
                    .execute(params![key.name, meta.kind.as_str(), meta.unit, meta.description])?;
            }
            let labels = serde_json::to_string(&key.labels)
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
            connection
                .prepare_cached("INSERT INTO series (id, name, labels, seen) VALUES (?, ?, ?, ?)")?
                .execute(params![id.0, key.name, labels, day])?;
        }
        Ok(self.unsaved.clone())
    }

    /// Whether there are any that are not in the file yet.
    pub(super) fn has_unsaved(&self) -> bool {
        !self.unsaved.is_empty()
    }

    /// What was saved is durable.
    pub(super) fn saved(&mut self, ids: &BTreeSet<SeriesId>, day: i64) {
        self.unsaved.retain(|id| !ids.contains(id));
        self.seen.extend(ids.iter().map(|id| (*id, day)));
    }

    /// Those of some series of which the file does not say that they had samples on a day.
    pub(super) fn unseen(&self, ids: &[SeriesId], day: i64) -> Vec<SeriesId> {
        ids.iter().copied().filter(|id| self.seen.get(id).is_some_and(|seen| *seen < day)).collect()
    }

    /// The file says now that these had samples on a day.
    pub(super) fn mark_seen(&mut self, ids: &[SeriesId], day: i64) {
        self.seen.extend(ids.iter().map(|id| (*id, day)));
    }

    /// Series that had no samples since a day.
    pub(super) fn idle_since(&self, day: i64) -> Vec<SeriesId> {
        self.seen.iter().filter(|(_, seen)| **seen < day).map(|(id, _)| *id).collect()
    }

    /// Forgets series; a metric goes with its last one.
    pub(super) fn remove(&mut self, ids: &[SeriesId]) {
        for id in ids {
            self.seen.remove(id);
            let Some(entry) = self.by_id.remove(id) else { continue };
            self.by_key.remove(&entry.key);
            if let Some(family) = self.families.get_mut(&entry.key.name) {
                family.series.remove(id);
                if family.series.is_empty() {
                    self.families.remove(&entry.key.name);
                }
            }
        }
    }
}
