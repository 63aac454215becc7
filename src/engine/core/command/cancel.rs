//! Taking tasks back.

use std::collections::BTreeSet;

use super::Context;
use crate::domain::event::TaskCancelled;
use crate::domain::{Actor, OutcomeKind, Refusal, Reply, TaskId, TaskStatus, Timestamp};
use crate::engine::core::slab::NONE;
use crate::engine::core::{Core, Decisions};

impl Core {
    pub(super) fn cancel(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[TaskId],
        note: Option<&String>,
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        // A task may end with another of the list that it depends on; that is no reason to refuse it.
        let open: BTreeSet<_> = ids.iter().copied().filter(|id| self.task_ids.contains(*id)).collect();
        self.each(ids, |core, id| {
            if let Some((array, place)) = core.unstarted_element(id)
                && let Some(index) = core.tasks[array].array.as_ref().map(|array| array.index(place))
            {
                core.materialise(array, place, index, now, out);
            }
            match core.open_task(id, context) {
                Ok(slot) => core.cancel_task(slot, note, now, actor, out),
                Err(_) if open.contains(&id) => {}
                Err(refusal) => return Err(refusal),
            }
            Ok(())
        })
    }

    /// Cancels a task; of an array, the elements to come first and then those under way.
    fn cancel_task(&mut self, slot: u32, note: Option<&String>, now: Timestamp, actor: Actor, out: &mut Decisions) {
        for id in self.with_elements(slot) {
            let Some(slot) = self.task_ids.get(id) else { continue };
            let run = self.tasks[slot].execution;
            if run == NONE {
                self.emit(now, actor, TaskCancelled { task_id: id, note: note.cloned() }, out);
                self.after_end(id, TaskStatus::Cancelled, now, out);
            } else {
                self.stop_execution(run, OutcomeKind::Cancelled, note.cloned(), now, actor, out);
            }
        }
    }
}
