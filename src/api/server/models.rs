//! Models that learn: their versions, how they did, and what they are.

use axum::Json;
use axum::extract::{Path, State};

use super::{Failure, Service};
use crate::domain::Refusal;
use crate::domain::learning::{ExportedModel, ModelKind, ModelReport, StoredVersion, check_format};
use crate::engine::core::model_parameters;
use crate::store::Reader;

/// `GET /v1/models`.
pub(super) async fn list(State(service): State<Service>) -> Result<Json<Vec<StoredVersion>>, Failure> {
    let mut versions = service.read(Reader::model_versions).await?;
    // They come by model and the newest first.
    versions.dedup_by_key(|version| version.version.model);
    Ok(Json(versions))
}

/// `GET /v1/models/{model}`.
pub(super) async fn show(
    State(service): State<Service>,
    Path(model): Path<String>,
) -> Result<Json<ModelReport>, Failure> {
    let model: ModelKind = model.parse()?;
    let (mut versions, metrics) =
        service.read(move |reader| Ok((reader.model_versions()?, reader.learning_metrics(model)?))).await?;
    versions.retain(|version| version.version.model == model);
    let Some(current) = versions.first() else { return Err(not_learned(model).into()) };
    let (current_version, parameters) = (current.version.version, model_parameters(model));
    Ok(Json(ModelReport { model, current_version, parameters, versions, metrics }))
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

fn not_learned(model: ModelKind) -> Refusal {
    Refusal::not_found("model", model).hint(match model {
        ModelKind::Policy => "It has its first version after 32 outcomes",
        ModelKind::Predictor => "It has its first version after 32 executions that succeeded",
        ModelKind::Classifier => "It has its first version after 32 executions and judgements",
        ModelKind::ValueFunction => "It has its first version after 32 tasks with a deadline that completed",
    })
}
