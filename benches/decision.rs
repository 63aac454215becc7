//! How long a decision takes and how much memory a queued task needs: a million tasks queued, ten thousand agents, a
//! thousand cages. Prints JSON. `cargo bench --bench decision [-- TASKS]`.
//!
//! A decision is what the loop does when an execution ends: the report is taken in and the freed place is given to the
//! next task. Every one is timed.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Instant;

use menagerie::domain::command::{Command, Reply};
use menagerie::domain::learning::{Product, type_number};
use menagerie::domain::link::Report;
use menagerie::domain::node::Capacity;
use menagerie::domain::selection::TaskContext;
use menagerie::domain::snapshot::{EndedCounts, OpenArtifact, Past, QueuedTask, Snapshot};
use menagerie::domain::task::ArrayRange;
use menagerie::domain::{
    Actor, AgentId, ArtifactId, ArtifactType, Cpu, Event, ExecutionId, Fleet, NewTask, Outcome, OutcomeKind,
    ReviewState, Span, TaskId, TaskStatus, Timestamp, UserId,
};
use std::collections::BTreeMap;

use menagerie::engine::core::{Context, Core, Decisions};
use serde_json::json;

/// The bytes that the process holds in memory, as the kernel counts them; zero where it does not say.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024
}

const AGENTS: usize = 10_000;
const CAGES: usize = 1_000;
const DECISIONS: usize = 20_000;
const OWNERS: u32 = 8;

/// A thousand cages of different sizes; half have an agent at home, the rest are for the 9,500 that float.
fn fleet() -> Result<Fleet, toml::de::Error> {
    let mut text = String::new();
    for cage in 1..=CAGES {
        let cpu = [1, 2, 4][cage % 3];
        let _ = write!(text, "[[cage]]\nid = \"{cage:03}\"\nlimits = {{ cpu = {cpu}, memory = \"4GiB\" }}\n");
    }
    for agent in 0..AGENTS {
        let capability = ["shell", "review", "build", "test"][agent % 4];
        let home = if agent < CAGES / 2 { format!("cage = \"{:03}\"\n", agent + 1) } else { String::new() };
        let concurrency = 1 + agent % 2;
        let _ = write!(
            text,
            "[[agent]]\nname = \"agent-{agent}\"\n{home}concurrency = {concurrency}\ncapabilities = [\"{capability}\"]\n"
        );
    }
    toml::from_str(&text)
}

/// Sixty-odd shapes, a few priorities, owners and estimates: what a busy installation looks like.
fn new_task(number: usize) -> NewTask {
    let mut task = NewTask::new("processing");
    task.parameters.configuration.insert("command".into(), serde_json::json!(["work"]));
    task.priority = u8::try_from(4 + number % 3).unwrap_or(5);
    task.requirements.cpu = Cpu::from_millis([100, 500, 1000, 2000][number % 4]);
    task.requirements.capabilities = vec![["shell", "review", "build", "test"][number / 4 % 4].to_owned()];
    task.estimate = (!number.is_multiple_of(5)).then(|| Span::from_secs([60, 300, 1800, 7200][number / 16 % 4]));
    task
}

fn percentile(sorted: &[u64], part: f64) -> f64 {
    let at = ((sorted.len() as f64 - 1.0) * part).round();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Within the length of the list.
    let nanos = sorted.get(at as usize).copied().unwrap_or(0);
    nanos as f64 / 1000.0
}

fn nanos(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

struct Bench {
    core: Core,
    now: Timestamp,
    users: Vec<UserId>,
    running: VecDeque<ExecutionId>,
}

impl Bench {
    fn take(&mut self, out: &mut Decisions) -> usize {
        let before = self.running.len();
        for record in out.records.drain(..) {
            if let Event::ExecutionScheduled(event) = record.event {
                self.running.push_back(event.execution_id);
            }
        }
        out.effects.clear();
        self.running.len() - before
    }

    fn ask(&mut self, owner: usize, command: Command, out: &mut Decisions) -> Option<Reply> {
        self.core.command(self.now, Actor::User(self.users[owner]), command, &Context::default(), out).ok()
    }
}

fn main() {
    // Cargo hands on a `--bench` of its own; the one number among the arguments is the count of tasks.
    let tasks = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(1_000_000_usize);
    let mut out = Decisions::default();
    let mut core = Core::new();
    let now = Timestamp::from_micros(1_700_000_000_000_000);
    core.open(now, 1, "bench", &mut out);
    let names: Vec<_> = (0..OWNERS).map(|owner| format!("owner-{owner}")).collect();
    let users = names.iter().map(|name| core.user_for(now, 1, name, "bench", &mut out)).collect();
    let capacity = Capacity { cpu_millis: 2_000_000, memory: 8 << 40, gpu: 0, gpu_memory: 0, storage: 1 << 50 };
    let node = core.node_hello(now, "bench", capacity, serde_json::Map::new(), &mut out);
    core.node_synced(now, node, false, &[], &mut out);
    let mut bench = Bench { core, now, users, running: VecDeque::new() };

    if let Some((shell, _)) = bench.core.agent_by_name("shell") {
        let _ = bench.ask(0, Command::RemoveAgents { ids: vec![shell] }, &mut out);
    }
    let applying = Instant::now();
    match fleet() {
        Ok(fleet) => {
            if bench.ask(0, Command::Apply { fleet, dry_run: false }, &mut out).is_none() {
                eprintln!("the fleet was refused");
                std::process::exit(1);
            }
        }
        Err(error) => {
            eprintln!("the fleet is malformed: {error}");
            std::process::exit(1);
        }
    }
    bench.take(&mut out);
    let applied = nanos(applying);

    let before = resident_bytes();
    let mut submitting = 0;
    for batch in 0..tasks / 1000 {
        let tasks = (0..1000).map(|number| new_task(batch * 1000 + number)).collect();
        let owner = batch % OWNERS as usize;
        bench.now = bench.now.plus(Span::from_millis(50));
        let start = Instant::now();
        let _ = bench.ask(owner, Command::SubmitTasks { tasks, keep_going: false }, &mut out);
        submitting += nanos(start);
        bench.take(&mut out);
    }
    out = Decisions::default();
    let bytes = (resident_bytes() - before) as f64 / tasks as f64;

    let start = Instant::now();
    while bench.core.schedule(bench.now, 1000, &mut out) {
        bench.take(&mut out);
    }
    let filled = nanos(start);
    bench.take(&mut out);
    let running = bench.running.len();

    let mut times = Vec::with_capacity(DECISIONS);
    let mut started = 0;
    for _ in 0..DECISIONS {
        let Some(execution_id) = bench.running.pop_front() else { break };
        bench.now = bench.now.plus(Span::from_millis(20));
        let outcome = Box::new(Outcome::new(OutcomeKind::Succeeded, ""));
        let report = Report::Ended { execution_id, started_at: Some(bench.now), outcome, artifacts: vec![] };
        let start = Instant::now();
        bench.core.report(bench.now, node, bench.now, report, &mut out);
        bench.core.schedule(bench.now, 1000, &mut out);
        times.push(nanos(start));
        started += bench.take(&mut out);
    }
    times.sort_unstable();

    let array = NewTask { array: Some(ArrayRange { first: 1, last: 1_000_000 }), ..new_task(1) };
    let before = resident_bytes();
    let _ = bench.ask(0, Command::SubmitTasks { tasks: vec![array], keep_going: false }, &mut out);
    out = Decisions::default();
    let array_bytes = resident_bytes().saturating_sub(before);
    drop(out);
    let foretold = foretell(&bench.core, bench.now);

    let figures = json!({
        "bench": "decision",
        "version": menagerie::VERSION,
        "tasks_queued": tasks,
        "agents": AGENTS,
        "cages": CAGES,
        "executions_running": running,
        "decisions": times.len(),
        "started_by_them": started,
        "decision_us": {
            "p50": percentile(&times, 0.5), "p90": percentile(&times, 0.9), "p99": percentile(&times, 0.99),
            "p999": percentile(&times, 0.999), "max": percentile(&times, 1.0),
        },
        "bytes_per_queued_task": bytes,
        "bytes_per_array_of_a_million": array_bytes,
        "submit_us_per_task": submitting as f64 / 1000.0 / tasks as f64,
        "apply_fleet_ms": applied as f64 / 1e6,
        "first_fill_ms": filled as f64 / 1e6,
        "restore_ms": restore(tasks) as f64 / 1e6,
        "inbox_of_10000_ms": inbox(tasks, 10_000) as f64 / 1e6,
        "what_if_ms": foretold as f64 / 1e6,
    });
    println!("{figures:#}");
}

/// How long it takes to restore a queue from rows, in nanoseconds.
fn restore(tasks: usize) -> u64 {
    let snapshot = rows(tasks);
    let start = Instant::now();
    let core = Core::restore(snapshot);
    let took = nanos(start);
    assert_eq!(core.counts().tasks.pending, tasks as u64);
    took
}

/// How long it takes to put an inbox into order, in nanoseconds: each artifact holds up another task of a long queue.
fn inbox(tasks: usize, artifacts: usize) -> u64 {
    let mut snapshot = rows(tasks);
    let time = snapshot.time;
    for (number, task) in snapshot.tasks.iter_mut().enumerate().take(artifacts) {
        // The low bits are not zero, so that no maker looks like the array of others.
        let random = (number as u128 * 104_729) << 24 | 1;
        let maker = TaskId::new(time, random);
        (task.approval_gate, task.depends_on) = (true, vec![(maker, TaskStatus::Completed)]);
        let (id, state) = (ArtifactId::new(time, random), ReviewState::Pending);
        let agent_id = AgentId(uuid::Uuid::from_u128(random));
        snapshot.artifacts.push(OpenArtifact {
            id,
            task_id: maker,
            state,
            snoozed_until: None,
            agent_id,
            judged_by: None,
            merges: false,
            product: Product { kind: type_number("processing"), artifact: ArtifactType::Report },
        });
    }
    let core = Core::restore(snapshot);
    let start = Instant::now();
    let inbox = core.inbox(time.plus(Span::from_secs(60)), false);
    let took = nanos(start);
    assert!(inbox.len() == artifacts && inbox.iter().all(|item| item.blocked.tasks == 1));
    took
}

/// How long it takes to say what the removal of a fleet's first agent would do, in nanoseconds.
fn foretell(core: &Core, now: Timestamp) -> u64 {
    let ids = core.agent_by_name("agent-0").map(|(id, _)| id).into_iter().collect();
    let start = Instant::now();
    let actor = Actor::User(UserId(uuid::Uuid::from_u128(1)));
    let foretold = core.what_if(now, actor, &Command::DrainAgents { ids }, &Context::default(), &BTreeMap::new());
    let took = nanos(start);
    assert!(foretold.is_ok_and(|foretold| foretold.items.len() == 1));
    took
}

/// A queue as rows.
fn rows(tasks: usize) -> Snapshot {
    let created_at = Timestamp::from_micros(1_700_000_000_000_000);
    let owner = UserId(uuid::Uuid::from_u128(1));
    let row = |number: usize| {
        let new = new_task(number);
        QueuedTask {
            id: TaskId::new(created_at.plus(Span::from_micros(number.try_into().unwrap_or(0))), number as u128 * 7919),
            status: TaskStatus::Pending,
            priority: new.priority,
            requirements: new.requirements,
            brings_command: true,
            agent_id: None,
            cage_id: None,
            owner,
            deadline: None,
            created_at,
            not_before: None,
            attempts: 0,
            losses: 0,
            executions: 0,
            max_attempts: 3,
            timeout: None,
            estimate: new.estimate,
            preemptible: false,
            approval_gate: false,
            depends_on: vec![],
            kind: new.kind,
            context: TaskContext::default(),
            after: vec![],
            done_by: None,
            array: None,
            materialised: vec![],
            array_failed: 0,
        }
    };
    Snapshot {
        seq: 1,
        time: created_at,
        seed: 1,
        defaults: menagerie::domain::Defaults::default(),
        users: vec![],
        nodes: vec![],
        cages: vec![],
        agents: vec![],
        tasks: (0..tasks).map(row).collect(),
        executions: vec![],
        artifacts: vec![],
        merging: vec![],
        alerts: vec![],
        alert_rules: vec![],
        alerts_grouped: vec![],
        approval_rules: vec![],
        silences: vec![],
        ended: EndedCounts::default(),
        past: Past::default(),
    }
}
