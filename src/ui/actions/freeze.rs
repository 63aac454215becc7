//! Holding the screen as it is.

use crate::ui::action::{Action, always};

/// Holds the screen, or lets it go on.
pub static FREEZE: Action = Action {
    name: "freeze",
    title: "freeze",
    help: "hold the screen as it is; again: go on",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| {
        app.frozen = !app.frozen;
        if !app.frozen {
            app.with_screen(|screen, out| screen.refresh(out));
        }
    },
};
