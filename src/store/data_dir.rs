//! The data directory and its lock: one engine a directory.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::error::Error;

/// The name of the lock file.
const LOCK: &str = "engine.lock";

/// The folder that holds everything of one fleet.
#[derive(Debug)]
pub struct DataDir;

impl DataDir {
    /// Whether somebody has ever held the folder's lock.
    pub fn was_used(path: &Path) -> bool {
        path.join(LOCK).exists()
    }

    /// Makes the folder, for its owner alone, if there is none, and takes its lock. The lock holds until the value is
    /// dropped or the process ends, however it ends. A folder that is taken is refused, naming the holder's process.
    pub fn lock(path: &Path) -> Result<DataDirLock, Error> {
        let io = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| Error::Io { doing, path, source }
        };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io("making the data directory", path))?;
        let name = path.join(LOCK);
        let mut file = loop {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&name)
                .map_err(io("opening", &name))?;
            if let Err(errno) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
                if errno == rustix::io::Errno::WOULDBLOCK {
                    return Err(Error::Locked { path: path.to_owned(), pid: read_pid(&mut file) });
                }
                return Err(io("locking", &name)(errno.into()));
            }
            // Whoever gives a directory up removes its lock file; a lock on one that is no longer there locks nothing.
            let inode = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
            let ours = file.metadata().map(inode).map_err(io("looking at", &name))?;
            if std::fs::metadata(&name).map(inode).is_ok_and(|there| there == ours) {
                break file;
            }
        };
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{}", std::process::id()))
            .map_err(io("writing", &name))?;
        Ok(DataDirLock { path: path.to_owned(), _file: file })
    }
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// The lock of a data directory.
#[derive(Debug)]
pub struct DataDirLock {
    path: PathBuf,
    // Closing the file gives the lock back.
    _file: File,
}

impl DataDirLock {
    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the folder back as if nobody had ever held it.
    pub fn give_up(self) {
        // One that cannot be removed does no harm.
        let _ = std::fs::remove_file(self.path.join(LOCK));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_second_lock_is_refused_and_names_the_process() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b");
        let first = DataDir::lock(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        let error = DataDir::lock(&path).unwrap_err();
        assert!(matches!(error, Error::Locked { pid: Some(pid), .. } if pid == std::process::id()), "{error}");
        assert!(error.to_string().contains(&format!("process {}", std::process::id())));
        drop(first);
        DataDir::lock(&path).unwrap();
    }

    #[test]
    fn a_folder_that_is_given_up_can_be_locked_anew() {
        let root = tempfile::tempdir().unwrap();
        let lock = DataDir::lock(root.path()).unwrap();
        lock.give_up();
        assert!(!DataDir::was_used(root.path()));
        let again = DataDir::lock(root.path()).unwrap();
        assert!(matches!(DataDir::lock(root.path()), Err(Error::Locked { .. })));
        drop(again);
        assert!(DataDir::was_used(root.path()));
    }

    #[test]
    fn a_folder_that_cannot_be_made_says_so() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = DataDir::lock(&file.join("data")).unwrap_err();
        assert!(error.to_string().contains("making the data directory"), "{error}");
    }
}
