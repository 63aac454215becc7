//! Rows as the store would hand them over, made from a core's own state and its records.

use super::world::World;
use crate::domain::Event;
use crate::domain::learning::ModelState;
use crate::domain::snapshot::{Past, PastLesson, Snapshot};

pub fn of(world: &World) -> Snapshot {
    let core = &world.core;
    let tasks = core.tasks.numbers().into_iter().collect();
    let rows = core.rows(&tasks, core.artifacts.values().copied().collect(), core.alerts.iter().cloned().collect());
    let mut past = core.selection.past();
    add_predictor(world, &mut past);
    Snapshot { past, ..rows }
}

/// The last version of the predictor, and what taught it something since.
fn add_predictor(world: &World, past: &mut Past) {
    let mut lessons = vec![];
    for record in &world.records {
        match &record.event {
            Event::ModelVersioned(event) if matches!(event.state, ModelState::Predictor(_)) => {
                lessons.clear();
                past.models.retain(|(_, state)| !matches!(state, ModelState::Predictor(_)));
                past.models.push((event.version.clone(), event.state.clone()));
            }
            Event::ExecutionEnded(event) => lessons.extend(event.took().map(|took| PastLesson::Took {
                agent_id: event.agent_id,
                kind: world.rows[&event.task_id].kind.clone(),
                brings_command: event.kind.is_none(),
                took,
                tokens: event.outcome.tokens_used,
            })),
            Event::AgentRemoved(event) => lessons.push(PastLesson::Removed(event.agent_id)),
            _ => {}
        }
    }
    past.lessons.extend(lessons);
}
