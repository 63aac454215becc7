//! The account of what this console changed: what was asked, what came of it, what takes it back.

use std::collections::BTreeMap;

use super::request::{Answer, Ticket};
use super::step::{Order, Tone};
use super::verb;
use crate::api::client::Account;
use crate::api::types::WireCommand;
use crate::domain::command::RefusedItem;
use crate::domain::{Reply, Timestamp};

/// The most entries of the log, and the most changes that can be taken back.
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

/// What was sent and waits for its answer.
#[derive(Clone, Debug, PartialEq)]
enum Way {
    /// A new order.
    New(Order),
    /// One of the commands that take a change back: under which ticket that is kept account of, and which of them it is.
    Undo(Ticket, usize),
    /// An order that is made again.
    Redo(Order),
}

/// A change that is being taken back.
struct Undoing {
    done: Done,
    /// How many of its commands have not been answered.
    waits: usize,
    /// How many things were taken back.
    count: usize,
    /// What was not, and why.
    refused: Vec<(String, String)>,
    /// The commands that did not reach an engine.
    unsent: Vec<usize>,
    /// Whether some command may have been carried out or not.
    unknown: bool,
}

/// What is said of an answer, in remarks.
type Remarks = Vec<(Tone, String)>;

/// The account.
#[derive(Default)]
pub struct Orders {
    log: Vec<Entry>,
    on_the_way: BTreeMap<Ticket, (Way, usize)>,
    /// What is being taken back, by the first of its tickets.
    undoing: BTreeMap<Ticket, Undoing>,
    /// Requests to stop the engine.
    stops: BTreeMap<Ticket, usize>,
    /// The oldest first.
    done: Vec<Change>,
    /// The oldest first.
    undone: Vec<Order>,
}

impl Orders {
    /// The log, the oldest first.
    pub fn log(&self) -> &[Entry] {
        &self.log
    }

    /// What is on its way, the newest: nobody knows yet what will be the last change.
    fn on_the_way(&self) -> Option<&str> {
        // Tickets are given out in order, so the last one is of what was asked for last.
        let (_, (_, place)) = self.on_the_way.last_key_value()?;
        self.log.get(*place).map(|entry| entry.title.as_str())
    }

    /// What `undo` would take back. That is the last change and never silently an older one.
    pub fn undoable(&self) -> Undoable<'_> {
        if let Some(title) = self.on_the_way() {
            return Undoable::OnTheWay(title);
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
    pub fn redoable(&self) -> Undoable<'_> {
        match (self.on_the_way(), self.undone.last()) {
            (Some(title), _) => Undoable::OnTheWay(title),
            (None, Some(order)) => Undoable::Last(&order.title),
            (None, None) => Undoable::Nothing,
        }
    }

    /// Takes note of a line of the command line that changes something and is run from here. Until it has ended nobody knows
    /// what would take it back, so it is no silent way to something older either.
    pub fn verb_sent(&mut self, line: &str, time: Timestamp) {
        self.enter(line.to_owned(), line.to_owned(), time);
        self.push(Change::Final(line.to_owned()));
    }

    /// Takes note that such a line has ended, with its exit status and what it changed; what to say of how that can be taken
    /// back, if it can.
    pub fn verb_ended(&mut self, line: &str, status: Option<i32>, changes: Vec<Account>) -> Option<&'static str> {
        let waits = |entry: &Entry| entry.line == line && entry.outcome.is_none();
        let place = self.log.iter().position(waits)?;
        let text = match status {
            Some(0) => "done".to_owned(),
            Some(status) => format!("exit status {status}"),
            None => "was not run to its end".to_owned(),
        };
        self.outcome(place, status == Some(0), text);
        let change = self.done.iter().rposition(|change| *change == Change::Final(line.to_owned()))?;
        // What is made again is one command.
        let made = <[Account; 1]>::try_from(changes).ok();
        let taken_back = made.map(|[made]| (inverse_of(&made.reply), made.command));
        if let Some((inverse, command)) = taken_back.filter(|(inverse, _)| !inverse.is_empty()) {
            let back = way_back(&command);
            let order = Order { command, line: line.to_owned(), title: line.to_owned() };
            self.done[change] = Change::Reversible(Box::new(Done { order, inverse }));
            self.undone.clear();
            return Some(back);
        }
        // Refused, or no engine: nothing was changed.
        if matches!(status, Some(2 | 3)) {
            self.done.remove(change);
        }
        None
    }

    /// Takes note that the engine was asked to stop, by what is the same on the command line.
    pub fn stop_sent(&mut self, ticket: Ticket, line: &str, time: Timestamp) {
        let place = self.enter(line.to_owned(), line.to_owned(), time);
        self.stops.insert(ticket, place);
    }

    /// Takes the answer to that; gives what to say when the ticket is of it.
    pub fn stop_answered(&mut self, ticket: Ticket, answer: &Result<Answer, String>) -> Option<(Tone, String)> {
        let place = self.stops.remove(&ticket)?;
        let (good, outcome, said) = match answer {
            Ok(Answer::Lost { perhaps_done: true, why }) => {
                let words = format!("{why}; whether it stops is not known");
                (false, words.clone(), (Tone::Bad, format!("stop the engine: {words}")))
            }
            Ok(Answer::Lost { why, .. }) | Err(why) => {
                (false, why.clone(), (Tone::Bad, format!("stop the engine: {why}")))
            }
            Ok(_) => (true, "done".to_owned(), (Tone::Done, "the engine stops".to_owned())),
        };
        self.outcome(place, good, outcome);
        Some(said)
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
        let Some(first) = tickets.first() else { return };
        if let Some(Change::Reversible(done)) = self.done.pop() {
            let lines: Vec<String> = done.inverse.iter().map(verb::line_of).collect();
            let place = self.enter(format!("undo: {}", done.order.title), lines.join("; "), time);
            let parts = tickets.iter().enumerate();
            self.on_the_way.extend(parts.map(|(part, ticket)| (*ticket, (Way::Undo(*first, part), place))));
            let undoing = Undoing {
                done: *done,
                waits: tickets.len(),
                count: 0,
                refused: Vec::new(),
                unsent: Vec::new(),
                unknown: false,
            };
            self.undoing.insert(*first, undoing);
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

    /// Whether a ticket is of a command that takes a change back.
    pub fn takes_back(&self, ticket: Ticket) -> bool {
        matches!(self.on_the_way.get(&ticket), Some((Way::Undo(..), _)))
    }

    /// Takes an answer; gives what to say when the ticket is an order's.
    pub fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>) -> Option<Remarks> {
        let (way, place) = self.on_the_way.remove(&ticket)?;
        Some(match way {
            Way::New(order) => self.made(order, false, place, answer),
            Way::Redo(order) => self.made(order, true, place, answer),
            Way::Undo(whole, part) => self.taken_back(whole, part, place, answer),
        })
    }

    /// Takes the answer to an order, which is a new one or made `again`.
    fn made(&mut self, order: Order, again: bool, place: usize, answer: &Result<Answer, String>) -> Remarks {
        let title = order.title.clone();
        match answer {
            Ok(Answer::Done(reply)) => {
                let refused = refusals(reply);
                let count = done_count(reply);
                let inverse = inverse_of(reply);
                let tail = match (inverse.is_empty(), givable(&inverse)) {
                    (true, _) => String::new(),
                    // Work that was stopped is not given back.
                    (_, Some(some)) if some < count => format!(" · z takes {some} of {count} back"),
                    _ => format!(" · {}", way_back(&order.command)),
                };
                let remark = self.came_of(place, &title, count, &refused, &tail);
                if count > 0 || refused.is_empty() {
                    if !again {
                        self.undone.clear();
                    }
                    self.keep(order, inverse);
                } else if again {
                    self.set_aside(order);
                }
                vec![remark.unwrap_or_else(|| (Tone::Done, format!("done: {title}{tail}")))]
            }
            // Nobody knows what would take it back, so it is no silent way to something older either.
            Ok(Answer::Lost { perhaps_done: true, why }) => {
                self.push(Change::Final(title.clone()));
                vec![self.failed(place, &title, &not_known(why))]
            }
            Ok(Answer::Lost { why, .. }) | Err(why) => {
                if again {
                    self.set_aside(order);
                }
                vec![self.failed(place, &title, why)]
            }
            Ok(_) => {
                self.outcome(place, true, "done".to_owned());
                Vec::new()
            }
        }
    }

    /// Takes the answer to one of the commands that take a change back; the last one completes it.
    fn taken_back(&mut self, whole: Ticket, part: usize, place: usize, answer: &Result<Answer, String>) -> Remarks {
        let Some(undoing) = self.undoing.get_mut(&whole) else { return Vec::new() };
        undoing.waits -= 1;
        let mut fails = |why: &str| undoing.refused.push(("undo".to_owned(), why.to_owned()));
        match answer {
            Ok(Answer::Done(reply)) => {
                undoing.count += done_count(reply);
                undoing.refused.extend(refusals(reply));
            }
            Ok(Answer::Lost { perhaps_done: true, why }) => {
                fails(&not_known(why));
                undoing.unknown = true;
            }
            Ok(Answer::Lost { why, .. }) => {
                fails(why);
                undoing.unsent.push(part);
            }
            Ok(_) => {}
            Err(why) => fails(why),
        }
        if undoing.waits > 0 {
            return Vec::new();
        }
        let Some(Undoing { mut done, count, refused, mut unsent, unknown, .. }) = self.undoing.remove(&whole) else {
            return Vec::new();
        };
        let (title, sets_going) = (done.order.title.clone(), done.order.command.sets_going());
        let remark = match &refused[..] {
            // Nothing but why the whole of it failed: it is the same for all that did not reach an engine.
            [(_, why), ..] if unsent.len() == done.inverse.len() => {
                Some(self.failed(place, &format!("undo: {title}"), why))
            }
            [(_, why)] if done.inverse.len() == 1 && !matches!(answer, Ok(Answer::Done(_))) => {
                Some(self.failed(place, &format!("undo: {title}"), why))
            }
            refused => self.came_of(place, &format!("undo: {title}"), count, refused, ""),
        };
        if unknown {
            self.push(Change::Final(title.clone()));
        } else if !unsent.is_empty() {
            // What did not reach an engine can still be taken back.
            unsent.sort_unstable();
            let left = done.inverse.into_iter().enumerate().filter(|(place, _)| unsent.contains(place));
            done.inverse = left.map(|(_, command)| command).collect();
            self.push(Change::Reversible(Box::new(done)));
        } else if count > 0 || refused.is_empty() {
            self.set_aside(done.order);
        } else {
            self.push(Change::Final(title.clone()));
        }
        let goes_on = if sets_going { "; what it set going goes on" } else { "" };
        vec![remark.unwrap_or_else(|| (Tone::Done, format!("took back: {title}{goes_on}")))]
    }

    /// Enters what came of an order into the log; what to say of it when something was refused, in one remark, so that what
    /// was done and what was not stand in one place.
    fn came_of(
        &mut self,
        place: usize,
        title: &str,
        count: usize,
        refused: &[(String, String)],
        tail: &str,
    ) -> Option<(Tone, String)> {
        if refused.is_empty() {
            self.outcome(place, true, "done".to_owned());
            return None;
        }
        self.outcome(place, false, format!("{count} done, {} refused", refused.len()));
        let lines: Vec<String> = refused.iter().map(|(item, why)| format!("{item}: {why}")).collect();
        let head = match count {
            0 => format!("{title}: nothing was done, {} refused", refused.len()),
            some => format!("{title}: {some} done, {} refused{tail}", refused.len()),
        };
        Some((Tone::Bad, format!("{head}\n{}", lines.join("\n"))))
    }

    fn failed(&mut self, place: usize, title: &str, why: &str) -> (Tone, String) {
        self.outcome(place, false, why.to_owned());
        (Tone::Bad, format!("{title}: {why}"))
    }

    fn keep(&mut self, order: Order, inverse: Vec<WireCommand>) {
        self.push(if inverse.is_empty() {
            Change::Final(order.title)
        } else {
            Change::Reversible(Box::new(Done { order, inverse }))
        });
    }

    fn push(&mut self, change: Change) {
        if self.done.len() >= LOG_MAX {
            self.done.remove(0);
        }
        self.done.push(change);
    }

    /// Keeps an order that can be made again.
    fn set_aside(&mut self, order: Order) {
        if self.undone.len() >= LOG_MAX {
            self.undone.remove(0);
        }
        self.undone.push(order);
    }

    fn enter(&mut self, title: String, line: String, time: Timestamp) -> usize {
        if self.log.len() >= LOG_MAX {
            // Places that are waited for move with the log; the oldest entries have long been answered.
            self.log.remove(0);
            let stops = self.stops.values_mut();
            for place in self.on_the_way.values_mut().map(|(_, place)| place).chain(stops) {
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

/// What undoing a command that can be taken back comes to, in words.
pub const fn way_back(command: &WireCommand) -> &'static str {
    if command.sets_going() { "z takes it back, not what it set going" } else { "z takes it back" }
}

/// Said of what may have been done or not.
fn not_known(why: &str) -> String {
    format!("{why}; whether it was done is not known")
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
