//! Ratings of tasks: what people think of the agents that did them.

use crate::domain::Actor;
use crate::domain::event::TaskRated;
use crate::domain::snapshot::PastLesson;
use crate::engine::core::Core;

impl Core {
    pub(super) fn apply_task_rated(&mut self, event: &TaskRated, actor: Actor) {
        if let (Actor::User(user), Some(slot)) = (actor, self.agent_ids.get(event.agent_id)) {
            self.selection.rated(slot, user, event.was, event.rating);
        }
        if let Some(lesson) = PastLesson::of_rating(event.clone()) {
            self.selection.remember_lesson(&lesson);
        }
    }
}
