//! Taking tasks back.

use std::collections::BTreeSet;

use super::Context;
use super::undo::undone_by;
use crate::domain::event::TaskCancelled;
use crate::domain::{Actor, Command, Event, OutcomeKind, Record, Refusal, Reply, TaskId, TaskStatus, Timestamp};
use crate::engine::core::slab::NONE;
use crate::engine::core::{Core, Decisions};

/// How tasks are taken back.
pub(super) struct Cancel<'a> {
    /// Why.
    pub note: Option<&'a String>,
    /// Whether what runs is refused instead of stopped.
    pub pending_only: bool,
}

impl Core {
    pub(super) fn cancel(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[TaskId],
        how: &Cancel<'_>,
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        // A task may end with another of the list that it depends on; that is no reason to refuse it.
        let open: BTreeSet<_> = ids.iter().copied().filter(|id| self.task_ids.contains(*id)).collect();
        let mut back = vec![];
        let reply = self.each(ids, |core, id| {
            let (from, failed) = (out.records.len(), core.failed_elements(id));
            if let Some((array, place)) = core.unstarted_element(id)
                && let Some(index) = core.tasks[array].array.as_ref().map(|array| array.index(place))
            {
                core.materialise(array, place, index, now, out);
            }
            match core.open_task(id, context) {
                Ok(slot) if how.pending_only && core.is_running(slot) => {
                    return Err(Refusal::conflict("status", format!("{id} runs"), "a task that does not run")
                        .hint("without pending_only it is stopped"));
                }
                Ok(slot) => core.cancel_task(slot, how.note, now, actor, out),
                Err(_) if open.contains(&id) => {}
                Err(refusal) => return Err(refusal),
            }
            back.extend(way_back(id, failed, &out.records[from..]));
            Ok(())
        })?;
        let retry = if back.is_empty() { vec![] } else { vec![Command::RetryTasks { ids: back }] };
        Ok(undone_by(reply, retry))
    }

    /// How many elements of an array have failed; zero for what is no array.
    fn failed_elements(&self, id: TaskId) -> u32 {
        let array = self.task_ids.get(id).and_then(|slot| self.tasks[slot].array.as_ref());
        array.map_or(0, |array| array.failed)
    }

    /// Whether an attempt at a task, or at an element of it, is under way.
    fn is_running(&self, slot: u32) -> bool {
        let runs = |slot: u32| self.tasks[slot].execution != NONE;
        self.with_elements(slot).into_iter().filter_map(|id| self.task_ids.get(id)).any(runs)
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

/// What has to be retried to take a cancellation back, in order: what was cancelled and what failed with it. Nothing, where
/// work was stopped, or where a retry would bring back more than there was.
fn way_back(id: TaskId, failed_before: u32, records: &[Record]) -> Vec<TaskId> {
    let lost = |record: &Record| matches!(record.event, Event::ExecutionStopping(_) | Event::ArrayEnded(_));
    if failed_before > 0 || records.iter().any(lost) {
        return vec![];
    }
    let ended = records.iter().filter_map(|record| match &record.event {
        Event::TaskCancelled(event) => Some(event.task_id),
        Event::TaskFailed(event) => Some(event.task_id),
        _ => None,
    });
    // An array brings its elements along.
    ended.filter(|task| *task == id || task.as_array() != id).collect()
}
