//! What can lie over a screen, one a file.

pub mod action_log;
pub mod candidates;
pub mod confirm;
pub mod detail;
pub mod explain;
pub mod help;
pub mod menu;
pub mod message;
pub mod palette;
pub mod preview;
pub mod prompt;
pub mod submit;

use super::step::Step;

/// The question before the engine is stopped.
pub fn confirm_shutdown(all: bool) -> Step {
    let words = if all {
        vec!["Stops the engine and everything that runs in the cages. What runs is queued again.".to_owned()]
    } else {
        vec!["Stops the engine. What runs goes on and is taken up again by the next engine.".to_owned()]
    };
    Step::Open(Box::new(confirm::Confirm::new("stop the engine?", words, "shutdown", Step::Shutdown(all))))
}
