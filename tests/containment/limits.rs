//! Limits: memory, processes, disk, time, tokens, processor time.

use menagerie::domain::{Bytes, Cpu, Enforcement, OutcomeKind, Span, TokenLimit};

use crate::client::{Worker, cage, start};

#[test]
fn a_fork_bomb_stays_within_its_pids() {
    let mut worker = Worker::start();
    let mut spec = cage(1);
    spec.limits.pids = Some(32);
    worker.declare(&spec, 1);
    let id = worker.begin(start(
        spec.id,
        &["/bin/bash", "-c", "bomb() { bomb | bomb & }; bomb; sleep 1; cat /nothing | cat; exit 3"],
    ));
    worker.started(id);
    let mut most = 0;
    let (outcome, _) = worker.wait_for("the bomb's end", |worker| {
        most = most.max(worker.descendants().len());
        worker.is_ended(id).then(|| worker.ended(id))
    });
    assert_eq!((outcome.kind, outcome.limit.as_deref()), (OutcomeKind::LimitExceeded, Some("pids")), "{outcome:?}");
    assert!(most <= 32 + 1, "{most} processes");
    // Nothing of it is left but the slot's init.
    assert_eq!(worker.descendants().len(), 1);
}

#[test]
fn a_cage_without_a_pids_limit_does_not_take_the_host_with_it() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let enforcement = worker.enforcement(spec.id);
    let pids = enforcement.0.iter().find(|entry| entry.limit == "pids").unwrap();
    assert_eq!(pids.enforcement, Enforcement::Enforced, "this host cannot hold processes: {}", pids.by);
    assert!(pids.by.contains("protection"), "{}", pids.by);
}

#[test]
fn ten_gibibytes_of_memory_are_not_to_be_had() {
    let mut worker = Worker::start();
    let mut spec = cage(1);
    spec.limits.memory = Some(Bytes::from_mib(64));
    worker.declare(&spec, 1);
    let (outcome, _) = worker.shell(spec.id, "exec perl -e '$x = \"x\" x (10 << 30); print length $x'");
    assert_eq!((outcome.kind, outcome.limit.as_deref()), (OutcomeKind::LimitExceeded, Some("memory")), "{outcome:?}");
    assert!(
        outcome.usage.memory_peak.is_some_and(|peak| peak <= 64 << 20),
        "no more than its cage may have: {outcome:?}"
    );
    // The cage is as good as before.
    assert!(worker.shell(spec.id, "true").0.succeeded());
}

#[test]
fn a_child_that_eats_memory_is_seen_although_its_parent_is_well() {
    let mut worker = Worker::start();
    let mut spec = cage(1);
    spec.limits.memory = Some(Bytes::from_mib(64));
    worker.declare(&spec, 1);
    let (outcome, _) = worker.shell(spec.id, "perl -e '$x = \"x\" x (1 << 30)'; exit 0");
    assert_eq!(outcome.limit.as_deref(), Some("memory"), "{outcome:?}");
}

#[test]
fn the_private_tmp_counts_and_is_fresh_each_time() {
    let mut worker = Worker::start();
    let mut spec = cage(1);
    spec.limits.memory = Some(Bytes::from_mib(64));
    worker.declare(&spec, 1);
    let (outcome, output) = worker.shell(spec.id, "dd if=/dev/zero of=/tmp/full bs=1M count=500; echo \"status $?\"");
    let held = outcome.limit.as_deref() == Some("memory") || output.contains("No space left");
    assert!(held, "{outcome:?} {output}");
    let (outcome, output) = worker.shell(spec.id, "ls -A /tmp /dev/shm/");
    assert!(outcome.succeeded() && !output.contains("full"), "{output}");
}

#[test]
fn filling_the_disk_is_stopped() {
    let mut worker = Worker::start();
    let mut spec = cage(1);
    spec.limits.disk = Some(Bytes::from_mib(16));
    worker.declare(&spec, 1);
    // Many files, as one alone is held by its size already.
    let many = "i=0; while :; do dd if=/dev/zero of=file$i bs=1M count=4 2>/dev/null; i=$((i+1)); done";
    let (outcome, _) = worker.shell(spec.id, many);
    assert_eq!((outcome.kind, outcome.limit.as_deref()), (OutcomeKind::LimitExceeded, Some("disk")), "{outcome:?}");
    let (outcome, _) = worker.shell(spec.id, "rm -f file*; exec dd if=/dev/zero of=one bs=1M count=100");
    assert_eq!(outcome.limit.as_deref(), Some("disk"), "{outcome:?}");
    let enforcement = worker.enforcement(spec.id);
    // What was left is too much. Nothing may be added, but whoever does not, or removes it, may work.
    let mut run = |script: &str| {
        let id = worker.begin(start(spec.id, &["sh", "-c", script]));
        worker.ended(id).0
    };
    assert_eq!(run("sleep 0.3").kind, OutcomeKind::Succeeded, "nothing was added");
    let added = run("i=0; while :; do head -c 1000000 /dev/zero > more$i; i=$((i+1)); sleep 0.01; done");
    assert_eq!(added.limit.as_deref(), Some("disk"), "{added:?}");
    assert_eq!(run("rm -rf ./*; sleep 0.3").kind, OutcomeKind::Succeeded, "what was too much was removed");
    let disk = enforcement.0.iter().find(|entry| entry.limit == "disk").unwrap();
    assert_eq!(disk.enforcement, Enforcement::Watched);
}

#[test]
fn a_full_folder_is_nobodys_fault_after_a_start_of_the_worker() {
    let folder = tempfile::Builder::new().prefix("menagerie-test-").tempdir().unwrap();
    let mut worker = Worker::start_in(folder.path());
    let mut spec = cage(1);
    worker.declare(&spec, 1);
    // Filled while nothing bounds it; the limit comes later, as one that is lowered does.
    let fill = "i=0; while [ $i -lt 8 ]; do head -c 4000000 /dev/zero > file$i; i=$((i+1)); done";
    assert!(worker.shell(spec.id, fill).0.succeeded());
    drop(worker);
    spec.limits.disk = Some(Bytes::from_mib(16));
    let mut worker = Worker::start_in(folder.path());
    worker.declare(&spec, 1);
    // Long enough to be measured a few times.
    let (outcome, _) = worker.shell(spec.id, "sleep 1");
    assert_eq!(outcome.kind, OutcomeKind::Succeeded, "it added nothing: {outcome:?}");
    let (outcome, _) = worker.shell(spec.id, "while :; do head -c 1000000 /dev/zero >> more; sleep 0.01; done");
    assert_eq!(outcome.limit.as_deref(), Some("disk"), "{outcome:?}");
    assert!(outcome.message.contains("run --cage 001 -- find . -mindepth 1 -delete"), "{outcome:?}");
    let id = worker.begin(start(spec.id, &["find", ".", "-mindepth", "1", "-delete"]));
    let (outcome, _) = worker.ended(id);
    assert!(outcome.succeeded(), "what is said to empty it does: {outcome:?}");
    let (outcome, output) = worker.shell(spec.id, "ls -A; head -c 4000000 /dev/zero > file; sleep 1");
    assert!(outcome.succeeded() && output.is_empty(), "{outcome:?} {output}");
}

#[test]
fn files_without_content_use_the_disk_up_too() {
    let mut worker = Worker::start();
    let mut spec = cage(1);
    spec.limits.disk = Some(Bytes::from_mib(16));
    worker.declare(&spec, 1);
    let many = "i=0; while :; do : > file$i; i=$((i+1)); done";
    let (outcome, _) = worker.shell(spec.id, many);
    assert_eq!((outcome.kind, outcome.limit.as_deref()), (OutcomeKind::LimitExceeded, Some("disk")), "{outcome:?}");
}

#[test]
fn what_lies_deeper_than_any_path_uses_the_disk_up_too() {
    let mut worker = Worker::start();
    let mut spec = cage(1);
    spec.limits.disk = Some(Bytes::from_mib(16));
    worker.declare(&spec, 1);
    let deep = "
import os
for _ in range(30):
    os.mkdir('n' * 200)
    os.chdir('n' * 200)
number = 0
while True:
    open('file%d' % number, 'wb').write(bytes(4000000))
    number += 1
";
    let id = worker.begin(start(spec.id, &["python3", "-c", deep]));
    let (outcome, _) = worker.ended(id);
    assert_eq!((outcome.kind, outcome.limit.as_deref()), (OutcomeKind::LimitExceeded, Some("disk")), "{outcome:?}");
}

#[test]
fn wall_limits_and_timeouts_end_what_takes_too_long() {
    let mut worker = Worker::start();
    let mut spec = cage(1);
    spec.limits.wall = Some(Span::from_millis(300));
    worker.declare(&spec, 1);
    let (outcome, _) = worker.shell(spec.id, "sleep 1000");
    assert_eq!((outcome.kind, outcome.limit.as_deref()), (OutcomeKind::TimedOut, Some("wall")), "{outcome:?}");
    let mut short = start(spec.id, &["sleep", "1000"]);
    short.timeout = Some(Span::from_millis(50));
    let id = worker.begin(short);
    let (outcome, _) = worker.ended(id);
    assert_eq!((outcome.kind, outcome.limit), (OutcomeKind::TimedOut, None));
}

#[test]
fn reported_tokens_are_held_to_their_limit() {
    let mut worker = Worker::start();
    let mut spec = cage(1);
    spec.limits.tokens = Some(TokenLimit { tokens: 100, per: None });
    worker.declare(&spec, 1);
    let say = |used: u32| format!("echo '{{\"type\":\"tokens\",\"used\":{used},\"cost\":0.25}}'; ");
    let (outcome, _) = worker.shell(spec.id, &say(100));
    assert!(outcome.succeeded(), "{outcome:?}");
    assert_eq!((outcome.tokens_used, outcome.cost), (Some(100), Some(0.25)));
    let (outcome, _) = worker.shell(spec.id, &(say(101) + "sleep 1000"));
    assert_eq!((outcome.kind, outcome.limit.as_deref()), (OutcomeKind::LimitExceeded, Some("tokens")), "{outcome:?}");
}

#[test]
fn processor_time_is_held_back() {
    let mut worker = Worker::start();
    let mut spec = cage(1);
    spec.limits.cpu = Some(Cpu::from_millis(100));
    worker.declare(&spec, 1);
    let enforcement = worker.enforcement(spec.id);
    let cpu = enforcement.0.iter().find(|entry| entry.limit == "cpu").unwrap();
    assert_eq!(cpu.enforcement, Enforcement::Enforced, "this host cannot hold cpu time: {}", cpu.by);
    // A tenth of a core for 1.5 s is 150 ms; the kernel's slices may add a few tens.
    let mut spin = start(spec.id, &["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do :; done"]);
    spin.timeout = Some(Span::from_millis(1500));
    let id = worker.begin(spin);
    let (outcome, _) = worker.ended(id);
    assert_eq!(outcome.kind, OutcomeKind::TimedOut);
    // The bound is generous: without a limit it would be the whole 1.5 s and the grace besides.
    assert!(outcome.usage.cpu_us < 600_000, "{outcome:?}");
}

#[test]
fn new_limits_hold_at_once() {
    let mut worker = Worker::start();
    let mut spec = cage(1);
    spec.limits.memory = Some(Bytes::from_mib(512));
    worker.declare(&spec, 1);
    let eat = "exec perl -e '$x = \"x\" x (200 << 20)'";
    assert!(worker.shell(spec.id, eat).0.succeeded());
    spec.limits.memory = Some(Bytes::from_mib(64));
    worker.declare(&spec, 1);
    assert_eq!(worker.shell(spec.id, eat).0.limit.as_deref(), Some("memory"));
    spec.limits.memory = Some(Bytes::from_mib(512));
    worker.declare(&spec, 1);
    assert!(worker.shell(spec.id, eat).0.succeeded());
}

#[test]
fn shared_memory_does_not_outlive_its_execution() {
    let mut worker = Worker::start();
    let mut spec = cage(1);
    spec.limits.memory = Some(Bytes::from_mib(64));
    worker.declare(&spec, 1);
    // Half as much again in all as the cage may have, and each time with semaphores. In small parts, because the kernel
    // gives the memory of a namespace that ended back a moment later.
    let program = "
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
size = 16 << 20
segment = libc.shmget(0x1234, size, 0o1600)
assert segment >= 0, ctypes.get_errno()
ctypes.memset(libc.shmat(segment, None, 0), 1, size)
assert libc.semget(0x1234, 1, 0o1600) >= 0
assert libc.semget(0x1235, 1, 0o1600) >= 0
";
    for _ in 0..6 {
        let id = worker.begin(start(spec.id, &["python3", "-c", program]));
        let (outcome, _) = worker.ended(id);
        assert!(outcome.succeeded(), "{outcome:?} {}", worker.output(id));
        let (outcome, output) = worker.shell(spec.id, "cat /proc/sysvipc/shm /proc/sysvipc/sem | grep -c 4660; true");
        assert!(outcome.succeeded() && output == "0\n", "{outcome:?} {output}");
    }
}

#[test]
fn tokens_per_hour_are_counted_over_the_executions_of_a_cage() {
    let mut worker = Worker::start();
    let mut spec = cage(1);
    spec.limits.tokens = Some(TokenLimit { tokens: 100, per: Some(Span::from_secs(3600)) });
    worker.declare(&spec, 1);
    let say = |used: u32| format!("echo '{{\"type\":\"tokens\",\"used\":{used}}}'; ");
    let broken = (OutcomeKind::LimitExceeded, Some("tokens"));
    // A total that is told twice counts once.
    let (outcome, _) = worker.shell(spec.id, &(say(20) + &say(60) + &say(60)));
    assert!(outcome.succeeded(), "{outcome:?}");
    let (outcome, _) = worker.shell(spec.id, &(say(41) + "sleep 1000"));
    assert_eq!((outcome.kind, outcome.limit.as_deref()), broken, "{outcome:?}");
    // Nothing more starts, and the message says when it may.
    let (outcome, _) = worker.shell(spec.id, "touch started");
    assert_eq!((outcome.kind, outcome.limit.as_deref()), broken, "{outcome:?}");
    assert!(outcome.message.contains("try again"), "{outcome:?}");
    assert!(!worker.folder.join("cages/001/work/started").exists());
    // Another cage has an account of its own, and a higher limit holds at once.
    spec.limits.tokens = Some(TokenLimit { tokens: 1000, per: Some(Span::from_secs(3600)) });
    worker.declare(&spec, 1);
    assert!(worker.shell(spec.id, "true").0.succeeded());
    // A window that passes gives room again.
    let mut short = cage(2);
    short.limits.tokens = Some(TokenLimit { tokens: 10, per: Some(Span::from_millis(1200)) });
    worker.declare(&short, 1);
    assert!(worker.shell(short.id, &say(10)).0.succeeded());
    crate::client::eventually("the window has passed", || worker.shell(short.id, "true").0.succeeded());
}

#[test]
fn a_hundred_and_fifty_cages_stand_at_a_time() {
    let mut worker = Worker::start();
    // The descriptors that the worker has for so many are more than an agent may have, whose init begins with a copy of
    // them.
    let ids: Vec<_> = (1..=150)
        .map(|number| {
            let spec = cage(number);
            worker.declare(&spec, 1);
            worker.begin(start(spec.id, &["/bin/sh", "-c", "ulimit -n"]))
        })
        .collect();
    for id in ids {
        let (outcome, _) = worker.ended(id);
        assert!(outcome.succeeded(), "{outcome:?}");
        assert_eq!(worker.output(id).trim(), "1024");
    }
}
