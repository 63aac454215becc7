//! Putting off what waits for a human.

use super::Context;
use super::undo::{Groups, undone_by};
use crate::domain::event::{AlertSilenced, ArtifactSnoozed, TaskSnoozed};
use crate::domain::time::When;
use crate::domain::{
    Actor, AlertId, ArtifactId, Command, Refusal, Reply, ReviewId, ReviewState, TaskId, TaskStatus, Timestamp,
};
use crate::engine::core::{Core, Decisions};

impl Core {
    pub(super) fn snooze(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[ReviewId],
        until: Option<When>,
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let until = to_come(until, now)?;
        let mut before = Groups::default();
        let reply = self.each(ids, |core, id| {
            let (artifact_id, task_id) = (ArtifactId(id.0), TaskId(id.0));
            if let Ok(artifact) = core.artifact(artifact_id, context) {
                if artifact.state != ReviewState::Pending {
                    let shown = format!("already {}", artifact.state);
                    return Err(Refusal::conflict("review", shown, "an artifact that nobody has judged").within(id));
                }
                if artifact.snoozed_until != until {
                    before.add(artifact.snoozed_until.filter(|at| *at > now), id);
                    core.emit(now, actor, ArtifactSnoozed { artifact_id, until }, out);
                }
                return Ok(());
            }
            let alert_id = AlertId(id.0);
            if core.alerts.get(alert_id).is_some() || context.alerts.iter().any(|alert| alert.id == alert_id) {
                // To put an alert off is to silence it: no receiver is told of it meanwhile either.
                let old = core.open_alert(alert_id, context)?.silenced_until;
                if old != until {
                    before.add(old.filter(|at| *at > now), id);
                    core.emit(now, actor, AlertSilenced { alert_id, until }, out);
                }
                return Ok(());
            }
            let open = core.task_status(task_id);
            match open.or_else(|| context.task(task_id).map(|task| task.status)) {
                None => return Err(Refusal::not_found("inbox item", id)),
                Some(TaskStatus::Failed) => {}
                Some(status) => {
                    let shown = format!("{id} is {status}");
                    return Err(Refusal::conflict("status", shown, "a task that failed"));
                }
            }
            let old = context.snoozed.iter().find(|(snoozed, _)| *snoozed == task_id).map(|(_, until)| *until);
            if old != until {
                before.add(old.filter(|at| *at > now), id);
                core.emit(now, actor, TaskSnoozed { task_id, until }, out);
            }
            Ok(())
        })?;
        Ok(undone_by(reply, before.commands(|until, ids| Command::SnoozeReviews { ids, until: until.map(When::At) })))
    }
}

/// A time that lies ahead.
pub(super) fn to_come(until: Option<When>, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    let until = until.map(|when| when.resolve(now));
    match until {
        Some(at) if at <= now => Err(Refusal::invalid("until", at, "a time to come, such as 1h")),
        other => Ok(other),
    }
}
