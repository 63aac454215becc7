//! How an agent says what it does. [`command`] takes its lines apart; one file for each language that they may be in, and
//! [`said`], which all of them fill.

mod auto;
mod claude;
mod codex;
pub(super) mod command;
mod gemini;
mod menagerie;
mod opencode;
pub(super) mod said;
