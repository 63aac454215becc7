//! Looking at the tables beside the writer.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use super::connection::open_reader;
use super::error::{Doing, Error};
use super::journal::{Hash, JournalRow, integer, read_head, read_kind};
use super::past::{PastView, show_journal};
use super::query::{self, Budget, JournalPage, JournalQuery, Listing, Page, Query, page};
use super::rows::{
    self, AGENT_COLUMNS, ALERT_COLUMNS, ARTIFACT_COLUMNS, CAGE_COLUMNS, Columns, EXECUTION_COLUMNS, TASK_COLUMNS,
    USER_COLUMNS,
};
use super::{migrate, resolve, snapshot};
use crate::domain::id::{AgentId, AlertId, ArtifactId, CageId, ExecutionId, ReviewId, TaskId, UserId};
use crate::domain::snapshot::{OpenArtifact, QueuedTask, Snapshot};
use crate::domain::{
    Agent, AgentPerformance, Alert, Allocation, Artifact, Cage, Execution, Node, Record, Resource, SystemEvent, Task,
    Timestamp, User,
};

/// A connection that can only read. It sees what was committed before each question, never half a batch; it can be sent
/// to another thread and kept for further questions.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    budget: Budget,
}

impl Reader {
    /// Opens the store of a data directory for reading. It must exist and have a schema that this binary knows.
    pub fn open(data_dir: &Path) -> Result<Self, Error> {
        let mut connection = open_reader(data_dir)?;
        migrate::version(&connection)?;
        let budget = Budget::of(&mut connection)?;
        Ok(Self { connection, budget })
    }

    /// A reader of tables that stand in one folder and of the journal of another, up to one record.
    pub(super) fn open_past(view: &PastView) -> Result<Self, Error> {
        let mut connection = open_reader(&view.tables)?;
        show_journal(&connection, view)?;
        migrate::version(&connection)?;
        let budget = Budget::of(&mut connection)?;
        Ok(Self { connection, budget })
    }

    /// The unfinished work and the fleet; says now and then how many of the unfinished tasks have been read, and how many
    /// there are.
    pub fn snapshot(&self, progress: &dyn Fn(u64, u64)) -> Result<Snapshot, Error> {
        snapshot::read_snapshot(&self.connection, progress)
    }

    pub(super) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The tasks named, in the order in which they are named, with everything that starting them needs; those that do
    /// not exist are left out. An element of an array has its array's parameters.
    pub fn start_inputs(&self, ids: &[TaskId]) -> Result<Vec<Task>, Error> {
        // One look for all: each by itself would take and give back the lock of a reader.
        let _look = self.connection.unchecked_transaction().doing("reading the inputs of executions")?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(self.task(*id)?);
        }
        Ok(found)
    }

    /// The tasks named as decisions need them, finished or not; those that do not exist are left out.
    pub fn queued_tasks(&self, ids: &[TaskId]) -> Result<Vec<QueuedTask>, Error> {
        snapshot::queued_tasks(&self.connection, ids)
    }

    /// The artifacts named, and all those of the tasks named, in whatever state; each once, by id.
    pub fn open_artifacts(&self, ids: &[ArtifactId], of_tasks: &[TaskId]) -> Result<Vec<OpenArtifact>, Error> {
        snapshot::open_artifacts(&self.connection, ids, of_tasks)
    }

    /// The elements of the arrays named that failed or were cancelled, as decisions need them.
    pub fn unsuccessful_elements(&self, arrays: &[TaskId]) -> Result<Vec<QueuedTask>, Error> {
        snapshot::unsuccessful_elements(&self.connection, arrays)
    }

    /// The alerts named, resolved or not; those that do not exist are left out.
    pub fn alerts_named(&self, ids: &[AlertId]) -> Result<Vec<Alert>, Error> {
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(self.alert(*id)?);
        }
        Ok(found)
    }

    /// Tasks, the latest first. An unknown field is refused, naming those there are; so it is in every list.
    pub fn tasks(&self, query: &Query) -> Result<Page<Task>, Error> {
        let Page { items, total, more } = self.page(&query::TASKS, query, rows::task)?;
        let items = items.into_iter().map(|read| self.with_dependencies(read)).collect::<Result<_, _>>()?;
        Ok(Page { items, total, more })
    }

    /// Executions, the latest first.
    pub fn executions(&self, query: &Query) -> Result<Page<Execution>, Error> {
        self.page(&query::EXECUTIONS, query, rows::execution)
    }

    /// Agents by name.
    pub fn agents(&self, query: &Query) -> Result<Page<Agent>, Error> {
        self.page(&query::AGENTS, query, rows::agent)
    }

    /// What agents did, the latest day first.
    pub fn agent_performance(&self, query: &Query) -> Result<Page<AgentPerformance>, Error> {
        self.page(&query::AGENT_PERFORMANCE, query, rows::agent_performance)
    }

    /// Cages by number.
    pub fn cages(&self, query: &Query) -> Result<Page<Cage>, Error> {
        self.page(&query::CAGES, query, rows::cage)
    }

    /// Nodes in the order in which they joined.
    pub fn nodes(&self, query: &Query) -> Result<Page<Node>, Error> {
        self.page(&query::NODES, query, rows::node)
    }

    /// Resources by node.
    pub fn resources(&self, query: &Query) -> Result<Page<Resource>, Error> {
        self.page(&query::RESOURCES, query, rows::resource)
    }

    /// Allocations, the latest first.
    pub fn allocations(&self, query: &Query) -> Result<Page<Allocation>, Error> {
        self.page(&query::ALLOCATIONS, query, rows::allocation)
    }

    /// Artifacts, the latest first.
    pub fn artifacts(&self, query: &Query) -> Result<Page<Artifact>, Error> {
        self.page(&query::ARTIFACTS, query, rows::artifact)
    }

    /// Users in the order in which they first acted.
    pub fn users(&self, query: &Query) -> Result<Page<User>, Error> {
        self.page(&query::USERS, query, rows::user)
    }

    /// What the system said about itself, the latest first.
    pub fn system_events(&self, query: &Query) -> Result<Page<SystemEvent>, Error> {
        self.page(&query::EVENTS, query, rows::system_event)
    }

    /// Alerts, those seen last first.
    pub fn alerts(&self, query: &Query) -> Result<Page<Alert>, Error> {
        self.page(&query::ALERTS, query, rows::alert)
    }

    /// One alert.
    pub fn alert(&self, id: AlertId) -> Result<Option<Alert>, Error> {
        let sql = format!("SELECT {ALERT_COLUMNS} FROM alert w WHERE w.id = ?");
        self.one(&sql, &id.0.as_bytes(), rows::alert)
    }

    /// One task.
    pub fn task(&self, id: TaskId) -> Result<Option<Task>, Error> {
        let sql = task_by_id();
        self.one(sql, &id.0.as_bytes(), rows::task)?.map(|read| self.with_dependencies(read)).transpose()
    }

    /// One agent.
    pub fn agent(&self, id: AgentId) -> Result<Option<Agent>, Error> {
        let sql = format!("SELECT {AGENT_COLUMNS} FROM agent_now a WHERE a.id = ?");
        self.one(&sql, &id.0.as_bytes(), rows::agent)
    }

    /// One cage.
    pub fn cage(&self, id: CageId) -> Result<Option<Cage>, Error> {
        let sql = format!("SELECT {CAGE_COLUMNS} FROM cage_now c WHERE c.id = ?");
        self.one(&sql, &id.number(), rows::cage)
    }

    /// One user.
    pub fn user(&self, id: UserId) -> Result<Option<User>, Error> {
        let sql = format!("SELECT {USER_COLUMNS} FROM user u WHERE u.id = ?");
        self.one(&sql, &id.0.as_bytes(), rows::user)
    }

    /// One artifact.
    pub fn artifact(&self, id: ArtifactId) -> Result<Option<Artifact>, Error> {
        let sql = format!("SELECT {ARTIFACT_COLUMNS} FROM artifact r WHERE r.id = ?");
        self.one(&sql, &id.0.as_bytes(), rows::artifact)
    }

    /// One execution.
    pub fn execution(&self, id: ExecutionId) -> Result<Option<Execution>, Error> {
        let sql = format!("SELECT {EXECUTION_COLUMNS} FROM execution e WHERE e.id = ?");
        self.one(&sql, &id.0.as_bytes(), rows::execution)
    }

    /// The task that a person means by an id or a prefix of one. A prefix that fits several is refused with some of
    /// them; one that fits an array and its elements alone means the array.
    pub fn resolve_task(&self, text: &str) -> Result<TaskId, Error> {
        resolve::task(&self.connection, text)
    }

    /// The execution that a person means by an id or a prefix of one.
    pub fn resolve_execution(&self, text: &str) -> Result<ExecutionId, Error> {
        resolve::execution(&self.connection, text)
    }

    /// The artifact that a person means by an id or a prefix of one.
    pub fn resolve_artifact(&self, text: &str) -> Result<ArtifactId, Error> {
        resolve::artifact(&self.connection, text)
    }

    /// The agent that a person means by its name, its id or a prefix of it.
    pub fn resolve_agent(&self, text: &str) -> Result<AgentId, Error> {
        resolve::agent(&self.connection, text)
    }

    /// The alert that a person means by an id or a prefix of one.
    pub fn resolve_alert(&self, text: &str) -> Result<AlertId, Error> {
        resolve::alert(&self.connection, text)
    }

    /// What a person means in the inbox: an artifact, an alert or a task, by its id or a prefix of it.
    pub fn resolve_review(&self, text: &str) -> Result<ReviewId, Error> {
        resolve::review(&self.connection, text)
    }

    /// At most `limit` records of the journal after number `after`.
    pub fn journal(&self, after: u64, limit: usize) -> Result<Vec<JournalRow>, Error> {
        self.records(&JournalQuery { after: Some(after), limit, ..JournalQuery::default() }).map(|page| page.rows)
    }

    /// Records of the journal from either end, filtered. A filter looks at a bounded number of records at a time and says
    /// from where to go on.
    pub fn records(&self, query: &JournalQuery) -> Result<JournalPage, Error> {
        query::records(&self.connection, query)
    }

    /// The number of the last record that was decided before a time; zero when there is none. Times never go back in the
    /// journal, so this is a search by halves.
    pub fn journal_before(&self, time: Timestamp) -> Result<u64, Error> {
        let (mut before, mut after) = (0, read_head(&self.connection)?.seq + 1);
        while after - before > 1 {
            let middle = u64::midpoint(before, after);
            let at: i64 = self
                .connection
                .prepare_cached("SELECT time FROM journal WHERE seq = ?")
                .and_then(|mut statement| statement.query_row([integer(middle)], |row| row.get(0)))
                .doing("reading the journal")?;
            if at < time.as_micros() { before = middle } else { after = middle }
        }
        Ok(before)
    }

    /// The ends of executions among the records after one number and up to another: those of the next few thousand
    /// records, and up to which number that goes.
    pub fn ends_after(&self, after: u64, upto: u64) -> Result<(Vec<Record>, u64), Error> {
        const RECORDS: u64 = 5_000;
        let last = upto.min(after.saturating_add(RECORDS));
        Ok((read_kind(&self.connection, "execution_ended", after, last)?, last))
    }

    /// The number and the hash of the last record; zeros while there is none.
    pub fn journal_head(&self) -> Result<(u64, Hash), Error> {
        let head = read_head(&self.connection)?;
        Ok((head.seq, head.hash))
    }

    fn page<T>(
        &self,
        listing: &'static Listing,
        query: &Query,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Page<T>, Error> {
        page(&self.connection, &self.budget, listing, query, read)
    }

    /// How the database finds part of a list.
    #[cfg(test)]
    pub(super) fn plan(&self, listing: &'static Listing, filter: &str, sort: &str) -> Vec<String> {
        query::plan(&self.connection, listing, filter, sort)
    }

    fn one<T>(
        &self,
        sql: &str,
        id: &dyn ToSql,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, Error> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(params![id], |row| read(row)).optional())
            .doing("reading a row")
    }

    fn with_dependencies(&self, (mut task, dependencies): (Task, u64)) -> Result<Task, Error> {
        if dependencies > 0 {
            task.depends_on = self
                .connection
                .prepare_cached("SELECT depends_on FROM task_dependency WHERE task_id = ? ORDER BY place")
                .and_then(|mut statement| {
                    let id = task.id.0.as_bytes();
                    statement.query_map(params![id], |row| Columns::new(row).id(TaskId))?.collect()
                })
                .doing("reading dependencies")?;
        }
        Ok(task)
    }
}

/// The query for one task, made once: it is on the path of every start.
fn task_by_id() -> &'static str {
    static SQL: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| format!("SELECT {TASK_COLUMNS} FROM task t WHERE t.id = ?"));
    &SQL
}
