//! Models that learn: how they do, their versions, and what they are.

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::{Extension, Json};

use super::{Failure, Service, listed, reads};
use crate::api::filters::MODELS;
use crate::domain::Refusal;
use crate::domain::learning::{ExportedModel, Model, ModelKind, ModelReport, check_format};
use crate::engine::core::{Core, model_parameters};
use crate::engine::message::Peer;
use crate::store::Reader;

/// Models as they are.
async fn models(service: &Service, kinds: Vec<ModelKind>) -> Result<Vec<Model>, Failure> {
    let next_of = |core: &Core, kind: &ModelKind| (*kind, core.next_of(*kind));
    let next: Vec<_> = service.look(move |core, _| kinds.iter().map(|kind| next_of(core, kind)).collect()).await?;
    let read = move |reader: &Reader| {
        next.into_iter().map(|(kind, next)| reader.model(kind, model_parameters(kind), next)).collect()
    };
    service.read(read).await
}

/// `GET /v1/models`.
pub(super) async fn list(
    State(service): State<Service>,
    Extension(peer): Extension<Peer>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Failure> {
    let query = reads::query(raw.as_deref(), &peer, service.now())?;
    let mut kinds = ModelKind::ALL.to_vec();
    kinds.sort_by_key(|kind| kind.as_str());
    reads::page(&listed::listed(&MODELS, models(&service, kinds).await?, &query)?)
}

/// `GET /v1/models/{model}`.
pub(super) async fn show(
    State(service): State<Service>,
    Path(model): Path<String>,
) -> Result<Json<ModelReport>, Failure> {
    let kind: ModelKind = model.parse()?;
    let model = models(&service, vec![kind]).await?.pop().ok_or_else(|| Refusal::not_found("model", kind))?;
    let (versions, learning_metrics) =
        service.read(move |reader| Ok((reader.model_versions(kind)?, reader.learning_metrics(kind)?))).await?;
    Ok(Json(ModelReport { model, versions, learning_metrics }))
}

/// `GET /v1/models/{model}/versions/{version}`.
pub(super) async fn export(
    State(service): State<Service>,
    Path((model, version)): Path<(String, u32)>,
) -> Result<Json<ExportedModel>, Failure> {
    let model: ModelKind = model.parse()?;
    let found = service.read(move |reader| reader.model_state(model, version)).await?;
    let Some((version, state)) = found else {
        let hint = format!("menagerie model show {model} lists those kept");
        return Err(Refusal::not_found("version", version).hint(hint).into());
    };
    check_format(&version)?;
    Ok(Json(ExportedModel { version, state }))
}
