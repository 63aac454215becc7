//! A key that was pressed before a question could be seen was meant for something else, and never answers it.

use super::desk::Desk;
use super::terminal::Terminal;

fn tasks(desk: &Desk, filter: &str) -> Terminal {
    let mut terminal = desk.console(&[]);
    terminal.types("5");
    terminal.sees("foresight");
    terminal.types(format!("/{filter}\r"));
    terminal.sees("╭ tasks [1]");
    terminal
}

#[test]
fn a_question_is_not_answered_by_what_was_typed_ahead() {
    let desk = Desk::shared();
    let before = desk.seq();
    let mut terminal = tasks(&desk, "\"long work\"");
    terminal.types("Dy");
    terminal.is_asked("y: yes, do it");
    // It still waits for its answer, and hears it now.
    terminal.types("n");
    terminal.sees_no_longer("y: yes, do it");
    assert_eq!(desk.seq(), before);
    assert_eq!(desk.task(&desk.running)["status"], "executing");
    terminal.quits();
}

#[test]
fn a_choice_of_agents_is_not_made_by_what_was_typed_ahead() {
    let desk = Desk::shared();
    let before = desk.seq();
    let mut terminal = tasks(&desk, "foresight");
    terminal.types("r\r");
    terminal.sees("no agent: the scheduler chooses");
    terminal.is_asked("IF YOU DO IT");
    terminal.types("\x1b");
    terminal.sees_no_longer("no agent: the scheduler chooses");
    assert_eq!(desk.seq(), before);
    terminal.quits();
}

#[test]
fn a_preview_is_not_agreed_to_by_what_was_typed_ahead() {
    let desk = Desk::shared();
    let before = desk.seq();
    let mut terminal = desk.console(&[]);
    terminal.types("6");
    terminal.sees("third.md");
    terminal.types("*");
    terminal.sees("6 marked");
    terminal.types("ayyy\r");
    terminal.is_asked("6 will change, 0 cannot");
    terminal.types("n");
    terminal.sees_no_longer("6 will change, 0 cannot");
    assert_eq!(desk.seq(), before);
    terminal.quits();
}
