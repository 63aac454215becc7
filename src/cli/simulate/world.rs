//! The world around the real core, in virtual time: jobs arrive, runs last as long as the workload says, nothing is
//! done for real. Time jumps from one event to the next, so a year costs no more than what happens in it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use super::workload::Job;
use crate::domain::execution::Usage;
use crate::domain::link::Report;
use crate::domain::node::Capacity;
use crate::domain::time::When;
use crate::domain::{
    Actor, AgentSpec, CageId, Command, ExecutionId, Fleet, NodeId, Outcome, OutcomeKind, Refusal, Reply, Span, TaskId,
    Timestamp,
};
use crate::engine::core::{Context, Core, Decisions, Effect};

/// When the simulation begins. The core wants an instant; which one makes no difference.
const BEGINNING: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
/// How many placements the core makes before it hands them over.
const PLACEMENTS: usize = 1024;
/// What a node has where the cages set no limit: enough that only the cages bound.
const PLENTY: u64 = 1 << 50;

/// A run that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// When it started, since the beginning.
    pub start: Span,
    /// When it ended.
    pub end: Span,
    /// Where it ran.
    pub cage: CageId,
    /// Whether it came to its own end, and not to that of a timeout.
    pub completed: bool,
}

/// What came out.
#[derive(Debug)]
pub struct Schedule {
    /// The run of each job, in the workload's order; `None` for a job that never ended.
    pub runs: Vec<Option<Run>>,
    /// Runs that were stopped for a more urgent job.
    pub preemptions: usize,
    /// Cores that the cages offer together, if each has a limit.
    pub cores: Option<f64>,
}

/// Why there is no schedule.
#[derive(Debug)]
pub enum Error {
    /// The core refused the fleet.
    Fleet(Refusal),
    /// The core refused jobs: the line of each, and why.
    Jobs(Vec<(u32, Refusal)>),
}

/// A run under way.
struct Live {
    job: usize,
    cage: CageId,
    start: Timestamp,
    node: NodeId,
    /// How it will end if nothing intervenes.
    outcome: OutcomeKind,
}

/// The core and what happens around it.
struct World<'a> {
    core: Core,
    out: Decisions,
    jobs: &'a [Job],
    job_of: HashMap<TaskId, usize>,
    live: HashMap<ExecutionId, Live>,
    /// Ends to come, with the number of the start that breaks ties; those of stopped runs are skipped.
    ends: BinaryHeap<Reverse<(Timestamp, u64, ExecutionId)>>,
    starts: u64,
    schedule: Schedule,
}

/// Runs the jobs, which come in the order of submission, on the fleet.
///
/// # Errors
/// What the core refuses: the fleet, or jobs that no cage can ever hold.
pub fn run(fleet: &Fleet, jobs: &[Job]) -> Result<Schedule, Error> {
    let mut world = World {
        core: Core::new(),
        out: Decisions::default(),
        jobs,
        job_of: HashMap::with_capacity(jobs.len()),
        live: HashMap::new(),
        ends: BinaryHeap::new(),
        starts: 0,
        schedule: Schedule { runs: vec![None; jobs.len()], preemptions: 0, cores: offered_cores(fleet) },
    };
    world.declare(fleet).map_err(Error::Fleet)?;
    world.play()?;
    Ok(world.schedule)
}

impl World<'_> {
    /// Gives the core its nodes and the fleet.
    fn declare(&mut self, fleet: &Fleet) -> Result<(), Refusal> {
        self.core.open(BEGINNING, 0, crate::VERSION, &mut self.out);
        let operator = self.core.user_for(BEGINNING, u32::MAX, "operator", "simulation", &mut self.out);
        let mut nodes: BTreeMap<Option<String>, Capacity> = BTreeMap::from([(None, Capacity::default())]);
        for cage in fleet.cages()? {
            let room = cage.limits.room().0;
            let add = |total: &mut u64, limit: u64| *total = total.saturating_add(limit).min(PLENTY);
            let node = nodes.entry(cage.node).or_default();
            add(&mut node.cpu_millis, room[0]);
            add(&mut node.memory, room[1]);
            add(&mut node.gpu, room[2]);
            add(&mut node.gpu_memory, room[3]);
            add(&mut node.storage, room[4]);
        }
        let mut ids = Vec::new();
        for (name, capacity) in nodes {
            let name = name.unwrap_or_else(|| "simulated".to_owned());
            let metadata = serde_json::Map::new();
            ids.push(self.core.node_hello(BEGINNING, &name, capacity, metadata, &mut self.out));
        }
        // The first node brought a fleet for beginners; only the file's counts here.
        let actor = Actor::User(operator);
        let context = Context::default();
        if let Some((id, _)) = self.core.agent_by_name("shell") {
            self.core.command(BEGINNING, actor, Command::RemoveAgents { ids: vec![id] }, &context, &mut self.out)?;
        }
        let declared = Command::Apply { fleet: with_agents(fleet)?, dry_run: false };
        self.core.command(BEGINNING, actor, declared, &context, &mut self.out)?;
        let first = CageId::new(1)?;
        if !fleet.cages()?.iter().any(|cage| cage.id == first) {
            let withheld = Command::SetCageMaintenance { ids: vec![first], on: true };
            self.core.command(BEGINNING, actor, withheld, &context, &mut self.out)?;
        }
        for id in ids {
            self.core.node_synced(BEGINNING, id, false, &[], &mut self.out);
        }
        self.out.records.clear();
        self.out.effects.clear();
        Ok(())
    }

    /// Goes from event to event until nothing is left to happen.
    fn play(&mut self) -> Result<(), Error> {
        let mut next = 0;
        loop {
            let arrival = self.jobs.get(next).map(|job| BEGINNING.plus(job.submit));
            let end = self.ends.peek().map(|Reverse((at, ..))| *at);
            // A timer alone moves nothing when nothing is queued; the last ones are left to themselves.
            let open = !self.live.is_empty() || next < self.jobs.len() || self.core.counts().tasks.pending > 0;
            let timer = self.core.wake_at().filter(|_| open);
            let Some(now) = [arrival, end, timer].into_iter().flatten().min() else { return Ok(()) };
            self.end_runs(now);
            let first = next;
            while self.jobs.get(next).is_some_and(|job| BEGINNING.plus(job.submit) <= now) {
                next += 1;
            }
            self.submit(now, first..next)?;
            while self.core.schedule(now, PLACEMENTS, &mut self.out) {}
            self.carry_out(now);
        }
    }

    /// Reports the ends that are due.
    fn end_runs(&mut self, now: Timestamp) {
        while let Some(Reverse((at, _, id))) = self.ends.peek().copied()
            && at <= now
        {
            self.ends.pop();
            // A run that was stopped before its end has been reported already.
            let Some(live) = self.live.remove(&id) else { continue };
            self.schedule.runs[live.job] = Some(Run {
                start: live.start.since(BEGINNING),
                end: at.since(BEGINNING),
                cage: live.cage,
                completed: live.outcome == OutcomeKind::Succeeded,
            });
            self.report_end(now, at, id, &live, live.outcome);
        }
    }

    fn report_end(&mut self, now: Timestamp, at: Timestamp, id: ExecutionId, live: &Live, kind: OutcomeKind) {
        let mut outcome = Outcome::new(kind, "");
        outcome.usage = Usage::default();
        let report = Report::Ended {
            execution_id: id,
            started_at: Some(live.start),
            outcome: Box::new(outcome),
            artifacts: vec![],
        };
        self.core.report(now, live.node, at, report, &mut self.out);
    }

    /// Submits jobs, those of one owner that follow each other in one command.
    fn submit(&mut self, now: Timestamp, range: std::ops::Range<usize>) -> Result<(), Error> {
        let jobs = &self.jobs[range.clone()];
        let mut refused = Vec::new();
        let mut at = range.start;
        for group in jobs.chunk_by(|a, b| a.owner == b.owner) {
            // Owners are told apart by name; the number only has to be the same each time.
            let uid =
                blake3::hash(group[0].owner.as_bytes()).as_bytes()[..4].iter().fold(0, |n, b| n << 8 | u32::from(*b));
            let user = self.core.user_for(now, uid, &group[0].owner, "simulation", &mut self.out);
            let tasks = group
                .iter()
                .map(|job| {
                    let mut task = job.task.clone();
                    task.deadline = job.deadline.map(|deadline| When::At(BEGINNING.plus(deadline)));
                    task
                })
                .collect();
            // Going on names every refused job of the group at once; any of them ends the simulation below.
            let command = Command::SubmitTasks { tasks, keep_going: true };
            match self.core.command(now, Actor::User(user), command, &Context::default(), &mut self.out) {
                Ok(Reply::Submitted { ids, refused: items, .. }) => {
                    let places: BTreeMap<usize, Refusal> =
                        items.into_iter().filter_map(|item| Some((item.item.parse().ok()?, item.refusal))).collect();
                    let taken = (0..group.len()).filter(|place| !places.contains_key(place)).map(|place| at + place);
                    self.job_of.extend(ids.into_iter().zip(taken));
                    refused.extend(places.into_iter().map(|(place, refusal)| (group[place].line, refusal)));
                }
                Ok(_) => {}
                Err(refusal) => refused.push((group[0].line, refusal)),
            }
            at += group.len();
        }
        if refused.is_empty() { Ok(()) } else { Err(Error::Jobs(refused)) }
    }

    /// Does what the core decided: starts and stops runs.
    fn carry_out(&mut self, now: Timestamp) {
        let effects = std::mem::take(&mut self.out.effects);
        self.out.records.clear();
        let mut stopped = Vec::new();
        for effect in effects {
            match effect {
                Effect::Start { node_id, execution_id, task_id, cage_id, timeout, .. } => {
                    let Some(&job) = self.job_of.get(&task_id) else { continue };
                    let wall = self.core.cage_spec(cage_id).and_then(|spec| spec.limits.wall);
                    let limit = timeout.into_iter().chain(wall).min();
                    let duration = self.jobs[job].duration;
                    let (takes, outcome) = match limit {
                        Some(limit) if limit < duration => (limit, OutcomeKind::TimedOut),
                        _ => (duration, OutcomeKind::Succeeded),
                    };
                    self.starts += 1;
                    self.ends.push(Reverse((now.plus(takes), self.starts, execution_id)));
                    self.live.insert(execution_id, Live { job, cage: cage_id, start: now, node: node_id, outcome });
                }
                Effect::Stop { execution_id, reason, .. } => stopped.push((execution_id, reason)),
                Effect::Cage { .. } | Effect::RemoveCage { .. } | Effect::Merge { .. } => {}
            }
        }
        for (id, reason) in stopped {
            if let Some(live) = self.live.remove(&id) {
                self.schedule.preemptions += usize::from(reason == OutcomeKind::Preempted);
                self.report_end(now, now, id, &live, reason);
            }
        }
        // What was stopped made room at this very moment.
        if !self.out.effects.is_empty() || !self.out.records.is_empty() {
            while self.core.schedule(now, PLACEMENTS, &mut self.out) {}
            self.carry_out(now);
        }
    }
}

/// The fleet itself, or, where it says nothing of agents, with one in each cage that does as much as the cage can hold: what
/// is asked then is how the cages do.
fn with_agents(fleet: &Fleet) -> Result<Fleet, Refusal> {
    let mut fleet = fleet.clone();
    if fleet.agent.is_empty() {
        for cage in fleet.cages()? {
            let name = format!("cage-{}", cage.id);
            let (cage, concurrency) = (Some(cage.id), AgentSpec::CONCURRENCY_MAX);
            fleet.agent.push(AgentSpec { concurrency, cage, ..AgentSpec::new(name) });
        }
    }
    Ok(fleet)
}

/// Cores that the cages offer together; `None` when one of them has no limit.
fn offered_cores(fleet: &Fleet) -> Option<f64> {
    let cages = fleet.cages().ok()?;
    let millis = cages.iter().map(|cage| Some(cage.limits.cpu?.as_millis())).sum::<Option<u64>>()?;
    Some(millis as f64 / 1e3)
}
