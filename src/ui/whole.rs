//! Lists that the engine gives whole, since they are short and in its memory: narrowed, sorted and cut into pages here, so
//! that they are lists like any other.

use std::cmp::Ordering;

use super::request::Page;
use crate::api::client::{Client, Error, Query};
use crate::api::types::AlertRuleRow;
use crate::domain::Silence;

/// Alert rules.
///
/// # Errors
/// Those of the client.
pub fn rules(client: &Client, query: &Query) -> Result<Page<AlertRuleRow>, Error> {
    Ok(rules_page(client.get("/v1/alert-rules", &vec![])?, query))
}

/// The part of alert rules that is asked for.
pub fn rules_page(all: Vec<AlertRuleRow>, query: &Query) -> Page<AlertRuleRow> {
    let text = |row: &AlertRuleRow| {
        let rule = &row.rule;
        let state = if rule.enabled { "enabled" } else { "disabled" };
        format!("{} {} {} {state} {}", rule.name, rule.metric, rule.scope, rule.message)
    };
    let compare = |one: &AlertRuleRow, other: &AlertRuleRow, field: &str| match field {
        "enabled" => one.rule.enabled.cmp(&other.rule.enabled),
        "scope" => one.rule.scope.cmp(&other.rule.scope),
        "metric" => one.rule.metric.cmp(&other.rule.metric),
        "alerts" => one.alerts.cmp(&other.alerts),
        "fired" => one.fired.cmp(&other.fired),
        "last_fired" => one.last_fired.cmp(&other.last_fired),
        _ => one.rule.name.cmp(&other.rule.name),
    };
    page(all, query, text, compare)
}

/// Silences.
///
/// # Errors
/// Those of the client.
pub fn silences(client: &Client, query: &Query) -> Result<Page<Silence>, Error> {
    Ok(silences_page(client.get("/v1/silences", &vec![])?, query))
}

/// The part of silences that is asked for.
pub fn silences_page(all: Vec<Silence>, query: &Query) -> Page<Silence> {
    let text = |silence: &Silence| {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        format!("{} {} {}", part(&silence.matcher.rule), part(&silence.matcher.source), part(&silence.note))
    };
    let compare = |one: &Silence, other: &Silence, field: &str| match field {
        "rule" => one.matcher.rule.cmp(&other.matcher.rule),
        "source" => one.matcher.source.cmp(&other.matcher.source),
        "created_at" => one.created_at.cmp(&other.created_at),
        _ => one.until.cmp(&other.until),
    };
    page(all, query, text, compare)
}

/// Those in whose text every word of the filter is, sorted by the fields asked for and then as they came.
fn page<T>(
    mut all: Vec<T>,
    query: &Query,
    text: impl Fn(&T) -> String,
    compare: impl Fn(&T, &T, &str) -> Ordering,
) -> Page<T> {
    let given = |name: &str| query.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let words: Vec<String> = given("filter").split_whitespace().map(str::to_lowercase).collect();
    if !words.is_empty() {
        all.retain(|row| {
            let text = text(row).to_lowercase();
            words.iter().all(|word| text.contains(word.as_str()))
        });
    }
    for field in given("sort").split(',').rev().filter(|field| !field.is_empty()) {
        match field.strip_prefix('-') {
            Some(field) => all.sort_by(|one, other| compare(other, one, field)),
            None => all.sort_by(|one, other| compare(one, other, field)),
        }
    }
    let total = all.len() as u64;
    let number = |name: &str, default: usize| given(name).parse().unwrap_or(default);
    let rows = all.into_iter().skip(number("offset", 0)).take(number("limit", 100)).collect();
    Page { rows, total }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_narrowed_sorted_and_cut() {
        let asked = |filter: &str, sort: &str, offset: usize, limit: usize| {
            let query: Query = [
                ("filter", filter.to_owned()),
                ("sort", sort.to_owned()),
                ("offset", offset.to_string()),
                ("limit", limit.to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec();
            let all = vec!["Alpha one", "beta two", "alpha three", "gamma"];
            let found = page(all, &query, |row| (*row).to_owned(), |one, other, _| one.len().cmp(&other.len()));
            (found.rows, found.total)
        };
        assert_eq!(asked("", "", 1, 2), (vec!["beta two", "alpha three"], 4));
        assert_eq!(asked("alpha", "-length", 0, 9), (vec!["alpha three", "Alpha one"], 2));
        assert_eq!(asked("alpha one", "length", 0, 9), (vec!["Alpha one"], 1));
        assert_eq!(asked("", "length", 3, 9), (vec!["alpha three"], 4));
    }
}
