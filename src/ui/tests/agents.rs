//! Agents: list, tree, one of them, and what can be done with them.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use super::{Driver, fleet, frames, options};
use crate::api::types::WireCommand;
use crate::domain::agent::AgentCounters;
use crate::domain::{AgentId, AgentPatch, Command, Reply, Timestamp};
use crate::ui::gather::Member;
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::terminal::ColorDepth;

/// Puts the cursor on the first agent of a state.
fn on(state: &str) -> Driver {
    let mut driver = Driver::new(&Place::Agents, (120, 36));
    while driver.app.selection().unwrap().items[0].state != state {
        driver.press("j");
    }
    driver
}

/// Presses a key and gives the command that it sent.
fn command(driver: &mut Driver, key: &str) -> Option<WireCommand> {
    driver.app.update(Message::Key(key.parse().unwrap(), Instant::now()));
    driver.collect();
    driver.asked.iter().find_map(|(_, request)| match request {
        Request::Command(command) => Some((**command).clone()),
        _ => None,
    })
}

fn one(number: u64) -> Place {
    Place::Agent(fleet::agents::id(number), format!("builder-{number:02}"))
}

#[test]
fn what_it_does_is_shown_and_what_nobody_knows_is_not_shown_as_zero() {
    let mut driver = Driver::new(&Place::Agents, (200, 60));
    driver.sees("build part 14");
    let frame = driver.draw();
    let line = |name: &str| frame.lines().find(|line| line.contains(name)).unwrap().to_owned();
    assert!(line("builder-14").contains("62%"), "{}", line("builder-14"));
    // It reported no progress, and another one has never attempted anything.
    assert!(!line("builder-21").contains('%') || line("builder-21").matches('%').count() == 1);
    assert!(!line("builder-06").contains('%'), "{}", line("builder-06"));
}

#[test]
fn the_output_of_an_attempt_is_one_key_away() {
    let mut driver = Driver::new(&one(1), (120, 36));
    driver.press("j");
    let asked = fleet::agents::attempts(&vec![("limit".into(), "2".into())]);
    let execution = &asked.rows[1].execution;
    driver.press("l");
    let expected = Place::Attempt(execution.task_id.to_string(), execution.id.to_string());
    assert_eq!(*driver.app.history.place(), expected);
}

#[test]
fn who_runs_for_the_first_time_was_heard_when_that_began_and_who_never_ran_never() {
    let mut driver = Driver::new(&Place::Agents, (120, 36));
    driver.engine = Box::new(|request| match fleet::answer(request) {
        Ok(Answer::AgentRows(mut page)) => {
            for (place, row) in page.rows.iter_mut().enumerate() {
                row.agent.last_heartbeat = None;
                row.agent.counters = AgentCounters::default();
                if let Some(work) = row.work.as_mut().filter(|_| place % 2 == 1) {
                    work.started = Some(Timestamp::from_micros(super::NOW - 11 * 60_000_000));
                }
            }
            Ok(Answer::AgentRows(page))
        }
        answer => answer,
    });
    driver.press("ctrl-r");
    let frame = driver.draw();
    let line = |name: &str| frame.lines().find(|line| line.contains(name)).unwrap().to_owned();
    let runs = |word: &str| frame.lines().any(|line| line.contains("build part") && line.contains(word));
    assert!(runs(" 11m") && runs("never"), "{frame}");
    assert!(line("offline").contains("never"), "{frame}");
}

#[test]
fn drain_and_resume_fit_the_state() {
    let mut driver = on("idle");
    let name = driver.app.selection().unwrap().items[0].name.clone();
    assert_eq!(command(&mut driver, "X"), Some(WireCommand::DrainAgents { ids: vec![name.clone()] }));
    assert_eq!(driver.app.orders.log().last().unwrap().line, format!("menagerie agent drain {name}"));

    let mut driver = on("maintenance");
    assert_eq!(command(&mut driver, "X"), None);
    driver.sees("it is drained already");
    assert!(matches!(command(&mut driver, "U"), Some(WireCommand::ResumeAgents { .. })));

    let mut driver = on("busy");
    assert_eq!(command(&mut driver, "U"), None);
    driver.sees("neither drained nor paused");
    assert_eq!(command(&mut driver, "D"), None);
    driver.sees("it works; drain it");
}

#[test]
fn resuming_an_agent_in_error_says_that_it_resets_the_breaker() {
    let mut driver = on("error");
    assert!(matches!(command(&mut driver, "U"), Some(WireCommand::ResumeAgents { .. })));
    assert!(driver.app.orders.log().last().unwrap().title.starts_with("reset the breaker of"));
}

#[test]
fn several_are_removed_only_after_a_preview() {
    let mut driver = on("idle");
    driver.press("space j space");
    assert_eq!(command(&mut driver, "D"), None);
    assert_eq!(driver.app.layer().unwrap().name(), "preview");
    driver.settle();
    assert!(matches!(command(&mut driver, "y"), Some(WireCommand::RemoveAgents { ids }) if ids.len() == 2));
}

#[test]
fn an_agent_moves_to_a_cage_that_one_chooses() {
    let mut driver = on("idle");
    let name = driver.app.selection().unwrap().items[0].name.clone();
    driver.press("r");
    driver.sees("007");
    let cage = Some("007".parse().unwrap());
    assert_eq!(command(&mut driver, "enter"), Some(WireCommand::ReassignAgents { ids: vec![name.clone()], cage }));
    let line = format!("menagerie agent reassign {name} --cage 007");
    assert_eq!(driver.app.orders.log().last().unwrap().line, line);
}

#[test]
fn the_tree_folds_and_the_cursor_stays_on_its_agent() {
    let mut driver = Driver::new(&Place::Agents, (120, 36));
    driver.press("T");
    driver.sees("agents by superior [60]");
    driver.press("g");
    while driver.app.selection().unwrap().items[0].name != "lead-1" {
        driver.press("j");
    }
    driver.sees("builder-12");
    driver.press("space");
    driver.sees_not("builder-12");
    driver.sees("lead-1 +");
    assert_eq!(driver.app.selection().unwrap().items[0].name, "lead-1");
    // Up to the superior, and down again.
    driver.press("left");
    assert_eq!(driver.app.selection().unwrap().items[0].name, "director");
    driver.press("right right");
    driver.sees("lead-2");
    driver.press("T");
    driver.sees("agents [60]");
}

#[test]
fn what_the_tree_shows_has_its_whole_row_and_no_more_is_asked_for() {
    let mut driver = Driver::new(&Place::Agents, (120, 36));
    driver.press("T");
    driver.sees("build part");
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.collect();
    let asked: Vec<_> = driver.asked.iter().map(|(_, request)| request.clone()).collect();
    let Some(Request::AgentRows(query)) = asked.iter().find(|request| matches!(request, Request::AgentRows(_))) else {
        panic!("{asked:?}");
    };
    let ids = query.iter().find(|(name, _)| name == "filter").unwrap().1.matches(',').count() + 1;
    assert!(ids <= 33, "{ids} rows for a tree of 33 lines");
}

#[test]
fn a_large_hierarchy_is_read_again_only_when_what_is_in_sight_contradicts_it() {
    let moved = Rc::new(Cell::new(false));
    let mut driver = Driver::new(&Place::Agents, (120, 36));
    let engine_moved = Rc::clone(&moved);
    driver.engine = Box::new(move |request| {
        let mut answer = fleet::answer(request)?;
        match &mut answer {
            // Too many to be read every second, and folded away below their superior.
            Answer::Hierarchy(page) => page.rows.extend((0..400).map(|number| Member {
                id: AgentId::new(Timestamp::from_micros(1_000_000), 1_000 + number),
                name: format!("zz-{number:03}"),
                reports_to: Some("lead-1".to_owned()),
            })),
            Answer::AgentRows(page) if engine_moved.get() => page.rows[0].agent.spec.reports_to = Some("zz-001".into()),
            _ => {}
        }
        Ok(answer)
    });
    driver.press("T");
    driver.sees("agents by superior [460]");
    let reads = |driver: &mut Driver| {
        driver.app.update(Message::Pulse(fleet::pulse()));
        driver.collect();
        let count = driver.asked.iter().filter(|(_, request)| matches!(request, Request::Hierarchy(_))).count();
        driver.settle();
        count
    };
    assert_eq!([reads(&mut driver), reads(&mut driver)], [0, 0]);
    moved.set(true);
    assert_eq!(reads(&mut driver), 0, "not known yet");
    assert_eq!(reads(&mut driver), 1);
}

#[test]
fn a_filter_in_the_tree_keeps_superiors() {
    let mut driver = Driver::new(&Place::Agents, (120, 36));
    driver.press("T /");
    driver.type_text("builder-13");
    driver.press("enter");
    driver.sees("director");
    driver.sees("lead-2");
    driver.sees("builder-13");
    driver.sees_not("builder-12");
    driver.press("esc");
    driver.sees("builder-12");
}

#[test]
fn a_filter_in_the_tree_puts_the_cursor_on_a_match_and_goes_from_match_to_match() {
    let mut driver = Driver::new(&Place::Agents, (120, 36));
    let here = |driver: &Driver| driver.app.selection().unwrap().items[0].name.clone();
    driver.press("T /");
    driver.type_text("builder-1");
    driver.press("enter");
    let mut seen = vec![here(&driver)];
    assert!(seen[0].contains("builder-1"), "{seen:?}");
    for _ in 0..3 {
        driver.press("n");
        seen.push(here(&driver));
    }
    assert!(seen.iter().all(|name| name.contains("builder-1")), "superiors are passed over: {seen:?}");
    assert_eq!(seen.iter().collect::<std::collections::BTreeSet<_>>().len(), 4, "{seen:?}");
    driver.press("N N N");
    assert_eq!(here(&driver), seen[0]);
    driver.press("N");
    assert_eq!(here(&driver), seen[0], "there is none before it");
    // Whoever stands on a match stays there.
    driver.press("n /");
    driver.type_text("1");
    driver.press("backspace enter");
    assert!(here(&driver).contains("builder-1"), "{}", here(&driver));
}

#[test]
fn one_agent_shows_its_record_and_opens_what_it_attempted() {
    let mut driver = Driver::new(&one(14), (120, 36));
    driver.sees("560 attempts, 90% good");
    driver.sees("memory 512M");
    driver.sees("limit_exceeded");
    driver.press("j enter");
    assert!(matches!(driver.app.history.place(), Place::Task(_)), "{:?}", driver.app.history.place());
}

#[test]
fn an_open_breaker_is_explained_on_a_small_terminal_too() {
    let mut driver = Driver::new(&one(3), (80, 24));
    driver.sees("its breaker is open after 5 failures in a row");
    assert!(matches!(command(&mut driver, "U"), Some(WireCommand::ResumeAgents { .. })));
}

#[test]
fn all_that_is_known_of_an_agent_can_be_come_to_on_a_small_terminal() {
    let mut driver = Driver::new(&one(14), (80, 24));
    driver.engine = Box::new(|request| match fleet::answer(request) {
        Ok(Answer::AgentRows(mut page)) => {
            for row in &mut page.rows {
                let with = serde_json::json!([{"type": "review", "parameters": {"languages": ["rust"]}}, "shell"]);
                row.agent.spec.capabilities = serde_json::from_value(with).unwrap();
                row.agent.spec.resource_config.insert("rack".into(), "b7".into());
            }
            Ok(Answer::AgentRows(page))
        }
        answer => answer,
    });
    driver.press("ctrl-r");
    let mut seen = driver.draw();
    for _ in 0..9 {
        driver.press("J");
        seen += &driver.draw();
    }
    for part in ["review={\"languages\":[\"rust\"]}", "rack=b7", "owner       ann", "declared ", "tools       git"] {
        assert!(seen.contains(part), "no {part:?} in {seen}");
    }
    driver.sees(&fleet::agents::id(14));
    driver.press("K K K K K K");
    driver.sees("status ");
}

#[test]
fn what_is_declared_is_changed_in_a_form_and_taken_back() {
    let mut driver = Driver::new(&one(14), (80, 24));
    let commands = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let sent = commands.clone();
    driver.engine = Box::new(move |request| match request {
        Request::WhatIf(command) if format!("{command:?}").contains("nobody-such") => {
            Err("agent builder-14: reports_to: \"nobody-such\" does not exist".to_owned())
        }
        Request::Command(command) => {
            sent.borrow_mut().push((**command).clone());
            let WireCommand::SetAgent { id, changes } = &**command else { return Err(format!("{command:?}")) };
            let back = AgentPatch { role: Some(Some("coder".into())), ..AgentPatch::default() };
            let changes = if changes.role == back.role { AgentPatch::default() } else { back };
            let inverse = vec![Command::SetAgent { id: id.parse().unwrap(), changes: Box::new(changes) }];
            let (refused, warnings) = (vec![], vec![]);
            Ok(Answer::Done(Box::new(Reply::Items { done: vec![id.clone()], refused, inverse, warnings })))
        }
        other => fleet::answer(other),
    });
    driver.press("e");
    driver.sees("change agent builder-14");
    driver.sees("coder");
    driver.press("enter");
    driver.sees("nothing is changed yet");
    // From the last field on, so that all of them are come to.
    driver.press("shift-tab");
    driver.sees("resources ▶ {}");
    for _ in 0..16 {
        driver.press("up");
    }
    driver.sees("role ▶ coder");
    driver.press("ctrl-u");
    driver.type_text("tester");
    driver.press("down ctrl-u");
    driver.type_text("chief");
    driver.press("enter");
    driver.sees("director, lead, specialist,");
    driver.press("ctrl-u");
    driver.sees("menagerie agent set builder-14 --role tester --tier ''");
    // What the engine refuses is said at its field, and nothing that was typed is gone.
    driver.press("down ctrl-u");
    driver.type_text("nobody-such");
    driver.press("enter");
    driver.settle();
    driver.sees("does not exist");
    driver.sees("tester");
    assert!(commands.borrow().is_empty());
    driver.press("ctrl-u");
    let (role, tier) = (Some(Some("tester".into())), Some(None));
    let expected = AgentPatch { role, tier, reports_to: Some(None), ..AgentPatch::default() };
    driver.press("enter");
    driver.settle();
    let id = fleet::agents::id(14);
    assert_eq!(commands.borrow()[..], [WireCommand::SetAgent { id: id.clone(), changes: Box::new(expected) }]);
    driver.sees("z takes it back");
    let back = AgentPatch { role: Some(Some("coder".into())), ..AgentPatch::default() };
    assert_eq!(command(&mut driver, "z"), Some(WireCommand::SetAgent { id, changes: Box::new(back) }));
    // One at a time.
    let mut driver = on("idle");
    driver.press("space j space");
    assert_eq!(command(&mut driver, "e"), None);
    driver.sees("one is edited at a time");
}

#[test]
fn they_look_as_they_did() {
    let mut problems = Vec::new();
    for size in frames::SIZES {
        for depth in [ColorDepth::True, ColorDepth::Mono] {
            let mut driver = Driver::with(options(depth), &Place::Agents, size);
            driver.press("T");
            problems.extend(frames::check_encoded("agents-tree", size, depth, &mut driver).err());
            let mut driver = Driver::with(options(depth), &one(14), size);
            problems.extend(frames::check_encoded("agent", size, depth, &mut driver).err());
            driver.press("e");
            problems.extend(frames::check_encoded("agent-form", size, depth, &mut driver).err());
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_range_in_the_tree_keeps_its_beginning_when_lines_above_it_fold_away() {
    let mut driver = Driver::new(&Place::Agents, (120, 60));
    let name = |driver: &Driver| driver.app.selection().unwrap().items[0].name.clone();
    driver.press("T G k");
    let began = name(&driver);
    driver.press("v g");
    while name(&driver) != "director" {
        driver.press("j");
    }
    driver.press("j left G k");
    assert_eq!(name(&driver), began);
    driver.press("v");
    let selection = driver.app.selection().unwrap();
    assert!(selection.marked);
    assert_eq!(selection.items.into_iter().map(|item| item.name).collect::<Vec<_>>(), [began]);
    // Where it began is folded away itself.
    driver.press("esc G k v left left v");
    driver.sees("the row at which the range began is no longer here");
    assert!(!driver.app.selection().unwrap().marked);
}

#[test]
fn what_a_filter_brings_under_the_cursor_of_the_tree_is_acted_on_once_it_is_drawn() {
    for keys in ["enter", "enter esc"] {
        let mut driver = Driver::new(&Place::Agents, (120, 36));
        driver.later(std::time::Duration::from_secs(5));
        driver.press("T G /");
        driver.type_text("builder-13");
        driver.press(keys);
        driver.press("X");
        driver.sees_not("it has just come under the cursor");
    }
}

#[test]
fn no_agent_is_acted_on_before_what_a_filter_lets_through_is_here() {
    let mut driver = Driver::new(&Place::Agents, (120, 36));
    driver.press("T j");
    for key in ["/", "b", "enter", "X"] {
        assert_eq!(command(&mut driver, key), None, "{key}");
        driver.draw();
    }
    driver.sees("what you asked to see is still on its way");
}
