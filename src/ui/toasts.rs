//! Remarks at the bottom: what was done goes by itself, what failed and what has to be read in full stays until it is read.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::step::Tone;

/// How long a remark that is no failure is shown.
const SHOWN_FOR: Duration = Duration::from_secs(4);

/// The most remarks that are kept until they are read.
const KEPT_MAX: usize = 100;

/// One remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// How it is meant.
    pub tone: Tone,
    /// What it says; a failure may have several lines.
    pub text: String,
    /// What there is to read where that is not the remark itself: under which title, and what.
    pub full: Option<(String, String)>,
    until: Option<Instant>,
    /// How many more keys it outlasts; `None` where keys have no part in it.
    keys: Option<u8>,
}

impl Toast {
    /// Whether it stays until it is read.
    pub const fn stays(&self) -> bool {
        self.until.is_none()
    }
}

/// The remarks in sight.
#[derive(Default)]
pub struct Toasts {
    shown: VecDeque<Toast>,
}

impl Toasts {
    /// Adds a remark. The same one again only stays longer.
    pub fn push(&mut self, tone: Tone, text: String, now: Instant) {
        let until = (tone != Tone::Bad).then(|| now + SHOWN_FOR);
        self.shown.retain(|toast| toast.text != text);
        // One remark that goes by itself at a time: the newest.
        if until.is_some() {
            self.shown.retain(|toast| toast.until.is_none());
        }
        self.add(Toast { tone, text, full: None, until, keys: None });
    }

    /// Adds why a key did nothing: it goes by itself, and with the next key already.
    pub fn obstacle(&mut self, text: String, now: Instant) {
        self.push(Tone::Info, text, now);
        // The key that it is about comes to its end too.
        if let Some(toast) = self.shown.back_mut() {
            toast.keys = Some(1);
        }
    }

    /// Takes note that a key has done what it does: what was said of the one before goes.
    pub fn key_ended(&mut self) {
        self.shown.retain(|toast| toast.keys != Some(0));
        for keys in self.shown.iter_mut().filter_map(|toast| toast.keys.as_mut()) {
            *keys -= 1;
        }
    }

    /// Adds a remark that stays until what it tells of is read, which is shown under a title.
    pub fn keep(&mut self, tone: Tone, text: String, full: (String, String)) {
        self.shown.retain(|toast| toast.text != text);
        self.add(Toast { tone, text, full: Some(full), until: None, keys: None });
    }

    fn add(&mut self, toast: Toast) {
        self.shown.push_back(toast);
        while self.shown.len() > KEPT_MAX {
            self.shown.pop_front();
        }
    }

    /// Lets go of those whose time is over; `true` when there was one.
    pub fn expire(&mut self, now: Instant) -> bool {
        let before = self.shown.len();
        self.shown.retain(|toast| toast.until.is_none_or(|until| until > now));
        self.shown.len() != before
    }

    /// When the next one goes.
    pub fn next_expiry(&self) -> Option<Instant> {
        self.shown.iter().filter_map(|toast| toast.until).min()
    }

    /// All of them, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Toast> {
        self.shown.iter()
    }

    /// The newest that stays, taken away as read: the one that is shown, unless something that goes by itself hides it.
    pub fn read_one(&mut self) -> Option<Toast> {
        let place = self.shown.iter().rposition(Toast::stays)?;
        self.shown.remove(place)
    }

    /// Takes away as read what is shown, if it stays; `false` when it goes by itself.
    pub fn read_shown(&mut self) -> bool {
        let shown = self.shown.back().is_some_and(Toast::stays);
        shown && self.shown.pop_back().is_some()
    }

    /// How many wait to be read behind the remark that is shown.
    pub fn hidden(&self) -> usize {
        self.shown.iter().rev().skip(1).filter(|toast| toast.stays()).count()
    }
}
