//! Sends spans and metrics to the collector: again and again what it cannot take at the moment, and never again what it
//! does not want.

use std::time::Duration;

use hyper::StatusCode;
use hyper::body::Bytes;
use serde_json::Value;
use tokio::sync::watch;

use super::outbox::Outbox;
use super::settings::Collector;
use super::{Export, json, metrics};
use crate::engine::http;

/// The most spans in one request.
const BATCH: usize = 512;
/// How much of an answer is read.
const ANSWER_BYTES: usize = 64 << 10;
/// The pause after the first failure; each further one doubles it, up to the longest.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_LONGEST: Duration = Duration::from_mins(1);
/// The pause after each failure while the engine ends.
const PAUSE_LAST: Duration = Duration::from_millis(250);

/// Who sends, and where to.
pub(super) struct Sending {
    pub(super) collector: Collector,
    pub(super) outbox: Outbox,
    pub(super) export: Export,
    /// Set when the engine ends: what waits is sent at once then, and that is all.
    pub(super) leaving: watch::Receiver<bool>,
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It was taken, but for so many of its parts.
    Taken(u64),
    /// It may be taken later, perhaps after a time that the collector names.
    Later(String, Option<Duration>),
    /// It will not be taken.
    Unwanted(String),
}

impl Sending {
    /// Sends until the engine ends, and then what waits.
    pub(super) async fn run(self, metrics: metrics::Metrics) {
        tokio::join!(self.spans(), self.metrics(metrics));
    }

    async fn spans(&self) {
        loop {
            let batch = tokio::select! {
                batch = self.outbox.take(BATCH, self.collector.every) => batch,
                () = self.left() => match self.outbox.take_now(BATCH) {
                    none if none.is_empty() => return,
                    batch => batch,
                },
            };
            let body = body(&json::traces(&batch));
            let count = batch.len() as u64;
            let mut pause = PAUSE_FIRST;
            loop {
                match self.attempt("traces", &body).await {
                    Verdict::Taken(rejected) => {
                        self.export.change(|standing| standing.spans += count.saturating_sub(rejected));
                        self.outbox.miss(rejected);
                        break;
                    }
                    Verdict::Unwanted(_) => {
                        self.outbox.miss(count);
                        break;
                    }
                    Verdict::Later(..) if *self.leaving.borrow() => tokio::time::sleep(PAUSE_LAST).await,
                    Verdict::Later(_, asked) => {
                        // An end is a reason to try once more at once.
                        let wait = asked.unwrap_or(pause).min(PAUSE_LONGEST);
                        let _ = tokio::time::timeout(wait, self.left()).await;
                        pause = (pause * 2).min(PAUSE_LONGEST);
                    }
                }
            }
            self.outbox.settle();
        }
    }

    /// Resolves once the engine ends.
    async fn left(&self) {
        // Whoever would say so is gone only when the process is.
        let _ = self.leaving.clone().wait_for(|leaving| *leaving).await;
    }

    /// What could not be told is told the next time: the latest values are what counts.
    async fn metrics(&self, metrics: metrics::Metrics) {
        let Some(every) = self.collector.metrics_every else { return };
        loop {
            let last = tokio::time::timeout(every, self.left()).await.is_ok();
            let (told, count) = metrics.told();
            if !told.is_empty()
                && let Verdict::Taken(rejected) = self.attempt("metrics", &body(&json::metrics(&told))).await
            {
                self.export.change(|standing| standing.points += count.saturating_sub(rejected));
            }
            if last {
                return;
            }
        }
    }

    /// Tries once, and notes how it went.
    async fn attempt(&self, signal: &str, body: &Bytes) -> Verdict {
        let url = format!("{}/v1/{signal}", self.collector.endpoint);
        let posted = http::post(&url, &self.collector.headers, body.clone(), ANSWER_BYTES);
        let verdict = match tokio::time::timeout(self.collector.timeout, posted).await {
            Ok(Ok(answer)) => judge(&url, &answer),
            Ok(Err(error)) => Verdict::Later(error, None),
            Err(_) => Verdict::Later(format!("{url} did not answer within {:?}", self.collector.timeout), None),
        };
        let error = match &verdict {
            Verdict::Taken(_) => None,
            Verdict::Later(error, _) | Verdict::Unwanted(error) => Some(error.clone()),
        };
        let failures = self.export.standing().map_or(0, |standing| standing.failures);
        match &error {
            // What goes on for hours is said once.
            Some(error) if failures == 0 => tracing::warn!(error, "the collector of telemetry cannot be told"),
            None if failures > 0 => tracing::info!("the collector of telemetry is told again"),
            _ => {}
        }
        self.export.change(|standing| {
            standing.failures = if error.is_some() { failures.saturating_add(1) } else { 0 };
            standing.error = error;
        });
        verdict
    }
}

fn body(request: &Value) -> Bytes {
    Bytes::from(request.to_string())
}

/// What an answer means, by the protocol: of those that say no, four say not now.
fn judge(url: &str, answer: &http::Answer) -> Verdict {
    let why = || format!("{url} answered {}", answer.status);
    match answer.status {
        status if status.is_success() => {
            let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let partial = told.get("partialSuccess");
            let rejected = partial.and_then(|it| it.get("rejectedSpans").or_else(|| it.get("rejectedDataPoints")));
            // 64-bit numbers are texts, but not everybody keeps to that.
            let count = rejected.and_then(|count| count.as_u64().or_else(|| count.as_str()?.parse().ok()));
            Verdict::Taken(count.unwrap_or(0))
        }
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Verdict::Later(why(), answer.retry_after),
        _ => {
            let said = String::from_utf8_lossy(&answer.body);
            let said: String = said.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect();
            let said = said.trim();
            Verdict::Unwanted(if said.is_empty() { why() } else { format!("{}: {said}", why()) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> http::Answer {
        let retry_after = (status == 429).then_some(Duration::from_secs(7));
        let body = Bytes::copy_from_slice(body.as_bytes());
        http::Answer { status: StatusCode::from_u16(status).unwrap(), retry_after, body }
    }

    #[test]
    fn what_an_answer_means_follows_the_protocol() {
        let verdict = |status, body| judge("http://c/v1/traces", &answer(status, body));
        assert_eq!(verdict(200, ""), Verdict::Taken(0));
        assert_eq!(verdict(200, "{\"partialSuccess\":{}}"), Verdict::Taken(0));
        assert_eq!(verdict(200, "{\"partialSuccess\":{\"rejectedSpans\":\"3\"}}"), Verdict::Taken(3));
        assert_eq!(verdict(202, "{\"partialSuccess\":{\"rejectedDataPoints\":4}}"), Verdict::Taken(4));
        assert!(matches!(verdict(429, ""), Verdict::Later(_, Some(wait)) if wait == Duration::from_secs(7)));
        for status in [502, 503, 504] {
            assert!(matches!(verdict(status, ""), Verdict::Later(_, None)), "{status}");
        }
        for status in [301, 400, 401, 404, 413, 500] {
            assert!(matches!(verdict(status, ""), Verdict::Unwanted(_)), "{status}");
        }
        let Verdict::Unwanted(why) = verdict(400, "no\nsuch field") else { panic!() };
        assert!(why.ends_with("answered 400 Bad Request: no such field"), "{why}");
    }
}
