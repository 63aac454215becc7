//! What a command would do, had it been given. It is tried on a [partial](super::partial) state by the code that would do
//! it, so what is foretold cannot drift from what happens; nothing of the real state changes.

use std::collections::{BTreeMap, BTreeSet};

use super::risk::Means;
use super::{Context, Core, Decisions, Effect};
use crate::domain::requirements::Quantities;
use crate::domain::{
    Actor, AgentId, AlertId, ArtifactId, CageId, Command, Event, Figure, Preview, Record, Refusal, Reply, ReviewId,
    ReviewState, TaskId, Timestamp, Unit, WhatIf,
};

/// The largest submission that is tried.
const TASKS_MAX: usize = 10_000;
/// Of so many agents and so many cages figures are given.
const CONCERNED_MAX: usize = 10;

/// Until when something is put off, in words.
fn until(until: Option<Timestamp>) -> String {
    until.map_or_else(|| "never".to_owned(), |until| until.to_string())
}

/// Something that a command names.
#[derive(Clone, Copy, Debug)]
enum Item {
    Task(TaskId),
    Agent(AgentId),
    Cage(CageId),
    Artifact(ArtifactId),
    Alert(AlertId),
    Review(ReviewId),
}

/// What is known of something, by name; the first is its status.
type Facts = Vec<(&'static str, String)>;

/// A figure that is read off a state.
struct Measure<'a> {
    what: String,
    unit: Unit,
    read: Box<dyn Fn(&Core) -> f64 + 'a>,
}

impl Core {
    /// What a command would do. An error is the refusal that the whole command would get. `means` is how long agents take,
    /// by which deadlines are judged.
    pub fn what_if(
        &self,
        now: Timestamp,
        actor: Actor,
        command: &Command,
        context: &Context,
        means: &dyn Means,
    ) -> Result<WhatIf, Refusal> {
        if let Command::SubmitTasks { tasks, .. } = command
            && tasks.len() > TASKS_MAX
        {
            return Err(Refusal::invalid("tasks", tasks.len(), format!("at most {TASKS_MAX} to be tried")));
        }
        let now = now.max(self.now);
        let mut core = self.partial(command, context);
        let items = items(command);
        let facts = |core: &Self, records: &[Record]| {
            items.iter().map(|item| core.facts(*item, context, records)).collect::<Vec<_>>()
        };
        let measures = self.measures(command, now, means);
        let read = |core: &Self| measures.iter().map(|measure| (measure.read)(core)).collect::<Vec<_>>();
        let (facts_before, read_before) = (facts(&core, &[]), read(&core));
        let mut out = Decisions::default();
        let reply = core.decide(now, actor, dry(command), context, &mut out)?;
        let (facts_after, read_after) = (facts(&core, &out.records), read(&core));
        let mut figures: Vec<_> = measures
            .iter()
            .zip(read_before.iter().zip(&read_after))
            .map(|(measure, (before, after))| {
                // The partial state knows the change, the whole one knows what there is.
                let whole = (measure.read)(self);
                figure(measure.what.clone(), measure.unit, whole, whole + after - before)
            })
            .collect();
        figures.extend(self.consequences(command, &core, &out, now));
        let changes = facts_before.iter().zip(&facts_after).map(|(before, after)| match command {
            // A rating is no fact about the task.
            Command::RateTasks { rating: Some(stars), .. } => format!("rated {stars} of 5"),
            Command::RateTasks { rating: None, .. } => "no longer rated".to_owned(),
            _ => difference(before, after),
        });
        let named: Vec<_> = items.iter().map(ToString::to_string).zip(changes).collect();
        let stops = out.effects.iter().filter(|effect| matches!(effect, Effect::Stop { .. })).count() as u64;
        let reversible = out.records.is_empty() || (stops == 0 && takes_all_back(command, &reply));
        Ok(WhatIf { items: previews(named, &core, reply), figures, reversible, stops })
    }

    /// What is known of something that a command names, after `records`.
    fn facts(&self, item: Item, context: &Context, records: &[Record]) -> Facts {
        match item {
            Item::Task(id) => self.facts_of_task(id, context),
            Item::Agent(id) => match self.agent_ids.get(id) {
                None => vec![("status", "removed".to_owned())],
                Some(slot) => {
                    let cage = self.agents[slot].spec.cage;
                    let home = cage.map_or_else(|| "none".to_owned(), |cage| cage.to_string());
                    let superior = self.agents[slot].spec.reports_to.clone().unwrap_or_else(|| "nobody".to_owned());
                    let status = self.status_of_agent(slot).to_string();
                    let mut facts = vec![("status", status), ("cage", home), ("reports to", superior)];
                    // Whoever moves is to know what it gains or loses by it.
                    if let Some(cage) = cage.and_then(|cage| self.cage(cage)) {
                        facts.extend((0..5).map(|place| {
                            (Quantities::LIMITS[place], Quantities::show_limit(place, cage.room.0[place]))
                        }));
                    }
                    facts
                }
            },
            Item::Cage(id) => match self.cage(id) {
                None => vec![],
                Some(cage) => {
                    let agent = self.agents.get(cage.home).map_or("none", |agent| agent.spec.name.as_str());
                    let status = if cage.maintenance { "withheld" } else { "in use" };
                    vec![("status", status.to_owned()), ("agent", agent.to_owned())]
                }
            },
            Item::Artifact(id) => {
                let state = self.artifacts.get(&id).map_or(ReviewState::Approved, |artifact| artifact.state);
                vec![("status", state.to_string())]
            }
            Item::Alert(id) => self.facts_of_alert(id).unwrap_or_else(|| vec![("status", "resolved".to_owned())]),
            Item::Review(id) => {
                if let Some(artifact) = self.artifacts.get(&ArtifactId(id.0)) {
                    let snoozed = until(artifact.snoozed_until);
                    return vec![("status", artifact.state.to_string()), ("snoozed until", snoozed)];
                }
                if let Some(facts) = self.facts_of_alert(AlertId(id.0)) {
                    return facts;
                }
                let said = records.iter().find_map(|record| match &record.event {
                    Event::TaskSnoozed(event) if event.task_id.0 == id.0 => Some(event.until),
                    _ => None,
                });
                let known = || context.snoozed.iter().find(|(task, _)| task.0 == id.0).map(|(_, until)| *until);
                vec![("status", "failed".to_owned()), ("snoozed until", until(said.unwrap_or_else(known)))]
            }
        }
    }

    /// What is known of an alert that is not over.
    fn facts_of_alert(&self, id: AlertId) -> Option<Facts> {
        let alert = self.alerts.get(id)?;
        Some(vec![("status", alert.status.to_string()), ("silenced until", until(alert.silenced_until))])
    }

    fn facts_of_task(&self, id: TaskId, context: &Context) -> Facts {
        let Some(slot) = self.task_ids.get(id).or_else(|| self.array_of(id)) else {
            let ended = context.tasks.iter().find(|task| task.id == id);
            return vec![("status", ended.map_or_else(|| "cancelled".to_owned(), |task| task.status.to_string()))];
        };
        let (task, wish) = (&self.tasks[slot], &self.shape(slot).wish);
        let stopping = self.executions.get(task.execution).and_then(|run| run.stopping);
        let status = match stopping {
            Some(reason) => format!("{}, being stopped as {reason}", task.status),
            None => task.status.to_string(),
        };
        let agent = wish.agent.and_then(|id| self.agent_spec(id)).map_or("any", |spec| spec.name.as_str());
        let cage = wish.cage.map_or_else(|| "any".to_owned(), |cage| cage.to_string());
        vec![("status", status), ("priority", task.priority.to_string()), ("agent", agent.to_owned()), ("cage", cage)]
    }

    /// The figures that a command may change.
    fn measures<'a>(&self, command: &Command, now: Timestamp, means: &'a dyn Means) -> Vec<Measure<'a>> {
        let (agents, cages) = self.concerned(command);
        let mut measures = vec![];
        let mut add = |what: String, unit: Unit, read: Box<dyn Fn(&Self) -> f64 + 'a>| {
            measures.push(Measure { what, unit, read });
        };
        for (id, name) in agents {
            add(format!("tasks waiting for agent {name}"), Unit::Count, Box::new(move |core| core.waiting_for(id)));
            let running = move |core: &Self| core.figures_of_runs(|core, run| core.agents[run.agent].id == id).0;
            add(format!("executions of agent {name}"), Unit::Count, Box::new(running));
        }
        for cage in cages {
            let limits = self.cage_spec(cage).map(|spec| spec.limits.clone()).unwrap_or_default();
            let of = |limit: Option<String>| limit.map_or_else(String::new, |limit| format!(" (limit {limit})"));
            let inside = move |core: &Self| core.figures_of_runs(|_, run| run.cage == cage);
            add(format!("tasks waiting for cage {cage}"), Unit::Count, Box::new(move |core| core.waiting_in(cage)));
            add(format!("executions in cage {cage}"), Unit::Count, Box::new(move |core| inside(core).0));
            let limit = of(limits.cpu.map(|cpu| cpu.to_string()));
            add(format!("cpu reserved in cage {cage}{limit}"), Unit::Cores, Box::new(move |core| inside(core).1));
            let limit = of(limits.memory.map(|memory| memory.to_string()));
            add(format!("memory reserved in cage {cage}{limit}"), Unit::Bytes, Box::new(move |core| inside(core).2));
        }
        let tasks: Vec<_> = command.tasks().to_vec();
        let submits = matches!(command, Command::SubmitTasks { .. });
        if !tasks.is_empty() {
            let named = tasks.clone();
            // Nobody has to be able to do what is cancelled.
            if !matches!(command, Command::CancelTasks { .. }) {
                add("agents able to do them".to_owned(), Unit::Count, Box::new(move |core| core.able_for(&named)));
            }
            let delay = move |core: &Self| core.cost_of_waiting(&tasks, now);
            add("cost of an hour more of waiting, in task-hours".to_owned(), Unit::TaskHours, Box::new(delay));
        }
        if submits || !command.tasks().is_empty() {
            let risky = move |core: &Self| core.deadlines_at_risk(now, means) as f64;
            add("deadlines at risk".to_owned(), Unit::Count, Box::new(risky));
        }
        if !command.agents().is_empty() || matches!(command, Command::AddAgent { .. }) {
            let taking = |core: &Self| core.agents.iter().filter(|(slot, _)| core.takes_tasks(*slot)).count() as f64;
            add("agents that take tasks".to_owned(), Unit::Count, Box::new(taking));
        }
        if submits || matches!(command, Command::CancelTasks { .. } | Command::RetryTasks { .. }) {
            let pending = |core: &Self| core.counts().tasks.pending as f64;
            add("tasks pending".to_owned(), Unit::Count, Box::new(pending));
        }
        measures
    }

    /// The agents and cages of which figures are given: those that are named, and those of what is named.
    fn concerned(&self, command: &Command) -> (Vec<(AgentId, String)>, Vec<CageId>) {
        let (mut agents, mut cages): (BTreeSet<AgentId>, BTreeSet<CageId>) = (BTreeSet::new(), BTreeSet::new());
        match command {
            Command::ReassignTasks { agent, cage, .. } => {
                agents.extend(agent);
                cages.extend(cage);
            }
            Command::ReassignAgents { cage, .. } => cages.extend(cage),
            Command::SetCageMaintenance { ids, .. } | Command::VacateCages { ids } => cages.extend(ids),
            _ => {}
        }
        agents.extend(command.agents());
        for id in command.tasks() {
            let Some(slot) = self.task_ids.get(*id) else { continue };
            let wish = &self.shape(slot).wish;
            agents.extend(wish.agent);
            cages.extend(wish.cage);
            if let Some(run) = self.executions.get(self.tasks[slot].execution) {
                agents.insert(self.agents[run.agent].id);
                cages.insert(run.cage);
            }
        }
        for slot in agents.iter().filter_map(|id| self.agent_ids.get(*id)) {
            cages.extend(self.agents[slot].cage.or(self.agents[slot].spec.cage));
        }
        let named = agents.into_iter().filter_map(|id| Some((id, self.agent_spec(id)?.name.clone())));
        (named.take(CONCERNED_MAX).collect(), cages.into_iter().take(CONCERNED_MAX).collect())
    }

    /// What follows from a command beyond what it names.
    fn consequences(&self, command: &Command, after: &Self, out: &Decisions, now: Timestamp) -> Vec<Figure> {
        match command {
            Command::CancelTasks { .. } => {
                let failing = |record: &Record| match &record.event {
                    Event::TaskFailed(event) => self.task_ids.get(event.task_id).map(|slot| self.tasks[slot].weight()),
                    _ => None,
                };
                let failing = out.records.iter().filter_map(failing).sum::<u64>() as f64;
                vec![figure("tasks that fail with them".to_owned(), Unit::Count, 0.0, failing)]
            }
            Command::ReviewArtifacts { ids, .. } | Command::ReopenReviews { ids } => {
                let makers = |core: &Self| -> BTreeSet<TaskId> {
                    ids.iter().filter_map(|id| core.artifacts.get(id)).map(|artifact| artifact.task_id).collect()
                };
                let judged: BTreeSet<TaskId> = makers(self).union(&makers(after)).copied().collect();
                // Whoever waits for others beside these goes on waiting.
                let mut change: BTreeMap<TaskId, i64> = BTreeMap::new();
                for id in ids {
                    let (lacked, lacks) = (self.artifacts.get(id), after.artifacts.get(id));
                    let by = i64::from(lacks.is_some()) - i64::from(lacked.is_some());
                    let Some(artifact) = lacked.or(lacks) else { continue };
                    for maker in artifact.makers() {
                        *change.entry(maker).or_insert(0) += by;
                    }
                }
                let waits = |core: &Self, id: &ArtifactId| {
                    core.artifacts.get(id).is_some_and(|artifact| artifact.state == ReviewState::Pending)
                };
                let mut figures = vec![];
                if let Command::ReviewArtifacts { .. } = command {
                    let cost = self.delayed_so_far(ids.iter(), now);
                    let left = self.delayed_so_far(ids.iter().filter(|id| waits(after, id)), now);
                    let what = "cost of delay so far, in task-hours";
                    figures.push(figure(what.to_owned(), Unit::TaskHours, cost, left));
                }
                let before = self.lacking_approval(&judged, &BTreeMap::new());
                let then = self.lacking_approval(&judged, &change);
                let counts = [
                    ("tasks that wait for these approvals", before.0, then.0),
                    ("approvals that those tasks lack", before.1, then.1),
                ];
                let counts =
                    counts.map(|(what, before, then)| figure(what.to_owned(), Unit::Count, before as f64, then as f64));
                counts.into_iter().chain(figures).collect()
            }
            _ => vec![],
        }
    }

    /// How many tasks that do not run must be done by an agent.
    pub(super) fn waiting_for(&self, agent: AgentId) -> f64 {
        self.waiting_where(|wish| wish.agent == Some(agent))
    }

    /// How many tasks that do not run must run in a cage.
    pub(super) fn waiting_in(&self, cage: CageId) -> f64 {
        self.waiting_where(|wish| wish.cage == Some(cage))
    }

    fn waiting_where(&self, fits: impl Fn(&super::shape::Wish) -> bool) -> f64 {
        let groups = self.queue.groups.iter().filter(|(_, group)| fits(&self.shapes[group.shape].wish));
        let records: u32 = groups.map(|(_, group)| group.members).sum();
        let arrays = self.arrays.iter().filter(|slot| fits(&self.shape(**slot).wish));
        // The record of an array is no task itself, but stands for its elements to come.
        let elements: f64 = arrays.map(|slot| self.tasks[*slot].weight() as f64 - 1.0).sum();
        let running = self.executions.iter().filter(|(_, run)| fits(&self.shape(run.task).wish)).count();
        f64::from(records) + elements - running as f64
    }

    /// How many executions there are of some sort that are not being stopped, and the cores and bytes that they hold.
    fn figures_of_runs(&self, fits: impl Fn(&Self, &super::state::ExecutionState) -> bool) -> (f64, f64, f64) {
        let runs = self.executions.iter().filter(|(_, run)| run.stopping.is_none() && fits(self, run));
        runs.fold((0.0, 0.0, 0.0), |(count, cores, bytes), (_, run)| {
            (count + 1.0, cores + run.held.0[0] as f64 / 1000.0, bytes + run.held.0[1] as f64)
        })
    }

    /// How many agents that take tasks could do every one of some tasks.
    fn able_for(&self, tasks: &[TaskId]) -> f64 {
        let shapes: BTreeSet<_> = tasks
            .iter()
            .filter_map(|id| self.task_ids.get(*id))
            .map(|slot| self.queue.groups[self.tasks[slot].group].shape)
            .collect();
        let able = |slot: u32| shapes.iter().all(|shape| self.is_able(&self.shapes[*shape], slot));
        self.agents.iter().filter(|(slot, _)| self.takes_tasks(*slot) && able(*slot)).count() as f64
    }
}

/// The command as it is tried: a fleet is really declared, on the state that is thrown away.
fn dry(command: &Command) -> Command {
    match command {
        Command::Apply { fleet, .. } => Command::Apply { fleet: fleet.clone(), dry_run: false },
        other => other.clone(),
    }
}

/// What a command names, each once.
fn items(command: &Command) -> Vec<Item> {
    let mut seen = BTreeSet::new();
    let mut items: Vec<Item> = command.tasks().iter().copied().map(Item::Task).collect();
    items.extend(command.agents().iter().copied().map(Item::Agent));
    items.extend(command.alerts().iter().copied().map(Item::Alert));
    match command {
        Command::SetCageMaintenance { ids, .. } | Command::VacateCages { ids } => {
            items.extend(ids.iter().copied().map(Item::Cage));
        }
        Command::ReviewArtifacts { ids, .. } | Command::ReopenReviews { ids } => {
            items.extend(ids.iter().copied().map(Item::Artifact));
        }
        Command::SnoozeReviews { ids, .. } => items.extend(ids.iter().copied().map(Item::Review)),
        _ => {}
    }
    items.retain(|item| seen.insert(item.to_string()));
    items
}

impl std::fmt::Display for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Task(id) => id.fmt(f),
            Self::Agent(id) => id.fmt(f),
            Self::Cage(id) => id.fmt(f),
            Self::Artifact(id) => id.fmt(f),
            Self::Alert(id) => id.fmt(f),
            Self::Review(id) => id.fmt(f),
        }
    }
}

/// `pending, priority 5 -> 9`.
fn difference(before: &Facts, after: &Facts) -> String {
    let mut parts = vec![];
    for (name, old) in before {
        let new = after.iter().find(|(other, _)| other == name).map(|(_, new)| new);
        let prefix = if *name == "status" { String::new() } else { format!("{name} ") };
        match new {
            Some(new) if new != old => parts.push(format!("{prefix}{old} -> {new}")),
            _ if *name == "status" => parts.push(old.clone()),
            _ => {}
        }
    }
    if before == after {
        parts.push("nothing changes".to_owned());
    }
    parts.join(", ")
}

/// One line for each thing, with what would become of it or why not.
fn previews(named: Vec<(String, String)>, core: &Core, reply: Reply) -> Vec<Preview> {
    let line = |item: String, change: String, refusal| Preview { item, change, refusal };
    match reply {
        Reply::Items { done, refused, .. } if named.is_empty() => {
            let added = done.into_iter().map(|item| line(item, "added".to_owned(), None));
            added.chain(refused.into_iter().map(|item| line(item.item, String::new(), Some(item.refusal)))).collect()
        }
        Reply::Items { refused, .. } => {
            let why = |item: &str| refused.iter().find(|other| other.item == item).map(|other| other.refusal.clone());
            let lines = named.into_iter().map(|(item, change)| match why(&item) {
                Some(refusal) => line(item, String::new(), Some(refusal)),
                None => line(item, change, None),
            });
            lines.collect()
        }
        Reply::Submitted { ids, refused, .. } => {
            let new = ids.into_iter().map(|id| {
                let elements = core.task_ids.get(id).map_or(1, |slot| core.tasks[slot].weight());
                let change = if elements > 1 { format!("pending, {elements} elements") } else { "pending".to_owned() };
                line(id.to_string(), change, None)
            });
            new.chain(refused.into_iter().map(|item| line(item.item, String::new(), Some(item.refusal)))).collect()
        }
        Reply::Applied { changes, .. } => changes
            .into_iter()
            .map(|change| {
                let fields = if change.fields.is_empty() { change.action } else { change.fields.join(", ") };
                line(change.what, fields, None)
            })
            .collect(),
    }
}

/// Whether the inverse of what was done leaves nothing as it was made.
fn takes_all_back(command: &Command, reply: &Reply) -> bool {
    match (command, reply) {
        // Work that was stopped is not given back, so every task has to be among those that are.
        (Command::CancelTasks { .. }, Reply::Items { done, inverse, .. }) => {
            let back: BTreeSet<_> = inverse.iter().flat_map(Command::tasks).map(TaskId::to_string).collect();
            done.iter().all(|item| back.contains(item))
        }
        (_, Reply::Items { inverse, .. } | Reply::Submitted { inverse, .. }) => !inverse.is_empty(),
        (_, Reply::Applied { .. }) => false,
    }
}

fn figure(what: String, unit: Unit, before: f64, after: f64) -> Figure {
    Figure { what, unit, before: Some(before), after: Some(after) }
}
