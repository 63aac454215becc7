//! Watching, by real causes: agents that eat memory, loop or go silent, a worker that hangs, a disk that fills; what is then
//! told, where it shows, and what is left of it the next day. And what goes out: traces, metrics, logs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// Each test binary uses a part of it.
#[allow(dead_code)]
#[path = "../site/mod.rs"]
mod site;

mod agents;
mod clock;
mod faults;
mod health;
mod listener;
mod logs;
mod nodes;
mod ops;
mod otlp;
mod queue;
mod receivers;
mod rules;
mod story;
mod traces;
