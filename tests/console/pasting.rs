//! Pastes are text, wherever they go and however long they are.

use super::desk::{Desk, SIZE, console};
use super::terminal::Terminal;

#[test]
fn a_megabyte_goes_into_a_filter_and_can_be_cleared() {
    let desk = Desk::shared();
    let before = desk.seq();
    let mut terminal = desk.console(&[]);
    terminal.types("5");
    terminal.sees("foresight");
    terminal.types("/");
    terminal.sees("Enter keeps");
    terminal.pastes(&"name:\u{1b}[2J名前 e\u{301} 👩‍👩‍👧 \u{202e}q\r\nDy ".repeat(1 << 15));
    // The end of what fits is in sight, and keys go on working.
    terminal.sees_no_longer("foresight");
    terminal.types("\x15foresight");
    terminal.sees("filter foresight");
    terminal.sees("╭ tasks [1]");
    terminal.types("\r");
    terminal.sees_no_longer("Enter keeps");
    terminal.quits();
    assert_eq!(desk.seq(), before, "no part of it was taken for keys");
}

#[test]
fn a_paste_where_nothing_is_typed_is_no_keys() {
    let desk = Desk::shared();
    let before = desk.seq();
    let mut terminal = desk.console(&[]);
    terminal.types("5");
    terminal.sees("long work");
    terminal.pastes("*Dy2aq");
    terminal.is_up_to_date();
    terminal.types("?");
    terminal.sees("why");
    assert!(terminal.screen().contains("menagerie › tasks"), "{}", terminal.screen());
    terminal.types("\x1b");
    terminal.sees("╭ tasks");
    terminal.quits();
    assert_eq!(desk.seq(), before);
}

#[test]
fn a_paste_and_the_mouse_are_no_keys_in_the_first_moment_either() {
    let desk = Desk::shared();
    let before = desk.seq();
    let mut terminal = Terminal::start(SIZE, || console(&desk.site, &[]));
    // The console has just asked the terminal for its ground, and the answer is on its way.
    terminal.wait_for("the terminal to be taken", |terminal| terminal.is_taken());
    terminal.pastes("5D2aq");
    terminal.types("\x1b[<35;12;2M\x1b[I");
    terminal.sees("running");
    terminal.is_up_to_date();
    assert!(terminal.screen().contains("╭ overview"), "{}", terminal.screen());
    terminal.quits();
    assert_eq!(desk.seq(), before);
}
