//! What one execution costs: `/bin/true` many times through a real worker with two slots, beside a bare loop of two
//! threads that spawns it into a fresh control group each time, in the same run; and what setting up a cage costs.
//! Prints one JSON object. `cargo bench --bench spawn -- [COUNT] [RUNS]`

// A bench that cannot measure ends with the reason.
#![allow(clippy::expect_used)]

// The client serves the tests as well, which use more of it, and may end the program by a panic there and here.
#[allow(dead_code, clippy::unwrap_used, clippy::panic)]
#[path = "../tests/containment/client.rs"]
mod client;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use client::{Worker, cage, start};
use menagerie::domain::link::ToWorker;

/// Executions that the worker has in hand at a time, so that a slot never waits for this client.
const IN_FLIGHT: usize = 32;

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let count = numbers.first().copied().unwrap_or(3000);
    let runs = numbers.get(1).copied().unwrap_or(3);
    let mut rows = vec![];
    for _ in 0..runs {
        let (ours, worker_cpu) = through_worker(count);
        let bare = bare(count);
        rows.push(serde_json::json!({
            "worker_us": ours, "worker_process_cpu_us": worker_cpu, "bare_us": bare, "ratio": bare / ours,
        }));
    }
    let (setup, many) = cage_setup();
    let report = serde_json::json!({
        "count": count,
        "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "version": menagerie::VERSION,
        "runs": rows,
        "cage_setup_us": {"one_after_another": setup, "mean_of_100_at_once": many, "of_bare": setup / bare(500)},
    });
    println!("{report:#}");
}

/// Microseconds of wall time per task, and of processor time of the worker process itself.
fn through_worker(count: usize) -> (f64, f64) {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 2);
    let warm: Vec<_> = (0..50).map(|_| worker.begin(start(spec.id, &["/bin/true"]))).collect();
    for id in warm {
        assert!(worker.ended(id).0.succeeded());
    }
    let before = cpu_us(worker.pid());
    let began = Instant::now();
    let (mut handed_over, mut done) = (0, 0);
    let mut waiting = std::collections::VecDeque::new();
    while done < count {
        while handed_over < count && waiting.len() < IN_FLIGHT {
            waiting.push_back(worker.begin(start(spec.id, &["/bin/true"])));
            handed_over += 1;
        }
        worker.receive();
        while waiting.front().is_some_and(|id| worker.is_ended(*id)) {
            waiting.pop_front();
            done += 1;
        }
        if let Some((number, _)) = worker.reports.last() {
            let number = *number;
            worker.reports.clear();
            worker.send(&ToWorker::Ack { number });
        }
    }
    let wall = micros(began.elapsed()) / count as f64;
    (wall, (cpu_us(worker.pid()) - before) / count as f64)
}

/// The same without Menagerie: two threads, each task in a new control group.
fn bare(count: usize) -> f64 {
    let began = Instant::now();
    let threads: Vec<_> = (0..2).map(|thread| std::thread::spawn(move || bare_loop(thread, count / 2))).collect();
    for thread in threads {
        thread.join().expect("the bare loop ends");
    }
    micros(began.elapsed()) / count as f64
}

fn bare_loop(thread: usize, count: usize) {
    let root = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"].map(PathBuf::from).into_iter().find(|path| path.is_dir());
    let root = root.expect("this host has control groups");
    for number in 0..count {
        let group = root.join(format!("bare-{}-{thread}-{number}", std::process::id()));
        std::fs::create_dir(&group).expect("a group can be made");
        let mut child = Command::new("/bin/true").spawn().expect("it can be started");
        // It may have ended before it could be moved, which only makes the bare loop faster.
        let _ = std::fs::write(group.join("cgroup.procs"), child.id().to_string());
        assert!(child.wait().expect("it ends").success());
        while std::fs::remove_dir(&group).is_err() {}
    }
}

/// Microseconds from the request to the report that a cage is set up: the median of single ones, and the mean of many
/// asked for together.
fn cage_setup() -> (f64, f64) {
    let mut worker = Worker::start();
    let mut times = vec![];
    for number in 1..=50 {
        let spec = limited(number);
        worker.declare(&spec, 1);
        let began = Instant::now();
        worker.enforcement(spec.id);
        times.push(micros(began.elapsed()));
    }
    times.sort_by(f64::total_cmp);
    let began = Instant::now();
    for number in 101..=200 {
        let spec = limited(number);
        worker.declare(&spec, 1);
        worker.send(&ToWorker::Probe { cage_id: spec.id });
    }
    let expected = worker.reports.len() + 100;
    worker.wait_for("all cages", |worker| (worker.reports.len() >= expected).then_some(()));
    (times[times.len() / 2], micros(began.elapsed()) / 100.0)
}

fn limited(number: u16) -> menagerie::domain::CageSpec {
    let mut spec = cage(number);
    spec.limits.memory = Some(menagerie::domain::Bytes::from_mib(128));
    spec.limits.cpu = Some(menagerie::domain::Cpu::from_cores(1));
    spec.limits.pids = Some(64);
    spec
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Processor time of a process, in microseconds.
fn cpu_us(pid: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).expect("the worker runs");
    text.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or(0.0) / 1e3
}
