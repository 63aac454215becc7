//! What people do about alerts.

use super::Context;
use super::snooze::to_come;
use super::undo::{Groups, undone_by};
use crate::domain::alert::Resolution;
use crate::domain::event::{AlertAcknowledged, AlertReopened, AlertSilenced, AlertUnacknowledged};
use crate::domain::time::When;
use crate::domain::{Actor, Alert, AlertId, AlertStatus, Command, Refusal, Reply, Timestamp, UserId};
use crate::engine::core::rules::group_source;
use crate::engine::core::{Core, Decisions};

impl Core {
    pub(super) fn acknowledge_alerts(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[AlertId],
        note: Option<&String>,
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let mut back = vec![];
        let reply = self.each(ids, |core, alert_id| {
            let alert = core.open_alert(alert_id, context)?;
            if alert.status == AlertStatus::Acknowledged {
                return Err(Refusal::conflict("alert", "already acknowledged", "an active alert").within(alert_id));
            }
            core.emit(now, actor, AlertAcknowledged { alert_id, by: person(actor), note: note.cloned() }, out);
            back.push(alert_id);
            Ok(())
        })?;
        Ok(undone_by(reply, some(back, |ids| Command::UnacknowledgeAlerts { ids })))
    }

    pub(super) fn unacknowledge_alerts(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[AlertId],
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let mut before = Groups::default();
        let reply = self.each(ids, |core, alert_id| {
            let alert = core.open_alert(alert_id, context)?;
            if alert.status != AlertStatus::Acknowledged {
                return Err(Refusal::conflict("alert", "not acknowledged", "an acknowledged alert").within(alert_id));
            }
            before.add(alert.note.clone(), alert_id);
            core.emit(now, actor, AlertUnacknowledged { alert_id }, out);
            Ok(())
        })?;
        Ok(undone_by(reply, before.commands(|note, ids| Command::AcknowledgeAlerts { ids, note })))
    }

    pub(super) fn silence_alerts(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[AlertId],
        until: Option<When>,
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let until = to_come(until, now)?;
        let mut before = Groups::default();
        let reply = self.each(ids, |core, alert_id| {
            let old = core.open_alert(alert_id, context)?.silenced_until;
            if old != until {
                before.add(old.filter(|at| *at > now), alert_id);
                core.emit(now, actor, AlertSilenced { alert_id, until }, out);
            }
            Ok(())
        })?;
        Ok(undone_by(reply, before.commands(|until, ids| Command::SilenceAlerts { ids, until: until.map(When::At) })))
    }

    pub(super) fn resolve_alerts(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[AlertId],
        (action, notes): (Option<String>, Option<String>),
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let resolution = Resolution { time: now, by: person(actor), action, notes };
        let mut back = vec![];
        let reply = self.each(ids, |core, alert_id| {
            core.open_alert(alert_id, context)?;
            if let Some(alert) = core.alerts.get(alert_id).cloned() {
                core.explain_by(&alert, true);
            }
            core.resolve(actor, alert_id, resolution.clone(), out);
            back.push(alert_id);
            Ok(())
        })?;
        Ok(undone_by(reply, some(back, |ids| Command::ReopenAlerts { ids })))
    }

    pub(super) fn reopen_alerts(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[AlertId],
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let mut before = Groups::default();
        let reply = self.each(ids, |core, id| {
            if core.alerts.get(id).is_some() {
                return Err(Refusal::conflict("alert", "not resolved", "a resolved alert").within(id));
            }
            let Some(known) = context.alerts.iter().find(|alert| alert.id == id) else {
                return Err(Refusal::not_found("alert", id));
            };
            let (source, trigger) = known.cause();
            if source == group_source(trigger) {
                let allowed = "an alert of a single subject";
                return Err(Refusal::conflict("alert", "shared by several", allowed)
                    .hint("it comes up again by itself while any of them is not over")
                    .within(id));
            }
            if let Some(other) = core.alerts.of_cause(known.cause()) {
                let shown = format!("its cause has come up again as alert {}", other.id);
                return Err(Refusal::conflict("alert", shown, "an alert whose cause has no other").within(id));
            }
            let mut alert = known.clone();
            let acknowledged = alert.acknowledged_by.is_some();
            alert.status = if acknowledged { AlertStatus::Acknowledged } else { AlertStatus::Active };
            let old = alert.resolution.take();
            before.add(old.map(|old| (old.action, old.notes)), id);
            core.make_room_for_alert(now, out);
            core.explain_by(&alert, false);
            core.emit(now, actor, AlertReopened { alert }, out);
            Ok(())
        })?;
        let back = before.commands(|old, ids| {
            let (action, notes) = old.unwrap_or_default();
            Command::ResolveAlerts { ids, action, notes }
        });
        Ok(undone_by(reply, back))
    }

    /// An alert that is not resolved, or why there is none.
    pub(super) fn open_alert(&self, id: AlertId, context: &Context) -> Result<&Alert, Refusal> {
        self.alerts.get(id).ok_or_else(|| {
            if context.alerts.iter().any(|alert| alert.id == id) {
                Refusal::conflict("alert", "already resolved", "an alert that is not resolved").within(id)
            } else {
                Refusal::not_found("alert", id)
            }
        })
    }
}

/// The person behind a change.
const fn person(actor: Actor) -> Option<UserId> {
    match actor {
        Actor::User(id) => Some(id),
        Actor::Engine | Actor::Node(_) => None,
    }
}

/// One command, if there is anything to do.
fn some(ids: Vec<AlertId>, make: impl Fn(Vec<AlertId>) -> Command) -> Vec<Command> {
    if ids.is_empty() { vec![] } else { vec![make(ids)] }
}
