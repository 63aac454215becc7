//! Work that waits, fails, or will be late.

use menagerie::domain::Severity;
use serde_json::json;

use super::ops::{alerts, apply, cleared, fired, out, started};
use super::site::Site;

#[test]
fn a_queue_that_waits_is_told_until_it_moves() {
    let mut site = started("");
    let rules = "[[alert_rule]]\nname = \"queue-wait\"\nwarning = \"1s\"\nwindow = \"2s\"\n";
    apply(&site, 1, "memory = \"64MiB\"", rules);
    out(&site, &["agent", "drain", "a1"]);
    let id = site.run_one(&["true"]);
    let alert = fired(&mut site, "queue-wait", Severity::Warning);
    assert_eq!(alert.source, "queue");
    assert!(alert.message.starts_with("the oldest task that could start has waited for "), "{}", alert.message);
    let explained = out(&site, &["task", "explain", &id]);
    assert!(explained.contains("1 maintenance"), "the remedy leads to the cause: {explained}");
    out(&site, &["agent", "resume", "a1"]);
    cleared(&mut site, "queue-wait");
}

#[test]
fn many_failures_are_told_until_enough_succeeds() {
    let mut site = started("");
    let rules = "[[alert_rule]]\nname = \"error-rate\"\nfor = \"1s\"\nwindow = \"2s\"\n";
    apply(&site, 2, "memory = \"64MiB\"", rules);
    let submit = |site: &Site, program: &str, count: usize| {
        let task = json!({"type": "x", "max_attempts": 1, "parameters": {"configuration": {"command": [program]}}});
        let tasks: Vec<_> = std::iter::repeat_n(task, count).collect();
        site.client().unwrap().command(&json!({"command": "submit_tasks", "tasks": tasks})).unwrap();
    };
    submit(&site, "false", 12);
    let alert = fired(&mut site, "error-rate", Severity::Critical);
    assert_eq!((alert.source.as_str(), alert.context.value), ("fleet", Some(1.0)));
    // Each failure has told of itself besides; the rate is one matter.
    assert_eq!(alerts(&site, "error-rate").len(), 1);
    submit(&site, "true", 150);
    cleared(&mut site, "error-rate");
}

#[test]
fn a_deadline_that_cannot_be_met_is_told_until_the_task_is_gone() {
    let mut site = started("");
    apply(&site, 1, "memory = \"64MiB\"", "[[alert_rule]]\nname = \"deadline-at-risk\"\nwindow = \"2s\"\n");
    out(&site, &["agent", "drain", "a1"]);
    let task = json!({
        "type": "long", "deadline": "5h", "estimate": "6h", "parameters": {"configuration": {"command": ["true"]}},
    });
    site.client().unwrap().command(&json!({"command": "submit_tasks", "tasks": [task]})).unwrap();
    let id = site.tasks()[0].id.to_string();
    let alert = fired(&mut site, "deadline-at-risk", Severity::Warning);
    assert_eq!(alert.source, format!("task {id}"));
    out(&site, &["task", "cancel", &id]);
    cleared(&mut site, "deadline-at-risk");
}
