//! The real binary, killed with SIGKILL at random moments under load, and then checked: nothing acknowledged is lost, nothing
//! finished runs again, nothing stays behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// Each test binary uses a part of it.
#[allow(dead_code)]
#[path = "../site/mod.rs"]
mod site;

use std::collections::BTreeSet;
use std::time::Duration;

use menagerie::domain::TaskStatus;
use site::Site;

/// How many tasks the load has, and how often something is killed under it.
const TASKS: usize = 3000;
const KILLS: u64 = 6;

/// What is killed.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Engine,
    Worker,
    Both,
}

/// No execution ran twice, each task is completed once by the record, and the execution that completed it ran: it left
/// its mark, and none came after it.
fn check_that_nothing_finished_ran_again(site: &Site, tasks: usize) {
    let marks = site.marks();
    let ran: Vec<&String> = marks.values().flatten().collect();
    assert_eq!(ran.iter().collect::<BTreeSet<_>>().len(), ran.len(), "an execution ran twice");
    let mut done = BTreeSet::new();
    for body in site.records_of("execution_ended").iter().filter(|body| body["task_status"] == "completed") {
        let [task, execution] = ["task_id", "execution_id"].map(|key| body[key].as_str().unwrap());
        assert!(done.insert(task.to_owned()), "task {task} was completed twice");
        let marks = marks.get(task).unwrap_or_else(|| panic!("task {task} was completed and left no mark"));
        assert_eq!(marks.last().map(String::as_str), Some(execution), "task {task} ran again after it was done");
    }
    assert_eq!(done.len(), tasks, "each task is done exactly once by the record");
}

#[test]
fn killing_engine_and_worker_loses_nothing() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(4, 4);
    let ids = site.submit_marking_tasks(TASKS);
    assert_eq!(ids.len(), TASKS);
    let mut draw = site.seed();
    for _ in 0..KILLS {
        // A random moment is the point here; nothing is expected to have happened by then.
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_millis((draw >> 33) % 250));
        let counts = site.status().unwrap().tasks;
        assert!(counts.pending + counts.scheduled + counts.executing > 0, "all was over before a kill: {counts:?}");
        let victim = [Victim::Engine, Victim::Worker, Victim::Both][usize::try_from((draw >> 20) % 3).unwrap()];
        if matches!(victim, Victim::Worker | Victim::Both) {
            site.kill_worker();
        }
        if matches!(victim, Victim::Engine | Victim::Both) {
            site.kill_engine();
            site.start_engine();
        }
    }
    let counts = site.wait_until_done();
    assert_eq!(counts.completed, TASKS as u64, "{counts:?}; seed {}", site.seed());
    let marked: BTreeSet<String> = site.marks().into_keys().collect();
    assert_eq!(marked, ids.iter().cloned().collect(), "every task left its mark");
    check_that_nothing_finished_ran_again(&site, TASKS);
    site.check_books();
    site.start_engine();
    site.stop_all();
    site.check_nothing_left();
}

#[test]
fn acknowledged_submissions_survive_a_kill_at_once() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let mark = format!("echo \"$MENAGERIE_EXECUTION_ID\" >> {}/\"$MENAGERIE_TASK_ID\"", site.marks_dir().display());
    let ids: BTreeSet<String> = (0..20).map(|_| site.run_one(&["sh", "-c", &mark])).collect();
    let done: Vec<String> = site
        .tasks()
        .iter()
        .filter(|task| task.status == TaskStatus::Completed)
        .map(|task| task.id.to_string())
        .collect();
    site.kill_engine();
    site.kill_worker();
    site.start_engine();
    let counts = site.wait_until_done();
    assert_eq!(counts.completed, 20);
    let known: BTreeSet<String> = site.tasks().into_iter().map(|task| task.id.to_string()).collect();
    assert_eq!(known, ids);
    let marks = site.marks();
    for id in done {
        assert_eq!(marks[&id].len(), 1, "task {id} was done before the kill and ran again");
    }
    check_that_nothing_finished_ran_again(&site, 20);
    site.check_books();
}

#[test]
fn agents_keep_running_while_the_engine_is_down() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let gate = site.marks_dir().join("gate");
    let wait_for_gate = format!("while [ ! -e {0} ]; do sleep 0.05; done; echo passed", gate.display());
    let id = site.run_one(&["sh", "-c", &wait_for_gate]);
    site.wait_for_status(&id, TaskStatus::Executing);
    site.kill_engine();
    // The task ends while nobody listens.
    std::fs::write(&gate, "").unwrap();
    site.start_engine();
    site.wait_for_status(&id, TaskStatus::Completed);
    assert_eq!(site.records_of("execution_scheduled").len(), 1, "the attempt was not given up");
    site.check_books();
}

#[test]
fn a_second_engine_is_refused_and_names_the_first() {
    let mut site = Site::new();
    let first = site.start_engine();
    let second = site.command(&["engine"]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let text = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(text.contains(&first.to_string()), "{text}");
}

#[test]
fn terminating_the_engine_leaves_agents_running_and_stop_all_ends_them() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let id = site.run_one(&["sleep", "1000"]);
    site.wait_for_status(&id, TaskStatus::Executing);
    site.terminate_engine();
    site.start_engine();
    site.wait_for_status(&id, TaskStatus::Executing);
    assert_eq!(site.records_of("execution_scheduled").len(), 1);
    site.stop_all();
    site.check_nothing_left();
    site.start_engine();
    site.wait_for_status(&id, TaskStatus::Executing);
}

#[test]
fn killing_a_migration_leaves_the_old_version_or_the_new() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(2, 2);
    site.submit_marking_tasks(200);
    site.wait_until_done();
    site.stop_all();
    for round in 0..20u64 {
        for direction in ["down", "up"] {
            let mut child = site.command(&["db", direction]).spawn().unwrap();
            // A random moment within the few milliseconds that a migration takes.
            std::thread::sleep(Duration::from_micros(
                (site.seed().rotate_left(u32::try_from(round).unwrap()) % 9000) + round * 300,
            ));
            let _ = child.kill();
            child.wait().unwrap();
            let status = site.command(&["db", "status", "-o", "json"]).output().unwrap();
            assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
        }
    }
    let up = site.command(&["db", "up"]).output().unwrap();
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    site.check_books();
}
