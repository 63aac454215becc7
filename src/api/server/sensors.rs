//! What a node's sensors say now.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Path, State};

use super::{Failure, Running, Service};
use crate::api::live::NodeSensors;
use crate::domain::{Node, Refusal, RefusalKind};
use crate::engine::link;
use crate::engine::telemetry::Usage;
use crate::store::Query;

/// How long whoever looks first waits for figures: of processor time there are none before the second measurement.
const FIRST_WITHIN: Duration = Duration::from_secs(3);
/// Between two looks for them.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// `GET /v1/nodes/{node}/sensors`.
pub(super) async fn get(
    State(service): State<Service>,
    Path(name): Path<String>,
) -> Result<Json<NodeSensors>, Failure> {
    let wanted = name.clone();
    let node = service.read(move |reader| {
        let nodes = reader.nodes(&Query { limit: u64::MAX, ..Query::default() })?.items;
        let found = nodes.iter().find(|node| node.name == wanted || node.id.to_string() == wanted).cloned();
        Ok(found.ok_or_else(|| nodes.into_iter().map(|node| node.name).collect::<Vec<_>>()))
    });
    let node: Node = node.await?.map_err(|names| {
        let allowed = if names.is_empty() { "none has joined yet".to_owned() } else { names.join(", ") };
        Refusal::new(RefusalKind::NotFound, "node", &name).allowed(allowed)
    })?;
    let running = service.running()?;
    // What is measured is known of the machine that the one worker is on.
    let measured_here = node.name == link::host_name() && running.at.is_none();
    let usage = if measured_here { measured(&running).await } else { None };
    let (host, sensors) = usage.map(|usage| (Some(usage.host), usage.sensors)).unwrap_or_default();
    Ok(Json(NodeSensors { name: node.name, status: node.status, capacity: node.capacity, host, sensors }))
}

/// What is measured, as soon as there is all of it; after a while whatever there is.
async fn measured(running: &Running) -> Option<Usage> {
    let begun = Instant::now();
    loop {
        running.watchers.look();
        let usage = running.telemetry.usage();
        let complete = usage.as_ref().is_some_and(|usage| usage.host.cpu_millis.is_some() && usage.sensors.is_some());
        if complete || begun.elapsed() >= FIRST_WITHIN {
            return usage;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
