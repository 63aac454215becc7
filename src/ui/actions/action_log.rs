//! What was changed from here.

use crate::ui::action::{Action, always};
use crate::ui::layers::action_log::ActionLog;

/// Shows what was changed, with command lines.
pub static ACTION_LOG: Action = Action {
    name: "action_log",
    title: "action log",
    help: "what was changed from here, each with the command line that does the same",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| {
        let log = ActionLog::new(app.orders.log(), &app.options);
        app.open(Box::new(log));
    },
};
