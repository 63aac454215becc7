//! Measuring what cages use, on demand and not otherwise.

use menagerie::domain::link::ToWorker;
use menagerie::domain::watch::{CageUsage, ExecutionUsage};
use menagerie::domain::{CageId, ExecutionId, Span};

use crate::client::{Worker, cage, start};

const EATEN: u64 = 50 << 20;
/// Takes 50 MiB of memory, and processor time as long as it is let.
const EATER: &[&str] = &["perl", "-e", "vec($x,52428799,8)=1; 1 while 1"];

fn usage(worker: &Worker, id: CageId) -> Option<CageUsage> {
    worker.measurements.last()?.cages.iter().find(|usage| usage.cage_id == id).copied()
}

#[test]
fn what_a_cage_uses_is_measured_while_somebody_watches() {
    let mut worker = Worker::start();
    let (eater, sleeper, unused) = (cage(1), cage(2), cage(3));
    for spec in [&eater, &sleeper, &unused] {
        worker.declare(spec, 2);
    }
    assert!(worker.shell(sleeper.id, "true").0.succeeded());
    let id = worker.begin(start(eater.id, EATER));
    worker.started(id);
    assert!(worker.measurements.is_empty(), "nobody watches yet");
    worker.send(&ToWorker::Watch { interval_ms: Some(100), while_busy: false });
    worker.wait_for("the first measurement", |worker| (!worker.measurements.is_empty()).then_some(()));
    let first = worker.measurements[0].clone();
    assert!(first.first && first.host.cpu_millis.is_none() && first.host.memory.is_some(), "{first:?}");
    let ids: Vec<CageId> = first.cages.iter().map(|usage| usage.cage_id).collect();
    assert_eq!(ids, [eater.id, sleeper.id], "those that are set up, whether or not anything runs");
    assert_eq!(first.cages[1].pids, Some(0), "a slot's init is no process of an agent");
    let busy = worker.wait_for("the eaten memory to be seen", |worker| {
        usage(worker, eater.id).filter(|usage| usage.memory.is_some_and(|bytes| bytes >= EATEN))
    });
    assert!(busy.memory.unwrap() < 2 * EATEN, "{busy:?}");
    assert_eq!(busy.pids, Some(1), "{busy:?}");
    let peak = worker.wait_for("the peak to be seen", |worker| {
        let seen = worker.measurements.iter().rev().flat_map(|one| &one.cages);
        seen.filter(|usage| usage.cage_id == eater.id).find_map(|usage| usage.memory_peak.filter(|peak| *peak >= EATEN))
    });
    assert!(peak < 2 * EATEN, "{peak}");
    let working = worker.wait_for("processor time to be seen", |worker| {
        usage(worker, eater.id).filter(|usage| usage.cpu_millis.is_some_and(|millis| millis > 50))
    });
    assert!(working.cpu_millis.unwrap() < 2000, "one thread cannot use more than a core: {working:?}");
    let later = worker.measurements.last().unwrap();
    assert!(!later.first && later.host.cpu_millis.is_some(), "{later:?}");
    assert!(usage(&worker, sleeper.id).is_none(), "where nothing runs nothing is measured again");

    worker.stop(id, Span::ZERO);
    worker.ended(id);
    worker.measurements.clear();
    let last = worker.wait_for("a measurement after the end", |worker| {
        worker.measurements.iter().find_map(|one| one.cages.iter().find(|usage| usage.cage_id == eater.id)).copied()
    });
    assert_eq!(last.pids, Some(0), "{last:?}");
    assert!(last.memory.is_some_and(|bytes| bytes < EATEN), "{last:?}");
    assert!(last.memory_peak.is_some_and(|peak| peak >= EATEN), "the peak is told of what comes to rest: {last:?}");
    worker.measurements.clear();
    worker.wait_for("two more measurements", |worker| (worker.measurements.len() >= 2).then_some(()));
    assert!(worker.measurements.iter().skip(1).all(|one| one.cages.is_empty()), "{:?}", worker.measurements);

    worker.send(&ToWorker::Watch { interval_ms: None, while_busy: false });
    // An answer that comes after that message says that it was taken; what came before it is forgotten.
    worker.send(&ToWorker::Processes { request: 1, cage_id: eater.id });
    worker.wait_for("an answer", |worker| (!worker.answers.is_empty()).then_some(()));
    worker.measurements.clear();
    assert!(worker.shell(eater.id, "sleep 0.5").0.succeeded());
    assert!(worker.measurements.is_empty(), "nobody watches any more");
}

/// The processes below the worker that read sensors for it.
fn helpers(worker: &Worker) -> Vec<u32> {
    let senses = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == b"sense")
    };
    worker.descendants().into_iter().filter(senses).collect()
}

#[test]
fn for_the_record_is_measured_only_while_something_runs() {
    let mut worker = Worker::start();
    let (cage, other) = (cage(1), cage(2));
    worker.declare(&cage, 1);
    worker.declare(&other, 1);
    worker.send(&ToWorker::Watch { interval_ms: Some(100), while_busy: true });
    let id = worker.begin(start(cage.id, EATER));
    worker.wait_for("a measurement of what runs", |worker| {
        usage(worker, cage.id).filter(|usage| usage.cpu_millis.is_some_and(|millis| millis > 50))
    });
    worker.wait_for("the slower sensors", |worker| (!worker.sensors.is_empty()).then_some(()));
    assert!(worker.sensors[0].disks.iter().any(|disk| disk.has_data_dir), "{:?}", worker.sensors[0]);
    worker.stop(id, Span::ZERO);
    worker.ended(id);
    worker.measurements.clear();
    let last = worker.wait_for("the end to be seen", |worker| usage(worker, cage.id).filter(|it| it.pids == Some(0)));
    assert_eq!(last.cage_id, cage.id);
    worker.wait_for("the sensing process to leave", |worker| helpers(worker).is_empty().then_some(()));
    worker.measurements.clear();
    // Time for five more, were there any.
    std::process::Command::new("sleep").arg("0.5").status().unwrap();
    worker.send(&ToWorker::Processes { request: 1, cage_id: cage.id });
    worker.wait_for("an answer", |worker| (!worker.answers.is_empty()).then_some(()));
    assert!(worker.measurements.is_empty(), "nothing runs: {:?}", worker.measurements);
    let id = worker.begin(start(other.id, EATER));
    worker.wait_for("it to go on with the next execution", |worker| {
        usage(worker, other.id).filter(|usage| usage.cpu_millis.is_some_and(|millis| millis > 50))
    });
    worker.stop(id, Span::ZERO);
    worker.ended(id);
}

#[test]
fn the_sensing_process_is_there_only_while_somebody_measures() {
    let mut worker = Worker::start();
    worker.wait_for("the one that looked for GPUs to leave", |worker| helpers(worker).is_empty().then_some(()));
    worker.send(&ToWorker::Watch { interval_ms: Some(100), while_busy: false });
    worker.wait_for("an answer of the sensors", |worker| (!worker.sensors.is_empty()).then_some(()));
    let [first] = helpers(&worker)[..] else { panic!("{:?}", helpers(&worker)) };
    // One that dies is replaced.
    std::process::Command::new("kill").args(["-KILL", &first.to_string()]).status().unwrap();
    worker.sensors.clear();
    worker.wait_for("another one to answer", |worker| {
        (!worker.sensors.is_empty() && helpers(worker).iter().all(|pid| *pid != first)).then_some(())
    });
    worker.send(&ToWorker::Watch { interval_ms: None, while_busy: false });
    worker.wait_for("it to leave", |worker| helpers(worker).is_empty().then_some(()));
}

#[test]
fn loops_and_silence_are_measured() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 3);
    let (looping, silent, working) = (
        "while :; do echo \"$(date +%s) cannot connect\"; echo waiting; sleep 0.01; done",
        "echo begins; exec sleep 1000",
        "for w in a b c d e f g h i j k l m n o p q r s t u v w x y z aa bb cc dd ee ff gg hh; do echo does $w; done; exec sleep 1000",
    );
    let ids = [looping, silent, working].map(|script| worker.begin(start(spec.id, &["sh", "-c", script])));
    worker.send(&ToWorker::Watch { interval_ms: Some(100), while_busy: false });
    let of = |worker: &Worker, id: ExecutionId| -> Option<ExecutionUsage> {
        let mut told = worker.measurements.iter().rev().flat_map(|one| &one.executions);
        told.find(|usage| usage.execution_id == id).cloned()
    };
    let found = worker.wait_for("the loop to be noticed", |worker| {
        of(worker, ids[0]).filter(|usage| usage.repeated_percent == Some(100) && usage.output_lines_rate > 0.0)
    });
    assert!(found.silent_ms < 10_000 && found.output_bytes > found.output_lines, "{found:?}");
    assert_eq!((found.cage_id, found.agent.as_str()), (spec.id, "tester"));
    let found = worker.wait_for("silence to be noticed", |worker| {
        of(worker, ids[1]).filter(|usage| usage.output_lines == 1 && usage.silent_ms >= 500)
    });
    assert_eq!((found.repeated_percent, found.output_bytes), (None, 7), "one line tells nothing");
    let found =
        worker.wait_for("the work to be noticed", |worker| of(worker, ids[2]).filter(|it| it.output_lines == 34));
    assert_eq!(found.repeated_percent, Some(0), "{found:?}");
    for id in ids {
        worker.stop(id, Span::ZERO);
        worker.ended(id);
    }
}

#[test]
fn what_a_cage_reads_and_writes_is_counted() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    // Past the kernel's memory: what is written later out of that is booked to nobody in version 1.
    let script = "dd if=/dev/zero of=$HOME/x bs=1M count=4 oflag=direct && dd if=$HOME/x of=/dev/null bs=1M iflag=direct \
                  && exec sleep 1000";
    let id = worker.begin(start(spec.id, &["sh", "-c", script]));
    worker.send(&ToWorker::Watch { interval_ms: Some(100), while_busy: false });
    let io = worker.wait_for("what was written and read", |worker| {
        let told = worker.measurements.iter().rev().flat_map(|one| &one.cages).filter_map(|usage| usage.io);
        told.max_by_key(|io| io.read_bytes).filter(|io| io.read_bytes >= 4 << 20)
    });
    assert!((4 << 20..8 << 20).contains(&io.written_bytes) && io.reads >= 4 && io.writes >= 4, "{io:?}");
    worker.stop(id, Span::ZERO);
    worker.ended(id);
}

#[test]
fn processes_of_a_cage_are_listed_with_their_task() {
    let mut worker = Worker::start();
    let (busy, other) = (cage(1), cage(2));
    worker.declare(&busy, 2);
    worker.declare(&other, 1);
    let script = "perl -e 'vec($x,52428799,8)=1; 1 while 1' & exec sleep 1000";
    let one = start(busy.id, &["sh", "-c", script]);
    let two = start(busy.id, &["sleep", "2000"]);
    let tasks = [one.task_id, two.task_id];
    let ids = [worker.begin(one), worker.begin(two)];
    for id in ids {
        worker.started(id);
    }
    let mut request = 0;
    let found = worker.wait_for("all processes to be listed", |worker| {
        request += 1;
        worker.send(&ToWorker::Processes { request, cage_id: busy.id });
        worker.wait_for("an answer", |worker| worker.answers.iter().any(|answer| answer.0 == request).then_some(()));
        let (_, total, found) = worker.answers.last().unwrap().clone();
        assert_eq!(total, found.len() as u64);
        let eaten = found.iter().any(|process| process.memory >= EATEN);
        (found.len() == 3 && eaten).then_some(found)
    });
    let of =
        |command: &str| found.iter().find(|process| process.command == command).unwrap_or_else(|| panic!("{found:?}"));
    let (eater, waiting, lone) = (of("perl -e vec($x,52428799,8)=1; 1 while 1"), of("sleep 1000"), of("sleep 2000"));
    assert_eq!((eater.parent, eater.task_id), (waiting.pid, Some(tasks[0])), "{found:?}");
    assert!(eater.cpu_us > 0 && eater.threads == 1 && waiting.memory < EATEN, "{found:?}");
    assert_eq!((waiting.state.as_str(), waiting.task_id, lone.task_id), ("S", Some(tasks[0]), Some(tasks[1])));
    worker.send(&ToWorker::Processes { request: 9999, cage_id: other.id });
    worker.wait_for("an answer", |worker| (worker.answers.last()? == &(9999, 0, vec![])).then_some(()));
}
