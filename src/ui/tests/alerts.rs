//! Alerts: taking, silencing, resolving them, what is known of one, and calling who looks elsewhere.

use std::time::{Duration, Instant};

use super::{Driver, fleet, frames, options};
use crate::api::types::{AlertRow, WireCommand};
use crate::domain::Alert;
use crate::domain::time::When;
use crate::ui::app::Effect;
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::terminal::ColorDepth;

/// Presses a key and gives the command that it sent.
fn command(driver: &mut Driver, key: &str) -> Option<WireCommand> {
    driver.app.update(Message::Key(key.parse().unwrap(), Instant::now()));
    driver.collect();
    driver.asked.iter().find_map(|(_, request)| match request {
        Request::Command(command) => Some((**command).clone()),
        _ => None,
    })
}

fn id(driver: &Driver) -> String {
    driver.app.selection().unwrap().items[0].id.clone()
}

fn line(driver: &Driver) -> String {
    driver.app.orders.log().last().unwrap().line.clone()
}

#[test]
fn an_alert_is_taken_once() {
    let mut driver = Driver::new(&Place::Alerts, (120, 36));
    let one = id(&driver);
    let expected = WireCommand::AcknowledgeAlerts { ids: vec![one.clone()], note: None };
    assert_eq!(command(&mut driver, "A"), Some(expected));
    assert_eq!(line(&driver), format!("menagerie alert acknowledge {one}"));
    let mut driver = Driver::new(&Place::Alerts, (120, 36));
    while driver.app.selection().unwrap().items[0].state != "acknowledged" {
        driver.press("j");
    }
    assert_eq!(command(&mut driver, "A"), None);
    driver.sees("it is acknowledged already");
}

#[test]
fn it_is_silenced_for_as_long_as_one_says() {
    let mut driver = Driver::new(&Place::Alerts, (120, 36));
    let one = id(&driver);
    driver.press("S ctrl-u");
    driver.type_text("soon");
    driver.press("enter");
    assert_eq!(driver.app.layer().unwrap().name(), "prompt", "a span that cannot be read is asked for again");
    driver.press("ctrl-u");
    driver.type_text("8h");
    let until: When = "8h".parse().unwrap();
    let expected = WireCommand::SilenceAlerts { ids: vec![one.clone()], until: Some(until) };
    assert_eq!(command(&mut driver, "enter"), Some(expected));
    assert_eq!(line(&driver), format!("menagerie alert silence {one} --until 8h"));
    driver.press("S ctrl-u");
    driver.type_text("off");
    assert!(matches!(command(&mut driver, "enter"), Some(WireCommand::SilenceAlerts { .. })));
}

#[test]
fn resolving_asks_what_was_done_and_for_notes() {
    let mut driver = Driver::new(&Place::Alerts, (120, 36));
    let one = id(&driver);
    driver.press("R");
    driver.type_text("raised the limit");
    driver.press("enter");
    driver.type_text("it's enough");
    let action = Some("raised the limit".to_owned());
    let notes = Some("it's enough".to_owned());
    let expected = WireCommand::ResolveAlerts { ids: vec![one.clone()], action, notes };
    assert_eq!(command(&mut driver, "enter"), Some(expected));
    let expected = format!("menagerie alert resolve {one} --action 'raised the limit' --notes \"it's enough\"");
    assert_eq!(line(&driver), expected);
    // Nothing is done when the notes are not given.
    let mut driver = Driver::new(&Place::Alerts, (120, 36));
    driver.press("R enter esc");
    assert!(driver.app.orders.log().is_empty());
}

#[test]
fn one_alert_says_everything_and_leads_on() {
    for size in [(80, 24), (120, 36), (200, 60)] {
        let mut driver = Driver::new(&Place::Alerts, size);
        driver.press("enter");
        assert_eq!(driver.app.history.place(), &Place::Alert(fleet::alerts::alert(0).id.to_string()));
        for words in ["memory of cage 003 is 70 %", "raise limits.memory", "97 % where 90 % is the limit"] {
            driver.sees(words);
        }
        // The figure that raised it, its thresholds and the moment it came up.
        for words in ["cage_memory_usage_ratio", "warning 80%", "critical 90%", "raised"] {
            driver.sees(words);
        }
        assert!(!driver.draw().replace('\n', "").chars().any(char::is_control));
        driver.press("G");
        for words in ["HISTORY", "raised as warning", "escalated to critical", "acknowledged: looking into it", "ann"] {
            driver.sees(words);
        }
    }
    let mut driver = Driver::new(&Place::Alerts, (120, 60));
    driver.press("enter");
    driver.sees("cage-memory, for each cage: last of cage_memory_usage_ratio in 1m > warning 80%, critical 90% for 5s");
    driver.sees("fired         12 times in all, the last 1h ago; 2 open");
    driver.sees("it is 92 % now (2 times)");
    driver.sees("silenced until 2026-03-04 12:00:00Z");
    driver.press("o");
    assert_eq!(driver.app.history.place(), &Place::Cage("003".into()));
    driver.press("7 j enter");
    driver.sees("It came from an event and not from a rule");
    driver.press("t");
    driver.sees("no rule has raised it");
    driver.press("enter");
    let builder = Place::Agent("builder-12".into(), "builder-12".into());
    assert_eq!(driver.app.history.place(), &builder);
    driver.sees("480 attempts");
}

#[test]
fn what_is_over_says_who_ended_it_and_how() {
    let mut driver = Driver::new(&Place::Alerts, (120, 60));
    driver.press("H enter");
    driver.sees("over");
    driver.sees("raised the limit");
    driver.sees("resolved: raised the limit");
}

/// What is asked of series when an alert is looked at.
fn series(driver: &mut Driver) -> Vec<crate::domain::metric::Query> {
    driver.collect();
    let asked = std::mem::take(&mut driver.asked);
    let mut queries = Vec::new();
    for (ticket, request) in asked {
        if let Request::Series(asked) = &request {
            queries.extend(asked.clone());
        }
        driver.app.update(Message::Answer { ticket, answer: fleet::answer(&request) });
    }
    queries
}

#[test]
fn the_figure_is_that_of_the_rule_and_of_what_the_alert_is_about() {
    let mut driver = Driver::new(&Place::Alerts, (120, 36));
    driver.app.update(Message::Key("enter".parse().unwrap(), Instant::now()));
    driver.draw();
    let mut queries = Vec::new();
    for _ in 0..4 {
        queries.extend(series(&mut driver));
        driver.draw();
    }
    let asked: Vec<String> = queries.iter().map(|query| query.selector.to_string()).collect();
    assert_eq!(asked, ["menagerie_cage_memory_usage_ratio{cage=\"003\"}"]);
    let raised = fleet::alerts::alert(0).time;
    assert!(queries[0].from < raised && raised < queries[0].to);
    // It is asked for again when a step has passed, and not before.
    assert_eq!(series(&mut driver), []);
    driver.draw();
    assert_eq!(series(&mut driver), []);
    driver.later(Duration::from_mins(1));
    driver.draw();
    assert!(matches!(&series(&mut driver)[..], [later] if later.to > queries[0].to));
    // A figure that nobody kept is not drawn as zero.
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.engine = Box::new(|request| match request {
        Request::Series(queries) => {
            let none = |query| crate::domain::metric::Answer { lines: vec![], ..fleet::metrics::series(query) };
            Ok(Answer::Series(queries.iter().map(none).collect()))
        }
        other => fleet::answer(other),
    });
    driver.press("7 enter");
    driver.sees("nothing is kept of last of cage_memory_usage_ratio in 1m >");
}

#[test]
fn keys_at_one_alert_act_on_it_and_not_on_the_marks_behind_it() {
    let mut driver = Driver::new(&Place::Alerts, (120, 36));
    // The marks are on two others.
    driver.press("space space");
    let marked: Vec<String> = driver.app.selection().unwrap().items.into_iter().map(|item| item.id).collect();
    driver.press("g enter");
    let shown = fleet::alerts::alert(0).id.to_string();
    let expected = WireCommand::AcknowledgeAlerts { ids: vec![shown.clone()], note: None };
    assert!(marked.len() == 2 && marked.contains(&shown));
    assert_eq!(command(&mut driver, "A"), Some(expected), "at once, and only this one");
    let mut driver = Driver::new(&Place::Alerts, (120, 36));
    driver.press("space g enter R");
    driver.type_text("done");
    driver.press("enter");
    let Some(WireCommand::ResolveAlerts { ids, .. }) = command(&mut driver, "enter") else { panic!("nothing is sent") };
    assert_eq!(ids, [shown], "also where something is asked before");
    driver.press("esc");
    let selected = driver.app.selection().unwrap();
    assert!(selected.marked, "afterwards the marks are what is selected again");
}

#[test]
fn what_has_no_screen_says_so() {
    let mut driver = Driver::new(&Place::Alerts, (120, 36));
    driver.press("j j o");
    driver.sees("there is no screen of what it is about");
}

#[test]
fn what_is_over_is_shown_apart() {
    let mut driver = Driver::new(&Place::Alerts, (120, 36));
    driver.sees_not("resolved");
    driver.sees("silenced 2h");
    driver.press("H");
    driver.sees("alerts that are over");
    driver.sees("resolved");
    assert_eq!(command(&mut driver, "R"), None);
    driver.sees("it is over already");
    driver.later(std::time::Duration::from_secs(1));
    driver.press("H");
    driver.sees_not("resolved");
}

#[test]
fn several_are_acknowledged_after_a_preview() {
    let mut driver = Driver::new(&Place::Alerts, (120, 36));
    driver.press("space space");
    assert_eq!(command(&mut driver, "A"), None);
    assert_eq!(driver.app.layer().unwrap().name(), "preview");
}

/// The engine tells of a change while these alerts are active; the calls that went to the terminal.
fn calls(driver: &mut Driver, numbers: &[u64]) -> Vec<String> {
    driver.app.update(Message::Pulse(fleet::pulse()));
    driver.collect();
    for (ticket, request) in std::mem::take(&mut driver.asked) {
        let answer = match &request {
            Request::Alerts(_) => {
                let rows: Vec<_> = numbers.iter().map(|number| fleet::alerts::alert(*number).into()).collect();
                Ok(Answer::Alerts(crate::ui::request::Page { total: rows.len() as u64, rows }))
            }
            other => fleet::answer(other),
        };
        driver.app.update(Message::Answer { ticket, answer });
    }
    driver.collect();
    let effects = std::mem::take(&mut driver.effects).into_iter();
    effects.filter_map(|effect| if let Effect::Send(sequence) = effect { Some(sequence) } else { None }).collect()
}

#[test]
fn who_looks_elsewhere_is_called_and_can_say_how() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    assert_eq!(calls(&mut driver, &[]), Vec::<String>::new());
    assert_eq!(calls(&mut driver, &[0]), Vec::<String>::new(), "the terminal is looked at");
    driver.app.update(Message::Focus(false));
    let sent = calls(&mut driver, &[0, 1]);
    assert_eq!(sent.len(), 1);
    assert!(sent[0].starts_with("\x1b]9;menagerie: error from agent builder-12"), "{sent:?}");
    // The next call waits, and comes by itself.
    assert_eq!(calls(&mut driver, &[0, 1, 10]), Vec::<String>::new());
    assert!(driver.app.wake_at().is_some());
    driver.later(Duration::from_secs(11));
    driver.app.woken();
    driver.collect();
    assert!(driver.effects.iter().any(|effect| matches!(effect, Effect::Send(_))));
    driver.effects.clear();
    driver.press(":");
    driver.type_text("set notify off");
    driver.press("enter");
    driver.later(Duration::from_mins(1));
    assert_eq!(calls(&mut driver, &[10, 12, 13]), Vec::<String>::new());
}

#[test]
fn they_look_as_they_did() {
    let mut problems = Vec::new();
    for size in frames::SIZES {
        for depth in [ColorDepth::True, ColorDepth::Mono] {
            for (name, keys) in [("alert", "d"), ("alert-event", "j d"), ("alert-over", "H d G")] {
                let mut driver = Driver::with(options(depth), &Place::Alerts, size);
                driver.press(keys);
                problems.extend(frames::check_encoded(name, size, depth, &mut driver).err());
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn an_alert_names_what_it_is_about_once_and_by_its_short_id() {
    const TASK: &str = "0195bbbb-0000-7000-8000-00a30174813c";
    let about = |source: &str, message: &str| {
        let mut alert = fleet::alerts::alert(1);
        (alert.source, alert.message) = (source.to_owned(), message.to_owned());
        alert
    };
    let alerts = vec![
        about(&format!("task {TASK}"), &format!("task {TASK}: it waits since 3h")),
        about("agent worker-05", "agent worker-05 has written nothing for 5 minutes"),
        about("agent worker-0", "agent worker-05 is not it"),
    ];
    for (place, size) in [(Place::Alerts, (120, 36)), (Place::Overview, (120, 36)), (Place::Overview, (80, 24))] {
        let mut driver = Driver::new(&place, size);
        let alerts = alerts.clone();
        driver.engine = Box::new(move |request| match (request, fleet::answer(request)) {
            (_, Ok(Answer::Alerts(mut page))) => {
                page.rows.splice(.., alerts.iter().cloned().map(AlertRow::from));
                page.total = 3;
                Ok(Answer::Alerts(page))
            }
            (_, Ok(Answer::Overview(mut overview))) => {
                overview.alerts.clone_from(&alerts);
                overview.alerts_total = 3;
                overview.health.clear();
                Ok(Answer::Overview(overview))
            }
            (_, answer) => answer,
        });
        driver.app.update(Message::Pulse(fleet::pulse()));
        driver.settle();
        driver.sees("task 0174813c");
        driver.sees_not("0195bbbb");
        let frame = driver.draw();
        assert_eq!(frame.matches("0174813c").count(), 1, "{frame}");
        if size.0 > 80 {
            assert_eq!(frame.matches("agent worker-05").count(), 2, "{frame}");
            driver.sees("has written nothing");
        }
    }
}

#[test]
fn a_shared_alert_names_those_that_share_it_and_how_many_they_are() {
    let mut driver = Driver::new(&Place::Alerts, (120, 36));
    driver.engine = Box::new(|request| match request {
        Request::Alert(_) => Ok(Answer::Alert(Box::new(AlertRow::from(Alert {
            source: "rule cage-memory".to_owned(),
            message: "3 more; last: cage 014 is full".to_owned(),
            context: serde_json::from_str("{\"trigger\": \"cage-memory\", \"value\": 3.0}").unwrap(),
            ..fleet::alerts::alert(0)
        })))),
        Request::AlertMembers(_) => Ok(Answer::Members(
            serde_json::from_value(serde_json::json!([
                {"source": "cage 014", "severity": "critical"}, {"source": "cage 003", "severity": "warning"},
                {"source": "cage 009", "severity": "warning"},
            ]))
            .unwrap(),
        )),
        other => fleet::answer(other),
    });
    driver.app.go(&Place::Alert(fleet::alerts::alert(0).id.to_string()));
    driver.settle();
    driver.press("g");
    driver.sees("3 share it");
    driver.sees("cage 014 (critical), cage 003, cage 009");
}

#[test]
fn an_open_alert_shows_what_its_figure_is_now() {
    // What its message says is what raised it. By itself, in the list, and where it waits for somebody.
    let mut driver = Driver::new(&Place::Alert(fleet::alerts::alert(8).id.to_string()), (120, 36));
    driver.sees("95.3 % now, 99.1 % at worst, 10m ago");
    driver.sees("its severity changed 24 times, warning now");
    let mut driver = Driver::new(&Place::Alerts, (120, 36));
    let frame = driver.draw();
    assert!(frame.lines().any(|line| line.contains("is 78 % of its limit") && line.contains("95.3 %")), "{frame}");
    let mut driver = Driver::new(&Place::Inbox, (120, 36));
    driver.press("G");
    driver.sees("95.3 % now, 99.1 % at worst");
}

#[test]
fn a_figure_has_its_unit_its_limit_and_the_name_of_what_is_measured() {
    let mut driver = Driver::new(&Place::Alert(fleet::alerts::alert(0).id.to_string()), (120, 36));
    driver.sees("97 % where 90 % is the limit, ");
    let rule = fleet::alerts::rules().into_iter().find(|row| row.rule.name == "cage-memory").unwrap().rule;
    driver.sees(&format!("{} of {}", rule.function, rule.measure()));
}
