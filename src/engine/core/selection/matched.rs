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
use crate::engine::core::learning::{self, Feature};

/// So many lists are kept.
const MATCHES_MAX: usize = 64;

/// What a choice is made for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine::core) struct Subject {
    pub(in crate::engine::core) topic: Arc<Topic>,
    /// Who submitted it.
    pub(in crate::engine::core) user: Option<UserId>,
    /// Whose work it builds on.
    pub(in crate::engine::core) after: Vec<AgentId>,
    /// Whether agents that have ended nothing yet get a first chance with it.
    pub(in crate::engine::core) first_chance: bool,
}

/// The agents that something of the task points to, or away from.
#[derive(Debug, Default)]
pub(in crate::engine::core) struct Matched {
    /// How many changes of agents it has seen.
    seen: u64,
    /// The state of the vocabulary.
    generation: u64,
    used: u64,
    /// The topic's stems that some agent has, with their rarity, in thousandths.
    pub(super) terms: Vec<(String, u32)>,
    /// The sum of those.
    total: u64,
    /// What effects of the topic are kept by.
    features: Vec<Feature>,
    /// Whether it is for finding out.
    first_chance: bool,
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
        let terms = Self::terms_of(selection, &subject.topic);
        let total = terms.iter().map(|(_, rarity)| u64::from(*rarity)).sum();
        let features = learning::features::of(&subject.topic);
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
        let learned_of = selection.policy.agents_of_details(&features);
        slots.extend(learned_of.filter_map(|agent| selection.slots.get(&agent).copied()));
        slots.sort_unstable();
        slots.dedup();
        let mut matched = Self {
            seen: selection.changes.count(),
            generation: selection.vocabulary.generation,
            used: 0,
            terms,
            total,
            features,
            first_chance: subject.first_chance,
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

    /// A topic's stems that some agent has, with their rarity.
    fn terms_of(selection: &Selection, topic: &Topic) -> Vec<(String, u32)> {
        let stems = topic.stems(&selection.reader).into_iter();
        stems.filter_map(|stem| selection.vocabulary.rarity(&stem).map(|rarity| (stem, rarity))).collect()
    }

    /// A list of nobody, by which one agent's words can be judged.
    pub(super) fn of_nobody(selection: &Selection, topic: &Topic) -> Self {
        let terms = Self::terms_of(selection, topic);
        let total = terms.iter().map(|(_, rarity)| u64::from(*rarity)).sum();
        Self { terms, total, features: learning::features::of(topic), ..Self::default() }
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
        let learned = profile.is_some_and(|profile| self.learned(selection, profile.id) != 0);
        let now = if sum > 0 || told || learned { self.place(selection, subject, ranking, slot, sum) } else { None };
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
        let learned = i32::try_from(self.learned(selection, profile.id)).unwrap_or(0);
        Some((Reverse(score.saturating_add_signed(learned)), size, id, slot))
    }

    /// What was learned of an agent with what the task is about, in millionths of a score.
    pub(super) fn learned(&self, selection: &Selection, agent: AgentId) -> i64 {
        selection.policy.of_details(agent, &self.features, selection.explore && self.first_chance)
    }

    /// What effects of the topic are kept by.
    pub(super) fn features(&self) -> &[Feature] {
        &self.features
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
