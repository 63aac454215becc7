//! `menagerie simulate` against reference schedulers, worked out here in the plainest way: first come first served, and
//! EASY backfilling (Lifka 1995: whoever does not delay the first in line may go ahead).

// A test's helpers fail like the test itself.
#![allow(clippy::unwrap_used)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

const CORES: u64 = 100;

/// Times in whole seconds, so that the references are exact.
#[derive(Clone, Copy, Debug)]
struct Job {
    submit: u64,
    duration: u64,
    estimate: Option<u64>,
    cores: u64,
}

/// splitmix64: the same workload everywhere, without a dependency.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Jobs as clusters see them: most are small and short, some are wide, a few are long; people overestimate. They come about `pace`
/// seconds apart: at 140 the machine is just kept busy, at less the queue grows.
fn workload(seed: u64, count: usize, pace: u64) -> Vec<Job> {
    let mut draw = Draw(seed);
    let mut now = 0;
    (0..count)
        .map(|_| {
            let cores = (1 << draw.below(7)).min(CORES);
            let duration = (1 << draw.below(13)) + draw.below(60);
            now += draw.below(2 * pace);
            let estimate = duration + draw.below(duration * 3 + 1);
            Job { submit: now, duration, estimate: Some(estimate), cores }
        })
        .collect()
}

/// When each job starts. With `backfill` EASY, without it first come first served.
fn reference(jobs: &[Job], backfill: bool) -> Vec<u64> {
    let mut starts = vec![0; jobs.len()];
    let mut queue: Vec<usize> = Vec::new();
    let mut ends: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    let mut running: Vec<usize> = Vec::new();
    let (mut free, mut next) = (CORES, 0);
    loop {
        let arrival = jobs.get(next).map(|job| job.submit);
        let end = ends.peek().map(|Reverse((at, _))| *at);
        let Some(now) = arrival.into_iter().chain(end).min() else { return starts };
        while let Some(Reverse((at, job))) = ends.peek().copied()
            && at <= now
        {
            ends.pop();
            running.retain(|other| *other != job);
            free += jobs[job].cores;
        }
        while jobs.get(next).is_some_and(|job| job.submit <= now) {
            queue.push(next);
            next += 1;
        }
        let mut start = |job: usize, free: &mut u64, running: &mut Vec<usize>| {
            starts[job] = now;
            *free -= jobs[job].cores;
            running.push(job);
            ends.push(Reverse((now + jobs[job].duration, job)));
        };
        while let Some(&head) = queue.first()
            && jobs[head].cores <= free
        {
            start(head, &mut free, &mut running);
            queue.remove(0);
        }
        let (true, Some(&head)) = (backfill, queue.first()) else { continue };
        // When enough is free for the head by what is expected, and what is left over then.
        let mut expected: Vec<(u64, u64)> = running
            .iter()
            .map(|job| ((starts[*job] + jobs[*job].estimate.unwrap_or(u64::MAX / 2)).max(now), jobs[*job].cores))
            .collect();
        expected.sort_unstable();
        let (mut shadow, mut there) = (now, free);
        for (at, cores) in expected {
            if there >= jobs[head].cores && at > shadow {
                break;
            }
            (shadow, there) = (at, there + cores);
        }
        let mut extra = there - jobs[head].cores;
        let mut place = 1;
        while place < queue.len() {
            let job = queue[place];
            let Job { cores, estimate, .. } = jobs[job];
            let in_time = estimate.is_some_and(|estimate| now + estimate <= shadow);
            if cores <= free && (in_time || cores <= extra) {
                if !in_time {
                    extra -= cores;
                }
                starts[job] = now;
                free -= cores;
                running.push(job);
                ends.push(Reverse((now + jobs[job].duration, job)));
                queue.remove(place);
            } else {
                place += 1;
            }
        }
    }
}

fn mean_bounded_slowdown(jobs: &[Job], starts: &[u64]) -> f64 {
    let sum: f64 = jobs
        .iter()
        .zip(starts)
        .map(|(job, start)| {
            let run = job.duration as f64;
            (((start - job.submit) as f64 + run) / run.max(10.0)).max(1.0)
        })
        .sum();
    sum / jobs.len() as f64
}

/// Runs the real binary: the figures it prints and the start of each job.
fn simulate(jobs: &[Job], folder: &Path) -> (Value, Vec<f64>) {
    let machine = "[[agent]]\nname = \"machine\"\ncage = \"001\"\nconcurrency = 1024\n";
    simulate_on(&format!("{}\n{machine}", one_cage()), jobs, folder)
}

fn one_cage() -> String {
    format!("[[cage]]\nid = \"001\"\nlimits = {{ cpu = {CORES} }}\n")
}

fn simulate_on(fleet_text: &str, jobs: &[Job], folder: &Path) -> (Value, Vec<f64>) {
    let lines: Vec<String> = jobs
        .iter()
        .enumerate()
        .map(|(id, job)| {
            let line = json!({
                "id": id, "submit": job.submit, "duration": job.duration, "estimate": job.estimate, "cpu": job.cores,
            });
            line.to_string()
        })
        .collect();
    let (workload, fleet, schedule) = (folder.join("w.jsonl"), folder.join("f.toml"), folder.join("s.csv"));
    std::fs::write(&workload, lines.join("\n")).unwrap();
    std::fs::write(&fleet, fleet_text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_menagerie"))
        .arg("simulate")
        .arg(&workload)
        .arg("--fleet")
        .arg(&fleet)
        .arg("--schedule")
        .arg(&schedule)
        .args(["-o", "json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(&schedule).unwrap();
    let mut rows = text.lines();
    assert_eq!(rows.next(), Some("id,start,end,cage"));
    let starts = rows
        .enumerate()
        .map(|(id, row)| {
            let fields: Vec<&str> = row.split(',').collect();
            assert_eq!((fields[0], fields[3]), (id.to_string().as_str(), "001"));
            let (start, end): (f64, f64) = (fields[1].parse().unwrap(), fields[2].parse().unwrap());
            assert!((end - start - jobs[id].duration as f64).abs() < 1e-6, "job {id} runs from {start} to {end}");
            assert!(start >= jobs[id].submit as f64, "job {id} starts before it is submitted");
            start
        })
        .collect();
    (serde_json::from_slice(&output.stdout).unwrap(), starts)
}

/// The most cores in use at any instant.
fn peak(jobs: &[Job], starts: &[f64]) -> u64 {
    let mut steps: Vec<(f64, i64)> = Vec::new();
    for (job, start) in jobs.iter().zip(starts) {
        let cores = i64::try_from(job.cores).unwrap();
        steps.extend([(*start, cores), (start + job.duration as f64, -cores)]);
    }
    // At one instant ends come before starts.
    steps.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let (mut used, mut most) = (0i64, 0i64);
    for (_, change) in steps {
        used += change;
        most = most.max(used);
    }
    u64::try_from(most).unwrap()
}

#[test]
fn backfill_beats_first_come_first_served_and_keeps_within_twice_of_easy() {
    let folder = tempfile::tempdir().unwrap();
    for (seed, pace) in [(1, 140), (2, 140), (3, 140), (4, 160), (5, 110), (6, 90), (7, 60)] {
        let jobs = workload(seed, 2000, pace);
        let (figures, starts) = simulate(&jobs, folder.path());
        assert!(peak(&jobs, &starts) <= CORES, "seed {seed}: more cores in use than there are");
        let (fcfs, easy) = (reference(&jobs, false), reference(&jobs, true));
        let ours = figures["mean_bounded_slowdown"].as_f64().unwrap();
        let plain = mean_bounded_slowdown(&jobs, &fcfs);
        assert!(ours * 4.0 < plain, "seed {seed}: slowdown {ours:.1}, first come first served {plain:.1}");
        is_easy(&jobs, &starts, &easy, seed);
    }
}

/// Nobody waits longer than twice as long as under EASY; indeed on one cage with estimates the schedule is the same.
fn is_easy(jobs: &[Job], starts: &[f64], easy: &[u64], seed: u64) {
    for (id, (start, easy)) in starts.iter().zip(easy).enumerate() {
        let (wait, reference) = (start - jobs[id].submit as f64, (easy - jobs[id].submit) as f64);
        assert!((wait - reference).abs() < 1e-6, "seed {seed}: job {id} waits {wait} s, under EASY {reference} s");
    }
}

#[test]
fn who_is_short_enough_does_not_pass_by_who_came_before_and_is_short_enough_too() {
    let folder = tempfile::tempdir().unwrap();
    let job = |submit, cores, duration| Job { submit, duration, estimate: Some(duration), cores };
    // The fourth and the last are about equally long: the last fits before the third can start, the fourth does not. The fifth fits, too.
    let jobs =
        [job(0, 36, 1000), job(0, 64, 100), job(1, 100, 5000), job(2, 64, 905), job(3, 64, 450), job(4, 64, 899)];
    let (_, starts) = simulate(&jobs, folder.path());
    assert_eq!(starts, [0.0, 0.0, 1000.0, 6000.0, 100.0, 6905.0]);
    is_easy(&jobs, &starts, &reference(&jobs, true), 0);
}

#[test]
fn without_estimates_order_is_kept_and_nothing_starves() {
    let folder = tempfile::tempdir().unwrap();
    let jobs: Vec<Job> = workload(7, 500, 140).into_iter().map(|job| Job { estimate: None, ..job }).collect();
    let (figures, starts) = simulate(&jobs, folder.path());
    assert_eq!(figures["unfinished"], 0);
    assert!(peak(&jobs, &starts) <= CORES);
}

#[test]
fn cages_alone_are_a_fleet_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = workload(7, 300, 140);
    assert_eq!(simulate_on(&one_cage(), &jobs, folder.path()), simulate(&jobs, folder.path()));
}

#[test]
fn what_cannot_be_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (workload, fleet) = (folder.path().join("w.jsonl"), folder.path().join("f.toml"));
    std::fs::write(&fleet, "[[cage]]\nid = \"001\"\nlimits = { cpu = 4 }\n[[agent]]\nname = \"a\"\ncage = \"001\"\n")
        .unwrap();
    for (text, expected) in [
        ("{\"id\":1,\"submit\":0,\"duration\":1}\n{\"id\":2,\"submit\":0}\n", "w.jsonl:2:"),
        ("{\"id\":1,\"submit\":0,\"duration\":1}\n{\"id\":2,\"submit\":0,\"duration\":1,\"cpu\":5}\n", "w.jsonl:2:"),
    ] {
        std::fs::write(&workload, text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_menagerie"))
            .args(["simulate".as_ref(), workload.as_os_str(), "--fleet".as_ref(), fleet.as_os_str()])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}
