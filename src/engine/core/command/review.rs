//! Judging artifacts, and taking judgements back.

use super::Context;
use super::undo::{Groups, undone_by};
use crate::domain::artifact::{QUALITY, is_quality};
use crate::domain::event::ArtifactReviewed;
use crate::domain::snapshot::OpenArtifact;
use crate::domain::{Actor, ArtifactId, Command, Refusal, Reply, ReviewState, Timestamp};
use crate::engine::core::{Core, Decisions, Effect};

impl Core {
    #[allow(clippy::too_many_arguments)] // The fields of one command, and what every command gets.
    pub(super) fn review(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[ArtifactId],
        (approve, quality): (bool, Option<f64>),
        note: Option<&String>,
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        if let Some(quality) = quality.filter(|quality| !is_quality(*quality)) {
            return Err(Refusal::invalid("quality", quality, QUALITY));
        }
        let state = if approve { ReviewState::Approved } else { ReviewState::Rejected };
        self.become_reviewed(now, actor, ids, (state, quality), note, context, out)
    }

    pub(super) fn reopen_reviews(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[ArtifactId],
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        self.become_reviewed(now, actor, ids, (ReviewState::Pending, None), None, context, out)
    }

    #[allow(clippy::too_many_arguments)] // As above.
    fn become_reviewed(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[ArtifactId],
        (state, quality): (ReviewState, Option<f64>),
        note: Option<&String>,
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let mut before = Groups::default();
        let reply = self.each(ids, |core, artifact_id| {
            let artifact = core.artifact(artifact_id, context)?;
            if context.high_risk.contains(&artifact_id) {
                return Err(Refusal::conflict("review", "of high risk", "a decision about this artifact alone")
                    .hint("look at it and judge it by itself")
                    .within(artifact_id));
            }
            artifact.state.become_checked(state).map_err(|refusal| refusal.within(artifact_id))?;
            before.add(artifact.state, artifact_id);
            let judged = Some(artifact.state).filter(|state| *state != ReviewState::Pending);
            let merges = artifact.merges;
            let event = ArtifactReviewed {
                artifact_id,
                task_id: artifact.task_id,
                state,
                note: note.cloned(),
                merges,
                agent_id: Some(artifact.agent_id),
                was: judged,
                was_by: judged.and(artifact.judged_by),
                rule: None,
                quality,
                product: Some(artifact.product),
            };
            core.emit(now, actor, event, out);
            if merges && state == ReviewState::Approved {
                out.effects.push(Effect::Merge { artifact_id });
            }
            Ok(())
        })?;
        self.keep_models(now, out);
        let back = before.commands(|state, ids| match state {
            ReviewState::Pending => Command::ReopenReviews { ids },
            judged => {
                Command::ReviewArtifacts { ids, approve: judged == ReviewState::Approved, note: None, quality: None }
            }
        });
        Ok(undone_by(reply, back))
    }

    /// An artifact, whether approved or not.
    pub(super) fn artifact(&self, id: ArtifactId, context: &Context) -> Result<OpenArtifact, Refusal> {
        let held = self.artifacts.get(&id).copied();
        let known = held.or_else(|| context.artifacts.iter().copied().find(|artifact| artifact.id == id));
        known.ok_or_else(|| Refusal::not_found("artifact", id))
    }
}
