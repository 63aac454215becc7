//! Which group an agent or a task belongs to, looked up once each.

use std::collections::BTreeMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension};
use uuid::Uuid;

use super::super::error::{Doing, Error};
use super::super::version::NAME;
use crate::domain::dashboard::Per;
use crate::domain::id::{AgentId, TaskId};

const DOING: &str = "reading what agents are";

/// What is said of an agent of which it is not known.
const UNKNOWN: &str = "-";

/// How the group of an agent is found, or of a task. What a removed agent was for and where it belonged, its last version tells.
const fn sql(per: Per) -> &'static str {
    match per {
        Per::Agent => NAME,
        Per::Type => {
            "SELECT coalesce((SELECT spec ->> 'kind' FROM agent WHERE id = ?1), (SELECT spec ->> 'kind' FROM agent_version
                 WHERE agent_id = ?1 ORDER BY version DESC LIMIT 1))"
        }
        Per::Division => {
            "SELECT coalesce((SELECT spec ->> 'division' FROM agent WHERE id = ?1), (SELECT spec ->> 'division'
                 FROM agent_version WHERE agent_id = ?1 ORDER BY version DESC LIMIT 1))"
        }
        Per::Owner => "SELECT u.name FROM agent a JOIN user u ON u.id = a.owner WHERE a.id = ?1",
        Per::TaskType => "SELECT type FROM task WHERE id = ?1",
    }
}

/// Every statement by which groups are found.
#[cfg(test)]
pub(super) fn statements() -> Vec<String> {
    Per::ALL.iter().map(|per| sql(*per).to_owned()).collect()
}

/// The groups of agents, or of what they do.
pub(super) struct Groups<'c> {
    per: Per,
    statement: CachedStatement<'c>,
    known: BTreeMap<Uuid, String>,
}

impl<'c> Groups<'c> {
    /// Groups of which none is known yet.
    pub(super) fn new(connection: &'c Connection, per: Per) -> Result<Self, Error> {
        let statement = connection.prepare_cached(sql(per)).doing(DOING)?;
        Ok(Self { per, statement, known: BTreeMap::new() })
    }

    /// The group of what an agent did with a task. An agent that is not known at all is its id where each is by itself.
    pub(super) fn of(&mut self, agent: AgentId, task: TaskId) -> Result<String, Error> {
        let id = if self.per == Per::TaskType { task.0 } else { agent.0 };
        if let Some(known) = self.known.get(&id) {
            return Ok(known.clone());
        }
        let read = |row: &rusqlite::Row<'_>| row.get::<_, Option<String>>(0);
        let found = self.statement.query_row([id.as_bytes()], read).optional().doing(DOING)?.flatten();
        let group = found.unwrap_or_else(|| if self.per == Per::Agent { id.to_string() } else { UNKNOWN.to_owned() });
        self.known.insert(id, group.clone());
        Ok(group)
    }
}
