//! Opening what hangs on a task: its output.

use crate::ui::action::Action;
use crate::ui::place::Place;
use crate::ui::step::Step;

/// Opens the output of the task under the cursor.
pub static OUTPUT: Action = Action {
    name: "output",
    title: "output",
    help: "what the task wrote, live; / searches, f follows, W wraps",
    changes: false,
    hint: 2,
    ready: |app| super::one_task(app).map(drop),
    run: |app| {
        if let Ok(task) = super::one_task(app) {
            app.step(Step::Go(Place::Output(task.id)));
        }
    },
};
