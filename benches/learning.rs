//! What learning costs: taking in how an execution came out, with all models learning from it, and taking all models up again
//! from a store with a million past executions. Prints JSON. `cargo bench --bench learning -- [OUTCOMES [AGENTS]]`.

#[path = "filled/words.rs"]
mod words;

use std::error::Error;
use std::fmt::Write as _;
use std::time::Instant;

use menagerie::domain::link::Report;
use menagerie::domain::node::Capacity;
use menagerie::domain::{
    Actor, Command, Cpu, Event, ExecutionId, Fleet, NewTask, NodeId, Outcome, OutcomeKind, Record, Span, Timestamp,
    UserId,
};
use menagerie::engine::core::{Context, Core, Decisions};
use menagerie::store::Store;
use serde_json::json;
use words::word;

type Outcomes<T> = Result<T, Box<dyn Error>>;

/// Cages, for agents to work in.
const CAGES: usize = 1_000;
/// Different texts; what is asked for comes again.
const TEXTS: usize = 5_000;
/// Records in a transaction.
const GROUP: usize = 5_000;

fn fleet(agents: usize) -> Outcomes<Fleet> {
    let mut text = String::new();
    for cage in 1..=CAGES {
        let _ = write!(text, "[[cage]]\nid = \"{cage:03}\"\nlimits = {{ cpu = 1 }}\n");
    }
    for agent in 0..agents {
        let words: Vec<_> = (0..5).map(|place| format!("{:?}", word((agent * 31 + place * 977) % 2000))).collect();
        let _ = write!(
            text,
            "[[agent]]\nname = \"agent-{agent}\"\nkeywords = [{}]\nruntime = {{ type = \"command\", command = [\"work\"] }}\n",
            words.join(", ")
        );
    }
    Ok(toml::from_str(&text)?)
}

struct Bench {
    core: Core,
    now: Timestamp,
    user: UserId,
    node: NodeId,
    store: Store,
    pending: Vec<Record>,
}

impl Bench {
    fn new(folder: &std::path::Path, agents: usize) -> Outcomes<Self> {
        let mut out = Decisions::default();
        let mut core = Core::new();
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        core.open(now, 1, "bench", &mut out);
        let user = core.user_for(now, 1, "bench", "bench", &mut out);
        let capacity = Capacity { cpu_millis: 2_000_000, memory: 8 << 40, gpu: 0, gpu_memory: 0, storage: 1 << 50 };
        let node = core.node_hello(now, "bench", capacity, serde_json::Map::new(), &mut out);
        core.node_synced(now, node, false, &[], &mut out);
        let mut bench = Self { core, now, user, node, store: Store::open(folder)?, pending: vec![] };
        bench.keep(out)?;
        bench.ask(Command::Apply { fleet: fleet(agents)?, dry_run: false })?;
        Ok(bench)
    }

    fn keep(&mut self, out: Decisions) -> Outcomes<()> {
        self.pending.extend(out.records);
        if self.pending.len() >= GROUP {
            self.store.commit(&self.pending)?;
            self.pending.clear();
        }
        Ok(())
    }

    fn ask(&mut self, command: Command) -> Outcomes<()> {
        let mut out = Decisions::default();
        let actor = Actor::User(self.user);
        let reply = self.core.command(self.now, actor, command, &Context::default(), &mut out);
        reply.map_err(|refusal| refusal.to_string())?;
        self.keep(out)
    }

    /// Has one task chosen for, done and learned from; the nanoseconds that the report of its end took.
    fn round(&mut self, number: usize) -> Outcomes<Option<u64>> {
        let text = number.wrapping_mul(7919) % TEXTS;
        let kind = ["build", "review", "deploy"][text % 3];
        let mut task = NewTask::new(kind);
        task.requirements.cpu = Cpu::from_millis(100);
        let words: Vec<_> = (0..6).map(|place| word((text * 13 + place * 389) % 2000)).collect();
        task.parameters.input_data.insert("prompt".into(), words.join(" ").into());
        self.ask(Command::SubmitTasks { tasks: vec![task], keep_going: false })?;
        let mut out = Decisions::default();
        self.core.schedule(self.now, 10, &mut out);
        let started = out.records.iter().find_map(|record| match &record.event {
            Event::ExecutionScheduled(event) => Some(event.execution_id),
            _ => None,
        });
        self.keep(out)?;
        let start = self.now;
        self.now = self.now.plus(Span::from_secs(1 + i64::try_from(text % 90)?));
        match started {
            Some(execution_id) => self.end(execution_id, start, !number.is_multiple_of(7)).map(Some),
            None => Ok(None),
        }
    }

    fn end(&mut self, execution_id: ExecutionId, start: Timestamp, good: bool) -> Outcomes<u64> {
        let kind = if good { OutcomeKind::Succeeded } else { OutcomeKind::Failed };
        let outcome = Box::new(Outcome::new(kind, ""));
        let report = Report::Ended { execution_id, started_at: Some(start), outcome, artifacts: vec![] };
        let mut out = Decisions::default();
        let begun = Instant::now();
        self.core.report(self.now, self.node, self.now, report, &mut out);
        let took = u64::try_from(begun.elapsed().as_nanos())?;
        self.keep(out)?;
        Ok(took)
    }
}

fn percentile(sorted: &[u64], part: f64) -> f64 {
    let at = ((sorted.len() as f64 - 1.0) * part).round();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Within the length of the list.
    let nanos = sorted.get(at as usize).copied().unwrap_or(0);
    nanos as f64 / 1000.0
}

fn main() -> Outcomes<()> {
    let mut numbers = std::env::args().filter_map(|word| word.parse::<usize>().ok());
    let outcomes = numbers.next().unwrap_or(1_000_000);
    let agents = numbers.next().unwrap_or(10_000);
    let scratch = tempfile::tempdir()?;
    let mut bench = Bench::new(scratch.path(), agents)?;
    let mut times = vec![];
    for number in 0..outcomes {
        times.extend(bench.round(number)?);
    }
    bench.store.commit(&bench.pending)?;
    drop(bench);
    times.sort_unstable();
    let begun = Instant::now();
    let snapshot = Store::open(scratch.path())?.snapshot()?;
    let read = begun.elapsed().as_secs_f64();
    let lessons = snapshot.past.lessons.len();
    let core = Core::restore(snapshot);
    let recovered = begun.elapsed().as_secs_f64();
    drop(core);
    println!(
        "{}",
        serde_json::to_string_pretty(&json!({
            "bench": "learning", "version": menagerie::VERSION, "agents": agents, "outcomes": times.len(),
            "report_of_an_end_us": {
                "p50": percentile(&times, 0.5), "p90": percentile(&times, 0.9), "p99": percentile(&times, 0.99),
                "max": percentile(&times, 1.0),
            },
            "recovered_s": recovered, "of_that_reading_s": read, "lessons_since_the_last_versions": lessons,
        }))?
    );
    Ok(())
}
