//! Lists: cursor, marks, filter.

use super::{Driver, fleet};
use crate::ui::list::MARKS_LANE;
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};

#[test]
fn the_cursor_follows_its_item_when_rows_come_above_it() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.press("j j j");
    let before = driver.app.selection().unwrap().items[0].id.clone();
    // Two newer tasks arrive.
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.collect();
    let (ticket, request) = driver.asked.pop().unwrap();
    assert!(matches!(request, Request::Tasks(_)));
    let mut page = fleet::tasks_page(0, 100);
    page.rows.splice(0..0, fleet::newer_tasks(2));
    page.total += 2;
    driver.app.update(Message::Answer { ticket, answer: Ok(Answer::Tasks(page)) });
    assert_eq!(driver.app.selection().unwrap().items[0].id, before);
}

#[test]
fn only_rows_near_those_in_sight_are_asked_for() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.press("G");
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.collect();
    let (_, request) = driver.asked.pop().unwrap();
    let Request::Tasks(query) = request else { panic!("{request:?}") };
    let limit: u64 = query.iter().find(|(name, _)| name == "limit").unwrap().1.parse().unwrap();
    let offset: u64 = query.iter().find(|(name, _)| name == "offset").unwrap().1.parse().unwrap();
    assert!(limit <= 3 * 36 && offset + limit >= fleet::TASKS, "{query:?}");
}

#[test]
fn marks_are_acted_on_instead_of_the_cursor() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.press("space j space");
    let selection = driver.app.selection().unwrap();
    assert!(selection.marked);
    assert_eq!(selection.items.len(), 2);
    driver.press("esc");
    assert!(!driver.app.selection().unwrap().marked);
}

#[test]
fn a_filter_works_while_one_types_and_escape_puts_the_old_one_back() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.press("/");
    driver.type_text("status:failed");
    driver.sees("/status:failed");
    driver.press("enter");
    driver.sees("/status:failed");
    driver.press("/ x esc");
    driver.sees("/status:failed");
    driver.press("esc");
    driver.sees_not("/status:failed");
}

#[test]
fn a_filter_that_is_not_understood_counts_nothing_and_says_why_in_full() {
    let why = "filter: \"foo:bar\" is not allowed; allowed: a field of this list: id type status priority owner agent cage \
               created_at started_at completed_at deadline tag. did you mean the words foo bar?";
    for (place, size) in [(Place::Tasks, (80, 24)), (Place::Inbox, (80, 24))] {
        let mut driver = Driver::new(&place, size);
        driver.engine = Box::new(|request| match request {
            Request::Tasks(query) | Request::Inbox(query) if query.iter().any(|(name, _)| name == "filter") => {
                Err(why.to_owned())
            }
            other => fleet::answer(other),
        });
        driver.press("/");
        driver.type_text("foo:bar");
        driver.press("enter");
        driver.sees("[?]");
        driver.sees("did you mean the words foo bar?");
    }
}

#[test]
fn keys_of_screens_to_come_say_so() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.press("8");
    driver.sees("sessions: they come with a later version");
    assert_eq!(*driver.app.history.place(), Place::Tasks);
}

/// Presses a key and draws, without an answer of the engine.
fn press_only(driver: &mut Driver, key: &str) {
    driver.app.update(Message::Key(key.parse().unwrap(), std::time::Instant::now()));
    driver.draw();
}

/// The engine's notice that something changed, with two tasks more in front of the others from now on.
fn newcomers(driver: &mut Driver) {
    driver.engine = Box::new(|request| match fleet::answer(request) {
        Ok(Answer::Tasks(mut page)) => {
            page.rows.splice(0..0, fleet::newer_tasks(2));
            page.total += 2;
            Ok(Answer::Tasks(page))
        }
        answer => answer,
    });
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.settle();
}

fn marked(driver: &Driver) -> Vec<String> {
    let selection = driver.app.selection().filter(|selection| selection.marked);
    selection.map(|selection| selection.items.into_iter().map(|item| item.id).collect()).unwrap_or_default()
}

#[test]
fn a_range_goes_from_the_row_where_it_began_whatever_comes_above_it() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.press("j j j v");
    let first = driver.app.selection().unwrap().items[0].id.clone();
    newcomers(&mut driver);
    driver.press("j");
    let last = driver.app.selection().unwrap().items[0].id.clone();
    driver.press("v");
    let mut expected = vec![first, last];
    expected.sort();
    assert_eq!(marked(&driver), expected);
}

#[test]
fn a_range_reaches_over_rows_that_are_not_loaded() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.press("v G v");
    assert_eq!(marked(&driver).len() as u64, fleet::TASKS);
    driver.press("esc g j v G k v");
    assert_eq!(marked(&driver).len() as u64, fleet::TASKS - 2);
}

#[test]
fn a_range_of_too_many_rows_is_refused_and_one_that_lost_its_beginning_marks_nothing() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.engine = Box::new(|request| match fleet::answer(request) {
        Ok(Answer::Tasks(mut page)) => {
            page.total = 20_000;
            if page.rows.is_empty() {
                page.rows = fleet::newer_tasks(100);
            }
            Ok(Answer::Tasks(page))
        }
        answer => answer,
    });
    driver.press("ctrl-r v G v");
    driver.sees("a range has at most 10,000 rows, and this one 20,000");
    assert_eq!(marked(&driver).len(), 0);
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.press("v");
    driver.engine = Box::new(|request| match fleet::answer(request) {
        Ok(Answer::Tasks(mut page)) => {
            page.rows.retain(|task| task.id.to_string() != fleet::tasks_page(0, 1).rows[0].id.to_string());
            Ok(Answer::Tasks(page))
        }
        answer => answer,
    });
    driver.press("ctrl-r j v");
    driver.sees("the row at which the range began is no longer here");
    assert_eq!(marked(&driver).len(), 0);
}

#[test]
fn everything_is_marked_once_and_not_after_one_thought_better_of_it() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    press_only(&mut driver, "*");
    press_only(&mut driver, "*");
    let lanes: Vec<_> = driver.app.take_asks().into_iter().map(|ask| ask.lane).collect();
    assert_eq!(lanes, [Some(MARKS_LANE); 2], "of several waiting asks the last is asked");
    for then in [["esc", "j", "k"], ["/", "x", "enter"]] {
        let mut driver = Driver::new(&Place::Tasks, (120, 36));
        press_only(&mut driver, "*");
        for key in then {
            press_only(&mut driver, key);
        }
        driver.settle();
        assert_eq!(marked(&driver).len(), 0, "{then:?}");
    }
    for place in [Place::Tasks, Place::Inbox] {
        let mut driver = Driver::new(&place, (120, 36));
        driver.engine = Box::new(|_| Err("the engine is busy".to_owned()));
        press_only(&mut driver, "*");
        driver.settle();
        driver.sees("nothing was marked: the engine is busy");
        driver.engine = Box::new(fleet::answer);
        driver.app.update(Message::Pulse(fleet::pulse()));
        driver.settle();
        assert_eq!(marked(&driver).len(), 0, "{place:?}");
    }
}
