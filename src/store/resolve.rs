//! From what a person writes to an id: a whole id, an unambiguous prefix of one, its last eight digits, as the console shows them, or
//! a name.

use rusqlite::{Connection, OptionalExtension, ToSql, params};
use uuid::Uuid;

use super::error::{Doing, Error};
use crate::domain::id::{
    AgentId, AlertId, ArtifactId, ExecutionId, NodeId, ReviewId, TaskId, UserId, id_range, id_tail, is_id_prefix,
};
use crate::domain::refusal::{Refusal, RefusalKind, nearest_name};

/// How many candidates an ambiguous prefix is answered with.
const CANDIDATES: usize = 5;

/// A table with ids.
struct Table {
    noun: &'static str,
    /// The ids in a range.
    range: &'static str,
    /// The ids that end so. There is no index for that; a million take about a tenth of a second.
    tail: &'static str,
}

macro_rules! table {
    ($noun:expr, $table:literal) => {
        table!($noun, $table, "")
    };
    ($noun:expr, $table:literal, $and:literal) => {
        Table {
            noun: $noun,
            range: concat!("SELECT id FROM ", $table, " WHERE id BETWEEN ? AND ?", $and, " ORDER BY id LIMIT ?"),
            tail: concat!("SELECT id FROM ", $table, " WHERE substr(hex(id), -?) = ?", $and, " ORDER BY id LIMIT ?"),
        }
    };
}

const TASKS: Table = table!(TaskId::NOUN, "task");
const EXECUTIONS: Table = table!(ExecutionId::NOUN, "execution");
const ARTIFACTS: Table = table!(ArtifactId::NOUN, "artifact");
const ALERTS: Table = table!(AlertId::NOUN, "alert");
const OPEN_ALERTS: Table = table!(AlertId::NOUN, "alert", " AND status <> 'resolved'");
const AGENTS: Table = table!(AgentId::NOUN, "agent");

/// The task that `text` means. An array and its elements share all but the last six digits: a prefix that fits them
/// alone means the array. A whole id of an element that is not yet a task is taken as it is.
pub(super) fn task(connection: &Connection, text: &str) -> Result<TaskId, Error> {
    let found = candidates(connection, &TASKS, text)?;
    if let [first, _, ..] = found[..]
        && let Some(array) = array_of_all(connection, TaskId(first), text)?
    {
        return Ok(array);
    }
    if found.is_empty()
        && let Ok(element) = text.parse::<TaskId>()
        && element.place() > 0
        && array_len(connection, element.as_array())?.is_some_and(|len| i64::from(element.place()) <= len)
    {
        return Ok(element);
    }
    only(&TASKS, text, &found).map(TaskId)
}

/// The execution that `text` means.
pub(super) fn execution(connection: &Connection, text: &str) -> Result<ExecutionId, Error> {
    only(&EXECUTIONS, text, &candidates(connection, &EXECUTIONS, text)?).map(ExecutionId)
}

/// The artifact that `text` means.
pub(super) fn artifact(connection: &Connection, text: &str) -> Result<ArtifactId, Error> {
    only(&ARTIFACTS, text, &candidates(connection, &ARTIFACTS, text)?).map(ArtifactId)
}

/// The alert that `text` means; of several the one that is not over, if there is just one of those.
pub(super) fn alert(connection: &Connection, text: &str) -> Result<AlertId, Error> {
    let found = candidates(connection, &ALERTS, text)?;
    if found.len() > 1
        && let [open] = candidates(connection, &OPEN_ALERTS, text)?[..]
    {
        return Ok(AlertId(open));
    }
    only(&ALERTS, text, &found).map(AlertId)
}

/// What `text` means in the inbox: an artifact or an alert, otherwise a task.
pub(super) fn review(connection: &Connection, text: &str) -> Result<ReviewId, Error> {
    let mut found = candidates(connection, &ARTIFACTS, text)?;
    let table = if found.is_empty() { &ALERTS } else { &ARTIFACTS };
    found.extend(candidates(connection, &ALERTS, text)?);
    if found.is_empty() {
        return task(connection, text).map(|id| ReviewId(id.0));
    }
    only(table, text, &found).map(ReviewId)
}

/// The agent that `text` means: by its name first, then by its id. A whole id is taken as it is, for there may be work
/// of an agent that was removed.
pub(super) fn agent(connection: &Connection, text: &str) -> Result<AgentId, Error> {
    let doing = "looking up an agent";
    let by_name = connection
        .prepare_cached("SELECT id FROM agent WHERE name = ?")
        .and_then(|mut statement| statement.query_row([text], |row| row.get::<_, [u8; 16]>(0)).optional())
        .doing(doing)?;
    if let Some(bytes) = by_name {
        return Ok(AgentId(Uuid::from_bytes(bytes)));
    }
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let found = if is_id_prefix(text) { candidates(connection, &AGENTS, text)? } else { vec![] };
    if found.is_empty() {
        let names: Vec<String> = connection
            .prepare_cached("SELECT name FROM agent ORDER BY name")
            .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
            .doing(doing)?;
        return Err(unknown(AgentId::NOUN, text, &names).into());
    }
    only(&AGENTS, text, &found).map(AgentId)
}

/// The user that `text` means: name, address or id.
pub(super) fn user(connection: &Connection, text: &str) -> Result<UserId, Error> {
    by_name(
        connection,
        UserId::NOUN,
        "SELECT id, email FROM user WHERE email = ?1 OR name = ?1",
        "SELECT name FROM user",
        text,
    )
    .map(UserId)
}

/// The node that `text` means: name or id.
pub(super) fn node(connection: &Connection, text: &str) -> Result<NodeId, Error> {
    by_name(connection, NodeId::NOUN, "SELECT id, name FROM node WHERE name = ?1", "SELECT name FROM node", text)
        .map(NodeId)
}

fn by_name(connection: &Connection, noun: &str, by: &str, all: &str, text: &str) -> Result<Uuid, Error> {
    let doing = "looking up a name";
    if let Ok(id) = Uuid::try_parse(text) {
        return Ok(id);
    }
    let found: Vec<([u8; 16], String)> = connection
        .prepare_cached(by)
        .and_then(|mut statement| statement.query_map([text], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .doing(doing)?;
    match &found[..] {
        [(bytes, _)] => Ok(Uuid::from_bytes(*bytes)),
        [] => {
            let names: Vec<String> = connection
                .prepare_cached(all)
                .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
                .doing(doing)?;
            Err(unknown(noun, text, &names).into())
        }
        several => {
            let names: Vec<_> = several.iter().map(|(_, name)| name.as_str()).collect();
            Err(Refusal::new(RefusalKind::Ambiguous, noun, text).allowed(names.join(", ")).into())
        }
    }
}

fn unknown(noun: &str, text: &str, names: &[String]) -> Refusal {
    let refusal = Refusal::not_found(noun, text);
    match nearest_name(text, names.iter().map(String::as_str)) {
        Some(near) => refusal.hint(format!("did you mean \"{near}\"?")),
        None if names.is_empty() => refusal.allowed(format!("no {noun} yet")),
        None => {
            let mut shown: Vec<_> = names.iter().take(CANDIDATES).map(String::as_str).collect();
            if names.len() > CANDIDATES {
                shown.push("…");
            }
            let refusal = refusal.allowed(shown.join(", "));
            // Users are listed by no verb.
            if noun == UserId::NOUN {
                refusal
            } else {
                refusal.hint(format!("menagerie {noun} list shows what there is"))
            }
        }
    }
}

/// The ids that begin with `text`, or end with it when none does: one more than are shown.
fn candidates(connection: &Connection, table: &Table, text: &str) -> Result<Vec<Uuid>, Error> {
    let limit = i64::try_from(CANDIDATES + 1).unwrap_or(i64::MAX);
    let ids = |query: &str, given: &[&dyn ToSql]| -> Result<Vec<Uuid>, Error> {
        connection
            .prepare_cached(query)
            .and_then(|mut statement| {
                let rows = statement.query_map(given, |row| row.get::<_, [u8; 16]>(0))?;
                rows.map(|bytes| bytes.map(Uuid::from_bytes)).collect()
            })
            .doing("looking up an id")
    };
    let found = match range(text) {
        Some((first, last)) => ids(table.range, params![first, last, limit])?,
        None if is_id_prefix(text) => vec![],
        None => return Err(Refusal::invalid(table.noun, text, "an id, its first digits, or its last eight").into()),
    };
    match id_tail(text) {
        Some(_) if found.is_empty() => {
            let digits = i64::try_from(text.len()).unwrap_or(i64::MAX);
            ids(table.tail, params![digits, text.to_ascii_uppercase(), limit])
        }
        _ => Ok(found),
    }
}

fn only(table: &Table, text: &str, found: &[Uuid]) -> Result<Uuid, Error> {
    match found {
        [one] => Ok(*one),
        [] => {
            let hint = format!("menagerie {} list shows what there is", table.noun);
            Err(Refusal::not_found(table.noun, text).hint(hint).into())
        }
        several => {
            let mut shown: Vec<_> = several.iter().take(CANDIDATES).map(ToString::to_string).collect();
            if several.len() > CANDIDATES {
                shown.push("…".to_owned());
            }
            Err(Refusal::new(RefusalKind::Ambiguous, table.noun, text)
                .allowed(shown.join(", "))
                .hint("give more digits")
                .into())
        }
    }
}

/// The first and the last id that begin with the digits of `text`.
fn range(text: &str) -> Option<([u8; 16], [u8; 16])> {
    id_range(text).map(|(first, last, _)| (first.to_be_bytes(), last.to_be_bytes()))
}

/// The array whose id and elements are all that `text` fits, if `first`, the smallest that fits, is one.
fn array_of_all(connection: &Connection, first: TaskId, text: &str) -> Result<Option<TaskId>, Error> {
    let Some((from, to)) = range(text) else { return Ok(None) };
    if first.place() != 0 || array_len(connection, first)?.is_none() {
        return Ok(None);
    }
    // There is none where `text` is how ids end and not how they begin.
    let last: Option<[u8; 16]> = connection
        .prepare_cached("SELECT max(id) FROM task WHERE id BETWEEN ? AND ?")
        .and_then(|mut statement| statement.query_row(params![from, to], |row| row.get(0)))
        .doing("looking up an id")?;
    Ok(last.filter(|last| TaskId(Uuid::from_bytes(*last)).as_array() == first).map(|_| first))
}

fn array_len(connection: &Connection, id: TaskId) -> Result<Option<i64>, Error> {
    let len = connection
        .prepare_cached("SELECT array_last - array_first + 1 FROM task WHERE id = ?")
        .and_then(|mut statement| {
            statement.query_row(params![id.0.as_bytes()], |row| row.get::<_, Option<i64>>(0)).optional()
        })
        .doing("looking up an array")?;
    Ok(len.flatten())
}
