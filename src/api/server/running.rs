//! Rows of the store with what running executions say of themselves.

use std::collections::HashMap;

use super::{Failure, Service};
use crate::api::types::{AgentRow, AlertRow, ResourceMetrics, ResourceRow, TaskRow};
use crate::domain::cage::ResourceUsage;
use crate::domain::{
    Activity, Agent, Alert, Allocation, AllocationId, Cage, Execution, ExecutionId, Resource, ResourceId, Task, TaskId,
};
use crate::engine::message::Message;

/// Executions with their live figures in the fields that their outcome fills later.
pub(super) fn executions(service: &Service, mut executions: Vec<Execution>) -> Result<Vec<Execution>, Failure> {
    let running = service.running()?;
    let telemetry = &running.telemetry;
    for execution in executions.iter_mut().filter(|execution| !execution.status.is_final()) {
        let Some(sample) = telemetry.sample(execution.id) else { continue };
        execution.progress = sample.progress.or(execution.progress);
        execution.output_summary = sample.message.or(execution.output_summary.take());
        execution.tokens_used = sample.tokens_used.or(execution.tokens_used);
        execution.cost = sample.cost.or(execution.cost);
        (execution.activity, execution.activity_detail) = (sample.activity, sample.activity_detail);
    }
    Ok(executions)
}

/// Cages with what their processes use, as it was last measured. Whoever asks watches from then on, so that the next
/// look finds figures.
pub(super) fn cages(service: &Service, mut cages: Vec<Cage>) -> Result<Vec<Cage>, Failure> {
    let running = service.running()?;
    running.watchers.look();
    let Some(usage) = running.telemetry.usage() else { return Ok(cages) };
    for cage in &mut cages {
        cage.resource_usage = usage.of(cage.id).map(|used| ResourceUsage {
            cpu: used.cpu_millis.map(cores),
            memory: used.memory,
            pids: used.pids,
            tokens: used.tokens,
        });
    }
    Ok(cages)
}

#[allow(clippy::cast_precision_loss)] // Below 2^53 thousandths of a core, and only shown.
fn cores(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

/// Alerts with what their figures are now.
pub(super) fn alerts(service: &Service, alerts: Vec<Alert>) -> Result<Vec<AlertRow>, Failure> {
    let running = service.running()?;
    Ok(alerts.into_iter().map(|alert| AlertRow { figures: running.present.of(&alert), alert }).collect())
}

/// Resources with what is held of them.
pub(super) fn resources(resources: Vec<Resource>, held: Vec<Allocation>) -> Vec<ResourceRow> {
    let mut by_resource: HashMap<ResourceId, Vec<AllocationId>> = HashMap::new();
    for allocation in held {
        by_resource.entry(allocation.resource_id).or_default().push(allocation.id);
    }
    let row = |resource: Resource| {
        let allocations = by_resource.remove(&resource.id).unwrap_or_default();
        ResourceRow { allocations, metrics: ResourceMetrics::of(&resource), resource }
    };
    resources.into_iter().map(row).collect()
}

/// Tasks with what their executions say.
pub(super) fn tasks(service: &Service, tasks: Vec<Task>) -> Result<Vec<TaskRow>, Failure> {
    let running = service.running()?;
    let telemetry = &running.telemetry;
    let row = |task: Task| {
        let execution = task.execution_id.filter(|_| !task.status.is_final());
        let live = execution.and_then(|id| telemetry.sample(id));
        let activity = Activity::of(&task, live.as_ref().and_then(|live| live.activity));
        TaskRow { task, activity, live }
    };
    Ok(tasks.into_iter().map(row).collect())
}

/// Agents with what they say of the task that they took last.
pub(super) async fn agents(service: &Service, agents: Vec<Agent>) -> Result<Vec<AgentRow>, Failure> {
    let running = service.running()?;
    let telemetry = &running.telemetry;
    let mut executions: HashMap<TaskId, ExecutionId> = HashMap::new();
    if agents.iter().any(|agent| agent.current_task_id.is_some()) {
        executions.extend(service.ask(|answer| Message::Executing { answer }).await?);
    }
    let row = |agent: Agent| {
        let execution = agent.current_task_id.and_then(|task| executions.get(&task));
        AgentRow { live: execution.and_then(|id| telemetry.sample(*id)), agent }
    };
    Ok(agents.into_iter().map(row).collect())
}
