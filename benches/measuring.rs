//! What measuring costs: the processor time that a worker with many busy cages takes while it measures once a second, beside
//! what the same worker takes while nobody asks, and what its sensing process takes. Prints one JSON object.
//! `cargo bench --bench measuring -- [CAGES] [SECONDS]`

// A bench that cannot measure ends with the reason.
#![allow(clippy::expect_used)]

// The client serves the tests as well, which use more of it, and may end the program by a panic there and here.
#[allow(dead_code, clippy::unwrap_used, clippy::panic)]
#[path = "../tests/containment/client.rs"]
mod client;

use std::time::{Duration, Instant};

use client::{Worker, cage, start};
use menagerie::domain::Span;
use menagerie::domain::link::ToWorker;

fn main() {
    let numbers: Vec<u16> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let cages = numbers.first().copied().unwrap_or(1000);
    let seconds = numbers.get(1).copied().unwrap_or(20);
    let mut worker = Worker::start();
    let mut ids = vec![];
    for number in 1..=cages {
        worker.declare(&cage(number), 1);
        let mut start = start(cage(number).id, &["sh", "-c", "echo begins; exec sleep 3600"]);
        start.timeout = Some(Span::from_secs(3600));
        ids.push(worker.begin(start));
    }
    for id in &ids {
        worker.started(*id);
    }
    let span = Duration::from_secs(seconds.into());
    let unwatched = busy(&mut worker, span);
    worker.send(&ToWorker::Watch { interval_ms: Some(1000), while_busy: false });
    worker.wait_for("measuring to be under way", |worker| (worker.measurements.len() >= 2).then_some(()));
    worker.measurements.clear();
    let helper = helper_of(&worker);
    let helper_before = helper.map_or(0.0, cpu_seconds);
    let watched = busy(&mut worker, span);
    let count = worker.measurements.len();
    let sensing = (helper.map_or(0.0, cpu_seconds) - helper_before) / span.as_secs_f64();
    let report = serde_json::json!({
        "cages": cages,
        "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "version": menagerie::VERSION,
        "measurements": count,
        "percent_of_a_core": {
            "nobody_asks": unwatched * 100.0, "once_a_second": watched * 100.0, "sensing_process": sensing * 100.0,
        },
        "microseconds_a_cage": (watched - unwatched) * 1e6 / f64::from(cages),
    });
    println!("{report:#}");
}

/// The share of a core that the worker takes over some time, while this client reads what it sends.
fn busy(worker: &mut Worker, span: Duration) -> f64 {
    let (before, began) = (cpu_seconds(worker.pid()), Instant::now());
    while began.elapsed() < span {
        worker.receive();
    }
    (cpu_seconds(worker.pid()) - before) / began.elapsed().as_secs_f64()
}

/// The process that reads the slower sensors.
fn helper_of(worker: &Worker) -> Option<u32> {
    let text = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", worker.pid())).ok()?;
    text.split_whitespace().filter_map(|word| word.parse().ok()).find(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == b"sense")
    })
}

/// Processor time of a process, in seconds.
fn cpu_seconds(pid: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).expect("the process runs");
    text.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}
