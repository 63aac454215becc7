//! Holds what a collector is sent against the shape that OTLP has in JSON: every field by name and by kind, and nothing
//! else. Names and kinds are those of the public Protobuf messages in their JSON mapping.

use serde_json::Value;

use super::listener::Request;

/// What a field holds.
enum Kind {
    Text,
    /// A whole number of 64 bits, as a text.
    Long,
    /// A number.
    Number,
    /// A number that stands for a word of an enumeration, at most this.
    Word(u64),
    Bool,
    /// So many hexadecimal digits, not all zero.
    Id(usize),
    List(Shape),
    Longs,
    Numbers,
    Object(Shape),
    /// Exactly one of these.
    OneOf(Shape),
}

type Shape = fn() -> Vec<(&'static str, Kind)>;

use Kind::{Bool, Id, List, Long, Longs, Number, Numbers, Object, OneOf, Text, Word};

fn any_value() -> Vec<(&'static str, Kind)> {
    vec![("stringValue", Text), ("intValue", Long), ("doubleValue", Number), ("boolValue", Bool)]
}

fn attribute() -> Vec<(&'static str, Kind)> {
    vec![("key", Text), ("value", OneOf(any_value))]
}

fn link() -> Vec<(&'static str, Kind)> {
    vec![("traceId", Id(32)), ("spanId", Id(16)), ("attributes", List(attribute))]
}

fn status() -> Vec<(&'static str, Kind)> {
    vec![("code", Word(2)), ("message", Text)]
}

fn span() -> Vec<(&'static str, Kind)> {
    vec![
        ("traceId", Id(32)),
        ("spanId", Id(16)),
        ("parentSpanId", Id(16)),
        ("name", Text),
        ("kind", Word(5)),
        ("startTimeUnixNano", Long),
        ("endTimeUnixNano", Long),
        ("attributes", List(attribute)),
        ("links", List(link)),
        ("status", Object(status)),
    ]
}

fn scope() -> Vec<(&'static str, Kind)> {
    vec![("name", Text), ("version", Text)]
}

fn resource() -> Vec<(&'static str, Kind)> {
    vec![("attributes", List(attribute))]
}

fn scope_spans() -> Vec<(&'static str, Kind)> {
    vec![("scope", Object(scope)), ("spans", List(span))]
}

fn resource_spans() -> Vec<(&'static str, Kind)> {
    vec![("resource", Object(resource)), ("scopeSpans", List(scope_spans))]
}

fn traces() -> Vec<(&'static str, Kind)> {
    vec![("resourceSpans", List(resource_spans))]
}

fn number_point() -> Vec<(&'static str, Kind)> {
    vec![
        ("attributes", List(attribute)),
        ("startTimeUnixNano", Long),
        ("timeUnixNano", Long),
        ("asDouble", Number),
        ("asInt", Long),
    ]
}

fn histogram_point() -> Vec<(&'static str, Kind)> {
    vec![
        ("attributes", List(attribute)),
        ("startTimeUnixNano", Long),
        ("timeUnixNano", Long),
        ("count", Long),
        ("sum", Number),
        ("min", Number),
        ("max", Number),
        ("bucketCounts", Longs),
        ("explicitBounds", Numbers),
    ]
}

fn gauge() -> Vec<(&'static str, Kind)> {
    vec![("dataPoints", List(number_point))]
}

fn sum() -> Vec<(&'static str, Kind)> {
    vec![("dataPoints", List(number_point)), ("aggregationTemporality", Word(2)), ("isMonotonic", Bool)]
}

fn histogram() -> Vec<(&'static str, Kind)> {
    vec![("dataPoints", List(histogram_point)), ("aggregationTemporality", Word(2))]
}

fn metric() -> Vec<(&'static str, Kind)> {
    vec![
        ("name", Text),
        ("unit", Text),
        ("description", Text),
        ("gauge", Object(gauge)),
        ("sum", Object(sum)),
        ("histogram", Object(histogram)),
    ]
}

fn scope_metrics() -> Vec<(&'static str, Kind)> {
    vec![("scope", Object(scope)), ("metrics", List(metric))]
}

fn resource_metrics() -> Vec<(&'static str, Kind)> {
    vec![("resource", Object(resource)), ("scopeMetrics", List(scope_metrics))]
}

fn metrics() -> Vec<(&'static str, Kind)> {
    vec![("resourceMetrics", List(resource_metrics))]
}

fn object(value: &Value, shape: Shape, place: &str) {
    let fields = shape();
    for (name, value) in value.as_object().unwrap_or_else(|| panic!("{place} is no object: {value}")) {
        let found = fields.iter().find(|(known, _)| known == name);
        let (_, kind) = found.unwrap_or_else(|| panic!("{place} has no field {name}"));
        holds(value, kind, &format!("{place}.{name}"));
    }
}

fn holds(value: &Value, kind: &Kind, place: &str) {
    let long = |value: &Value| value.as_str().is_some_and(|text| text.parse::<i64>().is_ok());
    let fine = match kind {
        Text => value.is_string(),
        Long => long(value),
        Number => value.is_number(),
        Word(most) => value.as_u64().is_some_and(|word| word <= *most),
        Bool => value.is_boolean(),
        Id(digits) => value.as_str().is_some_and(|id| {
            let fine = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            id.len() == *digits && id.bytes().all(fine) && id.bytes().any(|byte| byte != b'0')
        }),
        Longs => value.as_array().is_some_and(|list| list.iter().all(long)),
        Numbers => value.as_array().is_some_and(|list| list.iter().all(Value::is_number)),
        Object(shape) => {
            object(value, *shape, place);
            true
        }
        OneOf(shape) => {
            object(value, *shape, place);
            value.as_object().is_some_and(|fields| fields.len() == 1)
        }
        List(shape) => {
            let list = value.as_array().unwrap_or_else(|| panic!("{place} is no list: {value}"));
            for item in list {
                object(item, *shape, place);
            }
            true
        }
    };
    assert!(fine, "{place}: {value}");
}

/// Everything below a field of lists, of all requests to a path.
fn below(requests: &[Request], path: &str, shape: Shape, fields: [&str; 3]) -> Vec<Value> {
    let mut found = vec![];
    for request in requests.iter().filter(|request| request.path == path) {
        object(&request.body, shape, path);
        for resource in request.body[fields[0]].as_array().unwrap() {
            for scope in resource[fields[1]].as_array().unwrap() {
                found.extend(scope[fields[2]].as_array().unwrap().iter().cloned());
            }
        }
    }
    found
}

/// The spans of these requests, all of which are as they should be.
pub fn spans(requests: &[Request]) -> Vec<Value> {
    let spans = below(requests, "/v1/traces", traces, ["resourceSpans", "scopeSpans", "spans"]);
    for span in &spans {
        let time = |field: &str| span[field].as_str().and_then(|text| text.parse::<u64>().ok()).unwrap();
        assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"), "{span}");
        assert!(!span["name"].as_str().unwrap().is_empty(), "{span}");
    }
    spans
}

/// The metrics of these requests, likewise.
pub fn all_metrics(requests: &[Request]) -> Vec<Value> {
    let metrics = below(requests, "/v1/metrics", metrics, ["resourceMetrics", "scopeMetrics", "metrics"]);
    for metric in &metrics {
        let kinds: Vec<_> =
            ["gauge", "sum", "histogram"].into_iter().filter(|kind| metric.get(kind).is_some()).collect();
        let [kind] = kinds[..] else { panic!("not of one kind: {metric}") };
        let points = metric[kind]["dataPoints"].as_array().unwrap();
        assert!(!points.is_empty(), "{metric}");
        for point in points.iter().filter(|_| kind == "histogram") {
            let (counts, bounds) =
                (point["bucketCounts"].as_array().unwrap(), point["explicitBounds"].as_array().unwrap());
            assert_eq!(counts.len(), bounds.len() + 1);
            let sum: u64 = counts.iter().map(|count| count.as_str().unwrap().parse::<u64>().unwrap()).sum();
            assert_eq!(point["count"], sum.to_string());
        }
    }
    metrics
}

/// The value of an attribute, as a text.
pub fn attribute_of(of: &Value, key: &str) -> Option<String> {
    let attribute = of["attributes"].as_array()?.iter().find(|attribute| attribute["key"] == key)?;
    let value = attribute["value"].as_object()?.values().next()?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}
