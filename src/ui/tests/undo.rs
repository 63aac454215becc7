//! `z` takes the last change back, and never silently an older one.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::{Driver, fleet};
use crate::api::types::WireCommand;
use crate::domain::command::RefusedItem;
use crate::domain::{Command, Refusal, Reply};
use crate::ui::app::Effect;
use crate::ui::clipboard;
use crate::ui::message::Message;
use crate::ui::orders::Orders;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::step::Order;

#[test]
fn what_can_be_taken_back_and_made_again_is_kept_up_to_a_bound() {
    let mut orders = Orders::default();
    let done = Ok(Answer::Done(Box::new(Reply::Items {
        done: vec!["x".into()],
        refused: vec![],
        inverse: vec![Command::ResumeAgents { ids: vec![] }],
        warnings: vec![],
    })));
    let time = crate::domain::Timestamp::EPOCH;
    for ticket in 1..=1_200 {
        let order = Order { command: WireCommand::DrainAgents { ids: vec![] }, line: "l".into(), title: "t".into() };
        orders.sent(ticket, order, time);
        orders.answer(ticket, &done);
    }
    let (mut taken_back, mut made_again) = (0, 0);
    while orders.begin_undo().is_some() {
        taken_back += 1;
        orders.undo_sent(&[2_000 + taken_back], time);
        orders.answer(2_000 + taken_back, &done);
    }
    while orders.take_redo().is_some() {
        made_again += 1;
    }
    assert_eq!((taken_back, made_again, orders.log().len()), (500, 500, 500));
}

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
        Ok(Answer::Done(Box::new(Reply::Items { done: vec!["x".into()], refused: vec![], inverse, warnings: vec![] })))
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
        Ok(Answer::Done(Box::new(Reply::Items { done: vec!["x".into()], refused: vec![], inverse, warnings: vec![] })))
    });
    drain(&mut driver);
    driver.press("z");
    driver.sees("1 done, 1 refused");
    driver.sees_not("took back");
}

/// What a change comes to in these tests.
#[derive(Clone)]
enum Comes {
    /// So many things done and so many refused, and so many commands that take it back.
    To(usize, usize, usize),
    /// No engine could be asked.
    Unsent,
    /// The engine went away meanwhile.
    Unknown,
    /// The engine refused all of it.
    Refused,
}

/// A console whose changes come to one after the other of these, and what was sent.
fn scripted(script: Vec<Comes>) -> (Driver, Rc<RefCell<Vec<WireCommand>>>) {
    let (mut driver, commands) = console();
    let kept = Rc::clone(&commands);
    let mut script = script.into_iter();
    driver.engine = Box::new(move |request| {
        let Request::Command(command) = request else { return fleet::answer(request) };
        kept.borrow_mut().push(command.as_ref().clone());
        let lost = |perhaps_done| Ok(Answer::Lost { perhaps_done, why: "no engine runs".to_owned() });
        match script.next().expect("no more is asked for") {
            Comes::To(done, refused, inverse) => Ok(reply(done, refused, inverse)),
            Comes::Unsent => lost(false),
            Comes::Unknown => lost(true),
            Comes::Refused => Err("the engine said no".to_owned()),
        }
    });
    (driver, commands)
}

fn reply(done: usize, refused: usize, inverse: usize) -> Answer {
    let refusal = |_| RefusedItem { item: "ann".to_owned(), refusal: Refusal::not_found("agent", "ann") };
    let refused = (0..refused).map(refusal).collect();
    let id = |number: usize| format!("0195aaaa-0000-7000-8000-{number:012x}").parse().unwrap();
    let inverse = (0..inverse).map(|number| Command::ResumeAgents { ids: vec![id(number)] }).collect();
    Answer::Done(Box::new(Reply::Items { done: vec!["x".into(); done], refused, inverse, warnings: vec![] }))
}

#[test]
fn what_several_commands_take_back_is_added_up_in_whatever_order_they_are_answered() {
    let (mut driver, _) = scripted(vec![Comes::To(3, 0, 3)]);
    drain(&mut driver);
    driver.app.update(Message::Key("z".parse().unwrap(), Instant::now()));
    driver.collect();
    let asked = std::mem::take(&mut driver.asked);
    let undo: Vec<_> = asked.iter().filter(|(_, request)| matches!(request, Request::Command(_))).collect();
    assert_eq!(undo.len(), 3);
    for ((ticket, _), answer) in undo.iter().zip([reply(1, 0, 0), reply(2, 1, 0), reply(1, 0, 0)]).rev() {
        driver.sees_not("refused");
        driver.app.update(Message::Answer { ticket: *ticket, answer: Ok(answer) });
    }
    driver.sees("4 done, 1 refused");
}

#[test]
fn what_no_engine_heard_of_can_still_be_taken_back() {
    let (mut driver, commands) = scripted(vec![
        Comes::To(1, 0, 1),
        Comes::To(1, 0, 2),
        Comes::Unsent,
        Comes::Unsent,
        Comes::To(1, 0, 0),
        Comes::Unsent,
        Comes::To(1, 0, 0),
    ]);
    drain(&mut driver);
    drain(&mut driver);
    driver.press("z");
    driver.sees("no engine runs");
    let sent = commands.borrow()[2..].to_vec();
    driver.press("z");
    assert_eq!(commands.borrow()[4..], sent, "the same again, and nothing older");
    // Of two commands the second was not heard: what is left is that one alone.
    driver.press("z");
    assert_eq!(commands.borrow()[6..], sent[1..]);
    driver.sees("took back");
}

#[test]
fn what_the_engine_will_not_take_back_is_no_silent_way_to_something_older() {
    let (mut driver, commands) = scripted(vec![Comes::To(1, 0, 1), Comes::To(1, 0, 1), Comes::Refused]);
    drain(&mut driver);
    drain(&mut driver);
    driver.press("z");
    driver.sees("the engine said no");
    driver.press("esc z");
    driver.sees("The last change cannot be taken back: drain agent");
    assert_eq!(commands.borrow().len(), 3);
}

#[test]
fn a_change_of_which_nobody_knows_whether_it_was_made_is_none_to_pass_over() {
    let (mut driver, commands) = scripted(vec![Comes::To(1, 0, 1), Comes::Unknown]);
    drain(&mut driver);
    driver.press("5 g");
    while driver.app.selection().unwrap().items[0].state != "executing" {
        driver.press("j");
    }
    driver.press("D y");
    driver.sees("whether it was done is not known");
    driver.press("esc z");
    driver.sees("The last change cannot be taken back: cancel");
    assert_eq!(commands.borrow().len(), 2);
}

#[test]
fn what_could_not_be_made_again_is_not_forgotten() {
    let (mut driver, commands) =
        scripted(vec![Comes::To(1, 0, 1), Comes::To(1, 0, 0), Comes::Unsent, Comes::Refused, Comes::To(1, 0, 1)]);
    drain(&mut driver);
    driver.press("z Z Z Z");
    let drains = commands.borrow().iter().filter(|it| matches!(it, WireCommand::DrainAgents { .. })).count();
    assert_eq!((drains, commands.borrow().len()), (4, 5));
    driver.sees("z takes it back");
}

#[test]
fn while_a_change_is_being_taken_back_the_one_before_it_is_left_alone() {
    let (mut driver, commands) = scripted(vec![Comes::To(1, 0, 1), Comes::To(1, 0, 1), Comes::To(1, 0, 0)]);
    drain(&mut driver);
    drain(&mut driver);
    for key in ["z", "z"] {
        driver.app.update(Message::Key(key.parse().unwrap(), Instant::now()));
        driver.draw();
    }
    driver.sees("the last change is not done yet: undo: drain agent");
    driver.settle();
    assert_eq!(commands.borrow().len(), 3);
}

#[test]
fn what_is_copied_from_the_log_says_which_fleet_it_is_about_where_that_is_not_the_usual_one() {
    for (usual, line) in [(true, "menagerie agent drain"), (false, "menagerie --data-dir /nowhere agent drain")] {
        let (mut driver, _) = console();
        driver.app.options.usual_data_dir = usual;
        drain(&mut driver);
        driver.press("@");
        driver.sees(&format!("$ {line} "));
        driver.press("y");
        let copied: Vec<_> = driver
            .effects
            .iter()
            .filter_map(|effect| if let Effect::Send(sequence) = effect { Some(sequence.clone()) } else { None })
            .collect();
        let entry = driver.app.orders.log().last().unwrap().line.clone();
        let whole = clipboard::sequence(&entry.replace("menagerie agent drain", line), false);
        assert!(copied.contains(&whole), "{copied:?}");
    }
}
