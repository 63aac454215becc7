//! Measuring what the machine, its cages and executions use, as often as the engine asks for and not otherwise, and looking
//! at processes.

use std::collections::{BTreeMap, BTreeSet};

use super::super::cgroup::{Meter, Reading};
use super::super::host::HostMeter;
use super::super::run::{NEVER, Run};
use super::super::{processes, sys, watch};
use super::Server;
use crate::domain::CageId;
use crate::domain::watch::{CageUsage, ExecutionUsage, Measurement};

/// Processes of one cage that are looked at in one go; the loop must not stand still for a fork bomb.
const PROCESSES_MAX: usize = 256;
/// Every so many measurements everything is looked at; in between only what changes all the time, because a thousand
/// cages once a second must cost next to nothing.
const ALL_EVERY: u64 = 10;
/// Who measures more rarely than this looks at everything each time.
const RARELY_US: u64 = 5_000_000;

/// What is kept between two measurements.
#[derive(Default)]
pub(super) struct Watch {
    /// Microseconds between two measurements; zero while nobody wants any.
    interval_us: u64,
    /// Whether to rest while nothing runs.
    while_busy: bool,
    /// Whether it rests.
    rests: bool,
    /// When the last one was made, or the rest ended.
    at: u64,
    /// How many there have been.
    count: u64,
    host: HostMeter,
    cages: BTreeMap<CageId, Metered>,
}

/// One cage as it was last measured.
struct Metered {
    meter: Meter,
    last: Reading,
    /// Whether something ran in it then.
    active: bool,
    tokens: Option<u64>,
}

/// What the slots of a cage say.
#[derive(Clone, Copy, Default)]
struct Slots {
    inits: u64,
    active: bool,
    oom_kills: u64,
}

impl Watch {
    /// Forgets a cage that was removed.
    pub(super) fn forget(&mut self, id: CageId) {
        self.cages.remove(&id);
    }

    /// Whether this measurement looks at everything.
    fn looks_at_all(&self) -> bool {
        self.interval_us >= RARELY_US || self.count.is_multiple_of(ALL_EVERY)
    }
}

impl Server {
    /// Begins to measure, measures more or less often, or stops and closes every file that was opened for it.
    pub(super) fn set_watch(&mut self, interval_ms: Option<u32>, while_busy: bool) {
        let Some(millis) = interval_ms else {
            self.watch = Watch::default();
            self.measure_at = NEVER;
            self.helper.dismiss();
            return;
        };
        self.watch.interval_us = u64::from(millis.max(100)) * 1000;
        self.watch.while_busy = while_busy;
        if while_busy && self.running == 0 {
            self.rest();
        } else {
            self.end_rest();
            self.measure_at = sys::monotonic();
        }
    }

    /// Nothing runs and nobody looks: no timer, no sensing process.
    fn rest(&mut self) {
        self.watch.rests = true;
        self.measure_at = NEVER;
        self.helper.dismiss();
    }

    /// Something begins to run: if measuring rested, it goes on.
    pub(super) fn measure_again(&mut self) {
        if self.watch.rests {
            self.end_rest();
            self.measure_at = self.watch.at + self.watch.interval_us;
        }
    }

    fn end_rest(&mut self) {
        if std::mem::take(&mut self.watch.rests) {
            // Nothing has run since the last measurement, so what cages used by then is what they use until now.
            self.watch.at = sys::monotonic();
        }
    }

    /// Measures once and works out when to measure again.
    pub(super) fn measure(&mut self) {
        if self.link.peer().is_none() {
            self.set_watch(None, false);
            return;
        }
        let now = sys::monotonic();
        let elapsed_us = now.saturating_sub(self.watch.at);
        let first = self.watch.count == 0;
        let all = self.watch.looks_at_all();
        let mut slots: BTreeMap<CageId, Slots> = BTreeMap::new();
        let mut executions = vec![];
        for slot in self.slots.values_mut() {
            let state = slots.entry(slot.cage).or_default();
            state.inits += 1;
            state.active |= slot.run.is_some();
            state.oom_kills += if all { slot.out_of_memory_kills() } else { 0 };
            executions.extend(slot.run.as_mut().and_then(|run| measure_run(run, all, now, elapsed_us)));
        }
        let mut cages = vec![];
        let ids: BTreeSet<CageId> = self.cages.iter().filter(|(_, c)| c.group.is_some()).map(|(id, _)| *id).collect();
        for id in ids {
            let state = slots.get(&id).copied().unwrap_or_default();
            cages.extend(self.measure_cage(id, state, now, elapsed_us));
        }
        let host = self.watch.host.measure(now);
        self.watch.at = now;
        self.watch.count += 1;
        let interval_ms = u32::try_from(self.watch.interval_us / 1000).unwrap_or(u32::MAX);
        self.link.usage(Measurement { first, host, cages, executions, interval_ms });
        if self.watch.while_busy && self.running == 0 {
            // This once, so that what has ended is seen to use nothing.
            self.rest();
        } else {
            self.measure_at = now + self.watch.interval_us;
            self.ask_sensors(now);
        }
    }

    /// What one cage uses; `None` when nothing has run in it since it was last measured.
    fn measure_cage(&mut self, id: CageId, slots: Slots, now: u64, elapsed_us: u64) -> Option<CageUsage> {
        // What comes to rest is looked at in full once more: its peak was perhaps reached since, and stands for as long as it rests.
        let looked = self.watch.looks_at_all();
        let all = looked || !slots.active;
        let cage = self.cages.get_mut(&id)?;
        let tokens = cage.spec.limits.tokens.and_then(|limit| limit.per);
        let tokens = tokens.map(|per| cage.tokens.add(0, now, per.as_micros().unsigned_abs()));
        let known = self.watch.cages.get_mut(&id);
        let was_active = known.as_ref().is_none_or(|known| known.active || known.tokens != tokens);
        if !slots.active && !was_active {
            return None;
        }
        let known = if let Some(known) = known {
            known
        } else {
            let meter = cage.group.as_ref()?.meter();
            // A cage that was not there at the first measurement was set up since, and has counted from zero.
            let zero = Some(0).filter(|_| self.watch.count > 0);
            let last = Reading { cpu_us: zero, throttled_us: zero, ..Reading::default() };
            self.watch.cages.entry(id).or_insert(Metered { meter, last, active: false, tokens: None })
        };
        let mut reading = known.meter.read(all);
        if reading.memory.is_none() || reading.pids.is_none() {
            // Without these controllers the processes themselves are asked, as the limits are watched then.
            let inits = self.slots.values().filter(|slot| slot.cage == id && slot.run.is_some());
            let sums = inits.map(|slot| watch::descendants(slot.pid));
            let (count, bytes) = sums.fold((0, 0), |sum, one| (sum.0 + u64::from(one.0), sum.1 + one.1));
            reading.memory = reading.memory.or(Some(bytes));
            reading.pids = reading.pids.or(Some(count + slots.inits));
        }
        let since = |now: Option<u64>, then: Option<u64>| Some(now?.saturating_sub(then?));
        let cpu_us = since(reading.cpu_us, known.last.cpu_us);
        let throttled_us = since(reading.throttled_us, known.last.throttled_us);
        // What was not looked at is as it was.
        let last = Reading { throttled_us: reading.throttled_us.or(known.last.throttled_us), ..reading };
        *known = Metered { meter: std::mem::take(&mut known.meter), last, active: slots.active, tokens };
        let pids = reading.pids.map(|pids| pids.saturating_sub(slots.inits));
        Some(CageUsage {
            cage_id: id,
            cpu_millis: cpu_us.map(|cpu_us| cpu_us.saturating_mul(1000) / elapsed_us.max(1)),
            memory: reading.memory,
            memory_peak: reading.memory_peak,
            pids: pids.map(|pids| u32::try_from(pids).unwrap_or(u32::MAX)),
            throttled_us,
            oom_kills: Some(slots.oom_kills).filter(|_| looked && self.around.cgroups.holds_memory()),
            tokens,
            cpu_total_us: reading.cpu_us,
            throttled_total_us: reading.throttled_us,
            io: reading.io,
        })
    }

    /// Answers which processes are in a cage.
    pub(super) fn list_processes(&mut self, request: u64, id: CageId) {
        let mut found = vec![];
        for slot in self.slots.values().filter(|slot| slot.cage == id) {
            let task = slot.run.as_ref().map(|run| run.start.task_id);
            let pids = slot.processes();
            found.extend(pids.into_iter().filter(|pid| *pid != slot.pid).map(|pid| (pid, task)));
        }
        found.sort_unstable_by_key(|(pid, _)| *pid);
        let total = found.len() as u64;
        // One that ends between the list and the look is no longer there.
        let looked = found.into_iter().take(PROCESSES_MAX).filter_map(|(pid, task)| processes::look(pid, task));
        let processes = looked.collect();
        self.link.processes(request, total, processes);
    }
}

/// What an execution prints; `None` when it is as it was told. From time to time everything is told again.
fn measure_run(run: &mut Run, all: bool, now: u64, elapsed_us: u64) -> Option<ExecutionUsage> {
    let seen = (run.spool.taken(), run.output.lines);
    if seen == run.told && !all {
        return None;
    }
    let (bytes, lines) = std::mem::replace(&mut run.told, seen);
    let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 * 1e6 / elapsed_us.max(1) as f64;
    Some(ExecutionUsage {
        execution_id: run.id(),
        task_id: run.start.task_id,
        cage_id: run.start.cage_id,
        agent: run.start.agent.clone(),
        output_bytes: seen.0,
        output_lines: seen.1,
        output_bytes_rate: rate(seen.0, bytes),
        output_lines_rate: rate(seen.1, lines),
        silent_ms: now.saturating_sub(run.output.last_at) / 1000,
        repeated_percent: run.output.repeated_percent(),
    })
}
