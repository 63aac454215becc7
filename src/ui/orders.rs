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

/// Which way an order goes.
#[derive(Clone, Debug, PartialEq)]
enum Way {
    /// A new one.
    New(Order),
    /// One that takes back; the last of its commands completes it.
    Undo(Done),
    /// One that is made again.
    Redo(Order),
}

/// The account.
#[derive(Default)]
pub struct Orders {
    log: Vec<Entry>,
    on_the_way: BTreeMap<Ticket, (Way, usize)>,
    done: Vec<Done>,
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

    /// What `undo` would take back.
    pub fn undoable(&self) -> Option<&str> {
        self.done.last().map(|done| done.order.title.as_str())
    }

    /// What `redo` would make again.
    pub fn redoable(&self) -> Option<&str> {
        self.undone.last().map(|order| order.title.as_str())
    }

    /// Takes note of an order that was sent.
    pub fn sent(&mut self, ticket: Ticket, order: Order, time: Timestamp) {
        let place = self.enter(order.title.clone(), order.line.clone(), time);
        self.on_the_way.insert(ticket, (Way::New(order), place));
    }

    /// The commands that take the last change back; each has to be sent, the last one under the ticket that
    /// [`Orders::undo_sent`] is told.
    pub fn begin_undo(&self) -> Option<Vec<WireCommand>> {
        self.done.last().map(|done| done.inverse.clone())
    }

    /// Takes note that the last change is being taken back.
    pub fn undo_sent(&mut self, ticket: Ticket, time: Timestamp) {
        if let Some(done) = self.done.pop() {
            let lines: Vec<String> = done.inverse.iter().map(verb::line_of).collect();
            let place = self.enter(format!("undo: {}", done.order.title), lines.join("; "), time);
            self.on_the_way.insert(ticket, (Way::Undo(done), place));
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
        let (title, back) = match &way {
            Way::New(order) | Way::Redo(order) => (order.title.clone(), false),
            Way::Undo(done) => (format!("took back: {}", done.order.title), true),
        };
        let mut remarks = Vec::new();
        match answer {
            Ok(Answer::Done(reply)) => {
                let refused = refusals(reply);
                let count = done_count(reply);
                let inverse = inverse_of(reply);
                let tail = match (back, inverse.is_empty(), givable(&inverse)) {
                    (true, ..) | (_, true, _) => String::new(),
                    // Work that was stopped is not given back.
                    (_, _, Some(some)) if some < count => format!(" · z takes {some} of {count} back"),
                    _ => " · z takes it back".to_owned(),
                };
                if refused.is_empty() {
                    let done = if back { "" } else { "done: " };
                    remarks.push((Tone::Done, format!("{done}{title}{tail}")));
                } else {
                    // One remark, so that what was done and what was not stand in one place.
                    let lines: Vec<String> = refused.iter().map(|(item, why)| format!("{item}: {why}")).collect();
                    let title = match &way {
                        Way::Undo(done) => format!("undo: {}", done.order.title),
                        _ => title,
                    };
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
                        Way::Undo(done) => self.undone.push(done.order),
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
        if !inverse.is_empty() {
            self.done.push(Done { order, inverse });
        }
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
