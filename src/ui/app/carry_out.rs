//! What actions, screens and layers want done, and how it is done: asks, changes of the fleet, steps.

use super::{App, Effect};
use crate::ui::action::{self, Action};
use crate::ui::place::Place;
use crate::ui::request::{Lane, Request, Ticket};
use crate::ui::screen::Out;
use crate::ui::step::{Order, Step, Tone};
use crate::ui::{arming, clipboard, layers, settings, verb};

/// The most lines of the palette that are kept for later.
const PALETTE_LINES_MAX: usize = 200;

impl App {
    /// Does an action, or says why not.
    pub fn run(&mut self, action: &'static Action) {
        // What is drawn as marked is what is acted on, so that a range is ended first.
        let acts = arming::waits(action.name) && self.aim.is_none();
        let ranges = acts && self.with_list(|list, _| list.ranges()) == Some(true);
        let open = ranges.then(|| "a range is begun: end it, or leave it with Esc".to_owned());
        match open.or_else(|| self.obstacle(action)) {
            Some(why) => self.refuse(action, &why),
            None => (action.run)(self),
        }
    }

    /// Why an action cannot be done now.
    pub fn obstacle(&self, action: &Action) -> Option<String> {
        // What an action is aimed at is shown by whoever aims it; the screen's cursor has no part in it.
        let screen = self.screen().filter(|_| self.aim.is_none());
        action.ready(self).err().or_else(|| screen.and_then(|screen| screen.obstacle(action.name)))
    }

    /// Asks the engine; the answer goes to whoever knows the ticket.
    pub fn ask(&mut self, request: Request) -> Ticket {
        let mut out = Out::after(self.last_ticket);
        let ticket = out.ask(None, request);
        self.carry_out(out);
        ticket
    }

    /// Asks what only the newest in its lane is asked of; its ticket takes the place of the earlier one.
    pub(in crate::ui) fn ask_in_lane(&mut self, lane: Lane, request: Request, ticket: &mut Option<Ticket>) {
        let mut out = Out::after(self.last_ticket);
        *ticket = Some(out.ask(Some(lane), request));
        self.carry_out(out);
    }

    /// Asks the engine for a change and keeps account of it.
    pub fn order(&mut self, order: Order) {
        if let Err(why) = self.may_change() {
            return self.hinder(format!("{}: {why}", order.title));
        }
        let mut out = Out::after(self.last_ticket);
        let ticket = out.ask(None, Request::Command(Box::new(order.command.clone())));
        let command = order.command.clone();
        let marked = self.selection().is_some_and(|selection| selection.marked);
        self.marked_order = marked.then(|| (ticket, self.history.place().clone()));
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
        if self.options.read_only {
            Err("this console only reads: it was started with --read-only".to_owned())
        } else {
            Ok(())
        }
    }

    /// Who hears of changes at once: what is in sight, and the inbox, which has gone on to the next when one comes back to
    /// it from a reader in which something was judged.
    pub(super) fn concerned(&self) -> Vec<Place> {
        let here = self.history.place().clone();
        if here == Place::Inbox { vec![here] } else { vec![here, Place::Inbox] }
    }

    pub(super) fn carry_out(&mut self, out: Out) {
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
            Step::Preview(order) => match self.may_change() {
                Ok(()) => self.open(Box::new(layers::preview::Preview::new(order))),
                Err(why) => self.hinder(format!("{}: {why}", order.title)),
            },
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
            Step::Name(ids) => {
                let ids = self.names.unknown(ids);
                if !ids.is_empty() {
                    let ticket = self.ask(Request::Names(ids.clone()));
                    self.names.ask(ticket, ids);
                }
            }
            Step::Say(tone, text) => self.say(tone, text),
            Step::Filter(filter) => {
                self.with_list(|list, out| list.set_filter(filter, out));
            }
            Step::Search(words) => {
                self.with_pager(|pager| pager.search(&words));
            }
            Step::Seek(words) => {
                self.with_pager(|pager| pager.seek(&words));
            }
            Step::Copy(text) => {
                self.effects.push(Effect::Send(clipboard::sequence(&text, self.options.tmux)));
                self.say(Tone::Info, "copied");
            }
            Step::Theme(name) => settings::use_theme(self, &name),
            Step::LookAsBefore(name, theme) => (self.options.theme, self.theme) = (name, *theme),
            Step::Set(name, value) => settings::set(self, &name, &value),
            Step::Edit(text) => self.effects.push(Effect::Edit(text)),
            Step::Shutdown(kill) => match self.may_change() {
                Ok(()) => {
                    let ticket = self.ask(Request::Shutdown { kill });
                    self.orders.stop_sent(ticket, verb::stop_line(kill), self.wall());
                }
                Err(why) => self.hinder(format!("stop the engine: {why}")),
            },
            Step::Verb(line) => verb::ask(self, &line),
            Step::RunVerb(line) => verb::run(self, line),
            Step::Travel(moment) => self.travel(&moment),
            Step::Remember(line) => {
                if !line.is_empty() {
                    self.palette_history.retain(|known| *known != line);
                    if self.palette_history.len() >= PALETTE_LINES_MAX {
                        self.palette_history.remove(0);
                    }
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
}
