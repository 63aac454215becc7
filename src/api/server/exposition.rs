//! Metrics for Prometheus and whoever else scrapes.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::{Failure, Service, past};
use crate::domain::metric::exposition::Form;
use crate::domain::{Refusal, RefusalKind};
use crate::engine::exposition;

/// `GET /metrics`.
pub(super) async fn get(State(service): State<Service>, headers: HeaderMap) -> Result<Response, Failure> {
    let accept: Vec<_> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let form = Form::accepted(&accept.join(","));
    past::only_present(&service, "the metrics of now")?;
    let running = service.running()?;
    let (handle, bounds, now) = (running.recorder.handle()?.clone(), service.0.exposed, running.clock.now());
    // Ten thousand lines take milliseconds, which others need not wait for.
    let text = tokio::task::spawn_blocking(move || exposition::text(&handle, form, bounds, now)).await;
    let text = text.map_err(|error| Refusal::new(RefusalKind::Unavailable, "the metrics", error))?;
    Ok(([(header::CONTENT_TYPE, form.media_type())], text).into_response())
}
