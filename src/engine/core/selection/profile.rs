//! One agent as selection sees it: the words of its declaration, the phases that they point to, and its history.

use std::collections::BTreeMap;

use super::history::History;
use super::text::{Reader, phases_of};
use super::time_pattern::time_patterns;
use crate::domain::{AgentId, AgentSpec};

/// What selection knows of an agent.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) id: AgentId,
    /// How many capabilities and tools it has; among equals the less versatile goes first.
    pub(super) size: usize,
    /// Its stems, with how much each counts, in thousandths.
    pub(super) terms: BTreeMap<String, u16>,
    /// The phases that its declaration points to, one bit each; none for unknown.
    pub(super) phases: u8,
    pub(super) history: History,
    /// How it has done of late.
    pub(super) recent: Option<u32>,
}

impl Profile {
    /// An agent of which only the declaration is known.
    pub(super) fn new(id: AgentId, spec: &AgentSpec, size: usize, reader: &Reader) -> Self {
        let mut terms = BTreeMap::new();
        let mut add = |text: &str, weight: u16| {
            let whole = text.to_lowercase();
            // A name such as `c++` or `ci/cd` has no words that would find it.
            let whole = (!whole.contains(char::is_whitespace)).then_some(whole);
            let times = time_patterns(text).into_iter().flat_map(|pattern| reader.stems(pattern.as_str()));
            for stem in reader.stems(text).into_iter().chain(whole).chain(times) {
                let known = terms.entry(stem).or_insert(weight);
                *known = weight.max(*known);
            }
        };
        spec.keywords.iter().chain(&spec.specializations).for_each(|text| add(text, 1000));
        spec.capabilities.iter().for_each(|capability| add(&capability.kind, 800));
        spec.tools_available.iter().chain(&spec.role).for_each(|text| add(text, 800));
        let phases = phases_of(terms.keys().map(String::as_str));
        // A name is a label: it may find an agent, and says nothing about what it does.
        let mut add = |text: &str| {
            for stem in reader.stems(text) {
                terms.entry(stem).or_insert(500);
            }
        };
        add(&spec.name);
        spec.display_name.iter().for_each(|text| add(text));
        Self { id, size, terms, phases, history: History::default(), recent: None }
    }
}
