//! What is in memory: the samples of slots that are not sealed, packed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::chunk::{Open, Pair, SLOT, slot_of};
use super::dictionary::SeriesId;
use super::files::{HOUR, MINUTE};
use super::log::Logged;

/// For how long after its end a slot stays open for samples that come late, in microseconds.
pub(super) const GRACE: i64 = 2 * MINUTE;
/// How far ahead of the clock a sample may be, in microseconds.
pub(super) const AHEAD: i64 = 5 * MINUTE;

/// The chunks of a slot.
#[derive(Debug)]
struct Slot {
    /// The first row of the log that has samples of it.
    logged: i64,
    chunks: HashMap<SeriesId, Open>,
}

/// Samples that are not yet in a file, and what is to be done with those that are.
#[derive(Debug, Default)]
pub(super) struct Head {
    slots: BTreeMap<i64, Slot>,
    /// The latest samples of the slot that was sealed last, which are the latest that there are of what is measured rarely.
    sealed: HashMap<SeriesId, Pair>,
    /// Hours, as microseconds since the epoch, of which samples are in a file that are not summed up yet.
    pub(super) pending: BTreeSet<i64>,
}

/// Whether a slot is over, and no sample is taken for it any more.
pub(super) const fn is_due(slot: i64, now: i64) -> bool {
    (slot + 1) * SLOT + GRACE <= now
}

impl Head {
    /// Takes a batch that stands in a row of the log; rows come in order.
    pub(super) fn put(&mut self, logged: i64, batch: &[Logged]) {
        for (id, time, value) in batch {
            let slot = slot_of(*time);
            let known = self.slots.entry(slot).or_insert_with(|| Slot { logged, chunks: HashMap::new() });
            known.chunks.entry(*id).or_insert_with(|| Open::new(slot)).put(*time, *value);
        }
    }

    /// When there is something to seal or to roll up next, in microseconds since the epoch.
    pub(super) fn next_due(&self) -> Option<i64> {
        let seal = self.slots.first_key_value().map(|(slot, _)| (slot + 1) * SLOT + GRACE);
        let roll_up = self.pending.first().map(|hour| hour + HOUR + GRACE);
        seal.into_iter().chain(roll_up).min()
    }

    /// The earliest slot that is to be sealed: one that is over, or one so far ahead that the clock must have gone back.
    pub(super) fn due(&self, now: i64) -> Option<i64> {
        self.slots.keys().copied().find(|slot| is_due(*slot, now) || slot * SLOT > now + AHEAD)
    }

    /// The chunks of a slot, by series.
    pub(super) fn slot(&self, slot: i64) -> Vec<(SeriesId, &Open)> {
        let mut chunks: Vec<_> =
            self.slots.get(&slot).into_iter().flat_map(|slot| &slot.chunks).map(|(id, open)| (*id, open)).collect();
        chunks.sort_unstable_by_key(|(id, _)| *id);
        chunks
    }

    /// The chunks of a series in slots that overlap a range, the earliest first.
    pub(super) fn chunks(&self, id: SeriesId, from: i64, to: i64) -> impl Iterator<Item = (i64, &Open)> {
        let slots = self.slots.range(slot_of(from)..=slot_of(to));
        slots.filter_map(move |(number, slot)| slot.chunks.get(&id).map(|open| (*number, open)))
    }

    /// The latest sample of each series that has one from a time on, which may be as long ago as the slot that was sealed
    /// last.
    pub(super) fn latest(&self, from: i64) -> HashMap<SeriesId, Pair> {
        let mut latest = self.sealed.clone();
        let open = self.slots.values().flat_map(|slot| &slot.chunks);
        latest.extend(open.filter_map(|(id, open)| Some((*id, open.last()?))));
        latest.retain(|_, (time, _)| *time >= from);
        latest
    }

    /// The first row of the log that is needed still when a slot is in its file. Rows are forgotten from the first on and
    /// never from between, so that what is left gives every time its latest value again.
    pub(super) fn needed_after(&self, sealed: i64) -> i64 {
        let others = self.slots.iter().filter(|(number, _)| **number != sealed);
        others.map(|(_, slot)| slot.logged).min().unwrap_or(i64::MAX)
    }

    /// Whether it has samples of a series.
    pub(super) fn holds(&self, id: SeriesId) -> bool {
        self.slots.values().any(|slot| slot.chunks.contains_key(&id))
    }

    /// A slot is in its file: its hour is to be summed up.
    pub(super) fn sealed(&mut self, slot: i64) {
        if let Some(slot) = self.slots.remove(&slot) {
            self.sealed = slot.chunks.iter().filter_map(|(id, open)| Some((*id, open.last()?))).collect();
        }
        self.pending.insert(hour_of(slot));
    }

    /// The earliest hour that is over, sealed and not summed up.
    pub(super) fn rollable(&self, now: i64) -> Option<i64> {
        let over = |hour: &i64| hour + HOUR + GRACE <= now;
        let open = |hour: &i64| self.slots.range(slot_of(*hour)..slot_of(hour + HOUR)).next().is_some();
        self.pending.iter().copied().find(|hour| over(hour) && !open(hour))
    }

    /// From when on summaries may be missing or out of date, in microseconds since the epoch; a full hour.
    pub(super) fn unsummed(&self) -> i64 {
        let open = self.slots.first_key_value().map(|(slot, _)| hour_of(*slot));
        open.into_iter().chain(self.pending.first().copied()).min().unwrap_or(i64::MAX)
    }
}

/// The beginning of the hour that a slot is in.
pub(super) const fn hour_of(slot: i64) -> i64 {
    (slot * SLOT).div_euclid(HOUR) * HOUR
}
