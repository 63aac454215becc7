//! Why a task is where it is.

use crate::ui::action::Action;
use crate::ui::layers::explain::Explain;

/// Answers why a task waits.
pub static EXPLAIN: Action = Action {
    name: "explain",
    title: "why",
    help: "why the task is where it is: what holds it up, cage by cage, and the smallest change that admits it",
    changes: false,
    hint: 3,
    ready: |app| match super::one_task(app)?.state.as_str() {
        "pending" | "scheduled" | "executing" => Ok(()),
        other => Err(format!("it is {other}; Enter shows how it ended")),
    },
    run: |app| {
        if let Ok(task) = super::one_task(app) {
            app.open(Box::new(Explain::new(task.id, task.name)));
        }
    },
};
