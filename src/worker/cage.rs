//! A cage: its declaration, what was made for it on this host, and who waits for a slot in it.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cgroup::{CageGroup, SlotGroup};
use super::sandbox::{self, Grant, Held};
use super::server::Surroundings;
use super::tokens::Window;
use crate::domain::cage::{EnforcementEntry, Enforcements};
use crate::domain::link::Start;
use crate::domain::{CageSpec, Enforcement};

/// The size of a cage's private `/tmp` where nothing else bounds it.
const TMP_BYTES: u64 = 1 << 30;

/// A path that was declared and is not there.
#[derive(Debug)]
struct MissingPath {
    /// As it was declared.
    written: String,
    /// The same with the home folder in place of `~`.
    target: PathBuf,
    /// Whether it was to be writable.
    is_writable: bool,
}

/// A cage of this worker.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Cage {
    /// What was declared.
    pub(super) spec: CageSpec,
    /// How many executions at a time.
    pub(super) slots: u32,
    /// Its folder in the data directory.
    pub(super) folder: PathBuf,
    /// Its working folder.
    pub(super) work: PathBuf,
    /// Its user number, where agents are not the owner.
    pub(super) user: Option<u32>,
    /// The mapping between the owner and that user; `None` also where the file system cannot be mapped.
    pub(super) idmap: Option<OwnedFd>,
    /// Its control groups, once a slot was made.
    pub(super) group: Option<Arc<CageGroup>>,
    /// Paths beyond its own, links resolved. They stay what they were found to be until other paths are declared.
    pub(super) grants: Vec<Grant>,
    /// Paths that were declared and are not there: agents go without them until they are.
    missing: Vec<MissingPath>,
    /// Whether they have been looked up.
    pub(super) granted: bool,
    /// Whether its folders have been made.
    pub(super) prepared: bool,
    /// Whether its enforcement was reported since it was last declared.
    pub(super) reported: bool,
    /// Which slot of the server's stands at each place.
    pub(super) places: Vec<Option<usize>>,
    /// What its agents have reported to have used lately, where a limit per span of time is declared.
    pub(super) tokens: Window,
    /// Whether its folders may hold more than its disk limit: until this worker has measured them, and once they were found
    /// to. An agent may work there all the same as long as it adds nothing: how else would what is too much be removed?
    pub(super) overfull: bool,
    /// Executions that wait for a place.
    pub(super) queue: VecDeque<Box<Start>>,
}

impl Cage {
    /// A cage that is declared and not yet set up.
    pub(super) fn new(spec: CageSpec, slots: u32, around: &Surroundings) -> Self {
        let folder = around.data_dir.join("cages").join(spec.id.to_string());
        let user = around.first_user.map(|first| first + u32::from(spec.id.number()));
        Self {
            work: folder.join("work"),
            folder,
            user,
            idmap: None,
            group: None,
            grants: vec![],
            missing: vec![],
            granted: false,
            prepared: false,
            reported: false,
            places: vec![],
            tokens: Window::default(),
            overfull: true,
            queue: VecDeque::new(),
            slots: slots.max(1),
            spec,
        }
    }

    /// Makes its folders, sets the limits of its control groups if it has them, and looks its grants up. Done once, until it
    /// is declared otherwise.
    /// `writable` are folders that agents of any cage may write to.
    pub(super) fn prepare(&mut self, around: &Surroundings, writable: &[PathBuf]) -> io::Result<()> {
        if self.prepared {
            return Ok(());
        }
        std::fs::create_dir_all(&self.work)?;
        // Dropped at the end, when it needs no more waiting for.
        let mut _holder = None;
        if let Some(user) = self.user {
            (self.idmap, _holder) = around.idmap(user).unzip();
            if self.idmap.is_none() {
                std::os::unix::fs::chown(&self.work, Some(user), Some(user))?;
            }
        }
        if !self.granted {
            self.look_up(around, writable)?;
            self.granted = true;
        }
        if let Some(group) = &self.group {
            group.set_limits(&self.spec.limits, self.slots)?;
        }
        self.prepared = true;
        Ok(())
    }

    /// Makes the control groups of its slot `number`, and its own with the first.
    pub(super) fn slot_group(&mut self, number: usize, around: &Surroundings) -> io::Result<SlotGroup> {
        let group = match &self.group {
            Some(group) => group,
            None => self.group.insert(Arc::new(around.cgroups.cage(self.spec.id, &self.spec.limits, self.slots)?)),
        };
        group.slot(number)
    }

    /// The folders that its agents may write to beyond its own, by every name that is known of them.
    pub(super) fn writable(&self, around: &Surroundings) -> Vec<PathBuf> {
        let written = self.spec.write.iter().map(|path| expand(path, around.home.as_deref()));
        written.flat_map(|path| [path.canonicalize().ok(), Some(path)]).flatten().collect()
    }

    /// Has the paths looked up anew that were declared and not found, because one of them is there now. Gives whether that
    /// is so; the slots that stand have to be built anew then.
    pub(super) fn look_again(&mut self) -> bool {
        let is_found = self.missing.iter().any(|path| path.target.exists());
        if is_found {
            (self.granted, self.prepared, self.reported) = (false, false, false);
        }
        is_found
    }

    /// Forgets what was found of its paths, because others are declared.
    pub(super) fn forget_grants(&mut self) {
        self.grants.clear();
        self.missing.clear();
        self.granted = false;
    }

    /// Finds the paths that were not found before.
    fn look_up(&mut self, around: &Surroundings, writable: &[PathBuf]) -> io::Result<()> {
        let (mut found, mut missing) = (vec![], vec![]);
        for (paths, is_writable) in [(&self.spec.read, false), (&self.spec.write, true)] {
            for written in paths {
                let target = expand(written, around.home.as_deref());
                let fail = |why: String| io::Error::other(format!("the path {written:?}: {why}"));
                if target.components().any(|part| part == std::path::Component::ParentDir) {
                    return Err(fail("must not contain ..".to_owned()));
                }
                if self.grants.iter().any(|grant| grant.target == target && grant.writable == is_writable) {
                    continue;
                }
                let source = match target.canonicalize() {
                    Ok(source) => source,
                    Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                        missing.push(MissingPath { written: written.clone(), target, is_writable });
                        continue;
                    }
                    Err(error) => return Err(fail(error.to_string())),
                };
                if source == Path::new("/") {
                    return Err(fail("is the whole host; name folders in it".to_owned()));
                }
                if source.starts_with(&around.data_dir) {
                    return Err(fail("lies in Menagerie's own data directory".to_owned()));
                }
                // An agent may have made the link that leads out of the folder it may write to.
                if let Some(folder) = writable.iter().find(|folder| {
                    let real = || folder.canonicalize().is_ok_and(|real| source.starts_with(real));
                    target.starts_with(folder) && !real()
                }) {
                    return Err(fail(format!("a link leads out of {}, which agents may write to", folder.display())));
                }
                let held = Held::walk(&source, |passed| {
                    let inside = passed == around.data.identity;
                    if inside { Err(io::Error::other("lies in Menagerie's own data directory")) } else { Ok(()) }
                });
                let held = held.map_err(|error| fail(error.to_string()))?;
                found.push(Grant { source, held, target, writable: is_writable });
            }
        }
        self.missing = missing;
        self.grants.append(&mut found);
        // A folder is shown before what lies in it, or it would hide that.
        self.grants.sort_by(|a, b| a.target.cmp(&b.target));
        Ok(())
    }

    /// The artifact folder of its slot at a place, as the host has it.
    pub(super) fn artifacts(&self, place: u32) -> PathBuf {
        self.folder.join(format!("artifacts-{place}"))
    }

    /// How large its private `/tmp` may grow.
    pub(super) fn tmp_bytes(&self) -> u64 {
        let limits = &self.spec.limits;
        [limits.disk, limits.memory].into_iter().flatten().map(crate::domain::Bytes::get).min().unwrap_or(TMP_BYTES)
    }

    /// How each limit holds on this host.
    pub(super) fn enforcement(&self, around: &Surroundings) -> Enforcements {
        let entry =
            |limit: &str, enforcement, by: String| EnforcementEntry { limit: limit.to_owned(), enforcement, by };
        let (enforced, watched, absent) = (Enforcement::Enforced, Enforcement::Watched, Enforcement::Absent);
        let limits = &self.spec.limits;
        let mut entries = around.cgroups.enforcement(limits);
        entries.push(match limits.disk {
            Some(_) => entry(
                "disk",
                watched,
                "its folders are measured 4 times a second, each file and folder as 4KiB at least; a file that was deleted \
                 and is still open is not seen; single files are held by RLIMIT_FSIZE, /tmp by its size"
                    .into(),
            ),
            None => entry("disk", absent, "no limit declared; /tmp is held to 1GiB or the memory limit".into()),
        });
        let wall =
            if limits.wall.is_some() { "the worker's timer" } else { "no limit declared; a task's timeout holds" };
        entries.push(entry("wall", enforced, wall.into()));
        entries.push(entry("tokens", watched, match limits.tokens.and_then(|limit| limit.per) {
            Some(_) => {
                "counted as the agents report them, over a window that begins anew with the worker; an agent may report \
                 too few"
            }
            None => "counted as the agent reports them; an agent may report too few",
        }
        .into()));
        entries.push(match (limits.gpu, around.gpus.count()) {
            (None | Some(0), _) => entry("gpu", enforced, "no device file in the cage".into()),
            (Some(_), 0) => entry("gpu", absent, "the host has no GPU".into()),
            (Some(_), _) => entry("gpu", enforced, "device files in the cage and CUDA_VISIBLE_DEVICES".into()),
        });
        if limits.gpu_memory.is_some() {
            entries.push(entry("gpu_memory", absent, "the driver offers no limit, and nothing samples it here".into()));
        }
        let landlock = sandbox::landlock_version();
        let rules = |from: i32| landlock.filter(|version| *version >= from).map_or("", |_| " and Landlock");
        let filter = "system call filter";
        let network = match (self.spec.network.is_all(), self.spec.network.ports().is_empty()) {
            (true, _) => {
                entry("network", enforced, format!("the host's network is given; other socket families: {filter}"))
            }
            (_, true) => entry("network", enforced, format!("empty network namespace, {filter}{}", rules(4))),
            (_, false) => entry(
                "network",
                enforced,
                format!("network namespace with a relay to these ports, {filter}{}", rules(4)),
            ),
        };
        entries.push(network);
        let mapped = match (self.user, &self.idmap) {
            (None, _) => "; agents are the owner, without capabilities",
            (Some(_), Some(_)) => "; a user of its own, folders mapped to it",
            (Some(_), None) => "; a user of its own, its folders given to it",
        };
        entries.push(entry("filesystem", enforced, format!("mount namespace{}{mapped}", rules(1))));
        for MissingPath { written, is_writable, .. } in &self.missing {
            let grant = format!("{} {written}", if *is_writable { "write" } else { "read" });
            let why = "no such file or folder on this host: agents go without it, and have it once it is there";
            entries.push(entry(&grant, absent, why.into()));
        }
        entries.push(entry("processes", enforced, "process namespace".into()));
        entries.push(entry("signals", enforced, format!("process namespace{}", rules(6))));
        entries.push(entry("system calls", enforced, format!("seccomp {filter}")));
        entries.push(entry("privileges", enforced, "no_new_privs, no capabilities, nothing set-user-id".into()));
        if self.spec.network.is_all() && landlock.is_none_or(|version| version < 6) {
            let why = "this kernel's Landlock cannot hold them, and the host's network is given".into();
            entries.push(entry("abstract sockets", absent, why));
        }
        Enforcements(entries)
    }
}

/// A path as it was written, with the owner's home put in.
pub(super) fn expand(path: &str, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix('~'), home) {
        (Some(rest), Some(home)) => home.join(rest.trim_start_matches('/')),
        _ => PathBuf::from(path),
    }
}
