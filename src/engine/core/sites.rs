//! Sites: the cages as the search for a place sees them, smallest first, in one flat list that stays in the processor's
//! cache; and what has changed since everything that could start was started.
//!
//! A search takes the first site that admits, which is the best fit. At a fixed point, when nothing more can start, only
//! what has *gained* something since can help, so the next pass looks at gains alone. That, and groups instead of tasks,
//! makes a decision's cost independent of the queue.

use std::collections::BTreeSet;

use super::Core;
use super::slab::NONE;
use super::state::CageState;
use crate::domain::requirements::Quantities;
use crate::domain::{CageId, Span, TokenLimit};

/// A cage as the search sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// Which.
    pub cage: CageId,
    /// On which node.
    pub node: u32,
    /// Who is in it; [`NONE`] when it is vacant.
    pub agent: u32,
    /// The capabilities of who is in it.
    pub capability_set: u32,
    /// Whether its agent has a slot left, or it is vacant and can be used.
    pub open: bool,
    /// The room left in it.
    pub free: Quantities,
    /// The most tokens an execution in it may ask for.
    pub tokens: u64,
    /// How long an execution in it may take; zero for any time.
    pub wall: Span,
    /// The room that its limits give.
    pub room: Quantities,
    /// Whether it could be used if it were empty: it is not withheld, and its agent, if it has one, takes tasks there.
    pub usable: bool,
}

/// All sites, smallest first.
#[derive(Debug, Default)]
pub struct Sites {
    /// In order of size, then number.
    pub list: Vec<Site>,
    /// The place of each cage in the list, by its number.
    places: Vec<u32>,
    /// Places that have gained something.
    pub gained: BTreeSet<u32>,
    /// Nodes that have gained capacity that something had to wait for.
    pub gained_nodes: BTreeSet<u32>,
    /// Whether a floating agent has become free.
    pub gained_floater: bool,
    /// How often something was gained.
    pub gains: u64,
    /// Whether the fleet has changed since the list was made.
    pub stale: bool,
}

impl Sites {
    /// The place of a cage in the list.
    pub fn place(&self, cage: CageId) -> Option<u32> {
        self.places.get(cage.number() as usize).copied().filter(|place| *place != NONE)
    }

    /// Whether anything has been gained.
    pub fn has_gains(&self) -> bool {
        !self.gained.is_empty() || !self.gained_nodes.is_empty() || self.gained_floater
    }

    /// A place has gained something.
    pub fn gain(&mut self, place: u32) {
        self.gains += 1;
        self.gained.insert(place);
    }

    /// A node has gained capacity.
    pub fn gain_node(&mut self, node: u32) {
        self.gains += 1;
        self.gained_nodes.insert(node);
    }

    /// Everything that could start has been started.
    pub fn settle(&mut self) {
        self.gained.clear();
        self.gained_nodes.clear();
        self.gained_floater = false;
    }

    /// Whether a site has gained something.
    pub fn is_gain(&self, place: u32, site: &Site) -> bool {
        self.gained.contains(&place)
            || self.gained_nodes.contains(&site.node)
            || (self.gained_floater && site.agent == NONE)
    }
}

impl Core {
    /// Makes the list anew if cages, agents or nodes have changed, and has everything looked at again. Changes come in
    /// thousands when a fleet is declared, so this is put off until a decision needs it.
    pub(super) fn refresh_sites(&mut self) {
        if !std::mem::take(&mut self.sites.stale) {
            return;
        }
        let pool = self.nodes.iter().fold(Quantities::ZERO, |sum, node| sum.plus(&node.node.capacity.quantities()));
        self.pool.quantities = pool;
        self.pool.slots = self.agents.iter().map(|(_, agent)| u64::from(agent.spec.concurrency)).sum();
        for owner in 0..self.owners.len() {
            self.reckon_share(owner);
        }
        let mut order: Vec<_> = self.cages().map(|cage| (self.size(cage.node, &cage.room), cage.spec.id)).collect();
        order.sort_unstable();
        self.sites.places = vec![NONE; CageId::LAST as usize + 1];
        self.sites.list.clear();
        for (place, (_, cage)) in order.into_iter().enumerate() {
            self.sites.places[cage.number() as usize] = u32::try_from(place).unwrap_or(NONE);
            if let Some(site) = self.site(cage) {
                self.sites.list.push(site);
            }
        }
        self.rebuild_floaters();
        self.look_again();
    }

    /// Everything queued is looked at against the whole fleet.
    pub(super) fn look_again(&mut self) {
        self.fleet_version += 1;
        self.sites.gains += 1;
        self.holder = None;
        self.sites.settle();
        self.queue.wake_all();
    }

    /// How big a cage is beside its node: the sum of the parts it may use, in millionths.
    fn size(&self, node: u32, room: &Quantities) -> u64 {
        let capacity = self.nodes[node as usize].node.capacity.quantities();
        let part = |i: usize| {
            let whole = u128::from(capacity.0[i].max(1));
            u64::try_from(u128::from(room.0[i]).min(whole) * 1_000_000 / whole).unwrap_or(u64::MAX)
        };
        (0..5).map(part).sum()
    }

    /// A cage as the search should see it now.
    pub(super) fn site(&self, id: CageId) -> Option<Site> {
        let cage = self.cage(id)?;
        let agent = cage.occupant;
        let staffed = agent == NONE || (self.may_work_in(agent, cage) && self.takes_tasks(agent));
        let withheld = cage.maintenance || cage.fault.as_ref().is_some_and(|fault| fault.until.is_some());
        let usable = !withheld && self.nodes[cage.node as usize].is_open() && staffed;
        Some(Site {
            cage: id,
            node: cage.node,
            agent,
            capability_set: if agent == NONE { NONE } else { self.agents[agent].capability_set },
            open: usable && (agent == NONE || self.slots_left(agent) > 0),
            free: cage.room.minus(&cage.used),
            tokens: match cage.spec.limits.tokens {
                Some(TokenLimit { tokens, .. }) => tokens,
                None => u64::MAX,
            },
            wall: cage.spec.limits.wall.unwrap_or(Span::ZERO),
            room: cage.room,
            usable,
        })
    }

    /// Whether the agent in a cage may take on more there: not while either of the two has been given to another.
    pub(super) fn may_work_in(&self, slot: u32, cage: &CageState) -> bool {
        let (agent, id) = (&self.agents[slot], cage.spec.id);
        (cage.home == NONE || cage.home == slot)
            && agent.cage.is_none_or(|at| at == id)
            && agent.spec.cage.is_none_or(|home| home == id)
    }

    /// Brings a cage's entry up to date; what is no longer open no longer counts as gained.
    pub(super) fn refresh_site(&mut self, cage: CageId) {
        if self.sites.stale {
            return;
        }
        let (Some(place), Some(site)) = (self.sites.place(cage), self.site(cage)) else { return };
        if let Some(entry) = self.sites.list.get_mut(place as usize) {
            *entry = site;
        }
        if !site.open {
            self.sites.gained.remove(&place);
        }
    }

    /// A cage has gained room, a slot or its freedom: whoever waits for it or for its agent is looked at.
    pub(super) fn site_gained(&mut self, cage: CageId) {
        if self.sites.stale {
            return;
        }
        self.refresh_site(cage);
        let Some(place) = self.sites.place(cage) else { return };
        let Some(site) = self.sites.list.get(place as usize).copied() else { return };
        if site.open {
            self.sites.gain(place);
            self.queue.wake(super::queue::Pin::Cage(cage.number()));
            if site.agent != NONE {
                self.queue.wake(super::queue::Pin::Agent(site.agent));
            }
        }
    }

    /// Brings an agent up to date wherever the search may meet it.
    pub(super) fn refresh_agent(&mut self, slot: u32, gained: bool) {
        let agent = &self.agents[slot];
        let (id, set, idle) = (agent.id, agent.capability_set, agent.running == 0 && agent.spec.cage.is_none());
        let at = agent.cage.or(agent.spec.cage);
        if idle && self.slots_left(slot) > 0 {
            if self.floaters.entry(set).or_default().insert((id, slot)) {
                self.sites.gained_floater = true;
                self.sites.gains += 1;
                self.selection.moved(slot);
            }
        } else if let Some(set_of) = self.floaters.get_mut(&set) {
            if set_of.remove(&(id, slot)) {
                self.selection.moved(slot);
            }
            if set_of.is_empty() {
                self.floaters.remove(&set);
            }
        }
        match at {
            Some(cage) if gained => self.site_gained(cage),
            Some(cage) => self.refresh_site(cage),
            None => {}
        }
    }

    fn rebuild_floaters(&mut self) {
        self.floaters.clear();
        for slot in self.agents.numbers() {
            self.selection.moved(slot);
            self.refresh_agent(slot, false);
        }
    }

    /// Whether an agent has capabilities, home and pin that let it do tasks of a shape.
    pub(super) fn is_able(&self, shape: &super::shape::Shape, slot: u32) -> bool {
        let agent = &self.agents[slot];
        shape.is_covered_by(agent.capability_set) && shape.wish.agent.is_none_or(|id| id == agent.id)
    }

    /// An idle floating agent for a shape, where it does not matter how well it suits: of those that are able the one with the fewest capabilities, so that the
    /// versatile stay free; among equals the oldest.
    pub(super) fn floater_for(&self, shape: &super::shape::Shape) -> Option<u32> {
        if let Some(id) = shape.wish.agent {
            let slot = self.agent_ids.get(id)?;
            let idle = self.floaters.get(&self.agents[slot].capability_set)?.contains(&(id, slot));
            return (idle && self.is_able(shape, slot)).then_some(slot);
        }
        let able = self.floaters.iter().filter(|(set, _)| shape.is_covered_by(**set));
        let best = able
            .filter_map(|(set, agents)| agents.first().map(|(id, slot)| (self.capability_sets.size(*set), *id, *slot)));
        best.min().map(|(_, _, slot)| slot)
    }
}
