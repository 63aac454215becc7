//! Dashboards: what each shows, what is asked for it and when, and where it leads.

use std::time::{Duration, Instant};

use super::{Driver, fleet, frames, options};
use crate::domain::Span;
use crate::domain::dashboard::{Per, TopBy};
use crate::ui::Options;
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::terminal::ColorDepth;

fn on(keys: &str, size: (u16, u16)) -> Driver {
    let mut driver = Driver::new(&Place::Overview, size);
    driver.press("B");
    if !keys.is_empty() {
        driver.press(keys);
    }
    driver
}

/// What is asked when a key is pressed; nothing is answered.
fn asked(driver: &mut Driver, key: &str) -> Vec<Request> {
    driver.app.update(Message::Key(key.parse().unwrap(), Instant::now()));
    driver.draw();
    requests(driver)
}

/// The same, and it is answered.
fn answered(driver: &mut Driver, key: &str) -> Vec<Request> {
    driver.app.update(Message::Key(key.parse().unwrap(), Instant::now()));
    driver.draw();
    driver.collect();
    let requests = driver.asked.iter().map(|(_, request)| request.clone()).collect();
    driver.settle();
    requests
}

fn requests(driver: &mut Driver) -> Vec<Request> {
    driver.collect();
    std::mem::take(&mut driver.asked).into_iter().map(|(_, request)| request).collect()
}

#[test]
fn each_says_what_it_is_there_for_at_any_size() {
    for size in [(80, 24), (120, 36), (200, 60)] {
        let mut driver = on("", size);
        let mut see = |keys: &str, words: &[&str]| {
            if !keys.is_empty() {
                driver.press(keys);
            }
            for words in words {
                driver.sees(words);
            }
            let frame = driver.draw();
            assert!(!frame.replace('\n', "").chars().any(char::is_control), "{frame}");
        };
        see("", &["[top agents]", "by success, the lower end of 95%", "builder-0", "5,000", "100%", "removed", "4.2s"]);
        see("p", &["[timeline]", "the last 1h", "80 cages", "001", "under way", "cage 001: build part 1 by builder-1"]);
        see("p", &["[errors]", "171 failed", "exit status <number>: no rule to make target", "limit_exceeded", "120"]);
        see("p", &["[collaboration]", "340 dependencies, 12 not begun", "builder-1", "tester", "120"]);
        see("p", &["[days]", "2026-03-04", "2026-03-01", "9,000", "98%"]);
        see(
            "p",
            &[
                "[trends]",
                "per agent",
                "beside the 7 before",
                "builder-1",
                "95%",
                "93-96%",
                "better",
                "unclear",
                "worse",
            ],
        );
        see("p", &["[top agents]"]);
        see("P P", &["[days]"]);
    }
}

#[test]
fn nobody_knows_is_not_zero() {
    let mut driver = on("", (200, 60));
    let frame = driver.draw();
    let row = |name: &str| frame.lines().find(|line| line.contains(name)).unwrap().to_owned();
    assert!(row("builder-6").contains("      -      -"), "neither mean nor time: {}", row("builder-6"));
    assert!(row("builder-5").contains("- 2026-03-04"), "no tokens: {}", row("builder-5"));
    // A day on which nothing ended has no mean, and none done.
    driver.press("P P");
    let frame = driver.draw();
    let none = frame.lines().find(|line| line.contains("2026-03-01")).unwrap();
    assert!(none.contains(" 0    -       -       -      -      - "), "{none}");
    // What was not looked at is not empty.
    driver.press("p p p + + + +");
    driver.sees("the last 7d");
    let frame = driver.draw();
    let bars = frame.lines().find(|line| line.contains("001 ")).unwrap();
    assert!(bars.contains("????"), "{bars}");
}

#[test]
fn a_mark_says_what_is_sure_at_95_percent_in_every_dashboard() {
    let mut driver = on("", (200, 60));
    driver.engine = Box::new(|request| {
        let mut answer = fleet::answer(request)?;
        let of = [(36, 41), (1, 1), (0, 2), (1, 20)].map(|(good, all)| crate::domain::confidence::Rate::of(good, all));
        match &mut answer {
            Answer::TopAgents(rows) => rows.iter_mut().zip(of).for_each(|(row, rate)| row.success = rate),
            Answer::Days(days) => days.iter_mut().rev().zip(of).for_each(|(day, rate)| day.success = rate),
            Answer::Trends(found) => found.trends.iter_mut().zip(of).for_each(|(trend, rate)| trend.now.success = rate),
            _ => {}
        }
        Ok(answer)
    });
    let marks = |driver: &mut Driver, rows: usize| -> String {
        let frame = driver.draw();
        let head = frame.lines().position(|line| line.contains("GOOD")).unwrap();
        frame
            .lines()
            .skip(head + 1)
            .take(rows)
            .map(|line| line.chars().find(|c| "✓?▲×○".contains(*c)).unwrap())
            .collect()
    };
    driver.press("+");
    assert_eq!(marks(&mut driver, 4), "✓?▲×");
    driver.press("P");
    assert_eq!(marks(&mut driver, 3), "✓?▲");
    driver.press("P");
    // The fourth day from now is one on which nothing ended.
    assert_eq!(marks(&mut driver, 5), "✓?▲○×");
}

#[test]
fn the_help_says_what_is_grouped_here() {
    let mut driver = on("?", (200, 60));
    driver.sees("top agents by another figure; the others per agent, kind");
    driver.sees_not("of cages: memory");
}

#[test]
fn they_lead_on() {
    let mut driver = on("j", (120, 36));
    assert_eq!(driver.app.target(), Some(Place::Agent(fleet::agents::id(1), "builder-1".into())));
    driver.press("j j");
    assert_eq!(driver.app.target(), None, "a removed agent has no screen");
    driver.press("p j j");
    assert_eq!(driver.app.target(), Some(Place::Cage("003".into())));
    driver.press("p j");
    assert_eq!(driver.app.target(), Some(Place::Task("0195dddd-0000-7000-8000-00000000001f".into())));
    driver.press("p");
    assert_eq!(driver.app.target(), Some(Place::Agent("tester".into(), "tester".into())));
    driver.sees("its results are used by reviewer (96 tasks, 48 artifacts, 32 approved; 80% of 96 succeed, 71-87%; overall 96% of");
    driver.sees("288: worse)");
    driver.press("p enter");
    driver.sees("there is nothing under the cursor to open");
}

#[test]
fn ranges_and_measures_are_asked_for() {
    let mut driver = on("", (120, 36));
    assert_eq!(asked(&mut driver, "+"), [Request::TopAgents(30, TopBy::Success)]);
    assert_eq!(asked(&mut driver, "m"), [Request::TopAgents(30, TopBy::Executions)]);
    driver.press("h");
    driver.sees("only the timeline is moved through");
    driver.press("p m");
    driver.sees("the timeline is of all executions");
    driver.press("p");
    assert_eq!(asked(&mut driver, "-"), [Request::Errors(Span::from_secs(3_600), None)]);
    assert_eq!(asked(&mut driver, "-"), [], "there is no shorter one");
    assert_eq!(asked(&mut driver, "m"), [Request::Errors(Span::from_secs(3_600), Some(Per::Agent))]);
    driver.press("p");
    assert_eq!(asked(&mut driver, "+"), [Request::Collaboration(Span::from_secs(2_592_000), Per::Agent)]);
    assert_eq!(asked(&mut driver, "m"), [Request::Collaboration(Span::from_secs(2_592_000), Per::Type)]);
    driver.press("p");
    assert_eq!(asked(&mut driver, "+"), [Request::Days(30, None)]);
    assert_eq!(answered(&mut driver, "m"), [Request::Days(30, Some(Per::Agent))]);
    driver.sees("per agent");
    driver.sees("coder");
    for per in [Some(Per::Type), Some(Per::Division), Some(Per::Owner), Some(Per::TaskType), None] {
        assert_eq!(asked(&mut driver, "m"), [Request::Days(30, per)]);
    }
    driver.press("p");
    assert_eq!(asked(&mut driver, "+"), [Request::Trends(30, Per::Agent)]);
    for per in [Per::Type, Per::Division, Per::Owner, Per::TaskType, Per::Agent] {
        assert_eq!(asked(&mut driver, "m"), [Request::Trends(30, per)]);
    }
}

#[test]
fn the_timeline_is_zoomed_moved_and_scrolled_and_only_what_is_in_sight_is_asked_for() {
    let mut driver = on("p", (120, 36));
    let Some(Request::Timeline { time, step, offset, limit }) = answered(&mut driver, "-").pop() else { panic!() };
    let range = time.1.since(time.0).as_micros();
    assert!((900_000_000..940_000_000).contains(&range), "{range}");
    assert_eq!(range / step.as_micros(), i64::from(120 - 2 - 2 - 8_u16), "a column is a step");
    assert_eq!((offset, limit), (0, 36 - 4 - 1 - 3));
    let Some(Request::Timeline { time: earlier, .. }) = answered(&mut driver, "h").pop() else { panic!() };
    let by = time.1.since(earlier.1).as_micros() / 1_000_000;
    assert!((440..460).contains(&by), "half of the range: {by}");
    driver.sees("until 2026-03-04 09:52");
    // Now is reached and followed again.
    driver.press("l l");
    driver.sees("the last 15m");
    let Some(Request::Timeline { offset, .. }) = answered(&mut driver, "G").pop() else { panic!() };
    assert_eq!(offset, 80 - 28);
    driver.sees("080");
    driver.sees("cage 080: build part 80");
    driver.sees_not("001 ");
    driver.press("g");
    driver.sees("cage 001:");
}

#[test]
fn they_are_asked_for_seldom_and_only_when_something_changed() {
    let mut driver = on("", (120, 36));
    driver.collect();
    assert!(driver.asked.is_empty() && driver.app.wake_at().is_none(), "no timer");
    // Soon after, what has changed is asked for later, by itself.
    driver.later(Duration::from_secs(1));
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.draw();
    assert!(!requests(&mut driver).iter().any(|request| matches!(request, Request::TopAgents(..))));
    let wake = driver.app.wake_at().unwrap();
    assert_eq!(wake, driver.began + Duration::from_secs(5));
    driver.later(Duration::from_secs(5));
    driver.app.woken();
    driver.draw();
    assert_eq!(requests(&mut driver), [Request::TopAgents(7, TopBy::Success)]);
    assert!(driver.app.wake_at().is_none());
    // One that is not in sight is not asked for.
    driver.press("p");
    driver.later(Duration::from_mins(1));
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.draw();
    assert!(requests(&mut driver).iter().all(|request| !matches!(request, Request::TopAgents(..))));
}

#[test]
fn an_answer_that_comes_late_is_not_shown_in_another_place() {
    let mut driver = on("", (120, 36));
    driver.app.update(Message::Key("p".parse().unwrap(), Instant::now()));
    driver.draw();
    driver.collect();
    let (ticket, request) = driver.asked.pop().unwrap();
    driver.asked.clear();
    driver.app.update(Message::Key("p".parse().unwrap(), Instant::now()));
    driver.draw();
    driver.app.update(Message::Answer { ticket, answer: fleet::answer(&request) });
    driver.sees("asking the engine");
    driver.settle();
    driver.sees("171 failed");
    // What cannot be asked leaves what was there, and says why.
    driver.engine = Box::new(|_| Err("it is busy".to_owned()));
    driver.press("+");
    driver.sees("OLD: it is busy");
    driver.sees("exit status");
}

#[test]
fn what_there_is_none_of_is_said() {
    let mut driver = on("", (120, 36));
    driver.engine = Box::new(|request| {
        Ok(match request {
            Request::TopAgents(..) => Answer::TopAgents(vec![]),
            Request::Days(..) => Answer::Days(vec![]),
            Request::Trends(days, per) => Answer::Trends(crate::domain::dashboard::Trends {
                trends: vec![],
                ..fleet::dashboards::trends(*days, *per)
            }),
            Request::Errors(since, _) => Answer::Errors(crate::domain::dashboard::ErrorSummary {
                groups: vec![],
                looked_at: 0,
                ..fleet::dashboards::errors(*since)
            }),
            Request::Collaboration(since, _) => {
                let some = fleet::dashboards::collaboration(*since);
                Answer::Collaboration(crate::domain::dashboard::Collaboration { links: vec![], ..some })
            }
            Request::Timeline { time, .. } => {
                Answer::Timeline(crate::domain::dashboard::Timeline { complete_from: time.0, cages: 0, rows: vec![] })
            }
            other => return fleet::answer(other),
        })
    });
    driver.press("-");
    driver.sees("No execution has ended within this time.");
    for words in ["Nothing ran within this time.", "No execution has failed", "No task that depends on another"] {
        driver.press("p");
        driver.sees(words);
    }
    driver.press("p");
    driver.sees("2026-03-04");
    driver.press("p");
    driver.sees("nor before");
}

#[test]
fn clicks_choose_tabs_and_rows() {
    let mut driver = on("", (120, 36));
    let click = |column: u16, row: u16| {
        Message::Mouse(crossterm::event::MouseEvent {
            kind: crossterm::event::MouseEventKind::Down(crossterm::event::MouseButton::Left),
            column,
            row,
            modifiers: crossterm::event::KeyModifiers::NONE,
        })
    };
    let frame = driver.draw();
    let tabs = frame.lines().nth(2).unwrap();
    let column = tabs.chars().position(|c| c == 'e').map(|_| tabs.find("errors").unwrap()).unwrap();
    let column = u16::try_from(tabs[..column].chars().count()).unwrap();
    driver.app.update(click(column, 2));
    driver.draw();
    driver.settle();
    driver.sees("[errors]");
    let frame = driver.draw();
    let row = frame.lines().position(|line| line.contains("<number> passed")).unwrap();
    driver.app.update(click(20, u16::try_from(row).unwrap()));
    driver.draw();
    driver.sees("10m passed");
}

#[test]
fn they_look_as_they_did() {
    let mut problems = Vec::new();
    for size in frames::SIZES {
        for depth in [ColorDepth::True, ColorDepth::Mono] {
            for (name, keys) in [
                ("dashboards-timeline", "p j"),
                ("dashboards-errors", "p p"),
                ("dashboards-collaboration", "p p p"),
                ("dashboards-days", "P P"),
                ("dashboards-trends", "P"),
            ] {
                let mut driver = Driver::with(options(depth), &Place::Dashboards, size);
                driver.press(keys);
                problems.extend(frames::check_encoded(name, size, depth, &mut driver).err());
            }
        }
    }
    let options = Options { ascii: true, ..options(ColorDepth::True) };
    let mut driver = Driver::with(options, &Place::Dashboards, frames::SIZES[0]);
    driver.press("p");
    problems.extend(frames::check_encoded("dashboards-ascii", frames::SIZES[0], ColorDepth::True, &mut driver).err());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_sign_before_a_share_says_how_good_it_is() {
    use crate::domain::confidence::Rate;
    let rates = [Rate::of(19, 20), Rate::of(14, 20), Rate::of(0, 20), Rate::of(0, 0)];
    let names = ["ann", "ben", "cid", "dee"];
    let mut driver = Driver::new(&Place::Overview, (120, 36));
    driver.engine = Box::new(move |request| match fleet::answer(request)? {
        Answer::TopAgents(mut agents) => {
            agents.truncate(4);
            for (agent, (name, rate)) in agents.iter_mut().zip(names.into_iter().zip(&rates)) {
                (agent.agent, agent.success) = (Some(name.to_owned()), *rate);
            }
            Ok(Answer::TopAgents(agents))
        }
        Answer::Trends(mut trends) => {
            let one = trends.trends[0].clone();
            trends.trends = names
                .into_iter()
                .zip(&rates)
                .map(|(name, rate)| {
                    let mut row = one.clone();
                    (row.group, row.now.success) = (name.to_owned(), *rate);
                    row
                })
                .collect();
            Ok(Answer::Trends(trends))
        }
        other => Ok(other),
    });
    driver.press("B");
    for screen in ["[top agents]", "[trends]"] {
        driver.sees(screen);
        let frame = driver.draw();
        for (name, sign) in names.into_iter().zip(["✓", "▲", "×", "○"]) {
            let line = frame.lines().find(|line| line.contains(name)).unwrap();
            assert!(line.split(name).next().unwrap().contains(sign), "{screen} {name}: {line}");
        }
        assert_eq!(frame.matches('✓').count(), 1, "{frame}");
        driver.press("P");
    }
}
