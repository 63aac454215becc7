//! What the store has of what a command names and the memory no longer holds.

use super::core::{Context, Wanted};
use crate::store::{Error, Reader};

/// Fetches what the core wants to know before it decides. What was decided before has to be durable by then.
pub fn fetch(reader: &Reader, wanted: &Wanted) -> Result<Context, Error> {
    Ok(Context {
        tasks: reader.queued_tasks(&wanted.tasks)?,
        artifacts: reader.open_artifacts(&wanted.artifacts, &wanted.tasks)?,
        elements: reader.unsuccessful_elements(&wanted.elements)?,
        alerts: reader.alerts_named(&wanted.alerts)?,
        high_risk: reader.high_risk(&wanted.risks)?,
        snoozed: reader.snoozed_tasks(&wanted.tasks)?,
        rated: reader.rated_tasks(&wanted.rated)?,
        model: match wanted.model {
            Some((model, version)) => reader.model_state(model, version)?,
            None => None,
        },
    })
}
