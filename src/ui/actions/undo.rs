//! Taking the last change back, and making it again.

use crate::ui::action::Action;
use crate::ui::app::App;
use crate::ui::layers::confirm::Confirm;
use crate::ui::orders::Undoable;
use crate::ui::request::Request;
use crate::ui::step::Step;
use crate::ui::text;

/// Takes the last change back.
pub static UNDO: Action = Action {
    name: "undo",
    title: "undo",
    help: "take the last change back, by a command that the journal keeps",
    changes: true,
    hint: 1,
    ready: |app| match app.orders.undoable() {
        Undoable::Last(_) | Undoable::Final(_, Some(_)) => Ok(()),
        Undoable::Nothing => Err("nothing was changed from here that can be taken back".to_owned()),
        Undoable::OnTheWay(last) => Err(format!("the last change is not done yet: {}", named(last))),
        Undoable::Final(last, None) => Err(format!("the last change cannot be taken back: {}", named(last))),
    },
    run: undo,
};

/// Takes an older change back, after it was said that the last one cannot be.
pub static UNDO_OLDER: Action = Action {
    name: "undo_older",
    title: "undo an older change",
    help: "take back the last change that can be, though later ones cannot",
    changes: true,
    hint: 0,
    ready: UNDO.ready,
    run: |app| {
        app.orders.pass_over_final();
        undo(app);
    },
};

/// Makes again what was taken back.
pub static REDO: Action = Action {
    name: "redo",
    title: "redo",
    help: "make again what was taken back last",
    changes: true,
    hint: 0,
    ready: |app| match app.orders.redoable() {
        Undoable::Last(_) | Undoable::Final(..) => Ok(()),
        Undoable::OnTheWay(last) => Err(format!("the last change is not done yet: {}", named(last))),
        Undoable::Nothing => Err("nothing was taken back".to_owned()),
    },
    run: redo,
};

fn named(title: &str) -> String {
    text::fit(&text::clean(title), 60).into_owned()
}

/// Takes the last change back. Where that cannot be, an older one is not taken in its place without a question.
fn undo(app: &mut App) {
    if let Undoable::Final(last, Some(older)) = app.orders.undoable() {
        let words = vec![
            format!("The last change cannot be taken back: {}.", named(last)),
            format!("The one before it that can be is: {}. Take that one back?", named(older)),
        ];
        app.open(Box::new(Confirm::new("take back an older change?", words, "", Step::Run("undo_older"))));
        return;
    }
    let Some(commands) = app.orders.begin_undo() else { return };
    // They are carried out in this order: the link sends each change once the one before it was answered.
    let requests = commands.into_iter().map(|command| Request::Command(Box::new(command)));
    let tickets: Vec<_> = requests.map(|request| app.ask(request)).collect();
    let now = app.wall();
    app.orders.undo_sent(&tickets, now);
}

fn redo(app: &mut App) {
    let Some(order) = app.orders.take_redo() else { return };
    let ticket = app.ask(Request::Command(Box::new(order.command.clone())));
    let now = app.wall();
    app.orders.redo_sent(ticket, order, now);
}
