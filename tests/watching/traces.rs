//! Each task's life is a trace at a collector of one's own choice, and a collector that is away holds up nobody.

use std::collections::{BTreeMap, BTreeSet};

use menagerie::api::live::HealthState;
use menagerie::domain::TaskStatus;
use serde_json::{Value, json};

use super::listener::Listener;
use super::ops::{apply, out, started};
use super::otlp::{all_metrics, attribute_of, spans};
use super::site::Site;

fn config(listener: &Listener, more: &str) -> String {
    waiting(listener, "50ms", more)
}

/// The same, with spans that wait for others for some time.
fn waiting(listener: &Listener, every: &str, more: &str) -> String {
    format!("[otlp]\nendpoint = \"http://{}\"\nevery = \"{every}\"\n{more}", listener.address)
}

/// Submits a task with a command and more, and gives its id.
fn submit(site: &Site, script: &str, more: &Value) -> String {
    let mut task = json!({"type": "analysis", "parameters": {"configuration": {"command": ["sh", "-c", script]}}});
    task.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    let known: Vec<_> = site.tasks().into_iter().map(|task| task.id).collect();
    site.client().unwrap().command(&json!({"command": "submit_tasks", "tasks": [task]})).unwrap();
    let new = site.tasks().into_iter().find(|task| !known.contains(&task.id));
    new.unwrap().id.to_string()
}

/// The spans of a task, by name; of one name the one that began last.
fn of_task(listener: &Listener, task: &str) -> BTreeMap<String, Value> {
    let trace = task.replace('-', "");
    let mut spans = spans(&listener.taken());
    spans.retain(|span| span["traceId"] == trace.as_str());
    spans.sort_by_key(|span| span["startTimeUnixNano"].as_str().unwrap().to_owned());
    spans.into_iter().map(|span| (span["name"].as_str().unwrap().to_owned(), span)).collect()
}

#[test]
fn a_life_is_one_trace_from_its_submission_to_the_review_of_what_it_made() {
    let listener = Listener::start();
    let more = "metrics_every = \"200ms\"\nheaders = { authorization = \"Bearer t0ken\" }\n";
    let mut site = started(&config(&listener, more));
    apply(&site, 1, "memory = \"64MiB\"", "");
    let script = "echo \"$TRACEPARENT\" > $MENAGERIE_ARTIFACTS/context.txt; \
        echo '{\"type\":\"tokens\",\"input\":70,\"output\":30,\"cost\":0.5}'";
    let first = submit(&site, script, &json!({}));
    site.wait_for_status(&first, TaskStatus::Completed);
    let second = submit(&site, "exit 7", &json!({"depends_on": [first], "max_attempts": 1}));
    site.wait_for_status(&second, TaskStatus::Failed);
    let artifacts: Value = serde_json::from_str(&out(&site, &["artifact", "list", "-o", "json"])).unwrap();
    let artifact = artifacts[0]["id"].as_str().unwrap();
    out(&site, &["artifact", "approve", artifact]);
    site.wait_for("the whole life", |_| of_task(&listener, &first).len() == 6);
    site.wait_for("the end of the other", |_| of_task(&listener, &second).len() == 5);

    let life = of_task(&listener, &first);
    let names: Vec<&str> = life.keys().map(String::as_str).collect();
    assert_eq!(names, ["invoke_agent a1", "place", "review", "submit", "task analysis", "wait"]);
    let root = &life["task analysis"];
    assert_eq!((root.get("parentSpanId"), &root["status"]["code"]), (None, &json!(1)));
    for (name, span) in life.iter().filter(|(name, _)| *name != "task analysis") {
        assert_eq!(span["parentSpanId"], root["spanId"], "{name}");
    }
    let mut ids: Vec<_> = life.values().map(|span| span["spanId"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6, "each span has an id of its own");
    // One part begins where the other ends.
    assert_eq!(life["submit"]["startTimeUnixNano"], root["startTimeUnixNano"]);
    assert_eq!(life["wait"]["startTimeUnixNano"], root["startTimeUnixNano"]);
    assert_eq!(life["wait"]["endTimeUnixNano"], life["place"]["startTimeUnixNano"]);
    let run = &life["invoke_agent a1"];
    assert_eq!(life["place"]["endTimeUnixNano"], run["startTimeUnixNano"]);
    for (key, value) in [
        ("gen_ai.operation.name", "invoke_agent"),
        ("gen_ai.agent.name", "a1"),
        ("gen_ai.usage.input_tokens", "70"),
        ("gen_ai.usage.output_tokens", "30"),
        ("menagerie.cage.id", "001"),
        ("menagerie.task.id", first.as_str()),
        ("process.exit.code", "0"),
    ] {
        assert_eq!(attribute_of(run, key).as_deref(), Some(value), "{key}");
    }
    assert_eq!(attribute_of(&life["review"], "menagerie.review.state").as_deref(), Some("approved"));
    // The agent was told where it is: what it traces itself belongs below its run.
    let bytes = site.client().unwrap().artifact_part(artifact, 0, u64::MAX).unwrap().0;
    let context = String::from_utf8(bytes.to_vec()).unwrap();
    let expected = format!("00-{}-{}-01", first.replace('-', ""), run["spanId"].as_str().unwrap());
    assert_eq!(context.trim(), expected);

    let failed = of_task(&listener, &second);
    let root_of_failed = &failed["task analysis"];
    assert_eq!(root_of_failed["status"]["code"], 2);
    assert_eq!(root_of_failed["links"][0]["traceId"], root["traceId"]);
    assert_eq!(root_of_failed["links"][0]["spanId"], root["spanId"]);
    let run = &failed["invoke_agent a1"];
    assert_eq!((run["status"]["code"].as_u64(), attribute_of(run, "error.type").as_deref()), (Some(2), Some("failed")));
    assert_eq!(attribute_of(run, "process.exit.code").as_deref(), Some("7"));

    let metric = |name: &str| all_metrics(&listener.taken()).into_iter().rfind(|metric| metric["name"] == name);
    site.wait_for("metrics of both lives", |_| {
        metric("menagerie.tasks.ended").is_some_and(|it| it["sum"]["dataPoints"].as_array().unwrap().len() == 2)
            && metric("menagerie_tasks").is_some()
    });
    let durations = metric("gen_ai.invoke_agent.duration").unwrap();
    let points = durations["histogram"]["dataPoints"].as_array().unwrap();
    let failed = points.iter().find(|point| attribute_of(point, "error.type").as_deref() == Some("failed")).unwrap();
    assert_eq!((&failed["count"], attribute_of(failed, "gen_ai.agent.name").as_deref()), (&json!("1"), Some("a1")));
    let tokens = metric("gen_ai.client.token.usage").unwrap();
    let read = tokens["histogram"]["dataPoints"]
        .as_array()
        .unwrap()
        .iter()
        .find(|point| attribute_of(point, "gen_ai.token.type").as_deref() == Some("input"));
    assert_eq!(read.unwrap()["sum"], json!(70.0));
    assert!(listener.taken().iter().all(|request| request.head.contains("authorization: Bearer t0ken\r\n")));
    let health = site.status().unwrap().health;
    assert!(health.iter().any(|part| part.component == "telemetry" && part.state == HealthState::Ok), "{health:?}");
}

#[test]
fn a_collector_that_is_away_holds_up_nobody_and_what_is_lost_is_counted() {
    let listener = Listener::start();
    listener.answer(503);
    let mut site = started(&config(&listener, "queue = 8\nmetrics_every = \"0s\"\ntimeout = \"300ms\"\n"));
    apply(&site, 1, "memory = \"64MiB\"", "");
    let count = 20;
    site.submit_marking_tasks(count);
    assert_eq!(site.wait_until_done().completed, count as u64);
    let part = |site: &Site| {
        let health = site.status().map(|status| status.health).unwrap_or_default();
        health.into_iter().find(|part| part.component == "telemetry")
    };
    site.wait_for("the loss to be seen", |site| {
        part(site)
            .is_some_and(|part| part.reason.contains("answered 503") && part.reason.contains("spans were dropped"))
    });
    let seen = part(&site).unwrap();
    assert!(seen.state == HealthState::Degraded && !seen.remedy.is_empty() && seen.since.is_some(), "{seen:?}");
    assert_eq!(site.command(&["status"]).output().unwrap().status.code(), Some(0), "the fleet is well");
    assert_eq!(site.command(&["status", "--strict"]).output().unwrap().status.code(), Some(4));
    // It does not answer at all; then it is back, and is told what there was room for.
    listener.answer(0);
    site.submit_marking_tasks(1);
    site.wait_until_done();
    assert!(listener.taken().is_empty());
    listener.answer(200);
    site.wait_for("what was kept", |_| !spans(&listener.taken()).is_empty());
    let told = spans(&listener.taken());
    let ids: BTreeSet<String> = told.iter().map(|span| format!("{} {}", span["traceId"], span["spanId"])).collect();
    assert_eq!(ids.len(), told.len(), "nothing is told twice");
}

#[test]
fn what_waits_is_told_when_the_engine_ends_and_what_cannot_be_is_counted() {
    let listener = Listener::start();
    let mut site = started(&waiting(&listener, "5m", "metrics_every = \"1h\"\n"));
    apply(&site, 1, "memory = \"64MiB\"", "");
    let told = submit(&site, "true", &json!({}));
    site.wait_for_status(&told, TaskStatus::Completed);
    assert!(listener.taken().is_empty(), "it waits for others to go with");
    site.terminate_engine();
    let names: Vec<String> = of_task(&listener, &told).into_keys().collect();
    assert_eq!(names, ["invoke_agent a1", "place", "submit", "task analysis", "wait"]);
    let metrics = all_metrics(&listener.taken());
    assert!(metrics.iter().any(|metric| metric["name"] == "menagerie.tasks.ended"), "{metrics:?}");
    let log = |site: &Site| std::fs::read_to_string(site.folder().join("engine.log")).unwrap();
    assert!(!log(&site).contains("was not told of so many spans"), "{}", log(&site));

    // One that cannot be told holds up the end for a moment only, and the log says how much is lost.
    listener.answer(503);
    site.start_engine();
    let lost = submit(&site, "true", &json!({}));
    site.wait_for_status(&lost, TaskStatus::Completed);
    site.terminate_engine();
    let log = log(&site);
    let line =
        log.lines().find(|line| line.contains("was not told of so many spans")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains("spans=5"), "{line}");
    assert!(of_task(&listener, &lost).is_empty());
}
