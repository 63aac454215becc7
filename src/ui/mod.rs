//! The console: what the fleet does, on a terminal, and keys to change it.
//!
//! State, update, view. [`app::App`] is the state; everything that happens is a [`message::Message`]; [`view`] draws
//! from the state alone. A screen is a module in `screens/`, something over it a module in `layers/`, something one can
//! do a module in `actions/`; keys are data (`keymap.toml`), colours are data (`themes/`).
//!
//! The console holds no truth: it asks the engine through the API's client and shows what came. It may know the client
//! and the domain and nothing else, so that it works the same beside the engine and far from it.

pub mod action;
mod actions;
mod ansi;
pub mod app;
mod arming;
mod awaited;
pub mod budget;
mod clipboard;
mod columns;
mod declaration_lines;
mod document;
mod editor;
mod events_text;
mod fuzzy;
pub mod gather;
mod governor;
mod history;
pub mod key;
pub mod keymap;
mod layer;
mod layers;
mod lines;
mod link;
mod list;
mod look;
pub mod message;
mod mouse;
mod names;
pub mod notify;
mod orders;
mod pager;
pub mod place;
mod reader;
pub mod request;
mod round_trip;
mod run;
mod saved;
mod screen;
mod screens;
mod scrollbars;
pub mod settings;
mod sparks;
mod step;
pub mod terminal;
mod text;
pub mod theme;
mod toasts;
mod travel;
mod tree;
mod verb;
pub mod verbs;
pub mod view;
mod voice;
mod whole;
mod widgets;

#[cfg(test)]
mod tests;

pub use app::Options;
pub use link::Starter;
pub use run::{Error, run};
pub use text::{clean, decimals};
pub use travel::{OpenPast, Opener};
pub use voice::Voice;
