//! The fleet in counts.

use axum::Json;
use axum::extract::State;

use super::{Failure, Service, health};
use crate::api::types::{NodeSummary, Status};
use crate::engine::message::Message;
use crate::store::Query;

/// `GET /v1/status`.
pub(super) async fn get(State(service): State<Service>) -> Result<Json<Status>, Failure> {
    let (counts, read_only) = service.ask(|answer| Message::Counts { answer }).await?;
    let query = Query { limit: 10_000, ..Query::default() };
    let (nodes, (seq, _)) =
        service.read(move |reader| Ok((reader.nodes(&query)?.items, reader.journal_head()?))).await?;
    Ok(Json(Status {
        version: crate::VERSION.to_owned(),
        pid: std::process::id(),
        data_dir: service.0.data_dir.display().to_string(),
        started_at: service.running()?.started_at,
        seq,
        read_only,
        nodes: nodes.into_iter().map(|node| NodeSummary { name: node.name, status: node.status }).collect(),
        tasks: counts.tasks,
        agents: counts.agents,
        cages: counts.cages,
        artifacts: counts.artifacts,
        memory_bytes: resident_bytes(),
        health: health::report(&service).await?,
    }))
}

/// Resident memory of this process, from the second field of `/proc/self/statm`; zero where there is no such file.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}
