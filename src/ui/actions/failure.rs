//! Reading a failure in full.

use crate::ui::action::Action;
use crate::ui::layers::message::Message;
use crate::ui::step::Tone;

/// Opens the newest failure in full: the one that the line at the bottom shows.
pub static FAILURE: Action = Action {
    name: "failure",
    title: "read failure",
    help: "show the failure at the bottom in full, and put it away",
    changes: false,
    hint: 0,
    ready: |app| {
        if app.toasts.iter().any(|toast| toast.tone == Tone::Bad) {
            Ok(())
        } else {
            Err("nothing has failed".to_owned())
        }
    },
    run: |app| {
        if let Some(toast) = app.toasts.read_one() {
            let text = app.names.speak(&toast.text);
            app.open(Box::new(Message::new("what failed", text)));
        }
    },
};
