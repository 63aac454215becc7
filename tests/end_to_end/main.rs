//! The command line against the real engine, worker and cages: what a person types and what comes back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// Each test binary uses a part of it.
#[allow(dead_code)]
#[path = "../site/mod.rs"]
mod site;

mod bad_input;
mod cages;
mod choosing;
mod fast_output;
mod filters;
mod full_disk;
mod gpus;
mod interface;
mod kept;
mod learning;
mod names_of_ids;
mod owner_only;
mod past;
mod reported;
mod resume;
mod shapes;
mod starting;
mod verifying;
mod watching;
mod work;
mod workspaces;
