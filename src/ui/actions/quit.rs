//! Leaving.

use crate::ui::action::{Action, always};
use crate::ui::step::Step;

/// Leaves the console.
pub static QUIT: Action = Action {
    name: "quit",
    title: "quit",
    help: "leave the console; the fleet goes on",
    changes: false,
    hint: 1,
    ready: always,
    run: |app| app.step(Step::Quit),
};
