//! `menagerie demo` from end to end: the real binary, a real engine, real cages, real agents on a real repository.

// A test's helpers fail like the test itself.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A place for one demo, which ends its engine whatever happens.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }
    fn menagerie(&self, words: &[&str], folder: &Path) -> Output {
        Command::new(env!("CARGO_BIN_EXE_menagerie"))
            .args(words)
            .current_dir(folder)
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .env("HOME", self.folder.path())
            .env_remove("MENAGERIE_DATA_DIR")
            .output()
            .unwrap()
    }
    /// The data directories of the demos that ran here.
    fn data_dirs(&self) -> Vec<PathBuf> {
        let demos = std::fs::read_dir(self.folder.path().join("state/menagerie")).into_iter().flatten();
        demos.filter_map(Result::ok).map(|entry| entry.path().join("data")).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for data_dir in self.data_dirs() {
            // Exit status 3 when the demo has stopped its engine itself.
            let _ = Command::new(env!("CARGO_BIN_EXE_menagerie"))
                .args(["stop", "--all", "--no-start", "--data-dir"])
                .arg(&data_dir)
                .output();
        }
    }
}

fn git(folder: &Path, words: &[&str]) {
    let identity = ["-c", "user.name=Jörg \"J\" O'Neil", "-c", "user.email=a@b", "-c", "commit.gpgSign=false"];
    let output = Command::new("git").args(identity).arg("-C").arg(folder).args(words).output().unwrap();
    assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A repository with names, contents and bytes that trip careless scripts.
fn awkward_repository(folder: &Path) -> PathBuf {
    let root = folder.join("it's a \"repository\"");
    std::fs::create_dir_all(root.join("a dir/sub")).unwrap();
    std::fs::write(root.join("a dir/sub/ü \"q\".rs"), "fn main() { // TODO: \"x\" | y\n    unsafe { }\n}\n").unwrap();
    std::fs::write(root.join("tab\there.py"), "def f():\n    pass\n").unwrap();
    std::fs::write(root.join("latin.txt"), b"x\xffy FIXME\n").unwrap();
    std::fs::write(root.join("README.md"), "[gone](missing.md) [there](a%20dir/sub)\n").unwrap();
    std::fs::write(root.join("long.js"), "a".repeat(1 << 20)).unwrap();
    git(&root, &["init", "--quiet"]);
    git(&root, &["add", "--all"]);
    git(&root, &["commit", "--quiet", "--message", "Line one"]);
    root
}

#[test]
fn an_awkward_repository_is_surveyed_and_the_glutton_is_caught() {
    let place = Place::new();
    let repository = awkward_repository(place.folder.path());
    let output = place.menagerie(&["demo", "--approve-all", "-o", "json"], &repository);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&result["succeeded"], &result["glutton_caught"]), (&Value::Bool(true), &Value::Bool(true)), "{said}");
    assert_eq!(result["summary"]["status"], "completed");
    let artifacts = result["artifacts"].as_array().unwrap();
    let content = |title: &str| {
        let found = artifacts.iter().find(|artifact| artifact["title"] == title);
        found.and_then(|artifact| artifact["content"].as_str()).unwrap_or_default().to_owned()
    };
    let summary = content("summary.md");
    assert!(summary.contains("# Survey of it's a \"repository\"") && summary.contains("13 reports"), "{summary}");
    assert!(content("todo.csv").contains("\"a dir/sub/ü \"\"q\"\".rs\",1,"), "{}", content("todo.csv"));
    assert!(content("links.csv").contains("README.md,1,missing.md"), "{}", content("links.csv"));
    assert!(content("activity.md").contains("Jörg \"J\" O'Neil"), "{}", content("activity.md"));
    // With --approve-all and without --keep the demo ends what it started.
    let data_dir = place.data_dirs().pop().unwrap();
    let status = place.menagerie(&["status", "--no-start", "--data-dir", data_dir.to_str().unwrap()], &repository);
    assert_eq!(status.status.code(), Some(3), "{}", String::from_utf8_lossy(&status.stderr));
}

#[test]
fn the_summary_waits_for_approval_and_the_printed_commands_work() {
    let place = Place::new();
    let empty = place.folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    git(&empty, &["init", "--quiet"]);
    let output = place.menagerie(&["demo", "empty"], place.folder.path());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("Caught: the glutton"), "{said}");
    let after = |heading: &str| {
        let line = said.lines().skip_while(|line| !line.starts_with(heading)).nth(1);
        line.map(|line| line.trim().to_owned()).unwrap_or_default()
    };
    let shell = |line: &str| Command::new("sh").args(["-c", line]).output().unwrap();
    let explained = shell(&after("Ask why the summary waits"));
    let why = String::from_utf8_lossy(&explained.stdout).into_owned();
    assert!(why.contains("approval"), "{why}");
    let approved = shell(&after("Approve all of them:"));
    assert!(approved.status.success(), "{}", String::from_utf8_lossy(&approved.stderr));
    let wait = said.lines().find(|line| line.contains(" task wait ")).unwrap();
    let listed = shell(wait);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("summary.md"), "{listed:?}");
    let stopped = shell(&after("The demo's engine runs on."));
    assert!(stopped.status.success(), "{stopped:?}");
}

#[test]
fn a_folder_without_a_repository_is_refused() {
    let place = Place::new();
    let output = place.menagerie(&["demo", "."], place.folder.path());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("PATH") && said.contains("git says"), "{said}");
    assert!(place.data_dirs().is_empty(), "nothing is left behind");
}
