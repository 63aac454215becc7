//! The root that a cage sees: a small file system in memory with the system's folders (read-only), the template's `/etc`
//! and `/dev`, its own `/proc` and `/tmp`, the paths it was given, and its own folders at the places where the host has
//! them, so that a path means the same inside and outside.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::mount::{MountFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags};

use super::super::sys::{self, MountAttr};
use super::{Grant, Held, Plan, mounts};

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
    let mut own = vec![];
    for path in [plan.work, plan.artifacts] {
        let source = Held::walk(path, |_| Ok(())).map_err(fail(path))?;
        own.push(attach_by(&source, NO_SETUID | NO_DEVICES, plan.idmap).map_err(fail(path))?);
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
    let inside = open_root(&new).map_err(fail(&new))?;
    for (grant, tree) in plan.grants.iter().zip(plan.granted) {
        place_inside(tree, inside.as_fd(), &grant.target).map_err(fail(&grant.source))?;
    }
    // What contains the data directory, also where it is mounted a second time, must not open the engine's files to the cage.
    hide(plan, inside.as_fd(), &new, quiet).map_err(fail(plan.data_dir))?;
    for (path, tree) in [plan.work, plan.artifacts].into_iter().zip(&own) {
        place_inside(tree, inside.as_fd(), path).map_err(fail(path))?;
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
pub(in super::super) struct Tree {
    mounts: OwnedFd,
    is_folder: bool,
}

/// Takes what a grant holds, with everything mounted below it. Done by the worker itself: the kernel copies mounts only
/// of the namespace that the caller is in, and what is held was opened in the worker's.
pub(in super::super) fn take(grant: &Grant, idmap: Option<BorrowedFd<'_>>) -> io::Result<Tree> {
    let attributes = NO_SETUID | NO_DEVICES | if grant.writable { 0 } else { READ_ONLY };
    attach_by(&grant.held, attributes, idmap)
}

fn attach_by(source: &Held, attributes: u64, idmap: Option<BorrowedFd<'_>>) -> io::Result<Tree> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    let is_folder = source.is_folder;
    let whole = rustix::mount::open_tree(source.fd(), "", flags | OpenTreeFlags::AT_RECURSIVE)?;
    let plain = MountAttr { set: attributes, clear: 0, propagation: libc::MS_PRIVATE, userns_fd: 0 };
    if let Some(idmap) = idmap {
        let userns_fd = u64::from(idmap.as_raw_fd().cast_unsigned());
        let mapped = MountAttr { set: attributes | ID_MAPPED, userns_fd, ..plain };
        if sys::mount_setattr(whole.as_fd(), true, &mapped).is_ok() {
            return Ok(Tree { mounts: whole, is_folder });
        }
        // Something mounted below cannot be mapped; it is worth less than the mapping.
        let one = rustix::mount::open_tree(source.fd(), "", flags)?;
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

/// Shows a part of the system or of the template, which no agent can write to.
fn show(source: &Path, target: &Path, attributes: u64) -> io::Result<()> {
    place(&attach_by(&Held::walk(&source.canonicalize()?, |_| Ok(()))?, attributes, None)?, target)
}

fn open_root(new: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(new, flags, Mode::empty())?)
}

/// Opens a place of the root under construction. Links on the way are followed within that root: an agent with a writable
/// folder may have made one, and it must not lead to the host.
fn open_inside(root: BorrowedFd<'_>, place: &Path) -> io::Result<OwnedFd> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    Ok(rustix::fs::openat2(root, place, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve)?)
}

/// Attaches a tree at `target` of the root under construction; the place is made.
fn place_inside(tree: &Tree, root: BorrowedFd<'_>, target: &Path) -> io::Result<()> {
    let mut folder = rustix::io::fcntl_dupfd_cloexec(root, 0)?;
    let names: Vec<&OsStr> = target.iter().skip(1).collect();
    let mut path = PathBuf::new();
    for (number, name) in names.iter().enumerate() {
        path.push(name);
        folder = match open_inside(root, &path) {
            Ok(next) => next,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if tree.is_folder || number + 1 < names.len() {
                    rustix::fs::mkdirat(&folder, *name, Mode::from(0o755))?;
                } else {
                    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
                    rustix::fs::openat(&folder, *name, flags, Mode::from(0o644))?;
                }
                open_inside(root, &path)?
            }
            Err(error) => return Err(error),
        };
    }
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(rustix::mount::move_mount(&tree.mounts, "", &folder, "", flags)?)
}

/// Covers the data directory in all places of the root under construction where it is seen, and makes sure that it is the
/// data directory that was covered.
fn hide(plan: &Plan<'_>, root: BorrowedFd<'_>, new: &Path, flags: MountFlags) -> io::Result<()> {
    let data = plan.data.path()?;
    let moved = || io::Error::other("it was moved while the cage was built, and could not be hidden");
    let check = |place: &OwnedFd| -> io::Result<()> {
        let stat = rustix::fs::fstat(place)?;
        if (stat.st_dev, stat.st_ino) == plan.data.identity { Ok(()) } else { Err(moved()) }
    };
    // Its name has to lead to it, or the places that follow from the name are those of something else.
    check(&rustix::fs::open(&data, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?)?;
    let list = fs::read(mounts::LIST)?;
    let seen = mounts::seen(&mounts::list(&list), &data, new).ok_or_else(moved)?;
    if let Some(part) = seen.parts.first() {
        let part = Path::new("/").join(part.strip_prefix(new).unwrap_or(part));
        let text = format!(
            "a part of it is mounted at {} and would be seen in the cage; unmount that, or give the cage other paths",
            part.display()
        );
        return Err(io::Error::other(text));
    }
    for place in seen.whole {
        let place = open_inside(root, place.strip_prefix(new).unwrap_or(&place))?;
        check(&place)?;
        let place = format!("/proc/self/fd/{}", place.as_raw_fd());
        mount_tmpfs(Path::new(&place), flags, "mode=755,size=64k")?;
    }
    Ok(())
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
