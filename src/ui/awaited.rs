//! Which answers of the engine somebody waits for, because a key asked for them: they are shown at once, however long they
//! took. Answers to what the console asks by itself keep to the budget of frames that no key asked for.

use std::collections::BTreeMap;

use super::request::{Ask, Lane, Ticket};

/// The most that are kept. Asks that were overtaken in the queue are never answered.
const KEPT_MAX: usize = 64;

/// What was asked because of a key and has not been answered.
#[derive(Debug, Default)]
pub struct Awaited {
    asked: BTreeMap<Ticket, Option<Lane>>,
}

impl Awaited {
    /// Takes note of an ask, and whether a key was behind it. One that takes the place of an awaited one in its lane is
    /// awaited like that.
    pub fn asked(&mut self, ask: &Ask, by_key: bool) {
        let waiting = self.asked.len();
        if ask.lane.is_some() {
            self.asked.retain(|_, lane| *lane != ask.lane);
        }
        if by_key || self.asked.len() < waiting {
            self.asked.insert(ask.ticket, ask.lane);
        }
        while self.asked.len() > KEPT_MAX {
            self.asked.pop_first();
        }
    }

    /// Whether the answer with this ticket is awaited; asking takes it off.
    pub fn answered(&mut self, ticket: Ticket) -> bool {
        self.asked.remove(&ticket).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::request::Request;

    fn ask(ticket: Ticket, lane: Option<Lane>) -> Ask {
        Ask { ticket, lane, request: Request::Overview }
    }

    #[test]
    fn what_a_key_asked_for_is_awaited_once_and_so_is_what_takes_its_place() {
        let mut awaited = Awaited::default();
        awaited.asked(&ask(1, None), true);
        awaited.asked(&ask(2, Some("tasks")), true);
        awaited.asked(&ask(3, Some("grid")), false);
        awaited.asked(&ask(4, Some("tasks")), false);
        assert!(awaited.answered(1) && !awaited.answered(1));
        assert!(!awaited.answered(2), "the newer one in its lane is answered in its place");
        assert!(!awaited.answered(3), "nobody pressed a key for it");
        assert!(awaited.answered(4));
        awaited.asked(&ask(5, Some("tasks")), false);
        assert!(!awaited.answered(5), "what was awaited has come");
    }

    #[test]
    fn what_is_never_answered_is_not_kept_for_ever() {
        let mut awaited = Awaited::default();
        for ticket in 0..1_000 {
            awaited.asked(&ask(ticket, None), true);
        }
        assert_eq!(awaited.asked.len(), KEPT_MAX);
        assert!(awaited.answered(999));
    }
}
