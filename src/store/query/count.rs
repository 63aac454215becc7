//! How many items a list has: from the table of counts where that knows, otherwise by counting up to a bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::{Connection, ErrorCode};

use super::terms::Conditions;
use super::{Listing, only_words};
use crate::domain::filter::Filter;
use crate::store::error::{Doing, Error};

/// Items are counted up to this number.
pub const COUNT_MAX: u64 = 100_000;

/// Steps of the database that one count may take; a count of common items ends at [`COUNT_MAX`] long before, one of rare
/// items would go through everything.
const STEPS: i64 = 1_500_000;
/// Steps between two looks at the budget.
const STEPS_A_LOOK: i32 = 20_000;

/// Where a list's total is known without counting its items.
#[derive(Clone, Copy)]
pub(in crate::store) enum Counted {
    /// Its name in the table of counts.
    Tally(&'static str),
    /// A table that grows slowly, with a row an item.
    Rows(&'static str),
}

/// A bound on the steps of a connection's statements, in force while something is counted.
#[derive(Clone, Debug)]
pub(in crate::store) struct Budget(Arc<AtomicI64>);

impl Budget {
    /// Puts the connection under a budget, which is unlimited until something is counted.
    pub(in crate::store) fn of(connection: &mut Connection) -> Result<Self, Error> {
        let budget = Self(Arc::new(AtomicI64::new(i64::MAX)));
        let left = budget.0.clone();
        let spend = move || left.fetch_sub(STEPS_A_LOOK.into(), Ordering::Relaxed) < 0;
        connection.progress_handler(STEPS_A_LOOK, Some(spend)).doing("opening the store for reading")?;
        Ok(budget)
    }
}

/// The total that a filter lets through, where it is known: without a filter, and of those with some of the statuses.
pub(super) fn known(connection: &Connection, listing: &Listing, filter: &Filter) -> Result<Option<u64>, Error> {
    let (sql, words) = match (listing.counted, only_words(filter, "status")) {
        (Counted::Rows(table), _) if filter.is_empty() => (format!("SELECT count(*) FROM {table}"), vec![]),
        (Counted::Tally(list), _) if filter.is_empty() => {
            (format!("SELECT coalesce(sum(rows), 0) FROM listed WHERE list = '{list}'"), vec![])
        }
        (Counted::Tally(list @ ("task" | "execution")), Some(words)) => (by_status(list), words),
        _ => return Ok(None),
    };
    let mut sum = 0;
    let mut statement = connection.prepare_cached(&sql).doing("counting")?;
    let mut seen = Vec::new();
    for word in words {
        if !seen.contains(&word) {
            sum += statement.query_row([word], |row| row.get::<_, i64>(0)).doing("counting")?;
            seen.push(word);
        }
    }
    if seen.is_empty() {
        sum = statement.query_row([], |row| row.get(0)).doing("counting")?;
    }
    Ok(u64::try_from(sum).ok())
}

/// How many items have the status that is bound. Those under way are told apart by their executions, which are few.
fn by_status(list: &str) -> String {
    let started = "(SELECT count(*) FROM execution WHERE completed_at IS NULL AND status = 'running')";
    let open = format!("(SELECT coalesce(sum(rows), 0) FROM listed WHERE list = '{list}' AND status = 'underway')");
    format!(
        "SELECT CASE WHEN ?1 IN ('executing', 'running') THEN {started}
                     WHEN ?1 IN ('scheduled', 'starting') THEN {open} - {started}
                     ELSE (SELECT coalesce(sum(rows), 0) FROM listed WHERE list = '{list}' AND status = ?1) END"
    )
}

/// Counts what a condition lets through: how many, and whether there may be more.
pub(super) fn up_to_bound(
    connection: &Connection,
    budget: &Budget,
    listing: &Listing,
    conditions: &Conditions<'_>,
) -> Result<(u64, bool), Error> {
    let (from, clause) = (listing.from, conditions.clause());
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {from}{clause} LIMIT {})", COUNT_MAX + 1);
    budget.0.store(STEPS, Ordering::Relaxed);
    let counted = connection.prepare_cached(&sql).and_then(|mut statement| {
        statement.query_row(rusqlite::params_from_iter(&conditions.values), |row| row.get::<_, i64>(0))
    });
    budget.0.store(i64::MAX, Ordering::Relaxed);
    match counted {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok((0, true)),
        counted => {
            let counted = u64::try_from(counted.doing("counting")?).unwrap_or(0);
            Ok((counted.min(COUNT_MAX), counted > COUNT_MAX))
        }
    }
}
