//! `bench dispatch`: tasks of `/bin/true`, each durable before it is acknowledged and before it starts, in cages, beside a
//! bare loop that spawns the same into a fresh cgroup each.

use std::time::Instant;

use serde_json::{Value, json};

use super::report::Report;
use super::subject::Subject;
use crate::api::types::WireCommand;
use crate::cli::failure::Failure;
use crate::domain::cage::CageLimits;
use crate::domain::fleet::CageEntry;
use crate::domain::{AgentSpec, Bytes, CageId, Command, Fleet, NewTask, Refusal, Timestamp};

/// How the benchmark is set.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Tasks a run.
    pub tasks: usize,
    /// Runs.
    pub runs: usize,
    /// Cages, with one agent each.
    pub cages: u16,
    /// Tasks that each agent does at a time.
    pub concurrency: u32,
}

/// Runs the benchmark.
pub fn run(settings: Settings) -> Result<Report, Failure> {
    let mut results = Vec::new();
    for _ in 0..settings.runs {
        results.push(once(settings)?);
    }
    let Settings { tasks, cages, concurrency, .. } = settings;
    let shown = json!({"tasks": tasks, "cages": cages, "concurrency": concurrency, "bare_threads": 2});
    Ok(Report::new("dispatch", shown, results))
}

fn once(settings: Settings) -> Result<Value, Failure> {
    let subject = Subject::start(None)?;
    let client = subject.client()?;
    client.command(&WireCommand::Apply { fleet: fleet(settings)?, dry_run: false })?;
    // The cages are set up by a first task each, as they are for a fleet at work.
    let warm_up = usize::from(settings.cages) * settings.concurrency as usize * 4;
    client.command(&submission(warm_up))?;
    subject.wait_until_done()?;
    let idle_to_done = latency(&subject)?;
    let begun = Instant::now();
    client.command(&submission(settings.tasks))?;
    let acknowledged = begun.elapsed();
    subject.wait_until_done()?;
    let ours = begun.elapsed();
    let status = subject.status()?;
    if status.tasks.failed > 0 {
        return Err(Failure::failed(format!("{} tasks failed: the figures mean nothing", status.tasks.failed)));
    }
    let bare = crate::worker::bare::spawn_into_fresh_cgroups(settings.tasks, 2)
        .map_err(|error| Failure::failed(format!("the bare loop cannot run: {error}")))?;
    let each = |span: std::time::Duration| span.as_secs_f64() * 1e6 / settings.tasks as f64;
    Ok(json!({
        "ours_us_a_task": each(ours),
        "bare_us_a_task": each(bare),
        "bare_over_ours": bare.as_secs_f64() / ours.as_secs_f64(),
        "acknowledged_s": acknowledged.as_secs_f64(),
        "submit_to_start_p50_ms": idle_to_done.0,
        "submit_to_start_p99_ms": idle_to_done.1,
    }))
}

/// Milliseconds from the creation of a task to the start of its process on an idle engine: median and 99th percentile
/// over 200 tasks submitted one by one.
fn latency(subject: &Subject) -> Result<(f64, f64), Failure> {
    let client = subject.client()?;
    let mut spans = Vec::new();
    for _ in 0..200 {
        let crate::domain::Reply::Submitted { ids, .. } = client.command(&submission(1))? else { continue };
        let Some(id) = ids.first() else { continue };
        let Ok(Some(task)) = client.wait_for_task(&id.to_string(), 60).map(Result::ok).map(Option::flatten) else {
            continue;
        };
        let time = |name: &str| task.get(name)?.as_str()?.parse::<Timestamp>().ok();
        if let (Some(created), Some(started)) = (time("created_at"), time("started_at")) {
            spans.push(started.since(created).as_secs_f64() * 1e3);
        }
    }
    spans.sort_by(f64::total_cmp);
    let at = |part: usize| spans.get(spans.len() * part / 100).copied().unwrap_or(f64::NAN);
    Ok((at(50), at(99)))
}

fn submission(count: usize) -> Command {
    let mut task = NewTask::new("command");
    task.requirements.capabilities = vec!["shell".into()];
    task.parameters.configuration.insert("command".into(), json!(["/bin/true"]));
    Command::SubmitTasks { tasks: vec![task; count], keep_going: false }
}

fn fleet(settings: Settings) -> Result<Fleet, Refusal> {
    let mut fleet = Fleet::default();
    fleet.cage.push(CageEntry {
        range: Some(format!("1-{}", settings.cages)),
        limits: CageLimits { memory: Some(Bytes::from_mib(256)), pids: Some(64), ..CageLimits::default() },
        ..CageEntry::default()
    });
    for number in 1..=settings.cages {
        let mut agent = AgentSpec::new(format!("bench-{number}"));
        agent.cage = Some(CageId::new(number)?);
        agent.concurrency = settings.concurrency;
        agent.capabilities =
            vec![crate::domain::agent::Capability { kind: "shell".into(), parameters: serde_json::Map::new() }];
        fleet.agent.push(agent);
    }
    Ok(fleet)
}
