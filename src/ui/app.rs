//! The console's state and how messages change it. Nothing here touches the terminal or the socket: what is to be done
//! with them is handed out as [`Effect`]s and asks, so that tests drive the whole console without either.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::action::{self, Action, Scope};
use super::budget;
use super::governor::Traffic;
use super::history::History;
use super::key::Key;
use super::keymap::Keymap;
use super::layer::Layer;
use super::link::LinkState;
use super::look::Look;
use super::message::Message;
use super::names::Names;
use super::notify::{self, Dialect, Means, Notifier};
use super::orders::Orders;
use super::place::Place;
use super::request::{Answer, Ask, Lane, Request, Ticket};
use super::screen::{Aim, Out, Screen, Selection};
use super::scrollbars::Scrollbars;
use super::settings;
use super::step::{Order, Step, Tone};
use super::terminal::signals::Signal;
use super::terminal::{ColorDepth, Manners};
use super::theme::Theme;
use super::toasts::Toasts;
use super::travel::{self, Era};
use crate::api::live::{Pulse, Topic};
use crate::domain::Timestamp;

/// How this console was started.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub struct Options {
    /// The engine's data directory.
    pub data_dir: PathBuf,
    /// The folder with `keys.toml` and `themes/`; `None` where there is no home.
    pub config_dir: Option<PathBuf>,
    /// Shows all and changes nothing.
    pub read_only: bool,
    /// Draws without box, block and other signs beyond ASCII.
    pub ascii: bool,
    /// Listens to the mouse.
    pub mouse: bool,
    /// Puts frames into synchronized updates.
    pub synchronized: bool,
    /// How many colours are used.
    pub depth: ColorDepth,
    /// How many colours the terminal says there are.
    pub depth_found: ColorDepth,
    /// The theme's name; `None` for one that suits the terminal.
    pub theme: Option<String>,
    /// Whether the terminal's ground is light, as far as it said so.
    pub light: bool,
    /// Whether it runs inside tmux, which wants some sequences wrapped.
    pub tmux: bool,
    /// How the terminal takes notifications.
    pub dialect: Dialect,
    /// How somebody is called who looks elsewhere.
    pub notify: Means,
    /// Whether the header shows what is known of the line to the terminal.
    pub traffic_shown: bool,
    /// Bytes a second for frames that no key asked for; 0 for no budget.
    pub budget: u32,
    /// After how many alike judgements in a row a rule is proposed; 0 for never.
    pub propose: u64,
    /// The moment that is looked at first; `None` for the present.
    pub at: Option<String>,
    /// What was wrong with the settings that were given, to be said at once.
    pub remarks: Vec<String>,
}

impl Options {
    /// The usual ones on a terminal of so many colours.
    pub const fn new(data_dir: PathBuf, depth: ColorDepth) -> Self {
        Self {
            data_dir,
            config_dir: None,
            read_only: false,
            ascii: false,
            mouse: true,
            synchronized: true,
            depth,
            depth_found: depth,
            theme: None,
            light: false,
            tmux: false,
            dialect: Dialect::Osc9,
            notify: Means::Desktop,
            traffic_shown: false,
            budget: budget::USUAL,
            propose: 5,
            at: None,
            remarks: Vec::new(),
        }
    }
}

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
    /// Have a text edited and submit what is saved.
    Edit(String),
    /// Open the past of a moment and have it asked.
    Past(String),
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
    /// Whether the screen is held as it is.
    pub frozen: bool,
    /// Whether the screen last drawn had no room for anything but a notice.
    pub too_small: bool,
    /// What is known of the line to the terminal.
    pub traffic: Traffic,
    /// The scrollbars in sight.
    pub bars: Scrollbars,
    /// What the present action acts on instead of what the screen has selected.
    aim: Option<Aim>,
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
            frozen: false,
            too_small: false,
            traffic: Traffic::default(),
            bars: Scrollbars::default(),
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
            keymap: &self.keymap,
            options: &self.options,
            now: self.wall(),
            names: &self.names,
            bars: &self.bars,
            connected: !self.link.is_down(),
        }
    }

    /// The present screen.
    pub fn screen(&self) -> Option<&dyn Screen> {
        self.screens.get(self.history.place()).map(|kept| kept.screen.as_ref())
    }

    /// Changes the present screen, and does what it wants done.
    pub fn with_screen<T>(&mut self, change: impl FnOnce(&mut dyn Screen, &mut Out) -> T) -> Option<T> {
        let mut out = Out::after(self.last_ticket);
        let result = self.screens.get_mut(self.history.place()).map(|kept| change(kept.screen.as_mut(), &mut out));
        self.carry_out(out);
        result
    }

    /// Changes the present screen's list, if it has one.
    pub fn with_list<T>(&mut self, change: impl FnOnce(&mut dyn super::list::Listing, &mut Out) -> T) -> Option<T> {
        self.with_screen(|screen, out| screen.list().map(|list| change(list, out))).flatten()
    }

    /// The present screen's text, if it has one.
    pub fn text(&self) -> Option<&super::pager::Pager> {
        self.screen().and_then(Screen::text)
    }

    /// Changes the present screen's text, if it has one. What moves may come to where more has to be asked for.
    pub fn with_pager<T>(&mut self, change: impl FnOnce(&mut super::pager::Pager) -> T) -> Option<T> {
        self.with_screen(|screen, out| {
            let result = screen.pager().map(change);
            screen.paged(out);
            result
        })
        .flatten()
    }

    /// Asks the engine; the answer goes to whoever knows the ticket.
    pub fn ask(&mut self, request: Request) -> Ticket {
        let mut out = Out::after(self.last_ticket);
        let ticket = out.ask(None, request);
        self.carry_out(out);
        ticket
    }

    /// What lies on top of the screen.
    pub fn layer(&self) -> Option<&dyn Layer> {
        self.layers.last().map(|(layer, _)| layer.as_ref())
    }

    /// All layers, the lowest first.
    pub fn layers(&self) -> impl Iterator<Item = &dyn Layer> {
        self.layers.iter().map(|(layer, _)| layer.as_ref())
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
        std::mem::take(&mut self.asks)
    }

    /// What to do with the terminal.
    pub fn take_effects(&mut self) -> Vec<Effect> {
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

    /// Takes note that everything was drawn: what lies on top can be answered from now on.
    pub fn drawn(&mut self, at: Instant) {
        for (_, drawn) in &mut self.layers {
            drawn.get_or_insert(at);
        }
    }

    /// Takes one message.
    pub fn update(&mut self, message: Message) {
        match message {
            // What cannot be seen is not decided.
            Message::Key(key, _) if self.too_small => self.leave_on(key),
            Message::Mouse(_) | Message::Paste(_) if self.too_small => {}
            Message::Key(key, at) => self.key(key, at),
            Message::Mouse(mouse) => super::mouse::update(self, mouse),
            Message::Paste(text) => self.paste(&text),
            Message::Focus(focused) => {
                self.notifier.focus(focused);
                return;
            }
            Message::Ground(light) if light == self.options.light => return,
            Message::Ground(light) => {
                self.options.light = light;
                self.reload_settings();
            }
            Message::Signal(Signal::Resize | Signal::Continue) => self.effects.push(Effect::Redraw),
            Message::Signal(Signal::Stop) => self.effects.push(Effect::Suspend),
            Message::Signal(Signal::End | Signal::Hangup) | Message::TerminalGone => self.effects.push(Effect::Quit),
            Message::Pulse(pulse) => self.pulse(pulse),
            // On its way to another moment a past goes away and comes back.
            Message::Link(LinkState::Down { .. }) if matches!(self.era, Era::Past { moving: Some(_), .. }) => {}
            Message::Link(state) => self.link = state,
            Message::Past(news) => self.past_news(news),
            // These are taken apart before.
            Message::PastOpened(..) | Message::On(..) => {}
            Message::Answer { ticket, answer } => self.answer(ticket, &answer),
            Message::Verb { line, said } => self.open(Box::new(super::layers::message::Message::new(line, said))),
            Message::Said { tone, text } => self.say(tone, text),
            Message::SettingsChanged => {
                if self.reload_settings() {
                    self.say(Tone::Info, "themes and keys were read anew");
                }
            }
        }
        self.dirty = true;
        self.call_who_is_away();
    }

    /// Calls somebody who looks elsewhere, if there is something to call for.
    fn call_who_is_away(&mut self) {
        let call = self.notifier.due(self.now.1);
        let options = &self.options;
        let sequence =
            call.and_then(|words| notify::sequence(&words, self.notifier.means, options.dialect, options.tmux));
        self.effects.extend(sequence.map(Effect::Send));
    }

    fn key(&mut self, key: Key, at: Instant) {
        self.notifier.key(self.now.1);
        if let Some((layer, drawn)) = self.layers.last_mut() {
            // A key that was pressed before a question could be seen was meant for something else.
            if layer.confirms() && drawn.is_none_or(|drawn| at < drawn) {
                return;
            }
            let mut out = Out::after(self.last_ticket);
            layer.key(key, &mut out);
            self.carry_out(out);
            return;
        }
        if let Some(action) = self.keymap.find(&self.scopes(), key) {
            self.run(action);
        }
    }

    /// On a screen too small for anything else one can leave.
    fn leave_on(&mut self, key: Key) {
        if let Some(action) = self.keymap.find(&[Scope::Global], key).filter(|action| action.name == "quit") {
            self.run(action);
        }
    }

    fn paste(&mut self, text: &str) {
        if let Some((layer, _)) = self.layers.last_mut() {
            let mut out = Out::after(self.last_ticket);
            layer.paste(text, &mut out);
            self.carry_out(out);
        }
    }

    /// Does an action, or says why not.
    pub fn run(&mut self, action: &'static Action) {
        match self.obstacle(action) {
            Some(why) => self.say(Tone::Info, format!("{}: {why}", action.title)),
            None => (action.run)(self),
        }
    }

    /// Why an action cannot be done now.
    pub fn obstacle(&self, action: &Action) -> Option<String> {
        action.ready(self).err().or_else(|| self.screen().and_then(|screen| screen.obstacle(action.name)))
    }

    fn pulse(&mut self, pulse: Pulse) {
        if self.arrived(pulse.seq, pulse.time) {
            self.forget_times();
        }
        if !self.era.is_past() {
            self.clock_skew = pulse.time.as_micros() - self.now.0.as_micros();
        }
        self.fleet.heard = Some(self.now.1);
        let was_up = self.link.is_up();
        self.link = LinkState::Up;
        // After a gap anything may have changed.
        let changed = if was_up { pulse.changed.clone() } else { Topic::ALL.to_vec() };
        let mut out = Out::after(self.last_ticket);
        if !self.era.is_past() {
            self.notifier.pulse(&pulse, self.now.1, &mut out);
        }
        self.fleet.pulse = Some(pulse);
        let here = self.history.place().clone();
        let frozen = self.frozen;
        for (place, kept) in &mut self.screens {
            if kept.screen.topics().iter().any(|topic| changed.contains(topic)) {
                if *place == here && !frozen {
                    kept.screen.refresh(&mut out);
                } else {
                    kept.stale = true;
                }
            }
        }
        self.carry_out(out);
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>) {
        let mut out = Out::after(self.last_ticket);
        let remark = self.orders.answer(ticket, answer);
        let (wall, now) = (self.wall(), self.now.1);
        let taken = remark.is_some()
            || self.moment_answered(ticket, answer.as_ref().err())
            || self.notifier.answer(ticket, answer, wall, now)
            || self.layers.iter_mut().rev().any(|(layer, _)| layer.answer(ticket, answer, &mut out))
            || self.screens.values_mut().any(|kept| kept.screen.answer(ticket, answer, &mut out));
        if remark.is_some() && !self.frozen {
            for place in self.concerned() {
                if let Some(kept) = self.screens.get_mut(&place) {
                    kept.screen.order_answered(&mut out);
                }
            }
        }
        if let Ok(answer) = answer {
            self.names.learn(answer);
        }
        // Answers that nobody waits for any more belong to screens and layers that are gone.
        let _ = taken;
        for (tone, text) in remark.into_iter().flatten() {
            self.say(tone, text);
        }
        self.carry_out(out);
    }

    /// Says something.
    pub fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.toasts.push(tone, text.into(), self.now.1);
        self.dirty = true;
    }

    /// Goes to a place and asks for what it shows.
    pub fn go(&mut self, place: &Place) {
        self.history.go(place.clone());
        self.enter(place);
    }

    /// Makes or wakes the screen of a place that the history has come to.
    pub fn enter(&mut self, place: &Place) {
        self.frozen = false;
        if self.screens.len() > SCREENS_MAX {
            let trail = self.history.trail();
            self.screens.retain(|kept, _| kept.is_main() || trail.contains(kept));
        }
        for (_, kept) in self.screens.iter_mut().filter(|(kept, _)| *kept != place) {
            kept.stale |= kept.screen.left();
        }
        let mut out = Out::after(self.last_ticket);
        let wall = self.wall();
        let kept = self.screens.entry(place.clone()).or_insert_with(|| Kept { screen: place.screen(), stale: true });
        kept.screen.attend(self.now.1, wall, &self.options);
        if std::mem::take(&mut kept.stale) {
            kept.screen.refresh(&mut out);
        }
        self.carry_out(out);
    }

    /// Shows what another engine says: nothing that is known is of it.
    pub(super) fn begin_anew(&mut self) {
        (self.link, self.fleet) = (LinkState::Dialling, FleetState::default());
        self.names = Names::default();
        self.layers.clear();
        self.forget_times();
    }

    /// Has every screen be asked for anew.
    fn forget_times(&mut self) {
        self.screens.retain(|place, _| !travel::keeps_its_time(place));
        for kept in self.screens.values_mut() {
            kept.stale = true;
        }
        let here = self.history.place().clone();
        self.enter(&here);
    }

    /// Asks what only the newest in its lane is asked of; its ticket takes the place of the earlier one.
    pub(super) fn ask_in_lane(&mut self, lane: Lane, request: Request, ticket: &mut Option<Ticket>) {
        let mut out = Out::after(self.last_ticket);
        *ticket = Some(out.ask(Some(lane), request));
        self.carry_out(out);
    }

    /// Gives the screen its area before it is drawn.
    pub fn layout(&mut self, area: ratatui::layout::Rect) {
        self.with_screen(|screen, out| screen.layout(area, out));
    }

    /// Tells what lies over the screen how large the screen is, before it is drawn.
    pub fn layout_layers(&mut self, area: ratatui::layout::Rect) {
        for (layer, _) in &mut self.layers {
            layer.layout(area, &self.names);
        }
    }

    /// Opens something over the screen.
    pub fn open(&mut self, mut layer: Box<dyn Layer>) {
        let mut out = Out::after(self.last_ticket);
        layer.opened(&mut out);
        self.layers.push((layer, None));
        self.carry_out(out);
    }

    /// Scrolls what is on top.
    pub fn scroll_layer(&mut self, rows: i64) {
        if let Some((layer, _)) = self.layers.last_mut() {
            layer.scroll(rows);
        }
    }

    /// Closes what is on top; `false` when nothing was.
    pub fn close(&mut self) -> bool {
        self.layers.pop().is_some()
    }

    /// Asks the engine for a change and keeps account of it.
    pub fn order(&mut self, order: Order) {
        if let Err(why) = self.may_change() {
            return self.say(Tone::Info, format!("{}: {why}", order.title));
        }
        let mut out = Out::after(self.last_ticket);
        let ticket = out.ask(None, Request::Command(Box::new(order.command.clone())));
        let command = order.command.clone();
        self.orders.sent(ticket, order, self.wall());
        self.carry_out(out);
        let mut out = Out::after(self.last_ticket);
        for place in self.concerned() {
            if let Some(kept) = self.screens.get_mut(&place) {
                kept.screen.ordered(&command, &mut out);
            }
        }
        self.carry_out(out);
    }

    /// Whether this console may change anything; if not, why.
    pub fn may_change(&self) -> Result<(), String> {
        self.present_only()?;
        if self.options.read_only { Err("this console was started with --read-only".to_owned()) } else { Ok(()) }
    }

    /// Who hears of changes at once: what is in sight, and the inbox, which has gone on to the next when one comes back to
    /// it from a reader in which something was judged.
    fn concerned(&self) -> Vec<Place> {
        let here = self.history.place().clone();
        if here == Place::Inbox { vec![here] } else { vec![here, Place::Inbox] }
    }

    /// Hands an effect to the loop.
    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    fn carry_out(&mut self, out: Out) {
        self.last_ticket = out.last_ticket();
        self.asks.extend(out.asks);
        for step in out.steps {
            self.step(step);
        }
    }

    /// Does one step.
    pub fn step(&mut self, step: Step) {
        match step {
            Step::Order(order) => self.order(order),
            Step::Preview(order) => self.open(Box::new(super::layers::preview::Preview::new(order))),
            Step::Go(place) => self.go(&place),
            Step::Back => {
                if let Some(place) = self.history.back() {
                    self.enter(&place);
                }
            }
            Step::Open(layer) => self.open(layer),
            Step::Close => {
                self.close();
            }
            Step::Run(name) => {
                if let Some(action) = action::named(name) {
                    self.run(action);
                }
            }
            Step::RunOn(name, aim) => {
                self.aim = Some(aim);
                self.step(Step::Run(name));
                self.aim = None;
            }
            Step::Say(tone, text) => self.say(tone, text),
            Step::Filter(filter) => {
                self.with_list(|list, out| list.set_filter(filter, out));
            }
            Step::Search(words) => {
                self.with_pager(|pager| pager.search(&words));
            }
            Step::Copy(text) => {
                self.effects.push(Effect::Send(super::clipboard::sequence(&text, self.options.tmux)));
                self.say(Tone::Info, "copied");
            }
            Step::Theme(name) => settings::use_theme(self, &name),
            Step::Set(name, value) => settings::set(self, &name, &value),
            Step::Edit(text) => self.effects.push(Effect::Edit(text)),
            Step::Shutdown(kill) => match self.may_change() {
                Ok(()) => {
                    self.ask(Request::Shutdown { kill });
                }
                Err(why) => self.say(Tone::Info, format!("stop the engine: {why}")),
            },
            Step::Verb(line) => match (self.may_change(), super::verb::looks_only(&line)) {
                (Ok(()), _) | (_, Ok(())) => self.effects.push(Effect::Verb(line)),
                (Err(why), Err(allowed)) => self.say(Tone::Bad, format!("{line}: {why}; {allowed}")),
            },
            Step::Travel(moment) => self.travel(&moment),
            Step::Remember(line) => {
                if !line.is_empty() {
                    self.palette_history.retain(|known| *known != line);
                    self.palette_history.push(line);
                }
            }
            Step::SortBy(column) => {
                self.with_list(|list, out| list.sort_by(column, out));
            }
            Step::ToggleColumn(column) => {
                self.with_list(|list, _| list.toggle_column(column));
            }
            Step::Redraw => self.effects.push(Effect::Redraw),
            Step::Suspend => self.effects.push(Effect::Suspend),
            Step::Quit => self.effects.push(Effect::Quit),
        }
    }

    /// Reads theme and keys anew; `false` when something is wrong with them, which is said.
    pub fn reload_settings(&mut self) -> bool {
        let (theme, keymap, problems) = settings::load(&self.options, Some(&self.theme));
        (self.theme, self.keymap) = (theme, keymap);
        let right = problems.is_empty();
        for problem in problems {
            self.say(Tone::Bad, problem);
        }
        right
    }
}
