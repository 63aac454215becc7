//! The loop around the state: waits for messages, lets the state change, carries out what it asks for, draws.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Instant;

use super::app::{App, Effect, Options};
use super::awaited::Awaited;
use super::governor::{Cause, Governor};
use super::lines::Lines;
use super::link::Starter;
use super::message::{Message, Post};
use super::place::Place;
use super::step::Tone;
use super::terminal::input::Reader;
use super::terminal::probe::QUESTION;
use super::terminal::{ColorDepth, Taken, signals};
use super::travel::{News, Opener};
use super::{editor, saved, settings, verb, view};
use crate::domain::Timestamp;

/// Why the console ended before it was quit.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The terminal cannot be used.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[from] io::Error),
}

/// The most messages that one frame shows the effect of.
const TOGETHER: usize = 500;

/// The wall clock: only for showing ages, and put right by the engine's.
fn wall() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Shows the console until it is quit, with `starter` for when no engine runs at the beginning and `opener` for looking
/// back, until the terminal goes away or a signal ends it.
///
/// # Errors
/// When the terminal cannot be used. It is given back as it was found in any case.
pub fn run(options: Options, starter: Option<Starter>, opener: Opener) -> Result<(), Error> {
    let (sender, queue) = mpsc::channel();
    let post = Post::new(sender);
    let for_signals = || {
        let post = post.clone();
        move |signal| post.send(Message::Signal(signal))
    };
    signals::listen(for_signals())?;
    let mut keys = Some(signals::Keys::listen(for_signals())?);
    let mut lines = Lines::open(&options.data_dir, starter, opener, &post)?;
    let for_panics = post.clone();
    let mut terminal = Taken::take(settings::manners(&options), move || {
        for_panics.send(Message::Panicked);
    })?;
    let mut app = App::new(options, &Place::Overview, (wall(), Instant::now()));
    terminal.draw(|frame| view::draw(&mut app, frame))?;
    // Only where it makes a difference, and after the first frame is out.
    if app.options.theme.is_none() && app.options.depth > ColorDepth::Ansi {
        terminal.send(QUESTION)?;
    }
    let (for_input, to_ask) = (post.clone(), post.clone());
    let mut reader = Reader::start(move |read| for_input.send(editor::message(read)), move || to_ask.is_full())?;
    if let Some(dir) = app.options.config_dir.clone()
        && let Err(error) = saved::watch(&dir, post.clone())
    {
        app.say(Tone::Info, format!("themes and keys are not read anew when they are saved: {error}"));
    }
    let mut governor = Governor::new(Instant::now(), app.options.budget);
    let mut awaited = Awaited::default();
    let mut dirty_since: Option<Instant> = None;
    // What comes at the beginning was asked for by whoever started the console.
    let mut urgent = true;
    loop {
        for ask in app.take_asks() {
            awaited.asked(&ask, urgent);
            lines.ask(ask);
        }
        for effect in app.take_effects() {
            match effect {
                Effect::Quit => return Ok(()),
                Effect::Send(sequence) => terminal.send(&sequence)?,
                Effect::Manners(manners) => terminal.set_manners(manners)?,
                Effect::Redraw => terminal.resize()?,
                Effect::Suspend => {
                    reader.hold();
                    terminal.suspend();
                    signals::stop()?;
                    terminal.resume()?;
                    reader.release();
                }
                Effect::Verb(said) => verb::start(&said, &app, lines.past_folder(), &post),
                Effect::StartEngine => verb::start_engine(&app, &post),
                Effect::Past(moment) => lines.look_back(moment),
                // Something may have been opened since this was asked for; it is asked for again when that is closed.
                Effect::EnterPast if app.layer().is_some() => app.update(Message::Past(News::Opened)),
                Effect::EnterPast => lines.enter().into_iter().for_each(|news| app.update(news)),
                Effect::Present => lines.come_back().into_iter().for_each(|news| app.update(news)),
                Effect::Edit(text) => {
                    reader.hold();
                    // What its keys send meanwhile is meant for the editor.
                    drop(keys.take());
                    terminal.suspend();
                    let edited = editor::edit(&text);
                    terminal.resume()?;
                    keys = Some(signals::Keys::listen(for_signals())?);
                    reader.release();
                    // What is said now is read from now on, however long the editor was open.
                    app.set_now((wall(), Instant::now()));
                    editor::submit(&mut app, edited);
                }
            }
            urgent = true;
            app.woken();
        }
        let now = Instant::now();
        app.set_now((wall(), now));
        if app.take_dirty() {
            dirty_since.get_or_insert(now);
        }
        governor.set_budget(app.options.budget, now);
        let followed = app.text().is_some_and(|text| text.follows() == Some(true));
        let due = dirty_since.map(|since| governor.due(since, followed));
        if due.is_some_and(|due| urgent || now >= due) {
            app.traffic = governor.traffic(now);
            let before = terminal.written();
            terminal.draw(|frame| view::draw(&mut app, frame))?;
            // Drawing lays the screen out, and that may ask for rows that came into sight.
            let at = Instant::now();
            let cause = match (urgent, followed) {
                (true, _) => Cause::Key,
                (false, true) => Cause::Followed,
                (false, false) => Cause::Change,
            };
            governor.sent(terminal.written() - before, terminal.took(), cause, at);
            app.drawn(at);
            for ask in app.take_asks() {
                awaited.asked(&ask, urgent);
                lines.ask(ask);
            }
            dirty_since = None;
        }
        urgent = false;
        let wake = if dirty_since.is_some() { due } else { app.wake_at() };
        let first = match wake {
            Some(at) => match queue.recv_timeout(at.saturating_duration_since(Instant::now())) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            },
            None => match queue.recv() {
                Ok(message) => Some(message),
                Err(_) => return Ok(()),
            },
        };
        app.set_now((wall(), Instant::now()));
        let Some(first) = first else {
            app.woken();
            continue;
        };
        let mut taken = 0;
        // However much comes, what it does is seen from time to time.
        for message in std::iter::once(first).chain(queue.try_iter()).take(TOGETHER) {
            taken += 1;
            let Some(message) = lines.take(message) else { continue };
            urgent |= match message {
                // What the fleet does by itself can wait; being looked at or not shows nowhere.
                Message::Pulse(_) | Message::Focus(_) => false,
                // An answer to what a key asked for is drawn like the key itself.
                Message::Answer { ticket, .. } | Message::Unheard { ticket, .. } => awaited.answered(ticket),
                _ => true,
            };
            app.update(message);
        }
        post.taken(taken);
    }
}
