//! The overview.

use super::{Driver, fleet};
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};

fn answered(size: (u16, u16), overview: &crate::api::live::Overview, cells: u16) -> Driver {
    let mut driver = Driver::new(&Place::Overview, size);
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.collect();
    for (ticket, request) in std::mem::take(&mut driver.asked) {
        let answer = match request {
            Request::Overview => Ok(Answer::Overview(Box::new(overview.clone()))),
            Request::Grid => Ok(Answer::Grid(fleet::cages::grid(cells))),
            other => fleet::answer(&other),
        };
        driver.app.update(Message::Answer { ticket, answer });
    }
    driver.draw();
    driver
}

#[test]
fn what_a_person_needs_is_there_at_any_size() {
    for size in [(80, 24), (120, 36), (200, 60)] {
        let mut driver = Driver::new(&Place::Overview, size);
        for words in [
            "agents degraded",
            "2 of 12 circuit breakers are open",
            "menagerie agent show linter",
            "disk",
            "340",
            "1h10m",
            "1.4M done",
            "waits for you",
            "of 27",
            "decide: delete the old build cache",
            "blocks 12",
            "memory limit reached",
            "deadlines at risk",
            "release notes",
            "late",
            "622",
            "cpu",
            "cages",
            "fullest: 021",
            "$12.50",
        ] {
            assert!(driver.draw().contains(words), "{words:?} is missing at {size:?}:\n{}", driver.draw());
        }
        assert!(!driver.draw().replace('\n', "").chars().any(char::is_control));
    }
}

#[test]
fn what_nobody_measured_is_not_drawn_as_nothing_used() {
    let mut overview = fleet::overview::overview();
    for node in &mut overview.nodes {
        (node.cpu.used, node.cpu.granted) = (None, None);
    }
    for size in [(80, 24), (120, 36)] {
        let mut driver = answered(size, &overview, 10);
        let frame = driver.draw();
        let line = frame.lines().find(|line| line.contains("cpu")).unwrap();
        let cpu = line.split("cpu").nth(1).unwrap().split("memory").next().unwrap();
        assert!(cpu.contains("····") && !cpu.contains('░'), "{line}");
    }
}

#[test]
fn in_a_single_line_each_cage_stands_with_its_number_and_the_worst_come_first() {
    let cages = |cells: u16| {
        let mut driver = answered((80, 24), &fleet::overview::overview(), cells);
        let frame = driver.draw();
        let at = frame.lines().position(|line| line.contains("── cages")).unwrap();
        frame.lines().nth(at + 1).unwrap().trim_matches(['│', ' ']).to_owned()
    };
    let few = cages(10);
    assert!(few.starts_with("001 ●  002 ●  003 ○  004 ●") && few.contains("010 "), "{few}");
    let many = cages(24);
    assert!(many.starts_with("013 ×  021 ▲  "), "{many}");
    assert!(many.ends_with("and 16 more"), "{many}");
    assert!(cages(1000).starts_with("×▲◇◐"));
    // The order is said where it is not that of the numbers.
    for (cells, said) in [(10, false), (24, true), (1000, false)] {
        let mut driver = answered((80, 24), &fleet::overview::overview(), cells);
        let frame = driver.draw();
        let heading = frame.lines().find(|line| line.contains("── cages")).unwrap();
        assert_eq!(heading.contains(", worst first"), said, "{heading}");
    }
}

#[test]
fn the_fullest_cage_that_the_heading_names_is_among_those_in_sight() {
    let mut driver = Driver::new(&Place::Overview, (80, 24));
    let mut cells = fleet::cages::grid(24);
    for cell in &mut cells {
        // Many are in trouble, and the one that uses most is not.
        cell.state = crate::api::live::CellState::Warning;
        cell.memory.used = cell.memory.limit.map(|limit| limit / 4.0);
    }
    cells[19].state = crate::api::live::CellState::Running;
    cells[19].memory.used = cells[19].memory.limit.map(|limit| limit * 0.97);
    driver.engine = Box::new(move |request| match request {
        Request::Grid => Ok(Answer::Grid(cells.clone())),
        other => fleet::answer(other),
    });
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.settle();
    let frame = driver.draw();
    let at = frame.lines().position(|line| line.contains("worst first")).unwrap();
    assert!(frame.lines().nth(at).unwrap().contains("fullest: 020"), "{frame}");
    assert!(frame.lines().nth(at + 1).unwrap().trim_matches(['│', ' ']).starts_with("020 ●"), "{frame}");
}

#[test]
fn where_cells_have_room_for_a_tenth_only_the_heading_says_that_it_is_one() {
    let mut driver = answered((200, 60), &fleet::overview::overview(), 1000);
    driver.sees("memory in tenths of the limit");
    let mut driver = answered((120, 36), &fleet::overview::overview(), 10);
    driver.sees("memory of limit");
}

#[test]
fn the_header_says_where_one_is_however_narrow_and_however_long_the_way() {
    let header = |width: u16| Driver::new(&Place::Overview, (width, 24)).draw().lines().next().unwrap().to_owned();
    let wide = header(120);
    assert!(wide.starts_with(" menagerie › overview ") && wide.contains("340 queued"), "{wide}");
    // The program's name goes first, then the words beside the counters, then the beginning of the way.
    let narrow = header(80);
    assert!(
        narrow.starts_with(" overview ") && narrow.contains("340 queued") && narrow.ends_with("2 alerts!"),
        "{narrow}"
    );
    let small = header(60);
    assert!(small.starts_with(" menagerie › overview ") && small.ends_with("· 340  × 8  ◇ 27  ▲ 2"), "{small}");
    let mut driver = Driver::new(&Place::Tasks, (80, 24));
    driver.press("enter l");
    let deep = driver.draw().lines().next().unwrap().to_owned();
    assert!(deep.contains("output") && deep.ends_with("▲ 2"), "{deep}");
}

#[test]
fn rows_lead_to_what_they_name() {
    let mut driver = Driver::new(&Place::Overview, (120, 36));
    let lead = |driver: &mut Driver| {
        driver.press("enter");
        let place = driver.app.history.place().clone();
        driver.press("1");
        place
    };
    assert!(matches!(lead(&mut driver), Place::Artifact(_, title) if title.starts_with("decide")));
    driver.press("j");
    assert!(matches!(lead(&mut driver), Place::Task(_)));
    driver.press("j j j j");
    assert_eq!(lead(&mut driver), Place::Alerts);
    driver.press("G");
    assert_eq!(lead(&mut driver), Place::Task("0195dddd-0000-7000-8000-000000000002".into()));
    driver.press("j j g k");
    assert!(matches!(lead(&mut driver), Place::Artifact(..)));
}

#[test]
fn the_cursor_stays_on_its_row_when_others_come_above_it() {
    let mut driver = Driver::new(&Place::Overview, (120, 36));
    driver.press("j j j j");
    driver.sees("▶ ◇ report.md");
    let mut overview = fleet::overview::overview();
    overview.inbox.remove(0);
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.collect();
    for (ticket, request) in std::mem::take(&mut driver.asked) {
        if request == Request::Overview {
            driver.app.update(Message::Answer { ticket, answer: Ok(Answer::Overview(Box::new(overview.clone()))) });
        }
    }
    driver.sees("▶ ◇ report.md");
}

#[test]
fn an_empty_engine_says_what_would_be_here() {
    for size in [(80, 24), (120, 36)] {
        let mut driver = answered(size, &fleet::overview::empty(), 0);
        driver.sees("the system is well: store, worker");
        driver.sees("waits for you nothing");
        driver.sees("No machine has joined yet");
        driver.sees("There is no cage yet");
        assert!(driver.draw().contains("unknown for the last hour") || size.0 < 100);
        driver.sees_not("$0");
    }
}

#[test]
fn what_was_used_in_the_last_hour_is_said_as_a_sum() {
    for (size, said) in [((80, 24), "last hour 1.2M, $12.50"), ((120, 36), "in the last hour")] {
        let mut driver = answered(size, &fleet::overview::overview(), 24);
        driver.sees(said);
        driver.sees_not("an hour");
        driver.sees_not("none said");
    }
}

#[test]
fn what_nobody_measured_is_not_zero() {
    let mut overview = fleet::overview::overview();
    overview.nodes[0].cpu.used = None;
    let mut driver = answered((120, 36), &overview, 10);
    driver.sees("    - used  6.00 granted of 8.00 cores");
    let mut driver = answered((120, 36), &fleet::overview::empty(), 3);
    driver.sees("0 wait, median to start -");
}

#[test]
fn nothing_ticks_unless_a_deadline_is_at_risk() {
    let mut driver = answered((120, 36), &fleet::overview::empty(), 3);
    assert_eq!(driver.app.wake_at(), None);
    driver = answered((120, 36), &fleet::overview::overview(), 3);
    assert!(driver.app.wake_at().is_some());
}

#[test]
fn the_most_that_ended_is_said_in_words_and_is_no_fraction() {
    let mut overview = fleet::overview::overview();
    for minute in &mut overview.minutes {
        (minute.completed, minute.failed) = (0, 0);
    }
    (overview.minutes[30].completed, overview.minutes[31].failed) = (13, 2);
    for size in [(80, 24), (120, 36), (200, 60)] {
        let mut driver = answered(size, &overview, 10);
        let frame = driver.draw();
        for (most, name) in [(" 13 attempts, most 13 ", "done"), (" 2 attempts, most 2 ", "failed")] {
            let line = frame.lines().find(|line| line.contains(most)).unwrap_or_else(|| panic!("{name}: {frame}"));
            let within = line.split(most).nth(1).unwrap();
            let spans =
                ["a minute ", "in 2 minutes ", "in 3 minutes ", "in 4 minutes ", "in 5 minutes ", "in 6 minutes "];
            assert!(spans.iter().any(|span| format!("{within} ").starts_with(span)), "{size:?} {line}");
        }
    }
}
