//! Changing the priority of tasks.

use super::Context;
use crate::domain::event::TaskPrioritised;
use crate::domain::{Actor, Refusal, Reply, TaskId, Timestamp};
use crate::engine::core::{Core, Decisions};

impl Core {
    pub(super) fn prioritise(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[TaskId],
        priority: u8,
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        if !(1..=10).contains(&priority) {
            return Err(Refusal::invalid("priority", priority, "1 to 10, 10 first"));
        }
        self.each(ids, |core, id| {
            let slot = core.open_task(id, context)?;
            for task_id in core.with_elements(slot) {
                core.emit(now, actor, TaskPrioritised { task_id, priority }, out);
            }
            Ok(())
        })
    }
}
