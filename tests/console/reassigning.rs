//! A task is given to somebody else, who is chosen from those that could.

use serde_json::json;

use super::desk::Desk;
use super::terminal::Terminal;

/// Waits until what was typed is the choice under the cursor, and what it would change is shown, so that it can be chosen.
#[track_caller]
fn is_judged(terminal: &mut Terminal, typed: &str) {
    let typed = format!("find: {typed} ");
    terminal.wait_for(&format!("the judgement of {typed:?}"), |terminal| {
        let screen = terminal.screen();
        screen.contains(&typed) && screen.contains("IF YOU DO IT")
    });
    terminal.is_up_to_date();
}

#[test]
fn a_waiting_task_gets_another_agent_and_is_given_back() {
    let desk = Desk::new();
    let more = json!({"agent": "seer", "requirements": {"capabilities": ["clairvoyance"]}});
    let id = desk.submits("for somebody", "true", &more);
    let agents = desk.site.client().unwrap().list::<serde_json::Value>("agents", &vec![]).unwrap().0;
    let agent = |name: &str| agents.iter().find(|agent| agent["name"] == name).unwrap()["id"].clone();
    let wanted = || desk.task(&id)["agent_id"].clone();
    assert_eq!(wanted(), agent("seer"), "{}", desk.task(&id));
    let mut terminal = desk.console(&[]);
    terminal.types("5");
    terminal.sees("for somebody");
    terminal.types("/somebody\r");
    terminal.sees("╭ tasks [1]");
    terminal.types("r");
    terminal.sees("reassign for somebody");
    terminal.is_asked("cannot  a3");
    // Nobody else is able, and choosing one of them says why instead of doing it.
    terminal.types("a3");
    is_judged(&mut terminal, "a3");
    terminal.types("\r");
    terminal.sees("a3 cannot:");
    assert_eq!(wanted(), agent("seer"));
    terminal.types("\x15scheduler");
    is_judged(&mut terminal, "scheduler");
    terminal.types("\r");
    terminal.wait_for("nobody in particular to be wanted", |_| wanted().is_null());
    terminal.sees("z takes it back");
    terminal.types("z");
    terminal.wait_for("the seer to be wanted again", |_| wanted() == agent("seer"));
    terminal.quits();
}

#[test]
fn a_task_goes_to_an_agent_that_can_do_it() {
    let desk = Desk::new();
    // Nothing starts while both are drained, so that the task stays where it can be moved.
    for name in ["a2", "a3"] {
        assert!(desk.site.command(&["agent", "drain", name]).status().unwrap().success());
    }
    let id = desk.submits("for a2", "true", &json!({"agent": "a2"}));
    let mut terminal = desk.console(&[]);
    terminal.types("5");
    terminal.sees("for a2");
    terminal.types("/\"for a2\"\r");
    terminal.sees("╭ tasks [1]");
    terminal.types("r");
    terminal.is_asked(" free    a4 ");
    terminal.types("a4");
    is_judged(&mut terminal, "a4");
    terminal.types("\r");
    terminal.wait_for("a4 to have done it", |_| desk.task(&id)["status"] == "completed");
    let by = desk.task(&id)["assigned_agent_id"].clone();
    let agents = desk.site.client().unwrap().list::<serde_json::Value>("agents", &vec![]).unwrap().0;
    let name = agents.iter().find(|agent| agent["id"] == by).map(|agent| agent["name"].clone());
    assert_eq!(name, Some("a4".into()), "{}", desk.task(&id));
    terminal.quits();
}
