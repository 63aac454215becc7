//! What must not do harm: full disks, newer files, wrong files, gaps, locks.

use super::generator::history;
use super::properties::{commit, rows};
use crate::domain::event::{Event, JOURNAL_FORMAT, JournalOpened};
use crate::store::connection::open_writer;
use crate::store::{Chain, DataDir, Entries, Error, Fault, Reader, Store, check, export, migrate, rebuild, verify};

#[test]
fn a_full_disk_leaves_nothing_half_done_and_later_commits_work() {
    let history = history(21, 400);
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    assert!(store.is_empty());
    let (first, rest) = history.records.split_at(100);
    store.commit(first).unwrap();
    let before = rows(folder.path());
    store.limit_pages(store.pages() + 2);
    let error = store.commit(rest).unwrap_err();
    assert!(error.is_out_of_space(), "{error}");
    assert!(error.to_string().contains("disk is full"), "{error}");
    assert_eq!(rows(folder.path()), before);
    assert_eq!(store.snapshot().unwrap().seq, 100);
    assert_eq!(verify(folder.path()).unwrap().records, 100);
    store.limit_pages(1_000_000);
    store.commit(rest).unwrap();
    assert_eq!(verify(folder.path()).unwrap().records, history.records.len() as u64);
    assert!(check(folder.path()).unwrap().differences.is_empty());
}

#[test]
fn the_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, _store) = commit(&history(2, 20), 50);
    for name in ["menagerie.db", "menagerie.db-wal", "menagerie.db-shm"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn an_export_has_every_record_as_it_is_stored() {
    let history = history(2, 2000);
    let (folder, store) = commit(&history, 500);
    let mut lines = Vec::new();
    assert_eq!(export(folder.path(), 10, &mut lines).unwrap(), history.records.len() as u64 - 10);
    let lines: Vec<&str> = std::str::from_utf8(&lines).unwrap().lines().collect();
    let journal = store.reader().unwrap().journal(10, usize::MAX).unwrap();
    assert_eq!(lines, journal.iter().map(|row| serde_json::to_string(row).unwrap()).collect::<Vec<_>>());
}

#[test]
fn records_must_follow_each_other() {
    let history = history(2, 20);
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.commit(&history.records[..5]).unwrap();
    for wrong in [&history.records[..1], &history.records[6..]] {
        assert!(matches!(store.commit(wrong), Err(Error::OutOfOrder { last: 5, .. })));
    }
    // Right in number, and chained to another record than the last.
    let (mut astray, mut chain) = (Entries::default(), Chain::EMPTY);
    astray.take_over(&mut history.records[5..].to_vec(), &mut chain);
    let refused = store.commit_together([&mut astray]);
    assert!(matches!(refused, Err(Error::BadRecord { seq: 6, fault: Fault::Chain })), "{refused:?}");
    store.commit(&history.records[5..]).unwrap();
    assert_eq!(verify(folder.path()).unwrap().records, history.records.len() as u64);
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let mut history = history(2, 5);
    history.records[0].event =
        Event::from(JournalOpened { format: JOURNAL_FORMAT + 1, seed: 1, version: "9.0.0".into() });
    let (folder, store) = commit(&history, 10);
    drop(store);
    for error in [
        Store::open(folder.path()).unwrap_err(),
        verify(folder.path()).unwrap_err(),
        rebuild(folder.path()).unwrap_err(),
        migrate::down(folder.path(), None).unwrap_err(),
        migrate::up(folder.path(), None).unwrap_err(),
    ] {
        assert!(matches!(error, Error::NewerFormat { .. }), "{error}");
        assert!(error.to_string().contains("newer menagerie"));
    }
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let (folder, store) = commit(&history(2, 5), 10);
    drop(store);
    let connection = open_writer(folder.path(), false).unwrap();
    connection.pragma_update(None, "user_version", migrate::SCHEMA + 1).unwrap();
    drop(connection);
    for error in [
        Store::open(folder.path()).map(drop).unwrap_err(),
        Reader::open(folder.path()).map(drop).unwrap_err(),
        migrate::down(folder.path(), None).map(drop).unwrap_err(),
        verify(folder.path()).map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, Error::NewerSchema { .. }), "{error}");
    }
}

#[test]
fn a_journal_that_does_not_begin_with_its_opening_is_refused() {
    let mut history = history(2, 5);
    history.records[0].event = history.records[1].event.clone();
    let (folder, store) = commit(&history, 10);
    drop(store);
    let error = verify(folder.path()).unwrap_err();
    assert!(error.to_string().contains("record 1") && error.to_string().contains("journal_opened"), "{error}");
}

#[test]
fn a_body_that_cannot_be_read_is_named_even_where_the_chain_holds() {
    // Written with a good chain by somebody else: only reading the bodies tells.
    let history = history(2, 20);
    let (folder, store) = commit(&history, 50);
    drop(store);
    let connection = open_writer(folder.path(), false).unwrap();
    let head = crate::store::journal::read_head(&connection).unwrap();
    let raw = crate::store::journal::Raw {
        seq: head.seq + 1,
        time: 1,
        actor: b"engine",
        kind: b"task_retried",
        version: 1,
        body: b"{\"task_id\": 7}",
    };
    let hash = raw.hash(&head.hash);
    connection
        .execute(
            "INSERT INTO journal VALUES (?, 1, 'engine', 'task_retried', 1, '{\"task_id\": 7}', ?)",
            rusqlite::params![i64::try_from(head.seq + 1).unwrap(), hash],
        )
        .unwrap();
    connection
        .execute(
            "UPDATE journal_head SET seq = ?, hash = ?",
            rusqlite::params![i64::try_from(head.seq + 1).unwrap(), hash],
        )
        .unwrap();
    drop(connection);
    let error = verify(folder.path()).unwrap_err();
    assert!(matches!(error, Error::BadRecord { seq, .. } if seq == head.seq + 1), "{error}");
    assert!(error.to_string().contains("task_retried"), "{error}");
}

#[test]
fn another_programs_database_and_other_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(crate::store::DATABASE);
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Foreign { .. }), "{error}");
    std::fs::write(&path, vec![b'x'; 10_000]).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(Reader::open(empty.path()), Err(Error::Absent { .. })));
}

#[test]
fn repairs_wait_for_no_engine_and_touch_nothing_beside_one() {
    let (folder, store) = commit(&history(2, 20), 50);
    let lock = DataDir::lock(folder.path()).unwrap();
    for error in [rebuild(folder.path()).map(drop), migrate::down(folder.path(), None).map(drop)] {
        assert!(matches!(error.unwrap_err(), Error::Locked { pid: Some(_), .. }));
    }
    assert!(check(folder.path()).unwrap().differences.is_empty());
    drop((lock, store));
    rebuild(folder.path()).unwrap();
}

#[test]
fn writer_and_readers_work_on_threads_of_their_own() {
    let history = history(12, 200);
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.commit(&history.records[..1]).unwrap();
    let reader = store.reader().unwrap();
    let last = history.records.len() as u64;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for record in &history.records[1..] {
                store.commit(std::slice::from_ref(record)).unwrap();
            }
        });
        // What a reader sees is always a whole commit, and never goes back.
        let mut seen = 0;
        while seen < last {
            let (head, _) = reader.journal_head().unwrap();
            assert!(head >= seen);
            seen = head;
        }
    });
    assert_eq!(verify(folder.path()).unwrap().records, last);
}
