//! The past of a real fleet: entered, stepped through, and left; what happened since is not there, and nothing can be changed.

use super::desk::Desk;

#[test]
fn a_past_has_what_was_there_and_the_present_is_as_it_was() {
    let mut desk = Desk::new();
    // Everything there was before this, and the record that comes next.
    let before = desk.seq();
    let late = desk.submits("afterthought", "true", &super::desk::rare());
    let seq = desk.seq();
    assert!(seq > before);
    let mut terminal = desk.console(&[]);
    terminal.types("5");
    terminal.sees("afterthought");
    terminal.types(format!(":at seq:{before}\r"));
    terminal.sees(&format!("ago, #{before}"));
    terminal.sees_no_longer("afterthought");
    terminal.sees("foresight");
    // Explained as of then, by the same screens; a change is refused.
    terminal.types("/foresight\r");
    terminal.sees_no_longer("breaks");
    terminal.types("w");
    terminal.sees("WHAT HOLDS IT UP");
    terminal.types("\x1b");
    terminal.sees_no_longer("WHAT HOLDS IT UP");
    terminal.types("D");
    terminal.sees("this is the past, where nothing can be changed");
    terminal.types("\x1b");
    terminal.types("\x1b");
    // Forward to the record that brought it.
    terminal.types("}");
    terminal.sees(&format!("ago, #{}", before + 1));
    terminal.sees("afterthought");
    terminal.types("{");
    terminal.sees(&format!("ago, #{before}"));
    terminal.sees_no_longer("afterthought");
    // What there is not is refused, and one stays.
    terminal.types(":at seq:999999\r");
    terminal.sees("the records that there are");
    terminal.types("\x1b");
    terminal.types(":at 2001-01-01\r");
    terminal.sees("\"2001-01-01\" is not allowed");
    terminal.types("\x1b");
    terminal.types(":now\r");
    terminal.sees_no_longer("PAST");
    terminal.sees("afterthought");
    // A screen that was entered in the past shows the present too.
    terminal.types(format!(":at seq:{before}\r"));
    terminal.sees(&format!("ago, #{before}"));
    terminal.types("0");
    terminal.sees("· following · PAST");
    terminal.types("~");
    terminal.sees_no_longer("PAST");
    terminal.sees("task_submitted");
    assert_eq!(desk.task(&late)["status"], "pending");
    terminal.quits();
    let past = desk.site.data_dir().join("past");
    desk.site.wait_for("nothing to be left of the past", |_| !past.exists());
    assert_eq!(desk.seq(), seq, "nothing was recorded by looking back");
}

#[test]
fn a_past_waits_until_what_is_being_typed_is_done() {
    let desk = Desk::shared();
    let seq = desk.seq();
    let mut terminal = desk.console(&[]);
    terminal.types("5");
    terminal.sees("foresight");
    terminal.types(format!(":at seq:{seq}\r/fore"));
    terminal.sees("is shown when what is open here is closed");
    // What comes now is still typed, and does nothing else.
    terminal.types("sight\r");
    terminal.sees(&format!("ago, #{seq}"));
    terminal.sees("/foresight");
    terminal.types("~");
    terminal.sees_no_longer("PAST");
    terminal.sees("/foresight");
    terminal.quits();
}
