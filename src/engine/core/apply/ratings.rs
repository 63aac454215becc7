//! Ratings of tasks: what people think of the agents that did them.

use crate::domain::Actor;
use crate::domain::event::TaskRated;
use crate::domain::learning::truth_of_rating;
use crate::engine::core::Core;

impl Core {
    pub(super) fn apply_task_rated(&mut self, event: &TaskRated, actor: Actor) {
        if let (Actor::User(user), Some(slot)) = (actor, self.agent_ids.get(event.agent_id)) {
            self.selection.rated(slot, user, event.was, event.rating);
        }
        match (&event.lesson, event.rating, event.was) {
            (Some(lesson), Some(stars), _) => self.selection.learn(event.agent_id, lesson, truth_of_rating(stars)),
            (Some(lesson), None, Some(stars)) => {
                self.selection.unlearn(event.agent_id, lesson, truth_of_rating(stars));
            }
            _ => {}
        }
    }
}
