//! What becomes durable about tasks, alerts and machines, as lines of the log with the ids of everything that they concern:
//! whoever has one of them finds the rest, the trace included.
//!
//! What goes well, and what may be many at once, is said at level debug, so that the log of a busy fleet stays short; attempts
//! that fail, alerts and machines at info and above.

use tracing::{debug, info, warn};

use crate::domain::event::{ExecutionEnded, ExecutionScheduled};
use crate::domain::trace::{SpanId, TraceId};
use crate::domain::{Event, OutcomeKind, Record};

/// Says what there is to say of these records.
pub fn say(records: &[Record]) {
    if !tracing::enabled!(tracing::Level::WARN) {
        return;
    }
    for record in records {
        of_event(record.seq, &record.event);
    }
}

fn of_event(seq: u64, event: &Event) {
    match event {
        Event::TaskSubmitted(it) => {
            let (task_id, trace_id) = (it.task.id, TraceId::of(it.task.id));
            debug!(seq, %task_id, %trace_id, kind = it.task.kind, "task submitted");
        }
        Event::ExecutionScheduled(it) => scheduled(seq, it),
        Event::ExecutionStarted(it) => {
            let (task_id, execution_id) = (it.task_id, it.execution_id);
            let (trace_id, span_id) = (TraceId::of(task_id), SpanId::run(execution_id));
            debug!(seq, %task_id, %execution_id, %trace_id, %span_id, "execution started");
        }
        Event::ExecutionEnded(it) => ended(seq, it),
        Event::TaskFailed(it) => {
            let (task_id, trace_id) = (it.task_id, TraceId::of(it.task_id));
            debug!(seq, %task_id, %trace_id, error = it.error, "task failed without running");
        }
        Event::TaskCancelled(it) => {
            let (task_id, trace_id) = (it.task_id, TraceId::of(it.task_id));
            debug!(seq, %task_id, %trace_id, "task cancelled");
        }
        Event::CageFaulted(it) => {
            warn!(seq, cage = %it.cage_id, reason = it.fault.reason, "cage cannot be set up");
        }
        Event::AlertRaised(it) => {
            let (alert, trigger) = (&it.alert, &it.alert.context.trigger);
            let (alert_id, severity) = (alert.id, alert.severity);
            warn!(seq, %alert_id, %severity, source = alert.source, trigger, alert = alert.message, "alert raised");
        }
        Event::AlertResolved(it) => {
            let action = it.resolution.action.as_deref().unwrap_or_default();
            info!(seq, alert_id = %it.alert_id, action, "alert resolved");
        }
        Event::NodeLost(it) => warn!(seq, node_id = %it.node_id, "node lost"),
        _ => {}
    }
}

fn scheduled(seq: u64, it: &ExecutionScheduled) {
    let (task_id, execution_id, agent_id, node_id) = (it.task_id, it.execution_id, it.agent_id, it.node_id);
    let (trace_id, span_id) = (TraceId::of(task_id), SpanId::run(execution_id));
    let (cage, attempt) = (it.cage_id, it.attempt);
    debug!(seq, %task_id, %execution_id, %cage, %agent_id, %node_id, %trace_id, %span_id, attempt, "execution placed");
}

fn ended(seq: u64, it: &ExecutionEnded) {
    let (task_id, execution_id, agent_id) = (it.task_id, it.execution_id, it.agent_id);
    let (trace_id, span_id) = (TraceId::of(task_id), SpanId::run(execution_id));
    let (outcome, status, message) = (it.outcome.kind, it.task_status, it.outcome.message.as_str());
    macro_rules! say {
        ($level:ident) => {
            $level!(
                seq, %task_id, %execution_id, %agent_id, %trace_id, %span_id, %outcome, task_status = %status, reason = message,
                "execution ended"
            )
        };
    }
    if outcome == OutcomeKind::Succeeded { say!(debug) } else { say!(info) }
}
