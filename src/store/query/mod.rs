//! Lists: filtered, sorted and paged by the names that people use.
//!
//! What can be asked of each list is data (see `listings`); this file turns a question into SQL. Only text from those
//! tables reaches the SQL; what a user wrote is always bound.

mod listings;

use rusqlite::types::Value;
use rusqlite::{Connection, Row};

use super::error::{Doing, Error};
use super::resolve;
use crate::domain::{CageId, Refusal, Timestamp};

pub(super) use listings::{
    AGENTS, ALERTS, ALLOCATIONS, ARTIFACTS, CAGES, EVENTS, EXECUTIONS, NODES, RESOURCES, TASKS, USERS,
};

/// A question to a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Field and value; all must hold. Several values for one field, any of which may hold, stand with commas between.
    pub filters: Vec<(String, String)>,
    /// Fields with commas between, each with `-` before it for the largest first: `-priority,created_at`.
    pub sort: Option<String>,
    /// How many items at most; zero asks for the total alone.
    pub limit: u64,
    /// How many items to leave out at the front.
    pub offset: u64,
}

impl Default for Query {
    fn default() -> Self {
        Self { filters: vec![], sort: None, limit: 100, offset: 0 }
    }
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The items asked for.
    pub items: Vec<T>,
    /// How many items the filters let through in all.
    pub total: u64,
}

/// How the value of a filter is read.
#[derive(Clone, Copy)]
enum Kind {
    /// One of an enumeration's spellings, brought to the canonical one.
    Word(fn(&str) -> Result<&'static str, Refusal>),
    /// Text that must be equal.
    Text,
    /// Text that must occur, whatever its case.
    Contains,
    /// A whole number.
    Whole,
    /// `true` or `false`.
    Flag,
    /// At or after a time.
    Since,
    /// Before a time.
    Until,
    /// A task's id or a prefix of it.
    Task,
    /// An execution's id or a prefix of it.
    Execution,
    /// An agent's name, id or prefix of it.
    Agent,
    /// A user's name, address or id.
    User,
    /// A node's name or id.
    Node,
    /// A resource's id.
    Id,
    /// A cage's number.
    Cage,
}

/// A field of a list.
struct Field {
    name: &'static str,
    /// How it is filtered by: how its values are read, and the condition, with `{}` for the comparison.
    filter: Option<(Kind, &'static str)>,
    /// The expression it is sorted by.
    sort: Option<&'static str>,
}

/// What can be asked of a list.
pub(super) struct Listing {
    columns: &'static str,
    from: &'static str,
    /// The order when none is asked for, and among equals of the one that is.
    order: &'static str,
    fields: &'static [Field],
    /// The row's number, where rows are long: which rows are wanted is then found without reading them whole.
    key: Option<&'static str>,
    /// How all items are counted, where there is a faster way than going through them.
    count: Option<&'static str>,
}

/// Answers a question to a list.
pub(super) fn page<T>(
    connection: &Connection,
    listing: &Listing,
    query: &Query,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Page<T>, Error> {
    let doing = "reading a list";
    let (condition, mut values) = condition(connection, listing, &query.filters)?;
    let order = order(listing, query.sort.as_deref())?;
    let (from, columns) = (listing.from, listing.columns);
    // One transaction, so that the total and the items are of the same moment.
    let transaction = connection.unchecked_transaction().doing(doing)?;
    let counting = match listing.count {
        Some(count) if condition.is_empty() => count.to_owned(),
        _ => format!("SELECT count(*) FROM {from}{condition}"),
    };
    let total: i64 = transaction
        .prepare_cached(&counting)
        .and_then(|mut count| count.query_row(rusqlite::params_from_iter(&values), |row| row.get(0)))
        .doing(doing)?;
    values.push(Value::Integer(i64::try_from(query.limit).unwrap_or(i64::MAX)));
    values.push(Value::Integer(i64::try_from(query.offset).unwrap_or(i64::MAX)));
    let wanted = format!("FROM {from}{condition} ORDER BY {order} LIMIT ? OFFSET ?");
    let items = transaction
        .prepare_cached(&match listing.key {
            Some(key) => {
                format!("SELECT {columns} FROM {from} WHERE {key} IN (SELECT {key} {wanted}) ORDER BY {order}")
            }
            None => format!("SELECT {columns} {wanted}"),
        })
        .and_then(|mut select| select.query_map(rusqlite::params_from_iter(&values), |row| read(row))?.collect())
        .doing(doing)?;
    Ok(Page { items, total: u64::try_from(total).unwrap_or(0) })
}

fn condition(
    connection: &Connection,
    listing: &Listing,
    filters: &[(String, String)],
) -> Result<(String, Vec<Value>), Error> {
    let mut sql = String::new();
    let mut values = vec![];
    for (name, text) in filters {
        let found = listing.fields.iter().find(|field| field.name == name).and_then(|field| field.filter);
        let Some((kind, template)) = found else {
            let names: Vec<_> = listing.fields.iter().filter(|f| f.filter.is_some()).map(|f| f.name).collect();
            return Err(Refusal::not_one_of("filter", name, &names).into());
        };
        let comparison = compare(connection, kind, name, text, &mut values)?;
        sql.push_str(if sql.is_empty() { " WHERE " } else { " AND " });
        sql.push_str(&template.replace("{}", &comparison));
        for (of, words, implied) in listings::IMPLIED {
            if template == *of && text.split(',').all(|word| words.contains(&word.trim())) {
                sql.push_str(" AND ");
                sql.push_str(implied);
            }
        }
    }
    Ok((sql, values))
}

/// The right side of a condition; adds what it binds to `values`.
fn compare(
    connection: &Connection,
    kind: Kind,
    field: &str,
    text: &str,
    values: &mut Vec<Value>,
) -> Result<String, Error> {
    let blob = |id: uuid::Uuid| Value::Blob(id.as_bytes().to_vec());
    let within = |refusal: Refusal| Refusal { field: field.to_owned(), ..refusal };
    let time = || text.parse::<Timestamp>().map(|time| Value::Integer(time.as_micros())).map_err(within);
    match kind {
        Kind::Contains => {
            // In a pattern `%` and `_` mean something; here they are to be found as they are.
            let literal = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            values.push(Value::Text(format!("%{literal}%")));
            return Ok("LIKE ? ESCAPE '\\'".to_owned());
        }
        Kind::Since => {
            values.push(time()?);
            return Ok(">= ?".to_owned());
        }
        Kind::Until => {
            values.push(time()?);
            return Ok("< ?".to_owned());
        }
        _ => {}
    }
    let mut marks = String::new();
    for part in text.split(',').map(str::trim) {
        let value = match kind {
            Kind::Word(spell) => Value::Text(spell(part).map_err(within)?.to_owned()),
            Kind::Whole => Value::Integer(part.parse().map_err(|_| Refusal::invalid(field, part, "a whole number"))?),
            Kind::Flag => match part {
                "true" => Value::Integer(1),
                "false" => Value::Integer(0),
                _ => return Err(Refusal::not_one_of(field, part, &["true", "false"]).into()),
            },
            Kind::Cage => Value::Integer(part.parse::<CageId>()?.number().into()),
            Kind::Task => blob(resolve::task(connection, part)?.0),
            Kind::Execution => blob(resolve::execution(connection, part)?.0),
            Kind::Agent => blob(resolve::agent(connection, part)?.0),
            Kind::User => blob(resolve::user(connection, part)?.0),
            Kind::Node => blob(resolve::node(connection, part)?.0),
            Kind::Id => blob(uuid::Uuid::try_parse(part).map_err(|_| Refusal::invalid(field, part, "a UUID"))?),
            Kind::Text | Kind::Contains | Kind::Since | Kind::Until => Value::Text(part.to_owned()),
        };
        values.push(value);
        marks.push_str(if marks.is_empty() { "?" } else { ", ?" });
    }
    Ok(format!("IN ({marks})"))
}

fn order(listing: &Listing, sort: Option<&str>) -> Result<String, Error> {
    let mut order = String::new();
    for part in sort.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, direction) = match part.strip_prefix('-') {
            Some(name) => (name, "DESC NULLS LAST"),
            None => (part, "ASC NULLS LAST"),
        };
        let Some(expression) = listing.fields.iter().find(|field| field.name == name).and_then(|field| field.sort)
        else {
            let names: Vec<_> = listing.fields.iter().filter(|f| f.sort.is_some()).map(|f| f.name).collect();
            return Err(Refusal::not_one_of("sort", name, &names).into());
        };
        order.extend([expression, " ", direction, ", "]);
    }
    order.push_str(listing.order);
    Ok(order)
}
