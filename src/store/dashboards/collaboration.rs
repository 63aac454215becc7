//! Who works on whose results: the dependencies between tasks, by the agents that did them.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Row, params};

use super::super::error::{Doing, Error};
use super::super::reader::Reader;
use super::super::rows::Columns;
use super::agents::NO_TASK;
use super::groups::Groups;
use super::trends::{OfKind, counts, counts_of_kinds};
use crate::domain::OutcomeKind;
use crate::domain::confidence::Rate;
use crate::domain::dashboard::{Collaboration, CollaborationLink, Per};
use crate::domain::id::{AgentId, TaskId};
use crate::domain::performance::Day;
use crate::domain::time::Timestamp;

const DOING: &str = "reading who works on whose results";

/// The most dependencies that are looked at.
const DEPENDENCIES_MAX: usize = 20_000;

/// A dependency between tasks.
struct Dependency {
    task: TaskId,
    depends_on: TaskId,
    from: Option<AgentId>,
    to: Option<AgentId>,
    artifacts: u64,
    approved: u64,
}

fn dependency(row: &Row<'_>) -> rusqlite::Result<Dependency> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    let (task, depends_on) = (c.id(TaskId)?, c.id(TaskId)?);
    let (from, to) = (c.optional_id(AgentId)?, c.optional_id(AgentId)?);
    Ok(Dependency { task, depends_on, from, to, artifacts: c.count()?, approved: c.count()? })
}

/// How dependencies are found, with who did their tasks.
pub(super) fn sql() -> String {
    format!(
        "SELECT d.task_id, d.depends_on, o.assigned_agent_id, t.assigned_agent_id,
                 (SELECT count(*) FROM artifact r WHERE r.task_id = d.depends_on),
                 (SELECT count(*) FROM artifact r WHERE r.task_id = d.depends_on AND r.human_approved)
             FROM (SELECT task_id, place, depends_on FROM task_dependency WHERE task_id >= ?1
                   ORDER BY task_id DESC, place DESC LIMIT {DEPENDENCIES_MAX}) d
             CROSS JOIN task t ON t.id = d.task_id LEFT JOIN task o ON o.id = d.depends_on"
    )
}

/// How the executions of a task are found that say how good somebody is at it, with who did them.
pub(super) fn ended_sql() -> String {
    let judging = OutcomeKind::ALL.iter().filter(|kind| kind.judges_agent()).map(|kind| format!("'{kind}'"));
    format!(
        "SELECT e.agent_id, count(*), sum(e.status = 'completed') FROM execution e
             WHERE e.task_id = ?1 AND e.outcome_kind IN ({}) GROUP BY e.agent_id",
        judging.collect::<Vec<_>>().join(", ")
    )
}

/// What one did with the results of another.
#[derive(Default)]
struct Sum {
    tasks: u64,
    artifacts: u64,
    approved: u64,
    ended: u64,
    good: u64,
}

impl Reader {
    /// The dependencies of tasks that were submitted after a time, by agents, groups of them or types of tasks. Ids of tasks are in the order
    /// of time, so the latest are at the end of their table.
    pub fn collaboration(&self, since: Timestamp, per: Per) -> Result<Collaboration, Error> {
        let connection = self.connection();
        let _look = connection.unchecked_transaction().doing(DOING)?;
        // A cross join is not turned around: tasks are looked up for the dependencies that are wanted.
        let sql = sql();
        let low = TaskId::new(since, 0);
        let found: Vec<Dependency> = connection
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_map(params![low.0.as_bytes()], dependency)?.collect())
            .doing(DOING)?;
        let first = found.iter().map(|one| one.task.made_at()).min();
        let complete_from = first.filter(|_| found.len() >= DEPENDENCIES_MAX).map_or(since, |first| first.max(since));
        let mut groups = Groups::new(connection, per)?;
        let mut ended = connection.prepare_cached(&ended_sql()).doing(DOING)?;
        let (mut open, mut links) = (0, BTreeMap::<(String, String), Sum>::new());
        // A task that builds on two of the same is one case.
        let mut cases: BTreeSet<(TaskId, String)> = BTreeSet::new();
        for one in &found {
            let (Some(from), Some(to)) = (one.from, one.to) else {
                open += 1;
                continue;
            };
            let from = groups.of(from, one.depends_on)?;
            let sum = links.entry((from.clone(), groups.of(to, one.task)?)).or_default();
            sum.tasks += 1;
            sum.artifacts += one.artifacts;
            sum.approved += one.approved;
            if !cases.insert((one.task, from.clone())) {
                continue;
            }
            // Not only the last attempt says something, and it need not be of who has the task now.
            let mut rows = ended.query([one.task.0.as_bytes()]).doing(DOING)?;
            while let Some(row) = rows.next().doing(DOING)? {
                let mut columns = Columns::new(row);
                let c = &mut columns;
                let mut read = || Ok((c.id(AgentId)?, c.count()?, c.count()?));
                let (agent, all, good) = read().doing(DOING)?;
                let sum = links.entry((from.clone(), groups.of(agent, one.task)?)).or_default();
                (sum.ended, sum.good) = (sum.ended + all, sum.good + good);
            }
        }
        let mut overall: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        let day = Day::of(complete_from);
        if per == Per::TaskType {
            let of_kind = |of: OfKind| (of.kind, (of.ended, of.good));
            overall.extend(counts_of_kinds(connection, day, day)?.into_iter().map(of_kind));
        } else {
            for (agent, _, all, good) in counts(connection, day, day)? {
                let sum = overall.entry(groups.of(agent, NO_TASK)?).or_default();
                *sum = (sum.0 + all, sum.1 + good);
            }
        }
        let mut links: Vec<CollaborationLink> = links
            .into_iter()
            .map(|((from, to), sum)| {
                let success = Rate::of(sum.good, sum.ended);
                let overall = overall.get(&to).map_or_else(Rate::default, |(all, good)| Rate::of(*good, *all));
                CollaborationLink {
                    from,
                    to,
                    tasks: sum.tasks,
                    artifacts: sum.artifacts,
                    approved: sum.approved,
                    success,
                    overall,
                    change: success.beside(&overall),
                }
            })
            .collect();
        links.sort_by(|one, other| {
            other.tasks.cmp(&one.tasks).then_with(|| (&one.from, &one.to).cmp(&(&other.from, &other.to)))
        });
        Ok(Collaboration { looked_at: found.len() as u64, open, complete_from, links })
    }
}
