//! When something ran in each cage, or for each agent, for rules to be tried on.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rusqlite::{OptionalExtension, Row, params};

use super::dashboards::LOOK_BACK;
use super::error::{Doing, Error};
use super::journal::integer;
use super::reader::Reader;
use super::rows::Columns;
use crate::domain::alert_trial::Runs;
use crate::domain::id::AgentId;
use crate::domain::time::Timestamp;
use crate::domain::{CageId, Scope};

const DOING: &str = "reading when something ran";

/// The most executions that are looked at, the latest.
const EXECUTIONS_MAX: u64 = 500_000;

/// How executions that began after a record are found.
pub(super) fn began_sql() -> String {
    format!(
        "SELECT agent_id, cage_id, created_at, completed_at FROM execution WHERE seq > ? ORDER BY seq DESC \
         LIMIT {EXECUTIONS_MAX}"
    )
}

/// How executions are found that have not ended and began before.
pub(super) const OPEN_SQL: &str =
    "SELECT agent_id, cage_id, created_at, completed_at FROM execution WHERE completed_at IS NULL AND seq <= ?";

/// By whom, where, from when, and until when.
type Run = (AgentId, CageId, Timestamp, Option<Timestamp>);

fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    let mut columns = Columns::new(row);
    Ok((columns.id(AgentId)?, columns.cage()?, columns.time()?, columns.optional_time()?))
}

impl Reader {
    /// When something ran since a time: by agent, by name, where `scope` is that, otherwise by cage. What began six hours before
    /// and ended since is known; of more executions than half a million the latest are, and from when on that is.
    pub fn runs(&self, scope: Scope, since: Timestamp) -> Result<Runs, Error> {
        let connection = self.connection();
        let _look = connection.unchecked_transaction().doing(DOING)?;
        let earliest = Timestamp::from_micros(since.as_micros().saturating_sub(LOOK_BACK.as_micros()).max(0));
        let before = integer(self.journal_before(earliest)?);
        let began: Vec<Run> = connection
            .prepare_cached(&began_sql())
            .and_then(|mut statement| statement.query_map(params![before], run)?.collect())
            .doing(DOING)?;
        let open: Vec<Run> = connection
            .prepare_cached(OPEN_SQL)
            .and_then(|mut statement| statement.query_map(params![before], run)?.collect())
            .doing(DOING)?;
        let complete_from = match began.last() {
            Some((_, _, created, _)) if began.len() as u64 >= EXECUTIONS_MAX => since.max(*created),
            _ => since,
        };
        let mut runs = Runs::from(complete_from);
        let mut of_agent = connection.prepare_cached("SELECT name FROM agent WHERE id = ?").doing(DOING)?;
        let mut names: BTreeMap<AgentId, Option<String>> = BTreeMap::new();
        for (agent, cage, from, until) in began.into_iter().chain(open) {
            if until.is_some_and(|until| until < since) {
                continue;
            }
            if scope != Scope::Agent {
                runs.add(cage.to_string(), from, until);
                continue;
            }
            let name = match names.entry(agent) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => {
                    let asked = of_agent.query_row([agent.0.as_bytes()], |row| row.get(0));
                    unknown.insert(asked.optional().doing(DOING)?)
                }
            };
            // One that was removed has no name any more.
            if let Some(name) = name {
                runs.add(name.as_str(), from, until);
            }
        }
        Ok(runs)
    }
}
