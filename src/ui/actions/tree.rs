//! Agents as a tree: on and off, folding and unfolding.

use crate::ui::action::{Action, always};
use crate::ui::app::App;
use crate::ui::place::Place;

/// Shows agents as a tree, or as a list again.
pub static TREE: Action = Action {
    name: "tree",
    title: "tree",
    help: "show agents as a tree of who reports to whom, or as a list again",
    changes: false,
    hint: 2,
    ready: |app| match app.history.place() {
        Place::Agents => Ok(()),
        _ => Err("only the list of agents can be shown as a tree".to_owned()),
    },
    run: |app| perform(app, "tree"),
};

/// Hides or shows those below.
pub static FOLD: Action = Action {
    name: "fold",
    title: "fold",
    help: "hide or show those who report to the agent under the cursor",
    changes: false,
    hint: 2,
    ready: always,
    run: |app| perform(app, "fold"),
};

/// Hides those below, or goes to the superior.
pub static FOLD_CLOSE: Action = Action {
    name: "fold_close",
    title: "fold, up",
    help: "hide those who report to this agent; when there is nobody to hide, go to its superior",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| perform(app, "fold_close"),
};

/// Shows those below, or goes to the first of them.
pub static FOLD_OPEN: Action = Action {
    name: "fold_open",
    title: "unfold, down",
    help: "show those who report to this agent, or go to the first of them; where there is nobody: open the agent",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| perform(app, "fold_open"),
};

fn perform(app: &mut App, action: &'static str) {
    app.with_screen(|screen, out| screen.perform(action, out));
}
