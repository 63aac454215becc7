//! What is done with git outside all cages: making the copy that an execution works on, merging what was approved; and what
//! may take the disk long: removing what agents have left, keeping their artifacts.
//!
//! Each is an errand of a process of its own, because git takes its time and the worker's loop waits for nothing. The
//! worker's end is in `server/workspaces.rs`; order and answer are JSON in files in memory, which are the process's
//! standard input and output.
//!
//! **Who runs git where.** Out here git runs only in repositories that no agent can write to, because what a repository's
//! own configuration names is executed. An execution gets a repository of its own, fetched from the source: it shares
//! neither objects nor configuration nor references with it. `git worktree` was rejected for that reason (its folder is
//! inside the source's, and writing there is writing to the source), and so were borrowed objects (`--shared`,
//! `--reference`): they need the source in the cage's sight, all its branches included. Fetching costs a copy of the
//! history of one commit. What an agent has made of its copy is looked at by git in the cage alone ([`difference`]), and
//! comes out as a text.

pub(super) mod difference;
mod git;
mod keep;
mod merge;
mod prepare;
#[cfg(test)]
mod tests;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Error, folder, sys};
use crate::domain::ExecutionId;
use crate::domain::Merge;
use crate::domain::link::MergeOrder;

/// The folder of the data directory in which copies are made, and taken apart.
pub(super) const FOLDER: &str = "workspaces";

/// What an execution's copy begins with in the cage's working folder.
pub(super) const PREFIX: &str = "workspace-";

/// What an execution's copy is called in the cage's working folder.
pub(super) fn name(id: ExecutionId) -> String {
    format!("{PREFIX}{id}")
}

/// Something to be done.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Errand {
    /// Make a copy of a repository.
    Prepare(Preparation),
    /// Merge an approved difference.
    Merge {
        /// What.
        order: Box<MergeOrder>,
        /// The repository, as it was written.
        repository: PathBuf,
        /// What agents may write to.
        writable: Vec<PathBuf>,
    },
    /// Remove files and folders.
    Remove(Vec<PathBuf>),
    /// Have the disk keep files of the data directory, so that no loss of power takes them.
    Keep(Vec<PathBuf>),
}

/// A copy to be made.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Preparation {
    /// The source.
    pub(super) repository: PathBuf,
    /// The commit to begin with, by any name.
    pub(super) base: String,
    /// Where the copy is made: a folder that is not there yet, and that no agent sees.
    pub(super) target: PathBuf,
    /// The branch that it is on.
    pub(super) branch: String,
    /// Who commits there, by name.
    pub(super) agent: String,
    /// Whose it becomes, where the folder is not mapped to the cage's user.
    pub(super) user: Option<u32>,
    /// What agents may write to.
    pub(super) writable: Vec<PathBuf>,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Done {
    /// The copy is there, and at this commit.
    Prepared(String),
    /// It was merged or not.
    Merged(Merge),
    /// They are gone, as far as they could be.
    Removed,
    /// They are kept.
    Kept,
    /// It could not be done, and why.
    Failed(String),
}

/// Does one errand.
///
/// # Errors
/// When the order cannot be read or the answer cannot be written.
pub(super) fn run(data_dir: &Path) -> Result<(), Error> {
    // Nobody would hear the answer of one that outlives its worker.
    let _ = sys::prctl(libc::PR_SET_PDEATHSIG, libc::c_ulong::from(libc::SIGKILL.unsigned_abs()));
    let mut text = vec![];
    let failed = || Error::kernel("reading the order");
    std::io::stdin().lock().read_to_end(&mut text).map_err(failed())?;
    let errand = serde_json::from_slice(&text).map_err(|error| failed()(std::io::Error::from(error)))?;
    let done = match errand {
        Errand::Prepare(preparation) => prepare::prepare(&preparation).map_or_else(Done::Failed, Done::Prepared),
        Errand::Merge { order, repository, writable } => {
            Done::Merged(merge::merge(&order, &repository, &writable, data_dir))
        }
        Errand::Remove(folders) => {
            for path in &folders {
                folder::remove(path);
            }
            Done::Removed
        }
        Errand::Keep(files) => keep::keep(data_dir, &files).map_or_else(Done::Failed, |()| Done::Kept),
    };
    let answer = serde_json::to_vec(&done).unwrap_or_default();
    std::io::stdout().lock().write_all(&answer).map_err(Error::kernel("answering the worker"))
}
