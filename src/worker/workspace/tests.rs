//! Copies and merges with real repositories.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::merge::merge;
use super::prepare::prepare;
use super::*;
use crate::domain::workspace::{Difference, MergeState};
use crate::domain::{ArtifactId, TaskId, Timestamp};

/// A repository with a branch `main` that has one commit, and a data directory.
struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    fn new() -> Self {
        let ground = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(ground.repository()).unwrap();
        fs::create_dir_all(ground.data_dir().join(FOLDER)).unwrap();
        ground.git(&["init", "--quiet", "--initial-branch=main"]);
        ground.git(&["config", "user.name", "owner"]);
        ground.git(&["config", "user.email", "owner@example.org"]);
        ground.commit("notes.txt", "one\ntwo\nthree\n");
        ground
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("shop")
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn git(&self, arguments: &[&str]) -> String {
        git_in(&self.repository(), arguments)
    }

    /// Commits a file; the commit.
    fn commit(&self, name: &str, text: &str) -> String {
        fs::write(self.repository().join(name), text).unwrap();
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", name]);
        self.head()
    }

    fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.repository().join(name)).unwrap_or_default()
    }

    fn preparation(&self, base: &str, writable: Vec<PathBuf>) -> Preparation {
        Preparation {
            repository: self.repository(),
            base: base.to_owned(),
            target: self.data_dir().join(FOLDER).join("copy"),
            branch: "menagerie/x".to_owned(),
            agent: "coder".to_owned(),
            user: None,
            writable,
        }
    }

    fn prepare(&self, base: &str, writable: Vec<PathBuf>) -> Result<(String, PathBuf), String> {
        let preparation = self.preparation(base, writable);
        prepare(&preparation).map(|commit| (commit, preparation.target))
    }

    /// An order to merge what makes the first line of the notes another.
    fn order(&self, branch: &str) -> MergeOrder {
        let base = self.git(&["rev-parse", "main"]);
        let content = "diff --git a/notes.txt b/notes.txt\n--- a/notes.txt\n+++ b/notes.txt\n@@ -1,3 +1,3 @@\n-one\n+ONE\n two\n three\n";
        let id = |bits| TaskId::new(Timestamp::from_micros(1), bits);
        MergeOrder {
            artifact_id: ArtifactId(id(1).0),
            task_id: id(2),
            execution_id: ExecutionId(id(3).0),
            agent: "coder".to_owned(),
            approved_by: "owner".to_owned(),
            approved_at: Timestamp::from_micros(1_700_000_000_000_000),
            difference: Difference {
                repository: self.repository().display().to_string(),
                base,
                files: 1,
                insertions: 1,
                deletions: 1,
                merge: Some(branch.to_owned()),
            },
            subject: "fix".to_owned(),
            content: Some(content.to_owned()),
            path: None,
            digest: blake3::hash(content.as_bytes()).to_hex().to_string(),
        }
    }

    fn merge(&self, order: &MergeOrder) -> Merge {
        merge(order, &self.repository(), &[self.data_dir()], &self.data_dir())
    }

    /// Everything that a repository consists of as far as anybody sees: its references, and what is checked out.
    fn state(&self) -> (String, String, String) {
        let references = self.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
        (references, self.git(&["status", "--porcelain"]), self.file("notes.txt"))
    }
}

fn git_in(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[test]
fn a_copy_has_the_history_of_its_commit_and_nothing_else() {
    let ground = Ground::new();
    let first = ground.head();
    let second = ground.commit("more.txt", "more\n");
    ground.git(&["switch", "--quiet", "-c", "secret", &first]);
    let secret = ground.commit("secret.txt", "secret\n");
    ground.git(&["switch", "--quiet", "main"]);
    let before = ground.state();
    let (commit, copy) = ground.prepare("main", vec![]).unwrap();
    assert_eq!(commit, second);
    assert_eq!(git_in(&copy, &["log", "--format=%H"]), format!("{second}\n{first}"));
    assert_eq!(git_in(&copy, &["branch", "--show-current"]), "menagerie/x");
    assert_eq!(git_in(&copy, &["status", "--porcelain"]), "");
    assert_eq!(git_in(&copy, &["remote"]), "");
    let known = Command::new("git").arg("-C").arg(&copy).args(["cat-file", "-e", &secret]).output().unwrap();
    assert!(!known.status.success(), "another branch's commit is in the copy");
    assert!(!copy.join(".git/objects/info/alternates").exists());
    assert_eq!(ground.state(), before);
    // No object is the source's own file, which its owner could change through the copy.
    let linked = |folder: &Path| {
        use std::os::unix::fs::MetadataExt;
        walk(folder).into_iter().filter(|path| fs::symlink_metadata(path).unwrap().nlink() > 1).count()
    };
    assert_eq!(linked(&copy), 0);
    // A folder of it, and a working tree that shares its git folder, name the same repository.
    fs::create_dir(ground.repository().join("sub")).unwrap();
    let tree = ground.folder.path().join("tree");
    ground.git(&["worktree", "add", "--quiet", "--detach", tree.to_str().unwrap(), &first]);
    for (repository, at) in [(ground.repository().join("sub"), &second), (tree, &first)] {
        let target = ground.data_dir().join(FOLDER).join("other");
        let preparation = Preparation { repository, target: target.clone(), ..ground.preparation("HEAD", vec![]) };
        assert_eq!(&prepare(&preparation).unwrap(), at);
        assert_eq!(&git_in(&target, &["rev-parse", "HEAD"]), at);
        fs::remove_dir_all(target).unwrap();
    }
    // Any commit will do, also one that no branch has any more.
    fs::remove_dir_all(&copy).unwrap();
    ground.git(&["branch", "--quiet", "-D", "secret"]);
    assert_eq!(ground.prepare(&secret, vec![]).unwrap().0, secret);
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn what_cannot_be_copied_says_why() {
    let ground = Ground::new();
    let said = |base: &str, writable: Vec<PathBuf>| ground.prepare(base, writable).unwrap_err();
    assert!(said("no-such", vec![]).contains("has no commit \"no-such\""));
    assert!(said("HEAD^{tree}", vec![]).contains("has no commit"));
    for writable in [ground.repository(), ground.folder.path().to_owned(), ground.repository().join(".git/hooks")] {
        let why = said("HEAD", vec![writable.clone()]);
        assert!(why.contains("agents may write to") && why.contains(writable.to_str().unwrap()), "{why}");
    }
    // A working tree whose repository lies elsewhere is judged by that too.
    let tree = ground.folder.path().join("tree");
    ground.git(&["worktree", "add", "--quiet", "--detach", tree.to_str().unwrap()]);
    let missing = Preparation { repository: tree, ..ground.preparation("HEAD", vec![ground.repository()]) };
    assert!(prepare(&missing).unwrap_err().contains("agents may write to"));
    let missing = Preparation { repository: ground.folder.path().join("none"), ..missing };
    assert!(prepare(&missing).unwrap_err().contains("cannot be opened"));
    let missing = Preparation { repository: ground.data_dir(), ..missing };
    assert!(prepare(&missing).unwrap_err().contains("is no repository"));
    assert!(!missing.target.exists());
}

#[test]
fn a_branch_that_nobody_has_checked_out_moves_on() {
    let ground = Ground::new();
    ground.git(&["switch", "--quiet", "-c", "mine"]);
    let before = (ground.git(&["status", "--porcelain"]), ground.file("notes.txt"));
    let merged = ground.merge(&ground.order("main"));
    assert_eq!((merged.state, merged.branch.as_deref()), (MergeState::Merged, Some("main")), "{merged:?}");
    assert_eq!(ground.git(&["rev-parse", "main"]), merged.commit.clone().unwrap());
    assert_eq!(ground.git(&["show", "main:notes.txt"]), "ONE\ntwo\nthree");
    let message = ground.git(&["log", "-1", "--format=%an <%ae> %cn%n%B", "main"]);
    for part in ["coder <coder@menagerie.invalid> owner", "fix", "Menagerie-Task: ", "Approved-by: owner"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!((ground.git(&["status", "--porcelain"]), ground.file("notes.txt")), before);
    // The same order again finds it done, also once the branch has moved on.
    let order = MergeOrder {
        difference: Difference { base: ground.git(&["rev-parse", "mine"]), ..ground.order("main").difference },
        ..ground.order("main")
    };
    assert_eq!(ground.merge(&order), merged);
    ground.git(&["switch", "--quiet", "main"]);
    let tip = ground.commit("later.txt", "later\n");
    assert_eq!(ground.merge(&order), merged);
    assert_eq!(ground.head(), tip);
    // A branch that is not there is made.
    let made = ground.merge(&MergeOrder {
        difference: Difference { merge: Some("release/1".to_owned()), ..order.difference.clone() },
        ..order
    });
    assert_eq!((made.state, made.commit), (MergeState::Merged, merged.commit));
    assert!(fs::read_dir(ground.data_dir().join(FOLDER)).unwrap().next().is_none(), "nothing is left behind");
}

#[test]
fn a_clean_working_tree_moves_on_with_its_branch() {
    let ground = Ground::new();
    fs::write(ground.repository().join("untracked.txt"), "mine\n").unwrap();
    let merged = ground.merge(&ground.order("main"));
    assert_eq!(merged.state, MergeState::Merged, "{merged:?}");
    assert_eq!((ground.head(), ground.file("notes.txt")), (merged.commit.unwrap(), "ONE\ntwo\nthree\n".to_owned()));
    assert_eq!(ground.git(&["status", "--porcelain"]), "?? untracked.txt");
}

#[test]
fn a_branch_that_has_moved_on_is_merged_with() {
    let ground = Ground::new();
    let order = ground.order("main");
    let tip = ground.commit("notes.txt", "one\ntwo\nTHREE\n");
    // Lines beside each other conflict for git; these are too near.
    let near = ground.merge(&order);
    assert_eq!(near.state, MergeState::Merged, "{near:?}");
    assert_eq!(ground.file("notes.txt"), "ONE\ntwo\nTHREE\n");
    let parents = ground.git(&["log", "-1", "--format=%P"]);
    assert!(parents.starts_with(&tip) && parents.split(' ').count() == 2, "{parents}");
}

#[test]
fn what_conflicts_is_set_aside_and_the_branch_stays() {
    let ground = Ground::new();
    let order = ground.order("main");
    let tip = ground.commit("notes.txt", "uno\ntwo\nthree\n");
    let before = ground.state();
    let aside = ground.merge(&order);
    assert_eq!(aside.state, MergeState::SetAside, "{aside:?}");
    let branch = format!("menagerie/{}", order.task_id);
    assert_eq!(aside.branch.as_deref(), Some(branch.as_str()));
    assert!(aside.reason.as_deref().unwrap().contains("conflicts in notes.txt"), "{aside:?}");
    assert_eq!((ground.head(), ground.file("notes.txt")), (tip, "uno\ntwo\nthree\n".to_owned()));
    assert_eq!(ground.git(&["show", &format!("{branch}:notes.txt")]), "ONE\ntwo\nthree");
    assert_eq!(ground.git(&["status", "--porcelain"]), "");
    assert_eq!(ground.merge(&order), aside, "the same order makes no second branch");
    // Another of the same task does.
    let other = MergeOrder { approved_by: "another".to_owned(), ..order };
    assert_eq!(ground.merge(&other).branch, Some(format!("{branch}-2")));
    ground.git(&["branch", "--quiet", "-D", &branch, &format!("{branch}-2")]);
    assert_eq!(ground.state(), before);
}

#[test]
fn local_changes_are_nobody_elses() {
    let ground = Ground::new();
    for (name, text, staged) in [("notes.txt", "one\ntwo\nmine\n", false), ("new.txt", "mine\n", true)] {
        fs::write(ground.repository().join(name), text).unwrap();
        if staged {
            ground.git(&["add", name]);
        }
        let (head, status) = (ground.head(), ground.git(&["status", "--porcelain"]));
        let aside = ground.merge(&ground.order("main"));
        assert_eq!(aside.state, MergeState::SetAside, "{aside:?}");
        assert!(aside.reason.as_deref().unwrap().contains("has local changes"), "{aside:?}");
        assert_eq!((ground.head(), ground.git(&["status", "--porcelain"])), (head, status));
        assert_eq!(ground.file(name), text);
        ground.git(&["reset", "--quiet", "--hard"]);
    }
    // A file that git does not know and that would be written over is one too.
    let content =
        "diff --git a/new.txt b/new.txt\nnew file mode 100644\n--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1 @@\n+theirs\n";
    fs::write(ground.repository().join("new.txt"), "mine\n").unwrap();
    let digest = blake3::hash(content.as_bytes()).to_hex().to_string();
    let order = MergeOrder { content: Some(content.to_owned()), digest, ..ground.order("main") };
    let aside = ground.merge(&order);
    assert_eq!(aside.state, MergeState::SetAside, "{aside:?}");
    assert_eq!(
        (ground.file("new.txt").as_str(), ground.git(&["status", "--porcelain"]).as_str()),
        ("mine\n", "?? new.txt")
    );
}

#[test]
fn what_was_not_approved_or_must_not_be_touched_changes_nothing() {
    let ground = Ground::new();
    let before = ground.state();
    let order = ground.order("main");
    let failed = |order: &MergeOrder, writable: &[PathBuf]| {
        let merge = merge(order, &ground.repository(), writable, &ground.data_dir());
        assert_eq!(merge.state, MergeState::Failed, "{merge:?}");
        assert_eq!(ground.state(), before);
        merge.reason.unwrap()
    };
    let other = MergeOrder { digest: "00".repeat(32), ..order.clone() };
    assert!(failed(&other, &[]).contains("not what was approved"));
    let gone = MergeOrder { content: None, path: Some("artifacts/none".to_owned()), ..order.clone() };
    assert!(failed(&gone, &[]).contains("cannot be read"));
    assert!(failed(&order, &[ground.repository()]).contains("agents may write to"));
    let difference = Difference { base: "1".repeat(40), ..order.difference.clone() };
    assert!(failed(&MergeOrder { difference, ..order.clone() }, &[]).contains("git read-tree"));
    let content = "diff --git a/notes.txt b/notes.txt\n--- a/notes.txt\n+++ b/notes.txt\n@@ -1 +1 @@\n-nothing\n+ONE\n";
    let digest = blake3::hash(content.as_bytes()).to_hex().to_string();
    let unfit = MergeOrder { content: Some(content.to_owned()), digest, ..order.clone() };
    assert!(failed(&unfit, &[]).contains("git apply"));
    for path in ["../outside.txt", ".git/hooks/post-merge"] {
        let content = format!(
            "diff --git a/{path} b/{path}\nnew file mode 100755\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n"
        );
        let digest = blake3::hash(content.as_bytes()).to_hex().to_string();
        assert!(failed(&MergeOrder { content: Some(content), digest, ..order.clone() }, &[]).contains("git apply"));
    }
    assert!(!ground.repository().join(".git/hooks/post-merge").exists());
}
