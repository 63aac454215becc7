//! The past: entered, gone through, and left; nothing can be changed in it, and its clock stands.

use std::time::Duration;

use super::{Driver, NOW, fleet, options};
use crate::api::live::Pulse;
use crate::domain::{Standpoint, Timestamp};
use crate::ui::app::Effect;
use crate::ui::link::LinkState;
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::terminal::ColorDepth;
use crate::ui::travel::{Era, News};

/// A quarter of an hour before the fixed moment.
const THEN: i64 = NOW - 900_000_000;

fn say(driver: &mut Driver, line: &str) {
    driver.press(":");
    driver.type_text(line);
    driver.press("enter");
    driver.collect();
}

fn pulse_of(seq: u64, micros: i64) -> Pulse {
    Pulse { seq, time: Timestamp::from_micros(micros), ..fleet::pulse() }
}

/// A console in the past, on record 1234.
fn back(place: &Place) -> Driver {
    let mut driver = Driver::new(place, (120, 36));
    say(&mut driver, "at -15m");
    assert_eq!(driver.effects, [Effect::Past("-15m".to_owned())]);
    driver.effects.clear();
    driver.app.update(Message::Past(News::Entered));
    driver.app.update(Message::Pulse(pulse_of(1234, THEN)));
    driver.settle();
    driver
}

/// Which moments were asked for, each answered.
fn asked(driver: &mut Driver) -> Vec<String> {
    driver.collect();
    let moments = std::mem::take(&mut driver.asked);
    let mut found = vec![];
    for (ticket, request) in moments {
        if let Request::Moment(at) = request {
            found.push(at);
            let answer = Answer::Moment(Standpoint { seq: 1, time: Timestamp::EPOCH });
            driver.app.update(Message::Answer { ticket, answer: Ok(answer) });
        }
    }
    found
}

fn key(driver: &mut Driver, key: &str) {
    driver.app.update(Message::Key(key.parse().unwrap(), std::time::Instant::now()));
}

#[test]
fn the_present_stays_in_sight_while_a_past_is_opened() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    say(&mut driver, "at 09:45");
    driver.app.update(Message::Past(News::Progress("going through the journal: record 7 of 9".to_owned())));
    driver.sees("going through the journal: record 7 of 9");
    driver.sees_not("PAST");
    assert!(!driver.app.era.is_past());
    assert_eq!(driver.app.may_change(), Ok(()), "what is shown is the present");
    // One that cannot be had says why, and nothing else changes.
    driver.app.update(Message::Past(News::Failed("at: \"09:45\" is not allowed; allowed: from 10 on".to_owned())));
    driver.sees("\"09:45\" is not allowed");
    assert_eq!(driver.app.era, Era::Present);
    say(&mut driver, "at 09:45");
    say(&mut driver, "now");
    assert_eq!(driver.effects.last(), Some(&Effect::Present), "what is being opened is given up");
    driver.app.update(Message::Past(News::Progress("late".to_owned())));
    driver.app.update(Message::Past(News::Left));
    assert_eq!(driver.app.era, Era::Present);
}

#[test]
fn every_screen_of_a_past_says_so_and_counts_ages_from_then() {
    for (place, _) in Place::MAIN {
        let mut driver = back(place);
        driver.sees("PAST 09:45:00, 15m ago, #1234");
        driver.sees(" · PAST");
        assert_eq!(driver.app.wall(), Timestamp::from_micros(THEN));
        driver.later(Duration::from_mins(10));
        assert_eq!(driver.app.wall(), Timestamp::from_micros(THEN), "its clock stands: {place:?}");
        driver.sees("25m ago");
    }
}

#[test]
fn no_key_of_any_screen_changes_the_past() {
    for (place, _) in Place::MAIN {
        let mut driver = back(place);
        driver.later(Duration::from_secs(5));
        let changes = std::rc::Rc::new(std::cell::RefCell::new(vec![]));
        let seen = std::rc::Rc::clone(&changes);
        driver.engine = Box::new(move |request| {
            if matches!(request, Request::Command(_) | Request::Shutdown { .. }) {
                seen.borrow_mut().push(format!("{request:?}"));
            }
            fleet::answer(request)
        });
        for key in "a x D R P p m v d u U z A S H n N s".split(' ') {
            driver.press(key);
            driver.press("y enter esc");
        }
        say(&mut driver, "task cancel 0195");
        say(&mut driver, "shutdown");
        assert_eq!(*changes.borrow(), [""; 0], "{place:?}");
        assert!(!driver.effects.iter().any(|effect| matches!(effect, Effect::Verb(_))), "{:?}", driver.effects);
        say(&mut driver, "task list");
        assert_eq!(driver.effects.last(), Some(&Effect::Verb("task list".to_owned())), "it may look");
    }
}

#[test]
fn steps_go_from_where_one_is_about_to_be() {
    let mut driver = back(&Place::Tasks);
    key(&mut driver, "{");
    assert_eq!(asked(&mut driver), ["seq:1233"]);
    key(&mut driver, "{");
    assert_eq!(asked(&mut driver), ["seq:1232"], "the first step has not arrived yet");
    // It goes away on the way and comes back; that is no lost engine.
    let now = driver.began;
    let down = LinkState::Down { reason: "the engine ended".to_owned(), since: now, next: now };
    driver.app.update(Message::Link(down.clone()));
    driver.sees_not("answers no more");
    driver.app.update(Message::Pulse(pulse_of(1232, THEN - 2_000_000)));
    driver.settle();
    driver.sees("PAST 09:44:58, 15m ago, #1232");
    key(&mut driver, "}");
    assert_eq!(asked(&mut driver), ["seq:1233"]);
    driver.app.update(Message::Pulse(pulse_of(1233, THEN - 1_000_000)));
    driver.settle();
    key(&mut driver, "(");
    assert_eq!(asked(&mut driver), ["2026-03-04T09:43:59.000000Z"]);
    driver.app.update(Message::Pulse(pulse_of(1200, THEN - 61_000_000)));
    key(&mut driver, ")");
    assert_eq!(asked(&mut driver), ["2026-03-04T09:44:59.000000Z"]);
    driver.app.update(Message::Pulse(pulse_of(1233, THEN - 1_000_000)));
    // One that is at rest and goes away is gone.
    driver.app.update(Message::Link(down));
    driver.sees("the past answers no more; :now goes back");
}

#[test]
fn a_step_that_is_refused_leaves_one_where_one_was() {
    let mut driver = back(&Place::Tasks);
    driver.engine = Box::new(|request| match request {
        Request::Moment(_) => Err("at: \"seq:1235\" is not allowed; allowed: seq:1 to seq:1234".to_owned()),
        other => fleet::answer(other),
    });
    driver.press("}");
    driver.sees("\"seq:1235\" is not allowed");
    driver.press("esc");
    driver.sees("#1234");
    driver.engine = Box::new(fleet::answer);
    key(&mut driver, "{");
    assert_eq!(asked(&mut driver), ["seq:1233"], "one before where one is, not before where one could not go");
}

#[test]
fn now_comes_back_to_what_the_present_is() {
    let mut driver = back(&Place::Inbox);
    driver.press("~");
    driver.collect();
    assert_eq!(driver.effects, [Effect::Present]);
    driver.collect();
    assert!(driver.asked.is_empty(), "the past would answer");
    driver.app.update(Message::Past(News::Left));
    driver.collect();
    assert!(!driver.asked.is_empty(), "all that is in sight is asked for anew");
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.settle();
    driver.sees_not("PAST");
    assert_eq!(driver.app.may_change(), Ok(()));
    assert_eq!(driver.app.wall(), Timestamp::from_micros(NOW));
    // In the present there is nothing to step through.
    driver.effects.clear();
    for step in "{ } ( ) ~".split(' ') {
        key(&mut driver, step);
    }
    driver.collect();
    assert!(driver.effects.is_empty() && asked(&mut driver).is_empty(), "{:?}", driver.effects);
}

#[test]
fn a_past_is_entered_and_left_only_when_nothing_is_open_over_the_screen() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    say(&mut driver, "at -15m");
    driver.effects.clear();
    driver.press("/");
    driver.type_text("fore");
    driver.app.update(Message::Past(News::Opened));
    driver.collect();
    assert_eq!(driver.effects, [], "what is being typed stays");
    driver.sees("it is there, and is shown when what is open here is closed");
    driver.type_text("sight");
    driver.sees("foresight");
    driver.press("enter");
    driver.collect();
    assert_eq!(driver.effects, [Effect::EnterPast]);
    driver.app.update(Message::Past(News::Entered));
    driver.app.update(Message::Pulse(pulse_of(1234, THEN)));
    driver.settle();
    driver.sees("PAST 09:45:00");
    driver.sees("/foresight");
    driver.effects.clear();
    // Typed at once, before the loop hears of any of it.
    key(&mut driver, "~");
    key(&mut driver, "?");
    driver.collect();
    assert_eq!(driver.effects, []);
    key(&mut driver, "esc");
    driver.collect();
    assert_eq!(driver.effects, [Effect::Present]);
}

#[test]
fn a_past_that_was_given_up_is_not_entered() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    say(&mut driver, "at -15m");
    driver.app.update(Message::Past(News::Opened));
    key(&mut driver, "~");
    driver.app.update(Message::Past(News::Opened));
    driver.effects.clear();
    driver.collect();
    assert_eq!(driver.effects, [Effect::Present]);
    assert_eq!(driver.app.era, Era::Present);
}

#[test]
fn what_the_present_told_a_while_ago_sets_no_clock_wrong_and_brings_no_lost_engine_back() {
    let mut driver = back(&Place::Tasks);
    let heard = driver.began + Duration::from_mins(1);
    driver.later(Duration::from_mins(10));
    driver.app.update(Message::Past(News::Left));
    driver.app.update(Message::PulseBefore(pulse_of(2000, NOW + 60_000_000), heard));
    driver.settle();
    assert_eq!(driver.app.wall(), Timestamp::from_micros(NOW + 600_000_000));
    let down = LinkState::Down { reason: "the engine ended".to_owned(), since: heard, next: heard };
    driver.app.update(Message::Link(down));
    driver.sees("NO ENGINE");
    assert_eq!(driver.app.wall(), Timestamp::from_micros(NOW + 60_000_000), "it stands where it was heard last");
}

#[test]
fn names_are_asked_for_again_in_another_time_and_after_a_failure() {
    let mut driver = Driver::new(&Place::Artifacts, (120, 36));
    driver.sees("builder-2");
    say(&mut driver, "at -15m");
    driver.engine = Box::new(|request| match request {
        Request::Names(_) => Err("no engine runs".to_owned()),
        other => fleet::answer(other),
    });
    driver.app.update(Message::Past(News::Entered));
    driver.app.update(Message::Pulse(pulse_of(1234, THEN)));
    driver.settle();
    driver.sees_not("builder-2");
    driver.engine = Box::new(fleet::answer);
    driver.press("ctrl-r");
    driver.sees("builder-2");
}

#[test]
fn a_console_can_begin_in_the_past() {
    let options = crate::ui::Options { at: Some("-1h".to_owned()), ..options(ColorDepth::True) };
    let mut driver = Driver::with(options, &Place::Overview, (120, 36));
    driver.collect();
    assert_eq!(driver.effects, [Effect::Past("-1h".to_owned())]);
}
