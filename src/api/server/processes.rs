//! The processes of a cage, which only its worker can see.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;

use super::{Failure, Service, json_text, live, past};
use crate::api::live::CageProcess;
use crate::api::types::TOTAL_HEADER;
use crate::domain::link::ToWorker;
use crate::domain::{CageId, Refusal, RefusalKind};
use crate::engine::dispatch::Act;

/// How long a worker may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// `GET /v1/cages/{id}/processes`.
pub(super) async fn get(State(service): State<Service>, Path(id): Path<String>) -> Result<Response, Failure> {
    let cage_id: CageId = id.parse()?;
    past::only_present(&service, "the processes of a cage")?;
    let cage = service.read(move |reader| reader.cage(cage_id)?.ok_or_else(|| live::missing("cage", cage_id))).await?;
    let running = service.running()?;
    let telemetry = &running.telemetry;
    let (request, answered) = telemetry.ask();
    service.dispatch(Act::Tell(cage.node_id, ToWorker::Processes { request, cage_id }))?;
    let answer = tokio::time::timeout(ANSWER_WITHIN, answered).await;
    telemetry.give_up(request);
    let Ok(Ok((processes, total))) = answer else {
        let refusal =
            Refusal::new(RefusalKind::Unavailable, format!("the worker of cage {cage_id} does not answer"), "");
        return Err(refusal.hint("look at worker.log in the data directory").into());
    };
    let shown = processes.into_iter().map(|process| CageProcess {
        pid: process.pid,
        parent: process.parent,
        state: process.state,
        command: process.command,
        cpu_seconds: process.cpu_us as f64 / 1e6,
        memory_bytes: process.memory,
        threads: process.threads,
        task_id: process.task_id,
    });
    let text = serde_json::to_string(&shown.collect::<Vec<_>>())
        .map_err(|error| Refusal::new(RefusalKind::Unavailable, "the answer", error))?;
    let mut response = json_text(text);
    response.headers_mut().insert(TOTAL_HEADER, total.into());
    Ok(response)
}
