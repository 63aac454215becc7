//! The mouse: dragging scrollbars and clicking into them.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::{Driver, fleet};
use crate::ui::message::Message;
use crate::ui::place::Place;

const LEFT: MouseButton = MouseButton::Left;

fn mouse(driver: &mut Driver, kind: MouseEventKind, column: u16, row: u16) {
    let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
    driver.app.update(Message::Mouse(event));
    driver.draw();
    driver.settle();
}

/// Takes hold of a scrollbar at one row and lets go at another.
fn drag(driver: &mut Driver, column: u16, from: u16, to: u16) {
    mouse(driver, MouseEventKind::Down(LEFT), column, from);
    mouse(driver, MouseEventKind::Drag(LEFT), column, to);
    mouse(driver, MouseEventKind::Up(LEFT), column, to);
}

fn here(driver: &Driver) -> String {
    driver.app.selection().unwrap().items[0].id.clone()
}

#[test]
fn a_list_is_dragged_to_its_end_and_back_and_keys_go_on_from_there() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    let first = here(&driver);
    let line = driver.draw().lines().nth(3).unwrap().to_owned();
    // The last column inside the panel; headings in the line above.
    drag(&mut driver, 118, 3, 35);
    let last = fleet::tasks_page(fleet::TASKS - 1, 1).rows.remove(0).id.to_string();
    driver.sees(&last[last.len() - 8..]);
    driver.press("G");
    assert_eq!(here(&driver), last);
    drag(&mut driver, 118, 33, 1);
    assert_eq!(driver.draw().lines().nth(3).unwrap().trim_start_matches(['│', ' ', '▶']), {
        line.trim_start_matches(['│', ' ', '▶'])
    });
    driver.press("g");
    assert_eq!(here(&driver), first);
}

#[test]
fn a_click_into_the_bar_of_a_text_goes_there_and_what_is_followed_stays() {
    let mut driver = Driver::new(&Place::Output(fleet::tasks::id(487)), (120, 36));
    let lines = driver.app.text().unwrap().lines().len();
    mouse(&mut driver, MouseEventKind::Down(LEFT), 118, 18);
    let top = driver.app.text().unwrap().top();
    assert!((lines / 3..lines * 2 / 3).contains(&top), "{top} of {lines}");
    driver.sees("held, f follows");
    mouse(&mut driver, MouseEventKind::Up(LEFT), 118, 18);
    mouse(&mut driver, MouseEventKind::Drag(LEFT), 118, 30);
    assert_eq!(driver.app.text().unwrap().top(), top, "nothing is held any more");
}

#[test]
fn the_journal_is_dragged_to_records_that_are_not_here() {
    let mut driver = Driver::new(&Place::Events, (120, 36));
    let newest: u64 = here(&driver).parse().unwrap();
    mouse(&mut driver, MouseEventKind::Down(LEFT), 118, 18);
    let middle: u64 = here(&driver).parse().unwrap();
    assert!((newest / 3..newest * 2 / 3).contains(&middle), "{middle} of {newest}");
    // Both ways from there.
    driver.press("k");
    assert_eq!(here(&driver), (middle + 1).to_string());
    driver.press("j j");
    assert_eq!(here(&driver), (middle - 1).to_string());
    mouse(&mut driver, MouseEventKind::Drag(LEFT), 118, 3);
    assert_eq!(here(&driver), newest.to_string());
}

#[test]
fn what_lies_on_top_has_the_mouse_and_without_mouse_nothing_moves() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    let first = here(&driver);
    driver.press("?");
    drag(&mut driver, 118, 3, 35);
    driver.press("esc");
    assert_eq!(here(&driver), first);
    driver.press(":");
    driver.type_text("set mouse off");
    driver.press("enter");
    drag(&mut driver, 118, 3, 35);
    assert_eq!(here(&driver), first);
}
