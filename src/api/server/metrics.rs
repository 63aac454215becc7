//! Metrics: which there are, and what they were.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};

use super::reads::pairs;
use super::{Failure, Service, past};
use crate::api::client::encode;
use crate::api::types::TOTAL_HEADER;
use crate::domain::metric::{Answer, Function, Grouping, MetricKind, Query, Selector, Stats, unknown};
use crate::domain::{Refusal, RefusalKind, Span, Timestamp};
use crate::engine::samples::{self, METRICS};
use crate::store;
use crate::store::series::Handle;

/// How long a range is when nothing is said.
const RANGE: Span = Span::from_secs(3600);
/// How many steps a range has when nothing is said.
const STEPS: i64 = 300;

/// Runs `look` off the threads that serve requests: it reads files.
async fn read<T: Send + 'static>(
    service: &Service,
    look: impl FnOnce(&Handle) -> Result<T, store::Error> + Send + 'static,
) -> Result<T, Failure> {
    let handle = service.running()?.recorder.handle()?.clone();
    let read = tokio::task::spawn_blocking(move || look(&handle)).await;
    read.map_err(|error| Failure(Refusal::new(RefusalKind::Unavailable, "the query", error)))?
        .map_err(|error| Failure(unmeasured(Failure::from(error).0)))
}

/// What is to be said when there is no series of a metric that there is; and of one that there is not which may be meant,
/// measured here so far or not.
fn unmeasured(refusal: Refusal) -> Refusal {
    if refusal.kind != RefusalKind::NotFound {
        return refusal;
    }
    if samples::metric(&refusal.value).is_some() {
        return refusal.hint("it is a metric, but nothing of it was measured here so far");
    }
    let otherwise = refusal.hint.clone();
    let near = unknown(&refusal.value, METRICS.iter().map(|metric| metric.name), &otherwise);
    refusal.hint(near.hint)
}

/// `GET /v1/metrics`.
pub(super) async fn list(State(service): State<Service>) -> Result<Response, Failure> {
    if past::is(&service) {
        return past::from_present(&service, "/v1/metrics".to_owned(), vec![]).await;
    }
    let metrics = service.running()?.recorder.handle()?.names();
    Ok(([(TOTAL_HEADER, metrics.len().to_string())], Json(metrics)).into_response())
}

/// `GET /v1/metrics/{name}/labels`.
pub(super) async fn labels(State(service): State<Service>, Path(name): Path<String>) -> Result<Response, Failure> {
    if past::is(&service) {
        return past::from_present(&service, format!("/v1/metrics/{}/labels", encode(&name)), vec![]).await;
    }
    let labels: BTreeMap<String, BTreeSet<String>> =
        service.running()?.recorder.handle()?.labels(&name).map_err(unmeasured)?;
    Ok(Json(labels).into_response())
}

/// `GET /v1/metrics/stats`.
pub(super) async fn stats(State(service): State<Service>) -> Result<Json<Stats>, Failure> {
    read(&service, |handle| Ok(handle.stats())).await.map(Json)
}

/// `GET /v1/metrics/query`.
pub(super) async fn query(State(service): State<Service>, RawQuery(raw): RawQuery) -> Result<Response, Failure> {
    let now = service.running()?.clock.now();
    let asked = Asked::read(raw.as_deref())?;
    if past::is(&service) {
        // What was measured after the moment has not happened yet.
        let to = asked.to.map_or(now, |to| to.min(now));
        let mut asked = pairs(raw.as_deref())?;
        asked.retain(|(name, _)| name != "to");
        asked.push(("to".to_owned(), to.to_string()));
        return past::from_present(&service, "/v1/metrics/query".to_owned(), asked).await;
    }
    let answer: Answer = read(&service, move |handle| {
        let query = asked.query(handle, now);
        handle.query(&query)
    })
    .await?;
    Ok(Json(answer).into_response())
}

/// A query as it was asked, before what was left out is filled in.
struct Asked {
    selector: Selector,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    step: Option<Span>,
    function: Option<Function>,
    grouping: Option<Grouping>,
}

impl Asked {
    fn read(raw: Option<&str>) -> Result<Self, Refusal> {
        let mut selector = None;
        let (mut from, mut to, mut step, mut function) = (None, None, None, None);
        let (mut aggregate, mut by) = (None, None);
        for (name, value) in pairs(raw)? {
            let within = |refusal: Refusal| refusal.within(&name);
            match name.as_str() {
                "series" => selector = Some(value.parse()?),
                "from" => from = Some(value.parse().map_err(within)?),
                "to" => to = Some(value.parse().map_err(within)?),
                "step" => step = Some(value.parse().map_err(within)?),
                "function" => function = Some(value.parse()?),
                "aggregate" => aggregate = Some(value.parse()?),
                "by" => by = Some(value.split(',').map(|label| label.trim().to_owned()).collect::<Vec<_>>()),
                _ => {
                    let known = ["series", "from", "to", "step", "function", "aggregate", "by"];
                    return Err(Refusal::not_one_of("parameter", &name, &known));
                }
            }
        }
        let grouping = match (aggregate, by) {
            (Some(aggregate), by) => Some(Grouping { aggregate, by: by.unwrap_or_default() }),
            (None, None) => None,
            (None, Some(_)) => {
                return Err(Refusal::invalid("aggregate", "", "with by: sum, avg, min or max"));
            }
        };
        let selector = selector.ok_or_else(|| {
            Refusal::invalid("series", "", "a metric's name, perhaps with labels in braces").hint("See GET /v1/metrics")
        })?;
        Ok(Self { selector, from, to, step, function, grouping })
    }

    /// With what was left out: the last hour, in three hundred steps, and what says most about the kind of metric.
    fn query(self, handle: &Handle, now: Timestamp) -> Query {
        let to = self.to.unwrap_or(now);
        let from = self.from.unwrap_or_else(|| Timestamp::from_micros(to.as_micros() - RANGE.as_micros()));
        let step = self.step.unwrap_or_else(|| {
            let seconds = to.since(from).as_micros() / STEPS / 1_000_000;
            Span::from_secs(seconds.max(1))
        });
        let function = self.function.unwrap_or_else(|| {
            let metrics = handle.names();
            match metrics.iter().find(|metric| metric.name == self.selector.name).map(|metric| metric.meta.kind) {
                Some(MetricKind::Counter) => Function::Rate,
                Some(MetricKind::Histogram) => Function::P95,
                Some(MetricKind::Gauge) | None => Function::Avg,
            }
        });
        Query { selector: self.selector, from, to, step, function, grouping: self.grouping }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_metric_that_there_is_nobody_is_told_that_there_is_none_like_it() {
        let refusal =
            |name: &str| unmeasured(Refusal::not_found("metric", name).hint("did you mean \"up\"?")).to_string();
        assert!(refusal("menagerie_agent_running_tokens").contains("nothing of it was measured"));
        assert!(refusal("menagerie_agent_running_token").contains("did you mean \"menagerie_agent_running_tokens\"?"));
        let peak = refusal("menagerie_cage_memory_peak");
        assert!(peak.contains("did you mean \"menagerie_cage_memory_peak_bytes\"?"), "{peak}");
        assert!(refusal("wholly_other").contains("did you mean \"up\"?"), "else what the store knows");
    }

    #[test]
    fn what_is_asked_is_read_or_refused() {
        let asked = Asked::read(Some(
            "series=up%7Bcage%3D%22001%22%7D&from=2026-11-28T00:00:00Z&step=5m&function=max&aggregate=sum&by=node,cage",
        ));
        let asked = asked.unwrap();
        assert_eq!(asked.selector.to_string(), "up{cage=\"001\"}");
        assert_eq!((asked.step, asked.function), (Some(Span::from_secs(300)), Some(Function::Max)));
        assert_eq!(asked.grouping.unwrap().by, ["node", "cage"]);
        for (bad, says) in [
            ("", "series"),
            ("series=up&stp=5m", "did you mean \"step\"?"),
            ("series=up&step=often", "step"),
            ("series=up&function=mean", "avg"),
            ("series=up&by=cage", "aggregate"),
            ("series=u p", "metric"),
        ] {
            let refusal = Asked::read(Some(bad)).err().unwrap().to_string();
            assert!(refusal.contains(says), "{bad}: {refusal}");
        }
    }
}
