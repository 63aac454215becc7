//! Rules that judge artifacts.

use rusqlite::params;

use super::{Change, json};
use crate::domain::event::{ApprovalRuleDeclared, ApprovalRuleRemoved};
use crate::store::error::Error;

pub(super) fn declared(change: &Change<'_, '_>, event: &ApprovalRuleDeclared) -> Result<(), Error> {
    change.run(
        "INSERT OR REPLACE INTO approval_rule (name, body) VALUES (?, ?)",
        params![event.rule.name, json("approval rule", &event.rule)?],
    )
}

pub(super) fn removed(change: &Change<'_, '_>, event: &ApprovalRuleRemoved) -> Result<(), Error> {
    change.run("DELETE FROM approval_rule WHERE name = ?", params![event.name])
}
