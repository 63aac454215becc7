//! Lines of the worker's log, with the ids of everything that they concern. Init and what it executes never write here.

use tracing::{debug, info, warn};

use crate::domain::link::{Report, Start};
use crate::domain::trace::{SpanId, TraceId};
use crate::domain::{Outcome, Severity};

/// An execution is handed to a slot.
pub(super) fn handed_over(start: &Start, slot: usize) {
    let (task_id, execution_id, cage) = (start.task_id, start.execution_id, start.cage_id);
    let (trace_id, span_id, agent) = (TraceId::of(task_id), SpanId::run(execution_id), start.agent.as_str());
    debug!(%task_id, %execution_id, %cage, agent, %trace_id, %span_id, slot, "execution handed to a slot");
}

/// An execution that had a slot has ended.
pub(super) fn ended(start: &Start, outcome: &Outcome) {
    let (task_id, execution_id, cage) = (start.task_id, start.execution_id, start.cage_id);
    let (trace_id, span_id, agent) = (TraceId::of(task_id), SpanId::run(execution_id), start.agent.as_str());
    let (kind, reason) = (outcome.kind, outcome.message.as_str());
    macro_rules! say {
        ($level:ident) => {
            $level!(%task_id, %execution_id, %cage, agent, %trace_id, %span_id, outcome = %kind, reason, "execution ended")
        };
    }
    if outcome.succeeded() { say!(debug) } else { say!(info) }
}

/// What is reported of other things.
pub(super) fn reported(report: &Report) {
    match report {
        Report::CageReady { cage_id, .. } => debug!(cage = %cage_id, "cage set up"),
        Report::Notice { severity: Severity::Info, source, message } => info!(source, notice = message, "notice"),
        Report::Notice { source, message, .. } => warn!(source, notice = message, "notice"),
        Report::Ended { started_at: None, execution_id, outcome, .. } => {
            info!(%execution_id, outcome = %outcome.kind, reason = outcome.message, "execution ended without running");
        }
        Report::Merged { artifact_id, task_id, merge } => {
            info!(%task_id, %artifact_id, trace_id = %TraceId::of(*task_id), merge = ?merge.state, "approved difference");
        }
        Report::Started { .. } | Report::Ended { .. } | Report::Capacity { .. } => {}
    }
}
