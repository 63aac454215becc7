//! The part of an output that is here: some pages in a row, of which the furthest goes when another comes. So one looks
//! through a gigabyte with a few megabytes of memory.

use std::collections::VecDeque;

use crate::api::client::{LogPage, LogPart};
use crate::domain::spool::{self, Chunk};

/// Bytes of a page, or a little more: it begins where a chunk does.
pub const PAGE: u64 = 256 << 10;

/// The most pages that are kept.
const KEPT_MAX: usize = 4;

/// Less than a page by more than the longest chunk is a page that nothing follows.
const CHUNK_MAX: u64 = 65 << 10;

/// Which page is fetched, and where it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The last one, in place of everything.
    Last,
    /// The first one, in place of everything.
    First,
    /// The one before what is here.
    Before,
    /// The one after what is here.
    After,
}

/// Whether a page that was asked for forwards is so short that nothing follows it.
pub fn is_last(page: &LogPage) -> bool {
    page.bytes.len() as u64 + CHUNK_MAX < PAGE
}

/// Some pages in a row.
#[derive(Default)]
pub struct Pages {
    kept: VecDeque<LogPage>,
    /// Whether the last one here ends where the output ended when it was fetched.
    at_end: bool,
}

impl Pages {
    /// These, in order.
    pub const fn of(kept: VecDeque<LogPage>) -> Self {
        Self { kept, at_end: false }
    }

    /// What to ask for.
    pub fn part(&self, wanted: Wanted) -> LogPart {
        let usual = LogPart::default();
        match wanted {
            Wanted::Last => LogPart { tail: Some(PAGE), ..usual },
            Wanted::First => LogPart { from: Some(0), length: Some(PAGE), ..usual },
            Wanted::Before => LogPart { before: Some(self.start()), tail: Some(PAGE), ..usual },
            Wanted::After => LogPart { from: self.kept.back().map(|page| page.end), length: Some(PAGE), ..usual },
        }
    }

    /// Takes a page.
    pub fn take(&mut self, wanted: Wanted, page: LogPage) {
        let short = is_last(&page);
        match wanted {
            Wanted::Last | Wanted::First => {
                self.kept.clear();
                self.kept.push_back(page);
                self.at_end = wanted == Wanted::Last || short;
            }
            Wanted::Before => {
                if page.bytes.is_empty() {
                    // What stood there was dropped meanwhile; asking again would bring nothing either.
                    if let Some(first) = self.kept.front_mut() {
                        first.start = 0;
                    }
                    return;
                }
                self.kept.push_front(page);
                if self.kept.len() > KEPT_MAX {
                    self.drop_last();
                }
            }
            Wanted::After => {
                self.at_end = short;
                if !page.bytes.is_empty() {
                    self.kept.push_back(page);
                }
                if self.kept.len() > KEPT_MAX {
                    self.kept.pop_front();
                }
            }
        }
    }

    /// Lets the page go that is furthest from where the last one came, because all together are too much; `false` when
    /// there is only one.
    pub fn shrink(&mut self, wanted: Wanted) -> bool {
        if self.kept.len() < 2 {
            return false;
        }
        if wanted == Wanted::Before {
            self.drop_last();
        } else {
            self.kept.pop_front();
        }
        true
    }

    fn drop_last(&mut self) {
        self.kept.pop_back();
        self.at_end = false;
    }

    /// Where what is here begins.
    pub fn start(&self) -> u64 {
        self.kept.front().map_or(0, |page| page.start)
    }

    /// Where what is here ends.
    pub fn end(&self) -> u64 {
        self.kept.back().map_or(0, |page| page.end)
    }

    /// How many bytes there are in all, as far as is known.
    pub fn size(&self) -> u64 {
        self.kept.back().map_or(0, |page| page.size)
    }

    /// The first page here.
    pub fn first(&self) -> Option<&LogPage> {
        self.kept.front()
    }

    /// The last page here.
    pub fn last(&self) -> Option<&LogPage> {
        self.kept.back()
    }

    /// Whether there is more before what is here.
    pub fn more_before(&self) -> bool {
        self.start() > 0
    }

    /// Whether there is more after what is here, as far as is known.
    pub const fn more_after(&self) -> bool {
        !self.at_end
    }

    /// Whether nothing but the last page is here.
    pub fn only_last(&self) -> bool {
        self.at_end && self.kept.len() < 2
    }

    /// The chunks, in order.
    pub fn chunks(&self) -> impl Iterator<Item = Chunk<'_>> {
        self.kept.iter().flat_map(|page| {
            let mut rest: &[u8] = &page.bytes;
            std::iter::from_fn(move || {
                let (chunk, length) = spool::decode(rest)?;
                rest = &rest[length..];
                Some(chunk)
            })
        })
    }
}
