//! What became of alerts: the records of one, and how often each trigger raised one.

use std::collections::BTreeMap;

use rusqlite::params;
use serde_json::value::RawValue;

use super::error::{Doing, Error};
use super::journal::{JournalRow, hex};
use super::reader::Reader;
use super::rows::Columns;
use crate::domain::AlertMember;
use crate::domain::id::AlertId;
use crate::domain::time::Timestamp;

const DOING: &str = "reading what became of an alert";

/// The most records of one alert.
const RECORDS_MAX: u32 = 1_000;

/// How the records of an alert are found.
pub(super) fn sql() -> String {
    format!(
        "SELECT seq, time, actor, kind, version, body, hash FROM journal
             WHERE kind GLOB 'alert_*' AND coalesce(body ->> '$.alert_id', body ->> '$.alert.id') = ?
             ORDER BY seq DESC LIMIT {RECORDS_MAX}"
    )
}

/// How often each trigger raised an alert.
pub(super) const FIRED: &str = "SELECT trigger_name, count(*), max(time) FROM alert GROUP BY trigger_name";

/// What shares an alert. Where it is over, nothing does.
const MEMBERS: &str = "SELECT rule, scope, name, severity FROM alert_grouped
    WHERE rule IN (SELECT trigger_name FROM alert WHERE id = ? AND source = 'rule ' || trigger_name
                   AND status <> 'resolved')
    ORDER BY scope, name";

impl Reader {
    /// The latest records of an alert, the newest first: raised, repeated, acknowledged, silenced, resolved.
    pub fn alert_history(&self, id: AlertId) -> Result<Vec<JournalRow>, Error> {
        // Both conditions as the index has them, so that it is used.
        let sql = sql();
        let read = |row: &rusqlite::Row<'_>| {
            let mut columns = Columns::new(row);
            let c = &mut columns;
            let (seq, time, actor, kind, version) = (c.count()?, c.time()?, c.get()?, c.get()?, c.get()?);
            let body: String = c.get()?;
            let hash: Vec<u8> = c.get()?;
            let body = RawValue::from_string(body).map_err(|error| super::rows::unreadable(5, error))?;
            Ok(JournalRow { seq, time, actor, kind, version, body, hash: hex(&hash) })
        };
        self.connection()
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_map(params![id.to_string()], read)?.collect())
            .doing(DOING)
    }

    /// The subjects that share an alert, in the order of their names, the worst first; none of one that is not shared or is over.
    pub fn alert_members(&self, id: AlertId) -> Result<Vec<AlertMember>, Error> {
        let read = |row: &rusqlite::Row<'_>| {
            let (_, subject, severity) = super::rows::alert_grouped(row)?;
            Ok(AlertMember { source: subject.to_string(), severity })
        };
        let mut members: Vec<AlertMember> = self
            .connection()
            .prepare_cached(MEMBERS)
            .and_then(|mut statement| statement.query_map(params![id.0.as_bytes()], read)?.collect())
            .doing("reading who shares an alert")?;
        // The sort keeps the order of the names among equals.
        members.sort_by_key(|member| std::cmp::Reverse(member.severity));
        Ok(members)
    }

    /// How often each trigger raised an alert, and when last.
    pub fn fired(&self) -> Result<BTreeMap<String, (u64, Timestamp)>, Error> {
        let read = |row: &rusqlite::Row<'_>| {
            let mut columns = Columns::new(row);
            Ok((columns.get()?, (columns.count()?, columns.time()?)))
        };
        self.connection()
            .prepare_cached(FIRED)
            .and_then(|mut statement| statement.query_map([], read)?.collect())
            .doing("counting alerts")
    }
}
