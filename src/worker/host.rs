//! What the machine is and has.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::sys;
use crate::domain::node::Capacity;
use crate::domain::watch::HostUsage;

/// Device files of GPUs, one a device, in the order of their numbers.
pub(super) fn gpus() -> Vec<PathBuf> {
    let mut numbers: Vec<u32> = std::fs::read_dir("/dev")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("nvidia")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers.into_iter().map(|number| PathBuf::from(format!("/dev/nvidia{number}"))).collect()
}

/// Device files that every GPU needs besides its own.
pub(super) fn gpu_helpers() -> Vec<PathBuf> {
    ["/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools"]
        .iter()
        .map(PathBuf::from)
        .filter(|path| path.exists())
        .collect()
}

/// The countable resources, with the disk under `data_dir`. GPU memory is not known without the vendor's library and
/// counts as none.
pub(super) fn capacity(data_dir: &Path) -> Capacity {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap_or_default();
    let kib: u64 = total.trim().trim_end_matches(" kB").parse().unwrap_or(0);
    // The whole disk but for what is reserved to root: what is free changes all the time, and what tasks were given of it
    // would be counted twice.
    let storage = rustix::fs::statvfs(data_dir).map_or(0, |stat| {
        let reserved = stat.f_bfree.saturating_sub(stat.f_bavail);
        stat.f_blocks.saturating_sub(reserved).saturating_mul(stat.f_frsize)
    });
    Capacity {
        cpu_millis: cores as u64 * 1000,
        memory: kib.saturating_mul(1024),
        gpu: gpus().len() as u64,
        gpu_memory: 0,
        storage,
    }
}

/// What else is worth telling: kernel, control groups, Landlock, privileges.
pub(super) fn metadata(cgroups: &str, privileged: bool) -> Map<String, Value> {
    let uname = rustix::system::uname();
    let landlock =
        super::sandbox::landlock_version().map_or_else(|| "none".to_owned(), |version| format!("version {version}"));
    let facts = [
        ("kernel", uname.release().to_string_lossy().into_owned()),
        ("architecture", uname.machine().to_string_lossy().into_owned()),
        ("cgroups", cgroups.to_owned()),
        ("landlock", landlock),
        ("privileges", if privileged { "root" } else { "user namespace" }.to_owned()),
    ];
    facts.into_iter().map(|(name, fact)| (name.to_owned(), Value::String(fact))).collect()
}

/// Lets the worker keep a few descriptors for each of many slots.
pub(super) fn raise_descriptor_limit() {
    let (_, hard) = sys::limit_of(libc::RLIMIT_NOFILE);
    let _ = sys::limit(libc::RLIMIT_NOFILE, hard, hard);
}

/// Measures what everything on the machine uses.
#[derive(Default)]
pub(super) struct HostMeter {
    stat: Option<File>,
    memory: Option<File>,
    /// Ticks of processor time so far.
    ticks: Option<u64>,
}

impl HostMeter {
    /// What is used now, and of processor time since the measurement before, `elapsed_us` ago; there is none when this
    /// is the `first`.
    pub(super) fn measure(&mut self, elapsed_us: u64, first: bool) -> HostUsage {
        if first {
            self.stat = File::open("/proc/stat").ok();
            self.memory = File::open("/proc/meminfo").ok();
        }
        let mut buffer = [0; 512];
        let mut text = |file: &Option<File>| {
            let length = file.as_ref()?.read_at(&mut buffer, 0).ok()?;
            Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
        };
        let ticks = text(&self.stat).and_then(|text| busy_ticks(&text));
        let memory = text(&self.memory).and_then(|text| used_memory(&text));
        let before = std::mem::replace(&mut self.ticks, ticks);
        let used = ticks.zip(before).filter(|_| !first).map(|(now, then)| now.saturating_sub(then));
        let millis = used.map(|ticks| {
            let used_us = ticks.saturating_mul(1_000_000) / rustix::param::clock_ticks_per_second().max(1);
            used_us.saturating_mul(1000) / elapsed_us.max(1)
        });
        HostUsage { cpu_millis: millis, memory }
    }
}

/// Ticks that were not spent idle or waiting, from the first line of `/proc/stat`.
fn busy_ticks(stat: &str) -> Option<u64> {
    let fields: Vec<u64> =
        stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; what guests take is part of user and nice.
    let [user, nice, system, _idle, _wait, rest @ ..] = &fields[..] else { return None };
    Some(user + nice + system + rest.iter().take(2).sum::<u64>())
}

/// Bytes that are not available to a new process, from `/proc/meminfo`.
fn used_memory(meminfo: &str) -> Option<u64> {
    let kib = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok()
    };
    Some(kib("MemTotal:")?.saturating_sub(kib("MemAvailable:")?).saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_time_and_memory_in_use_are_told_from_the_rest() {
        let stat = "cpu  100 5 50 9000 700 3 2 77 11 0\ncpu0 1 2 3 4\n";
        assert_eq!(busy_ticks(stat), Some(160));
        assert_eq!(busy_ticks("intr 5"), None);
        let meminfo = "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    400 kB\n";
        assert_eq!(used_memory(meminfo), Some(600 * 1024));
        assert_eq!(used_memory("MemTotal: 1000 kB\n"), None);
    }

    #[test]
    fn the_first_measurement_knows_no_processor_time() {
        let mut meter = HostMeter::default();
        let first = meter.measure(1_000_000, true);
        assert_eq!(first.cpu_millis, None);
        assert!(first.memory.is_some_and(|bytes| bytes > 1 << 20), "{first:?}");
        assert!(meter.measure(1_000_000, false).cpu_millis.is_some());
    }
}
