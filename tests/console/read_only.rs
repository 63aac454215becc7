//! `--read-only` shows all and changes nothing, whatever is pressed.

use super::desk::Desk;

#[test]
fn no_key_changes_anything() {
    let desk = Desk::shared();
    let before = desk.seq();
    let mut terminal = desk.console(&["--read-only"]);
    terminal.sees("read-only");
    // Every key that changes something, where it would, followed by every way to agree.
    for (screen, content, keys) in [
        ("2", "third.md", "axcSt"),
        ("3", "by number", "MVr"),
        ("4", "SLOTS", "XUrD"),
        ("5", "foresight", "+etprD"),
        ("6", "third.md", "axc"),
        ("7", "failed after its only attempt", "ASR"),
    ] {
        terminal.types(screen);
        terminal.sees(content);
        for key in keys.chars() {
            terminal.presses(&key.to_string());
            terminal.presses("y\r\x1b");
        }
        terminal.presses("\x1b\x1bzZ");
    }
    terminal.types("2");
    terminal.sees("third.md");
    terminal.types("a");
    terminal.sees("this console only reads: it was started with --read-only");
    terminal.types("q");
    assert!(terminal.ends().success());
    assert_eq!(desk.seq(), before);
}
