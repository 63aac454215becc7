//! The account of what this console changed: what was asked, what came of it, what takes it back.

use std::collections::BTreeMap;

use super::request::{Answer, Ticket};
use super::step::{Order, Tone};
use super::verb;
use crate::api::types::WireCommand;
use crate::domain::command::RefusedItem;
use crate::domain::{Reply, Timestamp};

/// The most entries of the log.
const LOG_MAX: usize = 500;

/// One line of the action log.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When it was asked.
    pub time: Timestamp,
    /// What it does, for people.
    pub title: String,
    /// The same on the command line.
    pub line: String,
    /// What came of it; `None` while it is on its way.
    pub outcome: Option<String>,
    /// Whether it failed, at least in part.
    pub failed: bool,
}

/// A change that can be taken back.
#[derive(Clone, Debug, PartialEq)]
struct Done {
    order: Order,
    inverse: Vec<WireCommand>,
}

/// What was changed.
#[derive(Clone, Debug, PartialEq)]
enum Change {
    /// It can be taken back.
    Reversible(Box<Done>),
    /// It cannot: its title.
    Final(String),
}

/// What `undo` comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undoable<'a> {
    /// Nothing was changed from here.
    Nothing,
    /// The last change, whose title this is, has not been answered.
    OnTheWay(&'a str),
    /// The last change can be taken back.
    Last(&'a str),
    /// The last change cannot be taken back; the one before it that can, if there is one.
    Final(&'a str, Option<&'a str>),
}

/// Which way an order goes.
#[derive(Clone, Debug, PartialEq)]
enum Way {
    /// A new one.
    New(Order),
    /// One that takes back; the last of its commands completes it. What its earlier ones could not do, and why.
    Undo(Done, Vec<(String, String)>),
    /// An earlier command of one that takes back, which is completed under this ticket.
    Part(Ticket),
    /// One that is made again.
    Redo(Order),
}

/// The account.
#[derive(Default)]
pub struct Orders {
    log: Vec<Entry>,
    on_the_way: BTreeMap<Ticket, (Way, usize)>,
    /// The oldest first.
    done: Vec<Change>,
    undone: Vec<Order>,
}

impl Orders {
    /// The log, the oldest first.
    pub fn log(&self) -> &[Entry] {
        &self.log
    }

    /// Whether anything is still on its way.
    pub fn pending(&self) -> bool {
        !self.on_the_way.is_empty()
    }

    /// What `undo` would take back. That is the last change and never silently an older one.
    pub fn undoable(&self) -> Undoable<'_> {
        // Tickets are given out in order, so the last one is of what was changed last.
        if let Some((_, (Way::New(order) | Way::Redo(order), _))) = self.on_the_way.last_key_value() {
            return Undoable::OnTheWay(&order.title);
        }
        match self.done.last() {
            None => Undoable::Nothing,
            Some(Change::Reversible(done)) => Undoable::Last(&done.order.title),
            Some(Change::Final(title)) => {
                let before = self.done.iter().rev().find_map(|change| match change {
                    Change::Reversible(done) => Some(done.order.title.as_str()),
                    Change::Final(_) => None,
                });
                Undoable::Final(title, before)
            }
        }
    }

    /// Lets go of the last changes that cannot be taken back: whoever asked has been told of them.
    pub fn pass_over_final(&mut self) {
        while matches!(self.done.last(), Some(Change::Final(_))) {
            self.done.pop();
        }
    }

    /// What `redo` would make again.
    pub fn redoable(&self) -> Option<&str> {
        self.undone.last().map(|order| order.title.as_str())
    }

    /// Takes note of a line of the command line that changes something and is run from here. Nobody here knows what would
    /// take it back, so it is no silent way to something older either.
    pub fn verb_sent(&mut self, line: &str, time: Timestamp) {
        self.enter(line.to_owned(), line.to_owned(), time);
        self.done.push(Change::Final(line.to_owned()));
    }

    /// Takes note that such a line has ended, with its exit status.
    pub fn verb_ended(&mut self, line: &str, status: Option<i32>) {
        let waits = |entry: &Entry| entry.line == line && entry.outcome.is_none();
        let Some(place) = self.log.iter().position(waits) else { return };
        let text = match status {
            Some(0) => "done".to_owned(),
            Some(status) => format!("exit status {status}"),
            None => "was not run to its end".to_owned(),
        };
        self.outcome(place, status == Some(0), text);
        // Refused, or no engine: nothing was changed.
        if matches!(status, Some(2 | 3))
            && let Some(change) = self.done.iter().rposition(|change| *change == Change::Final(line.to_owned()))
        {
            self.done.remove(change);
        }
    }

    /// Takes note of what is asked for and never answered.
    pub fn note(&mut self, line: &str, time: Timestamp) {
        let place = self.enter(line.to_owned(), line.to_owned(), time);
        self.outcome(place, true, "asked for".to_owned());
    }

    /// Takes note of an order that was sent.
    pub fn sent(&mut self, ticket: Ticket, order: Order, time: Timestamp) {
        let place = self.enter(order.title.clone(), order.line.clone(), time);
        self.on_the_way.insert(ticket, (Way::New(order), place));
    }

    /// The commands that take the last change back; each has to be sent, and
    /// [`Orders::undo_sent`] told under which tickets.
    pub fn begin_undo(&self) -> Option<Vec<WireCommand>> {
        match self.done.last()? {
            Change::Reversible(done) => Some(done.inverse.clone()),
            Change::Final(_) => None,
        }
    }

    /// Takes note that the last change is being taken back.
    pub fn undo_sent(&mut self, tickets: &[Ticket], time: Timestamp) {
        let Some((last, earlier)) = tickets.split_last() else { return };
        if let Some(Change::Reversible(done)) = self.done.pop() {
            let lines: Vec<String> = done.inverse.iter().map(verb::line_of).collect();
            let place = self.enter(format!("undo: {}", done.order.title), lines.join("; "), time);
            self.on_the_way.insert(*last, (Way::Undo(*done, Vec::new()), place));
            self.on_the_way.extend(earlier.iter().map(|ticket| (*ticket, (Way::Part(*last), place))));
        }
    }

    /// The order that was taken back last, to be made again.
    pub fn take_redo(&mut self) -> Option<Order> {
        self.undone.pop()
    }

    /// Takes note that an order is being made again.
    pub fn redo_sent(&mut self, ticket: Ticket, order: Order, time: Timestamp) {
        let place = self.enter(format!("redo: {}", order.title), order.line.clone(), time);
        self.on_the_way.insert(ticket, (Way::Redo(order), place));
    }

    /// Takes an answer; gives what to say when the ticket is an order's.
    pub fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>) -> Option<Vec<(Tone, String)>> {
        let (way, place) = self.on_the_way.remove(&ticket)?;
        if let Way::Part(whole) = way {
            let failed = match answer {
                Ok(Answer::Done(reply)) => refusals(reply),
                Ok(_) => Vec::new(),
                Err(message) => vec![("undo".to_owned(), message.clone())],
            };
            if let Some((Way::Undo(_, known), _)) = self.on_the_way.get_mut(&whole) {
                known.extend(failed);
            }
            return Some(Vec::new());
        }
        // What it is called while nobody knows whether it was done.
        let (title, back) = match &way {
            Way::New(order) | Way::Redo(order) => (order.title.clone(), false),
            Way::Undo(done, _) => (format!("undo: {}", done.order.title), true),
            Way::Part(_) => return Some(Vec::new()),
        };
        let mut remarks = Vec::new();
        match answer {
            Ok(Answer::Done(reply)) => {
                let mut refused = refusals(reply);
                if let Way::Undo(_, earlier) = &way {
                    refused.extend(earlier.iter().cloned());
                }
                let count = done_count(reply);
                let inverse = inverse_of(reply);
                let tail = match (back, inverse.is_empty(), givable(&inverse)) {
                    (true, ..) | (_, true, _) => String::new(),
                    // Work that was stopped is not given back.
                    (_, _, Some(some)) if some < count => format!(" · z takes {some} of {count} back"),
                    _ => " · z takes it back".to_owned(),
                };
                if refused.is_empty() {
                    let said = match &way {
                        Way::Undo(done, _) => format!("took back: {}", done.order.title),
                        _ => format!("done: {title}{tail}"),
                    };
                    remarks.push((Tone::Done, said));
                } else {
                    // One remark, so that what was done and what was not stand in one place.
                    let lines: Vec<String> = refused.iter().map(|(item, why)| format!("{item}: {why}")).collect();
                    let head = match count {
                        0 => format!("{title}: nothing was done, {} refused", refused.len()),
                        some => format!("{title}: {some} done, {} refused{tail}", refused.len()),
                    };
                    remarks.push((Tone::Bad, format!("{head}\n{}", lines.join("\n"))));
                }
                if count > 0 || refused.is_empty() {
                    match way {
                        Way::New(order) => {
                            self.undone.clear();
                            self.keep(order, inverse);
                        }
                        Way::Redo(order) => self.keep(order, inverse),
                        Way::Undo(done, _) => self.undone.push(done.order),
                        Way::Part(_) => {}
                    }
                }
                self.outcome(
                    place,
                    refused.is_empty(),
                    match refused.len() {
                        0 => "done".to_owned(),
                        number => format!("{count} done, {number} refused"),
                    },
                );
            }
            Ok(_) => self.outcome(place, true, "done".to_owned()),
            Err(message) => {
                remarks.push((Tone::Bad, format!("{title}: {message}")));
                self.outcome(place, false, message.clone());
            }
        }
        Some(remarks)
    }

    fn keep(&mut self, order: Order, inverse: Vec<WireCommand>) {
        self.done.push(if inverse.is_empty() {
            Change::Final(order.title)
        } else {
            Change::Reversible(Box::new(Done { order, inverse }))
        });
    }

    fn enter(&mut self, title: String, line: String, time: Timestamp) -> usize {
        if self.log.len() >= LOG_MAX {
            // Places that are waited for move with the log; the oldest entries have long been answered.
            self.log.remove(0);
            for (_, place) in self.on_the_way.values_mut() {
                *place = place.saturating_sub(1);
            }
        }
        self.log.push(Entry { time, title, line, outcome: None, failed: false });
        self.log.len() - 1
    }

    fn outcome(&mut self, place: usize, good: bool, text: String) {
        if let Some(entry) = self.log.get_mut(place) {
            entry.outcome = Some(text);
            entry.failed = !good;
        }
    }
}

fn refusals(reply: &Reply) -> Vec<(String, String)> {
    match reply {
        Reply::Submitted { refused, .. } | Reply::Items { refused, .. } => {
            // A refusal may begin with what it is about; that is said once.
            let why = |item: &RefusedItem| {
                let words = item.refusal.to_string();
                words.strip_prefix(&format!("{}: ", item.item)).map_or(words.clone(), str::to_owned)
            };
            refused.iter().map(|item| (item.item.clone(), why(item))).collect()
        }
        Reply::Applied { .. } => Vec::new(),
    }
}

fn done_count(reply: &Reply) -> usize {
    match reply {
        Reply::Submitted { ids, .. } => ids.len(),
        Reply::Items { done, .. } => done.len(),
        Reply::Applied { changes, .. } => changes.len(),
    }
}

/// How many cancelled tasks the commands give back; `None` when they are about something else.
fn givable(inverse: &[WireCommand]) -> Option<usize> {
    let of = |command: &WireCommand| match command {
        WireCommand::RetryTasks { ids } => Some(ids.len()),
        _ => None,
    };
    inverse.iter().map(of).sum()
}

/// The commands that take it back, as they are sent.
fn inverse_of(reply: &Reply) -> Vec<WireCommand> {
    let inverse = match reply {
        Reply::Submitted { inverse, .. } | Reply::Items { inverse, .. } => inverse.as_slice(),
        Reply::Applied { .. } => &[],
    };
    // Every command is a wire command with whole ids; one that were not could not be sent, so it is left out.
    let wired = |command: &crate::domain::Command| serde_json::from_value(serde_json::to_value(command).ok()?).ok();
    inverse.iter().map(wired).collect::<Option<_>>().unwrap_or_default()
}
