//! The journal as a list: read from either end, filtered in memory, a bounded number of records at a time.

use rusqlite::{Connection, OptionalExtension};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::domain::Timestamp;
use crate::domain::filter::{Asker, End, Filter, JournalRecord, Names, Point, Test, Want, tables};
use crate::domain::id::UserId;
use crate::store::error::{Doing, Error, Fault};
use crate::store::journal::{JournalRow, hex, integer, read_head};

/// How many records one question looks at when it filters.
const LOOKED_AT_MAX: u64 = 20_000;

const DOING: &str = "reading the journal";

/// A question to the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalQuery {
    /// Only records after this number.
    pub after: Option<u64>,
    /// Only records before this number.
    pub before: Option<u64>,
    /// Whether the newest come first.
    pub newest_first: bool,
    /// How many records at most.
    pub limit: usize,
    /// In the filter language.
    pub filter: String,
    /// The time from which spans are counted.
    pub now: Timestamp,
    /// The operating system's number of who asks.
    pub uid: Option<u32>,
}

/// Part of the journal.
#[derive(Clone, Debug)]
pub struct JournalPage {
    /// The records.
    pub rows: Vec<JournalRow>,
    /// From where to go on: the number to ask for records after, or before when the newest come first; `None` at the end.
    pub next: Option<u64>,
    /// The last record that was looked at, in the order of the question; where it begins, when there was none.
    pub looked_at: u64,
}

/// Answers a question to the journal.
pub(in crate::store) fn records(connection: &Connection, query: &JournalQuery) -> Result<JournalPage, Error> {
    let filter = Filter::parse(&tables::JOURNAL, &query.filter)?;
    let transaction = connection.unchecked_transaction().doing(DOING)?;
    let head = read_head(&transaction)?.seq;
    let (mut first, mut last) = (query.after.unwrap_or(0).saturating_add(1), head);
    if let Some(before) = query.before {
        last = last.min(before.saturating_sub(1));
    }
    let origin = if query.newest_first { last } else { first - 1 };
    for (low, high) in ends(&filter, "seq", query.now) {
        first = first.max(u64::try_from(low).unwrap_or(0));
        last = last.min(u64::try_from(high).unwrap_or(0));
    }
    // Records are in the order of their times, so a time is found by halving.
    for (low, high) in ["time", "age", "since", "until"].iter().flat_map(|name| ends(&filter, name, query.now)) {
        first = first.max(place_of(&transaction, first, last, low)?);
        last = last.min(place_of(&transaction, first, last, high.saturating_add(1))?.saturating_sub(1));
    }
    let names = if filter.is_empty() { Names::new() } else { names(&transaction)? };
    let me = match query.uid {
        Some(uid) if !filter.is_empty() => users_of(&transaction, uid)?,
        _ => vec![],
    };
    let asker = Asker { now: query.now, me: &me, names: &names };
    let wanted = |record: &JournalRecord<'_>| filter.matches(&tables::JOURNAL, record, &asker);
    let room = if filter.is_empty() { query.limit as u64 } else { LOOKED_AT_MAX };
    let (from, to) = if query.newest_first {
        (first.max(last.saturating_add(1).saturating_sub(room)), last)
    } else {
        (first, last.min(first.saturating_add(room).saturating_sub(1)))
    };
    let order = if query.newest_first { "DESC" } else { "ASC" };
    let sql = format!(
        "SELECT seq, time, actor, kind, version, body, hash FROM journal WHERE seq BETWEEN ? AND ? ORDER BY seq {order}"
    );
    let mut statement = transaction.prepare_cached(&sql).doing(DOING)?;
    let mut rows = statement.query([integer(from), integer(to)]).doing(DOING)?;
    let mut page = JournalPage { rows: vec![], next: None, looked_at: origin };
    while page.rows.len() < query.limit {
        let Some(row) = rows.next().doing(DOING)? else { break };
        let seq = u64::try_from(row.get::<_, i64>(0).doing(DOING)?).unwrap_or(0);
        page.looked_at = seq;
        if let Some(row) = read(row, seq, &wanted)? {
            page.rows.push(row);
        }
    }
    let ended = match query.newest_first {
        _ if first > last => true,
        true => page.looked_at <= first,
        false => page.looked_at >= last,
    };
    page.next = (!ended && (from <= to)).then_some(page.looked_at);
    Ok(page)
}

/// The record of a row, if it is wanted.
fn read(
    row: &rusqlite::Row<'_>,
    seq: u64,
    wanted: &impl Fn(&JournalRecord<'_>) -> bool,
) -> Result<Option<JournalRow>, Error> {
    let unreadable = |why: String| Error::BadRecord { seq, fault: Fault::Unreadable(why) };
    let text = |column| {
        row.get_ref(column).and_then(|value| Ok(value.as_str()?)).map_err(|error| unreadable(error.to_string()))
    };
    let time = Timestamp::from_micros(row.get(1).map_err(|error| unreadable(error.to_string()))?);
    let (actor, kind, body) = (text(2)?, text(3)?, text(5)?);
    if !wanted(&JournalRecord { seq, time, actor, kind, body }) {
        return Ok(None);
    }
    let rest = || -> rusqlite::Result<(u32, Vec<u8>)> { Ok((row.get(4)?, row.get(6)?)) };
    let (version, hash) = rest().map_err(|error| unreadable(error.to_string()))?;
    Ok(Some(JournalRow {
        seq,
        time,
        actor: actor.to_owned(),
        kind: kind.to_owned(),
        version,
        body: RawValue::from_string(body.to_owned()).map_err(|error| unreadable(error.to_string()))?,
        hash: hex(&hash),
    }))
}

/// The least and the greatest number that the terms about a field let through, a pair a term.
fn ends(filter: &Filter, name: &str, now: Timestamp) -> Vec<(i64, i64)> {
    let pair = |want: &Want| {
        let Want::Between(low, high) = want else { return None };
        let end = |end: Option<End<Point>>, open, step: i64| {
            end.map_or(open, |end| end.at.value(now).saturating_add(if end.included { 0 } else { step }))
        };
        Some((end(*low, 0, 1), end(*high, i64::MAX, -1)))
    };
    let terms = filter.terms.iter().filter(|term| !term.negated);
    terms
        .filter_map(|term| match &term.test {
            Test::Field(field, wants) if field.name == name && wants.len() == 1 => pair(&wants[0]),
            _ => None,
        })
        .collect()
}

/// The first record of `first` to `last` at or after a time; one after `last` when there is none.
pub(super) fn place_of(connection: &Connection, first: u64, last: u64, time: i64) -> Result<u64, Error> {
    let mut statement = connection.prepare_cached("SELECT time FROM journal WHERE seq = ?").doing(DOING)?;
    let (mut low, mut high) = (first, last.saturating_add(1));
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<i64> = statement.query_row([integer(middle)], |row| row.get(0)).optional().doing(DOING)?;
        if found.is_some_and(|found| found < time) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// The names of everything that has one.
fn names(connection: &Connection) -> Result<Names, Error> {
    connection
        .prepare_cached(
            "SELECT id, name FROM agent UNION ALL SELECT id, name FROM user UNION ALL SELECT id, name FROM node",
        )
        .and_then(|mut statement| {
            let read = |row: &rusqlite::Row<'_>| Ok((Uuid::from_bytes(row.get(0)?), row.get(1)?));
            statement.query_map([], read)?.collect()
        })
        .doing("reading names")
}

/// The users that an account is known as.
fn users_of(connection: &Connection, uid: u32) -> Result<Vec<UserId>, Error> {
    connection
        .prepare_cached("SELECT id FROM user WHERE uid = ?")
        .and_then(|mut statement| {
            statement.query_map([uid], |row| Ok(UserId(Uuid::from_bytes(row.get(0)?))))?.collect()
        })
        .doing("looking up who asks")
}
