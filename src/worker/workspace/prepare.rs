//! Making the copy of a repository that an execution works on.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, lchown};
use std::path::Path;

use super::Preparation;
use super::git::{Git, Source};

/// Where the copy remembers what it began with, so that nothing that it is compared to is ever thrown away.
const BASE: &str = "refs/menagerie/base";

/// Makes the copy; the commit that it is at.
///
/// # Errors
/// When the source cannot be used, has no such commit, or cannot be copied: why, in one sentence.
pub(super) fn prepare(order: &Preparation) -> Result<String, String> {
    let source = Source::open(&order.repository, &order.writable)?;
    let shown = order.repository.display();
    let commit = source.commit(&order.base).ok_or_else(|| {
        format!("the repository {shown} has no commit {:?}; name a branch, a tag or a commit", order.base)
    })?;
    let made = fs::DirBuilder::new().mode(0o700).create(&order.target);
    made.map_err(|error| format!("the folder {} cannot be made: {error}", order.target.display()))?;
    let copy = || Git::at(&order.target);
    let (format, branch) = (format!("--object-format={}", source.format), format!("--initial-branch={}", order.branch));
    copy().run(&["init", "--quiet", "--template=", &format, &branch])?;
    let path = source.folder.to_string_lossy();
    // Any commit may be asked for by its number: whoever may declare a workspace owns the repository.
    let server = "--upload-pack=git -c uploadpack.allowAnySHA1InWant=true upload-pack";
    let wanted = format!("{commit}:{BASE}");
    copy().run(&[
        "-c",
        "protocol.version=2",
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-recurse-submodules",
        "--no-write-fetch-head",
        "--update-shallow",
        server,
        "--end-of-options",
        &path,
        &wanted,
    ])?;
    copy().run(&["reset", "--quiet", "--hard", &commit])?;
    copy().run(&["config", "user.name", &order.agent])?;
    copy().run(&["config", "user.email", &super::merge::address(&order.agent)])?;
    if let Some(user) = order.user {
        give(&order.target, user).map_err(|error| format!("the copy cannot be given to its cage's user: {error}"))?;
    }
    Ok(commit)
}

/// Gives a folder and all that is in it to a user. Nobody else has seen it yet.
fn give(path: &Path, user: u32) -> std::io::Result<()> {
    lchown(path, Some(user), Some(user))?;
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), user)?;
        }
    }
    Ok(())
}
