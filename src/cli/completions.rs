//! `menagerie completions`: completions for a shell.

use clap::Args;
use clap_complete::Shell;

use super::args::Cli;
use super::context::Context;
use super::deferred::whole;
use super::failure::Outcome;

/// Options of `menagerie completions`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "For bash: menagerie completions bash > ~/.local/share/bash-completion/completions/menagerie")]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

pub fn run(context: &mut Context, args: &CompletionsArgs) -> Outcome {
    // Collected first, because the generator panics when its writer fails, as a closed pipe would.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut whole::<Cli>(), "menagerie", &mut script);
    context.out.raw(&script)?;
    Ok(0)
}
