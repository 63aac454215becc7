//! What is different between two declarations, field by field, for people.

use std::collections::{BTreeMap, BTreeSet};

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
    if let (Some(before), Some(after)) = (members(old), members(new)) {
        let (known, names) = (fields.len(), before.keys().chain(after.keys()).collect::<BTreeSet<_>>());
        for name in &names {
            let path = if path.is_empty() { (*name).clone() } else { format!("{path}.{name}") };
            let value = |map: &BTreeMap<String, Value>| map.get(*name).cloned().unwrap_or(Value::Null);
            compare(&path, &value(&before), &value(&after), fields);
        }
        if !names.is_empty() && fields.len() == known {
            fields.push(format!("{path}: in another order"));
        }
        if !names.is_empty() {
            return;
        }
    }
    fields.push(format!("{path}: {} -> {}", show(path, old), show(path, new)));
}

/// What stands in a value, by name: in an object, and in a list of objects that have a type or a name each; in none nothing.
fn members(value: &Value) -> Option<BTreeMap<String, Value>> {
    match value {
        Value::Object(map) => Some(map.iter().map(|(name, value)| (name.clone(), value.clone())).collect()),
        Value::Array(list) if !list.is_empty() => {
            let name = |one: &Value| one.get("type").or_else(|| one.get("name"))?.as_str().map(str::to_owned);
            let named = list.iter().map(|one| Some((name(one)?, one.clone()))).collect::<Option<BTreeMap<_, _>>>()?;
            // Of two of one name nobody could tell which is meant.
            (named.len() == list.len()).then_some(named)
        }
        Value::Null | Value::Array(_) => Some(BTreeMap::new()),
        _ => None,
    }
}

/// The fields whose numbers are bytes.
const SIZES: [&str; 5] = ["memory", "gpu_memory", "disk", "storage", "output"];

/// A value as it stands in a difference: sizes with their units, as a fleet file has them, and lists word by word.
fn show(path: &str, value: &Value) -> String {
    let field = path.rsplit('.').next().unwrap_or(path);
    match (value, value.as_u64()) {
        (Value::Null, _) => "none".to_owned(),
        (Value::String(text), _) => text.clone(),
        (Value::Object(map), _) if map.is_empty() => "nothing in it".to_owned(),
        (Value::Array(list), _) if list.is_empty() => "none".to_owned(),
        (Value::Array(list), _) => {
            let between = if field == "command" { " " } else { ", " };
            list.iter().map(|one| word(path, one)).collect::<Vec<_>>().join(between)
        }
        (_, Some(bytes)) if SIZES.contains(&field) => Bytes::new(bytes).to_string(),
        (other, _) => other.to_string(),
    }
}

/// A word of a list, in quotes where one could not see where it ends.
fn word(path: &str, value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() || text.contains([' ', ',', '"']) => value.to_string(),
        _ => show(path, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_field_has_a_line_and_none_is_json() {
        let old = json!({
            "name": "ann", "keywords": ["sql"], "tools": [], "limits": null, "capabilities": [{"type": "shell"}],
            "runtime": {"command": ["make", "test"], "env": {}}, "configuration": {"settings": {"model": "a"}},
        });
        let new = json!({
            "name": "ann", "keywords": ["sql", "query plan"], "tools": ["git"], "limits": {"memory": 1_073_741_824, "pids": 9},
            "capabilities": [{"type": "review", "parameters": {"languages": ["rust"]}}, {"type": "shell"}],
            "runtime": {"command": ["make", "all tests"], "env": {"A": "1"}}, "configuration": null,
        });
        let expected = [
            "capabilities.review.parameters.languages: none -> rust",
            "capabilities.review.type: none -> review",
            "configuration.settings.model: a -> none",
            "keywords: sql -> sql, \"query plan\"",
            "limits.memory: none -> 1GiB",
            "limits.pids: none -> 9",
            "runtime.command: make test -> make \"all tests\"",
            "runtime.env.A: none -> 1",
            "tools: none -> git",
        ];
        assert_eq!(differences(&old, &new), expected);
        assert_eq!(differences(&json!({"env": null}), &json!({"env": {}})), ["env: none -> nothing in it"]);
        let order = |first: &str, second: &str| json!({"a": [{"type": first}, {"type": second}]});
        assert_eq!(differences(&order("x", "y"), &order("y", "x")), ["a: in another order"]);
        let twice = json!({"rules": [{"name": "a", "at": 1}, {"name": "a", "at": 2}]});
        assert_eq!(differences(&json!({"rules": [5]}), &twice).len(), 1);
    }
}
