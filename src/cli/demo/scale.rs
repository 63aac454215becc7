//! A fleet and a queue of any size, made through the commands that everybody uses, with small scripts that really run: for
//! trying and measuring the console where there is much to see.
//!
//! Nothing is drawn at random: names, kinds and lengths follow from numbers, so that two fills look alike.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{command_line, home, kit, settings_in};
use crate::api::client::Client;
use crate::api::types::{Status, WireCommand};
use crate::cli::config::Settings;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::domain::agent::{AgentKind, Capability, Runtime, Tier};
use crate::domain::cage::CageLimits;
use crate::domain::fleet::CageEntry;
use crate::domain::task::ArrayRange;
use crate::domain::time::When;
use crate::domain::{AgentSpec, Bytes, CageId, Cpu, Fleet, NewTask, Span};

/// The most agents.
pub const AGENTS_MAX: u32 = 50_000;

/// The most tasks.
pub const TASKS_MAX: u32 = 5_000_000;

/// How many tasks one request carries.
const BATCH: u32 = 10_000;

/// What tasks are of and agents are good for, in turn.
const KINDS: [&str; 5] = ["index", "digest", "compare", "review", "archive"];

/// Words that stand in agents' names, in turn.
const ROLES: [&str; 6] = ["reader", "clerk", "sorter", "scout", "keeper", "scribe"];

/// How many agents report to one lead.
const TEAM: u32 = 100;

/// How large fleet and queue are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Agents; there are as many cages, at most 1,000, and agents live in nine of ten of them. The others take what is
    /// vacant while they work.
    pub agents: u32,
    /// Tasks.
    pub tasks: u32,
    /// Whether the tasks are elements of arrays.
    pub arrays: bool,
}

impl Scale {
    /// What was asked for; `None` when neither number was.
    ///
    /// # Errors
    /// `--arrays` alone.
    pub fn asked(agents: Option<u32>, tasks: Option<u32>, arrays: bool) -> Result<Option<Self>, Failure> {
        if agents.is_none() && tasks.is_none() {
            return if arrays { Err(Failure::refused("--arrays goes with --fleet-size or --tasks")) } else { Ok(None) };
        }
        let agents = agents.unwrap_or(1_000);
        Ok(Some(Self { agents, tasks: tasks.unwrap_or(agents.saturating_mul(10).min(TASKS_MAX)), arrays }))
    }

    /// How many cages there are.
    pub fn cages(self) -> u16 {
        u16::try_from(self.agents).unwrap_or(u16::MAX).min(CageId::LAST)
    }

    /// The fleet; its agents run the script of `scripts`.
    ///
    /// # Errors
    /// A refusal, if a number were no cage's.
    pub fn fleet(self, scripts: &str) -> Result<Fleet, Failure> {
        let mut fleet = Fleet::default();
        for number in 1..=self.cages() {
            let limits = CageLimits {
                cpu: Some(Cpu::from_millis(250 * u64::from(number % 4 + 1))),
                memory: Some(Bytes::from_mib(8 << (number % 3))),
                pids: Some(16 << (number % 2)),
                wall: Some(Span::from_secs(300)),
                ..CageLimits::default()
            };
            let id = Some(CageId::new(number)?);
            fleet.cage.push(CageEntry { id, limits, read: vec![scripts.to_owned()], ..CageEntry::default() });
        }
        let resident = u32::from(self.cages() - self.cages() / 10);
        fleet.agent = (0..self.agents).map(|number| agent(number, resident, scripts)).collect::<Result<_, _>>()?;
        Ok(fleet)
    }

    /// The tasks in the order of their submission, from number `first` on, in requests that are not too large.
    pub fn batches(self, first: u32) -> impl Iterator<Item = Vec<NewTask>> {
        let (tasks, step) = if self.arrays { (0, 1) } else { (self.tasks, BATCH as usize) };
        let singly = (first..tasks).step_by(step).map(move |from| (from..tasks.min(from + BATCH)).map(task).collect());
        let arrays = (self.arrays && first == 0).then(|| self.as_arrays());
        singly.chain(arrays)
    }

    /// The same tasks as one array a kind.
    fn as_arrays(self) -> Vec<NewTask> {
        let kinds = u32::try_from(KINDS.len()).unwrap_or(1);
        let share = |place: u32| (self.tasks + kinds - 1 - place) / kinds;
        let array = |place: u32| NewTask { array: Some(ArrayRange { first: 1, last: share(place) }), ..task(place) };
        (0..kinds).filter(|place| share(*place) > 0).map(array).collect()
    }
}

fn kind(number: u32) -> &'static str {
    KINDS[number as usize % KINDS.len()]
}

fn name(number: u32) -> String {
    format!("{}-{:05}", ROLES[number as usize % ROLES.len()], number + 1)
}

/// The agent of a number; the first `resident` ones live in cages.
fn agent(number: u32, resident: u32, scripts: &str) -> Result<AgentSpec, Failure> {
    let mut agent = AgentSpec::new(name(number));
    // The first of each hundred leads it, and the very first leads them.
    let lead = number - number % TEAM;
    (agent.tier, agent.kind, agent.reports_to) = match number {
        0 => (Some(Tier::Director), AgentKind::Coordinator, None),
        _ if number == lead => (Some(Tier::Lead), AgentKind::Coordinator, Some(name(0))),
        _ => (Some(Tier::Worker), AgentKind::TaskExecutor, Some(name(lead))),
    };
    agent.role = Some(ROLES[number as usize % ROLES.len()].to_owned());
    let can = |kind: &str| Capability { kind: kind.to_owned(), parameters: serde_json::Map::new() };
    agent.capabilities = vec![can(kind(number)), can(kind(number + 1))];
    let command = vec!["/bin/sh".to_owned(), format!("{scripts}/shift.sh")];
    agent.runtime = Runtime::of_command(command);
    if let Some(cage) = u16::try_from(number + 1).ok().filter(|_| number < resident) {
        agent.cage = Some(CageId::new(cage)?);
    }
    Ok(agent)
}

/// The task of a number.
fn task(number: u32) -> NewTask {
    let mut task = NewTask::new(kind(number));
    // Steps that share no divisor with the number of kinds spread every figure over all of them.
    let seconds = 20 + number.wrapping_mul(7) % 41;
    task.requirements.capabilities = vec![kind(number).to_owned()];
    task.priority = u8::try_from(1 + number.wrapping_mul(3) % 7).unwrap_or(5);
    task.parameters.configuration.insert("number".to_owned(), json!(number));
    task.parameters.configuration.insert("seconds".to_owned(), json!(seconds));
    task.estimate = Some(Span::from_secs(60));
    task.max_attempts = 1;
    task.deadline = (number % 97 == 11).then(|| When::In(Span::from_secs(3_600 * i64::from(1 + number % 48))));
    task.metadata.source = Some("demo".to_owned());
    task.metadata.tags = vec![["nightly", "adhoc", "weekly"][number as usize % 3].to_owned()];
    task
}

/// Declares the fleet.
pub fn declare(client: &Client, scale: Scale, scripts: &Path) -> Result<(), Failure> {
    kit::write(scripts, kit::SCALE).map_err(|error| Failure::file("write the demo's script to", scripts, &error))?;
    let fleet = scale.fleet(&scripts.to_string_lossy())?;
    client.command(&WireCommand::Apply { fleet, dry_run: false })?;
    Ok(())
}

/// Submits what is missing of the tasks; `told` hears how many there are.
pub fn submit(client: &Client, scale: Scale, mut told: impl FnMut(u32)) -> Result<(), Failure> {
    let tasks = client.get::<Status>("/v1/status", &vec![])?.tasks;
    let known = tasks.pending + tasks.scheduled + tasks.executing + tasks.completed + tasks.failed + tasks.cancelled;
    let mut known = u32::try_from(known).unwrap_or(u32::MAX);
    for tasks in scale.batches(known) {
        known = known
            .saturating_add(tasks.iter().map(|task| task.array.map_or(1, crate::domain::task::ArrayRange::len)).sum());
        client.command(&WireCommand::SubmitTasks { tasks, keep_going: false })?;
        told(known);
    }
    Ok(())
}

/// Where such a fleet lives unless somebody says otherwise: the settings with its data directory, and the scripts' folder.
pub fn place(context: &Context, scale: Scale) -> Result<(Settings, PathBuf), Failure> {
    let arrays = if scale.arrays { "-arrays" } else { "" };
    let home = home()?.join(format!("demo-{}-agents-{}-tasks{arrays}", scale.agents, scale.tasks));
    Ok((settings_in(context, &home), home.join("scale")))
}

/// Fills the store with lines of progress and says how to go on.
pub fn in_lines(context: &Context, scale: Scale) -> Outcome {
    let (settings, scripts) = place(context, scale)?;
    let mut context = Context::new(settings);
    let data_dir = context.settings.data_dir.value.clone();
    let client = context.engine()?;
    declare(&client, scale, &scripts)?;
    // Ten lines say as much as a hundred.
    let every = (scale.tasks / 10).max(BATCH);
    let mut next = 0;
    submit(&client, scale, |known| {
        if known >= next {
            eprintln!("{known} of {} tasks", scale.tasks);
            next = known + every;
        }
    })?;
    if context.out.is_table() {
        let (look, stop) = (command_line(&data_dir, ""), command_line(&data_dir, "stop --all"));
        context.out.line(&format!("The fleet is at work.\nTo look at it:\n  {look}\nTo end it:\n  {stop}"))?;
    } else {
        let status: Status = client.get("/v1/status", &vec![])?;
        context.out.value(&json!(status))?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const SMALL: Scale = Scale { agents: 250, tasks: 20_003, arrays: false };

    #[test]
    fn the_fleet_is_valid_at_every_size() {
        for agents in [1, 9, 250, 1_000, 10_000] {
            let scale = Scale { agents, ..SMALL };
            let fleet = scale.fleet("/scripts").unwrap();
            fleet.check_agents().unwrap();
            assert_eq!(fleet.cages().unwrap().len(), usize::from(scale.cages()));
            assert_eq!(fleet.agent.len(), agents as usize);
            let lived_in: Vec<CageId> = fleet.agent.iter().filter_map(|agent| agent.cage).collect();
            let alone: BTreeSet<CageId> = lived_in.iter().copied().collect();
            assert_eq!(alone.len(), lived_in.len(), "one agent a cage");
            let names: BTreeSet<&str> = fleet.agent.iter().map(|agent| agent.name.as_str()).collect();
            let superiors = fleet.agent.iter().filter_map(|agent| agent.reports_to.as_deref());
            assert!(superiors.into_iter().all(|name| names.contains(name)));
        }
    }

    #[test]
    fn the_tasks_are_as_many_as_asked_for_and_each_can_be_done() {
        let all: Vec<NewTask> = SMALL.batches(0).flatten().collect();
        assert_eq!(all.len(), 20_003);
        let numbers: BTreeSet<u64> =
            all.iter().filter_map(|task| task.parameters.configuration["number"].as_u64()).collect();
        assert_eq!(numbers.len(), 20_003, "no number comes twice");
        let fleet = SMALL.fleet("/scripts").unwrap();
        let can: BTreeSet<&str> =
            fleet.agent.iter().flat_map(|agent| &agent.capabilities).map(|can| can.kind.as_str()).collect();
        for mut task in all.into_iter().take(200) {
            assert!(task.requirements.capabilities.iter().all(|kind| can.contains(kind.as_str())));
            task.normalise().unwrap();
        }
        assert_eq!(SMALL.batches(20_000).flatten().count(), 3, "what is there is not submitted again");
    }

    #[test]
    fn arrays_are_as_many_tasks() {
        for tasks in [1, 4, 5, 20_003] {
            let scale = Scale { tasks, arrays: true, ..SMALL };
            let counts: u32 = scale.batches(0).flatten().map(|task| task.array.unwrap().len()).sum();
            assert_eq!(counts, tasks);
            assert_eq!(scale.batches(tasks).count(), 0);
        }
    }

    #[test]
    fn arrays_alone_are_no_scale() {
        assert!(Scale::asked(None, None, true).is_err());
        assert_eq!(Scale::asked(None, None, false).unwrap(), None);
        let asked = Scale::asked(Some(20), None, false).unwrap();
        assert_eq!(asked, Some(Scale { agents: 20, tasks: 200, arrays: false }));
    }
}
