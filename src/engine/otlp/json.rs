//! The shapes that OTLP has in JSON (the JSON mapping of its Protobuf messages, OTLP 1): names in lower camel case, ids in
//! hexadecimal, 64-bit numbers as texts, enumerations as numbers.

use serde_json::{Value, json};

use crate::domain::Timestamp;

/// The kind of a span that is work within the fleet, and of one that hands work over.
pub(super) const INTERNAL: u8 = 1;
pub(super) const PRODUCER: u8 = 4;
/// The state of a span that went well, and of one that did not.
pub(super) const OK: u8 = 1;
pub(super) const ERROR: u8 = 2;
/// Values that count from the start of the engine.
pub(super) const CUMULATIVE: u8 = 2;

/// Attributes in the making.
#[derive(Debug, Default)]
pub(super) struct Attributes(Vec<Value>);

impl Attributes {
    /// A text.
    pub(super) fn text(mut self, key: &str, value: impl Into<String>) -> Self {
        self.0.push(json!({"key": key, "value": {"stringValue": value.into()}}));
        self
    }

    /// A whole number.
    pub(super) fn int(mut self, key: &str, value: impl std::fmt::Display) -> Self {
        self.0.push(json!({"key": key, "value": {"intValue": value.to_string()}}));
        self
    }

    /// Yes or no.
    pub(super) fn bool(mut self, key: &str, value: bool) -> Self {
        self.0.push(json!({"key": key, "value": {"boolValue": value}}));
        self
    }

    /// A number that may have a fraction. One that JSON cannot have is left out.
    pub(super) fn double(mut self, key: &str, value: f64) -> Self {
        if value.is_finite() {
            self.0.push(json!({"key": key, "value": {"doubleValue": value}}));
        }
        self
    }

    /// What there may be: adds nothing for nothing.
    pub(super) fn maybe<T>(self, value: Option<T>, add: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => add(self, value),
            None => self,
        }
    }

    /// As OTLP has them.
    pub(super) fn done(self) -> Value {
        Value::Array(self.0)
    }
}

/// A time, in nanoseconds since the epoch.
pub(super) fn nanos(time: Timestamp) -> String {
    (i128::from(time.as_micros()).max(0) * 1000).to_string()
}

/// What all of it is about: this engine.
fn resource() -> Value {
    let attributes = Attributes::default()
        .text("service.name", "menagerie")
        .text("service.version", crate::VERSION)
        .text("host.name", crate::engine::link::host_name())
        .int("process.pid", std::process::id());
    json!({"attributes": attributes.done()})
}

fn scope() -> Value {
    json!({"name": "menagerie", "version": crate::VERSION})
}

/// The request that carries spans.
pub(super) fn traces(spans: &[Value]) -> Value {
    json!({"resourceSpans": [{"resource": resource(), "scopeSpans": [{"scope": scope(), "spans": spans}]}]})
}

/// The request that carries metrics.
pub(super) fn metrics(metrics: &[Value]) -> Value {
    json!({"resourceMetrics": [{"resource": resource(), "scopeMetrics": [{"scope": scope(), "metrics": metrics}]}]})
}
