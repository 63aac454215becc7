//! The committed descriptions are those that the code generates. `MENAGERIE_UPDATE=1 cargo test --test contract` rewrites
//! them, so that a change of contract shows in the difference.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write;

use menagerie::api::{filters, server};
use menagerie::domain::filter::tables;

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

/// The line of `docs/filter.md` below which the fields of every list stand.
const WRITTEN: &str = "<!-- What follows is written by the tests: MENAGERIE_UPDATE=1 cargo test --test contract -->";

/// A table of the fields of every list that can be filtered.
fn fields() -> String {
    let tables = tables::ALL.iter().copied().chain([&filters::GRID, &filters::INBOX]);
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
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/filter.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (written, _) = page.split_once(WRITTEN).expect("the page says where the fields begin");
    let current = format!("{written}{WRITTEN}\n{}", fields());
    if std::env::var_os("MENAGERIE_UPDATE").is_some() {
        std::fs::write(path, &current).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(committed == current, "docs/filter.md is not current; run MENAGERIE_UPDATE=1 cargo test --test contract");
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
