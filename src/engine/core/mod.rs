//! The decisions, as a pure state machine: `(state, now, input) -> events + effects`.
//!
//! No clock, no randomness, no I/O: time is an argument, draws follow from a seed. Applying events is the only way in
//! which state changes; a decision emits an event, which is applied at once, and only then decides on.
//!
//! A round, as the engine's loop goes through it: [`Core::command`] and [`Core::report`] for what has arrived, then
//! [`Core::schedule`] until it returns false. All append to [`Decisions`]; the loop commits the records, and carries out
//! the effects when they are durable. If the commit fails, the memory is thrown away and made anew by [`Core::restore`].
//!
//! Where to look: [`queue`] for the order, [`schedule`] for the pass, [`backfill`] for the reservation, [`sites`] for the
//! fleet as the search sees it, [`apply`] for what each event does, `command/` for what people ask for.

mod alerts;
mod alerts_of_cages;
mod apply;
mod backfill;
mod candidates;
mod check;
mod command;
mod counts;
mod digest;
mod draw;
mod explain;
mod fault;
mod inbox;
mod judge;
mod learning;
pub mod look;
mod node;
mod observe;
mod partial;
mod preempt;
mod queue;
pub mod rehearsal;
mod remedy;
mod report;
mod restore;
mod retry;
pub mod risk;
mod rules;
mod schedule;
mod selection;
mod shape;
mod share;
mod sites;
mod slab;
mod smallest_change;
mod stand_back;
mod state;
mod stop_all;
mod task;
mod timers;
pub mod vitals;
mod what_if;

#[cfg(test)]
mod tests;

pub use alerts::{LIMIT_EXCEEDED, LIMITS, TRIGGERS, delivery_source};
pub use command::{Context, Wanted};
pub use explain::{Explanation, Reason, ReasonKind};
pub use inbox::{Blocked, Delay, Urgency, Waiting, WaitingAlert};
pub use learning::model_parameters;
pub use observe::Observation;
pub use rules::{Watched, built_in};
pub use selection::RECOMMENDED_MAX;
pub use smallest_change::{CageVerdict, SmallestChange};
pub use state::Core;

use crate::domain::{
    Actor, AgentId, ArtifactId, CageId, CageSpec, Event, ExecutionId, NodeId, OutcomeKind, Record, Span, TaskId,
    Timestamp,
};

/// Between SIGTERM and SIGKILL when the engine has an execution stopped.
pub const GRACE: Span = Span::from_secs(5);

/// What was decided: appended to by the core, drained by the loop.
#[derive(Debug, Default)]
pub struct Decisions {
    /// What happened; already applied to the core's own state.
    pub records: Vec<Record>,
    /// What has to be done once the records are durable, in this order.
    pub effects: Vec<Effect>,
}

/// Something for a worker to do. All are idempotent.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Start an execution.
    Start {
        /// On which node.
        node_id: NodeId,
        /// The attempt.
        execution_id: ExecutionId,
        /// The task.
        task_id: TaskId,
        /// Who.
        agent_id: AgentId,
        /// Where.
        cage_id: CageId,
        /// How long it may take, besides the cage's own limit.
        timeout: Option<Span>,
        /// How many tokens it may report before it is stopped.
        tokens: Option<u64>,
    },
    /// End an execution.
    Stop {
        /// On which node.
        node_id: NodeId,
        /// The attempt.
        execution_id: ExecutionId,
        /// As what it ends.
        reason: OutcomeKind,
        /// Between the two signals.
        grace: Span,
    },
    /// Merge an approved difference, on the node that it is from.
    Merge {
        /// The artifact that it is.
        artifact_id: ArtifactId,
    },
    /// Declare a cage, anew or otherwise than before.
    Cage {
        /// On which node.
        node_id: NodeId,
        /// What it is.
        spec: CageSpec,
        /// How many executions it has to host at a time.
        slots: u32,
    },
    /// End everything in a cage and forget it.
    RemoveCage {
        /// On which node.
        node_id: NodeId,
        /// Which.
        cage_id: CageId,
    },
}

impl Core {
    /// Makes an event a record, applies it, and hands it out.
    fn emit(&mut self, now: Timestamp, actor: Actor, event: impl Into<Event>, out: &mut Decisions) {
        let record = Record { seq: self.seq + 1, time: now, actor, event: event.into() };
        self.apply(&record);
        out.records.push(record);
    }
}
