//! Ends: the whole process tree goes, whatever it does against it.

use menagerie::domain::link::{Report, ToWorker};
use menagerie::domain::{OutcomeKind, Severity, Span};

use crate::client::{Worker, cage, eventually, is_alive, start};

#[test]
fn a_daemon_that_forks_twice_goes_with_its_execution() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let script = "setsid sh -c '(sleep 1000 & sleep 2000 &) ; exec sleep 3000' & sleep 0.1; exit 0";
    let id = worker.begin(start(spec.id, &["/bin/sh", "-c", script]));
    let (outcome, _) = worker.ended(id);
    assert!(outcome.succeeded(), "{outcome:?}");
    assert_eq!(worker.descendants().len(), 1, "only the slot's init is left");
}

#[test]
fn a_child_that_holds_the_pipes_delays_nothing() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let (outcome, output) = worker.shell(spec.id, "(while :; do echo noise; sleep 1; done) & echo main; exit 7");
    assert_eq!((outcome.kind, outcome.exit_code), (OutcomeKind::Failed, Some(7)));
    assert!(output.contains("main"));
    let (outcome, output) = worker.shell(spec.id, "echo next");
    assert!(outcome.succeeded());
    assert_eq!(output, "next\n", "nothing of the former execution is in the output");
}

#[test]
fn ignoring_sigterm_helps_for_the_grace_only() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let id = worker.begin(start(spec.id, &["/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]));
    worker.wait_for("the trap", |worker| worker.output(id).contains("ready").then_some(()));
    worker.stop(id, Span::from_millis(100));
    let (outcome, _) = worker.ended(id);
    assert_eq!((outcome.kind, outcome.signal), (OutcomeKind::Cancelled, Some(libc::SIGKILL)), "{outcome:?}");
    assert!(worker.shell(spec.id, "true").0.succeeded());
}

#[test]
fn heeding_sigterm_is_given_time() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let script = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
    let id = worker.begin(start(spec.id, &["/bin/sh", "-c", script]));
    worker.wait_for("the trap", |worker| worker.output(id).contains("ready").then_some(()));
    worker.stop(id, Span::from_secs(20));
    let (outcome, _) = worker.ended(id);
    assert_eq!((outcome.kind, outcome.exit_code), (OutcomeKind::Cancelled, Some(0)), "{outcome:?}");
    assert!(worker.output(id).contains("bye"));
}

#[test]
fn an_agent_that_signals_its_group_hits_its_own_alone_and_has_no_terminal_to_take() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    // Init passes on the signals that reach it; were it in the group, the child in a session of its own would end too.
    let script = "trap ':' TERM; mkfifo up go; setsid sh -c 'echo > up; read line < go; echo apart' & read line < up; \
                  kill -TERM 0; echo > go; wait; echo self; (exec 3< /dev/tty) 2> /dev/null && echo terminal; \
                  read pid name state parent group session rest < /proc/$$/stat; echo $session";
    let (outcome, output) = worker.shell(spec.id, script);
    assert!(outcome.succeeded(), "{outcome:?} {output}");
    assert_eq!(output, "apart\nself\n1\n");
}

#[test]
fn stopping_what_waits_for_a_slot_and_what_has_just_begun() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let first = worker.begin(start(spec.id, &["sleep", "1000"]));
    let second = worker.begin(start(spec.id, &["sleep", "1000"]));
    worker.stop(second, Span::ZERO);
    assert_eq!(worker.ended(second).0.kind, OutcomeKind::Cancelled);
    worker.stop(first, Span::ZERO);
    assert_eq!(worker.ended(first).0.kind, OutcomeKind::Cancelled);
    for _ in 0..20 {
        let id = worker.begin(start(spec.id, &["sleep", "1000"]));
        worker.stop(id, Span::from_millis(1));
        assert_eq!(worker.ended(id).0.kind, OutcomeKind::Cancelled);
    }
}

/// A process frozen by a version 1 freezer group cannot be killed until it is thawed, exactly like one that sleeps
/// uninterruptibly in the kernel.
struct Freezer(std::path::PathBuf);

impl Freezer {
    fn new() -> Self {
        let folder =
            std::path::Path::new("/sys/fs/cgroup/freezer").join(format!("menagerie-test-{}", std::process::id()));
        std::fs::create_dir(&folder)
            .expect("this test needs a version 1 freezer to simulate an uninterruptible sleep, and root to use it");
        Self(folder)
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        let _ = std::fs::write(self.0.join("freezer.state"), "THAWED");
        eventually("the thawed processes have ended", || {
            std::fs::read_to_string(self.0.join("cgroup.procs")).unwrap_or_default().is_empty()
        });
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn a_process_that_cannot_be_ended_is_told_of_and_replaced() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let id = worker.begin(start(spec.id, &["sleep", "1000"]));
    worker.started(id);
    let sleeper = *worker.descendants().last().unwrap();
    let freezer = Freezer::new();
    std::fs::write(freezer.0.join("cgroup.procs"), sleeper.to_string()).unwrap();
    std::fs::write(freezer.0.join("freezer.state"), "FROZEN").unwrap();
    let state = freezer.0.join("freezer.state");
    eventually("it is frozen", || std::fs::read_to_string(&state).unwrap().trim() == "FROZEN");
    worker.stop(id, Span::ZERO);
    let (outcome, _) = worker.ended(id);
    assert_eq!(outcome.kind, OutcomeKind::Cancelled);
    assert!(outcome.message.contains("cannot be ended"), "{outcome:?}");
    let told = worker.reports.iter().any(|(_, report)| {
        matches!(report, Report::Notice { severity: Severity::Critical, message, .. } if message.contains("cannot be ended"))
    });
    assert!(told, "{:?}", worker.reports);
    assert!(is_alive(sleeper), "the simulation did not hold the process");
    assert!(worker.shell(spec.id, "true").0.succeeded(), "another slot takes over");
    drop(freezer);
    eventually("the thawed process has ended", || !is_alive(sleeper));
}

#[test]
fn nothing_outlives_a_killed_worker_and_its_groups_are_found_again() {
    let folder = tempfile::Builder::new().prefix("menagerie-test-").tempdir().unwrap();
    let mut worker = Worker::start_in(folder.path());
    let spec = cage(1);
    worker.declare(&spec, 2);
    let script = "setsid sleep 1000 & (trap '' TERM HUP; sleep 1000) & exec sleep 1000";
    let ids = [0, 1].map(|_| worker.begin(start(spec.id, &["/bin/sh", "-c", script])));
    for id in ids {
        worker.started(id);
    }
    let alive = worker.descendants();
    assert!(alive.len() >= 6, "{alive:?}");
    let groups = worker.groups();
    assert!(!groups.is_empty());
    worker.kill();
    eventually("nothing is left", || !alive.iter().any(|pid| is_alive(*pid)));
    assert!(groups.iter().any(|group| group.exists()), "a killed worker cannot have cleaned up");
    let mut next = Worker::start_in(folder.path());
    assert!(groups.iter().all(|group| !group.join("001").exists()), "leftovers remain");
    next.declare(&spec, 1);
    assert!(next.shell(spec.id, "true").0.succeeded());
    next.send(&ToWorker::Shutdown { kill: true });
    eventually("the worker has left", || next.child.try_wait().unwrap().is_some());
    assert!(groups.iter().all(|group| !group.exists()), "a worker that leaves removes its groups");
}

#[test]
fn removing_a_cage_ends_what_is_in_it() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let id = worker.begin(start(spec.id, &["sleep", "1000"]));
    let waiting = worker.begin(start(spec.id, &["sleep", "1000"]));
    worker.started(id);
    worker.send(&ToWorker::RemoveCage { cage_id: spec.id });
    assert_eq!(worker.ended(waiting).0.kind, OutcomeKind::Cancelled);
    assert_eq!(worker.ended(id).0.kind, OutcomeKind::Cancelled);
    eventually("init has gone, too", || worker.descendants().is_empty());
    eventually("its groups have gone", || worker.groups().iter().all(|group| !group.join("001").exists()));
}
