//! The window may have any size at any time.

use super::desk::Desk;

#[test]
fn a_storm_of_sizes_breaks_nothing_and_the_last_one_counts() {
    let desk = Desk::shared();
    let mut terminal = desk.console(&[]);
    for (step, screen) in "1234567012345670".chars().enumerate() {
        terminal.types(screen.encode_utf8(&mut [0; 4]).as_bytes());
        let step = u16::try_from(step).unwrap();
        for size in [(60 + step * 9, 16 + step * 3), (1, 1), (300, 100), (59, 40), (80, 3), (61 + step, 16)] {
            terminal.resizes(size);
        }
    }
    for size in [(80, 24), (200, 60), (120, 36)] {
        terminal.resizes(size);
        // The panel reaches to the last column and the last line but one. Before it does the program may think that there is
        // no room for anything, and hears no key.
        let corner = (size.0 - 1, size.1 - 2);
        terminal.wait_for("the corner of the panel", |terminal| terminal.cell(corner) == "╯");
        terminal.is_up_to_date();
        terminal.types("5");
        terminal.sees("╭ tasks");
        terminal.wait_for("the corner of the panel", |terminal| terminal.cell(corner) == "╯");
        assert_eq!(terminal.cell((0, 1)), "╭", "{}", terminal.screen());
        terminal.types("1");
        terminal.sees("╭ overview");
    }
    terminal.quits();
}

#[test]
fn a_screen_that_is_too_small_says_what_is_needed_and_comes_back() {
    let desk = Desk::shared();
    let mut terminal = desk.console(&[]);
    terminal.types("5");
    terminal.sees("foresight");
    terminal.resizes((40, 10));
    terminal.sees("Menagerie needs 60x16.");
    terminal.sees("This is 40x10.");
    terminal.sees("The fleet goes on.");
    assert!(!terminal.screen().contains('╭'), "{}", terminal.screen());
    // What cannot be seen is not decided.
    let before = desk.seq();
    terminal.types("Dy*aD");
    terminal.pastes("D");
    terminal.types("\x1b[<0;20;5M");
    terminal.is_up_to_date();
    terminal.resizes((120, 36));
    terminal.sees("foresight");
    assert_eq!(desk.task(&desk.waiting)["status"], "pending");
    assert_eq!(desk.seq(), before);
    terminal.resizes((40, 10));
    terminal.sees("Menagerie needs 60x16.");
    terminal.quits();
}
