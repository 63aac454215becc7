//! A terminal that goes away takes the console with it and nothing else.

use super::desk::{Desk, SIZE, console};
use super::site::Site;
use super::terminal::Terminal;

#[test]
fn a_closed_terminal_leaves_the_fleet_running() {
    let desk = Desk::shared();
    let before = (desk.site.status().unwrap().pid, desk.seq());
    let mut terminal = desk.console(&[]);
    // With a question open, which the end of the terminal must not answer.
    terminal.types("5");
    terminal.sees("long work");
    terminal.types("/\"long work\"\r");
    terminal.sees("╭ tasks [1]");
    terminal.types("D");
    terminal.is_asked("y: yes, do it");
    let status = terminal.lose();
    assert!(status.code().is_some_and(|code| code != 101), "{status}");
    assert_eq!((desk.site.status().unwrap().pid, desk.seq()), before);
    assert_eq!(desk.task(&desk.running)["status"], "executing");
}

#[test]
fn the_engine_that_it_started_outlives_the_terminal_too() {
    let mut site = Site::new();
    let mut terminal = Terminal::start(SIZE, || console(&site, &[]));
    terminal.sees("0 running");
    let pid = site.status().unwrap().pid;
    terminal.lose();
    assert_eq!(site.status().expect("the engine runs on").pid, pid);
    site.stop_all();
    site.check_nothing_left();
}
