//! What is said is whole, said once, and true at any width.

use super::{Driver, fleet};
use crate::api::live::HealthState;
use crate::domain::command::{RefusedItem, Reply};
use crate::domain::{Command, Refusal, Severity};
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};

/// A console on the overview of a fleet that was changed.
fn overview(size: (u16, u16), change: impl Fn(&mut crate::api::live::Overview) + 'static) -> Driver {
    let mut driver = Driver::new(&Place::Overview, size);
    driver.engine = Box::new(move |request| match request {
        Request::Overview => {
            let mut overview = fleet::overview::overview();
            change(&mut overview);
            Ok(Answer::Overview(Box::new(overview)))
        }
        other => fleet::answer(other),
    });
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.settle();
    driver
}

/// Answers every command with what `reply` makes of it.
fn obeying(driver: &mut Driver, reply: impl Fn(&crate::api::types::WireCommand) -> Reply + 'static) {
    driver.engine = Box::new(move |request| match request {
        Request::Command(command) => Ok(Answer::Done(Box::new(reply(command)))),
        other => fleet::answer(other),
    });
}

#[test]
fn the_line_of_the_queue_keeps_its_figures_at_any_width() {
    for size in [(80, 24), (100, 24), (120, 24), (200, 60)] {
        let mut driver = overview(size, |overview| {
            overview.health.retain(|part| part.state == HealthState::Ok);
            overview.queue.oldest_wait_s = None;
        });
        let frame = driver.draw();
        let line =
            frame.lines().find(|line| line.contains(" wait, none")).unwrap_or_else(|| panic!("{size:?}:\n{frame}"));
        assert!(line.contains("for a place, median") && line.contains("12s"), "{size:?}: {line}");
    }
    // What no words are short enough for is cut with a mark.
    let mut driver = overview((120, 24), |overview| {
        overview.health.retain(|part| part.state == HealthState::Ok);
        overview.queue.oldest_wait_s = None;
        overview.queue.pending = 10u64.pow(18);
    });
    let frame = driver.draw();
    let line = frame.lines().find(|line| line.contains(" wait, none")).unwrap();
    let left: String = line.chars().take(60).collect();
    assert!(left.trim_end().ends_with('…'), "{line}");
}

#[test]
fn nothing_is_called_well_while_a_critical_alert_waits() {
    for size in [(80, 24), (120, 36)] {
        let calm = |overview: &mut crate::api::live::Overview| {
            overview.health.retain(|part| part.state == HealthState::Ok);
        };
        overview(size, calm).sees("the system is well: store");
        let mut driver = overview(size, move |overview| {
            calm(overview);
            overview.alerts[0].severity = Severity::Critical;
        });
        driver.sees_not("well");
        driver.sees("critical alert, cage 021: memory limit reached");
        driver.sees("in order: store");
    }
}

#[test]
fn a_filter_of_cages_that_is_not_understood_is_explained_in_full() {
    for keys in ["", "L"] {
        let mut driver = Driver::new(&Place::Cages, (80, 24));
        if !keys.is_empty() {
            driver.press(keys);
        }
        driver.press("/");
        driver.type_text("zzz:1");
        driver.press("enter");
        driver.sees("/zzz:1 [?]");
        driver.sees("field of cages");
        // The last of what is allowed.
        driver.sees("tokens_share");
        driver.sees_not("field of grid");
    }
}

#[test]
fn the_journal_counts_what_the_filter_lets_through() {
    let mut driver = Driver::new(&Place::Events, (120, 36));
    driver.sees("events [4,711]");
    driver.press("/");
    driver.type_text("kind:agent_removed");
    driver.press("enter");
    driver.sees_not("events [4,711]");
    let frame = driver.draw();
    let title = frame.lines().nth(1).unwrap();
    assert!(title.contains("+] /kind:agent_removed") || title.contains("] /kind:agent_removed"), "{title}");
}

#[test]
fn enter_in_the_help_does_what_is_called_as_was_typed() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.press("?");
    driver.type_text("theme");
    driver.press("enter");
    driver.sees("tokyo");
}

#[test]
fn what_is_refused_is_named_once() {
    let mut driver = Driver::new(&Place::Artifacts, (120, 36));
    obeying(&mut driver, |command| {
        let crate::api::types::WireCommand::ReviewArtifacts { ids, .. } = command else { panic!("{command:?}") };
        let refusal = |id: &String| Refusal::conflict("review", "of high risk", "a decision alone").within(id);
        let refused = ids.iter().map(|id| RefusedItem { item: id.clone(), refusal: refusal(id) }).collect();
        Reply::Items { done: vec![], refused, inverse: vec![], warnings: vec![] }
    });
    driver.later(std::time::Duration::from_secs(5));
    driver.press("space space a y");
    driver.press("!");
    let frame = driver.draw();
    let line = frame.lines().find(|line| line.contains("review: of high risk")).unwrap_or_else(|| panic!("{frame}"));
    assert_eq!(line.matches("00000001").count(), 1, "{line}");
}

#[test]
fn going_elsewhere_says_that_the_screen_is_held_no_more() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.press("F");
    driver.sees("FROZEN");
    driver.press("4");
    driver.sees_not("FROZEN");
    driver.sees("no longer frozen");
}

#[test]
fn marks_go_when_what_they_were_set_for_is_done_and_stay_when_it_is_refused() {
    for refuse in [false, true] {
        let mut driver = Driver::new(&Place::Agents, (120, 36));
        while driver.app.selection().unwrap().items[0].state != "idle" {
            driver.press("j");
        }
        driver.press("space space");
        assert_eq!(driver.app.selection().unwrap().items.len(), 2);
        obeying(&mut driver, move |command| {
            let crate::api::types::WireCommand::DrainAgents { ids } = command else { panic!("{command:?}") };
            let refused = ids
                .iter()
                .filter(|_| refuse)
                .map(|id| RefusedItem { item: id.clone(), refusal: Refusal::not_found("agent", id) });
            let refused: Vec<RefusedItem> = refused.collect();
            let done = if refuse { vec![] } else { ids.clone() };
            Reply::Items { done, refused, inverse: vec![], warnings: vec![] }
        });
        driver.press("X y");
        assert_eq!(driver.app.selection().unwrap().marked, refuse);
    }
}

#[test]
fn a_long_name_does_not_push_away_how_it_is_taken_back() {
    let mut driver = Driver::new(&Place::Artifacts, (80, 24));
    obeying(&mut driver, |command| {
        let crate::api::types::WireCommand::ReviewArtifacts { ids, .. } = command else { panic!("{command:?}") };
        let done = ids.clone();
        let back = Command::ReopenReviews { ids: done.iter().filter_map(|id| id.parse().ok()).collect() };
        Reply::Items { done, refused: vec![], inverse: vec![back], warnings: vec![] }
    });
    let order = crate::ui::step::Order {
        command: crate::api::types::WireCommand::ReviewArtifacts {
            ids: vec![fleet::review::id(1)],
            approve: true,
            note: None,
            quality: None,
        },
        line: String::new(),
        title: format!("approve {}", "long ".repeat(60)),
    };
    driver.app.step(crate::ui::step::Step::Order(order));
    driver.settle();
    driver.sees("… · z takes it back, not what it set going");
}

#[test]
fn the_link_line_has_the_way_to_the_engine_and_back() {
    use std::time::Duration;
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.app.options.traffic_shown = true;
    driver.press("ctrl-r");
    driver.sees("an answer <10 ms");
    driver.app.update(Message::Key("ctrl-r".parse().unwrap(), driver.began));
    driver.collect();
    driver.later(Duration::from_millis(347));
    for (ticket, request) in std::mem::take(&mut driver.asked) {
        driver.app.update(Message::Answer { ticket, answer: fleet::answer(&request) });
    }
    driver.sees("an answer 340 ms");
}

#[test]
fn the_inbox_says_how_long_people_let_things_wait() {
    let mut driver = Driver::new(&Place::Inbox, (120, 36));
    let page = fleet::review::inbox(&vec![]);
    let mut waits: Vec<i64> = page.rows.iter().map(|item| super::NOW - item.since.as_micros()).collect();
    waits.sort_unstable();
    let age = crate::ui::text::age;
    let (oldest, median) = (age(*waits.last().unwrap()), age(waits[(waits.len() - 1) / 2]));
    assert_ne!(oldest, median);
    driver.sees(&format!("oldest {oldest}, median {median}"));
}

#[test]
fn every_change_that_takes_back_has_its_line() {
    use crate::api::types::WireCommand;
    use crate::ui::verb::line_of;
    let ids = vec!["a".to_owned(), "b".to_owned()];
    let cage = "007".parse().ok();
    let lines = [
        (WireCommand::ReassignAgents { ids: ids.clone(), cage }, "menagerie agent reassign a b --cage 007"),
        (WireCommand::ReassignAgents { ids: ids.clone(), cage: None }, "menagerie agent reassign a b"),
        (WireCommand::SilenceAlerts { ids: ids.clone(), until: None }, "menagerie alert silence --off a b"),
        (
            WireCommand::SilenceAlerts { ids: ids.clone(), until: "2h".parse().ok() },
            "menagerie alert silence --until 2h a b",
        ),
        (WireCommand::RemoveAgents { ids: ids.clone() }, "menagerie agent remove a b"),
        (
            WireCommand::AddAgent { agent: Box::new(crate::domain::AgentSpec::new("coder")) },
            "menagerie agent add coder",
        ),
        (WireCommand::EnableAlertRules { names: ids, on: false }, "menagerie alert rule disable a b"),
    ];
    for (command, line) in lines {
        assert_eq!(line_of(&command), line);
    }
}

#[test]
fn a_title_for_which_there_is_little_room_leaves_out_words_and_cuts_no_figure() {
    let title = |width: u16| {
        let mut driver = Driver::new(&Place::Inbox, (width, 24));
        driver.draw().lines().nth(1).unwrap().to_owned()
    };
    let wide = title(120);
    let due = wide.split(" · ").find(|part| part.contains("first due in ") || part.contains("missed ")).unwrap();
    let figure = due.split(' ').find(|word| word.starts_with(|c: char| c.is_ascii_digit())).unwrap();
    assert!(wide.contains(", median "), "{wide}");
    let narrow = title(80);
    assert!(narrow.contains(&format!(" {figure} ")) && narrow.ends_with("─╮"), "{narrow}");
    // What there are no words short enough for is cut with a mark.
    let mut driver = Driver::new(&Place::Inbox, (80, 24));
    driver.app.step(crate::ui::step::Step::Filter("x".repeat(200)));
    driver.settle();
    let long = driver.draw().lines().nth(1).unwrap().to_owned();
    assert!(long.ends_with("… ╮"), "{long}");
}

#[test]
fn the_figures_of_a_cage_are_whole_at_any_width() {
    for size in [(80, 24), (100, 30), (120, 36), (200, 60)] {
        let mut driver = Driver::new(&Place::Cages, size);
        driver.engine = Box::new(|request| match fleet::answer(request) {
            Ok(Answer::Grid(mut cells)) => {
                for cell in &mut cells {
                    cell.cpu.used = Some(1.25);
                    cell.memory.used = Some(67e6);
                    cell.memory_peak.used = Some(123e6);
                    cell.tokens.used = Some(123_456.0);
                    (cell.pids.used, cell.pids.limit) = (Some(0.0), Some(32.0));
                }
                Ok(Answer::Grid(cells))
            }
            answer => answer,
        });
        driver.app.update(Message::Pulse(fleet::pulse()));
        driver.settle();
        let frame = driver.draw();
        assert!(frame.contains("pids 0/32") || frame.contains("pids 0 of 32"), "{size:?}:\n{frame}");
    }
}

#[test]
fn why_nothing_can_be_done_to_several_is_counted() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.engine = Box::new(|request| match fleet::answer(request) {
        Ok(Answer::Tasks(mut page)) => {
            page.rows.iter_mut().for_each(|task| task.status = crate::domain::TaskStatus::Failed);
            Ok(Answer::Tasks(page))
        }
        answer => answer,
    });
    driver.press("ctrl-r space space");
    driver.press("D");
    driver.sees("none of 2 tasks: it is failed already");
}

#[test]
fn a_list_without_a_text_beside_it_does_not_offer_to_scroll_one() {
    let last = |width: u16| Driver::new(&Place::Artifacts, (width, 36)).draw().lines().last().unwrap().to_owned();
    assert!(last(200).contains("scroll text"), "{}", last(200));
    assert!(!last(120).contains("scroll text"), "{}", last(120));
}

#[test]
fn whoever_knows_no_key_sees_the_way_to_the_other_screens() {
    for (place, action) in Place::MAIN {
        for size in [(80, 24), (120, 36), (200, 60)] {
            let mut driver = Driver::new(place, size);
            let frame = driver.draw();
            let last = frame.lines().last().unwrap();
            assert!(last.ends_with(" 1-0 screens  ? help  : command"), "{action} {size:?}: {last:?}");
        }
    }
    let names = "1 overview 2 inbox 3 cages 4 agents 5 tasks 6 artifacts 7 alerts 9 metrics B dashboards 0 events";
    for (place, size, shown) in [
        (Place::Overview, (80, 24), false),
        (Place::Overview, (120, 36), true),
        (Place::Overview, (200, 60), true),
        (Place::Inbox, (200, 60), true),
        (Place::Cage("042".into()), (200, 60), true),
    ] {
        let mut driver = Driver::new(&place, size);
        let frame = driver.draw();
        assert_eq!(frame.lines().nth(1).unwrap().contains(names), shown, "{place:?} {size:?}\n{frame}");
    }
    // Where a question is asked, only its own keys count.
    let mut driver = Driver::new(&Place::Tasks, (80, 24));
    driver.press("/");
    driver.sees_not("1-0 screens");
}

#[test]
fn keys_that_a_user_has_changed_are_those_that_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("keys.toml"), "[global]\nevents = [\"e\"]\npalette = [\"alt-x\"]\n").unwrap();
    let mut options = super::options(crate::ui::terminal::ColorDepth::True);
    options.config_dir = Some(folder.path().to_owned());
    let mut driver = Driver::with(options, &Place::Overview, (120, 36));
    driver.sees("1-9 screens  ? help  alt-x command");
    driver.sees("e events");
}

#[test]
fn a_filter_that_is_not_understood_looks_like_whatever_else_is_wrong() {
    use crate::ui::theme::Role;
    for place in [Place::Tasks, Place::Cages, Place::Events, Place::Inbox] {
        let mut driver = Driver::new(&place, (120, 36));
        driver.engine = Box::new(|request| {
            if format!("{request:?}").contains("nosuch:1") {
                return Err("filter: there is no field".to_owned());
            }
            fleet::answer(request)
        });
        driver.press("/");
        driver.type_text("nosuch:1");
        driver.press("enter");
        let wrong = driver.app.theme.style(Role::Bad).fg.unwrap();
        let words = if place == Place::Cages { "nosuch" } else { "filter: there is" };
        // In the title stands the filter itself; what is wrong stands below.
        let frame = driver.draw();
        let line = frame.lines().skip(2).find(|line| line.contains(words)).unwrap_or_else(|| panic!("{frame}"));
        let words = line.trim_matches(['│', ' ']).to_owned();
        assert_eq!(driver.colour_of(&words), wrong, "{place:?}");
    }
}

#[test]
fn a_preview_calls_agents_by_their_names() {
    use serde_json::json;
    let mut driver = Driver::new(&Place::Artifacts, (120, 36));
    let id = "0195abcd-0000-7000-8000-00000000cafe";
    driver.engine = Box::new(move |request| match request {
        Request::WhatIf(_) => {
            let items = [json!({"item": id, "change": "idle -> maintenance"})];
            let what_if = json!({"items": items, "figures": [], "reversible": true});
            Ok(Answer::WhatIf(serde_json::from_value(what_if).unwrap()))
        }
        Request::Names(ids) => {
            let names = ids.iter().filter(|known| *known == id).map(|id| (id.clone(), "scribe".to_owned()));
            Ok(Answer::Names(names.collect()))
        }
        other => fleet::answer(other),
    });
    let command = crate::api::types::WireCommand::DrainAgents { ids: vec![id.to_owned()] };
    let order = crate::ui::step::Order { command, line: String::new(), title: "drain".to_owned() };
    driver.app.step(crate::ui::step::Step::Preview(order));
    driver.settle();
    driver.sees("scribe 0000cafe");
}

#[test]
fn a_command_that_needs_a_shell_is_told_so_and_still_taken() {
    let mut driver = Driver::new(&Place::Tasks, (80, 24));
    obeying(&mut driver, |_| Reply::Submitted { ids: vec![], refused: vec![], inverse: vec![], warnings: vec![] });
    driver.press("+");
    driver.sees("for pipes, globs and variables: sh -c 'ls");
    driver.type_text("ls *.rs | wc");
    driver.sees("No shell reads this: * reaches the program as it is. With one: sh -c 'ls");
    driver.press("enter");
    assert!(driver.app.layer().is_none(), "what is legal is not refused");
    assert!(driver.app.orders.log()[0].line.ends_with("-- ls '*.rs' '|' wc"), "{}", driver.app.orders.log()[0].line);
}

#[test]
fn what_ends_programs_elsewhere_says_how_one_leaves() {
    let mut driver = Driver::new(&Place::Tasks, (80, 24));
    driver.press("ctrl-c");
    driver.sees("q leaves the console; the fleet goes on");
    driver.press("j");
    driver.sees_not("q leaves the console");
}

#[test]
fn who_rejects_knows_what_goes_on_waiting() {
    let mut driver = Driver::new(&Place::Inbox, (120, 36));
    driver.later(std::time::Duration::from_secs(5));
    driver.press("x");
    driver.sees("12 tasks held up:");
}

#[test]
fn which_cage_uses_most_is_said_on_a_small_screen_too() {
    let mut driver = Driver::new(&Place::Cages, (80, 24));
    let frame = driver.draw();
    let line = frame.lines().find(|line| line.contains("fullest: ")).unwrap_or_else(|| panic!("{frame}"));
    assert!(!line.contains('…') && line.contains("most: "), "{line}");
}
