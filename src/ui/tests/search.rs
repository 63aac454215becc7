//! Search: what has some words, to choose from and to open.

use ratatui::style::Modifier;

use super::{Driver, fleet, frames, options};
use crate::ui::Options;
use crate::ui::app::Effect;
use crate::ui::place::Place;
use crate::ui::request::Request;
use crate::ui::terminal::ColorDepth;

fn search(options: Options, size: (u16, u16), line: &str) -> Driver {
    let mut driver = Driver::with(options, &Place::Tasks, size);
    driver.press(":");
    driver.type_text(line);
    driver.press("enter");
    driver
}

fn console(line: &str) -> Driver {
    search(options(ColorDepth::True), (80, 24), line)
}

fn layer(driver: &Driver) -> Option<&'static str> {
    driver.app.layer().map(crate::ui::layer::Layer::name)
}

#[test]
fn each_hit_is_opened_where_it_is_shown() {
    let places = [
        Place::Agent(fleet::agents::id(13), "builder-13".into()),
        Place::Task(fleet::tasks::id(487)),
        Place::Artifact(fleet::review::id(2), "parser.md".into()),
        Place::Events,
        Place::Alert(fleet::alerts::alert(1).id.to_string()),
    ];
    for (downs, place) in places.iter().enumerate() {
        let mut driver = console("search parser");
        assert_eq!(layer(&driver), Some("search"));
        driver.sees("search [20]");
        for _ in 0..downs {
            driver.press("down");
        }
        driver.press("enter");
        assert_eq!((layer(&driver), driver.app.history.place()), (None, place));
    }
    let mut driver = console("search parser");
    driver.press("down down down enter");
    assert_eq!(driver.app.with_list(|list, _| list.filter().to_owned()).as_deref(), Some("seq:4000"));
}

#[test]
fn every_hit_can_be_come_to_on_a_small_terminal() {
    let mut driver = console("search parser");
    driver.sees_not("target 13");
    for _ in 0..40 {
        driver.press("down");
    }
    driver.sees("target 13");
    driver.sees("the 20 best; -n finds more");
    driver.press("enter");
    assert_eq!(*driver.app.history.place(), Place::Task(fleet::tasks::id(113)));
}

#[test]
fn what_was_found_stands_out_with_and_without_colours() {
    let mut driver = console("search parser");
    let frame = driver.draw();
    assert!(frame.contains("mend the parser, then test it") && frame.contains("(a similar name)"), "{frame}");
    let style = driver.app.theme.style(crate::ui::theme::Role::Match);
    assert!(style.add_modifier.contains(Modifier::UNDERLINED));
    assert_eq!(Some(driver.colour_of("parser of the grammar")), style.fg);
    for plain in [Options { ascii: true, ..options(ColorDepth::True) }, options(ColorDepth::Mono)] {
        search(plain, (80, 24), "search parser").sees("mend the [parser], then test it");
    }
}

#[test]
fn words_are_looked_for_as_they_are_typed_and_read_as_the_command_line_reads_them() {
    let mut driver = console("search");
    // A list has no text to look through.
    assert_eq!(layer(&driver), Some("search"));
    driver.sees("Words that must all occur");
    driver.type_text("parser --in artifact");
    driver.sees("search [1]");
    driver.sees_not("mend the");
    driver.type_text(" --in agent -n 1");
    driver.sees("the 1 best");
    driver.type_text(" --im");
    driver.sees("--im is no option of search");
    driver.press("esc");
    assert_eq!(layer(&driver), None);
    let mut driver = console("search nothing");
    driver.sees("nothing has all of these words");
    driver.sees("12 new records of the journal are not searched yet");
    // What only the command line knows it is left to.
    let mut driver = console("search -o json parser");
    driver.collect();
    assert!(driver.effects.iter().any(|it| matches!(it, Effect::Verb(line) if line == "search -o json parser")));
}

#[test]
fn what_is_not_here_yet_is_not_opened() {
    let mut driver = Driver::new(&Place::Tasks, (80, 24));
    driver.press(":");
    driver.type_text("search parser");
    driver.app.update(crate::ui::message::Message::Key("enter".parse().unwrap(), std::time::Instant::now()));
    driver.collect();
    driver.app.update(crate::ui::message::Message::Key("enter".parse().unwrap(), std::time::Instant::now()));
    driver.sees("what was found is still on its way");
    assert_eq!(layer(&driver), Some("search"));
    // An engine that cannot say is heard.
    driver.engine = Box::new(|request| match request {
        Request::Search(_) => Err("the index of words is of the present only".to_owned()),
        other => fleet::answer(other),
    });
    driver.settle();
    driver.sees("of the present only");
}

#[test]
fn what_is_no_verb_is_offered_as_words_to_look_for() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.press(":");
    driver.type_text("grammar zz");
    driver.sees("search for: grammar zz");
    driver.press("down enter");
    assert_eq!(layer(&driver), Some("search"));
    driver.sees("search: grammar zz");
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.press(":");
    driver.type_text("tasks");
    driver.sees_not("search for");
}

#[test]
fn names_of_agents_are_completed_and_one_that_there_is_not_is_refused() {
    let mut driver = Driver::new(&Place::Tasks, (120, 36));
    driver.app.options.verbs = super::palette::verbs;
    driver.press(":");
    driver.type_text("agent lder-1");
    driver.sees("agent builder-13");
    driver.press("esc :");
    driver.type_text("agent builder-13");
    driver.press("esc :");
    driver.type_text("agent lead-3");
    driver.press("tab");
    driver.sees(": agent lead-3");
    driver.press("enter");
    assert_eq!(*driver.app.history.place(), Place::Agent(fleet::agents::id(3), "lead-3".into()));
    // Behind a verb too, and the line can go on.
    driver.press(":");
    driver.type_text("agent drain direc");
    driver.press("tab");
    driver.type_text("x");
    driver.sees(": agent drain director x");
    driver.press("esc :");
    driver.type_text("agent bilder-13");
    driver.press("enter");
    driver.sees("did you mean \"builder-13\"?");
    assert_eq!(layer(&driver), Some("palette"));
    assert_eq!(*driver.app.history.place(), Place::Agent(fleet::agents::id(3), "lead-3".into()));
    // Whoever types on is not taken away by an answer that comes late.
    driver.press("esc 5 :");
    driver.type_text("agent lead-3");
    driver.app.update(crate::ui::message::Message::Key("enter".parse().unwrap(), std::time::Instant::now()));
    driver.app.update(crate::ui::message::Message::Key("x".parse().unwrap(), std::time::Instant::now()));
    driver.settle();
    assert_eq!((layer(&driver), driver.app.history.place()), (Some("palette"), &Place::Tasks));
}

#[test]
fn it_looks_as_it_did() {
    let mut problems = Vec::new();
    for size in frames::SIZES {
        for depth in [ColorDepth::True, ColorDepth::Mono] {
            let mut driver = search(options(depth), size, "search parser");
            problems.extend(frames::check_encoded("search", size, depth, &mut driver).err());
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
