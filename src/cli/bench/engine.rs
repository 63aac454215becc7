//! `bench engine`: from submission to completion through core and store, without processes, beside a bare loop that writes
//! the same rows with rusqlite.

use std::error::Error;
use std::path::Path;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params_from_iter, types::Value as Cell};
use serde_json::{Value, json};
use tokio::sync::{broadcast::error::RecvError, oneshot};

use super::report::{Report, Scratch};
use crate::domain::cage::CageLimits;
use crate::domain::fleet::CageEntry;
use crate::domain::link::{Report as WorkerReport, ToWorker};
use crate::domain::node::Capacity;
use crate::domain::{AgentSpec, CageId, Command, Cpu, Fleet, NewTask, Outcome, OutcomeKind, Refusal, Reply};
use crate::engine::Engine;
use crate::engine::clock::Clock;
use crate::engine::message::{Greeting, Message, Peer};
use crate::engine::outlet::{Outlet, TooLong};
use crate::engine::progress::Progress;
use crate::store::Store;
use crate::store::series::Policy;

/// How many tasks one submission carries.
const BATCH: usize = 1000;
/// Agents, each in a cage of its own, and how many tasks each does at a time: together as many as a thousand cages do that
/// do four each.
const AGENTS: u16 = 16;
const CONCURRENCY: u32 = 256;

/// Runs the benchmark `runs` times with `tasks` tasks each.
pub fn run(tasks: usize, runs: usize) -> Result<Report, Box<dyn Error>> {
    let mut results = Vec::new();
    for _ in 0..runs {
        results.push(once(tasks)?);
    }
    let settings = json!({"tasks": tasks, "batch": BATCH, "agents": AGENTS, "concurrency": CONCURRENCY});
    Ok(Report::new("engine", settings, results))
}

/// A worker that has done everything the moment it is asked.
struct InstantWorker {
    decider: Sender<Message>,
    clock: Clock,
    number: u64,
}

impl Outlet for InstantWorker {
    fn send(&mut self, messages: &[ToWorker]) -> std::io::Result<Vec<TooLong>> {
        for message in messages {
            let ToWorker::Start(start) = message else { continue };
            self.number += 1;
            let time = self.clock.now();
            let report = WorkerReport::Ended {
                execution_id: start.execution_id,
                started_at: Some(time),
                outcome: Box::new(Outcome { exit_code: Some(0), ..Outcome::new(OutcomeKind::Succeeded, "") }),
                artifacts: vec![],
            };
            let report = Message::Report { connection: 1, number: self.number, time, report };
            self.decider.send(report).map_err(|_| std::io::ErrorKind::BrokenPipe)?;
        }
        Ok(vec![])
    }
}

fn once(tasks: usize) -> Result<Value, Box<dyn Error>> {
    let scratch = Scratch::new(None)?;
    let engine = Engine::start(
        Store::open(scratch.path())?,
        scratch.path(),
        &Progress::default(),
        Duration::ZERO,
        Policy::default(),
        crate::domain::Span::ZERO,
    )?;
    let clock = Clock::start(crate::domain::Timestamp::EPOCH);
    let greeting = Greeting {
        connection: 1,
        node: "bench".into(),
        incarnation: 1,
        capacity: Capacity { cpu_millis: 10_000_000, memory: 1 << 44, gpu: 0, gpu_memory: 0, storage: 1 << 44 },
        metadata: serde_json::Map::new(),
        executions: vec![],
        outlet: Box::new(InstantWorker { decider: engine.decider.clone(), clock, number: 0 }),
    };
    let tell = |message| engine.decider.send(message).map_err(|_| "the engine is gone");
    tell(Message::Hello(Box::new(greeting)))?;
    tell(Message::Synced { connection: 1 })?;
    ask(&engine.decider, Command::Apply { fleet: fleet()?, dry_run: false })?;
    let mut published = engine.published.subscribe();
    let begun = Instant::now();
    let mut answers = Vec::new();
    for first in (0..tasks).step_by(BATCH) {
        let batch = (first..tasks.min(first + BATCH)).map(|_| task()).collect();
        answers.push(send(&engine.decider, Command::SubmitTasks { tasks: batch, keep_going: false })?);
    }
    for answer in answers {
        answer.blocking_recv()??;
    }
    let submitted = begun.elapsed();
    let mut ended = 0;
    while ended < tasks {
        match published.blocking_recv() {
            Ok(news) => ended += news.ended.len(),
            Err(RecvError::Lagged(_)) => return Err("the benchmark could not follow the engine".into()),
            Err(error) => return Err(error.into()),
        }
    }
    let whole = begun.elapsed();
    let (done, finished) = oneshot::channel();
    tell(Message::Stop { kill: false, done: Some(done) })?;
    finished.blocking_recv()??;
    engine.join()?;
    let (bare, rows) = bare_loop(scratch.path())?;
    let rate = |span: Duration| tasks as f64 / span.as_secs_f64();
    Ok(json!({
        "submit_per_s": rate(submitted),
        "tasks_per_s": rate(whole),
        "rows": rows,
        "bare_tasks_per_s": rate(bare),
        "bare_over_ours": bare.as_secs_f64() / whole.as_secs_f64(),
    }))
}

fn task() -> NewTask {
    let mut task = NewTask::new("processing");
    task.parameters.configuration.insert("command".into(), json!(["/bin/true"]));
    task.requirements.cpu = Cpu::from_millis(100);
    task.requirements.capabilities = vec!["bench".into()];
    task
}

fn fleet() -> Result<Fleet, Refusal> {
    let mut fleet = Fleet::default();
    fleet.cage.push(CageEntry {
        range: Some(format!("1-{AGENTS}")),
        limits: CageLimits { cpu: Some(Cpu::from_cores(64)), ..CageLimits::default() },
        ..CageEntry::default()
    });
    for number in 1..=AGENTS {
        let mut agent = AgentSpec::new(format!("bench-{number}"));
        agent.cage = Some(CageId::new(number)?);
        agent.concurrency = CONCURRENCY;
        agent.capabilities = vec![
            serde_json::from_value(json!("bench")).map_err(|error| Refusal::invalid("capability", error, "a name"))?,
        ];
        fleet.agent.push(agent);
    }
    Ok(fleet)
}

type Answer = oneshot::Receiver<Result<Reply, Refusal>>;

fn send(decider: &Sender<Message>, command: Command) -> Result<Answer, Box<dyn Error>> {
    let (answer, answered) = oneshot::channel();
    let peer = Peer { uid: 0, name: "bench".into() };
    decider.send(Message::Command { peer, command, answer }).map_err(|_| "the engine is gone")?;
    Ok(answered)
}

fn ask(decider: &Sender<Message>, command: Command) -> Result<Reply, Box<dyn Error>> {
    Ok(send(decider, command)?.blocking_recv()??)
}

/// Writes every row that the run left behind into an empty database of the same schema, a thousand rows a transaction,
/// with the same durability.
fn bare_loop(data_dir: &Path) -> Result<(Duration, usize), Box<dyn Error>> {
    let source = Connection::open(data_dir.join("menagerie.db"))?;
    let scratch = Scratch::new(None)?;
    drop(Store::open(scratch.path())?);
    let mut target = Connection::open(scratch.path().join("menagerie.db"))?;
    target.pragma_update(None, "journal_mode", "WAL")?;
    target.pragma_update(None, "synchronous", "FULL")?;
    let mut names = source.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '%\\_fts%' ESCAPE '\\'")?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut tables = Vec::new();
    for name in names {
        target.execute(&format!("DELETE FROM \"{name}\""), [])?;
        let mut select = source.prepare(&format!("SELECT * FROM \"{name}\""))?;
        let columns = select.column_count();
        let read =
            |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect::<Result<Vec<Cell>, _>>();
        let rows: Vec<Vec<Cell>> = select.query_map([], read)?.collect::<Result<_, _>>()?;
        let places = vec!["?"; columns].join(",");
        tables.push((format!("INSERT INTO \"{name}\" VALUES ({places})"), rows));
    }
    let begun = Instant::now();
    let mut count = 0;
    for (insert, rows) in &tables {
        for group in rows.chunks(BATCH) {
            let transaction = target.transaction()?;
            {
                let mut statement = transaction.prepare_cached(insert)?;
                for row in group {
                    statement.execute(params_from_iter(row))?;
                }
            }
            transaction.commit()?;
            count += group.len();
        }
    }
    Ok((begun.elapsed(), count))
}
