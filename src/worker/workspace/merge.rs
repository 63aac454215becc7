//! Merging an approved difference into the repository that it is from.
//!
//! What was approved becomes a commit on the commit that it is a difference from. If the branch is still there, it moves on
//! to that; otherwise a merge of the two is made, in memory. Nothing of the repository changes before it is known that it
//! can be done, and then one reference does, and the working tree that has the branch checked out, if that holds no local
//! changes. What cannot be merged so is put on a branch of its own. The commit follows from the order alone: an order that
//! comes twice makes the same one, and finds it.

use std::fs;
use std::path::{Path, PathBuf};

use super::git::{Git, Source};
use crate::domain::Merge;
use crate::domain::link::MergeOrder;
use crate::domain::workspace::MergeState;

/// How often a branch that moves on meanwhile is tried again.
const TRIES: usize = 5;
/// How many branches of their own one task's differences may have.
const BRANCHES_MAX: usize = 100;

/// The address of an agent, which gets no mail.
pub(super) fn address(agent: &str) -> String {
    let name: String = agent.chars().map(|c| if c.is_alphanumeric() || "._-".contains(c) { c } else { '-' }).collect();
    format!("{name}@menagerie.invalid")
}

/// Merges; whatever comes of it. `repository` is the path as it was written, with the home folder put in.
pub(super) fn merge(order: &MergeOrder, repository: &Path, writable: &[PathBuf], data_dir: &Path) -> Merge {
    let scratch = data_dir.join(super::FOLDER).join(format!("merge-{}", order.artifact_id));
    let merged = try_to_merge(order, repository, writable, data_dir, &scratch);
    let _ = fs::remove_dir_all(&scratch);
    merged.unwrap_or_else(Merge::failed)
}

fn try_to_merge(
    order: &MergeOrder,
    repository: &Path,
    writable: &[PathBuf],
    data_dir: &Path,
    scratch: &Path,
) -> Result<Merge, String> {
    let branch = order.difference.merge.as_deref().ok_or("no branch was named")?;
    let difference = approved(order, data_dir)?;
    let source = Source::open(repository, writable)?;
    fs::create_dir_all(scratch).map_err(|error| format!("the folder {} cannot be made: {error}", scratch.display()))?;
    let making = Making { source: &source, order };
    let commit = making.commit(&difference, &scratch.join("index"))?;
    let reference = format!("refs/heads/{branch}");
    let merged = |at: String| Merge {
        state: MergeState::Merged,
        branch: Some(branch.to_owned()),
        commit: Some(at),
        reason: None,
    };
    for _ in 0..TRIES {
        let tip = source.commit(&reference);
        let next = match &tip {
            None => commit.clone(),
            Some(tip) if *tip == order.difference.base => commit.clone(),
            Some(tip) if making.contains(tip, &commit) => return Ok(merged(commit)),
            Some(tip) => match making.merge_of(tip, &commit, branch) {
                Ok(next) => next,
                Err(reason) => return making.set_aside(&commit, reason),
            },
        };
        let outcome = match (making.checked_out(&reference)?, &tip) {
            (Some(tree), Some(_)) => match making.move_tree(&tree, branch, &next) {
                Ok(()) => Ok(()),
                Err(reason) => return making.set_aside(&commit, reason),
            },
            // A branch that is checked out and has no commit yet is somebody's beginning.
            (Some(tree), None) => {
                let reason = format!("branch {branch} is checked out in {} without a commit", tree.display());
                return making.set_aside(&commit, reason);
            }
            (None, tip) => making.move_branch(&reference, &next, tip.as_deref()),
        };
        if outcome.is_ok() {
            return Ok(merged(next));
        }
    }
    making.set_aside(&commit, format!("branch {branch} moved on {TRIES} times meanwhile"))
}

/// The very bytes that were approved.
fn approved(order: &MergeOrder, data_dir: &Path) -> Result<Vec<u8>, String> {
    let bytes = match (&order.content, &order.path) {
        (Some(content), _) => content.clone().into_bytes(),
        (None, Some(path)) => fs::read(data_dir.join(path))
            .map_err(|error| format!("what was approved cannot be read: {path}: {error}"))?,
        (None, None) => return Err("what was approved is not there any more".to_owned()),
    };
    if blake3::hash(&bytes).to_hex().as_str() == order.digest {
        Ok(bytes)
    } else {
        Err("what lies in the artifact store is not what was approved".to_owned())
    }
}

/// What is made in a repository for one order.
struct Making<'a> {
    source: &'a Source,
    order: &'a MergeOrder,
}

impl Making<'_> {
    /// The commit of what was approved. Objects that nothing refers to are all that this leaves.
    fn commit(&self, difference: &[u8], index: &Path) -> Result<String, String> {
        let base = &self.order.difference.base;
        let git = || self.source.git().env("GIT_INDEX_FILE", index);
        git().run(&["read-tree", base])?;
        git().input(difference).run(&["apply", "--cached", "--whitespace=nowarn", "-"])?;
        let tree = git().run(&["write-tree"])?;
        let order = self.order;
        let message = format!(
            "{}\n\nMenagerie-Task: {}\nMenagerie-Execution: {}\nMenagerie-Artifact: {}\nApproved-by: {}\n",
            order.subject, order.task_id, order.execution_id, order.artifact_id, order.approved_by
        );
        self.record(&tree, &[base], &message)
    }

    fn record(&self, tree: &str, parents: &[&str], message: &str) -> Result<String, String> {
        let (agent, date) = (&self.order.agent, format!("@{} +0000", self.order.approved_at.as_micros() / 1_000_000));
        let mut git = self.source.git().env("GIT_AUTHOR_NAME", agent).env("GIT_AUTHOR_EMAIL", address(agent));
        git = git.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
        // Without an account of the owner's the commit is ours.
        if self.source.git().run(&["config", "user.email"]).is_err() {
            git = git.env("GIT_COMMITTER_NAME", "Menagerie").env("GIT_COMMITTER_EMAIL", "menagerie@menagerie.invalid");
        }
        let parents = parents.iter().flat_map(|parent| ["-p", parent]);
        let arguments: Vec<&str> = ["commit-tree", tree].into_iter().chain(parents).collect();
        git.input(message.as_bytes()).run(&arguments)
    }

    fn contains(&self, tip: &str, commit: &str) -> bool {
        self.source.git().run(&["merge-base", "--is-ancestor", commit, tip]).is_ok()
    }

    /// The merge of the branch with the commit; the error says what stands against it.
    fn merge_of(&self, tip: &str, commit: &str, branch: &str) -> Result<String, String> {
        let asked = ["merge-tree", "--write-tree", "--name-only", "--no-messages", tip, commit];
        let (status, printed, complaint) = self.source.git().status(&asked)?;
        let (tree, conflicts) = printed.split_once('\n').unwrap_or((&printed, ""));
        match status {
            0 => {
                let message = format!("Merge task {} into {branch}\n", self.order.task_id);
                self.record(tree, &[tip, commit], &message)
            }
            1 => {
                let files: Vec<_> = conflicts.lines().filter(|line| !line.is_empty()).collect();
                let shown = files.iter().take(3).copied().collect::<Vec<_>>().join(", ");
                let more = if files.len() > 3 { format!(" and {} more", files.len() - 3) } else { String::new() };
                Err(format!("{branch} has changed since, and it conflicts in {shown}{more}"))
            }
            _ => Err(format!("it does not merge with {branch}: {complaint}")),
        }
    }

    /// The working tree that has a branch checked out.
    fn checked_out(&self, reference: &str) -> Result<Option<PathBuf>, String> {
        let listed = self.source.git().run(&["worktree", "list", "--porcelain"])?;
        let mut tree = None;
        for line in listed.lines() {
            if let Some(path) = line.strip_prefix("worktree ") {
                tree = Some(PathBuf::from(path));
            } else if line.strip_prefix("branch ") == Some(reference) {
                return Ok(tree);
            }
        }
        Ok(None)
    }

    /// Moves a branch on together with the working tree that has it checked out.
    fn move_tree(&self, tree: &Path, branch: &str, next: &str) -> Result<(), String> {
        let shown = tree.display();
        self.source.check(&tree.canonicalize().unwrap_or_else(|_| tree.to_owned()))?;
        let changed = Git::at(tree).run(&["status", "--porcelain", "--untracked-files=no"])?;
        if !changed.is_empty() {
            return Err(format!("branch {branch} is checked out in {shown}, which has local changes"));
        }
        let moved = Git::at(tree).run(&["merge", "--quiet", "--ff-only", "--no-autostash", next]);
        moved.map(drop).map_err(|why| format!("branch {branch} is checked out in {shown}: {why}"))
    }

    /// Moves a branch on that is at `tip`, or not there, and nothing else.
    fn move_branch(&self, reference: &str, next: &str, tip: Option<&str>) -> Result<(), String> {
        let message = format!("menagerie: artifact {}", self.order.artifact_id);
        let arguments = ["update-ref", "-m", &message, reference, next, tip.unwrap_or_default()];
        self.source.git().run(&arguments).map(drop)
    }

    /// Puts the commit on a branch of its own.
    fn set_aside(&self, commit: &str, reason: String) -> Result<Merge, String> {
        let first = format!("menagerie/{}", self.order.task_id);
        for number in 1..=BRANCHES_MAX {
            let branch = if number == 1 { first.clone() } else { format!("{first}-{number}") };
            let reference = format!("refs/heads/{branch}");
            match self.source.commit(&reference) {
                Some(known) if known != commit => continue,
                Some(_) => {}
                None => self
                    .move_branch(&reference, commit, None)
                    .map_err(|why| format!("{reason}; nor could branch {branch} be made: {why}"))?,
            }
            let (branch, commit) = (Some(branch), Some(commit.to_owned()));
            return Ok(Merge { state: MergeState::SetAside, branch, commit, reason: Some(reason) });
        }
        Err(format!("{reason}; and there are {BRANCHES_MAX} branches {first} already"))
    }
}
