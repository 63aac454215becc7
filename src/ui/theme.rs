//! Colours by what they mean. Code asks for a [`Role`]; a theme, one TOML file each, says how the role looks.
//!
//! A theme names a `base` or stands alone, may name colours in `[palette]`, and patches roles in `[roles]`. What a theme
//! leaves out looks as in its base; a role that an old theme does not know looks as in the default.

use std::collections::BTreeMap;
use std::path::Path;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use super::terminal::color::rgb_of_index;

/// Declares the roles with their spellings in themes.
macro_rules! roles {
    ($($(#[$meta:meta])* $name:ident = $text:literal),+ $(,)?) => {
        /// What something on the screen means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Role { $($(#[$meta])* $name),+ }

        impl Role {
            /// Every role.
            pub const ALL: &'static [Role] = &[$(Role::$name),+];

            /// Its spelling in a theme.
            pub const fn as_str(self) -> &'static str {
                match self { $(Role::$name => $text),+ }
            }
        }
    };
}

roles! {
    /// Ordinary text, and the background of everything.
    Text = "text",
    /// What matters less: labels, ages, ids.
    Dim = "dim",
    /// Frames around panels.
    Border = "border",
    /// The frame of the panel that hears the keys.
    BorderFocus = "border_focus",
    /// Titles of panels.
    Title = "title",
    /// The first line of the screen.
    Header = "header",
    /// Headings of columns.
    Columns = "columns",
    /// The row under the cursor.
    Cursor = "cursor",
    /// Rows that are marked.
    Mark = "mark",
    /// A key in a hint.
    Key = "key",
    /// What the key does.
    Hint = "hint",
    /// Something that can be opened, and the present screen's name.
    Accent = "accent",
    /// Characters that match what was typed.
    Match = "match",
    /// A line in which one types.
    Input = "input",
    /// All is well; running.
    Good = "good",
    /// Something to know.
    Info = "info",
    /// Waits for a human.
    Waiting = "waiting",
    /// Will need somebody.
    Warn = "warn",
    /// Failed.
    Bad = "bad",
    /// Nobody knows.
    Unknown = "unknown",
    /// A cell of the heat map that is nearly unused.
    Heat0 = "heat_0",
    /// A cell that is used a little.
    Heat1 = "heat_1",
    /// A cell that is half used.
    Heat2 = "heat_2",
    /// A cell that is much used.
    Heat3 = "heat_3",
    /// A cell that is nearly full.
    Heat4 = "heat_4",
    /// Charts and bars.
    Chart = "chart",
    /// Added lines of a difference.
    Added = "added",
    /// Removed lines of a difference.
    Removed = "removed",
    /// Headings of a document.
    Heading = "heading",
    /// Keywords of code, emphasis.
    Keyword = "keyword",
    /// Strings of code, quotations.
    Literal = "literal",
    /// Comments of code.
    Comment = "comment",
}

/// The themes that the binary carries, by name.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("ansi", include_str!("../../themes/ansi.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
    ("high-contrast-dark", include_str!("../../themes/high-contrast-dark.toml")),
    ("high-contrast-light", include_str!("../../themes/high-contrast-light.toml")),
    ("colorblind", include_str!("../../themes/colorblind.toml")),
    ("catppuccin-mocha", include_str!("../../themes/catppuccin-mocha.toml")),
    ("gruvbox-dark", include_str!("../../themes/gruvbox-dark.toml")),
    ("gruvbox-light", include_str!("../../themes/gruvbox-light.toml")),
    ("nord", include_str!("../../themes/nord.toml")),
    ("tokyo-night", include_str!("../../themes/tokyo-night.toml")),
];

/// Why a theme cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {file}: {source}")]
    Read {
        /// Which.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is not TOML, or has keys that no theme has.
    #[error("{file}: {message}")]
    Syntax {
        /// Which.
        file: String,
        /// What and where.
        message: String,
    },
    /// A colour is neither in the palette nor written as colours are.
    #[error(
        "{file}: {role}: {value:?} is no colour; write #rrggbb, a name of [palette], an ANSI name such as light_red, or default"
    )]
    Color {
        /// Which file.
        file: String,
        /// Which role.
        role: String,
        /// What stands there.
        value: String,
    },
    /// A role that does not exist.
    #[error("{file}: there is no role {role:?}{}", nearest(role))]
    Role {
        /// Which file.
        file: String,
        /// What stands there.
        role: String,
    },
    /// No theme has this name.
    #[error("there is no theme {name:?}; there are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// Themes that name each other as base.
    #[error("{file}: its bases lead back to itself")]
    Circle {
        /// Which file.
        file: String,
    },
}

fn nearest(role: &str) -> String {
    let best = Role::ALL.iter().map(|known| known.as_str()).min_by_key(|known| strsim::levenshtein(known, role));
    best.map(|best| format!("; did you mean {best}?")).unwrap_or_default()
}

/// A theme as its file says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The theme it patches.
    #[serde(default)]
    base: Option<String>,
    /// `dark` or `light`: what it is made for.
    #[serde(default)]
    mode: Option<Mode>,
    #[serde(default)]
    palette: BTreeMap<String, String>,
    #[serde(default)]
    roles: BTreeMap<String, Look>,
}

/// Whether a theme is made for dark or light surroundings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Light text on dark ground.
    #[default]
    Dark,
    /// Dark text on light ground.
    Light,
}

/// How a role looks; what is left out stays as it was.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Look {
    fg: Option<String>,
    bg: Option<String>,
    bold: Option<bool>,
    dim: Option<bool>,
    italic: Option<bool>,
    underline: Option<bool>,
    reverse: Option<bool>,
}

/// How each role looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// What it is made for.
    pub mode: Mode,
    styles: Vec<Style>,
}

impl Theme {
    /// A theme by name: from the folder of the user's themes if it is there, else one of the binary's own.
    pub fn load(name: &str, folder: Option<&Path>) -> Result<Self, Error> {
        let mut theme = Self { name: name.to_owned(), mode: Mode::Dark, styles: vec![Style::new(); Role::ALL.len()] };
        theme.patch_with(name, folder, 0)?;
        Ok(theme)
    }

    /// A theme without any colour, for when no file can be used.
    pub fn plain() -> Self {
        Self { name: "plain".to_owned(), mode: Mode::Dark, styles: vec![Style::new(); Role::ALL.len()] }
    }

    /// The names of all themes that can be loaded, the binary's own first.
    pub fn names(folder: Option<&Path>) -> Vec<String> {
        let mut names: Vec<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
        let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
        let mut own: Vec<String> = entries
            .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".toml")?.to_owned()))
            .filter(|name| !names.contains(name))
            .collect();
        own.sort();
        names.append(&mut own);
        names
    }

    /// How a role looks: its own colours over those of text.
    pub fn style(&self, role: Role) -> Style {
        self.styles[Role::Text as usize].patch(self.styles[role as usize])
    }

    /// How a role looks where the ground is another's, such as the cursor's: its own colour where that can be read
    /// there, else the ground's.
    pub fn over(&self, role: Role, ground: Role) -> Style {
        let under = self.style(ground);
        let own = self.styles[role as usize];
        let reversed = under.add_modifier.contains(Modifier::REVERSED);
        let bare = !reversed && matches!(under.bg, None | Some(Color::Reset));
        // Dim text on a ground of its own is what cannot be read first.
        let added = if bare { own.add_modifier } else { own.add_modifier - Modifier::DIM };
        let Some(fg) = own.fg else { return under.add_modifier(added) };
        // Of two colours that the terminal's owner chose nobody knows whether one can be read on the other.
        let readable = bare || !reversed && contrast(Some(fg), under.bg).is_some_and(|it| it >= CONTRAST_MIN);
        let style = if readable { under.fg(fg) } else { under };
        style.add_modifier(added)
    }

    fn patch_with(&mut self, name: &str, folder: Option<&Path>, depth: usize) -> Result<(), Error> {
        const BASES_MAX: usize = 8;
        let path = folder.map(|folder| folder.join(format!("{name}.toml"))).filter(|path| path.is_file());
        let label = path.as_ref().map_or_else(|| format!("themes/{name}.toml"), |path| path.display().to_string());
        if depth > BASES_MAX {
            return Err(Error::Circle { file: label });
        }
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        let text = match (&path, built_in) {
            (Some(path), _) => {
                std::fs::read_to_string(path).map_err(|source| Error::Read { file: label.clone(), source })?
            }
            (None, Some((_, text))) => (*text).to_owned(),
            (None, None) => {
                let known = Self::names(folder).join(", ");
                return Err(Error::Unknown { name: name.to_owned(), known });
            }
        };
        let file: File = toml::from_str(&text)
            .map_err(|error| Error::Syntax { file: label.clone(), message: error.to_string().trim().to_owned() })?;
        // A user's theme may carry the name of the built-in one that it patches.
        match file.base.as_deref() {
            Some(base) if base == name && path.is_some() => self.patch_with(base, None, depth + 1)?,
            Some(base) => self.patch_with(base, folder, depth + 1)?,
            None if path.is_some() => self.patch_with("dark", None, depth + 1)?,
            None => {}
        }
        self.mode = file.mode.unwrap_or(self.mode);
        for (role, look) in &file.roles {
            let Some(known) = Role::ALL.iter().find(|known| known.as_str() == role) else {
                return Err(Error::Role { file: label, role: role.clone() });
            };
            let style = &mut self.styles[*known as usize];
            for (value, foreground) in [(&look.fg, true), (&look.bg, false)] {
                let Some(value) = value else { continue };
                let color = color(value, &file.palette).ok_or_else(|| Error::Color {
                    file: label.clone(),
                    role: role.clone(),
                    value: value.clone(),
                })?;
                if foreground { style.fg = Some(color) } else { style.bg = Some(color) }
            }
            for (wanted, modifier) in [
                (look.bold, Modifier::BOLD),
                (look.dim, Modifier::DIM),
                (look.italic, Modifier::ITALIC),
                (look.underline, Modifier::UNDERLINED),
                (look.reverse, Modifier::REVERSED),
            ] {
                match wanted {
                    Some(true) => style.add_modifier |= modifier,
                    Some(false) => style.add_modifier -= modifier,
                    None => {}
                }
            }
        }
        Ok(())
    }
}

fn color(value: &str, palette: &BTreeMap<String, String>) -> Option<Color> {
    let value = palette.get(value).map_or(value, String::as_str);
    let value = if value == "default" { "reset" } else { value };
    value.parse().ok()
}

/// The least contrast at which text can be read (WCAG 2, level AA).
pub const CONTRAST_MIN: f64 = 4.5;

/// The contrast of two colours by WCAG 2, 1 to 21; `None` where the terminal's owner chose one of them.
pub fn contrast(fg: Option<Color>, bg: Option<Color>) -> Option<f64> {
    let (fg, bg) = (luminance(fg?)?, luminance(bg?)?);
    Some((fg.max(bg) + 0.05) / (fg.min(bg) + 0.05))
}

/// The luminance of WCAG 2: linear light, weighed as the eye does.
fn luminance(color: Color) -> Option<f64> {
    let rgb = match color {
        Color::Rgb(red, green, blue) => [red, green, blue],
        Color::Indexed(index) => rgb_of_index(index),
        _ => return None,
    };
    let [red, green, blue] = rgb.map(|channel| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    });
    Some(0.2126 * red + 0.7152 * green + 0.0722 * blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_of_every_theme_can_be_read() {
        for (name, _) in BUILT_IN {
            let theme = Theme::load(name, None).unwrap();
            for role in Role::ALL {
                if matches!(role, Role::Border | Role::BorderFocus) {
                    continue;
                }
                let style = theme.style(*role);
                let Some(contrast) = contrast(style.fg, style.bg) else {
                    // Colours that the terminal's owner chose cannot be judged here.
                    assert!(matches!(*name, "ansi" | "mono"), "{name}: {role:?} has no colour of its own: {style:?}");
                    continue;
                };
                assert!(contrast >= CONTRAST_MIN, "{name}: {}: contrast {contrast:.2}, at least 4.5", role.as_str());
            }
        }
    }

    #[test]
    fn nothing_is_lost_on_a_ground_whose_colour_the_terminals_owner_chose() {
        for name in ["ansi", "mono"] {
            let theme = Theme::load(name, None).unwrap();
            for ground in [Role::Cursor, Role::Mark, Role::Header] {
                let under = theme.style(ground);
                let reversed = under.add_modifier.contains(Modifier::REVERSED);
                if !reversed && matches!(under.bg, None | Some(Color::Reset)) {
                    // Without a ground of its own there is nothing to be lost on.
                    continue;
                }
                for role in Role::ALL {
                    let over = theme.over(*role, ground);
                    assert_eq!((over.fg, over.bg), (under.fg, under.bg), "{name}: {role:?} on {ground:?}");
                    assert!(!over.add_modifier.contains(Modifier::DIM), "{name}: {role:?} on {ground:?}");
                }
            }
            assert_eq!(theme.over(Role::Bad, Role::Text).fg, theme.style(Role::Bad).fg, "{name}");
        }
    }

    #[test]
    fn a_users_theme_patches_its_base_and_errors_name_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| std::fs::write(folder.path().join("mine.toml"), text).unwrap();
        let load = || Theme::load("mine", Some(folder.path()));
        write("base = \"light\"\n[palette]\nink = \"#102030\"\n[roles]\ntext = { fg = \"ink\" }\n");
        let theme = load().unwrap();
        assert_eq!(theme.style(Role::Text).fg, Some(Color::Rgb(0x10, 0x20, 0x30)));
        assert_eq!(theme.style(Role::Text).bg, Theme::load("light", None).unwrap().style(Role::Text).bg);
        assert_eq!(theme.mode, Mode::Light);
        write("[roles]\ntetx = { fg = \"#fff000\" }\n");
        assert!(load().unwrap_err().to_string().contains("did you mean text?"));
        write("[roles]\ntext = { fg = \"no colour\" }\n");
        assert!(load().unwrap_err().to_string().contains("\"no colour\" is no colour"));
        write("[roles]\ntext = { fgg = 1 }\n");
        assert!(load().unwrap_err().to_string().contains("fgg"));
        write("base = \"mine2\"\n");
        std::fs::write(folder.path().join("mine2.toml"), "base = \"mine\"\n").unwrap();
        assert!(load().unwrap_err().to_string().contains("lead back"));
    }
}
