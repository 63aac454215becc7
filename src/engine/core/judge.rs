//! Rules at work: artifacts that have just arrived are judged in the place of a human.

use super::{Core, Decisions};
use crate::domain::approval_rule::ApprovalRule;
use crate::domain::event::ArtifactReviewed;
use crate::domain::link::Report;
use crate::domain::snapshot::TaskFacts;
use crate::domain::{Actor, ArtifactType, Event, TaskId, Timestamp};

impl Core {
    /// The rules that judge artifacts, by name.
    pub fn approval_rules(&self) -> impl Iterator<Item = &ApprovalRule> {
        self.approval_rules.values()
    }

    /// Of which task more has to be known before a report is decided on: whose artifacts a rule may fit.
    pub fn wanted_by_rules(&self, report: &Report) -> Option<TaskId> {
        let Report::Ended { execution_id, artifacts, .. } = report else { return None };
        if artifacts.is_empty() || self.approval_rules.is_empty() {
            return None;
        }
        let slot = self.execution_ids.get(*execution_id)?;
        Some(self.tasks[self.executions[slot].task].id)
    }

    /// Judges the artifacts of a task that the records from place `first` on have brought. The first rule by name decides;
    /// what is of high risk is left to humans.
    pub fn judge_by_rules(&mut self, now: Timestamp, facts: &TaskFacts, first: usize, out: &mut Decisions) {
        if facts.high_risk {
            return;
        }
        let now = self.clock(now);
        let mut judged = vec![];
        for record in &out.records[first.min(out.records.len())..] {
            let Event::ArtifactAdded(event) = &record.event else { continue };
            let artifact = &event.artifact;
            if artifact.task_id != facts.id || artifact.kind == ArtifactType::Decision {
                continue;
            }
            let fits = |rule: &&ApprovalRule| {
                let agent = self.agent_names.get(&rule.agent).map(|slot| self.agents[*slot].id);
                rule.kind == artifact.kind && rule.task_type == facts.kind && agent == Some(artifact.agent_id)
            };
            if let Some(rule) = self.approval_rules.values().find(fits) {
                judged.push(ArtifactReviewed {
                    artifact_id: artifact.id,
                    task_id: facts.id,
                    state: rule.verdict.state(),
                    note: Some(format!("{} by rule {}", rule.verdict.past(), rule.name)),
                    rule: Some(rule.name.clone()),
                });
            }
        }
        for event in judged {
            self.emit(now, Actor::Engine, event, out);
        }
    }
}
