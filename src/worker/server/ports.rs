//! Connections to the ports of a cage's policy, which the worker takes and passes on.

use std::os::fd::BorrowedFd;

use rustix::event::epoll::{self, EventFlags};

use super::super::relay::Relay;
use super::{Server, Source, key};

/// How many connections one slot may have at a time; more wait in the listener's queue.
const RELAYS_MAX: usize = 256;

impl Server {
    /// Waits on the ports that a slot's init listens on.
    pub(super) fn listen(&mut self, index: usize) {
        let Some(slot) = self.slots.get_mut(&index) else { return };
        let listeners = std::mem::take(&mut slot.listeners);
        let ports: Vec<u16> =
            self.cages.get(&slot.cage).map(|cage| cage.spec.network.ports().to_vec()).unwrap_or_default();
        for (listener, port) in listeners.into_iter().zip(ports) {
            let number = self.new_index();
            if epoll::add(&self.epoll, &listener, key(Source::Port, number), EventFlags::IN).is_ok() {
                self.ports.insert(number, (index, listener, port));
            }
        }
    }

    pub(super) fn accept_relay(&mut self, number: usize) {
        let Some((slot, listener, port)) = self.ports.get(&number) else { return };
        let slot = *slot;
        let mine = || self.relays.iter().filter(|(_, relay)| relay.slot == slot);
        let full = mine().count() >= RELAYS_MAX;
        // What an agent that is gone has still on its way gives room to one that lives.
        let spare = mine().find(|(_, relay)| full && relay.is_orphan()).map(|(index, _)| *index);
        let taken = if full && spare.is_none() { None } else { Relay::accept(slot, listener, *port).ok() };
        let Some(taken) = taken else {
            // It stays readable; looked at again when a connection has ended.
            let _ = epoll::delete(&self.epoll, listener);
            self.parked.insert(number);
            return;
        };
        if let Some(spare) = spare {
            self.relays.remove(&spare);
        }
        if let Some(relay) = taken {
            let index = self.new_index();
            self.relays.insert(index, relay);
            self.watch_relay(index);
        }
    }

    pub(super) fn pump_relay(&mut self, index: usize, flags: EventFlags) {
        let Some(relay) = self.relays.get_mut(&index) else { return };
        let ended = relay.pump();
        if ended || flags.contains(EventFlags::ERR) {
            // Closing the sockets takes them out of the epoll.
            self.relays.remove(&index);
            self.unpark();
        } else {
            self.watch_relay(index);
        }
    }

    /// Everything in a slot is gone: what it has sent may still arrive, and its connections end.
    pub(super) fn orphan_relays(&mut self, slot: usize) {
        let mine: Vec<usize> =
            self.relays.iter().filter(|(_, relay)| relay.slot == slot).map(|(index, _)| *index).collect();
        for index in mine {
            // Those of an earlier execution have had their time.
            let over = self.relays.get_mut(&index).is_none_or(|relay| relay.is_orphan() || relay.orphan());
            if over {
                self.relays.remove(&index);
            } else {
                self.watch_relay(index);
            }
        }
        self.unpark();
    }

    /// The slot goes, and its ports with it.
    pub(super) fn close_ports(&mut self, slot: usize) {
        self.relays.retain(|_, relay| relay.slot != slot);
        self.ports.retain(|_, (owner, _, _)| *owner != slot);
        self.unpark();
    }

    /// Looks again at ports whose connections could not be taken.
    fn unpark(&mut self) {
        for number in std::mem::take(&mut self.parked) {
            if let Some((_, listener, _)) = self.ports.get(&number) {
                let _ = epoll::add(&self.epoll, listener, key(Source::Port, number), EventFlags::IN);
            }
        }
    }

    fn watch_relay(&mut self, index: usize) {
        let Some(relay) = self.relays.get_mut(&index) else { return };
        let (inside_in, inside_out, outside_in, outside_out) = relay.interest();
        let flags = |readable: bool, writable: bool| {
            let mut flags = EventFlags::empty();
            flags.set(EventFlags::IN, readable);
            flags.set(EventFlags::OUT, writable);
            flags
        };
        let wanted = [flags(inside_in, inside_out), flags(outside_in, outside_out)];
        let epoll = &self.epoll;
        let set = |socket: BorrowedFd<'_>, source: Source, flags: EventFlags, watched: bool| {
            let key = key(source, index);
            match (flags.is_empty(), watched) {
                (true, false) => Ok(()),
                (true, true) => epoll::delete(epoll, socket),
                (false, false) => epoll::add(epoll, socket, key, flags),
                (false, true) => epoll::modify(epoll, socket, key, flags),
            }
        };
        let [inside, outside] = relay.sockets();
        let done = set(inside, Source::Inside, wanted[0], relay.watched[0])
            .and_then(|()| set(outside, Source::Outside, wanted[1], relay.watched[1]));
        relay.watched = wanted.map(|flags| !flags.is_empty());
        if done.is_err() {
            self.relays.remove(&index);
        }
    }
}
