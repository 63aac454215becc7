//! Rows that are put together from several answers of the engine, on the thread that asks, so that a screen asks once and
//! never shows half of one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::request::Page;
use crate::api::client::{Client, Error, Query};
use crate::api::live::NodeSensors;
use crate::api::types::JournalRow;
use crate::domain::metric;
use crate::domain::{Agent, AgentId, Execution, Node, Task, TaskId, Timestamp, User};

/// The most rows for which more than themselves is asked; of more than that nobody looks at each. A filter may name more than
/// twice as many ids.
const DETAILED_MAX: usize = 200;
/// So many agents that were removed are asked about one by one.
const REMOVED_MAX: usize = 20;

/// The most agents of a hierarchy.
pub const HIERARCHY_MAX: usize = 10_000;

/// How many of them are asked for at a time: their records are long and only a little of each is kept.
const HIERARCHY_PAGE: usize = 1_000;

/// What an agent does now.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// The task.
    pub task: TaskId,
    /// Its type; `None` when it could not be found.
    pub kind: Option<String>,
    /// 1-100, as the agent reports it; `None` when it reported nothing.
    pub progress: Option<u8>,
    /// What it does at the moment, in words; `None` when it does not say.
    pub activity: Option<String>,
    /// What it said last about its progress.
    pub said: Option<String>,
    /// When the worker told that its process started.
    pub started: Option<Timestamp>,
}

/// An agent and what it does now.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentRow {
    /// The agent.
    pub agent: Agent,
    /// The task that it took last and has not ended.
    pub work: Option<Work>,
}

impl AgentRow {
    /// When the worker was last heard from about it: that an attempt ended, or that the one that runs started. `None` when it
    /// has attempted nothing yet.
    pub fn heard(&self) -> Option<Timestamp> {
        self.agent.last_heartbeat.max(self.work.as_ref().and_then(|work| work.started))
    }
}

/// An attempt and what sort of work it was.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRow {
    /// The attempt.
    pub execution: Execution,
    /// The type of its task; `None` when it could not be found.
    pub kind: Option<String>,
}

/// What a hierarchy needs of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Identifier.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// The name of the agent above it.
    #[serde(default)]
    pub reports_to: Option<String>,
}

/// A part of the journal, the newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Records {
    /// The records.
    pub rows: Vec<JournalRow>,
    /// With a filter: before which record to go on looking; `None` when all were looked at.
    pub next: Option<u64>,
    /// The number of the journal's last record.
    pub head: u64,
}

fn given(name: &str, value: impl std::fmt::Display) -> (String, String) {
    (name.to_owned(), format!("{value}"))
}

fn ids<T: ToString>(all: impl Iterator<Item = T>) -> String {
    all.map(|id| id.to_string()).collect::<Vec<_>>().join(",")
}

/// The types of tasks. Those that are no longer known are left out.
fn kinds(client: &Client, tasks: &[TaskId]) -> Result<BTreeMap<TaskId, String>, Error> {
    if tasks.is_empty() {
        return Ok(BTreeMap::new());
    }
    let query = vec![given("filter", format!("id:{}", ids(tasks.iter()))), given("limit", tasks.len())];
    let (found, _): (Vec<Task>, u64) = client.list("tasks", &query)?;
    Ok(found.into_iter().map(|task| (task.id, task.kind)).collect())
}

/// Agents with what they do now.
///
/// # Errors
/// Those of the client.
pub fn agents(client: &Client, query: &Query) -> Result<Page<AgentRow>, Error> {
    let (agents, total): (Vec<Agent>, u64) = client.list("agents", query)?;
    let mut tasks: Vec<TaskId> = agents.iter().filter_map(|agent| agent.current_task_id).collect();
    if agents.len() > DETAILED_MAX {
        tasks.clear();
    }
    let kinds = kinds(client, &tasks)?;
    let mut running = BTreeMap::new();
    if !tasks.is_empty() {
        let filter = format!("status:starting,running task:{}", ids(tasks.iter()));
        let (found, _): (Vec<Execution>, u64) =
            client.list("executions", &vec![given("filter", filter), given("limit", tasks.len())])?;
        running.extend(found.into_iter().map(|execution| (execution.task_id, execution)));
    }
    let work = |task: TaskId| {
        let execution = running.get(&task);
        Work {
            task,
            kind: kinds.get(&task).cloned(),
            progress: execution.and_then(|execution| execution.progress),
            activity: execution.and_then(Execution::doing),
            said: execution.and_then(|execution| execution.output_summary.clone()),
            started: execution.and_then(|execution| execution.started_at),
        }
    };
    let rows = agents.into_iter().map(|agent| AgentRow { work: agent.current_task_id.map(work), agent });
    Ok(Page { rows: rows.collect(), total })
}

/// Attempts with the types of their tasks.
///
/// # Errors
/// Those of the client.
pub fn attempts(client: &Client, query: &Query) -> Result<Page<AttemptRow>, Error> {
    let (executions, total): (Vec<Execution>, u64) = client.list("executions", query)?;
    let mut tasks: Vec<TaskId> = executions.iter().map(|execution| execution.task_id).collect();
    tasks.sort_unstable();
    tasks.dedup();
    tasks.truncate(DETAILED_MAX);
    let kinds = kinds(client, &tasks)?;
    let rows = executions.into_iter();
    let rows = rows.map(|execution| AttemptRow { kind: kinds.get(&execution.task_id).cloned(), execution });
    Ok(Page { rows: rows.collect(), total })
}

/// Who reports to whom, by name: all agents, or those that a filter lets through; at most [`HIERARCHY_MAX`].
///
/// # Errors
/// Those of the client.
pub fn hierarchy(client: &Client, filter: &str) -> Result<Page<Member>, Error> {
    let mut members = Vec::new();
    loop {
        let mut query = vec![given("sort", "name"), given("limit", HIERARCHY_PAGE), given("offset", members.len())];
        if !filter.is_empty() {
            query.push(given("filter", filter));
        }
        let (mut found, total): (Vec<Member>, u64) = client.list("agents", &query)?;
        let last = found.len() < HIERARCHY_PAGE;
        members.append(&mut found);
        if last || members.len() >= HIERARCHY_MAX {
            return Ok(Page { rows: members, total });
        }
    }
}

/// A part of the journal, and where the journal ends.
///
/// # Errors
/// Those of the client.
pub fn records(client: &Client, query: &Query) -> Result<Records, Error> {
    let newest = vec![given("order", "desc"), given("limit", 1)];
    let head = client.page::<JournalRow>("journal", &newest)?.items.first().map_or(0, |row| row.seq);
    let page = client.page::<JournalRow>("journal", query)?;
    Ok(Records { rows: page.items, next: page.next, head })
}

/// The names that go with ids: of everybody who acts, of all machines, and of these agents, also of those that were removed.
///
/// # Errors
/// Those of the client.
pub fn names(client: &Client, agents: &[String]) -> Result<BTreeMap<String, String>, Error> {
    let mut names = BTreeMap::new();
    let (users, _): (Vec<User>, u64) = client.list("users", &vec![given("limit", 1_000)])?;
    names.extend(users.into_iter().map(|user| (user.id.to_string(), user.name)));
    let (nodes, _): (Vec<Node>, u64) = client.list("nodes", &vec![given("limit", 1_000)])?;
    names.extend(nodes.into_iter().map(|node| (node.id.to_string(), node.name)));
    for part in agents.chunks(DETAILED_MAX) {
        let query = vec![given("filter", format!("id:{}", ids(part.iter()))), given("limit", part.len())];
        let (found, _): (Vec<Member>, u64) = client.list("agents", &query)?;
        names.extend(found.into_iter().map(|agent| (agent.id.to_string(), agent.name)));
    }
    // Of those that were removed what they were called last.
    let gone: Vec<_> = agents.iter().filter(|id| !names.contains_key(*id)).take(REMOVED_MAX).collect();
    names.extend(gone.into_iter().filter_map(|id| Some((id.clone(), client.last_name(id)?))));
    Ok(names)
}

/// What series were, query by query.
pub fn series(client: &Client, queries: &[metric::Query]) -> Result<Vec<metric::Answer>, Error> {
    let answer = |query: &metric::Query| {
        let mut asked = vec![
            ("series".to_owned(), query.selector.to_string()),
            ("from".to_owned(), query.from.to_string()),
            ("to".to_owned(), query.to.to_string()),
            ("step".to_owned(), query.step.to_string()),
            ("function".to_owned(), query.function.to_string()),
        ];
        if let Some(grouping) = &query.grouping {
            asked.push(("aggregate".to_owned(), grouping.aggregate.to_string()));
            if !grouping.by.is_empty() {
                asked.push(("by".to_owned(), grouping.by.join(",")));
            }
        }
        client.get("/v1/metrics/query", &asked)
    };
    queries.iter().map(answer).collect()
}

/// What the sensors of every node say.
pub fn sensors(client: &Client) -> Result<Vec<NodeSensors>, Error> {
    let (nodes, _) = client.list::<Node>("nodes", &vec![])?;
    nodes.iter().map(|node| client.node_sensors(&node.name)).collect()
}
