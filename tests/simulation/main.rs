//! Thousands of seeds drive the real core, the real store and a simulated worker through random commands, crashes, lost and
//! repeated messages and jumps of the clock, and check what must hold after each step (DESIGN.md, "The core").
//!
//! `MENAGERIE_SEEDS=N` sets how many seeds are run, `MENAGERIE_SEED=N` runs a single one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod draw;
mod ledger;
mod worker;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

/// How many seeds `./test` runs.
const SEEDS: u64 = 2000;
/// After so many failed seeds the rest is not run.
const FAILURES: usize = 4;
/// How many random steps a seed takes before the faults stop.
const STEPS: u32 = 120;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

/// Runs one seed and gives a fingerprint of everything that happened.
fn run(seed: u64) -> u64 {
    let mut world = world::World::new(seed);
    for _ in 0..STEPS {
        world.step();
    }
    world.settle()
}

#[test]
fn every_seed_keeps_the_promises() {
    if let Some(seed) = number("MENAGERIE_SEED") {
        run(seed);
        return;
    }
    let seeds = number("MENAGERIE_SEEDS").unwrap_or(SEEDS);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicU64::new(0);
    let failed = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds || failed.lock().unwrap().len() >= FAILURES {
                        break;
                    }
                    if std::panic::catch_unwind(|| run(seed)).is_err() {
                        eprintln!("seed {seed} failed");
                        failed.lock().unwrap().push(seed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "replay with: MENAGERIE_SEED={} cargo test --test simulation", failed[0]);
}

#[test]
fn the_same_seed_gives_the_same_history() {
    for seed in [1, 77, 4242] {
        assert_eq!(run(seed), run(seed), "seed {seed} ran differently the second time");
    }
}
