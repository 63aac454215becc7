//! `menagerie demo` from end to end: the real binary, a real engine, real cages, real agents on a real repository; in lines,
//! on the console in a pseudo-terminal, and at scale.

// A test's helpers fail like the test itself.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

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
    let tasks = |words: &[&str]| -> u64 {
        let output =
            place.menagerie(&[&["demo", "empty", "-o", "json", "--headless"], words].concat(), place.folder.path());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let data_dir = place.data_dirs().pop().unwrap();
        let words = ["status", "--no-start", "-o", "json", "--data-dir", data_dir.to_str().unwrap()];
        let status: Value = serde_json::from_slice(&place.menagerie(&words, place.folder.path()).stdout).unwrap();
        status["tasks"].as_object().unwrap().values().filter_map(Value::as_u64).sum()
    };
    // The same again goes on with the survey whose summary waits, and finds everything that was there.
    let again = place.menagerie(&["demo", "empty"], place.folder.path());
    let said_again = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(again.status.success() && said_again.contains("is under way here"), "{said_again}");
    assert!(said_again.contains("Caught: the glutton") && said_again.contains("--again"), "{said_again}");
    assert_eq!(tasks(&[]), 15);
    let explained = shell(&after("Ask why the summary waits"));
    let why = String::from_utf8_lossy(&explained.stdout).into_owned();
    assert!(why.contains("approval"), "{why}");
    let approved = shell(&after("Approve all of them:"));
    assert!(approved.status.success(), "{}", String::from_utf8_lossy(&approved.stderr));
    let wait = said.lines().find(|line| line.contains(" task wait ")).unwrap();
    let listed = shell(wait);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("summary.md"), "{listed:?}");
    // It is over: the same shows it once more, and --again begins another.
    assert_eq!(tasks(&[]), 15);
    assert_eq!(tasks(&["--again"]), 30);
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

/// What the demo at these words says on a terminal, when `q` is pressed as soon as `until` holds for what has come.
fn on_a_terminal(place: &Place, words: &[&str], mut until: impl FnMut(&str) -> bool) -> String {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, vec![]).unwrap();
    let slave = std::fs::OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let size = rustix::termios::Winsize { ws_row: 36, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&slave, size).unwrap();
    let end = || Stdio::from(slave.try_clone().unwrap());
    // The helper makes the terminal its own and becomes the demo.
    let mut child = Command::new(env!("CARGO_BIN_EXE_menagerie"))
        .args(["bench", "terminal", "--"])
        .args(words)
        .current_dir(place.folder.path())
        .env("XDG_STATE_HOME", place.folder.path().join("state"))
        .env("XDG_CONFIG_HOME", place.folder.path().join("config"))
        .env("HOME", place.folder.path())
        .env("TERM", "xterm-256color")
        .env_remove("MENAGERIE_DATA_DIR")
        .stdin(end())
        .stdout(end())
        .stderr(end())
        .spawn()
        .unwrap();
    drop(slave);
    let mut keys = std::fs::File::from(master.try_clone().unwrap());
    let mut screen = std::fs::File::from(master);
    let (sender, pieces) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 16_384];
        while let Ok(count @ 1..) = screen.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    let (mut said, mut pressed) = (Vec::new(), false);
    let patience = Instant::now() + Duration::from_mins(2);
    // The channel closes when the demo, the last that holds the terminal, has ended.
    loop {
        match pieces.recv_timeout(Duration::from_millis(100)) {
            Ok(piece) => said.extend(piece),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
        }
        let text = String::from_utf8_lossy(&said);
        if !pressed && until(&text) {
            keys.write_all(b"q").unwrap();
            pressed = true;
        }
        assert!(Instant::now() < patience, "the demo goes on and on: {text}");
    }
    assert!(child.wait().unwrap().success());
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn on_a_terminal_the_console_opens_and_leaving_it_leaves_the_survey_running() {
    let place = Place::new();
    let site = PathBuf::from(place.folder.path());
    let status = |site: &Path| {
        let data_dir = place.data_dirs().pop()?;
        let words = ["status", "--no-start", "-o", "json", "--data-dir", data_dir.to_str()?];
        serde_json::from_slice::<Value>(&place.menagerie(&words, site).stdout).ok()
    };
    let tasks = |status: &Value| status["tasks"].as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>();
    let mut first_frame = None;
    let said = on_a_terminal(&place, &["demo"], |text| {
        if first_frame.is_none() && text.contains("\x1b[?2026l") {
            first_frame = Some(text.to_owned());
        }
        // On a busy machine the tasks may be there before the screen is.
        first_frame.is_some() && status(&site).is_some_and(|status| tasks(&status) == 15)
    });
    let first_frame = first_frame.unwrap();
    assert!(first_frame.contains("menagerie"), "{first_frame:?}");
    // The screen is given back, and what is said then stays.
    let after = said.rsplit("\x1b[?1049l").next().unwrap();
    let lines: Vec<&str> = after.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert!(lines.len() <= 3 && after.contains("The fleet goes on"), "{after:?}");
    let stop = lines.iter().find_map(|line| line.split_once("runs in it:")).unwrap().1;
    assert!(status(&site).is_some(), "the engine runs on");
    let stopped = Command::new("sh").args(["-c", stop]).output().unwrap();
    assert!(stopped.status.success(), "{stop}: {stopped:?}");
    assert!(status(&site).is_none());
}

#[test]
fn a_fleet_of_a_size_is_at_work_and_filled_once() {
    let place = Place::new();
    let words = ["demo", "--headless", "--fleet-size", "12", "--tasks", "30", "-o", "json"];
    let run = || {
        let output = place.menagerie(&words, place.folder.path());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    run();
    let patience = Instant::now() + Duration::from_mins(1);
    loop {
        // The same again changes nothing and says how it is.
        let status = run();
        let number = |noun: &str, state: &str| status[noun][state].as_u64().unwrap();
        let tasks = &status["tasks"];
        assert_eq!(tasks.as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>(), 30, "{tasks}");
        assert_eq!(tasks["failed"], 0, "no shift fails among the first thirty: {tasks}");
        // Eleven live in their cage, one takes the vacant one while it works: twelve cages at work.
        if number("tasks", "executing") == 12 {
            assert_eq!(number("agents", "busy"), 12);
            return;
        }
        assert!(Instant::now() < patience, "{status}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
