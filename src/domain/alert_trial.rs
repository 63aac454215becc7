//! What a rule would have said of the past.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alert_rule::{Level, Subject};
use super::quantity::Span;
use super::time::Timestamp;

/// A time during which a rule would have had an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Firing {
    /// What it would have been about.
    pub subject: Subject,
    /// The worst level that it would have reached.
    pub level: Level,
    /// When it would have come up.
    pub from: Timestamp,
    /// When it would have been over; `None` when it would be open now.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// What would have been said, at its worst.
    pub message: String,
}

/// What came of trying a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trial {
    /// When the first of the samples that it was tried on was taken; `None` when there are none.
    #[serde(default)]
    pub first: Option<Timestamp>,
    /// How many samples there are.
    pub samples: u64,
    /// How many subjects they are of.
    pub subjects: u64,
    /// The window that it was tried with, where the samples are too far apart for its own: workers measure as often as the
    /// shortest window needs, but not before there is a rule that has it.
    #[serde(default)]
    pub window: Option<Span>,
    /// When it would have fired, in the order of time.
    pub firings: Vec<Firing>,
}

/// When something ran in each cage, or for each agent: with their work some alerts are over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    complete_from: Timestamp,
    of: BTreeMap<String, Vec<(Timestamp, Timestamp)>>,
}

impl Runs {
    /// None yet; all that ran from a time on will be added.
    pub const fn from(complete_from: Timestamp) -> Self {
        Self { complete_from, of: BTreeMap::new() }
    }

    /// Adds an execution, from when it was placed until it had ended, if it has. In any order.
    pub fn add(&mut self, name: impl Into<String>, from: Timestamp, until: Option<Timestamp>) {
        self.of.entry(name.into()).or_default().push((from, until.unwrap_or(Timestamp::LAST)));
    }

    /// Goes through what ran in one cage, or for one agent, in the order of time.
    pub fn walk(&self, name: &str) -> Walk {
        let mut coming = self.of.get(name).cloned().unwrap_or_default();
        coming.sort_unstable_by(|one, other| other.cmp(one));
        Walk { complete_from: self.complete_from, coming, under_way: BTreeSet::new() }
    }

    /// When something began or ended there.
    pub fn changes(&self, name: &str) -> impl Iterator<Item = Timestamp> {
        self.of.get(name).into_iter().flatten().flat_map(|(from, until)| [*from, *until])
    }
}

/// What ran in one cage, or for one agent, time after time.
#[derive(Clone, Debug)]
pub struct Walk {
    complete_from: Timestamp,
    /// What has not begun yet, the latest first.
    coming: Vec<(Timestamp, Timestamp)>,
    /// What has: when it ends, and when it began.
    under_way: BTreeSet<(Timestamp, Timestamp)>,
}

impl Walk {
    /// Goes on to a time, no earlier than the one before.
    pub fn go_to(&mut self, at: Timestamp) {
        while let Some((from, until)) = self.coming.pop_if(|(from, _)| *from <= at) {
            self.under_way.insert((until, from));
        }
        while self.under_way.first().is_some_and(|(until, _)| *until <= at) {
            self.under_way.pop_first();
        }
    }

    /// Whether nothing runs; `false` where nobody has kept what did.
    pub fn is_at_rest(&self, at: Timestamp) -> bool {
        at >= self.complete_from && self.under_way.is_empty()
    }

    /// When the first of what runs began.
    pub fn first(&self) -> Option<Timestamp> {
        self.under_way.iter().map(|(_, from)| *from).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_known_when_something_ran() {
        let at = Timestamp::from_micros;
        let mut runs = Runs::from(at(5));
        for (from, until) in [(20, None), (10, Some(30)), (2, Some(8)), (12, Some(15))] {
            runs.add("a", at(from), until.map(at));
        }
        let mut walk = runs.walk("a");
        let found = [
            (3, false, Some(2)),
            (7, false, Some(2)),
            (8, true, None),
            (10, false, Some(10)),
            (25, false, Some(10)),
            (31, false, Some(20)),
        ];
        for (time, rests, first) in found {
            walk.go_to(at(time));
            assert_eq!((walk.is_at_rest(at(time)), walk.first()), (rests, first.map(at)), "{time}");
        }
        assert!(runs.changes("a").any(|time| time == at(15)));
        let nobody = runs.walk("b");
        assert!(nobody.is_at_rest(at(5)) && !nobody.is_at_rest(at(4)), "before that nobody knows");
    }
}
