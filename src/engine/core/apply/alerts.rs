//! Alerts: only those that are not resolved are kept.

use crate::domain::event::{
    AlertAcknowledged, AlertGrouped, AlertRaised, AlertReopened, AlertRepeated, AlertResolved, AlertSilenced,
    AlertUnacknowledged,
};
use crate::domain::{AlertStatus, Timestamp};
use crate::engine::core::Core;
use crate::engine::core::rules::group_source;

impl Core {
    pub(super) fn apply_alert_raised(&mut self, event: &AlertRaised) {
        self.alerts.insert(event.alert.clone());
    }

    pub(super) fn apply_alert_repeated(&mut self, event: &AlertRepeated, time: Timestamp) {
        self.alerts.change(event.alert_id, |alert| {
            alert.severity = event.severity;
            alert.message.clone_from(&event.message);
            if !event.left {
                alert.last_seen = time;
                alert.count += 1;
            }
            alert.context.value = event.value;
            alert.context.threshold = event.threshold.or(alert.context.threshold);
            if let Some(remedy) = &event.remedy {
                alert.context.remedy = Some(remedy.clone());
            }
            if !event.attempts.is_empty() {
                alert.context.attempts.clone_from(&event.attempts);
            }
        });
    }

    pub(super) fn apply_alert_acknowledged(&mut self, event: &AlertAcknowledged) {
        self.alerts.change(event.alert_id, |alert| {
            alert.status = AlertStatus::Acknowledged;
            alert.acknowledged_by = event.by;
            alert.note.clone_from(&event.note);
        });
    }

    pub(super) fn apply_alert_unacknowledged(&mut self, event: &AlertUnacknowledged) {
        self.alerts.change(event.alert_id, |alert| {
            alert.status = AlertStatus::Active;
            (alert.acknowledged_by, alert.note) = (None, None);
        });
    }

    pub(super) fn apply_alert_silenced(&mut self, event: &AlertSilenced) {
        self.alerts.change(event.alert_id, |alert| alert.silenced_until = event.until);
    }

    pub(super) fn apply_alert_resolved(&mut self, event: &AlertResolved) {
        let Some(alert) = self.alerts.remove(event.alert_id) else { return };
        let (source, trigger) = alert.cause();
        // Nothing shares an alert that is over.
        if source == group_source(trigger) {
            self.rules.groups.remove(trigger);
        }
    }

    pub(super) fn apply_alert_grouped(&mut self, event: &AlertGrouped) {
        self.rules.set_grouped(&event.rule, &event.subject, event.severity);
    }

    pub(super) fn apply_alert_reopened(&mut self, event: &AlertReopened) {
        self.alerts.insert(event.alert.clone());
    }
}
