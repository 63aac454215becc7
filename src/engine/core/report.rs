//! What workers report. A report about an execution that is no longer live was fenced off and changes nothing.

use super::alerts::{NOT_MERGED, sort_of, trigger};
use super::draw;
use super::{Core, Decisions, Effect, GRACE};
use crate::domain::artifact::FoundArtifact;
use crate::domain::event::{ArtifactAdded, ArtifactMerged, ExecutionStarted, ExecutionStopping};
use crate::domain::link::Report;
use crate::domain::workspace::MergeState;
use crate::domain::{
    Actor, Artifact, ArtifactId, Merge, NodeId, OutcomeKind, Review, ReviewState, Severity, TaskId, Timestamp,
};

impl Core {
    /// Takes in what a node's worker reports; `time` is when it happened by the worker's clock.
    pub fn report(&mut self, now: Timestamp, node: NodeId, time: Timestamp, report: Report, out: &mut Decisions) {
        let now = self.clock(now);
        let actor = Actor::Node(node);
        match report {
            Report::Started { execution_id } => match self.execution_ids.get(execution_id) {
                None => out.effects.push(Effect::Stop {
                    node_id: node,
                    execution_id,
                    reason: OutcomeKind::Cancelled,
                    grace: GRACE,
                }),
                Some(slot) if self.executions[slot].started_at.is_none() => {
                    let task_id = self.tasks[self.executions[slot].task].id;
                    let started_at = time.clamp(self.executions[slot].created_at, now);
                    self.emit(now, actor, ExecutionStarted { execution_id, task_id, started_at }, out);
                }
                Some(_) => {}
            },
            Report::Ended { execution_id, started_at, outcome, artifacts } => {
                let Some(slot) = self.execution_ids.get(execution_id) else { return };
                for found in artifacts {
                    self.add_artifact(slot, found, now, actor, out);
                }
                let run = &self.executions[slot];
                let (started_at, ended_at) = lasted(run.created_at, now, started_at, time);
                let started_at = started_at.or(run.started_at);
                self.end_execution(slot, started_at, ended_at, *outcome, now, actor, out);
            }
            Report::Merged { artifact_id, task_id, merge } => {
                self.merged(now, actor, artifact_id, task_id, merge, out);
            }
            Report::CageReady { cage_id, enforcement } => {
                self.cage_ready(now, actor, cage_id, enforcement, out);
            }
            Report::Capacity { capacity, metadata } => self.node_changed(now, node, capacity, metadata, out),
            Report::Notice { severity, source, message } => {
                let context = trigger(&sort_of(&message));
                self.tell(severity, source, context, message, now, out);
            }
        }
    }

    fn add_artifact(&mut self, slot: u32, found: FoundArtifact, now: Timestamp, actor: Actor, out: &mut Decisions) {
        let run = &self.executions[slot];
        let artifact = Artifact {
            id: ArtifactId::new(now, draw::id_bits(self.seed, self.seq + 1, 0)),
            agent_id: self.agents[run.agent].id,
            task_id: self.tasks[run.task].id,
            execution_id: run.id,
            kind: found.kind,
            title: found.title,
            content: found.content,
            path: found.path,
            size: found.size,
            digest: found.digest,
            quality_score: found.quality,
            human_approved: false,
            review: Review { state: ReviewState::Pending, by: None, at: None, note: None, rule: None, quality: None },
            high_risk: false,
            approval: None,
            metadata: found.metadata,
            difference: found.difference,
            merge: None,
            created_at: now,
        };
        self.emit(now, actor, ArtifactAdded { artifact }, out);
    }

    /// Records what came of merging an approved difference. What is not merged is somebody's to look at.
    fn merged(
        &mut self,
        now: Timestamp,
        actor: Actor,
        artifact_id: ArtifactId,
        task_id: TaskId,
        merge: Merge,
        out: &mut Decisions,
    ) {
        let awaited = self.artifacts.get(&artifact_id).is_some_and(|artifact| artifact.merges);
        if !awaited && !self.merging.contains(&artifact_id) {
            return;
        }
        let complaint = (merge.state != MergeState::Merged).then(|| merge.phrase());
        self.emit(now, actor, ArtifactMerged { artifact_id, task_id, merge }, out);
        if let Some(complaint) = complaint {
            let message = format!("what task {task_id} changed was approved and is {complaint}");
            let source = format!("artifact {artifact_id}");
            self.tell(Severity::Warning, source, trigger(NOT_MERGED), message, now, out);
        }
    }

    /// Has an execution stopped, unless it already is being stopped; it ends when the worker says so.
    pub(super) fn stop_execution(
        &mut self,
        slot: u32,
        reason: OutcomeKind,
        note: Option<String>,
        now: Timestamp,
        actor: Actor,
        out: &mut Decisions,
    ) {
        let run = &self.executions[slot];
        let (execution_id, node_id) = (run.id, self.nodes[run.node as usize].node.id);
        // A cancellation overrides a preemption that is under way: the task must not come back.
        if run.stopping.is_none_or(|before| before == OutcomeKind::Preempted && reason == OutcomeKind::Cancelled) {
            let task_id = self.tasks[run.task].id;
            self.emit(now, actor, ExecutionStopping { execution_id, task_id, reason, note }, out);
            out.effects.push(Effect::Stop { node_id, execution_id, reason, grace: GRACE });
        }
    }
}

/// When an attempt began and ended, by a worker's clock that may be wrong: it was decided at `created`, and what is reported
/// `now` is over. A clock that says otherwise is believed for how long the attempt ran, and not for when.
fn lasted(
    created: Timestamp,
    now: Timestamp,
    started: Option<Timestamp>,
    ended: Timestamp,
) -> (Option<Timestamp>, Timestamp) {
    let is_right = ended <= now && started.unwrap_or(ended) >= created;
    let end = if is_right { ended } else { now };
    let start = started.map(|started| {
        let begun =
            if is_right { started } else { Timestamp::from_micros(end.as_micros() - ended.since(started).as_micros()) };
        begun.clamp(created, end)
    });
    (start, end.max(created))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_wrong_is_believed_for_how_long_and_not_for_when() {
        let at = |seconds: i64| Timestamp::from_micros((1_000_000 + seconds) * 1_000_000);
        let lasted = |started: Option<i64>, ended| {
            let (start, end) = super::lasted(at(0), at(100), started.map(at), at(ended));
            let seconds = |time: Timestamp| time.as_micros() / 1_000_000 - 1_000_000;
            (start.map(seconds), seconds(end))
        };
        assert_eq!(lasted(Some(10), 40), (Some(10), 40), "reported late: as it was");
        assert_eq!(lasted(None, 40), (None, 40));
        assert_eq!(lasted(Some(3610), 3640), (Some(70), 100), "an hour ahead");
        assert_eq!(lasted(Some(-3590), -3560), (Some(70), 100), "an hour behind");
        assert_eq!(lasted(Some(-3590), 40), (Some(0), 100), "set right meanwhile");
        assert_eq!(lasted(Some(50), 40), (Some(40), 40), "ended before it began");
        assert_eq!(lasted(None, 3640), (None, 100));
        assert_eq!(lasted(None, -3640), (None, 100));
    }
}
