//! Limits that the kernel does not hold: they are sampled, and what exceeds one is ended.

use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::fs;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{AtFlags, Dir, FileType, Mode};

use super::folder::FOLDER;
use super::sandbox::Identity;

/// How many entries one step looks at.
const STEP_ENTRIES: usize = 512;

/// What a file or folder counts as at least, however little is in it: each takes an inode and a name, of which a disk has
/// a bounded number too.
const ENTRY_BYTES: u64 = 4 << 10;

/// How many folders a path can name one below the other: it has 4096 bytes at most.
const NAMED_DEPTH: usize = 2048;

/// Measures how much disk some folders take, in steps.
///
/// Agents work there meanwhile, and may nest folders deeper than any path can name. So the walk goes from folder to folder,
/// down by name and up by `..`, with one of them open.
#[derive(Debug, Default)]
pub(super) struct DiskUsage {
    waiting: Vec<PathBuf>,
    root: PathBuf,
    /// The folders from the root to where the walk is.
    way: Vec<Folder>,
    /// The last of them.
    open: Option<Dir>,
    /// Whether it is still being read.
    reading: bool,
    bytes: u64,
    entries: u64,
    lost: bool,
}

/// A folder on the way.
#[derive(Debug)]
struct Folder {
    /// Its name in the one before; the root's is empty.
    name: CString,
    identity: Identity,
    /// What is still to be looked into.
    folders: Vec<CString>,
}

impl DiskUsage {
    /// Begins anew with `folders`.
    pub(super) fn begin(folders: Vec<PathBuf>) -> Self {
        Self { waiting: folders, ..Self::default() }
    }

    /// Bytes seen so far. What one walk has seen is a lower bound, hence enough to condemn by.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Files and folders seen so far.
    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    /// Whether the walk has lost its way: folders deeper than any path can name were moved under its feet, as nobody does
    /// who has nothing to hide.
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Looks at a bounded number of entries; whether the walk is complete.
    pub(super) fn step(&mut self) -> bool {
        (0..STEP_ENTRIES).any(|_| self.one())
    }

    /// Looks at one entry, or goes from one folder to another; whether the walk is complete.
    fn one(&mut self) -> bool {
        match &mut self.open {
            None => {
                let Some(root) = self.waiting.pop() else { return true };
                self.root = root;
                if let Ok(open) = rustix::fs::open(&self.root, FOLDER, Mode::empty()) {
                    self.enter(open, CString::default());
                }
            }
            Some(_) if !self.reading => self.go_on(),
            Some(open) => match open.read() {
                Some(Ok(entry)) => self.count(entry.file_name()),
                Some(Err(_)) => {}
                None => self.reading = false,
            },
        }
        false
    }

    fn count(&mut self, name: &CStr) {
        let (Some(open), Some(folder)) = (&self.open, self.way.last_mut()) else { return };
        if name == c"." || name == c".." {
            return;
        }
        // It may have gone meanwhile.
        let stat = open.fd().and_then(|fd| rustix::fs::statat(fd, name, AtFlags::SYMLINK_NOFOLLOW));
        let Ok(stat) = stat else { return };
        self.bytes += (stat.st_blocks.unsigned_abs() * 512).max(ENTRY_BYTES);
        self.entries += 1;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            folder.folders.push(name.to_owned());
        }
    }

    /// Goes on with a folder that has just been opened.
    fn enter(&mut self, opened: OwnedFd, name: CString) {
        if let (Ok(identity), Ok(open)) = (identity(&opened), Dir::new(opened)) {
            self.way.push(Folder { name, identity, folders: vec![] });
            (self.open, self.reading) = (Some(open), true);
        }
    }

    /// A folder has been read: goes into one of those in it, or back to the one before.
    fn go_on(&mut self) {
        let next = self.way.last_mut().and_then(|folder| folder.folders.pop());
        let open = |name: &CStr| rustix::fs::openat(self.open.as_ref()?.fd().ok()?, name, FOLDER, Mode::empty()).ok();
        if let Some(name) = next {
            if let Some(opened) = open(&name) {
                self.enter(opened, name);
            }
            return;
        }
        let above = if self.way.len() > 1 { open(c"..") } else { None };
        self.way.pop();
        self.open = None;
        let Some(folder) = self.way.last() else { return };
        let back = above.filter(|above| identity(above).is_ok_and(|above| above == folder.identity));
        self.open = back.or_else(|| self.come_back()).and_then(|folder| Dir::new(folder).ok());
    }

    /// The folder that the walk came out of was moved. Begins at the root again and goes as far as the way still leads.
    fn come_back(&mut self) -> Option<OwnedFd> {
        self.lost |= self.way.len() > NAMED_DEPTH;
        if self.lost {
            return None;
        }
        let mut reached: Option<OwnedFd> = None;
        for (number, folder) in self.way.iter().enumerate() {
            let next = match &reached {
                None => rustix::fs::open(&self.root, FOLDER, Mode::empty()),
                Some(before) => rustix::fs::openat(before, &folder.name, FOLDER, Mode::empty()),
            };
            match next {
                Ok(next) if identity(&next).is_ok_and(|identity| identity == folder.identity) => reached = Some(next),
                _ => {
                    self.way.truncate(number);
                    break;
                }
            }
        }
        reached
    }
}

fn identity(folder: &OwnedFd) -> rustix::io::Result<Identity> {
    rustix::fs::fstat(folder).map(|stat| (stat.st_dev, stat.st_ino))
}

/// Processes and resident bytes of everything below a process, the process itself not counted.
pub(super) fn descendants(init: libc::pid_t) -> (u32, u64) {
    let page = super::sys::page_bytes();
    let (mut count, mut bytes) = (0, 0);
    walk(init, |child| {
        count += 1;
        let resident = fs::read_to_string(format!("/proc/{child}/statm")).unwrap_or_default();
        let pages: u64 = resident.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        bytes += pages * page;
        // What exceeds every limit needs no counting to the end.
        count < 100_000
    });
    (count, bytes)
}

/// The processes below another.
pub(super) fn below(init: libc::pid_t) -> Vec<libc::pid_t> {
    let mut found = vec![];
    walk(init, |child| {
        found.push(child);
        true
    });
    found
}

/// Shows every process below another to `seen`, which says whether to look for those below it. A process's children are
/// listed with the thread that made them.
fn walk(init: libc::pid_t, mut seen: impl FnMut(libc::pid_t) -> bool) {
    let mut waiting = VecDeque::from([init]);
    while let Some(pid) = waiting.pop_front() {
        for thread in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            let children = children.split_whitespace().filter_map(|word| word.parse().ok());
            waiting.extend(children.filter(|child| seen(*child)));
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::OFlags;

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
    #[test]
    fn folders_deeper_than_any_path_are_measured() {
        let top = tempfile::tempdir().unwrap();
        let name = "n".repeat(200);
        let mut at: OwnedFd = fs::File::open(top.path()).unwrap().into();
        for _ in 0..100 {
            rustix::fs::mkdirat(&at, &name, Mode::RWXU).unwrap();
            at = rustix::fs::openat(&at, &name, FOLDER, Mode::empty()).unwrap();
        }
        let flags = OFlags::CREATE | OFlags::WRONLY;
        let file = rustix::fs::openat(&at, "file", flags, Mode::RWXU).unwrap();
        rustix::io::write(&file, &vec![1; 1 << 20]).unwrap();
        fs::create_dir(top.path().join("beside")).unwrap();
        fs::write(top.path().join("beside/file"), "").unwrap();
        let mut usage = DiskUsage::begin(vec![top.path().to_owned()]);
        while !usage.step() {}
        assert_eq!(usage.entries(), 100 + 1 + 2);
        assert!(usage.bytes() > 1 << 20 && !usage.is_lost(), "{usage:?}");
    }

    #[test]
    fn a_folder_that_is_moved_while_it_is_measured_ends_only_its_own_part() {
        let top = tempfile::tempdir().unwrap();
        for number in 0..4 {
            fs::create_dir_all(top.path().join(format!("a{number}/b/c"))).unwrap();
        }
        let mut usage = DiskUsage::begin(vec![top.path().to_owned()]);
        let inside = |usage: &DiskUsage| usage.way.len() == 4;
        while !inside(&usage) {
            // As a step does, entry by entry.
            assert!(!usage.one(), "it never was so deep");
        }
        let name = usage.way[1].name.to_str().unwrap().to_owned();
        fs::rename(top.path().join(&name).join("b"), top.path().join("moved")).unwrap();
        while !usage.step() {}
        // Four with two folders below each, and perhaps what was moved once more.
        assert!(usage.entries() >= 12, "{usage:?}");
        assert!(!usage.is_lost());
    }

    #[test]
    fn children_of_every_thread_are_seen() {
        let me = std::process::id().cast_signed();
        let mut child = std::thread::scope(|scope| {
            let spawn = || std::process::Command::new("sleep").arg("1000").spawn().unwrap();
            let (tell, hear) = std::sync::mpsc::channel::<()>();
            let (give, take) = std::sync::mpsc::channel();
            scope.spawn(move || {
                give.send(spawn()).unwrap();
                // The child is listed with this thread as long as that lives.
                let _ = hear.recv();
            });
            let child = take.recv().unwrap();
            let found = below(me);
            drop(tell);
            assert!(found.contains(&child.id().cast_signed()), "{found:?}");
            child
        });
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
