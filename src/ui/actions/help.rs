//! What can be done here.

use crate::ui::action::{Action, always};
use crate::ui::layers::help::Help;

/// Lists everything that can be done here.
pub static HELP: Action = Action {
    name: "help",
    title: "help",
    help: "everything that can be done here; finds while one types, Enter does it",
    changes: false,
    hint: 3,
    ready: always,
    run: |app| {
        let help = Help::new(app);
        app.open(Box::new(help));
    },
};
