//! Settings of the console: what `:set`, the environment and `[console]` of the configuration file know, in one list; and
//! the theme and keys that follow from them and from the user's files.

use super::app::{App, Effect, Options};
use super::budget;
use super::keymap::Keymap;
use super::notify::Means;
use super::step::Tone;
use super::terminal::{ColorDepth, Manners};
use super::theme::Theme;
use crate::domain::refusal::nearest;

/// Something that can be set.
pub struct Setting {
    /// Its name in `:set` and in `[console]` of the configuration file.
    pub name: &'static str,
    /// The environment variable that sets it.
    pub variable: &'static str,
    /// What it does and what is allowed, in a line.
    pub help: &'static str,
    /// Sets it, or says what is allowed.
    pub apply: fn(&mut Options, &str) -> Result<(), String>,
    /// Its value, as `apply` takes it.
    pub show: fn(&Options) -> String,
}

/// Every setting.
pub static ALL: &[Setting] = &[
    Setting {
        name: "theme",
        variable: "MENAGERIE_THEME",
        help: "the name of a theme; auto for one that suits the terminal",
        apply: |options, value| {
            options.theme = Some(value.to_owned()).filter(|name| name != "auto");
            Ok(())
        },
        show: |options| options.theme.clone().unwrap_or_else(|| "auto".to_owned()),
    },
    Setting {
        name: "colors",
        variable: "MENAGERIE_COLORS",
        help: "auto, truecolor, 256, 16 or none",
        apply: |options, value| {
            options.depth = match value {
                "auto" => options.depth_found,
                _ => DEPTHS
                    .iter()
                    .find(|(name, _)| *name == value)
                    .map(|(_, depth)| *depth)
                    .ok_or_else(|| format!("{value:?} is none of auto, truecolor, 256, 16, none"))?,
            };
            Ok(())
        },
        show: |options| {
            let known = DEPTHS.iter().find(|(_, depth)| *depth == options.depth);
            known.map_or("auto", |(name, _)| name).to_owned()
        },
    },
    Setting {
        name: "mouse",
        variable: "MENAGERIE_MOUSE",
        help: "on or off: clicks, wheel and dragging",
        apply: |options, value| switch(&mut options.mouse, value),
        show: |options| on_off(options.mouse),
    },
    Setting {
        name: "ascii",
        variable: "MENAGERIE_ASCII",
        help: "on or off: no signs beyond ASCII",
        apply: |options, value| switch(&mut options.ascii, value),
        show: |options| on_off(options.ascii),
    },
    Setting {
        name: "sync",
        variable: "MENAGERIE_SYNC",
        help: "on or off: synchronized updates; off for terminals that claim to know them and do not",
        apply: |options, value| switch(&mut options.synchronized, value),
        show: |options| on_off(options.synchronized),
    },
    Setting {
        name: "notify",
        variable: "MENAGERIE_NOTIFY",
        help: "desktop, bell or off: how you are called while you look elsewhere",
        apply: |options, value| {
            options.notify = Means::parse(value).ok_or_else(|| format!("{value:?} is none of desktop, bell, off"))?;
            Ok(())
        },
        show: |options| options.notify.as_str().to_owned(),
    },
    Setting {
        name: "link",
        variable: "MENAGERIE_LINK",
        help: "on or off: bytes a second to the terminal, and how long a frame takes, in the header",
        apply: |options, value| switch(&mut options.traffic_shown, value),
        show: |options| on_off(options.traffic_shown),
    },
    Setting {
        name: "budget",
        variable: "MENAGERIE_BUDGET",
        help: "bytes a second for frames that no key asked for; 0 for no budget",
        apply: |options, value| {
            let most = budget::MOST;
            let parsed = value.parse().ok().filter(|bytes| *bytes <= most);
            options.budget =
                parsed.ok_or_else(|| format!("{value:?} is no number of bytes a second from 0 to {most}"))?;
            Ok(())
        },
        show: |options| options.budget.to_string(),
    },
    Setting {
        name: "propose",
        variable: "MENAGERIE_PROPOSE",
        help: "after how many alike judgements in a row the inbox proposes a rule, 2 to 1000; 0 for never",
        apply: |options, value| {
            let parsed = value.parse().ok().filter(|number| *number == 0 || (2..=1_000).contains(number));
            options.propose = parsed.ok_or_else(|| format!("{value:?} is neither 0 nor a number from 2 to 1000"))?;
            Ok(())
        },
        show: |options| options.propose.to_string(),
    },
];

/// The depths of colour by their names.
const DEPTHS: [(&str, ColorDepth); 4] = [
    ("truecolor", ColorDepth::True),
    ("256", ColorDepth::Indexed),
    ("16", ColorDepth::Ansi),
    ("none", ColorDepth::Mono),
];

fn switch(setting: &mut bool, value: &str) -> Result<(), String> {
    *setting = match value {
        "on" | "true" | "yes" | "1" => true,
        "off" | "false" | "no" | "0" => false,
        _ => return Err(format!("{value:?} is neither on nor off")),
    };
    Ok(())
}

fn on_off(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

/// Changes one of the options by the setting's name; what is wrong changes nothing.
///
/// # Errors
/// What is wrong with the name or the value, and what is allowed.
pub fn apply(options: &mut Options, name: &str, value: &str) -> Result<(), String> {
    let Some(setting) = ALL.iter().find(|setting| setting.name == name) else {
        let names: Vec<&str> = ALL.iter().map(|setting| setting.name).collect();
        let near = nearest(name, names.iter().copied()).map(|near| format!("; did you mean {near}?"));
        return Err(format!(
            "there is no setting {name:?}; there are {}{}",
            names.join(", "),
            near.unwrap_or_default()
        ));
    };
    (setting.apply)(options, value).map_err(|message| format!("{name}: {message}"))
}

/// Theme and keymap as the options and the user's files say, and what is wrong with those. Instead of a theme that cannot
/// be read there is the `last` one if it has that name, else the one that suits the terminal.
pub fn load(options: &Options, last: Option<&Theme>) -> (Theme, Keymap, Vec<String>) {
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
        if let Some(last) = last.filter(|last| last.name == name) {
            problems.push(format!("{error}; it looks as before"));
            return Ok(last.clone());
        }
        problems.push(format!("{error}; using {usual}"));
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

/// Changes a setting while the console runs, or says what can be set.
pub fn set(app: &mut App, name: &str, value: &str) {
    if name == "theme" && value != "auto" {
        return use_theme(app, value);
    }
    if let Err(message) = apply(&mut app.options, name, value) {
        return app.say(Tone::Bad, message);
    }
    app.notifier.means = app.options.notify;
    if matches!(name, "theme" | "colors") {
        app.reload_settings();
    }
    app.effect(Effect::Manners(manners(&app.options)));
}

/// How the terminal is used under these options.
pub const fn manners(options: &Options) -> Manners {
    Manners { depth: options.depth, synchronized: options.synchronized, mouse: options.mouse }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_setting_shows_it_takes_and_what_it_does_not_know_changes_nothing() {
        let usual = || Options::new("/nowhere".into(), ColorDepth::Indexed);
        for setting in ALL {
            let mut options = usual();
            let shown = (setting.show)(&options);
            assert_eq!(apply(&mut options, setting.name, &shown), Ok(()), "{}", setting.name);
            assert_eq!((setting.show)(&options), shown, "{}", setting.name);
            // A theme is found, or not, when it is loaded.
            if setting.name != "theme" {
                let said = apply(&mut options, setting.name, "quite wrong").unwrap_err();
                assert!(said.starts_with(setting.name) && said.contains("\"quite wrong\""), "{said}");
                assert_eq!((setting.show)(&options), shown, "{}", setting.name);
            }
        }
        let mut options = usual();
        for (name, value) in
            [("mouse", "off"), ("budget", "0"), ("colors", "16"), ("notify", "bell"), ("theme", "nord")]
        {
            apply(&mut options, name, value).unwrap();
        }
        assert!(!options.mouse && options.budget == 0 && options.depth == ColorDepth::Ansi);
        assert_eq!((options.notify, options.theme.as_deref()), (Means::Bell, Some("nord")));
        apply(&mut options, "colors", "auto").unwrap();
        assert_eq!(options.depth, ColorDepth::Indexed, "what was found");
        let said = apply(&mut options, "mose", "on").unwrap_err();
        assert!(said.contains("did you mean mouse?"), "{said}");
        assert!(apply(&mut options, "budget", "-1").is_err() && apply(&mut options, "budget", "9999999999").is_err());
    }

    #[test]
    fn a_theme_that_breaks_when_it_is_saved_leaves_the_look_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("themes")).unwrap();
        let write = |text: &str| std::fs::write(folder.path().join("themes/mine.toml"), text).unwrap();
        let mut options = Options::new("/nowhere".into(), ColorDepth::True);
        (options.config_dir, options.theme) = (Some(folder.path().to_owned()), Some("mine".to_owned()));
        write("base = \"nord\"\n");
        let (mine, _, problems) = load(&options, None);
        assert_eq!((mine.name.as_str(), problems.len()), ("mine", 0));
        write("base = \"nrod\"\n");
        let (kept, _, problems) = load(&options, Some(&mine));
        assert!(kept == mine && problems[0].contains("as before"), "{problems:?}");
        let (other, _, problems) = load(&options, None);
        assert!(other.name == "dark" && problems[0].contains("using dark"), "{problems:?}");
        write("base = \"light\"\n");
        let (changed, _, problems) = load(&options, Some(&mine));
        assert!(changed != mine && problems.is_empty());
    }
}
