//! Workspaces: an execution works in a copy of a repository, and what it changed comes out as a text.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use menagerie::domain::artifact::FoundArtifact;
use menagerie::domain::link::Start;
use menagerie::domain::workspace::Workspace;
use menagerie::domain::{ArtifactType, CageId, OutcomeKind, Span, Verification, Verify};

use crate::client::{Worker, cage, eventually, is_alive, start};

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// A repository with one commit, beside no data directory.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("menagerie-repository-").tempdir().unwrap();
    let path = folder.path();
    git(path, &["init", "--quiet", "--initial-branch=main"]);
    git(path, &["config", "user.name", "owner"]);
    git(path, &["config", "user.email", "owner@example.org"]);
    fs::write(path.join("notes.txt"), "one\ntwo\n").unwrap();
    fs::write(path.join("gone.txt"), "gone\n").unwrap();
    fs::write(path.join(".gitignore"), "ignored\n").unwrap();
    git(path, &["add", "--all"]);
    git(path, &["commit", "--quiet", "-m", "first"]);
    folder
}

/// Every file of a folder with what is in it.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

fn working(cage: CageId, repository: &Path, script: &str) -> Start {
    let repository = repository.to_str().unwrap().to_owned();
    let workspace = Workspace { repository, base: "HEAD".to_owned(), merge: Some("main".to_owned()) };
    Start { workspace: Some(workspace), ..start(cage, &["/bin/sh", "-c", script]) }
}

fn difference_of(artifacts: &[FoundArtifact]) -> &FoundArtifact {
    let found: Vec<_> = artifacts.iter().filter(|artifact| artifact.difference.is_some()).collect();
    assert_eq!(found.len(), 1, "{artifacts:#?}");
    found[0]
}

/// What is left of copies in a worker's data directory.
fn copies(folder: &Path) -> Vec<PathBuf> {
    let list = |path: PathBuf| fs::read_dir(path).into_iter().flatten().map(|entry| entry.unwrap().path());
    let cages = list(folder.join("cages")).flat_map(|cage| list(cage.join("work")));
    cages.filter(|path| path.to_str().unwrap().contains("workspace-")).chain(list(folder.join("workspaces"))).collect()
}

#[test]
fn what_was_changed_in_a_copy_is_an_artifact_and_the_source_is_as_it_was() {
    let (source, mut worker) = (repository(), Worker::start());
    let spec = cage(1);
    worker.declare(&spec, 1);
    let before = contents(source.path());
    let script = "set -e
        test \"$PWD\" = \"$MENAGERIE_WORKSPACE\"; test \"$(git log --format=%s)\" = first
        git var GIT_AUTHOR_IDENT | grep -q '^tester <tester@menagerie.invalid>'
        sed -i s/one/ONE/ notes.txt; git commit --quiet -am work
        rm gone.txt; echo fresh > fresh.txt; printf 'a\\0b' > binary.bin; echo no > ignored; ln -s /etc/passwd link
        echo mine > \"$MENAGERIE_ARTIFACTS/changes.diff\"; echo other > \"$MENAGERIE_ARTIFACTS/report.md\"";
    let id = worker.begin(working(spec.id, source.path(), script));
    let (outcome, artifacts) = worker.ended(id);
    assert!(outcome.succeeded(), "{outcome:?}: {}", worker.output(id));
    assert_eq!(artifacts.len(), 2, "{artifacts:#?}");
    let artifact = difference_of(&artifacts);
    let difference = artifact.difference.clone().unwrap();
    assert_eq!((artifact.kind, artifact.title.as_str()), (ArtifactType::Code, "changes.diff"));
    assert_eq!((difference.files, difference.insertions, difference.deletions), (5, 3, 2));
    assert_eq!(
        (difference.base.as_str(), difference.merge.as_deref()),
        (git(source.path(), &["rev-parse", "HEAD"]).as_str(), Some("main"))
    );
    assert_eq!(contents(source.path()), before, "the source was changed");

    // Applied to the source it makes what the agent had.
    let patch = worker.folder.join("patch");
    fs::write(&patch, artifact.content.as_ref().unwrap()).unwrap();
    git(source.path(), &["apply", patch.to_str().unwrap()]);
    let read = |name: &str| fs::read(source.path().join(name)).unwrap();
    assert_eq!(
        (read("notes.txt"), read("fresh.txt"), read("binary.bin")),
        (b"ONE\ntwo\n".into(), b"fresh\n".into(), b"a\0b".into())
    );
    assert!(!source.path().join("gone.txt").exists() && !source.path().join("ignored").exists());
    assert_eq!(fs::read_link(source.path().join("link")).unwrap(), Path::new("/etc/passwd"));
    let folder = worker.folder.clone();
    eventually("the copy is gone", || copies(&folder).is_empty());

    // Nothing changed, nothing to approve; and an artifact of the agent's own is no difference.
    let script = "echo mine > $MENAGERIE_ARTIFACTS/mine.diff; echo no > ignored; touch notes.txt";
    let id = worker.begin(working(spec.id, source.path(), script));
    let (outcome, artifacts) = worker.ended(id);
    assert!(outcome.succeeded(), "{outcome:?}");
    assert_eq!((artifacts.len(), &artifacts[0].difference), (1, &None));
}

#[test]
fn a_cage_reaches_nothing_of_the_source() {
    let (source, mut worker) = (repository(), Worker::start());
    let spec = cage(1);
    worker.declare(&spec, 1);
    git(source.path(), &["switch", "--quiet", "-c", "secret"]);
    fs::write(source.path().join("secret.txt"), "secret\n").unwrap();
    git(source.path(), &["add", "--all"]);
    git(source.path(), &["commit", "--quiet", "-m", "secret"]);
    let secret = git(source.path(), &["rev-parse", "HEAD"]);
    git(source.path(), &["switch", "--quiet", "main"]);
    let before = contents(source.path());
    let path = source.path().display();
    let script = format!(
        "test -e {path} && echo seen
         echo bad > {path}/bad.txt && echo written
         echo bad > {path}/.git/hooks/post-checkout && echo written
         git cat-file -e {secret} && echo read
         git fetch {path} && echo fetched
         git push {path} HEAD:refs/heads/bad && echo pushed
         cat .git/objects/info/alternates && echo borrowed
         find .git -links +1 -type f | grep . && echo linked
         grep -r {path} .git && echo named
         true"
    );
    let id = worker.begin(working(spec.id, source.path(), &script));
    let (outcome, _) = worker.ended(id);
    assert!(outcome.succeeded(), "{outcome:?}");
    let output = worker.output(id);
    for word in ["seen", "written", "read\n", "fetched", "pushed", "borrowed", "linked", "named"] {
        assert!(!output.contains(word), "{word}: {output}");
    }
    assert_eq!(contents(source.path()), before, "the source was changed");
}

#[test]
fn what_an_agent_does_to_its_copy_harms_itself_alone() {
    let (source, mut worker) = (repository(), Worker::start());
    let spec = cage(1);
    worker.declare(&spec, 2);
    let mark = worker.folder.join("mark");
    let before = contents(source.path());
    // Whatever its configuration has git execute, it executes in the cage; and the difference is a plain one all the same.
    let script = format!(
        "echo changed >> notes.txt; echo 'echo ran; touch {0}' > hook; chmod +x hook
         mkdir -p .git/hooks; for hook in post-index-change pre-commit post-checkout; do cp hook .git/hooks/$hook; done
         git config core.fsmonitor \"$PWD/hook\"; git config core.worktree /tmp; git config diff.external \"$PWD/hook\"
         git config diff.noprefix true; git config color.ui always; git config filter.x.clean \"$PWD/hook; cat\"
         echo '* filter=x' > .git/info/attributes; touch .git/index.lock; git update-ref -d HEAD; rm hook",
        mark.display()
    );
    let id = worker.begin(working(spec.id, source.path(), &script));
    let (outcome, artifacts) = worker.ended(id);
    assert!(outcome.succeeded(), "{outcome:?}: {}", worker.output(id));
    assert!(!mark.exists());
    let difference = difference_of(&artifacts);
    assert!(difference.content.as_ref().unwrap().starts_with("diff --git a/notes.txt b/notes.txt\n"), "{difference:?}");

    // What is no repository any more has no difference, and work is not lost in silence.
    for script in
        ["rm -rf .git", "rm -rf .git; ln -s / .git", "cd ..; rm -rf \"$MENAGERIE_WORKSPACE\"", "rm -rf .git/objects"]
    {
        let id = worker.begin(working(spec.id, source.path(), &format!("echo x > new; {script}")));
        let (outcome, artifacts) = worker.ended(id);
        assert_eq!(outcome.kind, OutcomeKind::Failed, "{script}: {outcome:?}");
        assert!(outcome.message.starts_with("what it changed in its workspace could not be taken: "), "{outcome:?}");
        assert!(artifacts.is_empty(), "{artifacts:?}");
    }
    // What a failed attempt has changed is kept, and is nothing to be merged; what was cancelled is not.
    let id = worker.begin(working(spec.id, source.path(), "echo half > half.txt; exit 3"));
    let (outcome, artifacts) = worker.ended(id);
    assert_eq!((outcome.kind, outcome.exit_code), (OutcomeKind::Failed, Some(3)));
    assert_eq!(difference_of(&artifacts).difference.as_ref().unwrap().merge, None);
    let slow = Start {
        timeout: Some(Span::from_millis(500)),
        ..working(spec.id, source.path(), "echo half > half.txt; sleep 1000")
    };
    let id = worker.begin(slow);
    let (outcome, artifacts) = worker.ended(id);
    assert_eq!(outcome.kind, OutcomeKind::TimedOut, "{outcome:?}");
    assert_eq!(difference_of(&artifacts).difference.as_ref().unwrap().files, 1);
    let id = worker.begin(working(spec.id, source.path(), "echo half > half.txt; sleep 1000"));
    worker.started(id);
    worker.stop(id, Span::from_secs(1));
    let (outcome, artifacts) = worker.ended(id);
    assert_eq!((outcome.kind, artifacts.len()), (OutcomeKind::Cancelled, 0));
    assert_eq!(contents(source.path()), before, "the source was changed");
    let folder = worker.folder.clone();
    eventually("no copy is left", || copies(&folder).is_empty());
}

#[test]
fn a_difference_can_be_expected_and_is_verified_in_the_copy() {
    let (source, mut worker) = (repository(), Worker::start());
    let spec = cage(1);
    worker.declare(&spec, 1);
    let mut judged = |script: &str, check: Option<&str>| {
        let commands = check.into_iter().map(|check| ["sh", "-c", check].map(str::to_owned).to_vec()).collect();
        let verify = Verify { expect_difference: true, commands, ..Verify::default() };
        let id = worker.begin(Start { verify, ..working(spec.id, source.path(), script) });
        let (outcome, artifacts) = worker.ended(id);
        (outcome.kind, outcome.verification, artifacts.len(), outcome.message)
    };
    let (kind, verification, count, _) = judged("echo x > new", Some("test -e new && echo built > built.txt"));
    assert_eq!((kind, verification, count), (OutcomeKind::Succeeded, Verification::Verified, 1));
    let (kind, verification, count, message) = judged("true", None);
    assert_eq!((kind, verification, count), (OutcomeKind::Failed, Verification::Failed, 0));
    assert!(message.starts_with("verification failed: expected a difference from "), "{message}");
    // What verifies it makes no difference.
    let (kind, verification, ..) = judged("true", Some("echo x > new"));
    assert_eq!((kind, verification), (OutcomeKind::Failed, Verification::Failed));
    let verify = Verify { expect_difference: true, ..Verify::default() };
    let id = worker.begin(Start { verify, ..start(spec.id, &["true"]) });
    assert!(worker.ended(id).0.message.contains("had no workspace"));
}

#[test]
fn a_copy_that_cannot_be_made_starts_nothing() {
    let (source, mut worker) = (repository(), Worker::start());
    let mut spec = cage(1);
    worker.declare(&spec, 1);
    let failed = |worker: &mut Worker, start: Start| {
        let id = worker.begin(start);
        let (outcome, artifacts) = worker.ended(id);
        assert_eq!((outcome.kind, artifacts.len()), (OutcomeKind::NotStarted, 0), "{outcome:?}");
        outcome.message
    };
    let message = failed(&mut worker, working(spec.id, &source.path().join("none"), "true"));
    assert!(message.starts_with("its workspace could not be made: the repository "), "{message}");
    let mut start = working(spec.id, source.path(), "true");
    start.workspace.as_mut().unwrap().base = "no-such".to_owned();
    assert!(failed(&mut worker, start).contains("has no commit \"no-such\""));
    // What an agent could have written is nothing that git is run in.
    spec.write = vec![source.path().to_str().unwrap().to_owned()];
    worker.declare(&spec, 1);
    assert!(failed(&mut worker, working(spec.id, source.path(), "true")).contains("agents may write to"));
    let folder = worker.folder.clone();
    eventually("no copy is left", || copies(&folder).is_empty());
}

#[test]
fn copies_of_a_worker_that_was_killed_are_cleared_away() {
    let (source, mut worker) = (repository(), Worker::start());
    let spec = cage(1);
    worker.declare(&spec, 1);
    let id = worker.begin(working(spec.id, source.path(), "echo kept > ../kept; sleep 1000"));
    let folder = worker.folder.clone();
    eventually("it works", || folder.join("cages/001/work/kept").exists());
    assert_eq!(copies(&folder).len(), 1);
    worker.kill();
    let second = Worker::start_in(&folder);
    eventually("the copy is gone", || copies(&folder).is_empty());
    assert!(folder.join("cages/001/work/kept").exists(), "{id}");
    drop(second);
}

/// Those of some processes that are git.
fn gits(worker: &Worker) -> Vec<u32> {
    let is_git = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "git\n");
    worker.descendants().into_iter().filter(is_git).collect()
}

#[test]
fn a_git_that_hangs_ends_with_what_it_was_for_and_with_its_worker() {
    let source = repository();
    // Nobody ever writes to it, so git waits for its configuration.
    let config = source.path().join(".git/config");
    std::fs::remove_file(&config).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &config, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    let mut worker = Worker::start();
    let spec = cage(1);
    worker.declare(&spec, 1);
    let id = worker.begin(working(spec.id, source.path(), "true"));
    eventually("git hangs", || !gits(&worker).is_empty());
    let git = gits(&worker)[0];
    worker.stop(id, Span::from_millis(0));
    let (outcome, _) = worker.ended(id);
    assert_eq!(outcome.kind, OutcomeKind::Cancelled);
    eventually("git is gone", || !is_alive(git));
    worker.begin(working(spec.id, source.path(), "true"));
    eventually("git hangs", || !gits(&worker).is_empty());
    let git = gits(&worker)[0];
    worker.kill();
    eventually("git is gone", || !is_alive(git));
}
