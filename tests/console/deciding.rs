//! What waits for a human is decided with a key, and taken back with another.

use super::desk::Desk;
use super::terminal::Terminal;

/// Puts the cursor of the inbox on the artifact of a title. The list must be at rest: a row that moves by itself looks like a key heard.
fn goes_to(terminal: &mut Terminal, title: &str) {
    let place = |terminal: &Terminal, sign: &str| terminal.screen().lines().position(|line| line.contains(sign));
    for _ in 0..20 {
        let (here, there) = (place(terminal, "▶"), place(terminal, &format!("  {title} ")));
        if here == there {
            return;
        }
        terminal.types(if here < there { "j" } else { "k" });
        terminal.wait_for("the cursor to move", |terminal| place(terminal, "▶") != here);
    }
    panic!("{title} is not in the inbox:\n{}", terminal.screen());
}

/// The inbox with one line a thing.
fn inbox(terminal: &mut Terminal) {
    terminal.types("2");
    // The overview has the titles, too.
    terminal.sees("inbox [");
    terminal.sees("north.md");
    terminal.sees("third.md");
}

#[test]
fn approved_rejected_with_a_note_and_taken_back() {
    let desk = Desk::new();
    let mut terminal = desk.console(&[]);
    inbox(&mut terminal);
    let state = |title: &str| desk.review(title).0;

    goes_to(&mut terminal, "second.md");
    // The text is beside it.
    terminal.sees("All is well in second.md.");
    terminal.types("a");
    terminal.sees("approve second.md");
    terminal.wait_for("the approval", |_| state("second.md") == "approved");
    // It leaves the list, and with it the line under the cursor changes.
    terminal.sees_no_longer("  second.md ");
    assert_eq!((state("first.md"), state("third.md")), ("pending".into(), "pending".into()));

    goes_to(&mut terminal, "first.md");
    terminal.types("x");
    terminal.is_asked("reject first.md:");
    // Without a reason nothing is rejected.
    terminal.types("\r");
    terminal.sees("a rejection needs a reason");
    assert_eq!(state("first.md"), "pending");
    terminal.types("the figures do not add up");
    terminal.sees("do not add up");
    terminal.types("\r");
    terminal.wait_for("the rejection", |_| state("first.md") == "rejected");
    assert_eq!(desk.review("first.md").1.as_deref(), Some("the figures do not add up"));

    // The last change is taken back first, then the one before.
    terminal.sees("z takes it back");
    terminal.types("z");
    terminal.wait_for("the rejection to be taken back", |_| state("first.md") == "pending");
    assert_eq!(state("second.md"), "approved");
    terminal.sees("took back: reject first.md");
    terminal.types("z");
    terminal.wait_for("the approval to be taken back", |_| state("second.md") == "pending");
    terminal.sees("took back: approve second.md");
    terminal.types("z");
    terminal.sees("nothing was changed from here");
    terminal.types("Z");
    terminal.wait_for("the approval again", |_| state("second.md") == "approved");

    // The action log teaches the command line.
    let id = desk.artifact("second.md")["id"].as_str().unwrap().to_owned();
    terminal.types("@");
    terminal.sees(" artifact approve ");
    terminal.types("\x1b");
    terminal.sees_no_longer(" artifact approve ");
    terminal.quits();
    let output = desk.site.command(&["artifact", "show", &id, "-o", "json"]).output().unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["review"]["state"], "approved");
}
