//! Triage with keys: one key an item, nothing by accident, everything taken back.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

use super::{Driver, fleet};
use crate::api::types::WireCommand;
use crate::domain::Reply;
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::view;

/// An engine that takes decisions: what is decided no longer waits.
#[derive(Default)]
struct Desk {
    decided: BTreeSet<String>,
    commands: Vec<WireCommand>,
    /// Refuses everything.
    refuses: bool,
    /// Shown in front of everything else.
    arrived: u64,
    /// What is left of the survey comes last, because its dearest part was decided.
    survey_falls: bool,
}

impl Desk {
    fn answer(&mut self, request: &Request) -> Result<Answer, String> {
        match request {
            Request::Inbox(query) => {
                let mut page = fleet::review::inbox(query);
                page.rows.retain(|item| !self.decided.contains(&item.id));
                for number in 0..self.arrived {
                    let mut item = fleet::review::inbox_item(9);
                    item.id = format!("0199{number:04x}-0000-7000-8000-000000000000");
                    item.title = format!("newcomer {number}");
                    item.group = item.title.clone();
                    page.rows.insert(0, item);
                }
                if self.survey_falls {
                    page.rows.sort_by_key(|item| item.task_type.as_deref() == Some("survey"));
                }
                page.total = page.rows.len() as u64;
                Ok(Answer::Inbox(page))
            }
            Request::Command(command) if self.refuses => Err(format!("no {command:?}").chars().take(20).collect()),
            Request::Command(command) => {
                self.commands.push(command.as_ref().clone());
                let (done, inverse) = match command.as_ref() {
                    WireCommand::ReviewArtifacts { ids, .. } => {
                        self.decided.extend(ids.clone());
                        let ids = ids.iter().map(|id| id.parse().unwrap()).collect();
                        (ids, true)
                    }
                    WireCommand::ReopenReviews { ids } => {
                        self.decided.retain(|id| !ids.contains(id));
                        (ids.iter().map(|id| id.parse().unwrap()).collect(), false)
                    }
                    WireCommand::SnoozeReviews { ids, .. }
                    | WireCommand::AcknowledgeAlerts { ids, .. }
                    | WireCommand::SilenceAlerts { ids, .. }
                    | WireCommand::ResolveAlerts { ids, .. } => {
                        self.decided.extend(ids.clone());
                        (vec![], false)
                    }
                    _ => (vec![], false),
                };
                let names = done.iter().map(ToString::to_string).collect();
                let inverse = if inverse { vec![crate::domain::Command::ReopenReviews { ids: done }] } else { vec![] };
                Ok(Answer::Done(Box::new(Reply::Items { done: names, refused: vec![], inverse, warnings: vec![] })))
            }
            Request::WhatIf(_) => Ok(Answer::WhatIf(Box::new(crate::api::triage::WhatIf {
                items: vec![],
                figures: vec![],
                reversible: true,
                stops: 0,
            }))),
            other => fleet::answer(other),
        }
    }
}

fn desk(size: (u16, u16)) -> (Driver, Rc<RefCell<Desk>>) {
    let desk = Rc::new(RefCell::new(Desk::default()));
    let mut driver = Driver::new(&Place::Inbox, size);
    let engine = Rc::clone(&desk);
    driver.engine = Box::new(move |request| engine.borrow_mut().answer(request));
    driver.later(Duration::from_secs(5));
    (driver, desk)
}

fn selected(driver: &Driver) -> Vec<String> {
    driver
        .app
        .selection()
        .map(|selection| selection.items.into_iter().map(|item| item.name).collect())
        .unwrap_or_default()
}

fn pulse(driver: &mut Driver) {
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.settle();
}

fn key(driver: &mut Driver, key: &str) {
    driver.app.update(Message::Key(key.parse().unwrap(), Instant::now()));
}

/// The colour of the key that stands before a title in the last line.
fn colour_of_key(driver: &mut Driver, title: &str) -> Color {
    let mut terminal = Terminal::new(TestBackend::new(120, 36)).unwrap();
    terminal.draw(|frame| view::draw(&mut driver.app, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let last: String = (0..120).map(|x| buffer[(x, 35)].symbol().to_owned()).collect();
    let at = last.find(title).unwrap_or_else(|| panic!("{title}: {last}"));
    buffer[(u16::try_from(last[..at].chars().count() - 2).unwrap(), 35)].fg
}

#[test]
fn one_key_decides_and_the_cursor_goes_on_to_what_is_loaded_already() {
    let (mut driver, desk) = desk((120, 36));
    driver.press("j j");
    assert_eq!(selected(&driver), ["src/parser.rs"]);
    driver.sees("pub fn next");
    // The one after it was fetched ahead: it is in sight with the same frame as the decision.
    key(&mut driver, "a");
    driver.sees("fn wait(attempt");
    driver.settle();
    assert_eq!(selected(&driver), ["fix-retry.patch"]);
    driver.later(Duration::from_secs(7));
    driver.press("a");
    let ids = |number: u64| vec![fleet::review::id(number)];
    let approve = |ids| WireCommand::ReviewArtifacts { ids, approve: true, note: None, quality: None };
    assert_eq!(desk.borrow().commands, [approve(ids(2)), approve(ids(3))]);
    driver.sees_not("src/parser.rs  ");
}

#[test]
fn the_cursor_goes_to_the_row_that_took_the_place_of_what_was_decided() {
    for keys in ["S enter", "a"] {
        let (mut driver, desk) = desk((120, 36));
        driver.press("j j j j j");
        assert_eq!(selected(&driver), ["survey/eu-west.md"]);
        desk.borrow_mut().survey_falls = true;
        driver.press(keys);
        // The rest of its group has fallen to the end.
        assert_eq!(selected(&driver), ["scripts/deploy.py"], "{keys}");
        driver.later(Duration::from_millis(5_500));
        driver.press("a");
        assert_eq!(selected(&driver), ["scripts/deploy.py"], "{keys}: it has just come under the cursor");
        driver.sees("it has just come under the cursor");
    }
    // Where a key put it, the cursor follows what it is on.
    let (mut driver, desk) = desk((120, 36));
    driver.press("j j j j j a");
    assert_eq!(selected(&driver), ["survey/eu-north.md"]);
    driver.press("j");
    desk.borrow_mut().survey_falls = true;
    pulse(&mut driver);
    assert_eq!(selected(&driver), ["survey/us-east.md"]);
}

#[test]
fn what_a_key_opened_is_decided_as_soon_as_it_has_been_drawn_and_what_comes_by_itself_rests() {
    let desk = Rc::new(RefCell::new(Desk::default()));
    let mut driver = Driver::new(&Place::Overview, (120, 36));
    let engine = Rc::clone(&desk);
    driver.engine = Box::new(move |request| engine.borrow_mut().answer(request));
    driver.later(Duration::from_secs(5));
    key(&mut driver, "2");
    driver.collect();
    for (ticket, request) in std::mem::take(&mut driver.asked) {
        let answer = desk.borrow_mut().answer(&request);
        driver.app.update(Message::Answer { ticket, answer });
    }
    // Typed before the rows could be seen. The first is of high risk, so that its key brings a question.
    key(&mut driver, "a");
    assert!(driver.app.layer().is_none());
    driver.sees("you have not seen this one yet");
    driver.settle();
    driver.later(Duration::from_millis(5_500));
    driver.press("a");
    assert!(driver.app.layer().is_some());
    // What a filter of one's own brings was asked for too.
    let (mut driver, _) = self::desk((120, 36));
    driver.press("/");
    driver.type_text("drop");
    driver.press("enter a");
    assert!(driver.app.layer().is_some());
    // What comes in front of all by itself is not.
    let (mut driver, desk) = self::desk((120, 36));
    desk.borrow_mut().arrived = 1;
    driver.press("g");
    pulse(&mut driver);
    driver.press("g a");
    driver.sees("it has just arrived; look, then press again");
    assert!(driver.app.layer().is_none());
}

#[test]
fn keys_that_rest_keep_their_place_in_the_last_line_and_are_dimmed() {
    let (mut driver, desk) = desk((120, 36));
    let last = |driver: &mut Driver| driver.draw().lines().last().unwrap().to_owned();
    let bright = |driver: &mut Driver| colour_of_key(driver, "approve") == colour_of_key(driver, "open");
    driver.press("j j");
    let before = last(&mut driver);
    assert!(before.contains(" a approve"), "{before}");
    assert!(bright(&mut driver));
    // What the cursor is on is decided elsewhere, and something else slips under it.
    desk.borrow_mut().decided.insert(fleet::review::id(2));
    pulse(&mut driver);
    assert_eq!(last(&mut driver), before);
    assert!(!bright(&mut driver));
    driver.later(Duration::from_secs(7));
    assert!(bright(&mut driver));
}

#[test]
fn an_enter_that_came_before_the_note_was_asked_for_does_not_count() {
    let (mut driver, desk) = desk((120, 36));
    driver.press("j j");
    key(&mut driver, "c");
    key(&mut driver, "enter");
    assert_eq!(driver.app.layer().map(crate::ui::layer::Layer::name), Some("prompt"));
    driver.settle();
    driver.draw();
    assert_eq!(desk.borrow().commands.len(), 0);
    key(&mut driver, "enter");
    driver.settle();
    assert_eq!(desk.borrow().commands.len(), 1);
}

#[test]
fn a_decision_is_taken_back_and_comes_back_where_it_was() {
    let (mut driver, desk) = desk((120, 36));
    driver.press("j j a");
    driver.sees("z takes it back, not what it set going");
    assert_eq!(selected(&driver), ["fix-retry.patch"]);
    driver.press("z");
    driver.sees("took back: approve src/parser.rs; what it set going goes on");
    assert!(matches!(desk.borrow().commands.last(), Some(WireCommand::ReopenReviews { .. })));
    // The cursor goes to what came back, which is nothing new, so that the other verdict is about that.
    assert_eq!(selected(&driver), ["src/parser.rs"]);
    driver.sees_not("NEW");
    driver.press("x w h y enter");
    let Some(WireCommand::ReviewArtifacts { ids, approve: false, .. }) = desk.borrow().commands.last().cloned() else {
        panic!("{:?}", desk.borrow().commands);
    };
    assert_eq!(ids, [fleet::review::id(2)]);
}

#[test]
fn keys_pressed_faster_than_frames_are_drawn_decide_one_thing() {
    let (mut driver, desk) = desk((120, 36));
    driver.press("j j");
    for _ in 0..5 {
        key(&mut driver, "a");
    }
    driver.sees("the key is held down; let go, look, then press again");
    driver.settle();
    assert_eq!(desk.borrow().commands.len(), 1);
}

#[test]
fn a_key_that_is_held_down_decides_one_thing_however_long_it_is_held() {
    let (mut driver, desk) = desk((120, 36));
    driver.press("j j a");
    // A keyboard repeats after half a second, then thirty times a second.
    for repeat in 0..150 {
        driver.later(Duration::from_millis(5_500 + 33 * repeat));
        driver.press("a");
    }
    assert_eq!(desk.borrow().commands.len(), 1);
    driver.sees("approve: the key is held down");
    driver.later(Duration::from_secs(12));
    driver.press("a");
    assert_eq!(desk.borrow().commands.len(), 2, "let go, and pressed again");
}

#[test]
fn what_the_cursor_went_on_to_is_decided_after_a_second_or_once_another_key_went_there() {
    let (mut driver, desk) = desk((120, 36));
    driver.press("j j a");
    driver.later(Duration::from_millis(5_900));
    driver.press("a");
    driver.sees("it has just come under the cursor; look, then press again");
    driver.press("j k a");
    assert_eq!(desk.borrow().commands.len(), 2);
    driver.later(Duration::from_secs(7));
    driver.press("a");
    assert_eq!(desk.borrow().commands.len(), 3);
}

#[test]
fn what_is_there_again_when_a_filter_without_a_match_is_left_is_not_new() {
    let (mut driver, desk) = desk((120, 36));
    let engine = Rc::clone(&desk);
    driver.engine = Box::new(move |request| {
        let mut answer = engine.borrow_mut().answer(request)?;
        if let (Request::Inbox(query), Answer::Inbox(page)) = (request, &mut answer)
            && query.iter().any(|(name, _)| name == "filter")
        {
            page.rows.clear();
            page.total = 0;
        }
        Ok(answer)
    });
    driver.press("/");
    driver.type_text("zzz");
    driver.press("enter");
    driver.sees("nothing matches zzz");
    pulse(&mut driver);
    driver.press("esc");
    pulse(&mut driver);
    driver.sees_not("NEW");
    driver.press("a");
    assert!(driver.app.layer().is_some(), "the first is of high risk, and asked about");
}

#[test]
fn what_just_came_under_the_cursor_is_not_decided_within_a_second() {
    let (mut driver, desk) = desk((120, 36));
    driver.press("j j");
    // Somebody else decides it: what stood below slips under the cursor.
    desk.borrow_mut().decided.insert(fleet::review::id(2));
    driver.later(Duration::from_secs(6));
    pulse(&mut driver);
    assert_eq!(selected(&driver), ["fix-retry.patch"]);
    driver.later(Duration::from_millis(6_900));
    driver.press("a x S c");
    assert!(desk.borrow().commands.is_empty());
    assert!(driver.app.layer().is_none(), "no question came up either");
    driver.sees("it has just come under the cursor; look, then press again");
    // The hints offer it as soon as it can be done, without a key.
    let offers = |driver: &mut Driver| colour_of_key(driver, "approve") == colour_of_key(driver, "open");
    assert!(!offers(&mut driver));
    assert!(driver.app.wake_at().is_some_and(|at| at <= driver.began + Duration::from_secs(7)));
    driver.later(Duration::from_millis(7_100));
    assert!(offers(&mut driver));
    // The note that the last key did not ask for is not being written.
    driver.later(Duration::from_millis(7_700));
    driver.press("a");
    assert_eq!(desk.borrow().commands.len(), 1);
}

#[test]
fn what_was_judged_in_the_reader_has_gone_on_to_the_next_when_one_comes_back() {
    let (mut driver, desk) = desk((120, 36));
    driver.press("j j enter");
    assert!(matches!(driver.app.history.place(), Place::Artifact(..)));
    driver.press("a esc");
    assert_eq!(*driver.app.history.place(), Place::Inbox);
    assert_eq!(selected(&driver), ["fix-retry.patch"]);
    driver.press("a");
    driver.sees("it has just come under the cursor");
    driver.later(Duration::from_millis(6_100));
    driver.press("a");
    assert_eq!(desk.borrow().commands.len(), 2);
}

#[test]
fn what_was_put_off_says_for_how_long_still() {
    let (mut driver, _) = desk((120, 36));
    driver.engine = Box::new(|request| match request {
        Request::Inbox(query) => {
            let mut page = fleet::review::inbox(query);
            page.rows[2].snoozed_until = Some(crate::domain::Timestamp::from_micros(super::NOW + 7_500_000_000));
            Ok(Answer::Inbox(page))
        }
        other => fleet::answer(other),
    });
    driver.press("H");
    driver.sees("put off for 2h more: src/parser.rs");
    driver.press("j j S");
    driver.type_text("30m");
    driver.sees("put off for 30m");
}

#[test]
fn items_that_block_the_same_tasks_are_counted_once() {
    let (mut driver, _) = desk((120, 36));
    driver.engine = Box::new(|request| match request {
        Request::Inbox(query) => {
            let mut page = fleet::review::inbox(query);
            page.rows.truncate(12);
            for item in &mut page.rows {
                (item.blocks, item.blocked_task_ids) = (1, vec!["0195".into()]);
            }
            Ok(Answer::Inbox(page))
        }
        other => fleet::answer(other),
    });
    pulse(&mut driver);
    driver.sees(" · 1 task blocked");
}

#[test]
fn newcomers_do_not_move_the_cursor_and_are_not_armed_when_one_goes_to_them_at_once() {
    let (mut driver, desk) = desk((120, 36));
    driver.press("j j");
    desk.borrow_mut().arrived = 2;
    driver.later(Duration::from_secs(6));
    pulse(&mut driver);
    assert_eq!(selected(&driver), ["src/parser.rs"]);
    driver.sees("NEW");
    driver.press("g a");
    assert_eq!(selected(&driver), ["newcomer 1"]);
    assert!(desk.borrow().commands.is_empty());
    // Those that were there before are not held up by them.
    driver.press("j j j j a");
    assert_eq!(desk.borrow().commands.len(), 1);
    driver.later(Duration::from_millis(9_500));
    driver.sees_not("NEW");
    driver.press("g a");
    assert_eq!(desk.borrow().commands.len(), 2);
}

#[test]
fn a_rejection_needs_a_reason_and_says_it_on_the_command_line() {
    let (mut driver, desk) = desk((120, 36));
    driver.press("j j x enter");
    driver.sees("a rejection needs a reason");
    assert!(desk.borrow().commands.is_empty());
    driver.type_text("it's wrong");
    driver.press("enter");
    let (ids, note) = (vec![fleet::review::id(2)], Some("it's wrong".to_owned()));
    assert_eq!(desk.borrow().commands, [WireCommand::ReviewArtifacts { ids, approve: false, note, quality: None }]);
    let line = driver.app.orders.log()[0].line.clone();
    assert_eq!(line, format!("menagerie artifact reject {} --note \"it's wrong\"", fleet::review::id(2)));
}

#[test]
fn a_reason_goes_to_what_was_asked_about_whatever_comes_under_the_cursor_meanwhile() {
    let (mut driver, desk) = desk((120, 36));
    driver.press("j j x");
    driver.type_text("no");
    desk.borrow_mut().decided.insert(fleet::review::id(2));
    pulse(&mut driver);
    driver.press("enter");
    assert!(
        matches!(&desk.borrow().commands[0], WireCommand::ReviewArtifacts { ids, .. } if *ids == [fleet::review::id(2)])
    );
}

#[test]
fn what_is_of_high_risk_is_decided_alone_and_asked_about() {
    let (mut driver, desk) = desk((120, 36));
    assert_eq!(selected(&driver), ["drop-column.md"]);
    driver.press("a enter");
    assert!(desk.borrow().commands.is_empty(), "Enter says no");
    driver.press("a y");
    assert_eq!(desk.borrow().commands.len(), 1);
}

#[test]
fn a_heading_stands_for_its_group_without_what_is_of_high_risk() {
    let (mut driver, desk) = desk((120, 36));
    driver.press("j j j j");
    assert_eq!(selected(&driver).len(), 4);
    driver.sees("4 x report for survey");
    driver.press("a");
    driver.sees("approve 3 artifacts (1 of high risk left out: judge alone)");
    assert!(desk.borrow().commands.is_empty());
    driver.press("y");
    let ids = vec![fleet::review::id(4), fleet::review::id(5), fleet::review::id(6)];
    assert_eq!(
        desk.borrow().commands,
        [WireCommand::ReviewArtifacts { ids, approve: true, note: None, quality: None }]
    );
    assert_eq!(selected(&driver), ["survey/secret-sites.md"]);
}

#[test]
fn marks_of_high_risk_only_are_refused_with_the_reason() {
    let (mut driver, desk) = desk((120, 36));
    // The decision and the secret report.
    driver.press("space j j j j j j j space a");
    driver.sees("those are judged one by one");
    assert!(desk.borrow().commands.is_empty());
}

#[test]
fn groups_fold_and_go() {
    let (mut driver, _) = desk((120, 36));
    driver.sees("survey/eu-north.md");
    driver.press("j j j j enter");
    driver.sees("▸ 4 x report for survey");
    let folded = driver.app.selection().unwrap().items.len();
    assert_eq!(folded, 4, "a folded heading still stands for its items");
    driver.press("j");
    assert_eq!(selected(&driver), ["scripts/deploy.py"]);
    driver.press("u");
    driver.sees_not("4 x report for survey");
}

#[test]
fn things_are_put_off_for_a_while() {
    let (mut driver, desk) = desk((120, 36));
    driver.press("j j S");
    driver.press("ctrl-u");
    driver.type_text("nonsense");
    driver.press("enter");
    assert!(desk.borrow().commands.is_empty());
    driver.press("ctrl-u");
    driver.type_text("30m");
    driver.press("enter");
    let ids = vec![fleet::review::id(2)];
    let until = Some("30m".parse().unwrap());
    assert_eq!(desk.borrow().commands, [WireCommand::SnoozeReviews { ids, until }]);
    assert_eq!(driver.app.orders.log()[0].line, format!("menagerie inbox snooze {} --until 30m", fleet::review::id(2)));
    assert_eq!(selected(&driver), ["fix-retry.patch"]);
}

#[test]
fn a_failed_task_is_tried_again_or_opened_and_not_approved() {
    let (mut driver, desk) = desk((120, 36));
    driver.press("j a");
    driver.sees("no artifact is selected");
    driver.press("t");
    assert!(matches!(&desk.borrow().commands[..], [WireCommand::RetryTasks { .. }]));
    driver.press("k k j enter");
    assert!(matches!(driver.app.history.place(), Place::Task(_)));
}

#[test]
fn an_alert_waits_among_the_rest_with_the_keys_of_the_alerts() {
    let (mut driver, desk) = desk((120, 36));
    let id = |number| fleet::alerts::alert(number).id.to_string();
    let (one, other) = (id(8), id(0));
    driver.press("G");
    for words in ["2 x alert: cage-memory", "memory of cage 003 is 78 %", "raise limits.memory", "nobody has taken it"]
    {
        driver.sees(words);
    }
    driver.press("a");
    driver.sees("no artifact is selected");
    driver.press("o");
    assert_eq!(driver.app.history.place(), &Place::Cage("003".into()));
    driver.press("2 G enter");
    assert_eq!(driver.app.history.place(), &Place::Alert(one.clone()));
    driver.press("2 G A");
    let taken = WireCommand::AcknowledgeAlerts { ids: vec![one.clone()], note: None };
    assert_eq!(desk.borrow().commands, [taken]);
    assert_eq!(driver.app.orders.log()[0].line, format!("menagerie alert acknowledge {one}"));
    driver.sees_not("2 x alert: cage-memory");
    driver.press("G S ctrl-u");
    driver.type_text("8h");
    driver.press("enter");
    let silenced = WireCommand::SilenceAlerts { ids: vec![other], until: Some("8h".parse().unwrap()) };
    assert_eq!(desk.borrow().commands[1..], [silenced]);
    driver.press("G R");
    driver.type_text("restarted it");
    driver.press("enter enter");
    let resolved =
        WireCommand::ResolveAlerts { ids: vec![id(6)], action: Some("restarted it".to_owned()), notes: None };
    assert_eq!(desk.borrow().commands[2..], [resolved]);
    assert_eq!(driver.app.selection().unwrap().noun, crate::ui::screen::Noun::Artifact, "no alert is left");
    // Of mixed marks keys act on those of the kind under the cursor.
    let (mut driver, desk) = self::desk((120, 36));
    driver.press("j j space G space A");
    driver.press("enter");
    assert_eq!(desk.borrow().commands, [WireCommand::AcknowledgeAlerts { ids: vec![id(8)], note: None }]);
}

#[test]
fn what_the_engine_refuses_is_there_again() {
    let (mut driver, desk) = desk((120, 36));
    desk.borrow_mut().refuses = true;
    driver.press("j j a");
    driver.sees("no ReviewArtifacts");
    driver.press("esc k");
    assert_eq!(selected(&driver), ["src/parser.rs"]);
    desk.borrow_mut().refuses = false;
    driver.press("a");
    assert_eq!(desk.borrow().commands.len(), 1);
}

#[test]
fn a_hundred_reviews_are_a_hundred_keys() {
    let (mut driver, desk) = desk((120, 36));
    let total = fleet::review::count();
    for second in 0..total {
        // Nobody reads a review in less.
        driver.later(Duration::from_secs(6 + second));
        match driver.app.selection().filter(|selection| selection.items.len() == 1) {
            Some(selection) if selection.items[0].state == "failed" => driver.press("t"),
            Some(selection) if selection.items[0].high_risk => driver.press("a y"),
            Some(_) => driver.press("a"),
            None => driver.press("j"),
        }
    }
    let left: Vec<String> = (0..total)
        .map(fleet::review::inbox_item)
        .filter(|item| item.artifact_type.is_some() && !desk.borrow().decided.contains(&item.id))
        .map(|item| item.title)
        .collect();
    assert!(left.len() <= 2, "{left:?}");
}

#[test]
fn only_the_dear_end_is_fetched_until_one_goes_further() {
    let (mut driver, _) = desk((120, 36));
    let limits = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&limits);
    driver.engine = Box::new(move |request| {
        if let Request::Inbox(query) = request {
            let limit: u64 = query.iter().find(|(name, _)| name == "limit").unwrap().1.parse().unwrap();
            seen.borrow_mut().push(limit);
            let mut page = fleet::review::inbox(query);
            let model = page.rows[9].clone();
            for number in page.rows.len() as u64..limit.min(5_000) {
                let mut item = model.clone();
                item.id = format!("0198{number:04x}-0000-7000-8000-000000000000");
                item.group = item.id.clone();
                page.rows.push(item);
            }
            page.total = 5_000;
            return Ok(Answer::Inbox(page));
        }
        fleet::answer(request)
    });
    pulse(&mut driver);
    driver.press("G");
    driver.press("G");
    assert_eq!(*limits.borrow(), [200, 400, 600]);
    driver.sees("inbox [5,000]");
    driver.press("j j");
    driver.sees_not("NEW");
}

#[test]
fn nothing_that_an_agent_wrote_reaches_the_terminal_raw() {
    let (mut driver, _) = desk((200, 60));
    for _ in 0..fleet::review::count() + 2 {
        let frame = driver.draw_encoded();
        assert!(!frame.contains("\x1b[2J\x1b[31mred") && !frame.contains('\x07'), "{frame:?}");
        assert!(!frame.contains('\u{202e}') && !frame.contains("\x1b]0;"), "{frame:?}");
        driver.press("j");
    }
}

#[test]
fn a_rule_is_proposed_in_the_title_shown_by_a_key_and_armed_by_a_word() {
    use crate::domain::ArtifactType;
    use crate::domain::approval_rule::{ApprovalRule, ApprovalTrial, Proposal, Verdict};

    let rule = ApprovalRule {
        name: "daily\u{1b}".to_owned(),
        agent: "tester".to_owned(),
        kind: ArtifactType::Report,
        task_type: "survey".to_owned(),
        verdict: Verdict::Approve,
    };
    let trial = ApprovalTrial { judged: 43, agreed: 41, unjudged: 2, ..ApprovalTrial::default() };
    let proposal = Proposal { rule: rule.clone(), streak: 5, trial };
    let mut driver = Driver::new(&Place::Inbox, (120, 36));
    driver.sees_not("P: a rule is proposed");
    driver.press("P");
    driver.sees("no rule is proposed");
    let ordered = std::rc::Rc::new(std::cell::RefCell::new(vec![]));
    let orders = std::rc::Rc::clone(&ordered);
    driver.engine = Box::new(move |request| match request {
        Request::Proposals(5) => Ok(Answer::Proposals(vec![proposal.clone()])),
        Request::Command(command) => {
            orders.borrow_mut().push((**command).clone());
            Ok(Answer::Done(Box::new(Reply::Items {
                done: vec!["daily".into()],
                refused: vec![],
                inverse: vec![],
                warnings: vec![],
            })))
        }
        other => fleet::answer(other),
    });
    driver.press("ctrl-r");
    driver.sees("P: a rule is proposed");
    driver.press("P");
    driver.sees("would have approved 41 of 43");
    driver.sees("approve artifacts of type report by agent tester for tasks of type survey");
    driver.press("y enter");
    assert!(ordered.borrow().is_empty(), "{:?}", ordered.borrow());
    driver.press("esc P");
    driver.type_text("arm");
    driver.press("enter");
    assert_eq!(*ordered.borrow(), [WireCommand::AddApprovalRule { rule: Box::new(rule) }]);
    // Whoever wants none is asked for none.
    driver.press(":");
    driver.type_text("set propose 0");
    driver.press("enter");
    driver.later(Duration::from_secs(1));
    driver.press("ctrl-r");
    driver.sees_not("P: a rule is proposed");
}

#[test]
fn a_range_takes_what_a_folded_group_holds_and_keeps_its_beginning() {
    let (mut driver, desk) = desk((120, 36));
    driver.press("j j j j enter k k v");
    assert_eq!(selected(&driver), ["src/parser.rs"]);
    desk.borrow_mut().arrived = 2;
    pulse(&mut driver);
    driver.press("j j v");
    let marked = driver.app.selection().unwrap();
    assert!(marked.marked);
    let mut names: Vec<_> = marked.items.into_iter().map(|item| item.name).collect();
    names.sort();
    let expected = [
        "fix-retry.patch",
        "src/parser.rs",
        "survey/eu-north.md",
        "survey/eu-west.md",
        "survey/secret-sites.md",
        "survey/us-east.md",
    ];
    assert_eq!(names, expected);
}

#[test]
fn marking_everything_makes_no_later_look_a_long_one() {
    let (mut driver, _) = desk((120, 36));
    driver.press("*");
    assert_eq!(
        driver.app.selection().unwrap().items.len() as u64,
        fleet::review::count() - 1,
        "all but the failed task"
    );
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.collect();
    let limit = driver.asked.iter().find_map(|(_, request)| match request {
        Request::Inbox(query) => query.iter().find(|(name, _)| name == "limit").map(|(_, value)| value.clone()),
        _ => None,
    });
    assert_eq!(limit.as_deref(), Some("200"));
}

#[test]
fn nothing_is_decided_before_what_a_filter_lets_through_is_here() {
    let (mut driver, desk) = desk((120, 36));
    driver.press("j j");
    for word in ["/", "s", "enter", "a"] {
        key(&mut driver, word);
        driver.draw();
    }
    driver.sees("what you asked to see is still on its way");
    driver.settle();
    assert!(desk.borrow().commands.is_empty());
}

#[test]
fn a_range_that_was_not_ended_is_not_acted_on_in_part() {
    let mut driver = Driver::new(&Place::Inbox, (120, 36));
    driver.press("v");
    driver.press("j");
    driver.press("a");
    driver.sees("a range is begun");
    driver.collect();
    assert!(driver.asked.iter().all(|(_, request)| !matches!(request, Request::Command(_))));
    driver.press("v");
    driver.press("a");
    driver.sees_not("a range is begun");
}

#[test]
fn words_that_were_not_asked_for_do_nothing_until_a_pause() {
    let (mut driver, desk) = desk((120, 36));
    // A failed task has no judgement, so nothing asks for a reason; "tested at eight" would try it again and approve.
    driver.press("j x");
    driver.sees("reject: no artifact is selected");
    driver.type_text("tested at eight");
    assert!(desk.borrow().commands.is_empty(), "{:?}", desk.borrow().commands);
    assert_eq!(driver.app.history.place(), &Place::Inbox);
    driver.sees("reject: no artifact is selected; words typed now do nothing");
    // A key that types nothing means what it does, and so does any after a pause.
    driver.press("down");
    assert_eq!(selected(&driver), ["src/parser.rs"]);
    driver.press("k x");
    driver.later(Duration::from_secs(7));
    driver.press("t");
    assert!(matches!(&desk.borrow().commands[..], [WireCommand::RetryTasks { .. }]));
}

#[test]
fn nobody_is_asked_why_for_what_cannot_be_rejected() {
    let (mut driver, desk) = desk((120, 36));
    // The decision and the secret report.
    driver.press("space j j j j j j j space x");
    assert!(driver.app.layer().is_none());
    driver.sees("reject: all 2 are of high risk, and those are judged one by one");
    assert!(desk.borrow().commands.is_empty());
}
