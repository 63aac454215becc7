//! Failures stay until they are read, and what is read is what is shown.

use std::time::Duration;

use super::Driver;
use crate::ui::place::Place;
use crate::ui::step::Tone;

fn failures(driver: &Driver) -> Vec<String> {
    driver.app.toasts.iter().filter(|toast| toast.tone == Tone::Bad).map(|toast| toast.text.clone()).collect()
}

#[test]
fn the_failure_that_is_shown_is_the_one_that_opens() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.app.say(Tone::Bad, "the keys are wrong");
    driver.app.say(Tone::Bad, "the theme is wrong");
    driver.sees("the theme is wrong   Esc: read, ! in full   and 1 more");
    driver.press("!");
    assert_eq!(failures(&driver), ["the keys are wrong"]);
    driver.press("esc");
    driver.sees("the keys are wrong   Esc: read, ! in full");
    driver.sees_not("and 1 more");
}

#[test]
fn escape_puts_no_failure_away_that_a_remark_hides() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.app.say(Tone::Bad, "the keys are wrong");
    driver.app.say(Tone::Info, "copied");
    driver.sees("copied   and 1 more");
    driver.press("esc");
    assert_eq!(failures(&driver), ["the keys are wrong"]);
}

#[test]
fn why_a_key_did_nothing_goes_with_the_next_key_and_takes_no_failure_along() {
    let mut driver = Driver::new(&Place::Metrics, (120, 36));
    driver.app.say(Tone::Bad, "the keys are wrong");
    driver.press("- -");
    driver.sees("shorter: there is no shorter range than 15m");
    driver.press("-");
    driver.sees("shorter: there is no shorter range than 15m");
    driver.press("esc");
    assert_eq!(failures(&driver), ["the keys are wrong"], "it was not in sight");
    driver.sees("the keys are wrong");
    driver.press("-");
    driver.sees("no shorter range");
    driver.press("5");
    driver.sees_not("no shorter range");
    driver.sees("the keys are wrong");
}

#[test]
fn a_moment_is_enough_for_why_a_key_did_nothing() {
    let mut driver = Driver::new(&Place::Metrics, (120, 36));
    driver.press("- -");
    driver.sees("no shorter range");
    driver.later(Duration::from_secs(5));
    driver.sees_not("no shorter range");
}
