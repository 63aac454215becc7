//! Rows as the store would hand them over, made from a core's own state and its records.

use super::world::World;
use crate::domain::learning::ModelKind;
use crate::domain::snapshot::{Past, PastLesson, Snapshot};
use crate::domain::{Event, ReviewState};

pub fn of(world: &World) -> Snapshot {
    let core = &world.core;
    let tasks = core.tasks.numbers().into_iter().collect();
    let rows = core.rows(&tasks, core.artifacts.values().copied().collect(), core.alerts.iter().cloned().collect());
    let mut past = core.selection.past();
    add_others(world, &mut past);
    Snapshot { past, ..rows }
}

/// The last versions of the models that selection does not have itself, and what taught them something since.
fn add_others(world: &World, past: &mut Past) {
    let mut lessons: Vec<PastLesson> = vec![];
    for record in &world.records {
        match &record.event {
            Event::ModelVersioned(event) if event.version.model != ModelKind::Policy => {
                let model = event.version.model;
                lessons.retain(|lesson| match lesson {
                    PastLesson::Took { .. } => model != ModelKind::Predictor,
                    PastLesson::Tried { .. } | PastLesson::Judged { .. } => model != ModelKind::Classifier,
                    PastLesson::Stood(_) => model != ModelKind::ValueFunction,
                    PastLesson::Learned { .. } | PastLesson::Rated { .. } | PastLesson::Removed(_) => true,
                });
                past.models.retain(|(version, _)| version.model != model);
                past.models.push((event.version.clone(), event.state.clone()));
            }
            Event::ExecutionEnded(event) => {
                let (agent_id, succeeded) = (event.agent_id, event.outcome.succeeded());
                lessons.extend(event.took().map(|took| PastLesson::Took {
                    agent_id,
                    kind: world.rows[&event.task_id].kind.clone(),
                    brings_command: event.kind.is_none(),
                    took,
                    tokens: event.outcome.tokens_used,
                }));
                let tried = |lesson| PastLesson::Tried { agent_id, lesson, succeeded };
                lessons.extend(event.lesson.clone().map(tried));
                lessons.extend(event.slack.map(PastLesson::Stood));
            }
            Event::ArtifactReviewed(event) => lessons.extend(event.teaches(record.actor).map(|(agent_id, product)| {
                PastLesson::Judged { agent_id, product, approved: event.state == ReviewState::Approved }
            })),
            Event::AgentRemoved(event) => lessons.push(PastLesson::Removed(event.agent_id)),
            _ => {}
        }
    }
    past.lessons.extend(lessons);
}
