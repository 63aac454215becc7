//! The console's two lines to the engine: one that is asked, one that tells.
//!
//! Each is a thread that sleeps until there is something to do. The *teller* keeps `GET /v1/pulse` open and says what
//! has changed; when the engine goes away it tries again with growing pauses and says so. The *asker* answers requests
//! in order; of several waiting ones in the same lane only the newest is asked, because only that is still in sight.
//! What changes something is asked one at a time, each when the one before it has been answered.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::message::{Message, Post};
use super::request::{Answer, Ask, Request, Ticket};
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
    /// Whether a change is being asked.
    changing: bool,
    closed: bool,
}

impl Queue {
    /// The next that may be asked now. Changes keep their order: the next one waits for the answer to the one before.
    fn next(&mut self) -> Option<Ask> {
        let place = self.asks.iter().position(|ask| !(self.changing && ask.request.is_change()))?;
        let ask = self.asks.remove(place)?;
        self.changing |= ask.request.is_change();
        Some(ask)
    }
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
                if let Some(ask) = waiting.next() {
                    break ask;
                }
                waiting = queue.1.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
        };
        let is_change = ask.request.is_change();
        let mut answer = on_connection(&mut client, data_dir, &ask.request);
        // A connection that broke while it was idle says nothing about the engine; a change is never sent twice.
        let once = is_change || matches!(ask.request, Request::Moment(_));
        if let Err(Error::Broken(why)) = &answer
            && (!once || why.is_canceled())
        {
            client = None;
            answer = on_connection(&mut client, data_dir, &ask.request);
        }
        if let Err(Error::NoEngine { .. } | Error::Unreachable { .. } | Error::Broken(_) | Error::PerhapsDone(_)) =
            answer
        {
            client = None;
        }
        let heard = post.send(match answer {
            Ok(answer) => Message::Answer { ticket: ask.ticket, answer: Ok(answer) },
            Err(error) => without_answer(ask.ticket, &error, is_change),
        });
        if is_change {
            // Only now, so that answers to changes come in the order of the changes.
            queue.0.lock().unwrap_or_else(PoisonError::into_inner).changing = false;
            queue.1.notify_all();
        }
        if !heard {
            return;
        }
    }
}

/// What is said of a request that was not answered. Whoever asked for a change has to know whether it can have been made;
/// whoever asked for anything else, whether the engine refused it.
fn without_answer(ticket: Ticket, error: &Error, is_change: bool) -> Message {
    let why = error.to_string();
    let lost = match error {
        Error::NoEngine { .. } | Error::Unreachable { .. } | Error::NotReady(_) | Error::Runtime(_) => Some(false),
        // One that is cancelled never left.
        Error::Broken(broken) => Some(!broken.is_canceled()),
        Error::PerhapsDone(_) => Some(true),
        Error::Unexpected { .. } if is_change => Some(true),
        _ => None,
    };
    match lost {
        Some(perhaps_done) if is_change => Message::Answer { ticket, answer: Ok(Answer::Lost { perhaps_done, why }) },
        Some(_) => Message::Unheard { ticket, why },
        None => Message::Answer { ticket, answer: Err(why) },
    }
}

fn on_connection(client: &mut Option<Client>, data_dir: &Path, request: &Request) -> Result<Answer, Error> {
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
    use std::io::{BufRead, BufReader, Read, Write};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::sync::mpsc;

    use super::*;
    use crate::api::types::{SOCKET_NAME, WireCommand};

    /// What was asked of an engine, in order.
    type Log = Arc<(Mutex<Vec<String>>, Condvar)>;

    /// Answers one request after the other, none of them well; a change only once something else has been asked.
    fn serve(stream: UnixStream, log: &Log) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        loop {
            let mut head = Vec::new();
            while head.last().is_none_or(|line| line != "\r\n") {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 {
                    return;
                }
                head.push(line);
            }
            let length =
                head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.trim().parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body).unwrap();
            let asked = format!("{}{}", head[0].split(' ').nth(1).unwrap(), String::from_utf8_lossy(&body));
            // The teller's line is not what this is about.
            if asked.contains("ready") {
                return;
            }
            let mut seen = log.0.lock().unwrap();
            seen.push(asked.clone());
            log.1.notify_all();
            if asked.contains("first") {
                drop(log.1.wait_while(seen, |seen| seen.len() < 2).unwrap());
            }
            if write!(stream, "HTTP/1.1 500 no\r\ncontent-length: 0\r\n\r\n").is_err() {
                return;
            }
        }
    }

    #[test]
    fn a_change_is_asked_only_when_the_one_before_it_was_answered_and_holds_up_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(SOCKET_NAME)).unwrap();
        let log = Log::default();
        let kept = Arc::clone(&log);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let log = Arc::clone(&kept);
                thread::spawn(move || serve(stream.unwrap(), &log));
            }
        });
        let (sender, queue) = mpsc::channel();
        let link = Link::open(folder.path(), Duration::from_secs(1), None, &Post::new(sender)).unwrap();
        let drain = |name: &str| Request::Command(Box::new(WireCommand::DrainAgents { ids: vec![name.to_owned()] }));
        for (ticket, request) in (1..).zip([drain("first"), drain("second"), Request::Overview]) {
            link.ask(Ask { ticket, lane: None, request });
        }
        let answered: Vec<_> = queue
            .iter()
            .filter_map(|message| match message {
                Message::Answer { ticket, answer } => Some((ticket, matches!(answer, Ok(Answer::Lost { .. })))),
                _ => None,
            })
            .take(3)
            .collect();
        let (first, second) = ((1, true), (2, true));
        assert!(answered.contains(&(3, false)), "{answered:?}");
        let place = |of| answered.iter().position(|one| *one == of);
        assert!(place(first).unwrap() < place(second).unwrap(), "{answered:?}");
        let log = log.0.lock().unwrap();
        // The first is answered once the overview was asked for too, whichever came first.
        assert!(log.len() == 3 && log[2].contains("second"), "{log:?}");
    }

    #[test]
    fn of_a_change_without_an_engine_it_is_known_that_it_was_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Error::NoEngine { data_dir: folder.path().to_owned() };
        let lost =
            |message| matches!(message, Message::Answer { answer: Ok(Answer::Lost { perhaps_done: false, .. }), .. });
        assert!(lost(without_answer(1, &missing, true)));
        assert!(matches!(without_answer(1, &missing, false), Message::Unheard { ticket: 1, .. }));
    }

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
