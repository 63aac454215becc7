//! Lists: cursor, marks, filter.

use super::{Driver, fleet};
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
