//! Workspaces from declaration to merge: what a person types and what becomes of the repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use menagerie::domain::workspace::MergeState;
use menagerie::domain::{Artifact, ReviewState, TaskStatus, Verification};

use super::site::Site;

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn repository(site: &Site) -> PathBuf {
    let path = site.folder().join("shop");
    fs::create_dir(&path).unwrap();
    git(&path, &["init", "--quiet", "--initial-branch=main"]);
    git(&path, &["config", "user.name", "owner"]);
    git(&path, &["config", "user.email", "owner@example.org"]);
    fs::write(path.join("notes.txt"), "one\ntwo\nthree\n").unwrap();
    git(&path, &["add", "--all"]);
    git(&path, &["commit", "--quiet", "-m", "first"]);
    path
}

fn run(site: &Site, arguments: &[&str]) -> (i32, String, String) {
    let output = site.command(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// The one artifact of the tasks of a type.
fn artifact(site: &Site, kind: &str) -> Artifact {
    let task = site.tasks().into_iter().find(|task| task.kind == kind).unwrap();
    let query = vec![("task".to_owned(), task.id.to_string())];
    let found: Vec<Artifact> = site.client().unwrap().list("artifacts", &query).unwrap().0;
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap()
}

#[test]
fn what_is_approved_is_merged_and_nothing_before_that() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 2);
    let shop = repository(&site);
    let workspace = format!("{}@main", shop.display());
    let before = git(&shop, &["rev-parse", "HEAD"]);
    let script = "sed -i s/one/ONE/ notes.txt";
    let typed = [
        "run",
        "--wait",
        "--type",
        "fix",
        "--workspace",
        &workspace,
        "--merge",
        "main",
        "--expect-difference",
        "--",
        "sh",
        "-c",
        script,
    ];
    let (status, _, error) = run(&site, &typed);
    assert_eq!(status, 0, "{error}");
    let made = artifact(&site, "fix");
    let id = made.id.to_string();
    assert_eq!(made.difference.as_ref().map(|one| (one.files, one.merge.as_deref())), Some((1, Some("main"))));
    assert_eq!(made.merge, None);
    assert_eq!(git(&shop, &["rev-parse", "HEAD"]), before, "merged before anybody approved it");
    let shown = run(&site, &["artifact", "show", &id]).1;
    assert!(shown.contains("1 file, +1 -1 from ") && shown.contains("into main once it is approved"), "{shown}");
    assert!(shown.contains("+ONE"), "{shown}");
    let task = made.task_id.to_string();
    assert!(run(&site, &["task", "show", &task]).1.contains("shop at main, merged into main once approved"));
    let execution = made.execution_id.to_string();
    assert!(run(&site, &["execution", "show", &execution]).1.contains("shop at main, merged into main"));

    // A rejection merges nothing, and may be changed.
    assert_eq!(run(&site, &["artifact", "reject", &id]).0, 0);
    assert_eq!(git(&shop, &["rev-parse", "HEAD"]), before);
    assert_eq!(run(&site, &["artifact", "approve", &id]).0, 0);
    site.wait_for("the merge", |site| artifact(site, "fix").merge.is_some());
    let merged = artifact(&site, "fix").merge.unwrap();
    assert_eq!((merged.state, merged.branch.as_deref()), (MergeState::Merged, Some("main")), "{merged:?}");
    assert_eq!(git(&shop, &["rev-parse", "HEAD"]), merged.commit.unwrap());
    assert_eq!(fs::read_to_string(shop.join("notes.txt")).unwrap(), "ONE\ntwo\nthree\n");
    assert_eq!(git(&shop, &["status", "--porcelain"]), "");
    assert!(run(&site, &["artifact", "show", &id]).1.contains("merged into main as "));

    // What is merged is not merged twice, whatever is thought of it later.
    let tip = git(&shop, &["rev-parse", "HEAD"]);
    assert_eq!(run(&site, &["artifact", "reject", &id]).0, 0);
    assert_eq!(run(&site, &["artifact", "approve", &id]).0, 0);
    assert_eq!(site.records_of("artifact_merged").len(), 1);
    assert_eq!(git(&shop, &["rev-parse", "HEAD"]), tip);
    site.check_books();
}

#[test]
fn what_cannot_be_merged_says_why_and_an_engine_that_died_merges_later() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 2);
    let shop = repository(&site);
    let workspace = shop.display().to_string();
    for (kind, script) in [("clash", "sed -i s/one/UNO/ notes.txt"), ("late", "echo late > late.txt")] {
        let typed =
            ["run", "--wait", "--type", kind, "--workspace", &workspace, "--merge", "main", "--", "sh", "-c", script];
        let (status, _, error) = run(&site, &typed);
        assert_eq!(status, 0, "{error}");
    }
    fs::write(shop.join("notes.txt"), "eins\ntwo\nthree\n").unwrap();
    git(&shop, &["commit", "--quiet", "-am", "second"]);
    let tip = git(&shop, &["rev-parse", "HEAD"]);
    let clash = artifact(&site, "clash");
    assert_eq!(run(&site, &["artifact", "approve", &clash.id.to_string()]).0, 0);
    site.wait_for("the merge", |site| artifact(site, "clash").merge.is_some());
    let aside = artifact(&site, "clash");
    assert_eq!(aside.review.state, ReviewState::Approved);
    let merge = aside.merge.unwrap();
    assert_eq!(merge.state, MergeState::SetAside, "{merge:?}");
    assert_eq!(git(&shop, &["rev-parse", "HEAD"]), tip);
    let shown = run(&site, &["artifact", "show", &clash.id.to_string()]).1;
    assert!(
        shown.contains("not merged, but on branch menagerie/") && shown.contains("conflicts in notes.txt"),
        "{shown}"
    );
    let alerts = run(&site, &["alert", "list"]).1;
    assert!(alerts.contains("approved and is not merged"), "{alerts}");

    // The worker is told again until it has said what came of it.
    let late = artifact(&site, "late").id.to_string();
    site.kill_worker();
    assert_eq!(run(&site, &["artifact", "approve", &late]).0, 0);
    site.kill_engine();
    site.start_engine();
    site.wait_for("the merge", |site| artifact(site, "late").merge.is_some());
    assert_eq!(artifact(&site, "late").merge.unwrap().state, MergeState::Merged);
    assert_eq!(fs::read_to_string(shop.join("late.txt")).unwrap(), "late\n");
    site.check_books();
}

#[test]
fn a_difference_is_expected_only_of_what_has_a_workspace() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let shop = repository(&site);
    let refused = run(&site, &["run", "--expect-difference", "--", "true"]);
    assert_eq!(refused.0, 2, "{}", refused.2);
    assert!(refused.2.contains("verify.expect_difference") && refused.2.contains("give the task a workspace"));
    let (status, _, error) = run(&site, &["run", "--merge", "main", "--", "true"]);
    assert_eq!(status, 2, "{error}");
    assert!(run(&site, &["run", "--workspace", "/srv/x@-f", "--", "true"]).2.contains("workspace.base"));

    // The agent's own workspace will do, and a task that changes nothing in it has failed.
    let fleet = site.folder().join("coder.toml");
    let text = format!(
        "[[cage]]\nid = \"2\"\n[[agent]]\nname = \"coder\"\ncapabilities = [\"shell\"]\ncage = \"2\"\n\
         runtime = {{ type = \"command\", workspace = {{ repository = \"{}\", base = \"main\" }} }}\n",
        shop.display()
    );
    fs::write(&fleet, &text).unwrap();
    let applied = run(&site, &["apply", fleet.to_str().unwrap()]);
    assert_eq!(applied.0, 0, "{}", applied.2);
    fs::write(&fleet, text.replace("base = \"main\"", "base = \"-x\"")).unwrap();
    let refused = run(&site, &["apply", fleet.to_str().unwrap()]);
    assert!(refused.0 == 2 && refused.2.contains("runtime.workspace.base"), "{}", refused.2);
    let typed = |kind: &str, script: &str| {
        let line =
            ["run", "--wait", "--agent", "coder", "--type", kind, "--expect-difference", "--", "sh", "-c", script];
        run(&site, &line)
    };
    let (status, _, error) = typed("idle", "true");
    assert_ne!(status, 0);
    assert!(error.contains("verification failed: expected a difference from "), "{error}");
    let (status, _, error) = typed("busy", "echo more >> notes.txt");
    assert_eq!(status, 0, "{error}");
    let task = site.tasks().into_iter().find(|task| task.kind == "busy").unwrap();
    assert_eq!((task.status, task.verification), (TaskStatus::Completed, Some(Verification::Verified)));
    let listed = |filter: &str| run(&site, &["task", "list", "--filter", filter, "-o", "csv"]).1;
    assert!(listed("verification:verified").contains("busy") && !listed("verification:verified").contains("idle"));
    assert!(listed("verification:failed").contains("idle") && !listed("verification:failed").contains("busy"));
    assert_eq!(git(&shop, &["status", "--porcelain"]), "");
    // Nobody said where to, so approving it merges nothing.
    let made = artifact(&site, "busy");
    assert_eq!(run(&site, &["artifact", "approve", &made.id.to_string()]).0, 0);
    assert_eq!(site.records_of("artifact_merged").len(), 0);
    site.check_books();
}
