//! Where there can be no console, it says what to use instead.

use std::process::Stdio;

use super::desk::{Desk, SIZE, console};
use super::site::Site;
use super::terminal::Terminal;

#[test]
fn without_a_terminal_it_says_what_to_use_instead() {
    let site = Site::new();
    let output = site.command(&[]).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(output.stdout.is_empty(), "{:?}", output.stdout);
    for word in ["no terminal", "menagerie --linear", "menagerie status", "menagerie task list", "--help"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(site.status().is_none(), "no engine was started for it");
}

#[test]
fn a_dumb_terminal_is_refused_kindly() {
    let site = Site::new();
    let mut terminal = Terminal::start((240, 10), || {
        let mut command = console(&site, &[]);
        command.env("TERM", "dumb");
        command
    });
    let status = terminal.ends();
    assert_eq!(status.code(), Some(2));
    let said = terminal.screen().replace('\n', "");
    assert!(said.contains("TERM=dumb") && said.contains("menagerie --linear"), "{said}");
    assert_eq!(terminal.scan.taken, 0, "not a sequence was sent");
    assert!(site.status().is_none());
}

#[test]
fn without_colours_or_signs_it_sends_none() {
    let desk = Desk::shared();
    let mut terminal = Terminal::start(SIZE, || {
        let mut command = console(&desk.site, &["--ascii"]);
        command.env("NO_COLOR", "1");
        command
    });
    terminal.sees("running");
    for (screen, content) in
        [("2", "third.md"), ("3", "by number"), ("4", "SLOTS"), ("5", "foresight"), ("1", "waits for you")]
    {
        terminal.types(screen);
        terminal.sees(content);
        terminal.is_up_to_date();
        let screen = terminal.screen();
        assert!(screen.is_ascii(), "{:?} in\n{screen}", screen.chars().find(|c| !c.is_ascii()));
    }
    assert_eq!(terminal.scan.questions, 0, "a terminal without colours is not asked for its ground");
    terminal.quits();
}
