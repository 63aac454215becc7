//! The command line as people and scripts use it: the real binary, without an engine or with a small stand-in that
//! gives fixed answers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed, which is what it is for")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use clap::CommandFactory;
use menagerie::cli::args::Cli;

mod stand_in;

/// Runs the binary in a home of its own.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn data_dir(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_menagerie"));
        command.env_clear().env("HOME", self.0.path()).env("PATH", "/usr/bin:/bin").current_dir(self.0.path());
        command.arg("--data-dir").arg(self.data_dir()).arg("--no-start").args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).stdin(Stdio::null()).output().unwrap())
    }

    fn run_with_input(&self, args: &[&str], input: &[u8]) -> Ran {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A process that refuses its input early closes the pipe; that is its right.
        let _ = child.stdin.take().unwrap().write_all(input);
        Ran::of(child.wait_with_output().unwrap())
    }
}

/// What a run left behind.
#[derive(Debug)]
struct Ran {
    status: i32,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Every verb with the words that lead to it.
fn verbs(command: &clap::Command, path: &[String], found: &mut Vec<Vec<String>>) {
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        let path = [path, &[verb.get_name().to_owned()]].concat();
        found.push(path.clone());
        verbs(verb, &path, found);
    }
}

/// Every option says what it is for.
fn check_help(command: &clap::Command) {
    for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
        assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
    }
    command.get_subcommands().filter(|verb| verb.get_name() != "help").for_each(check_help);
}

#[test]
fn every_verb_and_option_has_help() {
    let home = Home::new();
    let mut cli = Cli::command();
    cli.build();
    let mut all = vec![vec![]];
    verbs(&cli, &[], &mut all);
    assert!(all.len() > 30, "{all:?}");
    for path in &all {
        let mut args: Vec<&str> = path.iter().map(String::as_str).collect();
        args.push("--help");
        let ran = home.run(&args);
        assert_eq!(ran.status, 0, "{args:?}: {ran:?}");
        assert!(ran.out.contains("Usage: menagerie"), "{args:?}: {ran:?}");
    }
    check_help(&cli);
    cli.debug_assert();
}

#[test]
fn completions_and_manual_pages_are_made() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = home.run(&["completions", shell]);
        assert_eq!(ran.status, 0);
        assert!(ran.out.contains("maintenance"), "{shell}");
    }
    assert!(home.run(&["man"]).out.contains(".TH menagerie 1"));
    let folder = home.0.path().join("man");
    assert_eq!(home.run(&["man", folder.to_str().unwrap()]).status, 0);
    assert!(folder.join("menagerie-task-submit.1").exists());
}

#[test]
fn schemas_are_json_and_know_the_keys() {
    let home = Home::new();
    for (file, key) in [("config", "data_dir"), ("fleet", "cage"), ("task", "depends_on")] {
        let ran = home.run(&["schema", file]);
        let schema: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert!(schema["properties"][key].is_object(), "{file}: {schema}");
    }
}

#[test]
fn without_an_engine_the_status_is_3() {
    let home = Home::new();
    for args in [&["status"][..], &["stop"], &["task", "list"], &["run", "--", "true"], &["agent", "add", "x"]] {
        let ran = home.run(args);
        assert_eq!(ran.status, 3, "{args:?}: {ran:?}");
        assert!(ran.err.starts_with("error: no engine runs on ") && ran.out.is_empty(), "{args:?}: {ran:?}");
    }
    assert!(!home.data_dir().exists());
}

#[test]
fn bad_usage_names_the_value_and_leaves_nothing() {
    let home = Home::new();
    let cases: [(&[&str], &str); 22] = [
        (&["run", "--priority", "0", "--", "true"], "priority: \"0\" is not allowed; allowed: 1 to 10"),
        (&["run", "--priority", "11", "--", "true"], "priority: \"11\""),
        (&["run", "--cpu", "-1", "--", "true"], "cpu: \"-1\" is not allowed"),
        (&["run", "--memory", "99999999999GiB", "--", "true"], "size: \"99999999999GiB\""),
        (&["run", "--timeout", "soon", "--", "true"], "span: \"soon\""),
        (&["run", "--timeout", "0s", "--", "true"], "timeout: \"0s\" is not allowed; allowed: more than zero"),
        (&["run", "--cage", "1001", "--", "true"], "cage: \"1001\" is not allowed; allowed: 001 to 1000"),
        (&["run", "--deadline", "tomorrow", "--", "true"], "\"tomorrow\""),
        (&["run", "--array", "9-1", "--", "true"], "array: \"9-1\""),
        (&["run", "--array", "0-4294967294", "--", "true"], "array: \"0-4294967294\""),
        (&["run", "--env", "X", "--", "true"], "env: \"X\" is not allowed; allowed: NAME=VALUE"),
        (&["run", "--max-attempts", "101", "--", "true"], "max_attempts: \"101\""),
        (&["run", "--", "no-such-program-anywhere"], "command \"no-such-program-anywhere\" does not exist"),
        (&["run", "--", "/no/such/program"], "command \"/no/such/program\" does not exist"),
        (&["run", "--workdir=/no/such/folder", "--", "true"], "workdir: \"/no/such/folder\""),
        (&["run", "--each", "/no/such/file", "--", "true"], "cannot read /no/such/file"),
        (&["run"], "required"),
        (&["task", "submit", "x", "--input", "[1]"], "input: \"[1]\" is not allowed; allowed: a JSON object"),
        (&["task", "submit", ""], "error: type: \"\" is not allowed; allowed: 1 to 100 characters"),
        (&["task", "list", "--status", "runing"], "invalid value 'runing'"),
        (&["agent", "add", "a", "--concurrency", "0"], "concurrency: \"0\""),
        (&["tsak"], "unrecognized subcommand"),
    ];
    for (args, expected) in cases {
        let ran = home.run(args);
        assert_eq!(ran.status, 2, "{args:?}: {ran:?}");
        assert!(ran.err.contains(expected) && ran.out.is_empty(), "{args:?}: {ran:?}");
    }
    assert!(!home.data_dir().exists());
}

fn fleets(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fleets").join(kind);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 3);
    files
}

#[test]
fn valid_fleets_pass() {
    let home = Home::new();
    let passes = |ran: Ran, file: &Path| {
        assert_eq!(ran.status, 0, "{}: {ran:?}", file.display());
        // What a cage may read elsewhere need not be on this machine.
        let only_absent =
            ran.err.lines().all(|line| line.starts_with("warning: cage ") && line.contains("is not there"));
        assert!(only_absent, "{}: {ran:?}", file.display());
    };
    for file in fleets("valid") {
        passes(home.run(&["apply", "--check", file.to_str().unwrap()]), &file);
    }
    // What the examples run need not be installed here.
    let programs = home.0.path().join("opt/bin");
    std::fs::create_dir_all(&programs).unwrap();
    for name in ["claude", "codex", "gemini", "opencode", "cargo"] {
        std::fs::write(programs.join(name), "").unwrap();
    }
    let opt = home.0.path().join("opt");
    for example in ["agents/agents.toml", "survey/survey.toml"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples").join(example);
        let text = std::fs::read_to_string(&file).unwrap().replace("/opt", opt.to_str().unwrap());
        passes(home.run_with_input(&["apply", "--check", "-"], text.as_bytes()), &file);
    }
    let ran = home.run_with_input(&["apply", "--check", "-", "-o", "json"], b"[[cage]]\nrange = '1-9'\n");
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report, serde_json::json!({"cages": 9, "agents": 0}));
}

#[test]
fn invalid_fleets_are_refused_with_file_line_and_column() {
    let home = Home::new();
    for file in fleets("invalid") {
        let text = std::fs::read_to_string(&file).unwrap();
        let expected = text.lines().next().unwrap().strip_prefix("# expect: ").unwrap();
        // A real `apply` refuses it too, before it looks for an engine.
        for check in [&["apply", "--check"][..], &["apply"]] {
            let ran = home.run(&[check, &[file.to_str().unwrap()]].concat());
            assert_eq!(ran.status, 2, "{}: {ran:?}", file.display());
            assert!(ran.err.contains(&format!("{}:", file.display())), "{}: {ran:?}", file.display());
            assert!(ran.err.contains(expected), "{}: {}\nlacks {expected}", file.display(), ran.err);
        }
    }
    assert!(!home.data_dir().exists());
}

#[test]
fn fleets_that_are_no_text_are_refused() {
    let home = Home::new();
    let cases: [(Vec<u8>, &str); 4] = [
        (b"a = \"\xff\"".to_vec(), "<stdin>:1:6: not UTF-8"),
        (b"\n\0".to_vec(), "<stdin>:2:1: a NUL byte"),
        (vec![b' '; 10 << 20], "<stdin>: larger than 4 MiB"),
        (vec![b'['; 100_000], "<stdin>:1:"),
    ];
    for (input, expected) in cases {
        let ran = home.run_with_input(&["apply", "-"], &input);
        assert_eq!(ran.status, 2, "{expected}: {ran:?}");
        assert!(ran.err.contains(expected), "{expected}: {ran:?}");
        assert!(ran.err.len() < 2000, "{}", ran.err.len());
    }
}

#[test]
fn batches_are_refused_with_line_and_column_before_an_engine_is_looked_for() {
    let home = Home::new();
    let ran = home.run_with_input(&["task", "submit", "--batch", "-"], b"{\"type\": \"a\"}\n{\"type\": \"a\", }\n{}");
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("<stdin>:2:15: "), "{ran:?}");
    assert!(ran.err.contains("<stdin>:3:2: missing field `type`"), "{ran:?}");
    assert!(ran.err.contains("nothing was submitted"), "{ran:?}");
    let ran = home.run_with_input(&["task", "submit", "--batch", "-"], b"\n \n");
    assert_eq!(ran.status, 2, "{ran:?}");
}

#[test]
fn settings_say_where_they_come_from() {
    let home = Home::new();
    let folder = home.0.path().join(".config/menagerie");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), "output = \"json\"\n[engine]\nlog_level = \"debug\"\n").unwrap();
    let ran = Ran::of(home.command(&["config", "show"]).env("MENAGERIE_LOG_FORMAT", "json").output().unwrap());
    let rows: Vec<serde_json::Value> = serde_json::from_str(&ran.out).unwrap();
    let origin = |key: &str| rows.iter().find(|row| row["key"] == key).unwrap()["origin"].as_str().unwrap().to_owned();
    assert_eq!(origin("data_dir"), "flag --data-dir");
    assert!(origin("output").ends_with("config.toml"));
    assert_eq!(origin("engine.log_format"), "environment MENAGERIE_LOG_FORMAT");
    assert_eq!(origin("color"), "default");
    std::fs::write(folder.join("config.toml"), "ouptut = \"json\"").unwrap();
    let ran = home.run(&["config", "show"]);
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("config.toml:1:1: ") && ran.err.contains("Did you mean `output`?"), "{ran:?}");
}

#[test]
fn what_is_wrong_with_the_consoles_settings_stops_only_the_verb_that_is_about_settings() {
    let home = Home::new();
    let folder = home.0.path().join(".config/menagerie");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), "[console]\nthme = \"nord\"\nmouse = 7\nbudget = 900\n").unwrap();
    // No engine runs, and that is all that is wrong.
    assert_eq!(home.run(&["status"]).status, 3);
    let ran = home.run(&["config", "show"]);
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.err.contains("config.toml:2:1: ") && ran.err.contains("Did you mean `theme`?"), "{ran:?}");
    assert!(ran.err.contains("mouse: \"7\" is neither on nor off"), "{ran:?}");
    assert!(ran.out.contains("900"), "what is right is shown: {ran:?}");
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let home = Home::new();
    let mut child = home.command(&["completions", "zsh"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

mod with_a_stand_in {
    use super::*;
    use crate::stand_in::{Answer, StandIn};
    use menagerie::domain::Timestamp;
    use menagerie::domain::spool::{self, Chunk, Stream};
    use serde_json::{Value, json};

    const TASK: &str = "0199a8e3-4b2c-7f3a-9d21-0123456789ab";

    fn ok(value: &Value) -> Answer {
        (200, None, value.to_string().into_bytes())
    }

    fn refusal(status: u16, kind: &str) -> Answer {
        let error = json!({"error": {"kind": kind, "field": "task", "value": "x", "allowed": "another", "hint": ""}});
        (status, None, error.to_string().into_bytes())
    }

    fn task(status: &str) -> Value {
        json!({"id": TASK, "type": "command", "status": status, "priority": 5, "execution_id": TASK,
            "parameters": {"configuration": {"command": ["echo", "a b"]}}, "error": "went wrong",
            "created_at": "2026-01-01T00:00:00Z"})
    }

    fn answer(request: &str, body: &str) -> Answer {
        let spooled = || {
            let mut bytes = Vec::new();
            for (stream, text) in [(Stream::Out, "to out\n"), (Stream::Err, "to err\n"), (Stream::Out, "more\n")] {
                spool::encode(Chunk { stream, time: Timestamp::EPOCH, bytes: text.as_bytes() }, &mut bytes);
            }
            bytes
        };
        match request {
            "POST /v1/commands" => {
                let command: Value = serde_json::from_str(body).unwrap();
                match command["command"].as_str().unwrap() {
                    "submit_tasks" => {
                        let tasks = command["tasks"].as_array().unwrap();
                        if tasks.iter().any(|task| task["type"] == "impossible") {
                            let error = json!({"kind": "impossible", "field": "tasks[1]: requirements.cpu", "value": "900",
                                "allowed": "at most 4 (cage 001)"});
                            return (422, None, json!({"error": error}).to_string().into_bytes());
                        }
                        ok(&json!({"reply": "submitted", "ids": vec![TASK; tasks.len()]}))
                    }
                    "cancel_tasks" => ok(&json!({"reply": "items", "done": ["a"], "refused": [{"item": "b",
                        "refusal": {"kind": "conflict", "field": "status", "value": "already over"}}]})),
                    "apply" => ok(&json!({"reply": "applied", "unchanged": 3, "changes": [
                        {"what": "cage 001", "action": "change", "fields": ["limits.cpu: 1 -> 2"]}]})),
                    other => panic!("{other}"),
                }
            }
            "GET /v1/ready" => ok(&json!({"ready": true, "phase": "ready", "done": 0, "total": 0})),
            "GET /v1/status" => {
                ok(&json!({"version": "0.1.0", "pid": 7, "seq": 9, "tasks": {"pending": 2, "failed": 0}}))
            }
            "GET /v1/overview" => ok(
                &json!({"seq": 9, "time": "2026-01-01T00:00:00Z", "health": [], "counts": {"tasks": {}, "agents": {}, "cages": {}, "artifacts": {}},
                "queue": {"pending": 2}, "minutes": [], "nodes": [], "inbox": [], "inbox_total": 0, "alerts": [],
                "alerts_total": 0, "at_risk": [], "at_risk_total": 0}),
            ),
            "GET /v1/tasks/absent" => refusal(404, "not_found"),
            "GET /v1/tasks/full" => refusal(503, "unavailable"),
            _ if request.starts_with("GET /v1/alerts?") => (200, Some(0), b"[]".to_vec()),
            _ if request.ends_with("/logs?follow=true") => (200, None, spooled()),
            _ if request.contains("/wait?timeout_s=") => ok(&task("failed")),
            _ if request.starts_with("GET /v1/executions/") => {
                ok(&json!({"outcome": {"kind": "failed", "exit_code": 7}}))
            }
            _ if request.starts_with("GET /v1/tasks?") => {
                (200, Some(1), Value::from(vec![task("failed")]).to_string().into_bytes())
            }
            _ => panic!("{request}"),
        }
    }

    fn home() -> (Home, StandIn) {
        let home = Home::new();
        let engine = StandIn::start(&home.data_dir(), answer);
        (home, engine)
    }

    #[test]
    fn run_sends_what_was_typed_and_prints_the_id() {
        let (home, engine) = home();
        let ran =
            home.run(&["run", "--cpu", "1.5", "--after", "01,02", "-e", "A=b=c", "--tag", "t", "--", "echo", "a b"]);
        assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (0, &*format!("{TASK}\n"), ""));
        let command: Value = serde_json::from_str(&engine.asked()[0].1).unwrap();
        let task = &command["tasks"][0];
        assert_eq!(task["parameters"]["configuration"], json!({"command": ["echo", "a b"], "env": {"A": "b=c"}}));
        assert_eq!(task["requirements"], json!({"cpu": 1.5, "capabilities": ["shell"]}));
        assert_eq!((&task["depends_on"], &task["metadata"]["source"]), (&json!(["01", "02"]), &json!("run")));
        let ran = home.run(&["run", "-o", "json", "--agent", "x", "--", "true"]);
        assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap(), json!({"id": TASK}));
        let command: Value = serde_json::from_str(&engine.asked()[1].1).unwrap();
        assert!(command["tasks"][0]["requirements"].get("capabilities").is_none());
    }

    #[test]
    fn run_for_each_line_is_one_request() {
        let (home, engine) = home();
        let ran = home.run_with_input(&["run", "--each", "-", "--", "wc", "-l", "{}"], b"a\n\nb c\n");
        assert_eq!((ran.status, ran.out.lines().count()), (0, 2), "{ran:?}");
        let command: Value = serde_json::from_str(&engine.asked()[0].1).unwrap();
        assert_eq!(command["tasks"][1]["parameters"]["configuration"]["command"], json!(["wc", "-l", "b c"]));
        assert_eq!(engine.asked().len(), 1);
    }

    #[test]
    fn run_and_wait_gives_output_and_status_of_the_command() {
        let (home, _engine) = home();
        let ran = home.run(&["run", "--wait", "--", "sh", "-c", "exit 7"]);
        assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (7, "to out\nmore\n", "to err\n"));
        let ran = home.run(&["task", "wait", TASK]);
        assert_eq!((ran.status, ran.out.as_str()), (1, &*format!("{TASK} failed went wrong\n")));
    }

    #[test]
    fn lists_come_in_every_format() {
        let (home, engine) = home();
        let ran = home.run(&["task", "list", "--status", "running,pending", "--tag", "a&b", "--sort", "-priority"]);
        assert_eq!(ran.status, 0, "{ran:?}");
        assert!(ran.out.starts_with("ID             TYPE     STATUS"), "{}", ran.out);
        assert!(ran.out.contains("0199a8e3-4b2c  command  failed") && ran.out.contains("went wrong"), "{}", ran.out);
        let asked = &engine.asked()[0].0;
        assert_eq!(asked, "GET /v1/tasks?status=executing%2Cpending&tag=a%26b&sort=-priority&limit=100&offset=0");
        let json_rows: Vec<Value> = serde_json::from_str(&home.run(&["task", "list", "-o", "json"]).out).unwrap();
        assert_eq!(json_rows, [task("failed")]);
        let line = home.run(&["task", "list", "-o", "jsonl"]).out;
        assert_eq!(serde_json::from_str::<Value>(line.trim_end()).unwrap(), task("failed"));
        let csv = home.run(&["task", "list", "-o", "csv"]).out;
        assert!(csv.starts_with("id,type,status,priority,execution_id,parameters,error,created_at\r\n"), "{csv}");
        assert!(csv.contains(r#""{""configuration"":{""command"":[""echo"",""a b""]}}""#), "{csv}");
    }

    #[test]
    fn status_has_counts_under_tasks() {
        let (home, _engine) = home();
        let status: Value = serde_json::from_str(&home.run(&["status", "-o", "json"]).out).unwrap();
        assert_eq!(status["tasks"]["pending"], 2);
        let ran = home.run(&["status"]);
        assert!(ran.out.contains("tasks      2 pending\n"), "{} {}", ran.out, ran.err);
        assert!(!ran.out.contains('\u{1b}'));
        assert!(home.run(&["status", "--color", "always"]).out.contains('\u{1b}'));
    }

    #[test]
    fn refusals_decide_the_exit_status() {
        let (home, _engine) = home();
        let ran = home.run(&["task", "show", "absent"]);
        assert_eq!((ran.status, ran.err.as_str()), (2, "error: task \"x\" does not exist; allowed: another\n"));
        assert_eq!(home.run(&["task", "show", "full"]).status, 1);
        let ran = home.run(&["task", "cancel", "a", "b"]);
        assert_eq!((ran.status, ran.out.as_str()), (1, "a cancelled\n"));
        assert!(ran.err.contains("b: status: already over"), "{ran:?}");
    }

    #[test]
    fn batches_go_out_as_one_and_answers_name_lines() {
        let (home, engine) = home();
        let lines = b"{\"type\": \"a\", \"key\": \"k\"}\n\n{\"type\": \"b\", \"depends_on\": [\"k\"]}\n";
        let ran = home.run_with_input(&["task", "submit", "--batch", "-"], lines);
        assert_eq!((ran.status, ran.out.as_str()), (0, "2 tasks submitted\n"), "{ran:?}");
        assert_eq!(engine.asked().len(), 1);
        let lines = b"{\"type\": \"a\"}\n\n{\"type\": \"impossible\"}\n";
        let ran = home.run_with_input(&["task", "submit", "--batch", "-"], lines);
        assert_eq!(ran.status, 2);
        assert!(ran.err.starts_with("error: <stdin>:3: requirements.cpu: 900; allowed: at most 4"), "{ran:?}");
        let ran = home.run_with_input(
            &["task", "submit", "--batch", "-", "--keep-going", "-o", "jsonl"],
            b"{\"type\": \"a\"}\n{\n",
        );
        assert_eq!((ran.status, ran.out.lines().count()), (1, 1), "{ran:?}");
        assert!(ran.err.contains("<stdin>:2:1: EOF while parsing"), "{ran:?}");
    }

    #[test]
    fn apply_shows_the_difference() {
        let (home, engine) = home();
        let ran = home.run_with_input(&["apply", "-", "--dry-run"], b"[[cage]]\nid = '1'\nread = ['~/x']\n");
        assert_eq!(ran.status, 0, "{ran:?}");
        assert_eq!(ran.out, "~ cage 001\n    limits.cpu: 1 -> 2\n1 would change, 3 as they were\n");
        let command: Value = serde_json::from_str(&engine.asked()[0].1).unwrap();
        assert_eq!(command["dry_run"], true);
        let path = home.0.path().join("x");
        assert_eq!(command["fleet"]["cage"][0]["read"][0].as_str().unwrap(), path.to_str().unwrap());
    }
}
