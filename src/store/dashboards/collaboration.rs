//! Who works on whose results: the dependencies between tasks, by the agents that did them.

use std::collections::BTreeMap;

use rusqlite::{Row, params};

use super::super::error::{Doing, Error};
use super::super::reader::Reader;
use super::super::rows::Columns;
use crate::domain::dashboard::{Collaboration, CollaborationLink};
use crate::domain::id::{AgentId, TaskId};
use crate::domain::time::Timestamp;

const DOING: &str = "reading who works on whose results";

/// The most dependencies that are looked at.
const DEPENDENCIES_MAX: usize = 20_000;

/// A dependency between tasks.
struct Dependency {
    task: TaskId,
    from: Option<AgentId>,
    to: Option<AgentId>,
    artifacts: u64,
    approved: u64,
}

fn dependency(row: &Row<'_>) -> rusqlite::Result<Dependency> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    let (task, from, to) = (c.id(TaskId)?, c.optional_id(AgentId)?, c.optional_id(AgentId)?);
    Ok(Dependency { task, from, to, artifacts: c.count()?, approved: c.count()? })
}

/// How dependencies are found, with who did their tasks.
pub(super) fn sql() -> String {
    format!(
        "SELECT d.task_id, o.assigned_agent_id, t.assigned_agent_id,
                 (SELECT count(*) FROM artifact r WHERE r.task_id = d.depends_on),
                 (SELECT count(*) FROM artifact r WHERE r.task_id = d.depends_on AND r.human_approved)
             FROM (SELECT task_id, place, depends_on FROM task_dependency WHERE task_id >= ?1
                   ORDER BY task_id DESC, place DESC LIMIT {DEPENDENCIES_MAX}) d
             CROSS JOIN task t ON t.id = d.task_id LEFT JOIN task o ON o.id = d.depends_on"
    )
}

impl Reader {
    /// The dependencies of tasks that were submitted after a time. Ids of tasks are in the order of time, so the latest are
    /// at the end of their table.
    pub fn collaboration(&self, since: Timestamp) -> Result<Collaboration, Error> {
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
        let (mut open, mut links) = (0, BTreeMap::<(AgentId, AgentId), (u64, u64, u64)>::new());
        for one in &found {
            let (Some(from), Some(to)) = (one.from, one.to) else {
                open += 1;
                continue;
            };
            let (tasks, artifacts, approved) = links.entry((from, to)).or_default();
            *tasks += 1;
            *artifacts += one.artifacts;
            *approved += one.approved;
        }
        let mut name = connection.prepare_cached("SELECT name FROM agent WHERE id = ?").doing(DOING)?;
        let mut names: BTreeMap<AgentId, String> = BTreeMap::new();
        for id in links.keys().flat_map(|(from, to)| [*from, *to]) {
            if let std::collections::btree_map::Entry::Vacant(vacant) = names.entry(id) {
                let mut rows = name.query([id.0.as_bytes()]).doing(DOING)?;
                let known = rows.next().doing(DOING)?.map(|row| row.get(0)).transpose().doing(DOING)?;
                vacant.insert(known.unwrap_or_else(|| id.to_string()));
            }
        }
        let called = |id: AgentId| names.get(&id).cloned().unwrap_or_default();
        let mut links: Vec<CollaborationLink> = links
            .into_iter()
            .map(|((from, to), (tasks, artifacts, approved))| CollaborationLink {
                from: called(from),
                to: called(to),
                tasks,
                artifacts,
                approved,
            })
            .collect();
        links.sort_by(|one, other| {
            other.tasks.cmp(&one.tasks).then_with(|| (&one.from, &one.to).cmp(&(&other.from, &other.to)))
        });
        Ok(Collaboration { looked_at: found.len() as u64, open, complete_from, links })
    }
}
