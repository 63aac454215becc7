//! What the engine starts from, read from the rows: the unfinished work and the fleet.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::agent_past;
use super::error::{Doing, Error, Fault};
use super::journal::read_head;
use super::rows::{
    self, AGENT_COLUMNS, ALERT_COLUMNS, CAGE_COLUMNS, Columns, LIVE_COLUMNS, NODE_COLUMNS, QUEUED_COLUMNS, Queued,
    RESOURCE_COLUMNS, SILENCE_COLUMNS, USER_COLUMNS,
};
use crate::domain::artifact::ReviewState;
use crate::domain::fleet::Defaults;
use crate::domain::id::{AgentId, ArtifactId, TaskId, UserId};
use crate::domain::learning::{Product, type_number};
use crate::domain::requirements::Requirements;
use crate::domain::snapshot::{EndedCounts, OpenArtifact, QueuedTask, Snapshot};
use crate::domain::task::TaskStatus;
use crate::domain::time::Timestamp;
use uuid::Uuid;

const DOING: &str = "reading the unfinished work";

/// Reads everything that the engine keeps in memory, as of one moment.
pub(super) fn read_snapshot(connection: &Connection, progress: &dyn Fn(u64, u64)) -> Result<Snapshot, Error> {
    let transaction = connection.unchecked_transaction().doing(DOING)?;
    let connection = &*transaction;
    let seed: Option<i64> =
        connection.query_row("SELECT seed FROM origin", [], |row| row.get(0)).optional().doing(DOING)?;
    let Some(seed) = seed else {
        let found = "nothing".to_owned();
        return Err(Error::BadRecord { seq: 1, fault: Fault::NotOpened { found } });
    };
    Ok(Snapshot {
        seq: read_head(connection)?.seq,
        time: connection
            .query_row("SELECT time FROM journal ORDER BY seq DESC LIMIT 1", [], |row| row.get(0))
            .map(Timestamp::from_micros)
            .doing(DOING)?,
        seed: seed.cast_unsigned(),
        defaults: defaults(connection)?,
        users: all(connection, &format!("SELECT {USER_COLUMNS} FROM user u ORDER BY u.seq"), rows::user)?,
        nodes: nodes(connection)?,
        cages: all(connection, &format!("SELECT {CAGE_COLUMNS} FROM cage_now c ORDER BY c.id"), rows::cage)?,
        agents: all(connection, &format!("SELECT {AGENT_COLUMNS} FROM agent_now a ORDER BY a.id"), rows::agent)?,
        tasks: open_tasks(connection, progress)?,
        executions: all(
            connection,
            &format!("SELECT {LIVE_COLUMNS} FROM execution e WHERE e.completed_at IS NULL ORDER BY e.seq"),
            rows::live,
        )?,
        artifacts: all(
            connection,
            &format!("SELECT {OPEN_COLUMNS} FROM artifact r WHERE r.state <> 'approved' ORDER BY r.seq"),
            open_artifact,
        )?,
        merging: all(
            connection,
            "SELECT id FROM artifact WHERE state = 'approved' AND difference IS NOT NULL
                 AND difference ->> '$.merge' IS NOT NULL AND merge IS NULL ORDER BY id",
            |row| Columns::new(row).id(ArtifactId),
        )?,
        alerts: all(
            connection,
            &format!("SELECT {ALERT_COLUMNS} FROM alert w WHERE w.status <> 'resolved' ORDER BY w.seq"),
            rows::alert,
        )?,
        alert_rules: all(connection, "SELECT body FROM alert_rule ORDER BY name", rows::alert_rule)?,
        approval_rules: all(connection, "SELECT body FROM approval_rule ORDER BY name", rows::approval_rule)?,
        alerts_grouped: all(
            connection,
            "SELECT rule, scope, name, severity FROM alert_grouped ORDER BY rule, scope, name",
            rows::alert_grouped,
        )?,
        silences: all(connection, &format!("SELECT {SILENCE_COLUMNS} FROM silence x ORDER BY x.seq"), rows::silence)?,
        ended: ended(connection)?,
        past: agent_past::read(connection)?,
    })
}

/// The tasks named, finished or not, in the order in which they are named; those that do not exist are left out.
pub(super) fn queued_tasks(connection: &Connection, ids: &[TaskId]) -> Result<Vec<QueuedTask>, Error> {
    let mut statement = connection
        .prepare_cached(&format!("SELECT {QUEUED_COLUMNS} FROM task t WHERE t.id = ?"))
        .doing("reading tasks")?;
    let mut seen = HashMap::new();
    let mut tasks = Vec::with_capacity(ids.len());
    for id in ids {
        let read = |row: &Row<'_>| rows::queued(row, &mut seen);
        if let Some(queued) = statement.query_row(params![id.0.as_bytes()], read).optional().doing("reading tasks")? {
            tasks.push(complete(connection, queued)?);
        }
    }
    Ok(tasks)
}

/// The elements of the arrays named that failed or were cancelled, by array and place.
pub(super) fn unsuccessful_elements(connection: &Connection, arrays: &[TaskId]) -> Result<Vec<QueuedTask>, Error> {
    let doing = "reading an array";
    let sql = format!(
        "SELECT {QUEUED_COLUMNS} FROM task t WHERE t.id BETWEEN ? AND ? AND t.status IN ('failed', 'cancelled') ORDER BY t.id"
    );
    let mut statement = connection.prepare_cached(&sql).doing(doing)?;
    let (mut seen, mut found) = (HashMap::new(), Vec::new());
    for array in arrays {
        let (first, last) = (array.element(1), array.element(u32::MAX));
        let mut rows = statement.query(params![first.0.as_bytes(), last.0.as_bytes()]).doing(doing)?;
        while let Some(row) = rows.next().doing(doing)? {
            found.push(complete(connection, rows::queued(row, &mut seen).doing(doing)?)?);
        }
    }
    Ok(found)
}

/// The artifacts named, and those of the tasks named, whatever their state; each once.
pub(super) fn open_artifacts(
    connection: &Connection,
    ids: &[ArtifactId],
    of_tasks: &[TaskId],
) -> Result<Vec<OpenArtifact>, Error> {
    let doing = "reading artifacts";
    let mut found = Vec::new();
    let mut by_id =
        connection.prepare_cached(&format!("SELECT {OPEN_COLUMNS} FROM artifact r WHERE r.id = ?")).doing(doing)?;
    for id in ids {
        found.extend(by_id.query_row(params![id.0.as_bytes()], open_artifact).optional().doing(doing)?);
    }
    let mut by_task = connection
        .prepare_cached(&format!("SELECT {OPEN_COLUMNS} FROM artifact r WHERE r.task_id = ? ORDER BY r.seq"))
        .doing(doing)?;
    for id in of_tasks {
        for artifact in by_task.query_map(params![id.0.as_bytes()], open_artifact).doing(doing)? {
            found.push(artifact.doing(doing)?);
        }
    }
    found.sort_by_key(|artifact| artifact.id);
    found.dedup_by_key(|artifact| artifact.id);
    Ok(found)
}

fn all<T>(connection: &Connection, sql: &str, read: impl Fn(&Row<'_>) -> rusqlite::Result<T>) -> Result<Vec<T>, Error> {
    connection.prepare(sql).and_then(|mut statement| statement.query_map([], |row| read(row))?.collect()).doing(DOING)
}

fn defaults(connection: &Connection) -> Result<Defaults, Error> {
    connection
        .query_row("SELECT body FROM defaults", [], |row| Columns::new(row).json())
        .optional()
        .map(Option::unwrap_or_default)
        .doing(DOING)
}

fn nodes(connection: &Connection) -> Result<Vec<(crate::domain::Node, Vec<crate::domain::Resource>)>, Error> {
    let nodes = all(connection, &format!("SELECT {NODE_COLUMNS} FROM node n ORDER BY n.created_at, n.id"), rows::node)?;
    // The status as declared: that a lost node's resources have failed follows from the node.
    let resources = format!(
        "SELECT {RESOURCE_COLUMNS} FROM (SELECT r.*, now.allocated FROM resource r JOIN resource_now now ON now.id = r.id) q
         ORDER BY q.node_id, q.place"
    );
    let mut resources = all(connection, &resources, rows::resource)?;
    Ok(nodes
        .into_iter()
        .map(|node| {
            let own = resources.extract_if(.., |resource| resource.node_id == node.id).collect();
            (node, own)
        })
        .collect())
}

/// After how many tasks the progress is told.
const TOLD_EVERY: usize = 10_000;

fn open_tasks(connection: &Connection, progress: &dyn Fn(u64, u64)) -> Result<Vec<QueuedTask>, Error> {
    let sql =
        format!("SELECT {QUEUED_COLUMNS} FROM task t INDEXED BY task_open WHERE t.completed_at IS NULL ORDER BY t.seq");
    let mut statement = connection.prepare(&sql).doing(DOING)?;
    let mut rows = statement.query([]).doing(DOING)?;
    let mut seen: HashMap<Vec<u8>, Requirements> = HashMap::new();
    // The index alone counts them, in a small part of the time that reading them takes.
    let count = "SELECT count(*) FROM task INDEXED BY task_open WHERE completed_at IS NULL";
    let total: i64 = connection.query_row(count, [], |row| row.get(0)).doing(DOING)?;
    let total = total.unsigned_abs();
    let mut tasks = Vec::new();
    while let Some(row) = rows.next().doing(DOING)? {
        let queued = rows::queued(row, &mut seen).doing(DOING)?;
        tasks.push(complete(connection, queued)?);
        if tasks.len() % TOLD_EVERY == 0 {
            progress(tasks.len() as u64, total);
        }
    }
    Ok(tasks)
}

/// Adds what stands in other rows: the dependencies of a task, the elements of an array.
fn complete(connection: &Connection, queued: Queued) -> Result<QueuedTask, Error> {
    let Queued { mut task, dependencies } = queued;
    if dependencies > 0 {
        let dependencies: Vec<(TaskId, TaskStatus, Option<AgentId>)> = connection
            .prepare_cached(
                "SELECT d.depends_on, coalesce(t.status, 'pending'),
                     CASE WHEN t.status = 'completed' THEN t.assigned_agent_id END FROM task_dependency d
                 LEFT JOIN task t ON t.id = d.depends_on WHERE d.task_id = ? ORDER BY d.place",
            )
            .and_then(|mut statement| {
                let read = |row: &Row<'_>| {
                    let mut columns = Columns::new(row);
                    Ok((columns.id(TaskId)?, columns.word()?, columns.optional_id(AgentId)?))
                };
                statement.query_map(params![task.id.0.as_bytes()], read)?.collect()
            })
            .doing(DOING)?;
        let done_by: BTreeSet<_> = dependencies.iter().filter_map(|(.., agent)| *agent).collect();
        task.after = done_by.into_iter().collect();
        task.depends_on = dependencies.into_iter().map(|(id, status, _)| (id, status)).collect();
    }
    if task.array.is_some() {
        elements(connection, &mut task)?;
    }
    Ok(task)
}

fn elements(connection: &Connection, array: &mut QueuedTask) -> Result<(), Error> {
    let mut statement =
        connection.prepare_cached("SELECT id, status FROM task WHERE id BETWEEN ? AND ? ORDER BY id").doing(DOING)?;
    let (first, last) = (array.id.element(1), array.id.element(u32::MAX));
    let mut rows = statement.query(params![first.0.as_bytes(), last.0.as_bytes()]).doing(DOING)?;
    while let Some(row) = rows.next().doing(DOING)? {
        let mut columns = Columns::new(row);
        let place = columns.id(TaskId).doing(DOING)?.place();
        let status: TaskStatus = columns.word().doing(DOING)?;
        array.array_failed += u32::from(matches!(status, TaskStatus::Failed | TaskStatus::Cancelled));
        match array.materialised.last_mut() {
            Some((_, last)) if *last + 1 == place => *last = place,
            _ => array.materialised.push((place, place)),
        }
    }
    Ok(())
}

/// The columns of [`open_artifact`].
const OPEN_COLUMNS: &str = "r.id, r.task_id, r.state, r.snoozed_until, r.agent_id, r.reviewed_by, \
    r.difference ->> '$.merge' IS NOT NULL AND coalesce(r.merge ->> '$.state', '') <> 'merged', r.type, \
    coalesce((SELECT t.type FROM task t WHERE t.id = r.task_id), '')";

fn open_artifact(row: &Row<'_>) -> rusqlite::Result<OpenArtifact> {
    let mut columns = Columns::new(row);
    Ok(OpenArtifact {
        id: columns.id(|id: Uuid| ArtifactId(id))?,
        task_id: columns.id(TaskId)?,
        state: columns.word::<ReviewState>()?,
        snoozed_until: columns.optional_time()?,
        agent_id: columns.id(AgentId)?,
        judged_by: columns.optional_id(UserId)?,
        merges: columns.get()?,
        product: Product { artifact: columns.word()?, kind: type_number(&columns.get::<String>()?) },
    })
}

fn ended(connection: &Connection) -> Result<EndedCounts, Error> {
    let read = |row: &Row<'_>| {
        let mut columns = Columns::new(row);
        Ok((columns.word::<TaskStatus>()?, columns.count()?))
    };
    let mut counts = EndedCounts::default();
    for (status, tasks) in all(connection, "SELECT status, tasks FROM ended", read)? {
        match status {
            TaskStatus::Completed => counts.completed = tasks,
            TaskStatus::Failed => counts.failed = tasks,
            TaskStatus::Cancelled => counts.cancelled = tasks,
            TaskStatus::Pending | TaskStatus::Scheduled | TaskStatus::Executing => {}
        }
    }
    Ok(counts)
}
