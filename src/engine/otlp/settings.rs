//! The collector, as the configuration names it.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::{Refusal, Span};
use crate::engine::http::check_url;

/// `[otlp]` of the configuration file: a collector of traces and metrics that speaks OTLP over HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OtlpSection {
    /// Its address, before `/v1/traces`: `http://127.0.0.1:4318`. Without one nothing is told.
    pub endpoint: Option<String>,
    /// Headers of every request, such as `authorization`.
    pub headers: BTreeMap<String, String>,
    /// How long spans wait for others to go with, 10ms to 5m. Default: `5s`.
    pub every: Option<Span>,
    /// How often metrics are told, 100ms to 1h; `0s` for never. Default: `60s`.
    pub metrics_every: Option<Span>,
    /// How many spans may wait, 1 to 1,000,000. Default: 8,192.
    pub queue: Option<u32>,
    /// How long one try may take, 10ms to 5m. Default: `10s`.
    pub timeout: Option<Span>,
}

/// A collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// Its address, without a slash at the end.
    pub endpoint: String,
    /// Headers of every request.
    pub headers: Vec<(String, String)>,
    /// How long spans wait for others to go with.
    pub every: Duration,
    /// How often metrics are told; `None` for never.
    pub metrics_every: Option<Duration>,
    /// How many spans may wait.
    pub queue: usize,
    /// How long one try may take.
    pub timeout: Duration,
}

const EVERY: Span = Span::from_secs(5);
const METRICS_EVERY: Span = Span::from_secs(60);
const QUEUE: u32 = 8192;
const QUEUE_MAX: u32 = 1_000_000;
const TIMEOUT: Span = Span::from_secs(10);
const SHORTEST: Span = Span::from_millis(10);
const LONGEST: Span = Span::from_secs(300);
/// How many headers there may be.
const HEADERS_MAX: usize = 32;

impl OtlpSection {
    /// The collector, checked; `None` when none is named.
    pub fn collector(&self) -> Result<Option<Collector>, Refusal> {
        let within = |refusal: Refusal| refusal.within("otlp");
        let between = |field: &str, span: Option<Span>, default: Span, least: Span, most: Span| {
            let span = span.unwrap_or(default);
            let fine = (least..=most).contains(&span);
            if fine { Ok(span) } else { Err(Refusal::invalid(field, span, format!("{least} to {most}"))) }
        };
        let every = between("every", self.every, EVERY, SHORTEST, LONGEST).map_err(within)?;
        let timeout = between("timeout", self.timeout, TIMEOUT, SHORTEST, LONGEST).map_err(within)?;
        let (least, most) = (Span::from_millis(100), Span::from_secs(3600));
        let metrics_every = match self.metrics_every {
            Some(Span::ZERO) => None,
            span => Some(between("metrics_every", span, METRICS_EVERY, least, most).map_err(within)?),
        };
        let queue = self.queue.unwrap_or(QUEUE);
        if !(1..=QUEUE_MAX).contains(&queue) {
            return Err(within(Refusal::invalid("queue", queue, format!("1 to {QUEUE_MAX}"))));
        }
        for (name, value) in &self.headers {
            let fine = hyper::header::HeaderName::try_from(name).is_ok()
                && hyper::header::HeaderValue::try_from(value).is_ok()
                && self.headers.len() <= HEADERS_MAX;
            if !fine {
                // The value may be a secret, and is not shown.
                let allowed = format!("at most {HEADERS_MAX}, each a name and a text on one line as HTTP has them");
                return Err(within(Refusal::invalid("headers", name, allowed)));
            }
        }
        let Some(endpoint) = &self.endpoint else { return Ok(None) };
        let instead = "for https run a collector on this machine that passes on what it gets";
        let endpoint = check_url("endpoint", endpoint, instead).map_err(within)?;
        if endpoint.contains('?') || endpoint.trim_end_matches('/').ends_with("/v1/traces") {
            let allowed = "the address before /v1/traces, such as http://127.0.0.1:4318";
            return Err(within(Refusal::invalid("endpoint", endpoint, allowed)));
        }
        Ok(Some(Collector {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            headers: self.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            every: every.to_std(),
            metrics_every: metrics_every.map(Span::to_std),
            queue: queue as usize,
            timeout: timeout.to_std(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_collector_is_named() {
        let read = |text: &str| toml::from_str::<OtlpSection>(text).unwrap().collector();
        assert_eq!(read("").unwrap(), None);
        let fine = read("endpoint = \"http://127.0.0.1:4318/\"\nheaders = { authorization = \"Bearer x\" }").unwrap();
        let fine = fine.unwrap();
        assert_eq!((fine.endpoint.as_str(), fine.queue), ("http://127.0.0.1:4318", 8192));
        assert_eq!((fine.every, fine.metrics_every), (Duration::from_secs(5), Some(Duration::from_mins(1))));
        let without = read("endpoint = \"http://c:1/otlp\"\nmetrics_every = \"0s\"").unwrap().unwrap();
        assert_eq!((without.endpoint.as_str(), without.metrics_every), ("http://c:1/otlp", None));
        for (text, expected) in [
            ("endpoint = \"https://x:4318\"", "for https run a collector"),
            ("endpoint = \"x:4318\"", "otlp: endpoint: \"x:4318\" is not allowed; allowed: http://HOST"),
            ("endpoint = \"http://x:4318/v1/traces\"", "the address before /v1/traces"),
            ("every = \"1ms\"", "otlp: every: \"1ms\" is not allowed; allowed: 10ms to 5m"),
            ("metrics_every = \"2h\"", "otlp: metrics_every"),
            ("queue = 0", "otlp: queue: \"0\""),
            ("timeout = \"1h\"", "otlp: timeout"),
            ("headers = { \"a b\" = \"c\" }", "otlp: headers: \"a b\""),
            ("headers = { a = \"secret\\n\" }", "otlp: headers: \"a\""),
        ] {
            let refusal = read(text).unwrap_err().to_string();
            assert!(refusal.contains(expected) && !refusal.contains("secret"), "{text}: {refusal}");
        }
        assert!(toml::from_str::<OtlpSection>("endpint = \"x\"").is_err());
    }
}
