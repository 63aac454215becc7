//! Giving failed or cancelled tasks another life.

use super::Context;
use super::undo::undone_by;
use crate::domain::event::TaskRetried;
use crate::domain::snapshot::QueuedTask;
use crate::domain::{Actor, Command, Refusal, Reply, TaskId, TaskStatus, Timestamp};
use crate::engine::core::{Core, Decisions};

impl Core {
    /// Retries tasks; of an array, its elements to come if it was ended before them, and those that failed.
    pub(super) fn retry(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[TaskId],
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let mut back = vec![];
        let reply = self.each(ids, |core, id| {
            if let Some(slot) = core.task_ids.get(id) {
                if core.tasks[slot].array.is_none() {
                    return Err(not_so(id, core.tasks[slot].status));
                }
                let elements = core.retry_elements(id, now, actor, context, out);
                if elements.is_empty() {
                    return Err(nothing_failed(id));
                }
                back.extend(elements);
                return Ok(());
            }
            let Some(task) = context.task(id) else { return Err(Refusal::not_found("task", id)) };
            if task.status == TaskStatus::Completed || !task.status.is_final() {
                return Err(not_so(id, task.status));
            }
            core.check_dependencies(task)?;
            let mut task = task.clone();
            if let Some(range) = task.array {
                let retried = context.elements_of(id).filter(|element| core.task_ids.contains(element.id)).count();
                let materialised: u32 = task.materialised.iter().map(|(first, last)| last - first + 1).sum();
                if materialised == range.len() && context.elements_of(id).count() == retried {
                    return Err(nothing_failed(id));
                }
                // Elements that this command has retried already no longer count as failed.
                task.array_failed = task.array_failed.saturating_sub(u32::try_from(retried).unwrap_or(u32::MAX));
            }
            core.recall(task);
            core.emit(now, actor, TaskRetried { task_id: id }, out);
            core.retry_elements(id, now, actor, context, out);
            back.push(id);
            Ok(())
        })?;
        let cancel = if back.is_empty() {
            vec![]
        } else {
            vec![Command::CancelTasks { ids: back, note: None, pending_only: false }]
        };
        Ok(undone_by(reply, cancel))
    }

    /// Retries the elements of an array that failed or were cancelled, and says which.
    fn retry_elements(
        &mut self,
        array: TaskId,
        now: Timestamp,
        actor: Actor,
        context: &Context,
        out: &mut Decisions,
    ) -> Vec<TaskId> {
        let mut retried = vec![];
        for element in context.elements_of(array) {
            if !self.task_ids.contains(element.id) {
                self.recall(element.clone());
                self.emit(now, actor, TaskRetried { task_id: element.id }, out);
                retried.push(element.id);
            }
        }
        retried
    }

    /// Refuses a task that depends on something that ended badly and was not brought back.
    fn check_dependencies(&self, task: &QueuedTask) -> Result<(), Refusal> {
        let ended = |(dependency, status): &&(TaskId, TaskStatus)| {
            matches!(status, TaskStatus::Failed | TaskStatus::Cancelled) && !self.task_ids.contains(*dependency)
        };
        match task.depends_on.iter().find(ended) {
            None => Ok(()),
            Some((dependency, status)) => {
                let shown = format!("{dependency} was {status}");
                Err(Refusal::conflict("depends_on", shown, "dependencies that completed or still can")
                    .hint("retry the dependency first, or in the same command before this one"))
            }
        }
    }
}

fn not_so(id: TaskId, status: TaskStatus) -> Refusal {
    Refusal::conflict("status", format!("{id} is {status}"), "failed, cancelled")
}

fn nothing_failed(id: TaskId) -> Refusal {
    Refusal::conflict("array", format!("no element of {id} has failed"), "an array with failed or cancelled elements")
}
