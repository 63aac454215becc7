//! Where the controllers are: each in a version 1 hierarchy of its own, or all in the one of version 2.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Which interface a hierarchy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// One hierarchy per controller.
    V1,
    /// One for all.
    V2,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "cgroup v1",
            Self::V2 => "cgroup v2",
        })
    }
}

/// A group in a hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// What it speaks.
    pub(super) version: Version,
    /// Its folder.
    pub(super) folder: PathBuf,
}

impl Place {
    /// Hands the version 2 controllers in use on to the groups below.
    pub(super) fn delegate(&self, all: &Hierarchies) -> io::Result<()> {
        let used = [("cpu", &all.cpu), ("memory", &all.memory), ("pids", &all.pids), ("io", &all.io)];
        for (name, _) in used.iter().filter(|(_, place)| place.as_ref().is_ok_and(|p| p.version == Version::V2)) {
            super::write(&self.folder.join("cgroup.subtree_control"), &format!("+{name}"))?;
        }
        Ok(())
    }
}

/// The worker's own group for each controller, or why there is none.
pub(super) struct Hierarchies {
    /// Cpu time.
    pub(super) cpu: Result<Place, String>,
    /// Memory.
    pub(super) memory: Result<Place, String>,
    /// Processes.
    pub(super) pids: Result<Place, String>,
    /// Where cpu time is counted.
    pub(super) usage: Result<Place, String>,
    /// Where reading and writing is counted.
    pub(super) io: Result<Place, String>,
}

/// One line of `/proc/self/mountinfo` about a cgroup file system.
#[derive(Debug, PartialEq, Eq)]
struct Mount<'a> {
    version: Version,
    root: &'a str,
    point: &'a str,
    controllers: Vec<&'a str>,
}

fn mounts(mountinfo: &str) -> Vec<Mount<'_>> {
    mountinfo
        .lines()
        .filter_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            let mut before = before.split(' ').skip(3);
            let (root, point) = (before.next()?, before.next()?);
            let mut after = after.split(' ');
            let version = match after.next()? {
                "cgroup" => Version::V1,
                "cgroup2" => Version::V2,
                _ => return None,
            };
            let options = after.nth(1).unwrap_or_default();
            Some(Mount { version, root, point, controllers: options.split(',').collect() })
        })
        .collect()
}

/// The path of our own group in a hierarchy, from `/proc/self/cgroup`.
fn own_path<'a>(cgroup: &'a str, version: Version, controller: &str) -> Option<&'a str> {
    cgroup.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (number, names, path) = (parts.next()?, parts.next()?, parts.next()?);
        let found = match version {
            Version::V1 => names.split(',').any(|name| name == controller),
            Version::V2 => number == "0" && names.is_empty(),
        };
        found.then_some(path)
    })
}

/// Where our own group lies in the file system, given the part of the hierarchy that is mounted.
fn own_folder(mount: &Mount<'_>, path: &str) -> PathBuf {
    let below = path.strip_prefix(mount.root).unwrap_or(path).trim_start_matches('/');
    Path::new(mount.point).join(below)
}

impl Hierarchies {
    /// Finds the controllers from the texts of `/proc/self/mountinfo` and `/proc/self/cgroup` and makes a group `name`
    /// for each, below the worker's own group, so that limits that hold for the worker hold for its cages.
    pub(super) fn find(mountinfo: &str, cgroup: &str, name: &str) -> Self {
        let mounts = mounts(mountinfo);
        let unified = mounts.iter().find(|mount| mount.version == Version::V2);
        let unified = unified.and_then(|mount| own_path(cgroup, Version::V2, "").map(|path| own_folder(mount, path)));
        let unified = unified.map(out_of_leaf);
        let find = |controller: &str| {
            let first = mounts.iter().find(|m| m.version == Version::V1 && m.controllers.contains(&controller));
            if let Some(mount) = first {
                let path = own_path(cgroup, Version::V1, controller).unwrap_or("/");
                let folder = own_folder(mount, path).join(name);
                return super::make_folder(&folder)
                    .map(|()| Place { version: Version::V1, folder: folder.clone() })
                    .map_err(|error| format!("cgroup v1 {controller} cannot be used: {}: {error}", folder.display()));
            }
            match &unified {
                Some(own) => second(own, controller, name),
                None => Err(format!("no {controller} controller: the host mounts no cgroup hierarchy that has it")),
            }
        };
        let (cpu, memory, pids) = (find("cpu"), find("memory"), find("pids"));
        // Version 2 counts in every group, whichever controllers it has; version 1 has a controller for that.
        let second = [&cpu, &memory, &pids].into_iter().flatten().find(|place| place.version == Version::V2);
        let first = mounts.iter().any(|m| m.version == Version::V1 && m.controllers.contains(&"cpuacct"));
        let usage = match second {
            Some(place) if !first => Ok(place.clone()),
            _ if first => find("cpuacct"),
            _ => Err("nothing counts cpu time".to_owned()),
        };
        let first = mounts.iter().any(|m| m.version == Version::V1 && m.controllers.contains(&"blkio"));
        let io = find(if first { "blkio" } else { "io" });
        Self { cpu, memory, pids, usage, io }
    }

    /// The groups, each folder once.
    pub(super) fn all(&self) -> impl Iterator<Item = &Place> {
        let mut seen: Vec<&Path> = vec![];
        [&self.cpu, &self.memory, &self.pids, &self.usage, &self.io].into_iter().flatten().filter(move |place| {
            let new = !seen.contains(&place.folder.as_path());
            seen.push(&place.folder);
            new
        })
    }
}

/// What the leaf is called into which [`second`] moves our processes, after the name of the worker's group.
const LEAF: &str = "-worker";

/// A worker that was started by an engine which a former worker has moved begins in that one's leaf; its groups belong
/// beside the leaf all the same, or each worker would go a step deeper.
fn out_of_leaf(own: PathBuf) -> PathBuf {
    let name = own.file_name().unwrap_or_default().to_string_lossy();
    match own.parent() {
        Some(parent) if name.starts_with("menagerie-") && name.ends_with(LEAF) => parent.to_owned(),
        _ => own,
    }
}

/// The processes of a group that run our own program, as the engine that started us does, and how many others there are.
fn ours_in(group: &Path) -> (Vec<u32>, usize) {
    use std::os::unix::fs::MetadataExt;
    let program = |who: &str| {
        let metadata = fs::metadata(format!("/proc/{who}/exe")).ok()?;
        Some((metadata.dev(), metadata.ino()))
    };
    let mine = program("self");
    let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    let (ours, others): (Vec<&str>, Vec<&str>) = text.lines().partition(|pid| mine.is_some() && program(pid) == mine);
    (ours.into_iter().filter_map(|pid| pid.parse().ok()).collect(), others.len())
}

/// Version 2: the controller has to be handed down from our own group, which may have no processes of its own then.
/// Ours, the engine's among them, move into a leaf; if others share the group (no delegation), that is the reason given.
fn second(own: &Path, controller: &str, name: &str) -> Result<Place, String> {
    let has = |file: &str| {
        let text = fs::read_to_string(own.join(file)).unwrap_or_default();
        text.split_whitespace().any(|word| word == controller)
    };
    if !has("cgroup.controllers") {
        return Err(format!("no {controller} controller: cgroup v2 does not delegate it to {}", own.display()));
    }
    let folder = own.join(name);
    let fail = |error: io::Error| format!("cgroup v2 {controller} cannot be used below {}: {error}", own.display());
    super::make_folder(&folder).map_err(fail)?;
    if !has("cgroup.subtree_control") {
        let hand_down = || super::write(&own.join("cgroup.subtree_control"), &format!("+{controller}"));
        if hand_down().is_err() {
            let leaf = own.join(format!("{name}{LEAF}"));
            super::make_folder(&leaf).map_err(fail)?;
            super::write(&leaf.join("cgroup.procs"), "0").map_err(fail)?;
            let (ours, others) = ours_in(own);
            for pid in ours {
                // One that has ended meanwhile is in nobody's way.
                let _ = super::write(&leaf.join("cgroup.procs"), &pid.to_string());
            }
            hand_down().map_err(|error| {
                format!(
                    "{}; {others} processes of other programs are in that group: start the engine in a scope of its \
                     own with delegation",
                    fail(error)
                )
            })?;
        }
    }
    super::write(&folder.join("cgroup.subtree_control"), &format!("+{controller}")).map_err(fail)?;
    Ok(Place { version: Version::V2, folder })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
30 24 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
31 24 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
32 24 0:28 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
33 24 0:29 / /proc rw - proc proc rw
";

    #[test]
    fn each_controller_is_found_where_it_is() {
        let found = mounts(HYBRID);
        assert_eq!(found.len(), 3);
        assert_eq!(found[1].point, "/sys/fs/cgroup/cpu,cpuacct");
        assert!(found[1].controllers.contains(&"cpu"));
        let own = "4:memory:/a/b\n2:cpu,cpuacct:/c\n0::/d\n";
        assert_eq!(own_path(own, Version::V1, "cpu"), Some("/c"));
        assert_eq!(own_path(own, Version::V1, "pids"), None);
        assert_eq!(own_path(own, Version::V2, ""), Some("/d"));
    }

    #[test]
    fn a_mount_of_a_part_is_taken_into_account() {
        let mount = Mount { version: Version::V2, root: "/box", point: "/sys/fs/cgroup", controllers: vec![] };
        assert_eq!(own_folder(&mount, "/box/me"), Path::new("/sys/fs/cgroup/me"));
    }

    #[test]
    fn only_processes_of_our_own_program_are_moved() {
        let group = tempfile::tempdir().unwrap();
        let mut other = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let me = std::process::id();
        fs::write(group.path().join("cgroup.procs"), format!("{me}\n{}\n", other.id())).unwrap();
        let found = ours_in(group.path());
        other.kill().unwrap();
        other.wait().unwrap();
        assert_eq!(found, (vec![me], 1));
    }

    #[test]
    fn a_worker_in_a_leaf_makes_its_groups_beside_it() {
        for (own, expected) in [
            ("/sys/fs/cgroup/unit/menagerie-ab-worker", "/sys/fs/cgroup/unit"),
            ("/sys/fs/cgroup/unit", "/sys/fs/cgroup/unit"),
            ("/sys/fs/cgroup/some-worker", "/sys/fs/cgroup/some-worker"),
        ] {
            assert_eq!(out_of_leaf(PathBuf::from(own)), Path::new(expected));
        }
    }

    #[test]
    fn version_2_hands_controllers_down_and_says_when_it_cannot() {
        let host = tempfile::tempdir().unwrap();
        let own = host.path();
        fs::write(own.join("cgroup.controllers"), "memory pids\n").unwrap();
        fs::write(own.join("cgroup.subtree_control"), "memory\n").unwrap();
        assert!(second(own, "cpu", "m").unwrap_err().contains("no cpu controller"));
        // A folder of an ordinary file system has no control file in it, so that the last step shows that it was tried.
        let refused = second(own, "memory", "m").unwrap_err();
        assert!(refused.contains("cgroup.subtree_control"), "{refused}");
        fs::write(own.join("m/cgroup.subtree_control"), "").unwrap();
        assert_eq!(second(own, "memory", "m").unwrap().version, Version::V2);
        assert_eq!(fs::read_to_string(own.join("m/cgroup.subtree_control")).unwrap(), "+memory");
    }
}
