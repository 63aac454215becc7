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
use crate::api::client::{Client, Error};

/// The first pause before the engine is dialled again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

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
}

/// Starts an engine, and returns when it answers or why it does not.
pub type Starter = Box<dyn FnOnce() -> Result<(), String> + Send>;

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
        thread::Builder::new().name("teller".to_owned()).spawn(move || tell(&dir, interval, starter, &post))?;
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
        let is_change = matches!(ask.request, Request::Command(_) | Request::Shutdown { .. });
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

fn tell(data_dir: &Path, interval: Duration, mut starter: Option<Starter>, post: &Post) {
    let mut pause = PAUSES.0;
    let mut since = None;
    loop {
        let reason = match Client::connect(data_dir) {
            Ok(client) => match wait_until_ready(&client, post) {
                Ok(true) => {
                    (pause, since) = (PAUSES.0, None);
                    match client.pulse(u64::try_from(interval.as_millis()).unwrap_or(1_000), |pulse| {
                        if post.send(Message::Pulse(pulse)) {
                            ControlFlow::Continue(())
                        } else {
                            ControlFlow::Break(())
                        }
                    }) {
                        Ok(_) => "the engine ended".to_owned(),
                        Err(error) => error.to_string(),
                    }
                }
                Ok(false) => return,
                Err(error) => error.to_string(),
            },
            // Once, at the beginning: an engine that goes away later was perhaps sent away.
            Err(Error::NoEngine { .. }) if starter.is_some() => {
                let progress = "none was running; starting one".to_owned();
                if !post.send(Message::Link(LinkState::Starting { progress })) {
                    return;
                }
                match starter.take().map_or(Ok(()), |start| start()) {
                    Ok(()) => continue,
                    Err(message) => message,
                }
            }
            Err(error) => error.to_string(),
        };
        starter = None;
        let now = Instant::now();
        let state = LinkState::Down { reason, since: *since.get_or_insert(now), next: now + pause };
        if !post.send(Message::Link(state)) {
            return;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Waits while the engine reads its store; `false` when nobody listens to us any more.
fn wait_until_ready(client: &Client, post: &Post) -> Result<bool, Error> {
    loop {
        let ready = client.ready()?;
        if ready.ready {
            return Ok(true);
        }
        let progress = match ready.total {
            0 => ready.phase,
            total => {
                let (done, total) = (super::text::count(ready.done), super::text::count(total));
                format!("{} {done} of {total}", ready.phase)
            }
        };
        if !post.send(Message::Link(LinkState::Starting { progress })) {
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(100));
    }
}
