//! Settings of the console that can change while it runs: theme, keys, and what `:set` knows.

use super::app::{App, Effect, Options};
use super::keymap::Keymap;
use super::notify::Means;
use super::step::Tone;
use super::terminal::ColorDepth;
use super::theme::Theme;

/// The settings that `:set` knows, each with what it does.
pub const NAMES: &[(&str, &str)] = &[
    ("mouse", "on or off: clicks and wheel"),
    ("ascii", "on or off: no signs beyond ASCII"),
    ("theme", "the name of a theme"),
    ("notify", "desktop, bell or off: how you are called while you look elsewhere"),
];

/// Theme and keymap as the options and the user's files say, and what is wrong with those.
pub fn load(options: &Options) -> (Theme, Keymap, Vec<String>) {
    let mut problems = Vec::new();
    let keymap = match &options.config_dir {
        Some(dir) => {
            let (keymap, found) = Keymap::load(&dir.join("keys.toml"));
            problems.extend(found);
            keymap
        }
        None => Keymap::built_in(),
    };
    let folder = options.config_dir.as_ref().map(|dir| dir.join("themes"));
    let usual = match (options.depth, options.light) {
        (ColorDepth::Mono, _) => "mono",
        (ColorDepth::Ansi, _) => "ansi",
        (_, true) => "light",
        (_, false) => "dark",
    };
    let name = options.theme.as_deref().unwrap_or(usual);
    let theme = Theme::load(name, folder.as_deref()).or_else(|error| {
        problems.push(format!("{error}; using the default theme"));
        Theme::load(usual, None)
    });
    let theme = theme.unwrap_or_else(|error| {
        problems.push(error.to_string());
        Theme::plain()
    });
    (theme, keymap, problems)
}

/// Uses another theme, or says why not.
pub fn use_theme(app: &mut App, name: &str) {
    let folder = app.options.config_dir.as_ref().map(|dir| dir.join("themes"));
    match Theme::load(name, folder.as_deref()) {
        Ok(theme) => {
            app.theme = theme;
            app.options.theme = Some(name.to_owned());
        }
        Err(error) => app.say(Tone::Bad, error.to_string()),
    }
}

/// Changes a setting, or says what can be set.
pub fn set(app: &mut App, name: &str, value: &str) {
    let on = match value {
        "on" | "true" | "yes" | "1" => Some(true),
        "off" | "false" | "no" | "0" => Some(false),
        _ => None,
    };
    match (name, on) {
        ("mouse", Some(on)) => {
            app.options.mouse = on;
            app.effect(Effect::Mouse(on));
        }
        ("ascii", Some(on)) => app.options.ascii = on,
        ("theme", _) => use_theme(app, value),
        ("notify", _) => match Means::parse(value) {
            Some(means) => app.notifier.means = means,
            None => app.say(Tone::Bad, format!("notify: {value:?} is none of desktop, bell, off")),
        },
        ("mouse" | "ascii", None) => app.say(Tone::Bad, format!("{name}: {value:?} is neither on nor off")),
        _ => {
            let known: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
            app.say(Tone::Bad, format!("there is no setting {name:?}; there are {}", known.join(", ")));
        }
    }
}
