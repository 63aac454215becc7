//! Alerts, the rules that raise them, and silences.

use rusqlite::{Result, Row};

use super::Columns;
use crate::domain::alert::{Alert, AlertContext};
use crate::domain::alert_rule::{AlertRule, Subject};
use crate::domain::approval_rule::ApprovalRule;
use crate::domain::id::{AlertId, SilenceId, UserId};
use crate::domain::silence::Silence;
use crate::domain::system_event::Severity;

/// The columns of [`alert`], of `alert w`.
pub(in crate::store) const ALERT_COLUMNS: &str = "w.id, w.severity, w.status, w.source, w.message, w.time, w.last_seen, \
    w.count, w.trigger_name, w.threshold, w.value, w.remedy, w.acknowledged_by, w.note, w.silenced_until, w.resolution, \
    w.about";

/// Reads an alert.
pub(in crate::store) fn alert(row: &Row<'_>) -> Result<Alert> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    let mut alert = Alert {
        id: c.id(AlertId)?,
        severity: c.word()?,
        status: c.word()?,
        source: c.get()?,
        message: c.get()?,
        time: c.time()?,
        last_seen: c.time()?,
        count: c.count()?,
        context: AlertContext {
            trigger: c.get()?,
            threshold: c.get()?,
            value: c.get()?,
            remedy: c.get()?,
            attempts: vec![],
        },
        acknowledged_by: c.optional_id(UserId)?,
        note: c.get()?,
        silenced_until: c.optional_time()?,
        resolution: c.optional_json()?,
    };
    alert.context.attempts = c.json_or_default()?;
    Ok(alert)
}

/// The columns of [`silence`], of `silence x`.
pub(in crate::store) const SILENCE_COLUMNS: &str = "x.id, x.matcher, x.until, x.note, x.by, x.created_at";

/// Reads a silence.
pub(in crate::store) fn silence(row: &Row<'_>) -> Result<Silence> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    Ok(Silence {
        id: c.id(SilenceId)?,
        matcher: c.json()?,
        until: c.time()?,
        note: c.get()?,
        by: c.id(UserId)?,
        created_at: c.time()?,
    })
}

/// Reads an alert rule, of its body.
pub(in crate::store) fn alert_rule(row: &Row<'_>) -> Result<AlertRule> {
    Columns::new(row).json()
}

/// Reads a rule that judges artifacts, of its body.
pub(in crate::store) fn approval_rule(row: &Row<'_>) -> Result<ApprovalRule> {
    Columns::new(row).json()
}

/// Reads what shares an alert: rule, scope, name, severity.
pub(in crate::store) fn alert_grouped(row: &Row<'_>) -> Result<(String, Subject, Severity)> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    Ok((c.get()?, Subject { scope: c.word()?, name: c.get()? }, c.word()?))
}
