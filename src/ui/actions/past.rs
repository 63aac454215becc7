//! Going through the past: to a moment, step by step, and back to now.

use crate::domain::Span;
use crate::ui::action::{Action, always};
use crate::ui::app::App;
use crate::ui::layers::palette::Palette;
use crate::ui::travel::{Era, Pace};

const MINUTE: Span = Span::from_secs(60);

/// Asks for the moment.
pub static AT: Action = Action {
    name: "at",
    title: "look back",
    help: "look at the fleet as it was at a moment: at 14:03, at -10m, at seq:1234, at 2026-01-31T14:03",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| {
        let palette = Palette::new(app, &app.palette_history, "at ");
        app.open(Box::new(palette));
    },
};

/// Goes back to the present.
pub static NOW: Action = Action {
    name: "now",
    title: "to the present",
    help: "leave the past, or stop opening one",
    changes: false,
    hint: 3,
    ready: |app| if app.era == Era::Present { Err("this is the present".to_owned()) } else { Ok(()) },
    run: App::go_to_present,
};

/// One record back.
pub static BACK: Action = Action {
    name: "past_back",
    title: "record back",
    help: "in the past: take back one record of the journal",
    changes: false,
    hint: 3,
    ready: in_past,
    run: |app| app.step_in_time(false, Pace::Record),
};

/// One record forward.
pub static FORWARD: Action = Action {
    name: "past_forward",
    title: "record forward",
    help: "in the past: go on to the next record of the journal",
    changes: false,
    hint: 3,
    ready: in_past,
    run: |app| app.step_in_time(true, Pace::Record),
};

/// One minute back.
pub static MINUTE_BACK: Action = Action {
    name: "past_minute_back",
    title: "minute back",
    help: "in the past: go back a minute",
    changes: false,
    hint: 3,
    ready: in_past,
    run: |app| app.step_in_time(false, Pace::Time(MINUTE)),
};

/// One minute forward.
pub static MINUTE_FORWARD: Action = Action {
    name: "past_minute_forward",
    title: "minute forward",
    help: "in the past: go on a minute",
    changes: false,
    hint: 3,
    ready: in_past,
    run: |app| app.step_in_time(true, Pace::Time(MINUTE)),
};

fn in_past(app: &App) -> Result<(), String> {
    if app.era.is_past() { Ok(()) } else { Err("this is the present; `:at -10m` looks back".to_owned()) }
}

/// Whether an action makes sense only in a past.
pub fn is_of_a_past(action: &Action) -> bool {
    [&NOW, &BACK, &FORWARD, &MINUTE_BACK, &MINUTE_FORWARD].iter().any(|own| own.name == action.name)
}
