//! From one match to the next.

use crate::ui::action::{Action, always};
use crate::ui::app::App;
use crate::ui::step::Tone;

/// The next match. A filtered list shows nothing but matches, so there that is the next row.
pub static NEXT_MATCH: Action = Action {
    name: "next_match",
    title: "next match",
    help: "the next row that matches the filter, or the next place where the words stand",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| {
        go(app, true);
    },
};

/// The match before.
pub static PREVIOUS_MATCH: Action = Action {
    name: "previous_match",
    title: "previous match",
    help: "the row before that matches the filter, or the place before where the words stand",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| {
        go(app, false);
    },
};

fn go(app: &mut App, forward: bool) {
    if app.with_list(|list, out| list.go_to_match(forward, out)).is_some() {
        return;
    }
    let words = app.with_pager(|pager| (pager.next_match(forward), pager.searched().to_owned()));
    match words {
        Some((false, words)) if words.is_empty() => app.say(Tone::Info, "/ looks for words first"),
        Some((false, words)) => app.say(Tone::Info, format!("{words} stands nowhere here")),
        _ => {}
    }
}
