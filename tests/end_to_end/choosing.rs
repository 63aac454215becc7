//! Choosing agents as a person does: recommendations, why an agent was chosen, ratings, the versions of a definition, the
//! hierarchy, and search.

use menagerie::domain::TaskStatus;

use super::site::Site;

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
    site.out(&["apply", path.to_str().unwrap()]);
}

fn submit(site: &Site, text: &str) -> String {
    let input = serde_json::json!({ "prompt": text }).to_string();
    site.json_of(&["task", "submit", "--type", "build", "--input", &input])["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_agent_is_recommended_chosen_explained_and_rated() {
    let mut site = Site::new();
    site.start_engine();
    apply(&site, FLEET);
    let found = site.json_of(&["agent", "recommend", "mend", "the", "sql", "migration", "-n", "2"]);
    assert_eq!((&found["items"][0]["name"], found["items"].as_array().unwrap().len()), (&"baker".into(), 2), "{found}");
    let text = site.out(&["agent", "recommend", "parsers", "in", "lexer.rs", "--explain"]);
    for part in ["smith", "has parser, rust", "unknown: it has ended nothing", "to come first: "] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let id = submit(&site, "a migration of sql");
    site.wait_for_status(&id, TaskStatus::Completed);
    let why = site.out(&["task", "explain", &id]);
    assert!(why.contains("agent baker was chosen among ") && why.contains("keyword_match 1.00"), "{why}");
    let execution = site.json_of(&["task", "show", &id])["execution_id"].as_str().unwrap().to_owned();
    assert!(site.out(&["execution", "show", &execution]).contains("agent baker was chosen"));
    let evidence = |site: &Site| {
        let found = site.json_of(&["agent", "recommend", "sql", "--type", "build"]);
        found["items"][0]["factors"][2]["evidence"].as_str().unwrap().to_owned()
    };
    assert_eq!(evidence(&site), "100 % of 1 execution in 30 days");
    site.out(&["task", "rate", &id, "2", "--note", "half of it"]);
    assert!(evidence(&site).ends_with("rated 2.0 by 1 user"), "{}", evidence(&site));
    assert_eq!(site.json_of(&["execution", "show", &execution])["user_satisfaction_rating"], 2);
    let shown = site.out(&["task", "show", &id]);
    assert!(shown.contains("2 of 5 by ") && shown.contains(": half of it"), "{shown}");
    assert!(shown.contains("words migrat, sql"), "{shown}");
    assert_eq!(site.json_of(&["task", "show", &id])["ratings"][0]["note"], "half of it");
    assert!(site.refusal_of(&["task", "rate", &id, "9"]).contains("1 to 5"));
    // What is known of agents outlives the engine.
    let before = site.json_of(&["agent", "recommend", "sql", "--type", "build"]);
    site.kill_engine();
    site.start_engine();
    assert_eq!(site.json_of(&["agent", "recommend", "sql", "--type", "build"]), before);
    site.out(&["task", "rate", &id, "--off"]);
    assert!(!evidence(&site).contains("rated"));
    assert!(!site.out(&["task", "show", &id]).contains("half of it"));
    let weights = site.folder().join("weights.toml");
    std::fs::write(&weights, "[defaults.selection.weights]\navailability = -1\n").unwrap();
    assert!(site.refusal_of(&["apply", weights.to_str().unwrap()]).contains("weights.availability"));
    std::fs::write(&weights, "[defaults.selection.weights]\nkeyword_match = \"much\"\n").unwrap();
    let refusal = site.refusal_of(&["apply", weights.to_str().unwrap()]);
    assert!(refusal.contains("allowed: a number") && !refusal.contains("f64"), "{refusal}");
    std::fs::write(&weights, "[defaults.selection.weights]\navailability = -0.0\n").unwrap();
    let applied = site.out(&["apply", weights.to_str().unwrap()]);
    assert!(applied.contains("availability: ") && !applied.contains("-0"), "{applied}");
    let long = "x".repeat(4001);
    assert!(site.refusal_of(&["task", "rate", &id, "2", "--note", &long]).contains("at most 4000 characters"));
}

#[test]
fn an_agent_is_renamed_while_it_works_and_keeps_what_it_did() {
    let mut site = Site::new();
    site.start_engine();
    apply(&site, FLEET);
    let id = submit(&site, "a migration of sql");
    site.wait_for_status(&id, TaskStatus::Completed);
    let agent = site.json_of(&["agent", "show", "baker"])["id"].clone();
    assert!(site.refusal_of(&["agent", "rename", "baker", "smith"]).contains("a name that no agent has"));
    assert!(site.out(&["agent", "rename", "baker", "cook"]).contains("cook is its name now"));
    assert_eq!(site.json_of(&["agent", "show", "cook"])["id"], agent);
    assert!(site.out(&["task", "show", &id]).contains("cook"));
    assert!(site.out(&["agent", "history", "cook"]).contains("name: baker -> cook"));
    // What it was before it was renamed is gone back to under the name that it has.
    site.out(&["agent", "set", "cook", "--role", "baker"]);
    site.out(&["agent", "rollback", "cook", "1"]);
    let agents = site.json_of(&["agent", "list"]);
    assert!(agents.as_array().unwrap().iter().all(|agent| agent["name"] != "baker"), "{agents}");
    let now = site.json_of(&["agent", "show", "cook"]);
    assert_eq!((&now["id"], &now["role"]), (&agent, &serde_json::Value::Null), "{now}");
    assert!(site.refusal_of(&["agent", "set", "cook", "--configuration", "[]"]).contains("a JSON object"));
    assert!(site.refusal_of(&["agent", "set", "cook", "--display-name", &"x".repeat(101)]).contains("101 characters"));
    let found = site.json_of(&["agent", "recommend", "sql", "--type", "build", "--priority", "8"]);
    assert_eq!(found["items"][0]["name"], "cook");
    assert_eq!(found["items"][0]["factors"][2]["evidence"], "100 % of 1 execution in 30 days");
    assert!(site.refusal_of(&["agent", "recommend", "sql", "--priority", "11"]).contains("1 to 10"));
}

#[test]
fn a_task_shows_its_title() {
    let mut site = Site::new();
    site.start_engine();
    apply(&site, FLEET);
    let batch = site.folder().join("tasks.jsonl");
    std::fs::write(
        &batch,
        r#"{"type": "build", "metadata": {"title": "Mend the lexer", "description": "It is slow"}}"#,
    )
    .unwrap();
    site.out(&["task", "submit", "--batch", batch.to_str().unwrap()]);
    let id = site.json_of(&["task", "list"])[0]["id"].as_str().unwrap().to_owned();
    let shown = site.out(&["task", "show", &id]);
    assert!(shown.contains("Mend the lexer") && shown.contains("It is slow"), "{shown}");
}

#[test]
fn definitions_have_versions_and_agents_a_hierarchy() {
    let mut site = Site::new();
    site.start_engine();
    apply(&site, FLEET);
    apply(&site, &FLEET.replace("\"sql\", \"migration\"", "\"cakes\""));
    let history = site.json_of(&["agent", "history", "baker"]);
    assert_eq!(history.as_array().unwrap().len(), 2, "{history}");
    let diff = site.out(&["agent", "diff", "baker"]);
    assert!(diff.contains("version 1 -> version 2") && diff.contains("keywords: sql, migration -> cakes"), "{diff}");
    site.out(&["agent", "rollback", "baker", "1"]);
    assert_eq!(site.json_of(&["agent", "show", "baker"])["keywords"][0], "sql");
    assert_eq!(site.json_of(&["agent", "history", "baker"]).as_array().unwrap().len(), 3);
    assert!(site.refusal_of(&["agent", "rollback", "baker", "9"]).contains("1 to 3"));
    site.out(&["agent", "report", "smith", "--to", "baker"]);
    let tree = site.out(&["agent", "tree", "baker"]);
    assert!(tree.starts_with("baker  lead") && tree.contains("\n  smith"), "{tree}");
    assert!(site.refusal_of(&["agent", "report", "baker", "--to", "smith"]).contains("baker -> smith -> baker"));
    let parameters = "review={\"languages\":[\"rust\"]}";
    site.out(&["agent", "add", "reader", "--capability", parameters, "--capability", "shell", "--", "/bin/true"]);
    let reader = site.json_of(&["agent", "show", "reader"]);
    assert_eq!(reader["capabilities"][0]["parameters"]["languages"][0], "rust", "{reader}");
}

#[test]
fn an_agent_is_changed_from_the_command_line_and_shown_with_all_its_fields() {
    let mut site = Site::new();
    site.start_engine();
    apply(&site, FLEET);
    let script = "set -e\necho one\necho two";
    let parameters = "review={\"languages\":[\"rust\"]}";
    let words =
        ["agent", "set", "smith", "--role", "tester", "--capability", parameters, "--keyword", "lexer", "--tier"];
    let more = ["worker", "--configuration", "{\"settings\":{\"model\":\"small\"}}", "--env", "LEVEL=high", "--"];
    let said = site.out(&[&words[..], &more, &["/bin/sh", "-c", script]].concat());
    assert!(said.contains("smith changed") && said.contains("role: none -> tester"), "{said}");
    let shown = site.out(&["agent", "show", "smith"]);
    let owner = site.json_of(&["agent", "show", "smith"])["owner"].as_str().unwrap().to_owned();
    for part in [parameters, "lexer", "LEVEL=high", "    echo two", "settings           model=small", "/bin/sh -c"] {
        assert!(shown.contains(part), "no {part:?} in {shown}");
    }
    assert!(shown.contains("\nowner ") && !shown.contains(&owner), "{shown}");
    // What was left out stays, an empty value clears, and of a script only the lines that differ are shown.
    let said = site.out(&["agent", "set", "smith", "--role", "", "--", "/bin/sh", "-c", "set -e\necho 1\necho two"]);
    for part in ["role: tester -> none", "  runtime.command:", "    - echo one", "    + echo 1"] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    assert!(!said.contains("echo two"), "{said}");
    let smith = site.json_of(&["agent", "show", "smith"]);
    assert_eq!(
        (&smith["role"], &smith["cage"], &smith["tier"]),
        (&().into(), &"001".into(), &"worker".into()),
        "{smith}"
    );
    let diff = site.out(&["agent", "diff", "smith"]);
    assert!(diff.contains("    - echo one\n    + echo 1\n") && !diff.contains("echo two"), "{diff}");
    assert!(site.out(&["agent", "history", "smith"]).contains("    + echo 1"));
    let exact = site.json_of(&["agent", "diff", "smith"])["changes"].to_string();
    assert!(exact.contains("echo two"), "JSON has both whole: {exact}");
    site.out(&["agent", "rollback", "smith", "2"]);
    assert_eq!(site.json_of(&["agent", "show", "smith"])["role"], "tester");
    for (words, why) in [
        (&["--reports-to", "smith"][..], "another agent"),
        (&["--cage", "002"], "baker"),
        (&["--capability", "a", "--capability", "a"], "each capability once"),
        (&["--", "/no/such/program"], "/no/such/program"),
        (&[], "at least one option"),
    ] {
        let refusal = site.refusal_of(&[&["agent", "set", "smith"], words].concat());
        assert!(refusal.contains(why), "{words:?}: {refusal}");
    }
    let same = site.out(&["agent", "set", "smith", "--role", "tester"]);
    assert!(!same.contains("->"), "{same}");
    let found = site.json_of(&["agent", "list", "--filter", "keyword:lexer -tool:git display_name:none"]);
    assert_eq!(found[0]["name"], "smith", "{found}");
}

#[test]
fn what_there_is_is_found_by_its_words() {
    let mut site = Site::new();
    site.start_engine();
    apply(&site, FLEET);
    let id = submit(&site, "a migration of the cathedral");
    let caught_up = |site: &Site| site.json_of(&["search", "cathedral"])["items"].as_array().unwrap().len() == 1;
    site.wait_for("the index to have it", caught_up);
    let found = site.json_of(&["search", "cathed"]);
    assert_eq!((&found["items"][0]["id"], &found["items"][0]["noun"]), (&id.into(), &"task".into()), "{found}");
    let text = site.out(&["search", "migration"]);
    assert!(text.contains("agent") && text.contains("baker") && text.contains("cathedral"), "{text}");
    assert_eq!(site.json_of(&["search", "bakre", "--in", "agent"])["items"][0]["similar"], true);
    assert!(site.refusal_of(&["search", "..."]).contains("at least one word"));
}
