//! What a text, its predecessors and its user add to the scores of a ranking: a list of those agents whose score is
//! another than the ranking says, found by the index of words and not by going through all agents.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ranking::{Place, Ranking};
use super::topic::Topic;
use super::{NEUTRAL, ONE, Score, Selection};
use crate::domain::selection::Factor;
use crate::domain::{AgentId, UserId};

/// So many lists are kept.
const MATCHES_MAX: usize = 64;

/// What a choice is made for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subject {
    pub(super) topic: Arc<Topic>,
    /// Who submitted it.
    pub(super) user: Option<UserId>,
    /// Whose work it builds on.
    pub(super) after: Vec<AgentId>,
    /// Whether agents that have ended nothing yet get a first chance with it.
    pub(super) first_chance: bool,
}

/// The agents that something of the task points to, or away from.
#[derive(Debug, Default)]
pub(super) struct Matched {
    /// How many changes of agents it has seen.
    seen: u64,
    /// The state of the vocabulary.
    generation: u64,
    used: u64,
    /// The topic's stems that some agent has, with their rarity, in thousandths.
    pub(super) terms: Vec<(String, u32)>,
    /// The sum of those.
    total: u64,
    by_slot: BTreeMap<u32, Place>,
    places: BTreeSet<Place>,
}

/// Lists by what they were made for.
#[derive(Debug, Default)]
pub(super) struct Matches {
    by_subject: BTreeMap<Subject, Matched>,
    uses: u64,
}

impl Matches {
    /// The list for a subject, made or brought up to date. The ranking must be that of the subject.
    pub(super) fn get(&mut self, selection: &Selection, subject: &Subject, ranking: &Ranking) -> &Matched {
        self.uses += 1;
        if !self.by_subject.contains_key(subject) {
            if self.by_subject.len() >= MATCHES_MAX {
                let oldest = self.by_subject.iter().min_by_key(|(_, matched)| matched.used);
                let oldest = oldest.map(|(subject, _)| subject.clone());
                oldest.map(|subject| self.by_subject.remove(&subject));
            }
            let made = Matched::make(selection, subject, ranking);
            self.by_subject.insert(subject.clone(), made);
        }
        let matched = self.by_subject.entry(subject.clone()).or_default();
        matched.used = self.uses;
        matched.catch_up(selection, subject, ranking);
        matched
    }
}

impl Matched {
    fn make(selection: &Selection, subject: &Subject, ranking: &Ranking) -> Self {
        let rarity = |stem: &String| Some((stem.clone(), selection.vocabulary.rarity(stem)?));
        let terms: Vec<_> = subject.topic.stems(&selection.reader).iter().filter_map(rarity).collect();
        let total = terms.iter().map(|(_, rarity)| u64::from(*rarity)).sum();
        let mut sums: Vec<u64> = vec![0; if terms.is_empty() { 0 } else { selection.profiles.len() }];
        let mut slots: Vec<u32> = vec![];
        for (stem, rarity) in &terms {
            for (slot, weight) in selection.vocabulary.agents_with(stem) {
                let sum = &mut sums[slot as usize];
                if *sum == 0 {
                    slots.push(slot);
                }
                *sum += u64::from(*rarity) * u64::from(weight);
            }
        }
        let linked = subject.after.iter().filter_map(|agent| selection.followers.get(agent));
        let known = subject.user.and_then(|user| selection.known_to.get(&user));
        slots
            .extend(linked.chain(known).flatten().filter(|slot| sums.get(**slot as usize).is_none_or(|sum| *sum == 0)));
        slots.sort_unstable();
        slots.dedup();
        let mut matched = Self {
            seen: selection.changes.count(),
            generation: selection.vocabulary.generation,
            used: 0,
            terms,
            total,
            by_slot: BTreeMap::new(),
            places: BTreeSet::new(),
        };
        let places = slots.into_iter().filter_map(|slot| {
            let sum = sums.get(slot as usize).copied().unwrap_or(0);
            Some((slot, matched.place(selection, subject, ranking, slot, sum)?))
        });
        matched.by_slot = places.collect();
        matched.places = matched.by_slot.values().copied().collect();
        matched
    }

    fn catch_up(&mut self, selection: &Selection, subject: &Subject, ranking: &Ranking) {
        let words_changed = self.generation != selection.vocabulary.generation;
        match selection.changes.since(self.seen) {
            Some(changed) if !words_changed => {
                for slot in changed {
                    self.update(selection, subject, ranking, *slot);
                }
                self.seen = selection.changes.count();
            }
            _ => *self = Self { used: self.used, ..Self::make(selection, subject, ranking) },
        }
    }

    fn update(&mut self, selection: &Selection, subject: &Subject, ranking: &Ranking, slot: u32) {
        let profile = selection.profile(slot);
        let sum = profile.map_or(0, |profile| self.sum(profile));
        let told = profile.is_some_and(|profile| {
            let of_user = subject.user.is_some_and(|user| profile.history.opinions.contains_key(&user));
            of_user || subject.after.iter().any(|agent| profile.history.pairs.contains_key(agent))
        });
        let now = if sum > 0 || told { self.place(selection, subject, ranking, slot, sum) } else { None };
        let before = self.by_slot.get(&slot).copied();
        if before == now {
            return;
        }
        if let Some(before) = before {
            self.places.remove(&before);
        }
        self.places.extend(now);
        match now {
            Some(place) => self.by_slot.insert(slot, place),
            None => self.by_slot.remove(&slot),
        };
    }

    /// The rarities of the terms that an agent has, each by how much it counts there.
    fn sum(&self, profile: &super::Profile) -> u64 {
        let weight = |stem: &String| profile.terms.get(stem).map_or(0, |weight| u64::from(*weight));
        self.terms.iter().map(|(stem, rarity)| u64::from(*rarity) * weight(stem)).sum()
    }

    /// How much of the task's words an agent has, in millionths; `None` where no agent has any.
    pub(super) fn keywords(&self, profile: &super::Profile) -> Option<Score> {
        (self.total > 0).then(|| self.share(self.sum(profile)))
    }

    fn share(&self, sum: u64) -> Score {
        u32::try_from(sum * 1000 / self.total.max(1)).unwrap_or(ONE).min(ONE)
    }

    /// Where an agent stands for this subject.
    fn place(&self, selection: &Selection, subject: &Subject, ranking: &Ranking, slot: u32, sum: u64) -> Option<Place> {
        let profile = selection.profile(slot)?;
        let (Reverse(base), size, id, _) = ranking.place(slot)?;
        let collaboration = Selection::collaboration(profile, &subject.after).unwrap_or(NEUTRAL);
        let opinion = subject.user.and_then(|user| profile.history.opinions.get(&user));
        let preference = opinion.map_or(NEUTRAL, super::history::Opinion::preference);
        let score =
            base - selection.part(Factor::Collaboration, NEUTRAL) - selection.part(Factor::UserPreference, NEUTRAL)
                + selection.part(Factor::KeywordMatch, self.share(sum))
                + selection.part(Factor::Collaboration, collaboration)
                + selection.part(Factor::UserPreference, preference);
        Some((Reverse(score), size, id, slot))
    }

    /// What an agent scores, were it free; `None` when the ranking says it.
    pub(super) fn score(&self, slot: u32) -> Option<Score> {
        self.by_slot.get(&slot).map(|place| place.0.0)
    }

    /// The agents in the list, the best first.
    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        self.places.iter()
    }
}
