//! Every screen is reached by its number and says what it is; filters narrow; details open and lead back.

use super::desk::Desk;

#[test]
fn each_screen_is_reached_by_its_number_and_named() {
    let desk = Desk::shared();
    let mut terminal = desk.console(&[]);
    // What only this screen shows of this fleet.
    let screens = [
        ("2", "inbox", "north.md"),
        ("3", "cages", "by number"),
        ("4", "agents", "SLOTS"),
        ("5", "tasks", "foresight"),
        ("6", "artifacts", "third.md"),
        ("7", "alerts", "failed after its only attempt"),
        ("9", "metrics", "agent_silence_seconds"),
        ("0", "events", "artifact_added"),
        ("1", "overview", "waits for you"),
    ];
    for (key, name, content) in screens {
        terminal.types(key);
        terminal.sees(&format!("menagerie › {name}"));
        terminal.sees(&format!("╭ {name}"));
        terminal.sees(content);
    }
    terminal.quits();
}

#[test]
fn a_filter_narrows_while_one_types_and_escape_gives_all_back() {
    let desk = Desk::shared();
    let mut terminal = desk.console(&[]);
    terminal.types("5");
    terminal.sees("foresight");
    terminal.types("/status:failed");
    terminal.sees_no_longer("foresight");
    terminal.sees("breaks");
    terminal.types("\r");
    terminal.sees_no_longer("Enter keeps");
    assert!(terminal.screen().contains("breaks"), "{}", terminal.screen());
    terminal.types("\x1b");
    terminal.sees("foresight");
    // A wrong one names what is wrong and hides nothing for good.
    terminal.types("/colour:red\r");
    terminal.sees("\"colour\" is not allowed");
    terminal.types("\x1b");
    terminal.sees_no_longer("is not allowed");
    terminal.sees("foresight");
    terminal.quits();
}

#[test]
fn a_task_is_opened_explained_and_left_again() {
    let desk = Desk::shared();
    let mut terminal = desk.console(&[]);
    terminal.types("5");
    terminal.sees("foresight");
    terminal.types("/foresight\r");
    terminal.sees_no_longer("breaks");
    terminal.types("w");
    terminal.sees("WHAT HOLDS IT UP");
    terminal.sees("resume agent seer");
    terminal.types("\x1b");
    terminal.sees_no_longer("WHAT HOLDS IT UP");
    terminal.types("\r");
    terminal.sees("menagerie › tasks › task ");
    terminal.types("\x1b");
    terminal.sees_no_longer("› task ");
    terminal.quits();
}
