//! Backfill and the reservation, against EASY as it is written down, and the patience where ends are unknown.

use super::world::*;
use crate::domain::node::Capacity;
use crate::domain::*;
use std::collections::{BTreeMap, BTreeSet};

const HUNDRED: &str =
    "[[cage]]\nid = \"001\"\nlimits = { cpu = 100 }\n[[agent]]\nname = \"a\"\ncage = \"001\"\nconcurrency = 1000\n";

fn hundred_cores() -> World {
    World::with_capacity(Capacity { cpu_millis: 100_000, ..CAPACITY }, HUNDRED)
}

#[test]
fn a_gap_is_filled_by_what_ends_in_time() {
    let mut world = hundred_cores();
    let first = world.submit(sized(60, 100));
    let wide = world.submit(sized(80, 100));
    let long = world.submit(sized(30, 200));
    let thin = world.submit(sized(10, 200));
    let short = world.submit(sized(30, 50));
    // Forty cores are free. The wide one needs sixty more at 100 s and leaves twenty over: the long one does not fit into
    // those, the thin one does, and the short one is gone by then.
    assert_eq!(world.schedule(), [first, thin, short]);
    world.pass(Span::from_secs(50));
    world.finish(short, OutcomeKind::Succeeded);
    assert_eq!(world.schedule(), []);
    world.pass(Span::from_secs(50));
    world.finish(first, OutcomeKind::Succeeded);
    assert_eq!(world.schedule(), [wide]);
    let _ = long;
    world.assert_durable();
}

#[test]
fn where_ends_are_unknown_patience_runs_out() {
    let mut world = hundred_cores();
    let first = world.submit(sized(60, 0));
    let wide = world.submit(sized(80, 0));
    let small: Vec<_> = (0..8).map(|_| world.submit(sized(20, 0))).collect();
    assert_eq!(world.schedule(), [first, small[0], small[1]]);
    world.pass(Span::from_secs(200));
    world.finish(small[0], OutcomeKind::Succeeded);
    assert_eq!(world.schedule(), [small[2]]);
    world.pass(Span::from_secs(200));
    // Five minutes after it was first passed by, what becomes free is kept for it.
    world.finish(small[1], OutcomeKind::Succeeded);
    world.finish(small[2], OutcomeKind::Succeeded);
    assert_eq!(world.schedule(), []);
    world.finish(first, OutcomeKind::Succeeded);
    assert_eq!(world.schedule(), [wide, small[3]]);
    world.assert_durable();
}

#[test]
fn a_pinned_giant_is_not_starved_by_newcomers() {
    let mut world = hundred_cores();
    let first = world.submit(sized(60, 1000));
    let giant = world.submit(NewTask { cage: Some(cage(1)), ..sized(100, 10) });
    assert_eq!(world.schedule(), [first]);
    for _ in 0..20 {
        world.pass(Span::from_secs(50));
        world.submit(sized(20, 5000));
        assert_eq!(world.schedule(), []);
    }
    world.finish(first, OutcomeKind::Succeeded);
    assert_eq!(world.schedule(), [giant]);
}

struct Job {
    submit: i64,
    cores: u64,
    runs: i64,
}

/// A workload with a load near one, drawn by a fixed generator.
fn workload(count: usize, seed: u64) -> Vec<Job> {
    let mut state = seed;
    let mut draw = |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let mut at = 0;
    (0..count)
        .map(|_| {
            at += i64::try_from(draw(60)).unwrap();
            let cores = if draw(10) == 0 { 50 + draw(51) } else { 1 + draw(20) };
            let runs = if draw(5) == 0 { 600 + draw(2000) } else { 5 + draw(120) };
            Job { submit: at, cores, runs: i64::try_from(runs).unwrap() }
        })
        .collect()
}

/// The waits under EASY (or under plain FCFS), written down as simply as possible.
fn reference(jobs: &[Job], backfill: bool) -> Vec<i64> {
    let mut waits = vec![0; jobs.len()];
    let mut queue: Vec<usize> = vec![];
    let mut running: Vec<(i64, u64)> = vec![];
    let mut times: BTreeSet<i64> = jobs.iter().map(|job| job.submit).collect();
    let mut next = 0;
    while let Some(now) = times.pop_first() {
        running.retain(|(end, _)| *end > now);
        while next < jobs.len() && jobs[next].submit <= now {
            queue.push(next);
            next += 1;
        }
        let mut free = 100 - running.iter().map(|(_, cores)| cores).sum::<u64>();
        let mut start = |job: usize, free: &mut u64, running: &mut Vec<(i64, u64)>| {
            waits[job] = now - jobs[job].submit;
            *free -= jobs[job].cores;
            running.push((now + jobs[job].runs, jobs[job].cores));
            times.insert(now + jobs[job].runs);
        };
        while let Some(head) = queue.first().copied()
            && jobs[head].cores <= free
        {
            start(head, &mut free, &mut running);
            queue.remove(0);
        }
        if !backfill || queue.is_empty() {
            continue;
        }
        let head = &jobs[queue[0]];
        let mut ends = running.clone();
        ends.sort_unstable();
        let (mut room, mut shadow) = (free, now);
        for (end, cores) in ends {
            if room >= head.cores && end > shadow {
                break;
            }
            room += cores;
            shadow = end;
        }
        let mut extra = room - head.cores;
        let mut at = 1;
        while at < queue.len() {
            let job = &jobs[queue[at]];
            let in_time = now + job.runs <= shadow;
            if job.cores <= free && (in_time || job.cores <= extra) {
                if !in_time {
                    extra -= job.cores;
                }
                start(queue[at], &mut free, &mut running);
                queue.remove(at);
            } else {
                at += 1;
            }
        }
    }
    waits
}

/// The waits under the core.
fn ours(jobs: &[Job]) -> Vec<i64> {
    let mut world = hundred_cores();
    let at = |seconds: i64| START.plus(Span::from_secs(seconds + 10));
    let mut ids = BTreeMap::new();
    let mut waits = vec![0; jobs.len()];
    let mut ends: BTreeSet<(i64, TaskId)> = BTreeSet::new();
    let mut next = 0;
    while next < jobs.len() || !ends.is_empty() {
        let arrival = jobs.get(next).map(|job| job.submit);
        let end = ends.first().map(|(end, _)| *end);
        let now = arrival.into_iter().chain(end).min().unwrap();
        world.now = at(now);
        while let Some((end, task)) = ends.first().copied()
            && end <= now
        {
            ends.remove(&(end, task));
            world.finish(task, OutcomeKind::Succeeded);
        }
        while next < jobs.len() && jobs[next].submit <= now {
            ids.insert(world.submit(sized(jobs[next].cores, jobs[next].runs)), next);
            next += 1;
        }
        for task in world.schedule() {
            let job = ids[&task];
            waits[job] = now - jobs[job].submit;
            ends.insert((now + jobs[job].runs, task));
        }
    }
    waits
}

fn mean_slowdown(jobs: &[Job], waits: &[i64]) -> f64 {
    let one = |(job, wait): (&Job, &i64)| ((*wait + job.runs) as f64 / job.runs.max(10) as f64).max(1.0);
    jobs.iter().zip(waits).map(one).sum::<f64>() / jobs.len() as f64
}

#[test]
fn waits_are_those_of_easy() {
    for seed in 1..=3 {
        let jobs = workload(400, seed);
        let (fcfs, easy, ours) = (reference(&jobs, false), reference(&jobs, true), ours(&jobs));
        let slowdowns = [&fcfs, &easy, &ours].map(|waits| mean_slowdown(&jobs, waits));
        assert!(slowdowns[2] < slowdowns[0] / 2.0, "fcfs, easy, ours: {slowdowns:?}");
        assert_eq!(ours, easy, "with one owner and one priority it is EASY, wait by wait");
    }
}
