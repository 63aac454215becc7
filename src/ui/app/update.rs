//! How messages change the state.

use std::time::Instant;

use super::{App, Effect};
use crate::api::live::{Pulse, Topic};
use crate::ui::action::Scope;
use crate::ui::key::Key;
use crate::ui::link::LinkState;
use crate::ui::message::Message;
use crate::ui::request::{Answer, Ticket};
use crate::ui::screen::Out;
use crate::ui::step::Tone;
use crate::ui::terminal::signals::Signal;
use crate::ui::travel::Era;
use crate::ui::{arming, mouse, notify, settings, verb};

impl App {
    /// Takes one message.
    pub fn update(&mut self, message: Message) {
        match message {
            // What cannot be seen is not decided.
            Message::Key(key, _) if self.too_small => self.leave_on(key),
            Message::Mouse(_) | Message::Paste(_) if self.too_small => {}
            Message::Key(key, at) => {
                self.key(key, at);
                self.toasts.key_ended();
            }
            Message::Mouse(mouse) => mouse::update(self, mouse),
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
            // After a panic nothing can be sent any more: trying to ends the console with the right words.
            Message::Signal(Signal::Resize | Signal::Continue) | Message::Panicked => self.effects.push(Effect::Redraw),
            Message::Signal(Signal::Stop) => self.effects.push(Effect::Suspend),
            Message::Signal(Signal::End | Signal::Hangup) | Message::TerminalGone => self.effects.push(Effect::Quit),
            Message::Pulse(pulse) => self.pulse(pulse, self.now.1),
            Message::PulseBefore(pulse, heard) => self.pulse(pulse, heard),
            // On its way to another moment a past goes away and comes back.
            Message::Link(LinkState::Down { .. }) if matches!(self.era, Era::Past { moving: Some(_), .. }) => {}
            Message::Link(state) => self.link = state,
            Message::Past(news) => self.past_news(news),
            // These are taken apart before.
            Message::PastOpened(..) | Message::On(..) => {}
            Message::Answer { ticket, answer } => self.answer(ticket, &answer),
            Message::Unheard { ticket, why } => self.unheard(ticket, why),
            Message::Verb { line, said, status, changes } => verb::ended(self, line, said, status, changes),
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
    pub(super) fn call_who_is_away(&mut self) {
        let call = self.notifier.due(self.now.1);
        let options = &self.options;
        let sequence =
            call.and_then(|words| notify::sequence(&words, self.notifier.means, options.dialect, options.tmux));
        self.effects.extend(sequence.map(Effect::Send));
    }

    pub(super) fn key(&mut self, key: Key, at: Instant) {
        self.notifier.key(self.now.1);
        self.verb_awaited = None;
        if let Some((layer, drawn)) = self.layers.last_mut() {
            // A key that was pressed before a question could be seen was meant for something else.
            if layer.confirms(key) && drawn.is_none_or(|drawn| at < drawn) {
                return;
            }
            let mut out = Out::after(self.last_ticket);
            layer.key(key, &mut out);
            self.carry_out(out);
            self.held.other();
            return;
        }
        if self.is_unasked(key) {
            return;
        }
        match self.keymap.find(&self.scopes(), key) {
            Some(action) if self.held.comes(action.name, self.now.1) => {
                self.hinder(format!("{}: {}", action.title, arming::HELD_DOWN));
            }
            Some(action) => self.run(action),
            None if key.is_interrupt() => {
                self.held.other();
                self.hinder(self.how_to_leave());
            }
            None => self.held.other(),
        }
    }

    /// What those are told who press Ctrl-C: it leaves most programs, and here nothing that is typed may do so by mistake.
    fn how_to_leave(&self) -> String {
        let bindings = self.keymap.in_scopes(&[Scope::Global]);
        let quit = bindings.iter().find(|binding| binding.action.name == "quit");
        quit.map_or_else(
            || ":quit leaves the console; the fleet goes on".to_owned(),
            |quit| format!("{} leaves the console; the fleet goes on", quit.key),
        )
    }

    /// On a screen too small for anything else one can leave.
    pub(super) fn leave_on(&mut self, key: Key) {
        if let Some(action) = self.keymap.find(&[Scope::Global], key).filter(|action| action.name == "quit") {
            self.run(action);
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        if let Some((layer, _)) = self.layers.last_mut() {
            let mut out = Out::after(self.last_ticket);
            layer.paste(text, &mut out);
            self.carry_out(out);
        }
    }

    /// Takes a notice that was `heard` now or before.
    pub(super) fn pulse(&mut self, pulse: Pulse, heard: Instant) {
        if self.arrived(pulse.seq, pulse.time) {
            self.forget_times();
        }
        if !self.era.is_past() {
            let since = self.now.1.saturating_duration_since(heard);
            let here = self.now.0.as_micros() - i64::try_from(since.as_micros()).unwrap_or(0);
            self.clock_skew = pulse.time.as_micros() - here;
        }
        self.fleet.heard = Some(heard);
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
        let (frozen, now) = (self.frozen, self.now.1);
        for (place, kept) in &mut self.screens {
            if kept.screen.topics().iter().any(|topic| changed.contains(topic)) {
                if *place == here && !frozen {
                    kept.screen.refresh(&mut out);
                } else {
                    kept.stale = true;
                }
            } else if !kept.stale {
                // Nothing that it shows has changed: it is as right as if it had been asked for just now.
                kept.as_of = kept.as_of.and(Some(now));
            }
        }
        self.carry_out(out);
    }

    pub(super) fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>) {
        let mut out = Out::after(self.last_ticket);
        self.round_trip.answered(ticket, self.now.1);
        if let Some((tone, text)) = self.orders.stop_answered(ticket, answer) {
            return self.say(tone, text);
        }
        let back = self.orders.takes_back(ticket);
        let remark = self.orders.answer(ticket, answer);
        if let Some(remarks) = &remark {
            self.unmark(ticket, remarks.iter().all(|(tone, _)| *tone != Tone::Bad));
        }
        let (wall, now) = (self.wall(), self.now.1);
        let taken = remark.is_some()
            || self.moment_answered(ticket, answer.as_ref().err())
            || self.notifier.answer(ticket, answer, wall, now)
            || self.layers.iter_mut().rev().any(|(layer, drawn)| {
                let taken = layer.answer(ticket, answer, &mut out);
                // What it says now can be agreed to once it has been drawn.
                *drawn = drawn.filter(|_| !taken);
                taken
            });
        // Answers that nobody waits for any more belong to screens and layers that are gone.
        if !taken
            && let Some(kept) = self.screens.values_mut().find_map(|kept| {
                let taken = kept.screen.answer(ticket, answer, &mut out);
                taken.then_some(kept)
            })
            && answer.is_ok()
        {
            kept.as_of = Some(now);
        }
        if remark.is_some() && !self.frozen {
            for place in self.concerned() {
                if let Some(kept) = self.screens.get_mut(&place) {
                    if let Ok(Answer::Done(reply)) = answer {
                        kept.screen.brought(reply, back);
                    }
                    kept.screen.order_answered(&mut out);
                }
            }
        }
        self.names.answered(ticket, answer.is_err());
        if let Ok(answer) = answer {
            self.names.learn(answer);
        }
        for (tone, text) in remark.into_iter().flatten() {
            self.say(tone, text);
        }
        self.carry_out(out);
    }

    /// Takes note that no engine heard what was asked. What was seen stays in sight.
    pub(super) fn unheard(&mut self, ticket: Ticket, why: String) {
        let mut out = Out::after(self.last_ticket);
        self.round_trip.answered(ticket, self.now.1);
        self.names.answered(ticket, true);
        if self.moment_answered(ticket, Some(&why)) {
            return;
        }
        let (wall, now) = (self.wall(), self.now.1);
        let answer = Err(why);
        if !self.notifier.answer(ticket, &answer, wall, now)
            && !self.layers.iter_mut().rev().any(|(layer, _)| layer.answer(ticket, &answer, &mut out))
        {
            let mut screens = self.screens.values_mut();
            screens.any(|kept| kept.screen.unheard(ticket, &answer, &mut out));
        }
        self.carry_out(out);
    }

    /// What was marked for a change is marked no more when all of it has been done.
    fn unmark(&mut self, ticket: Ticket, done: bool) {
        if let Some((_, place)) = self.marked_order.take_if(|(order, _)| *order == ticket)
            && done
            && let Some(list) = self.screens.get_mut(&place).and_then(|kept| kept.screen.list())
        {
            list.clear_marks();
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
