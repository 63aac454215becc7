//! Executions and what they hold.

use rusqlite::{Result, Row};
use serde_json::Map;

use super::Columns;
use crate::domain::execution::{Execution, ExecutionMetrics, ExecutionResult, Outcome, Usage};
use crate::domain::id::{AgentId, AllocationId, ExecutionId, NodeId, ResourceId, TaskId};
use crate::domain::quantity::Span;
use crate::domain::resource::{Allocation, AllocationMetrics, Period};
use crate::domain::snapshot::LiveExecution;

/// The columns of [`execution`], of `execution e`.
pub(in crate::store) const EXECUTION_COLUMNS: &str = "e.id, e.task_id, e.agent_id, e.cage_id, e.node_id, e.status, \
    e.attempt, e.outcome, \
    (SELECT CAST(round(avg(g.rating)) AS INTEGER) FROM rating g WHERE g.execution_id = e.id), \
    (SELECT avg(coalesce(r.quality_judged, r.quality_score)) FROM artifact r \
    WHERE r.task_id = e.task_id AND r.execution_id = e.id), e.choice, e.created_at, \
    e.started_at, e.completed_at";

/// Reads an execution. Progress while it runs is telemetry that the store does not have.
pub(in crate::store) fn execution(row: &Row<'_>) -> Result<Execution> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    let (id, task_id, agent_id) = (c.id(ExecutionId)?, c.id(TaskId)?, c.id(AgentId)?);
    let (cage_id, node_id, status, attempt) = (c.cage()?, c.id(NodeId)?, c.word()?, c.get()?);
    let outcome: Option<Outcome> = c.optional_json()?;
    let (rating, quality_score, choice) = (c.get()?, c.get()?, c.optional_json()?);
    let (created_at, started_at, completed_at) = (c.time()?, c.optional_time()?, c.optional_time()?);
    Ok(Execution {
        id,
        task_id,
        agent_id,
        cage_id,
        node_id,
        // The one runtime so far.
        execution_type: "command".to_owned(),
        session: None,
        status,
        progress: outcome.as_ref().and_then(|outcome| outcome.progress),
        attempt,
        metrics: metrics(started_at.zip(completed_at).map(|(from, to)| to.since(from)), outcome.as_ref()),
        result: ExecutionResult {
            output: outcome.as_ref().and_then(|outcome| outcome.result.clone()),
            errors: outcome.iter().map(|outcome| outcome.message.clone()).filter(|text| !text.is_empty()).collect(),
        },
        tokens_used: outcome.as_ref().and_then(|outcome| outcome.tokens_used),
        cost: outcome.as_ref().and_then(|outcome| outcome.cost),
        user_satisfaction_rating: rating,
        quality_score,
        input_context: None,
        workspace: None,
        output_summary: outcome.as_ref().and_then(|outcome| outcome.summary.clone()),
        activity: None,
        activity_detail: None,
        outcome,
        choice,
        created_at,
        started_at,
        completed_at,
    })
}

/// What is known of how an execution went. Of one whose process was never started nothing was measured.
#[allow(clippy::cast_precision_loss)] // Below 2^53 microseconds in all that can be measured, and only shown.
fn metrics(duration: Option<Span>, outcome: Option<&Outcome>) -> ExecutionMetrics {
    let resource_usage: Option<Usage> = outcome.map(|outcome| outcome.usage).filter(|_| duration.is_some());
    let mut performance = Map::new();
    let wall = duration.map(Span::as_micros).filter(|micros| *micros > 0);
    if let (Some(usage), Some(wall)) = (&resource_usage, wall) {
        let cores = usage.cpu_us as f64 / wall as f64;
        performance.insert("cores".to_owned(), ((cores * 1000.0).round() / 1000.0).into());
    }
    ExecutionMetrics { duration, resource_usage, performance }
}

/// The columns of [`live`], of `execution e`.
pub(in crate::store) const LIVE_COLUMNS: &str = "e.id, e.task_id, e.agent_id, e.cage_id, e.node_id, e.attempt, e.held, e.created_at, e.started_at, e.stopping, \
     e.stopping_note";

/// Reads an execution that has not ended, as the engine needs it.
pub(in crate::store) fn live(row: &Row<'_>) -> Result<LiveExecution> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    Ok(LiveExecution {
        id: c.id(ExecutionId)?,
        task_id: c.id(TaskId)?,
        agent_id: c.id(AgentId)?,
        cage_id: c.cage()?,
        node_id: c.id(NodeId)?,
        attempt: c.get()?,
        held: c.json_or_default()?,
        created_at: c.time()?,
        started_at: c.optional_time()?,
        stopping: c.optional_word()?,
        stop_note: c.get()?,
    })
}

/// The columns of [`allocation`], of the view `allocation l`.
pub(in crate::store) const ALLOCATION_COLUMNS: &str =
    "l.id, l.resource_id, l.task_id, l.agent_id, l.execution_id, l.status, l.quantity, l.start, l.\"end\"";

/// Reads an allocation.
pub(in crate::store) fn allocation(row: &Row<'_>) -> Result<Allocation> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    Ok(Allocation {
        id: c.id(AllocationId)?,
        resource_id: c.id(ResourceId)?,
        task_id: c.id(TaskId)?,
        agent_id: c.id(AgentId)?,
        execution_id: c.id(ExecutionId)?,
        status: c.word()?,
        quantity: c.count()?,
        period: Period { start: c.time()?, end: c.optional_time()? },
        metrics: AllocationMetrics::default(),
    })
}
