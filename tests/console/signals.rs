//! Signals: the console ends as it is told, stops when told and comes back, and the terminal is always as it was.

use rustix::process::Signal;

use super::desk::Desk;

#[test]
fn told_to_end_it_gives_the_terminal_back() {
    let desk = Desk::shared();
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let mut terminal = desk.console(&[]);
        assert!(terminal.is_taken());
        terminal.signals(signal);
        let status = terminal.ends();
        assert!(status.success(), "{signal:?}: {status}");
    }
}

#[test]
fn with_a_question_open_the_end_answers_nothing() {
    let desk = Desk::shared();
    let before = desk.seq();
    let mut terminal = desk.console(&[]);
    terminal.types("5");
    terminal.sees("foresight");
    terminal.types("/\"long work\"\r");
    terminal.sees("╭ tasks [1]");
    terminal.types("D");
    terminal.is_asked("y: yes, do it");
    terminal.signals(Signal::TERM);
    assert!(terminal.ends().success());
    assert_eq!(desk.seq(), before);
}

#[test]
fn stopped_it_lends_the_terminal_to_the_shell_and_continued_it_takes_it_again() {
    let desk = Desk::shared();
    let mut terminal = desk.console(&[]);
    terminal.types("5");
    terminal.sees("foresight");
    for _ in 0..2 {
        terminal.signals(Signal::TSTP);
        terminal.wait_for("it to stop", |terminal| terminal.is_stopped());
        terminal.wait_for("the terminal", |terminal| terminal.not_given_back().is_empty());
        terminal.signals(Signal::CONT);
        terminal.wait_for("the terminal to be taken again", |terminal| terminal.is_taken());
        terminal.sees("foresight");
        terminal.sees("╭ tasks");
    }
    // It reads keys as before.
    terminal.types("4");
    terminal.sees("╭ agents");
    terminal.quits();
    assert_eq!(terminal.scan.taken, 3);
}

#[test]
fn continued_without_having_been_stopped_by_itself_it_draws_anew() {
    let desk = Desk::shared();
    let mut terminal = desk.console(&[]);
    terminal.sees("╭ overview");
    terminal.signals(Signal::STOP);
    terminal.wait_for("it to stop", |terminal| terminal.is_stopped());
    let frames = terminal.scan.frames;
    terminal.signals(Signal::CONT);
    terminal.wait_for("a frame", |terminal| terminal.scan.frames > frames);
    terminal.sees("╭ overview");
    terminal.quits();
}
