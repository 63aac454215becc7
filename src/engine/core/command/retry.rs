//! Giving failed or cancelled tasks another life.

use super::Context;
use crate::domain::event::TaskRetried;
use crate::domain::{Actor, Refusal, Reply, TaskId, TaskStatus, Timestamp};
use crate::engine::core::{Core, Decisions};

impl Core {
    pub(super) fn retry(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[TaskId],
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        self.each(ids, |core, id| {
            if let Some(slot) = core.task_ids.get(id) {
                let shown = format!("{id} is {}", core.tasks[slot].status);
                return Err(Refusal::conflict("status", shown, "failed, cancelled"));
            }
            let Some(task) = context.task(id) else { return Err(Refusal::not_found("task", id)) };
            if task.status == TaskStatus::Completed || !task.status.is_final() {
                let shown = format!("{id} is {}", task.status);
                return Err(Refusal::conflict("status", shown, "failed, cancelled"));
            }
            if task.array.is_some() {
                return Err(Refusal::conflict("task", format!("{id} is an array"), "a single task")
                    .hint("retry its elements that failed: task list shows them"));
            }
            let ended = |(dependency, status): &&(TaskId, TaskStatus)| {
                matches!(status, TaskStatus::Failed | TaskStatus::Cancelled) && !core.task_ids.contains(*dependency)
            };
            if let Some((dependency, status)) = task.depends_on.iter().find(ended) {
                let shown = format!("{dependency} was {status}");
                return Err(Refusal::conflict("depends_on", shown, "dependencies that completed or still can")
                    .hint("retry the dependency first, or in the same command before this one"));
            }
            core.recall(task.clone());
            core.emit(now, actor, TaskRetried { task_id: id }, out);
            Ok(())
        })
    }
}
