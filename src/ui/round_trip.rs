//! How long an answer of the engine takes as it is felt here: the way there, its work, and the way back.

use std::time::{Duration, Instant};

use super::request::Ticket;

/// Of one question at a time: when it was asked, and how long the last answer took.
#[derive(Default)]
pub struct RoundTrip {
    asked: Option<(Ticket, Instant)>,
    last: Option<Duration>,
}

impl RoundTrip {
    /// Takes note of a question, unless one is being timed already.
    pub fn asked(&mut self, ticket: Ticket, now: Instant) {
        self.asked.get_or_insert((ticket, now));
    }

    /// Takes note of an answer.
    pub fn answered(&mut self, ticket: Ticket, now: Instant) {
        match self.asked {
            Some((asked, at)) if asked == ticket => {
                self.last = Some(now.saturating_duration_since(at));
                self.asked = None;
            }
            // A later question took its place on the way, so it will not be answered.
            Some((asked, _)) if asked < ticket => self.asked = None,
            _ => {}
        }
    }

    /// For the header; coarse, so that showing it is no traffic worth showing. Empty before the first answer.
    pub fn text(&self) -> String {
        match self.last.map(|last| last.as_millis()) {
            None => String::new(),
            Some(0..10) => ", an answer <10 ms".to_owned(),
            Some(millis) => format!(", an answer {} ms", millis / 10 * 10),
        }
    }
}
