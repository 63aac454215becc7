//! Which engine is asked and heard: that of the present, or a past. The line to the present stays while the past is looked
//! at, so that coming back needs nothing but to listen to it again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::link::{Link, LinkState, Starter};
use super::message::{Line, Message, Post};
use super::request::Ask;
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
    /// The line to the newest past.
    newest: Line,
    /// Set to give up what is being opened.
    given_up: Arc<AtomicBool>,
    /// What the present told last while nobody listened to it.
    told: (Option<LinkState>, Option<Pulse>),
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
            newest: PRESENT,
            given_up: Arc::default(),
            told: (None, None),
        })
    }

    /// Asks whoever is looked at.
    pub fn ask(&self, ask: Ask) {
        self.past.as_ref().map_or(&self.present, |past| &past.link).ask(ask);
    }

    /// The folder of the socket of the past that is looked at.
    pub fn past_folder(&self) -> Option<&Path> {
        self.past.as_ref().map(|past| past.open.folder())
    }

    /// Opens a past on a thread of its own; it is entered when it answers. One that is still being opened is given up.
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

    /// Listens to the present again; what it told meanwhile comes as messages.
    pub fn come_back(&mut self) {
        self.give_up();
        if let Some(past) = self.past.take() {
            // Its process is waited for, which nobody need watch.
            thread::spawn(move || drop(past));
        }
        self.post.send(Message::Past(News::Left));
        let (link, pulse) = std::mem::take(&mut self.told);
        let present = self.post.on(PRESENT);
        link.map(|state| present.send(Message::Link(state)));
        pulse.map(|pulse| present.send(Message::Pulse(pulse)));
    }

    fn give_up(&mut self) {
        std::mem::take(&mut self.given_up).store(true, Ordering::Release);
    }

    /// What of a message is for the console as it stands now.
    pub fn take(&mut self, message: Message) -> Option<Message> {
        match message {
            Message::On(line, message) => {
                let here = self.past.as_ref().map_or(PRESENT, |past| past.line);
                if line == PRESENT {
                    self.note(&message);
                }
                (line == here).then_some(*message)
            }
            Message::PastOpened(_, given_up) if given_up.load(Ordering::Acquire) => None,
            Message::PastOpened(open, _) => {
                self.newest += 1;
                let news = match Link::open(open.folder(), PULSE_EVERY, None, &self.post.on(self.newest)) {
                    Ok(link) => {
                        self.past = Some(Past { link, line: self.newest, open });
                        News::Entered
                    }
                    Err(error) => News::Failed(format!("cannot look at the past: {error}")),
                };
                Some(Message::Past(news))
            }
            other => Some(other),
        }
    }

    /// Keeps what the present tells: a fleet at rest does not tell it again.
    fn note(&mut self, message: &Message) {
        match message {
            Message::Link(state) => self.told.0 = Some(state.clone()),
            Message::Pulse(pulse) => self.told = (None, Some(pulse.clone())),
            _ => {}
        }
    }
}
