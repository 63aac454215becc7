//! The memory of a past: what the deciding thread is for the present, without its decisions. It answers what can be looked
//! up at one moment, and refuses to change anything.

use std::sync::mpsc::{self, Receiver, Sender};

use super::Error;
use super::core::Core;
use super::message::Message;
use crate::domain::snapshot::Snapshot;
use crate::domain::{Refusal, RefusalKind, Standpoint};

/// Starts a thread that answers from the fleet as it was, until nobody can ask any more.
pub fn start(snapshot: Snapshot, at: Standpoint) -> Result<Sender<Message>, Error> {
    let (sender, inbox) = mpsc::channel();
    let mut core = Core::restore(snapshot);
    core.assume_connected();
    let run = move || answer(&core, at, &inbox);
    std::thread::Builder::new().name("view".into()).spawn(run).map_err(Error::io("start the view thread"))?;
    Ok(sender)
}

/// Why nothing can be changed.
pub fn refusal(at: Standpoint) -> Refusal {
    Refusal::new(RefusalKind::Conflict, "the past", format!("nothing can be changed at {at}"))
        .hint("Go back to the present: `:now` in the console, or leave out --at")
}

fn answer(core: &Core, at: Standpoint, inbox: &Receiver<Message>) {
    let now = at.time;
    while let Ok(message) = inbox.recv() {
        // Nobody may be left to hear an answer, here and below.
        match message {
            Message::Command { answer, .. } => drop(answer.send(Err(refusal(at)))),
            Message::WhatIf { answer, .. } => drop(answer.send(Err(refusal(at)))),
            Message::Explain { task, answer } => drop(answer.send(core.explain(now, task))),
            Message::Look(look) => look(core, now),
            Message::Counts { answer } => drop(answer.send((core.counts(), false))),
            Message::ViewFleet { answer } => drop(answer.send(core.view_fleet())),
            Message::ViewOverview { horizon, due_max, answer } => {
                let view = core.view_overview(now, horizon, due_max);
                drop(answer.send((view, core.counts(), false)));
            }
            Message::Executing { answer } => drop(answer.send(core.executing())),
            Message::Stop { done, .. } => {
                if let Some(done) = done {
                    drop(done.send(Err(refusal(at))));
                }
            }
            // What comes from workers, rules and the store: there are none of them here.
            Message::Hello(_)
            | Message::Synced { .. }
            | Message::Report { .. }
            | Message::NotSent { .. }
            | Message::Observe(_)
            | Message::Delivery { .. }
            | Message::Clock { .. }
            | Message::Closed { .. }
            | Message::CommitFailed { .. }
            | Message::Recovered(_) => {}
        }
    }
}
