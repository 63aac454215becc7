//! Lists and single things, straight from the store.

use std::io::{Read, Seek, SeekFrom};

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;

use super::listed::listed;
use super::{Failure, Service, json_text, running};
use crate::api::filters::AGENT_VERSIONS;
use crate::api::types::{AgentRow, AlertRow, MORE_HEADER, SIZE_HEADER, TOTAL_HEADER, TaskRow};
use crate::domain::selection::Rating;
use crate::domain::{
    AgentPerformance, AlertMember, Allocation, Artifact, Cage, CageId, Execution, Node, Refusal, RefusalKind,
    ReviewState, SystemEvent, Timestamp, User,
};
use crate::engine::message::Peer;
use crate::store::{self, Page, Query, Reader};

/// How many items a list gives when nothing is said.
const LIMIT_DEFAULT: u64 = 100;
/// The most that one request gives.
const LIMIT_MAX: u64 = 100_000;

/// Reads `limit`, `offset`, `sort`, `filter` and exact values of fields from a query string.
pub(super) fn query(raw: Option<&str>, peer: &Peer, now: Timestamp) -> Result<Query, Refusal> {
    let mut query = Query { limit: LIMIT_DEFAULT, now, uid: Some(peer.uid), ..Query::default() };
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
            let query = query(raw.as_deref(), &peer, service.now())?;
            let found: Page<$type> = service.read(move |reader| reader.$name(&query)).await?;
            page(&found)
        }
    )+};
}

lists! {
    /// `GET /v1/nodes`.
    nodes -> Node;
    /// `GET /v1/allocations`.
    allocations -> Allocation;
    /// `GET /v1/artifacts`.
    artifacts -> Artifact;
    /// `GET /v1/agent-performance`.
    agent_performance -> AgentPerformance;
    /// `GET /v1/users`.
    users -> User;
    /// `GET /v1/events`.
    system_events -> SystemEvent;
}

/// `GET /v1/alerts`, with what their figures are now.
pub(super) async fn alerts(
    State(service): State<Service>,
    Extension(peer): Extension<Peer>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Failure> {
    let query = query(raw.as_deref(), &peer, service.now())?;
    let Page { items, total, more } = service.read(move |reader| reader.alerts(&query)).await?;
    page(&Page { items: running::alerts(&service, items)?, total, more })
}

/// `GET /v1/cages`, with what their processes use.
pub(super) async fn cages(
    State(service): State<Service>,
    Extension(peer): Extension<Peer>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Failure> {
    let query = query(raw.as_deref(), &peer, service.now())?;
    let Page { items, total, more } = service.read(move |reader| reader.cages(&query)).await?;
    page(&Page { items: running::cages(&service, items)?, total, more })
}

/// `GET /v1/resources`, with what is held of them.
pub(super) async fn resources(
    State(service): State<Service>,
    Extension(peer): Extension<Peer>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Failure> {
    let query = query(raw.as_deref(), &peer, service.now())?;
    let held = Query {
        limit: LIMIT_MAX,
        filters: vec![("status".to_owned(), "active".to_owned())],
        now: query.now,
        ..Query::default()
    };
    let read = move |reader: &Reader| Ok((reader.resources(&query)?, reader.allocations(&held)?.items));
    let (Page { items, total, more }, held) = service.read(read).await?;
    page(&Page { items: running::resources(items, held), total, more })
}

/// `GET /v1/executions`, with live figures of those that run.
pub(super) async fn executions(
    State(service): State<Service>,
    Extension(peer): Extension<Peer>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Failure> {
    let query = query(raw.as_deref(), &peer, service.now())?;
    let Page { items, total, more } = service.read(move |reader| reader.executions(&query)).await?;
    page(&Page { items: running::executions(&service, items)?, total, more })
}

/// `GET /v1/tasks`, with what their executions say.
pub(super) async fn tasks(
    State(service): State<Service>,
    Extension(peer): Extension<Peer>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Failure> {
    let query = query(raw.as_deref(), &peer, service.now())?;
    let Page { items, total, more } = service.read(move |reader| reader.tasks(&query)).await?;
    page(&Page { items: running::tasks(&service, items)?, total, more })
}

/// `GET /v1/agents`, with what they say of their tasks.
pub(super) async fn agents(
    State(service): State<Service>,
    Extension(peer): Extension<Peer>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Failure> {
    let query = query(raw.as_deref(), &peer, service.now())?;
    let Page { items, total, more } = service.read(move |reader| reader.agents(&query)).await?;
    page(&Page { items: running::agents(&service, items).await?, total, more })
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
    let missing = || Refusal::not_found(noun, shown).hint(format!("menagerie {noun} list shows what there is"));
    Ok(Json(found.ok_or_else(missing)?))
}

/// `GET /v1/tasks/{id}`.
pub(super) async fn task(State(service): State<Service>, Path(id): Path<String>) -> Result<Json<TaskRow>, Failure> {
    let Json(task) = show(&service, "task", id, |reader, id| reader.task(reader.resolve_task(id)?)).await?;
    only(running::tasks(&service, vec![task])?)
}

/// `GET /v1/tasks/{id}/ratings`.
pub(super) async fn task_ratings(
    State(service): State<Service>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Rating>>, Failure> {
    service.read(move |reader| reader.ratings(reader.resolve_task(&id)?)).await.map(Json)
}

/// `GET /v1/agents/{id}`.
pub(super) async fn agent(State(service): State<Service>, Path(id): Path<String>) -> Result<Json<AgentRow>, Failure> {
    let Json(agent) = show(&service, "agent", id, |reader, id| reader.agent(reader.resolve_agent(id)?)).await?;
    only(running::agents(&service, vec![agent]).await?)
}

/// `GET /v1/agents/{id}/versions`.
pub(super) async fn agent_versions(
    State(service): State<Service>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Failure> {
    let query = query(raw.as_deref(), &peer, service.now())?;
    let versions = service.read(move |reader| reader.agent_versions(&id)).await?;
    page(&listed(&AGENT_VERSIONS, versions, &query)?)
}

/// The one row that one row was made into.
fn only<T>(mut rows: Vec<T>) -> Result<Json<T>, Failure> {
    let row = rows.pop().ok_or_else(|| Refusal::new(RefusalKind::Unavailable, "the answer", "is empty"))?;
    Ok(Json(row))
}

/// Why there is no cage of a number: which there are.
fn no_cage(reader: &Reader, id: CageId) -> Result<Refusal, store::Error> {
    let all = reader.cages(&Query { limit: LIMIT_MAX, ..Query::default() })?.items;
    let allowed = match (all.first(), all.last()) {
        (Some(first), Some(last)) => format!("the {} declared cages, {} to {}", all.len(), first.id, last.id),
        _ => "no cage is declared yet".to_owned(),
    };
    Ok(Refusal::not_found("cage", id).allowed(allowed).hint("menagerie cage list shows them"))
}

/// `GET /v1/cages/{id}`.
pub(super) async fn cage(State(service): State<Service>, Path(id): Path<String>) -> Result<Json<Cage>, Failure> {
    let id: CageId = id.parse()?;
    let find = move |reader: &Reader, _: &str| match reader.cage(id)? {
        Some(cage) => Ok(Some(cage)),
        None => Err(no_cage(reader, id)?.into()),
    };
    let Json(cage) = show(&service, "cage", id.to_string(), find).await?;
    only(running::cages(&service, vec![cage])?)
}

/// `GET /v1/executions/{id}`, with live figures while it runs.
pub(super) async fn execution(
    State(service): State<Service>,
    Path(id): Path<String>,
) -> Result<Json<Execution>, Failure> {
    let find = |reader: &Reader, id: &str| {
        let found = reader.execution(reader.resolve_execution(id)?)?;
        let Some(mut execution) = found else { return Ok(None) };
        if let Some(task) = reader.task(execution.task_id)? {
            execution.input_context = Some(serde_json::Value::Object(task.parameters.input_data));
            execution.workspace = task.workspace;
        }
        if execution.workspace.is_none() {
            let agent = reader.agent(execution.agent_id)?;
            execution.workspace = agent.and_then(|agent| agent.spec.workspace().cloned());
        }
        Ok(Some(execution))
    };
    let Json(execution) = show(&service, "execution", id, find).await?;
    only(running::executions(&service, vec![execution])?)
}

/// `GET /v1/alerts/{id}`.
pub(super) async fn alert(State(service): State<Service>, Path(id): Path<String>) -> Result<Json<AlertRow>, Failure> {
    let Json(alert) = show(&service, "alert", id, |reader, id| reader.alert(reader.resolve_alert(id)?)).await?;
    only(running::alerts(&service, vec![alert])?)
}

/// `GET /v1/alerts/{id}/members`.
pub(super) async fn alert_members(
    State(service): State<Service>,
    Path(id): Path<String>,
) -> Result<Json<Vec<AlertMember>>, Failure> {
    service.read(move |reader| reader.alert_members(reader.resolve_alert(&id)?)).await.map(Json)
}

/// `GET /v1/alerts/{id}/history`.
pub(super) async fn alert_history(
    State(service): State<Service>,
    Path(id): Path<String>,
) -> Result<Json<Vec<store::JournalRow>>, Failure> {
    service.read(move |reader| reader.alert_history(reader.resolve_alert(&id)?)).await.map(Json)
}

/// `GET /v1/artifacts/{id}`.
pub(super) async fn artifact(
    State(service): State<Service>,
    Path(id): Path<String>,
) -> Result<Json<Artifact>, Failure> {
    let found = show(&service, "artifact", id, |reader, id| {
        let artifact = reader.artifact(reader.resolve_artifact(id)?)?;
        let ids: Vec<_> = artifact.iter().map(|artifact| artifact.id).collect();
        let row = reader.reviews(&ids)?.into_iter().flatten().next();
        Ok(artifact.map(|artifact| (artifact, row.map(|row| row.task_type).unwrap_or_default())))
    });
    let Json((mut artifact, kind)) = found.await?;
    if artifact.review.state == ReviewState::Pending {
        let id = artifact.id;
        artifact.approval = service.look(move |core, _| core.approval_of(id, &kind)).await?;
    }
    Ok(Json(artifact))
}

/// `offset` and `length` of a query string, in bytes.
fn part(raw: Option<&str>) -> Result<(u64, u64), Refusal> {
    let (mut offset, mut length) = (0, u64::MAX);
    for pair in raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let parsed = value.parse().map_err(|_| Refusal::invalid(name, value, "a number of bytes"));
        match name {
            "offset" => offset = parsed?,
            "length" => length = parsed?,
            other => return Err(Refusal::not_one_of("query", other, &["offset", "length"])),
        }
    }
    Ok((offset, length))
}

/// Reads a part of a file, and how many bytes there are in all.
fn read_part(path: &std::path::Path, offset: u64, length: u64) -> std::io::Result<(Vec<u8>, u64)> {
    let mut file = std::fs::File::open(path)?;
    let total = file.metadata()?.len();
    file.seek(SeekFrom::Start(offset.min(total)))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok((bytes, total))
}

/// `GET /v1/artifacts/{id}/content?offset=&length=`: the bytes themselves, or a part of them.
pub(super) async fn artifact_content(
    State(service): State<Service>,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Failure> {
    let (offset, length) = part(raw.as_deref())?;
    let Json(artifact) = artifact(State(service.clone()), Path(id)).await?;
    let (bytes, total) = match (artifact.content, artifact.path) {
        (Some(content), _) => {
            let bytes = content.into_bytes();
            let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
            let part = bytes[place(offset)..place(offset.saturating_add(length))].to_vec();
            (part, bytes.len() as u64)
        }
        (None, Some(path)) => {
            let file = service.0.data_dir.join(&path);
            let read = tokio::task::spawn_blocking(move || read_part(&file, offset, length)).await;
            read.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(|error| {
                Refusal::new(RefusalKind::Unavailable, format!("artifact file {path}"), error)
                    .hint("the file was removed from the data directory")
            })?
        }
        (None, None) => (vec![], 0),
    };
    let mut response = ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response();
    response.headers_mut().insert(SIZE_HEADER, total.into());
    Ok(response)
}
