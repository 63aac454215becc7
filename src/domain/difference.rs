//! What is different between two declarations, field by field, for people.

use std::collections::BTreeSet;

use serde_json::Value;

use super::quantity::Bytes;

/// `limits.memory: 128MiB -> 256MiB` for each leaf that differs.
pub fn differences(old: &Value, new: &Value) -> Vec<String> {
    let mut fields = vec![];
    compare("", old, new, &mut fields);
    fields
}

fn compare(path: &str, old: &Value, new: &Value, fields: &mut Vec<String>) {
    if old == new {
        return;
    }
    if let (Value::Object(before), Value::Object(after)) = (old, new) {
        let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for name in names {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let value = |map: &serde_json::Map<String, Value>| map.get(name).cloned().unwrap_or(Value::Null);
            compare(&path, &value(before), &value(after), fields);
        }
        return;
    }
    fields.push(format!("{path}: {} -> {}", show(path, old), show(path, new)));
}

/// The fields whose numbers are bytes.
const SIZES: [&str; 5] = ["memory", "gpu_memory", "disk", "storage", "output"];

/// A value as it stands in a difference: sizes with their units, as a fleet file has them.
fn show(path: &str, value: &Value) -> String {
    let field = path.rsplit('.').next().unwrap_or(path);
    match (value, value.as_u64()) {
        (Value::Null, _) => "none".to_owned(),
        (Value::String(text), _) => text.clone(),
        (_, Some(bytes)) if SIZES.contains(&field) => Bytes::new(bytes).to_string(),
        (other, _) => other.to_string(),
    }
}
