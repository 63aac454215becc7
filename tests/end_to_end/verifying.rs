//! What an agent says is not proof: completions that are verified, and the words of well-known command lines.

use menagerie::api::types::TaskRow;
use menagerie::domain::{Activity, Execution, TaskStatus, Verification};
use serde_json::json;

use super::site::Site;

fn run(site: &Site, arguments: &[&str]) -> (i32, String, String) {
    let output = site.command(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn row(site: &Site, id: &str) -> TaskRow {
    site.client().unwrap().get(&format!("/v1/tasks/{id}"), &vec![]).unwrap()
}

fn attempts(site: &Site, id: &str) -> Vec<Execution> {
    site.client().unwrap().list("executions", &vec![("task".to_owned(), id.to_owned())]).unwrap().0
}

/// The id of the one task of this type.
fn id_of(site: &Site, kind: &str) -> String {
    site.tasks().into_iter().find(|task| task.kind == kind).unwrap().id.to_string()
}

#[test]
fn a_task_is_done_once_it_is_verified_also_across_a_kill_of_the_engine() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let go = site.marks_dir().join("go");
    let check = format!("while [ ! -e {} ]; do sleep 0.05; done; test -e made", go.display());
    let submitted = run(&site, &["run", "--type", "held", "--verify", &check, "--", "sh", "-c", "touch made"]);
    assert_eq!(submitted.0, 0, "{}", submitted.2);
    let id = id_of(&site, "held");
    site.wait_for("the verification", |site| row(site, &id).activity == Some(Activity::Verifying));
    let live = row(&site, &id);
    assert_eq!((live.task.status, live.task.verification), (TaskStatus::Executing, None));
    assert!(run(&site, &["task", "show", &id]).1.contains("verifying /bin/sh -c while"));
    site.kill_engine();
    site.start_engine();
    assert_eq!(row(&site, &id).task.status, TaskStatus::Executing);
    std::fs::write(&go, "").unwrap();
    site.wait_for_status(&id, TaskStatus::Completed);
    let done = row(&site, &id);
    assert_eq!((done.task.verification, done.activity), (Some(Verification::Verified), Some(Activity::Verified)));
    let shown = run(&site, &["task", "show", &id]).1;
    assert!(shown.contains("succeeded verified"), "{shown}");

    // What nobody checked says so.
    assert_eq!(run(&site, &["run", "--wait", "--type", "trusted", "--", "true"]).0, 0);
    let trusted = row(&site, &id_of(&site, "trusted"));
    assert_eq!(
        (trusted.task.verification, trusted.activity),
        (Some(Verification::Unverified), Some(Activity::DoneUnverified))
    );
    assert!(run(&site, &["task", "show", &trusted.task.id.to_string()]).1.contains("done, unverified"));

    // A failed verification is a failed attempt, tried again as long as there are attempts.
    let failing =
        ["run", "--wait", "--max-attempts", "2", "--type", "refuted", "--expect-artifacts", "1:code", "--", "true"];
    let (status, _, error) = run(&site, &failing);
    assert_ne!(status, 0);
    assert!(error.contains("verification failed: expected at least 1 artifact of type code, found 0"), "{error}");
    let refuted = row(&site, &id_of(&site, "refuted"));
    assert_eq!((refuted.task.status, refuted.task.attempts), (TaskStatus::Failed, 2));
    assert_eq!((refuted.task.verification, refuted.activity), (Some(Verification::Failed), None));
    assert_eq!(run(&site, &["task", "retry", &refuted.task.id.to_string()]).0, 0);
    assert_eq!(attempts(&site, &refuted.task.id.to_string())[0].attempt, 3);
    site.wait_until_done();
    site.check_books();
}

#[test]
fn well_known_command_lines_are_understood() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let client = site.client().unwrap();
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams");
    let submit = |kind: &str, format: &str, stream: &str| {
        let file = site.marks_dir().join(format!("{kind}.jsonl"));
        std::fs::write(&file, stream).unwrap();
        let configuration = json!({"command": ["cat", file], "format": format});
        let task = json!({"type": kind, "max_attempts": 1, "parameters": {"configuration": configuration}});
        client.command(&json!({"command": "submit_tasks", "tasks": [task]})).unwrap();
        id_of(&site, kind)
    };
    let tokens = [("claude", 44_230), ("codex", 25_101), ("gemini", 11_520), ("opencode", 18_160)];
    let said: Vec<_> = tokens
        .iter()
        .enumerate()
        .map(|(place, (name, tokens))| {
            let stream = std::fs::read_to_string(fixtures.join(format!("{name}.jsonl"))).unwrap();
            let format = if place % 2 == 0 { name } else { "auto" };
            (submit(name, format, &stream), *tokens)
        })
        .collect();
    let denied = json!({"type": "result", "subtype": "success", "is_error": false, "result": "I may not write files.",
        "permission_denials": [{"tool_name": "Write", "tool_use_id": "t", "tool_input": {}}]});
    let denied = submit("denied", "claude", &denied.to_string());
    for (id, tokens) in said {
        site.wait_for_status(&id, TaskStatus::Completed);
        let outcome = attempts(&site, &id)[0].outcome.clone().unwrap();
        assert_eq!(outcome.tokens_used, Some(tokens), "{outcome:?}");
        assert!(
            row(&site, &id).task.output.is_some_and(|output| output
                .as_str()
                .is_some_and(|text| text.contains("pass") || text.contains("fixed")))
        );
    }
    site.wait_for_status(&denied, TaskStatus::Failed);
    let why = row(&site, &denied).task.error.unwrap();
    assert_eq!(why, "exit status 0, but it was refused permission once: Write");
    let (status, _, error) = run(&site, &["task", "submit", "analysis"]);
    assert_eq!(status, 2);
    assert!(error.contains("parameters.configuration.command") && error.contains("a1"), "{error}");
}
