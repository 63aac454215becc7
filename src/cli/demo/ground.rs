//! What is surveyed: the repository at a path, the one around the current folder, or one made of what the binary carries.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::kit;
use crate::domain::Refusal;

/// The repository and every path that reading it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// The top of the working tree, or the repository itself when it is bare.
    pub repository: PathBuf,
    /// The repository, and where its objects lie if that is elsewhere (worktrees, alternates). None lies in another.
    pub read: Vec<PathBuf>,
}

const ALLOWED: &str = "a folder in a git working tree, or a bare repository";

/// Finds the repository around `path`.
///
/// # Errors
/// A refusal when git is missing, or when `path` is in no repository.
pub fn find(path: &Path) -> Result<Ground, Refusal> {
    let refuse = |why: String| Refusal::invalid("PATH", path.display(), ALLOWED).hint(why);
    let path = path.canonicalize().map_err(|error| refuse(error.to_string()))?;
    let ask = |what: &[&str]| -> Result<Option<PathBuf>, Refusal> {
        let output = git(&path, what)?;
        let text = String::from_utf8(output.stdout).map_err(|_| refuse("its path is not UTF-8".to_owned()))?;
        let text = text.trim_end_matches('\n');
        Ok((output.status.success() && !text.is_empty()).then(|| path.join(text)))
    };
    let Some(git_dir) = ask(&["rev-parse", "--absolute-git-dir"])? else {
        let output = git(&path, &["rev-parse", "--absolute-git-dir"])?;
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(refuse(format!("git says: {}", said.lines().next().unwrap_or("nothing"))));
    };
    let common = ask(&["rev-parse", "--git-common-dir"])?.unwrap_or_else(|| git_dir.clone());
    let repository = ask(&["rev-parse", "--show-toplevel"])?.unwrap_or_else(|| git_dir.clone());
    let mut read = vec![repository.clone(), git_dir, common.clone()];
    read.extend(alternates(&common.join("objects"), 5));
    Ok(Ground { repository, read: outermost(read) })
}

/// Makes a repository in `folder` out of the scripts that the binary carries.
///
/// # Errors
/// A refusal that says what git or the file system objected to.
pub fn make(folder: &Path) -> Result<Ground, Refusal> {
    let refuse = |why: String| Refusal::invalid("PATH", "(none)", ALLOWED).hint(why);
    if !folder.join(".git").exists() {
        kit::write(folder, kit::SURVEY)
            .map_err(|error| refuse(format!("cannot write {}: {error}", folder.display())))?;
        fs::write(folder.join("survey.toml"), kit::FLEET)
            .map_err(|error| refuse(format!("cannot write {}: {error}", folder.display())))?;
        let commit = ["-c", "user.name=Menagerie", "-c", "user.email=demo@localhost", "-c", "commit.gpgSign=false"];
        for words in [
            &["init", "--quiet"][..],
            &["add", "--all"],
            &[&commit[..], &["commit", "--quiet", "--no-verify", "-m", "What the binary carries"]].concat(),
        ] {
            let output = git(folder, words)?;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                return Err(refuse(format!("git {} in {} says: {said}", words.join(" "), folder.display())));
            }
        }
    }
    find(folder)
}

/// Runs git in a folder. The folder may be another user's: only reading commands and those in our own folder are run.
fn git(folder: &Path, words: &[&str]) -> Result<Output, Refusal> {
    Command::new("git").args(["-c", "safe.directory=*", "-C"]).arg(folder).args(words).output().map_err(|error| {
        Refusal::invalid("git", error, "an installed git in PATH").hint("the agents of the survey need it too")
    })
}

/// The object folders that this one borrows from, as far as `depth` steps.
fn alternates(objects: &Path, depth: u32) -> Vec<PathBuf> {
    let text = fs::read_to_string(objects.join("info/alternates")).unwrap_or_default();
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let folder = objects.join(line);
        if depth > 0 {
            found.extend(alternates(&folder, depth - 1));
        }
        found.push(folder);
    }
    found
}

/// The paths that exist, none of which lies in another.
fn outermost(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut kept: Vec<PathBuf> = Vec::new();
    for path in paths.into_iter().filter_map(|path| path.canonicalize().ok()) {
        if !kept.iter().any(|outer| path.starts_with(outer)) {
            kept.retain(|inner| !inner.starts_with(&path));
            kept.push(path);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(folder: &Path, words: &[&str]) {
        let output = git(folder, words).unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn a_repository_is_made_and_found_from_below() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().canonicalize().unwrap().join("a b");
        let made = make(&folder).unwrap();
        assert_eq!(made, Ground { repository: folder.clone(), read: vec![folder.clone()] });
        assert_eq!(make(&folder).unwrap(), made, "making it twice changes nothing");
        fs::create_dir(folder.join("below")).unwrap();
        assert_eq!(find(&folder.join("below")).unwrap(), made);
    }

    #[test]
    fn objects_elsewhere_are_read_too() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().canonicalize().unwrap();
        let (first, second, borrower) = (root.join("first"), root.join("second"), root.join("borrower.git"));
        make(&first).unwrap();
        run(&first, &["worktree", "add", "--quiet", "--detach", second.to_str().unwrap()]);
        assert_eq!(find(&second).unwrap().read, [second, first.join(".git")]);
        run(&root, &["clone", "--quiet", "--bare", "--shared", "first", "borrower.git"]);
        let found = find(&borrower).unwrap();
        assert_eq!(found.repository, borrower);
        assert_eq!(found.read, [borrower, first.join(".git/objects")]);
    }

    #[test]
    fn what_is_no_repository_is_refused_by_name() {
        let temporary = tempfile::tempdir().unwrap();
        for path in [temporary.path().to_owned(), temporary.path().join("missing")] {
            let refusal = find(&path).unwrap_err();
            assert_eq!(refusal.field, "PATH");
            assert!(refusal.to_string().contains(path.to_str().unwrap()) && !refusal.hint.is_empty(), "{refusal}");
        }
    }
}
