//! What a worker finds and prepares once: the host's groups and devices, the cages' template, who the owner is.

use std::cell::OnceCell;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::super::Error;
use super::super::cgroup::Cgroups;
use super::super::gpu::Devices;
use super::super::sandbox::{self, Held, Template};
use super::super::sys::NamespaceHolder;
use super::GROUPS_FILE;

/// The first number of those given to cages: beyond the ranges that containers and accounts use.
const FIRST_USER: u32 = 1_900_000_000;

/// Everything about the host that cages and slots need to know.
pub(in super::super) struct Surroundings {
    /// The data directory, links resolved.
    pub(in super::super) data_dir: PathBuf,
    /// The owner's home.
    pub(in super::super) home: Option<PathBuf>,
    /// What all cages see.
    pub(in super::super) template: Template,
    /// Control groups.
    pub(in super::super) cgroups: Cgroups,
    /// The user number of cage 0, were there one; `None` where agents are the owner.
    pub(in super::super) first_user: Option<u32>,
    /// The host's GPUs.
    pub(in super::super) gpus: Devices,
    /// The data directory itself, whatever it is called.
    pub(in super::super) data: Held,
    owner: (u32, u32),
    /// Whether the data directory's file system takes mappings, once one was tried.
    can_be_mapped: OnceCell<bool>,
}

impl Surroundings {
    /// Looks and prepares. Enters a mount namespace, so it comes before anything that would outlive that. GPUs are known
    /// only later.
    pub(super) fn prepare(data_dir: &Path) -> Result<Self, Error> {
        let metadata = std::fs::metadata(data_dir).map_err(Error::file("looking at", data_dir))?;
        let cgroups = Cgroups::open(&group_name(data_dir));
        let folders: Vec<String> = cgroups.folders().iter().map(|folder| folder.display().to_string()).collect();
        let note = data_dir.join(GROUPS_FILE);
        std::fs::write(&note, folders.join("\n")).map_err(Error::file("writing", note))?;
        let template = Template::build(&data_dir.join("worker.root"))?;
        let data = Held::walk(data_dir, |_| Ok(())).map_err(Error::file("opening", data_dir))?;
        let first_user = template.privileged.then(|| FIRST_USER + (hash(data_dir) % 100_000) * 1024);
        Ok(Self {
            data_dir: data_dir.to_owned(),
            home: std::env::home_dir(),
            template,
            cgroups,
            first_user,
            gpus: Devices::default(),
            data,
            owner: (metadata.uid(), metadata.gid()),
            can_be_mapped: OnceCell::new(),
        })
    }

    /// The mapping between the owner and a cage's user, if the kernel makes one and the data directory's file system
    /// takes it; and the process it was made with, which is ending and is waited for when it is dropped.
    pub(in super::super) fn idmap(&self, user: u32) -> Option<(OwnedFd, NamespaceHolder)> {
        if self.can_be_mapped.get() == Some(&false) {
            return None;
        }
        let (userns, holder) = sandbox::userns_for(self.owner, user).ok()?;
        let is_possible = *self.can_be_mapped.get_or_init(|| sandbox::can_be_mapped(&self.data_dir, &userns));
        is_possible.then_some((userns, holder))
    }
}

fn hash(data_dir: &Path) -> u32 {
    use std::os::unix::ffi::OsStrExt;
    let digest = blake3::hash(data_dir.as_os_str().as_bytes());
    digest.as_bytes().first_chunk().map_or(0, |four| u32::from_le_bytes(*four))
}

/// What the worker's control groups are called: the same for the same data directory, another for another.
pub(super) fn group_name(data_dir: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let digest = blake3::hash(data_dir.as_os_str().as_bytes()).to_hex();
    format!("menagerie-{}", &digest[..12])
}
