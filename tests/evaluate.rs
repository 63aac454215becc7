//! `menagerie evaluate selection`, the real binary on made-up logs.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn menagerie(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_menagerie"));
    command.env("MENAGERIE_DATA_DIR", folder.join("data")).env("NO_COLOR", "1");
    command
}

fn evaluate(folder: &Path, log: &str, args: &[&str]) -> Output {
    let path = folder.join("log.jsonl");
    std::fs::write(&path, log).unwrap();
    menagerie(folder).args(["evaluate", "selection"]).arg(&path).args(args).output().unwrap()
}

/// Three agents, each the best with one of three groups.
fn log(tasks: u64) -> String {
    let mut text = String::new();
    let mut draw = 1_u64;
    let mut below = |count: u64| {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (draw >> 33) % count
    };
    for task in 0..tasks {
        let group = below(3);
        let outcomes: serde_json::Map<_, _> = (0..3)
            .map(|agent| {
                let success = below(100) < if agent == group { 90 } else { 40 };
                (format!("agent-{agent}"), json!({"success": success, "duration": 2.5, "tokens": 100, "cost": 0.5}))
            })
            .collect();
        let line = json!({"task": task, "text": format!("work {}", below(50)), "group": format!("g{group}"), "outcomes": outcomes});
        writeln!(text, "{line}").unwrap();
    }
    text
}

#[test]
fn a_log_is_replayed_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    for feedback in ["own", "all"] {
        let output = evaluate(folder.path(), &log(1500), &["--feedback", feedback, "-o", "json"]);
        assert!(output.status.success(), "{output:?}");
        let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&figures["tasks"], &figures["agents"], &figures["groups"]), (&json!(1500), &json!(3), &json!(3)));
        let rate = |who: &str| figures[who]["success_rate"].as_f64().unwrap();
        assert!(rate("random") < rate("selection") && rate("best_single") < rate("selection"), "{figures}");
        assert!(
            rate("selection") < rate("oracle") && (figures["selection"]["cost"].as_f64().unwrap() - 750.0).abs() < 1e-6
        );
        assert!(figures["gap_closed_of_groups_last_half"].as_f64().unwrap() > 0.8, "{figures}");
        let again = evaluate(folder.path(), &log(1500), &["--feedback", feedback, "-o", "json"]);
        assert_eq!(output.stdout, again.stdout, "the same log gives the same figures");
    }
    let output = evaluate(folder.path(), &log(50), &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    for word in ["selection", "random", "best single: agent-", "best of each group", "oracle", "REGRET", "tasks: 50"] {
        assert!(text.contains(word), "{word} is missing in {text}");
    }
    assert!(!folder.path().join("data").exists(), "it needs no engine and keeps nothing");
}

#[test]
fn bad_lines_are_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let output = evaluate(folder.path(), &format!("{}{{\"task\": 1, \"text\": \"x\"\n", log(1)), &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("log.jsonl:2:"), "{said}");
}

#[test]
fn questions_are_answered_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = menagerie(folder.path())
        .args(["evaluate", "selection", "--interactive"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut asks, mut answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut good = 0;
    for round in 0..300 {
        let group = if round % 2 == 0 { "even" } else { "odd" };
        writeln!(asks, "{}", json!({"task": round, "text": "do it", "group": group, "agents": ["even", "odd"]}))
            .unwrap();
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        let agent = answer["agent"].as_str().unwrap().to_owned();
        assert_eq!(answer["factors"].as_object().unwrap().len(), 7, "{answer}");
        assert!(answer["score"].is_number());
        let success = agent == group;
        good += i32::from(success && round >= 200);
        writeln!(asks, "{}", json!({"outcomes": {agent: {"success": success}}})).unwrap();
    }
    drop(asks);
    assert!(child.wait().unwrap().success());
    assert!(good > 90, "{good} of the last 100 were right");
}

#[test]
fn what_makes_no_sense_is_answered_and_the_dialogue_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = menagerie(folder.path())
        .args(["evaluate", "selection", "--interactive"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Each line with a part of the error that it is answered with; nothing for a choice, and `-` for no answer.
    let long = format!("{{\"task\": \"{}\"}}", "x".repeat(9 << 20));
    let lines = [
        (r#"{"outcomes": {"a": {"success": true}}}"#, "ask first"),
        (r#"{"task": 1, "text": "x", "agents": []}"#, "no agents"),
        (r#"{"task": 1, "text": "x", "agents": ["a", "a"]}"#, "twice"),
        ("{", "<stdin>:4:"),
        (&long, "longer than"),
        (r#"{"task": 1, "text": "x", "agents": ["a"], "priority": 5}"#, "unknown field `priority`"),
        (r#"{"task": 1, "text": "x", "agents": ["a"]}"#, ""),
        (r#"{"task": 1, "text": "x", "agents": ["a"]}"#, "\"1\" was asked already"),
        (r#"{"task": 1, "outcomes": {"b": {"success": true}}}"#, "agent \"b\", which was not among"),
        (r#"{"task": 1, "outcomes": {"a": {"success": true, "speed": 1}}}"#, "unknown field `speed`"),
        (r#"{"task": 2, "outcomes": {"a": {"success": true}}}"#, "task \"2\", which was not asked"),
        (r#"{"task": 2, "text": "x", "agents": ["a"]}"#, ""),
        (r#"{"outcomes": {"a": {"success": true}}}"#, "-"),
        (r#"{"outcomes": {"a": {"success": true}}}"#, "came out already"),
        (r#"{"task": 1, "outcomes": {"a": {"success": true}}}"#, "-"),
        (r#"{"task": 1, "outcomes": {"a": {"success": true}}}"#, "came out already"),
        (r#"{"task": 1, "text": "x", "agents": ["a"]}"#, ""),
    ];
    let asks: String = lines.iter().flat_map(|(line, _)| [line, "\n"]).collect();
    child.stdin.take().unwrap().write_all(asks.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let (said, complaint) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let mut answers = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    for (line, expected) in lines.iter().filter(|(_, expected)| *expected != "-") {
        let answer = answers.next().unwrap();
        if expected.is_empty() {
            assert_eq!(answer["agent"], "a", "{line:.200}");
        } else {
            assert!(answer["error"].as_str().unwrap().contains(expected), "{line:.200}: {answer}");
        }
    }
    assert_eq!(answers.next(), None);
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains("12 of 17 lines were refused"), "{complaint}");
}

#[test]
fn a_task_stands_in_a_log_once() {
    let folder = tempfile::tempdir().unwrap();
    let output = evaluate(folder.path(), &format!("{}{}", log(2), log(1)), &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("log.jsonl:3:1: task \"0\" stands in line 1 already"), "{said}");
}
