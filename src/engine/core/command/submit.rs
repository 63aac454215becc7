//! Submission: one task or a million, all or nothing unless asked otherwise.

use std::collections::{BTreeMap, BTreeSet};

use super::Context;
use super::agents::user_of;
use super::cycle;
use crate::domain::command::RefusedItem;
use crate::domain::event::TaskSubmitted;
use crate::domain::{Actor, AgentId, Command, NewTask, Refusal, Reply, Task, TaskId, TaskStatus, Timestamp, UserId};
use crate::engine::core::shape::Wish;
use crate::engine::core::{Core, Decisions, draw};

/// The answer to a larger submission does not carry its ids a second time.
const UNDO_IDS_MAX: usize = 10_000;

/// What a task of a submission depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Dependency {
    /// Another of the same submission, by place.
    Item(usize),
    /// A task submitted earlier.
    Task(TaskId),
}

/// A task of a submission, looked up and found good.
struct Plan {
    agent: Option<AgentId>,
    wish: Wish,
    depends_on: Vec<Dependency>,
}

/// Wishes already judged within a submission; most tasks of a batch wish the same.
#[derive(Default)]
struct Judged {
    good: BTreeSet<Wish>,
    /// Those that nothing here can ever meet, and why.
    bad: BTreeMap<Wish, Refusal>,
    last: Option<Wish>,
}

impl Core {
    pub(super) fn submit(
        &mut self,
        now: Timestamp,
        actor: Actor,
        mut tasks: Vec<NewTask>,
        keep_going: bool,
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let owner = user_of(actor)?;
        if tasks.is_empty() {
            return Err(Refusal::invalid("tasks", "none", "at least one"));
        }
        self.refresh_sites();
        let known: BTreeMap<_, _> = context.tasks.iter().map(|task| (task.id, task.status)).collect();
        let done_by: BTreeMap<_, _> = context.tasks.iter().filter_map(|task| Some((task.id, task.done_by?))).collect();
        let mut keys = BTreeMap::new();
        let mut judged = Judged::default();
        let mut plans: Vec<Result<Plan, Refusal>> = Vec::with_capacity(tasks.len());
        for (place, task) in tasks.iter().enumerate() {
            if let Some(key) = &task.key {
                keys.entry(key.clone()).or_insert(place);
            }
        }
        for (place, task) in tasks.iter_mut().enumerate() {
            let plan = self.plan(task, place, owner, &keys, &known, &mut judged);
            if let (Err(refusal), false) = (&plan, keep_going) {
                return Err(name_item(refusal.clone(), place, &keys));
            }
            plans.push(plan);
        }
        let order = if keys.is_empty() {
            (0..tasks.len()).filter(|place| plans[*place].is_ok()).collect()
        } else {
            order_by_dependency(&mut plans, &tasks)
        };
        let refused: Vec<_> =
            plans.iter().enumerate().filter_map(|(place, plan)| Some((place, plan.as_ref().err()?.clone()))).collect();
        if let Some((place, refusal)) = refused.first()
            && (!keep_going || order.is_empty())
        {
            return Err(name_item(refusal.clone(), *place, &keys));
        }
        let refused =
            refused.into_iter().map(|(place, refusal)| RefusedItem { item: place.to_string(), refusal }).collect();
        let ids = self.draw_task_ids(&tasks, &plans, now);
        let mut slots: Vec<_> = tasks.into_iter().map(Some).collect();
        for wish in judged.good {
            self.shape_of(wish.clone());
            self.mark_feasible(&wish);
        }
        let mut late = vec![];
        for place in order {
            let (Some(task), Ok(plan), Some(id)) = (slots[place].take(), &plans[place], ids[place]) else { continue };
            let context =
                self.selection.reader.context_of(&task.parameters, &task.metadata, |stem| self.selection.knows(stem));
            let task = Task { context, ..make_task(task, plan, id, &ids, owner, now) };
            let done_by = |id: &TaskId| if self.task_ids.contains(*id) { None } else { done_by.get(id).copied() };
            let after: BTreeSet<_> = task.depends_on.iter().filter_map(done_by).collect();
            late.extend(task.deadline.filter(|deadline| *deadline < now).map(|deadline| (place, deadline)));
            self.emit(now, actor, TaskSubmitted { task, after: after.into_iter().collect() }, out);
        }
        let ids: Vec<_> = ids.into_iter().flatten().collect();
        let warnings = late_sentence(&mut late).into_iter().chain(self.bad_matches(&ids)).collect();
        let cancel = || vec![Command::CancelTasks { ids: ids.clone(), note: None, pending_only: false }];
        let inverse = if ids.len() > UNDO_IDS_MAX { vec![] } else { cancel() };
        Ok(Reply::Submitted { ids, refused, inverse, warnings })
    }

    /// Looks up what a task names and judges whether it can ever run.
    fn plan(
        &self,
        task: &mut NewTask,
        place: usize,
        owner: UserId,
        keys: &BTreeMap<String, usize>,
        known: &BTreeMap<TaskId, TaskStatus>,
        judged: &mut Judged,
    ) -> Result<Plan, Refusal> {
        task.normalise()?;
        if let Some(key) = &task.key
            && keys.get(key) != Some(&place)
        {
            return Err(Refusal::invalid("key", key, "each key once in a submission"));
        }
        let agent = task.agent.as_deref().map(|name| self.named_agent(name)).transpose()?;
        if let Some(cage) = task.cage
            && self.cage(cage).is_none()
        {
            return Err(self.unknown_cage(cage));
        }
        if task.verify.expect_difference && task.workspace.is_none() {
            self.check_workspace_of(agent)?;
        }
        let mut depends_on = vec![];
        for text in &task.depends_on {
            depends_on.push(self.dependency(text, keys, known)?);
        }
        depends_on.sort_unstable();
        depends_on.dedup();
        let wish = Wish::new(&task.requirements, task.command().is_some(), agent, task.cage, owner);
        if judged.last.as_ref() != Some(&wish) {
            if let Some(refusal) = judged.bad.get(&wish) {
                return Err(refusal.clone());
            }
            if !judged.good.contains(&wish) {
                if let Err(refusal) = self.feasible(&wish) {
                    judged.bad.insert(wish, refusal.clone());
                    return Err(refusal);
                }
                judged.good.insert(wish.clone());
            }
            judged.last = Some(wish.clone());
        }
        Ok(Plan { agent, wish, depends_on })
    }

    /// Only what works in a workspace can be expected to leave a difference there.
    fn check_workspace_of(&self, agent: Option<AgentId>) -> Result<(), Refusal> {
        if agent.and_then(|id| self.agent_spec(id)?.workspace()).is_some() {
            return Ok(());
        }
        Err(Refusal::invalid("verify.expect_difference", true, "true only where there is a workspace")
            .hint("give the task a workspace, or name an agent whose runtime has one"))
    }

    fn named_agent(&self, name: &str) -> Result<AgentId, Refusal> {
        if let Some(slot) = self.agent_names.get(name) {
            return Ok(self.agents[*slot].id);
        }
        match name.parse::<AgentId>() {
            Ok(id) if self.agent_ids.contains(id) => Ok(id),
            _ => Err(self.unknown_agent("agent", name)),
        }
    }

    fn dependency(
        &self,
        text: &str,
        keys: &BTreeMap<String, usize>,
        known: &BTreeMap<TaskId, TaskStatus>,
    ) -> Result<Dependency, Refusal> {
        if let Some(place) = keys.get(text) {
            return Ok(Dependency::Item(*place));
        }
        let unknown = || {
            let refusal = Refusal::not_found("depends_on", text);
            match crate::domain::refusal::nearest(text, keys.keys().map(String::as_str)) {
                Some(near) => refusal.hint(format!("did you mean the key \"{near}\"?")),
                None => refusal.allowed("ids of tasks, or keys of the same submission"),
            }
        };
        let id: TaskId = text.parse().map_err(|_| unknown())?;
        if self.task_ids.contains(id) {
            return Ok(Dependency::Task(id));
        }
        match known.get(&id) {
            Some(TaskStatus::Failed | TaskStatus::Cancelled) => {
                let shown = format!("{id} was {}", known[&id]);
                Err(Refusal::conflict("depends_on", shown, "tasks that completed or still can")
                    .hint("retry that task first"))
            }
            Some(_) => Ok(Dependency::Task(id)),
            None => Err(unknown()),
        }
    }

    /// The ids of a submission's tasks; they sort as the tasks were given.
    fn draw_task_ids(&self, tasks: &[NewTask], plans: &[Result<Plan, Refusal>], now: Timestamp) -> Vec<Option<TaskId>> {
        let mut seq = self.seq;
        let draw = |(task, plan): (&NewTask, &Result<Plan, Refusal>)| {
            plan.as_ref().ok()?;
            seq += 1;
            let id = TaskId::new(now, draw::id_bits(self.seed, seq, 0));
            Some(if task.array.is_some() { id.as_array() } else { id })
        };
        tasks.iter().zip(plans).map(draw).collect()
    }
}

/// What is said of tasks whose deadline has passed already: they are taken, because late work may be worth doing.
fn late_sentence(late: &mut [(usize, Timestamp)]) -> Option<String> {
    late.sort_unstable();
    match &*late {
        [] => None,
        [(_, deadline)] => Some(format!("deadline: {deadline} has passed already")),
        [(place, deadline), ..] => {
            let first = format!("the first is task {} with {deadline}", place + 1);
            Some(format!("deadline: those of {} tasks have passed already; {first}", late.len()))
        }
    }
}

/// Says which task of several a refusal is about.
fn name_item(refusal: Refusal, place: usize, keys: &BTreeMap<String, usize>) -> Refusal {
    match keys.iter().find(|(_, at)| **at == place) {
        Some((key, _)) => refusal.within(format!("task \"{key}\"")),
        None => refusal.within(format!("task {}", place + 1)),
    }
}

/// The places in an order in which dependencies come first, otherwise as given. Whoever is in a cycle, or depends on
/// somebody refused, is refused.
fn order_by_dependency(plans: &mut [Result<Plan, Refusal>], tasks: &[NewTask]) -> Vec<usize> {
    let mut open = vec![0_usize; plans.len()];
    let mut dependents: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (place, plan) in plans.iter().enumerate() {
        for dependency in plan.iter().flat_map(|plan| &plan.depends_on) {
            if let Dependency::Item(on) = dependency {
                open[place] += 1;
                dependents.entry(*on).or_default().push(place);
            }
        }
    }
    let mut ready: BTreeSet<_> = (0..plans.len()).filter(|place| open[*place] == 0 && plans[*place].is_ok()).collect();
    let mut order = vec![];
    while let Some(place) = ready.pop_first() {
        order.push(place);
        for dependent in dependents.get(&place).into_iter().flatten() {
            open[*dependent] -= 1;
            if open[*dependent] == 0 {
                ready.insert(*dependent);
            }
        }
    }
    let done: BTreeSet<_> = order.iter().copied().collect();
    refuse_dependents(plans, tasks, &dependents);
    refuse_cycles(plans, tasks, &done);
    order
}

/// Refuses whoever depends on somebody refused, one after the other.
fn refuse_dependents(plans: &mut [Result<Plan, Refusal>], tasks: &[NewTask], dependents: &BTreeMap<usize, Vec<usize>>) {
    let mut refused: Vec<_> = (0..plans.len()).filter(|place| plans[*place].is_err()).collect();
    while let Some(place) = refused.pop() {
        for dependent in dependents.get(&place).into_iter().flatten() {
            if plans[*dependent].is_ok() {
                let key = tasks[place].key.as_deref().unwrap_or_default();
                let shown = format!("\"{key}\" was refused itself");
                plans[*dependent] = Err(Refusal::conflict("depends_on", shown, "tasks that were accepted"));
                refused.push(*dependent);
            }
        }
    }
}

/// Refuses whoever could never become ready, because it is in a cycle or waits for somebody who is.
fn refuse_cycles(plans: &mut [Result<Plan, Refusal>], tasks: &[NewTask], done: &BTreeSet<usize>) {
    let waits = |place: usize| plans[place].is_ok() && !done.contains(&place);
    let next: Vec<Option<usize>> = plans
        .iter()
        .enumerate()
        .map(|(place, plan)| {
            let on = plan.iter().flat_map(|plan| &plan.depends_on).filter_map(|dependency| match dependency {
                Dependency::Item(on) => Some(*on),
                Dependency::Task(_) => None,
            });
            if waits(place) { on.into_iter().find(|on| waits(*on)) } else { None }
        })
        .collect();
    let led = cycle::led_to(&next);
    let mut texts: BTreeMap<usize, String> = BTreeMap::new();
    for (place, first) in led.into_iter().enumerate() {
        let Some(first) = first else { continue };
        let name = |place: usize| tasks[place].key.as_deref().unwrap_or_default();
        let text = texts.entry(first).or_insert_with(|| cycle::shown(&next, first, name));
        plans[place] = Err(Refusal::invalid("depends_on", text.clone(), "dependencies without a cycle"));
    }
}

/// The task as it enters the record.
fn make_task(new: NewTask, plan: &Plan, id: TaskId, ids: &[Option<TaskId>], owner: UserId, now: Timestamp) -> Task {
    let depends_on = plan.depends_on.iter().filter_map(|dependency| match dependency {
        Dependency::Item(place) => ids[*place],
        Dependency::Task(id) => Some(*id),
    });
    Task {
        depends_on: depends_on.collect(),
        agent_id: plan.agent,
        cage_id: plan.wish.cage,
        ..new.into_task(id, owner, now)
    }
}
