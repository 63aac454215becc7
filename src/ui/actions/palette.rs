//! Everything by name.

use crate::ui::action::{Action, always};
use crate::ui::layers::palette::Palette;

/// Opens the palette.
pub static PALETTE: Action = Action {
    name: "palette",
    title: "command",
    help: "say by name what to do: a screen, an action, theme NAME, set NAME VALUE, a verb of the command line",
    changes: false,
    hint: 2,
    ready: always,
    run: |app| {
        let palette = Palette::new(app, &app.palette_history, "");
        app.open(Box::new(palette));
    },
};
