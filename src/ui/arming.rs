//! Whether a key may decide what is under the cursor: not before it has been in sight there long enough to be read.
//!
//! Somebody who judges a hundred things presses the same key again and again. What slips under the cursor just before
//! the key comes down must not be judged by it. So it is in every list in which keys change what the cursor is on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::action;

/// How long something has to have been there.
const REST: Duration = Duration::from_secs(1);

/// What changes something, but not what the cursor is on.
const ELSEWHERE: &[&str] = &["undo", "undo_older", "redo", "submit", "edit_tasks", "new_rule", "new_silence"];

/// A key that comes again within this time is held down: keyboards repeat ten times a second and more, and nobody has read
/// anything meanwhile.
const HELD: Duration = Duration::from_millis(300);

/// Why a key that is held down decides nothing more.
pub const HELD_DOWN: &str = "the key is held down; let go, look, then press again";

/// Tells a key that is held down from one that is pressed again.
#[derive(Default)]
pub struct Held {
    /// What changes something and was wanted last, and when; `None` after any other key.
    last: Option<(&'static str, Instant)>,
}

impl Held {
    /// Takes note of a key that does `action`; whether it is the same one, still held, and the action changes what the
    /// cursor is on. The first time a key is held it does what it does.
    pub fn comes(&mut self, action: &'static str, now: Instant) -> bool {
        let before = self.last.replace((action, now));
        let again = before.is_some_and(|(name, at)| name == action && now.saturating_duration_since(at) < HELD);
        again && waits(action)
    }

    /// Takes note of a key that does something else.
    pub const fn other(&mut self) {
        self.last = None;
    }
}

/// Why nothing is done to a row of a filter or an order that has been given up.
pub const ON_ITS_WAY: &str = "what you asked to see is still on its way; look, then press again";

const UNSEEN: &str = "you have not seen this one yet; look, then press again";
const ARRIVED: &str = "it has just arrived; look, then press again";
const CAME: &str = "it has just come under the cursor; look, then press again";

/// Whether an obstacle is one of those here, which go away by themselves in a moment.
pub fn is_for_a_moment(obstacle: &str) -> bool {
    [ON_ITS_WAY, UNSEEN, ARRIVED, CAME].contains(&obstacle)
}

/// Whether an action changes what the cursor is on, and so waits until that could be read.
pub fn waits(action: &str) -> bool {
    action::named(action).is_some_and(|action| action.changes) && !ELSEWHERE.contains(&action)
}

/// How long no key has to come until what is typed is no longer taken for words that nobody asked for.
pub const WORDS_PAUSE: Duration = Duration::from_millis(700);

/// Whether an action asks for a note or a reason, so that somebody may write one before seeing that it did not.
pub fn asks_for_words(action: &str) -> bool {
    matches!(action, "reject" | "approve_with_note" | "acknowledge_with_note" | "resolve")
}

/// Whether an action marks what the cursor is on.
pub fn marks(action: &str) -> bool {
    matches!(action, "mark" | "mark_range")
}

/// How long something counts as new, for the eye.
const NEW: Duration = Duration::from_secs(3);

/// What has come when.
#[derive(Default)]
pub struct Arming {
    now: Option<Instant>,
    /// When each item was first drawn, or until it is when it came; `None` for those that were there from the beginning.
    known: BTreeMap<String, Option<Instant>>,
    /// Those that have not been drawn yet.
    undrawn: BTreeSet<String>,
    /// When something else came under the cursor without a key.
    came: Option<Instant>,
    /// Whether what is under the cursor has been drawn there.
    drawn: bool,
}

impl Arming {
    /// Learns what time it is.
    pub const fn set_now(&mut self, now: Instant) {
        self.now = Some(now);
    }

    /// Learns what there is now. With `first` nothing was there before, so that nothing of it is new.
    pub fn know<'a>(&mut self, ids: impl Iterator<Item = &'a str>, first: bool) {
        let arrived = if first { None } else { self.now };
        let mut known = BTreeMap::new();
        for id in ids {
            if !first && !self.known.contains_key(id) {
                self.undrawn.insert(id.to_owned());
            }
            known.insert(id.to_owned(), self.known.get(id).copied().unwrap_or(arrived));
        }
        self.undrawn.retain(|id| known.contains_key(id));
        self.known = known;
    }

    /// Learns what was there before, beyond what anybody had looked at: nothing of it is new.
    pub fn reach<'a>(&mut self, ids: impl Iterator<Item = &'a str>) {
        for id in ids {
            self.known.entry(id.to_owned()).or_insert(None);
        }
    }

    /// Takes note that something else is under the cursor though no key moved it.
    pub fn came_by_itself(&mut self) {
        self.came = self.now;
        self.drawn = false;
    }

    /// Takes note that a key put the cursor where it is.
    pub const fn chosen(&mut self) {
        self.came = None;
        self.drawn = false;
    }

    /// Takes note that everything is about to be drawn as it is now. Only from now on it can be read: a frame may come long
    /// after what it shows.
    pub fn drawn(&mut self) {
        if !self.drawn {
            self.came = self.came.and(self.now);
        }
        self.drawn = true;
        for id in std::mem::take(&mut self.undrawn) {
            if let Some(arrived) = self.known.get_mut(&id) {
                *arrived = self.now;
            }
        }
    }

    fn within(&self, since: Option<Instant>, span: Duration) -> bool {
        match (self.now, since) {
            (Some(now), Some(since)) => now.saturating_duration_since(since) < span,
            _ => false,
        }
    }

    /// When the next thing here ceases to be new, or may be decided.
    pub fn next(&self) -> Option<Instant> {
        let now = self.now?;
        let arrived = self.known.values().flatten();
        let ends = arrived.flat_map(|at| [*at + REST, *at + NEW]).chain(self.came.map(|at| at + REST));
        ends.filter(|end| *end > now).min()
    }

    /// When this item may be decided, if it is not yet.
    pub fn next_of(&self, id: &str) -> Option<Instant> {
        let now = self.now?;
        let ends = [self.came, self.known.get(id).copied().flatten()].into_iter().flatten().map(|at| at + REST);
        ends.filter(|end| *end > now).max()
    }

    /// Whether an item has come so recently that it is shown as new.
    pub fn is_new(&self, id: &str) -> bool {
        self.within(self.known.get(id).copied().flatten(), NEW)
    }

    /// Why an item, or with several ids a group, under the cursor may not be decided yet.
    pub fn obstacle<'a>(&self, mut ids: impl Iterator<Item = &'a str>) -> Option<String> {
        if !self.drawn {
            return Some(UNSEEN.to_owned());
        }
        let arrived = |id: &str| self.known.get(id).copied().flatten();
        if ids.any(|id| self.within(arrived(id), REST)) {
            return Some(ARRIVED.to_owned());
        }
        if self.within(self.came, REST) {
            return Some(CAME.to_owned());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_held_down_is_told_from_one_that_is_pressed_again() {
        let begun = Instant::now();
        let at = |millis: u64| begun + Duration::from_millis(millis);
        let mut held = Held::default();
        assert!(!held.comes("approve", at(0)));
        // The first repeat comes late, the others fast, for as long as it is held.
        assert!(!held.comes("approve", at(500)));
        for repeat in 1..100 {
            assert!(held.comes("approve", at(500 + 33 * repeat)), "{repeat}");
        }
        assert!(!held.comes("approve", at(5_000)), "let go and pressed again");
        assert!(!held.comes("reject", at(5_010)), "another one");
        assert!(!held.comes("down", at(5_020)) && !held.comes("down", at(5_030)), "moving may be held");
        held.comes("approve", at(6_000));
        held.other();
        assert!(!held.comes("approve", at(6_010)), "something else came between");
    }

    #[test]
    fn the_second_counts_from_when_it_could_be_read_and_not_from_when_it_came() {
        let begun = Instant::now();
        let mut arming = Arming::default();
        let at = |arming: &mut Arming, millis: u64| arming.set_now(begun + Duration::from_millis(millis));
        let may = |arming: &Arming| arming.obstacle(std::iter::once("new")).is_none();
        at(&mut arming, 0);
        arming.know(["old"].into_iter(), true);
        arming.drawn();
        assert!(arming.obstacle(std::iter::once("old")).is_none());
        arming.know(["new", "old"].into_iter(), false);
        arming.came_by_itself();
        at(&mut arming, 6_000);
        assert!(!may(&arming), "it has not been drawn");
        arming.drawn();
        at(&mut arming, 6_900);
        arming.drawn();
        assert!(!may(&arming), "it has been there for less than a second");
        at(&mut arming, 7_000);
        assert!(may(&arming));
    }
}
