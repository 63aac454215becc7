//! What lies over a screen, whatever it is of.

use serde_json::json;

use super::{Driver, fleet, options};
use crate::api::types::WireCommand;
use crate::ui::layers::preview::Preview;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request};
use crate::ui::step::{Order, Step};
use crate::ui::terminal::ColorDepth;

#[test]
fn a_preview_is_scrolled_no_further_than_its_end_so_that_the_way_back_begins_at_once() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.engine = Box::new(|request| match request {
        Request::WhatIf(_) => {
            let item = |number| json!({"item": format!("thing-{number:03}"), "change": "pending -> cancelled"});
            let items: Vec<_> = (0..100).map(item).collect();
            let what_if = json!({"items": items, "figures": [], "reversible": true});
            Ok(Answer::WhatIf(serde_json::from_value(what_if).unwrap()))
        }
        other => fleet::answer(other),
    });
    let command = WireCommand::RetryTasks { ids: vec![] };
    driver.app.open(Box::new(Preview::new(Order { command, line: String::new(), title: "retry".to_owned() })));
    driver.settle();
    driver.sees("thing-000");
    for _ in 0..200 {
        driver.press("j");
    }
    driver.sees("thing-099");
    driver.sees_not("more lines below");
    driver.press("k");
    driver.sees("1 more line below");
    driver.press("g");
    driver.sees("thing-000");
    driver.press("end");
    driver.sees("thing-099");
    driver.press("pageup");
    // A page is what is in sight: 30 lines at this height.
    driver.sees("28 more lines below");
    driver.press("home pagedown G");
    driver.sees("thing-099");
}

#[test]
fn a_preview_shows_things_before_figures_and_of_figures_those_that_change() {
    let mut driver = Driver::new(&Place::Tasks, (80, 24));
    driver.engine = Box::new(|request| match request {
        Request::WhatIf(_) => {
            let refusal = json!({"kind": "conflict", "field": "status", "value": "failed",
                "allowed": "a task that has not ended, or one that is tried again"});
            let item = |number: usize| match number {
                3 | 7 => json!({"item": format!("thing-{number}"), "change": "", "refusal": refusal}),
                number => json!({"item": format!("thing-{number}"), "change": "priority 5 -> 7"}),
            };
            let items: Vec<_> = (0..9).map(item).collect();
            let figure = |number: usize| {
                let after = if number == 20 { 2 } else { 1 };
                json!({"what": format!("figure {number}"), "unit": "count", "before": 1, "after": after})
            };
            let figures: Vec<_> = (0..40).map(figure).collect();
            let what_if = json!({"items": items, "figures": figures, "reversible": false});
            Ok(Answer::WhatIf(serde_json::from_value(what_if).unwrap()))
        }
        other => fleet::answer(other),
    });
    let command = WireCommand::RetryTasks { ids: vec![] };
    driver.app.open(Box::new(Preview::new(Order { command, line: String::new(), title: "retry".to_owned() })));
    driver.settle();
    driver.sees("7 will change, 2 cannot");
    let frame = driver.draw();
    let row = |what: &str| frame.lines().position(|line| line.contains(what)).unwrap_or(usize::MAX);
    assert!(row("thing-7") < row("thing-0"), "{frame}");
    // The reason is there to its end.
    driver.sees("tried again");
    driver.sees("this cannot be taken back");
    driver.press("G");
    driver.sees("figure 20");
    driver.sees("39 figures stay as they are");
    driver.sees_not("figure 21");
}

#[test]
fn whoever_leaves_the_choice_of_a_theme_has_what_was_there_before() {
    for chosen in [None, Some("nord".to_owned()), Some("no such theme".to_owned())] {
        let mut options = options(ColorDepth::True);
        options.theme.clone_from(&chosen);
        let mut driver = Driver::with(options, &Place::Silences, (120, 36));
        let before = driver.app.theme.clone();
        driver.app.step(Step::Run("theme"));
        driver.press("down down down");
        assert!(driver.app.theme != before);
        driver.press("esc");
        assert!(driver.app.theme == before, "{chosen:?}");
        assert_eq!(driver.app.options.theme, chosen, "auto stays auto");
    }
}

#[test]
fn lines_of_the_palette_are_kept_up_to_a_bound() {
    let mut driver = Driver::new(&Place::Silences, (120, 36));
    for number in 0..1_000 {
        driver.app.step(Step::Remember(format!("filter {number}")));
    }
    assert_eq!(driver.app.palette_history.len(), 200);
    assert_eq!(driver.app.palette_history.last().map(String::as_str), Some("filter 999"));
}

#[test]
fn what_is_called_as_was_typed_comes_before_what_is_called_so_elsewhere() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.press(":");
    driver.type_text("out");
    let frame = driver.draw();
    let place = |what: &str| frame.lines().position(|line| line.contains(what)).unwrap_or(usize::MAX);
    let (named, other) = (place("   output "), place("   quit "));
    assert!(named < other, "{frame}");
}

#[test]
fn a_list_that_goes_on_below_has_a_scrollbar_and_one_that_does_not_has_none() {
    // The frame on top is the one that is drawn within the screen's own.
    let bar = |driver: &mut Driver| driver.draw().lines().filter(|line| line.matches('█').count() == 1).count();
    for keys in ["?", ":"] {
        let mut driver = Driver::new(&Place::Silences, (80, 24));
        let before = bar(&mut driver);
        driver.press(keys);
        assert!(bar(&mut driver) > before, "{keys}:\n{}", driver.draw());
        driver.type_text("maintenance");
        assert_eq!(bar(&mut driver), before, "{keys}:\n{}", driver.draw());
    }
    let mut driver = Driver::new(&Place::Silences, (80, 16));
    let before = bar(&mut driver);
    driver.app.step(Step::Run("theme"));
    assert!(bar(&mut driver) > before, "{}", driver.draw());
}
