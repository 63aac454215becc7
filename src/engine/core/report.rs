//! What workers report. A report about an execution that is no longer live was fenced off and changes nothing.

use super::alerts::{sort_of, trigger};
use super::draw;
use super::{Core, Decisions, Effect, GRACE};
use crate::domain::artifact::FoundArtifact;
use crate::domain::event::{ArtifactAdded, ExecutionStarted, ExecutionStopping};
use crate::domain::link::Report;
use crate::domain::{Actor, Artifact, ArtifactId, NodeId, OutcomeKind, Review, ReviewState, Timestamp};

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
                    self.emit(now, actor, ExecutionStarted { execution_id, task_id, started_at: time }, out);
                }
                Some(_) => {}
            },
            Report::Ended { execution_id, started_at, outcome, artifacts } => {
                let Some(slot) = self.execution_ids.get(execution_id) else { return };
                for found in artifacts {
                    self.add_artifact(slot, found, now, actor, out);
                }
                let started_at = started_at.or(self.executions[slot].started_at);
                self.end_execution(slot, started_at, time, *outcome, now, actor, out);
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
            quality_score: None,
            human_approved: false,
            review: Review { state: ReviewState::Pending, by: None, at: None, note: None, rule: None },
            metadata: found.metadata,
            created_at: now,
        };
        self.emit(now, actor, ArtifactAdded { artifact }, out);
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
