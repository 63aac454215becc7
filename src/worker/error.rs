//! Why a worker cannot start or go on. What goes wrong with one execution is an outcome, not an error.

use std::io;
use std::path::PathBuf;

/// Why the worker stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another worker owns the data directory.
    #[error(
        "{path} is locked: worker {pid} already serves this data directory. Stop it first, or use another --data-dir"
    )]
    Locked {
        /// The lock.
        path: PathBuf,
        /// The other worker's process, as it wrote it.
        pid: String,
    },
    /// A file or folder of the data directory cannot be used.
    #[error("{path}: {action} failed: {source}. Check its owner, its mode and the free space")]
    File {
        /// What was done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The kernel refused something without which no worker can be.
    #[error("{action} failed: {source}")]
    Kernel {
        /// What was done.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: `action` on `path` failed.
    pub(super) fn file<E: Into<io::Error>>(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(E) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source: source.into() }
    }

    /// For `map_err`: `action` failed.
    pub(super) fn kernel<E: Into<io::Error>>(action: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Kernel { action, source: source.into() }
    }
}
