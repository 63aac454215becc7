//! An engine that goes away: the console says so, keeps what it knew, and goes on where it was when there is one again.

use super::desk::Desk;

#[test]
fn the_last_state_stays_marked_as_old_until_an_engine_is_back() {
    let mut desk = Desk::new();
    let mut terminal = desk.console(&[]);
    terminal.types("5");
    terminal.sees("foresight");
    terminal.types("/foresight\r");
    terminal.sees("╭ tasks [1]");
    desk.site.kill_engine();
    terminal.sees("NO ENGINE, what you see is ");
    // It grows older while nobody answers.
    let age = |header: &str| header.split("what you see is ").nth(1)?.split(' ').next()?.parse::<u64>().ok();
    let first = age(&terminal.line("NO ENGINE")).unwrap();
    terminal.wait_for("the age to grow", |terminal| age(&terminal.line("NO ENGINE")).is_some_and(|now| now > first));
    assert!(terminal.screen().contains("foresight"), "the last state stays:\n{}", terminal.screen());
    // Nothing can be changed meanwhile, and that is said.
    terminal.types("D");
    terminal.sees("the engine is not connected");
    desk.site.start_engine();
    terminal.sees_no_longer("NO ENGINE");
    terminal.sees("╭ tasks [1]");
    assert!(terminal.screen().contains("menagerie › tasks"), "{}", terminal.screen());
    assert_eq!(desk.task(&desk.waiting)["status"], "pending");
    // It is live again: what changes is shown, and what is asked for is done.
    terminal.types("D");
    terminal.wait_for("the cancellation", |_| desk.task(&desk.waiting)["status"] == "cancelled");
    terminal.sees("cancelled");
    terminal.quits();
}
