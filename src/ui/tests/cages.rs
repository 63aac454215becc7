//! Cages: the grid, the list, one of them, and what can be done with them.

use super::{Driver, fleet, options};
use crate::api::live::{CageCell, CellState, Gauge};
use crate::api::triage::WhatIf;
use crate::api::types::WireCommand;
use crate::domain::CageStatus;
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::terminal::ColorDepth;

/// The grid over so many cages.
pub fn with_cells(size: (u16, u16), cells: &[CageCell]) -> Driver {
    let mut driver = Driver::new(&Place::Cages, size);
    show(&mut driver, cells);
    driver
}

/// The engine tells that something changed, and these are the cages now.
fn show(driver: &mut Driver, cells: &[CageCell]) {
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.collect();
    for (ticket, request) in std::mem::take(&mut driver.asked) {
        let answer = if request == Request::Grid { Ok(Answer::Grid(cells.to_vec())) } else { fleet::answer(&request) };
        driver.app.update(Message::Answer { ticket, answer });
    }
    driver.draw();
}

fn here(driver: &Driver) -> String {
    driver.app.selection().unwrap().items[0].id.clone()
}

/// The commands that were asked for since the last look.
fn commands(driver: &mut Driver) -> Vec<WireCommand> {
    driver.collect();
    let asked = std::mem::take(&mut driver.asked).into_iter();
    asked
        .filter_map(|(_, request)| if let Request::Command(command) = request { Some(*command) } else { None })
        .collect()
}

/// Presses keys without answering what they ask for.
fn press_only(driver: &mut Driver, keys: &str) {
    for key in keys.split(' ') {
        driver.app.update(Message::Key(key.parse().unwrap(), std::time::Instant::now()));
        driver.draw();
    }
}

#[test]
fn every_cage_of_a_thousand_is_in_sight_on_120x36_and_200x60() {
    let mut driver = Driver::new(&Place::Cages, (200, 60));
    let frame = driver.draw();
    for number in [1, 2, 500, 999] {
        assert!(frame.contains(&format!("{number:03} ")), "{number}: {frame}");
    }
    // The last has no room to give away: number, state and share stand side by side, and whole.
    let mut cells = fleet::cages::grid(1000);
    (cells[999].state, cells[999].memory) =
        (CellState::Running, Gauge { used: Some(2.0), granted: None, limit: Some(2.0) });
    with_cells((200, 60), &cells).sees(" 1000●100%");
    let mut driver = Driver::new(&Place::Cages, (120, 36));
    let frame = driver.draw();
    let last = frame.lines().rfind(|line| line.contains(" 963 ") || line.contains(" 1000 "));
    assert!(last.is_some() && !frame.contains('█'), "something is out of sight:\n{frame}");
}

#[test]
fn a_cage_is_marked_as_its_gravest_alert_is() {
    for (state, said) in
        [(CellState::Warning, "▲ warning"), (CellState::Error, "× error"), (CellState::Critical, "× critical")]
    {
        let mut cells = fleet::cages::grid(3);
        cells[0].state = state;
        with_cells((120, 36), &cells).sees(said);
    }
}

#[test]
fn the_cursor_moves_in_four_directions_and_stays_on_its_cage() {
    let mut driver = with_cells((120, 36), &fleet::cages::grid(1000));
    driver.press("l l");
    assert_eq!(here(&driver), "003");
    driver.press("h");
    assert_eq!(here(&driver), "002");
    driver.press("j");
    let below: u16 = here(&driver).parse().unwrap();
    assert!(below > 20 && below < 60, "{below}");
    driver.press("k");
    assert_eq!(here(&driver), "002");
    driver.press("k h h h");
    assert_eq!(here(&driver), "001");
    driver.press("G");
    assert_eq!(here(&driver), "1000");
    driver.press("j l");
    assert_eq!(here(&driver), "1000");
    // A cage before it goes away: the cursor is on the same one still.
    driver.press("g j");
    let before = here(&driver);
    let cells = fleet::cages::grid(1000);
    show(&mut driver, &cells[5..]);
    assert_eq!(here(&driver), before);
}

#[test]
fn who_uses_most_of_its_memory_is_said_and_is_the_first_one_key_away() {
    let mut driver = Driver::new(&Place::Cages, (120, 36));
    driver.sees("fullest: 021 102% · most: 777 2.9G");
    driver.press("o");
    assert_eq!(here(&driver), "021", "the one over its limit");
    driver.sees("memory, fullest first");
    // The list knows who uses most, whatever the limit.
    driver.press("L s");
    driver.type_text("mem");
    driver.press("enter");
    assert_eq!(here(&driver), "777");
    driver.sees("MEM▼");
    driver.press("o o");
    assert_eq!(here(&driver), "021", "by number again, and the cursor stays on its cage");
    driver.press("L");
    driver.sees("memory, by number");
}

#[test]
fn the_measure_goes_round_and_unknown_is_no_number() {
    let mut driver = Driver::new(&Place::Cages, (200, 60));
    driver.sees("cages [1,000] memory, by number");
    driver.press("m");
    driver.sees("cages [1,000] cpu, by number");
    driver.press("m");
    // Nobody has measured any device.
    driver.sees("001 ●   -");
    driver.sees("nobody's gpu is known");
    driver.press("m m");
    driver.sees("cages [1,000] memory peak, by number");
    driver.press("m");
    driver.sees("cages [1,000] memory, by number");
}

#[test]
fn the_most_memory_that_a_cage_had_is_a_measure_and_stands_beside_what_it_has() {
    let mut driver = Driver::new(&Place::Cages, (120, 36));
    driver.engine = Box::new(|request| match fleet::answer(request) {
        Ok(Answer::Grid(mut cells)) => {
            for cell in &mut cells {
                cell.memory_peak.limit = cell.memory.limit;
            }
            cells[0].memory_peak.used = Some(123.0 * 1_048_576.0);
            Ok(Answer::Grid(cells))
        }
        answer => answer,
    });
    driver.press("ctrl-r");
    driver.sees("peak 123M");
    driver.press("m m m m");
    driver.sees("fullest: 001 123M of ");
    driver.press("j");
    driver.sees_not("peak 123M");
}

#[test]
fn shares_that_hardly_move_change_no_cell_and_the_line_below_is_exact() {
    let mut cells = fleet::cages::grid(20);
    let used = |cells: &mut Vec<CageCell>, mib: f64| {
        cells[0].memory = Gauge { used: Some(mib * 1_048_576.0), granted: None, limit: Some(100.0 * 1_048_576.0) };
    };
    used(&mut cells, 50.0);
    let mut driver = with_cells((120, 36), &cells);
    driver.sees(" 50% ");
    used(&mut cells, 52.0);
    show(&mut driver, &cells);
    driver.sees(" 50% ");
    driver.sees("memory 52.0M of 100M (52%)");
    used(&mut cells, 58.0);
    show(&mut driver, &cells);
    driver.sees(" 58% ");
}

#[test]
fn a_filter_dims_in_the_grid_and_leaves_out_in_the_list() {
    let mut driver = Driver::new(&Place::Cages, (200, 60));
    driver.press("/");
    driver.type_text("state:failing");
    driver.press("enter");
    driver.sees("/state:failing [2]");
    assert_eq!(here(&driver), "013", "the cursor goes to a match");
    driver.press("n");
    assert_eq!(here(&driver), "402");
    driver.press("n");
    assert_eq!(here(&driver), "013");
    driver.press("N");
    assert_eq!(here(&driver), "402");
    // Others keep their place and say nothing.
    driver.sees("001 ·   ");
    driver.press("L");
    driver.sees("failed");
    driver.sees_not("builder-1 ");
    driver.press("L /");
    driver.type_text(" colour:x");
    driver.sees("colour");
    driver.press("esc");
    driver.press("esc");
    driver.sees("001 ●");
}

#[test]
fn maintenance_goes_on_and_off_and_several_are_shown_first() {
    let mut driver = Driver::new(&Place::Cages, (120, 36));
    press_only(&mut driver, "M");
    let id = |text: &str| text.parse().unwrap();
    assert_eq!(commands(&mut driver), [WireCommand::SetCageMaintenance { ids: vec![id("001")], on: true }]);
    assert_eq!(driver.app.orders.log().last().unwrap().line, "menagerie cage maintenance 001");
    // One that is withheld already is given back.
    let mut cells = fleet::cages::grid(30);
    cells[0].status = CageStatus::Maintenance;
    show(&mut driver, &cells);
    press_only(&mut driver, "M");
    assert_eq!(commands(&mut driver), [], "the key is still held down");
    driver.later(std::time::Duration::from_secs(1));
    press_only(&mut driver, "M");
    assert_eq!(commands(&mut driver), [WireCommand::SetCageMaintenance { ids: vec![id("001")], on: false }]);
    assert_eq!(driver.app.orders.log().last().unwrap().line, "menagerie cage maintenance --off 001");
    // Of several, those that are not yet withheld; and only after a look.
    press_only(&mut driver, "space space space M");
    assert!(commands(&mut driver).is_empty());
    assert_eq!(driver.app.layer().unwrap().name(), "preview");
    driver.sees("withhold 2 cages?");
}

#[test]
fn vacating_is_always_shown_first_and_refused_where_nobody_lives() {
    let mut driver = Driver::new(&Place::Cages, (120, 36));
    let first = |driver: &mut Driver| {
        driver.collect();
        std::mem::take(&mut driver.asked).pop().unwrap()
    };
    press_only(&mut driver, "V");
    let (ticket, request) = first(&mut driver);
    let command = WireCommand::VacateCages { ids: vec!["001".parse().unwrap()] };
    assert_eq!(request, Request::WhatIf(Box::new(command.clone())));
    let what_if = WhatIf { items: vec![], figures: vec![], reversible: true, stops: 0 };
    driver.app.update(Message::Answer { ticket, answer: Ok(Answer::WhatIf(Box::new(what_if))) });
    driver.draw();
    press_only(&mut driver, "y");
    assert_eq!(commands(&mut driver), [command]);
    assert_eq!(driver.app.orders.log().last().unwrap().line, "menagerie cage vacate 001");
    let mut empty = with_cells((120, 36), &fleet::cages::grid(20)[9..10]);
    press_only(&mut empty, "V");
    empty.sees("nobody lives there");
    assert!(commands(&mut empty).is_empty());
}

#[test]
fn marks_ranges_and_all_are_those_that_the_filter_lets_through() {
    let mut driver = Driver::new(&Place::Cages, (120, 36));
    driver.press("v l l v");
    assert_eq!(driver.app.selection().unwrap().items.len(), 3);
    driver.press("esc");
    assert!(!driver.app.selection().unwrap().marked);
    driver.press("/");
    driver.type_text("state:failing");
    driver.press("enter *");
    let ids: Vec<String> = driver.app.selection().unwrap().items.into_iter().map(|item| item.id).collect();
    assert_eq!(ids, ["013", "402"]);
}

#[test]
fn small_fleets_are_drawn_large_and_none_says_how_to_get_some() {
    let mut driver = with_cells((120, 36), &fleet::cages::grid(10));
    driver.sees("001 ● running");
    driver.sees("builder-1");
    driver.sees("memory - of 128M");
    let mut driver = with_cells((120, 36), &[]);
    driver.sees("There is no cage yet.");
    driver.sees("menagerie apply");
}

#[test]
fn names_that_mean_harm_reach_no_cell_raw() {
    let cells = fleet::cages::grid(9);
    for size in [(80, 24), (120, 36), (200, 60)] {
        let mut driver = with_cells(size, &cells);
        for keys in ["G", "G h", "G h h", "L", "k"] {
            driver.press(keys);
            let frame = driver.draw();
            assert!(!frame.replace('\n', "").chars().any(char::is_control), "{frame}");
        }
    }
}

#[test]
fn a_grid_that_cannot_be_asked_for_is_marked_as_old() {
    let mut driver = Driver::new(&Place::Cages, (120, 36));
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.collect();
    for (ticket, _) in std::mem::take(&mut driver.asked) {
        driver.app.update(Message::Answer { ticket, answer: Err("the engine went away".to_owned()) });
    }
    driver.sees("OLD");
    driver.sees("001");
}

#[test]
fn a_click_goes_to_the_cell_under_the_mouse() {
    let mut driver = Driver::new(&Place::Cages, (200, 60));
    let frame = driver.draw();
    let row = frame.lines().position(|line| line.contains("023 ")).unwrap();
    let line = frame.lines().nth(row).unwrap();
    let column = line[..line.find("023 ").unwrap()].chars().count();
    let mouse = crossterm::event::MouseEvent {
        kind: crossterm::event::MouseEventKind::Down(crossterm::event::MouseButton::Left),
        column: u16::try_from(column).unwrap(),
        row: u16::try_from(row).unwrap(),
        modifiers: crossterm::event::KeyModifiers::NONE,
    };
    driver.app.update(Message::Mouse(mouse));
    assert_eq!(here(&driver), "023");
}

#[test]
fn one_cage_says_how_its_limits_hold_and_leads_to_tasks() {
    let mut driver = Driver::new(&Place::Cages, (120, 36));
    driver.press("l l l l enter");
    assert_eq!(driver.app.history.place(), &Place::Cage("005".into()));
    driver.sees("cage 005");
    // What is declared and not held is told from what nobody asked for.
    driver.sees("5 enforced, 2 watched, 1 absent, 1 not declared");
    driver.sees("enforced");
    driver.sees("watched");
    driver.sees("absent");
    // The cursor is on what runs; Enter leads to its task.
    driver.press("enter");
    assert_eq!(driver.app.history.place(), &Place::Task("0195dddd-0000-7000-8000-000000000001".into()));
    driver.press("esc l");
    let whole = ("0195dddd-0000-7000-8000-000000000001".into(), "0195cccc-0000-7000-8000-000000000001".into());
    assert_eq!(driver.app.history.place(), &Place::Attempt(whole.0, whole.1));
    driver.press("esc");
    // A limit under the cursor says in full by what it holds.
    driver.sees_not("project quotas are");
    driver.press("g j j j j j");
    driver.sees("project quotas are");
    driver.press("enter");
    driver.sees("there is nothing under the cursor to open");
    driver.press("p p");
    driver.sees("▶─ processes");
}

#[test]
fn one_cage_shows_output_as_it_is_written_and_nothing_raw() {
    for size in [(80, 24), (120, 36), (200, 60)] {
        let mut driver = Driver::new(&Place::Cage("042".into()), size);
        driver.sees("1.2MiB were dropped here");
        driver.sees("99%");
        driver.sees_not("55%");
        assert!(!driver.draw().replace('\n', "").chars().any(char::is_control));
    }
}

#[test]
fn how_long_something_runs_is_counted_while_it_runs_and_only_then() {
    let mut driver = Driver::new(&Place::Cage("042".into()), (120, 36));
    driver.sees("5m39s");
    assert!(driver.app.wake_at().is_some());
    driver.later(std::time::Duration::from_secs(61));
    driver.sees("6m40s");
    // Nothing in the grid changes by the second.
    let driver = Driver::new(&Place::Cages, (120, 36));
    assert_eq!(driver.app.wake_at(), None);
}

#[test]
fn what_acts_on_a_cage_in_the_grid_acts_on_it_in_its_own_screen() {
    let mut driver = Driver::new(&Place::Cage("042".into()), (120, 36));
    press_only(&mut driver, "M");
    let command = WireCommand::SetCageMaintenance { ids: vec!["042".parse().unwrap()], on: true };
    assert_eq!(commands(&mut driver), [command]);
}

#[test]
fn a_finished_output_is_asked_for_once() {
    let mut driver = Driver::new(&Place::Cage("042".into()), (120, 36));
    let mut ended = fleet::cages::executions(14);
    ended.rows.remove(1);
    let mut outputs = 0;
    for _ in 0..3 {
        driver.app.update(Message::Pulse(fleet::pulse()));
        for _ in 0..2 {
            driver.collect();
            for (ticket, request) in std::mem::take(&mut driver.asked) {
                let answer = match &request {
                    Request::Attempts(_) => Ok(Answer::Attempts(ended.clone())),
                    other => fleet::answer(other),
                };
                outputs += u32::from(matches!(request, Request::Output { .. }));
                driver.app.update(Message::Answer { ticket, answer });
            }
        }
    }
    assert_eq!(outputs, 1);
}

#[test]
fn pure_ascii_is_readable() {
    let ascii = crate::ui::Options { ascii: true, ..options(ColorDepth::Mono) };
    for (place, size) in [
        (Place::Cages, (120, 36)),
        (Place::Cages, (200, 60)),
        (Place::Cage("042".into()), (120, 36)),
        (Place::Overview, (120, 36)),
    ] {
        let mut driver = Driver::with(ascii.clone(), &place, size);
        let frame = driver.draw();
        // Only names, which come from outside, and signs of the common frame are not ASCII.
        for sign in ["●", "○", "█", "░", "▒", "▶", "─", "│", "▲", "■"] {
            assert!(!frame.contains(sign), "{sign} in {place:?}:\n{frame}");
        }
    }
}

#[test]
fn no_key_reaches_a_cage_behind_a_filter_that_is_not_understood() {
    for keys in ["/", "L /"] {
        let mut driver = Driver::new(&Place::Cages, (120, 36));
        driver.press(keys);
        driver.type_text("foo:bar");
        driver.press("enter");
        driver.sees("\"foo\" is not allowed");
        for key in ["M", "V", "space", "*", "enter"] {
            press_only(&mut driver, key);
            assert_eq!(commands(&mut driver), [], "{key}");
            assert!(driver.app.layer().is_none(), "{key}");
            assert_eq!(driver.app.selection(), None, "{key}");
        }
        assert_eq!(*driver.app.history.place(), Place::Cages);
        driver.press("esc");
        assert_eq!(here(&driver), "001");
    }
}

#[test]
fn what_is_used_is_shown_where_no_cage_has_a_limit() {
    let cells = |count: u16| {
        let mut cells = fleet::cages::grid(count);
        for (place, cell) in cells.iter_mut().enumerate() {
            cell.tokens = Gauge { used: Some(12_500.0 * place as f64), granted: None, limit: None };
        }
        cells
    };
    for (size, count, seen) in
        [((120, 36), 20, "238k"), ((120, 36), 100, "1.2M"), ((200, 60), 300, "1.2M"), ((200, 60), 20, "238k")]
    {
        let mut driver = with_cells(size, &cells(count));
        driver.press("m m m");
        show(&mut driver, &cells(count));
        driver.sees("tokens");
        let frame = driver.draw();
        let grid: Vec<&str> = frame.lines().take(frame.lines().count() - 6).collect();
        assert!(grid.iter().any(|line| line.contains(seen)), "{count}:\n{frame}");
    }
    // A thousand have room for a sign each; it is not that of what is unknown.
    let mut driver = with_cells((120, 36), &cells(1000));
    driver.press("m m m");
    show(&mut driver, &cells(1000));
    driver.sees("●+");
    driver.sees("+ no limit");
}

#[test]
fn a_cage_with_an_open_alert_shows_it_with_its_figure_and_its_remedy_and_opens_it() {
    for size in [(80, 24), (120, 36), (200, 60)] {
        let mut driver = Driver::new(&Place::Cage("404".into()), size);
        driver.sees("memory of cage 404 is 97 % of its limit");
        driver.press("g");
        for words in ["critical", "97 % where 90 % is the limit", "raise limits.memory"] {
            driver.sees(words);
        }
        driver.press("enter");
        assert!(matches!(driver.app.history.place(), Place::Alert(_)), "{size:?}");
    }
    // What is shared with others, and whoever has none.
    let mut driver = Driver::new(&Place::Cage("404".into()), (120, 36));
    driver.press("g j");
    driver.sees("12 share it");
    let mut driver = Driver::new(&Place::Cage("042".into()), (120, 36));
    driver.sees_not("alerts ");
}

#[test]
fn the_cage_under_the_cursor_says_how_many_alerts_it_has() {
    let mut driver = Driver::new(&Place::Cages, (80, 24));
    driver.press("/");
    driver.type_text("cage:21");
    driver.press("enter");
    driver.sees("▲ 1 alert");
    driver.sees("▲2 warn");
}
