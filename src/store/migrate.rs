//! Migrations of the tables, forward and backward.
//!
//! Going forward, all steps and the number of the schema they lead to are one transaction; going back, each step is: a
//! process that is killed in between leaves an old schema or the new one.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};
use serde::Serialize;

use super::connection::{mark, open_reader, open_writer};
use super::data_dir::DataDir;
use super::error::{Doing, Error};
use super::journal::check_format;
use super::rebuild::remake;
use crate::domain::Refusal;

/// One step.
struct Step {
    name: &'static str,
    up: &'static str,
    /// `None` where going back would destroy the journal.
    down: Option<&'static str>,
    /// Says whether the journal has records for what the step adds, because the store was here before and went back: then
    /// the tables are made anew from it, once all steps are taken.
    known_before: Option<&'static str>,
}

/// All steps; the number of a schema is how many of them were taken.
const STEPS: &[Step] = &[
    Step { name: "base", up: include_str!("migrations/0001_base.up.sql"), down: None, known_before: None },
    Step {
        name: "list_indexes",
        up: include_str!("migrations/0002_list_indexes.up.sql"),
        down: Some(include_str!("migrations/0002_list_indexes.down.sql")),
        known_before: None,
    },
    Step {
        name: "lists",
        up: include_str!("migrations/0003_lists.up.sql"),
        down: Some(include_str!("migrations/0003_lists.down.sql")),
        known_before: None,
    },
    Step {
        name: "triage",
        up: include_str!("migrations/0004_triage.up.sql"),
        down: Some(include_str!("migrations/0004_triage.down.sql")),
        known_before: Some(
            "SELECT EXISTS (SELECT 1 FROM journal WHERE kind IN ('alert_raised', 'artifact_snoozed', 'task_snoozed')
                 OR (kind = 'task_failed' AND body ->> 'cause' IS NOT NULL))",
        ),
    },
    Step {
        name: "cage_fault",
        up: include_str!("migrations/0005_cage_fault.up.sql"),
        down: Some(include_str!("migrations/0005_cage_fault.down.sql")),
        known_before: Some("SELECT EXISTS (SELECT 1 FROM journal WHERE kind = 'cage_faulted')"),
    },
    Step {
        name: "alert_rules",
        up: include_str!("migrations/0006_alert_rules.up.sql"),
        down: Some(include_str!("migrations/0006_alert_rules.down.sql")),
        known_before: Some(
            "SELECT EXISTS (SELECT 1 FROM journal WHERE kind IN ('alert_rule_declared', 'alert_rule_removed',
                 'alert_grouped', 'silence_added', 'silence_removed')
                 OR (kind = 'alert_raised' AND body ->> '$.alert.context.remedy' IS NOT NULL))",
        ),
    },
    Step {
        name: "verification",
        up: include_str!("migrations/0007_verification.up.sql"),
        down: Some(include_str!("migrations/0007_verification.down.sql")),
        known_before: Some(
            "SELECT EXISTS (SELECT 1 FROM journal WHERE (kind = 'task_submitted' AND body ->> '$.task.verify' IS NOT NULL)
                 OR (kind = 'execution_ended' AND body ->> '$.outcome.verification' IS NOT NULL))",
        ),
    },
    Step {
        name: "agent_performance",
        up: include_str!("migrations/0008_agent_performance.up.sql"),
        down: Some(include_str!("migrations/0008_agent_performance.down.sql")),
        known_before: Some("SELECT EXISTS (SELECT 1 FROM journal WHERE kind = 'execution_ended')"),
    },
    Step {
        name: "workspaces",
        up: include_str!("migrations/0009_workspaces.up.sql"),
        down: Some(include_str!("migrations/0009_workspaces.down.sql")),
        known_before: Some(
            "SELECT EXISTS (SELECT 1 FROM journal WHERE (kind = 'task_submitted' AND body ->> '$.task.workspace' IS NOT NULL)
                 OR (kind = 'artifact_added' AND body ->> '$.artifact.difference' IS NOT NULL))",
        ),
    },
    Step {
        name: "alert_history",
        up: include_str!("migrations/0010_alert_history.up.sql"),
        down: Some(include_str!("migrations/0010_alert_history.down.sql")),
        // Since then a cage that could not be set up is no execution of its agent.
        known_before: Some(
            "SELECT EXISTS (SELECT 1 FROM journal
                 WHERE kind = 'execution_ended' AND body ->> '$.outcome.kind' = 'cage_failed')",
        ),
    },
    Step {
        name: "approval_rules",
        up: include_str!("migrations/0011_approval_rules.up.sql"),
        down: Some(include_str!("migrations/0011_approval_rules.down.sql")),
        known_before: Some(
            "SELECT EXISTS (SELECT 1 FROM journal WHERE kind IN ('approval_rule_declared', 'approval_rule_removed')
                 OR (kind = 'artifact_reviewed' AND body ->> 'rule' IS NOT NULL))",
        ),
    },
    Step {
        name: "selection",
        up: include_str!("migrations/0012_selection.up.sql"),
        down: Some(include_str!("migrations/0012_selection.down.sql")),
        known_before: Some(
            // Every journal has agents, whose definitions are versions of them.
            "SELECT EXISTS (SELECT 1 FROM journal WHERE kind = 'agent_declared')",
        ),
    },
    Step {
        name: "learning",
        up: include_str!("migrations/0013_learning.up.sql"),
        down: Some(include_str!("migrations/0013_learning.down.sql")),
        known_before: Some(
            "SELECT EXISTS (SELECT 1 FROM journal WHERE kind = 'model_versioned'
                 OR (kind IN ('execution_ended', 'task_rated') AND body ->> 'lesson' IS NOT NULL))",
        ),
    },
    Step {
        name: "judged_executions",
        up: include_str!("migrations/0014_judged_executions.up.sql"),
        down: Some(include_str!("migrations/0014_judged_executions.down.sql")),
        // Since then what others ended is none of those that say something about its agent.
        known_before: Some(
            "SELECT EXISTS (SELECT 1 FROM journal WHERE kind = 'execution_ended'
                 AND body ->> '$.outcome.kind' IN ('cancelled', 'preempted', 'worker_lost'))",
        ),
    },
    Step {
        name: "predictor",
        up: include_str!("migrations/0015_predictor.up.sql"),
        down: Some(include_str!("migrations/0015_predictor.down.sql")),
        known_before: Some(
            // What went before teaches, too.
            "SELECT EXISTS (SELECT 1 FROM journal WHERE kind = 'execution_ended')",
        ),
    },
    Step {
        name: "chances",
        up: include_str!("migrations/0016_chances.up.sql"),
        down: Some(include_str!("migrations/0016_chances.down.sql")),
        known_before: Some(
            // What went before teaches, too.
            "SELECT EXISTS (SELECT 1 FROM journal WHERE kind IN ('execution_ended', 'artifact_reviewed'))",
        ),
    },
    Step {
        name: "alert_attempts",
        up: include_str!("migrations/0017_alert_attempts.up.sql"),
        down: Some(include_str!("migrations/0017_alert_attempts.down.sql")),
        known_before: Some(
            "SELECT EXISTS (SELECT 1 FROM journal
                 WHERE (kind = 'alert_raised' AND body ->> '$.alert.context.attempts' IS NOT NULL)
                 OR (kind = 'alert_repeated' AND (body ->> 'attempts' IS NOT NULL OR body ->> 'remedy' IS NOT NULL)))",
        ),
    },
    Step {
        name: "ratings_taught",
        up: include_str!("migrations/0018_ratings_taught.up.sql"),
        down: Some(include_str!("migrations/0018_ratings_taught.down.sql")),
        known_before: Some("SELECT EXISTS (SELECT 1 FROM journal WHERE kind = 'task_rated')"),
    },
    Step {
        name: "outcomes",
        up: include_str!("migrations/0019_outcomes.up.sql"),
        down: Some(include_str!("migrations/0019_outcomes.down.sql")),
        known_before: Some(
            // What went before took its time, too.
            "SELECT EXISTS (SELECT 1 FROM journal WHERE kind IN ('execution_ended', 'artifact_reviewed'))",
        ),
    },
];

/// The newest schema that this binary knows.
pub const SCHEMA: u32 = 19;

const _: () = assert!(STEPS.len() == SCHEMA as usize);

/// The oldest schema that `down` goes back to: below it there would be no journal.
const OLDEST: u32 = 1;

/// One step, as `menagerie db status` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepStatus {
    /// The schema that it leads to.
    pub version: u32,
    /// What it is called.
    pub name: String,
    /// Whether it was taken.
    pub applied: bool,
    /// Whether it can be taken back.
    pub reversible: bool,
}

/// Where the tables stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The schema of the file.
    pub current: u32,
    /// The newest that this binary knows.
    pub known: u32,
    /// Step by step.
    pub steps: Vec<StepStatus>,
}

/// What a migration did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Migrated {
    /// The schema before.
    pub from: u32,
    /// The schema after.
    pub to: u32,
}

/// Where the tables of a data directory stand. Needs no lock.
pub fn status(data_dir: &Path) -> Result<Status, Error> {
    let current = version(&open_reader(data_dir)?)?;
    let steps = (1..).zip(STEPS).map(|(version, step)| StepStatus {
        version,
        name: step.name.to_owned(),
        applied: version <= current,
        reversible: step.down.is_some(),
    });
    Ok(Status { current, known: SCHEMA, steps: steps.collect() })
}

/// Goes forward to schema `to`, or to the newest. Takes the directory's lock, so no engine may run.
pub fn up(data_dir: &Path, to: Option<u32>) -> Result<Migrated, Error> {
    let to = to.unwrap_or(SCHEMA);
    let _lock = DataDir::lock(data_dir)?;
    let mut connection = open_writer(data_dir, false)?;
    let from = version(&connection)?;
    if from >= OLDEST {
        check_format(&connection)?;
    }
    if !(from..=SCHEMA).contains(&to) {
        return Err(Refusal::invalid("schema", to, format!("{from} to {SCHEMA}"))
            .hint("to go back use `db down`")
            .into());
    }
    forward(&mut connection, to)?;
    Ok(Migrated { from, to })
}

/// Goes back to schema `to`, or by one step. Takes the directory's lock, so no engine may run. An engine that is
/// started later goes forward again.
pub fn down(data_dir: &Path, to: Option<u32>) -> Result<Migrated, Error> {
    let _lock = DataDir::lock(data_dir)?;
    let mut connection = open_writer(data_dir, false)?;
    let from = version(&connection)?;
    if from >= OLDEST {
        check_format(&connection)?;
    }
    let to = to.unwrap_or_else(|| from.saturating_sub(1));
    if !(OLDEST..=from).contains(&to) {
        let hint = "schema 1 holds the journal; going below it would destroy everything";
        return Err(Refusal::invalid("schema", to, format!("{OLDEST} to {from}")).hint(hint).into());
    }
    for version in (to..from).rev() {
        let Some(sql) = STEPS.get(version as usize).and_then(|step| step.down) else { continue };
        take(&mut connection, sql, version)?;
    }
    Ok(Migrated { from, to })
}

/// The schema of a file; a newer one than this binary knows is refused.
pub(super) fn version(connection: &Connection) -> Result<u32, Error> {
    let found: u32 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).doing("reading the store's schema")?;
    if found > SCHEMA { Err(Error::NewerSchema { found, known: SCHEMA }) } else { Ok(found) }
}

/// Refuses any schema but the newest.
pub(super) fn require_newest(connection: &Connection) -> Result<(), Error> {
    match version(connection)? {
        SCHEMA => Ok(()),
        found => Err(Error::OlderSchema { found, known: SCHEMA }),
    }
}

/// Takes the steps up to schema `to` that were not taken yet, in one transaction. When the journal knows of what one of
/// them adds, the tables are made anew from it once all are there: an event may fill the tables of several steps.
pub(super) fn forward(connection: &mut Connection, to: u32) -> Result<(), Error> {
    let doing = "migrating the store";
    let from = version(connection)?;
    if from >= to {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).doing(doing)?;
    let mut known_before = false;
    for (version, step) in (1..=to).zip(STEPS).skip(from as usize) {
        transaction.execute_batch(step.up).doing(doing)?;
        if let Some(known) = step.known_before {
            known_before |= transaction.query_row(known, [], |row| row.get::<_, bool>(0)).doing(doing)?;
        }
        if version == OLDEST {
            mark(&transaction)?;
        }
    }
    if known_before && to < SCHEMA {
        let hint = "the journal has records that only the newest tables hold";
        return Err(Refusal::invalid("schema", to, SCHEMA.to_string()).hint(hint).into());
    }
    if known_before {
        remake(&transaction)?;
    }
    transaction.pragma_update(None, "user_version", to).doing(doing)?;
    transaction.commit().doing(doing)
}

/// Takes one step back.
fn take(connection: &mut Connection, sql: &str, to: u32) -> Result<(), Error> {
    let doing = "migrating the store";
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).doing(doing)?;
    transaction.execute_batch(sql).doing(doing)?;
    transaction.pragma_update(None, "user_version", to).doing(doing)?;
    transaction.commit().doing(doing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_breaks_off_leaves_the_old_schema() {
        let mut connection = Connection::open_in_memory().unwrap();
        forward(&mut connection, SCHEMA).unwrap();
        let tables = |connection: &Connection| -> i64 {
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap()
        };
        let before = tables(&connection);
        take(&mut connection, "CREATE TABLE half (x); DROP TABLE task; CREATE nonsense", SCHEMA + 1).unwrap_err();
        assert_eq!((tables(&connection), version(&connection).unwrap()), (before, SCHEMA));
    }

    #[test]
    fn what_was_never_measured_about_a_model_goes() {
        let mut connection = Connection::open_in_memory().unwrap();
        forward(&mut connection, 18).unwrap();
        for (version, candidate, kind, value) in [
            (1, "all", "loss", 0.5),
            (1, "all", "accuracy", 0.0),
            (1, "none", "loss", 0.0),
            (1, "none", "accuracy", 0.0),
            (2, "all", "loss", 0.0),
            (2, "all", "accuracy", 0.0),
            (2, "all", "convergence", 0.5),
            (3, "all", "loss", 0.4),
            (3, "all", "accuracy", 0.9),
            (3, "all", "convergence", -0.4),
            (4, "all", "loss", 0.0),
            (4, "all", "accuracy", 1.0),
            (4, "all", "convergence", 0.4),
        ] {
            let sql = "INSERT INTO learning_metric VALUES ('predictor', ?, ?, ?, ?, 0, 256, 1, 1)";
            connection.execute(sql, rusqlite::params![version, candidate, kind, value]).unwrap();
        }
        forward(&mut connection, SCHEMA).unwrap();
        let left: Vec<String> = connection
            .prepare("SELECT version || ' ' || candidate || ' ' || type FROM learning_metric ORDER BY version, type")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        let expected = [
            "1 all accuracy",
            "1 all loss",
            "3 all accuracy",
            "3 all loss",
            "4 all accuracy",
            "4 all convergence",
            "4 all loss",
        ];
        assert_eq!(left, expected);
    }

    #[test]
    fn the_way_from_nothing_takes_every_step() {
        for to in 1..=SCHEMA {
            let mut connection = Connection::open_in_memory().unwrap();
            forward(&mut connection, to).unwrap();
            assert_eq!(version(&connection).unwrap(), to);
            forward(&mut connection, SCHEMA).unwrap();
            require_newest(&connection).unwrap();
        }
    }
}
