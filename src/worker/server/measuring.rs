//! Measuring what cages use, while somebody watches and not otherwise, and looking at their processes.

use std::collections::{BTreeMap, BTreeSet};

use super::super::cgroup::{Meter, Reading};
use super::super::host::HostMeter;
use super::super::run::NEVER;
use super::super::{processes, sys, watch};
use super::Server;
use crate::domain::CageId;
use crate::domain::watch::{CageUsage, Measurement};

/// Processes of one cage that are looked at in one go; the loop must not stand still for a fork bomb.
const PROCESSES_MAX: usize = 256;
/// Every so many measurements everything is looked at; in between only what changes all the time, because a thousand
/// cages once a second must cost next to nothing.
const ALL_EVERY: u64 = 10;

/// What is kept between two measurements.
#[derive(Default)]
pub(super) struct Watch {
    /// Microseconds between two measurements; zero while nobody watches.
    interval_us: u64,
    /// When the last one was made.
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
}

impl Server {
    /// Begins to measure, measures more or less often, or stops and closes every file that was opened for it.
    pub(super) fn set_watch(&mut self, interval_ms: Option<u32>) {
        if let Some(millis) = interval_ms {
            self.watch.interval_us = u64::from(millis.max(100)) * 1000;
            self.measure_at = sys::monotonic();
        } else {
            self.watch = Watch::default();
            self.measure_at = NEVER;
        }
    }

    /// Measures once and works out when to measure again.
    pub(super) fn measure(&mut self) {
        if self.link.peer().is_none() {
            self.set_watch(None);
            return;
        }
        let now = sys::monotonic();
        let elapsed_us = now.saturating_sub(self.watch.at);
        let first = self.watch.count == 0;
        let all = self.watch.count.is_multiple_of(ALL_EVERY);
        let mut slots: BTreeMap<CageId, Slots> = BTreeMap::new();
        for slot in self.slots.values() {
            let state = slots.entry(slot.cage).or_default();
            state.inits += 1;
            state.active |= slot.run.is_some();
            state.oom_kills += if all { slot.out_of_memory_kills() } else { 0 };
        }
        let mut measured = vec![];
        let ids: BTreeSet<CageId> = self.cages.iter().filter(|(_, c)| c.group.is_some()).map(|(id, _)| *id).collect();
        for id in ids {
            let state = slots.get(&id).copied().unwrap_or_default();
            measured.extend(self.measure_cage(id, state, now, elapsed_us));
        }
        let host = self.watch.host.measure(elapsed_us, first);
        self.watch.at = now;
        self.watch.count += 1;
        self.measure_at = now + self.watch.interval_us;
        self.link.usage(Measurement { first, host, cages: measured });
    }

    /// What one cage uses; `None` when nothing has run in it since it was last measured.
    fn measure_cage(&mut self, id: CageId, slots: Slots, now: u64, elapsed_us: u64) -> Option<CageUsage> {
        let all = self.watch.count.is_multiple_of(ALL_EVERY);
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
            oom_kills: Some(slots.oom_kills).filter(|_| all && self.around.cgroups.holds_memory()),
            tokens,
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
