//! What is shown while no engine answers: what was so last, and that it is old.

use std::time::Duration;

use super::{Driver, fleet};
use crate::api::live::{Pulse, Topic};
use crate::ui::app::Effect;
use crate::ui::link::LinkState;
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::Request;

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
        driver.effects.contains(&Effect::StartEngine)
    };
    assert!(!start(&mut driver));
    driver.sees("an engine runs");
    lose_the_engine(&mut driver);
    assert!(start(&mut driver));
    driver.sees("starting an engine");
}

/// What stands between the frame's upper and lower edge.
fn content(driver: &mut Driver) -> Vec<String> {
    let frame = driver.draw();
    let lines: Vec<&str> = frame.lines().collect();
    lines[2..lines.len() - 2].iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn what_was_seen_stays_when_it_is_asked_for_again_in_vain() {
    let task = fleet::tasks::id(3);
    let artifact = Place::Artifact(fleet::review::id(12), "title".into());
    for (place, keys) in [
        (Place::Inbox, "/ b u i l d enter"),
        (Place::Cages, "enter esc"),
        (Place::Cage("042".into()), ""),
        (Place::Agents, "/ b u i l d enter"),
        (Place::Agents, "T"),
        (Place::Tasks, "/ f a i l enter"),
        (Place::Dependencies(task), ""),
        (Place::Artifacts, ""),
        (artifact, ""),
        (Place::Alerts, "/ a enter"),
        (Place::Events, ""),
        (Place::Events, "/ t a s k enter"),
    ] {
        let mut driver = Driver::new(&place, (160, 40));
        for key in keys.split(' ').filter(|key| !key.is_empty()) {
            driver.press(key);
        }
        lose_the_engine(&mut driver);
        driver.later(Duration::from_secs(1));
        let before = content(&mut driver);
        driver.gone = true;
        driver.press("ctrl-r");
        assert_eq!(content(&mut driver), before, "{place:?} {keys}");
        // Back again it goes on as if nothing had been.
        driver.gone = false;
        driver.app.update(Message::Pulse(fleet::pulse()));
        driver.settle();
        driver.sees_not("no engine runs");
        driver.sees_not("asking the engine");
    }
}

#[test]
fn what_could_not_be_read_is_read_once_there_is_an_engine_again() {
    for place in [Place::Artifact(fleet::review::id(12), String::new()), Place::Cage("042".into())] {
        let mut driver = Driver::new(&Place::Overview, (160, 40));
        driver.engine = Box::new(|request| match request {
            Request::Content { .. } | Request::Output { .. } => Err("it went away".to_owned()),
            other => fleet::answer(other),
        });
        driver.app.go(&place);
        driver.settle();
        driver.sees_not("It wrote nothing");
        driver.engine = Box::new(fleet::answer);
        driver.app.update(Message::Pulse(Pulse { changed: Topic::ALL.to_vec(), ..fleet::pulse() }));
        driver.settle();
        driver.sees_not("it went away");
        driver.sees_not("asking the engine");
    }
}

#[test]
fn a_filter_set_while_there_is_no_engine_holds_once_there_is_one() {
    let mut driver = Driver::new(&Place::Events, (120, 36));
    lose_the_engine(&mut driver);
    driver.gone = true;
    driver.press("/ t a s k enter");
    driver.sees_not("no record matches");
    driver.gone = false;
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.collect();
    let filtered = |request: &Request| match request {
        Request::Journal(query) => {
            query.contains(&("filter".to_owned(), "task".to_owned())) && query.iter().all(|(name, _)| name != "after")
        }
        _ => false,
    };
    assert!(driver.asked.iter().any(|(_, request)| filtered(request)), "all of them are looked for");
}
