//! The link: reports are kept until they are acknowledged, requests may come twice, one engine at a time.

use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;

use menagerie::domain::OutcomeKind;
use menagerie::domain::link::{FromWorker, Report, ToWorker};

use crate::client::{Worker, cage, eventually, start};

#[test]
fn reports_are_kept_while_no_engine_is_there_and_sent_again() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let mark = worker.folder.join("cages/001/work/mark");
    let id = worker
        .begin(start(spec.id, &["/bin/sh", "-c", "sleep 0.2; touch mark; echo '{\"type\":\"result\",\"output\":1}'"]));
    worker.started(id);
    worker.disconnect();
    eventually("it has ended without an engine", || mark.exists());
    worker.reports.clear();
    worker.connect();
    let (outcome, _) = worker.ended(id);
    assert_eq!(outcome.result, Some(serde_json::json!(1)));
    // Without an acknowledgement all of it comes again, with the same numbers, in the same order.
    let first = worker.reports.clone();
    worker.disconnect();
    worker.reports.clear();
    worker.connect();
    assert_eq!(worker.reports, first);
    let Some(FromWorker::Hello { executions, incarnation, .. }) = worker.hello.clone() else { panic!("no hello") };
    assert_eq!(executions, [id]);
    let number = worker.reports.last().unwrap().0;
    worker.send(&ToWorker::Ack { number });
    worker.disconnect();
    worker.reports.clear();
    worker.connect();
    assert!(worker.reports.is_empty(), "{:?}", worker.reports);
    let Some(FromWorker::Hello { executions, incarnation: same, .. }) = worker.hello.clone() else {
        panic!("no hello")
    };
    assert!(executions.is_empty());
    assert_eq!(same, incarnation);
}

#[test]
fn a_start_that_comes_twice_runs_once() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 2);
    let once = start(spec.id, &["/bin/sh", "-c", "echo mark >> marks; sleep 0.1"]);
    for _ in 0..3 {
        worker.begin(once.clone());
    }
    worker.ended(once.execution_id);
    worker.begin(once.clone());
    let (outcome, output) = worker.shell(spec.id, "cat marks");
    assert!(outcome.succeeded());
    assert_eq!(output, "mark\n");
    let ends = worker.reports.iter().filter(
        |(_, report)| matches!(report, Report::Ended { execution_id, .. } if *execution_id == once.execution_id),
    );
    assert_eq!(ends.count(), 1);
}

#[test]
fn slots_bound_how_many_run_at_once() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 3);
    let script =
        "touch here-$$-$MENAGERIE_EXECUTION_ID; set -- here-*; echo $#; sleep 0.1; rm here-*$MENAGERIE_EXECUTION_ID";
    let ids: Vec<_> = (0..12).map(|_| worker.begin(start(spec.id, &["/bin/sh", "-c", script]))).collect();
    let mut most = 0;
    for id in ids {
        let (outcome, _) = worker.ended(id);
        assert!(outcome.succeeded(), "{outcome:?}");
        most = most.max(worker.output(id).trim().parse::<u32>().unwrap());
    }
    assert_eq!(most, 3);
}

#[test]
fn a_newer_engine_replaces_the_older() {
    let mut worker = Worker::start();
    let mut older = UnixStream::connect(worker.folder.join("worker.sock")).unwrap();
    worker.disconnect();
    worker.connect();
    // The older connection is closed by the worker.
    older.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    assert_eq!(older.read(&mut [0; 16]).unwrap(), 0);
    let spec = cage(1);
    worker.declare(&spec, 1);
    assert!(worker.shell(spec.id, "true").0.succeeded());
}

#[test]
fn nonsense_on_the_link_ends_the_connection_and_nothing_else() {
    let mut worker = Worker::start();
    for nonsense in [&b"\xff\xff\xff\xff"[..], b"\x02\x00\x00\x00{]", b"\x00\x00\x00\x00"] {
        let mut other = UnixStream::connect(worker.folder.join("worker.sock")).unwrap();
        other.write_all(nonsense).unwrap();
        other.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        assert_eq!(other.read(&mut [0; 16]).unwrap(), 0, "{nonsense:?}");
    }
    worker.disconnect();
    worker.connect();
    let unknown = worker.begin(start(cage(9).id, &["true"]));
    let (outcome, _) = worker.ended(unknown);
    assert_eq!(outcome.kind, OutcomeKind::NotStarted);
    assert!(outcome.message.contains("cage 009"), "{outcome:?}");
}

#[test]
fn a_data_directory_has_one_worker_and_its_socket_one_user() {
    let worker = Worker::start();
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_menagerie"))
        .args(["worker", "--data-dir"])
        .arg(&worker.folder)
        .output()
        .unwrap();
    assert!(!second.status.success());
    let text = String::from_utf8_lossy(&second.stderr);
    assert!(text.contains(&format!("worker {}", worker.pid())), "{text}");
    let socket = std::fs::metadata(worker.folder.join("worker.sock")).unwrap();
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    assert_eq!(socket.uid(), rustix::process::getuid().as_raw());
    for folder in ["output", "artifacts", "cages"] {
        let folder = std::fs::metadata(worker.folder.join(folder)).unwrap();
        assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    }
}

#[test]
fn a_worker_with_something_to_do_refuses_to_leave_unless_told_to_kill() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let id = worker.begin(start(spec.id, &["sleep", "1000"]));
    worker.started(id);
    worker.send(&ToWorker::Shutdown { kill: false });
    worker.wait_for("the refusal", |worker| {
        let refused = |(_, report): &(u64, Report)| {
            matches!(report, Report::Notice { message, .. } if message.contains("the worker stays"))
        };
        worker.reports.iter().any(refused).then_some(())
    });
    worker.send(&ToWorker::Shutdown { kill: true });
    let (outcome, _) = worker.ended(id);
    assert_eq!(outcome.kind, OutcomeKind::WorkerLost, "{outcome:?}");
    eventually("it has left", || worker.child.try_wait().unwrap().is_some());
}

#[test]
fn an_idle_worker_says_that_it_is_there() {
    let mut worker = Worker::start();
    worker.wait_for("two heartbeats", |worker| (worker.heartbeats > 1).then_some(()));
}

#[test]
fn an_idle_worker_takes_no_processor_time() {
    let mut worker = Worker::start();
    for number in 1..=20 {
        let spec = cage(number);
        worker.declare(&spec, 1);
        assert!(worker.shell(spec.id, "true").0.succeeded());
    }
    let switches = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", worker.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap().trim();
        line.parse::<u64>().unwrap()
    };
    // The last slot may still be on its way to its rest.
    let mut before = switches();
    eventually("it rests", || {
        std::thread::sleep(std::time::Duration::from_millis(200));
        let now = switches();
        std::mem::replace(&mut before, now) == now
    });
}

#[test]
fn a_worker_stays_while_it_has_reports_that_nobody_has_acknowledged() {
    let folder = tempfile::Builder::new().prefix("menagerie-test-").tempdir().unwrap();
    let mut worker = Worker::start_with(folder.path(), std::time::Duration::from_millis(50));
    let spec = cage(1);
    worker.declare(&spec, 1);
    let id = worker.begin(start(spec.id, &["true"]));
    worker.ended(id);
    worker.disconnect();
    // Another that has nothing to tell and ten times its patience has left: this one would have too, long before.
    let beside = tempfile::Builder::new().prefix("menagerie-test-").tempdir().unwrap();
    let mut other = Worker::start_with(beside.path(), std::time::Duration::from_millis(500));
    other.disconnect();
    eventually("the other has left", || other.child.try_wait().unwrap().is_some());
    assert!(worker.child.try_wait().unwrap().is_none(), "it left with reports that no engine has durable");
    worker.reports.clear();
    worker.connect();
    worker.ended(id);
    let number = worker.reports.last().unwrap().0;
    worker.send(&ToWorker::Ack { number });
    worker.disconnect();
    eventually("it has left, as nothing is left to tell", || worker.child.try_wait().unwrap().is_some());
}

#[test]
fn a_nodes_storage_is_what_the_disk_has_whatever_is_in_use() {
    let mut worker = Worker::start();
    let storage = |worker: &Worker| match &worker.hello {
        Some(FromWorker::Hello { capacity, .. }) => capacity.storage,
        other => panic!("{other:?}"),
    };
    let before = storage(&worker);
    assert!(before > 0);
    let mut file = std::fs::File::create(worker.folder.join("large")).unwrap();
    file.write_all(&vec![1; 32 << 20]).unwrap();
    file.sync_all().unwrap();
    worker.disconnect();
    worker.connect();
    assert_eq!(storage(&worker), before);
}
