//! Tests of the core alone: a small world in which tasks are submitted, time passes and a worker answers.

mod backfill;
mod commands;
mod faults;
mod look;
mod order;
mod properties;
mod snapshot;
mod world;
