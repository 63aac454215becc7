//! An editor that has the terminal: what its keys send is its own, and when it is stopped the console is too.

use std::path::Path;

use rustix::process::Signal;

use super::desk::{Desk, SIZE, console};
use super::terminal::Terminal;

/// A console whose editor is a line of shell, with the terminal at the screen of tasks.
fn with_editor(desk: &Desk, editor: &str) -> Terminal {
    with_editor_in(desk, editor, &std::env::temp_dir())
}

/// The same, with what is edited in a folder.
fn with_editor_in(desk: &Desk, editor: &str, folder: &Path) -> Terminal {
    let mut terminal = Terminal::start(SIZE, || {
        let mut command = console(&desk.site, &[]);
        command.env("VISUAL", editor).env("TMPDIR", folder);
        command
    });
    terminal.types("5");
    terminal.sees("foresight");
    terminal
}

#[test]
fn when_the_editor_is_stopped_the_console_is_and_both_go_on_together() {
    let desk = Desk::shared();
    let mut terminal = with_editor(&desk, "kill -STOP $$; echo broken >");
    terminal.types("e");
    terminal.wait_for("it to stop", |terminal| terminal.is_stopped());
    terminal.wait_for("the terminal", |terminal| terminal.not_given_back().is_empty());
    terminal.signals(Signal::CONT);
    // What the editor wrote after that came through, and is not thrown away.
    terminal.sees("what you wrote has a fault");
    terminal.is_up_to_date();
    terminal.types("n");
    terminal.sees_no_longer("what you wrote has a fault");
    terminal.quits();
}

#[test]
fn what_came_of_an_edit_is_said_after_an_editor_that_was_open_for_long() {
    let desk = Desk::shared();
    // Longer than a remark that goes by itself is shown.
    let mut terminal = with_editor(&desk, "sleep 5; true");
    terminal.types("e");
    terminal.sees("nothing was submitted");
    terminal.quits();
}

#[test]
fn what_the_editors_keys_send_ends_and_stops_nothing_but_the_editor() {
    let desk = Desk::shared();
    let ignores = "trap '' INT QUIT TSTP; kill -INT 0; kill -QUIT 0; kill -TSTP 0; echo broken >";
    for (editor, result) in [(ignores, "what you wrote has a fault"), ("kill -INT 0; true", "nothing was submitted")] {
        let mut terminal = with_editor(&desk, editor);
        terminal.types("e");
        terminal.sees(result);
        terminal.is_up_to_date();
        terminal.types("\x1b");
        terminal.sees_no_longer(result);
        // It reads keys as before, and listens to signals as before.
        terminal.types("4");
        terminal.sees("╭ agents");
        terminal.signals(Signal::INT);
        assert!(terminal.ends().success());
    }
}

#[test]
fn nothing_that_was_edited_is_left_behind_when_the_terminal_closes() {
    let desk = Desk::shared();
    let folder = tempfile::tempdir().unwrap();
    // It lives on without a terminal, until its file is gone; a minute of that is far too long.
    let patient = "trap '' HUP; n=0; while [ -e \"$1\" ] && [ $n -lt 600 ]; do sleep 0.1; n=$((n+1)); done; [ $n -lt 600 ] || \
                   touch \"$TMPDIR/late\"; true";
    let mut terminal = with_editor_in(&desk, patient, folder.path());
    let entries = || std::fs::read_dir(folder.path()).unwrap().count();
    terminal.types("e");
    terminal.wait_for("what is edited", |_| entries() == 1);
    terminal.lose();
    assert_eq!(entries(), 0);
}

#[test]
fn an_editor_that_is_not_there_is_named() {
    let desk = Desk::shared();
    let mut terminal = with_editor(&desk, "no-such-editor --wait");
    terminal.types("e");
    terminal.sees("there is no program no-such-editor, which $VISUAL names");
    terminal.types("\x1b");
    terminal.quits();
}
