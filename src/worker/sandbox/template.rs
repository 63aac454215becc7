//! What all cages of a worker see alike, made once: a few files of `/etc`, the harmless devices, and the list of the
//! system's folders. It lies in a file system in memory, in a mount namespace that only the worker has, so that nothing
//! of it shows on the host.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode};
use rustix::mount::{MountFlags, MountPropagationFlags};

use super::super::sys;
use crate::worker::Error;

/// Folders of the system that every cage may read and execute, where the host has them.
pub(super) const SYSTEM: [&str; 9] =
    ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "nix/store", "gnu/store"];

/// What programs need of `/etc`. Accounts are not among it: a cage knows its own user and no other.
const ETC: [&str; 38] = [
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "ld-musl-x86_64.path",
    "nsswitch.conf",
    "host.conf",
    "hosts",
    "gai.conf",
    "resolv.conf",
    "services",
    "protocols",
    "localtime",
    "timezone",
    "locale.alias",
    "locale.conf",
    "ssl/certs",
    "ssl/openssl.cnf",
    "ca-certificates",
    "ca-certificates.conf",
    "pki/tls/certs",
    "pki/ca-trust/extracted",
    "alternatives",
    "mime.types",
    "terminfo",
    "inputrc",
    "magic",
    "os-release",
    "debian_version",
    "shells",
    "login.defs",
    "profile",
    "bash.bashrc",
    "gitconfig",
    "fonts",
    "python3",
    "perl",
    "java-17-openjdk",
    "vim",
];

/// The most that is copied of `/etc`.
const ETC_BYTES_MAX: u64 = 8 << 20;

/// Devices without any power, with their numbers.
const DEVICES: [(&str, u32, u32); 5] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9)];

/// What all cages of a worker share.
pub(in super::super) struct Template {
    /// Where it lies; `new` in it is where a cage's root is built.
    pub(super) folder: PathBuf,
    /// Which of [`SYSTEM`] the host has, and where to the links among them point.
    pub(super) system: Vec<(PathBuf, Option<PathBuf>)>,
    /// Whether the worker has the host's privileges, or only those of a user namespace of its own.
    pub(in super::super) privileged: bool,
    /// A network namespace in which there is nothing, for all cages without network. Sharing one spares half a
    /// millisecond and a good deal of kernel memory per cage, and is safe where the two other walls stand: the filter
    /// gives no network sockets, and Landlock keeps abstract sockets within a cage. Where Landlock is too old for that,
    /// each cage gets a namespace of its own.
    pub(super) empty_network: Option<OwnedFd>,
}

impl Template {
    /// Enters a mount namespace of the worker's own and builds the template in `folder`, which is made if need be.
    /// Where the worker has no privileges, it enters a user namespace as well. The calling process must have one thread.
    pub(in super::super) fn build(folder: &Path) -> Result<Self, Error> {
        let privileged = sys::is_admin();
        if privileged {
            unshare(libc::CLONE_NEWNS).map_err(Error::kernel("making a mount namespace"))?;
        } else {
            enter_user_namespace().map_err(Error::kernel(
                "making a user namespace (without one, or root, agents cannot be isolated; see sysctl \
                 user.max_user_namespaces and the host's AppArmor profile)",
            ))?;
        }
        let downstream = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
        rustix::mount::mount_change("/", downstream).map_err(Error::kernel("cutting the mount namespace off"))?;
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(Error::file("making the folder", folder)(error));
            }
            _ => {}
        }
        let mounting = "mounting a file system in memory";
        rustix::mount::mount("tmpfs", folder, "tmpfs", MountFlags::NOSUID | MountFlags::NOEXEC, c"mode=755,size=32m")
            .map_err(Error::file(mounting, folder))?;
        let empty_network = super::rules::version()
            .filter(|version| *version >= 6)
            .and_then(|_| sys::NamespaceHolder::new(libc::CLONE_NEWNET).ok())
            .and_then(|holder| File::open(format!("/proc/{}/ns/net", holder.pid())).ok())
            .map(OwnedFd::from);
        let template = Self { folder: folder.to_owned(), system: system(), privileged, empty_network };
        template.fill().map_err(Error::file("filling the template", folder))?;
        Ok(template)
    }

    fn fill(&self) -> io::Result<()> {
        fs::create_dir(self.folder.join("new"))?;
        let etc = self.folder.join("etc");
        fs::create_dir(&etc)?;
        let mut budget = ETC_BYTES_MAX;
        for name in ETC {
            copy(&Path::new("/etc").join(name), &etc.join(name), &mut budget);
        }
        symlink("/run/menagerie/passwd", etc.join("passwd"))?;
        symlink("/run/menagerie/group", etc.join("group"))?;
        symlink("/proc/self/mounts", etc.join("mtab"))?;
        let dev = self.folder.join("dev");
        fs::create_dir(&dev)?;
        self.devices(&dev, &[])
    }

    /// Fills an empty folder with the harmless devices and `more`.
    pub(super) fn devices(&self, dev: &Path, more: &[PathBuf]) -> io::Result<()> {
        for (name, major, minor) in DEVICES {
            let target = dev.join(name);
            if self.privileged {
                let number = rustix::fs::makedev(major, minor);
                rustix::fs::mknodat(rustix::fs::CWD, &target, FileType::CharacterDevice, Mode::from(0o666), number)?;
                fs::set_permissions(&target, fs::Permissions::from_mode(0o666))?;
            } else {
                bind_file(&Path::new("/dev").join(name), &target)?;
            }
        }
        for device in more {
            if let Some(name) = device.file_name() {
                bind_file(device, &dev.join(name))?;
            }
        }
        for (name, to) in [("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")] {
            symlink(format!("/proc/self/fd{to}"), dev.join(name))?;
        }
        symlink("/tmp", dev.join("shm"))
    }
}

/// Shows a file in another place.
fn bind_file(source: &Path, target: &Path) -> io::Result<()> {
    File::create(target)?;
    Ok(rustix::mount::mount_bind(source, target)?)
}

fn system() -> Vec<(PathBuf, Option<PathBuf>)> {
    let one = |name: &&str| {
        let path = Path::new("/").join(name);
        let metadata = fs::symlink_metadata(&path).ok()?;
        let link = if metadata.is_symlink() { Some(fs::read_link(&path).ok()?) } else { None };
        (link.is_some() || metadata.is_dir()).then_some((path, link))
    };
    SYSTEM.iter().filter_map(one).collect()
}

/// Copies what everybody may read, links as links, until the budget is spent. What cannot be read is left out: the
/// agents could not have read it either.
fn copy(source: &Path, target: &Path, budget: &mut u64) {
    let Ok(metadata) = fs::symlink_metadata(source) else { return };
    if let Some(parent) = target.parent() {
        let _ = fs::create_dir_all(parent);
    }
    if metadata.is_symlink() {
        // A link to somewhere else (`/etc/resolv.conf` often is one) would dangle in the cage; its content is meant.
        match fs::read_link(source) {
            Ok(to) if to.is_relative() || to.starts_with("/usr") || to.starts_with("/etc") => {
                let _ = symlink(to, target);
                return;
            }
            _ => {}
        }
    }
    let Ok(metadata) = fs::metadata(source) else { return };
    if metadata.is_dir() {
        let _ = fs::create_dir(target);
        for entry in fs::read_dir(source).into_iter().flatten().flatten() {
            copy(&entry.path(), &target.join(entry.file_name()), budget);
        }
    } else if metadata.is_file() && metadata.permissions().mode() & 0o004 != 0 && metadata.len() <= *budget {
        *budget -= metadata.len();
        let _ = fs::copy(source, target);
    }
}

fn unshare(flags: libc::c_int) -> io::Result<()> {
    // SAFETY: the worker has one thread; the call reads no memory.
    sys::check(libc::c_long::from(unsafe { libc::unshare(flags) })).map(drop)
}

/// A user namespace in which we stay who we are, with a mount namespace that belongs to it.
fn enter_user_namespace() -> io::Result<()> {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))
}

/// A user namespace, for id-mapped mounts, in which the owner's numbers stand for the cage's user; and the process that it
/// was made with, which is ending.
pub(in super::super) fn userns_for(owner: (u32, u32), user: u32) -> io::Result<(OwnedFd, sys::NamespaceHolder)> {
    let holder = sys::NamespaceHolder::new(libc::CLONE_NEWUSER)?;
    let folder = PathBuf::from(format!("/proc/{}", holder.pid()));
    fs::write(folder.join("uid_map"), format!("{} {user} 1", owner.0))?;
    fs::write(folder.join("gid_map"), format!("{} {user} 1", owner.1))?;
    let userns = File::open(folder.join("ns/user"))?.into();
    holder.end();
    Ok((userns, holder))
}
