//! Which engine is asked and heard: that of the present, or a past. The line to the present stays while the past is looked
//! at, so that coming back needs nothing but to listen to it again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::link::{Link, LinkState, Starter};
use super::message::{Line, Message, Post};
use super::request::{Ask, Ticket};
use super::travel::{News, OpenPast, Opener};
use crate::api::live::Pulse;

/// How often an engine tells what changed, at most.
const PULSE_EVERY: Duration = Duration::from_secs(1);

/// The line to the present.
const PRESENT: Line = 0;

/// The lines that there are.
pub struct Lines {
    post: Post,
    opener: Arc<Opener>,
    present: Link,
    past: Option<Past>,
    /// A past that answers and has not been entered.
    opened: Option<Box<dyn OpenPast>>,
    /// The line to the newest past.
    newest: Line,
    /// Set to give up what is being opened.
    given_up: Arc<AtomicBool>,
    /// What the present told last, and when: its last notice, then what became of the line after that.
    told: (Option<(Pulse, Instant)>, Option<LinkState>),
    /// Changes of the present that have not been answered. What came of them is heard in the past too.
    changes: BTreeSet<Ticket>,
}

/// The line to a past, and what keeps that open.
struct Past {
    link: Link,
    line: Line,
    open: Box<dyn OpenPast>,
}

impl Lines {
    /// The line to the present, with `starter` for when no engine runs at the beginning.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn open(data_dir: &Path, starter: Option<Starter>, opener: Opener, post: &Post) -> std::io::Result<Self> {
        Ok(Self {
            present: Link::open(data_dir, PULSE_EVERY, starter, &post.on(PRESENT))?,
            post: post.clone(),
            opener: Arc::new(opener),
            past: None,
            opened: None,
            newest: PRESENT,
            given_up: Arc::default(),
            told: (None, None),
            changes: BTreeSet::new(),
        })
    }

    /// Asks whoever is looked at.
    pub fn ask(&mut self, ask: Ask) {
        if let Some(past) = &self.past {
            return past.link.ask(ask);
        }
        if ask.request.is_change() {
            self.changes.insert(ask.ticket);
        }
        self.present.ask(ask);
    }

    /// The folder of the socket of the past that is looked at.
    pub fn past_folder(&self) -> Option<&Path> {
        self.past.as_ref().map(|past| past.open.folder())
    }

    /// Opens a past on a thread of its own, and says when it can be entered. One that is still being opened is given up.
    pub fn look_back(&mut self, moment: String) {
        self.give_up();
        let (open, post, given_up) = (Arc::clone(&self.opener), self.post.clone(), Arc::clone(&self.given_up));
        let run = move || {
            let mut told = |progress: &str| {
                let wanted = !given_up.load(Ordering::Acquire);
                wanted && post.send(Message::Past(News::Progress(progress.to_owned())))
            };
            let result = open(&moment, &mut told);
            if given_up.load(Ordering::Acquire) {
                return;
            }
            post.send(match result {
                Ok(found) => Message::PastOpened(found, given_up),
                Err(why) => Message::Past(News::Failed(why)),
            });
        };
        if let Err(error) = thread::Builder::new().name("opener".to_owned()).spawn(run) {
            self.post.send(Message::Past(News::Failed(format!("cannot look at the past: {error}"))));
        }
    }

    /// Asks and hears the past that answers from now on; what is to be heard of that, if there is one.
    pub fn enter(&mut self) -> Option<Message> {
        let open = self.opened.take()?;
        self.newest += 1;
        Some(Message::Past(match Link::open(open.folder(), PULSE_EVERY, None, &self.post.on(self.newest)) {
            Ok(link) => {
                self.past = Some(Past { link, line: self.newest, open });
                News::Entered
            }
            Err(error) => News::Failed(format!("cannot look at the past: {error}")),
        }))
    }

    /// Listens to the present again; what is to be heard of that, and what it told meanwhile. Where no past was entered, only
    /// what is being opened is given up.
    pub fn come_back(&mut self) -> Vec<Message> {
        self.give_up();
        let Some(past) = self.past.take() else { return Vec::new() };
        let_go(past);
        let (pulse, link) = self.told.clone();
        // In the order in which they came: the line may have been lost after the last notice.
        let told = pulse.map(|(pulse, heard)| Message::PulseBefore(pulse, heard)).into_iter();
        std::iter::once(Message::Past(News::Left)).chain(told).chain(link.map(Message::Link)).collect()
    }

    fn give_up(&mut self) {
        std::mem::take(&mut self.given_up).store(true, Ordering::Release);
        if let Some(open) = self.opened.take() {
            let_go(open);
        }
    }

    /// What of a message is for the console as it stands now.
    pub fn take(&mut self, message: Message) -> Option<Message> {
        match message {
            Message::On(line, message) => {
                let here = self.past.as_ref().map_or(PRESENT, |past| past.line);
                let mut heard = line == here;
                if line == PRESENT {
                    self.note(&message);
                    if let Message::Answer { ticket, .. } = *message {
                        heard |= self.changes.remove(&ticket);
                    }
                }
                heard.then_some(*message)
            }
            Message::PastOpened(open, given_up) => {
                if given_up.load(Ordering::Acquire) {
                    let_go(open);
                    return None;
                }
                self.opened = Some(open);
                Some(Message::Past(News::Opened))
            }
            other => Some(other),
        }
    }

    /// Keeps what the present tells: a fleet at rest does not tell it again.
    fn note(&mut self, message: &Message) {
        match message {
            Message::Link(state) => self.told.1 = Some(state.clone()),
            Message::Pulse(pulse) => self.told = (Some((pulse.clone(), Instant::now())), None),
            _ => {}
        }
    }
}

/// Lets go of a past on a thread of its own: its process is waited for, which nobody need watch.
fn let_go(past: impl Send + 'static) {
    thread::spawn(move || drop(past));
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::mpsc;

    use super::*;
    use crate::domain::counts::Counts;
    use crate::domain::{Reply, Timestamp};
    use crate::ui::request::{Answer, Request};

    /// A past that nobody serves.
    struct Nowhere(PathBuf);

    impl OpenPast for Nowhere {
        fn folder(&self) -> &Path {
            &self.0
        }
    }

    /// Lines to where no engine is.
    fn lines(folder: &Path) -> Lines {
        let (sender, _) = mpsc::channel();
        Lines::open(folder, None, Box::new(|_, _| Err("not asked for".to_owned())), &Post::new(sender)).unwrap()
    }

    /// Has them enter a past.
    fn enter(lines: &mut Lines, folder: &Path) {
        let opened = Message::PastOpened(Box::new(Nowhere(folder.to_owned())), Arc::default());
        assert!(matches!(lines.take(opened), Some(Message::Past(News::Opened))));
        assert!(lines.past_folder().is_none(), "whoever looks says when");
        assert!(matches!(lines.enter(), Some(Message::Past(News::Entered))));
        assert!(lines.past_folder().is_some() && lines.enter().is_none());
    }

    fn of_the_present(message: Message) -> Message {
        Message::On(PRESENT, Box::new(message))
    }

    #[test]
    fn coming_back_tells_what_the_present_told_in_the_order_in_which_it_came() {
        let folder = tempfile::tempdir().unwrap();
        let mut lines = lines(folder.path());
        let time = Timestamp::from_micros(1_000_000);
        let pulse = Pulse { seq: 7, time, changed: vec![], counts: Counts::default(), alerts: 0, read_only: false };
        let began = Instant::now();
        enter(&mut lines, folder.path());
        assert!(lines.take(of_the_present(Message::Pulse(pulse.clone()))).is_none());
        let down = LinkState::Down { reason: "it ended".to_owned(), since: began, next: began };
        assert!(lines.take(of_the_present(Message::Link(down.clone()))).is_none());
        let heard = Instant::now();
        let told = lines.come_back();
        let [Message::Past(News::Left), Message::PulseBefore(again, at), Message::Link(state)] = &told[..] else {
            panic!("{} messages", told.len());
        };
        assert_eq!((again, state), (&pulse, &down));
        assert!((began..=heard).contains(at), "it says when it was heard");
    }

    #[test]
    fn what_came_of_a_change_is_heard_in_the_past_and_nothing_else_of_the_present_is() {
        let folder = tempfile::tempdir().unwrap();
        let mut lines = lines(folder.path());
        lines.ask(Ask { ticket: 1, lane: None, request: Request::Shutdown { kill: false } });
        lines.ask(Ask { ticket: 2, lane: None, request: Request::Overview });
        enter(&mut lines, folder.path());
        let done = || {
            Answer::Done(Box::new(Reply::Items { done: vec![], refused: vec![], inverse: vec![], warnings: vec![] }))
        };
        let mut hears = |ticket| lines.take(of_the_present(Message::Answer { ticket, answer: Ok(done()) })).is_some();
        assert_eq!([hears(1), hears(2), hears(1)], [true, false, false]);
    }
}
