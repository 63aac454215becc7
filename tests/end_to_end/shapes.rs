//! What the command line gives programs has the fields that the published schemas name, no more and no fewer.

use std::collections::BTreeSet;

use menagerie::api::types::{Status, TaskRow};
use menagerie::domain::{Agent, Artifact, Cage, Execution, SystemEvent};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::site::Site;

fn output(site: &Site, arguments: &[&str]) -> Value {
    let output = site.command(arguments).args(["-o", "json"]).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Checks that `value` reads as a `T` and has the keys of its schema, and those that the specification names.
fn check<T: JsonSchema + DeserializeOwned>(what: &[&str], value: &Value, named: &[&str]) {
    serde_json::from_value::<T>(value.clone()).unwrap_or_else(|error| panic!("{what:?}: {error}: {value}"));
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    let properties: BTreeSet<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    let required: BTreeSet<&str> = schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let keys: BTreeSet<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(keys.is_subset(&properties), "{what:?}: not in the schema: {:?}", keys.difference(&properties));
    assert!(required.is_subset(&keys), "{what:?}: missing: {:?}", required.difference(&keys));
    let named: BTreeSet<&str> = named.iter().copied().collect();
    assert!(named.is_subset(&keys), "{what:?}: the specification also has {:?}", named.difference(&keys));
}

const TASK: &[&str] = &[
    "id",
    "type",
    "status",
    "priority",
    "parameters",
    "requirements",
    "deadline",
    "depends_on",
    "approval_gate",
    "max_attempts",
    "timeout",
    "assigned_agent_id",
    "output",
    "error",
    "metadata",
    "created_by",
    "created_at",
    "updated_at",
    "started_at",
    "completed_at",
];
const AGENT: &[&str] = &[
    "id",
    "name",
    "display_name",
    "kind",
    "division",
    "participant",
    "role",
    "tier",
    "reports_to",
    "status",
    "specializations",
    "tools_available",
    "keywords",
    "capabilities",
    "runtime",
    "concurrency",
    "owner",
    "cage_id",
    "current_task_id",
    "counters",
    "last_heartbeat",
    "created_at",
    "updated_at",
];
const EXECUTION: &[&str] = &[
    "id",
    "task_id",
    "agent_id",
    "cage_id",
    "session",
    "execution_type",
    "status",
    "progress",
    "attempt",
    "metrics",
    "result",
    "tokens_used",
    "cost",
    "user_satisfaction_rating",
    "started_at",
    "completed_at",
    "input_context",
    "output_summary",
];
const CAGE: &[&str] =
    &["id", "node_id", "agent_id", "status", "resource_limits", "resource_usage", "network", "created_at"];
const ARTIFACT: &[&str] = &["id", "agent_id", "task_id", "type", "title", "human_approved", "review", "metadata"];

/// Checks one item of the list that the arguments ask for.
type Check = fn(&[&str], &Value);

#[test]
fn json_has_the_fields_of_the_schemas() {
    let mut site = Site::new();
    site.start_engine();
    site.apply_fleet(1, 2);
    let id = site.run_one(&["sh", "-c", "echo '# Findings' > $MENAGERIE_ARTIFACTS/findings.md"]);
    site.run_one(&["false"]);
    let array = site.command(&["run", "--wait", "--array", "1-2", "--", "true"]).output().unwrap();
    assert!(array.status.success(), "{}", String::from_utf8_lossy(&array.stderr));
    site.wait_until_done();
    let tasks = output(&site, &["task", "list"]);
    assert_eq!(tasks.as_array().unwrap().len(), 5, "two tasks, an array and its elements");
    for task in tasks.as_array().unwrap() {
        check::<TaskRow>(&["task", "list"], task, TASK);
    }
    let mut shown = output(&site, &["task", "show", &id]);
    let attempts = shown.as_object_mut().unwrap().remove("executions").unwrap();
    assert_eq!(shown.as_object_mut().unwrap().remove("ratings"), Some(Value::Array(vec![])));
    check::<TaskRow>(&["task", "show"], &shown, TASK);
    assert_eq!(attempts.as_array().unwrap().len(), 1, "{attempts}");
    attempts.as_array().unwrap().iter().for_each(|item| check::<Execution>(&["task", "show"], item, EXECUTION));
    let lists: [(&[&str], Check); 5] = [
        (&["agent", "list"], |what, item| check::<Agent>(what, item, AGENT)),
        (&["cage", "list"], |what, item| check::<Cage>(what, item, CAGE)),
        (&["execution", "list"], |what, item| check::<Execution>(what, item, EXECUTION)),
        (&["artifact", "list"], |what, item| check::<Artifact>(what, item, ARTIFACT)),
        (&["event", "list"], |what, item| {
            check::<SystemEvent>(what, item, &["type", "source", "message", "time", "context", "metadata"]);
        }),
    ];
    for (arguments, check) in lists {
        let items = output(&site, arguments);
        // The system need not have said anything.
        assert!(arguments[0] == "event" || !items.as_array().unwrap().is_empty(), "{arguments:?} is empty");
        items.as_array().unwrap().iter().for_each(|item| check(arguments, item));
    }
    let status = output(&site, &["status"]);
    check::<Status>(&["status"], &status, &["version", "pid", "data_dir", "tasks", "agents", "cages", "artifacts"]);
    assert_eq!(status["tasks"]["completed"], 3, "an array counts as its elements: {status}");
    let executions: Vec<Value> = site.client().unwrap().list("executions", &vec![]).unwrap().0;
    assert!(!executions.is_empty());
    for execution in &executions {
        check::<Execution>(&["executions"], execution, EXECUTION);
    }
}
