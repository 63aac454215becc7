//! Choosing agents as a person does: recommendations, why an agent was chosen, ratings, the versions of a definition, the
//! hierarchy, and search.

use menagerie::domain::TaskStatus;
use serde_json::Value;

use super::site::Site;

fn out(site: &Site, arguments: &[&str]) -> String {
    let output = site.command(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json_of(site: &Site, arguments: &[&str]) -> Value {
    serde_json::from_str(&out(site, &[arguments, &["-o", "json"]].concat())).unwrap()
}

fn refused(site: &Site, arguments: &[&str]) -> String {
    let output = site.command(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

const FLEET: &str = r#"
[[cage]]
range = "001-002"

[[agent]]
name = "smith"
cage = "001"
keywords = ["parser", "rust"]
runtime = { type = "command", command = ["/bin/true"] }

[[agent]]
name = "baker"
cage = "002"
keywords = ["sql", "migration"]
tier = "lead"
runtime = { type = "command", command = ["/bin/true"] }
"#;

fn apply(site: &Site, fleet: &str) {
    let path = site.folder().join("fleet.toml");
    std::fs::write(&path, fleet).unwrap();
    out(site, &["apply", path.to_str().unwrap()]);
}

fn submit(site: &Site, text: &str) -> String {
    let input = serde_json::json!({ "prompt": text }).to_string();
    json_of(site, &["task", "submit", "build", "--input", &input])["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_agent_is_recommended_chosen_explained_and_rated() {
    let mut site = Site::new();
    site.start_engine();
    apply(&site, FLEET);
    let found = json_of(&site, &["agent", "recommend", "mend", "the", "sql", "migration", "-n", "2"]);
    assert_eq!((&found["items"][0]["name"], found["items"].as_array().unwrap().len()), (&"baker".into(), 2), "{found}");
    let text = out(&site, &["agent", "recommend", "parsers", "in", "lexer.rs", "--explain"]);
    for part in ["smith", "has parser, rust", "unknown: it has ended nothing", "to come first: "] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let id = submit(&site, "a migration of sql");
    site.wait_for_status(&id, TaskStatus::Completed);
    let why = out(&site, &["task", "explain", &id]);
    assert!(why.contains("agent baker was chosen among ") && why.contains("keyword_match 1.00"), "{why}");
    let execution = json_of(&site, &["task", "show", &id])["execution_id"].as_str().unwrap().to_owned();
    assert!(out(&site, &["execution", "show", &execution]).contains("agent baker was chosen"));
    let evidence = |site: &Site| {
        let found = json_of(site, &["agent", "recommend", "sql", "--type", "build"]);
        found["items"][0]["factors"][2]["evidence"].as_str().unwrap().to_owned()
    };
    assert_eq!(evidence(&site), "100 % of 1 execution in 30 days");
    out(&site, &["task", "rate", &id, "2", "--note", "half of it"]);
    assert!(evidence(&site).ends_with("rated 2.0 by 1 user"), "{}", evidence(&site));
    assert_eq!(json_of(&site, &["execution", "show", &execution])["user_satisfaction_rating"], 2);
    assert!(refused(&site, &["task", "rate", &id, "9"]).contains("1 to 5"));
    // What is known of agents outlives the engine.
    let before = json_of(&site, &["agent", "recommend", "sql", "--type", "build"]);
    site.kill_engine();
    site.start_engine();
    assert_eq!(json_of(&site, &["agent", "recommend", "sql", "--type", "build"]), before);
    out(&site, &["task", "rate", &id, "--off"]);
    assert!(!evidence(&site).contains("rated"));
    let weights = site.folder().join("weights.toml");
    std::fs::write(&weights, "[defaults.selection.weights]\navailability = -1\n").unwrap();
    assert!(refused(&site, &["apply", weights.to_str().unwrap()]).contains("weights.availability"));
}

#[test]
fn definitions_have_versions_and_agents_a_hierarchy() {
    let mut site = Site::new();
    site.start_engine();
    apply(&site, FLEET);
    apply(&site, &FLEET.replace("\"sql\", \"migration\"", "\"cakes\""));
    let history = json_of(&site, &["agent", "history", "baker"]);
    assert_eq!(history.as_array().unwrap().len(), 2, "{history}");
    let diff = out(&site, &["agent", "diff", "baker"]);
    assert!(diff.contains("version 1 -> version 2") && diff.contains("keywords: "), "{diff}");
    out(&site, &["agent", "rollback", "baker", "1"]);
    assert_eq!(json_of(&site, &["agent", "show", "baker"])["keywords"][0], "sql");
    assert_eq!(json_of(&site, &["agent", "history", "baker"]).as_array().unwrap().len(), 3);
    assert!(refused(&site, &["agent", "rollback", "baker", "9"]).contains("1 to 3"));
    out(&site, &["agent", "report", "smith", "--to", "baker"]);
    let tree = out(&site, &["agent", "tree", "baker"]);
    assert!(tree.starts_with("baker  lead") && tree.contains("\n  smith"), "{tree}");
    assert!(refused(&site, &["agent", "report", "baker", "--to", "smith"]).contains("baker -> smith -> baker"));
    let parameters = "review={\"languages\":[\"rust\"]}";
    out(&site, &["agent", "add", "reader", "--capability", parameters, "--capability", "shell", "--", "/bin/true"]);
    let reader = json_of(&site, &["agent", "show", "reader"]);
    assert_eq!(reader["capabilities"][0]["parameters"]["languages"][0], "rust", "{reader}");
}

#[test]
fn what_there_is_is_found_by_its_words() {
    let mut site = Site::new();
    site.start_engine();
    apply(&site, FLEET);
    let id = submit(&site, "a migration of the cathedral");
    let caught_up = |site: &Site| json_of(site, &["search", "cathedral"])["items"].as_array().unwrap().len() == 1;
    site.wait_for("the index to have it", caught_up);
    let found = json_of(&site, &["search", "cathed"]);
    assert_eq!((&found["items"][0]["id"], &found["items"][0]["noun"]), (&id.into(), &"task".into()), "{found}");
    let text = out(&site, &["search", "migration"]);
    assert!(text.contains("agent") && text.contains("baker") && text.contains("cathedral"), "{text}");
    assert_eq!(json_of(&site, &["search", "bakre", "--in", "agent"])["items"][0]["similar"], true);
    assert!(refused(&site, &["search", "..."]).contains("at least one word"));
}
