//! Opening what hangs on a task: its dependencies.

use crate::ui::action::Action;
use crate::ui::place::Place;
use crate::ui::step::Step;

/// Opens the dependencies of the task under the cursor.
pub static DEPENDENCIES: Action = Action {
    name: "dependencies",
    title: "dependencies",
    help: "what the task waits for and what waits for it, as trees",
    changes: false,
    hint: 1,
    ready: |app| super::one_task(app).map(drop),
    run: |app| {
        if let Ok(task) = super::one_task(app) {
            app.step(Step::Go(Place::Dependencies(task.id)));
        }
    },
};
