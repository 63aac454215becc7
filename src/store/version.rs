//! The definitions that agents have had.

use rusqlite::{OptionalExtension, Row, params};

use super::error::{Doing, Error};
use super::reader::Reader;
use super::rows::Columns;
use crate::domain::AgentId;
use crate::domain::agent::AgentVersion;

/// How an agent is called: by its name; one that was removed by the last that it had, with a word that says so.
pub(super) const NAME: &str = "SELECT coalesce((SELECT name FROM agent WHERE id = ?1), (SELECT name || ' (removed)'
                 FROM agent_version WHERE agent_id = ?1 ORDER BY version DESC LIMIT 1))";

impl Reader {
    /// How an agent is called: its name, `NAME (removed)` of one that was removed, the id of one that there never was.
    pub fn agent_name(&self, id: AgentId) -> Result<String, Error> {
        self.connection()
            .prepare_cached(NAME)
            .and_then(|mut statement| {
                statement.query_row(params![id.0.as_bytes()], |row| row.get::<_, Option<String>>(0))
            })
            .map(|name| name.unwrap_or_else(|| id.to_string()))
            .doing("reading what an agent is called")
    }

    /// The definitions that an agent has had, the first first. A removed agent is found by the name that it had last.
    pub fn agent_versions(&self, text: &str) -> Result<Vec<AgentVersion>, Error> {
        let doing = "reading the versions of an agent";
        let id = match self.resolve_agent(text) {
            Ok(id) => id,
            Err(Error::Refused(refusal)) => {
                let removed = self
                    .connection()
                    .prepare_cached("SELECT agent_id FROM agent_version WHERE name = ? ORDER BY seq DESC LIMIT 1")
                    .and_then(|mut statement| {
                        statement.query_row([text], |row| Columns::new(row).id(AgentId)).optional()
                    })
                    .doing(doing)?;
                removed.ok_or(Error::Refused(refusal))?
            }
            Err(error) => return Err(error),
        };
        let read = |row: &Row<'_>| {
            let mut columns = Columns::new(row);
            Ok(AgentVersion {
                version: columns.count()?,
                seq: columns.count()?,
                time: columns.time()?,
                actor: columns.get()?,
                spec: columns.json()?,
            })
        };
        self.connection()
            .prepare_cached(
                "SELECT version, seq, declared_at, actor, spec FROM agent_version WHERE agent_id = ? ORDER BY version",
            )
            .and_then(|mut statement| statement.query_map(params![id.0.as_bytes()], read)?.collect())
            .doing(doing)
    }
}
