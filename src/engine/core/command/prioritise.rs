//! Changing the priority of tasks.

use std::collections::BTreeMap;

use super::Context;
use super::undo::undone_by;
use crate::domain::event::TaskPrioritised;
use crate::domain::{Actor, Command, Refusal, Reply, TaskId, Timestamp};
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
        let mut before = BTreeMap::new();
        let reply = self.each(ids, |core, id| {
            let slot = core.open_task(id, context)?;
            for task_id in core.with_elements(slot) {
                if let Some(slot) = core.task_ids.get(task_id) {
                    before.entry(task_id).or_insert(core.tasks[slot].priority);
                }
                core.emit(now, actor, TaskPrioritised { task_id, priority }, out);
            }
            Ok(())
        })?;
        let make = |priority, ids| Command::PrioritiseTasks { ids, priority };
        Ok(undone_by(reply, self.restoring(&before, &priority, make)))
    }
}
