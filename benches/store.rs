//! What the store costs: submissions, whole lives, the snapshot at a start, a rebuild; beside a bare rusqlite loop that
//! writes the same rows in the same run. Prints JSON.
//!
//! `cargo bench --bench store -- [TASKS]`; the snapshot is of ten times as many.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use menagerie::domain::agent::AgentSpec;
use menagerie::domain::cage::CageSpec;
use menagerie::domain::event::{
    Actor, AgentDeclared, CageDeclared, Event, ExecutionEnded, ExecutionScheduled, Held, JOURNAL_FORMAT, JournalOpened,
    NodeSeen, Record, TaskSubmitted, UserAdded,
};
use menagerie::domain::execution::{Outcome, OutcomeKind};
use menagerie::domain::id::{AgentId, AllocationId, CageId, ExecutionId, NodeId, ResourceId, TaskId, UserId};
use menagerie::domain::node::{Capacity, Node, NodeStatus};
use menagerie::domain::requirements::Requirements;
use menagerie::domain::task::{NewTask, TaskStatus};
use menagerie::domain::{Bytes, Cpu, Timestamp, User};
use menagerie::store::{Query, Reader, Store, rebuild, verify};
use serde_json::json;

type Outcomes<T> = Result<T, Box<dyn Error>>;

/// Records in one commit.
const GROUP: usize = 1000;

struct Writer {
    seq: u64,
    now: i64,
    user: UserId,
    node: NodeId,
    agent: AgentId,
    cage: CageId,
}

impl Writer {
    fn time(&self) -> Timestamp {
        Timestamp::from_micros(self.now)
    }

    /// Bits that differ from call to call and are spread as a draw would be.
    fn spread(&self) -> u128 {
        u128::from(self.seq.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }

    fn record(&mut self, event: impl Into<Event>) -> Record {
        self.seq += 1;
        self.now += 10;
        Record { seq: self.seq, time: self.time(), actor: Actor::User(self.user), event: event.into() }
    }

    fn opening(&mut self) -> Vec<Record> {
        let now = self.time();
        let user = User {
            id: self.user,
            email: "bench@here".into(),
            name: "bench".into(),
            avatar_url: None,
            roles: vec![],
            uid: None,
            created_at: now,
        };
        let node = Node {
            id: self.node,
            name: "here".into(),
            status: NodeStatus::Online,
            capacity: Capacity::default(),
            metadata: serde_json::Map::new(),
            created_at: now,
            updated_at: now,
        };
        let spec = AgentSpec { cage: Some(self.cage), ..AgentSpec::new("bench") };
        let (agent_id, owner, node_id) = (self.agent, self.user, self.node);
        vec![
            self.record(JournalOpened { format: JOURNAL_FORMAT, seed: 1, version: "bench".into() }),
            self.record(UserAdded { user }),
            self.record(NodeSeen { node, resources: vec![] }),
            self.record(CageDeclared { spec: CageSpec::new(self.cage), node_id }),
            self.record(AgentDeclared { agent_id, spec, owner }),
        ]
    }

    fn submit(&mut self) -> (TaskId, Record) {
        let now = self.time();
        let id = TaskId::new(now, self.spread());
        let mut new = NewTask::new("command");
        new.parameters.configuration.insert("command".into(), json!(["/bin/true"]));
        new.requirements =
            Requirements { cpu: Cpu::from_cores(1), memory: Bytes::from_mib(64), ..Requirements::default() };
        new.metadata.source = Some("bench".into());
        let task = new.into_task(id, self.user, now);
        (id, self.record(TaskSubmitted { task, after: vec![] }))
    }

    fn schedule(&mut self, task_id: TaskId) -> (ExecutionId, Record) {
        let (now, spread) = (self.time(), self.spread());
        let execution_id = ExecutionId::new(now, spread);
        let held = [1u128, 2].map(|place| Held {
            id: AllocationId::new(now, spread ^ place),
            resource_id: ResourceId::new(now, place),
            quantity: 1000,
        });
        let (agent_id, cage_id, node_id) = (self.agent, self.cage, self.node);
        let event = ExecutionScheduled {
            execution_id,
            task_id,
            agent_id,
            cage_id,
            node_id,
            attempt: 1,
            held: held.to_vec(),
            choice: None,
        };
        (execution_id, self.record(event))
    }

    fn end(&mut self, task_id: TaskId, execution_id: ExecutionId) -> Record {
        let now = self.time();
        let mut outcome = Outcome::new(OutcomeKind::Succeeded, "");
        outcome.exit_code = Some(0);
        let agent_id = self.agent;
        self.record(ExecutionEnded {
            execution_id,
            task_id,
            agent_id,
            started_at: Some(now),
            ended_at: now,
            outcome,
            task_status: TaskStatus::Completed,
            attempts: 1,
            losses: 0,
            not_before: None,
            agent_failures: 0,
            kind: None,
            after: vec![],
            lesson: None,
            slack: None,
        })
    }
}

fn writer() -> Outcomes<Writer> {
    let start = Timestamp::from_micros(1_750_000_000_000_000);
    Ok(Writer {
        seq: 0,
        now: start.as_micros(),
        user: UserId::new(start, 1),
        node: NodeId::new(start, 2),
        agent: AgentId::new(start, 3),
        cage: CageId::new(1)?,
    })
}

/// Commits `records` in groups; gives seconds.
fn commit(store: &mut Store, records: &[Record]) -> Outcomes<f64> {
    let start = Instant::now();
    for group in records.chunks(GROUP) {
        store.commit(group)?;
    }
    Ok(start.elapsed().as_secs_f64())
}

/// Writes the journal and task rows of a store that has both to another one, by a loop that does nothing else; gives
/// seconds. The rows are read into memory first.
fn bare(from: &Path, to: &Path, tables: &[&str]) -> Outcomes<f64> {
    use rusqlite::types::Value;
    let source = rusqlite::Connection::open(from.join("menagerie.db"))?;
    drop(Store::open(to)?);
    let target = rusqlite::Connection::open(to.join("menagerie.db"))?;
    target.execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 8192; PRAGMA cache_size = -32768;")?;
    let mut all = vec![];
    for table in tables {
        let mut select = source.prepare(&format!("SELECT * FROM {table} ORDER BY seq"))?;
        let width = select.column_count();
        let read = |row: &rusqlite::Row<'_>| (0..width).map(|column| row.get(column)).collect();
        let rows: Vec<Vec<Value>> = select.query_map([], read)?.collect::<Result<_, _>>()?;
        all.push((table, vec!["?"; width].join(", "), rows));
    }
    // Each group has its share of every table, as a commit has.
    let groups = all.iter().map(|(_, _, rows)| rows.len()).max().unwrap_or(0).div_ceil(GROUP).max(1);
    let start = Instant::now();
    for group in 0..groups {
        target.execute_batch("BEGIN IMMEDIATE")?;
        for (table, marks, rows) in &all {
            let mut insert = target.prepare_cached(&format!("INSERT INTO {table} VALUES ({marks})"))?;
            let share = rows.len().div_ceil(groups);
            for row in rows.iter().skip(group * share).take(share) {
                insert.execute(rusqlite::params_from_iter(row))?;
            }
        }
        target.execute_batch("COMMIT")?;
    }
    Ok(start.elapsed().as_secs_f64())
}

/// Milliseconds of a first page of each list, with its total, when every task has ended.
fn lists(reader: &Reader) -> Outcomes<serde_json::Value> {
    let ask = |filters: &[(&str, &str)], sort: Option<&str>| Query {
        filters: filters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        sort: sort.map(str::to_owned),
        ..Query::default()
    };
    let timed = |work: &dyn Fn() -> Outcomes<u64>| -> Outcomes<serde_json::Value> {
        let start = Instant::now();
        let total = work()?;
        Ok(json!({"ms": start.elapsed().as_secs_f64() * 1e3, "total": total}))
    };
    Ok(json!({
        "tasks": timed(&|| Ok(reader.tasks(&ask(&[], None))?.total))?,
        "tasks pending": timed(&|| Ok(reader.tasks(&ask(&[("status", "pending")], None))?.total))?,
        "tasks failed": timed(&|| Ok(reader.tasks(&ask(&[("status", "failed")], None))?.total))?,
        "tasks completed": timed(&|| Ok(reader.tasks(&ask(&[("status", "completed")], None))?.total))?,
        "tasks by priority": timed(&|| Ok(reader.tasks(&ask(&[], Some("-priority")))?.total))?,
        "tasks of agent": timed(&|| Ok(reader.tasks(&ask(&[("agent", "bench")], None))?.total))?,
        "executions of agent": timed(&|| Ok(reader.executions(&ask(&[("agent", "bench")], None))?.total))?,
        "executions running": timed(&|| Ok(reader.executions(&ask(&[("status", "running")], None))?.total))?,
        "executions failed": timed(&|| Ok(reader.executions(&ask(&[("outcome", "failed")], None))?.total))?,
        "allocations": timed(&|| Ok(reader.allocations(&ask(&[], None))?.total))?,
        "allocations active": timed(&|| Ok(reader.allocations(&ask(&[("status", "active")], None))?.total))?,
        "agents": timed(&|| Ok(reader.agents(&ask(&[], None))?.total))?,
        "cages": timed(&|| Ok(reader.cages(&ask(&[], None))?.total))?,
        "resources": timed(&|| Ok(reader.resources(&ask(&[], None))?.total))?,
    }))
}

/// Figures are rounded for reading.
fn rate(count: usize, seconds: f64) -> f64 {
    (count as f64 / seconds).round()
}

fn main() -> Outcomes<()> {
    let asked = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let tasks: usize = asked.unwrap_or(100_000);
    let root = tempfile::tempdir()?;
    let folder = |name: &str| root.path().join(name);
    let fresh = |name: &str| -> Outcomes<(Writer, Store)> {
        std::fs::create_dir_all(folder(name))?;
        let (mut writer, mut store) = (writer()?, Store::open(&folder(name))?);
        store.commit(&writer.opening())?;
        Ok((writer, store))
    };

    let (mut writer, mut store) = fresh("submit")?;
    let records: Vec<_> = (0..tasks).map(|_| writer.submit().1).collect();
    let submit = commit(&mut store, &records)?;
    drop(store);
    std::fs::create_dir_all(folder("bare-submit"))?;
    let bare_submit = bare(&folder("submit"), &folder("bare-submit"), &["journal", "task"])?;

    let (mut writer, mut store) = fresh("life")?;
    let mut records = Vec::with_capacity(tasks * 3);
    // Scheduling and ending lag behind submission, as they do in an engine with a queue.
    let (mut queued, mut running) = (std::collections::VecDeque::new(), std::collections::VecDeque::new());
    for _ in 0..tasks {
        let (task, record) = writer.submit();
        records.push(record);
        queued.push_back(task);
    }
    while let Some(task) = queued.pop_front() {
        let (execution, record) = writer.schedule(task);
        records.push(record);
        running.push_back((task, execution));
        if running.len() > 64
            && let Some((task, execution)) = running.pop_front()
        {
            records.push(writer.end(task, execution));
        }
    }
    records.extend(running.drain(..).map(|(task, execution)| writer.end(task, execution)).collect::<Vec<_>>());
    let life = commit(&mut store, &records)?;
    drop(store);
    std::fs::create_dir_all(folder("bare-life"))?;
    let bare_life = bare(&folder("life"), &folder("bare-life"), &["journal", "task", "execution"])?;
    let start = Instant::now();
    let verified = verify(&folder("life"))?;
    let verify_seconds = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let rebuilt = rebuild(&folder("life"))?;
    let rebuild_seconds = start.elapsed().as_secs_f64();
    let lists = lists(&Reader::open(&folder("life"))?)?;
    std::fs::remove_dir_all(folder("life"))?;

    let many = tasks * 10;
    let (mut writer, mut store) = fresh("queue")?;
    for _ in 0..10 {
        let records: Vec<_> = (0..tasks).map(|_| writer.submit().1).collect();
        commit(&mut store, &records)?;
    }
    drop(store);
    let start = Instant::now();
    let store = Store::open(&folder("queue"))?;
    let open_seconds = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let snapshot = store.snapshot()?;
    let snapshot_seconds = start.elapsed().as_secs_f64();
    assert_eq!(snapshot.tasks.len(), many);
    let bytes = std::fs::metadata(folder("queue").join("menagerie.db"))?.len();

    let report = json!({
        "tasks": tasks,
        "group": GROUP,
        "submit": {"seconds": submit, "tasks_per_s": rate(tasks, submit), "us_per_task": submit * 1e6 / tasks as f64,
            "bare_seconds": bare_submit, "of_bare": bare_submit / submit},
        "life": {"seconds": life, "tasks_per_s": rate(tasks, life), "us_per_task": life * 1e6 / tasks as f64,
            "bare_seconds": bare_life, "of_bare": bare_life / life},
        "verify": {"records": verified.records, "records_per_s": rate(tasks * 3, verify_seconds)},
        "rebuild": {"records": rebuilt.records, "records_per_s": rate(tasks * 3, rebuild_seconds)},
        "lists_ms": lists,
        "snapshot": {"queued": many, "open_seconds": open_seconds, "seconds": snapshot_seconds,
            "file_bytes_per_task": bytes as f64 / many as f64},
    });
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}
