//! What each event does to the tables. One reading of an event: a commit and a rebuild both come through [`apply`], so
//! the rows are the same whichever way they came about.
//!
//! Nothing may enter here but the record and the rows that earlier records made: no clock, no draw, no setting.

mod agent;
mod alert;
mod alert_rule;
mod approval_rule;
mod artifact;
mod execution;
mod fleet;
mod model;
mod rating;
mod statements;
mod system;
mod tally;
mod task;

use std::cell::Cell;

use rusqlite::Params;

pub(super) use self::model::BLOCK;
pub(super) use self::statements::Statements;
pub(super) use self::tally::Tally;
use super::error::Error;
use crate::domain::event::{Actor, Event, Record};
use crate::domain::task::TaskStatus;
use crate::domain::time::Timestamp;

/// The tables that follow from the journal, in the order in which they are emptied and compared.
pub(super) const TABLES: &[&str] = &[
    "origin",
    "defaults",
    "user",
    "node",
    "resource",
    "cage",
    "agent",
    "agent_performance_daily",
    "task",
    "task_dependency",
    "ended",
    "listed",
    "execution",
    "artifact",
    "system_event",
    "alert",
    "alert_rule",
    "alert_grouped",
    "approval_rule",
    "silence",
    "agent_history",
    "agent_kind",
    "kind_time",
    "agent_pair",
    "agent_judgement",
    "rating",
    "agent_version",
    "model",
    "model_version",
    "learning_metric",
    "lesson",
    "lesson_of_predictor",
    "lesson_of_classifier",
    "lesson_of_value",
];

/// How rows are changed, with the place of the record in the journal.
struct Change<'s, 'c> {
    statements: &'s Statements<'c>,
    /// The record's number as `SQLite` holds it.
    seq: i64,
    time: Timestamp,
    actor: Actor,
    /// A task that only its row could tell the earlier status of: that status, if it is not new, and the one it has now.
    moved: Cell<Option<(Option<TaskStatus>, TaskStatus)>>,
}

impl Change<'_, '_> {
    /// Runs one statement.
    fn run(&self, sql: &'static str, params: impl Params) -> Result<(), Error> {
        self.statements.run(sql, params)
    }

    /// The record's time as `SQLite` holds it.
    const fn now(&self) -> i64 {
        self.time.as_micros()
    }
}

/// Changes the rows as `record` says, within the transaction that the caller has begun. What is only counted goes to the
/// `tally`, which the caller flushes before the transaction ends.
pub(super) fn apply(statements: &Statements<'_>, tally: &mut Tally, record: &Record) -> Result<(), Error> {
    if needs_counts(&record.event) {
        tally.flush(statements.connection)?;
    }
    tally.list(&record.event);
    let change = Change {
        statements,
        seq: super::journal::integer(record.seq),
        time: record.time,
        actor: record.actor,
        moved: Cell::new(None),
    };
    change_rows(&change, tally, record)?;
    if let Some((from, to)) = change.moved.take() {
        tally.moved(from, to);
    }
    Ok(())
}

fn change_rows(change: &Change<'_, '_>, tally: &mut Tally, record: &Record) -> Result<(), Error> {
    match &record.event {
        Event::JournalOpened(event) => system::journal_opened(change, event),
        // Who ran when is answered by the journal alone.
        Event::EngineStarted(_) => Ok(()),
        Event::SystemEventRaised(event) => system::raised(change, event),
        Event::UserAdded(event) => fleet::user_added(change, event),
        Event::DefaultsSet(event) => fleet::defaults_set(change, event),
        Event::NodeSeen(event) => fleet::node_seen(change, event),
        Event::NodeLost(event) => fleet::node_lost(change, event),
        Event::CageDeclared(event) => fleet::cage_declared(change, event),
        Event::CageRemoved(event) => fleet::cage_removed(change, event),
        Event::CageMaintenance(event) => fleet::cage_maintenance(change, event),
        Event::CageEnforced(event) => fleet::cage_enforced(change, event),
        Event::CageFaulted(event) => fleet::cage_faulted(change, event),
        Event::CageReleased(event) => fleet::cage_released(change, event),
        Event::AgentDeclared(event) => agent::declared(change, event),
        Event::AgentRemoved(event) => {
            model::forgotten(change)?;
            agent::removed(change, event)
        }
        Event::AgentMoved(event) => agent::moved(change, event),
        Event::AgentDrained(event) => agent::drained(change, event),
        Event::AgentResumed(event) => agent::resumed(change, event),
        Event::BreakerOpened(event) => agent::breaker_opened(change, event),
        Event::BreakerClosed(event) => agent::breaker_closed(change, event),
        Event::TaskSubmitted(event) => task::submitted(change, event),
        Event::TaskMaterialised(event) => task::materialised(change, event),
        Event::ArrayEnded(event) => task::array_ended(change, event),
        Event::TaskCancelled(event) => task::cancelled(change, event),
        Event::TaskFailed(event) => task::failed(change, event),
        Event::TaskRetried(event) => task::retried(change, event),
        Event::TaskReassigned(event) => task::reassigned(change, event),
        Event::TaskPrioritised(event) => task::prioritised(change, event),
        Event::ExecutionScheduled(event) => execution::scheduled(change, event),
        Event::ExecutionStarted(event) => execution::started(change, event),
        Event::ExecutionStopping(event) => execution::stopping(change, event),
        Event::ExecutionEnded(event) => {
            tally.add(record, event);
            if event.lesson.is_some() {
                model::taught(change)?;
                model::tried(change)?;
            }
            if event.took().is_some() {
                model::timed(change, tally)?;
            }
            if event.slack.is_some() {
                model::stood(change)?;
            }
            execution::ended(change, event)
        }
        Event::ArtifactAdded(event) => artifact::added(change, event),
        Event::ArtifactReviewed(event) => {
            if event.teaches(change.actor).is_some() {
                model::tried(change)?;
            }
            artifact::reviewed(change, event)
        }
        Event::ArtifactMerged(event) => artifact::merged(change, event),
        Event::TaskRated(event) => {
            if event.taught.is_some() {
                model::taught(change)?;
            }
            rating::rated(change, event)
        }
        Event::ModelVersioned(event) => model::versioned(change, tally, event),
        Event::ArtifactSnoozed(event) => artifact::snoozed(change, event),
        Event::TaskSnoozed(event) => task::snoozed(change, event),
        Event::AlertRaised(event) => alert::raised(change, event),
        Event::AlertRepeated(event) => alert::repeated(change, event),
        Event::AlertAcknowledged(event) => alert::acknowledged(change, event),
        Event::AlertUnacknowledged(event) => alert::unacknowledged(change, event),
        Event::AlertSilenced(event) => alert::silenced(change, event),
        Event::AlertResolved(event) => alert::resolved(change, event),
        Event::AlertReopened(event) => alert::reopened(change, event),
        Event::AlertGrouped(event) => alert_rule::grouped(change, event),
        Event::AlertRuleDeclared(event) => alert_rule::declared(change, event),
        Event::AlertRuleRemoved(event) => alert_rule::removed(change, event),
        Event::ApprovalRuleDeclared(event) => approval_rule::declared(change, event),
        Event::ApprovalRuleRemoved(event) => approval_rule::removed(change, event),
        Event::SilenceAdded(event) => alert_rule::silence_added(change, event),
        Event::SilenceRemoved(event) => alert_rule::silence_removed(change, event),
    }
}

/// Whether an event changes what is counted by itself, so that what was noted has to be written before.
const fn needs_counts(event: &Event) -> bool {
    matches!(
        event,
        Event::AgentDeclared(_)
            | Event::AgentRemoved(_)
            | Event::AgentMoved(_)
            | Event::AgentDrained(_)
            | Event::AgentResumed(_)
            | Event::BreakerOpened(_)
            | Event::BreakerClosed(_)
            | Event::TaskRetried(_)
    )
}

/// A value as JSON text.
fn json<T: serde::Serialize>(what: &'static str, value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|source| Error::Json { what, source })
}

/// A value as JSON text, or NULL where it is the default and so says nothing.
fn json_unless_default<T: serde::Serialize + Default + PartialEq>(
    what: &'static str,
    value: &T,
) -> Result<Option<String>, Error> {
    if *value == T::default() { Ok(None) } else { json(what, value).map(Some) }
}

/// A free value as JSON text. Null reads back as no value at all, so it is none here too.
fn json_unless_null(what: &'static str, value: Option<&serde_json::Value>) -> Result<Option<String>, Error> {
    value.filter(|value| !value.is_null()).map(|value| json(what, value)).transpose()
}

/// A figure as `SQLite` and JSON both hold it: what is not finite is nothing.
fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|figure| figure.is_finite())
}
