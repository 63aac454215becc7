//! Rules at work: artifacts that have just arrived are judged in the place of a human.

use super::{Core, Decisions};
use crate::domain::approval_rule::ApprovalRule;
use crate::domain::event::ArtifactReviewed;
use crate::domain::learning::{Product, type_number};
use crate::domain::link::Report;
use crate::domain::snapshot::TaskFacts;
use crate::domain::{Actor, AgentId, ArtifactType, Event, TaskId, Timestamp};

impl Core {
    /// The rules that judge artifacts, by name.
    pub fn approval_rules(&self) -> impl Iterator<Item = &ApprovalRule> {
        self.approval_rules.values()
    }

    /// Of which task more has to be known before a report is decided on: whose artifacts a rule may fit. What an attempt
    /// that did not succeed has left is for humans.
    pub fn wanted_by_rules(&self, report: &Report) -> Option<TaskId> {
        let Report::Ended { execution_id, outcome, artifacts, .. } = report else { return None };
        if self.approval_rules.is_empty() || !outcome.succeeded() {
            return None;
        }
        let run = &self.executions[self.execution_ids.get(*execution_id)?];
        let agent = self.agents[run.agent].id;
        let may_fit = |rule: &ApprovalRule| artifacts.iter().any(|found| self.is_about(rule, found.kind, agent));
        self.approval_rules.values().any(may_fit).then(|| self.tasks[run.task].id)
    }

    /// Judges the artifacts of a task that the records from place `first` on have brought. The first rule by name decides.
    /// What is of high risk is left to humans, and so is what approval merges: that cannot be taken back.
    pub fn judge_by_rules(&mut self, now: Timestamp, facts: &TaskFacts, first: usize, out: &mut Decisions) {
        if facts.high_risk {
            return;
        }
        let now = self.clock(now);
        let mut judged = vec![];
        for record in &out.records[first.min(out.records.len())..] {
            let Event::ArtifactAdded(event) = &record.event else { continue };
            let artifact = &event.artifact;
            let merges = artifact.difference.as_ref().is_some_and(|difference| difference.merge.is_some());
            if artifact.task_id != facts.id || artifact.kind == ArtifactType::Decision || merges {
                continue;
            }
            let fits = |rule: &&ApprovalRule| {
                rule.task_type == facts.kind && self.is_about(rule, artifact.kind, artifact.agent_id)
            };
            if let Some(rule) = self.approval_rules.values().find(fits) {
                judged.push(ArtifactReviewed {
                    artifact_id: artifact.id,
                    task_id: facts.id,
                    state: rule.verdict.state(),
                    note: Some(format!("{} by rule {}", rule.verdict.past(), rule.name)),
                    merges,
                    agent_id: Some(artifact.agent_id),
                    was: None,
                    was_by: None,
                    rule: Some(rule.name.clone()),
                    quality: None,
                    product: Some(Product { kind: type_number(&facts.kind), artifact: artifact.kind }),
                });
            }
        }
        for event in judged {
            self.emit(now, Actor::Engine, event, out);
        }
    }

    fn is_about(&self, rule: &ApprovalRule, kind: ArtifactType, agent: AgentId) -> bool {
        let named = self.agent_names.get(&rule.agent).map(|slot| self.agents[*slot].id);
        rule.kind == kind && named == Some(agent)
    }
}
