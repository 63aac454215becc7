//! How long the health report takes: `GET /v1/health` over the real socket of the real engine, with a thousand cages and a
//! hundred thousand waiting tasks, in turns with the cheapest question that the same socket answers. Prints one JSON object;
//! `of_cheapest` is how many times as long the report takes. `cargo bench --bench health -- [REPORTS]`

// A bench that cannot measure ends with the reason.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// Each user of it needs a part.
#[allow(dead_code)]
#[path = "../tests/site/mod.rs"]
mod site;

use std::time::Instant;

use menagerie::api::live::{HealthReport, Ready};
use serde_json::json;

use site::Site;

/// Tasks that wait.
const TASKS: usize = 100_000;

fn main() {
    let reports = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(2000);
    let mut site = Site::new();
    site.start_engine();
    let fleet = site.folder().join("fleet.toml");
    let agent = "[[agent]]\nname = \"a\"\ncage = \"1\"\ncapabilities = [\"shell\"]\n";
    std::fs::write(&fleet, format!("[[cage]]\nrange = \"001-1000\"\n{agent}")).unwrap();
    for arguments in [&["apply", fleet.to_str().unwrap()][..], &["agent", "drain", "a"]] {
        assert!(site.command(arguments).output().unwrap().status.success(), "{arguments:?}");
    }
    let client = site.client().unwrap();
    let task = json!({"type": "x", "parameters": {"configuration": {"command": ["true"]}}});
    for _ in 0..10 {
        let tasks: Vec<_> = std::iter::repeat_n(&task, TASKS / 10).collect();
        client.command(&json!({"command": "submit_tasks", "tasks": tasks})).unwrap();
    }
    let mut cheapest = vec![];
    let mut took: Vec<f64> = (0..reports)
        .map(|_| {
            let begun = Instant::now();
            let ready: Ready = client.get("/v1/ready", &vec![]).unwrap();
            cheapest.push(begun.elapsed().as_secs_f64() * 1e3);
            assert!(ready.ready);
            let begun = Instant::now();
            let report: HealthReport = client.get("/v1/health", &vec![]).unwrap();
            assert!(!report.components.is_empty());
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    took.sort_by(f64::total_cmp);
    cheapest.sort_by(f64::total_cmp);
    let of_cheapest = took[took.len() / 2] / cheapest[cheapest.len() / 2];
    let report = json!({
        "version": menagerie::VERSION, "tasks": TASKS, "cages": 1000, "reports": reports,
        "median_ms": took[took.len() / 2], "p99_ms": took[took.len() * 99 / 100], "worst_ms": took[took.len() - 1],
        "of_cheapest": of_cheapest,
    });
    println!("{report:#}");
}
