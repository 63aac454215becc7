//! The console's two lines to the engine: one that is asked, one that tells.
//!
//! Each is a thread that sleeps until there is something to do. The *teller* keeps `GET /v1/pulse` open and says what
//! has changed; when the engine goes away it tries again with growing pauses and says so. The *asker* answers requests
//! in order; of several waiting ones in the same lane only the newest is asked, because only that is still in sight.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::message::{Message, Post};
use super::request::{Ask, Request};
use super::voice::Voice;
use crate::api::client::{Client, End, Error};

/// The first pause before the engine is dialled again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How often a starting engine is asked how far it is.
const READY_INTERVAL: Duration = Duration::from_millis(100);

/// Whether the engine can be heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Nothing has been tried yet.
    Dialling,
    /// It tells what changes.
    Up,
    /// It is there but still reads its store.
    Starting {
        /// What it does and how far it is.
        progress: String,
    },
    /// It cannot be heard.
    Down {
        /// Why.
        reason: String,
        /// Since when.
        since: Instant,
        /// When it is tried again.
        next: Instant,
    },
}

impl LinkState {
    /// Whether requests make sense.
    pub const fn is_up(&self) -> bool {
        matches!(self, Self::Up)
    }

    /// Whether there is no engine to be heard.
    pub const fn is_down(&self) -> bool {
        matches!(self, Self::Down { .. })
    }
}

/// Sees to it that an engine runs, before one is listened to for the first time; returns when one answers, or why none
/// does. What it says meanwhile is shown.
pub type Starter = Box<dyn FnOnce(&Voice) -> Result<(), String> + Send>;

/// What waits to be asked.
#[derive(Default)]
struct Queue {
    asks: VecDeque<Ask>,
    closed: bool,
}

/// The console's end of the lines.
pub struct Link {
    queue: Arc<(Mutex<Queue>, Condvar)>,
}

impl Link {
    /// Starts both threads; they speak through `post`.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn open(data_dir: &Path, interval: Duration, starter: Option<Starter>, post: &Post) -> std::io::Result<Self> {
        let queue = Arc::new((Mutex::new(Queue::default()), Condvar::new()));
        // Two askers, so that a slow answer does not hold up what is in sight.
        for name in ["asker-1", "asker-2"] {
            let (queue, post, dir) = (Arc::clone(&queue), post.clone(), data_dir.to_owned());
            thread::Builder::new().name(name.to_owned()).spawn(move || answer_asks(&queue, &dir, &post))?;
        }
        let (post, dir) = (post.clone(), data_dir.to_owned());
        let told = Arc::clone(&queue);
        let wanted = move || !told.0.lock().unwrap_or_else(PoisonError::into_inner).closed;
        let tell = move || tell(&dir, interval, starter, &post, &wanted);
        thread::Builder::new().name("teller".to_owned()).spawn(tell)?;
        Ok(Self { queue })
    }

    /// Asks; the answer comes as a message with the ask's ticket.
    pub fn ask(&self, ask: Ask) {
        let mut queue = self.queue.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = ask.lane {
            queue.asks.retain(|waiting| waiting.lane != Some(lane));
        }
        queue.asks.push_back(ask);
        self.queue.1.notify_one();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.queue.0.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.queue.1.notify_all();
    }
}

fn answer_asks(queue: &(Mutex<Queue>, Condvar), data_dir: &Path, post: &Post) {
    let mut client: Option<Client> = None;
    loop {
        let ask = {
            let mut waiting = queue.0.lock().unwrap_or_else(PoisonError::into_inner);
            loop {
                if waiting.closed {
                    return;
                }
                if let Some(ask) = waiting.asks.pop_front() {
                    break ask;
                }
                waiting = queue.1.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
        };
        let is_change = matches!(ask.request, Request::Command(_) | Request::Shutdown { .. } | Request::Moment(_));
        let mut answer = on_connection(&mut client, data_dir, &ask.request);
        // A connection that broke while it was idle says nothing about the engine; a change is never sent twice.
        if let Err(Error::Broken(_)) = answer
            && !is_change
        {
            client = None;
            answer = on_connection(&mut client, data_dir, &ask.request);
        }
        if let Err(Error::NoEngine { .. } | Error::Unreachable { .. } | Error::Broken(_)) = answer {
            client = None;
        }
        if !post.send(Message::Answer { ticket: ask.ticket, answer: answer.map_err(|error| error.to_string()) }) {
            return;
        }
    }
}

fn on_connection(
    client: &mut Option<Client>,
    data_dir: &Path,
    request: &Request,
) -> Result<super::request::Answer, Error> {
    if client.is_none() {
        *client = Some(Client::connect(data_dir)?);
    }
    match client {
        Some(client) => request.perform(client),
        None => Err(Error::NoEngine { data_dir: data_dir.to_owned() }),
    }
}

/// Tells as long as it is `wanted`, which is asked whenever the engine has gone.
fn tell(data_dir: &Path, interval: Duration, starter: Option<Starter>, post: &Post, wanted: &dyn Fn() -> bool) {
    let mut pause = PAUSES.0;
    let mut since = None;
    // Once, at the beginning: an engine that goes away later was perhaps sent away.
    let mut unstarted = starter.and_then(|start| start(&Voice::new(post.clone())).err());
    loop {
        let reason = match unstarted.take() {
            Some(reason) => reason,
            None => match follow(data_dir, interval, post, || (pause, since) = (PAUSES.0, None)) {
                Some(reason) => reason,
                None => return,
            },
        };
        let now = Instant::now();
        let state = LinkState::Down { reason, since: *since.get_or_insert(now), next: now + pause };
        if !wanted() || !post.send(Message::Link(state)) {
            return;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Hands on what an engine tells until it cannot be heard, and says why; `None` when nobody listens to us any more. Calls
/// `heard` when there is one that answers.
fn follow(data_dir: &Path, interval: Duration, post: &Post, heard: impl FnOnce()) -> Option<String> {
    let told = |pulse| {
        if post.send(Message::Pulse(pulse)) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let listen = || {
        let client = Client::connect(data_dir)?;
        if !wait_until_ready(&client, post)? {
            return Ok(End::Stopped);
        }
        heard();
        client.pulse(u64::try_from(interval.as_millis()).unwrap_or(1_000), told)
    };
    match listen() {
        Ok(End::Stopped) => None,
        Ok(_) => Some("the engine ended".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

/// Waits while the engine reads its store; `false` when nobody listens to us any more.
fn wait_until_ready(client: &Client, post: &Post) -> Result<bool, Error> {
    loop {
        let ready = client.ready()?;
        if ready.ready {
            return Ok(true);
        }
        if !post.send(Message::Link(LinkState::Starting { progress: ready.text() })) {
            return Ok(false);
        }
        thread::sleep(READY_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn what_the_starter_says_is_shown_and_why_it_failed() {
        let folder = tempfile::tempdir().unwrap();
        let (sender, queue) = mpsc::channel();
        let starter: Starter = Box::new(|voice| {
            voice.starting("reading tasks 4 of 9");
            Err("the disk is full".to_owned())
        });
        let dir = folder.path().to_owned();
        let teller =
            thread::spawn(move || tell(&dir, Duration::from_secs(1), Some(starter), &Post::new(sender), &|| true));
        let mut states = Vec::new();
        // The third is the first dial after the pause: nobody listens there.
        for message in queue.iter().take(3) {
            let Message::Link(state) = message else { panic!("nothing but the link's state is told") };
            states.push(state);
        }
        drop(queue);
        teller.join().unwrap();
        assert_eq!(states[0], LinkState::Starting { progress: "reading tasks 4 of 9".to_owned() });
        let LinkState::Down { reason, since, .. } = &states[1] else { panic!("{:?}", states[1]) };
        assert_eq!(reason, "the disk is full");
        let LinkState::Down { reason, since: still, .. } = &states[2] else { panic!("{:?}", states[2]) };
        assert!(reason.starts_with("no engine"), "{reason}");
        assert_eq!(still, since, "it is down since it was first found so");
    }
}
