//! Which agents suit a text or a task, and why.

use axum::body::Bytes;
use axum::extract::State;
use axum::{Extension, Json};

use super::{Failure, Service};
use crate::domain::Refusal;
use crate::domain::learning::USUAL;
use crate::domain::selection::{RecommendQuery, Recommendations};
use crate::engine::core::RECOMMENDED_MAX;
use crate::engine::message::Peer;

/// The longest text that is read.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// How many agents are recommended where nothing is said.
const LIMIT: u32 = 5;

/// `POST /v1/recommend`.
pub(super) async fn post(
    State(service): State<Service>,
    Extension(peer): Extension<Peer>,
    body: Bytes,
) -> Result<Json<Recommendations>, Failure> {
    let query: RecommendQuery = serde_json::from_slice(&body).map_err(|error| {
        Refusal::invalid("request body", error, "a JSON object with \"text\", or with \"task\"")
            .hint("GET /v1/openapi.json describes it")
    })?;
    let RecommendQuery { text, kind, priority, task, limit } = query;
    let limit = usize::try_from(limit.unwrap_or(LIMIT)).unwrap_or(usize::MAX);
    if !(1..=RECOMMENDED_MAX).contains(&limit) {
        return Err(Refusal::invalid("limit", limit, format!("1 to {RECOMMENDED_MAX}")).into());
    }
    if text.len() > TEXT_BYTES_MAX {
        let shown = format!("{} bytes", text.len());
        return Err(Refusal::invalid("text", shown, "at most 1 MiB")
            .hint("what it is about is said early: cut it")
            .into());
    }
    if let Some(priority) = priority.filter(|priority| !(1..=10).contains(priority)) {
        return Err(Refusal::invalid("priority", priority, "1 to 10").into());
    }
    let Some(task) = task else {
        let found = service.look(move |core, _| {
            let user = core.user_known(peer.uid, &peer.name);
            core.recommend(&text, &kind.unwrap_or_default(), user, priority.unwrap_or(USUAL), limit)
        });
        return Ok(Json(found.await?));
    };
    if !text.is_empty() || kind.is_some() || priority.is_some() {
        return Err(Refusal::invalid("task", task, "a task, or a text, a type and a priority, not both").into());
    }
    let id = service.read(move |reader| reader.resolve_task(&task)).await?;
    let found = service.look(move |core, _| core.recommend_for_task(id, limit)).await?;
    found.map(Json).ok_or_else(|| Refusal::conflict("task", id, "a task that has not ended").into())
}
