//! What may go wrong with watching itself: a disk that is nearly full is for decisions, and samples give way.

use std::io::Write;

use menagerie::api::live::HealthState;
use menagerie::domain::TaskStatus;
use menagerie::domain::metric::Stats;

use super::ops::{apply, out, unstarted};
use super::site::Site;

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
