//! What must not do harm: crashes, full disks, clocks, wrong values, too many names.

use super::*;
use crate::domain::metric::Dropped;

#[test]
fn what_was_taken_survives_a_crash_at_any_point() {
    let (folder, image) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut series = open(folder.path());
    let id = gauge(&series, "g", &[]);
    let mut expected = vec![];
    for minute in 0..130 {
        let time = START + minute * MINUTE;
        append(&mut series, id, &[(time, f64::from(i32::try_from(minute).unwrap()))]);
        expected.push((minute * MINUTE, f64::from(i32::try_from(minute).unwrap())));
        if minute % 13 == 0 {
            // Between the append and whatever follows it, everything as it is on disk at this moment.
            let copy = image.path().join(minute.to_string());
            copy_folder(folder.path(), &copy);
            let copied = open(&copy);
            assert_eq!(samples(&copied, "g", START, time + 1), expected, "after minute {minute}");
        }
        series.maintain(at(time)).unwrap();
    }
    drop(series);
    assert_eq!(samples(&open(folder.path()), "g", START, START + 130 * MINUTE), expected);
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else if !entry.file_name().to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_torn_end_of_the_log_takes_nothing_with_it() {
    let (folder, image) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut series = open(folder.path());
    let id = gauge(&series, "g", &[]);
    append(&mut series, id, &[(START, 1.0), (START + SECOND, 2.0)]);
    copy_folder(folder.path(), image.path());
    // A frame that was begun and not finished.
    let wal = image.path().join("metrics/series.db-wal");
    let mut bytes = std::fs::read(&wal).unwrap();
    bytes.extend(bytes[32..500].to_vec());
    std::fs::write(&wal, bytes).unwrap();
    assert_eq!(samples(&open(image.path()), "g", START, START + MINUTE), [(0, 1.0), (SECOND, 2.0)]);
}

#[test]
fn sealing_that_was_cut_off_is_done_again() {
    let (folder, image) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut series = open(folder.path());
    let id = gauge(&series, "g", &[]);
    append(&mut series, id, &[(START + SECOND, 1.0), (START + 2 * SECOND, 2.0)]);
    copy_folder(folder.path(), image.path());
    series.maintain(at(START + HOUR)).unwrap();
    // The day's file was written, and the log did not forget.
    let name = "metrics/raw-2026-11-28.db";
    std::fs::copy(folder.path().join(name), image.path().join(name)).unwrap();
    let mut again = open(image.path());
    append_at(&mut again, START + MINUTE, id, &[(START + 2 * SECOND, 5.0), (START + 3 * SECOND, 3.0)]);
    let expected = [(SECOND, 1.0), (2 * SECOND, 5.0), (3 * SECOND, 3.0)];
    assert_eq!(samples(&again, "g", START, START + MINUTE), expected, "from the file and the head");
    again.maintain(at(START + HOUR)).unwrap();
    assert_eq!(samples(&again, "g", START, START + MINUTE), expected, "from the file");
    again.maintain(at(START + 2 * HOUR)).unwrap();
    let sum = ask(&again, "g", START, START + HOUR, HOUR, Function::Sum);
    assert_eq!(points(&sum), [(0, 9.0)]);
}

#[test]
fn a_full_disk_costs_samples_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut series = open(folder.path());
    let id = gauge(&series, "g", &[]);
    append(&mut series, id, &[(START, 1.0)]);
    let pages: i64 = series.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    series.connection.pragma_update(None, "max_page_count", pages).unwrap();
    let many: Vec<Sample> =
        (0..20_000).map(|i| Sample { series: id, time: at(START + SECOND + i), value: (i as f64).sqrt() }).collect();
    let new = gauge(&series, "h", &[]);
    let error = series.append(at(START + SECOND), &many).unwrap_err();
    assert!(error.is_out_of_space(), "{error}");
    let stats = series.handle().stats();
    assert_eq!(stats.dropped, Dropped { disk_full: 20_000, ..Dropped::default() });
    assert_eq!(samples(&series, "g", START, START + MINUTE), [(0, 1.0)], "nothing of the batch is half there");
    series.connection.pragma_update(None, "max_page_count", 1_000_000).unwrap();
    append(&mut series, new, &[(START + 5 * SECOND, 7.0)]);
    assert_eq!(series.append(at(START + SECOND), &many).unwrap().kept, 20_000);
    drop(series);
    let series = open(folder.path());
    assert_eq!(samples(&series, "h", START, START + MINUTE), [(5 * SECOND, 7.0)], "its name was kept for later");
}

#[test]
fn what_is_wrong_with_a_sample_keeps_no_other_one_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut series = open(folder.path());
    let id = gauge(&series, "g", &[]);
    let now = START + HOUR;
    let sample = |time, value| Sample { series: id, time: at(time), value };
    let batch = [
        sample(now, 1.0),
        sample(now, f64::NAN),
        sample(now, f64::NEG_INFINITY),
        sample(now + 5 * MINUTE, 2.0),
        sample(now + 5 * MINUTE + 1, 2.0),
        sample(now - 2 * MINUTE, 3.0),
        // The slot before the last was over two minutes ago.
        sample(now - 10 * MINUTE - 1, 4.0),
        Sample { series: SeriesId(77), time: at(now), value: 1.0 },
    ];
    let appended = series.append(at(now), &batch).unwrap();
    let dropped = Dropped { not_finite: 2, future: 1, late: 1, unknown_series: 1, ..Dropped::default() };
    assert_eq!(appended, Appended { kept: 3, dropped });
    assert_eq!(series.handle().stats().dropped, dropped);
    assert_eq!(series.handle().stats().samples, 3);
    assert_eq!(samples(&series, "g", START, now + HOUR), [(58 * MINUTE, 3.0), (HOUR, 1.0), (HOUR + 5 * MINUTE, 2.0)]);
}

#[test]
fn the_later_of_two_samples_of_a_time_counts() {
    let folder = tempfile::tempdir().unwrap();
    let mut series = open(folder.path());
    let id = gauge(&series, "g", &[]);
    append(&mut series, id, &[(START, 1.0), (START + SECOND, 2.0), (START, 3.0)]);
    append(&mut series, id, &[(START + SECOND, 4.0)]);
    assert_eq!(samples(&series, "g", START, START + MINUTE), [(0, 3.0), (SECOND, 4.0)]);
}

#[test]
fn a_clock_that_jumps_ahead_and_back_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut series = open(folder.path());
    let id = gauge(&series, "g", &[]);
    let mut expected = vec![];
    let mut write = |series: &mut Series, minutes: std::ops::Range<i64>, value: f64| {
        for minute in minutes {
            let time = START + minute * MINUTE;
            append(series, id, &[(time, value)]);
            series.maintain(at(time)).unwrap();
            expected.push((minute * MINUTE, value));
        }
    };
    write(&mut series, 0..30, 1.0);
    // Five days ahead for a moment, in which everything that is open is sealed, and back.
    write(&mut series, 7200..7205, 2.0);
    write(&mut series, 20..25, 3.0);
    write(&mut series, 30..200, 4.0);
    expected.retain(|(time, value)| !(20 * MINUTE..25 * MINUTE).contains(time) || *value > 1.0);
    expected.sort_by_key(|sample| sample.0);
    let minutes = |series: &Series| {
        let mut found = points(&ask(series, "g", START, START + 200 * MINUTE, MINUTE, Function::Last));
        found.extend(points(&ask(series, "g", START + 7200 * MINUTE, START + 7210 * MINUTE, MINUTE, Function::Last)));
        found
    };
    assert_eq!(minutes(&series), expected);
    drop(series);
    assert_eq!(minutes(&open(folder.path())), expected);
}

#[test]
fn there_are_so_many_series_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let policy = Policy { series: 3, ..Policy::default() };
    let mut series = Series::open(folder.path(), policy).unwrap();
    let ids: Vec<SeriesId> = (0..3).map(|i| gauge(&series, "g", &[("agent", &i.to_string())])).collect();
    let one_more = |series: &Series, agent: usize| {
        let key = Key::new("g", [("agent", agent.to_string().as_str())]);
        series.handle().series_id(&key, &Meta::new(MetricKind::Gauge, "", ""))
    };
    for agent in 3..1000 {
        let refusal = one_more(&series, agent).unwrap_err();
        assert!(refusal.to_string().contains("at most 3 series"), "{refusal}");
    }
    assert_eq!(one_more(&series, 1), Ok(ids[1]), "those there are go on");
    assert_eq!(series.handle().stats().dropped.too_many_series, 997);
    append(&mut series, ids[2], &[(START, 1.0)]);
    drop(series);
    let series = Series::open(folder.path(), policy).unwrap();
    assert_eq!(one_more(&series, 1), Ok(ids[1]), "and have the same numbers later");
    assert!(one_more(&series, 3).is_err());
}

#[test]
fn a_metric_is_of_one_kind_and_has_a_name_that_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let series = open(folder.path());
    let id = |name: &str, kind| series.handle().series_id(&Key::new(name, [("a", "1")]), &Meta::new(kind, "", ""));
    id("x_total", MetricKind::Counter).unwrap();
    assert!(id("x_total", MetricKind::Gauge).is_err());
    id("y", MetricKind::Gauge).unwrap();
    let refusal = series
        .handle()
        .series_id(&Key::new("y", [("le", "1")]), &Meta::new(MetricKind::Histogram, "", ""))
        .unwrap_err();
    assert!(refusal.to_string().contains("gauge, as it was at first"), "{refusal}");
    assert!(id("no name", MetricKind::Gauge).unwrap_err().to_string().contains("no_name"));
    let error = series.handle().query(&query("x_totl", START, START + HOUR, MINUTE, Function::Rate)).unwrap_err();
    assert!(error.to_string().contains("did you mean \"x_total\"?"), "{error}");
}

#[test]
fn a_newer_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let series = open(folder.path());
    series.connection.pragma_update(None, "user_version", 9).unwrap();
    drop(series);
    let error = Series::open(folder.path(), Policy::default()).unwrap_err();
    assert!(error.to_string().contains("schema 9"), "{error}");
}
