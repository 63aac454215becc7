//! Models: their versions, how they did, and what has been learned since.

use rusqlite::params;

use super::tally::Tally;
use super::{Change, json};
use crate::domain::event::ModelVersioned;
use crate::domain::learning::ModelKind;
use crate::store::error::Error;

/// Of so many versions everything is kept, so that one can go back to them.
const KEPT: u32 = 16;

/// So many records of the journal are a block.
pub(in crate::store) const BLOCK: i64 = 1024;

pub(super) fn versioned(change: &Change<'_, '_>, tally: &mut Tally, event: &ModelVersioned) -> Result<(), Error> {
    let one = &event.version;
    let kind = one.model.as_str();
    change.run(
        "INSERT INTO model (kind, current_version, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)
         ON CONFLICT (kind) DO UPDATE SET current_version = ?2, updated_at = ?3",
        params![kind, one.version, change.now()],
    )?;
    change.run(
        "INSERT INTO model_version (kind, version, seq, time, body, state) VALUES (?, ?, ?, ?, ?, ?)",
        params![
            kind,
            one.version,
            change.seq,
            change.now(),
            json("model version", one)?,
            json("state of a model", &event.state)?
        ],
    )?;
    change.run(
        "UPDATE model_version SET state = NULL WHERE kind = ? AND version <= ? AND state IS NOT NULL",
        params![kind, i64::from(one.version) - i64::from(KEPT)],
    )?;
    for compared in one.compared.iter().filter(|compared| compared.is_measured()) {
        let batch = compared.batch.unwrap_or(one.batch);
        for (name, value) in [("loss", compared.loss), ("accuracy", compared.accuracy)] {
            change.run(
                "INSERT INTO learning_metric (kind, version, candidate, type, value, time, batch_size, iteration, epoch)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?2, 1)",
                params![kind, one.version, compared.candidate, name, value, change.now(), batch],
            )?;
        }
        change.run(
            "INSERT INTO learning_metric (kind, version, candidate, type, value, time, batch_size, iteration, epoch)
             SELECT ?1, ?2, ?3, 'convergence', m.value - ?4, ?5, ?6, ?2, 1 FROM learning_metric m
             WHERE m.kind = ?1 AND m.version = ?2 - 1 AND m.candidate = ?3 AND m.type = 'loss'",
            params![kind, one.version, compared.candidate, compared.loss, change.now(), batch],
        )?;
    }
    match one.model {
        ModelKind::Policy => change.run("DELETE FROM lesson", params![]),
        ModelKind::Predictor => {
            tally.block = None;
            change.run("DELETE FROM lesson_of_predictor", params![])
        }
        ModelKind::Classifier => change.run("DELETE FROM lesson_of_classifier", params![]),
        ModelKind::ValueFunction => change.run("DELETE FROM lesson_of_value", params![]),
    }
}

/// Notes that an agent was removed, for each model that has something to forget.
pub(super) fn forgotten(change: &Change<'_, '_>) -> Result<(), Error> {
    change.run(
        "INSERT INTO lesson (seq) SELECT ? WHERE EXISTS (SELECT 1 FROM lesson)
         OR EXISTS (SELECT 1 FROM model WHERE kind = 'policy')",
        params![change.seq],
    )?;
    change.run(
        "INSERT OR IGNORE INTO lesson_of_predictor (block) SELECT ? WHERE EXISTS (SELECT 1 FROM lesson_of_predictor)
         OR EXISTS (SELECT 1 FROM model WHERE kind = 'predictor')",
        params![change.seq / BLOCK],
    )?;
    change.run(
        "INSERT INTO lesson_of_classifier (seq) SELECT ? WHERE EXISTS (SELECT 1 FROM lesson_of_classifier)
         OR EXISTS (SELECT 1 FROM model WHERE kind = 'classifier')",
        params![change.seq],
    )
}

/// Notes that a record teaches the policy something.
pub(super) fn taught(change: &Change<'_, '_>) -> Result<(), Error> {
    change.run("INSERT INTO lesson (seq) VALUES (?)", params![change.seq])
}

/// Notes that a record teaches the predictor something; once for all in a block.
pub(super) fn timed(change: &Change<'_, '_>, tally: &mut Tally) -> Result<(), Error> {
    let block = change.seq / BLOCK;
    if tally.block.replace(block) == Some(block) {
        return Ok(());
    }
    change.run("INSERT OR IGNORE INTO lesson_of_predictor (block) VALUES (?)", params![block])
}

/// Notes that a record teaches the classifier something.
pub(super) fn tried(change: &Change<'_, '_>) -> Result<(), Error> {
    change.run("INSERT INTO lesson_of_classifier (seq) VALUES (?)", params![change.seq])
}

/// Notes that a record teaches the value function something.
pub(super) fn stood(change: &Change<'_, '_>) -> Result<(), Error> {
    change.run("INSERT INTO lesson_of_value (seq) VALUES (?)", params![change.seq])
}
