//! Having the disk keep what was brought into the store, before it is told of.
//!
//! File by file, not the file system as a whole: that would wait for all that agents have written meanwhile.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Has the disk keep files, by their paths in the data directory, and the folders that lead to them.
///
/// # Errors
/// When a file or folder cannot be opened, or the disk refuses: why, in one sentence.
pub(super) fn keep(data_dir: &Path, files: &[PathBuf]) -> Result<(), String> {
    let kept = |path: &Path| {
        let path = data_dir.join(path);
        let failed = |error| format!("{} cannot be written to the disk: {error}", path.display());
        File::open(&path).and_then(|file| file.sync_all()).map_err(failed)
    };
    files.iter().try_for_each(|file| kept(file))?;
    let folders: BTreeSet<&Path> = files.iter().flat_map(|file| file.ancestors().skip(1)).collect();
    folders.into_iter().rev().filter(|folder| !folder.as_os_str().is_empty()).try_for_each(kept)
}
