//! What can lie over a screen, one a file.

pub mod action_log;
pub mod agent_form;
pub mod candidates;
pub mod confirm;
pub mod detail;
pub mod explain;
pub mod help;
pub mod menu;
pub mod palette;
pub mod preview;
pub mod prompt;
pub mod search;
pub mod submit;
pub mod trial;
