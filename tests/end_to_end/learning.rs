//! What is learned of who does what well, as a person sees it: versions of the model, going back to one, a model that a newer
//! binary made; and what the same outcomes say in the dashboards.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use super::site::Site;

/// One does everything, the other cannot mend what is broken.
const FLEET: &str = r#"
[[cage]]
range = "001-002"

[[agent]]
name = "smith"
kind = "coordinator"
division = "engineering"
cage = "001"
runtime = { type = "command", command = ["/bin/true"] }

[[agent]]
name = "baker"
kind = "task_executor"
cage = "002"
runtime = { type = "command", command = ["/bin/sh", "-c", "! grep -q broken"] }
"#;

/// Has each agent do so many tasks, every other of them of what is broken; never two failures in a row.
fn work(site: &mut Site, each: usize) {
    let mut command = site.command(&["task", "submit", "--batch", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    for number in 0..each {
        let kind = if number % 2 == 0 { "build" } else { "broken" };
        for agent in ["smith", "baker"] {
            writeln!(input, "{}", json!({"type": kind, "agent": agent, "max_attempts": 1})).unwrap();
        }
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    site.wait_until_done();
}

fn fleet() -> Site {
    let mut site = Site::new();
    site.start_engine();
    let path = site.folder().join("fleet.toml");
    std::fs::write(&path, FLEET).unwrap();
    site.out(&["apply", path.to_str().unwrap()]);
    site
}

#[test]
fn a_model_has_versions_that_are_shown_compared_gone_back_to_and_exported() {
    let mut site = fleet();
    let list = site.out(&["model", "list"]);
    assert_eq!(list.matches("no version yet; 0 of 32 outcomes").count(), 4, "{list}");
    let shown = site.out(&["model", "show", "value_function"]);
    assert!(shown.starts_with("value_function, no version yet; 0 of 32 outcomes: "), "{shown}");
    let report = site.json_of(&["model", "show", "predictor"]);
    assert_eq!((&report["current_version"], &report["metrics"]["loss"]), (&Value::Null, &Value::Null), "{report}");
    assert!(site.refusal_of(&["model", "export", "predictor"]).contains("no version yet; 0 of 32 outcomes"));
    assert!(site.refusal_of(&["model", "train"]).contains("learned something"));
    work(&mut site, 20);
    let listed = site.json_of(&["model", "list"]);
    for (place, model) in ["classifier", "policy"].into_iter().enumerate() {
        let (one, two) = (&listed[place]["current_version"], &listed[place]["current"]["lessons"]);
        assert_eq!((&listed[place]["type"], one, two), (&json!(model), &json!(1), &json!(32)), "{listed}");
        assert_eq!(listed[place]["next"]["needed"], 64, "{listed}");
    }
    assert_eq!((&listed[3]["type"], &listed[3]["next"]["outcomes"]), (&json!("value_function"), &json!(0)), "{listed}");
    // A list like any other.
    let types = |site: &Site, arguments: &[&str]| {
        let listed = site.json_of(&[&["model", "list"], arguments].concat());
        let listed = listed.as_array().unwrap().clone();
        listed.iter().map(|model| model["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(types(&site, &["--sort", "-type", "--limit", "2"]), ["value_function", "predictor"]);
    assert_eq!(types(&site, &["--filter", "version:1 type:policy"]), ["policy"]);
    assert_eq!(types(&site, &["--filter", "version:none", "--offset", "1"]), ["value_function"]);
    assert!(site.refusal_of(&["model", "list", "--sort", "colour"]).contains("colour"));
    assert!(
        site.out(&["--at", "seq:1", "model", "list"]).contains("no version yet; 0 of 32 outcomes"),
        "in the past too"
    );
    assert!(site.out(&["model", "list"]).contains("DECIDES BY"));
    site.out(&["model", "train"]);
    assert!(site.refusal_of(&["model", "train"]).contains("learned something"), "nothing was learned since");
    let report = site.json_of(&["model", "show"]);
    assert_eq!((&report["current_version"], report["versions"].as_array().unwrap().len()), (&json!(2), 2), "{report}");
    assert_eq!((&report["versions"][0]["lessons"], &report["versions"][0]["batch"]), (&json!(40), &json!(8)));
    assert!(site.out(&["model", "show"]).starts_with("policy, version 2: "));
    let metric = &report["learning_metrics"][0];
    assert_eq!((&metric["model"], &metric["context"]["batch_size"]), (&json!("policy"), &json!(8)), "{metric}");
    assert_eq!((&metric["context"]["iteration"], &metric["context"]["epoch"]), (&json!(2), &json!(1)), "{metric}");
    assert!(metric["metadata"]["candidate"].is_string() && metric["id"].is_string(), "{metric}");
    let in_force = report["versions"][0]["compared"].as_array().unwrap().iter().find(|one| one["in_force"] == true);
    assert_eq!(report["metrics"]["loss"], in_force.unwrap()["loss"], "{report}");
    let seq = |version: usize| report["versions"][2 - version]["seq"].as_u64().unwrap();
    let training = &report["metadata"]["training_data"];
    assert_eq!((&training["outcomes"], &training["records"]), (&json!(40), &json!([{"from": 1, "to": seq(2) - 1}])));
    let validation = &report["metadata"]["validation_data"];
    assert_eq!((&validation["method"], &validation["outcomes"]), (&json!("prequential"), &json!(8)), "{validation}");
    assert_eq!(validation["records"], json!({"from": seq(1) + 1, "to": seq(2) - 1}));
    assert!(site.refusal_of(&["model", "compare", "policy", "2"]).contains("the one in force"));
    assert!(site.refusal_of(&["model", "compare", "policy", "1", "1"]).contains("two different versions"));
    let compared = site.out(&["model", "compare", "policy", "1", "2"]);
    for part in ["version 1 beside version 2", "loss", "accuracy", "convergence"] {
        assert!(compared.contains(part), "no {part:?} in {compared}");
    }
    assert!(site.refusal_of(&["model", "compare", "policy", "1", "9"]).contains("model show policy"));
    let first = site.out(&["model", "export", "--version", "1"]);
    let first_loss = report["versions"][1]["compared"].as_array().unwrap().iter().find(|one| one["in_force"] == true);
    let first_loss = first_loss.unwrap()["loss"].clone();
    let said = site.out(&["model", "rollback", "policy", "1"]);
    assert_eq!(said.trim(), "policy 3 is version 1 again", "both are named");
    // All but when it was made, and of what time it knows nothing.
    let state = |text: &str| {
        let mut state = serde_json::from_str::<Value>(text).unwrap()["state"].clone();
        let policy = state["policy"].as_object_mut().unwrap();
        assert!(policy.remove("made").is_some());
        policy.remove("gaps");
        state
    };
    let now = site.out(&["model", "export"]);
    assert_eq!(state(&now), state(&first), "it is what it was");
    let now: Value = serde_json::from_str(&now).unwrap();
    assert_eq!((&now["version"], &now["rolled_back_to"]), (&json!(3), &json!(1)), "{now}");
    assert!(site.refusal_of(&["model", "rollback", "policy", "9"]).contains("model show policy"));
    // It is kept: after a crash it is the same.
    site.kill_engine();
    site.start_engine();
    assert_eq!(state(&site.out(&["model", "export"])), state(&first));
    let again = site.json_of(&["model", "show"]);
    assert_eq!(again["current_version"], 3);
    // What it went back to rests on what that rested on.
    let records = json!([{"from": 1, "to": seq(1) - 1}]);
    assert_eq!((&again["metadata"]["training_data"]["records"], &again["metrics"]["loss"]), (&records, &first_loss));
    site.check_books();
}

#[test]
fn a_model_of_a_newer_binary_is_refused_and_work_goes_on_without_it() {
    let mut site = fleet();
    work(&mut site, 16);
    assert_eq!(site.json_of(&["model", "show"])["current_version"], 1);
    site.kill_engine();
    // As a newer binary would have left it: another format, and a state of which nobody here knows the shape.
    let store = rusqlite::Connection::open(site.data_dir().join("menagerie.db")).unwrap();
    let changed = store
        .execute("UPDATE model_version SET body = json_set(body, '$.format', 99), state = '{\"forest\":[7]}'", [])
        .unwrap();
    assert_eq!(changed, 2, "of the policy and of the classifier");
    drop(store);
    site.start_engine();
    let alerts = site.json_of(&["alert", "list"]);
    let alert = alerts.as_array().unwrap().iter().find(|alert| alert["source"] == "learning").unwrap();
    let message = alert["message"].as_str().unwrap();
    assert!(message.contains("policy version 1 of format 99") && message.contains("format 1 or older"), "{message}");
    assert!(message.contains("classifier version 1 of format 99"), "{message}");
    assert_eq!(alert["severity"], "warning");
    for arguments in [&["model", "export"][..], &["model", "rollback", "policy", "1"]] {
        let said = site.refusal_of(arguments);
        assert!(said.contains("of format 99") && said.contains("use a newer menagerie"), "{arguments:?}: {said}");
    }
    // What is learned from now on is a version of its own, after that one.
    work(&mut site, 16);
    let report = site.json_of(&["model", "show"]);
    assert_eq!((&report["current_version"], &report["versions"][0]["lessons"]), (&json!(2), &json!(32)), "{report}");
    site.kill_engine();
    site.start_engine();
    let alerts = site.json_of(&["alert", "list"]);
    assert!(alerts.as_array().unwrap().iter().all(|alert| alert["source"] != "learning"), "{alerts}");
}

/// Both leave what they made, but for what is broken, which the one cannot mend.
const CRAFT: &str = r#"
[[cage]]
range = "001-002"

[[agent]]
name = "smith"
cage = "001"
runtime = { type = "command", command = ["/bin/sh", "-c", "echo 1 > $MENAGERIE_ARTIFACTS/notes.md"] }

[[agent]]
name = "baker"
cage = "002"
runtime = { type = "command", command = ["/bin/sh", "-c", "! grep -q broken && echo 1 > $MENAGERIE_ARTIFACTS/notes.md"] }
"#;

#[test]
fn how_likely_something_is_and_what_waiting_costs_is_learned_and_said() {
    let mut site = Site::new();
    site.start_engine();
    let path = site.folder().join("fleet.toml");
    std::fs::write(&path, CRAFT).unwrap();
    site.out(&["apply", path.to_str().unwrap()]);
    work(&mut site, 24);
    // Nothing that baker made is approved; one of each is left.
    for (agent, verb, count) in [("smith", "approve", 23), ("baker", "reject", 11)] {
        let made = site.json_of(&["artifact", "list", "--agent", agent]);
        let ids: Vec<_> = made.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), count + 1, "{agent}");
        site.out(&[&["artifact", verb], &ids[1..]].concat());
    }
    site.out(&["model", "train", "classifier"]);
    let inbox = site.json_of(&["inbox", "list"]);
    let inbox = inbox.as_array().unwrap();
    let waiting: Vec<_> = inbox.iter().filter(|item| item["kind"] == "artifact").collect();
    assert_eq!((&waiting[0]["agent"], &waiting[1]["agent"]), (&json!("baker"), &json!("smith")), "{waiting:?}");
    let approval = |place: usize| waiting[place]["approval"].as_f64().unwrap();
    assert!(approval(0) < 0.4 && approval(1) > 0.7, "{waiting:?}");
    assert!(site.out(&["inbox", "list"]).contains("LIKELY"));
    let shown = site.out(&["artifact", "show", waiting[0]["id"].as_str().unwrap()]);
    assert!(shown.contains("is approved in about ") && shown.contains("of baker"), "{shown}");
    // A bad match is warned of, and taken.
    let submit = ["task", "submit", "broken", "--agent", "baker", "--deadline", "1h"];
    site.out(&["agent", "drain", "baker"]);
    let output = site.command(&submit).output().unwrap();
    let (said, id) = (String::from_utf8(output.stderr).unwrap(), String::from_utf8(output.stdout).unwrap());
    assert!(
        said.contains("baker with type broken succeeds in about ") && said.contains("; smith does in about "),
        "{said}"
    );
    let id = id.trim();
    let explained = site.out(&["task", "explain", id]);
    assert!(explained.contains("with agent baker it succeeds in about "), "{explained}");
    assert!(explained.contains("costs 5.5 task-hours"), "{explained}");
    assert!(site.out(&["task", "show", id]).contains("costs 5.5 task-hours"));
    let recommended = site.out(&["agent", "recommend", "--task", id, "--explain"]);
    assert!(
        recommended.contains("SUCCEEDS") && recommended.contains("of baker with type broken succeeded"),
        "{recommended}"
    );
    assert!(site.out(&["task", "reassign", id, "--candidates"]).contains("is a bad match: succeeds in about "));
    // It has versions, and is the same after a crash.
    assert!(site.out(&["model", "show", "classifier"]).contains("agents+types"));
    let exported = site.out(&["model", "export", "classifier"]);
    let approved = site.json_of(&["inbox", "list"]);
    site.kill_engine();
    site.start_engine();
    assert_eq!(site.out(&["model", "export", "classifier"]), exported);
    let again = site.json_of(&["inbox", "list"]);
    assert_eq!((&again[0]["id"], &again[0]["approval"]), (&approved[0]["id"], &approved[0]["approval"]));
    site.out(&["model", "rollback", "classifier", "1"]);
    site.out(&["task", "cancel", id]);
    site.check_books();
}

#[test]
fn dashboards_say_how_sure_they_are_of_agents_types_divisions_and_owners() {
    let mut site = fleet();
    work(&mut site, 10);
    // Three more that build on what smith did.
    let after =
        site.json_of(&["task", "list", "--filter", "agent:smith type:build"])[0]["id"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        site.out(&["task", "submit", "build", "--agent", "baker", "--after", &after]);
    }
    site.wait_until_done();
    let top = site.out(&["dashboard", "top-agents"]);
    assert!(top.contains("95% (BY ITS LOWER END)") && top.contains("72-100%"), "{top}");
    let top = site.json_of(&["dashboard", "top-agents"]);
    let names: Vec<_> = top.as_array().unwrap().iter().map(|row| row["agent"].as_str().unwrap()).collect();
    assert_eq!(names, ["smith", "baker"]);
    assert_eq!((&top[1]["success"]["n"], &top[1]["success"]["successes"]), (&json!(13), &json!(8)), "{top}");
    let groups = |per: &str| {
        let found = site.json_of(&["dashboard", "trends", "--per", per]);
        let of = |row: &Value| format!("{} {}", row["group"].as_str().unwrap(), row["now"]["success"]["n"]);
        found.as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(groups("agent"), ["smith 10", "baker 13"]);
    assert_eq!(groups("type"), ["coordinator 10", "task_executor 13"]);
    assert_eq!(groups("division"), ["engineering 10", "- 13"]);
    let owners = groups("owner");
    assert!(owners.len() == 1 && owners[0].ends_with(" 23"), "{owners:?}");
    let trends = site.out(&["dashboard", "trends", "--per", "type"]);
    for part in ["KIND", "100% (72-100%) of 10", "2 groups since "] {
        assert!(trends.contains(part), "no {part:?} in {trends}");
    }
    assert!(site.out(&["dashboard", "trends", "-o", "csv"]).starts_with("group,now.agents,now.success."));
    let days = site.json_of(&["dashboard", "days", "--per", "type"]);
    let all: u64 = days.as_array().unwrap().iter().map(|day| day["execution_count"].as_u64().unwrap()).sum();
    assert_eq!(all, 23, "{days}");
    let errors = site.json_of(&["dashboard", "errors", "--per", "type"]);
    assert_eq!((&errors[0]["group"], &errors[0]["count"]), (&json!("task_executor"), &json!(5)), "{errors}");
    let links = site.json_of(&["dashboard", "collaboration"]);
    assert_eq!((&links[0]["from"], &links[0]["to"]), (&json!("smith"), &json!("baker")), "{links}");
    assert_eq!((&links[0]["success"]["n"], &links[0]["overall"]["n"]), (&json!(3), &json!(13)), "{links}");
    assert_eq!(links[0]["change"], "unclear", "three of three may be chance");
    let links = site.out(&["dashboard", "collaboration", "--per", "type"]);
    assert!(links.contains("coordinator") && links.contains("no clear difference"), "{links}");
}
