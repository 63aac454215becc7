//! From one thing that needs somebody to the next.

use crate::ui::action::{Action, always};
use crate::ui::list::Motion;

/// The next match. A filtered list shows nothing but matches, so that is the next row.
pub static NEXT_MATCH: Action = Action {
    name: "next_match",
    title: "next match",
    help: "the next row that matches the filter",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| {
        app.with_list(|list, out| list.go(Motion::By(1), out));
    },
};

/// The match before.
pub static PREVIOUS_MATCH: Action = Action {
    name: "previous_match",
    title: "previous match",
    help: "the row before that matches the filter",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| {
        app.with_list(|list, out| list.go(Motion::By(-1), out));
    },
};
