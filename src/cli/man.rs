//! `menagerie man`: manual pages, one a verb.

use std::path::PathBuf;

use clap::Args;

use super::args::Cli;
use super::context::Context;
use super::deferred::whole;
use super::failure::{Failure, Outcome};

/// Options of `menagerie man`.
#[derive(Args, Clone, Debug)]
pub struct ManArgs {
    /// Write one page a verb into this folder; without it the first page goes to standard output
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

pub fn run(context: &mut Context, args: &ManArgs) -> Outcome {
    let Some(folder) = &args.folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(whole::<Cli>()).render(&mut page)?;
        context.out.raw(&page)?;
        return Ok(0);
    };
    std::fs::create_dir_all(folder).map_err(|error| Failure::file("create", folder, &error))?;
    clap_mangen::generate_to(whole::<Cli>(), folder)
        .map_err(|error| Failure::file("write pages to", folder, &error))?;
    Ok(0)
}
