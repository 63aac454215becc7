//! The OpenAPI description, generated from the table of routes and the types' own schemas.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::routes::{ROUTES, Shape};
use crate::api::types::{MORE_HEADER, NEXT_HEADER, TOTAL_HEADER};
use crate::store::COUNT_MAX;

/// The description as OpenAPI 3.1, whose schemas are JSON Schema 2020-12.
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for route in ROUTES {
        let mut operation = Map::new();
        operation.insert("summary".into(), json!(route.summary));
        operation.insert("operationId".into(), json!(route.operation));
        let path_parameters = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let parameters: Vec<_> = path_parameters
            .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
            .chain(route.query.iter().map(|(name, description)| {
                json!({"name": name, "in": "query", "description": description, "schema": {"type": "string"}})
            }))
            .collect();
        if !parameters.is_empty() {
            operation.insert("parameters".into(), parameters.into());
        }
        if let Some(body) = route.body {
            let schema = body(&mut generator);
            operation.insert(
                "requestBody".into(),
                json!({"required": true, "content": {"application/json": {"schema": schema}}}),
            );
        }
        let content = match route.gives {
            Shape::Json(schema) => json!({"application/json": {"schema": schema(&mut generator)}}),
            Shape::List(schema) | Shape::Journal(schema) => {
                json!({"application/json": {"schema": {"type": "array", "items": schema(&mut generator)}}})
            }
            Shape::Events(schema) => json!({"text/event-stream": {"schema": schema(&mut generator)}}),
            Shape::Bytes(kind) => json!({kind: {}}),
            Shape::Nothing => Value::Null,
        };
        let mut success = json!({"description": "done"});
        if !content.is_null() {
            success["content"] = content;
        }
        let headers = headers(&route.gives);
        if !headers.is_null() {
            success["headers"] = headers;
        }
        let refusal = generator.subschema_for::<crate::domain::Refusal>();
        let failure = json!({
            "description": "refused; the object names field, value, what is allowed and what to do",
            "content": {"application/json": {"schema": {"type": "object", "properties": {"error": refusal}}}},
        });
        operation.insert("responses".into(), json!({"2XX": success, "4XX": failure.clone(), "5XX": failure}));
        let entry = paths.entry(route.path).or_insert_with(|| json!({}));
        entry[route.method] = operation.into();
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Menagerie",
            "version": crate::VERSION,
            "description": "The engine's interface over its Unix socket, engine.sock in the data directory. \
                Only the account that runs the engine, and root, may connect.",
        },
        "paths": paths,
        "components": {"schemas": generator.take_definitions(true)},
    })
}

/// What stands in the headers of a list.
fn headers(gives: &Shape) -> Value {
    let header = |description: String, kind: &str| json!({"description": description, "schema": {"type": kind}});
    match gives {
        Shape::List(_) => json!({
            TOTAL_HEADER: header("how many items match in all".to_owned(), "integer"),
            MORE_HEADER: header(
                format!("true when there are more than {TOTAL_HEADER}: what has to be counted one by one is counted up to \
                    {COUNT_MAX}, or until it takes too long; absent otherwise"),
                "boolean",
            ),
        }),
        Shape::Journal(_) => json!({
            NEXT_HEADER: header(
                "the record to go on from, as `after`, or as `before` with order=desc; absent at the end".to_owned(),
                "integer",
            ),
        }),
        _ => Value::Null,
    }
}
