//! `menagerie demo`: the main job on real input. A fleet of real agents surveys a git repository in an engine of its own,
//! seen in the console, or in lines of progress where there is no terminal.

mod begin;
mod ground;
mod kit;
mod plan;
pub mod scale;
mod show;
mod survey;
mod watch;

use std::path::{Path, PathBuf};

use clap::Args;
use etcetera::BaseStrategy;

use self::scale::Scale;
use self::survey::Survey;
use super::config::{Origin, Setting, Settings};
use super::console::{self, ConsoleArgs};
use super::context::Context;
use super::failure::{Failure, Outcome};

/// Options of `menagerie demo`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "With a terminal the console opens over the survey; `q` leaves it and the survey goes on.\n\
    Exit status without the console: 0 when every surveyor succeeded and the one that eats memory was caught, otherwise 1.\n\
    The demo runs in a data directory of its own, or in the one that --data-dir names.\n\
    With --fleet-size or --tasks no repository is surveyed: the store is filled through the same commands that a person\n\
    would use, and the tasks are small scripts that really run, one a cage at a time.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub struct DemoArgs {
    /// A folder in the git repository to survey [default: the one around the current folder, else a small one that
    /// the binary carries]
    #[arg(value_name = "PATH", conflicts_with_all = ["fleet_size", "tasks"])]
    pub path: Option<PathBuf>,
    /// Approve everything and go on to the summary, then stop the demo's engine
    #[arg(long, conflicts_with_all = ["fleet_size", "tasks"])]
    pub approve_all: bool,
    /// With --approve-all: leave the demo's engine running
    #[arg(long, requires = "approve_all")]
    pub keep: bool,
    /// Begin a new survey though there is one; without it the demo goes on with that one, or shows it if it is over
    #[arg(long, conflicts_with_all = ["fleet_size", "tasks"])]
    pub again: bool,
    /// Show lines of progress, no console
    #[arg(long)]
    pub headless: bool,
    /// A fleet of so many agents instead of the survey's, in up to 1,000 cages [default with --tasks: 1000]
    #[arg(long, value_name = "AGENTS", value_parser = clap::value_parser!(u32).range(1..=i64::from(scale::AGENTS_MAX)))]
    pub fleet_size: Option<u32>,
    /// So many tasks for that fleet [default with --fleet-size: ten an agent]
    #[arg(long, value_name = "TASKS", value_parser = clap::value_parser!(u32).range(1..=i64::from(scale::TASKS_MAX)))]
    pub tasks: Option<u32>,
    /// With --fleet-size or --tasks: submit them as arrays, which takes no time but shows them one by one only as they start
    #[arg(long)]
    pub arrays: bool,
}

/// Shows the fleet at work.
pub fn run(context: &mut Context, console: &ConsoleArgs, args: &DemoArgs) -> Outcome {
    let seen = !args.headless && !args.approve_all && context.out.is_table() && console::obstacle().is_none();
    if !seen && *console != ConsoleArgs::default() {
        return Err(Failure::refused("options of the console make sense only where the demo shows it: on a terminal"));
    }
    let scale = Scale::asked(args.fleet_size, args.tasks, args.arrays)?;
    match (scale, seen) {
        (None, false) => Survey::prepare(context, args.path.as_deref())?.follow_to_the_end(args),
        (None, true) => show::survey(context, console, args.path.as_deref(), args.again),
        (Some(scale), false) => scale::in_lines(context, scale),
        (Some(scale), true) => show::at_scale(context, console, scale),
    }
}

/// The settings of a demo that keeps its data in `home`, unless somebody has named another folder.
fn settings_in(context: &Context, home: &Path) -> Settings {
    let mut settings = context.settings.clone();
    if settings.data_dir.origin == Origin::Default {
        settings.data_dir = Setting { value: home.join("data"), origin: Origin::Default };
    }
    settings
}

/// Where demos keep their data: the state folder, so that a cleaned cache ends no running engine.
fn home() -> Result<PathBuf, Failure> {
    let base = etcetera::base_strategy::Xdg::new()
        .map_err(|_| Failure::refused("no home folder is known; set HOME, or give --data-dir"))?;
    Ok(base.state_dir().unwrap_or_else(|| base.data_dir()).join("menagerie"))
}

/// `WORDS` of this program on a data directory, as a shell takes it.
fn command_line(data_dir: &Path, words: &str) -> String {
    let program = std::env::args_os().next().unwrap_or_else(|| "menagerie".into());
    let gap = if words.is_empty() { "" } else { " " };
    format!("{}{gap}{words} --data-dir {}", quoted(Path::new(&program)), quoted(data_dir))
}

/// A path as a shell reads it back.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@%".contains(c)) && !text.is_empty() {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_a_shell() {
        for path in ["/plain/path-1.2", "/a b", "/it's", "/$HOME", ""] {
            let output = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {}", quoted(Path::new(path)))])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), path);
        }
    }
}
