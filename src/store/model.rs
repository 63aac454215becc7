//! Models as they are kept: versions, figures about them, and what was learned since the last version.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::{Doing, Error};
use super::journal::record_of;
use super::projection::BLOCK;
use super::reader::Reader;
use super::rows::Columns;
use crate::domain::event::ExecutionEnded;
use crate::domain::learning::{
    Compared, LearningContext, LearningMetric, LearningSource, Model, ModelKind, ModelMetadata, ModelMetrics,
    ModelParameters, ModelState, ModelVersion, NextVersion, RecordRange, StoredVersion, TrainingData, ValidationData,
    check_format, metric_id, model_id, truth_of_end, version_id,
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

    /// A version of a model, or the last one; `None` where there is none.
    pub fn model_version(&self, model: ModelKind, version: Option<u32>) -> Result<Option<StoredVersion>, Error> {
        self.connection()
            .prepare_cached(
                "SELECT v.body, v.time, v.seq, v.state IS NOT NULL FROM model m
                 JOIN model_version v ON v.kind = m.kind AND v.version = coalesce(?2, m.current_version) WHERE m.kind = ?1",
            )
            .and_then(|mut statement| statement.query_row(params![model.as_str(), version], stored).optional())
            .doing(DOING)
    }

    /// The versions of a model, the newest first; of very many the last 10,000.
    pub fn model_versions(&self, model: ModelKind) -> Result<Vec<StoredVersion>, Error> {
        self.connection()
            .prepare_cached(
                "SELECT body, time, seq, state IS NOT NULL FROM model_version WHERE kind = ?
                 ORDER BY version DESC LIMIT 10000",
            )
            .and_then(|mut statement| statement.query_map([model.as_str()], stored)?.collect())
            .doing(DOING)
    }

    /// Which versions of a model took up an earlier one again, and which that was.
    fn gone_back(&self, model: ModelKind) -> Result<BTreeMap<u32, u32>, Error> {
        self.connection()
            .prepare_cached(
                "SELECT version, body ->> '$.rolled_back_to' FROM model_version
                 WHERE kind = ? AND body ->> '$.rolled_back_to' IS NOT NULL",
            )
            .and_then(|mut statement| {
                statement.query_map([model.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            })
            .doing(DOING)
    }

    /// A model as it is, apart from how far its next version is.
    pub fn model(&self, kind: ModelKind, parameters: ModelParameters, next: NextVersion) -> Result<Model, Error> {
        let current = self.model_version(kind, None)?;
        let mut model = Model {
            id: model_id(kind),
            kind,
            current_version: current.as_ref().map(|current| current.version.version),
            parameters,
            metrics: ModelMetrics::default(),
            metadata: ModelMetadata::default(),
            updated_at: current.as_ref().map(|current| current.time),
            created_at: self.model_version(kind, Some(1))?.map(|first| first.time),
            current: None,
            next,
        };
        let Some(current) = current else { return Ok(model) };
        let gone_back = self.gone_back(kind)?;
        // A version that somebody went back to was measured when it was made.
        let mut measured = current.version.version;
        while let Some(to) = gone_back.get(&measured).filter(|to| **to < measured) {
            measured = *to;
        }
        let before = self.model_version(kind, measured.checked_sub(1))?.map_or(0, |before| before.seq);
        if let Some(measured) = self.model_version(kind, Some(measured))? {
            model.metrics = self.model_metrics(&measured)?;
            model.metadata.validation_data = Some(ValidationData {
                method: "prequential".to_owned(),
                outcomes: measured.version.batch,
                records: range(before + 1, measured.seq - 1),
            });
        }
        model.metadata.training_data = Some(TrainingData {
            from: outcomes_of(kind).to_owned(),
            outcomes: current.version.lessons,
            records: self.model_records(kind, current.version.version, &gone_back)?,
        });
        model.current = Some(current);
        Ok(model)
    }

    /// In which records stands what a version has learned from.
    fn model_records(
        &self,
        kind: ModelKind,
        version: u32,
        gone_back: &BTreeMap<u32, u32>,
    ) -> Result<Vec<RecordRange>, Error> {
        let seq = |version: u32| -> Result<u64, Error> {
            Ok(self.model_version(kind, Some(version))?.map_or(0, |version| version.seq))
        };
        let (mut records, mut at) = (vec![], version);
        loop {
            // It goes on from the last version that took up another, which brought what that one had learned.
            let Some((back, to)) = gone_back.range(..=at).next_back().map(|(back, to)| (*back, *to)) else {
                records.extend(range(1, seq(at)?.saturating_sub(1)));
                break;
            };
            if back < at {
                records.extend(range(seq(back)? + 1, seq(at)?.saturating_sub(1)));
            }
            if to >= back {
                break;
            }
            at = to;
        }
        records.reverse();
        Ok(records)
    }

    /// How the candidate in force did when a version was made.
    fn model_metrics(&self, version: &StoredVersion) -> Result<ModelMetrics, Error> {
        let Some(compared) = version.version.compared.iter().find(|compared| compared.in_force) else {
            return Ok(ModelMetrics::default());
        };
        let one = &version.version;
        let convergence = self
            .connection()
            .prepare_cached(
                "SELECT value FROM learning_metric WHERE kind = ? AND version = ? AND candidate = ? AND type = 'convergence'",
            )
            .and_then(|mut statement| {
                let key = params![one.model.as_str(), one.version, compared.candidate];
                statement.query_row(key, |row| row.get(0)).optional()
            })
            .doing(DOING)?;
        Ok(ModelMetrics {
            candidate: Some(compared.candidate.clone()),
            accuracy: Some(compared.accuracy),
            loss: Some(compared.loss),
            convergence,
        })
    }

    /// The figures about a model, by version and candidate.
    pub fn learning_metrics(&self, model: ModelKind) -> Result<Vec<LearningMetric>, Error> {
        let read = |row: &Row<'_>| {
            let mut columns = Columns::new(row);
            let (version, candidate): (u32, String) = (columns.get()?, columns.get()?);
            let (kind, value, time) = (columns.word()?, columns.get()?, columns.time()?);
            let context =
                LearningContext { batch_size: columns.get()?, iteration: columns.get()?, epoch: columns.get()? };
            let id = metric_id((model, version, time), &candidate, kind);
            Ok(LearningMetric {
                id,
                model,
                kind,
                value,
                time,
                context,
                metadata: LearningSource { version, candidate },
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

/// Reads a version: `body, time, seq, kept`. What was not measured is left out of it.
fn stored(row: &Row<'_>) -> rusqlite::Result<StoredVersion> {
    let mut columns = Columns::new(row);
    let mut version: ModelVersion = columns.json()?;
    version.compared.retain(Compared::is_measured);
    let time = columns.time()?;
    let id = version_id(version.model, version.version, time);
    Ok(StoredVersion { id, version, time, seq: columns.count()?, kept: columns.get()? })
}

/// Records from one to another, if there are any.
fn range(from: u64, to: u64) -> Option<RecordRange> {
    (from <= to).then_some(RecordRange { from, to })
}

/// What counts as an outcome for a model.
const fn outcomes_of(model: ModelKind) -> &'static str {
    match model {
        ModelKind::Policy => "executions that ended and say something about their agent, and ratings",
        ModelKind::Predictor => "executions that succeeded",
        ModelKind::Classifier => {
            "executions that ended and say something about their agent, and first judgements of artifacts by people"
        }
        ModelKind::ValueFunction => "tasks with a deadline that completed",
    }
}
