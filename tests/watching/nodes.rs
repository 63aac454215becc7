//! Machines: a worker that hangs, a disk that fills, processors and memory that are taken, a GPU without memory left.

use std::process::Command;

use menagerie::domain::{AlertStatus, Severity, TaskStatus};

use super::ops::{alerts, apply, cleared, declare, fired, go, out, started, unstarted};
use super::site::signal;

/// Goes on with a process that was stopped, also when a test fails.
struct Stopped(u32);

impl Stopped {
    fn stop(pid: u32) -> Self {
        signal(pid, "STOP");
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        signal(self.0, "CONT");
    }
}

#[test]
fn a_worker_that_hangs_is_told_while_nobody_looks() {
    let mut site = started("");
    let rules = "[[alert_rule]]\nname = \"response-time\"\nwarning = \"2s\"\ncritical = \"1h\"\nfor = \"1s\"\nwindow = \"3s\"\n";
    apply(&site, 1, "memory = \"64MiB\"", rules);
    let script = format!("while [ ! -e {} ]; do sleep 0.05; done", go(&site).display());
    let first = site.run_one(&["sh", "-c", &script]);
    site.wait_for_status(&first, TaskStatus::Executing);
    let stopped = Stopped::stop(site.worker_pid().unwrap());
    let second = site.run_one(&["sh", "-c", &script]);
    // With the limits that it has: it gets critical before the worker is given up.
    let alert = fired(&mut site, "missed-heartbeats", Severity::Warning);
    assert!(alert.source.starts_with("node ") && alert.message.contains("has not been heard for"), "{alert:?}");
    assert_eq!(alert.context.threshold, Some(10.0));
    site.wait_for("it to get critical", |site| {
        let worse =
            |record: &serde_json::Value| record["alert_id"] == alert.id.to_string() && record["severity"] == "critical";
        site.records_of("alert_repeated").iter().any(worse)
    });
    // What was placed meanwhile does not get to run.
    let slow = fired(&mut site, "response-time", Severity::Warning);
    assert_eq!(slow.source, "agent a1");
    drop(stopped);
    cleared(&mut site, "missed-heartbeats");
    std::fs::write(go(&site), "").unwrap();
    for id in [first, second] {
        site.wait_for_status(&id, TaskStatus::Completed);
    }
    cleared(&mut site, "response-time");
}

#[test]
fn a_worker_that_hangs_is_given_up_after_its_lease_and_told_so_when_it_wakes_up() {
    let mut site = started("");
    apply(&site, 1, "memory = \"64MiB\"", "[defaults]\nlease = \"2s\"\n");
    let id = site.run_one(&["sh", "-c", &format!("while [ ! -e {} ]; do sleep 0.05; done", go(&site).display())]);
    site.wait_for_status(&id, TaskStatus::Executing);
    let stopped = Stopped::stop(site.worker_pid().unwrap());
    site.wait_for("the attempt to be given up", |site| !site.records_of("execution_ended").is_empty());
    assert_eq!(site.records_of("execution_ended")[0]["outcome"]["kind"], "worker_lost");
    assert!(out(&site, &["node", "list"]).contains("lost"));
    // That it was not heard was told before it was given up, and is the same story.
    let alert = fired(&mut site, "node lost", Severity::Critical);
    assert!(alert.message.contains("cannot be reached"), "{}", alert.message);
    let before = cleared(&mut site, "missed-heartbeats");
    assert!(before.resolution.unwrap().action.unwrap().contains("it has come to \"node lost\""));
    let second = site.run_one(&["true"]);
    let starts = site.records_of("execution_started").len();
    assert_eq!(starts, 1, "nothing is sent to who is not heard");
    drop(stopped);
    std::fs::write(go(&site), "").unwrap();
    for id in [id, second] {
        site.wait_for_status(&id, TaskStatus::Completed);
    }
    assert_eq!(site.records_of("execution_ended").len(), 3, "what the old attempt came to changes nothing");
    cleared(&mut site, "node lost");
    cleared(&mut site, "missed-heartbeats");
}

#[test]
fn a_disk_that_fills_is_told_until_there_is_room() {
    if !rustix::process::getuid().is_root() {
        eprintln!("NOT TESTED: a disk of its own can be mounted by root alone");
        return;
    }
    let mut site = unstarted("");
    site.on_small_disk(64 << 20);
    site.start_engine();
    apply(&site, 1, "memory = \"64MiB\"", "[[alert_rule]]\nname = \"node-disk\"\nwarning = \"70%\"\nwindow = \"2s\"\n");
    let filler = site.data_dir().join("filler");
    std::fs::write(&filler, vec![0_u8; 48 << 20]).unwrap();
    // Rules are evaluated while there is work.
    let script = format!("while [ ! -e {} ]; do sleep 0.05; done", go(&site).display());
    let id = site.run_one(&["sh", "-c", &script]);
    let alert = fired(&mut site, "node-disk", Severity::Warning);
    assert!(alert.message.contains("of the disk of node ") && alert.message.contains("is full"), "{}", alert.message);
    std::fs::remove_file(&filler).unwrap();
    cleared(&mut site, "node-disk");
    std::fs::write(go(&site), "").unwrap();
    site.wait_for_status(&id, TaskStatus::Completed);
}

/// Others use this machine as well, so that what is asked for here is only that the figure goes the way from the kernel to
/// the alert; that it clears is shown by what is asked for being raised.
#[test]
fn processors_and_memory_in_use_are_told() {
    let mut site = started("");
    let rules = "[[alert_rule]]\nname = \"node-cpu\"\nwarning = \"0.1%\"\ncritical = \"99.9%\"\nfor = \"1s\"\nwindow = \"2s\"\n\
        [[alert_rule]]\nname = \"node-memory\"\nwarning = \"0.1%\"\ncritical = \"99.9%\"\nfor = \"1s\"\nwindow = \"2s\"\n";
    apply(&site, 1, "memory = \"64MiB\"", rules);
    let id = site.run_one(&["sh", "-c", "while :; do :; done"]);
    for (rule, words) in [("node-cpu", "of its processors"), ("node-memory", "of its memory")] {
        // Where others have the processors all busy, it is critical at once.
        site.wait_for(&format!("{rule} to fire"), |site| {
            alerts(site, rule).iter().any(|alert| alert.status == AlertStatus::Active)
        });
        let alert = alerts(&site, rule).remove(0);
        assert!(alert.source.starts_with("node ") && alert.message.contains(words), "{alert:?}");
        if rule == "node-cpu" {
            out(&site, &["task", "cancel", &id]);
        }
        declare(&site, &format!("[[alert_rule]]\nname = \"{rule}\"\nwarning = \"99.8%\"\n"));
        cleared(&mut site, rule);
    }
}

#[test]
fn a_gpu_whose_memory_runs_out_is_told_until_it_has_some() {
    let mut site = unstarted("");
    let (library, says) = (site.folder().join("stand_in.so"), site.folder().join("gpus.txt"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/nvml/stand_in.c");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
    assert!(built.expect("this test needs a C compiler, cc").success());
    let gpu = |number: u32, uuid: &str, used: u64| {
        format!("gpu {number}\n  uuid {uuid}\n  name Test\n  memory_used {used}\n  memory_total 1000000000\n")
    };
    let figures = |used: u64| gpu(0, "GPU-a", 100_000_000) + &gpu(1, "GPU-b", used);
    std::fs::write(&says, figures(100_000_000)).unwrap();
    site.set_env("MENAGERIE_NVML", &library);
    site.set_env("MENAGERIE_NVML_STAND_IN", &says);
    site.start_engine();
    apply(&site, 1, "memory = \"64MiB\"", "[[alert_rule]]\nname = \"gpu-memory\"\nfor = \"1s\"\nwindow = \"2s\"\n");
    let write = |used| {
        std::fs::write(says.with_extension("new"), figures(used)).unwrap();
        std::fs::rename(says.with_extension("new"), &says).unwrap();
    };
    let script = format!("while [ ! -e {} ]; do sleep 0.05; done", go(&site).display());
    let id = site.run_one(&["sh", "-c", &script]);
    write(950_000_000);
    let alert = fired(&mut site, "gpu-memory", Severity::Warning);
    let node = menagerie::engine::link::host_name();
    assert_eq!(alert.source, format!("gpu 1 of {node}"));
    assert_eq!(alert.message, format!("GPU 1 (GPU-b) of node {node} has 95 % of its memory in use"));
    let remedy = alert.context.remedy.unwrap();
    assert!(remedy.contains(&format!("menagerie node gpus {node}")) && remedy.contains("GPU 1"), "{remedy}");
    // Nothing runs any more, and nobody looks: it is measured on all the same until this is over.
    std::fs::write(go(&site), "").unwrap();
    site.wait_for_status(&id, TaskStatus::Completed);
    write(100_000_000);
    cleared(&mut site, "gpu-memory");
}
