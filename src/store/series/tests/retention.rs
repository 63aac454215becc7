//! What is kept for how long.

use super::*;
use crate::domain::Bytes;
use crate::domain::metric::Resolution;

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder.join("metrics"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("series"))
        .collect();
    names.sort();
    names
}

/// A sample every ten minutes for some days, the files looked after as often.
fn live(series: &mut Series, id: SeriesId, days: std::ops::Range<i64>) {
    for place in days.start * 144..days.end * 144 {
        let time = START + place * 10 * MINUTE;
        append(series, id, &[(time, (place % 100) as f64)]);
        series.maintain(at(time)).unwrap();
    }
}

#[test]
fn what_has_expired_goes_whole_and_coarser_figures_stay() {
    let folder = tempfile::tempdir().unwrap();
    let mut series = open(folder.path());
    let id = gauge(&series, "g", &[]);
    live(&mut series, id, 0..12);
    let names = files(folder.path());
    let of = |prefix: &str| names.iter().filter(|name| name.starts_with(prefix)).cloned().collect::<Vec<_>>();
    assert_eq!(of("raw-"), ["raw-2026-12-08.db", "raw-2026-12-09.db"]);
    let minutes = of("minutes-");
    assert_eq!((minutes[0].as_str(), minutes.len()), ("minutes-2026-12-02.db", 8));
    assert_eq!(of("hours-"), ["hours-2026-11.db", "hours-2026-12.db"]);
    // A fine step over days of which only hours are left is answered by hours.
    let answer = ask(&series, "g", START, START + DAY, 10 * MINUTE, Function::Count);
    assert_eq!((answer.resolution, answer.step), (Resolution::Hours, Span::from_secs(3600)));
    assert_eq!(points(&answer), (0..24).map(|hour| (hour * HOUR, 6.0)).collect::<Vec<_>>());
    let answer = ask(&series, "g", START + 5 * DAY, START + 5 * DAY + HOUR, SECOND, Function::Last);
    assert_eq!((answer.resolution, answer.step), (Resolution::Minutes, Span::from_secs(60)));
    assert_eq!(points(&answer).len(), 6);
    let answer = ask(&series, "g", START + 11 * DAY, START + 11 * DAY + HOUR, SECOND, Function::Last);
    assert_eq!((answer.resolution, points(&answer).len()), (Resolution::Raw, 6));
    let stats = series.handle().stats();
    assert_eq!(stats.hours_since, Some(at(START)), "not from the beginning of the month");
    assert!(stats.bytes > 0 && stats.raw_since > stats.minutes_since);
}

#[test]
fn a_clock_that_is_wrong_for_a_moment_expires_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut series = open(folder.path());
    let id = gauge(&series, "g", &[]);
    live(&mut series, id, 0..1);
    let before = files(folder.path());
    assert!(before.contains(&"raw-2026-11-28.db".to_owned()));
    for second in 0..300 {
        series.maintain(at(START + 9000 * DAY + second * SECOND)).unwrap();
    }
    series.maintain(at(START + DAY)).unwrap();
    for name in before {
        assert!(files(folder.path()).contains(&name), "{name}");
    }
}

#[test]
fn when_all_take_too_much_the_oldest_samples_go_first() {
    let folder = tempfile::tempdir().unwrap();
    let policy = Policy { bytes: Bytes::new(1), raw: Span::from_secs(30 * 86_400), ..Policy::default() };
    let mut series = Series::open(folder.path(), policy).unwrap();
    let id = gauge(&series, "g", &[]);
    live(&mut series, id, 0..3);
    // What is being written stays whatever it takes.
    assert_eq!(files(folder.path()), ["hours-2026-11.db", "minutes-2026-11-30.db", "raw-2026-11-30.db"]);
    drop(series);
    let enough = Policy { bytes: Bytes::from_mib(100), ..policy };
    let mut series = Series::open(folder.path(), enough).unwrap();
    live(&mut series, id, 3..5);
    let kept = files(folder.path()).iter().filter(|name| name.starts_with("raw-")).count();
    assert_eq!(kept, 3);
}

#[test]
fn names_go_when_nothing_is_left_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let policy = Policy { hours: Span::from_secs(86_400), ..Policy::default() };
    let mut series = Series::open(folder.path(), policy).unwrap();
    let (old, new) = (gauge(&series, "old", &[]), gauge(&series, "new", &[]));
    append(&mut series, old, &[(START, 1.0)]);
    live(&mut series, new, 0..1);
    live(&mut series, new, 40..41);
    let names = |series: &Series| series.handle().names().into_iter().map(|metric| metric.name).collect::<Vec<_>>();
    assert_eq!(names(&series), ["new"]);
    let again = gauge(&series, "old", &[]);
    assert_ne!(again, old, "its number is not given out again");
    drop(series);
    assert_eq!(names(&Series::open(folder.path(), policy).unwrap()), ["new"]);
}
