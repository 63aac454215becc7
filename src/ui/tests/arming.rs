//! What has just come under the cursor by itself is not acted on, in any list.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::{Driver, fleet};
use crate::api::types::WireCommand;
use crate::domain::{AlertStatus, Reply, ReviewState, TaskStatus};
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::step::Step;

/// An engine whose lists show only what still waits to be changed.
#[derive(Default)]
struct Desk {
    changed: Vec<String>,
    /// Nothing waits yet.
    empty: bool,
    /// What was filtered lets nothing through.
    strict: bool,
}

impl Desk {
    fn answer(&mut self, request: &Request) -> Result<Answer, String> {
        if let Request::Command(command) = request {
            match command.as_ref() {
                WireCommand::ReviewArtifacts { ids, .. }
                | WireCommand::CancelTasks { ids, .. }
                | WireCommand::AcknowledgeAlerts { ids, .. } => self.changed.extend(ids.clone()),
                WireCommand::EnableAlertRules { names, .. } => self.changed.extend(names.clone()),
                WireCommand::RemoveSilences { ids } => self.changed.extend(ids.iter().map(ToString::to_string)),
                other => panic!("{other:?}"),
            }
            let done = vec!["x".to_owned()];
            return Ok(Answer::Done(Box::new(Reply::Items {
                done,
                refused: vec![],
                inverse: vec![],
                warnings: vec![],
            })));
        }
        let mut answer = fleet::answer(request)?;
        let filtered = match request {
            Request::Artifacts(query)
            | Request::Tasks(query)
            | Request::Alerts(query)
            | Request::AlertRules(query)
            | Request::Silences(query) => query.iter().any(|(name, _)| name == "filter"),
            _ => false,
        };
        let none = self.empty || (self.strict && filtered);
        let waits = |id: String| !none && !self.changed.contains(&id);
        match &mut answer {
            Answer::Artifacts(page) => {
                page.rows.retain(|it| it.review.state == ReviewState::Pending && waits(it.id.to_string()));
                // Decisions are asked about, whenever they came.
                page.rows.retain(|it| it.title != "drop-column.md");
                page.total = page.rows.len() as u64;
            }
            Answer::Tasks(page) => {
                page.rows.retain(|it| it.status == TaskStatus::Pending && waits(it.id.to_string()));
                page.total = page.rows.len() as u64;
            }
            Answer::Alerts(page) => {
                page.rows.retain(|it| it.status == AlertStatus::Active && waits(it.id.to_string()));
                page.total = page.rows.len() as u64;
            }
            Answer::AlertRules(page) => {
                page.rows.retain(|it| waits(it.rule.name.clone()));
                page.total = page.rows.len() as u64;
            }
            Answer::Silences(page) => {
                page.rows.retain(|it| waits(it.id.to_string()));
                page.total = page.rows.len() as u64;
            }
            _ => {}
        }
        Ok(answer)
    }
}

const LISTS: [(Place, &str); 5] = [
    (Place::Artifacts, "a"),
    (Place::Tasks, "D"),
    (Place::Alerts, "A"),
    (Place::AlertRules, "E"),
    (Place::Silences, "D"),
];

fn desk(place: &Place, empty: bool) -> (Driver, Rc<RefCell<Desk>>) {
    let desk = Rc::new(RefCell::new(Desk { empty, ..Desk::default() }));
    let mut driver = Driver::new(&Place::Overview, (120, 36));
    let engine = Rc::clone(&desk);
    driver.engine = Box::new(move |request| engine.borrow_mut().answer(request));
    driver.app.go(place);
    driver.settle();
    driver.later(Duration::from_secs(5));
    (driver, desk)
}

fn pulse(driver: &mut Driver) {
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.settle();
}

#[test]
fn what_arrives_under_the_cursor_waits_a_second() {
    for (place, key) in LISTS {
        let (mut driver, desk) = desk(&place, true);
        assert_eq!(driver.app.selection(), None, "{place:?}");
        desk.borrow_mut().empty = false;
        pulse(&mut driver);
        driver.press(key);
        assert_eq!(desk.borrow().changed.len(), 0, "{place:?}");
        assert!(driver.app.layer().is_none(), "no question came up either");
        driver.sees("look, then press again");
        assert!(driver.app.wake_at().is_some_and(|at| at <= driver.began + Duration::from_secs(6)), "{place:?}");
        driver.later(Duration::from_millis(6_100));
        driver.press(key);
        assert_eq!(desk.borrow().changed.len(), 1, "{place:?}");
    }
}

#[test]
fn the_same_key_again_does_not_act_on_what_slid_under_the_cursor() {
    for (place, key) in LISTS {
        let (mut driver, desk) = desk(&place, false);
        driver.press(key);
        pulse(&mut driver);
        driver.press(key);
        driver.sees("the key is held down; let go, look, then press again");
        driver.later(Duration::from_millis(5_400));
        driver.press(key);
        assert_eq!(desk.borrow().changed.len(), 1, "{place:?}");
        driver.sees("look, then press again");
        // Where one goes oneself, one has looked.
        driver.press("j");
        driver.press(key);
        assert_eq!(desk.borrow().changed.len(), 2, "{place:?}");
        driver.later(Duration::from_secs(9));
        driver.draw();
        pulse(&mut driver);
        driver.later(Duration::from_secs(11));
        driver.press(key);
        assert_eq!(desk.borrow().changed.len(), 3, "{place:?}");
    }
}

#[test]
fn what_a_filter_of_ones_own_brings_is_acted_on_as_soon_as_it_has_been_drawn() {
    let (mut driver, desk) = desk(&Place::Artifacts, false);
    driver.press("j j /");
    driver.type_text("builder");
    driver.press("enter a");
    assert_eq!(desk.borrow().changed.len(), 1);
}

#[test]
fn what_is_there_again_when_a_filter_without_a_match_is_left_has_not_just_arrived() {
    for (place, key) in LISTS {
        let (mut driver, desk) = desk(&place, false);
        desk.borrow_mut().strict = true;
        driver.press("/");
        driver.type_text("zzz");
        driver.press("enter");
        driver.sees("nothing matches zzz");
        pulse(&mut driver);
        driver.press("esc");
        pulse(&mut driver);
        driver.press(key);
        driver.sees_not("it has just");
        assert_eq!(desk.borrow().changed.len(), 1, "{place:?}");
    }
}

/// Presses keys, each followed by a frame, while the engine is silent.
fn press_unanswered(driver: &mut Driver, keys: &[&str]) {
    for key in keys {
        driver.app.update(Message::Key(key.parse().unwrap(), Instant::now()));
        driver.draw();
    }
}

#[test]
fn nothing_is_done_to_the_rows_of_a_filter_or_an_order_that_was_given_up() {
    for (place, key) in LISTS {
        for sorted in [false, true] {
            let (mut driver, desk) = desk(&place, false);
            if sorted {
                driver.app.step(Step::SortBy(0));
                driver.draw();
            } else {
                press_unanswered(&mut driver, &["/", "e", "enter"]);
            }
            press_unanswered(&mut driver, &[key, "space", "v"]);
            assert!(driver.app.layer().is_none(), "{place:?}: no question came up either");
            driver.sees("what you asked to see is still on its way");
            driver.settle();
            assert_eq!(desk.borrow().changed.len(), 0, "{place:?}");
            assert!(!driver.app.selection().unwrap().marked, "{place:?}");
            driver.press(key);
            assert_eq!(desk.borrow().changed.len(), 1, "{place:?}: it has been drawn");
        }
    }
}
