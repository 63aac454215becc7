//! The journal: sentences, following, looking back, opening what a record names.

use super::fleet::records::{self, LAST, NAMELESS};
use super::{Driver, fleet, frames, options};
use crate::api::types::JournalRow;
use crate::domain::Timestamp;
use crate::domain::event::Event;
use crate::ui::events_text::{self, Names};
use crate::ui::list::Listing;
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::terminal::ColorDepth;

fn row(kind: &str) -> JournalRow {
    JournalRow {
        seq: 1,
        time: Timestamp::from_micros(super::NOW),
        actor: "engine".into(),
        kind: kind.into(),
        version: 1,
        body: records::body(kind),
        hash: String::new(),
    }
}

#[test]
fn every_kind_has_a_sentence_of_its_own_with_names_in_it() {
    let names = Names::from([
        (fleet::agents::id(12), "builder-12".to_owned()),
        ("0195ffff-0000-7000-8000-000000000002".to_owned(), "box".to_owned()),
    ]);
    let mut seen = std::collections::BTreeSet::new();
    for kind in Event::KINDS {
        let event = events_text::event(&row(kind)).unwrap_or_else(|| panic!("{kind} cannot be read"));
        assert_eq!(event.kind(), *kind);
        let sentence = events_text::sentence(&event, &names);
        assert!(sentence.split_whitespace().count() >= 3, "{kind}: {sentence}");
        assert!(!sentence.contains("-0000-7000-8000-"), "{kind} shows a whole id: {sentence}");
        // An agent that a sentence names is one whose name is asked for.
        let asked_for = events_text::agents_named(&event);
        assert_eq!(asked_for.is_some_and(|id| names.contains_key(&id.to_string())), {
            sentence.contains("builder-12") && *kind != "agent_declared" && !kind.starts_with("alert")
        });
        let _ = events_text::target(&event, &names);
        seen.insert(sentence);
    }
    assert_eq!(seen.len(), Event::KINDS.len(), "two kinds say the same");
}

#[test]
fn ids_within_a_text_are_shortened_and_lead_to_their_task() {
    let id = "01a1fcb2-cfc0-7c18-8000-0034032f344b";
    let words = format!("名 task {id} failed, not 01a1fcb2-cfc0");
    assert_eq!(events_text::shortened(&words), "名 task 032f344b failed, not 01a1fcb2-cfc0");
    assert_eq!(events_text::shortened(id), "032f344b");
    assert_eq!(events_text::about("engine", &words), Some(Place::Task(id.into())));
    assert_eq!(events_text::about("cage 014", &words), Some(Place::Cage("014".into())));
    assert_eq!(events_text::about("engine", &format!("artifact {id} is odd")), None);
}

#[test]
fn the_newest_come_first_with_names_and_a_removed_agent_by_its_id() {
    let mut driver = Driver::new(&Place::Events, (120, 60));
    driver.sees("events [4,711] · following");
    driver.sees("builder-12");
    driver.sees("ann");
    driver.sees(&NAMELESS[NAMELESS.len() - 8..]);
}

#[test]
fn artifacts_are_called_by_their_titles() {
    let mut driver = Driver::new(&Place::Overview, (160, 80));
    let titles = std::rc::Rc::new(std::cell::Cell::new(0));
    let asked = std::rc::Rc::clone(&titles);
    driver.engine = Box::new(move |request| {
        if let Request::Artifacts(query) = request {
            asked.set(asked.get() + 1);
            let filter = &query.iter().find(|(name, _)| name == "filter").unwrap().1;
            let mut artifact = fleet::review::artifact(3);
            artifact.id = filter.strip_prefix("id:").unwrap().parse().unwrap();
            artifact.title = "the \u{1b}[31myear in figures.md".to_owned();
            return Ok(Answer::Artifacts(crate::ui::request::Page { rows: vec![artifact], total: 1 }));
        }
        fleet::answer(request)
    });
    driver.press("0");
    driver.sees("approved: artifact the ␛[31myear in figures.md 00000def of task 00000abc");
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.settle();
    assert_eq!(titles.get(), 1, "they are asked for once");
}

#[test]
fn a_filter_that_is_not_understood_says_why_in_full_on_a_small_terminal() {
    let mut driver = Driver::new(&Place::Overview, (80, 24));
    let why = "filter, column 1: \"zzz\" is no field of the journal; allowed: kind, actor, object, seq, age, time, since, \
               until. Did you mean the end of it?";
    driver.engine = Box::new(move |request| match request {
        Request::Journal(query) if query.iter().any(|(name, _)| name == "filter") => Err(why.to_owned()),
        other => fleet::answer(other),
    });
    driver.press("0 /");
    driver.type_text("zzz:1");
    driver.press("enter");
    driver.sees("is no field of the journal");
    driver.sees("the end of it?");
}

#[test]
fn names_are_asked_for_once() {
    let mut driver = Driver::new(&Place::Events, (120, 36));
    driver.app.update(Message::Pulse(fleet::pulse()));
    loop {
        driver.collect();
        let asked = std::mem::take(&mut driver.asked);
        if asked.is_empty() {
            break;
        }
        for (ticket, request) in asked {
            assert!(!matches!(request, Request::Names(_)), "{request:?}");
            driver.app.update(Message::Answer { ticket, answer: fleet::answer(&request) });
        }
        driver.draw();
    }
}

#[test]
fn names_that_come_after_more_was_asked_for_are_taken_in() {
    let mut driver = Driver::new(&Place::Events, (120, 140));
    let mut held = vec![];
    for (head, agent) in [(LAST + 50, 13), (LAST + 100, 14)] {
        driver.app.update(Message::Pulse(fleet::pulse()));
        loop {
            driver.collect();
            let asked = std::mem::take(&mut driver.asked);
            if asked.is_empty() {
                break;
            }
            for (ticket, request) in asked {
                let answer = match &request {
                    Request::Names(_) => {
                        held.push((ticket, request));
                        continue;
                    }
                    Request::Journal(query) => {
                        let mut found = records::records(query, head);
                        for row in found.rows.iter_mut().filter(|row| row.seq > LAST) {
                            let body = row.body.to_string().replace(&fleet::agents::id(12), &fleet::agents::id(agent));
                            row.body = serde_json::from_str(&body).unwrap();
                        }
                        Ok(Answer::Journal(found))
                    }
                    other => fleet::answer(other),
                };
                driver.app.update(Message::Answer { ticket, answer });
            }
            driver.draw();
        }
    }
    assert_eq!(held.len(), 2);
    for (ticket, request) in held {
        driver.app.update(Message::Answer { ticket, answer: fleet::answer(&request) });
    }
    driver.sees("builder-13");
    driver.sees("builder-14");
}

#[test]
fn more_than_fits_between_two_frames_is_told() {
    let mut driver = Driver::new(&Place::Events, (120, 36));
    driver.sees_not("came at once");
    grown(&mut driver, LAST + 5);
    driver.sees_not("came at once");
    grown(&mut driver, LAST + 305);
    driver.sees("following, 300 came at once");
    grown(&mut driver, LAST + 306);
    driver.sees_not("came at once");
}

/// Takes in that the journal has grown to `head`.
fn grown(driver: &mut Driver, head: u64) {
    driver.app.update(Message::Pulse(fleet::pulse()));
    loop {
        driver.collect();
        let asked = std::mem::take(&mut driver.asked);
        if asked.is_empty() {
            return;
        }
        for (ticket, request) in asked {
            let answer = match &request {
                Request::Journal(query) => Ok(Answer::Journal(records::records(query, head))),
                other => fleet::answer(other),
            };
            driver.app.update(Message::Answer { ticket, answer });
        }
        driver.draw();
    }
}

fn seq(driver: &Driver) -> u64 {
    driver.app.selection().unwrap().items[0].id.parse().unwrap()
}

#[test]
fn who_reads_is_not_pushed_on_and_f_follows_again() {
    let mut driver = Driver::new(&Place::Events, (120, 36));
    assert_eq!(seq(&driver), LAST);
    grown(&mut driver, LAST + 3);
    assert_eq!(seq(&driver), LAST + 3);
    driver.press("j j");
    assert_eq!(seq(&driver), LAST + 1);
    grown(&mut driver, LAST + 50);
    assert_eq!(seq(&driver), LAST + 1);
    driver.sees("47 newer, f follows");
    driver.app.update(Message::Key("f".parse().unwrap(), std::time::Instant::now()));
    grown(&mut driver, LAST + 50);
    assert_eq!(seq(&driver), LAST + 50);
    driver.sees("following");
    // More than a page at once is jumped over.
    grown(&mut driver, LAST + 5_000);
    assert_eq!(seq(&driver), LAST + 5_000);
}

#[test]
fn one_goes_back_record_by_record_and_to_the_beginning() {
    let mut driver = Driver::new(&Place::Events, (120, 36));
    for _ in 0..200 {
        driver.press("j");
    }
    assert_eq!(seq(&driver), LAST - 200);
    driver.press("G");
    assert_eq!(seq(&driver), 1);
    for _ in 0..100 {
        driver.press("k");
    }
    assert_eq!(seq(&driver), 101);
    driver.press("g");
    assert_eq!(seq(&driver), LAST);
}

#[test]
fn a_long_way_back_keeps_only_part_and_finds_the_way_forward_again() {
    let mut driver = Driver::new(&Place::Events, (120, 36));
    for _ in 0..60 {
        driver.press("pagedown");
    }
    let deep = seq(&driver);
    assert!(deep < LAST - 1_500, "{deep}");
    for _ in 0..40 {
        driver.press("pageup");
    }
    for _ in 0..400 {
        driver.press("k");
    }
    assert!(seq(&driver) > deep + 400);
    // Every record on the way is there: numbers rise by one.
    let before = seq(&driver);
    driver.press("k");
    assert_eq!(seq(&driver), before + 1);
}

#[test]
fn a_filter_looks_back_until_the_screen_is_full() {
    let mut driver = Driver::new(&Place::Events, (120, 36));
    driver.press("K");
    driver.type_text("task_failed");
    driver.press("enter");
    driver.sees("/kind:=task_failed");
    driver.sees("looked back to");
    let frame = driver.draw();
    assert!(frame.matches("was given up").count() >= 30, "{frame}");
    assert!(!frame.contains("agent_removed"));
    // Another kind takes the place of the first.
    driver.press("K");
    driver.type_text("agent_removed");
    driver.press("enter");
    driver.sees("/kind:=agent_removed");
    driver.sees_not("task_failed");
    driver.press("esc");
    assert!(driver.app.with_list(|list: &mut dyn Listing, _| list.filter().is_empty()).unwrap());
}

#[test]
fn enter_opens_what_a_record_names_and_d_shows_all_of_it() {
    let mut driver = Driver::new(&Place::Events, (120, 36));
    let kind = |driver: &Driver| driver.app.selection().unwrap().items[0].name.clone();
    while kind(&driver) != "breaker_opened" {
        driver.press("j");
    }
    driver.press("d");
    assert_eq!(driver.app.layer().unwrap().name(), "detail");
    driver.sees("\"failures\": 5");
    driver.press("esc enter");
    assert_eq!(driver.app.history.place(), &Place::Agent(fleet::agents::id(12), "builder-12".into()));
}

#[test]
fn what_is_about_no_single_thing_says_so() {
    let mut driver = Driver::new(&Place::Events, (120, 36));
    while driver.app.selection().unwrap().items[0].name != "defaults_set" {
        driver.press("j");
    }
    driver.press("enter");
    driver.sees("nothing under the cursor to open");
    assert_eq!(driver.app.history.place(), &Place::Events);
}

#[test]
fn a_record_looks_as_it_did() {
    let mut problems = Vec::new();
    for size in frames::SIZES {
        for depth in [ColorDepth::True, ColorDepth::Mono] {
            let mut driver = Driver::with(options(depth), &Place::Events, size);
            while driver.app.selection().unwrap().items[0].name != "task_submitted" {
                driver.press("j");
            }
            driver.press("d");
            problems.extend(frames::check_encoded("record", size, depth, &mut driver).err());
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn on_a_small_terminal_the_verdict_on_an_artifact_is_not_cut_off() {
    let title = "a report whose title is longer than there is room for.md";
    for (state, verdict) in [("approved", "approved: "), ("rejected", "rejected: "), ("pending", "waits again: ")] {
        let mut driver = Driver::new(&Place::Overview, (80, 24));
        driver.engine = Box::new(move |request| match fleet::answer(request)? {
            Answer::Journal(mut records) => {
                for row in &mut records.rows {
                    row.kind = "artifact_reviewed".to_owned();
                    row.body = records::body("artifact_reviewed");
                    row.body["state"] = state.into();
                }
                Ok(Answer::Journal(records))
            }
            Answer::Artifacts(mut page) => {
                page.rows.truncate(1);
                page.rows[0].title = title.to_owned();
                page.rows[0].id = "0195cccc-0000-7000-8000-000000000def".parse().unwrap();
                Ok(Answer::Artifacts(page))
            }
            other => Ok(other),
        });
        driver.press("0");
        driver.sees(&format!("{verdict}artifact "));
    }
}
