//! Copying what is selected.

use crate::ui::action::Action;
use crate::ui::step::Step;

/// Copies the ids of what is selected.
pub static COPY: Action = Action {
    name: "copy",
    title: "copy id",
    help: "put the ids of what is selected into the clipboard, also over SSH",
    changes: false,
    hint: 0,
    ready: |app| match app.selection() {
        Some(_) => Ok(()),
        None => Err("nothing is selected".to_owned()),
    },
    run: |app| {
        let Some(selection) = app.selection() else { return };
        let ids: Vec<&str> = selection.items.iter().map(|item| item.id.as_str()).collect();
        app.step(Step::Copy(ids.join("\n")));
    },
};
