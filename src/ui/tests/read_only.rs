//! `--read-only` changes nothing, whichever way it is asked for.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::{Driver, fleet, options};
use crate::ui::Options;
use crate::ui::app::Effect;
use crate::ui::place::Place;
use crate::ui::request::Request;
use crate::ui::step::{Order, Step};
use crate::ui::terminal::ColorDepth;
use crate::ui::view;

/// A console that may or may not change something, and what it asked for that changes.
fn console(place: &Place, read_only: bool) -> (Driver, Rc<RefCell<Vec<String>>>) {
    let mut driver = Driver::with(Options { read_only, ..options(ColorDepth::True) }, place, (120, 36));
    let changes = Rc::new(RefCell::new(Vec::new()));
    let asked = Rc::clone(&changes);
    driver.engine = Box::new(move |request| {
        if matches!(request, Request::Command(_) | Request::Shutdown { .. }) {
            asked.borrow_mut().push(format!("{request:?}"));
        }
        fleet::answer(request)
    });
    driver.later(Duration::from_secs(5));
    (driver, changes)
}

fn say(driver: &mut Driver, line: &str) {
    driver.press(":");
    driver.type_text(line);
    driver.press("enter");
}

#[test]
fn the_engine_is_stopped_after_a_word_and_not_by_who_only_looks() {
    for line in ["shutdown", "shutdown --all", "shutdown-all"] {
        for read_only in [false, true] {
            let (mut driver, changes) = console(&Place::Overview, read_only);
            say(&mut driver, line);
            driver.type_text("shutdown");
            driver.press("enter");
            assert_eq!(changes.borrow().len(), usize::from(!read_only), "{line}: {:?}", changes.borrow());
        }
    }
    let (mut driver, changes) = console(&Place::Overview, true);
    driver.app.step(Step::Shutdown(true));
    driver.settle();
    assert_eq!(*changes.borrow(), [""; 0]);
    driver.sees("this console only reads: it was started with --read-only");
}

#[test]
fn verbs_that_change_something_are_not_run() {
    for (line, runs) in [
        ("task cancel 0195", false),
        ("menagerie stop", false),
        ("run -- rm -r x", false),
        ("artifact approve 12", false),
        ("start", false),
        ("task list --status failed", true),
    ] {
        let (mut driver, changes) = console(&Place::Tasks, true);
        say(&mut driver, line);
        driver.collect();
        let ran = driver.effects.iter().any(|effect| matches!(effect, Effect::Verb(_)));
        assert_eq!((ran, changes.borrow().len()), (runs, 0), "{line}: {:?}", driver.effects);
    }
}

#[test]
fn what_it_cannot_do_is_dimmed_below_and_says_why_in_the_help() {
    let colour_of = |read_only: bool, title: &str| {
        let (mut driver, _) = console(&Place::Inbox, read_only);
        let mut terminal = Terminal::new(TestBackend::new(120, 36)).unwrap();
        terminal.draw(|frame| view::draw(&mut driver.app, frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let last: String = (0..120).map(|x| buffer[(x, 35)].symbol().to_owned()).collect();
        let at = last.find(title).unwrap_or_else(|| panic!("{title}: {last}"));
        // The key before it: hints themselves are pale in any case.
        let at = last[..at].chars().count() - 2;
        buffer[(u16::try_from(at).unwrap(), 35)].fg
    };
    assert_eq!(colour_of(false, "approve"), colour_of(false, "open"));
    assert_ne!(colour_of(true, "approve"), colour_of(true, "open"));
    assert_eq!(colour_of(true, "open"), colour_of(false, "open"));
    let (mut driver, _) = console(&Place::Inbox, true);
    driver.press("?");
    driver.type_text("approve");
    driver.sees("not now: this console only reads");
}

#[test]
fn no_key_of_any_screen_changes_anything() {
    for (place, _) in Place::MAIN {
        let (mut driver, changes) = console(place, true);
        for key in "a x D R P p m v d u U z A S H n N s".split(' ') {
            driver.press(key);
            driver.press("y enter esc");
        }
        assert_eq!(*changes.borrow(), [""; 0], "{place:?}");
    }
    // Whatever opens it, nothing is ordered.
    let (mut driver, changes) = console(&Place::Tasks, true);
    let command = crate::api::types::WireCommand::RetryTasks { ids: vec!["0195".into()] };
    driver.app.step(Step::Order(Order { command, line: String::new(), title: "retry".into() }));
    driver.settle();
    assert_eq!(*changes.borrow(), [""; 0]);
}
