//! The committed descriptions are those that the code generates. `MENAGERIE_UPDATE=1 cargo test --test contract` rewrites
//! them, so that a change of contract shows in the difference.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write;

use menagerie::api::{filters, server};
use menagerie::domain::filter::tables;
use menagerie::domain::metric::MetricKind;
use menagerie::engine::exposition::OWN;
use menagerie::engine::samples::METRICS;
use menagerie::ui::action::Scope;
use menagerie::ui::keymap::{Binding, Keymap};

#[test]
fn openapi_description_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
    let generated = serde_json::to_string_pretty(&server::openapi()).unwrap() + "\n";
    if std::env::var_os("MENAGERIE_UPDATE").is_some() {
        std::fs::write(path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == generated,
        "docs/openapi.json is not current; run MENAGERIE_UPDATE=1 cargo test --test contract"
    );
}

/// The line below which tests write: in `docs/filter.md` the fields of every list, in `docs/keys.md` the keys.
const WRITTEN: &str = "<!-- What follows is written by the tests: MENAGERIE_UPDATE=1 cargo test --test contract -->";

/// Holds what stands in a page below [`WRITTEN`] against what it should be.
fn holds(page: &str, current: &str) {
    let path = format!("{}/docs/{page}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let (by_hand, _) = text.split_once(WRITTEN).expect("the page says where the written part begins");
    let current = format!("{by_hand}{WRITTEN}\n{current}");
    if std::env::var_os("MENAGERIE_UPDATE").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(committed == current, "docs/{page} is not current; run MENAGERIE_UPDATE=1 cargo test --test contract");
}

/// A table of the fields of every list that can be filtered.
fn fields() -> String {
    let tables = tables::ALL.iter().chain(filters::ALL).copied();
    let mut text = String::new();
    for table in tables {
        let _ = write!(text, "\n## Fields of {}\n\n| field | what it is | values |\n| --- | --- | --- |\n", table.name);
        for field in table.fields {
            let names: Vec<_> =
                [&field.name].into_iter().chain(field.aliases).map(|name| format!("`{name}`")).collect();
            let searched = if field.searched { "; words are looked for here" } else { "" };
            let _ = writeln!(text, "| {} | {}{searched} | {} |", names.join(", "), field.help, field.values());
        }
    }
    text
}

#[test]
fn the_page_about_filters_has_every_field() {
    holds("filter.md", &fields());
}

/// A table of the keys of every place, in the order of the keymap.
fn keys() -> String {
    let keymap = Keymap::built_in();
    let mut text = String::new();
    for scope in Scope::ALL {
        let here: Vec<&Binding> = keymap.bindings().iter().filter(|binding| binding.scope == *scope).collect();
        let (name, place) = (scope.as_str(), scope.help());
        let _ = write!(text, "\n## [{name}]\n\n{place}\n\n| keys | action | what it does |\n| --- | --- | --- |\n");
        for row in here.chunk_by(|one, other| one.action.name == other.action.name) {
            let keys: Vec<_> = row.iter().map(|binding| format!("`{}`", binding.key).replace('|', "\\|")).collect();
            let action = row[0].action;
            let _ = writeln!(text, "| {} | `{}` | {} |", keys.join(" "), action.name, action.help);
        }
    }
    text
}

#[test]
fn the_page_about_keys_has_every_key() {
    holds("keys.md", &keys());
}

/// Calls `each` for every text in a JSON value, with the name of the field that it stands in.
fn texts(name: &str, value: &serde_json::Value, each: &mut dyn FnMut(&str, &str)) {
    match value {
        serde_json::Value::Object(map) => map.iter().for_each(|(name, value)| texts(name, value, each)),
        serde_json::Value::Array(items) => items.iter().for_each(|value| texts(name, value, each)),
        serde_json::Value::String(text) => each(name, text),
        _ => {}
    }
}

#[test]
fn the_dashboard_asks_for_metrics_that_there_are() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/grafana.json");
    let dashboard: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let known: Vec<_> = METRICS.iter().copied().chain(OWN).collect();
    let mut asked = std::collections::BTreeSet::new();
    texts("", &dashboard, &mut |field, text| {
        if !["expr", "definition", "query"].contains(&field) {
            return;
        }
        for word in
            text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.starts_with("menagerie_"))
        {
            let metric = known.iter().find(|metric| metric.name == word);
            let metric = metric.unwrap_or_else(|| panic!("{word} is no metric: {text}"));
            // A counter by itself says nothing.
            let risen = text.contains("rate(") || text.contains("increase(");
            assert_eq!(metric.kind == MetricKind::Counter, risen, "{text}");
            asked.insert(word.to_owned());
        }
    });
    assert!(asked.len() > 30, "{asked:?}");
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: std::collections::BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "every panel has an id of its own");
}

#[test]
fn pages_and_hints_speak_of_metrics_that_there_are() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docs");
    let pages = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut texts: Vec<String> = pages
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    texts.push(server::openapi().to_string());
    let known: Vec<&str> = METRICS.iter().copied().chain(OWN).map(|metric| metric.name).collect();
    let mut spoken_of = 0;
    for text in &texts {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        // Of some only the beginning stands there: `menagerie_node_*`.
        for word in words.filter(|word| word.starts_with("menagerie_") && !word.ends_with('_')) {
            assert!(known.contains(&word), "{word} is no metric");
            spoken_of += 1;
        }
    }
    assert!(spoken_of > 10);
}

#[test]
fn every_reference_in_the_description_leads_somewhere() {
    fn references(value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(map) => {
                found.extend(map.get("$ref").and_then(|target| target.as_str()).map(str::to_owned));
                map.values().for_each(|value| references(value, found));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = server::openapi();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20);
    for target in found {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
    }
}
