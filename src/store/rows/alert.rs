//! Alerts.

use rusqlite::{Result, Row};

use super::Columns;
use crate::domain::alert::{Alert, AlertContext};
use crate::domain::id::{AlertId, UserId};

/// The columns of [`alert`], of `alert w`.
pub(in crate::store) const ALERT_COLUMNS: &str = "w.id, w.severity, w.status, w.source, w.message, w.time, w.last_seen, \
    w.count, w.trigger_name, w.threshold, w.value, w.acknowledged_by, w.note, w.silenced_until, w.resolution";

/// Reads an alert.
pub(in crate::store) fn alert(row: &Row<'_>) -> Result<Alert> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    Ok(Alert {
        id: c.id(AlertId)?,
        severity: c.word()?,
        status: c.word()?,
        source: c.get()?,
        message: c.get()?,
        time: c.time()?,
        last_seen: c.time()?,
        count: c.count()?,
        context: AlertContext { trigger: c.get()?, threshold: c.get()?, value: c.get()? },
        acknowledged_by: c.optional_id(UserId)?,
        note: c.get()?,
        silenced_until: c.optional_time()?,
        resolution: c.optional_json()?,
    })
}
