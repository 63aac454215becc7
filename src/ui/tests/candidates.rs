//! Giving work to somebody else.

use super::{Driver, fleet, frames, options};
use crate::api::types::WireCommand;
use crate::ui::layers::candidates::Candidates;
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::terminal::ColorDepth;

/// Puts the cursor on a task that is not over.
fn on_pending(size: (u16, u16)) -> Driver {
    let mut driver = Driver::new(&Place::Tasks, size);
    while driver.app.selection().unwrap().items[0].state != "pending" {
        driver.press("j");
    }
    driver
}

/// The command that was sent.
fn sent(driver: &mut Driver) -> Option<WireCommand> {
    driver.collect();
    driver.asked.iter().find_map(|(_, request)| match request {
        Request::Command(command) => Some((**command).clone()),
        _ => None,
    })
}

#[test]
fn a_task_goes_to_whom_one_finds_by_typing() {
    let mut driver = on_pending((120, 36));
    let id = driver.app.selection().unwrap().items[0].id.clone();
    driver.press("r");
    driver.sees("the scheduler chooses");
    driver.sees("lacks capability rust");
    driver.type_text("builder-2");
    driver.sees_not("newcomer");
    driver.sees("tasks waiting for builder-2");
    driver.app.update(Message::Key("enter".parse().unwrap(), std::time::Instant::now()));
    let expected = WireCommand::ReassignTasks { ids: vec![id.clone()], agent: Some("builder-2".into()), cage: None };
    assert_eq!(sent(&mut driver), Some(expected));
    let line = format!("menagerie task reassign {id} --agent builder-2");
    assert_eq!(driver.app.orders.log().last().unwrap().line, line);
    assert!(driver.app.layer().is_none());
}

#[test]
fn no_cage_is_offered_to_two_agents_at_once() {
    let mut driver = Driver::new(&Place::Agents, (120, 36));
    driver.press("space");
    driver.press("space");
    driver.press("r");
    driver.sees("a cage is home to one agent");
    driver.sees_not("✓ free");
}

#[test]
fn how_well_an_agent_suits_is_shown_factor_by_factor() {
    let mut driver = on_pending((200, 60));
    driver.press("r");
    driver.sees_not("SUITS IT");
    driver.type_text("newcomer");
    driver.sees("SUITS IT 0.812, learned +0.031, 87% likely");
    driver.sees("succeeds in about 87 of 100");
    driver.sees("0.90 x 0.25 keyword_match");
    driver.sees("has parser");
    driver.sees("94 % of 50 executions in 30 days");
    driver.sees("to come first: 0.034 behind: about 5 more");
    // What it did with this sort of task stands where one looks first.
    let frame = driver.draw();
    let row = |words: &str| frame.lines().position(|line| line.contains(words)).unwrap_or(usize::MAX);
    assert!(row("type parse: 91 % of 40 executions") < row("IF YOU DO IT"), "{frame}");
}

#[test]
fn the_list_has_the_score_it_is_ordered_by_and_why_somebody_idle_cannot_start() {
    for (size, likely) in [((80, 24), false), ((120, 36), true), ((200, 60), true)] {
        let mut driver = on_pending(size);
        driver.press("r");
        let frame = driver.draw();
        let row = |words: &str| frame.lines().find(|line| line.contains(words)).unwrap_or_default().to_owned();
        let head = row("WHY");
        assert!(head.contains("SCORE▼"), "{frame}");
        assert_eq!(head.contains("LIKELY"), likely, "{frame}");
        let newcomer = row(" newcomer ");
        assert!(newcomer.contains(" 0.812") && newcomer.contains("87%") == likely, "{frame}");
        driver.type_text("rested");
        driver.sees("□ drained rested");
        driver.press("ctrl-u");
        driver.type_text("withheld");
        driver.sees("· later   patient");
        driver.sees("cage 009 is withheld");
    }
}

#[test]
fn a_number_that_was_typed_comes_before_what_only_mentions_it() {
    let mut driver = Driver::new(&Place::Agents, (120, 36));
    driver.app.open(Box::new(Candidates::for_agent("builder-1")));
    driver.settle();
    driver.type_text("4");
    // Cage 004 has builder-2 in it and is what was meant; it cannot be chosen, and nothing says that it could.
    let frame = driver.draw();
    let row = |text: &str| frame.lines().position(|line| line.contains(text)).unwrap_or(usize::MAX);
    assert!(row("004") < row("007"), "{frame}");
    driver.sees_not("Enter: do it");
    driver.press("enter");
    driver.sees("004 cannot: builder-2 lives there");
}

#[test]
fn the_first_choice_leaves_it_to_the_scheduler_and_the_what_if_follows_the_cursor() {
    let mut driver = on_pending((200, 60));
    driver.press("r");
    driver.sees("tasks waiting for anybody");
    driver.press("down");
    driver.sees("tasks waiting for builder-1");
    driver.sees_not("tasks waiting for anybody");
    driver.press("up");
    driver.app.update(Message::Key("enter".parse().unwrap(), std::time::Instant::now()));
    assert!(matches!(sent(&mut driver), Some(WireCommand::ReassignTasks { agent: None, .. })));
}

#[test]
fn what_comes_late_of_another_choice_holds_up_no_enter() {
    let mut driver = on_pending((200, 60));
    driver.press("r");
    driver.sees("tasks waiting for anybody");
    let key = |driver: &mut Driver, key: &str| {
        driver.app.update(Message::Key(key.parse().unwrap(), std::time::Instant::now()));
        driver.draw();
    };
    // The one below is asked about, and left before an answer comes.
    key(&mut driver, "down");
    driver.collect();
    let late = std::mem::take(&mut driver.asked);
    assert!(matches!(&late[..], [(_, Request::WhatIf(_))]));
    key(&mut driver, "up");
    let seen = std::time::Instant::now();
    for (ticket, request) in late {
        driver.app.update(Message::Answer { ticket, answer: fleet::answer(&request) });
    }
    driver.app.update(Message::Key("enter".parse().unwrap(), seen));
    assert!(matches!(sent(&mut driver), Some(WireCommand::ReassignTasks { agent: None, .. })));
}

#[test]
fn letters_find_and_what_moves_is_said_in_the_box() {
    let mut driver = on_pending((200, 60));
    driver.press("r");
    driver.sees("Tab moves, letters find");
    driver.press("tab down");
    let moved = driver.draw();
    driver.press("shift-tab up down down");
    // Those keys belong to terminals and multiplexers.
    driver.press("ctrl-n ctrl-p");
    assert_eq!(driver.draw(), moved);
    driver.press("j");
    driver.sees("find: j");
}

#[test]
fn who_is_not_able_is_not_chosen_and_the_reason_is_said() {
    let mut driver = on_pending((80, 24));
    driver.press("r");
    driver.type_text("writer");
    driver.press("enter");
    driver.sees("writer cannot: lacks capability rust");
    assert_eq!(driver.app.layer().unwrap().name(), "candidates");
    assert!(sent(&mut driver).is_none());
    driver.press("esc");
    assert!(driver.app.layer().is_none());
}

#[test]
fn nothing_is_done_before_the_candidates_are_here() {
    let mut driver = on_pending((120, 36));
    driver.app.update(Message::Key("r".parse().unwrap(), std::time::Instant::now()));
    driver.draw();
    driver.app.update(Message::Key("enter".parse().unwrap(), std::time::Instant::now()));
    assert!(sent(&mut driver).is_none());
    assert!(driver.app.layer().is_some());
}

#[test]
fn several_tasks_share_candidates_and_the_what_if_counts_them() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    for _ in 0..8 {
        driver.press("space");
    }
    driver.press("r");
    driver.sees("reassign 8 tasks");
    driver.sees("6 will change, 2 cannot");
    driver.sees("judged by the first 5");
}

#[test]
fn what_is_over_cannot_be_given_to_somebody() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    while driver.app.selection().unwrap().items[0].state != "completed" {
        driver.press("j");
    }
    driver.press("r");
    driver.sees("nobody has to do it any more");
    assert!(driver.app.layer().is_none());
}

#[test]
fn it_looks_as_it_did() {
    let mut problems = Vec::new();
    for size in frames::SIZES {
        for depth in [ColorDepth::True, ColorDepth::Mono] {
            let mut driver = Driver::with(options(depth), &Place::Agents, size);
            let layer = Candidates::for_task("01950001").titled("reassign build part 6");
            driver.app.open(Box::new(layer));
            driver.draw();
            driver.settle();
            driver.press("down down");
            problems.extend(frames::check_encoded("candidates", size, depth, &mut driver).err());
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn nothing_is_done_before_what_it_would_change_has_been_shown() {
    for marks in ["", "space space "] {
        let mut driver = on_pending((120, 36));
        driver.press(&format!("{marks}r down"));
        driver.app.update(Message::Key("down".parse().unwrap(), std::time::Instant::now()));
        driver.draw();
        driver.app.update(Message::Key("enter".parse().unwrap(), std::time::Instant::now()));
        driver.sees("what it would change is still on its way");
        driver.sees_not("Enter: do it");
        assert!(sent(&mut driver).is_none());
        let pressed = std::time::Instant::now();
        for (ticket, request) in std::mem::take(&mut driver.asked) {
            driver.app.update(Message::Answer { ticket, answer: fleet::answer(&request) });
        }
        driver.app.update(Message::Key("enter".parse().unwrap(), pressed));
        assert!(sent(&mut driver).is_none(), "it is here and has not been drawn");
        driver.draw();
        driver.app.update(Message::Key("enter".parse().unwrap(), std::time::Instant::now()));
        assert!(sent(&mut driver).is_some());
    }
}

#[test]
fn a_choice_that_cannot_be_taken_back_says_so_and_is_asked_about() {
    let mut driver = on_pending((120, 36));
    driver.engine = Box::new(|request| match (request, fleet::answer(request)) {
        (Request::WhatIf(command), Ok(Answer::WhatIf(mut what_if))) => {
            let to_builder =
                matches!(&**command, WireCommand::ReassignTasks { agent: Some(agent), .. } if agent == "builder-2");
            what_if.reversible = !to_builder;
            Ok(Answer::WhatIf(what_if))
        }
        (_, answer) => answer,
    });
    driver.press("r");
    driver.sees("z takes it back");
    driver.type_text("builder-2");
    driver.sees("this cannot be taken back");
    driver.sees_not("z takes it back");
    driver.press("enter");
    assert_eq!(driver.app.layer().unwrap().name(), "confirm");
    assert!(sent(&mut driver).is_none());
    driver.app.update(Message::Key("y".parse().unwrap(), std::time::Instant::now()));
    assert!(sent(&mut driver).is_some());
}

/// A what-if of which most figures stay, one changes at the end, and a deadline is at risk.
fn much_to_say(request: &Request) -> Result<Answer, String> {
    match (request, fleet::answer(request)) {
        (Request::WhatIf(_), Ok(Answer::WhatIf(mut what_if))) => {
            let figure = |what: String, after: f64| crate::api::triage::Figure {
                what,
                unit: crate::api::triage::Unit::Count,
                before: Some(1.0),
                after: Some(after),
            };
            what_if.figures = (0..40).map(|number| figure(format!("figure {number}"), 1.0)).collect();
            what_if.figures.extend((0..30).map(|number| figure(format!("changing {number}"), 2.0)));
            what_if.figures.push(figure("deadlines at risk".to_owned(), 1.0));
            Ok(Answer::WhatIf(what_if))
        }
        (_, answer) => answer,
    }
}

#[test]
fn of_a_what_if_what_changes_is_seen_and_the_rest_is_a_key_away() {
    // Tall terminals have room for all of it.
    for (size, all) in [((80, 24), false), ((120, 36), false), ((120, 60), true), ((200, 60), true)] {
        let mut driver = on_pending(size);
        driver.engine = Box::new(much_to_say);
        driver.press("r");
        driver.type_text("builder-1");
        driver.sees("deadlines at risk");
        driver.sees("changing 0");
        driver.sees_not("figure 0");
        if all {
            driver.sees("40 figures stay as they are");
            driver.sees_not("more lines: ");
            continue;
        }
        driver.sees("more lines: shift-down");
        driver.sees_not("40 figures stay as they are");
        let before = driver.app.selection().unwrap().items[0].id.clone();
        for _ in 0..10 {
            driver.press("ctrl-d");
        }
        driver.sees("40 figures stay as they are");
        driver.sees("▶ ✓ free    builder-1");
        driver.press("shift-up");
        driver.sees_not("40 figures stay as they are");
        driver.press("shift-down");
        driver.sees("40 figures stay as they are");
        for _ in 0..10 {
            driver.press("ctrl-b");
        }
        driver.sees("deadlines at risk");
        assert_eq!(driver.app.selection().unwrap().items[0].id, before);
    }
}

#[test]
fn why_each_could_is_said_where_there_is_little_room_too() {
    let mut driver = on_pending((80, 24));
    driver.press("r");
    let frame = driver.draw();
    let row = |name: &str| frame.lines().find(|line| line.contains(name)).unwrap_or_default().to_owned();
    assert!(row("builder-1").contains("free now · has capability"), "{frame}");
    // What was achieved stands below then.
    driver.press("down");
    driver.sees("good 96%, takes 43s, costs - in the mean");
    driver.type_text("writer");
    let frame = driver.draw();
    let row = frame.lines().find(|line| line.contains("cannot  writer")).unwrap_or_default();
    assert!(row.contains("lacks capability rust"), "{frame}");
}

#[test]
fn that_it_cannot_be_taken_back_is_said_whole_where_there_is_little_room() {
    let mut driver = on_pending((80, 24));
    driver.engine = Box::new(|request| match (request, fleet::answer(request)) {
        (Request::WhatIf(_), Ok(Answer::WhatIf(mut what_if))) => {
            what_if.reversible = false;
            Ok(Answer::WhatIf(what_if))
        }
        (_, answer) => answer,
    });
    driver.press("r");
    driver.sees("this cannot be taken back");
}
