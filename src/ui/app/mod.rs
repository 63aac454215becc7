//! The console's state. Nothing here touches the terminal or the socket: what is to be done with them is handed out as
//! [`Effect`]s and asks, so that tests drive the whole console without either.
//!
//! How messages change it is in `update`, how what they lead to is done in `carry_out`.

mod carry_out;
mod layers;
mod options;
mod places;
mod update;

pub use options::Options;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::action::{Action, Scope};
use super::arming::{self, Held};
use super::governor::Traffic;
use super::history::History;
use super::key::Key;
use super::keymap::Keymap;
use super::layer::Layer;
use super::link::LinkState;
use super::look::Look;
use super::names::Names;
use super::notify::Notifier;
use super::orders::Orders;
use super::place::Place;
use super::request::{Ask, Ticket};
use super::round_trip::RoundTrip;
use super::screen::{Aim, Screen, Selection};
use super::scrollbars::Scrollbars;
use super::settings;
use super::step::Tone;
use super::terminal::Manners;
use super::theme::Theme;
use super::toasts::Toasts;
use super::travel::Era;
use crate::api::live::Pulse;
use crate::domain::Timestamp;

/// What the loop around the state has to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send a sequence to the terminal beside the frames.
    Send(String),
    /// Use the terminal in another way.
    Manners(Manners),
    /// Draw everything anew.
    Redraw,
    /// Stop until continued.
    Suspend,
    /// Run a verb of the command line and show what it says.
    Verb(String),
    /// Start an engine in the background.
    StartEngine,
    /// Have a text edited and submit what is saved.
    Edit(String),
    /// Open the past of a moment.
    Past(String),
    /// Ask the past that was opened.
    EnterPast,
    /// Ask the present again.
    Present,
    /// End.
    Quit,
}

/// What is known of the fleet as a whole.
#[derive(Default)]
pub struct FleetState {
    /// The last notice.
    pub pulse: Option<Pulse>,
    /// When it came.
    pub heard: Option<Instant>,
}

impl FleetState {
    /// Whether the engine takes no changes.
    pub fn read_only(&self) -> bool {
        self.pulse.as_ref().is_some_and(|pulse| pulse.read_only)
    }
}

/// A screen and whether it has to be asked for anew when it is entered.
struct Kept {
    screen: Box<dyn Screen>,
    stale: bool,
    /// Until when what it shows was right, as far as the engine has told; `None` before the first answer.
    as_of: Option<Instant>,
}

/// The most details that are kept with their cursor; the oldest goes first.
const SCREENS_MAX: usize = 40;

/// The console.
pub struct App {
    /// How it was started.
    pub options: Options,
    /// How it looks.
    pub theme: Theme,
    /// Which keys do what.
    pub keymap: Keymap,
    /// The engine's line.
    pub link: LinkState,
    /// The fleet as a whole.
    pub fleet: FleetState,
    /// Where one is and was.
    pub history: History,
    /// What has been changed, and what takes it back.
    pub orders: Orders,
    /// Remarks.
    pub toasts: Toasts,
    /// Names of what rows only know the ids of.
    pub names: Names,
    /// Calls somebody who looks elsewhere.
    pub notifier: Notifier,
    /// Lines said in the palette, the oldest first.
    pub palette_history: Vec<String>,
    /// When what is shown is of.
    pub era: Era,
    /// What leads to another time as soon as nothing is open over the screen: what is typed there must not become keys of
    /// the screen halfway.
    pub(super) turn: Option<Effect>,
    /// Whether the screen is held as it is.
    pub frozen: bool,
    /// Whether the screen last drawn had no room for anything but a notice.
    pub too_small: bool,
    /// What is known of the line to the terminal.
    pub traffic: Traffic,
    /// How long the engine takes to answer.
    pub round_trip: RoundTrip,
    /// The scrollbars in sight.
    pub bars: Scrollbars,
    /// The verb that was run last, unless a key has come since: what it says is waited for.
    pub(super) verb_awaited: Option<String>,
    /// Whether a key is held down.
    held: Held,
    /// What was to ask for words and did not, why, and when a key of such words came last.
    unasked: Option<(&'static str, String, Instant)>,
    /// What the present action acts on instead of what the screen has selected.
    aim: Option<Aim>,
    /// The last change of marked things, and where they are marked.
    marked_order: Option<(Ticket, Place)>,
    /// Wall clock of the engine minus ours, in microseconds, so that ages are right from another machine.
    clock_skew: i64,
    now: (Timestamp, Instant),
    screens: BTreeMap<Place, Kept>,
    layers: Vec<(Box<dyn Layer>, Option<Instant>)>,
    last_ticket: Ticket,
    asks: Vec<Ask>,
    effects: Vec<Effect>,
    dirty: bool,
}

impl App {
    /// A console that shows `place` first. `problems` are remarks about settings, shown at once.
    pub fn new(options: Options, place: &Place, now: (Timestamp, Instant)) -> Self {
        let (theme, keymap, problems) = settings::load(&options, None);
        let remarks = options.remarks.clone();
        let notifier = Notifier::new(now.1, options.notify);
        let mut app = Self {
            options,
            theme,
            keymap,
            link: LinkState::Dialling,
            fleet: FleetState::default(),
            history: History::new(place.clone()),
            orders: Orders::default(),
            toasts: Toasts::default(),
            names: Names::default(),
            notifier,
            palette_history: Vec::new(),
            era: Era::default(),
            turn: None,
            frozen: false,
            marked_order: None,
            too_small: false,
            traffic: Traffic::default(),
            round_trip: RoundTrip::default(),
            bars: Scrollbars::default(),
            verb_awaited: None,
            held: Held::default(),
            unasked: None,
            aim: None,
            clock_skew: 0,
            now,
            screens: BTreeMap::new(),
            layers: Vec::new(),
            last_ticket: 0,
            asks: Vec::new(),
            effects: Vec::new(),
            dirty: true,
        };
        for problem in remarks.into_iter().chain(problems) {
            app.say(Tone::Bad, problem);
        }
        app.enter(place);
        if let Some(moment) = app.options.at.take() {
            app.travel(&moment);
        }
        app
    }

    /// Takes note of the time.
    pub fn set_now(&mut self, now: (Timestamp, Instant)) {
        self.now = now;
        let wall = self.wall();
        for kept in self.screens.values_mut() {
            kept.screen.attend(now.1, wall, &self.options);
        }
        if self.toasts.expire(now.1) {
            self.dirty = true;
        }
    }

    /// Our monotonic clock.
    pub const fn instant(&self) -> Instant {
        self.now.1
    }

    /// The engine's wall clock, as far as it is known. Without an engine it stands where it was heard last: what is shown
    /// is of then, and nobody knows what goes on.
    pub fn wall(&self) -> Timestamp {
        if self.era.is_past()
            && let Some(pulse) = &self.fleet.pulse
        {
            return pulse.time;
        }
        let silent = match (&self.link, self.fleet.heard) {
            (LinkState::Down { .. }, Some(heard)) => self.now.1.saturating_duration_since(heard),
            _ => Duration::ZERO,
        };
        let silent = i64::try_from(silent.as_micros()).unwrap_or(0);
        Timestamp::from_micros(self.now.0.as_micros() + self.clock_skew - silent)
    }

    /// Our wall clock, whatever is shown.
    pub const fn here(&self) -> Timestamp {
        self.now.0
    }

    /// The surroundings for drawing.
    pub fn look(&self) -> Look<'_> {
        Look {
            theme: &self.theme,
            options: &self.options,
            now: self.wall(),
            names: &self.names,
            bars: &self.bars,
            connected: !self.link.is_down(),
        }
    }

    /// What actions act on.
    pub fn selection(&self) -> Option<Selection> {
        let selection = match &self.aim {
            Some(aim) => Some(aim.selection.clone()),
            None => self.screen().and_then(Screen::selection),
        };
        selection.filter(|selection| !selection.items.is_empty())
    }

    /// Where what actions act on leads.
    pub fn target(&self) -> Option<Place> {
        match &self.aim {
            Some(aim) => aim.target.clone(),
            None => self.screen().and_then(Screen::target),
        }
    }

    /// Where what actions act on is about something that has a screen.
    pub fn source(&self) -> Option<Place> {
        match &self.aim {
            Some(aim) => aim.target.clone(),
            None => self.screen().and_then(Screen::source),
        }
    }

    /// The sections of the keymap that hold now, the nearest first.
    pub fn scopes(&self) -> Vec<Scope> {
        let mut scopes = self.screen().map(|screen| screen.scopes().to_vec()).unwrap_or_default();
        scopes.push(Scope::Global);
        scopes
    }

    /// Whether the next frame may look different; asking takes the answer away.
    pub fn take_dirty(&mut self) -> bool {
        std::mem::take(&mut self.dirty)
    }

    /// What to ask the engine.
    pub fn take_asks(&mut self) -> Vec<Ask> {
        if let Some(ask) = self.asks.last() {
            self.round_trip.asked(ask.ticket, self.now.1);
        }
        std::mem::take(&mut self.asks)
    }

    /// What to do with the terminal.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        if self.layers.is_empty() {
            self.effects.extend(self.turn.take());
        }
        std::mem::take(&mut self.effects)
    }

    /// When the screen has to be looked at again though nothing happens: `None` when nothing in sight needs it.
    pub fn wake_at(&self) -> Option<Instant> {
        let ticking = !matches!(self.link, LinkState::Up | LinkState::Dialling)
            || (self.options.traffic_shown && self.traffic.bytes_per_second > 0)
            || (!self.frozen && !self.era.is_past() && self.screen().is_some_and(Screen::ticks));
        let tick = ticking.then(|| self.now.1 + Duration::from_secs(1));
        // In a past only its age changes.
        let tick = tick.or_else(|| self.era.is_past().then(|| self.now.1 + Duration::from_secs(30)));
        let ripe = self.screen().and_then(Screen::next_change);
        [tick, ripe, self.toasts.next_expiry(), self.notifier.next()].into_iter().flatten().min()
    }

    /// Takes note that the time has come which [`App::wake_at`] named.
    pub fn woken(&mut self) {
        self.dirty = true;
        self.call_who_is_away();
    }

    /// Says something.
    pub fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.toasts.push(tone, text.into(), self.now.1);
        self.dirty = true;
    }

    /// Says why a key did nothing.
    pub fn hinder(&mut self, why: String) {
        self.toasts.obstacle(why, self.now.1);
        self.dirty = true;
    }

    /// Says why an action is not done. Whoever expects it to ask for words may be writing them already: until a pause they do
    /// nothing, for each of their letters is a key that does something.
    pub fn refuse(&mut self, action: &Action, why: &str) {
        let why = format!("{}: {why}", action.title);
        if arming::asks_for_words(action.name) {
            self.unasked = Some((action.name, why.clone(), self.now.1));
        }
        self.hinder(why);
    }

    /// Whether a key belongs to words that nobody has asked for. The key that was refused may be pressed again at once.
    fn is_unasked(&mut self, key: Key) -> bool {
        let Some((action, why, last)) = self.unasked.take() else { return false };
        let again = self.keymap.find(&self.scopes(), key).is_some_and(|found| found.name == action);
        let paused = self.now.1.saturating_duration_since(last) >= arming::WORDS_PAUSE;
        if key.typed().is_none() || again || paused {
            return false;
        }
        self.hinder(format!("{why}; words typed now do nothing"));
        self.unasked = Some((action, why, self.now.1));
        true
    }

    /// Hands an effect to the loop.
    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }
}
