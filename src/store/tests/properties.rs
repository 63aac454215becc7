//! What must hold for every history.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::generator::{History, history};
use crate::domain::artifact::ReviewState;
use crate::domain::event::{Event, Record};
use crate::domain::learning::ModelKind;
use crate::domain::snapshot::PastLesson;
use crate::domain::task::TaskStatus;
use crate::store::connection::open_writer;
use crate::store::{Difference, Error, Fault, Query, Store, check, dump, migrate, rebuild, verify};

pub(super) fn rows(path: &Path) -> String {
    let mut listing = Vec::new();
    dump(path, &mut listing).unwrap();
    String::from_utf8(listing).unwrap()
}

/// Commits a history in batches of `batch` records.
pub(super) fn commit(history: &History, batch: usize) -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    for records in history.records.chunks(batch.max(1)) {
        store.commit(records).unwrap();
    }
    (folder, store)
}

fn few() -> ProptestConfig {
    // Each case writes real files with real syncs.
    ProptestConfig { cases: 24, ..ProptestConfig::default() }
}

/// What taught the classifier and the value function something since the last version of each.
fn lessons_of_chances(records: &[Record]) -> Vec<PastLesson> {
    let mut lessons = vec![];
    for record in records {
        match &record.event {
            Event::ModelVersioned(event) => {
                let model = event.version.model;
                lessons.retain(|lesson| match lesson {
                    PastLesson::Stood(_) => model != ModelKind::ValueFunction,
                    _ => model != ModelKind::Classifier,
                });
            }
            Event::ExecutionEnded(event) => {
                let (agent_id, succeeded) = (event.agent_id, event.outcome.succeeded());
                let tried = |lesson| PastLesson::Tried { agent_id, lesson, succeeded };
                lessons.extend(event.lesson.clone().map(tried));
                lessons.extend(event.slack.map(PastLesson::Stood));
            }
            Event::ArtifactReviewed(event) => lessons.extend(event.teaches(record.actor).map(|(agent_id, product)| {
                PastLesson::Judged { agent_id, product, approved: event.state == ReviewState::Approved }
            })),
            _ => {}
        }
    }
    lessons
}

/// How many executions taught the predictor something since its last version.
fn lessons_of_predictor(records: &[Record]) -> usize {
    records.iter().fold(0, |count, record| match &record.event {
        Event::ModelVersioned(event) if event.version.model == ModelKind::Predictor => 0,
        Event::ExecutionEnded(event) => count + usize::from(event.took().is_some()),
        _ => count,
    })
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn the_rows_are_what_the_journal_gives(seed: u64, steps in 0usize..300, batch in 1usize..60) {
        let history = history(seed, steps);
        let (folder, store) = commit(&history, batch);
        let before = rows(folder.path());
        let checked = check(folder.path()).unwrap();
        prop_assert_eq!(&checked.differences, &Vec::<Difference>::new());
        prop_assert_eq!(checked.records, history.records.len() as u64);
        drop(store);
        rebuild(folder.path()).unwrap();
        prop_assert_eq!(before, rows(folder.path()));
        prop_assert_eq!(verify(folder.path()).unwrap().records, history.records.len() as u64);
    }

    #[test]
    fn records_read_back_as_they_were(seed: u64, steps in 0usize..200) {
        let history = history(seed, steps);
        let (_folder, store) = commit(&history, 100);
        let journal = store.reader().unwrap().journal(0, usize::MAX).unwrap();
        prop_assert_eq!(journal.len(), history.records.len());
        for (row, record) in journal.iter().zip(&history.records) {
            let event = Event::read(&row.kind, row.version, row.body.get().as_bytes()).unwrap();
            let read = Record { seq: row.seq, time: row.time, actor: row.actor.parse().unwrap(), event };
            let mut body = Vec::new();
            record.event.write_body(&mut body).unwrap();
            prop_assert_eq!(row.body.get().as_bytes(), &body[..]);
            prop_assert_eq!((read.seq, read.time, read.actor), (record.seq, record.time, record.actor));
        }
    }

    #[test]
    fn the_snapshot_has_what_is_open_and_counts_what_is_not(seed: u64, steps in 0usize..300) {
        let history = history(seed, steps);
        let (_folder, store) = commit(&history, 50);
        let snapshot = store.snapshot().unwrap();
        let open: BTreeMap<_, _> =
            snapshot.tasks.iter().filter(|task| task.array.is_none()).map(|task| (task.id, task)).collect();
        let mut ended = BTreeMap::from([
            (TaskStatus::Completed, 0u64), (TaskStatus::Failed, 0), (TaskStatus::Cancelled, 0)]);
        for known in &history.tasks {
            if let Some(task) = open.get(&known.id) {
                prop_assert_eq!(task.status, known.status);
                prop_assert_eq!(task.executions, known.executions);
                prop_assert_eq!(task.attempts, known.attempts);
            } else {
                prop_assert!(known.status.is_final(), "{:?} is missing", known);
                *ended.entry(known.status).or_default() += 1;
            }
        }
        prop_assert_eq!(snapshot.ended.completed, ended[&TaskStatus::Completed]);
        prop_assert_eq!(snapshot.ended.failed, ended[&TaskStatus::Failed]);
        // Elements that never became tasks are cancelled with their array.
        prop_assert!(snapshot.ended.cancelled >= ended[&TaskStatus::Cancelled]);
        let held: u64 = snapshot.executions.iter().flat_map(|e| &e.held).map(|held| held.quantity).sum();
        let allocated: u64 =
            snapshot.nodes.iter().flat_map(|(_, resources)| resources).map(|resource| resource.allocated).sum();
        prop_assert_eq!(held, allocated);
        let open = |alerts: &mut dyn Iterator<Item = crate::domain::AlertId>| {
            alerts.collect::<std::collections::BTreeSet<_>>()
        };
        prop_assert_eq!(
            open(&mut snapshot.alerts.iter().map(|alert| alert.id)),
            open(&mut history.alerts.iter().map(|alert| alert.id))
        );
        let running: u32 = snapshot.agents.iter().map(|agent| agent.running).sum();
        prop_assert_eq!(running as usize, snapshot.executions.len());
        let of_chances = |lesson: &&PastLesson| {
            matches!(lesson, PastLesson::Tried { .. } | PastLesson::Judged { .. } | PastLesson::Stood(_))
        };
        let found: Vec<_> = snapshot.past.lessons.iter().filter(of_chances).cloned().collect();
        prop_assert_eq!(found, lessons_of_chances(&history.records));
        let took = snapshot.past.lessons.iter().filter(|lesson| matches!(lesson, PastLesson::Took { .. })).count();
        prop_assert_eq!(took, lessons_of_predictor(&history.records));
    }

    #[test]
    fn one_flipped_bit_is_found_and_its_record_named(seed: u64, at: prop::sample::Index, bit in 0u8..8,
            column in 0usize..7, byte: prop::sample::Index) {
        let history = history(seed, 60);
        let (folder, store) = commit(&history, 30);
        drop(store);
        let seq = at.index(history.records.len()) as i64 + 1;
        let connection = open_writer(folder.path(), false).unwrap();
        let name = ["time", "actor", "kind", "version", "body", "hash", "seq"][column];
        let sql = format!("SELECT {name} FROM journal WHERE seq = ?");
        let value: rusqlite::types::Value = connection.query_row(&sql, [seq], |row| row.get(0)).unwrap();
        // Text with a flipped bit may be no UTF-8: it goes through a cast, as the bytes would lie in the file.
        let (changed, cast) = match value {
            rusqlite::types::Value::Integer(number) => {
                let far = number ^ (1 << (u32::from(bit) + 20));
                (rusqlite::types::Value::Integer(far), "?")
            }
            rusqlite::types::Value::Text(text) => {
                let mut bytes = text.into_bytes();
                let place = byte.index(bytes.len());
                bytes[place] ^= 1 << bit;
                (rusqlite::types::Value::Blob(bytes), "CAST(? AS TEXT)")
            }
            rusqlite::types::Value::Blob(mut bytes) => {
                let place = byte.index(bytes.len());
                bytes[place] ^= 1 << bit;
                (rusqlite::types::Value::Blob(bytes), "?")
            }
            other => panic!("{other:?}"),
        };
        // An index looks into bodies, and would not take one that is no JSON; a bit that flips on the disk asks no index.
        connection.execute_batch("DROP INDEX journal_alert").unwrap();
        let sql = format!("UPDATE journal SET {name} = {cast} WHERE seq = ?");
        connection.execute(&sql, rusqlite::params![changed, seq]).unwrap();
        drop(connection);
        let error = verify(folder.path()).unwrap_err();
        // A format that was flipped upwards looks like a newer one; everything else names its record.
        match error {
            Error::BadRecord { seq: found, .. } => prop_assert_eq!(found, u64::try_from(seq).unwrap()),
            Error::NewerFormat { .. } => prop_assert_eq!(seq, 1),
            other => prop_assert!(false, "{}", other),
        }
        prop_assert!(rebuild(folder.path()).is_err());
    }
}

#[test]
fn a_bit_flipped_in_the_file_itself_is_found() {
    let history = history(7, 80);
    let (folder, store) = commit(&history, 40);
    let body = store.reader().unwrap().journal(20, 1).unwrap().remove(0).body.get().to_owned();
    drop(store);
    let path = folder.path().join(crate::store::DATABASE);
    open_writer(folder.path(), false).unwrap().pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let needle = &body.as_bytes()[..body.len().min(200)];
    // SQLite leaves stale copies behind when it moves rows between pages, so every copy is hit.
    let found: Vec<usize> =
        bytes.windows(needle.len()).enumerate().filter(|(_, window)| *window == needle).map(|(at, _)| at).collect();
    assert!(!found.is_empty());
    for at in found {
        bytes[at + needle.len() / 2] ^= 4;
    }
    std::fs::write(&path, bytes).unwrap();
    let error = verify(folder.path()).unwrap_err();
    assert!(matches!(error, Error::BadRecord { seq: 21, fault: Fault::Hash }), "{error}");
}

#[test]
fn missing_records_are_found_in_the_middle_and_at_the_end() {
    let history = history(3, 50);
    let last = history.records.len() as u64;
    for (gone, fault) in [(10, Fault::Gap { found: 11 }), (last, Fault::CutOff { head: last })] {
        let (folder, store) = commit(&history, 40);
        drop(store);
        let connection = open_writer(folder.path(), false).unwrap();
        connection.execute("DELETE FROM journal WHERE seq = ?", [i64::try_from(gone).unwrap()]).unwrap();
        drop(connection);
        match verify(folder.path()).unwrap_err() {
            Error::BadRecord { seq, fault: found } => assert_eq!((seq, found), (gone, fault)),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_changed_row_is_found_and_mended() {
    let history = history(5, 120);
    let (folder, store) = commit(&history, 40);
    drop(store);
    let before = rows(folder.path());
    let connection = open_writer(folder.path(), false).unwrap();
    assert!(
        connection.execute("UPDATE task SET priority = 11 WHERE seq = (SELECT min(seq) FROM task)", []).unwrap() > 0
    );
    connection.execute("DELETE FROM agent", []).unwrap();
    drop(connection);
    let tables: Vec<_> = check(folder.path()).unwrap().differences.into_iter().map(|d| d.table).collect();
    assert_eq!(tables, ["agent", "task"]);
    rebuild(folder.path()).unwrap();
    assert_eq!(rows(folder.path()), before);
    assert!(check(folder.path()).unwrap().differences.is_empty());
}

#[test]
fn going_back_and_forth_keeps_the_data_and_gives_the_fresh_schema() {
    let schema = |path: &Path| -> Vec<String> {
        let connection = open_writer(path, false).unwrap();
        let mut statement = connection
            .prepare("SELECT coalesce(sql, name) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name")
            .unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    let history = history(11, 150);
    let (folder, store) = commit(&history, 40);
    drop(store);
    let (before, fresh) = (rows(folder.path()), schema(folder.path()));
    assert!(before.contains("\nalert "), "the history has alerts that have to come back");
    for oldest in (1..migrate::SCHEMA).rev() {
        migrate::down(folder.path(), Some(oldest)).unwrap();
        assert_ne!(schema(folder.path()), fresh);
        assert_eq!(migrate::status(folder.path()).unwrap().current, oldest);
        // What an older schema has is the same; what it lacks is made again from it.
        let kept = open_writer(folder.path(), false).unwrap();
        let has = |line: &&str| kept.table_exists(None, line.split(' ').next().unwrap()).unwrap();
        let kept: String = before.lines().filter(has).flat_map(|line| [line, "\n"]).collect();
        let later = [
            " snoozed_until=",
            " failed_by=",
            " fault=",
            " remedy=",
            " verify=",
            " difference=",
            " workspace=",
            " judged_by_rule=",
            " topic=",
            " choice=",
            " stopped_executions=",
            " about=",
            " taught=",
            " quality_judged=",
            " success_us=",
        ];
        let older = rows(folder.path());
        // Columns that later steps added stand at the end of a line.
        let added: Vec<_> = later.iter().filter(|name| !older.contains(**name)).collect();
        let cut = |line: &str| added.iter().filter_map(|name| line.find(**name)).min().unwrap_or(line.len());
        let kept: String = kept.lines().flat_map(|line| [&line[..cut(line)], "\n"]).collect();
        assert!(older == kept, "schema {oldest} has other rows");
        migrate::up(folder.path(), None).unwrap();
        assert_eq!(schema(folder.path()), fresh);
        assert_eq!(rows(folder.path()), before);
    }
    let refused = migrate::down(folder.path(), Some(0)).unwrap_err();
    assert!(refused.to_string().contains("journal"), "{refused}");
    assert!(migrate::up(folder.path(), Some(99)).is_err());
    assert_eq!(Store::open(folder.path()).unwrap().reader().unwrap().tasks(&Query::default()).unwrap().total, {
        let arrays =
            history.records.iter().filter(|r| matches!(&r.event, Event::TaskSubmitted(e) if e.task.array.is_some()));
        (history.tasks.len() + arrays.count()) as u64
    });
}
