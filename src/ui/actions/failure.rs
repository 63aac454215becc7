//! Reading a failure, or what a verb said, in full.

use crate::ui::action::Action;
use crate::ui::layers::detail::Detail;
use crate::ui::toasts::Toast;

/// Opens the newest remark that stays in full: the one that the line at the bottom shows.
pub static FAILURE: Action = Action {
    name: "failure",
    title: "read failure",
    help: "show the failure or the result at the bottom in full, and put it away",
    changes: false,
    hint: 0,
    ready: |app| {
        if app.toasts.iter().any(Toast::stays) { Ok(()) } else { Err("nothing has failed".to_owned()) }
    },
    run: |app| {
        if let Some(toast) = app.toasts.read_one() {
            let (title, text) = toast.full.unwrap_or_else(|| ("what failed".to_owned(), app.names.speak(&toast.text)));
            app.open(Box::new(Detail::of_text(title, &text)));
        }
    },
};
