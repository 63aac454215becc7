//! What workers measure and agents say of themselves while they run: shown, never decided on, gone with the engine.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::beat::{Beat, Topics};
use super::samples;
use super::series::Recorder;
use super::windows::Ring;
use crate::domain::gpu::GpuState;
use crate::domain::link::Sample;
use crate::domain::sensors::Sensors;
use crate::domain::watch::{CageUsage, ExecutionUsage, HostUsage, Measurement, Process};
use crate::domain::{CageId, ExecutionId};

/// A measurement older than this says nothing about now, unless measurements are that rare.
const FRESH: Duration = Duration::from_secs(5);
/// How many intervals may pass without one.
const MISSED_MAX: u32 = 2;

/// The processes of a cage, and how many there are in all.
pub type Processes = (Vec<Process>, u64);

/// All that is known of the moment. Clones share it.
#[derive(Clone, Debug)]
pub struct Telemetry {
    shared: Arc<Shared>,
    beat: Beat,
    recorder: Option<(Recorder, Ring)>,
}

#[derive(Debug, Default)]
struct Shared {
    samples: Mutex<HashMap<ExecutionId, Sample>>,
    usage: Mutex<Known>,
    /// When a worker that is connected said something last.
    heard: Mutex<Option<Instant>>,
    /// The node whose clock is off, and by how many microseconds it is ahead.
    clock: Mutex<Option<(String, i64)>>,
    questions: Mutex<HashMap<u64, oneshot::Sender<Processes>>>,
    asked: AtomicU64,
}

/// The latest of what was measured.
#[derive(Debug, Default)]
struct Known {
    at: Option<Instant>,
    interval: Duration,
    host: HostUsage,
    cages: BTreeMap<CageId, CageUsage>,
    /// With each execution when it last printed something.
    executions: BTreeMap<ExecutionId, (ExecutionUsage, Instant)>,
    sensors: Option<(Sensors, Instant)>,
}

/// What was measured of late.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// The machine.
    pub host: HostUsage,
    /// Cages that have been set up.
    pub cages: BTreeMap<CageId, CageUsage>,
    /// Executions that run, by id; how long each has been silent is as of now.
    pub executions: Vec<ExecutionUsage>,
    /// What the slower sensors said; `None` when they have not answered of late.
    pub sensors: Option<Sensors>,
}

impl Usage {
    /// What a cage uses; `None` of one that was never set up, of which nothing was measured.
    pub fn of(&self, cage_id: CageId) -> Option<CageUsage> {
        self.cages.get(&cage_id).copied()
    }

    /// On how many GPUs a cage has processes, and the bytes of their memory that these hold; `None` when no GPU can be
    /// looked at.
    pub fn gpus_of(&self, cage_id: CageId) -> Option<(u64, u64)> {
        let gpus = &self.sensors.as_ref()?.gpus;
        let mut found = gpus.working().peekable();
        found.peek()?;
        let (mut devices, mut memory) = (0, 0);
        for device in found {
            let mine = || device.processes.iter().filter(|process| process.cage_id == Some(cage_id));
            devices += u64::from(mine().next().is_some());
            memory += mine().filter_map(|process| process.memory).sum::<u64>();
        }
        Some((devices, memory))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Telemetry {
    /// Knows nothing yet; changes are announced by `beat`.
    pub fn new(beat: Beat) -> Self {
        Self { shared: Arc::default(), beat, recorder: None }
    }

    /// Hands measurements on to whoever keeps them, and to the rules.
    #[must_use]
    pub fn recorded_by(mut self, recorder: Recorder, ring: Ring) -> Self {
        self.recorder = Some((recorder, ring));
        self
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
        lock(&self.shared.usage).executions.remove(&id);
    }

    /// What was measured of late; `None` when nobody has measured, which is not the same as nothing used.
    pub fn usage(&self) -> Option<Usage> {
        let known = lock(&self.shared.usage);
        let valid = FRESH.max(known.interval * MISSED_MAX);
        let fresh = |at: Instant| at.elapsed() < valid;
        if !known.at.is_some_and(fresh) {
            return None;
        }
        let executions = known.executions.values().map(|(usage, printed_at)| {
            let silent_ms = u64::try_from(printed_at.elapsed().as_millis()).unwrap_or(u64::MAX);
            ExecutionUsage { silent_ms, ..usage.clone() }
        });
        Some(Usage {
            host: known.host.clone(),
            cages: known.cages.clone(),
            executions: executions.collect(),
            sensors: known.sensors.as_ref().filter(|(_, at)| fresh(*at)).map(|(sensors, _)| sensors.clone()),
        })
    }

    /// Takes in what the slower sensors say. It is announced when that concerns a process on a GPU or whether a GPU works;
    /// figures such as temperatures are never the same twice and wake nobody.
    pub fn put_sensors(&self, sensors: Sensors) {
        let changed = {
            let mut known = lock(&self.shared.usage);
            let before = known.sensors.as_ref().map(|(sensors, _)| sensors);
            let changed = gist(before) != gist(Some(&sensors));
            known.sensors = Some((sensors, Instant::now()));
            changed
        };
        if changed {
            self.beat.changed(Topics::USAGE);
        }
    }

    /// Takes note that the worker has said something, whatever it was.
    pub fn heard(&self) {
        *lock(&self.shared.heard) = Some(Instant::now());
    }

    /// How long ago the worker said something; `None` while none is connected.
    pub fn heard_ago(&self) -> Option<Duration> {
        lock(&self.shared.heard).map(|at| at.elapsed())
    }

    /// Takes note of the clock of a node that is ahead of the engine's by so many microseconds; `None` when it is right.
    pub fn put_clock(&self, node: &str, offset: Option<i64>) {
        *lock(&self.shared.clock) = offset.map(|offset| (node.to_owned(), offset));
    }

    /// The node whose clock is off, and by how many microseconds it is ahead of the engine's.
    pub fn clock_off(&self) -> Option<(String, i64)> {
        lock(&self.shared.clock).clone()
    }

    /// How long ago the last measurement came in; `None` before the first.
    pub fn measured_ago(&self) -> Option<Duration> {
        lock(&self.shared.usage).at.map(|at| at.elapsed())
    }

    /// Takes in a measurement. It is announced when a cage uses something else than before; what the machine does besides
    /// is never the same twice and wakes nobody.
    pub fn put_measurement(&self, node: &str, measurement: &Measurement) {
        let changed = lock(&self.shared.usage).take(measurement);
        if changed {
            self.beat.changed(Topics::USAGE);
        }
        if let (Some((recorder, ring)), Some(usage)) = (&self.recorder, self.usage()) {
            let (now, points) = (recorder.now(), samples::points(node, &usage, |id| self.sample(id)));
            recorder.put(now, &points);
            for point in points.iter().filter(|point| ring.wants(point.metric.name)) {
                ring.push(point.metric.name, &point.labels, now, point.value, now);
            }
        }
    }

    /// Forgets what was measured: its worker is gone, and so is what it measured.
    pub fn forget_usage(&self) {
        *lock(&self.shared.heard) = None;
        *lock(&self.shared.clock) = None;
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

/// Each device with its processes and their cages.
type Gist = Vec<(u32, GpuState, Vec<(u32, Option<CageId>)>)>;

/// What of the sensors is worth waking somebody for.
fn gist(sensors: Option<&Sensors>) -> Gist {
    let devices = sensors.into_iter().flat_map(|sensors| &sensors.gpus.devices).map(|gpu| {
        let processes = gpu.processes.iter().map(|process| (process.pid, process.cage_id));
        (gpu.index, gpu.state, processes.collect())
    });
    devices.collect()
}

impl Known {
    /// Takes in a measurement; whether a cage uses something else than before.
    fn take(&mut self, measurement: &Measurement) -> bool {
        let now = Instant::now();
        self.at = Some(now);
        self.interval = Duration::from_millis(measurement.interval_ms.into());
        self.host = measurement.host.clone();
        let before = self.cages.clone();
        if measurement.first {
            self.cages.clear();
            self.executions.clear();
        }
        // What is not named prints nothing.
        for (usage, _) in self.executions.values_mut() {
            (usage.output_bytes_rate, usage.output_lines_rate) = (0.0, 0.0);
        }
        for usage in &measurement.executions {
            let printed_at = now.checked_sub(Duration::from_millis(usage.silent_ms)).unwrap_or(now);
            self.executions.insert(usage.execution_id, (usage.clone(), printed_at));
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
                throttled_total_us: usage.throttled_total_us.or(known.throttled_total_us),
                io: usage.io.or(known.io),
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
        CageUsage { cpu_millis: cpu, memory: Some(memory), pids: Some(3), ..CageUsage::unknown(cage_id) }
    }

    #[test]
    fn a_cage_that_is_no_longer_named_does_nothing_and_keeps_its_memory() {
        let telemetry = Telemetry::new(Beat::new(0));
        assert_eq!(telemetry.usage(), None, "nobody has measured");
        let measure =
            |first, cages| telemetry.put_measurement("box", &Measurement { first, cages, ..Measurement::default() });
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
    fn what_an_execution_prints_is_known_until_it_ends() {
        let telemetry = Telemetry::new(Beat::new(0));
        let id = |number| ExecutionId::new(crate::domain::Timestamp::EPOCH, number);
        let printed = |number, silent_ms| ExecutionUsage {
            execution_id: id(number),
            task_id: crate::domain::TaskId::new(crate::domain::Timestamp::EPOCH, number),
            cage_id: CageId::new(1).unwrap(),
            agent: "a".to_owned(),
            output_bytes: 10,
            output_lines: 2,
            output_bytes_rate: 5.0,
            output_lines_rate: 1.0,
            silent_ms,
            repeated_percent: None,
        };
        let measure =
            |executions| telemetry.put_measurement("box", &Measurement { executions, ..Measurement::default() });
        measure(vec![printed(1, 60_000), printed(2, 0)]);
        measure(vec![printed(2, 0)]);
        let known = telemetry.usage().unwrap().executions;
        let [silent, loud] = &known[..] else { panic!("{known:?}") };
        assert!(
            silent.silent_ms >= 60_000 && silent.output_bytes_rate == 0.0 && silent.output_bytes == 10,
            "{silent:?}"
        );
        assert!(loud.silent_ms < 60_000 && loud.output_lines_rate > 0.0, "{loud:?}");
        telemetry.remove_sample(id(1));
        assert_eq!(telemetry.usage().unwrap().executions.len(), 1);
    }

    #[test]
    fn rare_measurements_stay_valid_for_longer() {
        let telemetry = Telemetry::new(Beat::new(0));
        telemetry.put_measurement("box", &Measurement { interval_ms: 10_000, ..Measurement::default() });
        let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds));
        lock(&telemetry.shared.usage).at = ago(15);
        assert!(telemetry.usage().is_some());
        lock(&telemetry.shared.usage).at = ago(21);
        assert!(telemetry.usage().is_none());
        telemetry.put_measurement("box", &Measurement { interval_ms: 1000, ..Measurement::default() });
        lock(&telemetry.shared.usage).at = ago(6);
        assert!(telemetry.usage().is_none());
    }

    #[test]
    fn gpus_in_use_are_those_with_processes_of_the_cage() {
        use crate::domain::gpu::{Gpu, GpuProcess, GpuProcessKind, GpuSensor, Gpus};
        let telemetry = Telemetry::new(Beat::new(0));
        let [one, two] = [1, 2].map(|number| CageId::new(number).unwrap());
        let gpu = |index, cages: &[CageId]| {
            let mut gpu = Gpu::unknown(index, format!("GPU-{index}"), "Test".to_owned(), GpuState::Ok);
            gpu.processes = (1..)
                .zip(cages)
                .map(|(pid, cage)| GpuProcess {
                    pid,
                    kind: GpuProcessKind::Compute,
                    memory: Some(100),
                    cage_id: Some(*cage),
                    task_id: None,
                })
                .collect();
            gpu
        };
        let devices = vec![gpu(0, &[one, one]), gpu(1, &[one]), gpu(2, &[])];
        let sensors =
            Sensors { gpus: Gpus { sensor: GpuSensor::Ok, devices, ..Gpus::default() }, ..Sensors::default() };
        let follower = telemetry.beat.follow();
        telemetry.put_sensors(sensors.clone());
        assert!(follower.has_changed().unwrap());
        let follower = telemetry.beat.follow();
        telemetry.put_sensors(sensors);
        assert!(!follower.has_changed().unwrap(), "the same processes on the same devices");
        telemetry.put_measurement("box", &Measurement::default());
        let usage = telemetry.usage().unwrap();
        assert_eq!((usage.gpus_of(one), usage.gpus_of(two)), (Some((2, 300)), Some((0, 0))));
        telemetry.put_sensors(Sensors::default());
        assert_eq!(telemetry.usage().unwrap().gpus_of(one), None, "without a device nobody knows");
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
