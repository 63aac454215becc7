//! Metrics for Prometheus and whoever else scrapes.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::{Failure, Service, health, past};
use crate::api::live::HealthState;
use crate::domain::metric::exposition::Form;
use crate::domain::{Alert, AlertStatus, Refusal, RefusalKind, Severity, Timestamp};
use crate::engine::core::Core;
use crate::engine::exposition::{self, Standing};

/// `GET /metrics`.
pub(super) async fn get(State(service): State<Service>, headers: HeaderMap) -> Result<Response, Failure> {
    let accept: Vec<_> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let form = Form::accepted(&accept.join(","));
    past::only_present(&service, "the metrics of now")?;
    let standing = standing(&service).await?;
    let running = service.running()?;
    let (handle, bounds, now) = (running.recorder.handle()?.clone(), service.0.exposed, running.clock.now());
    // Ten thousand lines take milliseconds, which others need not wait for.
    let text = tokio::task::spawn_blocking(move || exposition::text(&handle, &standing, form, bounds, now)).await;
    let text = text.map_err(|error| Refusal::new(RefusalKind::Unavailable, "the metrics", error))?;
    Ok(([(header::CONTENT_TYPE, form.media_type())], text).into_response())
}

/// How alerts and the parts of the engine stand. Every combination is told, so that none has to be missed to be zero.
async fn standing(service: &Service) -> Result<Standing, Failure> {
    let alerts = service.look(|core: &Core, now| count(core.alerts(), now)).await?;
    let parts = health::report(service).await?;
    let states = parts.iter().flat_map(|part| {
        HealthState::ALL.iter().map(|state| (part.component.clone(), state.as_str(), *state == part.state))
    });
    Ok(Standing { alerts, health: states.collect() })
}

/// Alerts by severity and status.
fn count<'a>(alerts: impl Iterator<Item = &'a Alert>, now: Timestamp) -> Vec<(&'static str, &'static str, u64)> {
    const SILENCED: &str = "silenced";
    let mut counts: BTreeMap<(Severity, &str), u64> = BTreeMap::new();
    for alert in alerts {
        let is_silenced = alert.silenced_until.is_some_and(|until| until > now);
        let status = if is_silenced { SILENCED } else { alert.status.as_str() };
        *counts.entry((alert.severity, status)).or_default() += 1;
    }
    let statuses = [AlertStatus::Active.as_str(), AlertStatus::Acknowledged.as_str(), SILENCED];
    let all = Severity::ALL.iter().flat_map(|severity| statuses.map(|status| (*severity, status)));
    all.map(|key| (key.0.as_str(), key.1, counts.get(&key).copied().unwrap_or(0))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_are_counted_by_severity_and_by_what_was_done_about_them() {
        let now = Timestamp::from_micros(1_000_000);
        let alert = |severity: &str, status: &str, silenced: Option<i64>| -> Alert {
            serde_json::from_value(serde_json::json!({
                "id": "0195eeee-0000-7000-8000-000000000001", "severity": severity, "status": status, "source": "queue",
                "message": "m", "time": now, "last_seen": now, "count": 1,
                "silenced_until": silenced.map(Timestamp::from_micros),
            }))
            .unwrap()
        };
        let all = [
            alert("critical", "active", None),
            alert("critical", "active", Some(999_999)),
            alert("critical", "acknowledged", None),
            alert("warning", "active", Some(2_000_000)),
        ];
        let counts = count(all.iter(), now);
        assert_eq!(counts.len(), Severity::ALL.len() * 3, "each is there, so that none has to be guessed: {counts:?}");
        let some: Vec<_> = counts.into_iter().filter(|(.., count)| *count > 0).collect();
        assert_eq!(some.len(), 3, "{some:?}");
        for expected in [("critical", "active", 2), ("critical", "acknowledged", 1), ("warning", "silenced", 1)] {
            assert!(some.contains(&expected), "{expected:?} in {some:?}");
        }
    }
}
