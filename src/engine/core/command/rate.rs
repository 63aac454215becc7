//! Rating tasks, and taking ratings back. The last attempt that ended is what is rated; each person has one rating a task.

use std::sync::Arc;

use super::Context;
use super::agents::user_of;
use super::undo::{Groups, undone_by};
use crate::domain::event::TaskRated;
use crate::domain::learning::{Lesson, truth_of_rating};
use crate::domain::snapshot::{GivenRating, RatedTask};
use crate::domain::{Actor, Command, Refusal, Reply, TaskId, Timestamp, UserId};
use crate::engine::core::selection::{Subject, Topic};
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
            let given = task.ratings.iter().find(|given| given.user_id == user);
            if given.is_none() && rating.is_none() {
                return Ok(());
            }
            before.add(given.map(|given| (given.stars, given.note.clone())), task_id);
            // Whoever changes a rating takes the one before back; perhaps it was of another attempt, by another agent.
            if let Some(given) = given {
                let event = core.taken_back(task_id, given, note.filter(|_| rating.is_none()));
                core.emit(now, actor, event, out);
            }
            let Some(stars) = rating else {
                core.keep_models(now, out);
                return Ok(());
            };
            let (execution_id, agent_id) = (task.execution_id, task.agent_id);
            let lesson = core.lesson_of_rating(user, task);
            let taught = lesson.map(|lesson| core.selection.changes_of(agent_id, &lesson, truth_of_rating(stars)));
            let (rating, note) = (Some(stars), note.cloned());
            let event = TaskRated { task_id, execution_id, agent_id, rating, note, was: None, taught };
            core.emit(now, actor, event, out);
            core.keep_models(now, out);
            Ok(())
        })?;
        let back = before.commands(|given, ids| {
            let (rating, note) = given.map_or((None, None), |(stars, note)| (Some(stars), note));
            Command::RateTasks { ids, rating, note }
        });
        Ok(undone_by(reply, back))
    }

    /// A rating that is taken back takes with it what it taught, and no more than that.
    fn taken_back(&self, task_id: TaskId, given: &GivenRating, note: Option<&String>) -> TaskRated {
        TaskRated {
            task_id,
            execution_id: given.execution_id,
            agent_id: given.agent_id,
            rating: None,
            note: note.cloned(),
            was: Some(given.stars),
            // Whoever went back to a version of before went back behind what it taught.
            taught: given.taught.clone().filter(|_| self.selection.policy().knows_of(given.time)),
        }
    }

    /// What a person's rating of a task teaches. The more an agent was rated by them before, the less it counts, so that
    /// nobody can say much by saying it often.
    fn lesson_of_rating(&self, user: UserId, task: &RatedTask) -> Option<Lesson> {
        let slot = self.agent_ids.get(task.agent_id)?;
        let topic = Topic::new(&task.kind, &task.context, &self.selection.reader);
        let subject = Subject { topic: Arc::new(topic), user: Some(user), after: vec![], first_chance: true };
        let lesson = self.selection.lesson(&subject, slot)?;
        let before = 2 + u64::from(self.selection.ratings_by(slot, user));
        let weight = RATING_WEIGHT / (before * before);
        Some(Lesson { weight: u16::try_from(weight).unwrap_or(0), ..lesson })
    }
}

/// Four times what the first rating of an agent by a person counts, in thousandths of an execution. The squares keep all that
/// one person ever says of an agent below what six executions say, so that three others who contradict count for more.
const RATING_WEIGHT: u64 = 8000;
