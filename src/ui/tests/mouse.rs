//! The mouse: dragging scrollbars and clicking into them.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use ratatui::layout::Position;

use super::{Driver, fleet};
use crate::api::live::CageProcess;
use crate::api::triage::Candidate;
use crate::ui::layers::candidates::Candidates;
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::scrollbars::Scrolls;

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
fn a_dialog_and_a_panel_of_a_cage_are_dragged_too() {
    let mut driver = Driver::new(&Place::Agents, (120, 36));
    driver.engine = Box::new(|request| match request {
        Request::AgentCandidates(_) => {
            let one = fleet::candidates::cages().remove(0);
            let named = |number: u64| Candidate { name: format!("{number:03}"), able: true, ..one.clone() };
            Ok(Answer::Candidates((1..=99).map(named).collect()))
        }
        Request::Processes(_) => {
            let one = fleet::cages::processes().remove(0);
            let named = |pid: u32| CageProcess { pid, memory_bytes: u64::from(9_000 - pid), ..one.clone() };
            Ok(Answer::Processes((5_000..5_050).map(named).collect()))
        }
        other => fleet::answer(other),
    });
    driver.app.open(Box::new(Candidates::for_agent("builder-1")));
    driver.settle();
    driver.sees_not(" 099 ");
    let (x, y) = bar(&mut driver, |of| of == Scrolls::Layer);
    drag(&mut driver, x, y, 35);
    driver.sees(" 099 ");
    drag(&mut driver, x, 18, 0);
    driver.sees_not(" 099 ");

    let mut cage = Driver::new(&Place::Cage("005".into()), (120, 36));
    cage.engine = driver.engine;
    cage.press("ctrl-r");
    cage.press("p");
    cage.sees_not("5049");
    let (x, y) = bar(&mut cage, |of| of == Scrolls::Panel(3));
    drag(&mut cage, x, y, 35);
    cage.sees("5049");
}

/// Where a scrollbar is that moves this; nothing is held afterwards.
fn bar(driver: &mut Driver, of: impl Fn(Scrolls) -> bool + Copy) -> (u16, u16) {
    driver.draw();
    let mut at = |x: u16, y: u16| driver.app.bars.grab(Position::new(x, y), of).is_some();
    let found = (0..36u16).flat_map(|y| (0..120u16).map(move |x| (x, y))).find(|(x, y)| at(*x, *y));
    driver.app.bars.release();
    found.unwrap_or_else(|| panic!("no scrollbar:\n{}", driver.draw()))
}

fn wheel(driver: &mut Driver, down: bool, turns: usize) {
    for _ in 0..turns {
        mouse(driver, if down { MouseEventKind::ScrollDown } else { MouseEventKind::ScrollUp }, 20, 10);
    }
}

#[test]
fn the_wheel_goes_through_the_rows_of_screens_of_several_parts() {
    let places = [
        (Place::Overview, ""),
        (Place::Cage("005".into()), "g"),
        (Place::Dashboards, "g"),
        (Place::Metrics, "p g"),
        (Place::Alert(fleet::alerts::alert(4).id.to_string()), ""),
    ];
    for (place, keys) in places {
        let mut driver = Driver::new(&place, (80, 20));
        if !keys.is_empty() {
            driver.press(keys);
        }
        let before = driver.draw();
        wheel(&mut driver, true, 1);
        assert_ne!(driver.draw(), before, "{place:?}");
        wheel(&mut driver, false, 1);
        assert_eq!(driver.draw(), before, "{place:?}");
    }
}

#[test]
fn the_wheel_and_scrollbars_move_what_lies_on_top() {
    let mut driver = Driver::new(&Place::Tasks, (80, 24));
    let below = driver.draw();
    for keys in ["?", ":"] {
        driver.press(keys);
        let before = driver.draw();
        wheel(&mut driver, true, 9);
        assert_ne!(driver.draw(), before, "{keys}");
        let (x, y) = bar(&mut driver, |of| of == Scrolls::Layer);
        drag(&mut driver, x, y, 0);
        drag(&mut driver, x, y, 23);
        let end = driver.draw();
        wheel(&mut driver, true, 1);
        assert_eq!(bar(&mut driver, |of| of == Scrolls::Layer).0, x);
        // A click into its upper end, far from the mark.
        drag(&mut driver, x, y, 0);
        assert_ne!(driver.draw(), end, "{keys}");
        driver.press("esc");
    }
    assert_eq!(driver.draw(), below);
}

#[test]
fn the_bars_of_alerts_gpus_and_dashboards_are_dragged() {
    for (place, keys) in [
        (Place::Alert(fleet::alerts::alert(4).id.to_string()), ""),
        (Place::Metrics, "p g"),
        (Place::Dashboards, "g"),
        (Place::Dashboards, "p g"),
    ] {
        let mut driver = Driver::new(&place, (120, 16));
        if !keys.is_empty() {
            driver.press(keys);
        }
        let first = driver.draw();
        let (x, y) = bar(&mut driver, |of| matches!(of, Scrolls::Panel(_)));
        drag(&mut driver, x, y, 15);
        let last = driver.draw();
        assert_ne!(last, first, "{place:?} {keys}");
        // The end of the bar is the end of what it moves, wherever the cursor is there.
        driver.press("G");
        let rows = |frame: &str| frame.lines().take(10).map(|line| line.replace('▶', " ")).collect::<Vec<_>>();
        assert_eq!(rows(&driver.draw()), rows(&last), "{place:?} {keys}");
        drag(&mut driver, x, y, 0);
        driver.press("g");
        assert_eq!(driver.draw(), first, "{place:?} {keys}");
    }
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
