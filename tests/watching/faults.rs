//! What may go wrong with watching itself: a disk that is nearly full is for decisions, and samples give way.

use std::io::Write;

use menagerie::api::live::HealthState;
use menagerie::domain::metric::{Key, Meta, MetricKind, Stats};
use menagerie::domain::{TaskStatus, Timestamp};
use menagerie::store::series::{Policy, Sample, Series};

use super::ops::{apply, out, unstarted};
use super::site::Site;

#[test]
fn series_that_are_one_too_many_are_said_in_health_and_counted_in_the_exposition() {
    let mut site = unstarted("[metrics]\nseries = 1000\n");
    // A thousand different labels were there before.
    std::fs::create_dir_all(site.data_dir()).unwrap();
    let mut series = Series::open(&site.data_dir(), Policy { series: 1000, ..Policy::default() }).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros();
    let time = Timestamp::from_micros(i64::try_from(now).unwrap());
    let sample = |number: u32| {
        let key = Key::new("menagerie_cage_pids", [("cage", number.to_string().as_str())]);
        let series = series.handle().series_id(&key, &Meta::new(MetricKind::Gauge, "", "")).unwrap();
        Sample { series, time, value: 1.0 }
    };
    let samples: Vec<Sample> = (0..1000).map(sample).collect();
    series.append(time, &samples).unwrap();
    drop(series);
    site.start_engine();
    apply(&site, 1, "memory = \"64MiB\"", "");
    let task = site.run_one(&["sleep", "1000"]);
    site.wait_for("series to be refused", |site| stats(site).dropped.too_many_series > 0);
    let health = site.status().unwrap().health;
    let sensors = health.iter().find(|part| part.component == "sensors").unwrap();
    assert_eq!(sensors.state, HealthState::Degraded, "{sensors:?}");
    assert!(sensors.reason.contains("1000 series are known, and no more may be"), "{sensors:?}");
    assert!(sensors.remedy.contains("fewer different values"), "{sensors:?}");
    let status = out(&site, &["status"]);
    assert!(status.contains("1000 series are known") && status.contains("fewer different values"), "{status}");
    let text = site.client().unwrap().get_bytes("/metrics", &vec![]).unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let counter = "menagerie_metric_samples_dropped_total{reason=\"too_many_series\"} ";
    let count = text.lines().find_map(|line| line.strip_prefix(counter)).expect("a counter of what was refused");
    assert!(count.parse::<f64>().unwrap() > 0.0, "{count}");
    assert!(text.contains("menagerie_metric_series 1000\n"), "{text}");
    out(&site, &["task", "cancel", &task]);
}

fn stats(site: &Site) -> Stats {
    site.client().unwrap().get("/v1/metrics/stats", &vec![]).unwrap()
}

#[test]
fn on_a_disk_that_is_nearly_full_decisions_are_kept_and_samples_are_counted() {
    if !rustix::process::getuid().is_root() {
        eprintln!("NOT TESTED: a disk of its own can be mounted by root alone");
        return;
    }
    let mut site = unstarted("");
    let whole = 128 << 20;
    site.on_small_disk(whole);
    site.start_engine();
    apply(&site, 1, "memory = \"64MiB\"", "");
    // A fiftieth is 2.6 MB; something below that is left.
    let mut filler = std::fs::File::create(site.data_dir().join("filler")).unwrap();
    let free = |site: &Site| {
        let disk = rustix::fs::statvfs(site.data_dir()).unwrap();
        disk.f_bavail * disk.f_frsize
    };
    while free(&site) > whole / 60 {
        filler.write_all(&vec![0; 64 << 10]).unwrap();
    }
    // Samples come while something runs, and are not kept.
    let long = site.run_one(&["sleep", "1000"]);
    site.wait_for("samples to be dropped", |site| stats(site).dropped.disk_full > 0);
    let id = site.run_one(&["true"]);
    site.wait_for_status(&id, TaskStatus::Completed);
    assert!(!site.status().unwrap().read_only, "decisions are still stored");
    let health = site.status().unwrap().health;
    let sensors = health.iter().find(|part| part.component == "sensors").unwrap();
    assert_eq!(sensors.state, HealthState::Degraded, "{sensors:?}");
    assert!(sensors.reason.contains("because the disk was full") && !sensors.remedy.is_empty(), "{sensors:?}");
    // With room they are kept again.
    drop(filler);
    std::fs::remove_file(site.data_dir().join("filler")).unwrap();
    let before = stats(&site).samples;
    site.wait_for("samples to be kept again", |site| stats(site).samples > before);
    out(&site, &["task", "cancel", &long]);
}
