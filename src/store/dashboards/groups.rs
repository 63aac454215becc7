//! Which group an agent belongs to, looked up once each.

use std::collections::BTreeMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension};

use super::super::error::{Doing, Error};
use crate::domain::dashboard::Per;
use crate::domain::id::AgentId;

const DOING: &str = "reading what agents are";

/// What is said of an agent of which it is not known.
const UNKNOWN: &str = "-";

/// How the group of an agent is found. What a removed agent was for and where it belonged, its last version tells.
const fn sql(per: Per) -> &'static str {
    match per {
        Per::Agent => "SELECT name FROM agent WHERE id = ?1",
        Per::Type => {
            "SELECT coalesce((SELECT spec ->> 'kind' FROM agent WHERE id = ?1), (SELECT spec ->> 'kind' FROM agent_version
                 WHERE agent_id = ?1 ORDER BY version DESC LIMIT 1))"
        }
        Per::Division => {
            "SELECT coalesce((SELECT spec ->> 'division' FROM agent WHERE id = ?1), (SELECT spec ->> 'division'
                 FROM agent_version WHERE agent_id = ?1 ORDER BY version DESC LIMIT 1))"
        }
        Per::Owner => "SELECT u.name FROM agent a JOIN user u ON u.id = a.owner WHERE a.id = ?1",
    }
}

/// Every statement by which groups are found.
#[cfg(test)]
pub(super) fn statements() -> Vec<String> {
    Per::ALL.iter().map(|per| sql(*per).to_owned()).collect()
}

/// The groups of agents.
pub(super) struct Groups<'c> {
    per: Per,
    statement: CachedStatement<'c>,
    known: BTreeMap<AgentId, String>,
}

impl<'c> Groups<'c> {
    /// Groups of which none is known yet.
    pub(super) fn new(connection: &'c Connection, per: Per) -> Result<Self, Error> {
        let statement = connection.prepare_cached(sql(per)).doing(DOING)?;
        Ok(Self { per, statement, known: BTreeMap::new() })
    }

    /// The group of an agent; that of one that was removed, where each is by itself, is its id.
    pub(super) fn of(&mut self, id: AgentId) -> Result<String, Error> {
        if let Some(known) = self.known.get(&id) {
            return Ok(known.clone());
        }
        let read = |row: &rusqlite::Row<'_>| row.get::<_, Option<String>>(0);
        let found = self.statement.query_row([id.0.as_bytes()], read).optional().doing(DOING)?.flatten();
        let group = found.unwrap_or_else(|| if self.per == Per::Agent { id.to_string() } else { UNKNOWN.to_owned() });
        self.known.insert(id, group.clone());
        Ok(group)
    }
}
