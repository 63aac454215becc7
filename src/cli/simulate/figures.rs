//! What a simulated schedule amounts to.

use std::collections::BTreeMap;

use serde::Serialize;

use super::workload::Job;
use super::world::Run;
use crate::domain::Span;

/// Runs shorter than this count as this long in the slowdown, so that a second's wait of a tiny job does not dominate.
const BOUND_SECONDS: f64 = 10.0;

/// The figures of a schedule. Times are in seconds.
#[derive(Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Jobs in the workload.
    pub jobs: usize,
    /// Those that ended as they should.
    pub completed: usize,
    /// Those that broke a timeout of the fleet.
    pub failed: usize,
    /// Those that never started.
    pub unfinished: usize,
    /// From the first submission to the last end.
    pub makespan: f64,
    /// Processor time of the jobs over what the cages offer during the makespan; `None` when a cage has no processor
    /// limit, or no job asks for any.
    pub utilisation: Option<f64>,
    /// From submission to the start of the run that ended.
    pub mean_wait: f64,
    /// 95 of a hundred jobs waited no longer.
    pub p95_wait: f64,
    /// The longest wait.
    pub longest_wait: f64,
    /// Mean of `max(1, (wait + run) / max(run, 10 s))`.
    pub mean_bounded_slowdown: f64,
    /// Jobs with a deadline that ended after it, or not at all.
    pub missed_deadlines: usize,
    /// Runs that were stopped for a more urgent job and began anew.
    pub preemptions: usize,
    /// By owner.
    pub owners: BTreeMap<String, OwnerFigures>,
}

/// The figures of one owner.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct OwnerFigures {
    /// Jobs of theirs that ran.
    pub jobs: usize,
    /// Core-seconds of theirs.
    pub cpu_seconds: f64,
    /// Their part of all core-seconds, 0-1; of all seconds when no job asks for a core.
    pub share: f64,
    /// Their mean wait.
    pub mean_wait: f64,
}

/// Sums up a schedule. `cores` is what the cages offer together, if that is bounded.
pub fn figures(jobs: &[Job], runs: &[Option<Run>], cores: Option<f64>, preemptions: usize) -> Figures {
    let done: Vec<(&Job, &Run)> = jobs.iter().zip(runs).filter_map(|(job, run)| Some((job, run.as_ref()?))).collect();
    let seconds = |run: &Run| run.end.as_secs_f64() - run.start.as_secs_f64();
    let wait = |job: &Job, run: &Run| run.start.as_secs_f64() - job.submit.as_secs_f64();
    let mut waits: Vec<f64> = done.iter().map(|(job, run)| wait(job, run)).collect();
    waits.sort_by(f64::total_cmp);
    let slowdown = |job: &Job, run: &Run| ((wait(job, run) + seconds(run)) / seconds(run).max(BOUND_SECONDS)).max(1.0);
    let first = jobs.iter().map(|job| job.submit).min().unwrap_or(Span::ZERO);
    let last = done.iter().map(|(_, run)| run.end).max().unwrap_or(first);
    let makespan = last.as_secs_f64() - first.as_secs_f64();
    let work = |job: &Job, run: &Run| job.task.requirements.cpu.as_millis() as f64 / 1e3 * seconds(run);
    let all_work: f64 = done.iter().map(|(job, run)| work(job, run)).sum();
    let all_seconds: f64 = done.iter().map(|(_, run)| seconds(run)).sum();

    let mut owners: BTreeMap<String, OwnerFigures> = BTreeMap::new();
    for (job, run) in &done {
        let owner = owners.entry(job.owner.clone()).or_default();
        owner.jobs += 1;
        owner.cpu_seconds += work(job, run);
        owner.share += if all_work > 0.0 { work(job, run) / all_work } else { seconds(run) / all_seconds.max(1e-9) };
        owner.mean_wait += wait(job, run);
    }
    for owner in owners.values_mut() {
        owner.mean_wait /= owner.jobs as f64;
    }
    Figures {
        jobs: jobs.len(),
        completed: done.iter().filter(|(_, run)| run.completed).count(),
        failed: done.iter().filter(|(_, run)| !run.completed).count(),
        unfinished: jobs.len() - done.len(),
        makespan,
        utilisation: cores.filter(|_| all_work > 0.0 && makespan > 0.0).map(|cores| all_work / (cores * makespan)),
        mean_wait: mean(waits.iter().copied()),
        p95_wait: percentile_95(&waits),
        longest_wait: waits.last().copied().unwrap_or_default(),
        mean_bounded_slowdown: mean(done.iter().map(|(job, run)| slowdown(job, run))),
        missed_deadlines: jobs
            .iter()
            .zip(runs)
            .filter(|(job, run)| {
                job.deadline.is_some_and(|deadline| run.as_ref().is_none_or(|run| !run.completed || run.end > deadline))
            })
            .count(),
        preemptions,
        owners,
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len();
    if count == 0 { 0.0 } else { values.sum::<f64>() / count as f64 }
}

/// The smallest of the sorted values that 95 of a hundred do not exceed.
fn percentile_95(sorted: &[f64]) -> f64 {
    let rank = (sorted.len() * 95).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::workload;
    use super::*;
    use crate::domain::CageId;

    #[test]
    fn figures_of_a_schedule_worked_out_by_hand() {
        let text = br#"{"id":1,"submit":0,"duration":20,"cpu":2,"owner":"a"}
{"id":2,"submit":10,"duration":5,"cpu":1,"owner":"b","deadline":24}
{"id":3,"submit":10,"duration":1,"owner":"b","deadline":99}
"#;
        let jobs = workload::read("w", &mut &text[..]).unwrap();
        let cage = CageId::new(1).unwrap();
        let run =
            |start, end| Some(Run { start: Span::from_secs(start), end: Span::from_secs(end), cage, completed: true });
        let found = figures(&jobs, &[run(0, 20), run(20, 25), None], Some(2.0), 0);
        assert_eq!((found.jobs, found.completed, found.unfinished, found.missed_deadlines), (3, 2, 1, 2));
        assert!((found.makespan - 25.0).abs() < 1e-9);
        assert!((found.utilisation.unwrap() - 45.0 / 50.0).abs() < 1e-9);
        assert!((found.mean_wait - 5.0).abs() < 1e-9 && (found.longest_wait - 10.0).abs() < 1e-9);
        // Job 1: (0 + 20) / 20 = 1. Job 2: (10 + 5) / 10 = 1.5.
        assert!((found.mean_bounded_slowdown - 1.25).abs() < 1e-9);
        assert!((found.owners["a"].share - 40.0 / 45.0).abs() < 1e-9);
    }

    #[test]
    fn the_95th_percentile_is_a_value_that_occurs() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert!((percentile_95(&values) - 95.0).abs() < 1e-9);
        assert!((percentile_95(&values[..1]) - 1.0).abs() < 1e-9);
        assert!(percentile_95(&[]).abs() < 1e-9);
    }
}
