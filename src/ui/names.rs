//! Names of agents, for rows that only know their ids. Whatever screen asks for agents, all can name them afterwards.

use std::collections::{BTreeMap, BTreeSet};

use super::request::{Answer, Request};
use super::screen::Out;
use crate::domain::id::AgentId;

/// The most names that are kept; fleets have at most 10,000 agents.
const NAMES_MAX: usize = 20_000;

/// The most ids that one question names.
const ASKED_MAX: usize = 100;

/// What is known.
#[derive(Default)]
pub struct Names {
    agents: BTreeMap<AgentId, String>,
}

impl Names {
    /// Takes names out of an answer, if there are any in it.
    pub fn learn(&mut self, answer: &Answer) {
        let agents = match answer {
            Answer::Agents(page) => page.rows.as_slice(),
            Answer::Agent(agent) => std::slice::from_ref(agent.as_ref()),
            _ => &[],
        };
        for agent in agents {
            if self.agents.len() < NAMES_MAX || self.agents.contains_key(&agent.id) {
                self.agents.insert(agent.id, agent.spec.name.clone());
            }
        }
    }

    /// The name of an agent; `None` while nobody has asked for it, and for one that is gone.
    pub fn agent(&self, id: AgentId) -> Option<&str> {
        self.agents.get(&id).map(String::as_str)
    }
}

/// Asks for the names of agents, each once.
#[derive(Default)]
pub struct Inquirer {
    asked: BTreeSet<AgentId>,
}

impl Inquirer {
    /// Asks for those of `ids` that were not asked for before.
    pub fn ask(&mut self, ids: impl Iterator<Item = AgentId>, out: &mut Out) {
        let new: Vec<AgentId> = ids.filter(|id| self.asked.insert(*id)).collect();
        for ids in new.chunks(ASKED_MAX) {
            let ids: Vec<String> = ids.iter().map(AgentId::to_string).collect();
            let query = vec![
                ("filter".to_owned(), format!("id:{}", ids.join(","))),
                ("limit".to_owned(), ids.len().to_string()),
            ];
            out.ask(None, Request::Agents(query));
        }
    }
}
