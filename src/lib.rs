//! Menagerie: an operations console for fleets of agents.
//!
//! The rooms, from the inside out; an arrow that points up is a defect (see ARCHITECTURE.md):
//! [`domain`] is the vocabulary; [`engine::core`] decides; [`store`] remembers; [`engine`] feeds the one and the other;
//! [`worker`] acts; [`api`] connects; [`ui`] shows and [`cli`] is what people type.

pub mod api;
pub mod cli;
pub mod domain;
pub mod engine;
pub mod store;
pub mod ui;
pub mod worker;

/// The version of this binary.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
