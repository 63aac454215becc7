//! What a person needs in the first five seconds, from what the engine keeps count of anyway.

use axum::Json;
use axum::extract::State;

use super::health;
use super::{Failure, Running, Service, triage};
use crate::api::live::{AtRisk, Gauge, Minute, NodeLoad, Overview, QueueFigures};
use crate::domain::gpu::Gpus;
use crate::domain::{Span, TaskId, Timestamp};
use crate::engine::core::look::{Due, NodeView};
use crate::engine::core::risk::{self, DUE_MAX};
use crate::engine::link;
use crate::engine::message::Message;

/// The most of each list that an overview shows, on a tall screen.
const SHOWN: usize = 20;

/// `GET /v1/overview`.
pub(super) async fn get(State(service): State<Service>) -> Result<Json<Overview>, Failure> {
    let running = service.running()?;
    running.watchers.look();
    let horizon = risk::horizon(&running.figures);
    let view = service.ask(|answer| Message::ViewOverview { horizon, due_max: DUE_MAX, answer });
    let (view, counts, read_only) = view.await?;
    let (inbox, inbox_total) = triage::inbox_head(&service, SHOWN).await?;
    let (alerts, alerts_total, alerts_taken) = triage::alerts_head(&service, SHOWN).await?;
    let now = running.clock.now();
    let minutes = running.figures.minutes(now);
    let (tokens_now, cost_now) = running.telemetry.reported();
    let (at_risk, at_risk_total) = at_risk(&service, &running, &view.due, now).await?;
    Ok(Json(Overview {
        seq: running.beat.standing().seq,
        time: now,
        health: health::parts(&service, &running, &view, read_only),
        counts,
        queue: QueueFigures {
            pending: counts.tasks.pending,
            oldest_wait_s: view.oldest.map(|oldest| now.since(oldest).as_secs_f64()),
            median_wait_s: running.figures.median_wait(now).map(Span::as_secs_f64),
        },
        tokens_hour: minutes
            .iter()
            .map(|minute| minute.tokens)
            .chain([tokens_now])
            .flatten()
            .reduce(u64::saturating_add),
        cost_hour: minutes.iter().map(|minute| minute.cost).chain([cost_now]).flatten().reduce(|a, b| a + b),
        minutes: minutes.iter().map(|it| Minute { completed: it.completed, failed: it.failed }).collect(),
        nodes: view.nodes.into_iter().map(|node| load(&running, node)).collect(),
        inbox,
        inbox_total,
        alerts,
        alerts_total,
        alerts_taken,
        at_risk,
        at_risk_total,
    }))
}

/// What a machine has, gives and uses. What is used is known of the machine that the one worker is on.
fn load(running: &Running, node: NodeView) -> NodeLoad {
    let usage = running.telemetry.usage().filter(|_| node.name == link::host_name());
    let host = usage.as_ref().map(|usage| &usage.host);
    let gpus = usage.as_ref().and_then(|usage| usage.sensors.as_ref()).map(|sensors| &sensors.gpus);
    let figure = |value: u64| value as f64;
    let cores = |millis: u64| figure(millis) / 1000.0;
    let ([cpu, memory, gpu, ..], [cpu_granted, memory_granted, gpu_granted, ..]) = (node.capacity.0, node.granted.0);
    NodeLoad {
        name: node.name,
        status: node.status,
        cpu: Gauge {
            used: host.and_then(|host| host.cpu_millis).map(cores),
            granted: Some(cores(cpu_granted)),
            limit: Some(cores(cpu)),
        },
        memory: Gauge {
            used: host.and_then(|host| host.memory).map(figure),
            granted: Some(figure(memory_granted)),
            limit: Some(figure(memory)),
        },
        gpu: Gauge { used: gpus.and_then(busy), granted: Some(figure(gpu_granted)), limit: Some(figure(gpu)) },
    }
}

/// How many devices compute, in the mean of the last moment: two that are half busy make one. `None` when none tells.
fn busy(gpus: &Gpus) -> Option<f64> {
    gpus.working().filter_map(|gpu| gpu.utilization).map(|percent| f64::from(percent) / 100.0).reduce(|a, b| a + b)
}

/// The most urgent of the tasks that may be late, and how many there are.
async fn at_risk(
    service: &Service,
    running: &Running,
    due: &[Due],
    now: Timestamp,
) -> Result<(Vec<AtRisk>, u64), Failure> {
    let judged = risk::at_risk(due, now, &running.figures)
        .map(|(spare, due, reason)| (spare, due.task_id, due.deadline, reason));
    let mut judged: Vec<(i64, TaskId, Timestamp, String)> = judged.collect();
    judged.sort_unstable_by_key(|(spare, id, ..)| (*spare, *id));
    let total = judged.len() as u64;
    judged.truncate(SHOWN);
    if judged.is_empty() {
        return Ok((vec![], 0));
    }
    let read = service.read(move |reader| {
        let mut shown = Vec::with_capacity(judged.len());
        for (_, task_id, deadline, reason) in judged {
            if let Some(task) = reader.task(task_id)? {
                shown.push(AtRisk { task_id, kind: task.kind, deadline, reason });
            }
        }
        Ok(shown)
    });
    Ok((read.await?, total))
}
