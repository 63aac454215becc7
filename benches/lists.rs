//! What lists cost with a million tasks: pages at the front, in the middle and at the far end, common sorts and filters, with
//! their totals. Prints JSON, milliseconds as the median of several runs on a warm cache.
//!
//! `cargo bench --bench lists -- [TASKS [FOLDER]]`; a folder is filled the first time and kept for the next.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use menagerie::domain::agent::AgentSpec;
use menagerie::domain::cage::CageSpec;
use menagerie::domain::event::{
    Actor, AgentDeclared, CageDeclared, Event, ExecutionEnded, ExecutionScheduled, JOURNAL_FORMAT, JournalOpened,
    NodeSeen, Record, TaskSubmitted, UserAdded,
};
use menagerie::domain::execution::{Outcome, OutcomeKind};
use menagerie::domain::id::{AgentId, CageId, ExecutionId, NodeId, TaskId, UserId};
use menagerie::domain::node::{Capacity, Node, NodeStatus};
use menagerie::domain::task::{NewTask, Task, TaskStatus};
use menagerie::domain::{Span, Timestamp, User};
use menagerie::store::{JournalQuery, Query, Reader, Store};
use serde_json::{Value, json};

type Outcomes<T> = Result<T, Box<dyn Error>>;

const GROUP: usize = 1000;
const AGENTS: usize = 1000;
const RUNS: usize = 5;

struct Writer {
    store: Store,
    pending: Vec<Record>,
    seq: u64,
    now: i64,
    user: UserId,
    node: NodeId,
    agents: Vec<AgentId>,
}

impl Writer {
    fn time(&self) -> Timestamp {
        Timestamp::from_micros(self.now)
    }

    /// A number below `bound` that follows from the record's and is spread as a draw would be.
    fn spread(&self, bound: usize) -> usize {
        let mut z = self.seq.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from((z ^ (z >> 27)) >> 33).unwrap_or(0) % bound
    }

    fn add(&mut self, event: impl Into<Event>) -> Outcomes<()> {
        self.seq += 1;
        self.now += 3_000;
        let actor = Actor::User(self.user);
        self.pending.push(Record { seq: self.seq, time: self.time(), actor, event: event.into() });
        if self.pending.len() >= GROUP { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Outcomes<()> {
        self.store.commit(&self.pending)?;
        self.pending.clear();
        Ok(())
    }

    fn fleet(&mut self) -> Outcomes<()> {
        let now = self.time();
        self.add(JournalOpened { format: JOURNAL_FORMAT, seed: 1, version: "bench".into() })?;
        let (email, name) = ("bench@here".to_owned(), "bench".to_owned());
        let user = User { id: self.user, email, name, avatar_url: None, roles: vec![], uid: Some(0), created_at: now };
        self.add(UserAdded { user })?;
        let node = Node {
            id: self.node,
            name: "here".into(),
            status: NodeStatus::Online,
            capacity: Capacity::default(),
            metadata: serde_json::Map::new(),
            created_at: now,
            updated_at: now,
        };
        let (owner, node_id) = (self.user, self.node);
        self.add(NodeSeen { node, resources: vec![] })?;
        for number in 1..=CageId::LAST {
            self.add(CageDeclared { spec: CageSpec::new(CageId::new(number)?), node_id })?;
        }
        for number in 0..AGENTS {
            let agent_id = AgentId::new(self.time(), self.seq.into());
            self.agents.push(agent_id);
            self.add(AgentDeclared { agent_id, spec: AgentSpec::new(format!("agent-{number}")), owner })?;
        }
        Ok(())
    }

    fn submit(&mut self) -> Outcomes<TaskId> {
        let now = self.time();
        let mut new = NewTask::new(["analysis", "processing", "build", "survey"][self.spread(4)]);
        new.parameters.configuration.insert("command".into(), json!(["make", format!("target-{}", self.seq)]));
        new.metadata.tags = vec![["nightly", "adhoc"][self.spread(2)].into()];
        new.metadata.source = Some("bench".into());
        let id = TaskId::new(now, u128::from(self.seq.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        new.priority = u8::try_from(1 + self.spread(10))?;
        new.requirements.gpu = u32::from(self.spread(100) == 0);
        let deadline = (self.spread(20) == 0).then(|| now.plus(Span::from_secs(3600)));
        let task = Task { deadline, ..new.into_task(id, self.user, now) };
        self.add(TaskSubmitted { task, after: vec![] })?;
        Ok(id)
    }

    fn run(&mut self, task_id: TaskId) -> Outcomes<()> {
        let (now, place) = (self.time(), self.spread(AGENTS));
        let execution_id = ExecutionId::new(now, u128::from(self.seq.wrapping_mul(0xbf58_476d_1ce4_e5b9)));
        let (agent_id, node_id) = (self.agents[place], self.node);
        let cage_id = CageId::new(u16::try_from(place)? + 1)?;
        self.add(ExecutionScheduled {
            execution_id,
            task_id,
            agent_id,
            cage_id,
            node_id,
            attempt: 1,
            held: vec![],
            choice: None,
        })?;
        let failed = self.spread(50) == 0;
        let kind = if failed { OutcomeKind::Failed } else { OutcomeKind::Succeeded };
        self.add(ExecutionEnded {
            execution_id,
            task_id,
            agent_id,
            started_at: Some(now),
            ended_at: now.plus(Span::from_millis(5)),
            outcome: Outcome::new(kind, if failed { "exit status 2: make stopped" } else { "" }),
            task_status: if failed { TaskStatus::Failed } else { TaskStatus::Completed },
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

/// Fills a folder: of the tasks, seven of ten have ended.
fn fill(folder: &Path, tasks: usize) -> Outcomes<f64> {
    std::fs::create_dir_all(folder)?;
    let start = Timestamp::from_micros(1_750_000_000_000_000);
    let mut writer = Writer {
        store: Store::open(folder)?,
        pending: vec![],
        seq: 0,
        now: start.as_micros(),
        user: UserId::new(start, 1),
        node: NodeId::new(start, 2),
        agents: vec![],
    };
    let begun = Instant::now();
    writer.fleet()?;
    for number in 0..tasks {
        let id = writer.submit()?;
        if number < tasks / 10 * 7 {
            writer.run(id)?;
        }
    }
    writer.flush()?;
    Ok(begun.elapsed().as_secs_f64())
}

/// The median milliseconds of some runs, and what the last gave.
fn timed(work: impl Fn() -> Outcomes<(usize, u64, bool)>) -> Outcomes<Value> {
    let mut times = vec![];
    let mut last = (0, 0, false);
    for _ in 0..RUNS {
        let begun = Instant::now();
        last = work()?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let ms = (times[RUNS / 2] * 100.0).round() / 100.0;
    Ok(json!({"ms": ms, "items": last.0, "total": last.1, "more": last.2}))
}

fn main() -> Outcomes<()> {
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with('-'));
    let tasks: usize = words.next().and_then(|word| word.parse().ok()).unwrap_or(1_000_000);
    let scratch = tempfile::tempdir()?;
    let folder = words.next().map_or_else(|| scratch.path().to_owned(), PathBuf::from);
    let filled = if folder.join("menagerie.db").exists() { None } else { Some(fill(&folder, tasks)?) };
    let reader = Reader::open(&folder)?;
    let (seq, _) = reader.journal_head()?;
    let now = reader.journal(seq - 1, 1)?[0].time;
    let ask = |filter: &str, sort: &str, offset: u64| Query {
        filter: filter.to_owned(),
        sort: (!sort.is_empty()).then(|| sort.to_owned()),
        offset,
        now,
        uid: Some(0),
        ..Query::default()
    };
    let mut report = serde_json::Map::new();
    let count = tasks as u64;
    let mut note = |name: String, figure: Value| {
        eprintln!("{:>9} ms  {name}  {figure}", figure["ms"].to_string());
        report.insert(name, figure);
    };
    for sort in ["", "-created_at", "-priority", "priority", "age", "-completed_at", "deadline", "-duration"] {
        for offset in [0, count / 4, count / 2, count - 1000] {
            let figure = timed(|| {
                let page = reader.tasks(&ask("", sort, offset))?;
                Ok((page.items.len(), page.total, page.more))
            })?;
            note(format!("tasks --sort={sort} --offset={offset}"), figure);
        }
    }
    for filter in [
        "status:pending",
        "status:completed",
        "status:failed",
        "status:pending priority:>7",
        "age:<1h",
        "age:>2000s",
        "agent:agent-77",
        "agent:=agent-77",
        "agent:=agent-77 status:failed",
        "owner:me",
        "cage:7",
        "tag:nightly",
        "analysis",
        "trgt777",
        "nothing-like-this",
        "error:stopped",
        "deadline:<1h",
        "gpu:>0",
    ] {
        for (sort, offset) in [("", 0), ("-priority", 0), ("", 10_000)] {
            let figure = timed(|| {
                let page = reader.tasks(&ask(filter, sort, offset))?;
                Ok((page.items.len(), page.total, page.more))
            })?;
            note(format!("tasks {filter} --sort={sort} --offset={offset}"), figure);
        }
    }
    for filter in ["", "agent:=agent-77", "status:failed", "task:0190"] {
        let figure = timed(|| {
            let page = reader.executions(&ask(filter, "", 0))?;
            Ok((page.items.len(), page.total, page.more))
        })?;
        note(format!("executions {filter}"), figure);
    }
    for filter in ["", "kind:agent_declared", "since:1h kind:execution", "object:agent-77"] {
        let question =
            JournalQuery { newest_first: true, limit: 100, filter: filter.into(), now, ..JournalQuery::default() };
        let figure = timed(|| {
            let page = reader.records(&question)?;
            Ok((page.rows.len(), page.next.unwrap_or(0), page.next.is_some()))
        })?;
        note(format!("journal {filter}"), figure);
    }
    let bytes = std::fs::metadata(folder.join("menagerie.db"))?.len();
    println!(
        "{}",
        serde_json::to_string_pretty(&json!({"tasks": tasks, "fill_seconds": filled, "bytes": bytes, "ms": report}))?
    );
    Ok(())
}
