//! Folders that agents have made: somebody may still be in them who exchanges what is there for links, they may be nested
//! deeper than a path can name, and may shut out their owner.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags};
use rustix::io::Errno;

/// How such a folder is opened: itself, not what a link in its place leads to.
pub(super) const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens a folder of `parent` and gives its owner every right to it.
///
/// # Errors
/// When it is no folder, or cannot be opened or changed.
pub(super) fn open_up(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let held = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    // By a name that leads to what is held and to nothing else.
    let path = format!("/proc/self/fd/{}", held.as_raw_fd());
    rustix::fs::chmod(&path, Mode::RWXU)?;
    Ok(rustix::fs::openat(&held, ".", FOLDER, Mode::empty())?)
}

/// Removes a file, or a folder with all that is in it, as far as that can be. Folders in it are brought up into it first, so
/// that neither the stack nor the descriptors grow with how deep they are.
pub(super) fn remove(path: &Path) {
    use std::os::unix::ffi::OsStrExt;
    if fs::remove_file(path).is_ok() {
        return;
    }
    let Ok(name) = std::ffi::CString::new(path.as_os_str().as_bytes()) else { return };
    let Ok(top) = open_up(CWD, &name) else { return };
    let mut number = 0;
    // Until there is nothing left in it, or nothing that can be removed.
    while clear(top.as_fd(), |name| bring_up(top.as_fd(), name, &mut number)) {}
    let _ = fs::remove_dir(path);
}

/// Removes what is in a folder, and shows `full` each folder with something in it, which says whether it could do
/// anything about it; whether anything was done.
fn clear(folder: BorrowedFd<'_>, mut full: impl FnMut(&CStr) -> bool) -> bool {
    let mut done = false;
    let Ok(mut entries) = Dir::read_from(folder) else { return false };
    while let Some(Ok(entry)) = entries.read() {
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let is_removed = [AtFlags::empty(), AtFlags::REMOVEDIR]
            .into_iter()
            .any(|flags| rustix::fs::unlinkat(folder, name, flags).is_ok());
        done |= is_removed || full(name);
    }
    done
}

/// Empties a folder of `top`: what is in it is removed, and folders with something in them are moved to `top` under names
/// with rising numbers.
fn bring_up(top: BorrowedFd<'_>, name: &CStr, number: &mut u64) -> bool {
    let Ok(folder) = open_up(top, name) else { return false };
    let done = clear(folder.as_fd(), |name| {
        // Only who may write to a folder can move it elsewhere.
        let _ = open_up(folder.as_fd(), name);
        loop {
            *number += 1;
            match rustix::fs::renameat(&folder, name, top, format!("left-{number}")) {
                Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {}
                moved => return moved.is_ok(),
            }
        }
    });
    rustix::fs::unlinkat(top, name, AtFlags::REMOVEDIR).is_ok() || done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_go_however_deep_they_are_and_links_lead_nowhere() {
        let data = tempfile::tempdir().unwrap();
        let (folder, kept) = (data.path().join("folder"), data.path().join("kept"));
        fs::create_dir(&folder).unwrap();
        fs::write(&kept, "kept").unwrap();
        let mut at = open_up(CWD, &std::ffi::CString::new(folder.to_str().unwrap()).unwrap()).unwrap();
        for depth in 0..20_000 {
            if depth % 1000 == 0 {
                rustix::fs::symlinkat(data.path(), &at, "link").unwrap();
                rustix::fs::mkdirat(&at, "left-5", Mode::RWXU).unwrap();
            }
            rustix::fs::mkdirat(&at, "d", Mode::RWXU).unwrap();
            at = rustix::fs::openat(&at, "d", FOLDER, Mode::empty()).unwrap();
        }
        let shut = folder.join("shut");
        fs::create_dir_all(shut.join("in")).unwrap();
        fs::write(shut.join("in/file"), "").unwrap();
        fs::set_permissions(&shut, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
        remove(&folder);
        assert!(!folder.exists());
        assert_eq!(fs::read_to_string(&kept).unwrap(), "kept");
        remove(&kept);
        assert!(!kept.exists());
    }
}
