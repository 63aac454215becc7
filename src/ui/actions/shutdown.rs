//! Stopping the engine, after a word has been typed.

use crate::ui::action::Action;
use crate::ui::app::App;
use crate::ui::layers::confirm::Confirm;
use crate::ui::step::Step;

/// Stops the engine and leaves what runs alone.
pub static SHUTDOWN: Action = Action {
    name: "shutdown",
    title: "stop the engine",
    help: "stop the engine; running agents go on and are taken up again",
    // A failed store takes no changes, and is a reason to stop: so the conditions are its own.
    changes: false,
    hint: 0,
    ready: may_stop,
    run: |app| ask(app, false),
};

/// Stops the engine and everything that runs.
pub static SHUTDOWN_ALL: Action = Action {
    name: "shutdown_all",
    title: "stop everything",
    help: "stop the engine and everything that runs",
    changes: false,
    hint: 0,
    ready: may_stop,
    run: |app| ask(app, true),
};

fn may_stop(app: &App) -> Result<(), String> {
    app.may_change()?;
    if app.link.is_up() { Ok(()) } else { Err("the engine is not connected".to_owned()) }
}

fn ask(app: &mut App, all: bool) {
    let words = if all {
        "Stops the engine and everything that runs in the cages. What runs is queued again."
    } else {
        "Stops the engine. What runs goes on and is taken up again by the next engine."
    };
    let words = vec![words.to_owned()];
    app.open(Box::new(Confirm::new("stop the engine?", words, "shutdown", Step::Shutdown(all))));
}
