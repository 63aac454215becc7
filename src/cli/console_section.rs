//! `[console]` of the configuration file and the variables beside it.
//!
//! Its keys are the console's own settings, those that `:set` knows. Nothing in it is a reason not to start: whoever looks
//! at the fleet because something is on fire gets the console, with a notice. `menagerie config` complains.

use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::config::{Environment, Origin, Setting};
use super::serde_words::in_words;
use super::toml_file::position;
use crate::ui::settings;

/// `[console]` of the configuration file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConsoleSection {
    /// The name of a theme. Default: `auto`, one that suits the terminal.
    #[schemars(with = "Option<String>")]
    pub theme: Option<Value>,
    /// How many colours to use: `auto`, `truecolor`, `256`, `16` or `none`. Default: `auto`.
    #[schemars(with = "Option<String>")]
    pub colors: Option<Value>,
    /// Whether clicks, the wheel and dragging are the console's. Default: true.
    #[schemars(with = "Option<bool>")]
    pub mouse: Option<Value>,
    /// Whether everything is drawn without any sign beyond ASCII. Default: false.
    #[schemars(with = "Option<bool>")]
    pub ascii: Option<Value>,
    /// Whether frames are put into synchronized updates. Default: true.
    #[schemars(with = "Option<bool>")]
    pub sync: Option<Value>,
    /// How you are called while you look elsewhere: `desktop`, `bell` or `off`. Default: `desktop`.
    #[schemars(with = "Option<String>")]
    pub notify: Option<Value>,
    /// Whether the header shows bytes a second and how long a frame takes. Default: false.
    #[schemars(with = "Option<bool>")]
    pub link: Option<Value>,
    /// Bytes a second for frames that no key asked for, 0 to 1,000,000; 0 for no budget. Default: 1100.
    #[schemars(with = "Option<u32>")]
    pub budget: Option<Value>,
    /// After how many alike judgements in a row the inbox proposes a rule, 2 to 1000; 0 for never. Default: 5.
    #[schemars(with = "Option<u32>")]
    pub propose: Option<Value>,
}

impl ConsoleSection {
    /// The keys of the section that exist, and what is wrong with the others. `text` is the whole file, for the places of
    /// those, and `name` what they call it.
    pub fn read(section: Option<Value>, name: &str, text: &str) -> (Self, Vec<String>) {
        let document = DeTable::parse(text);
        let found = document.as_ref().ok().and_then(|whole| whole.get_ref().get_key_value("console"));
        let at = |key: &Spanned<_>| {
            let (line, column) = position(text, key.span().start);
            format!("{name}:{line}:{column}")
        };
        let Some((heading, values)) = found else { return (Self::default(), Vec::new()) };
        let (Some(Value::Table(section)), DeValue::Table(keys)) = (section, values.get_ref()) else {
            let words = "console: is no section; settings of the console stand under [console], one a line";
            return (Self::default(), vec![format!("{}: {words}", at(heading))]);
        };
        let known: Vec<&str> = settings::ALL.iter().map(|setting| setting.name).collect();
        let unknown = keys.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
        let allowed = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let problem = |key: &Spanned<_>| {
            let message = format!("unknown field `{}`, expected one of {allowed}", key.get_ref());
            format!("{}: {}", at(key), in_words(&message, None))
        };
        let problems = unknown.map(problem).collect();
        let kept: Table = section.into_iter().filter(|(key, _)| known.contains(&key.as_str())).collect();
        match kept.try_into() {
            Ok(section) => (section, problems),
            Err(error) => (Self::default(), vec![format!("{name}: {error}")]),
        }
    }

    /// What the file at `path` says, then what the environment says, which counts more.
    pub fn given(&self, path: &Path, environment: Environment<'_>) -> Vec<(&'static str, Setting<String>)> {
        let file = |setting: &settings::Setting| {
            let value = self.value(setting.name)?;
            Some((setting.name, Setting { value: text(value), origin: Origin::File(path.to_owned()) }))
        };
        let variable = |setting: &settings::Setting| {
            let value = environment(setting.variable).filter(|value| !value.is_empty())?;
            let value = value.to_string_lossy().into_owned();
            Some((setting.name, Setting { value, origin: Origin::Environment(setting.variable) }))
        };
        settings::ALL.iter().filter_map(file).chain(settings::ALL.iter().filter_map(variable)).collect()
    }

    fn value(&self, name: &str) -> Option<&Value> {
        match name {
            "theme" => self.theme.as_ref(),
            "colors" => self.colors.as_ref(),
            "mouse" => self.mouse.as_ref(),
            "ascii" => self.ascii.as_ref(),
            "sync" => self.sync.as_ref(),
            "notify" => self.notify.as_ref(),
            "link" => self.link.as_ref(),
            "budget" => self.budget.as_ref(),
            "propose" => self.propose.as_ref(),
            _ => None,
        }
    }
}

/// A value as `:set` takes it; what could be none is as it stands in the file, for the notice.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_of_the_console_can_stand_in_the_file_and_in_the_environment() {
        for setting in settings::ALL {
            let section: ConsoleSection = toml::from_str(&format!("{} = 7", setting.name)).unwrap();
            let given = section.given(Path::new("/c.toml"), &|name| (name == setting.variable).then(|| "8".into()));
            let values: Vec<(&str, &str)> = given.iter().map(|(name, given)| (*name, given.value.as_str())).collect();
            assert_eq!(values, [(setting.name, "7"), (setting.name, "8")], "the environment comes after the file");
        }
    }

    #[test]
    fn what_does_not_exist_is_told_with_its_place_and_the_rest_counts() {
        let read = |text: &str| {
            let mut whole: Table = toml::from_str(text).unwrap();
            ConsoleSection::read(whole.remove("console"), "c.toml", text)
        };
        let (section, problems) = read("output = \"csv\"\n[console]\nthme = \"nord\"\nmouse = false\n\"x y\" = 1\n");
        assert_eq!(section.mouse, Some(Value::Boolean(false)));
        let [theme, other] = &problems[..] else { panic!("{problems:?}") };
        assert!(theme.starts_with("c.toml:3:1: unknown field `thme`"), "{theme}");
        assert!(theme.ends_with("Did you mean `theme`?"), "{theme}");
        assert!(other.starts_with("c.toml:5:1: unknown field `x y`"), "{other}");
        let (section, problems) = read("console = 5\n");
        assert!(
            section.theme.is_none() && problems[0].starts_with("c.toml:1:1: console: is no section"),
            "{problems:?}"
        );
        assert!(read("console.theme = \"nord\"\n").1.is_empty());
        assert!(read("[engine]\n").1.is_empty());
    }
}
