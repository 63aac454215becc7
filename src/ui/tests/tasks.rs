//! Tasks: one of them, its output, its dependencies, why it waits, and new ones.

use super::fleet::tasks::{id, output, part};
use super::frames::{SIZES, check};
use super::{Driver, fleet, options};
use crate::api::client::LogPart;
use crate::api::types::WireCommand;
use crate::domain::TaskStatus;
use crate::ui::app::Effect;
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Page, Request};
use crate::ui::terminal::ColorDepth;

/// Pending, executing and failed tasks of the fixed fleet.
const PENDING: u64 = 486;
const EXECUTING: u64 = 487;
const FAILED: u64 = 489;

fn at(place: &Place) -> Driver {
    Driver::new(place, (120, 36))
}

/// Commands that were asked for and not yet answered.
fn commands(driver: &mut Driver) -> Vec<WireCommand> {
    driver.collect();
    let commands = driver.asked.iter().filter_map(|(_, request)| match request {
        Request::Command(command) => Some((**command).clone()),
        _ => None,
    });
    commands.collect()
}

/// Presses a key without answering what it asks for.
fn press_only(driver: &mut Driver, key: &str) {
    driver.app.update(Message::Key(key.parse().unwrap(), std::time::Instant::now()));
    driver.collect();
}

#[test]
fn pictures() {
    let mut problems = Vec::new();
    let scenes: [(&str, Place, &str); 8] = [
        ("task-pending", Place::Task(id(PENDING)), ""),
        ("task-executing", Place::Task(id(EXECUTING)), ""),
        ("task-failed", Place::Task(id(FAILED)), ""),
        ("output", Place::Output(id(EXECUTING)), ""),
        (
            "output-search",
            Place::Attempt(id(EXECUTING), "0195eeee-0003-7000-8000-0000000001e7".into()),
            "/ e r r enter n W",
        ),
        ("dependencies", Place::Dependencies(id(PENDING)), ""),
        ("explain", Place::Task(id(PENDING)), "w"),
        ("submit", Place::Tasks, "+ m a k e tab tab tab tab 9 9 enter"),
    ];
    for (name, place, keys) in scenes {
        for size in SIZES {
            for depth in [ColorDepth::True, ColorDepth::Mono] {
                let mut driver = Driver::with(options(depth), &place, size);
                if !keys.is_empty() {
                    driver.press(keys);
                }
                let suffix = if depth == ColorDepth::Mono { "mono" } else { "color" };
                let file = format!("{name}-{}x{}-{suffix}.ans", size.0, size.1);
                problems.extend(check(&file, &driver.draw_encoded()).err());
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn nothing_hostile_reaches_the_screen_and_ascii_is_ascii_where_it_is_ours() {
    for place in [
        Place::Task(id(EXECUTING)),
        Place::Output(id(EXECUTING)),
        Place::Dependencies(id(PENDING)),
        Place::Attempt(id(EXECUTING), "x".into()),
    ] {
        let mut plain = options(ColorDepth::Mono);
        plain.ascii = true;
        let mut driver = Driver::with(plain, &place, (100, 30));
        let frame = driver.draw();
        assert!(frame.chars().all(|c| c == '\n' || !c.is_control()), "{frame}");
        assert!(!frame.contains('\u{202e}') && !frame.contains('├') && !frame.contains('▶'), "{frame}");
    }
}

#[test]
fn a_detail_shows_everything_and_opens_what_it_names() {
    let mut driver = at(&Place::Task(id(FAILED)));
    for words in ["ERROR", "no rule to make target", "WAITS FOR", "HOLDS UP", "ATTEMPTS", "ARTIFACTS", "builder"] {
        driver.sees(words);
    }
    driver.press("G");
    for words in ["memory 256MiB", "can rust", "make -j2", "nightly"] {
        let seen = driver.app.text().unwrap().lines().iter().any(|line| line.text().contains(words));
        assert!(seen, "{words}");
    }
    driver.press("g / l i m i t _ enter esc enter");
    driver.sees("attempt");
    assert!(matches!(driver.app.history.place(), Place::Attempt(task, _) if *task == id(FAILED)));
    driver.press("esc");
    assert_eq!(*driver.app.history.place(), Place::Task(id(FAILED)));
    driver.press("g / p e n d i n g enter esc enter");
    assert!(matches!(driver.app.history.place(), Place::Artifact(..)), "{:?}", driver.app.history.place());
}

/// A console at a task whose page's requests are answered one after the other, each before the next is looked at, and
/// names last.
fn with_late_names(task: u64, size: (u16, u16)) -> Driver {
    let mut driver = Driver::new(&Place::Tasks, size);
    driver.app.go(&Place::Task(id(task)));
    driver.draw();
    let mut names = Vec::new();
    loop {
        driver.collect();
        let asked = std::mem::take(&mut driver.asked);
        let (late, now): (Vec<_>, Vec<_>) =
            asked.into_iter().partition(|(_, request)| matches!(request, Request::Names(_)));
        names.extend(late);
        if now.is_empty() {
            break;
        }
        for (ticket, request) in now {
            driver.app.update(Message::Answer { ticket, answer: fleet::answer(&request) });
            driver.draw();
        }
    }
    driver.asked = names;
    driver
}

#[test]
fn agents_of_earlier_attempts_are_called_by_name_though_names_come_late() {
    for size in [(80, 24), (120, 36)] {
        let mut driver = with_late_names(FAILED, size);
        let asked: Vec<String> = driver
            .asked
            .iter()
            .flat_map(|(_, request)| match request {
                Request::Names(ids) => ids.clone(),
                _ => vec![],
            })
            .filter(|id| id.starts_with("0195aaaa"))
            .collect();
        assert_eq!(asked.len(), 2, "each is asked for, and once: {asked:?}");
        for (ticket, request) in std::mem::take(&mut driver.asked) {
            driver.app.update(Message::Answer { ticket, answer: fleet::answer(&request) });
        }
        driver.draw();
        let lines = driver.app.text().unwrap().lines();
        let attempts: Vec<String> =
            lines.iter().map(|line| line.text().to_owned()).filter(|line| line.contains(" 004 ")).collect();
        assert_eq!(attempts.len(), 3, "{attempts:?}");
        assert!(attempts.iter().all(|line| line.contains("builder") || line.contains("tester")), "{attempts:?}");
    }
}

#[test]
fn why_the_agent_was_chosen_stands_on_the_page_of_what_runs_and_of_what_has_ended() {
    for task in [EXECUTING, FAILED] {
        let driver = at(&Place::Task(id(task)));
        let lines: Vec<String> = driver.app.text().unwrap().lines().iter().map(|line| line.text().to_owned()).collect();
        let start = lines.iter().position(|line| line == "WHY THIS AGENT").unwrap_or_else(|| panic!("{lines:#?}"));
        assert_eq!(
            lines[start + 1..start + 5],
            [
                "builder was chosen among 5, with a score of 0.81 (0.78 and +0.03 by what was learned)",
                "  keyword_match 0.90  recent_success 0.94  domain_expertise 0.70",
                "  availability 1.00  user_preference 0.25",
                "  unknown: phase_alignment, collaboration",
            ]
        );
        assert!(lines[start + 5].contains("would have scored 0.12 more and had no slot free"), "{lines:#?}");
    }
    // Nobody was chosen for what has not begun.
    let driver = at(&Place::Task(id(PENDING)));
    assert!(driver.app.text().unwrap().lines().iter().all(|line| line.text() != "WHY THIS AGENT"));
}

#[test]
fn a_task_is_rated_with_a_reason_and_the_rating_taken_back() {
    let said = || Some("broke the build".to_owned());
    let mut driver = at(&Place::Task(id(FAILED)));
    driver.engine = Box::new(|request| match request {
        Request::Command(command) => {
            let inverse = match &**command {
                // Four stars were given before.
                WireCommand::RateTasks { rating: Some(2), .. } => vec![crate::domain::Command::RateTasks {
                    ids: vec![id(FAILED).parse().unwrap()],
                    rating: Some(4),
                    note: Some("at first".to_owned()),
                }],
                _ => vec![],
            };
            let reply =
                crate::domain::Reply::Items { done: vec!["x".into()], refused: vec![], inverse, warnings: vec![] };
            Ok(Answer::Done(Box::new(reply)))
        }
        request => fleet::answer(request),
    });
    driver.press("R");
    driver.sees("1 to 5, 5 best, and why: 2 broke the build; 0 takes back");
    driver.type_text("7");
    driver.press("enter");
    driver.sees("is no rating: write a number from 1 to 5");
    driver.press("backspace");
    driver.type_text("2 broke the build");
    press_only(&mut driver, "enter");
    assert_eq!(
        commands(&mut driver),
        [WireCommand::RateTasks { ids: vec![id(FAILED)], rating: Some(2), note: said() }]
    );
    let line = format!("menagerie task rate {} 2 --note 'broke the build'", id(FAILED));
    assert_eq!(driver.app.orders.log()[0].line, line);
    driver.settle();
    driver.sees("z takes it back");
    press_only(&mut driver, "z");
    let before = WireCommand::RateTasks { ids: vec![id(FAILED)], rating: Some(4), note: Some("at first".to_owned()) };
    assert_eq!(commands(&mut driver), [before]);
    assert!(driver.app.orders.log()[1].line.ends_with(" 4 --note 'at first'"), "{:?}", driver.app.orders.log());
    driver.settle();
    driver.press("R");
    driver.type_text("off");
    press_only(&mut driver, "enter");
    assert_eq!(commands(&mut driver), [WireCommand::RateTasks { ids: vec![id(FAILED)], rating: None, note: None }]);
}

#[test]
fn what_has_not_ended_is_not_rated_and_an_attempt_stands_for_its_task() {
    let mut driver = at(&Place::Task(id(EXECUTING)));
    driver.press("R");
    driver.sees("it is rated once it has ended");
    assert!(driver.app.layer().is_none());
    // On an agent's page the row is an attempt, and what is rated its task.
    let mut driver = at(&Place::Agents);
    driver.press("enter");
    let Some(Place::Task(task)) = driver.app.target() else { panic!("{:?}", driver.app.target()) };
    driver.press("R");
    driver.type_text("5");
    press_only(&mut driver, "enter");
    assert_eq!(commands(&mut driver), [WireCommand::RateTasks { ids: vec![task], rating: Some(5), note: None }]);
}

#[test]
fn keys_work_on_the_task_whose_detail_it_is() {
    let mut driver = at(&Place::Task(id(FAILED)));
    press_only(&mut driver, "t");
    assert_eq!(commands(&mut driver), [WireCommand::RetryTasks { ids: vec![id(FAILED)] }]);
    let mut driver = at(&Place::Task(id(PENDING)));
    driver.press("t");
    driver.sees("it is pending");
    assert_eq!(commands(&mut driver), []);
    driver.press("p 9");
    press_only(&mut driver, "enter");
    assert_eq!(commands(&mut driver), [WireCommand::PrioritiseTasks { ids: vec![id(PENDING)], priority: 9 }]);
    assert_eq!(driver.app.orders.log()[0].line, format!("menagerie task prioritise --priority 9 {}", id(PENDING)));
}

#[test]
fn what_runs_is_not_cancelled_without_a_yes() {
    let mut driver = at(&Place::Task(id(EXECUTING)));
    driver.press("D");
    driver.sees("It runs and will be stopped");
    driver.sees_not("cancel 1 task");
    driver.press("enter");
    assert_eq!(commands(&mut driver), [], "Enter means no");
    driver.press("D");
    press_only(&mut driver, "y");
    assert_eq!(
        commands(&mut driver),
        [WireCommand::CancelTasks { ids: vec![id(EXECUTING)], note: None, pending_only: false }]
    );
}

#[test]
fn several_are_cancelled_after_a_preview_that_says_what_runs_and_what_cannot() {
    let mut driver = at(&Place::Tasks);
    driver.engine = Box::new(|request| match request {
        Request::WhatIf(command) => {
            let WireCommand::CancelTasks { ids, .. } = command.as_ref() else { panic!("{command:?}") };
            let item = |(place, id): (usize, &String)| crate::domain::Preview {
                item: id.clone(),
                change: match place {
                    0 => "executing -> executing, being stopped as cancelled".into(),
                    1 => "pending -> cancelled".into(),
                    _ => String::new(),
                },
                refusal: (place > 1).then(|| crate::domain::Refusal::conflict("task", id, "a task that has not ended")),
            };
            let items = ids.iter().enumerate().map(item).collect();
            Ok(Answer::WhatIf(Box::new(crate::api::triage::WhatIf {
                items,
                figures: vec![],
                reversible: false,
                stops: 1,
            })))
        }
        Request::Command(command) => {
            let WireCommand::CancelTasks { ids, .. } = command.as_ref() else { panic!("{command:?}") };
            let refusal = |id: &String| crate::domain::Refusal::conflict("task", id, "a task that has not ended");
            let refused = ids[2..]
                .iter()
                .map(|id| crate::domain::command::RefusedItem { item: id.clone(), refusal: refusal(id) });
            let inverse = vec![crate::domain::Command::RetryTasks { ids: vec![ids[1].parse().unwrap()] }];
            let reply = crate::domain::Reply::Items {
                done: ids[..2].to_vec(),
                refused: refused.collect(),
                inverse,
                warnings: vec![],
            };
            Ok(Answer::Done(Box::new(reply)))
        }
        other => super::fleet::answer(other),
    });
    for _ in 0..5 {
        driver.press("space");
    }
    driver.press("D");
    driver.sees("2 will change, 3 cannot");
    driver.sees("1 that runs is stopped at once, and what it has done is lost");
    driver.sees("a task that has not ended");
    // Each is called by its type, and no whole id is in sight.
    driver.sees("build part");
    driver.sees_not("-0000-7000-8000-");
    driver.press("enter");
    driver.sees("this cannot be taken back");
    driver.press("y");
    driver.sees("cancel 5 tasks: 2 done, 3 refused · z takes 1 of 2 back");
    assert_eq!(driver.app.toasts.iter().count(), 1, "one change, one remark");
}

#[test]
fn a_gate_says_which_approvals_are_missing_though_everything_has_completed() {
    let maker = id(PENDING - 1);
    let mut driver = at(&Place::Task(id(PENDING)));
    let said = format!("waits for approval of 12 artifacts of task {maker}: 11 pending, 1 rejected");
    driver.engine = Box::new(move |request| match request {
        Request::Task(_) => match super::fleet::answer(request) {
            Ok(Answer::Task(mut task)) => {
                task.approval_gate = true;
                Ok(Answer::Task(task))
            }
            other => other,
        },
        Request::Explain(_) => {
            let reasons = serde_json::json!([
                {"kind": "approval", "blocking": true, "text": said},
                {"kind": "agent", "blocking": true, "text": "nobody is free"},
            ]);
            Ok(Answer::Explain(Box::new(serde_json::json!({"status": "pending", "reasons": reasons}))))
        }
        other => super::fleet::answer(other),
    });
    driver.press("ctrl-r");
    driver.sees("waits for approval of 12 artifacts of task");
    driver.sees("11 pending, 1 rejected");
    driver.sees_not("nobody is free");
    driver.sees_not("0195ffff-0000-7000-8000-000000000001");
}

#[test]
fn undo_has_its_command_line_and_takes_nothing_back_where_it_is_refused() {
    let mut driver = at(&Place::Task(id(EXECUTING)));
    driver.engine = Box::new(|request| {
        let Request::Command(command) = request else { return super::fleet::answer(request) };
        let ids = vec![id(EXECUTING).parse().unwrap()];
        let (done, refused, inverse) = if matches!(command.as_ref(), WireCommand::PrioritiseTasks { .. }) {
            (
                vec![id(EXECUTING)],
                vec![],
                vec![crate::domain::Command::CancelTasks { ids, note: None, pending_only: false }],
            )
        } else {
            let refusal = crate::domain::Refusal::conflict("task", "completed", "a task that has not ended");
            (vec![], vec![crate::domain::command::RefusedItem { item: id(EXECUTING), refusal }], vec![])
        };
        Ok(Answer::Done(Box::new(crate::domain::Reply::Items { done, refused, inverse, warnings: vec![] })))
    });
    driver.sees_not("z undo");
    driver.press("p 9 enter");
    driver.sees("done: ");
    driver.press("z");
    driver.sees("nothing was done, 1 refused");
    driver.sees_not("took back");
    assert_eq!(driver.app.orders.log()[1].line, format!("menagerie task cancel {}", id(EXECUTING)));
}

#[test]
fn a_details_cursor_stays_on_what_it_was_on() {
    let mut driver = at(&Place::Task(id(EXECUTING)));
    driver.press("/ l i m i t _ enter esc");
    let before = driver.app.screen().unwrap().target().unwrap();
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.settle();
    assert_eq!(driver.app.screen().unwrap().target().unwrap(), before);
}

#[test]
fn why_says_the_reason_in_one_sentence_then_what_can_be_done_and_makes_the_change_only_after_a_preview() {
    let mut driver = at(&Place::Task(id(PENDING)));
    driver.press("w");
    let frame = driver.draw();
    let place = |words: &str| frame.find(words).unwrap_or_else(|| panic!("{words:?} is not in sight:\n{frame}"));
    assert!(place("waits for task") < place("THE SMALLEST CHANGE"));
    assert!(place("(and 1 more reason, below)") < place("THE SMALLEST CHANGE"));
    assert!(place("THE SMALLEST CHANGE") < place("WHAT HOLDS IT UP"));
    assert!(place("WHAT HOLDS IT UP") < place("0 cages have room for it"));
    assert!(place("0 cages have room for it") < place("WHAT DOES NOT"));
    assert!(place("CAGE BY CAGE") < place("in ␛[31mmaintenance"));
    assert!(place("in ␛[31mmaintenance") < place("memory limit 128MiB < 256MiB asked"));
    place("and 12 that are further off");
    assert!(place("there: 0 with room") < place("3 agents can do this"));
    place("menagerie cage maintenance 007 --off");
    press_only(&mut driver, "a");
    let asked = driver.asked.iter().any(|(_, request)| {
        matches!(request, Request::WhatIf(command)
        if matches!(&**command, WireCommand::SetCageMaintenance { on: false, .. }))
    });
    assert!(asked, "{:?}", driver.asked);
    assert_eq!(commands(&mut driver), []);
}

#[test]
fn why_without_a_change_that_a_key_could_make_offers_none() {
    let mut driver = at(&Place::Task(id(PENDING)));
    press_only(&mut driver, "w");
    let (ticket, _) = driver.asked.pop().unwrap();
    let mut answer = fleet::tasks::explanation("x");
    answer.as_object_mut().unwrap().remove("smallest_change");
    answer["change"] = "declare an agent".into();
    driver.app.update(Message::Answer { ticket, answer: Ok(Answer::Explain(Box::new(answer))) });
    driver.sees("declare an agent");
    driver.sees_not("then does it");
    press_only(&mut driver, "a");
    assert!(driver.asked.is_empty());
    let mut driver = at(&Place::Task(id(FAILED)));
    driver.press("w");
    driver.sees("it is failed; Enter shows how it ended");
}

/// The last request for output among those that were asked, taken out.
fn asked_output(driver: &mut Driver) -> Option<(u64, LogPart)> {
    driver.collect();
    let place = driver.asked.iter().rposition(|(_, request)| matches!(request, Request::Output { .. }))?;
    match driver.asked.remove(place) {
        (ticket, Request::Output { part, .. }) => Some((ticket, part)),
        _ => None,
    }
}

#[test]
fn output_follows_its_end_until_one_looks_up() {
    let mut driver = at(&Place::Output(id(EXECUTING)));
    driver.sees("the last line has no end");
    driver.sees("following");
    driver.sees_not("10 %");
    driver.app.update(Message::Pulse(fleet::pulse()));
    let (ticket, wanted) = asked_output(&mut driver).expect("what is followed is asked for anew");
    let mut chunks = output(100);
    chunks.extend(output(3));
    driver.app.update(Message::Answer { ticket, answer: Ok(Answer::Output(part(&chunks, &wanted))) });
    driver.settle();
    driver.press("k");
    driver.sees("held, f follows");
    driver.app.update(Message::Pulse(fleet::pulse()));
    assert_eq!(asked_output(&mut driver), None, "nothing moves under somebody who reads");
    press_only(&mut driver, "f");
    assert!(asked_output(&mut driver).is_some(), "following again shows what came meanwhile");
}

#[test]
fn going_up_fetches_what_was_before_and_stays_on_the_line() {
    let mut driver = at(&Place::Output(id(EXECUTING)));
    let known = driver.app.text().unwrap().lines().len();
    while driver.app.text().unwrap().top() > 0 {
        press_only(&mut driver, "pageup");
    }
    let (ticket, wanted) = asked_output(&mut driver).expect("more is asked for");
    let first = driver.app.text().unwrap().lines()[1].text().to_owned();
    let answer = Ok(Answer::Output(part(&output(fleet::tasks::OUTPUT_LINES), &wanted)));
    driver.app.update(Message::Answer { ticket, answer });
    let text = driver.app.text().unwrap();
    assert!(text.lines().len() > known);
    assert_eq!(text.lines()[text.top()].text(), first);
    driver.settle();
    driver.press("g");
    driver.sees("line 0 of the build");
    driver.press("k g");
    assert_eq!(asked_output(&mut driver), None, "there is nothing before the beginning");
}

#[test]
fn a_long_output_is_gone_through_from_its_beginning_to_its_end_without_a_line_lost() {
    const LINES: u64 = 30_000;
    let mut driver = Driver::new(&Place::Tasks, (120, 90));
    let chunks = output(LINES);
    driver.engine = Box::new(move |request| match request {
        Request::Output { part: wanted, .. } => Ok(Answer::Output(part(&chunks, wanted))),
        other => fleet::answer(other),
    });
    driver.app.go(&Place::Output(id(EXECUTING)));
    driver.settle();
    driver.press("W g");
    let (mut seen, mut most) = (0, 0);
    // Of ten lines five are of the form `line N of the build`: those are counted.
    let number = |line: &str| line.strip_prefix("line ")?.strip_suffix(" of the build")?.parse::<u64>().ok();
    for _ in 0..LINES {
        let text = driver.app.text().unwrap();
        most = most.max(text.lines().len() as u64);
        for line in text.in_sight().filter_map(|line| number(line.text())) {
            let next = (seen + 1..seen + 10).find(|next| !matches!(next % 10, 3 | 5 | 7 | 8 | 9)).unwrap();
            assert!(line <= next, "after {seen} comes {line}");
            seen = seen.max(line);
        }
        if text.in_sight().any(|line| line.text() == "the last line has no end") {
            break;
        }
        driver.press("pagedown");
    }
    driver.sees("the last line has no end");
    assert_eq!(seen, LINES - 4, "the last of that form");
    assert!(most < LINES * 2 / 3, "{most} lines were kept at once");
    driver.press("G");
    driver.sees("following");
}

#[test]
fn what_was_paged_back_to_is_given_up_when_one_leaves() {
    let mut driver = at(&Place::Output(id(EXECUTING)));
    driver.press("g");
    driver.sees("line 0 of the build");
    driver.press("5 [");
    driver.sees("the last line has no end");
    driver.sees("following");
}

#[test]
fn output_of_what_has_not_written_says_so() {
    let mut driver = at(&Place::Output(id(PENDING)));
    driver.sees("has not started");
    driver.sees("w says why");
}

#[test]
fn output_is_searched_and_escape_first_ends_the_search() {
    let mut driver = at(&Place::Output(id(EXECUTING)));
    driver.press("/");
    driver.type_text("green ground");
    driver.press("enter");
    driver.sees("/green ground ");
    let first = driver.app.text().unwrap().top();
    driver.press("N");
    assert_ne!(driver.app.text().unwrap().top(), first);
    driver.press("esc");
    driver.sees_not("/green ground");
    assert_eq!(*driver.app.history.place(), Place::Output(id(EXECUTING)));
    driver.press("/ z z z enter");
    driver.sees("/zzz not found");
    driver.press("n");
    driver.sees("zzz stands nowhere here");
}

#[test]
fn words_are_found_wherever_they_stand_in_an_output() {
    const LINES: u64 = 30_000;
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    let chunks = output(LINES);
    driver.engine = Box::new(move |request| match request {
        Request::Output { part: wanted, .. } => Ok(Answer::Output(part(&chunks, wanted))),
        other => fleet::answer(other),
    });
    driver.app.go(&Place::Output(id(EXECUTING)));
    driver.settle();
    driver.sees("[at least ");
    let seek = |driver: &mut Driver, words: &str| {
        driver.press("/");
        driver.type_text(words);
        driver.press("enter");
    };
    // Ahead of what is here and behind it, first from the end, then from the middle and from the beginning.
    for number in [2_900, 16_000, 20, 29_990, 1, 15_002] {
        seek(&mut driver, &format!("line {number} of the"));
        driver.sees(&format!("line {number} of the build"));
        driver.sees_not("not found");
    }
    seek(&mut driver, "000 of the build");
    for number in [16, 17, 18] {
        driver.press("n");
        driver.sees(&format!("line {number}000 of the build"));
    }
    for number in [17, 16, 15, 14, 13, 12] {
        driver.press("N");
        driver.sees(&format!("line {number}000 of the build"));
    }
    driver.press("/");
    driver.type_text("zzz");
    driver.sees("not here; n looks on");
    driver.press("enter");
    driver.sees("/zzz not found");
}

#[test]
fn dependencies_are_trees_of_both_ways_and_end_in_a_circle() {
    let mut driver = at(&Place::Dependencies(id(PENDING)));
    let frame = driver.draw();
    let place = |words: &str| frame.find(words).unwrap_or_else(|| panic!("{words:?} is not in sight:\n{frame}"));
    assert!(place("WAITS FOR") < place("THIS TASK") && place("THIS TASK") < place("HOLDS UP"));
    // 486 waits for 485, which waits for 484 and 482; 487 waits for 486.
    for number in [485, 484, 482, 480, 487, 489] {
        place(&id(number)[28..]);
    }
    driver.press("enter");
    assert_eq!(*driver.app.history.place(), Place::Task(id(485)));
    driver.press("esc o");
    assert_eq!(*driver.app.history.place(), Place::Dependencies(id(485)));
    let mut circle = at(&Place::Dependencies(id(25)));
    circle.sees("THIS TASK");
    circle.sees(&id(29)[28..]);
}

#[test]
fn dependencies_that_are_done_but_not_approved_are_said_to_be_waited_for() {
    let mut driver = at(&Place::Overview);
    driver.engine = Box::new(|request| match request {
        Request::Task(_) | Request::Tasks(_) => {
            let mut answer = fleet::answer(request)?;
            match &mut answer {
                Answer::Task(task) => {
                    (task.approval_gate, task.status) = (true, TaskStatus::Pending);
                    task.depends_on = vec![id(482).parse().unwrap()];
                }
                Answer::Tasks(page) => page.rows.iter_mut().for_each(|task| {
                    task.status = TaskStatus::Completed;
                    task.depends_on.clear();
                }),
                _ => {}
            }
            Ok(answer)
        }
        Request::Explain(_) => Ok(Answer::Explain(Box::new(serde_json::json!({"reasons": [
            {"kind": "approval", "blocking": true, "need": "approved", "have": "2 pending",
             "text": format!("waits for approval of 2 artifacts of task {}: 2 pending", id(482))},
            {"kind": "order", "blocking": false, "text": "position 3"},
        ]})))),
        other => fleet::answer(other),
    });
    driver.app.go(&Place::Dependencies(id(PENDING)));
    driver.settle();
    driver.sees("waits for approval of what 1 made · holds up");
    driver.sees("waits for approval of 2 artifacts of task");
    driver.sees_not("waits for 0");
    driver.sees_not("position 3");
}

#[test]
fn a_new_task_is_checked_field_by_field_before_it_is_sent() {
    let mut driver = at(&Place::Tasks);
    driver.press("+ enter");
    driver.sees("write a command");
    driver.type_text("make 'test");
    driver.press("enter");
    driver.sees("the quotation that begins with ' does not end");
    driver.type_text("s all'");
    driver.press("tab tab tab tab 1 2 enter");
    driver.sees("1 to 10");
    assert_eq!(commands(&mut driver), []);
    driver.press("backspace backspace 9 tab 2 h tab x enter");
    driver.sees("cores");
    driver.press("backspace 2 tab 1 G i B tab tab 1 - 4 shift-tab a b c");
    press_only(&mut driver, "enter");
    let commands = commands(&mut driver);
    let [WireCommand::SubmitTasks { tasks, .. }] = &commands[..] else { panic!("{commands:?}") };
    let task = serde_json::to_value(&tasks[0]).unwrap();
    assert_eq!(task["parameters"]["configuration"]["command"], serde_json::json!(["make", "tests all"]));
    assert_eq!((task["priority"].as_u64(), task["max_attempts"].as_u64()), (Some(9), Some(1)));
    assert_eq!(task["requirements"]["memory"], 1 << 30);
    assert_eq!(task["depends_on"], serde_json::json!(["abc"]));
    assert_eq!(task["array"], serde_json::json!({"first": 1, "last": 4}));
    assert_eq!(
        driver.app.orders.log()[0].line,
        "menagerie run --priority 9 --deadline 2h --cpu 2 --memory 1GiB --after abc --array 1-4 -- make 'tests all'"
    );
}

#[test]
fn the_editor_begins_with_a_template_that_submits_nothing_by_itself() {
    let mut driver = at(&Place::Tasks);
    driver.press("+ ctrl-e");
    let Some(Effect::Edit(template)) = driver.effects.pop() else { panic!("no editor") };
    crate::ui::editor::submit(&mut driver.app, Ok(template.clone()));
    driver.sees("nothing was submitted");
    // Its examples are tasks, once the # is gone.
    let lines: String = template
        .lines()
        .map(|line| line.strip_prefix("# {").map_or(String::new(), |rest| format!("{{{rest}\n")))
        .collect();
    crate::ui::editor::submit(&mut driver.app, Ok(lines));
    let commands = commands(&mut driver);
    let [WireCommand::SubmitTasks { tasks, .. }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(tasks.len(), 2);
}

#[test]
fn what_was_written_with_a_fault_can_be_edited_again() {
    let mut driver = at(&Place::Tasks);
    crate::ui::editor::submit(&mut driver.app, Ok("\n{\"type\": \"a\", \"priority\": 11}\n".into()));
    driver.sees("line 2");
    driver.sees("1 to 10");
    assert_eq!(commands(&mut driver), []);
    driver.press("y");
    let Some(Effect::Edit(text)) = driver.effects.pop() else { panic!("no editor") };
    assert!(text.contains("11"));
}

#[test]
fn the_time_that_a_task_has_run_counts_on() {
    let mut driver = at(&Place::Task(id(EXECUTING)));
    driver.sees("executing for 3m19s");
    assert!(driver.app.wake_at().is_some());
    let began = driver.began;
    driver.later(std::time::Duration::from_secs(2));
    assert!(driver.app.instant() > began);
    driver.sees("executing for 3m21s");
    assert!(at(&Place::Task(id(FAILED))).app.wake_at().is_none(), "nothing in sight changes by the second");
}

#[test]
fn the_list_is_sorted_and_its_columns_are_chosen() {
    let mut driver = at(&Place::Tasks);
    let sorted = |driver: &mut Driver| {
        driver.press("s");
        driver.type_text("pri");
        press_only(driver, "enter");
        let queries = driver.asked.iter().filter_map(|(_, request)| match request {
            Request::Tasks(query) => query.iter().find(|(name, _)| name == "sort").map(|(_, order)| order.clone()),
            _ => None,
        });
        let order = queries.collect::<Vec<_>>().pop();
        driver.settle();
        order
    };
    assert_eq!(sorted(&mut driver).as_deref(), Some("-priority"));
    driver.sees("PRI▼");
    assert_eq!(sorted(&mut driver).as_deref(), Some("priority"));
    driver.sees("WHAT");
    driver.press("C");
    driver.type_text("what");
    driver.press("enter");
    driver.sees_not("WHAT");
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.settle();
    driver.sees_not("WHAT");
    driver.sees("PRI▲");
}

#[test]
fn what_waits_for_approvals_names_them_by_title_and_leaves_the_header_in_sight() {
    let ids: Vec<String> = (20..60).map(fleet::review::id).collect();
    let explanation = serde_json::json!({
        "status": "pending",
        "reasons": [{"kind": "approval", "blocking": true, "need": "approved", "have": "40 pending",
                     "text": "waits for approval of 40 artifacts"}],
        "change": format!("menagerie artifact approve {}", ids.join(" ")),
        "smallest_change": {"text": format!("approve 40 artifacts; 1 was rejected: {}; approve it by itself",
                                            fleet::review::id(4)),
                            "command": {"command": "review_artifacts", "ids": ids, "approve": true, "note": null}},
    });
    let mut driver = Driver::new(&Place::Task(id(PENDING)), (80, 24));
    driver.engine = Box::new(move |request| match request {
        Request::Explain(_) => Ok(Answer::Explain(Box::new(explanation.clone()))),
        Request::Artifacts(query) => {
            let filter = &query.iter().find(|(name, _)| name == "filter").expect("only these").1;
            let of = |number: u64| filter.contains(&fleet::review::id(number)).then(|| fleet::review::artifact(number));
            let rows: Vec<_> = (0..fleet::review::ARTIFACTS).filter_map(of).collect();
            Ok(Answer::Artifacts(Page { total: rows.len() as u64, rows }))
        }
        other => fleet::answer(other),
    });
    driver.press("w");
    let title = fleet::review::artifact(20).title;
    driver.sees(&format!("{title} 00000014"));
    let frame = driver.draw();
    assert!(!frame.contains("-0000-7000-8000-"), "{frame}");
    assert!(frame.lines().next().unwrap().contains("task 000001e6"), "{frame}");
    // The reason, the change and the key for it are in sight at once.
    let place = |words: &str| frame.find(words).unwrap_or_else(|| panic!("{words:?} is not in sight:\n{frame}"));
    assert!(place("waits for approval of 40 artifacts") < place("THE SMALLEST CHANGE"));
    let rejected = format!("1 was rejected: {}", fleet::review::artifact(4).title);
    assert!(place(&rejected) < place(&title));
    assert!(place(&title) < place("and 35 more, all listed below"));
    assert!(place("and 35 more, all listed below") < place("shows what it would do, then does it"));
    let last = format!("{} 0000003b", fleet::review::artifact(59).title);
    driver.sees_not(&last);
    driver.press("G");
    driver.sees(&last);
    driver.press("g");
    driver.sees("menagerie artifact approve … 40 ids, y copies them");
    driver.press("y");
    driver.collect();
    assert!(driver.effects.iter().any(|effect| matches!(effect, Effect::Send(_))));
}

#[test]
fn what_waits_is_cancelled_at_once_and_so_that_it_is_refused_if_it_runs_by_now() {
    let mut driver = at(&Place::Task(id(PENDING)));
    press_only(&mut driver, "D");
    assert!(driver.app.layer().is_none());
    assert_eq!(
        commands(&mut driver),
        [WireCommand::CancelTasks { ids: vec![id(PENDING)], note: None, pending_only: true }]
    );
    let line = format!("menagerie task cancel --pending-only {}", id(PENDING));
    assert_eq!(driver.app.orders.log()[0].line, line);
}

#[test]
fn an_array_is_shown_before_it_is_cancelled_and_what_was_shown_to_stop_nothing_stops_nothing() {
    for reversible in [true, false] {
        let mut driver = at(&Place::Task(id(PENDING)));
        driver.engine = Box::new(move |request| match request {
            Request::Task(_) => match fleet::answer(request) {
                Ok(Answer::Task(mut task)) => {
                    task.array = Some(crate::domain::task::ArrayRange { first: 1, last: 9 });
                    Ok(Answer::Task(task))
                }
                other => other,
            },
            Request::WhatIf(_) => Ok(Answer::WhatIf(Box::new(crate::api::triage::WhatIf {
                items: vec![],
                figures: vec![],
                reversible,
                stops: 0,
            }))),
            other => fleet::answer(other),
        });
        driver.press("ctrl-r D");
        assert_eq!(driver.app.layer().unwrap().name(), "preview");
        assert_eq!(commands(&mut driver), []);
        press_only(&mut driver, "y");
        let expected = WireCommand::CancelTasks { ids: vec![id(PENDING)], note: None, pending_only: reversible };
        assert_eq!(commands(&mut driver), [expected]);
    }
}

#[test]
fn a_yes_that_came_before_the_preview_could_be_seen_does_not_count() {
    let mut driver = at(&Place::Tasks);
    driver.press("space space");
    press_only(&mut driver, "D");
    driver.draw();
    let (ticket, request) = driver.asked.pop().unwrap();
    assert!(matches!(request, Request::WhatIf(_)));
    let pressed = std::time::Instant::now();
    driver.app.update(Message::Answer { ticket, answer: fleet::answer(&request) });
    driver.app.update(Message::Key("y".parse().unwrap(), pressed));
    assert_eq!(commands(&mut driver), []);
    driver.draw();
    press_only(&mut driver, "y");
    assert_eq!(commands(&mut driver).len(), 1);
}

#[test]
fn no_key_but_y_alone_says_yes() {
    let mut driver = at(&Place::Task(id(EXECUTING)));
    driver.press("D");
    for key in ["ctrl-y", "alt-y"] {
        press_only(&mut driver, key);
        assert_eq!(driver.app.layer().unwrap().name(), "confirm", "{key}");
    }
    let mut driver = at(&Place::Tasks);
    driver.press("space space D");
    for key in ["ctrl-y", "alt-y"] {
        press_only(&mut driver, key);
        assert_eq!(driver.app.layer().unwrap().name(), "preview", "{key}");
    }
    assert_eq!(commands(&mut driver), []);
}

#[test]
fn the_line_of_a_new_task_means_to_a_shell_what_it_means_here() {
    let mut driver = at(&Place::Tasks);
    driver.press("+");
    driver.type_text("echo $HOME; rm *");
    press_only(&mut driver, "enter");
    let commands = commands(&mut driver);
    let [WireCommand::SubmitTasks { tasks, .. }] = &commands[..] else { panic!("{commands:?}") };
    let task = serde_json::to_value(&tasks[0]).unwrap();
    assert_eq!(task["parameters"]["configuration"]["command"], serde_json::json!(["echo", "$HOME;", "rm", "*"]));
    assert_eq!(driver.app.orders.log()[0].line, "menagerie run -- echo '$HOME;' rm '*'");
}

#[test]
fn why_is_asked_again_about_the_same_task() {
    let mut driver = at(&Place::Tasks);
    while driver.app.selection().unwrap().items[0].state != "pending" {
        driver.press("j");
    }
    let asked_about = driver.app.selection().unwrap().items[0].id.clone();
    driver.press("w");
    // Another one is under the cursor by now.
    driver.app.with_list(|list, out| list.go(crate::ui::list::Motion::By(6), out));
    assert_ne!(driver.app.selection().unwrap().items[0].id, asked_about);
    driver.collect();
    driver.asked.clear();
    press_only(&mut driver, "ctrl-r");
    let asked: Vec<_> = driver.asked.iter().map(|(_, request)| request.clone()).collect();
    assert_eq!(asked, [Request::Explain(asked_about)]);
}

#[test]
fn a_list_that_is_opened_first_is_filled_however_tall_the_terminal() {
    for size in [(300, 100), (200, 80)] {
        let mut driver = Driver::new(&Place::Tasks, size);
        let frame = driver.draw();
        let missing = frame.lines().filter(|line| line.trim_matches(['│', '█', ' ']) == "…").count();
        assert_eq!(missing, 0, "{size:?}:\n{frame}");
    }
}

#[test]
fn a_task_says_whose_it_is_and_what_it_does_gets_the_room() {
    for size in [(120, 36), (200, 60)] {
        let mut driver = Driver::new(&Place::Tasks, size);
        driver.engine = Box::new(|request| match fleet::answer(request) {
            Ok(Answer::Tasks(mut page)) => {
                for task in &mut page.rows {
                    match task.status {
                        TaskStatus::Executing => task.assigned_agent_id = fleet::agents::id(7).parse().ok(),
                        TaskStatus::Pending => task.agent_id = fleet::agents::id(8).parse().ok(),
                        _ => {}
                    }
                }
                Ok(Answer::Tasks(page))
            }
            answer => answer,
        });
        driver.press("ctrl-r");
        let frame = driver.draw();
        let row = |what: &str| frame.lines().find(|line| line.contains(what)).unwrap_or_default();
        assert!(row(" executing ").contains(" builder-7 "), "{frame}");
        assert!(row(" pending ").contains(" builder-8 "), "{frame}");
        let head = row("AGENT");
        let column = |what: &str| head.find(what).unwrap();
        assert_eq!(column("STATUS") - column("TYPE"), 18, "{head}");
    }
    // Narrow, what it does is there all the same.
    Driver::new(&Place::Tasks, (80, 24)).sees("WHAT");
}

#[test]
fn sorted_by_priority_the_highest_come_first() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    let columns = driver.app.with_list(|list, _| list.columns()).unwrap();
    let place = columns.iter().position(|column| column.title == "PRI").unwrap();
    for order in ["-priority", "priority"] {
        driver.app.step(crate::ui::step::Step::SortBy(place));
        driver.collect();
        let (_, request) = driver.asked.pop().unwrap();
        let Request::Tasks(query) = request else { panic!("{request:?}") };
        assert!(query.contains(&("sort".to_owned(), order.to_owned())), "{query:?}");
    }
}

#[test]
fn the_cursor_goes_to_the_task_that_was_submitted_and_its_output_is_opened() {
    let mut driver = at(&Place::Tasks);
    driver.later(std::time::Duration::from_secs(5));
    driver.press("j j j");
    let before = driver.app.selection().unwrap().items[0].id.clone();
    let new = fleet::newer_tasks(1).remove(0);
    let submitted = std::rc::Rc::new(std::cell::Cell::new(false));
    let (task, there) = (new.clone(), std::rc::Rc::clone(&submitted));
    driver.engine = Box::new(move |request| match request {
        Request::Command(_) => {
            there.set(true);
            let (refused, inverse, warnings) = (vec![], vec![], vec![]);
            let reply = crate::domain::Reply::Submitted { ids: vec![task.id], refused, inverse, warnings };
            Ok(Answer::Done(Box::new(reply)))
        }
        Request::Tasks(query) if there.get() && query.iter().all(|(name, _)| name != "id" && name != "depends_on") => {
            let Ok(Answer::Tasks(mut page)) = fleet::answer(request) else { panic!("{request:?}") };
            if query.iter().any(|(name, value)| name == "offset" && value == "0") {
                page.rows.insert(0, task.clone());
            }
            page.total += 1;
            Ok(Answer::Tasks(page))
        }
        other => fleet::answer(other),
    });
    driver.press("+");
    driver.type_text("make it");
    driver.press("enter");
    let here = driver.app.selection().unwrap().items[0].id.clone();
    assert!(submitted.get() && here == new.id.to_string() && here != before, "{here}");
    driver.press("l");
    assert_eq!(driver.app.history.place(), &Place::Output(new.id.to_string()));
}
