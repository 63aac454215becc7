//! Cages that cannot be set up: withheld for a pause that doubles, then tried again. The circuit breaker of a cage, as
//! [`retry`](super::retry) has that of an agent; what was meant for the cage waits or goes elsewhere and loses no attempt.

use super::alerts::{CAGE_FAILED, trigger};
use super::retry::{COOLDOWN_MAX, doubled};
use super::{Core, Decisions};
use crate::domain::cage::CageFault;
use crate::domain::event::{CageEnforced, CageFaulted, CageReleased};
use crate::domain::{Actor, CageId, Enforcements, Severity, Timestamp};

/// The source of what concerns a cage.
pub fn cage_source(id: CageId) -> String {
    format!("cage {id}")
}

impl Core {
    /// A worker could not set up a cage, and an execution ended as that. While the cage is withheld further failures say
    /// nothing new: they belong to what was on its way already.
    pub(super) fn cage_failed(
        &mut self,
        now: Timestamp,
        actor: Actor,
        cage_id: CageId,
        reason: &str,
        out: &mut Decisions,
    ) {
        let Some(cage) = self.cage(cage_id) else { return };
        if cage.fault.as_ref().is_some_and(|fault| fault.until.is_some()) {
            return;
        }
        let failures = cage.fault.as_ref().map_or(0, |fault| fault.failures).saturating_add(1);
        let pause = doubled(self.defaults.breaker.cooldown, failures - 1, COOLDOWN_MAX);
        let fault = CageFault { reason: reason.to_owned(), failures, until: Some(now.plus(pause)) };
        self.emit(now, actor, CageFaulted { cage_id, fault }, out);
        let message = format!(
            "cage {cage_id} cannot be set up and gets no work for {}: {reason}; mend it and give it back with \
             `menagerie cage maintenance --off {cage_id}`, or declare it otherwise",
            pause.human()
        );
        self.tell(Severity::Error, cage_source(cage_id), trigger(CAGE_FAILED), message, now, out);
    }

    /// A worker has set up a cage and says how its limits hold.
    pub(super) fn cage_ready(
        &mut self,
        now: Timestamp,
        actor: Actor,
        cage_id: CageId,
        enforcement: Enforcements,
        out: &mut Decisions,
    ) {
        let Some(cage) = self.cage(cage_id) else { return };
        let was_faulty = cage.fault.is_some();
        if was_faulty || cage.enforcement != enforcement {
            self.emit(now, actor, CageEnforced { cage_id, enforcement }, out);
        }
        if was_faulty {
            self.clear_alert(&cage_source(cage_id), CAGE_FAILED, "the cage could be set up", now, out);
        }
    }

    /// Has every cage tried again whose pause is over.
    pub(super) fn release_cages(&mut self, now: Timestamp, out: &mut Decisions) {
        while let Some((at, cage_id)) = self.cage_pauses.first().copied()
            && at <= now
        {
            self.cage_pauses.remove(&(at, cage_id));
            self.emit(now, Actor::Engine, CageReleased { cage_id }, out);
        }
    }

    pub(super) fn apply_cage_faulted(&mut self, event: &CageFaulted) {
        self.set_fault(event.cage_id, Some(event.fault.clone()));
        self.forget_reservation();
        self.refresh_site(event.cage_id);
    }

    pub(super) fn apply_cage_released(&mut self, event: &CageReleased) {
        let fault = self.cage(event.cage_id).and_then(|cage| cage.fault.clone());
        self.set_fault(event.cage_id, fault.map(|fault| CageFault { until: None, ..fault }));
        self.forget_reservation();
        self.site_gained(event.cage_id);
    }

    pub(super) fn apply_cage_enforced(&mut self, event: &CageEnforced) {
        let was_faulty = self.cage(event.cage_id).is_some_and(|cage| cage.fault.is_some());
        if let Some(cage) = self.cage_mut(event.cage_id) {
            cage.enforcement = event.enforcement.clone();
        }
        if was_faulty {
            self.set_fault(event.cage_id, None);
            self.forget_reservation();
            self.site_gained(event.cage_id);
        }
    }

    /// Gives a cage a fault, or takes it away, with its timer.
    pub(super) fn set_fault(&mut self, id: CageId, fault: Option<CageFault>) {
        let until = fault.as_ref().and_then(|fault| fault.until);
        let Some(cage) = self.cage_mut(id) else { return };
        let old = std::mem::replace(&mut cage.fault, fault).and_then(|fault| fault.until);
        if let Some(old) = old {
            self.cage_pauses.remove(&(old, id));
        }
        if let Some(until) = until {
            self.cage_pauses.insert((until, id));
        }
    }
}
