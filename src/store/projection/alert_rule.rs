//! Alert rules, what shares an alert, and silences.

use rusqlite::params;

use super::{Change, json};
use crate::domain::event::{AlertGrouped, AlertRuleDeclared, AlertRuleRemoved, SilenceAdded, SilenceRemoved};
use crate::store::error::Error;

pub(super) fn declared(change: &Change<'_, '_>, event: &AlertRuleDeclared) -> Result<(), Error> {
    change.run(
        "INSERT OR REPLACE INTO alert_rule (name, body) VALUES (?, ?)",
        params![event.rule.name, json("alert rule", &event.rule)?],
    )
}

pub(super) fn removed(change: &Change<'_, '_>, event: &AlertRuleRemoved) -> Result<(), Error> {
    change.run("DELETE FROM alert_rule WHERE name = ?", params![event.name])
}

pub(super) fn grouped(change: &Change<'_, '_>, event: &AlertGrouped) -> Result<(), Error> {
    let (scope, name) = (event.subject.scope.as_str(), &event.subject.name);
    match event.severity {
        Some(severity) => change.run(
            "INSERT OR REPLACE INTO alert_grouped (rule, scope, name, severity) VALUES (?, ?, ?, ?)",
            params![event.rule, scope, name, severity.as_str()],
        ),
        None => change.run(
            "DELETE FROM alert_grouped WHERE rule = ? AND scope = ? AND name = ?",
            params![event.rule, scope, name],
        ),
    }
}

pub(super) fn silence_added(change: &Change<'_, '_>, event: &SilenceAdded) -> Result<(), Error> {
    let silence = &event.silence;
    change.run(
        "INSERT INTO silence (seq, id, matcher, until, note, by, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![
            change.seq,
            silence.id.0.as_bytes(),
            json("matcher", &silence.matcher)?,
            silence.until.as_micros(),
            silence.note,
            silence.by.0.as_bytes(),
            silence.created_at.as_micros(),
        ],
    )
}

pub(super) fn silence_removed(change: &Change<'_, '_>, event: &SilenceRemoved) -> Result<(), Error> {
    change.run("DELETE FROM silence WHERE id = ?", params![event.silence_id.0.as_bytes()])
}
