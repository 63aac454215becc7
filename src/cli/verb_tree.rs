//! The verbs as the console's palette completes them, made from what the parser itself knows.

use std::sync::OnceLock;

use clap::{Arg, Command};

use super::args::Cli;
use super::deferred::whole;
use crate::ui::verbs::Verb;

/// All verbs, made once, when they are first asked for.
pub fn all() -> &'static Verb {
    static ALL: OnceLock<Verb> = OnceLock::new();
    ALL.get_or_init(|| verb(&whole::<Cli>()))
}

fn verb(command: &Command) -> Verb {
    let sentence = |text: Option<String>| text.unwrap_or_default().lines().next().unwrap_or_default().to_owned();
    let option =
        |arg: &Arg| Some((format!("--{}", arg.get_long()?), sentence(arg.get_help().map(ToString::to_string))));
    // The options of all verbs are about this program and not about what is asked for.
    let own = command.get_arguments().filter(|arg| !arg.is_global_set() && !arg.is_hide_set());
    Verb {
        name: command.get_name().to_owned(),
        also: command.get_all_aliases().map(str::to_owned).collect(),
        help: sentence(command.get_about().map(ToString::to_string)),
        verbs: command.get_subcommands().filter(|verb| !verb.is_hide_set()).map(verb).collect(),
        options: own.filter_map(option).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_completes_what_the_parser_takes() {
        let lines = |line: &str| all().completions(line).into_iter().map(|(line, _)| line).collect::<Vec<_>>();
        assert_eq!(lines("agent rem"), ["agent remove "]);
        assert_eq!(lines("stop --a"), ["stop --all "]);
        assert!(lines("task list --").contains(&"task list --filter ".to_owned()), "{:?}", lines("task list --"));
        assert_eq!(all().unknown("alert ack 12"), None, "another word for a verb is one too");
        assert!(all().after("sense").is_none(), "what is hidden is for programs");
        assert!(all().after("task").is_some_and(|task| !task.help.is_empty()));
    }
}
