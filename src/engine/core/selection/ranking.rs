//! Rankings: every agent by its score for a type of task and a phase, with or without a first chance, before anything else is
//! known of the task. What the text adds stands in [`matched`](super::matched).
//!
//! A ranking counts every agent as free, which is the most that it can be: whoever takes from it goes down until nobody
//! further down can be better.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::matched::Subject;
use super::{NEUTRAL, ONE, Score, Selection, untried};
use crate::domain::AgentId;
use crate::domain::selection::{Factor, Phase};

/// So many rankings are kept: one for each type that agents have done, in each phase, with and without a first chance.
const RANKINGS_MAX: usize = 64;

/// The place of an agent: the higher score, then the less versatile, so that the versatile stay free, then the older.
pub(super) type Place = (Reverse<Score>, usize, AgentId, u32);

/// An agent as it stands in a ranking.
#[derive(Debug)]
struct Entry {
    place: Place,
    /// Its set of capabilities, if it is idle and without a home.
    idle: Option<u32>,
}

/// All agents, the best first.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    /// How many changes of agents it has seen.
    seen: u64,
    used: u64,
    /// By slot.
    entries: Vec<Option<Entry>>,
    all: BTreeSet<Place>,
    /// Idle agents without a home, by their set of capabilities.
    idle: BTreeMap<u32, BTreeSet<Place>>,
}

/// What agents are ranked by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// The type of task.
    kind: String,
    phase: Option<Phase>,
    first_chance: bool,
}

/// Rankings by what they were made for.
#[derive(Debug, Default)]
pub(super) struct Rankings {
    by_key: BTreeMap<Key, Ranking>,
    uses: u64,
}

impl Rankings {
    /// The ranking for a subject, made or brought up to date. `idle_set` says which set of capabilities an agent has, if
    /// it is idle and without a home.
    pub(super) fn get(
        &mut self,
        selection: &Selection,
        subject: &Subject,
        idle_set: &dyn Fn(u32) -> Option<u32>,
    ) -> &Ranking {
        let topic = &subject.topic;
        // Whatever nobody has done yet ranks everybody alike.
        let kind = if selection.kinds.contains_key(&*topic.kind) { &*topic.kind } else { "" };
        let key = Key { kind: kind.to_owned(), phase: topic.phase, first_chance: subject.first_chance };
        self.uses += 1;
        if self.by_key.len() >= RANKINGS_MAX && !self.by_key.contains_key(&key) {
            let oldest = self.by_key.iter().min_by_key(|(_, ranking)| ranking.used).map(|(key, _)| key.clone());
            oldest.map(|key| self.by_key.remove(&key));
        }
        let ranking = self.by_key.entry(key.clone()).or_default();
        ranking.used = self.uses;
        ranking.catch_up(selection, &key, idle_set);
        ranking
    }
}

impl Ranking {
    fn catch_up(&mut self, selection: &Selection, key: &Key, idle_set: &dyn Fn(u32) -> Option<u32>) {
        let slots = selection.profiles.len();
        match selection.changes.since(self.seen) {
            Some(changed) => {
                self.entries.resize_with(slots.max(self.entries.len()), || None);
                for slot in changed {
                    self.update(selection, *slot, key, idle_set);
                }
            }
            None => self.make(selection, key, idle_set),
        }
        self.seen = selection.changes.count();
    }

    /// Makes it anew, all at once.
    fn make(&mut self, selection: &Selection, key: &Key, idle_set: &dyn Fn(u32) -> Option<u32>) {
        let mut places = Vec::with_capacity(selection.profiles.len());
        let mut idle: BTreeMap<u32, Vec<Place>> = BTreeMap::new();
        self.entries.clear();
        self.entries.resize_with(selection.profiles.len(), || None);
        for (slot, entry) in (0..).zip(&mut self.entries) {
            *entry = place_of(selection, slot, key).map(|place| {
                let set = idle_set(slot);
                places.push(place);
                if let Some(set) = set {
                    idle.entry(set).or_default().push(place);
                }
                Entry { place, idle: set }
            });
        }
        self.all = places.into_iter().collect();
        self.idle = idle.into_iter().map(|(set, places)| (set, places.into_iter().collect())).collect();
    }

    /// Looks at one agent again.
    fn update(&mut self, selection: &Selection, slot: u32, key: &Key, idle_set: &dyn Fn(u32) -> Option<u32>) {
        let Some(entry) = self.entries.get_mut(slot as usize) else { return };
        let now = place_of(selection, slot, key).map(|place| Entry { place, idle: idle_set(slot) });
        let before = std::mem::replace(entry, now);
        let now = entry.as_ref();
        if before.as_ref().map(|entry| entry.place) != now.map(|entry| entry.place) {
            if let Some(before) = &before {
                self.all.remove(&before.place);
            }
            self.all.extend(now.map(|entry| entry.place));
        }
        if let Some(Entry { place, idle: Some(set) }) = &before
            && let Some(places) = self.idle.get_mut(set)
        {
            places.remove(place);
            if places.is_empty() {
                self.idle.remove(set);
            }
        }
        if let Some(Entry { place, idle: Some(set) }) = now {
            self.idle.entry(*set).or_default().insert(*place);
        }
    }

    /// What an agent scores, were it free.
    pub(super) fn score(&self, slot: u32) -> Score {
        self.place(slot).map_or(0, |place| place.0.0)
    }

    /// Where an agent stands.
    pub(super) fn place(&self, slot: u32) -> Option<Place> {
        self.entries.get(slot as usize).and_then(Option::as_ref).map(|entry| entry.place)
    }

    /// Every agent, the best first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Place> {
        self.all.iter()
    }

    /// Idle agents without a home that have a set of capabilities, the best first.
    pub(super) fn idle(&self) -> impl Iterator<Item = (u32, &BTreeSet<Place>)> {
        self.idle.iter().map(|(set, places)| (*set, places))
    }

    /// Whether an agent is idle and without a home, and its set of capabilities.
    pub(super) fn idle_set(&self, slot: u32) -> Option<u32> {
        self.entries.get(slot as usize).and_then(Option::as_ref).and_then(|entry| entry.idle)
    }
}

fn place_of(selection: &Selection, slot: u32, key: &Key) -> Option<Place> {
    let profile = selection.profile(slot)?;
    let explore = selection.explore && key.first_chance;
    let learned = selection.policy.of_agent(profile.id, selection.kind_feature(&key.kind), explore);
    let score = selection.part(Factor::PhaseAlignment, Selection::alignment(profile, key.phase).unwrap_or(NEUTRAL))
        + selection.part(Factor::RecentSuccess, profile.recent.unwrap_or(untried(key.first_chance)))
        + selection.part(Factor::DomainExpertise, selection.expertise(profile, &key.kind).unwrap_or(NEUTRAL))
        + selection.part(Factor::Availability, ONE)
        + selection.part(Factor::Collaboration, NEUTRAL)
        + selection.part(Factor::UserPreference, NEUTRAL);
    Some((Reverse(Selection::with_learned(score, learned)), profile.size, profile.id, slot))
}
