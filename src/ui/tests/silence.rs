//! What is shown while no engine answers: what was so last, and that it is old.

use std::time::Duration;

use super::{Driver, fleet};
use crate::api::live::{Pulse, Topic};
use crate::ui::app::Effect;
use crate::ui::link::LinkState;
use crate::ui::message::Message;
use crate::ui::place::Place;

fn lose_the_engine(driver: &mut Driver) {
    let next = driver.began + Duration::from_secs(30);
    let down = LinkState::Down { reason: "the engine ended".into(), since: driver.began, next };
    driver.app.update(Message::Link(down));
}

#[test]
fn every_screen_says_that_it_is_old_and_how_to_start_an_engine() {
    for (place, _) in Place::MAIN {
        let mut driver = Driver::new(place, (120, 36));
        driver.sees_not("OLD");
        lose_the_engine(&mut driver);
        driver.sees("OLD: no engine answers");
        assert_eq!(driver.draw().matches("OLD").count(), 1, "{place:?}");
        driver.sees(":start");
        driver.engine = Box::new(|_| Err("no engine answers".into()));
        driver.press("ctrl-r");
        assert_eq!(driver.draw().matches("OLD").count(), 1, "{place:?}, asked for anew");
    }
}

#[test]
fn the_age_is_that_of_what_is_in_sight() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.later(Duration::from_secs(10));
    driver.press("3");
    driver.later(Duration::from_secs(40));
    let quiet = Pulse { changed: vec![Topic::Tasks], ..fleet::pulse() };
    driver.app.update(Message::Pulse(quiet));
    driver.settle();
    lose_the_engine(&mut driver);
    driver.engine = Box::new(|_| Err("no engine answers".into()));
    driver.later(Duration::from_mins(1));
    // The cages in sight were right until the engine was heard last; the tasks were last asked for at the beginning.
    driver.sees("what you see is 20 s old");
    driver.press("5");
    driver.sees("what you see is 60 s old");
}

#[test]
fn what_was_never_seen_says_so_and_why() {
    for (place, _) in Place::MAIN.iter().filter(|(place, _)| *place != Place::Overview) {
        let mut driver = Driver::new(&Place::Overview, (120, 36));
        lose_the_engine(&mut driver);
        driver.engine = Box::new(|_| Err("no engine answers".into()));
        driver.app.go(place);
        driver.settle();
        driver.sees("Nothing is known here yet: no engine has answered");
        driver.sees("the engine ended");
        driver.sees_not("OLD");
        driver.sees_not("what you see is");
    }
}

#[test]
fn nothing_is_said_to_be_well_and_no_time_goes_on() {
    let mut driver = Driver::new(&Place::Overview, (120, 36));
    driver.sees("well: ");
    lose_the_engine(&mut driver);
    driver.sees_not("well: ");
    driver.sees("no engine answers: how its parts are is unknown");
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    let rows = |frame: String| frame.lines().skip(2).map(str::to_owned).collect::<Vec<_>>();
    lose_the_engine(&mut driver);
    driver.later(Duration::from_secs(1));
    let before = rows(driver.draw());
    driver.later(Duration::from_mins(10));
    assert_eq!(rows(driver.draw()), before, "what ran may have ended long ago");
}

#[test]
fn an_engine_is_started_by_name_only_when_there_is_none() {
    let mut driver = Driver::new(&Place::Overview, (120, 36));
    let start = |driver: &mut Driver| {
        driver.press(":");
        driver.type_text("start");
        driver.press("enter");
        driver.collect();
        driver.effects.iter().any(|effect| *effect == Effect::Verb("node list".into()))
    };
    assert!(!start(&mut driver));
    driver.sees("an engine runs");
    lose_the_engine(&mut driver);
    assert!(start(&mut driver));
}
