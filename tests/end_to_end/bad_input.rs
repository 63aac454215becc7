//! Bad input: an error that names field, value, what is allowed and what to do, exit status 2, and nothing left behind.

use std::io::Write;
use std::process::Stdio;

use super::site::Site;

/// Gives `input` to a command and returns its status and standard error.
fn feed(site: &Site, arguments: &[&str], input: &[u8]) -> (i32, String) {
    let mut command = site.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that refuses early closes its input; that is what is being tested, not an error of the test.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What makes a batch line a task that somebody can do.
const RUNS: &str = r#""parameters": {"configuration": {"command": ["true"]}}"#;

#[test]
fn every_bad_input_is_refused_and_leaves_nothing() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(2, 1);
    let seq = site.status().unwrap().seq;
    let batch = ["task", "submit", "--batch", "-"];
    let apply = ["apply", "-"];
    let long = format!(r#"{{"type": "a", "parameters": {{"input_data": {{"x": "{}"}}}}}}"#, "y".repeat(10 << 20));
    let depends = format!("{{\"type\": \"a\", {RUNS}}}\n{{\"type\": \"b\", {RUNS}, \"depends_on\": [\"ffffffff\"]}}\n");
    let cases: Vec<(&[&str], Vec<u8>, &[&str])> = vec![
        (&batch, depends.into(), &["<stdin>:2: depends_on \"ffffffff\"", "keys", "nothing was submitted"]),
        (&batch, b"{\"type\": \"\"}\n".to_vec(), &["type: \"\" is not allowed"]),
        (&["run", "--agent", "a1", "--", "no-such-program-at-all"], vec![], &["no-such-program-at-all", "/usr/bin"]),
        (&batch, b"{\"type\": \"a\"}\n{\"type\": \"b\", \"priority\": }\n".to_vec(), &["2:", "27"]),
        (&batch, b"{\"type\": \"a\", \"prority\": 3}\n".to_vec(), &["prority", "priority"]),
        (&batch, b"{\"type\": \"a\", \"priority\": 0}\n".to_vec(), &["priority", "0", "1 to 10"]),
        (&batch, b"{\"type\": \"a\", \"priority\": 11}\n".to_vec(), &["priority", "11", "1 to 10"]),
        (&batch, b"{\"type\": \"a\", \"requirements\": {\"cpu\": -1}}\n".to_vec(), &["cpu", "-1"]),
        (&batch, b"{\"type\": \"a\", \"requirements\": {\"memory\": \"9999999TiB\"}}\n".to_vec(), &["9999999TiB"]),
        (&batch, b"{\"type\": \"a\", \"agent\": \"nobody\"}\n".to_vec(), &["agent", "nobody"]),
        (&batch, b"{\"type\": \"a\", \"cage\": \"999\"}\n".to_vec(), &["cage", "999"]),
        (&batch, b"{\"type\": \"a\", \"depends_on\": [\"ffffffff\"]}\n".to_vec(), &["depends_on", "ffffffff"]),
        (
            &batch,
            format!(r#"{{"type": "a", "key": "x", "depends_on": ["y"], {RUNS}}}{0}{{"type": "a", "key": "y", "depends_on": ["x"], {RUNS}}}"#, "\n").into(),
            &["cycle"],
        ),
        (&batch, b"{\"type\": \"a\", \"key\": \"x\"}\n{\"type\": \"a\", \"key\": \"x\"}\n".to_vec(), &["2: key \"x\"", "line 1"]),
        (&batch, format!(r#"{{"type": "a", "requirements": {{"memory": "1TiB"}}, {RUNS}}}"#).into(), &["memory", "cage 00"]),
        (&batch, b"{\"type\": \"a\"}\n".to_vec(), &["parameters.configuration.command", "a1, a2", "give the task a command"]),
        (&batch, format!(r#"{{"type": "a", "verify": {{"commands": ["make"]}}, {RUNS}}}"#).into(), &["make", "a list"]),
        (&batch, format!(r#"{{"type": "a", "verify": {{"commands": [[]]}}, {RUNS}}}"#).into(), &["verify.commands", "the program first"]),
        (&batch, b"{\"type\": \"a\", \"parameters\": {\"configuration\": {\"format\": \"claud\"}}}\n".to_vec(), &["format", "\"claude\"?"]),
        (&batch, long.into_bytes(), &["1:1:", "10485814 bytes", "1048576", "nothing was submitted"]),
        (&batch, b"{\"type\": \"a\0b\"}\n".to_vec(), &["1:12:", "NUL byte", "remove it"]),
        (&batch, b"{\"type\": \"\xff\xfe\"}\n".to_vec(), &["UTF-8"]),
        (&apply, b"[[cage]\nid = \"001\"\n".to_vec(), &["1:"]),
        (&apply, b"[[cage]]\nid = \"001\"\nlimit = {}\n".to_vec(), &["limit", "limits", "3:"]),
        (&apply, b"[[cage]]\nid = \"1001\"\n".to_vec(), &["1001", "001 to 1000"]),
        (&apply, b"[[cage]]\nid = \"001\"\nlimits = { memory = \"-5\" }\n".to_vec(), &["3:21:", "-5", "bytes from 0"]),
        (&apply, b"[[agent]]\nname = \"x\"\n[[agent]]\nname = \"x\"\n".to_vec(), &["agent.name", "\"x\"", "once"]),
        (
            &apply,
            b"[[agent]]\nname = \"x\"\nreports_to = \"y\"\n[[agent]]\nname = \"y\"\nreports_to = \"x\"\n".to_vec(),
            &["reports_to", "x -> y -> x", "without a cycle"],
        ),
        (&apply, b"[[agent]]\nname = \"x\"\ncage = \"500\"\n".to_vec(), &["<stdin>:3:1: agent x: cage \"500\"", "declared cages"]),
        (&apply, b"[[agent]]\nname = \"x\"\nreports_to = \"a9\"\n".to_vec(), &["<stdin>:3:1: agent x: reports_to \"a9\" does not exist", "a1"]),
        (&apply, b"[[agent]]\nname = \"x\"\ncage = \"001\"\n".to_vec(), &["001", "a1"]),
        (&["agent", "drain", "nobody"], vec![], &["agent \"nobody\" does not exist"]),
        (&["agent", "show", "none"], vec![], &["agent \"none\" does not exist", "a1, a2", "agent list"]),
        (&["agent", "show", "a"], vec![], &["did you mean \"a1\"?"]),
        (&["cage", "show", "99"], vec![], &["cage \"099\" does not exist", "2 declared cages, 001 to 002", "cage list"]),
        (&["task", "show", "0199a8e3"], vec![], &["task \"0199a8e3\" does not exist", "task list"]),
        (&["agent", "add", "x", "--", "/no/such/prog"], vec![], &["/no/such/prog", "Looked for the file"]),
        (&["agent", "add", "x", "-e", "MENAGERIE_CAGE=1", "--", "sh"], vec![], &["MENAGERIE_CAGE", "do not begin with"]),
        (&["agent", "add", "x", "--workdir", "rel", "--", "sh"], vec![], &["runtime.workdir", "\"rel\"", "absolute"]),
        (&["run", "--tokens", "-1", "--", "true"], vec![], &["tokens", "\"-1\"", "a count such as"]),
        (&["run", "-e", "MENAGERIE_X=1", "--", "true"], vec![], &["MENAGERIE_X", "do not begin with"]),
        (&apply, b"[[cage]]\nid = \"001\"\nwrite = [\"/\"]\n".to_vec(), &["3:", "write", "whole host"]),
        (&apply, b"[[agent]]\nname = \"x\"\nruntime = { type = \"command\", command = [\"/no/such/prog\"] }\n".to_vec(), &["3:", "/no/such/prog"]),
        (&batch, b"[]\n".to_vec(), &["1:1:", "a task is an object"]),
        (&batch, b"{\"type\": \"a\", \"priority\": -3}\n".to_vec(), &["priority", "\"-3\"", "whole number"]),
        (&["cage", "vacate", "777"], vec![], &["777"]),
        (&["task", "show", "zzz"], vec![], &["zzz"]),
        (&["run", "--priority", "11", "--", "true"], vec![], &["priority", "\"11\"", "1 to 10"]),
        (&["run", "--memory", "lots", "--", "true"], vec![], &["--memory", "\"lots\"", "such as"]),
        (&["frobnicate"], vec![], &["frobnicate"]),
    ];
    for (arguments, input, words) in cases {
        let shown = String::from_utf8_lossy(&input[..input.len().min(200)]).into_owned();
        let (status, error) = feed(&site, arguments, &input);
        assert_eq!(status, 2, "{arguments:?} < {shown}: {error}");
        assert!(error.len() < 4000, "{arguments:?}: an error of {} bytes", error.len());
        for word in words {
            assert!(error.contains(word), "{arguments:?} < {shown}: no \"{word}\" in: {error}");
        }
        assert!(!error.contains("panicked"), "{error}");
    }
    assert_eq!(site.status().unwrap().seq, seq, "something was left behind");
}

#[test]
fn the_interface_itself_refuses_what_reaches_into_the_data_directory() {
    let mut site = Site::new();
    site.start_engine();
    let client = site.client().unwrap();
    let parent = site.data_dir().parent().unwrap().to_str().unwrap().to_owned();
    for (field, path) in [("write", parent), ("read", site.data_dir().join("cages").to_str().unwrap().to_owned())] {
        let fleet = serde_json::json!({"cage": [{"id": "001", field: [path]}]});
        let command = serde_json::json!({"command": "apply", "fleet": fleet});
        let refused = client.command(&command).unwrap_err().to_string();
        assert!(refused.contains(&format!("cage 001: {field}")) && refused.contains("data directory"), "{refused}");
    }
}

#[test]
fn with_keep_going_the_good_lines_are_taken() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let input = b"{\"type\": \"a\", \"agent\": \"a1\", \"parameters\": {\"configuration\": {\"command\": [\"true\"]}}}\nnot json\n{\"type\": \"a\", \"priority\": 99}\n";
    let (status, error) = feed(&site, &["task", "submit", "--batch", "-", "--keep-going"], input);
    assert_eq!(status, 1, "{error}");
    assert!(error.contains("2:") && error.contains("99"), "{error}");
    assert_eq!(site.tasks().len(), 1);
}

#[test]
fn a_data_directory_that_cannot_be_used_is_named() {
    let site = Site::new();
    let file = site.marks_dir().join("file");
    std::fs::write(&file, "").unwrap();
    for bad in [file.join("below"), "/proc/nowhere".into()] {
        let output = site.command(&["run", "--data-dir", bad.to_str().unwrap(), "--", "true"]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(bad.to_str().unwrap()), "{error}");
        let output = site.command(&["engine", "--data-dir", bad.to_str().unwrap()]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.matches("os error").count() == 1 && error.contains("--data-dir"), "{error}");
    }
}
