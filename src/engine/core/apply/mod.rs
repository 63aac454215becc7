//! Applying events: the only way in which state changes, live and in replay alike.
//!
//! Each function takes one event's facts as given and decides nothing. What is derived (the queue, the sites, timers)
//! follows in the same step.

mod alerts;
mod artifacts;
mod executions;
mod fleet;
mod ratings;
mod tasks;

use super::Core;
use crate::domain::performance::Day;
use crate::domain::{Event, Record};

impl Core {
    /// Takes over what a record says. Records come in the order of their numbers.
    pub fn apply(&mut self, record: &Record) {
        self.seq = record.seq;
        self.now = self.now.max(record.time);
        self.selection.roll(Day::of(self.now));
        match &record.event {
            Event::JournalOpened(event) => self.seed = event.seed,
            // These are for people and for the store; no decision rests on them.
            Event::EngineStarted(_) | Event::SystemEventRaised(_) | Event::TaskSnoozed(_) => {}
            Event::UserAdded(event) => {
                self.users.insert(event.user.id, event.user.clone());
            }
            Event::DefaultsSet(event) => self.apply_defaults_set(event),
            Event::NodeSeen(event) => self.apply_node_seen(event),
            Event::NodeLost(event) => self.apply_node_lost(event, record.time),
            Event::CageDeclared(event) => self.apply_cage_declared(event),
            Event::CageRemoved(event) => self.apply_cage_removed(event),
            Event::CageMaintenance(event) => self.apply_cage_maintenance(event),
            Event::CageEnforced(event) => self.apply_cage_enforced(event),
            Event::CageFaulted(event) => self.apply_cage_faulted(event),
            Event::CageReleased(event) => self.apply_cage_released(event),
            Event::AgentDeclared(event) => self.apply_agent_declared(event),
            Event::AgentRemoved(event) => self.apply_agent_removed(event),
            Event::AgentMoved(event) => self.apply_agent_moved(event),
            Event::AgentDrained(event) => self.apply_agent_drained(event),
            Event::AgentResumed(event) => self.apply_agent_resumed(event),
            Event::BreakerOpened(event) => self.apply_breaker_opened(event),
            Event::BreakerClosed(event) => self.apply_breaker_closed(event),
            Event::TaskSubmitted(event) => self.apply_task_submitted(event),
            Event::TaskMaterialised(event) => self.apply_task_materialised(event),
            Event::ArrayEnded(event) => self.apply_array_ended(event),
            Event::TaskCancelled(event) => self.apply_task_cancelled(event),
            Event::TaskFailed(event) => self.apply_task_failed(event),
            Event::TaskRetried(event) => self.apply_task_retried(event),
            Event::TaskReassigned(event) => self.apply_task_reassigned(event),
            Event::TaskPrioritised(event) => self.apply_task_prioritised(event),
            Event::ExecutionScheduled(event) => self.apply_execution_scheduled(event, record.time),
            Event::ExecutionStarted(event) => self.apply_execution_started(event),
            Event::ExecutionStopping(event) => self.apply_execution_stopping(event),
            Event::ExecutionEnded(event) => self.apply_execution_ended(event, record.time),
            Event::ArtifactAdded(event) => self.apply_artifact_added(event),
            Event::ArtifactReviewed(event) => self.apply_artifact_reviewed(event, record.actor),
            Event::ArtifactMerged(event) => self.apply_artifact_merged(event),
            Event::ModelVersioned(event) => self.apply_model_versioned(event),
            Event::TaskRated(event) => self.apply_task_rated(event, record.actor),
            Event::ArtifactSnoozed(event) => {
                if let Some(artifact) = self.artifacts.get_mut(&event.artifact_id) {
                    artifact.snoozed_until = event.until;
                }
            }
            Event::AlertRaised(event) => self.apply_alert_raised(event),
            Event::AlertRepeated(event) => self.apply_alert_repeated(event, record.time),
            Event::AlertAcknowledged(event) => self.apply_alert_acknowledged(event),
            Event::AlertUnacknowledged(event) => self.apply_alert_unacknowledged(event),
            Event::AlertSilenced(event) => self.apply_alert_silenced(event),
            Event::AlertResolved(event) => self.apply_alert_resolved(event),
            Event::AlertReopened(event) => self.apply_alert_reopened(event),
            Event::AlertGrouped(event) => self.apply_alert_grouped(event),
            Event::AlertRuleDeclared(event) => self.rules.declare(event.rule.clone()),
            Event::AlertRuleRemoved(event) => self.rules.remove(&event.name),
            Event::ApprovalRuleDeclared(event) => {
                self.approval_rules.insert(event.rule.name.clone(), event.rule.clone());
            }
            Event::ApprovalRuleRemoved(event) => {
                self.approval_rules.remove(&event.name);
            }
            Event::SilenceAdded(event) => {
                self.silences.insert(event.silence.id, event.silence.clone());
            }
            Event::SilenceRemoved(event) => {
                self.silences.remove(&event.silence_id);
            }
        }
    }
}
