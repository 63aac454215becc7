//! What went wrong, by likeness of message.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Row, params};

use super::super::error::{Doing, Error};
use super::super::journal::integer;
use super::super::reader::Reader;
use super::super::rows::Columns;
use super::groups::Groups as AgentGroups;
use crate::domain::confidence::Rate;
use crate::domain::dashboard::{ErrorGroup, ErrorSummary, Per};
use crate::domain::execution::OutcomeKind;
use crate::domain::id::{AgentId, CageId, ExecutionId, TaskId};
use crate::domain::likeness::Groups;
use crate::domain::time::Timestamp;

const DOING: &str = "reading what failed";

/// The most executions that are looked at of each kind of outcome.
const EACH_MAX: usize = 5_000;

/// The outcomes that are errors: neither a success nor what somebody or the scheduler wanted.
const ERRORS: [OutcomeKind; 6] = [
    OutcomeKind::Failed,
    OutcomeKind::TimedOut,
    OutcomeKind::LimitExceeded,
    OutcomeKind::NotStarted,
    OutcomeKind::CageFailed,
    OutcomeKind::WorkerLost,
];

/// A failed execution.
struct Failure {
    id: ExecutionId,
    task: TaskId,
    agent: AgentId,
    cage: CageId,
    created: Timestamp,
    ended: Timestamp,
    message: String,
}

fn failure(row: &Row<'_>) -> rusqlite::Result<Failure> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    let (id, task, agent, cage) = (c.id(ExecutionId)?, c.id(TaskId)?, c.id(AgentId)?, c.cage()?);
    Ok(Failure { id, task, agent, cage, created: c.time()?, ended: c.time()?, message: c.get()? })
}

/// A group while it is counted.
struct Counted {
    group: ErrorGroup,
    place: usize,
    agents: BTreeSet<AgentId>,
    cages: BTreeSet<CageId>,
}

/// How executions of one outcome are found.
pub(super) fn sql() -> String {
    format!(
        "SELECT e.id, e.task_id, e.agent_id, e.cage_id, e.created_at, e.completed_at,
                 coalesce(nullif(e.outcome ->> 'message', ''), e.outcome_kind)
             FROM execution e WHERE e.status = 'failed' AND e.outcome_kind = ?1 AND e.seq > ?2
             ORDER BY e.seq DESC LIMIT {EACH_MAX}"
    )
}

impl Reader {
    /// The executions that began after a time and failed, those with like messages together; those of each group of agents
    /// or type of task apart where that is asked for.
    pub fn errors(&self, since: Timestamp, per: Option<Per>) -> Result<ErrorSummary, Error> {
        let connection = self.connection();
        let _look = connection.unchecked_transaction().doing(DOING)?;
        let low = self.journal_before(since)?;
        // The index has those of one outcome in the order of their numbers.
        let sql = sql();
        let mut statement = connection.prepare_cached(&sql).doing(DOING)?;
        let mut apart = per.map(|per| AgentGroups::new(connection, per)).transpose()?;
        let (mut looked_at, mut complete_from) = (0, since);
        let mut counted: Vec<Counted> = vec![];
        for outcome in ERRORS {
            let failures: Vec<Failure> = statement
                .query_map(params![outcome.as_str(), integer(low)], failure)
                .and_then(Iterator::collect)
                .doing(DOING)?;
            looked_at += failures.len() as u64;
            if let Some(last) = failures.last().filter(|_| failures.len() >= EACH_MAX) {
                complete_from = complete_from.max(last.created);
            }
            let mut parts: BTreeMap<Option<String>, Vec<Failure>> = BTreeMap::new();
            for failure in failures {
                let part = apart.as_mut().map(|apart| apart.of(failure.agent, failure.task)).transpose()?;
                parts.entry(part).or_default().push(failure);
            }
            for (part, failures) in parts {
                counted.extend(group(outcome, part.as_ref(), failures));
            }
        }
        let mut groups: Vec<ErrorGroup> = counted.into_iter().map(|counted| counted.group).collect();
        for group in &mut groups {
            group.share = Rate::of(group.count, looked_at);
        }
        groups.sort_by_key(|group| (std::cmp::Reverse((group.count, group.last)), group.execution_id));
        Ok(ErrorSummary { looked_at, complete_from, groups })
    }
}

/// Failures of one outcome and one group of agents, the newest first, by likeness.
fn group(outcome: OutcomeKind, of: Option<&String>, failures: Vec<Failure>) -> Vec<Counted> {
    let mut alike = Groups::default();
    let mut found: BTreeMap<usize, Counted> = BTreeMap::new();
    for failure in failures {
        let place = alike.place(&failure.message);
        let counted = found.entry(place).or_insert_with(|| Counted {
            group: ErrorGroup {
                group: of.cloned(),
                share: Rate::default(),
                pattern: String::new(),
                outcome,
                count: 0,
                agents: 0,
                cages: 0,
                first: failure.ended,
                last: failure.ended,
                example: failure.message.clone(),
                execution_id: failure.id,
                task_id: failure.task,
            },
            place,
            agents: BTreeSet::new(),
            cages: BTreeSet::new(),
        });
        let group = &mut counted.group;
        group.count += 1;
        (group.first, group.last) = (group.first.min(failure.ended), group.last.max(failure.ended));
        counted.agents.insert(failure.agent);
        counted.cages.insert(failure.cage);
    }
    let mut groups: Vec<Counted> = found.into_values().collect();
    for counted in &mut groups {
        counted.group.pattern = alike.pattern(counted.place);
        (counted.group.agents, counted.group.cages) = (counted.agents.len() as u64, counted.cages.len() as u64);
    }
    groups
}
