//! What the machine is and has.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde_json::{Map, Value};

use super::gpu::Devices;
use super::sys;
use crate::domain::node::{Capacity, LOST_GPUS};
use crate::domain::watch::HostUsage;

/// The countable resources, with the disk under `data_dir`. GPU memory is not known without the vendor's library and
/// counts as none.
pub(super) fn capacity(data_dir: &Path, gpus: &Devices) -> Capacity {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let (gpu, gpu_memory) = gpus.capacity();
    // The whole disk but for what is reserved to root: what is free changes all the time, and what tasks were given of it
    // would be counted twice.
    let storage = rustix::fs::statvfs(data_dir).map_or(0, |stat| {
        let reserved = stat.f_bfree.saturating_sub(stat.f_bavail);
        stat.f_blocks.saturating_sub(reserved).saturating_mul(stat.f_frsize)
    });
    Capacity {
        cpu_millis: cores as u64 * 1000,
        memory: bytes_of(&meminfo, "MemTotal:").unwrap_or(0),
        gpu,
        gpu_memory,
        storage,
    }
}

/// What else is worth telling: kernel, control groups, Landlock, privileges, GPUs.
pub(super) fn metadata(cgroups: &str, privileged: bool, gpus: &Devices) -> Map<String, Value> {
    let uname = rustix::system::uname();
    let landlock =
        super::sandbox::landlock_version().map_or_else(|| "none".to_owned(), |version| format!("version {version}"));
    let facts = [
        ("kernel", uname.release().to_string_lossy().into_owned()),
        ("architecture", uname.machine().to_string_lossy().into_owned()),
        ("cgroups", cgroups.to_owned()),
        ("landlock", landlock),
        ("privileges", if privileged { "root" } else { "user namespace" }.to_owned()),
        ("gpus", gpus.description().to_owned()),
    ];
    let mut told: Map<String, Value> =
        facts.into_iter().map(|(name, fact)| (name.to_owned(), Value::String(fact))).collect();
    let lost = gpus.lost();
    if !lost.is_empty() {
        told.insert(LOST_GPUS.to_owned(), lost.into());
    }
    told
}

/// Lets the worker keep a few descriptors for each of many slots.
pub(super) fn raise_descriptor_limit() {
    let (_, hard) = sys::limit_of(libc::RLIMIT_NOFILE);
    let _ = sys::limit(libc::RLIMIT_NOFILE, hard, hard);
}

/// Measures what everything on the machine uses, from five files of `/proc` that stay open: each costs one call, which
/// is why these few are read here and not by a crate that opens and lists, in the loop and not by the sensing process.
#[derive(Default)]
pub(super) struct HostMeter {
    stat: Option<File>,
    meminfo: Option<File>,
    loadavg: Option<File>,
    uptime: Option<File>,
    /// Grows to what the longest of them takes.
    buffer: Vec<u8>,
    /// Ticks of processor time so far, of all and of each core, and when that was; none before the first measurement.
    ticks: Option<(Vec<u64>, u64)>,
}

impl HostMeter {
    /// What is used at `now` of the monotonic clock, in microseconds, and of processor time since the measurement before;
    /// the first knows none.
    pub(super) fn measure(&mut self, now: u64) -> HostUsage {
        if self.stat.is_none() {
            let open = |name: &str| File::open(Path::new("/proc").join(name)).ok();
            (self.stat, self.meminfo) = (open("stat"), open("meminfo"));
            (self.loadavg, self.uptime) = (open("loadavg"), open("uptime"));
            let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            self.buffer = vec![0; 4096 + 192 * cores];
        }
        let buffer = &mut self.buffer;
        let mut text = |file: &Option<File>| {
            let length = file.as_ref()?.read_at(buffer, 0).ok()?;
            Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
        };
        let ticks = text(&self.stat).map(|text| busy_ticks(&text)).filter(|ticks| !ticks.is_empty());
        let before = self.ticks.take();
        let millis = ticks.as_ref().zip(before).map(|(ticks, (then, at))| {
            let per_second = rustix::param::clock_ticks_per_second().max(1);
            let elapsed_us = now.saturating_sub(at).max(1);
            let share = |(now, then): (&u64, &u64)| {
                let used_us = now.saturating_sub(*then).saturating_mul(1_000_000) / per_second;
                used_us.saturating_mul(1000) / elapsed_us
            };
            ticks.iter().zip(&then).map(share).collect::<Vec<u64>>()
        });
        self.ticks = ticks.map(|ticks| (ticks, now));
        let mut usage = HostUsage::default();
        if let Some((all, cores)) = millis.as_ref().and_then(|millis| millis.split_first()) {
            (usage.cpu_millis, usage.cores) = (Some(*all), cores.to_vec());
        }
        if let Some(text) = text(&self.meminfo) {
            let used = |total: Option<u64>, free: &str| Some(total?.saturating_sub(bytes_of(&text, free)?));
            usage.memory_total = bytes_of(&text, "MemTotal:");
            usage.memory = used(usage.memory_total, "MemAvailable:");
            usage.swap_total = bytes_of(&text, "SwapTotal:");
            usage.swap = used(usage.swap_total, "SwapFree:");
        }
        usage.load = text(&self.loadavg).and_then(|text| load(&text));
        usage.uptime_s = text(&self.uptime).and_then(|text| text.split('.').next()?.parse().ok());
        usage
    }
}

/// Ticks that were not spent idle or waiting, from `/proc/stat`: of all cores together, then of each.
fn busy_ticks(stat: &str) -> Vec<u64> {
    let busy = |line: &str| {
        let fields: Vec<u64> = line.split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect();
        // user, nice, system, idle, iowait, irq, softirq, steal; what guests take is part of user and nice.
        let [user, nice, system, _idle, _wait, rest @ ..] = &fields[..] else { return None };
        Some(user + nice + system + rest.iter().take(2).sum::<u64>())
    };
    stat.lines().take_while(|line| line.starts_with("cpu")).map_while(busy).collect()
}

/// The figure of a line of `/proc/meminfo`, in bytes.
fn bytes_of(meminfo: &str, name: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()?.saturating_mul(1024))
}

/// The three means of `/proc/loadavg`.
fn load(loadavg: &str) -> Option<[f64; 3]> {
    let mut words = loadavg.split_whitespace().map(|word| word.parse::<f64>().ok().filter(|load| load.is_finite()));
    Some([words.next()??, words.next()??, words.next()??])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_time_is_told_from_the_rest_for_each_core() {
        let stat =
            "cpu  100 5 50 9000 700 3 2 77 11 0\ncpu0 60 0 40 1 2 1 1 0 0 0\ncpu1 1 2 3 4 5 6 7\nintr 5 6 7 8 9 1\n";
        assert_eq!(busy_ticks(stat), [160, 102, 19]);
        assert!(busy_ticks("intr 5").is_empty());
        assert!(busy_ticks("cpu 1 2\n").is_empty(), "too few figures are none");
    }

    #[test]
    fn memory_load_and_what_is_missing() {
        let meminfo = "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    400 kB\n";
        assert_eq!((bytes_of(meminfo, "MemTotal:"), bytes_of(meminfo, "SwapTotal:")), (Some(1_024_000), None));
        assert_eq!(load("0.50 1.25 2.00 3/80 4711\n"), Some([0.5, 1.25, 2.0]));
        assert_eq!((load("0.50 1.25\n"), load("nan 1 2 3\n"), load("")), (None, None, None));
    }

    #[test]
    fn the_first_measurement_knows_no_processor_time() {
        let mut meter = HostMeter::default();
        let first = meter.measure(1_000_000);
        assert_eq!((first.cpu_millis, first.cores.len()), (None, 0));
        assert!(
            first.memory.zip(first.memory_total).is_some_and(|(used, all)| used > 1 << 20 && used < all),
            "{first:?}"
        );
        assert!(first.load.is_some() && first.uptime_s.is_some(), "{first:?}");
        let second = meter.measure(2_000_000);
        assert!(second.cpu_millis.is_some(), "{second:?}");
        let cores = std::thread::available_parallelism().unwrap().get();
        assert!(second.cores.len() >= cores, "{second:?}");
    }
}
