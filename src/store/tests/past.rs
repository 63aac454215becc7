//! A past has the rows that the store had then, and shows no more of the journal.

use std::cell::RefCell;
use std::fs;

use proptest::prelude::*;
use tempfile::tempdir;

use super::generator::history;
use super::properties::{commit, rows};
use crate::domain::{Moment, Span, Timestamp};
use crate::store::connection::open_writer;
use crate::store::{Error, JournalQuery, PastStore, Query, Store, View};

/// What readers of a view see of the journal: its records by number, and its end.
fn seen(view: &View) -> (Vec<u64>, u64) {
    let reader = view.reader().unwrap();
    let newest = JournalQuery { limit: 10_000, newest_first: true, ..JournalQuery::default() };
    let records = reader.records(&newest).unwrap().rows.iter().map(|row| row.seq).rev().collect();
    (records, reader.journal_head().unwrap().0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn every_moment_has_its_rows_whichever_way_one_comes_to_it(
        seed: u64, steps in 20usize..200, stops in prop::collection::vec(0.0..1.0f64, 1..5),
    ) {
        let history = history(seed, steps);
        let (folder, _store) = commit(&history, 20);
        let scratch = tempdir().unwrap();
        let mut past = PastStore::open(folder.path(), scratch.path()).unwrap();
        for stop in stops {
            #[allow(clippy::cast_precision_loss, clippy::cast_sign_loss)]
            let seq = (((history.records.len() as f64) * stop) as u64).max(1);
            let view = past.go_to(seq, &|_, _| {}).unwrap();
            let then = tempdir().unwrap();
            Store::open(then.path()).unwrap().commit(&history.records[..seq as usize]).unwrap();
            prop_assert_eq!(rows(scratch.path()), rows(then.path()));
            prop_assert_eq!(seen(&view), ((1..=seq).collect(), seq));
            // The engine takes up from what a reader sees.
            let snapshot = view.reader().unwrap().snapshot(&|_, _| {}).unwrap();
            prop_assert_eq!((snapshot.seq, snapshot.time), (seq, history.records[seq as usize - 1].time));
        }
    }
}

#[test]
fn the_present_goes_on_and_is_not_seen() {
    let history = history(5, 80);
    let half = history.records.len() / 2;
    let folder = tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.commit(&history.records[..half]).unwrap();
    let scratch = tempdir().unwrap();
    let mut past = PastStore::open(folder.path(), scratch.path()).unwrap();
    let view = past.go_to(half as u64, &|_, _| {}).unwrap();
    let before = seen(&view);
    let tasks = |view: &View| view.reader().unwrap().tasks(&Query::default()).unwrap().items;
    let then = tasks(&view);
    store.commit(&history.records[half..]).unwrap();
    assert_eq!((seen(&view), tasks(&view)), (before, then));
    assert_eq!(past.span().unwrap().1.seq, history.records.len() as u64, "and one can go on to it");
    let (reader, error) = (view.reader().unwrap(), "CREATE TABLE x (y)");
    reader.connection().execute_batch(error).unwrap_err();
}

#[test]
fn moments_are_found_by_number_and_by_time_and_what_is_not_there_is_refused() {
    let history = history(7, 60);
    let (folder, _store) = commit(&history, 20);
    let scratch = tempdir().unwrap();
    let past = PastStore::open(folder.path(), scratch.path()).unwrap();
    let (first, last) = past.span().unwrap();
    assert_eq!((first.seq, last.seq), (1, history.records.len() as u64));
    let now = last.time.plus(Span::from_secs(60));
    for record in &history.records {
        let by_number = past.find(Moment::Seq(record.seq), "", now).unwrap();
        assert_eq!((by_number.seq, by_number.time), (record.seq, record.time));
        let by_time = past.find(Moment::Time(record.time), "", now).unwrap();
        let expected = history.records.iter().rev().find(|other| other.time <= record.time).unwrap().seq;
        assert_eq!((by_time.seq, by_time.time), (expected, record.time));
    }
    assert_eq!(past.find(Moment::Time(now), "", now).unwrap().seq, last.seq);
    let before = Timestamp::from_micros(first.time.as_micros() - 1);
    for (moment, says) in [
        (Moment::Seq(0), "seq:1 to seq:"),
        (Moment::Seq(last.seq + 1), "the records that there are"),
        (Moment::Time(before), "when the journal began"),
        (Moment::Time(now.plus(Span::from_secs(1))), "still to come"),
    ] {
        let Err(Error::Refused(refusal)) = past.find(moment, "what was typed", now) else { panic!("{moment:?}") };
        let text = refusal.to_string();
        assert!(text.contains(says) && text.contains("\"what was typed\""), "{text}");
    }
}

#[test]
fn small_steps_back_do_not_begin_with_the_first_record() {
    let records = history(3, 2_500).records;
    let (end, folder) = (records.len() as u64, tempdir().unwrap());
    assert!(end > 2_200, "{end}");
    Store::open(folder.path()).unwrap().commit(&records).unwrap();
    let scratch = tempdir().unwrap();
    let mut past = PastStore::open(folder.path(), scratch.path()).unwrap();
    past.go_to(end, &|_, _| {}).unwrap();
    let left = RefCell::new(vec![]);
    let told = |done, total| left.borrow_mut().push(total - done);
    past.go_to(end - 1, &told).unwrap();
    assert_eq!(left.borrow()[0], 999, "from the tables of a thousand records before");
    past.go_to(end, &told).unwrap();
    assert_eq!(left.borrow_mut().pop(), Some(1), "forward from where one stands");
    // Far back there is nothing to begin with, and what was kept is of no use.
    past.go_to(10, &told).unwrap();
    assert_eq!(left.borrow_mut().pop(), Some(10));
    assert_eq!(seen(&past.go_to(12, &|_, _| {}).unwrap()).1, 12);
}

#[test]
fn a_changed_record_is_found_on_the_way_and_a_failure_leaves_nothing_half_done() {
    let history = history(9, 60);
    let (folder, store) = commit(&history, 20);
    drop(store);
    let connection = open_writer(folder.path(), false).unwrap();
    connection.execute("UPDATE journal SET time = time + 1 WHERE seq = 30", []).unwrap();
    let scratch = tempdir().unwrap();
    let mut past = PastStore::open(folder.path(), scratch.path()).unwrap();
    past.go_to(20, &|_, _| {}).unwrap();
    assert!(matches!(past.go_to(40, &|_, _| {}), Err(Error::BadRecord { seq: 30, .. })));
    let view = past.go_to(29, &|_, _| {}).unwrap();
    assert_eq!(seen(&view).1, 29);
    assert!(fs::read_dir(scratch.path()).unwrap().count() <= 2, "the tables and nothing that was begun");
}
