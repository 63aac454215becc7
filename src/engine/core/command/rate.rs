//! Rating tasks, and taking ratings back. The last attempt that ended is what is rated; each person has one rating a task.

use super::Context;
use super::agents::user_of;
use super::undo::{Groups, undone_by};
use crate::domain::event::TaskRated;
use crate::domain::{Actor, Command, Refusal, Reply, TaskId, Timestamp};
use crate::engine::core::{Core, Decisions};

impl Core {
    #[allow(clippy::too_many_arguments)] // The fields of one command, and what every command gets.
    pub(super) fn rate(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[TaskId],
        rating: Option<u8>,
        note: Option<&String>,
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let user = user_of(actor)?;
        if let Some(stars) = rating.filter(|stars| !(1..=5).contains(stars)) {
            return Err(Refusal::invalid("rating", stars, "1 to 5, 5 best"));
        }
        let mut before = Groups::default();
        let reply = self.each(ids, |core, task_id| {
            let Some(task) = context.rated.iter().find(|task| task.task_id == task_id) else {
                return Err(Refusal::conflict("task", task_id, "a task of which an attempt has ended")
                    .hint("wait until it has ended"));
            };
            let was = task.ratings.iter().find(|(by, _)| *by == user).map(|(_, stars)| *stars);
            if was.is_none() && rating.is_none() {
                return Ok(());
            }
            before.add(was, task_id);
            let (execution_id, agent_id) = (task.execution_id, task.agent_id);
            let event = TaskRated { task_id, execution_id, agent_id, rating, note: note.cloned(), was };
            core.emit(now, actor, event, out);
            Ok(())
        })?;
        let back = before.commands(|rating, ids| Command::RateTasks { ids, rating, note: None });
        Ok(undone_by(reply, back))
    }
}
