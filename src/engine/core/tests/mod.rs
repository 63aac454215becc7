//! Tests of the core alone: a small world in which tasks are submitted, time passes and a worker answers.

mod alerts;
mod backfill;
mod candidates;
mod chances;
mod commands;
mod declared;
mod explain;
mod faults;
mod inbox;
mod judge;
mod learning;
mod look;
mod merging;
mod order;
mod predictor;
mod properties;
mod rules;
mod selection;
mod snapshot;
mod stand_back;
mod undo;
mod what_if;
mod world;
