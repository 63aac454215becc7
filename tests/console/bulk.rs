//! Several things at once: what would change is shown first, and every refusal is answered.

use super::desk::{Desk, rare};

#[test]
fn marked_tasks_are_changed_together_after_a_preview_and_taken_back() {
    let desk = Desk::new();
    let ids: Vec<String> = (0..3).map(|_| desk.submits("batch work", "true", &rare())).collect();
    let states = || ids.iter().map(|id| desk.task(id)["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let mut terminal = desk.console(&[]);
    terminal.types("5");
    terminal.sees("batch work");
    terminal.types("/batch\r");
    terminal.sees("╭ tasks [3]");
    terminal.types("*");
    terminal.sees("3 marked");
    terminal.types("D");
    terminal.sees("cancel 3 tasks?");
    terminal.is_asked("3 will change, 0 cannot");
    assert_eq!(states(), ["pending"; 3], "a preview changes nothing");
    // Left, nothing has changed; entered again and agreed to, all three have.
    terminal.types("n");
    terminal.sees_no_longer("cancel 3 tasks?");
    assert_eq!(states(), ["pending"; 3]);
    terminal.types("D");
    terminal.is_asked("3 will change, 0 cannot");
    terminal.types("y");
    terminal.wait_for("all three to be cancelled", |_| states() == ["cancelled"; 3]);
    assert_eq!(desk.task(&desk.waiting)["status"], "pending", "what was not marked is left alone");
    terminal.sees("z takes it back");
    terminal.types("z");
    terminal.wait_for("all three to wait again", |_| states() == ["pending"; 3]);
    terminal.quits();
}
