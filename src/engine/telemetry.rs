//! What workers measure and agents say of themselves while they run: shown, never decided on, gone with the engine.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::beat::{Beat, Topics};
use crate::domain::link::Sample;
use crate::domain::watch::{CageUsage, HostUsage, Measurement, Process};
use crate::domain::{CageId, ExecutionId};

/// A measurement older than this says nothing about now.
const FRESH: Duration = Duration::from_secs(5);

/// The processes of a cage, and how many there are in all.
pub type Processes = (Vec<Process>, u64);

/// All that is known of the moment. Clones share it.
#[derive(Clone, Debug)]
pub struct Telemetry {
    shared: Arc<Shared>,
    beat: Beat,
}

#[derive(Debug, Default)]
struct Shared {
    samples: Mutex<HashMap<ExecutionId, Sample>>,
    usage: Mutex<Known>,
    questions: Mutex<HashMap<u64, oneshot::Sender<Processes>>>,
    asked: AtomicU64,
}

/// The latest of what was measured.
#[derive(Debug, Default)]
struct Known {
    at: Option<Instant>,
    host: HostUsage,
    cages: BTreeMap<CageId, CageUsage>,
}

/// What was measured of late.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The machine.
    pub host: HostUsage,
    /// Cages that have been set up.
    pub cages: BTreeMap<CageId, CageUsage>,
}

impl Usage {
    /// What a cage uses; `None` of one that was never set up, of which nothing was measured.
    pub fn of(&self, cage_id: CageId) -> Option<CageUsage> {
        self.cages.get(&cage_id).copied()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Telemetry {
    /// Knows nothing yet; changes are announced by `beat`.
    pub fn new(beat: Beat) -> Self {
        Self { shared: Arc::default(), beat }
    }

    /// The figures of an execution that runs now.
    pub fn sample(&self, id: ExecutionId) -> Option<Sample> {
        lock(&self.shared.samples).get(&id).cloned()
    }

    /// Tokens and cost that running executions have reported so far; `None` when none has.
    pub fn reported(&self) -> (Option<u64>, Option<f64>) {
        let samples = lock(&self.shared.samples);
        let (mut tokens, mut cost) = (None, None);
        for sample in samples.values() {
            if let Some(used) = sample.tokens_used {
                tokens = Some(tokens.unwrap_or(0_u64).saturating_add(used));
            }
            if let Some(spent) = sample.cost {
                cost = Some(cost.unwrap_or(0.0) + spent);
            }
        }
        (tokens, cost)
    }

    /// Takes in what an agent says of itself; what it leaves out stays as it was.
    pub fn put_sample(&self, sample: Sample) {
        {
            let mut samples = lock(&self.shared.samples);
            if let Some(known) = samples.get_mut(&sample.execution_id) {
                known.progress = sample.progress.or(known.progress);
                known.message = sample.message.or(known.message.take());
                known.tokens_used = sample.tokens_used.or(known.tokens_used);
                known.cost = sample.cost.or(known.cost);
                if sample.activity.is_some() {
                    (known.activity, known.activity_detail) = (sample.activity, sample.activity_detail);
                }
            } else {
                samples.insert(sample.execution_id, sample);
            }
        }
        self.beat.changed(Topics::USAGE);
    }

    /// Forgets the figures of all executions but these.
    pub fn keep_samples(&self, ids: &[ExecutionId]) {
        lock(&self.shared.samples).retain(|id, _| ids.contains(id));
    }

    /// Forgets the figures of an execution that has ended.
    pub fn remove_sample(&self, id: ExecutionId) {
        lock(&self.shared.samples).remove(&id);
    }

    /// What was measured of late; `None` when nobody has measured, which is not the same as nothing used.
    pub fn usage(&self) -> Option<Usage> {
        let known = lock(&self.shared.usage);
        let fresh = known.at.is_some_and(|at| at.elapsed() < FRESH);
        fresh.then(|| Usage { host: known.host, cages: known.cages.clone() })
    }

    /// Takes in a measurement. It is announced when a cage uses something else than before; what the machine does besides
    /// is never the same twice and wakes nobody.
    pub fn put_measurement(&self, measurement: &Measurement) {
        let changed = lock(&self.shared.usage).take(measurement);
        if changed {
            self.beat.changed(Topics::USAGE);
        }
    }

    /// Forgets what was measured: its worker is gone, and so is what it measured.
    pub fn forget_usage(&self) {
        *lock(&self.shared.usage) = Known::default();
    }

    /// Opens a question to a worker: its number, and where the answer will be.
    pub fn ask(&self) -> (u64, oneshot::Receiver<Processes>) {
        let number = self.shared.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, receiver) = oneshot::channel();
        lock(&self.shared.questions).insert(number, sender);
        (number, receiver)
    }

    /// Answers a question; one that was given up meanwhile has nobody left to hear it.
    pub fn answer(&self, number: u64, processes: Processes) {
        if let Some(asker) = lock(&self.shared.questions).remove(&number) {
            let _ = asker.send(processes);
        }
    }

    /// Gives a question up.
    pub fn give_up(&self, number: u64) {
        lock(&self.shared.questions).remove(&number);
    }
}

impl Known {
    /// Takes in a measurement; whether a cage uses something else than before.
    fn take(&mut self, measurement: &Measurement) -> bool {
        self.at = Some(Instant::now());
        self.host = measurement.host;
        let before = self.cages.clone();
        if measurement.first {
            self.cages.clear();
        }
        // What is not named does nothing.
        for usage in self.cages.values_mut() {
            usage.cpu_millis = usage.cpu_millis.map(|_| 0);
            usage.pids = usage.pids.map(|_| 0);
            usage.throttled_us = usage.throttled_us.map(|_| 0);
        }
        for usage in &measurement.cages {
            let known = self.cages.entry(usage.cage_id).or_insert(*usage);
            // What is looked at more rarely stays as it was until it is looked at again.
            *known = CageUsage {
                memory_peak: usage.memory_peak.or(known.memory_peak),
                oom_kills: usage.oom_kills.or(known.oom_kills),
                ..*usage
            };
        }
        self.cages != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(cage: u16, cpu: Option<u64>, memory: u64) -> CageUsage {
        let cage_id = CageId::new(cage).unwrap();
        CageUsage {
            cage_id,
            cpu_millis: cpu,
            memory: Some(memory),
            memory_peak: None,
            pids: Some(3),
            throttled_us: None,
            oom_kills: None,
            tokens: None,
        }
    }

    #[test]
    fn a_cage_that_is_no_longer_named_does_nothing_and_keeps_its_memory() {
        let telemetry = Telemetry::new(Beat::new(0));
        assert_eq!(telemetry.usage(), None, "nobody has measured");
        let measure = |first, cages| telemetry.put_measurement(&Measurement { first, cages, ..Measurement::default() });
        measure(true, vec![usage(1, None, 10), usage(2, None, 20)]);
        measure(false, vec![usage(1, Some(500), 11)]);
        let known = telemetry.usage().unwrap();
        let [one, two] = [1, 2].map(|cage| known.of(CageId::new(cage).unwrap()).unwrap());
        assert_eq!((one.cpu_millis, one.memory, one.pids), (Some(500), Some(11), Some(3)));
        assert_eq!((two.cpu_millis, two.memory, two.pids), (None, Some(20), Some(0)), "its time was never measured");
        assert_eq!(known.of(CageId::new(3).unwrap()), None, "of one that was never set up nothing was measured");
        let follower = telemetry.beat.follow();
        measure(false, vec![]);
        assert!(follower.has_changed().unwrap());
        let follower = telemetry.beat.follow();
        measure(false, vec![]);
        assert!(!follower.has_changed().unwrap(), "nothing uses anything else than before");
        let one = telemetry.usage().unwrap().of(one.cage_id).unwrap();
        assert_eq!((one.cpu_millis, one.memory, one.pids), (Some(0), Some(11), Some(0)));
        measure(true, vec![]);
        assert!(telemetry.usage().unwrap().cages.is_empty(), "a watch that begins anew knows nothing of before");
        telemetry.forget_usage();
        assert_eq!(telemetry.usage(), None);
    }

    #[test]
    fn answers_reach_their_own_question() {
        let telemetry = Telemetry::new(Beat::new(0));
        let ((first, mut heard), (second, mut other)) = (telemetry.ask(), telemetry.ask());
        telemetry.give_up(first);
        telemetry.answer(first, (vec![], 1));
        telemetry.answer(second, (vec![], 2));
        assert!(heard.try_recv().is_err());
        assert_eq!(other.try_recv().unwrap().1, 2);
    }
}
