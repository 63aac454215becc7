//! Files and folders held by descriptors: a name may come to mean something else, what is held stays what it was.
//!
//! An agent that may write to a folder may put a link in the place of what another cage was given there. So a granted
//! path is walked once, name by name and through no link, and what was found is held and shown from then on.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, openat};

/// Which file or folder something is, by device and inode: no other has the same as long as it is held.
pub(in super::super) type Identity = (u64, u64);

/// Something on the host, held so that it can be neither exchanged nor its inode given to something else.
#[derive(Debug)]
pub(in super::super) struct Held {
    fd: OwnedFd,
    /// Itself.
    pub(in super::super) identity: Identity,
    /// Whether it is a folder.
    pub(in super::super) is_folder: bool,
}

impl Held {
    /// Walks to `path`, which is absolute and has its links resolved. `passed` is shown everything on the way, `path`
    /// itself included, and may object.
    ///
    /// # Errors
    /// When something on the way is a link by now, cannot be opened, or was objected to.
    pub(in super::super) fn walk(path: &Path, passed: impl Fn(Identity) -> io::Result<()>) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut held = Self::of(openat(CWD, "/", flags, Mode::empty())?)?;
        for name in path.components().skip(1) {
            let Component::Normal(name) = name else { return Err(io::ErrorKind::InvalidInput.into()) };
            held = Self::of(openat(&held.fd, name, flags, Mode::empty())?)?;
            passed(held.identity)?;
        }
        Ok(held)
    }

    fn of(fd: OwnedFd) -> io::Result<Self> {
        let stat = rustix::fs::fstat(&fd)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind == FileType::Symlink {
            return Err(io::Error::other("a link has taken its place just now"));
        }
        Ok(Self { fd, identity: (stat.st_dev, stat.st_ino), is_folder: kind == FileType::Directory })
    }

    /// The descriptor.
    pub(in super::super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Where it lies at present, by the kernel's account.
    pub(in super::super) fn path(&self) -> io::Result<PathBuf> {
        use std::os::fd::AsRawFd;
        std::fs::read_link(format!("/proc/self/fd/{}", self.fd.as_raw_fd()))
    }
}
