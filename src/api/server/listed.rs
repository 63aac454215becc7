//! Lists that are short enough to be gone through: filtered, sorted and paged in memory as those of the store are.

use std::cmp::Ordering;

use uuid::Uuid;

use crate::domain::filter::{Asker, Cell, Field, Filter, Kind, Names, Row, Table};
use crate::domain::{Refusal, Timestamp};
use crate::store::{Page, Query};

/// A value that rows are sorted by.
#[derive(PartialEq, PartialOrd)]
enum Value {
    Number(i64),
    Real(f64),
    Flag(bool),
    Text(String),
    Id(Uuid),
}

impl Value {
    /// The first that a row has of a field.
    fn of(row: &impl Row, field: &Field, now: Timestamp) -> Option<Self> {
        let mut value = None;
        row.cells(field.name, now, &mut |cell| {
            value.get_or_insert(match cell {
                Cell::Text(text) => Self::Text(text.to_owned()),
                Cell::Number(number) => Self::Number(number),
                Cell::Real(number) => Self::Real(number),
                Cell::Flag(flag) => Self::Flag(flag),
                Cell::Id(id) => Self::Id(id),
            });
        });
        value
    }
}

/// The part of some rows that is asked for.
pub(super) fn listed<T: Row>(table: &'static Table, mut items: Vec<T>, query: &Query) -> Result<Page<T>, Refusal> {
    let mut filter = Filter::parse(table, &query.filter)?;
    for (name, value) in &query.filters {
        filter.terms.push(Filter::exactly(table, name, value)?);
    }
    let names = Names::new();
    let asker = Asker { now: query.now, me: &[], names: &names };
    items.retain(|item| filter.matches(table, item, &asker));
    let sort = query.sort.as_deref().unwrap_or_default();
    let keys: Vec<_> = sort.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    // By the last field first: of those that are alike in a field the order stays.
    for key in keys.into_iter().rev() {
        let (name, descending) = key.strip_prefix('-').map_or((key, false), |name| (name, true));
        let field = table.field(name).ok_or_else(|| Refusal::not_one_of("sort", name, &table.names()))?;
        // The youngest began last.
        let descending = descending != matches!(field.kind, Kind::Age);
        items.sort_by(|one, other| {
            match (Value::of(one, field, query.now), Value::of(other, field, query.now)) {
                (Some(one), Some(other)) => {
                    let order = one.partial_cmp(&other).unwrap_or(Ordering::Equal);
                    if descending { order.reverse() } else { order }
                }
                // Those without a value come last, whichever way round.
                (one, other) => other.is_some().cmp(&one.is_some()),
            }
        });
    }
    let total = items.len() as u64;
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let items = items.into_iter().skip(number(query.offset)).take(number(query.limit)).collect();
    Ok(Page { items, total, more: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::filters::AGENT_VERSIONS;
    use crate::domain::AgentSpec;
    use crate::domain::agent::AgentVersion;

    fn versions() -> Vec<AgentVersion> {
        let version = |version: u64| AgentVersion {
            version,
            seq: version * 10,
            time: Timestamp::from_micros(1_000_000 * i64::try_from(version).unwrap()),
            actor: format!("user:{}", version % 2),
            spec: AgentSpec::new(if version < 3 { "ann" } else { "anna" }),
        };
        (1..=4).map(version).collect()
    }

    fn shown(query: &Query) -> (Vec<u64>, u64) {
        let page = listed(&AGENT_VERSIONS, versions(), query).unwrap();
        (page.items.iter().map(|one| one.version).collect(), page.total)
    }

    #[test]
    fn rows_are_filtered_sorted_and_paged() {
        let query = || Query { now: Timestamp::from_micros(10_000_000), ..Query::default() };
        let sorted = |sort: &str| shown(&Query { sort: Some(sort.to_owned()), ..query() });
        assert_eq!(shown(&query()), (vec![1, 2, 3, 4], 4));
        assert_eq!(sorted("-version"), (vec![4, 3, 2, 1], 4));
        assert_eq!(sorted("by,-version"), (vec![4, 2, 3, 1], 4));
        assert_eq!(sorted("age"), (vec![4, 3, 2, 1], 4), "the youngest first");
        let filtered = |filter: &str| shown(&Query { filter: filter.to_owned(), ..query() });
        assert_eq!(filtered("name:anna record:>=30"), (vec![3, 4], 2));
        let exact = |name: &str, value: &str| Query { filters: vec![(name.to_owned(), value.to_owned())], ..query() };
        assert_eq!(shown(&exact("version", "1,3")), (vec![1, 3], 2));
        assert_eq!(shown(&Query { limit: 2, offset: 1, ..query() }), (vec![2, 3], 4));
        assert!(listed(&AGENT_VERSIONS, versions(), &exact("foo", "1")).unwrap_err().to_string().contains("foo"));
        let sort = Some("spec".to_owned());
        assert!(listed(&AGENT_VERSIONS, versions(), &Query { sort, ..query() }).is_err());
    }
}
