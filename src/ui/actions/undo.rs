//! Taking the last change back, and making it again.

use crate::ui::action::Action;
use crate::ui::app::App;
use crate::ui::request::Request;

/// Takes the last change back.
pub static UNDO: Action = Action {
    name: "undo",
    title: "undo",
    help: "take the last change back, by a command that the journal keeps",
    changes: true,
    hint: 1,
    ready: |app| match app.orders.undoable() {
        Some(_) => Ok(()),
        None => Err("nothing was changed from here that can be taken back".to_owned()),
    },
    run: undo,
};

/// Makes again what was taken back.
pub static REDO: Action = Action {
    name: "redo",
    title: "redo",
    help: "make again what was taken back last",
    changes: true,
    hint: 0,
    ready: |app| match app.orders.redoable() {
        Some(_) => Ok(()),
        None => Err("nothing was taken back".to_owned()),
    },
    run: redo,
};

fn undo(app: &mut App) {
    let Some(commands) = app.orders.begin_undo() else { return };
    let mut last = 0;
    for command in commands {
        last = app.ask(Request::Command(Box::new(command)));
    }
    let now = app.wall();
    app.orders.undo_sent(last, now);
}

fn redo(app: &mut App) {
    let Some(order) = app.orders.take_redo() else { return };
    let ticket = app.ask(Request::Command(Box::new(order.command.clone())));
    let now = app.wall();
    app.orders.redo_sent(ticket, order, now);
}
