//! The console as a person has it: the real binary in a real pseudo-terminal, over a real engine. What it did to the fleet is asked of
//! the engine, not only read from the screen; whatever it sends is read byte by byte; the terminal has to be as it was in the end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// Each test binary uses a part of it.
#[allow(dead_code)]
#[path = "../site/mod.rs"]
mod site;

mod desk;
mod scan;
mod terminal;

mod bulk;
mod deciding;
mod early_keys;
mod editing;
mod hostile_fleet;
mod linear;
mod lost_engine;
mod lost_terminal;
mod panicking;
mod pasting;
mod proposing;
mod random_keys;
mod rating;
mod read_only;
mod reassigning;
mod resizing;
mod screens;
mod searching;
mod signals;
mod starting;
mod travelling;
mod unfit_terminals;
