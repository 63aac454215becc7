//! `menagerie schema`: JSON schemas of the files that people write, for editors.

use clap::{Args, ValueEnum};

use super::config::ConfigFile;
use super::context::Context;
use super::failure::Outcome;
use crate::domain::Fleet;
use crate::domain::task::NewTask;

/// Options of `menagerie schema`.
#[derive(Args, Clone, Debug)]
pub struct SchemaArgs {
    /// Of which file
    pub file: SchemaOf,
}

/// The files that people write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// `config.toml`
    Config,
    /// A fleet file, as `apply` takes it
    Fleet,
    /// A line of a batch, as `task submit --batch` takes it
    Task,
}

pub fn run(context: &mut Context, args: &SchemaArgs) -> Outcome {
    let schema = match args.file {
        SchemaOf::Config => schemars::schema_for!(ConfigFile),
        SchemaOf::Fleet => schemars::schema_for!(Fleet),
        SchemaOf::Task => schemars::schema_for!(NewTask),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(std::io::Error::from)?;
    context.out.line(&text)?;
    Ok(0)
}
