//! Lists and single things, straight from the store.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;

use super::{Failure, Service, json_text};
use crate::api::types::{MORE_HEADER, TOTAL_HEADER};
use crate::domain::{
    Agent, Alert, Allocation, Artifact, Cage, CageId, Execution, Node, Refusal, RefusalKind, Resource, SystemEvent,
    Task, Timestamp, User,
};
use crate::engine::clock::Clock;
use crate::engine::message::Peer;
use crate::store::{self, Page, Query, Reader};

/// How many items a list gives when nothing is said.
const LIMIT_DEFAULT: u64 = 100;
/// The most that one request gives.
const LIMIT_MAX: u64 = 100_000;

/// Reads `limit`, `offset`, `sort`, `filter` and exact values of fields from a query string.
pub(super) fn query(raw: Option<&str>, peer: &Peer) -> Result<Query, Refusal> {
    let mut query = Query { limit: LIMIT_DEFAULT, now: now(), uid: Some(peer.uid), ..Query::default() };
    let number = |field: &str, value: &str, max: u64| {
        let allowed = format!("0 to {max}");
        let parsed = value.parse::<u64>().ok().filter(|number| *number <= max);
        parsed.ok_or_else(|| Refusal::invalid(field, value, allowed))
    };
    for (name, value) in pairs(raw)? {
        match name.as_str() {
            "limit" => query.limit = number("limit", &value, LIMIT_MAX)?,
            "offset" => query.offset = number("offset", &value, 1 << 62)?,
            "sort" => query.sort = Some(value),
            "filter" => also(&mut query.filter, &value),
            _ => query.filters.push((name, value)),
        }
    }
    Ok(query)
}

/// The names and values of a query string.
pub(super) fn pairs(raw: Option<&str>) -> Result<Vec<(String, String)>, Refusal> {
    let pairs = raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

/// Adds the terms of one filter to those of another.
pub(super) fn also(filter: &mut String, more: &str) {
    if !filter.is_empty() {
        filter.push(' ');
    }
    filter.push_str(more);
}

/// The present time, from which ages are counted.
pub(super) fn now() -> Timestamp {
    Clock::start(Timestamp::EPOCH).now()
}

/// Decodes `%41` and `+` in a part of a query string.
fn decode(text: &str) -> Result<String, Refusal> {
    let malformed = || Refusal::invalid("query", text, "percent-encoded UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().ok_or_else(malformed)?, rest.next().ok_or_else(malformed)?];
                let digits = std::str::from_utf8(&digits).map_err(|_| malformed())?;
                u8::from_str_radix(digits, 16).map_err(|_| malformed())?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| malformed())
}

/// A page as a JSON array, with the total in a header.
pub(super) fn page<T: Serialize>(page: &Page<T>) -> Result<Response, Failure> {
    let text = serde_json::to_string(&page.items)
        .map_err(|error| Refusal::new(RefusalKind::Unavailable, "the answer", error))?;
    let mut response = json_text(text);
    response.headers_mut().insert(TOTAL_HEADER, page.total.into());
    if page.more {
        response.headers_mut().insert(MORE_HEADER, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Declares the handler of a list.
macro_rules! lists {
    ($($(#[$meta:meta])* $name:ident -> $type:ty;)+) => {$(
        $(#[$meta])*
        pub(super) async fn $name(
            State(service): State<Service>,
            Extension(peer): Extension<Peer>,
            RawQuery(raw): RawQuery,
        ) -> Result<Response, Failure> {
            let query = query(raw.as_deref(), &peer)?;
            let found: Page<$type> = service.read(move |reader| reader.$name(&query)).await?;
            page(&found)
        }
    )+};
}

lists! {
    /// `GET /v1/executions`.
    executions -> Execution;
    /// `GET /v1/tasks`.
    tasks -> Task;
    /// `GET /v1/agents`.
    agents -> Agent;
    /// `GET /v1/cages`.
    cages -> Cage;
    /// `GET /v1/nodes`.
    nodes -> Node;
    /// `GET /v1/resources`.
    resources -> Resource;
    /// `GET /v1/allocations`.
    allocations -> Allocation;
    /// `GET /v1/artifacts`.
    artifacts -> Artifact;
    /// `GET /v1/users`.
    users -> User;
    /// `GET /v1/alerts`.
    alerts -> Alert;
    /// `GET /v1/events`.
    system_events -> SystemEvent;
}

/// Runs a look-up that may find nothing.
async fn show<T: Serialize + Send + 'static>(
    service: &Service,
    noun: &'static str,
    id: String,
    find: impl FnOnce(&Reader, &str) -> Result<Option<T>, store::Error> + Send + 'static,
) -> Result<Json<T>, Failure> {
    let shown = id.clone();
    let found = service.read(move |reader| find(reader, &id)).await?;
    Ok(Json(found.ok_or_else(|| Refusal::not_found(noun, shown))?))
}

/// `GET /v1/tasks/{id}`.
pub(super) async fn task(State(service): State<Service>, Path(id): Path<String>) -> Result<Json<Task>, Failure> {
    show(&service, "task", id, |reader, id| reader.task(reader.resolve_task(id)?)).await
}

/// `GET /v1/agents/{id}`.
pub(super) async fn agent(State(service): State<Service>, Path(id): Path<String>) -> Result<Json<Agent>, Failure> {
    show(&service, "agent", id, |reader, id| reader.agent(reader.resolve_agent(id)?)).await
}

/// `GET /v1/cages/{id}`.
pub(super) async fn cage(State(service): State<Service>, Path(id): Path<String>) -> Result<Json<Cage>, Failure> {
    let id: CageId = id.parse()?;
    show(&service, "cage", id.to_string(), move |reader, _| reader.cage(id)).await
}

/// `GET /v1/executions/{id}`, with live figures while it runs.
pub(super) async fn execution(
    State(service): State<Service>,
    Path(id): Path<String>,
) -> Result<Json<Execution>, Failure> {
    let Json(mut execution) =
        show(&service, "execution", id, |reader, id| reader.execution(reader.resolve_execution(id)?)).await?;
    if !execution.status.is_final()
        && let Some(sample) = service.running()?.telemetry.sample(execution.id)
    {
        execution.progress = sample.progress.unwrap_or(execution.progress);
        execution.output_summary = sample.message.or(execution.output_summary);
        execution.tokens_used = sample.tokens_used.or(execution.tokens_used);
        execution.cost = sample.cost.or(execution.cost);
    }
    Ok(Json(execution))
}

/// `GET /v1/alerts/{id}`.
pub(super) async fn alert(State(service): State<Service>, Path(id): Path<String>) -> Result<Json<Alert>, Failure> {
    show(&service, "alert", id, |reader, id| reader.alert(reader.resolve_alert(id)?)).await
}

/// `GET /v1/artifacts/{id}`.
pub(super) async fn artifact(
    State(service): State<Service>,
    Path(id): Path<String>,
) -> Result<Json<Artifact>, Failure> {
    show(&service, "artifact", id, |reader, id| reader.artifact(reader.resolve_artifact(id)?)).await
}

/// `GET /v1/artifacts/{id}/content`: the bytes themselves.
pub(super) async fn artifact_content(
    State(service): State<Service>,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let Json(artifact) = artifact(State(service.clone()), Path(id)).await?;
    let bytes = match (artifact.content, artifact.path) {
        (Some(content), _) => content.into_bytes(),
        (None, Some(path)) => {
            let file = service.0.data_dir.join(&path);
            tokio::fs::read(&file).await.map_err(|error| {
                Refusal::new(RefusalKind::Unavailable, format!("artifact file {path}"), error)
                    .hint("the file was removed from the data directory")
            })?
        }
        (None, None) => vec![],
    };
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}
