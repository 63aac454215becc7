//! Reading an artifact: its text as it is meant to look, fetched page by page as one goes on, and what has changed since
//! an earlier version.
//!
//! What an artifact says never changes, so a page that was fetched holds. The first page of the one that will probably
//! be read next is fetched ahead. Of a long one only some pages are kept.

mod earlier;
mod far;
mod hunt;
mod window;

use std::collections::VecDeque;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::document::{self, Format, Room};
use super::look::Look;
use super::pager::{Pager, TextLine};
use super::request::{Answer, Lane, Request, Ticket};
use super::screen::Out;
use super::theme::Role;
use super::{text, widgets};
use crate::domain::{ArtifactType, Timestamp};
use earlier::Earlier;
use hunt::Hunt;
use window::{PAGE, PAGES_MAX, Window};

/// An artifact to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its id.
    pub id: String,
    /// Its title; often a file's name.
    pub title: String,
    /// Its type.
    pub kind: Option<ArtifactType>,
    /// Bytes.
    pub size: u64,
    /// Who made it, as a term of a filter: `=name` or an id; `None` when that is not known any more.
    pub agent: Option<String>,
    /// When it was made.
    pub made: Timestamp,
}

/// What has to be fetched next, and where it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// In place of everything, shown from its beginning or from its end.
    Anew {
        from_end: bool,
    },
    After,
    Before,
    /// In place of everything, shown where a match stands: at this byte.
    Found(u64),
}

/// How many first pages are kept of what was or may be read.
const KEPT_MAX: usize = 12;

/// Reads one artifact after another.
pub struct Reader {
    subject: Option<Subject>,
    window: Window,
    format: Option<Format>,
    error: Option<String>,
    /// The page that is on its way.
    asked: Option<(Ticket, Part)>,
    /// First pages, the newest last.
    kept: VecDeque<(String, Vec<u8>)>,
    /// What is fetched ahead; it stays when that fails, so that it is not asked for again and again.
    ahead: Option<(Option<Ticket>, String)>,
    /// The lanes of its asks: for what is read, and ahead.
    lanes: (Lane, Lane),
    pager: Pager,
    room: Room,
    height: u16,
    /// The top line when one looked last, to tell a jump from a step.
    was_top: usize,
    earlier: Option<Earlier>,
    /// A search in what is not here.
    hunt: Option<Hunt>,
}

impl Reader {
    /// One that reads nothing yet. No other reader may ask in its `lanes` while it waits for an answer.
    pub fn new(lanes: (Lane, Lane)) -> Self {
        Self {
            lanes,
            subject: None,
            window: Window::default(),
            format: None,
            error: None,
            asked: None,
            kept: VecDeque::new(),
            ahead: None,
            pager: Pager::new(),
            room: Room { columns: 80, ascii: false },
            height: 20,
            was_top: 0,
            earlier: None,
            hunt: None,
        }
    }

    /// What is read.
    pub fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }

    /// The text, for actions on it.
    pub fn pager(&self) -> &Pager {
        &self.pager
    }

    /// The text, for moving in it; then [`Reader::paged`] is due.
    pub fn pager_mut(&mut self) -> &mut Pager {
        &mut self.pager
    }

    /// Reads `subject` from its beginning; nothing happens when it is read already.
    pub fn show(&mut self, subject: Option<Subject>, out: &mut Out) {
        if self.subject.as_ref().map(|known| &known.id) == subject.as_ref().map(|wanted| &wanted.id) {
            return;
        }
        self.subject = subject;
        (self.window, self.format, self.error, self.asked, self.earlier) = (Window::default(), None, None, None, None);
        (self.was_top, self.hunt) = (0, None);
        self.pager = Pager::new();
        self.pager.layout(self.columns_for_pager(), self.height);
        let Some(subject) = &self.subject else { return };
        let known = self.kept.iter().find(|(id, _)| *id == subject.id).map(|(_, page)| page.clone());
        match known {
            Some(page) => self.take(&page, Part::Anew { from_end: false }, out),
            None if subject.size == 0 => self.take(&[], Part::Anew { from_end: false }, out),
            None => self.ask(0, PAGE, Part::Anew { from_end: false }, out),
        }
    }

    /// Fetches the beginning of what will probably be read next.
    pub fn fetch_ahead(&mut self, id: &str, size: u64, out: &mut Out) {
        let known = self.kept.iter().any(|(known, _)| known == id)
            || self.ahead.as_ref().is_some_and(|(_, known)| known == id)
            || self.subject.as_ref().is_some_and(|subject| subject.id == id);
        if !known && size > 0 {
            let request = Request::Content { id: id.to_owned(), offset: 0, length: PAGE };
            self.ahead = Some((Some(out.ask(Some(self.lanes.1), request)), id.to_owned()));
        }
    }

    /// Takes an answer that it asked for.
    pub fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        if let Some((asked, id)) = &self.ahead
            && *asked == Some(ticket)
        {
            let id = id.clone();
            if let Ok(Answer::Bytes(bytes)) = answer {
                keep(&mut self.kept, id.clone(), bytes);
            }
            self.ahead = Some((None, id));
            return true;
        }
        if self.hunt_answered(ticket, answer, out) {
            return true;
        }
        if let Some((_, part)) = self.asked.filter(|(asked, _)| *asked == ticket) {
            self.asked = None;
            let given_up = matches!(part, Part::Found(_)) && !self.pager.looks_far();
            match answer {
                Ok(_) if given_up => {}
                Ok(Answer::Bytes(bytes)) => {
                    self.error = None;
                    self.take(bytes, part, out);
                }
                Ok(_) => self.error = Some("the engine answered something else".to_owned()),
                Err(message) if matches!(part, Part::Found(_)) => self.hunt_failed(message, out),
                Err(message) => self.error = Some(message.clone()),
            }
            return true;
        }
        let taken = self.earlier.as_mut().is_some_and(|earlier| earlier.answer(ticket, answer, out));
        if taken {
            self.lay_out();
        }
        taken
    }

    /// Asks again for what could not be read.
    pub fn retry(&mut self, out: &mut Out) {
        if self.asked.is_some() || self.error.is_none() {
            return;
        }
        if self.format.is_none() {
            self.ask(0, PAGE, Part::Anew { from_end: false }, out);
        } else {
            self.error = None;
            self.ask_around(out);
        }
    }

    fn ask(&mut self, offset: u64, length: u64, part: Part, out: &mut Out) {
        if let Some(subject) = &self.subject {
            let request = Request::Content { id: subject.id.clone(), offset, length };
            if let Some((_, Part::Found(_))) = self.asked {
                // Whoever goes elsewhere meanwhile wants to be there.
                self.pager.stop_far();
            }
            self.asked = Some((out.ask(Some(self.lanes.0), request), part));
        }
    }

    fn take(&mut self, bytes: &[u8], part: Part, out: &mut Out) {
        let Some(subject) = &self.subject else { return };
        let size = subject.size;
        let most = match part {
            Part::Found(_) => PAGE * 3,
            Part::Anew { from_end: true } => PAGE * 2,
            _ => PAGE,
        };
        let bytes = &bytes[..bytes.len().min(usize::try_from(most).unwrap_or(usize::MAX))];
        let top = self.pager.top();
        let top = match part {
            Part::Anew { from_end } => {
                let start = if from_end { last_pages(size) } else { 0 };
                self.window = Window::new(start, bytes.to_vec(), size);
                if let Some(head) = self.window.head() {
                    self.format = Some(Format::of(&subject.title, subject.kind, head));
                    keep(&mut self.kept, subject.id.clone(), bytes);
                }
                if from_end { usize::MAX } else { 0 }
            }
            Part::Found(place) => {
                self.window = Window::new(before(place), bytes.to_vec(), size);
                self.window.line_of(place)
            }
            Part::After => {
                let went = self.window.append(bytes);
                self.pager.lines_moved(-went.cast_signed());
                top.saturating_sub(went)
            }
            Part::Before => {
                let came = self.window.prepend(bytes);
                self.pager.lines_moved(came.cast_signed());
                top + came
            }
        };
        self.lay_out();
        if let Part::Found(_) = part {
            self.pager.far_ended(Some(top));
        } else {
            self.pager.show_from(top.min(self.pager.lines().len().saturating_sub(1)));
        }
        if self.hunt.is_none() && self.window.is_whole() && self.pager.looks_far() {
            self.pager.far_ended(None);
        }
        self.was_top = self.pager.top();
        self.ask_around(out);
    }

    /// Whether all of it can be here at once.
    fn fits(&self) -> bool {
        self.subject.as_ref().is_some_and(|subject| subject.size <= PAGES_MAX * PAGE)
    }

    /// Asks for the page that will soon come into sight; of what can be here in whole, for the rest at once.
    fn ask_around(&mut self, out: &mut Out) {
        if self.asked.is_some() || self.format == Some(Format::Binary) || self.error.is_some() {
            return;
        }
        let margin = usize::from(self.height) * 3;
        let (top, lines) = (self.pager.top(), self.pager.lines().len());
        if self.window.has_more_after() && (self.fits() || top + margin >= lines) {
            self.ask(self.window.end(), PAGE, Part::After, out);
        } else if self.window.has_more_before() && top < margin {
            self.ask(self.window.before(), PAGE, Part::Before, out);
        }
    }

    /// Takes note that one has moved: asks for what comes into sight, and when one jumped to an end that is not here,
    /// for that.
    pub fn paged(&mut self, out: &mut Out) {
        let far = usize::from(self.height) * 2;
        let (was, now) = (std::mem::replace(&mut self.was_top, self.pager.top()), self.pager.top());
        let size = self.subject.as_ref().map_or(0, |subject| subject.size);
        if self.earlier.is_some() {
            return;
        }
        self.look_far(out);
        if now > was + far && self.pager.at_bottom() && self.window.has_more_after() && !self.fits() {
            self.ask(last_pages(size), PAGE * 2, Part::Anew { from_end: true }, out);
        } else if was > now + far && self.pager.at_top() && self.window.has_more_before() {
            self.ask(0, PAGE, Part::Anew { from_end: false }, out);
        } else {
            self.ask_around(out);
        }
    }

    /// Learns where it will be drawn.
    pub fn layout(&mut self, area: Rect, ascii: bool, out: &mut Out) {
        // The first column is the gutter's, the last one the scrollbar's.
        let room = Room { columns: usize::from(area.width.saturating_sub(2)), ascii };
        let again = room != self.room;
        (self.room, self.height) = (room, area.height.max(1));
        self.pager.layout(area.width, self.height);
        if again {
            let top = self.pager.top();
            self.lay_out();
            self.pager.show_from(top);
            self.was_top = self.pager.top();
        }
        self.ask_around(out);
    }

    fn columns_for_pager(&self) -> u16 {
        u16::try_from(self.room.columns + 2).unwrap_or(u16::MAX)
    }

    fn lay_out(&mut self) {
        if let Some(earlier) = &self.earlier {
            self.pager.set_partial(false);
            self.pager.set_lines(earlier.lines(&self.window));
            return;
        }
        let Some(format) = self.format else { return };
        let format = self.as_shown(format);
        self.pager.set_partial(!self.window.is_whole());
        let (content, first) = self.window.text();
        let lines = document::lines(format, &content, first, self.room);
        self.pager.set_lines(lines);
    }

    /// What makes sense only together is shown as it stands when it is too long to be here together.
    fn as_shown(&self, format: Format) -> Format {
        if format.needs_all() && !self.fits() { Format::Plain } else { format }
    }

    /// Shows what has changed since an earlier version, or the text again.
    pub fn toggle_changes(&mut self, out: &mut Out) {
        self.pager.stop_far();
        self.hunt = None;
        if self.earlier.take().is_none() {
            self.earlier = self.subject.as_ref().map(|subject| Earlier::look_for(subject, self.fits(), out));
        }
        self.lay_out();
        self.pager.show_from(0);
        self.was_top = 0;
    }

    /// `Markdown · 12.4K`, for a title.
    pub fn summary(&self) -> String {
        let Some(subject) = &self.subject else { return String::new() };
        #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
        let size = text::bytes(subject.size as f64);
        match (self.format, &self.earlier) {
            (_, Some(_)) => format!("changes · {size}"),
            (Some(format), None) => format!("{} · {size}", format.name()),
            (None, None) => size,
        }
    }

    /// Draws the text.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let Some(subject) = &self.subject else { return };
        let words = match (&self.error, self.format) {
            // What was read stays.
            (Some(message), None) => Some((Role::Bad, format!("cannot read it: {message}"))),
            (None, None) => Some((Role::Dim, "asking the engine …".to_owned())),
            (_, Some(_)) if subject.size == 0 => Some((Role::Dim, "This artifact is empty.".to_owned())),
            (_, Some(Format::Binary)) => Some((
                Role::Dim,
                format!(
                    "This is no text.\n\nmenagerie artifact show {} --content > FILE\nwrites it into a file.",
                    subject.id
                ),
            )),
            _ => None,
        };
        match words {
            Some((role, words)) => widgets::center_text(frame, area, &words, look.style(role)),
            None => self.pager.draw(frame, area, look),
        }
    }
}

/// Where the page begins that is before the one with this byte in it.
const fn before(place: u64) -> u64 {
    (place / PAGE * PAGE).saturating_sub(PAGE)
}

/// Where the last two pages begin.
const fn last_pages(size: u64) -> u64 {
    (size.saturating_sub(1) / PAGE * PAGE).saturating_sub(PAGE)
}

fn keep(kept: &mut VecDeque<(String, Vec<u8>)>, id: String, page: &[u8]) {
    kept.retain(|(known, _)| *known != id);
    if kept.len() >= KEPT_MAX {
        kept.pop_front();
    }
    kept.push_back((id, page.to_vec()));
}

/// A remark in place of a text.
fn remark(role: Role, words: &str) -> Vec<TextLine> {
    words.lines().map(|line| TextLine::plain(role, line)).collect()
}
