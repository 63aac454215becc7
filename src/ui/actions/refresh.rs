//! Asking anew.

use crate::ui::action::{Action, always};
use crate::ui::step::Step;

/// Asks the engine anew for what is in sight.
pub static REFRESH: Action = Action {
    name: "refresh",
    title: "refresh",
    help: "ask the engine anew for what is in sight",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| {
        app.with_screen(|screen, out| screen.refresh(out));
    },
};

/// Draws everything anew.
pub static REDRAW: Action = Action {
    name: "redraw",
    title: "redraw",
    help: "draw everything anew, after something else wrote to the terminal",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| app.step(Step::Redraw),
};
