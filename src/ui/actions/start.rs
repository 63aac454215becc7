//! Starting an engine when there is none.

use crate::ui::action::Action;
use crate::ui::app::Effect;

/// Starts an engine in the background, as any verb of the command line does that needs one.
pub static START: Action = Action {
    name: "start",
    title: "start the engine",
    help: "start an engine in the background when none runs",
    changes: false,
    hint: 0,
    ready: |app| {
        app.may_change()?;
        if app.link.is_down() { Ok(()) } else { Err("an engine runs".to_owned()) }
    },
    // `status` only looks; this one needs an engine and says what it found.
    run: |app| app.effect(Effect::Verb("node list".to_owned())),
};
