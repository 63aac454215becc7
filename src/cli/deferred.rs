//! A verb's options that are made when that verb is typed, and not each time the program starts: the whole tree has over a
//! hundred verbs, which take longer to describe than to carry most of them out.

use std::cell::Cell;

use clap::builder::Resettable;
use clap::error::Error;
use clap::{ArgMatches, Args, Command, CommandFactory, FromArgMatches, Subcommand};

thread_local! {
    /// Whether everything is made at once.
    static WHOLE: Cell<bool> = const { Cell::new(false) };
}

/// The whole tree, nothing deferred: for what describes all of it.
pub fn whole<T: CommandFactory>() -> Command {
    WHOLE.set(true);
    let command = T::command();
    WHOLE.set(false);
    command
}

/// Options or verbs that the parser learns of when it needs them.
#[derive(Clone, Debug)]
pub struct Deferred<T>(pub T);

/// Has `deferred` do later what `now` does, unless it has to be done now.
fn later(command: Command, now: fn(Command) -> Command, deferred: fn(Command) -> Command) -> Command {
    if WHOLE.get() { now(command) } else { command.defer(deferred) }
}

/// Keeps what was said of the verb itself: a description of its options' type is not about the verb.
fn keeping_about(command: Command, augment: impl FnOnce(Command) -> Command) -> Command {
    let (about, long) = (command.get_about().cloned(), command.get_long_about().cloned());
    augment(command).about(Resettable::from(about)).long_about(Resettable::from(long))
}

impl<T: Args> Args for Deferred<T> {
    fn augment_args(command: Command) -> Command {
        later(command, T::augment_args, |command| keeping_about(command, T::augment_args))
    }

    fn augment_args_for_update(command: Command) -> Command {
        later(command, T::augment_args_for_update, |command| keeping_about(command, T::augment_args_for_update))
    }
}

impl<T: Subcommand> Subcommand for Deferred<T> {
    fn augment_subcommands(command: Command) -> Command {
        later(command, T::augment_subcommands, |command| keeping_about(command, T::augment_subcommands))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        later(command, T::augment_subcommands_for_update, |command| {
            keeping_about(command, T::augment_subcommands_for_update)
        })
    }

    fn has_subcommand(name: &str) -> bool {
        T::has_subcommand(name)
    }
}

impl<T: FromArgMatches> FromArgMatches for Deferred<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}
