//! What is acted on is in sight, or was shown in a preview.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::{Driver, fleet};
use crate::api::client::Query;
use crate::api::types::WireCommand;
use crate::domain::Reply;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Page, Request};

/// A console whose engine understands no field `zzz`, finds nothing for `gone` and keeps what it was commanded.
fn console(place: &Place) -> (Driver, Rc<RefCell<Vec<WireCommand>>>) {
    let mut driver = Driver::new(place, (120, 36));
    let commands = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&commands);
    let filtered = |query: &Query, by: &str| query.iter().any(|(name, value)| name == "filter" && value.contains(by));
    driver.engine = Box::new(move |request| match request {
        Request::Tasks(query) | Request::AgentRows(query) | Request::Artifacts(query) | Request::Alerts(query)
            if filtered(query, "zzz") =>
        {
            Err("filter: \"zzz:1\" is not allowed".to_owned())
        }
        Request::Hierarchy(filter) if filter.contains("zzz") => Err("filter: \"zzz:1\" is not allowed".to_owned()),
        Request::Artifacts(query) if filtered(query, "gone") => Ok(Answer::Artifacts(Page { rows: vec![], total: 0 })),
        Request::Command(command) => {
            kept.borrow_mut().push(command.as_ref().clone());
            Ok(Answer::Done(Box::new(Reply::Items {
                done: vec!["x".into()],
                refused: vec![],
                inverse: vec![],
                warnings: vec![],
            })))
        }
        other => fleet::answer(other),
    });
    driver.later(Duration::from_secs(5));
    (driver, commands)
}

fn filter(driver: &mut Driver, words: &str) {
    driver.press("/");
    driver.type_text(words);
    driver.press("enter");
    driver.later(Duration::from_secs(10));
}

#[test]
fn a_filter_that_cannot_be_read_leaves_nothing_to_act_on() {
    for (place, first, keys) in [
        (Place::Artifacts, "", "a x c"),
        (Place::Tasks, "", "D r p t w"),
        (Place::Agents, "", "X U D r"),
        (Place::Agents, "T", "X U D r"),
        (Place::Alerts, "", "A S R c"),
    ] {
        let (mut driver, commands) = console(&place);
        if !first.is_empty() {
            driver.press(first);
        }
        assert!(driver.app.selection().is_some(), "{place:?}");
        filter(&mut driver, "zzz:1");
        driver.sees("is not allowed");
        assert_eq!(driver.app.selection(), None, "{place:?} {first}");
        for key in keys.split(' ') {
            driver.press(key);
            assert!(driver.app.layer().is_none(), "{place:?} {first} {key}");
        }
        assert_eq!(*commands.borrow(), [], "{place:?} {first}");
        // Without the filter everything is there again.
        driver.press("esc");
        assert!(driver.app.selection().is_some(), "{place:?} {first}");
    }
}

#[test]
fn a_mark_that_may_be_out_of_sight_is_shown_before_it_is_acted_on() {
    let (mut driver, commands) = console(&Place::Artifacts);
    let marked = driver.app.selection().unwrap().items[0].name.clone();
    assert!(!driver.app.selection().unwrap().items[0].high_risk || marked == "drop-column.md");
    // The first is of high risk, and those are asked about in any case.
    driver.press("j j");
    let id = driver.app.selection().unwrap().items[0].id.clone();
    driver.press("space");
    filter(&mut driver, "gone");
    driver.press("a");
    assert_eq!(driver.app.layer().map(super::super::layer::Layer::name), Some("preview"));
    assert_eq!(*commands.borrow(), []);
    driver.press("y");
    assert_eq!(
        *commands.borrow(),
        [WireCommand::ReviewArtifacts { ids: vec![id], approve: true, note: None, quality: None }]
    );
}

#[test]
fn what_is_typed_takes_the_place_of_the_filter_that_was_there() {
    let (mut driver, _) = console(&Place::Tasks);
    filter(&mut driver, "status:pending");
    filter(&mut driver, "status:executing");
    driver.sees("/status:executing");
    driver.sees_not("status:pending");
    // Whoever wants to add to it goes to its end first.
    driver.press("/ end");
    driver.type_text(",failed");
    driver.press("enter");
    driver.sees("/status:executing,failed");
}
