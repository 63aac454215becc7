//! What agents may try, tried: real workers, real cages, real processes.

#[path = "containment/client.rs"]
mod client;

use client::{Worker, cage};
use menagerie::domain::OutcomeKind;

#[test]
fn a_program_runs_and_its_output_is_kept() {
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let (outcome, output) = worker.shell(
        spec.id,
        "echo out; echo err >&2; cat; pwd; id; ls -la / /etc /dev; cat /proc/mounts; cat /proc/self/status",
    );
    println!("{outcome:?}\n{output}");
    assert_eq!(outcome.kind, OutcomeKind::Succeeded);
    assert!(output.contains("out") && output.contains("err") && output.contains("input_data"));
}
