//! What people ask for, one file a command. A command is checked in full before its first event: what is refused leaves
//! nothing behind.

mod agents;
mod alert_rules;
mod alerts;
mod apply_fleet;
mod apply_people;
mod apply_resources;
mod apply_warnings;
mod approval_rules;
mod cages;
mod cancel;
mod cycle;
mod feasible;
mod prioritise;
mod rate;
mod reassign;
mod rename_agent;
mod report_to;
mod retry;
mod review;
mod set_agent;
mod silences;
mod snooze;
mod submit;
mod undo;

pub(super) use feasible::Lack;

use super::{Core, Decisions};
use crate::domain::command::RefusedItem;
use crate::domain::learning::{ModelKind, ModelState, ModelVersion};
use crate::domain::snapshot::{OpenArtifact, QueuedTask, RatedTask};
use crate::domain::{Actor, Alert, AlertId, ArtifactId, Command, Refusal, Reply, ReviewId, TaskId, Timestamp};

/// What a command names and the memory no longer holds; the loop fetches it from the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Tasks.
    pub tasks: Vec<TaskId>,
    /// Artifacts.
    pub artifacts: Vec<ArtifactId>,
    /// Arrays whose elements are wanted that failed or were cancelled.
    pub elements: Vec<TaskId>,
    /// Alerts.
    pub alerts: Vec<AlertId>,
    /// Artifacts of which is wanted whether their review is of high risk.
    pub risks: Vec<ArtifactId>,
    /// Tasks that are to be rated.
    pub rated: Vec<TaskId>,
    /// A version of a model that is to be gone back to.
    pub model: Option<(ModelKind, u32)>,
}

impl Wanted {
    /// Whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What the store has of what was [`Wanted`]. What is missing here does not exist.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Tasks, which may have ended.
    pub tasks: Vec<QueuedTask>,
    /// Artifacts, which may be approved.
    pub artifacts: Vec<OpenArtifact>,
    /// Elements of arrays that failed or were cancelled, by array and place.
    pub elements: Vec<QueuedTask>,
    /// Alerts, which may be resolved.
    pub alerts: Vec<Alert>,
    /// Those of the artifacts whose review is of high risk.
    pub high_risk: Vec<ArtifactId>,
    /// Until when tasks are snoozed, those that are.
    pub snoozed: Vec<(TaskId, Timestamp)>,
    /// Of tasks that are to be rated those that had an attempt that ended.
    pub rated: Vec<RatedTask>,
    /// The version of a model that is to be gone back to, if it is kept.
    pub model: Option<(ModelVersion, ModelState)>,
}

impl Context {
    fn task(&self, id: TaskId) -> Option<&QueuedTask> {
        self.tasks.iter().find(|task| task.id == id)
    }

    /// The elements of an array that failed or were cancelled.
    fn elements_of(&self, array: TaskId) -> impl Iterator<Item = &QueuedTask> {
        self.elements.iter().filter(move |element| element.id.as_array() == array && element.id != array)
    }
}

impl Core {
    /// Which of the things that a command names are not in memory.
    pub fn wanted(&self, command: &Command) -> Wanted {
        let mut wanted = Wanted::default();
        match command {
            Command::SubmitTasks { tasks, .. } => {
                let named = tasks.iter().flat_map(|task| &task.depends_on).filter_map(|text| text.parse().ok());
                wanted.tasks.extend(named.filter(|id| !self.task_ids.contains(*id)));
            }
            Command::CancelTasks { ids, .. }
            | Command::RetryTasks { ids }
            | Command::ReassignTasks { ids, .. }
            | Command::PrioritiseTasks { ids, .. } => {
                wanted.tasks.extend(ids.iter().filter(|id| !self.task_ids.contains(**id)));
                if matches!(command, Command::RetryTasks { .. }) {
                    wanted.elements.extend(ids.iter().filter(|id| id.as_array() == **id));
                }
            }
            Command::ReviewArtifacts { ids, .. } | Command::ReopenReviews { ids } => {
                wanted.artifacts.extend(ids.iter().filter(|id| !self.artifacts.contains_key(id)));
                let judged = matches!(command, Command::ReviewArtifacts { .. });
                // An artifact that is alone may be judged whatever its risk.
                if judged && ids.iter().any(|id| Some(id) != ids.first()) {
                    wanted.risks.clone_from(ids);
                }
            }
            Command::RateTasks { ids, .. } => {
                wanted.tasks.extend(ids.iter().filter(|id| !self.task_ids.contains(**id)));
                wanted.rated.clone_from(ids);
            }
            Command::RollBackModel { model, version } => wanted.model = Some((*model, *version)),
            Command::SnoozeReviews { ids, .. } => {
                let known = |id: &ReviewId| {
                    self.artifacts.contains_key(&ArtifactId(id.0)) || self.alerts.get(AlertId(id.0)).is_some()
                };
                for id in ids.iter().filter(|id| !known(id)) {
                    wanted.artifacts.push(ArtifactId(id.0));
                    wanted.tasks.push(TaskId(id.0));
                    wanted.alerts.push(AlertId(id.0));
                }
            }
            Command::AcknowledgeAlerts { ids, .. }
            | Command::UnacknowledgeAlerts { ids }
            | Command::SilenceAlerts { ids, .. }
            | Command::ResolveAlerts { ids, .. }
            | Command::ReopenAlerts { ids } => {
                wanted.alerts.extend(ids.iter().filter(|id| self.alerts.get(**id).is_none()));
            }
            _ => {}
        }
        wanted.tasks.sort_unstable();
        wanted.tasks.dedup();
        wanted
    }

    /// Does what a person asks for, or refuses it.
    ///
    /// A command on several things answers item by item. When every one of them is refused, the first refusal is the
    /// answer to the command.
    pub fn command(
        &mut self,
        now: Timestamp,
        actor: Actor,
        command: Command,
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        match self.decide(now, actor, command, context, out)? {
            Reply::Items { done, mut refused, .. } if done.is_empty() && !refused.is_empty() => {
                Err(refused.swap_remove(0).refusal)
            }
            reply => Ok(reply),
        }
    }

    /// As [`Core::command`], but with an answer for each item also when every one was refused.
    pub(super) fn decide(
        &mut self,
        now: Timestamp,
        actor: Actor,
        command: Command,
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let now = self.clock(now);
        command.check_notes()?;
        match command {
            Command::SubmitTasks { tasks, keep_going } => self.submit(now, actor, tasks, keep_going, context, out),
            Command::CancelTasks { ids, note, pending_only } => {
                let how = cancel::Cancel { note: note.as_ref(), pending_only };
                self.cancel(now, actor, &ids, &how, context, out)
            }
            Command::RetryTasks { ids } => self.retry(now, actor, &ids, context, out),
            Command::ReassignTasks { ids, agent, cage } => self.reassign(now, actor, &ids, (agent, cage), context, out),
            Command::PrioritiseTasks { ids, priority } => self.prioritise(now, actor, &ids, priority, context, out),
            Command::Apply { fleet, dry_run } => self.apply_fleet(now, actor, &fleet, dry_run, out),
            Command::AddAgent { agent } => self.add_agent(now, actor, *agent, out),
            Command::SetAgent { id, changes } => self.set_agent(now, actor, id, &changes, out),
            Command::RemoveAgents { ids } => self.remove_agents(now, actor, &ids, out),
            Command::ReassignAgents { ids, cage } => self.reassign_agents(now, actor, &ids, cage, out),
            Command::RenameAgent { agent, name } => self.rename_agent(now, actor, agent, name, out),
            Command::ReportTo { ids, superior } => self.report_to(now, actor, &ids, superior, out),
            Command::DrainAgents { ids } => self.drain_agents(now, actor, &ids, out),
            Command::ResumeAgents { ids } => self.resume_agents(now, actor, &ids, out),
            Command::SetCageMaintenance { ids, on } => self.set_cage_maintenance(now, actor, &ids, on, out),
            Command::VacateCages { ids } => self.vacate_cages(now, actor, &ids, out),
            Command::ReviewArtifacts { ids, approve, note, quality } => {
                self.review(now, actor, &ids, (approve, quality), note.as_ref(), context, out)
            }
            Command::RateTasks { ids, rating, note } => {
                self.rate(now, actor, &ids, rating, note.as_ref(), context, out)
            }
            Command::TrainModel { model } => self.train_model(now, actor, model, out),
            Command::RollBackModel { model, version } => {
                self.roll_back_model(now, actor, (model, version), context, out)
            }
            Command::ReopenReviews { ids } => self.reopen_reviews(now, actor, &ids, context, out),
            Command::SnoozeReviews { ids, until } => self.snooze(now, actor, &ids, until, context, out),
            Command::AcknowledgeAlerts { ids, note } => {
                self.acknowledge_alerts(now, actor, &ids, note.as_ref(), context, out)
            }
            Command::UnacknowledgeAlerts { ids } => self.unacknowledge_alerts(now, actor, &ids, context, out),
            Command::SilenceAlerts { ids, until } => self.silence_alerts(now, actor, &ids, until, context, out),
            Command::ResolveAlerts { ids, action, notes } => {
                self.resolve_alerts(now, actor, &ids, (action, notes), context, out)
            }
            Command::ReopenAlerts { ids } => self.reopen_alerts(now, actor, &ids, context, out),
            Command::AddAlertRule { rule } => self.add_alert_rule(now, actor, &rule, out),
            Command::RemoveAlertRules { names } => self.remove_alert_rules(now, actor, &names, out),
            Command::EnableAlertRules { names, on } => self.enable_alert_rules(now, actor, &names, on, out),
            Command::AddApprovalRule { rule } => self.add_approval_rule(now, actor, *rule, out),
            Command::RemoveApprovalRules { names } => self.remove_approval_rules(now, actor, &names, out),
            Command::AddSilence { matcher, until, note } => self.add_silence(now, actor, matcher, until, note, out),
            Command::RemoveSilences { ids } => self.remove_silences(now, actor, &ids, out),
        }
    }

    /// The slot of a task that has not ended, or why there is none.
    fn open_task(&self, id: TaskId, context: &Context) -> Result<u32, Refusal> {
        if let Some(slot) = self.task_ids.get(id) {
            return Ok(slot);
        }
        if self.unstarted_element(id).is_some() {
            let hint = format!("name the array, {}, or wait until the element has started", id.as_array());
            return Err(Refusal::conflict("task", id, "a task that stands for itself").hint(hint));
        }
        match context.task(id) {
            Some(task) => {
                let shown = format!("{id} is {}", task.status);
                Err(Refusal::conflict("status", shown, "a task that has not ended"))
            }
            None => Err(Refusal::not_found("task", id)),
        }
    }

    /// The array and the place of an element that is not yet a task of its own.
    fn unstarted_element(&self, id: TaskId) -> Option<(u32, u32)> {
        let (slot, place) = (self.array_of(id)?, id.place());
        let array = self.tasks[slot].array.as_ref()?;
        (place <= array.range.len() && !array.is_materialised(place)).then_some((slot, place))
    }

    /// A task and, if it is an array, its elements under way.
    fn with_elements(&self, slot: u32) -> Vec<TaskId> {
        std::iter::once(self.tasks[slot].id).chain(self.elements_under_way(slot)).collect()
    }

    /// Does something to each of several things.
    fn each<T: Copy + Ord + std::fmt::Display>(
        &mut self,
        ids: &[T],
        mut deed: impl FnMut(&mut Self, T) -> Result<(), Refusal>,
    ) -> Result<Reply, Refusal> {
        let mut seen = std::collections::BTreeSet::new();
        let (mut done, mut refused) = (vec![], vec![]);
        for id in ids.iter().copied().filter(|id| seen.insert(*id)) {
            match deed(self, id) {
                Ok(()) => done.push(id.to_string()),
                Err(refusal) => refused.push(RefusedItem { item: id.to_string(), refusal }),
            }
        }
        if seen.is_empty() {
            return Err(Refusal::invalid("ids", "", "at least one"));
        }
        Ok(Reply::Items { done, refused, inverse: vec![], warnings: vec![] })
    }
}
