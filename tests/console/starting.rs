//! The console starts over an engine or starts one, and leaves the fleet running.

use super::desk::{Desk, SIZE, console};
use super::site::Site;
use super::terminal::Terminal;

#[test]
fn over_a_running_engine_it_attaches_and_leaves_it_running() {
    let desk = Desk::shared();
    let pid = desk.site.status().unwrap().pid;
    let mut terminal = desk.console(&[]);
    terminal.sees("overview");
    assert!(terminal.is_taken(), "{:?}", terminal.scan.modes);
    terminal.quits();
    assert_eq!(desk.site.status().unwrap().pid, pid);
}

#[test]
fn without_an_engine_it_says_so_and_starts_one_that_stays() {
    let mut site = Site::new();
    let mut terminal = Terminal::start(SIZE, || console(&site, &[]));
    terminal.sees("no engine was running, so one was started");
    terminal.sees("0 running");
    terminal.quits();
    let pid = site.status().expect("the engine runs on").pid;
    // A second console finds it.
    let mut second = Terminal::start(SIZE, || console(&site, &[]));
    second.sees("0 running");
    second.quits();
    assert_eq!(site.status().unwrap().pid, pid);
    site.stop_all();
    site.check_nothing_left();
}

#[test]
fn without_an_engine_and_told_to_start_none_it_says_so_and_waits_for_one() {
    let mut site = Site::new();
    let mut terminal = Terminal::start(SIZE, || console(&site, &["--no-start"]));
    terminal.sees("NO ENGINE");
    site.start_engine();
    terminal.sees("0 running");
    terminal.quits();
}
