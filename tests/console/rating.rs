//! What was done is rated from the console, and what was typed in the palette is taken back like what keys did.

use serde_json::Value;

use super::desk::Desk;

/// What people say of a task: stars, and why.
fn ratings(desk: &Desk, id: &str) -> Vec<(u64, Option<String>)> {
    let said: Vec<Value> = desk.site.client().unwrap().get(&format!("/v1/tasks/{id}/ratings"), &vec![]).unwrap();
    said.iter().map(|one| (one["rating"].as_u64().unwrap(), one["note"].as_str().map(str::to_owned))).collect()
}

#[test]
fn a_rating_is_given_replaced_and_taken_back() {
    let desk = Desk::new();
    let id = desk.failed.clone();
    let mut terminal = desk.console(&[]);
    terminal.types("5");
    terminal.types("/breaks\r");
    terminal.sees("╭ tasks [1]");
    terminal.types("\r");
    terminal.sees("WHY THIS AGENT");
    terminal.types("R");
    terminal.is_asked("1 to 5, 5 best");
    terminal.types("2 broke it\r");
    let first = (2, Some("broke it".to_owned()));
    terminal.wait_for("the rating", |_| ratings(&desk, &id) == [first.clone()]);
    terminal.sees("z takes it back");
    // Typed as on the command line.
    terminal.types(format!(":task rate {id} 5\r"));
    terminal.wait_for("another rating", |_| ratings(&desk, &id) == [(5, None)]);
    terminal.sees("rated 5 of 5");
    terminal.sees("z takes it back");
    terminal.types("\x1b");
    terminal.sees_no_longer("rated 5 of 5");
    terminal.types("z");
    terminal.wait_for("the first rating", |_| ratings(&desk, &id) == [first.clone()]);
    terminal.sees("took back");
    terminal.types("z");
    terminal.wait_for("no rating", |_| ratings(&desk, &id).is_empty());
    let left = std::fs::read_dir(desk.site.data_dir()).unwrap().flatten();
    let accounts = left.filter(|entry| entry.file_name().to_string_lossy().contains("account"));
    assert_eq!(accounts.count(), 0, "what the verb told is taken away");
    terminal.quits();
}

#[test]
fn whom_an_agent_reports_to_is_taken_back_though_it_was_typed() {
    let desk = Desk::new();
    let superior = || {
        let agents = desk.site.client().unwrap().list::<Value>("agents", &vec![]).unwrap().0;
        agents.iter().find(|agent| agent["name"] == "a2").unwrap()["reports_to"].clone()
    };
    let mut terminal = desk.console(&[]);
    terminal.types(":agent report a2 --to a3\r");
    terminal.wait_for("a2 to report to a3", |_| superior() == "a3");
    terminal.sees("z takes it back");
    terminal.types("\x1b");
    terminal.sees_no_longer("z takes it back");
    terminal.types("z");
    terminal.wait_for("a2 to report to nobody", |_| superior().is_null());
    terminal.quits();
}
