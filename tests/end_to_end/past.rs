//! `--at`: verbs answer from the past, change nothing, and leave nothing behind.

use std::process::Output;

use serde_json::Value;

use super::site::Site;

fn says(output: &Output) -> (Option<i32>, String) {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn verbs_answer_from_the_past_and_change_nothing() {
    let mut site = Site::new();
    site.start_engine();
    let run = |words: &[&str]| site.command(words).output().unwrap();
    let submitted = run(&["run", "--wait", "--", "sh", "-c", "echo first said"]);
    assert!(submitted.status.success(), "{:?}", says(&submitted));
    let seq = site.status().unwrap().seq;
    assert!(run(&["run", "--wait", "--", "echo", "second"]).status.success());
    let head = site.status().unwrap().seq;
    let at = format!("seq:{seq}");
    let list = |at: &str| -> Vec<Value> {
        let output = run(&["--at", at, "task", "list", "-o", "json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {:?}", says(&output)))
    };
    let then = list(&at);
    assert_eq!((then.len(), list(&format!("seq:{head}")).len()), (1, 2));
    // Every moment of its life, from before it was there on.
    let mut states: Vec<String> = (1..=seq)
        .map(|seq| {
            list(&format!("seq:{seq}")).first().map_or("none", |task| task["status"].as_str().unwrap()).to_owned()
        })
        .collect();
    states.dedup();
    // A command that ends at once may begin and end in one record.
    states.retain(|state| state != "executing");
    assert_eq!(states, ["none", "pending", "scheduled", "completed"]);
    let id = then[0]["id"].as_str().unwrap();
    let (_, logs) = says(&run(&["--at", &at, "task", "logs", id]));
    assert!(logs.contains("first said"), "{logs}");
    let (code, shown) = says(&run(&["--at", &at, "status"]));
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains(&format!("{seq} records")), "{shown}");
    let (_, tail) = says(&run(&["--at", &at, "journal", "tail", "-n", "1", "-o", "jsonl"]));
    assert!(tail.contains(&format!("\"seq\":{seq},")), "{tail}");
    for (words, code, reason) in [
        (&["--at", &at, "task", "retry", id][..], 2, "nothing can be changed"),
        (&["--at", &at, "run", "--", "true"], 2, "nothing can be changed"),
        (&["--at", "seq:0", "task", "list"], 2, "the records that there are"),
        (&["--at", "2001-01-01", "task", "list"], 2, "when the journal began"),
        (&["--at", "2999-01-01", "task", "list"], 2, "still to come"),
        (&["--at", "soon", "task", "list"], 2, "seq:1234"),
        (&["--at", &at, "db", "status"], 2, "--at is for verbs that ask the engine"),
        (&["--at", &at, "journal", "tail", "-f"], 2, "not known of the past"),
        (&["--at", &at, "search", "words"], 2, "--at is for verbs that ask the engine"),
    ] {
        let (found, text) = says(&run(words));
        assert_eq!(found, Some(code), "{words:?}: {text}");
        assert!(text.contains(reason), "{words:?}: {text}");
    }
    assert_eq!(site.status().unwrap().seq, head, "looking back is no record");
    assert!(!site.data_dir().join("past").exists());
}

#[test]
fn a_past_needs_no_engine() {
    let mut site = Site::new();
    site.start_engine();
    assert!(site.command(&["run", "--wait", "--", "true"]).output().unwrap().status.success());
    assert!(site.command(&["stop", "--all"]).output().unwrap().status.success());
    let (code, text) =
        says(&site.command(&["--no-start", "--at", "-0s", "task", "list", "-o", "json"]).output().unwrap());
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("completed"), "{text}");
}
