//! Looking for words in the part of an artifact that is not here.

use std::ops::Range;

use super::hunt::Hunt;
use super::window::PAGE;
use super::{Part, Reader, before};
use crate::ui::document::Format;
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::Out;
use crate::ui::step::{Step, Tone};

impl Reader {
    /// Takes an answer that a search asked for.
    pub(super) fn hunt_answered(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        let asked = self.hunt.as_mut().and_then(|hunt| hunt.asked.take_if(|(asked, _)| *asked == ticket));
        let Some((_, stretch)) = asked else { return false };
        match answer {
            Ok(Answer::Bytes(bytes)) => self.hunted(&stretch, bytes, out),
            Ok(_) => self.hunt_failed("the engine answered something else", out),
            Err(message) => self.hunt_failed(message, out),
        }
        true
    }

    /// Looks for words in what is not here, when a key wants it; gives up when a key does.
    pub(super) fn look_far(&mut self, out: &mut Out) {
        if !self.pager.looks_far() {
            self.hunt = None;
        }
        let Some(forward) = self.pager.take_far() else { return };
        // What can be here in whole soon is, and is looked through then.
        let soon = self.fits() && !self.window.is_whole();
        if let (Some(subject), false) = (&self.subject, soon) {
            self.hunt = Some(Hunt::new(&self.window.span(), subject.size, forward));
            self.hunt_on(out);
        }
    }

    fn hunt_on(&mut self, out: &mut Out) {
        let (Some(hunt), Some(subject)) = (&mut self.hunt, &self.subject) else { return };
        let Some(stretch) = hunt.wanted() else {
            self.hunt = None;
            self.pager.far_ended(None);
            return;
        };
        let (offset, length) = (stretch.start, stretch.end - stretch.start);
        let request = Request::Content { id: subject.id.clone(), offset, length };
        hunt.asked = Some((out.ask(None, request), stretch));
        self.pager.far_at(hunt.share());
    }

    fn hunted(&mut self, stretch: &Range<u64>, bytes: &[u8], out: &mut Out) {
        let format = self.format.map_or(Format::Plain, |format| self.as_shown(format));
        let length = usize::try_from(stretch.end - stretch.start).unwrap_or(usize::MAX);
        let bytes = &bytes[..bytes.len().min(length)];
        let sought = self.pager.sought();
        let Some(hunt) = &mut self.hunt else { return };
        match hunt.look(stretch, bytes, (format, self.room), |line| sought.matches(line)) {
            None => self.hunt_on(out),
            Some(place) => {
                self.hunt = None;
                self.ask(before(place), PAGE * 3, Part::Found(place), out);
            }
        }
    }

    /// What is here stays in sight; that not all of it was looked through has to be said.
    pub(super) fn hunt_failed(&mut self, why: &str, out: &mut Out) {
        self.hunt = None;
        self.pager.stop_far();
        out.step(Step::Say(Tone::Bad, format!("the search was not ended: {why}")));
    }
}
