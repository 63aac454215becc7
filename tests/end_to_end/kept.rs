//! What is kept of outcomes, and what it comes to: how good artifacts are, how good agents are, what removed agents were
//! called, and what the dashboards make of it.

use serde_json::{Value, json};

use super::interface::ask;
use super::site::Site;

/// Two that make the same, one that says how good it is; one that fails with a status of its own for each type.
const FLEET: &str = r#"
[[cage]]
range = "001-003"

[[agent]]
name = "maker"
cage = "001"
runtime = { type = "command", command = ["/bin/sh", "-c", """
echo '{"type":"artifact","title":"good.md","kind":"doc","content":"x","quality":0.4}'
echo '{"type":"artifact","title":"odd.md","kind":"doc","content":"y","quality":1.5}'
"""] }

[[agent]]
name = "other"
cage = "002"
runtime = { type = "command", command = ["/bin/sleep", "0.05"] }

[[agent]]
name = "breaker"
cage = "003"
runtime = { type = "command", command = ["/bin/sh", "-c", "grep -q odd && exit 3; exit 4"] }
"#;

fn fleet() -> Site {
    let mut site = Site::new();
    site.start_engine();
    let path = site.folder().join("fleet.toml");
    std::fs::write(&path, FLEET).unwrap();
    site.out(&["apply", path.to_str().unwrap()]);
    site
}

fn submit(site: &Site, kind: &str, agent: &str) -> String {
    site.out(&["task", "submit", kind, "--agent", agent, "--max-attempts", "1"]).trim().to_owned()
}

/// The one thing of a list of which a field has this value.
fn one(listed: &Value, field: &str, value: &str) -> Value {
    let mut found = listed.as_array().unwrap().iter().filter(|item| item[field] == value);
    let first = found.next().unwrap_or_else(|| panic!("no {field} {value} in {listed}")).clone();
    assert_eq!(found.next(), None);
    first
}

#[test]
fn how_good_an_artifact_is_says_its_agent_and_then_whoever_judges_it() {
    let mut site = fleet();
    let task = submit(&site, "write", "maker");
    site.wait_until_done();
    let listed = site.json_of(&["artifact", "list"]);
    let (good, odd) = (one(&listed, "title", "good.md"), one(&listed, "title", "odd.md"));
    assert_eq!((&good["quality_score"], &odd["quality_score"]), (&json!(0.4), &Value::Null), "{listed}");
    let said = site.command(&["task", "logs", &task]).output().unwrap();
    let said = [said.stdout, said.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    assert!(said.contains("1 announced artifacts have a quality that is none (1.5)"), "{said}");
    let id = |artifact: &Value| artifact["id"].as_str().unwrap().to_owned();
    let (good, odd) = (id(&good), id(&odd));
    assert!(site.out(&["artifact", "show", &good]).contains("0.40, as reported"));
    let execution = site.json_of(&["execution", "list"])[0]["id"].as_str().unwrap().to_owned();
    let mean = |site: &Site| site.json_of(&["execution", "show", &execution])["quality_score"].clone();
    assert_eq!(mean(&site), json!(0.4), "of those of which anything is known");
    // Who judges knows better.
    for wrong in ["1.5", "-0.1", "NaN"] {
        let said = site.refusal_of(&["artifact", "approve", &good, "--quality", wrong]);
        assert!(said.contains("quality") && said.contains("from 0, useless, to 1, perfect"), "{said}");
    }
    site.out(&["artifact", "approve", &good, "--quality", "0.9"]);
    site.out(&["artifact", "reject", &odd, "--quality", "0.2"]);
    let shown = site.json_of(&["artifact", "show", &good]);
    assert_eq!((&shown["quality_score"], &shown["review"]["quality"]), (&json!(0.9), &json!(0.9)), "{shown}");
    assert!(!site.out(&["artifact", "show", &good]).contains("as reported"));
    assert!((mean(&site).as_f64().unwrap() - 0.55).abs() < 1e-9);
    for verb in [["execution", "show", &execution], ["task", "show", &task]] {
        assert!(site.out(&verb).contains("0.55, the mean of its artifacts"), "{verb:?}");
    }
    assert_eq!(site.json_of(&["artifact", "list", "--filter", "quality:>0.5"]).as_array().unwrap().len(), 1);
    assert_eq!(site.records_of("artifact_reviewed")[0]["quality"], json!(0.9));
    // A judgement that is taken back leaves nothing behind.
    site.out(&["artifact", "reopen", &good]);
    assert!(site.out(&["artifact", "show", &good]).contains("0.40, as reported"));
    site.check_books();
}

#[test]
fn how_good_an_agent_is_follows_from_what_it_did() {
    let mut site = fleet();
    for agent in ["maker", "other", "maker", "other"] {
        submit(&site, "write", agent);
    }
    for kind in ["odd", "even"] {
        submit(&site, kind, "breaker");
    }
    let metrics = |site: &Site, agent: &str| site.json_of(&["agent", "show", agent])["metrics"].clone();
    assert!(metrics(&site, "maker").as_object().unwrap().len() == 3, "each is there, known or not");
    site.wait_until_done();
    let (one, other) = (metrics(&site, "maker"), metrics(&site, "other"));
    assert_eq!((&one["reliability"], &one["efficiency"]), (&json!(1.0), &json!(1.0)), "{one}");
    let (one, other) = (one["performance"].as_f64().unwrap(), other["performance"].as_f64().unwrap());
    // There are only the two: the one is as much faster as the other is slower.
    assert!((one + other - 1.0).abs() < 0.002 && one > 0.0 && other > 0.0, "{one} {other}");
    let failing = metrics(&site, "breaker");
    assert_eq!(failing, json!({"performance": null, "reliability": 0.0, "efficiency": 0.0}));
    let listed = site.json_of(&["agent", "list", "--sort", "name"]);
    assert_eq!(listed[0]["metrics"], failing, "{listed}");
    site.check_books();
}

#[test]
fn who_was_removed_keeps_the_name_and_failures_their_status() {
    let mut site = fleet();
    let task = submit(&site, "odd", "breaker");
    submit(&site, "even", "breaker");
    submit(&site, "write", "other");
    site.wait_until_done();
    let errors = site.json_of(&["dashboard", "errors"]);
    let patterns: Vec<_> = errors.as_array().unwrap().iter().map(|group| group["pattern"].as_str().unwrap()).collect();
    assert!(patterns.contains(&"exit status 3") && patterns.contains(&"exit status 4"), "{errors}");
    let errors = site.json_of(&["dashboard", "errors", "--per", "task-type"]);
    let odd = one(&errors, "group", "odd");
    assert_eq!((&odd["pattern"], &odd["share"]["n"]), (&json!("exit status 3"), &json!(2)), "{errors}");
    let trends = site.json_of(&["dashboard", "trends", "--per", "task_type"]);
    let write = one(&trends, "group", "write");
    assert_eq!((&write["now"]["success"]["n"], &write["now"]["time"]["n"]), (&json!(1), &json!(1)), "{write}");
    assert!(site.out(&["dashboard", "trends", "--per", "task-type"]).contains("TASK TYPE"));
    assert!(site.out(&["dashboard", "trends", "--per", "type"]).contains("KIND"));
    let top = site.json_of(&["dashboard", "top-agents", "--type", "write"]);
    assert_eq!((&top[0]["agent"], top.as_array().unwrap().len()), (&json!("other"), 1), "{top}");
    assert_eq!(site.json_of(&["--at", "seq:1", "dashboard", "top-agents"]), json!([]), "nothing was done yet then");
    let days = site.json_of(&["dashboard", "days", "--per", "task-type"]);
    assert_eq!((&one(&days, "group", "even")["success_count"], days.as_array().unwrap().len()), (&json!(0), 3));
    let csv = site.out(&["dashboard", "trends", "-o", "csv"]);
    assert!(csv.lines().next().unwrap().contains("now.success.share") && !csv.contains('{'), "{csv}");
    let csv = site.out(&["agent", "recommend", "write", "it", "-o", "csv"]);
    assert!(csv.lines().next().unwrap().contains("factors.keyword_match.value") && !csv.contains('{'), "{csv}");

    site.out(&["agent", "remove", "breaker"]);
    for verb in [
        &["execution", "list"][..],
        &["task", "show", &task],
        &["dashboard", "top-agents"],
        &["dashboard", "trends"],
        &["dashboard", "days", "--per", "agent"],
    ] {
        assert!(site.out(verb).contains("breaker (removed)"), "{verb:?}: {}", site.out(verb));
    }
    let top = site.json_of(&["dashboard", "top-agents"]);
    let removed = one(&top, "agent", "breaker");
    assert_eq!(removed["removed"], true, "{removed}");
    assert!(one(&top, "agent", "other")["removed"].is_null(), "{top}");
}

#[test]
fn definitions_and_models_are_lists_like_any_other() {
    let mut site = fleet();
    let path = site.folder().join("fleet.toml");
    for word in ["one", "two"] {
        let changed = FLEET.replace("name = \"other\"", &format!("name = \"other\"\nkeywords = [\"{word}\"]"));
        std::fs::write(&path, changed).unwrap();
        site.out(&["apply", path.to_str().unwrap()]);
    }
    let versions = |arguments: &[&str]| {
        let listed = site.json_of(&[&["agent", "history", "other"], arguments].concat());
        let versions = listed.as_array().unwrap().clone();
        versions.iter().map(|version| version["version"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(versions(&[]), [1, 2, 3]);
    assert_eq!(versions(&["--sort", "-version", "--limit", "2"]), [3, 2]);
    assert_eq!(versions(&["--filter", "version:>1", "--offset", "1"]), [3]);
    let shown = site.out(&["agent", "history", "other", "--limit", "1", "--sort", "-version"]);
    assert!(shown.contains("one -> two") && shown.contains("1 to 1 of 3"), "{shown}");
    for path in ["/v1/models?foo=1", "/v1/agents/other/versions?foo=1", "/v1/models?sort=foo", "/v1/models?limit=x"] {
        let (status, body) = ask(&site, &format!("GET {path}"));
        assert!(status == 400 && body.contains("foo") | body.contains("limit"), "{path}: {status} {body}");
    }
    let (status, body) = ask(&site, "GET /v1/models?type=policy,predictor&limit=1&sort=-type");
    let models: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &models[0]["type"], models.as_array().unwrap().len()), (200, &json!("predictor"), 1), "{body}");
    site.stop_all();
}
