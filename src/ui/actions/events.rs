//! The journal: following it, and one kind of record only.

use crate::domain::event::Event;
use crate::ui::action::{Action, always};
use crate::ui::layers::menu::{Choice, Menu};
use crate::ui::step::Step;

/// Follows what happens, or stays.
pub static FOLLOW: Action = Action {
    name: "follow_journal",
    title: "follow",
    help: "go to the newest and stay with it; again: stay where one is",
    changes: false,
    hint: 2,
    ready: always,
    run: |app| {
        app.with_screen(|screen, out| screen.perform("follow_journal", out));
    },
};

/// Offers the kinds of records.
pub static KINDS: Action = Action {
    name: "kinds",
    title: "kind",
    help: "show only one kind of record",
    changes: false,
    hint: 2,
    ready: always,
    run: |app| {
        let filter = app.with_list(|list, _| list.filter().to_owned()).unwrap_or_default();
        // The rest of the filter stays as it is.
        let rest: Vec<&str> = filter.split_whitespace().filter(|term| !term.starts_with("kind:")).collect();
        let rest = rest.join(" ");
        let with = |term: &str| format!("{term} {rest}").trim().to_owned();
        let all = with("");
        let mut choices = vec![Choice::new("every kind", "", move || Step::Filter(all.clone()))];
        choices.extend(Event::KINDS.iter().map(|kind| {
            let filter = with(&format!("kind:={kind}"));
            Choice::new(*kind, "", move || Step::Filter(filter.clone()))
        }));
        app.open(Box::new(Menu::new("records of kind", choices)));
    },
};
