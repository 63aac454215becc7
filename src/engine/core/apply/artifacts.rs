//! Artifacts: only those that are not approved are kept, because only they hold anything up.

use crate::domain::event::{ArtifactAdded, ArtifactMerged, ArtifactReviewed};
use crate::domain::learning::{Product, type_number};
use crate::domain::snapshot::OpenArtifact;
use crate::domain::workspace::MergeState;
use crate::domain::{Actor, AgentId, ArtifactType, ReviewState, TaskId};
use crate::engine::core::Core;

impl Core {
    pub(super) fn apply_artifact_added(&mut self, event: &ArtifactAdded) {
        let artifact = &event.artifact;
        let topic = self.task_ids.get(artifact.task_id).map(|task| self.selection.topics.get(self.tasks[task].topic));
        let kind = topic.map_or(0, |topic| type_number(&topic.kind));
        if artifact.review.state != ReviewState::Approved {
            self.hold_artifact(OpenArtifact {
                id: artifact.id,
                task_id: artifact.task_id,
                state: artifact.review.state,
                snoozed_until: None,
                agent_id: artifact.agent_id,
                judged_by: artifact.review.by,
                merges: artifact.difference.as_ref().is_some_and(|difference| difference.merge.is_some()),
                product: Product { kind, artifact: artifact.kind },
            });
        }
    }

    pub(super) fn apply_artifact_reviewed(&mut self, event: &ArtifactReviewed, actor: Actor) {
        let by = match actor {
            Actor::User(user) => Some(user),
            Actor::Engine | Actor::Node(_) => None,
        };
        if let Some(slot) = event.agent_id.and_then(|id| self.agent_ids.get(id)) {
            if let Some((was, user)) = event.was.zip(event.was_by) {
                self.selection.judged(slot, user, was, -1);
            }
            if let Some(user) = by {
                self.selection.judged(slot, user, event.state, 1);
            }
        }
        if let Some((agent, product)) = event.teaches(actor) {
            self.classifier.judged(agent, product, event.state == ReviewState::Approved);
        }
        if event.merges && event.state == ReviewState::Approved {
            self.merging.insert(event.artifact_id);
        } else {
            self.merging.remove(&event.artifact_id);
        }
        if event.state != ReviewState::Approved {
            let (id, task_id, state, merges) = (event.artifact_id, event.task_id, event.state, event.merges);
            // Records of old do not say whose it is; then it is unknown until the store says so.
            let agent_id = event.agent_id.unwrap_or(AgentId(uuid::Uuid::nil()));
            let judged_by = by.filter(|_| state != ReviewState::Pending);
            // Nor do they say what it is, which is known as long as it is not approved.
            let product = event.product.or_else(|| self.artifacts.get(&id).map(|artifact| artifact.product));
            let product = product.unwrap_or(Product { kind: 0, artifact: ArtifactType::Report });
            let open = OpenArtifact { id, task_id, state, snoozed_until: None, agent_id, judged_by, merges, product };
            self.hold_artifact(open);
        } else if let Some(artifact) = self.artifacts.remove(&event.artifact_id) {
            self.rejected.remove(&artifact.id);
            for task in artifact.makers() {
                let left = self.unapproved.get(&task).map_or(0, |count| count - 1);
                if left > 0 {
                    self.unapproved.insert(task, left);
                } else {
                    self.unapproved.remove(&task);
                    self.shift_gates(task, false);
                }
            }
        }
    }

    pub(super) fn apply_artifact_merged(&mut self, event: &ArtifactMerged) {
        self.merging.remove(&event.artifact_id);
        // Taken back while it was on its way: what is merged stays so, and is not merged twice.
        if let Some(artifact) = self.artifacts.get_mut(&event.artifact_id) {
            artifact.merges &= event.merge.state != MergeState::Merged;
        }
    }

    /// Keeps an artifact that is not approved.
    pub(in crate::engine::core) fn hold_artifact(&mut self, artifact: OpenArtifact) {
        if artifact.state == ReviewState::Rejected {
            self.rejected.insert(artifact.id);
        } else {
            self.rejected.remove(&artifact.id);
        }
        if self.artifacts.insert(artifact.id, artifact).is_some() {
            return;
        }
        for task in artifact.makers() {
            let count = self.unapproved.entry(task).or_insert(0);
            *count += 1;
            if *count == 1 {
                self.shift_gates(task, true);
            }
        }
    }

    /// A done task's artifacts have become all approved, or no longer are: its gated dependents wait for one less or more.
    fn shift_gates(&mut self, task: TaskId, closed: bool) {
        if self.task_ids.contains(task) {
            return;
        }
        for id in self.dependents.get(&task).cloned().unwrap_or_default() {
            let Some(slot) = self.task_ids.get(id) else { continue };
            if !self.tasks[slot].gate {
                continue;
            }
            if let Some(deps) = &mut self.tasks[slot].deps {
                deps.waiting = if closed { deps.waiting + 1 } else { deps.waiting - 1 };
            }
            self.settle(slot);
        }
    }
}
