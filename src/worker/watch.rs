//! Limits that the kernel does not hold: they are sampled, and what exceeds one is ended.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// How many entries one step looks at.
const STEP_ENTRIES: usize = 512;

/// Measures how much disk some folders take, in steps.
#[derive(Debug, Default)]
pub(super) struct DiskUsage {
    folders: Vec<PathBuf>,
    open: Option<fs::ReadDir>,
    bytes: u64,
    entries: u64,
}

/// What a file or folder counts as at least, however little is in it: each takes an inode and a name, of which a disk has
/// a bounded number too.
const ENTRY_BYTES: u64 = 4 << 10;

impl DiskUsage {
    /// Begins anew with `folders`.
    pub(super) fn begin(folders: Vec<PathBuf>) -> Self {
        Self { folders, open: None, bytes: 0, entries: 0 }
    }

    /// Bytes seen so far. What one walk has seen is a lower bound, hence enough to condemn by.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Files and folders seen so far.
    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    /// Looks at a bounded number of entries; whether the walk is complete.
    pub(super) fn step(&mut self) -> bool {
        for _ in 0..STEP_ENTRIES {
            let Some(open) = &mut self.open else {
                let Some(folder) = self.folders.pop() else { return true };
                // A folder may have gone meanwhile.
                self.open = fs::read_dir(folder).ok();
                continue;
            };
            match open.next() {
                Some(Ok(entry)) => {
                    let Ok(metadata) = entry.metadata() else { continue };
                    self.bytes += (metadata.blocks() * 512).max(ENTRY_BYTES);
                    self.entries += 1;
                    if metadata.is_dir() {
                        self.folders.push(entry.path());
                    }
                }
                Some(Err(_)) => {}
                None => self.open = None,
            }
        }
        false
    }
}

/// Processes and resident bytes of everything below a process, the process itself not counted.
pub(super) fn descendants(init: libc::pid_t) -> (u32, u64) {
    let page = super::sys::page_bytes();
    let (mut count, mut bytes) = (0, 0);
    let mut waiting = VecDeque::from([init]);
    while let Some(pid) = waiting.pop_front() {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|word| word.parse::<libc::pid_t>().ok()) {
            count += 1;
            let resident = fs::read_to_string(format!("/proc/{child}/statm")).unwrap_or_default();
            let pages: u64 = resident.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
            bytes += pages * page;
            // What exceeds every limit needs no counting to the end.
            if count < 100_000 {
                waiting.push_back(child);
            }
        }
    }
    (count, bytes)
}

/// The processes below another.
pub(super) fn below(init: libc::pid_t) -> Vec<libc::pid_t> {
    let mut found = vec![];
    let mut waiting = VecDeque::from([init]);
    while let Some(pid) = waiting.pop_front() {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let children: Vec<libc::pid_t> = children.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        found.extend(&children);
        waiting.extend(children);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disk_usage_counts_what_lies_below() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/file"), vec![1; 1 << 20]).unwrap();
        let mut usage = DiskUsage::begin(vec![folder.path().to_owned()]);
        while !usage.step() {}
        assert!((1 << 20..2 << 20).contains(&usage.bytes()), "{}", usage.bytes());
        assert_eq!(usage.entries(), 2);
    }

    #[test]
    fn files_without_content_count_as_well() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..1000 {
            fs::write(folder.path().join(number.to_string()), "").unwrap();
        }
        let mut usage = DiskUsage::begin(vec![folder.path().to_owned()]);
        while !usage.step() {}
        assert_eq!((usage.bytes(), usage.entries()), (1000 * ENTRY_BYTES, 1000));
    }
}
