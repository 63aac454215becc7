//! Words are looked for and what is found is opened; an agent is found by its name and changed in a form.

use serde_json::{Value, json};

use super::desk::Desk;

#[test]
fn what_is_found_is_opened_and_an_agent_is_changed_and_put_back() {
    let desk = Desk::new();
    let id = desk.submits("a cathedral", "true", &json!({}));
    let mut terminal = desk.console(&[]);
    let client = desk.site.client().unwrap();
    let words = vec![("q".to_owned(), "cathedral".to_owned())];
    terminal.wait_for("the index to have it", |_| {
        let found: Value = client.get("/v1/search", &words).unwrap();
        found["items"].as_array().is_some_and(|items| !items.is_empty())
    });
    terminal.types(":search cathed\r");
    terminal.sees("search [1]");
    terminal.sees("a cathedral");
    terminal.is_up_to_date();
    terminal.types("\r");
    terminal.sees(&format!("task {}", &id[id.len() - 8..]));
    // Nobody is called so.
    terminal.types(":agent aa2\r");
    terminal.sees("did you mean \"a2\"?");
    terminal.types("\x15agent a2\r");
    terminal.sees("agent a2 · attempts");
    // What is not here yet cannot be changed.
    terminal.sees("task_executor");
    terminal.is_up_to_date();
    terminal.types("e");
    terminal.sees("display name ▶");
    // Down to the role.
    terminal.types("\t\t\t\tmason");
    terminal.sees("menagerie agent set a2 --role mason");
    terminal.types("\r");
    let role = || client.get::<Value>("/v1/agents/a2", &vec![]).unwrap()["role"].clone();
    terminal.wait_for("its role to be changed", |_| role() == "mason");
    terminal.sees("z takes it back");
    terminal.types("z");
    terminal.wait_for("its role to be as before", |_| role().is_null());
    terminal.quits();
}
