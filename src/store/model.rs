//! Models as they are kept: versions, figures about them, and what was learned since the last version.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::{Doing, Error};
use super::journal::record_of;
use super::projection::BLOCK;
use super::reader::Reader;
use super::rows::Columns;
use crate::domain::event::ExecutionEnded;
use crate::domain::learning::{
    LearningMetric, ModelKind, ModelState, ModelVersion, StoredVersion, check_format, truth_of_end,
};
use crate::domain::snapshot::PastLesson;
use crate::domain::{Event, ReviewState};

const DOING: &str = "reading models";

/// A version and what it is. Of a format that this binary does not read, it is as if nothing had been learned: what it says
/// is not guessed at, and whoever takes it up refuses it by its format.
fn version_and_state(row: &Row<'_>) -> rusqlite::Result<(ModelVersion, ModelState)> {
    let mut columns = Columns::new(row);
    let version: ModelVersion = columns.json()?;
    let state = match check_format(&version) {
        Ok(()) => columns.json()?,
        Err(_) => ModelState::of_nothing(version.model),
    };
    Ok((version, state))
}

/// The last version of each model.
pub(super) fn latest(connection: &Connection) -> Result<Vec<(ModelVersion, ModelState)>, Error> {
    connection
        .prepare(
            "SELECT v.body, v.state FROM model m JOIN model_version v ON v.kind = m.kind AND v.version = m.current_version
             ORDER BY m.kind",
        )
        .and_then(|mut statement| statement.query_map([], version_and_state)?.collect())
        .doing(DOING)
}

/// Of which model a lesson is, by the table that it stands in. For the predictor that says only in which blocks of the journal to
/// look.
fn tables() -> String {
    format!(
        "SELECT seq, 0 AS model FROM lesson
         UNION ALL SELECT r.seq, 1 FROM lesson_of_predictor b
             JOIN journal r ON r.seq BETWEEN b.block * {BLOCK} AND b.block * {BLOCK} + {BLOCK} - 1
             WHERE r.kind IN ('execution_ended', 'agent_removed') AND r.seq > coalesce((SELECT v.seq FROM model m
                 JOIN model_version v ON v.kind = m.kind AND v.version = m.current_version WHERE m.kind = 'predictor'), 0)
         UNION ALL SELECT seq, 2 FROM lesson_of_classifier UNION ALL SELECT seq, 3 FROM lesson_of_value"
    )
}
const OF_PREDICTOR: u32 = 1;
const OF_CLASSIFIER: u32 = 2;
const OF_VALUE: u32 = 3;

/// What taught something since then, in order.
pub(super) fn lessons(connection: &Connection) -> Result<Vec<PastLesson>, Error> {
    let mut statement = connection
        .prepare(&format!(
            "SELECT j.seq, j.time, j.actor, j.kind, j.version, j.body, l.model FROM ({}) l
             JOIN journal j ON j.seq = l.seq ORDER BY l.seq, l.model",
            tables()
        ))
        .doing(DOING)?;
    let mut rows = statement.query([]).doing(DOING)?;
    let mut found = vec![];
    while let Some(row) = rows.next().doing(DOING)? {
        let model: u32 = row.get(6).doing(DOING)?;
        let record = record_of(row)?;
        found.extend(match record.event {
            Event::ExecutionEnded(event) if model == OF_PREDICTOR => took(connection, event)?,
            Event::ExecutionEnded(event) if model == OF_VALUE => event.slack.map(PastLesson::Stood),
            Event::ExecutionEnded(event) => {
                let (agent_id, succeeded) = (event.agent_id, event.outcome.succeeded());
                event.lesson.map(|lesson| match model {
                    OF_CLASSIFIER => PastLesson::Tried { agent_id, lesson, succeeded },
                    _ => PastLesson::Learned { agent_id, lesson, truth: truth_of_end(succeeded) },
                })
            }
            Event::TaskRated(event) => PastLesson::of_rating(event),
            Event::ArtifactReviewed(event) => event.teaches(record.actor).map(|(agent_id, product)| {
                PastLesson::Judged { agent_id, product, approved: event.state == ReviewState::Approved }
            }),
            Event::AgentRemoved(event) => Some(PastLesson::Removed(event.agent_id)),
            _ => None,
        });
    }
    Ok(found)
}

/// What the predictor learns from an end. The record does not say the type of a task that brought its command.
fn took(connection: &Connection, event: ExecutionEnded) -> Result<Option<PastLesson>, Error> {
    let Some(took) = event.took() else { return Ok(None) };
    let brings_command = event.kind.is_none();
    let kind = match event.kind {
        Some(kind) => Some(kind),
        None => connection
            .prepare_cached("SELECT type FROM task WHERE id = ?")
            .and_then(|mut statement| {
                statement.query_row(params![event.task_id.0.as_bytes()], |row| row.get(0)).optional()
            })
            .doing(DOING)?,
    };
    let (agent_id, tokens) = (event.agent_id, event.outcome.tokens_used);
    Ok(kind.map(|kind| PastLesson::Took { agent_id, kind, brings_command, took, tokens }))
}

impl Reader {
    /// What a version of a model was, if that is still kept; nothing learned where it is of a newer format.
    pub fn model_state(&self, model: ModelKind, version: u32) -> Result<Option<(ModelVersion, ModelState)>, Error> {
        self.connection()
            .prepare_cached(
                "SELECT body, state FROM model_version WHERE kind = ? AND version = ? AND state IS NOT NULL",
            )
            .and_then(|mut statement| {
                statement.query_row(params![model.as_str(), version], version_and_state).optional()
            })
            .doing(DOING)
    }

    /// The versions of all models, by model and the newest first.
    pub fn model_versions(&self) -> Result<Vec<StoredVersion>, Error> {
        let read = |row: &Row<'_>| {
            let mut columns = Columns::new(row);
            let version = columns.json()?;
            Ok(StoredVersion { version, time: columns.time()?, seq: columns.count()?, kept: columns.get()? })
        };
        self.connection()
            .prepare_cached(
                "SELECT body, time, seq, state IS NOT NULL FROM model_version ORDER BY kind, version DESC LIMIT 10000",
            )
            .and_then(|mut statement| statement.query_map([], read)?.collect())
            .doing(DOING)
    }

    /// The figures about a model, by version and candidate.
    pub fn learning_metrics(&self, model: ModelKind) -> Result<Vec<LearningMetric>, Error> {
        let read = |row: &Row<'_>| {
            let mut columns = Columns::new(row);
            Ok(LearningMetric {
                model,
                version: columns.get()?,
                candidate: columns.get()?,
                kind: columns.word()?,
                value: columns.get()?,
                time: columns.time()?,
                batch_size: columns.get()?,
                iteration: columns.get()?,
                epoch: columns.get()?,
            })
        };
        self.connection()
            .prepare_cached(
                "SELECT version, candidate, type, value, time, batch_size, iteration, epoch FROM learning_metric
                 WHERE kind = ? ORDER BY version DESC, candidate, type LIMIT 10000",
            )
            .and_then(|mut statement| statement.query_map([model.as_str()], read)?.collect())
            .doing(DOING)
    }
}
