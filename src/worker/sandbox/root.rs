//! The root that a cage sees: a small file system in memory with the system's folders (read-only), the template's `/etc`
//! and `/dev`, its own `/proc` and `/tmp`, the paths it was given, and its own folders at the places where the host has
//! them, so that a path means the same inside and outside.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::{MountFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags};

use super::super::sys::{self, MountAttr};
use super::Plan;

const READ_ONLY: u64 = 0x1; // MOUNT_ATTR_RDONLY
const NO_SETUID: u64 = 0x2; // MOUNT_ATTR_NOSUID
const NO_DEVICES: u64 = 0x4; // MOUNT_ATTR_NODEV
const ID_MAPPED: u64 = 0x0010_0000; // MOUNT_ATTR_IDMAP

/// Builds the root and enters it. Returns how many inodes `/tmp` has to begin with, when it is private.
pub(super) fn build(plan: &Plan<'_>) -> Result<Option<u64>, String> {
    let new = plan.template.folder.join("new");
    let at = |path: &Path| new.join(path.strip_prefix("/").unwrap_or(path));
    let fail = |what: &Path| {
        let what = what.display().to_string();
        move |error: io::Error| format!("building the cage's root: {what}: {error}")
    };
    rustix::process::umask(rustix::fs::Mode::from(0o022));
    let quiet = MountFlags::NOSUID | MountFlags::NODEV;
    // Before anything is mounted under `new`: a grant may contain that place, and would carry a copy of the root in it.
    let (mut granted, mut own) = (vec![], vec![]);
    for grant in plan.grants {
        let attributes = NO_SETUID | NO_DEVICES | if grant.writable { 0 } else { READ_ONLY };
        granted.push(take(&grant.source, attributes, plan.idmap).map_err(fail(&grant.source))?);
    }
    for path in [plan.work, plan.artifacts] {
        own.push(take(path, NO_SETUID | NO_DEVICES, plan.idmap).map_err(fail(path))?);
    }
    // The task lies in this one; agents may not write to it.
    mount_tmpfs(&new, quiet, "mode=755,size=128m,nr_inodes=4096").map_err(fail(Path::new("/")))?;
    for (path, link) in &plan.template.system {
        match link {
            Some(to) => symlink(to, at(path)).map_err(fail(path))?,
            None => show(path, &at(path), READ_ONLY | NO_SETUID | NO_DEVICES).map_err(fail(path))?,
        }
    }
    let etc = plan.template.folder.join("etc");
    show(&etc, &at(Path::new("/etc")), READ_ONLY | NO_SETUID | NO_DEVICES).map_err(fail(&etc))?;
    devices(plan, &at(Path::new("/dev"))).map_err(fail(Path::new("/dev")))?;
    let proc = at(Path::new("/proc"));
    fs::create_dir(&proc)
        .and_then(|()| {
            let flags = quiet | MountFlags::NOEXEC | MountFlags::RDONLY;
            Ok(rustix::mount::mount("proc", &proc, "proc", flags, None)?)
        })
        .map_err(fail(Path::new("/proc")))?;
    let tmp = at(Path::new("/tmp"));
    fs::create_dir(&tmp)
        .and_then(|()| mount_tmpfs(&tmp, quiet, &format!("mode=1777,size={}", plan.tmp_bytes)))
        .map_err(fail(Path::new("/tmp")))?;
    for (grant, tree) in plan.grants.iter().zip(&granted) {
        place(tree, &at(&grant.target)).map_err(fail(&grant.source))?;
    }
    // A grant that contains the data directory, under whatever name, must not open the engine's files to the cage.
    for grant in plan.grants {
        if let Ok(below) = plan.data_dir.strip_prefix(&grant.source) {
            let place = at(&grant.target.join(below));
            mount_tmpfs(&place, quiet, "mode=755,size=64k").map_err(fail(plan.data_dir))?;
        }
    }
    for (path, tree) in [plan.work, plan.artifacts].into_iter().zip(&own) {
        place(tree, &at(path)).map_err(fail(path))?;
    }
    accounts(plan, &at(Path::new("/run/menagerie"))).map_err(fail(Path::new("/run/menagerie")))?;
    enter(&new).map_err(fail(Path::new("/")))?;
    std::env::set_current_dir(plan.work).map_err(fail(plan.work))?;
    let private = !plan.grants.iter().any(|grant| grant.target == Path::new("/tmp"));
    Ok(private.then(tmp_inodes))
}

/// How many inodes are in use in `/tmp`; more than at the beginning means that something was left there.
pub(in super::super) fn tmp_inodes() -> u64 {
    rustix::fs::statfs("/tmp").map_or(0, |stat| stat.f_files.saturating_sub(stat.f_ffree))
}

/// The file with the task, for init to write and for agents to read.
pub(super) fn task_file() -> Result<(OwnedFd, OwnedFd), String> {
    let path = Path::new("/run/menagerie/task.json");
    let open = || -> io::Result<(OwnedFd, OwnedFd)> { Ok((File::create(path)?.into(), File::open(path)?.into())) };
    open().map_err(|error| format!("making {}: {error}", path.display()))
}

fn mount_tmpfs(target: &Path, flags: MountFlags, options: &str) -> io::Result<()> {
    let options = std::ffi::CString::new(options).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    Ok(rustix::mount::mount("tmpfs", target, "tmpfs", flags, options.as_c_str())?)
}

/// A tree of mounts that is not attached anywhere yet.
struct Tree {
    mounts: OwnedFd,
    is_folder: bool,
}

/// Takes what is at `source`, with everything mounted below it.
fn take(source: &Path, attributes: u64, idmap: Option<BorrowedFd<'_>>) -> io::Result<Tree> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let is_folder = source.is_dir();
    let whole = rustix::mount::open_tree(CWD, source, flags | OpenTreeFlags::AT_RECURSIVE)?;
    let plain = MountAttr { set: attributes, clear: 0, propagation: libc::MS_PRIVATE, userns_fd: 0 };
    if let Some(idmap) = idmap {
        let userns_fd = u64::from(idmap.as_raw_fd().cast_unsigned());
        let mapped = MountAttr { set: attributes | ID_MAPPED, userns_fd, ..plain };
        if sys::mount_setattr(whole.as_fd(), true, &mapped).is_ok() {
            return Ok(Tree { mounts: whole, is_folder });
        }
        // Something mounted below cannot be mapped; it is worth less than the mapping.
        let one = rustix::mount::open_tree(CWD, source, flags)?;
        if sys::mount_setattr(one.as_fd(), false, &mapped).is_ok() {
            return Ok(Tree { mounts: one, is_folder });
        }
        // A file system that cannot be mapped is shown as it is; the worker has given the cage's own folders away then.
    }
    sys::mount_setattr(whole.as_fd(), true, &plain)?;
    Ok(Tree { mounts: whole, is_folder })
}

/// Attaches a tree at `target`, which is made.
fn place(tree: &Tree, target: &Path) -> io::Result<()> {
    if tree.is_folder {
        fs::create_dir_all(target)?;
    } else {
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        match File::create_new(target) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(rustix::mount::move_mount(&tree.mounts, "", CWD, target, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?)
}

fn show(source: &Path, target: &Path, attributes: u64) -> io::Result<()> {
    place(&take(source, attributes, None)?, target)
}

fn devices(plan: &Plan<'_>, dev: &Path) -> io::Result<()> {
    if plan.devices.is_empty() {
        return show(&plan.template.folder.join("dev"), dev, NO_SETUID | READ_ONLY);
    }
    fs::create_dir(dev)?;
    mount_tmpfs(dev, MountFlags::NOSUID | MountFlags::NOEXEC, "mode=755,size=64k")?;
    plan.template.devices(dev, plan.devices)
}

/// A cage knows two accounts: root, to whom the system's files belong, and its own.
fn accounts(plan: &Plan<'_>, folder: &Path) -> io::Result<()> {
    use std::fmt::Write;
    fs::create_dir_all(folder)?;
    let own = plan.user.unwrap_or_else(|| rustix::process::geteuid().as_raw());
    let group = plan.user.unwrap_or_else(|| rustix::process::getegid().as_raw());
    let home = plan.work.display();
    let mut users = "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\n".to_owned();
    let mut groups = "root:x:0:\n".to_owned();
    if own != 0 {
        let _ = writeln!(users, "agent:x:{own}:{group}:agent:{home}:/bin/sh");
        let _ = writeln!(groups, "agent:x:{group}:");
    }
    fs::write(folder.join("passwd"), users)?;
    fs::write(folder.join("group"), groups)
}

/// Makes `new` the root; the host's is gone from this namespace afterwards.
fn enter(new: &PathBuf) -> io::Result<()> {
    std::env::set_current_dir(new)?;
    sys::pivot_root_here()?;
    rustix::mount::unmount(".", UnmountFlags::DETACH)?;
    std::env::set_current_dir("/")
}

/// Whether the file system under `folder` takes id-mapped mounts.
pub(in super::super) fn can_be_mapped(folder: &Path, userns: &OwnedFd) -> bool {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let Ok(tree) = rustix::mount::open_tree(CWD, folder, flags) else { return false };
    let userns_fd = u64::from(userns.as_raw_fd().cast_unsigned());
    let attr = MountAttr { set: ID_MAPPED, clear: 0, propagation: libc::MS_PRIVATE, userns_fd };
    sys::mount_setattr(tree.as_fd(), false, &attr).is_ok()
}
