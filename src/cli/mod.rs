//! The command line: verbs and their output formats. Starts engine, worker and console; otherwise only uses the API's
//! client.
//!
//! Each verb lives in a file of its name: its options as clap knows them, and a `run` that gives an exit status or a
//! [`failure::Failure`]. What they share: [`config`] resolves settings, [`launch`] starts an engine in the background,
//! [`output`] and [`table`] write results, [`list`] fetches and [`view`] reads them.
//!
//! Exit status: 0 done, 1 failed, 2 bad usage or refused input, 3 no engine. `run --wait` gives its command's own.

pub mod args;
pub mod bench;
pub mod config;
pub mod console;
mod console_section;
pub mod context;
pub mod engine;
pub mod failure;
pub mod fleet_file;
pub mod launch;
pub mod list;
pub mod output;
pub mod table;
pub mod toml_file;
pub mod view;

mod agent;
mod agent_fields;
mod agent_performance;
mod agent_recommend;
mod agent_show;
mod agent_version;
mod alert;
mod alert_history;
mod alert_rule;
mod apply;
mod approval;
mod artifact;
mod batch;
mod cage;
mod candidates;
mod completions;
mod config_verb;
mod dashboard;
mod db;
mod deferred;
mod defuse;
pub mod demo;
mod evaluate;
mod event;
mod execution;
mod filter;
mod gather;
mod inbox;
mod items;
mod journal;
mod linear;
mod logs;
mod man;
mod metric;
mod metric_export;
mod metric_labels;
mod metrics_section;
mod model;
mod node;
mod past;
mod program;
mod run;
mod schema;
mod search;
mod serde_words;
mod simulate;
mod status;
mod stop;
mod task;
mod task_options;
mod verb_tree;
mod wait;

use std::io::{IsTerminal, Write};

use clap::Parser;

use args::Cli;
use config::{ColorChoice, Settings};
use context::Context;
use failure::Failure;
use output::Role;

/// Does what the command line asks for and gives the exit status.
pub fn main() -> i32 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help, version or bad usage; a reader that has gone is no failure.
            if let Some(sentence) = not_utf8(error.kind()) {
                complain(&[sentence], ColorChoice::Auto);
            } else {
                let _ = error.print();
            }
            return error.exit_code();
        }
    };
    let color = cli.globals.color.unwrap_or(ColorChoice::Auto);
    let outcome = Settings::resolve(&cli.globals, &config::environment).and_then(|settings| {
        let mut context = Context::new(settings);
        let outcome = args::dispatch(&mut context, &cli.console, cli.globals.at.as_deref(), cli.verb);
        // What was written belongs to the reader also when the verb failed in the end.
        let flushed = context.out.flush().map_err(Failure::from);
        outcome.and_then(|status| flushed.map(|()| status))
    });
    outcome.unwrap_or_else(|failure| {
        complain(&failure.sentences(), color);
        failure.status()
    })
}

/// Which of the arguments is not UTF-8, where that is what is wrong.
fn not_utf8(kind: clap::error::ErrorKind) -> Option<String> {
    let at_fault = || std::env::args_os().enumerate().find(|(_, argument)| argument.to_str().is_none());
    let (place, argument) = (kind == clap::error::ErrorKind::InvalidUtf8).then(at_fault).flatten()?;
    let shown = argument.as_encoded_bytes().escape_ascii();
    Some(format!("argument {place}, \"{shown}\", is not UTF-8; write it in that encoding"))
}

/// Writes problems to standard error, one a line.
fn complain(sentences: &[String], color: ColorChoice) {
    let mut stderr = std::io::stderr().lock();
    let color = output::color_wanted(color, stderr.is_terminal());
    for (place, sentence) in sentences.iter().enumerate() {
        let label = if place == 0 { output::paint(color, Role::Bad, "error:") } else { "      ".to_owned() };
        // Nobody is left to tell when standard error is closed.
        let _ = writeln!(stderr, "{label} {sentence}");
    }
}
