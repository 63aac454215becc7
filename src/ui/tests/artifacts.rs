//! Artifacts: the list, and reading one.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Driver, fleet, options};
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::terminal::ColorDepth;

fn viewer(number: u64) -> Driver {
    let place = Place::Artifact(fleet::review::id(number), "title".into());
    let mut driver = Driver::new(&place, (120, 36));
    driver.later(Duration::from_secs(5));
    driver
}

#[test]
fn agents_are_named_once_they_were_asked_for() {
    let mut driver = Driver::new(&Place::Artifacts, (120, 36));
    driver.sees("builder-2");
    assert!(driver.asked.is_empty());
    driver.engine = Box::new(|request| {
        assert!(!matches!(request, Request::Names(_)), "{request:?}");
        fleet::answer(request)
    });
    driver.press("j ctrl-r G");
}

#[test]
fn what_was_judged_cannot_be_judged_the_same_again() {
    let mut driver = viewer(30);
    driver.press("a");
    driver.sees("approve: it is approved already");
    driver.press("x");
    assert_eq!(driver.app.layer().map(super::super::layer::Layer::name), Some("prompt"));
}

#[test]
fn a_long_text_is_fetched_page_by_page_and_only_pages_in_sight_are_kept() {
    let mut driver = Driver::new(&Place::Artifact(fleet::review::id(12), String::new()), (120, 36));
    driver.sees("line 20");
    let asked = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let seen = std::rc::Rc::clone(&asked);
    driver.engine = Box::new(move |request| {
        if let Request::Content { offset, length, .. } = request {
            seen.borrow_mut().push((*offset, *length));
        }
        fleet::answer(request)
    });
    // The end at once, without what lies between.
    driver.press("G");
    driver.press("G");
    let last = String::from_utf8(fleet::review::content(12)).unwrap().lines().last().unwrap().trim_end().to_owned();
    driver.sees(&last);
    assert!(asked.borrow().len() <= 4, "{:?}", asked.borrow());
    assert!(asked.borrow().iter().all(|(_, length)| *length <= 128 * 1024));
    // Back up, page by page, without a line lost.
    let mut number: u64 = last.split_whitespace().nth(1).unwrap().parse().unwrap();
    for _ in 0..2_000 {
        let frame = driver.draw();
        let shown: Vec<u64> = frame
            .lines()
            .filter_map(|line| line.split_once("line ")?.1.split_whitespace().next()?.parse().ok())
            .collect();
        assert!(shown.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{frame}");
        let (first, last) = (*shown.first().unwrap(), *shown.last().unwrap());
        assert!(first == 1 || (last <= number && last + 5 >= number), "a jump from {number} to {last}");
        number = first;
        if first == 1 {
            break;
        }
        driver.press("pageup");
    }
    assert_eq!(number, 1);
    let kept = driver.app.text().unwrap().lines().len();
    assert!(kept * 70 <= 5 * 64 * 1024, "{kept} lines are kept");
}

#[test]
fn changes_since_the_earlier_version_are_shown_and_the_text_again() {
    let mut driver = viewer(2);
    driver.press("=");
    driver.sees("+     Some(token)");
    driver.sees("-     token");
    driver.sees("+2 -1 lines");
    driver.press("=");
    driver.sees("pub fn next");
    let mut driver = viewer(8);
    driver.press("=");
    driver.sees("There is no earlier version");
}

#[test]
fn what_is_no_text_is_not_shown_as_one_and_what_is_empty_says_so() {
    viewer(10).sees("This is no text.");
    viewer(11).sees("This artifact is empty.");
}

#[test]
fn a_text_is_searched_like_any_other() {
    let mut driver = viewer(0);
    driver.press("/");
    driver.type_text("backup");
    driver.press("enter");
    driver.sees("/backup 1 of 1");
}

/// A text of 600,000 bytes, of which a part is here.
fn long() -> Driver {
    let mut driver = Driver::new(&Place::Artifact(fleet::review::id(12), String::new()), (120, 36));
    driver.sees("[at least ");
    driver
}

#[test]
fn words_are_found_wherever_they_stand_in_a_long_text() {
    let mut driver = long();
    for number in [7_000, 3_500, 20, 7_600, 1] {
        driver.press("/");
        driver.type_text(&format!("line {number} of"));
        driver.press("enter");
        driver.sees(&format!("line {number} of the trace"));
        driver.sees_not("not found");
        driver.sees_not("looking on");
    }
    // From one to the next beyond the lines that are here, both ways and round the end.
    driver.press("/");
    driver.type_text("000 of");
    driver.press("enter");
    for thousand in [2, 3, 4, 5, 6, 7, 1, 2] {
        driver.press("n");
        driver.sees(&format!("line {thousand}000 of"));
    }
    for thousand in [1, 7, 6, 5] {
        driver.press("N");
        driver.sees(&format!("line {thousand}000 of"));
    }
    driver.sees("in at least");
    driver.press("/");
    driver.type_text("no such words");
    driver.sees("not here; n looks on");
    driver.press("enter");
    driver.sees("/no such words not found");
    driver.press("n");
    driver.sees("no such words stands nowhere here");
}

#[test]
fn a_search_says_how_far_it_is_and_escape_stops_it() {
    let mut driver = long();
    driver.press("/");
    driver.type_text("line 7600 of");
    let key = |driver: &mut Driver, key: &str| {
        driver.app.update(Message::Key(key.parse().unwrap(), Instant::now()));
        driver.draw();
    };
    key(&mut driver, "enter");
    driver.sees("looking on, 0%; Esc stops");
    key(&mut driver, "esc");
    driver.sees_not("looking on");
    driver.settle();
    driver.sees_not("line 7600 of the trace");
    driver.sees("/line 7600 of not here; n looks on");
    // What cannot be read is not passed over.
    driver.engine = Box::new(|request| match request {
        Request::Content { .. } => Err("the disk is broken".to_owned()),
        other => fleet::answer(other),
    });
    driver.press("n");
    driver.sees("the search was not ended: the disk is broken");
    driver.sees("line 20 of the trace");
}

#[test]
fn ascii_alone_will_do() {
    let mut options = options(ColorDepth::Mono);
    options.ascii = true;
    for place in [Place::Inbox, Place::Artifact(fleet::review::id(0), String::new())] {
        let mut driver = Driver::with(options.clone(), &place, (160, 40));
        driver.later(Duration::from_secs(5));
        let frame = driver.draw();
        let odd: Vec<&str> = frame.lines().filter(|line| line.contains(['─', '│', '▎', '•', '◇', '▾', '▶'])).collect();
        assert!(odd.is_empty(), "{odd:?}");
    }
}

#[test]
fn whose_each_is_stands_in_the_preview_of_a_change_of_several() {
    for size in [(80, 24), (160, 40)] {
        let mut driver = Driver::new(&Place::Inbox, size);
        driver.engine = Box::new(|request| match request {
            Request::WhatIf(_) => {
                let item = |number| json!({"item": fleet::review::id(number), "change": "status pending to approved"});
                let what_if = json!({"items": [item(2), item(3)], "figures": [], "reversible": true});
                Ok(Answer::WhatIf(serde_json::from_value(what_if).unwrap()))
            }
            other => fleet::answer(other),
        });
        driver.later(Duration::from_secs(5));
        driver.press("j j space space a");
        for (title, whose) in [("src/parser.rs", "builder-2, write"), ("fix-retry.patch", "builder-4, mend")] {
            let frame = driver.draw();
            let told =
                frame.lines().any(|line| line.contains(title) && line.contains(whose) && line.contains("status"));
            assert!(told, "{size:?} {title}: {frame}");
        }
    }
}

#[test]
fn what_comes_of_a_task_of_high_risk_is_asked_about_wherever_it_is_judged() {
    const SECRET: u64 = 7;
    assert_ne!(fleet::review::artifact(SECRET).kind, crate::domain::ArtifactType::Decision);
    let mut reader = viewer(SECRET);
    reader.sees("HIGH RISK");
    let mut list = Driver::new(&Place::Artifacts, (120, 36));
    while list.app.selection().unwrap().items[0].id != fleet::review::id(SECRET) {
        list.press("j");
    }
    for mut driver in [reader, list] {
        driver.press("a");
        assert_eq!(driver.app.layer().map(super::super::layer::Layer::name), Some("confirm"));
        driver.sees("It is of high risk");
        assert!(driver.app.orders.log().is_empty());
    }
}

#[test]
fn a_key_that_judges_goes_on_to_the_next_row_of_the_list() {
    let mut driver = Driver::new(&Place::Artifacts, (120, 36));
    driver.later(Duration::from_secs(5));
    let here = |driver: &Driver| driver.app.selection().unwrap().items[0].id.clone();
    let commands = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let sent = std::rc::Rc::clone(&commands);
    driver.engine = Box::new(move |request| match request {
        Request::Command(command) => {
            sent.borrow_mut().push(format!("{command:?}"));
            let (refused, inverse, warnings) = (vec![], vec![], vec![]);
            let reply = crate::domain::Reply::Items { done: vec!["x".into()], refused, inverse, warnings };
            Ok(Answer::Done(Box::new(reply)))
        }
        other => fleet::answer(other),
    });
    driver.press("j j");
    assert_eq!(here(&driver), fleet::review::id(2));
    driver.press("a");
    assert_eq!(here(&driver), fleet::review::id(3));
    // As in the inbox it is judged only once it could be read.
    driver.press("j k a");
    assert_eq!((commands.borrow().len(), here(&driver)), (2, fleet::review::id(4)), "somebody went there");
    driver.press("a");
    assert_eq!(commands.borrow().len(), 2, "nobody did");
    driver.later(Duration::from_secs(8));
    driver.press("x w h y enter");
    assert_eq!((commands.borrow().len(), here(&driver)), (3, fleet::review::id(5)));
}

#[test]
fn a_wide_table_is_as_wide_as_there_is_room_and_no_wider() {
    let text = "| commits | file |\n| ---: | --- |\n".to_owned()
        + &format!("| 45 | {} |\n", "src/engine/core/selection.rs ".repeat(5)).repeat(3);
    for width in [60, 80, 81, 120] {
        let mut driver = Driver::new(&Place::Artifacts, (width, 36));
        let text = text.clone();
        driver.engine = Box::new(move |request| match request {
            Request::Content { offset: 0, .. } => Ok(Answer::Bytes(text.clone().into_bytes())),
            Request::Content { .. } => Ok(Answer::Bytes(vec![])),
            other => fleet::answer(other),
        });
        driver.press("G enter");
        let frame = driver.draw();
        let rules: Vec<&str> =
            frame.lines().filter(|line| line.contains("───") && !line.contains(['╭', '╰'])).collect();
        assert_eq!(rules.len(), 1, "{frame}");
        let below = frame.lines().skip_while(|line| *line != rules[0]).nth(1).unwrap();
        assert!(below.contains("45"), "no row is blank or of what was left over: {frame}");
    }
}
