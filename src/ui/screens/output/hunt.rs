//! Looking for words in the part of an output that is not here: page by page, forwards or backwards, round the end.

use super::pages::{PAGE, Pages, is_last};
use crate::api::client::{LogPage, LogPart};
use crate::domain::Timestamp;
use crate::ui::ansi::Lines;
use crate::ui::pager::TextLine;
use crate::ui::request::Ticket;

/// Pages that are looked through one after the other, from a place on and up to one.
struct Leg {
    /// From where on; `None` for the end of what is kept.
    at: Option<u64>,
    /// Up to where; `None` for as far as there is.
    until: Option<u64>,
}

/// What is still to be looked through.
pub struct Hunt {
    forward: bool,
    leg: Leg,
    /// Round the end, when that is reached.
    then: Option<Leg>,
    /// The page that was looked through last, because a line may go on in the next one.
    last: Option<LogPage>,
    /// How many bytes were looked through.
    done: u64,
    /// About how many there are.
    all: u64,
    /// What is on its way.
    pub asked: Option<Ticket>,
}

impl Hunt {
    /// Looks through everything but the pages that are here.
    pub fn new(here: &Pages, forward: bool) -> Self {
        let (start, end) = (here.start(), here.end());
        let (leg, then, last) = if forward {
            (Leg { at: Some(end), until: None }, Leg { at: Some(0), until: Some(start) }, here.last())
        } else {
            (Leg { at: Some(start), until: None }, Leg { at: None, until: Some(end) }, here.first())
        };
        Self { forward, leg, then: Some(then), last: last.cloned(), done: 0, all: here.size(), asked: None }
    }

    /// What to ask for next; `None` when everything was looked through.
    pub fn wanted(&mut self) -> Option<LogPart> {
        if self.leg.is_over(self.forward) {
            self.leg = self.then.take()?;
            self.last = None;
            return self.wanted();
        }
        let usual = LogPart::default();
        Some(if self.forward {
            LogPart { from: self.leg.at, length: Some(PAGE), ..usual }
        } else {
            LogPart { before: self.leg.at, tail: Some(PAGE), ..usual }
        })
    }

    /// How much was looked through, from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "shown as a percentage")]
    pub fn share(&self) -> f64 {
        (self.done as f64 / self.all.max(1) as f64).min(0.99)
    }

    /// Looks through a page that came; gives the pages to show and which of their lines is the nearest that matches.
    pub fn look(&mut self, page: LogPage, matches: impl Fn(&TextLine) -> bool) -> Option<(Pages, usize)> {
        self.done += page.bytes.len() as u64;
        self.all = self.all.max(page.size);
        let over = page.bytes.is_empty() || if self.forward { is_last(&page) } else { page.start == 0 };
        self.leg.at = Some(if self.forward { page.end } else { page.start });
        if over {
            self.leg.until = self.leg.at;
        }
        let (before, _) = lines(&Pages::of(self.last.iter().cloned().collect()));
        let border = if self.forward { before.last() } else { before.first() };
        // The line at the border may have gone on; it is no news where it matched without that.
        let open = usize::from(border.is_some_and(|(_, line)| !matches(line)));
        let both = if self.forward {
            Pages::of(self.last.take().into_iter().chain([page.clone()]).collect())
        } else {
            Pages::of([page.clone()].into_iter().chain(self.last.take()).collect())
        };
        self.last = Some(page);
        let (lines, _) = lines(&both);
        let (from, to) = if self.forward {
            (before.len() - open, lines.len())
        } else {
            (0, (lines.len() + open).saturating_sub(before.len()))
        };
        let mut places = (from..to).filter(|place| lines.get(*place).is_some_and(|(_, line)| matches(line)));
        let found = if self.forward { places.next() } else { places.next_back() };
        found.map(|line| (both, line))
    }
}

impl Leg {
    fn is_over(&self, forward: bool) -> bool {
        match (self.at, self.until) {
            (Some(at), Some(until)) if forward => at >= until,
            (Some(at), Some(until)) => at <= until,
            _ => false,
        }
    }
}

/// The lines of pages, and whether there are too many for all to be kept.
pub fn lines(pages: &Pages) -> (Vec<(Timestamp, TextLine)>, bool) {
    let mut lines = Lines::new(super::COST_MAX);
    pages.chunks().for_each(|chunk| lines.feed(chunk));
    lines.finish()
}
