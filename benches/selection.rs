//! How long it takes to choose among agents: of 10,000 and of 100,000, for texts never seen before, for texts seen before,
//! and after each change of an agent. Prints JSON. `cargo bench --bench selection`.

use std::fmt::Write as _;
use std::time::Instant;

use menagerie::domain::learning::USUAL;
use menagerie::domain::link::Report;
use menagerie::domain::node::Capacity;
use menagerie::domain::{Actor, Command, Cpu, Event, Fleet, NewTask, Outcome, OutcomeKind, Span, Timestamp, UserId};
use menagerie::engine::core::{Context, Core, Decisions};
use serde_json::json;

/// How often each is timed.
const ROUNDS: usize = 2_000;
/// How many different words there are.
const WORDS: u64 = 2_000;
/// Cages, for agents to work in.
const CAGES: usize = 1_000;
/// Executions that give agents a past.
const PAST: usize = 3_000;

/// A word; small numbers are frequent.
fn word(draw: &mut u64) -> String {
    // xorshift64*: good enough to spread words, and the same every time.
    *draw ^= *draw >> 12;
    *draw ^= *draw << 25;
    *draw ^= *draw >> 27;
    let number = draw.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
    let spread = number % WORDS;
    let rank = spread * spread / WORDS;
    let syllables = ["ka", "lo", "mi", "ru", "te", "so", "na", "vi", "ze", "po", "du", "fa"];
    let mut text = String::new();
    let mut rest = rank + 144;
    while rest > 0 {
        text.push_str(syllables[usize::try_from(rest % 12).unwrap_or(0)]);
        rest /= 12;
    }
    text
}

fn text(draw: &mut u64) -> String {
    (0..12).map(|_| word(draw)).collect::<Vec<_>>().join(" ")
}

fn fleet(agents: usize) -> Result<Fleet, toml::de::Error> {
    let (mut text, mut draw) = (String::new(), 42);
    for cage in 1..=CAGES {
        let _ = write!(text, "[[cage]]\nid = \"{cage:03}\"\nlimits = {{ cpu = 1 }}\n");
    }
    for agent in 0..agents {
        let words: Vec<_> = (0..5).map(|_| format!("\"{}\"", word(&mut draw))).collect();
        let role = ["planner", "designer", "coder", "tester", "deployer", "maintainer"][agent % 6];
        let _ = write!(
            text,
            "[[agent]]\nname = \"agent-{agent}\"\nrole = \"{role}\"\nkeywords = [{}]\n\
             runtime = {{ type = \"command\", command = [\"work\"] }}\n",
            words.join(", ")
        );
    }
    toml::from_str(&text)
}

fn percentile(sorted: &[u64], part: f64) -> f64 {
    let at = ((sorted.len() as f64 - 1.0) * part).round();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Within the length of the list.
    let nanos = sorted.get(at as usize).copied().unwrap_or(0);
    nanos as f64 / 1000.0
}

fn figures(mut nanos: Vec<u64>) -> serde_json::Value {
    nanos.sort_unstable();
    json!({"p50_us": percentile(&nanos, 0.5), "p99_us": percentile(&nanos, 0.99), "max_us": percentile(&nanos, 1.0)})
}

fn timed<T>(deed: impl FnOnce() -> T) -> (T, u64) {
    let begun = Instant::now();
    let result = deed();
    (result, u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX))
}

struct Bench {
    core: Core,
    now: Timestamp,
    user: UserId,
    node: menagerie::domain::NodeId,
}

impl Bench {
    fn new(agents: usize) -> Result<Self, String> {
        let mut out = Decisions::default();
        let mut core = Core::new();
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        core.open(now, 1, "bench", &mut out);
        let user = core.user_for(now, 1, "bench", "bench", &mut out);
        let capacity = Capacity { cpu_millis: 2_000_000, memory: 8 << 40, gpu: 0, gpu_memory: 0, storage: 1 << 50 };
        let node = core.node_hello(now, "bench", capacity, serde_json::Map::new(), &mut out);
        core.node_synced(now, node, false, &[], &mut out);
        let mut bench = Self { core, now, user, node };
        let fleet = fleet(agents).map_err(|error| error.to_string())?;
        bench.ask(Command::Apply { fleet, dry_run: false })?;
        Ok(bench)
    }

    fn ask(&mut self, command: Command) -> Result<(), String> {
        let mut out = Decisions::default();
        let actor = Actor::User(self.user);
        let reply = self.core.command(self.now, actor, command, &Context::default(), &mut out);
        reply.map(drop).map_err(|refusal| refusal.to_string())
    }

    /// Has tasks of three types done, most of them well, so that agents have a past.
    fn live(&mut self) -> Result<(), String> {
        let mut draw = 7;
        for at in 0..PAST {
            let mut task = NewTask::new(["build", "review", "deploy"][at % 3]);
            task.requirements.cpu = Cpu::from_millis(100);
            task.parameters.input_data.insert("prompt".into(), text(&mut draw).into());
            self.ask(Command::SubmitTasks { tasks: vec![task], keep_going: false })?;
            let mut out = Decisions::default();
            self.core.schedule(self.now, 10, &mut out);
            self.now = self.now.plus(Span::from_secs(30));
            let started = out.records.iter().filter_map(|record| match &record.event {
                Event::ExecutionScheduled(event) => Some(event.execution_id),
                _ => None,
            });
            for execution_id in started.collect::<Vec<_>>() {
                let kind = if at.is_multiple_of(7) { OutcomeKind::Failed } else { OutcomeKind::Succeeded };
                let outcome = Box::new(Outcome::new(kind, ""));
                let report = Report::Ended { execution_id, started_at: Some(self.now), outcome, artifacts: vec![] };
                self.core.report(self.now, self.node, self.now.plus(Span::from_secs(1)), report, &mut out);
            }
        }
        Ok(())
    }
}

fn run(agents: usize) -> Result<serde_json::Value, String> {
    let mut bench = Bench::new(agents)?;
    bench.live()?;
    let mut draw = 99;
    let texts: Vec<_> = (0..ROUNDS).map(|_| text(&mut draw)).collect();
    let user = Some(bench.user);
    // The rankings of types and phases are made once and then kept up, as in an engine that runs.
    for kind in ["build", "review", "deploy"] {
        let _ = bench.core.recommend("", kind, user, USUAL, 5);
    }
    let mut uncached = vec![];
    for text in &texts {
        let (found, nanos) = timed(|| bench.core.recommend(text, "build", user, USUAL, 5));
        assert_eq!(found.items.len(), 5);
        uncached.push(nanos);
    }
    // The choice itself, as the scheduler makes it: submit and place, with the text seen before and one agent changed by
    // every round.
    let mut placed = vec![];
    for _ in 0..ROUNDS.min(CAGES) {
        let mut task = NewTask::new("build");
        task.requirements.cpu = Cpu::from_millis(100);
        task.parameters.input_data.insert("prompt".into(), texts[0].as_str().into());
        bench.ask(Command::SubmitTasks { tasks: vec![task], keep_going: false })?;
        let mut out = Decisions::default();
        let (_, nanos) = timed(|| bench.core.schedule(bench.now, 10, &mut out));
        placed.push(nanos);
        for record in &out.records {
            if let Event::ExecutionScheduled(event) = &record.event {
                let outcome = Box::new(Outcome::new(OutcomeKind::Succeeded, ""));
                let execution_id = event.execution_id;
                let report = Report::Ended { execution_id, started_at: None, outcome, artifacts: vec![] };
                let mut out = Decisions::default();
                bench.core.report(bench.now, bench.node, bench.now, report, &mut out);
            }
        }
    }
    Ok(json!({"agents": agents, "recommend_uncached": figures(uncached), "schedule_cached": figures(placed)}))
}

fn main() {
    let mut results = vec![];
    for agents in [10_000, 100_000] {
        match run(agents) {
            Ok(result) => results.push(result),
            Err(error) => {
                eprintln!("{agents} agents: {error}");
                std::process::exit(1);
            }
        }
    }
    println!("{}", json!({"bench": "selection", "results": results}));
}
