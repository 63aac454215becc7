//! What people think of agents: ratings of tasks, judgements of artifacts.

use rusqlite::params;

use super::{Change, json};
use crate::domain::event::{ArtifactReviewed, TaskRated};
use crate::domain::{Actor, AgentId, ReviewState, UserId};
use crate::store::error::Error;

pub(super) fn rated(change: &Change<'_, '_>, event: &TaskRated) -> Result<(), Error> {
    let Actor::User(user) = change.actor else { return Ok(()) };
    let Some(stars) = event.rating else {
        return change.run(
            "DELETE FROM rating WHERE task_id = ? AND user_id = ?",
            params![event.task_id.0.as_bytes(), user.0.as_bytes()],
        );
    };
    change.run(
        "INSERT OR REPLACE INTO rating (task_id, user_id, execution_id, agent_id, rating, note, rated_at, taught)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            event.task_id.0.as_bytes(),
            user.0.as_bytes(),
            event.execution_id.0.as_bytes(),
            event.agent_id.0.as_bytes(),
            stars,
            event.note,
            change.now(),
            event.taught.as_ref().map(|taught| json("what a rating taught", taught)).transpose()?,
        ],
    )
}

/// Counts a judgement to its agent, and takes the one before out of the count.
pub(super) fn judged(change: &Change<'_, '_>, event: &ArtifactReviewed) -> Result<(), Error> {
    let Some(agent) = event.agent_id else { return Ok(()) };
    if let Some((was, user)) = event.was.zip(event.was_by) {
        count(change, agent, user, was, -1)?;
    }
    match change.actor {
        Actor::User(user) => count(change, agent, user, event.state, 1),
        Actor::Engine | Actor::Node(_) => Ok(()),
    }
}

/// A count of nothing has no row, so that it looks the same whichever way it came about.
fn count(change: &Change<'_, '_>, agent: AgentId, user: UserId, state: ReviewState, by: i64) -> Result<(), Error> {
    let (approved, rejected) = match state {
        ReviewState::Approved => (by, 0),
        ReviewState::Rejected => (0, by),
        ReviewState::Pending => return Ok(()),
    };
    change.run(
        "INSERT INTO agent_judgement (agent_id, user_id, approved, rejected)
         VALUES (?1, ?2, max(?3, 0), max(?4, 0))
         ON CONFLICT (agent_id, user_id) DO UPDATE SET approved = max(approved + ?3, 0), rejected = max(rejected + ?4, 0)",
        params![agent.0.as_bytes(), user.0.as_bytes(), approved, rejected],
    )?;
    change.run(
        "DELETE FROM agent_judgement WHERE agent_id = ? AND user_id = ? AND approved = 0 AND rejected = 0",
        params![agent.0.as_bytes(), user.0.as_bytes()],
    )
}
