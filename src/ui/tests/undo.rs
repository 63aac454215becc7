//! `z` takes the last change back, and never silently an older one.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::{Driver, fleet};
use crate::api::types::WireCommand;
use crate::domain::{Command, Reply};
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};

/// A console in which draining can be taken back and stopping a task cannot.
fn console() -> (Driver, Rc<RefCell<Vec<WireCommand>>>) {
    let mut driver = Driver::new(&Place::Agents, (120, 36));
    let commands = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&commands);
    driver.engine = Box::new(move |request| {
        let Request::Command(command) = request else { return fleet::answer(request) };
        kept.borrow_mut().push(command.as_ref().clone());
        let inverse = match command.as_ref() {
            WireCommand::DrainAgents { .. } => vec![Command::ResumeAgents { ids: vec![] }],
            WireCommand::ResumeAgents { .. } if kept.borrow().len() > 8 => return Err("the engine said no".to_owned()),
            _ => vec![],
        };
        Ok(Answer::Done(Box::new(Reply::Items { done: vec!["x".into()], refused: vec![], inverse })))
    });
    driver.later(Duration::from_secs(5));
    (driver, commands)
}

fn drain(driver: &mut Driver) {
    driver.press("4 g");
    while driver.app.selection().unwrap().items[0].state != "idle" {
        driver.press("j");
    }
    driver.press("X");
    driver.sees("z takes it back");
}

fn stop_a_task(driver: &mut Driver) {
    driver.press("5 g");
    while driver.app.selection().unwrap().items[0].state != "executing" {
        driver.press("j");
    }
    driver.press("D y");
}

#[test]
fn an_older_change_is_taken_back_only_after_a_question() {
    let (mut driver, commands) = console();
    drain(&mut driver);
    stop_a_task(&mut driver);
    driver.press("z");
    driver.sees("The last change cannot be taken back: cancel");
    driver.sees("drain agent");
    driver.press("z z enter");
    assert_eq!(commands.borrow().len(), 2, "neither the same key again nor Enter agrees");
    driver.press("z y");
    assert!(matches!(commands.borrow()[2..], [WireCommand::ResumeAgents { .. }]), "{:?}", commands.borrow());
    driver.sees("took back: drain agent");
}

#[test]
fn alone_it_is_said_that_it_cannot_be_taken_back() {
    let (mut driver, commands) = console();
    stop_a_task(&mut driver);
    driver.press("z");
    driver.sees("the last change cannot be taken back: cancel");
    assert!(driver.app.layer().is_none());
    assert_eq!(commands.borrow().len(), 1);
}

#[test]
fn while_the_last_change_is_on_its_way_the_one_before_it_is_left_alone() {
    let (mut driver, commands) = console();
    drain(&mut driver);
    driver.press("j");
    while driver.app.selection().unwrap().items[0].state != "idle" {
        driver.press("j");
    }
    for key in ["X", "z"] {
        driver.app.update(Message::Key(key.parse().unwrap(), Instant::now()));
        driver.draw();
    }
    driver.sees("the last change is not done yet: drain agent");
    driver.settle();
    assert!(commands.borrow().iter().all(|command| matches!(command, WireCommand::DrainAgents { .. })));
}

#[test]
fn what_could_not_be_taken_back_does_not_read_as_if_it_had_been() {
    let (mut driver, commands) = console();
    drain(&mut driver);
    for _ in 0..8 {
        commands.borrow_mut().push(WireCommand::RetryTasks { ids: vec![] });
    }
    driver.press("z");
    driver.sees("undo: drain agent");
    driver.sees("the engine said no");
    driver.sees_not("took back");
}

#[test]
fn what_was_taken_back_in_part_says_what_was_not() {
    let (mut driver, _) = console();
    let mut resumed = 0;
    driver.engine = Box::new(move |request| {
        let Request::Command(command) = request else { return fleet::answer(request) };
        let resume = || Command::ResumeAgents { ids: vec![] };
        let inverse = match command.as_ref() {
            WireCommand::DrainAgents { .. } => vec![resume(), resume()],
            _ => vec![],
        };
        resumed += usize::from(inverse.is_empty());
        if resumed == 1 {
            return Err("the engine said no".to_owned());
        }
        Ok(Answer::Done(Box::new(Reply::Items { done: vec!["x".into()], refused: vec![], inverse })))
    });
    drain(&mut driver);
    driver.press("z");
    driver.sees("1 done, 1 refused");
    driver.sees_not("took back");
}
