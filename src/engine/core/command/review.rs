//! Judging artifacts.

use super::Context;
use crate::domain::event::ArtifactReviewed;
use crate::domain::{Actor, ArtifactId, Refusal, Reply, ReviewState, Timestamp};
use crate::engine::core::{Core, Decisions};

impl Core {
    #[allow(clippy::too_many_arguments)] // The fields of one command, and what every command gets.
    pub(super) fn review(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[ArtifactId],
        approve: bool,
        note: Option<&String>,
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let state = if approve { ReviewState::Approved } else { ReviewState::Rejected };
        self.each(ids, |core, artifact_id| {
            let held = core.artifacts.get(&artifact_id).copied();
            let known = held.or_else(|| context.artifacts.iter().copied().find(|artifact| artifact.id == artifact_id));
            let Some(artifact) = known else { return Err(Refusal::not_found("artifact", artifact_id)) };
            artifact.state.become_checked(state).map_err(|refusal| refusal.within(artifact_id))?;
            let event = ArtifactReviewed { artifact_id, task_id: artifact.task_id, state, note: note.cloned() };
            core.emit(now, actor, event, out);
            Ok(())
        })
    }
}
