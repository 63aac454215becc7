//! Control groups: the kernel's account of cpu, memory and processes, in version 1, version 2, or both at once.
//!
//! Each controller is used wherever the host has it ([`hierarchy`]). Under it lies one group per worker, named for the
//! data directory, in it one per cage with the cage's limits, and in that one per slot, so that an out-of-memory kill or
//! a refused fork is booked to the execution that suffered it. An execution is born in its group, because its init
//! process is in it: entering a group happens once per slot.
//!
//! Version 1 is entered by writing `0` to `tasks`, not by another process writing to `cgroup.procs`: moving oneself
//! spares a lock of the whole kernel whose taking costs up to 15 ms. Its groups are made while init builds its sandbox, and
//! entered when that stands and before anything runs in it. Version 2 is entered at birth.

mod hierarchy;
mod leftovers;
mod meter;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::domain::cage::EnforcementEntry;
use crate::domain::{CageId, CageLimits, Enforcement};

use hierarchy::{Hierarchies, Place};
pub(super) use leftovers::end_leftovers;
pub(super) use meter::{Meter, Reading};

/// The groups of one worker.
pub(super) struct Cgroups {
    places: Hierarchies,
    /// Processes that a cage without a limit of its own may have, so that a fork bomb cannot take the host with it.
    pids_ceiling: u32,
}

/// Version 1's period for cpu time in microseconds; version 2 takes the same.
const CPU_PERIOD_US: u64 = 100_000;

/// The groups of one cage, one per hierarchy in use. They go when this is dropped, if they are empty by then.
pub(super) struct CageGroup {
    cpu: Option<Place>,
    memory: Option<Place>,
    pids: Option<Place>,
    /// Where processor time is counted, which version 1 does apart from where it is limited.
    usage: Option<Place>,
    /// Where reading and writing is counted.
    io: Option<Place>,
    pids_ceiling: u32,
    folders: Vec<PathBuf>,
}

/// The groups of one slot.
pub(super) struct SlotGroup {
    /// Version 1: files into which a process writes `0` to enter.
    pub(super) entries: Vec<OwnedFd>,
    /// Version 2: the folder into which a process is born.
    pub(super) birthplace: Option<OwnedFd>,
    memory_events: Option<File>,
    pids_events: Option<File>,
    folders: Vec<PathBuf>,
}

impl Cgroups {
    /// Looks at what the host has and makes the worker's own groups, called `name`.
    pub(super) fn open(name: &str) -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let places = Hierarchies::find(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup"), name);
        let pid_max = read("/proc/sys/kernel/pid_max").trim().parse().unwrap_or(32_768_u32);
        if let Ok(place) = &places.io {
            meter::have_io_counted(place);
        }
        Self { places, pids_ceiling: (pid_max / 4).clamp(512, 16_384) }
    }

    /// The folders of the worker's own groups; a later worker looks there for leftovers.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        self.places.all().map(|place| place.folder.clone()).collect()
    }

    /// Which version each controller has, for people.
    pub(super) fn describe(&self) -> String {
        let show = |name: &str, place: &Result<Place, String>| match place {
            Ok(place) => format!("{name}: {}", place.version),
            Err(_) => format!("{name}: none"),
        };
        [show("cpu", &self.places.cpu), show("memory", &self.places.memory), show("pids", &self.places.pids)].join(", ")
    }

    /// Makes the groups of a cage and sets its limits.
    pub(super) fn cage(&self, id: CageId, limits: &CageLimits, slots: u32) -> io::Result<CageGroup> {
        let mut folders: Vec<PathBuf> = Vec::new();
        let mut child = |place: &Result<Place, String>| -> io::Result<Option<Place>> {
            let Ok(place) = place else { return Ok(None) };
            let child = Place { version: place.version, folder: place.folder.join(id.to_string()) };
            if !folders.contains(&child.folder) {
                make_folder(&child.folder)?;
                if place.version == hierarchy::Version::V2 {
                    child.delegate(&self.places)?;
                }
                folders.push(child.folder.clone());
            }
            Ok(Some(child))
        };
        let (cpu, memory, pids) = (child(&self.places.cpu)?, child(&self.places.memory)?, child(&self.places.pids)?);
        let (usage, io) = (child(&self.places.usage)?, child(&self.places.io)?);
        let group = CageGroup { cpu, memory, pids, usage, io, pids_ceiling: self.pids_ceiling, folders };
        group.set_limits(limits, slots)?;
        Ok(group)
    }

    /// How cpu, memory and pids hold for a cage with these limits. Without a memory or pids controller the worker
    /// watches; cpu time cannot be held back by watching.
    pub(super) fn enforcement(&self, limits: &CageLimits) -> Vec<EnforcementEntry> {
        let entry = |limit: &str, place: &Result<Place, String>, otherwise: Enforcement| {
            let (enforcement, by) = match place {
                Ok(place) => (Enforcement::Enforced, format!("{} {limit}", place.version)),
                Err(why) => (otherwise, why.clone()),
            };
            EnforcementEntry { limit: limit.to_owned(), enforcement, by }
        };
        let mut entries = vec![
            entry("cpu", &self.places.cpu, Enforcement::Absent),
            entry("memory", &self.places.memory, Enforcement::Watched),
            entry("pids", &self.places.pids, Enforcement::Watched),
        ];
        let shares = [limits.cpu.is_some(), limits.memory.is_some(), limits.pids.is_some()];
        for (entry, limited) in entries.iter_mut().zip(shares) {
            match (entry.enforcement, limited, entry.limit.as_str()) {
                (Enforcement::Enforced, false, "pids") => {
                    entry.by =
                        format!("{}; no limit declared, so the host's protection of {}", entry.by, self.pids_ceiling);
                }
                (Enforcement::Enforced, false, _) => entry.by = format!("{}; no limit declared", entry.by),
                (Enforcement::Watched, true, _) => entry.by = format!("sampled 10 times a second ({})", entry.by),
                (Enforcement::Watched, false, _) => {
                    entry.by = format!("no limit declared ({})", entry.by);
                }
                _ => {}
            }
        }
        entries
    }

    /// Whether a slot's groups have to be there before its init is born: those of version 2 are.
    pub(super) fn are_entered_at_birth(&self) -> bool {
        self.places.all().any(|place| place.version == hierarchy::Version::V2)
    }

    /// Whether the kernel holds the memory limit.
    pub(super) fn holds_memory(&self) -> bool {
        self.places.memory.is_ok()
    }

    /// Whether the kernel holds the limit of processes.
    pub(super) fn holds_pids(&self) -> bool {
        self.places.pids.is_ok()
    }

    /// Removes the worker's own groups and all below, and ends what is in them; those that could not be removed.
    pub(super) fn remove(&self) -> Vec<PathBuf> {
        end_leftovers(&self.folders())
    }
}

impl CageGroup {
    /// Sets the limits; what runs already is held to them at once.
    pub(super) fn set_limits(&self, limits: &CageLimits, slots: u32) -> io::Result<()> {
        if let Some(place) = &self.cpu {
            let quota = limits.cpu.map(|cpu| (cpu.as_millis() * CPU_PERIOD_US / 1000).max(1000));
            match place.version {
                hierarchy::Version::V1 => {
                    let quota = quota.map_or_else(|| "-1".to_owned(), |quota| quota.to_string());
                    write(&place.folder.join("cpu.cfs_quota_us"), &quota)?;
                }
                hierarchy::Version::V2 => {
                    let quota = quota.map_or_else(|| "max".to_owned(), |quota| quota.to_string());
                    write(&place.folder.join("cpu.max"), &format!("{quota} {CPU_PERIOD_US}"))?;
                }
            }
        }
        if let Some(place) = &self.memory {
            match place.version {
                hierarchy::Version::V1 => set_memory_v1(&place.folder, limits.memory.map(crate::domain::Bytes::get))?,
                hierarchy::Version::V2 => {
                    let text = limits.memory.map_or_else(|| "max".to_owned(), |bytes| bytes.get().to_string());
                    write(&place.folder.join("memory.max"), &text)?;
                    // Swap would only make the limit soft and slow; hosts without swap accounting lack the file.
                    if limits.memory.is_some() && place.folder.join("memory.swap.max").exists() {
                        write(&place.folder.join("memory.swap.max"), "0")?;
                    }
                }
            }
        }
        if let Some(place) = &self.pids {
            // Each slot's init is a process, too, and none of the agent's.
            let processes = limits.pids.unwrap_or(self.pids_ceiling).saturating_add(slots);
            write(&place.folder.join("pids.max"), &processes.to_string())?;
        }
        Ok(())
    }

    /// Makes the groups of a slot. No two slots share a number, so that the groups of one that is still dying are not
    /// taken for those of its successor.
    pub(super) fn slot(&self, number: usize) -> io::Result<SlotGroup> {
        let mut group =
            SlotGroup { entries: vec![], birthplace: None, memory_events: None, pids_events: None, folders: vec![] };
        let mut entered: Vec<PathBuf> = vec![];
        let kinds = [
            (&self.cpu, "cpu"),
            (&self.memory, "memory"),
            (&self.pids, "pids"),
            (&self.usage, "usage"),
            (&self.io, "io"),
        ];
        for (place, kind) in kinds {
            let Some(place) = place else { continue };
            // Cpu time and io need no account per slot, so version 1 saves a group there.
            let folder = match (place.version, kind) {
                (hierarchy::Version::V1, "cpu" | "usage" | "io") => place.folder.clone(),
                _ => place.folder.join(format!("slot-{number}")),
            };
            let made = group.folders.contains(&folder) || folder == place.folder;
            if !made {
                make_folder(&folder)?;
                group.folders.push(folder.clone());
            }
            match place.version {
                // Cpu time may be limited and counted in the same group.
                hierarchy::Version::V1 if entered.contains(&folder) => {}
                hierarchy::Version::V1 => {
                    entered.push(folder.clone());
                    group.entries.push(OpenOptions::new().write(true).open(folder.join("tasks"))?.into());
                }
                hierarchy::Version::V2 if !made => group.birthplace = Some(File::open(&folder)?.into()),
                hierarchy::Version::V2 => {}
            }
            match (kind, place.version) {
                ("memory", hierarchy::Version::V1) => {
                    group.memory_events = File::open(folder.join("memory.oom_control")).ok();
                }
                ("memory", hierarchy::Version::V2) => {
                    group.memory_events = File::open(folder.join("memory.events")).ok();
                }
                // Version 1 counts at the group that forked, version 2 at the one whose limit it is.
                ("pids", hierarchy::Version::V1) => group.pids_events = File::open(folder.join("pids.events")).ok(),
                ("pids", hierarchy::Version::V2) => {
                    group.pids_events = File::open(place.folder.join("pids.events")).ok();
                }
                _ => {}
            }
        }
        Ok(group)
    }
}

impl Drop for CageGroup {
    fn drop(&mut self) {
        for folder in &self.folders {
            let _ = fs::remove_dir(folder);
        }
    }
}

impl SlotGroup {
    /// How often the kernel ended a process here because memory ran out, since the group was made.
    pub(super) fn out_of_memory_kills(&self) -> u64 {
        self.memory_events.as_ref().map_or(0, |file| count(file, b"oom_kill "))
    }

    /// How often a fork was refused here, since the group was made.
    pub(super) fn refused_forks(&self) -> u64 {
        self.pids_events.as_ref().map_or(0, |file| count(file, b"max "))
    }

    /// The processes in it, as the worker's namespace numbers them.
    pub(super) fn processes(&self) -> Vec<libc::pid_t> {
        let Some(folder) = self.folders.first() else { return vec![] };
        let text = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }
}

impl Drop for SlotGroup {
    fn drop(&mut self) {
        for folder in &self.folders {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Version 1 refuses a memory limit above that of memory and swap together, so the order depends on the direction.
fn set_memory_v1(folder: &Path, bytes: Option<u64>) -> io::Result<()> {
    let text = bytes.map_or_else(|| "-1".to_owned(), |bytes| bytes.to_string());
    let (memory, with_swap) = (folder.join("memory.limit_in_bytes"), folder.join("memory.memsw.limit_in_bytes"));
    let accounts_swap = with_swap.exists();
    if accounts_swap && write(&memory, &text).is_err() {
        write(&with_swap, &text)?;
    }
    write(&memory, &text)?;
    if accounts_swap {
        write(&with_swap, &text)?;
    }
    Ok(())
}

/// The figure after `name` at the beginning of a line; zero when it is not there.
fn count(file: &File, name: &[u8]) -> u64 {
    let mut buffer = [0_u8; 512];
    let length = file.read_at(&mut buffer, 0).unwrap_or(0);
    figure(&buffer[..length], name).unwrap_or(0)
}

fn figure(text: &[u8], name: &[u8]) -> Option<u64> {
    let line = text.split(|byte| *byte == b'\n').find(|line| line.starts_with(name))?;
    std::str::from_utf8(&line[name.len()..]).ok()?.trim().parse().ok()
}

fn make_folder(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Writes a value into a control file in one call, as the kernel wants it.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let written = OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| io::Error::new(error.kind(), format!("{text:?} into {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_by_whole_names() {
        let text = b"oom_kill_disable 0\nunder_oom 0\noom_kill 7\n";
        assert_eq!(figure(text, b"oom_kill "), Some(7));
        assert_eq!(figure(text, b"max "), None);
    }
}
