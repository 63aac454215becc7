//! The earlier version of an artifact: the last one before it of the same title by the same agent.

use super::window::{PAGE, PAGES_MAX, Window};
use super::{Subject, remark};
use crate::ui::document;
use crate::ui::pager::TextLine;
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::Out;
use crate::ui::theme::Role;

/// Of several with the same title so many are looked at.
const LOOKED_AT: u32 = 20;

/// The search for it, and what it says.
pub struct Earlier {
    subject: Subject,
    state: State,
}

enum State {
    /// It is being looked for.
    Looking(Ticket),
    /// Its text is on its way.
    Fetching(Ticket),
    /// It is here.
    Here(Vec<u8>),
    /// There is none, or it cannot be compared.
    None(String),
}

impl Earlier {
    /// Asks for it. `fits` says whether the later one can be compared at all.
    pub fn look_for(subject: &Subject, fits: bool, out: &mut Out) -> Self {
        let state = match &subject.agent {
            _ if !fits => State::None(too_long()),
            None => State::None("Its agent is gone, so nobody can tell which version came before.".to_owned()),
            Some(agent) => {
                let filter = format!(
                    "title:={} agent:{} created_at:<{}",
                    quoted(&subject.title),
                    agent.strip_prefix('=').map_or_else(|| agent.clone(), |name| format!("={}", quoted(name))),
                    subject.made
                );
                let query = vec![
                    ("filter".to_owned(), filter),
                    ("sort".to_owned(), "-created_at".to_owned()),
                    ("limit".to_owned(), LOOKED_AT.to_string()),
                ];
                State::Looking(out.ask(None, Request::Artifacts(query)))
            }
        };
        Self { subject: subject.clone(), state }
    }

    /// Takes an answer that it asked for.
    pub fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        let (looking, fetching) = match self.state {
            State::Looking(asked) => (asked == ticket, false),
            State::Fetching(asked) => (false, asked == ticket),
            _ => (false, false),
        };
        if !looking && !fetching {
            return false;
        }
        self.state = match answer {
            Err(message) => State::None(message.clone()),
            Ok(Answer::Artifacts(page)) if looking => {
                let before = |found: &&crate::domain::Artifact| {
                    found.title == self.subject.title
                        && found.id.to_string() != self.subject.id
                        && found.created_at < self.subject.made
                };
                match page.rows.iter().filter(before).max_by_key(|found| found.created_at) {
                    None => {
                        State::None("There is no earlier version: no artifact of this title by this agent.".to_owned())
                    }
                    Some(found) if found.size > PAGES_MAX * PAGE => State::None(too_long()),
                    Some(found) => {
                        let (id, length) = (found.id.to_string(), PAGES_MAX * PAGE);
                        State::Fetching(out.ask(None, Request::Content { id, offset: 0, length }))
                    }
                }
            }
            Ok(Answer::Bytes(bytes)) if fetching => State::Here(bytes.clone()),
            Ok(_) => State::None("the engine answered something else".to_owned()),
        };
        true
    }

    /// What to show in place of the text.
    pub fn lines(&self, now: &Window) -> Vec<TextLine> {
        match &self.state {
            State::None(why) => remark(Role::Dim, &format!("{why}\n= shows the text again.")),
            State::Here(before) if now.is_whole() => document::between(&String::from_utf8_lossy(before), &now.text().0),
            _ => remark(Role::Dim, "looking for an earlier version …"),
        }
    }
}

fn too_long() -> String {
    format!("This is too long to be compared: more than {}K.", PAGES_MAX * PAGE / 1024)
}

/// A value for the filter language, whatever is in it.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}
