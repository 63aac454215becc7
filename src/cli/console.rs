//! `menagerie` without a verb: the console.

use std::io::IsTerminal;

use clap::Args;
use etcetera::BaseStrategy;

use super::args::one_of;
use super::config::{self, ColorChoice, Settings};
use super::context::Context;
use super::failure::{Failure, Outcome};
use super::{launch, linear, past, verb_tree};
use crate::api::client::{Client, Error};
use crate::domain::enumeration::enumeration;
use crate::ui::notify::Dialect;
use crate::ui::terminal::ColorDepth;
use crate::ui::{self, Options, Voice};

enumeration! {
    /// How many colours the console uses.
    pub enum Colors ("colors") {
        /// What the terminal says it can.
        Auto = "auto",
        /// 24 bits.
        True = "truecolor",
        /// 256.
        Indexed = "256",
        /// The terminal's own 16.
        Ansi = "16",
        /// None.
        None = "none",
    }
}

/// Options of the console.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Console options")]
pub struct ConsoleArgs {
    /// Show all, change nothing
    #[arg(long)]
    pub read_only: bool,
    /// A theme by name; see `:theme` in the console
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
    /// How many colours to use [default: auto]
    #[arg(long, value_name = "DEPTH", value_parser = one_of::<Colors>(Colors::ALL))]
    pub colors: Option<Colors>,
    /// Draw without any sign beyond ASCII
    #[arg(long)]
    pub ascii: bool,
    /// Leave the mouse to the terminal
    #[arg(long)]
    pub no_mouse: bool,
    /// Send frames without synchronized updates, for terminals that claim to know them and do not
    #[arg(long)]
    pub no_sync: bool,
    /// Say what waits for a human as numbered plain lines and read commands line by line, for screen readers and bad
    /// links; works without a terminal too
    #[arg(long)]
    pub linear: bool,
}

/// Shows the console until it is quit.
pub fn run(context: &mut Context, args: &ConsoleArgs, at: Option<&str>) -> Outcome {
    if args.linear {
        // Held until the console is left.
        let _past = at.map(|at| past::look_back(context, at)).transpose()?;
        return linear::run(context, args.read_only);
    }
    if let Some(what) = obstacle() {
        return Err(Failure::refused(format!(
            "the console cannot be shown: {what}. Use `menagerie --linear`, `menagerie status`, `menagerie task list`, `menagerie inbox list`; \
             `menagerie --help` lists all verbs"
        )));
    }
    let settings = context.settings.clone();
    let starter: ui::Starter = Box::new(move |voice| engine(&settings, voice).map(drop).map_err(one_line));
    let settings = &context.settings;
    let options = Options { at: at.map(str::to_owned), ..options(settings, args) };
    ui::run(options, settings.start.value.then_some(starter), past::opener(settings)).map_err(of_console)?;
    Ok(0)
}

/// Why there can be no console here.
pub fn obstacle() -> Option<&'static str> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        Some("standard input and output are no terminal")
    } else if std::env::var("TERM").is_ok_and(|term| term == "dumb") {
        Some("this terminal cannot place a cursor (TERM=dumb)")
    } else {
        None
    }
}

/// Shows the console on the data directory of `settings` until it is quit.
pub fn show(settings: &Settings, args: &ConsoleArgs, starter: Option<ui::Starter>) -> Result<(), Failure> {
    ui::run(options(settings, args), starter, past::opener(settings)).map_err(of_console)
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn of_console(error: ui::Error) -> Failure {
    Failure::failed(error.to_string())
}

/// The engine; one is started when none runs, and the console told how far that is.
pub fn engine(settings: &Settings, voice: &Voice) -> Result<Client, Failure> {
    match Client::connect(&settings.data_dir.value) {
        Err(Error::NoEngine { .. }) => {
            voice.starting("none was running; starting one");
            let client = launch::start_and_tell(settings, &mut |ready| {
                voice.starting(ready.text());
            })?;
            voice.done("no engine was running, so one was started; it goes on when you leave");
            Ok(client)
        }
        client => Ok(client?),
    }
}

/// A failure in the room of one line.
#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
pub fn one_line(failure: Failure) -> String {
    failure.sentences().join("; ")
}

fn options(settings: &Settings, args: &ConsoleArgs) -> Options {
    let depth = match settings.color.value {
        ColorChoice::Never => ColorDepth::Mono,
        _ => ColorDepth::detect(|name| std::env::var(name).ok()),
    };
    let config_dir = settings.file.as_ref().and_then(|file| Some(file.parent()?.to_owned()));
    let usual = || etcetera::choose_base_strategy().ok().map(|strategy| strategy.config_dir().join("menagerie"));
    let mut options = Options {
        config_dir: config_dir.or_else(usual),
        read_only: args.read_only,
        light: ui::terminal::says_light(|name| std::env::var(name).ok()),
        tmux: std::env::var_os("TMUX").is_some(),
        dialect: Dialect::detect(|name| std::env::var(name).ok()),
        verbs: verb_tree::all,
        usual_data_dir: config::usual_data_dir().is_ok_and(|usual| usual == settings.data_dir.value),
        ..Options::new(settings.data_dir.value.clone(), depth)
    };
    set(&mut options, settings, args);
    options
}

/// Takes over what is set: the file first, then the environment, then the command line. What is wrong changes nothing and
/// becomes a remark.
fn set(options: &mut Options, settings: &Settings, args: &ConsoleArgs) {
    let wrong = apply(options, settings);
    options.remarks.extend(wrong.into_iter().map(|problem| format!("left out: {problem}")));
    let colors = args.colors.map(|colors| ("colors", colors.as_str()));
    let theme = args.theme.as_deref().map(|theme| ("theme", theme));
    let ascii = args.ascii.then_some(("ascii", "on"));
    let mouse = args.no_mouse.then_some(("mouse", "off"));
    let sync = args.no_sync.then_some(("sync", "off"));
    for (name, value) in [colors, theme, ascii, mouse, sync].into_iter().flatten() {
        if let Err(message) = ui::settings::apply(options, name, value) {
            options.remarks.push(message);
        }
    }
}

/// Takes over what file and environment say of the console; gives what is wrong with them, each with where it comes from.
pub fn apply(options: &mut Options, settings: &Settings) -> Vec<String> {
    let mut problems = settings.console_problems.clone();
    for (name, given) in &settings.console {
        if let Err(message) = ui::settings::apply(options, name, &given.value) {
            problems.push(format!("{message} (from {})", given.origin));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Globals;

    #[test]
    fn flags_beat_the_environment_beats_the_file_and_what_is_wrong_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        let text = "[console]\ntheme = \"nord\"\nmouse = \"perhaps\"\nascii = true\nbudget = 500\ncolors = \"16\"\n\
                    colours = \"16\"\n";
        std::fs::write(&path, text).unwrap();
        let globals = Globals { config: Some(path), data_dir: Some("/d".into()), ..Globals::default() };
        let environment = |name: &str| match name {
            "MENAGERIE_BUDGET" => Some("900".into()),
            "MENAGERIE_NOTIFY" => Some("shout".into()),
            _ => None,
        };
        let settings = Settings::resolve(&globals, &environment).unwrap();
        let args =
            ConsoleArgs { theme: Some("light".to_owned()), colors: Some(Colors::None), ..ConsoleArgs::default() };
        let mut options = Options::new("/d".into(), ColorDepth::True);
        set(&mut options, &settings, &args);
        assert_eq!((options.theme.as_deref(), options.depth), (Some("light"), ColorDepth::Mono), "flags");
        assert_eq!(options.budget, 900, "the environment");
        assert!(options.ascii && options.mouse, "the file, and the default instead of what is wrong there");
        let [colours, mouse, notify] = &options.remarks[..] else { panic!("{:?}", options.remarks) };
        assert!(
            colours.starts_with("left out: ") && colours.contains("c.toml:7:1: unknown field `colours`"),
            "{colours}"
        );
        assert!(mouse.starts_with("left out: mouse: \"perhaps\" is neither on nor off (from file "), "{mouse}");
        assert!(notify.ends_with("(from environment MENAGERIE_NOTIFY)"), "{notify}");
    }
}
