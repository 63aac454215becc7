//! What was judged the same way again and again becomes a proposed rule, which is armed by a word and by nothing else.

use serde_json::{Value, json};

use super::desk::Desk;

/// Has agent `a1` make a file that is an artifact, for a task of this type.
fn makes(desk: &Desk, kind: &str, name: &str) -> String {
    let script = format!("printf '# {name}\\n\\nAll is well.\\n' > $MENAGERIE_ARTIFACTS/{name}");
    desk.submits(kind, &script, &json!({"agent": "a1"}))
}

fn rules(desk: &Desk) -> Vec<Value> {
    desk.site.client().unwrap().get("/v1/approval-rules", &vec![]).unwrap()
}

#[test]
fn a_repeated_approval_is_proposed_as_a_rule_and_armed_by_a_word() {
    let mut desk = Desk::new();
    let names = ["d1.md", "d2.md", "d3.md", "d4.md", "d5.md"];
    for name in names {
        makes(&desk, "daily", name);
    }
    desk.site.wait_for("the reports to be there", |site| site.status().is_some_and(|it| it.artifacts.pending == 11));
    let mut terminal = desk.console(&[]);
    terminal.types("2");
    terminal.sees("╭ inbox [");
    for name in names {
        assert!(!terminal.screen().contains("P: a rule"), "{}", terminal.screen());
        let id = desk.artifact(name)["id"].as_str().unwrap().to_owned();
        assert!(desk.site.command(&["artifact", "approve", &id]).output().unwrap().status.success());
    }
    terminal.sees("P: a rule is proposed");
    terminal.types("P");
    terminal.sees("would have approved 5 of 5");
    // Looking at it arms nothing, and neither does leaving it or a hasty yes.
    terminal.types("y\r");
    terminal.types("\x1b");
    terminal.sees_no_longer("would have approved");
    assert!(rules(&desk).is_empty());
    terminal.types("P");
    terminal.sees("would have approved 5 of 5");
    terminal.types("arm\r");
    desk.site.wait_for("the rule to be there", |site| {
        site.client().is_some_and(|client| {
            client.get::<Vec<Value>>("/v1/approval-rules", &vec![]).is_ok_and(|rules| rules.len() == 1)
        })
    });
    terminal.sees_no_longer("P: a rule is proposed");
    makes(&desk, "daily", "d6.md");
    makes(&desk, "weekly", "w1.md");
    desk.site.wait_for("both reports to be there", |site| {
        site.client()
            .is_some_and(|client| client.list::<Value>("artifacts", &vec![]).is_ok_and(|(_, total)| total == 13))
    });
    let (state, note) = desk.review("d6.md");
    let name = rules(&desk)[0]["name"].as_str().unwrap().to_owned();
    assert_eq!((state.as_str(), note), ("approved", Some(format!("approved by rule {name}"))));
    let review = desk.artifact("d6.md")["review"].clone();
    assert_eq!((&review["rule"], &review["by"]), (&json!(name), &Value::Null), "the rule judged, and nobody else");
    assert_eq!(desk.artifact("d6.md")["human_approved"], json!(false));
    assert_eq!(desk.review("w1.md").0, "pending", "another type of task");
    // What it decided is taken back like any judgement, and the rule itself by z.
    let id = desk.artifact("d6.md")["id"].as_str().unwrap().to_owned();
    assert!(desk.site.command(&["artifact", "reopen", &id]).output().unwrap().status.success());
    assert_eq!(desk.review("d6.md").0, "pending");
    terminal.types("z");
    desk.site.wait_for("the rule to be gone", |site| {
        site.client().is_some_and(|client| {
            client.get::<Vec<Value>>("/v1/approval-rules", &vec![]).is_ok_and(|rules| rules.is_empty())
        })
    });
    terminal.quits();
}
