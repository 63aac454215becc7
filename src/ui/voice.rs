//! How those who work beside the console, such as whoever starts the engine, speak to it.

use super::link::LinkState;
use super::message::{Message, Post};
use super::step::Tone;

/// Speaks to the console from another thread. Clones speak to the same.
#[derive(Clone)]
pub struct Voice(Post);

impl Voice {
    /// A voice that the owner of the queue hears.
    pub(super) fn new(post: Post) -> Self {
        Self(post)
    }

    /// The engine is being started, and this is how far it is. `false` when nobody listens any more.
    pub fn starting(&self, progress: impl Into<String>) -> bool {
        self.0.send(Message::Link(LinkState::Starting { progress: progress.into() }))
    }

    /// Something was done; shown for a moment.
    pub fn done(&self, text: impl Into<String>) -> bool {
        self.0.send(Message::Said { tone: Tone::Done, text: text.into() })
    }

    /// Something failed; shown until it is read.
    pub fn failed(&self, text: impl Into<String>) -> bool {
        self.0.send(Message::Said { tone: Tone::Bad, text: text.into() })
    }
}
