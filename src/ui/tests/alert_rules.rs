//! The rules that raise alerts, trying them on the past, and silences.

use std::time::Instant;

use super::{Driver, fleet, frames, options};
use crate::api::types::WireCommand;
use crate::domain::time::When;
use crate::domain::{AlertRulePatch, Matcher};
use crate::ui::app::Effect;
use crate::ui::message::Message;
use crate::ui::place::Place;
use crate::ui::request::Request;
use crate::ui::terminal::ColorDepth;

/// Presses a key and gives what it asked for.
fn asked(driver: &mut Driver, key: &str) -> Vec<Request> {
    driver.collect();
    driver.asked.clear();
    driver.app.update(Message::Key(key.parse().unwrap(), Instant::now()));
    driver.collect();
    driver.asked.iter().map(|(_, request)| request.clone()).collect()
}

fn command(driver: &mut Driver, key: &str) -> Option<WireCommand> {
    asked(driver, key).into_iter().find_map(|request| match request {
        Request::Command(command) => Some(*command),
        _ => None,
    })
}

fn line(driver: &Driver) -> String {
    driver.app.orders.log().last().unwrap().line.clone()
}

fn on(name: &str) -> Driver {
    let mut driver = Driver::new(&Place::AlertRules, (120, 36));
    while driver.app.selection().unwrap().items[0].id != name {
        driver.press("j");
    }
    driver
}

#[test]
fn rules_say_what_they_hold_against_what_and_how_often_they_fired() {
    for size in [(80, 24), (120, 36), (200, 60)] {
        let mut driver = Driver::new(&Place::Alerts, size);
        driver.press("r");
        for words in ["alert rules [4]", "cage-memory", "80%", "90%", "cost-burn", "disabled", "$20", "FIRED", "12"] {
            driver.sees(words);
        }
    }
    let mut driver = Driver::new(&Place::AlertRules, (200, 60));
    driver.sees("last of cage_memory_usage_ratio in 1m >");
    // A rule that never fired has no time at which it did.
    let rows = driver.draw();
    let row = rows.lines().find(|row| row.contains("cost-burn")).unwrap();
    assert!(row.contains(" 0    - "), "{row}");
    driver.press("/");
    driver.type_text("queue");
    driver.press("enter");
    driver.sees("alert rules [1] /queue");
    driver.press("esc enter");
    for words in ["for at most 10 at a time", "{scope} uses {value}", "stop what leaks", "built in"] {
        driver.sees(words);
    }
}

#[test]
fn rules_are_enabled_and_disabled() {
    let mut driver = on("cost-burn");
    let expected = WireCommand::EnableAlertRules { names: vec!["cost-burn".into()], on: true };
    assert_eq!(command(&mut driver, "E"), Some(expected));
    assert_eq!(line(&driver), "menagerie alert rule enable cost-burn");
    let mut driver = on("hot");
    let expected = WireCommand::EnableAlertRules { names: vec!["hot".into()], on: false };
    assert_eq!(command(&mut driver, "E"), Some(expected));
    // Of what is marked, those that are not evaluated are, after a preview; in the details just the one.
    let mut driver = Driver::new(&Place::AlertRules, (120, 36));
    driver.press("space space");
    assert_eq!(command(&mut driver, "E"), None);
    assert_eq!(driver.app.layer().unwrap().name(), "preview");
    driver.draw();
    driver.settle();
    assert_eq!(
        command(&mut driver, "y"),
        Some(WireCommand::EnableAlertRules { names: vec!["cost-burn".into()], on: true })
    );
    let mut driver = on("hot");
    driver.press("space k k enter");
    let expected = WireCommand::EnableAlertRules { names: vec!["cost-burn".into()], on: true };
    assert_eq!(command(&mut driver, "E"), Some(expected));
}

#[test]
fn a_rule_is_tried_on_the_past_from_its_row_and_from_its_alert() {
    for (place, keys) in [(Place::AlertRules, "t"), (Place::Alerts, "enter t")] {
        let mut driver = Driver::new(&place, (120, 36));
        driver.press(keys);
        driver.press("ctrl-u");
        driver.type_text("soon");
        driver.press("enter");
        assert_eq!(driver.app.layer().unwrap().name(), "prompt", "what is no span is asked for again");
        driver.press("ctrl-u");
        driver.type_text("1h");
        let found = asked(&mut driver, "enter");
        let [Request::TestRule(test)] = &found[..] else { panic!("{found:?}") };
        let rule = AlertRulePatch { name: "cage-memory".into(), ..AlertRulePatch::default() };
        assert_eq!((&test.rule, test.since.to_string()), (&rule, "1h".to_owned()));
        driver.settle();
        for words in ["It would have fired 2 times.", "86,400 samples of 12 subjects", "critical", "cage 003", "to now"]
        {
            driver.sees(words);
        }
        driver.press("esc");
        assert!(driver.app.layer().is_none());
    }
    // Without samples nobody knows.
    let mut driver = on("hot");
    driver.press("t enter");
    driver.sees("Nobody knows whether it would have fired.");
}

#[test]
fn thresholds_are_asked_for_one_after_the_other() {
    let mut driver = on("queue-wait");
    driver.press("e ctrl-u");
    driver.type_text("5 parrots");
    driver.press("enter");
    assert_eq!(driver.app.layer().unwrap().name(), "prompt");
    driver.press("ctrl-u");
    driver.type_text("20m");
    driver.press("enter");
    driver.sees("2h");
    driver.press("ctrl-u");
    let rule = AlertRulePatch {
        name: "queue-wait".into(),
        warning: Some("20m".parse().unwrap()),
        ..AlertRulePatch::default()
    };
    assert_eq!(command(&mut driver, "enter"), Some(WireCommand::AddAlertRule { rule: Box::new(rule) }));
    assert_eq!(line(&driver), "menagerie alert rule add queue-wait --warning 20m");
    let mut driver = on("queue-wait");
    driver.press("e ctrl-u enter ctrl-u enter");
    driver.sees("the thresholds stay as they are");
    assert!(driver.app.orders.log().is_empty());
}

#[test]
fn rules_are_added_by_the_verb_and_removed_after_a_preview() {
    let mut driver = Driver::new(&Place::AlertRules, (120, 36));
    driver.press("+");
    driver.type_text("warm --metric menagerie_gpu_temperature_celsius --warning 80");
    driver.press("enter");
    let verb = "menagerie alert rule add warm --metric menagerie_gpu_temperature_celsius --warning 80";
    driver.collect();
    assert!(driver.effects.contains(&Effect::Verb(verb.into())), "{:?}", driver.effects);
    let mut driver = on("hot");
    assert_eq!(command(&mut driver, "D"), None);
    assert_eq!(driver.app.layer().unwrap().name(), "preview");
}

#[test]
fn silences_are_made_for_rules_and_sources_and_ended() {
    let mut driver = on("cage-memory");
    driver.press("S");
    driver.type_text("8h");
    driver.press("enter");
    driver.type_text("it's known");
    let until: When = "8h".parse().unwrap();
    let matcher = Matcher { rule: Some("cage-memory".into()), source: None };
    let expected = WireCommand::AddSilence { matcher, until, note: Some("it's known".into()) };
    assert_eq!(command(&mut driver, "enter"), Some(expected));
    assert_eq!(line(&driver), "menagerie alert silence --rule cage-memory --until 8h --note \"it's known\"");

    let mut driver = Driver::new(&Place::Alerts, (120, 36));
    driver.press("m");
    for words in
        ["silences [3]", "cage-memory", "cage 00*", "2026-03-04 12:00:00Z", "2h", "ann", "over", "agent builder"]
    {
        driver.sees(words);
    }
    driver.press("+ enter enter");
    assert_eq!(driver.app.layer().unwrap().name(), "prompt", "what would silence everything is asked for again");
    driver.type_text("cage 01*");
    driver.press("enter enter");
    let matcher = Matcher { rule: None, source: Some("cage 01*".into()) };
    let expected = WireCommand::AddSilence { matcher, until: "1h".parse().unwrap(), note: None };
    assert_eq!(command(&mut driver, "enter"), Some(expected));
    assert_eq!(line(&driver), "menagerie alert silence --source 'cage 01*' --until 1h");

    let mut driver = Driver::new(&Place::Silences, (120, 36));
    // The first to end stands first.
    let id = fleet::alerts::silences()[2].id;
    assert_eq!(command(&mut driver, "D"), Some(WireCommand::RemoveSilences { ids: vec![id] }));
    assert_eq!(line(&driver), format!("menagerie alert silences --end {id}"));
}

#[test]
fn they_look_as_they_did() {
    let mut problems = Vec::new();
    for size in frames::SIZES {
        for depth in [ColorDepth::True, ColorDepth::Mono] {
            let places = [
                ("rules", Place::AlertRules, ""),
                ("rule", Place::AlertRules, "enter"),
                ("rule-tested", Place::AlertRules, "t enter"),
                ("silences", Place::Silences, ""),
            ];
            for (name, place, keys) in places {
                let mut driver = Driver::with(options(depth), &place, size);
                if !keys.is_empty() {
                    driver.press(keys);
                }
                problems.extend(frames::check_encoded(name, size, depth, &mut driver).err());
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn what_is_marked_is_shown_before_it_is_changed_though_it_is_one() {
    for (place, key) in [(Place::AlertRules, "E"), (Place::Silences, "D")] {
        let mut driver = Driver::new(&place, (120, 36));
        driver.press("space j");
        assert_eq!(command(&mut driver, key), None, "{place:?}");
        assert_eq!(driver.app.layer().unwrap().name(), "preview", "{place:?}");
    }
}

#[test]
fn thresholds_and_trials_are_of_the_rule_that_was_chosen() {
    let mut driver = on("queue-wait");
    driver.press("space g e");
    driver.sees("queue-wait: warning");
    driver.press("esc t");
    driver.sees("test queue-wait on the last");
    // From the details it is the one that is shown, whatever is marked behind them.
    driver.press("esc enter e");
    driver.sees("cage-memory: warning");
    driver.press("esc j space t");
    driver.sees("it works for one rule at a time");
}
