//! What the machine is and has.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::sys;
use crate::domain::node::Capacity;

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
