//! What a worker that died has left: groups, and processes in them if the kernel has not ended those yet.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::sys;

/// How long the end of leftover processes is waited for. SIGKILL needs no longer unless one cannot be ended at all.
const WAIT: Duration = Duration::from_secs(5);

/// Ends everything in `folders` and what lies below, and removes them. Returns the folders that could not be removed.
pub(in super::super) fn end_leftovers(folders: &[PathBuf]) -> Vec<PathBuf> {
    let deadline = std::time::Instant::now() + WAIT;
    loop {
        let left: Vec<PathBuf> = folders.iter().filter(|folder| folder.is_dir() && !remove(folder)).cloned().collect();
        if left.is_empty() || std::time::Instant::now() > deadline {
            return left;
        }
        // Nothing tells when a group of version 1 becomes empty.
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Kills what is in `folder`, then removes it from below; whether that worked.
fn remove(folder: &Path) -> bool {
    let kill = folder.join("cgroup.kill");
    if !kill.exists() || super::write(&kill, "1").is_err() {
        let processes = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
        for pid in processes.lines().filter_map(|line| line.parse().ok()) {
            sys::signal(pid, libc::SIGKILL);
        }
    }
    if let Ok(entries) = fs::read_dir(folder) {
        for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
            remove(&entry.path());
        }
    }
    fs::remove_dir(folder).is_ok()
}
