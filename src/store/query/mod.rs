//! Lists: filtered, sorted and paged by the names that people use.
//!
//! What can be asked of each list is data: the domain's table says which fields there are and how their values are read, and
//! the listing (see `listings`) where they are found. `terms` makes conditions of a filter, this file the statements.

mod count;
mod listings;
mod records;
mod terms;

use rusqlite::{Connection, Row};

use super::error::{Doing, Error};
use crate::domain::filter::{Field, Filter, Kind, Table, Test, Want};
use crate::domain::{Refusal, Timestamp};
use terms::Conditions;

pub(super) use count::Budget;
pub use count::COUNT_MAX;
use count::Counted;
#[cfg(test)]
pub(super) use listings::ALL;
pub(super) use listings::{
    AGENT_PERFORMANCE, AGENTS, ALERTS, ALLOCATIONS, ARTIFACTS, CAGES, EVENTS, EXECUTIONS, NODES, RESOURCES, TASKS,
    USERS,
};
pub(super) use records::records;
pub use records::{JournalPage, JournalQuery};
pub(super) use terms::register;

/// A question to a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Field and exact value; all must hold. Several values for one field, any of which may hold, stand with commas between.
    /// An id, agent, user, node or cage that does not exist is refused.
    pub filters: Vec<(String, String)>,
    /// In the filter language; see [`Filter`].
    pub filter: String,
    /// Fields with commas between, each with `-` before it for the largest first: `-priority,created_at`.
    pub sort: Option<String>,
    /// How many items at most; zero asks for the total alone.
    pub limit: u64,
    /// How many items to leave out at the front.
    pub offset: u64,
    /// The time from which ages and other spans are counted.
    pub now: Timestamp,
    /// The operating system's number of who asks, whom `me` means.
    pub uid: Option<u32>,
}

impl Default for Query {
    fn default() -> Self {
        let (filters, filter, sort) = (vec![], String::new(), None);
        Self { filters, filter, sort, limit: 100, offset: 0, now: Timestamp::EPOCH, uid: None }
    }
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The items asked for.
    pub items: Vec<T>,
    /// How many items the filter lets through in all.
    pub total: u64,
    /// Whether there are more than `total`: counting has a bound.
    pub more: bool,
}

/// Where a field of the table is found.
pub(super) struct Column {
    name: &'static str,
    /// Its expression, with `{now}` for the present time.
    value: &'static str,
    /// For a field with several values: the condition that one of them passes the comparison that is put for `{}`.
    around: Option<&'static str>,
    /// Whether the list can be sorted by it.
    sorted: bool,
    /// Whether there is an index that is meant for sorting alone.
    indexed: bool,
}

impl Column {
    /// A comparison of the value, as a condition on the row.
    fn wrapped(&self, comparison: &str) -> String {
        self.around.map_or_else(|| comparison.to_owned(), |around| around.replace("{}", comparison))
    }
}

/// What follows from asking for certain words only. There are indexes of what is open and of what went wrong, which the
/// database can only use when it is told.
pub(super) struct Implied {
    field: &'static str,
    words: &'static [&'static str],
    sql: &'static str,
}

impl Implied {
    fn follows(&self, field: &Field, wants: &[Want]) -> bool {
        let among = |want: &Want| matches!(want, Want::Word(word) if self.words.contains(word));
        field.name == self.field && wants.iter().all(among)
    }
}

/// Something that a list is ordered by.
#[derive(Clone, Copy)]
pub(super) struct Order {
    value: &'static str,
    descending: bool,
}

/// What can be asked of a list.
pub(super) struct Listing {
    table: &'static Table,
    columns: &'static str,
    from: &'static str,
    /// The order when none is asked for, and among equals of the one that is.
    order: &'static [Order],
    fields: &'static [Column],
    /// The row's number, where rows are long: which rows are wanted is then found without reading them whole.
    key: Option<&'static str>,
    /// The row's number, where that is the journal's record that made it and says no earlier time than the row does.
    numbered: Option<&'static str>,
    /// Where its total is known.
    counted: Counted,
    implied: &'static [Implied],
}

impl Listing {
    /// Where a field of the list's table is found; a test holds that each is.
    fn column(&self, field: &Field) -> Result<&'static Column, Error> {
        let fields = self.fields;
        let found = fields.iter().find(|column| column.name == field.name);
        found.ok_or_else(|| Refusal::invalid("filter", field.name, "another field; this one is not stored").into())
    }
}

#[cfg(test)]
impl Listing {
    pub(super) fn table(&self) -> &'static Table {
        self.table
    }

    pub(super) fn sorts(&self) -> Vec<&'static str> {
        self.fields.iter().filter(|column| column.sorted).map(|column| column.name).collect()
    }
}

/// Answers a question to a list.
pub(super) fn page<T>(
    connection: &Connection,
    budget: &Budget,
    listing: &'static Listing,
    query: &Query,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Page<T>, Error> {
    let doing = "reading a list";
    let sort = query.sort.as_deref().unwrap_or_default();
    let mut filter = Filter::parse(listing.table, &query.filter)?;
    for (name, value) in &query.filters {
        filter.terms.push(terms::exactly(connection, listing, name, value)?);
    }
    let mut conditions = Conditions::of(connection, listing, query, &filter, sort)?;
    // One transaction, so that the total and the items are of the same moment.
    let transaction = connection.unchecked_transaction().doing(doing)?;
    let known = count::known(&transaction, listing, &filter)?;
    // The far half of a list whose length is known is nearer from its other end.
    let rest = known.map_or(u64::MAX, |total| total.saturating_sub(query.offset));
    let backwards = known.is_some_and(|total| query.offset > total / 2);
    let (limit, offset) =
        if backwards { (query.limit.min(rest), rest.saturating_sub(query.limit)) } else { (query.limit, query.offset) };
    let order = order(&mut conditions, listing, sort, backwards)?;
    let sql = statement(&mut conditions, listing, &order, limit, offset);
    let mut items: Vec<T> = transaction
        .prepare_cached(&sql)
        .and_then(|mut select| {
            select.query_map(rusqlite::params_from_iter(&conditions.values), |row| read(row))?.collect()
        })
        .doing(doing)?;
    if backwards {
        items.reverse();
    }
    let got = items.len() as u64;
    let (total, more) = match known {
        Some(total) => (total, false),
        // A page that is not full ends the list.
        None if got < query.limit && (got > 0 || query.offset == 0) => (query.offset + got, false),
        None => {
            // Nothing is sorted for it, so no index for that helps.
            let all = Conditions::of(&transaction, listing, query, &filter, "")?;
            let (counted, more) = count::up_to_bound(&transaction, budget, listing, &all)?;
            // Counting may have ended before this page.
            (counted.max(if got > 0 { query.offset + got } else { 0 }), more)
        }
    };
    Ok(Page { items, total, more })
}

/// The statement for part of a list.
fn statement(conditions: &mut Conditions<'_>, listing: &Listing, order: &str, limit: u64, offset: u64) -> String {
    let (from, columns, clause) = (listing.from, listing.columns, conditions.clause());
    let (limit, offset) = (conditions.bind(whole(limit)), conditions.bind(whole(offset)));
    let wanted = format!("FROM {from}{clause} ORDER BY {order} LIMIT {limit} OFFSET {offset}");
    match listing.key {
        // A cross join is not turned around: the few rows wanted are looked up, and not the whole order gone through for them.
        Some(key) => format!(
            "SELECT {columns} FROM (SELECT {key} AS wanted {wanted}) CROSS JOIN {from} ON {key} = wanted ORDER BY {order}"
        ),
        None => format!("SELECT {columns} {wanted}"),
    }
}

/// How the database finds part of a list.
#[cfg(test)]
pub(super) fn plan(connection: &Connection, listing: &'static Listing, filter: &str, sort: &str) -> Vec<String> {
    let (query, terms) = (Query::default(), Filter::parse(listing.table, filter).unwrap());
    let mut conditions = Conditions::of(connection, listing, &query, &terms, sort).unwrap();
    let order = order(&mut conditions, listing, sort, false).unwrap();
    let sql = statement(&mut conditions, listing, &order, 100, 0);
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let lines = explain.query_map(rusqlite::params_from_iter(&conditions.values), |row| row.get(3)).unwrap();
    lines.map(Result::unwrap).collect()
}

/// A number as the database takes it.
fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What to sort by: the fields asked for, then the list's own order; among equals it runs the way the last field does, so
/// that an index gives both.
fn order(conditions: &mut Conditions<'_>, listing: &Listing, sort: &str, backwards: bool) -> Result<String, Error> {
    let mut order = Vec::new();
    let mut put = |value: &str, descending: bool, optional: bool| {
        let direction = if descending == backwards { "ASC" } else { "DESC" };
        // Those without a value come last, whichever way round.
        let nulls = match (optional, backwards) {
            (false, _) => "",
            (true, false) => " NULLS LAST",
            (true, true) => " NULLS FIRST",
        };
        order.push(format!("{value} {direction}{nulls}"));
    };
    let mut last = None;
    for part in sort.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, descending) = part.strip_prefix('-').map_or((part, false), |name| (name, true));
        let found = listing.table.field(name).and_then(|field| {
            listing
                .fields
                .iter()
                .find(|column| column.name == field.name && column.sorted)
                .map(|column| (field, column))
        });
        let Some((field, column)) = found else {
            let names: Vec<_> =
                listing.fields.iter().filter(|column| column.sorted).map(|column| column.name).collect();
            return Err(Refusal::not_one_of("sort", name, &names).into());
        };
        // The youngest began last.
        let descending = descending != matches!(field.kind, Kind::Age);
        let value = conditions.value(column);
        put(&value, descending, field.optional);
        last = Some(descending);
    }
    for key in listing.order {
        let descending = match last {
            Some(last) if listing.key.is_some() => last,
            _ => key.descending,
        };
        put(key.value, descending, false);
    }
    Ok(order.join(", "))
}

/// The words of a filter that asks for nothing but one field's words.
fn only_words<'f>(filter: &'f Filter, name: &str) -> Option<Vec<&'f str>> {
    match &filter.terms[..] {
        [term] if !term.negated => match &term.test {
            Test::Field(field, wants) if field.name == name => {
                wants.iter().map(|want| if let Want::Word(word) = want { Some(*word) } else { None }).collect()
            }
            _ => None,
        },
        _ => None,
    }
}
