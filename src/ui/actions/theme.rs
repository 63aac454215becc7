//! Choosing how everything looks.

use crate::ui::action::{Action, always};
use crate::ui::layers::menu::{Choice, Menu};
use crate::ui::step::Step;
use crate::ui::theme::Theme;

/// Offers the themes, each shown while the cursor is on it.
pub static THEME: Action = Action {
    name: "theme",
    title: "theme",
    help: "choose how everything looks; shown while one chooses",
    changes: false,
    hint: 0,
    ready: always,
    run: |app| {
        let folder = app.options.config_dir.as_ref().map(|dir| dir.join("themes"));
        let choices = Theme::names(folder.as_deref()).into_iter().map(|name| {
            let live = name.clone();
            let chosen = name.clone();
            let mut choice = Choice::new(name, "", move || Step::Theme(chosen.clone()));
            choice.live = Some(Box::new(move || Step::Theme(live.clone())));
            choice
        });
        // As it was, and not the theme's name: where nobody has chosen one, that would be a choice.
        let (name, theme) = (app.options.theme.clone(), Box::new(app.theme.clone()));
        let before = move || Step::LookAsBefore(name.clone(), theme.clone());
        let menu = Menu::new("theme", choices.collect()).otherwise(before);
        app.open(Box::new(menu));
    },
};
