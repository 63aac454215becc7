//! Work that goes as it should.

use menagerie::domain::TaskStatus;
use serde_json::Value;

use super::site::Site;

/// What a finished command said and how it ended.
fn run(site: &Site, arguments: &[&str]) -> (i32, String, String) {
    let output = site.command(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn json(site: &Site, arguments: &[&str]) -> Value {
    let (status, out, err) = run(site, arguments);
    assert_eq!(status, 0, "{arguments:?}: {err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"))
}

#[test]
fn a_command_needs_no_file_and_gives_its_output_and_status() {
    let site = Site::new();
    // No engine runs and nothing was declared: the verb starts one, which brings a default fleet.
    let (status, out, err) = run(&site, &["run", "--wait", "--", "sh", "-c", "echo out; echo err >&2; exit 7"]);
    assert_eq!((status, out.as_str()), (7, "out\n"), "{err}");
    assert!(err.contains("err\n"), "{err}");
    let (status, out, _) = run(&site, &["run", "--wait", "--", "echo", "hello"]);
    assert_eq!((status, out.as_str()), (0, "hello\n"));
}

#[test]
fn status_and_stop_do_not_start_an_engine() {
    let site = Site::new();
    assert_eq!(run(&site, &["status"]).0, 3);
    assert_eq!(run(&site, &["stop"]).0, 3);
    assert!(!site.data_dir().join("menagerie.db").exists());
}

#[test]
fn applying_twice_changes_nothing_the_second_time() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(3, 1);
    let before = json(&site, &["status", "-o", "json"])["seq"].clone();
    site.apply_fleet(3, 1);
    assert_eq!(json(&site, &["status", "-o", "json"])["seq"], before, "the second apply left a record");
    assert_eq!(json(&site, &["cage", "list", "-o", "json"]).as_array().unwrap().len(), 3);
}

#[test]
fn arrays_lines_and_dependencies() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(2, 4);
    let marks = site.marks_dir();
    let script = format!("echo x > {}/$MENAGERIE_ARRAY_INDEX", marks.display());
    let (status, _, err) = run(&site, &["run", "--wait", "--array", "3-22", "--", "sh", "-c", &script]);
    assert_eq!(status, 0, "{err}");
    for index in 3..=22 {
        assert!(marks.join(index.to_string()).exists(), "{index}");
    }
    let lines = marks.join("lines.txt");
    std::fs::write(&lines, "alpha\nbeta gamma\n").unwrap();
    let script = format!("echo x > '{}/'\"$1\"", marks.display());
    let each = ["run", "--wait", "--each", lines.to_str().unwrap(), "--", "sh", "-c", &script, "sh", "{}"];
    let (status, _, err) = run(&site, &each);
    assert_eq!(status, 0, "{err}");
    assert!(marks.join("alpha").exists() && marks.join("beta gamma").exists());
    let first = site.run_one(&["sh", "-c", "sleep 0.3"]);
    let second = json(&site, &["run", "--after", &first, "-o", "json", "--", "true"]);
    assert!(second.to_string().len() > 10);
    let counts = site.wait_until_done();
    assert_eq!((counts.completed, counts.failed), (24, 0));
    assert_eq!(site.records_of("execution_scheduled").len(), 24, "each task, and each element of the array, ran once");
    let tasks = site.tasks();
    let first = tasks.iter().find(|task| task.id.to_string() == first).unwrap();
    let after = tasks.iter().find(|task| task.depends_on.contains(&first.id)).unwrap();
    assert!(after.started_at >= first.completed_at, "the dependent began before its dependency ended");
}

#[test]
fn the_output_of_several_tasks_is_shown_with_their_names() {
    fn sorted(text: &str) -> Vec<&str> {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        lines
    }
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(2, 4);
    let script = "echo one; echo bad >&2; echo two; printf end; [ $MENAGERIE_ARRAY_INDEX != 9 ]";
    let (status, out, err) =
        run(&site, &["run", "--wait", "--max-attempts", "1", "--array", "8-10", "--", "sh", "-c", script]);
    assert_eq!(status, 1, "one of them failed: {err}");
    let (lines, ends): (Vec<&str>, Vec<&str>) = out.lines().partition(|line| line.split_once(": ").is_some());
    let expected: Vec<String> = ["8", "9", "10"]
        .iter()
        .flat_map(|index| ["one", "two", "end"].map(|text| format!("{index}: {text}")))
        .collect();
    assert_eq!(sorted(&lines.join("\n")), sorted(&expected.join("\n")));
    let of_one: Vec<&&str> = lines.iter().filter(|line| line.starts_with("10: ")).collect();
    assert_eq!(of_one, [&"10: one", &"10: two", &"10: end"], "the lines of a task keep their order");
    assert!(ends.len() == 1 && ends[0].contains(" failed"), "{ends:?}");
    assert_eq!(sorted(&err), ["10: bad", "8: bad", "9: bad"]);
    let lines = site.marks_dir().join("lines.txt");
    std::fs::write(&lines, "alpha\nbeta gamma\n").unwrap();
    let each = ["run", "--wait", "--each", lines.to_str().unwrap(), "--", "echo", "got"];
    let (status, out, err) = run(&site, &each);
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(sorted(&out)[2..], ["alpha: got alpha", "beta gamma: got beta gamma"]);
    assert_eq!(out.lines().filter(|line| line.ends_with(" completed")).count(), 2, "{out}");
}

#[test]
fn agents_are_called_by_their_names() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    assert_eq!(run(&site, &["agent", "drain", "a1"]), (0, "a1 drained\n".into(), String::new()));
    assert_eq!(run(&site, &["agent", "resume", "a1"]).1, "a1 resumed\n");
    assert_eq!(run(&site, &["agent", "remove", "a1"]).1, "a1 removed\n");
}

#[test]
fn a_gate_waits_for_approval() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 2);
    let batch = site.marks_dir().join("batch.jsonl");
    let configuration = |script: &str| format!(r#"{{"configuration": {{"command": ["sh", "-c", "{script}"]}}}}"#);
    let lines = [
        format!(
            r#"{{"type": "analysis", "key": "a", "agent": "a1", "parameters": {}}}"#,
            configuration("echo '# Findings' > $MENAGERIE_ARTIFACTS/findings.md")
        ),
        format!(
            r#"{{"type": "report", "agent": "a1", "depends_on": ["a"], "approval_gate": true, "parameters": {}}}"#,
            configuration("echo done")
        ),
    ];
    std::fs::write(&batch, lines.join("\n")).unwrap();
    let submitted = json(&site, &["task", "submit", "--batch", batch.to_str().unwrap(), "-o", "json"]);
    let ids: Vec<String> = submitted
        .as_array()
        .or_else(|| submitted["ids"].as_array())
        .unwrap()
        .iter()
        .map(|id| id.get("id").unwrap_or(id).as_str().unwrap().to_owned())
        .collect();
    site.wait_for_status(&ids[0], TaskStatus::Completed);
    let artifacts = json(&site, &["artifact", "list", "-o", "json"]);
    assert_eq!(artifacts[0]["title"], "findings.md");
    assert_eq!(artifacts[0]["review"]["state"], "pending");
    let explained = json(&site, &["task", "explain", &ids[1], "-o", "json"]);
    let artifact = artifacts[0]["id"].as_str().unwrap().to_owned();
    assert!(
        explained.to_string().contains(&artifact[..8]),
        "explain names the artifact that is waited for: {explained}"
    );
    assert_eq!(run(&site, &["artifact", "approve", &artifact, "--note", "good"]).0, 0);
    site.wait_for_status(&ids[1], TaskStatus::Completed);
    let reviewed = json(&site, &["artifact", "show", &artifact, "-o", "json"]);
    assert_eq!(reviewed["human_approved"], true);
    assert_eq!(reviewed["review"]["note"], "good");
    assert!(reviewed["review"]["by"].is_string());
    // A judgement that stands already is refused, and says so.
    let (status, _, err) = run(&site, &["artifact", "approve", &artifact]);
    assert_eq!(status, 2, "{err}");
}

#[test]
fn cancelling_stops_the_process_and_retrying_starts_it_again() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let id = site.run_one(&["sh", "-c", "sleep 1000"]);
    site.wait_for_status(&id, TaskStatus::Executing);
    assert_eq!(run(&site, &["task", "cancel", &id]).0, 0);
    site.wait_for_status(&id, TaskStatus::Cancelled);
    assert_eq!(run(&site, &["task", "retry", &id]).0, 0);
    site.wait_for_status(&id, TaskStatus::Executing);
    assert_eq!(run(&site, &["task", "cancel", &id]).0, 0);
    site.wait_for_status(&id, TaskStatus::Cancelled);
    site.check_books();
}

#[test]
fn failures_are_told_apart() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 4);
    let cases: [(&[&str], &str); 3] = [
        (
            &["run", "--wait", "--max-attempts", "1", "--timeout", "300ms", "--", "sleep", "100"],
            "longer than its timeout",
        ),
        (&["run", "--wait", "--max-attempts", "1", "--", "no-such-program-anywhere"], "no-such-program-anywhere"),
        (
            &[
                "run",
                "--wait",
                "--max-attempts",
                "1",
                "--",
                "sh",
                "-c",
                "head -c 1000000000 /dev/zero | tail >/dev/null",
            ],
            "memory",
        ),
    ];
    for (arguments, words) in cases {
        let (status, _, err) = run(&site, arguments);
        assert_ne!(status, 0);
        assert!(err.contains(words), "{arguments:?}: {err}");
    }
}

#[test]
fn a_failing_task_is_tried_again_and_then_given_up() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    let submitted = json(&site, &["run", "--max-attempts", "3", "-o", "json", "--", "false"]);
    let id = submitted["id"].as_str().unwrap().to_owned();
    site.wait_for_status(&id, TaskStatus::Failed);
    assert_eq!(site.records_of("execution_ended").len(), 3);
}

#[test]
fn waiting_for_an_array_says_which_elements_failed() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(2, 4);
    let script = "test $MENAGERIE_ARRAY_INDEX -le 3";
    let (status, out, err) = run(&site, &["run", "--wait", "--array", "1-10", "--", "sh", "-c", script]);
    assert_eq!(status, 1, "{err}");
    let array = site.tasks().iter().find(|task| task.array.is_some()).unwrap().id.to_string();
    let filter = format!("array:{array} status:failed,cancelled");
    let (status, waited, _) = run(&site, &["task", "wait", &array]);
    assert_eq!((status, &waited), (1, &out), "both say the same");
    assert!(waited.contains(&format!("{array} failed 7 of 10 elements, among them ")), "{waited}");
    assert_eq!(waited.matches("(exit status 1)").count(), 5, "{waited}");
    assert!(
        waited.trim_end().ends_with(&format!("; all of them are listed by menagerie task list --filter '{filter}'")),
        "{waited}"
    );
    let listed = json(&site, &["task", "list", "--filter", &filter, "-o", "json"]);
    assert_eq!(listed.as_array().unwrap().len(), 7);
    let (_, out, _) = run(&site, &["run", "--wait", "--array", "1-4", "--", "sh", "-c", script]);
    assert!(out.contains("failed 1 of 4 elements, namely 4 (exit status 1)\n"), "{out}");
}

#[test]
fn cage_show_says_how_each_limit_holds() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 1);
    assert_eq!(run(&site, &["run", "--wait", "--", "true"]).0, 0);
    let cage = json(&site, &["cage", "show", "1", "-o", "json"]);
    let entries = cage["enforcement"].as_array().unwrap();
    for limit in ["memory", "pids", "network", "filesystem"] {
        let entry = entries.iter().find(|entry| entry["limit"] == limit).unwrap_or_else(|| panic!("{limit}: {cage}"));
        assert_eq!(entry["enforcement"], "enforced", "{entry}");
        assert!(!entry["by"].as_str().unwrap().is_empty());
    }
}
