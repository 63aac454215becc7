//! From the terms of a filter to conditions. Only text of the listings reaches the SQL; what a user wrote is always bound.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value;

use super::records::place_of;
use super::{Column, Listing, Query};
use crate::domain::filter::{End, Field, Filter, Kind, Point, Term, Test, Thing, Want, text};
use crate::domain::{CageId, Refusal, Span, Timestamp};
use crate::store::error::{Doing, Error};
use crate::store::journal::{integer, read_head};
use crate::store::resolve;

/// The functions that conditions use.
pub(in crate::store) fn register(connection: &Connection) -> Result<(), Error> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let found = |context: &rusqlite::functions::Context<'_>| {
        let Some(text) = context.get_raw(2).as_str_or_null()? else { return Ok(false) };
        Ok(text::is_in(context.get_raw(0).as_str()?, context.get(1)?, text))
    };
    let span_micros = |context: &rusqlite::functions::Context<'_>| {
        let text = context.get_raw(0).as_str_or_null()?;
        Ok(text.and_then(|text| text.parse::<Span>().ok()).map(Span::as_micros))
    };
    connection
        .create_scalar_function(c"found", 3, flags, found)
        .and_then(|()| connection.create_scalar_function(c"span_micros", 1, flags, span_micros))
        .doing("preparing the store for filters")
}

/// A condition in the making: SQL and what it binds.
pub(super) struct Conditions<'c> {
    connection: &'c Connection,
    listing: &'static Listing,
    now: Timestamp,
    uid: Option<u32>,
    /// The field that the list is sorted by first, by its own name.
    first: Option<&'static str>,
    /// Conditions that must all hold.
    all: Vec<String>,
    /// What is bound, by place.
    pub(super) values: Vec<Value>,
}

impl<'c> Conditions<'c> {
    /// The conditions of a filter, for a list that is to be sorted by some fields.
    pub(super) fn of(
        connection: &'c Connection,
        listing: &'static Listing,
        query: &Query,
        filter: &Filter,
        sort: &str,
    ) -> Result<Self, Error> {
        let first = sort.split(',').next().unwrap_or_default().trim().trim_start_matches('-');
        let first = listing.table.field(first).map(|field| field.name);
        let (now, uid) = (query.now, query.uid);
        let mut conditions = Self { connection, listing, now, uid, first, all: vec![], values: vec![] };
        for term in &filter.terms {
            conditions.add(term)?;
        }
        Ok(conditions)
    }

    /// The `WHERE` of a statement; empty when nothing is asked.
    pub(super) fn clause(&self) -> String {
        if self.all.is_empty() { String::new() } else { format!(" WHERE {}", self.all.join(" AND ")) }
    }

    /// Binds a value and gives its place.
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }

    /// The expression of a column, as of now.
    pub(super) fn value(&mut self, column: &Column) -> String {
        if column.value.contains("{now}") {
            let now = self.bind(self.now.as_micros());
            column.value.replace("{now}", &now)
        } else {
            column.value.to_owned()
        }
    }

    /// Adds a term.
    fn add(&mut self, term: &Term) -> Result<(), Error> {
        let condition = match &term.test {
            Test::Word(needle) => {
                let listing = self.listing;
                let searched = listing.table.fields.iter().filter(|field| field.searched);
                let wanted = searched.map(|field| (field, field.looked_for(needle)));
                let found =
                    wanted.filter(|(_, wants)| !wants.is_empty()).map(|(field, wants)| self.one_of(field, &wants));
                format!("({})", found.collect::<Result<Vec<_>, _>>()?.join(" OR "))
            }
            Test::Field(field, wants) => {
                if !term.negated {
                    let implied = self.listing.implied.iter().filter(|implied| implied.follows(field, wants));
                    self.all.extend(implied.map(|implied| implied.sql.to_owned()));
                    self.add_earliest(field, wants)?;
                }
                self.one_of(field, wants)?
            }
        };
        self.all.push(if term.negated { format!("({condition}) IS NOT TRUE") } else { condition });
        Ok(())
    }

    /// What came into being since a time has a number from the journal's first record of that time on. Rows are in the order
    /// of their numbers, so that those from before need not be looked at.
    fn add_earliest(&mut self, field: &Field, wants: &[Want]) -> Result<(), Error> {
        let (true, Some(key), [Want::Between(Some(low), _)]) =
            (["age", "created_at", "since"].contains(&field.name), self.listing.numbered, wants)
        else {
            return Ok(());
        };
        let head = read_head(self.connection)?.seq;
        let earliest = place_of(self.connection, 1, head, low.at.value(self.now))?;
        let earliest = self.bind(integer(earliest));
        self.all.push(format!("{key} >= {earliest}"));
        Ok(())
    }

    /// Whether a field has one of the values wanted.
    fn one_of(&mut self, field: &'static Field, wants: &[Want]) -> Result<String, Error> {
        let column = self.listing.column(field)?;
        // Several spellings together, and several whole ids, can be looked up in an index.
        let mut exact = Vec::new();
        let mut found = Vec::new();
        for want in wants {
            match want {
                Want::Word(word) => exact.push(self.bind((*word).to_owned())),
                Want::Ids(first, last) if first == last => exact.push(self.bind(first.to_be_bytes().to_vec())),
                Want::Nothing if column.around.is_none() => found.push(format!("{} IS NULL", self.value(column))),
                Want::Nothing => {
                    let any = column.wrapped(&format!("{} IS NOT NULL", column.value));
                    found.push(format!("({any}) IS NOT TRUE"));
                }
                want => {
                    let mut value = self.value(column);
                    if column.indexed && self.first != Some(column.name) {
                        // The sign keeps the database from its index.
                        value.insert(0, '+');
                    }
                    let comparison = self.compare(field, &value, want);
                    found.push(column.wrapped(&comparison));
                }
            }
        }
        if !exact.is_empty() {
            let value = self.value(column);
            found.push(column.wrapped(&format!("{value} IN ({})", exact.join(", "))));
        }
        Ok(if found.len() == 1 { found.remove(0) } else { format!("({})", found.join(" OR ")) })
    }

    /// The comparison of one value with what is wanted.
    fn compare(&mut self, field: &Field, value: &str, want: &Want) -> String {
        match want {
            Want::Holds(needle) => {
                let (letters, fuzzy) = needle.parts();
                let (letters, fuzzy) = (self.bind(letters.to_owned()), self.bind(fuzzy));
                by_name(field, value, |name| format!("found({letters}, {fuzzy}, {name})"))
            }
            Want::Exactly(text) => {
                let text = self.bind(text.clone());
                by_name(field, value, |name| format!("{name} = {text}"))
            }
            Want::Between(low, high) => {
                let now = self.now;
                let integer = |end: &End<Point>| (Value::Integer(end.at.value(now)), end.included);
                self.between(value, low.as_ref().map(integer), high.as_ref().map(integer))
            }
            Want::Reals(low, high) => {
                let real = |end: &End<f64>| (Value::Real(end.at), end.included);
                self.between(value, low.as_ref().map(real), high.as_ref().map(real))
            }
            Want::Flag(wanted) => format!("{value} = {}", self.bind(*wanted)),
            Want::Ids(first, last) => {
                let (first, last) = (self.bind(first.to_be_bytes().to_vec()), self.bind(last.to_be_bytes().to_vec()));
                format!("{value} BETWEEN {first} AND {last}")
            }
            Want::IdTail(id, digits) => {
                let end = self.bind(format!("{id:0digits$X}"));
                format!("substr(hex({value}), -{digits}) = {end}")
            }
            Want::Me => {
                let uid = self.bind(self.uid);
                format!("{value} IN (SELECT x.id FROM user x WHERE x.uid = {uid})")
            }
            // Taken care of before.
            Want::Nothing | Want::Word(_) => format!("{value} IS NULL"),
        }
    }

    fn between(&mut self, value: &str, low: Option<(Value, bool)>, high: Option<(Value, bool)>) -> String {
        let mut parts = Vec::new();
        for (end, sign) in [(low, '>'), (high, '<')] {
            if let Some((at, included)) = end {
                let equal = if included { "=" } else { "" };
                parts.push(format!("{value} {sign}{equal} {}", self.bind(at)));
            }
        }
        format!("({})", parts.join(" AND "))
    }
}

/// A comparison of text, or of the name of what has one.
fn by_name(field: &Field, value: &str, compare: impl Fn(&str) -> String) -> String {
    match field.kind {
        Kind::Named(Thing::Agent) => format!("{value} IN (SELECT x.id FROM agent x WHERE {})", compare("x.name")),
        Kind::Named(Thing::User) => format!("{value} IN (SELECT x.id FROM user x WHERE {})", compare("x.name")),
        Kind::Named(Thing::Node) => format!("{value} IN (SELECT x.id FROM node x WHERE {})", compare("x.name")),
        _ => compare(value),
    }
}

/// A term from a field and its exact value. What is named by an id, a prefix or a name has to exist.
pub(super) fn exactly(connection: &Connection, listing: &Listing, name: &str, value: &str) -> Result<Term, Error> {
    let table = listing.table;
    let Some(field) = table.field(name) else {
        return Err(Refusal::not_one_of("filter", name, &table.names()).into());
    };
    let (Kind::Id(_) | Kind::Named(_) | Kind::Cage) = field.kind else {
        return Ok(Filter::exactly(table, name, value)?);
    };
    let mut wants = Vec::new();
    for part in value.split(',').map(str::trim) {
        wants.push(match resolve_one(connection, field, part)? {
            Some(want) => want,
            None => match Filter::exactly(table, name, part)?.test {
                Test::Field(_, mut found) if found.len() == 1 => found.remove(0),
                _ => return Err(Refusal::invalid(name, part, "one value").into()),
            },
        });
    }
    Ok(Term { negated: false, test: Test::Field(field, wants) })
}

/// What a person means by an id, a prefix of one or a name; `None` where there is nothing to look up.
fn resolve_one(connection: &Connection, field: &Field, part: &str) -> Result<Option<Want>, Error> {
    if field.optional && part == "none" {
        return Ok(Some(Want::Nothing));
    }
    let id = match field.kind {
        Kind::Named(Thing::User) if part == "me" => return Ok(Some(Want::Me)),
        Kind::Id(Thing::Task) | Kind::Named(Thing::Task) => resolve::task(connection, part)?.0,
        Kind::Id(Thing::Execution) | Kind::Named(Thing::Execution) => resolve::execution(connection, part)?.0,
        Kind::Id(Thing::Artifact) | Kind::Named(Thing::Artifact) => resolve::artifact(connection, part)?.0,
        Kind::Id(Thing::Agent) | Kind::Named(Thing::Agent) => resolve::agent(connection, part)?.0,
        Kind::Id(Thing::User) | Kind::Named(Thing::User) => resolve::user(connection, part)?.0,
        Kind::Id(Thing::Node) | Kind::Named(Thing::Node) => resolve::node(connection, part)?.0,
        Kind::Cage => {
            if let Ok(cage) = part.parse::<CageId>() {
                check_cage(connection, cage)?;
            }
            return Ok(None);
        }
        _ => return Ok(None),
    };
    Ok(Some(Want::Ids(id.as_u128(), id.as_u128())))
}

/// Refuses a cage that was never declared, or no longer is.
fn check_cage(connection: &Connection, cage: CageId) -> Result<(), Error> {
    let found = connection
        .prepare_cached("SELECT 1 FROM cage WHERE id = ?")
        .and_then(|mut statement| statement.exists([cage.number()]))
        .doing("looking up a cage")?;
    if found {
        return Ok(());
    }
    let hint =
        format!("`menagerie cage list` shows those there are; --filter cage:{cage} finds what ran in one that is gone");
    Err(Refusal::not_found("cage", cage).hint(hint).into())
}
