//! A disk that is full: what was acknowledged stays, what cannot be kept is refused, and work goes on when there is room.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::site::Site;

/// Far longer than a refusal takes.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);

/// Fills the disk that `path` lies on to its last byte.
fn fill(path: &Path) {
    let mut file = std::fs::File::create(path).unwrap();
    for length in [1 << 20, 64 << 10, 4 << 10, 1] {
        let piece = vec![0; length];
        while file.write_all(&piece).is_ok() {}
    }
}

#[test]
fn a_full_disk_loses_nothing_and_is_named() {
    if !rustix::process::getuid().is_root() {
        eprintln!("NOT TESTED: a disk of its own can be mounted by root alone");
        return;
    }
    let mut site = Site::new();
    site.on_small_disk(32 << 20);
    site.start_engine();
    site.apply_fleet(1, 2);
    let filler = site.data_dir().join("filler");
    fill(&filler);
    let mut acknowledged = BTreeSet::new();
    let submit = |site: &Site| {
        let mut command = site.command(&["run", "--", "true"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > ANSWER_WITHIN {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("a submission on a full disk was neither taken nor refused");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout).trim().to_owned(), text(output.stderr))
    };
    // What the store has set aside may take a few more; it cannot take many thousand.
    let mut refused = 0;
    for _ in 0..5000 {
        let (status, id, error) = submit(&site);
        if status == 0 {
            acknowledged.insert(id);
            continue;
        }
        assert_eq!(status, 2, "{error}");
        assert!(error.contains("disk is full"), "{error}");
        refused += 1;
        if refused == 3 {
            break;
        }
    }
    assert_eq!(refused, 3, "{} tasks went on a full disk", acknowledged.len());
    let tasks = site.status().unwrap().tasks;
    let counted = tasks.pending + tasks.scheduled + tasks.executing + tasks.completed + tasks.failed + tasks.cancelled;
    assert_eq!(counted, acknowledged.len() as u64, "what was refused is not counted: {tasks:?}");
    std::fs::remove_file(&filler).unwrap();
    site.wait_for("the engine to take changes again", |site| site.status().is_some_and(|status| !status.read_only));
    let (status, id, error) = submit(&site);
    assert_eq!(status, 0, "{error}");
    acknowledged.insert(id);
    let counts = site.wait_until_done();
    assert_eq!(counts.completed, acknowledged.len() as u64, "{counts:?}");
    let known: BTreeSet<String> = site.tasks().into_iter().map(|task| task.id.to_string()).collect();
    assert_eq!(known, acknowledged, "exactly what was acknowledged is there");
    site.check_books();
}

#[test]
fn everything_can_be_stopped_on_a_full_disk() {
    if !rustix::process::getuid().is_root() {
        eprintln!("NOT TESTED: a disk of its own can be mounted by root alone");
        return;
    }
    let mut site = Site::new();
    site.on_small_disk(32 << 20);
    site.start_engine();
    site.apply_fleet(1, 2);
    let running = site.run_one(&["sleep", "1000"]);
    site.wait_for_status(&running, menagerie::domain::TaskStatus::Executing);
    fill(&site.data_dir().join("filler"));
    let is_refused = |site: &Site| !site.command(&["run", "--", "true"]).output().unwrap().status.success();
    site.wait_for("the disk to be found full", is_refused);
    // At the first time of asking, with the disk still full: it fails when anything is left.
    site.stop_all();
    site.check_nothing_left();
}

#[test]
fn a_start_on_a_full_disk_says_so_and_leaves_nothing() {
    if !rustix::process::getuid().is_root() {
        eprintln!("NOT TESTED: a disk of its own can be mounted by root alone");
        return;
    }
    let mut site = Site::new();
    site.on_small_disk(300 << 10);
    let output = site.command(&["run", "--", "true"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("disk is full"), "{error}");
    let left: Vec<_> = std::fs::read_dir(site.data_dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
    // In the foreground as well.
    let output = site.command(&["engine"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("free some space") && !error.contains("Error code"), "{error}");
    assert_eq!(error.matches("database or disk is full").count(), 1, "{error}");
    assert_eq!(std::fs::read_dir(site.data_dir()).unwrap().count(), 0);
}
