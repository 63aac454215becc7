//! Settings and where each comes from: flag, then environment, then file, then default.
//!
//! The file is `menagerie/config.toml` in the XDG configuration folder, or the one that `--config` or
//! `MENAGERIE_CONFIG` names. Defaults need no file at all. An unknown key is refused, because a setting that is
//! silently ignored is worse than none; in `[console]` it is told by the console, which starts all the same.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use schemars::JsonSchema;
use serde::Deserialize;

use super::args::Globals;
use super::console_section::ConsoleSection;
use super::failure::Failure;
use super::metrics_section::{MetricsSection, MetricsSettings};
use super::toml_file;
use crate::domain::Span;
use crate::domain::enumeration::enumeration;
use crate::engine::deliver::ReceiverEntry;
use crate::engine::otlp::OtlpSection;

enumeration! {
    /// How results are written.
    pub enum Format ("output") {
        /// Columns for people.
        Table = "table",
        /// One JSON value.
        Json = "json",
        /// One JSON value a line.
        Jsonl = "jsonl",
        /// Comma-separated values with a header.
        Csv = "csv",
    }
}

enumeration! {
    /// When colours are used.
    pub enum ColorChoice ("color") {
        /// On a terminal, unless `NO_COLOR` is set.
        Auto = "auto",
        /// Always.
        Always = "always",
        /// Never.
        Never = "never",
    }
}

enumeration! {
    /// How the engine writes its log.
    pub enum LogFormat ("log_format") {
        /// Lines for people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

enumeration! {
    /// How much the engine writes to its log.
    pub enum LogLevel ("log_level") {
        /// What went wrong.
        Error = "error",
        /// And what may.
        Warn = "warn",
        /// And what changed.
        Info = "info",
        /// And why.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

/// The configuration file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConfigFile {
    /// Where the engine keeps its data; `~` is the home folder. Default: `menagerie` in the XDG data folder.
    pub data_dir: Option<String>,
    /// How results are written. Default: `table`.
    pub output: Option<Format>,
    /// When colours are used. Default: `auto`.
    pub color: Option<ColorChoice>,
    /// Whether a verb that needs the engine starts one in the background when none runs. Default: true.
    pub start: Option<bool>,
    /// The engine.
    pub engine: EngineSection,
    /// The console. Looked at by [`ConsoleSection::read`], so that nothing in it stops anything.
    #[schemars(with = "ConsoleSection", description = "The console.")]
    pub console: Option<toml::Value>,
    /// Who is told of alerts.
    pub alert: AlertSection,
    /// How much of what is measured is kept.
    pub metrics: MetricsSection,
    /// A collector of traces and metrics.
    pub otlp: OtlpSection,
}

/// `[alert]` of the configuration file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AlertSection {
    /// Webhooks and programs that are told of alerts.
    pub receiver: Vec<ReceiverEntry>,
}

/// `[engine]` of the configuration file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EngineSection {
    /// How the engine writes its log. Default: `text`.
    pub log_format: Option<LogFormat>,
    /// How much it writes. Default: `info`.
    pub log_level: Option<LogLevel>,
    /// How often to measure what runs while nobody looks; `0s` for never. Default: `10s`.
    pub measure_every: Option<Span>,
    /// Whether `GET /metrics` has series of single agents. Default: true.
    pub metrics_per_agent: Option<bool>,
    /// For how long after the engine's start no alert is over for want of samples. Default: `2m`.
    pub no_data_grace: Option<Span>,
}

/// Where a setting's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Given on the command line.
    Flag(&'static str),
    /// From this environment variable.
    Environment(&'static str),
    /// From the configuration file.
    File(PathBuf),
    /// Nobody said anything.
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value and where it comes from.
#[derive(Clone, Debug)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

/// Everything that can be set, resolved.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The configuration file that was read, if there is one.
    pub file: Option<PathBuf>,
    /// The data directory, absolute.
    pub data_dir: Setting<PathBuf>,
    /// How results are written.
    pub output: Setting<Format>,
    /// When colours are used.
    pub color: Setting<ColorChoice>,
    /// Whether a verb starts an engine when it needs one.
    pub start: Setting<bool>,
    /// Where an account of changes is kept, for whoever runs the verb.
    pub account: Option<PathBuf>,
    /// How the engine writes its log.
    pub log_format: Setting<LogFormat>,
    /// How much it writes.
    pub log_level: Setting<LogLevel>,
    /// What the file and the environment say of the console, by the names of its settings; of the same name the later
    /// one counts. Not yet looked at: what is wrong here is told by the console, and stops nothing.
    pub console: Vec<(&'static str, Setting<String>)>,
    /// What else stands in the file's `[console]` and is no setting, with its place.
    pub console_problems: Vec<String>,
    /// How often the engine has measured what runs while nobody looks; zero for never.
    pub measure_every: Setting<Span>,
    /// Whether `GET /metrics` has series of single agents.
    pub metrics_per_agent: Setting<bool>,
    /// For how long after the engine's start no alert is over for want of samples.
    pub no_data_grace: Setting<Span>,
    /// How much of what is measured is kept.
    pub metrics: MetricsSettings,
    /// Who is told of alerts; only the file says.
    pub receivers: Vec<ReceiverEntry>,
    /// Who is told of traces and metrics; only the file says.
    pub otlp: OtlpSection,
}

/// Workers that nobody looks at measure every ten seconds, and the windows of rules have to fill.
const NO_DATA_GRACE: Span = Span::from_secs(120);

/// How often what runs is measured while nobody looks.
const MEASURE_EVERY: Span = Span::from_secs(10);

/// Reads an environment variable; an empty one counts as not set. Handed in so that tests need no environment.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The process's own environment.
pub fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

impl Settings {
    /// Resolves every setting.
    ///
    /// # Errors
    /// A file that cannot be read or says something that is not allowed; a variable with a value that is not allowed;
    /// no home folder and no data directory.
    pub fn resolve(globals: &Globals, environment: Environment<'_>) -> Result<Self, Failure> {
        let (path, file, text) = read_file(globals, environment)?;
        let layers = Layers { environment, path: path.clone().unwrap_or_default() };
        let name = layers.path.display().to_string();
        let (console, console_problems) = ConsoleSection::read(file.console, &name, &text);
        let data_dir = layers.data_dir(globals.data_dir.as_deref(), file.data_dir.as_deref())?;
        let start = match (globals.no_start, file.start) {
            (true, _) => Setting { value: false, origin: Origin::Flag("--no-start") },
            (false, value) => layers.file_or(value, true),
        };
        Ok(Self {
            data_dir,
            start,
            account: globals.account.clone(),
            output: layers.pick(("--output", globals.output), "MENAGERIE_OUTPUT", file.output, Format::Table)?,
            color: layers.pick(("--color", globals.color), "MENAGERIE_COLOR", file.color, ColorChoice::Auto)?,
            log_format: layers.pick(
                ("--log-format", None),
                "MENAGERIE_LOG_FORMAT",
                file.engine.log_format,
                LogFormat::Text,
            )?,
            log_level: layers.pick(
                ("--log-level", None),
                "MENAGERIE_LOG_LEVEL",
                file.engine.log_level,
                LogLevel::Info,
            )?,
            console: console.given(&layers.path, environment),
            console_problems,
            measure_every: layers.pick(
                ("", None),
                "MENAGERIE_MEASURE_EVERY",
                file.engine.measure_every,
                MEASURE_EVERY,
            )?,
            metrics_per_agent: layers.file_or(file.engine.metrics_per_agent, true),
            no_data_grace: layers.file_or(file.engine.no_data_grace, NO_DATA_GRACE),
            metrics: file.metrics.resolve(&layers)?,
            receivers: file.alert.receiver,
            otlp: file.otlp,
            file: path,
        })
    }
}

/// The layers between flag and default.
pub(super) struct Layers<'a> {
    environment: Environment<'a>,
    /// The configuration file; empty when there is none.
    pub(super) path: PathBuf,
}

impl Layers<'_> {
    fn pick<T>(
        &self,
        (flag, given): (&'static str, Option<T>),
        variable: &'static str,
        file: Option<T>,
        default: T,
    ) -> Result<Setting<T>, Failure>
    where
        T: std::str::FromStr<Err = crate::domain::Refusal>,
    {
        if let Some(value) = given {
            return Ok(Setting { value, origin: Origin::Flag(flag) });
        }
        if let Some(text) = (self.environment)(variable) {
            let value = text.to_string_lossy().parse().map_err(|refusal: T::Err| refusal.within(variable))?;
            return Ok(Setting { value, origin: Origin::Environment(variable) });
        }
        Ok(self.file_or(file, default))
    }

    /// A setting that only the file says.
    pub(super) fn file_or<T>(&self, file: Option<T>, default: T) -> Setting<T> {
        match file {
            Some(value) => Setting { value, origin: Origin::File(self.path.clone()) },
            None => Setting { value: default, origin: Origin::Default },
        }
    }

    fn data_dir(&self, flag: Option<&Path>, file: Option<&str>) -> Result<Setting<PathBuf>, Failure> {
        let (path, origin) = if let Some(path) = flag {
            (path.to_owned(), Origin::Flag("--data-dir"))
        } else if let Some(path) = (self.environment)("MENAGERIE_DATA_DIR") {
            (PathBuf::from(path), Origin::Environment("MENAGERIE_DATA_DIR"))
        } else if let Some(text) = file {
            (PathBuf::from(expand_home(text)?), Origin::File(self.path.clone()))
        } else {
            (usual_data_dir()?, Origin::Default)
        };
        let value = std::path::absolute(&path)
            .map_err(|error| Failure::refused(format!("data_dir: \"{}\" cannot be used: {error}", path.display())))?;
        Ok(Setting { value, origin })
    }
}

/// The data directory where none is named.
pub fn usual_data_dir() -> Result<PathBuf, Failure> {
    Ok(base()?.data_dir().join("menagerie"))
}

fn base() -> Result<etcetera::base_strategy::Xdg, Failure> {
    etcetera::base_strategy::Xdg::new()
        .map_err(|_| Failure::refused("no home folder is known; set HOME, or give --data-dir and --config"))
}

/// Finds and reads the configuration file, and gives its text too. One that was named has to be there; the one in its
/// usual place need not.
fn read_file(
    globals: &Globals,
    environment: Environment<'_>,
) -> Result<(Option<PathBuf>, ConfigFile, String), Failure> {
    let none = || (None, ConfigFile::default(), String::new());
    let named = globals.config.clone().or_else(|| environment("MENAGERIE_CONFIG").map(PathBuf::from));
    let path = match (&named, base()) {
        (Some(path), _) => path.clone(),
        (None, Ok(base)) => base.config_dir().join("menagerie").join("config.toml"),
        (None, Err(_)) => return Ok(none()),
    };
    if named.is_none() && !path.exists() {
        return Ok(none());
    }
    let (name, text) = toml_file::read_text(&path)?;
    let file = toml_file::parse(&name, &text)?;
    Ok((Some(path), file, text))
}

/// Replaces a leading `~` by the caller's home folder: the engine may be another's, and its home another one.
pub fn expand_home(path: &str) -> Result<String, Failure> {
    let rest = match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
        _ => return Ok(path.to_owned()),
    };
    let home = etcetera::home_dir().ok().and_then(|home| home.into_os_string().into_string().ok());
    home.map(|home| format!("{}{rest}", home.trim_end_matches('/')))
        .ok_or_else(|| Failure::refused(format!("\"{path}\": no home folder is known; write the whole path")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Bytes;

    fn resolve(globals: &Globals, variables: &[(&str, &str)]) -> Result<Settings, Failure> {
        Settings::resolve(globals, &|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        })
    }

    fn file(text: &str) -> (tempfile::TempDir, Globals) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        std::fs::write(&path, text).unwrap();
        (folder, Globals { config: Some(path), ..Globals::default() })
    }

    #[test]
    fn flag_beats_environment_beats_file_beats_default() {
        let (_folder, mut globals) = file("output = \"csv\"\ndata_dir = \"/f\"\n[engine]\nlog_level = \"debug\"\n");
        let settings = resolve(&globals, &[]).unwrap();
        assert_eq!((settings.output.value, settings.color.value), (Format::Csv, ColorChoice::Auto));
        assert_eq!(settings.color.origin, Origin::Default);
        assert!(matches!(settings.log_level.origin, Origin::File(_)));
        let variables = [("MENAGERIE_OUTPUT", "json"), ("MENAGERIE_DATA_DIR", "/e")];
        let settings = resolve(&globals, &variables).unwrap();
        assert_eq!((settings.output.value, settings.data_dir.value), (Format::Json, "/e".into()));
        globals.output = Some(Format::Jsonl);
        globals.data_dir = Some("/x".into());
        let settings = resolve(&globals, &variables).unwrap();
        assert_eq!((settings.output.value, settings.data_dir.value), (Format::Jsonl, "/x".into()));
        assert_eq!(settings.output.origin, Origin::Flag("--output"));
    }

    #[test]
    fn wrong_files_are_refused_with_their_place() {
        for (text, expected) in [
            ("outptu = \"csv\"", "c.toml:1:1: unknown field `outptu`"),
            ("outptu = \"csv\"", "Did you mean `output`?"),
            ("\noutput = \"cvs\"", "c.toml:2:10: "),
            ("output = \"cvs\"", "did you mean \"csv\"?"),
            ("output =", "c.toml:1:9: "),
            ("[engine]\nlog_levle = \"info\"", "c.toml:2:1: unknown field"),
            ("[otlp]\nendpint = \"x\"", "c.toml:2:1: unknown field `endpint`"),
            ("a\0b", "c.toml:1:2: a NUL byte"),
        ] {
            let (_folder, globals) = file(text);
            let sentences = resolve(&globals, &[]).unwrap_err().sentences();
            assert!(sentences[0].contains(expected), "{text:?}: {sentences:?}");
        }
    }

    #[test]
    fn what_is_kept_of_metrics_is_set_key_by_key() {
        let (_folder, globals) =
            file("[metrics]\nraw = \"48h\"\nbytes = \"4GiB\"\n[engine]\nmetrics_per_agent = false\n");
        let settings = resolve(&globals, &[]).unwrap();
        let policy = settings.metrics.policy();
        assert_eq!((policy.raw, policy.bytes), (Span::from_secs(48 * 3600), Bytes::from_mib(4096)));
        assert_eq!(policy.minutes, Span::from_secs(7 * 86_400), "what is not said is as usual");
        assert!(matches!(settings.metrics.raw.origin, Origin::File(_)));
        assert_eq!(settings.metrics.minutes.origin, Origin::Default);
        assert!(!settings.metrics_per_agent.value);
        assert_eq!(settings.no_data_grace.value, NO_DATA_GRACE);
        assert!(resolve(&Globals::default(), &[]).unwrap().metrics_per_agent.value);
    }

    #[test]
    fn nonsense_about_metrics_is_refused() {
        for (text, expected) in [
            ("raw = \"5m\"", "metrics.raw: \"5m\""),
            ("raw = \"8d\"", "metrics.minutes: \"7d\""),
            ("minutes = \"400d\"", "metrics.hours: \"366d\""),
            ("hours = \"4000d\"", "metrics.hours: \"4000d\""),
            ("bytes = \"1MiB\"", "metrics.bytes: \"1MiB\""),
            ("series = 5", "metrics.series: \"5\""),
            ("series = -5", "c.toml:2:10"),
            ("raw = \"often\"", "c.toml:2:7"),
            ("days = 5", "unknown field `days`"),
        ] {
            let (_folder, globals) = file(&format!("[metrics]\n{text}\n"));
            let failure = resolve(&globals, &[]).unwrap_err();
            let sentences = failure.sentences();
            assert!(sentences[0].contains("c.toml") && sentences[0].contains(expected), "{text}: {sentences:?}");
            assert_eq!(failure.status(), 2);
        }
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let failure = resolve(&Globals::default(), &[("MENAGERIE_OUTPUT", "xml")]).unwrap_err();
        assert_eq!(failure.status(), 2);
        assert!(failure.sentences()[0].starts_with("MENAGERIE_OUTPUT: output: \"xml\""), "{failure:?}");
    }

    #[test]
    fn a_named_file_has_to_exist() {
        let globals = Globals { config: Some("/nonexistent/c.toml".into()), ..Globals::default() };
        assert_eq!(resolve(&globals, &[]).unwrap_err().status(), 2);
    }
}
