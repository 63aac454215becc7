//! Starting an engine when there is none.

use crate::ui::action::Action;
use crate::ui::app::Effect;
use crate::ui::step::Tone;

/// Starts an engine in the background, and says what came of it.
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
    run: |app| {
        app.say(Tone::Info, "starting an engine …");
        app.effect(Effect::StartEngine);
    },
};
