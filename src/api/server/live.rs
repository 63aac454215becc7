//! What only the engine's memory or the passage of time can tell: why a task waits, and when it ends.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::sync::broadcast::error::RecvError;

use super::{Failure, Service, past};
use crate::api::types::Shutdown;
use crate::domain::{Refusal, RefusalKind, Task, TaskId};
use crate::engine::core::{Reason, ReasonKind};
use crate::engine::message::Message;
use crate::store;

/// The longest wait of one request.
const WAIT_SECONDS_MAX: u64 = 3600;

async fn resolve_task(service: &Service, id: String) -> Result<TaskId, Failure> {
    service.read(move |reader| reader.resolve_task(&id)).await
}

async fn find_task(service: &Service, id: TaskId) -> Result<Task, Failure> {
    let task = service.read(move |reader| reader.task(id)).await?;
    Ok(task.ok_or_else(|| Refusal::not_found("task", id))?)
}

/// `GET /v1/tasks/{id}/explain`.
pub(super) async fn explain(State(service): State<Service>, Path(id): Path<String>) -> Result<Response, Failure> {
    let id = resolve_task(&service, id).await?;
    if let Some(mut explanation) = service.ask(|answer| Message::Explain { task: id, answer }).await? {
        if explanation.reasons.iter().any(|reason| reason.kind == ReasonKind::Running) {
            explanation.reasons.extend(choice(&service, id).await?);
        }
        // The memory does not hold what artifacts are; what is suggested has to work when it is done.
        let suggested = explanation.suggested_artifacts().to_vec();
        if suggested.len() > 1 {
            explanation.set_apart(&service.read(move |reader| reader.high_risk(&suggested)).await?);
        }
        return Ok(Json(explanation).into_response());
    }
    // A task that the memory does not hold has ended, and its record says how.
    let task = find_task(&service, id).await?;
    let mut summary = task.status.to_string();
    if let Some(error) = &task.error {
        summary = format!("{summary}: {error}");
    }
    let reasons: Vec<_> = choice(&service, id).await?.into_iter().collect();
    let explanation = serde_json::json!({
        "task_id": task.id, "status": task.status, "summary": summary, "reasons": reasons,
        "position": null, "expected_start": null, "change": null,
        "smallest_change": null, "cages": [], "cages_left_out": 0,
    });
    Ok(Json(explanation).into_response())
}

/// Why the agent of a task's last attempt was chosen, where it was among several.
async fn choice(service: &Service, id: TaskId) -> Result<Option<Reason>, Failure> {
    let found = service.read(move |reader| {
        let last = reader.task(id)?.and_then(|task| task.execution_id);
        let execution = last.map(|id| reader.execution(id)).transpose()?.flatten();
        let Some((choice, agent)) = execution.and_then(|run| Some((run.choice?, run.agent_id))) else {
            return Ok(None);
        };
        let name = reader.agent_name(agent)?;
        Ok(Some(choice.sentence(&name)))
    });
    let reason =
        |text| Reason { kind: ReasonKind::Choice, blocking: false, need: String::new(), have: String::new(), text };
    Ok(found.await?.map(reason))
}

/// `GET /v1/tasks/{id}/wait?timeout_s=`: the task once it has ended, or 204.
pub(super) async fn wait(
    State(service): State<Service>,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Failure> {
    let seconds = match raw.as_deref().unwrap_or_default().split_once('=') {
        None => WAIT_SECONDS_MAX,
        Some(("timeout_s", value)) => {
            let allowed = format!("0 to {WAIT_SECONDS_MAX} seconds");
            let parsed = value.parse().ok().filter(|seconds| *seconds <= WAIT_SECONDS_MAX);
            parsed.ok_or_else(|| Refusal::invalid("timeout_s", value, allowed))?
        }
        Some((other, _)) => return Err(Refusal::not_one_of("query", other, &["timeout_s"]).into()),
    };
    let id = resolve_task(&service, id).await?;
    // Listening begins before looking, so that an end in between is not missed.
    let mut published = service.running()?.published.subscribe();
    let task = find_task(&service, id).await?;
    if task.status.is_final() {
        return Ok(Json(task).into_response());
    }
    past::only_present(&service, "the end of a task")?;
    let ended = async {
        loop {
            match published.recv().await {
                Ok(news) if news.ended.contains(&id) => break find_task(&service, id).await,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => {
                    let task = find_task(&service, id).await?;
                    if task.status.is_final() {
                        break Ok(task);
                    }
                }
                Err(RecvError::Closed) => {
                    break Err(Refusal::new(RefusalKind::Unavailable, "the engine is stopping", "").into());
                }
            }
        }
    };
    match tokio::time::timeout(Duration::from_secs(seconds), ended).await {
        Ok(task) => Ok(Json(task?).into_response()),
        Err(_) => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// `POST /v1/shutdown`: answered when everything is durable and, with `kill`, ended.
pub(super) async fn shutdown(
    State(service): State<Service>,
    Json(Shutdown { kill }): Json<Shutdown>,
) -> Result<StatusCode, Failure> {
    service.ask(|done| Message::Stop { kill, done: Some(done) }).await??;
    Ok(StatusCode::NO_CONTENT)
}

/// Maps a missing row to a refusal; used where an id was just resolved.
pub(super) fn missing(noun: &str, id: impl std::fmt::Display) -> store::Error {
    store::Error::Refused(Refusal::not_found(noun, id))
}
