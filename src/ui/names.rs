//! Names for rows that only know ids. Whatever screen asks for them, all can use them afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::request::{Answer, Request};
use super::screen::Out;

/// The most names that are kept; fleets have at most 10,000 agents.
const NAMES_MAX: usize = 20_000;

/// What is known.
#[derive(Default)]
pub struct Names {
    known: BTreeMap<String, String>,
}

impl Names {
    /// Takes names out of an answer, if there are any in it.
    pub fn learn(&mut self, answer: &Answer) {
        if let Answer::Names(names) = answer {
            let room = NAMES_MAX.saturating_sub(self.known.len());
            self.known.extend(names.iter().take(room).map(|(id, name)| (id.clone(), name.clone())));
        }
    }

    /// The name of an agent, a user or a machine; `None` while nobody has asked for it, and for one that is gone.
    pub fn of(&self, id: impl Display) -> Option<&str> {
        self.known.get(&id.to_string()).map(String::as_str)
    }
}

/// Asks for the names of agents, each once. Those of users and machines come along.
#[derive(Default)]
pub struct Inquirer {
    asked: BTreeSet<String>,
}

impl Inquirer {
    /// Asks for those of `ids` that were not asked for before.
    pub fn ask(&mut self, ids: impl Iterator<Item = impl Display>, out: &mut Out) {
        let new: Vec<String> = ids.map(|id| id.to_string()).filter(|id| self.asked.insert(id.clone())).collect();
        if !new.is_empty() {
            out.ask(None, Request::Names(new));
        }
    }
}
