//! Going through what waits for a human.

use crate::ui::action::{Action, always};
use crate::ui::app::App;
use crate::ui::list::Motion;
use crate::ui::screen::Screen;
use crate::ui::step::{Step, Tone};

/// Opens what the cursor is on, or folds a group.
pub static OPEN_ITEM: Action = Action {
    name: "open_item",
    title: "open",
    help: "read what the cursor is on on a screen of its own; on a group: fold it, or unfold it",
    changes: false,
    hint: 3,
    ready: always,
    run: |app| match app.screen().and_then(Screen::target) {
        Some(place) => app.step(Step::Go(place)),
        None => perform(app, "fold", "there is nothing under the cursor to open"),
    },
};

/// Puts alike things together or not.
pub static GROUP: Action = Action {
    name: "group",
    title: "group",
    help: "put alike things together under one heading, or show all by what their delay costs",
    changes: false,
    hint: 2,
    ready: always,
    run: |app| perform(app, "group", "only the inbox has groups"),
};

/// Shows what was put off.
pub static SHOW_SNOOZED: Action = Action {
    name: "show_snoozed",
    title: "show put off",
    help: "show what was put off too, or only what waits now",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| perform(app, "show_snoozed", "only the inbox has things that were put off"),
};

/// Shows what has changed since the version before.
pub static CHANGES: Action = Action {
    name: "changes",
    title: "changes",
    help: "what has changed since the last artifact of the same title by the same agent; again: the text",
    changes: false,
    hint: 1,
    ready: always,
    run: |app| perform(app, "changes", "no artifact is in sight here"),
};

/// Shows the rule that follows from what was judged.
pub static PROPOSAL: Action = Action {
    name: "proposal",
    title: "proposed rule",
    help: "show the rule that follows from what you judged, and how it would have done; it is armed by a word",
    changes: true,
    hint: 2,
    ready: always,
    run: |app| perform(app, "proposal", "no rule is proposed here"),
};

/// Scrolls the text beside the list down.
pub static TEXT_DOWN: Action = Action {
    name: "text_down",
    title: "scroll text",
    help: "half a page down in the text beside the list",
    changes: false,
    hint: 1,
    ready: has_text,
    run: |app| {
        app.with_pager(|pager| pager.go(Motion::HalfPages(1)));
    },
};

/// Scrolls the text beside the list up.
pub static TEXT_UP: Action = Action {
    name: "text_up",
    title: "scroll text up",
    help: "half a page up in the text beside the list",
    changes: false,
    hint: 0,
    ready: has_text,
    run: |app| {
        app.with_pager(|pager| pager.go(Motion::HalfPages(-1)));
    },
};

fn has_text(app: &App) -> Result<(), String> {
    app.text().map(drop).ok_or_else(|| "there is no text beside the list".to_owned())
}

/// Has the screen do what only it can, or says why not.
fn perform(app: &mut App, action: &str, otherwise: &str) {
    if app.with_screen(|screen, out| screen.perform(action, out)) != Some(true) {
        app.say(Tone::Info, otherwise);
    }
}
