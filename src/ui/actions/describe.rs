//! Everything about one thing.

use crate::ui::action::Action;

/// Shows everything about what the cursor is on.
pub static DESCRIBE: Action = Action {
    name: "describe",
    title: "details",
    help: "show everything that is known of what the cursor is on",
    changes: false,
    hint: 2,
    ready: |app| match app.selection() {
        Some(_) => Ok(()),
        None => Err("there is nothing under the cursor".to_owned()),
    },
    run: |app| {
        app.with_screen(|screen, out| screen.perform("describe", out));
    },
};
