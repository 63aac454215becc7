//! From rows to entities: for each entity the columns to select and the function that reads them, in the same order.

mod alert;
mod fleet;
mod output;
mod performance;
mod task;
mod work;

pub(super) use alert::{ALERT_COLUMNS, SILENCE_COLUMNS, alert, alert_grouped, alert_rule, approval_rule, silence};
pub(super) use fleet::{
    AGENT_COLUMNS, CAGE_COLUMNS, NODE_COLUMNS, RESOURCE_COLUMNS, USER_COLUMNS, agent, cage, node, resource, user,
};
pub(super) use output::{ARTIFACT_COLUMNS, EVENT_COLUMNS, artifact, system_event};
pub(super) use performance::{AGENT_PERFORMANCE_COLUMNS, agent_performance};
pub(super) use task::{QUEUED_COLUMNS, Queued, TASK_COLUMNS, queued, task};
pub(super) use work::{ALLOCATION_COLUMNS, EXECUTION_COLUMNS, LIVE_COLUMNS, allocation, execution, live};

use std::error::Error as StdError;
use std::str::FromStr;

use rusqlite::types::{FromSql, Type, ValueRef};
use rusqlite::{Error, Result, Row};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::domain::CageId;
use crate::domain::quantity::Span;
use crate::domain::time::Timestamp;

/// Reads the columns of a row one after the other.
pub(super) struct Columns<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn new(row: &'r Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    fn step(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    /// A value that `SQLite` holds as it is.
    pub(super) fn get<T: FromSql>(&mut self) -> Result<T> {
        let column = self.step();
        self.row.get(column)
    }

    /// A count or size; negative ones do not occur.
    pub(super) fn count(&mut self) -> Result<u64> {
        self.get::<i64>().map(|value| u64::try_from(value).unwrap_or(0))
    }

    pub(super) fn id<T>(&mut self, make: impl FnOnce(Uuid) -> T) -> Result<T> {
        self.get::<[u8; 16]>().map(|bytes| make(Uuid::from_bytes(bytes)))
    }

    pub(super) fn optional_id<T>(&mut self, make: impl FnOnce(Uuid) -> T) -> Result<Option<T>> {
        Ok(self.get::<Option<[u8; 16]>>()?.map(|bytes| make(Uuid::from_bytes(bytes))))
    }

    pub(super) fn time(&mut self) -> Result<Timestamp> {
        self.get().map(Timestamp::from_micros)
    }

    pub(super) fn optional_time(&mut self) -> Result<Option<Timestamp>> {
        Ok(self.get::<Option<i64>>()?.map(Timestamp::from_micros))
    }

    pub(super) fn optional_span(&mut self) -> Result<Option<Span>> {
        Ok(self.get::<Option<i64>>()?.map(Span::from_micros))
    }

    pub(super) fn cage(&mut self) -> Result<CageId> {
        let column = self.next;
        CageId::new(self.get()?).map_err(|error| unreadable(column, error))
    }

    pub(super) fn optional_cage(&mut self) -> Result<Option<CageId>> {
        let column = self.next;
        self.get::<Option<u16>>()?.map(CageId::new).transpose().map_err(|error| unreadable(column, error))
    }

    /// A value of an enumeration, by its spelling.
    pub(super) fn word<T: FromStr<Err: StdError + Send + Sync + 'static>>(&mut self) -> Result<T> {
        let column = self.step();
        self.row.get_ref(column)?.as_str()?.parse().map_err(|error| unreadable(column, error))
    }

    pub(super) fn optional_word<T: FromStr<Err: StdError + Send + Sync + 'static>>(&mut self) -> Result<Option<T>> {
        let column = self.step();
        match self.row.get_ref(column)? {
            ValueRef::Null => Ok(None),
            value => value.as_str()?.parse().map(Some).map_err(|error| unreadable(column, error)),
        }
    }

    /// A value that is held as JSON.
    pub(super) fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        let column = self.step();
        serde_json::from_slice(self.row.get_ref(column)?.as_bytes()?).map_err(|error| unreadable(column, error))
    }

    /// A value that is held as JSON, NULL where there is none.
    pub(super) fn optional_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        match self.row.get_ref(self.next)? {
            ValueRef::Null => {
                self.step();
                Ok(None)
            }
            _ => self.json().map(Some),
        }
    }

    /// A value that is held as JSON, NULL where it is the default.
    pub(super) fn json_or_default<T: DeserializeOwned + Default>(&mut self) -> Result<T> {
        self.optional_json().map(Option::unwrap_or_default)
    }

    /// The text of the next column, read in place; `None` for NULL.
    pub(super) fn bytes(&mut self) -> Result<Option<&'r [u8]>> {
        let column = self.step();
        Ok(self.row.get_ref(column)?.as_bytes_or_null()?)
    }
}

/// A column whose value does not belong there.
pub(super) fn unreadable(column: usize, error: impl StdError + Send + Sync + 'static) -> Error {
    Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}
