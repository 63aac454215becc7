//! Queueing new tasks, in a form or in an editor.

use crate::ui::action::{Action, always};
use crate::ui::layers::submit::{Submit, TEMPLATE};
use crate::ui::step::Step;

/// Opens the form.
pub static SUBMIT: Action = Action {
    name: "submit",
    title: "new task",
    help: "write a new task: a command or a type of work, and what it needs",
    changes: true,
    hint: 1,
    ready: always,
    run: |app| app.open(Box::new(Submit::new())),
};

/// Opens the editor.
pub static EDIT: Action = Action {
    name: "edit_tasks",
    title: "write tasks",
    help: "write new tasks as JSON lines in $EDITOR; what is saved is submitted",
    changes: true,
    hint: 0,
    ready: always,
    run: |app| app.step(Step::Edit(TEMPLATE.to_owned())),
};
