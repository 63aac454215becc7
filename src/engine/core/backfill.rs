//! Backfill with one reservation, after EASY (Lifka, "The ANL/IBM SP Scheduling System", 1995).
//!
//! The first task in order that cannot start holds the reservation: the site where it could start soonest, and when (the
//! *shadow time*), judged by the expected ends of what runs. Others may start out of turn if they end before that time, or
//! if they take only what will be left over beside it.
//!
//! A task that does not say how long it takes is expected to take what nine of ten of its like do, as far as that was
//! learned: that of the agent that has it, and while nobody has it, that of all. Short of that its timeout is all there is.
//!
//! Where ends are unknown there is no shadow time. The task is then passed by for `defaults.patience`; after that, what it
//! needs is withheld from others at the site that is nearest to emptiness, so that it cannot starve.

use super::learning::features::timed_kind;
use super::learning::{Feature, Forecast};
use super::queue::Key;
use super::shape::{Reserved, Shape};
use super::sites::Site;
use super::slab::NONE;
use super::state::NodeState;
use super::{Core, Decisions};
use crate::domain::requirements::Quantities;
use crate::domain::{AgentId, CageId, Span, TaskId, Timestamp};

/// The first task in order that cannot start.
#[derive(Debug)]
pub struct Holder {
    /// Its place in the order.
    pub key: Key,
    /// Its group.
    pub group: u32,
    /// What is kept for it, once somebody might get in its way.
    pub reservation: Option<Reservation>,
    /// Whether something has happened that the reservation rests on.
    pub stale: bool,
}

/// What is kept for the holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The cage that it will start in.
    pub cage: CageId,
    /// On which node.
    pub node: u32,
    /// When it can start; [`Timestamp::LAST`] when nobody knows.
    pub at: Timestamp,
    /// What it needs.
    need: Quantities,
    /// What the cage has left over beside it at that time.
    cage_extra: Quantities,
    /// The slots its agent has left over.
    slots_extra: u32,
    /// What the node has left over.
    node_extra: Quantities,
}

impl Reservation {
    /// Whether whoever was kept away by `before` is kept away by this, too.
    fn is_as_strict_as(&self, before: &Self) -> bool {
        self.cage == before.cage
            && self.node == before.node
            && self.at <= before.at
            && self.need == before.need
            && self.cage_extra.fits(&before.cage_extra)
            && self.slots_extra <= before.slots_extra
            && self.node_extra.fits(&before.node_extra)
    }
}

impl Core {
    /// What is learned of a task by, where it is how long it takes.
    pub(super) fn timed_kind(&self, task: u32, brings_command: bool) -> Feature {
        timed_kind(&self.selection.topics.get(self.tasks[task].topic).kind, brings_command)
    }

    /// What is foretold of a task that does not say itself how long it takes, with an agent or with whoever does it.
    pub(super) fn forecast(&self, task: u32, agent: Option<AgentId>) -> Option<Forecast> {
        if self.tasks[task].estimate != Span::ZERO || !self.predictor.foretells() {
            return None;
        }
        self.predictor.forecast(self.timed_kind(task, self.shape(task).wish.brings_command), agent)
    }

    /// How long a task is expected to take, limits aside: what it says itself, or else what nine of ten of its like take.
    /// Which agent will do it counts only where that is known before it is looked for: one search speaks for many.
    pub(super) fn length(&self, task: u32, agent: Option<AgentId>) -> Option<Span> {
        match self.tasks[task].estimate {
            Span::ZERO if !self.predictor.foretells() => None,
            Span::ZERO => self.predictor.most(self.timed_kind(task, self.shape(task).wish.brings_command), agent),
            estimate => Some(estimate),
        }
    }

    /// How long an execution of a task that is expected to take so long does at most, in a cage with this wall limit (zero
    /// for none).
    pub(super) fn within_limits(&self, task: u32, wall: Span, length: Option<Span>) -> Option<Span> {
        let wall = (wall != Span::ZERO).then_some(wall);
        self.timeout_of(task).into_iter().chain(wall).chain(length).min()
    }

    /// A head that cannot start asks for the reservation, and gets it if it comes first.
    pub(super) fn claim(&mut self, head: Key, group: u32, now: Timestamp, out: &mut Decisions) {
        let holds = self.holder.as_ref().is_some_and(|holder| holder.key.slot == head.slot);
        let first = self.holder.as_ref().is_none_or(|holder| self.is_before(head, group, holder.key, holder.group));
        if !holds {
            if !first || !self.could_start_somewhere(head.slot) {
                return;
            }
            self.drop_holder();
            self.holder = Some(Holder { key: head, group, reservation: None, stale: false });
        }
        if self.defaults.preemption {
            self.preempt_for(head.slot, now, out);
        }
    }

    /// Whether some site would admit a task if it were empty. A task without one must not hold up others.
    fn could_start_somewhere(&self, slot: u32) -> bool {
        let shape = self.shape(slot);
        let floater = self.floater_for(shape);
        self.sites.list.iter().any(|site| self.agent_at(shape, site, floater).is_some())
    }

    /// Who would do a task of a shape at a site, were the site empty.
    pub(super) fn agent_at(&self, shape: &Shape, site: &Site, floater: Option<u32>) -> Option<u32> {
        let admitted = site.usable
            && shape.need.fits(&site.room)
            && shape.need.fits(&self.nodes[site.node as usize].lendable())
            && shape.tokens <= site.tokens
            && shape.wish.cage.is_none_or(|pinned| pinned == site.cage);
        if !admitted {
            return None;
        }
        if site.agent == NONE {
            return floater;
        }
        let able = shape.is_covered_by(site.capability_set)
            && shape.wish.agent.is_none_or(|id| id == self.agents[site.agent].id);
        able.then_some(site.agent)
    }

    /// Makes the reservation if there is none.
    pub(super) fn prepare_reservation(&mut self, now: Timestamp) {
        self.review_reservation(now);
        let Some(holder) = self.holder.as_ref().filter(|holder| holder.reservation.is_none()) else { return };
        let made = self.make_reservation(holder.key.slot, now);
        self.reservations += 1;
        if let Some(holder) = &mut self.holder {
            (holder.reservation, holder.stale) = (made, false);
        }
    }

    /// Judges the reservation anew if what it rests on has changed, or if its time has passed without the holder having
    /// started. Says whether it has been loosened: whom it kept away before has to be looked at again, from the first
    /// on, or somebody behind them would take what is no longer kept.
    pub(super) fn review_reservation(&mut self, now: Timestamp) -> bool {
        let Some(holder) = &self.holder else { return false };
        let Some(before) = holder.reservation.clone().filter(|kept| holder.stale || kept.at < now) else {
            return false;
        };
        let made = self.make_reservation(holder.key.slot, now);
        self.reservations += 1;
        let Some(made) = made else {
            // The holder can no longer start anywhere, so it must not stand in the way of the next.
            self.drop_holder();
            for node in 0..u32::try_from(self.nodes.len()).unwrap_or(0) {
                self.sites.gain_node(node);
            }
            return true;
        };
        let loosened = !made.is_as_strict_as(&before);
        if let Some(holder) = &mut self.holder {
            (holder.reservation, holder.stale) = (Some(made), false);
        }
        if loosened {
            self.no_longer_kept(&before);
        }
        loosened
    }

    /// What was kept counts as gained.
    fn no_longer_kept(&mut self, kept: &Reservation) {
        self.sites.gain_node(kept.node);
        self.site_gained(kept.cage);
    }

    /// Makes a reservation where a task could start soonest.
    pub(super) fn make_reservation(&self, slot: u32, now: Timestamp) -> Option<Reservation> {
        let (at, cage, agent) = self.soonest(slot, now, false)?;
        Some(self.reserve(cage, agent, self.shape(slot).need, at, now))
    }

    /// Finds the site where a task could start soonest, when, and with whom: when what runs is expected to have ended, or
    /// when it `likely` has.
    fn soonest(&self, slot: u32, now: Timestamp, likely: bool) -> Option<(Timestamp, CageId, u32)> {
        let shape = self.shape(slot);
        let need = shape.need;
        let node_times: Vec<_> = self.nodes.iter().map(|node| self.time_on_node(node, &need, now, likely)).collect();
        let soonest = node_times.iter().min().copied()?;
        let floater = self.floater_for(shape);
        let mut best: Option<(Timestamp, usize, CageId, u32)> = None;
        for site in &self.sites.list {
            let Some(agent) = self.agent_at(shape, site, floater) else { continue };
            let time = self.time_in_cage(site, agent, &need, now, likely).max(node_times[site.node as usize]);
            // Where no end is known, the site with the least to wait for is the nearest to emptiness.
            let left = if time == Timestamp::LAST { self.cage(site.cage)?.executions.len() } else { 0 };
            if best.is_none_or(|(known, fewest, _, _)| (time, left) < (known, fewest)) {
                best = Some((time, left, site.cage, agent));
            }
            if time <= soonest && time < Timestamp::LAST {
                break;
            }
        }
        best.map(|(at, _, cage, agent)| (at, cage, agent))
    }

    /// When executions are expected to have ended, in the order of that.
    fn ends(&self, runs: impl Iterator<Item = u32>, now: Timestamp, likely: bool) -> Vec<(Timestamp, u32)> {
        let end = |run: u32| if likely { self.likely_end(run, now) } else { self.executions[run].end };
        let mut ends: Vec<_> = runs.map(|run| (end(run), run)).collect();
        ends.sort_unstable();
        ends
    }

    /// When an execution has probably ended: half of its like do not take longer. One that has taken longer already is gone
    /// by when nine of ten are.
    fn likely_end(&self, slot: u32, now: Timestamp) -> Timestamp {
        let run = &self.executions[slot];
        let Some(forecast) = self.forecast(run.task, Some(self.agents[run.agent].id)) else { return run.end };
        let length = self.within_limits(run.task, self.wall_of(run), Some(forecast.half));
        let end = run.started_at.unwrap_or(run.created_at).plus(length.unwrap_or(forecast.half));
        if end < now { run.end } else { end }
    }

    /// Whether it is by what was learned that the end of something in a cage is expected.
    pub(super) fn is_foretold(&self, cage: CageId) -> bool {
        let runs = self.cage(cage).into_iter().flat_map(|cage| &cage.executions).map(|run| &self.executions[*run]);
        runs.into_iter().any(|run| self.forecast(run.task, Some(self.agents[run.agent].id)).is_some())
    }

    /// What will be left over beside a task of `need` that starts in `cage` at `at`.
    fn reserve(&self, id: CageId, agent: u32, need: Quantities, at: Timestamp, now: Timestamp) -> Reservation {
        let mut slots = self.slots_left(agent);
        let (mut cage_free, mut node, mut node_free) = (Quantities::ZERO, 0, Quantities::ZERO);
        if let Some(cage) = self.cage(id) {
            node = cage.node;
            cage_free = cage.room.minus(&cage.used);
            let state = &self.nodes[node as usize];
            node_free = state.free();
            if at < Timestamp::LAST {
                let ending = cage.executions.iter().map(|run| &self.executions[*run]);
                for run in ending.filter(|run| run.end.max(now) <= at) {
                    cage_free = cage_free.plus(&run.held);
                    slots += 1;
                }
                for (_, run) in state.ends.iter().take_while(|(end, _)| (*end).max(now) <= at) {
                    node_free = node_free.plus(&self.executions[*run].held);
                }
            }
        }
        Reservation {
            cage: id,
            node,
            at,
            need,
            cage_extra: cage_free.minus(&need),
            slots_extra: slots.saturating_sub(1),
            node_extra: node_free.minus(&need),
        }
    }

    /// When a node will have room.
    fn time_on_node(&self, node: &NodeState, need: &Quantities, now: Timestamp, likely: bool) -> Timestamp {
        let mut free = node.free();
        if need.fits(&free) {
            return now;
        }
        let mut has_room = |(end, run): (Timestamp, u32)| {
            free = free.plus(&self.executions[run].held);
            need.fits(&free).then_some(end.max(now))
        };
        let found = if likely {
            let runs = node.ends.iter().map(|(_, run)| *run);
            self.ends(runs, now, likely).into_iter().find_map(&mut has_room)
        } else {
            node.ends.iter().copied().find_map(&mut has_room)
        };
        found.unwrap_or(Timestamp::LAST)
    }

    /// When a cage will have room and its agent a slot.
    fn time_in_cage(&self, site: &Site, agent: u32, need: &Quantities, now: Timestamp, likely: bool) -> Timestamp {
        let mut free = site.free;
        if self.slots_left(agent) > 0 && need.fits(&free) {
            return now;
        }
        let Some(cage) = self.cage(site.cage) else { return Timestamp::LAST };
        let (limit, mut running) = (self.slots_at_once(agent), self.agents[agent].running);
        if let [only] = cage.executions[..]
            && !likely
        {
            return self.executions[only].end.max(now);
        }
        for (end, run) in self.ends(cage.executions.iter().copied(), now, likely) {
            running -= 1;
            free = free.plus(&self.executions[run].held);
            if running < limit && need.fits(&free) {
                return end.max(now);
            }
        }
        Timestamp::LAST
    }

    /// Whether a task of this [`length`](Self::length) may start at a site out of turn, as far as the reservation is
    /// concerned.
    pub(super) fn holder_allows(&self, slot: u32, length: Option<Span>, site: &Site, now: Timestamp) -> bool {
        let Some(holder) = &self.holder else { return true };
        let Some(kept) = &holder.reservation else { return true };
        if kept.at == Timestamp::LAST {
            let patient =
                self.passed_since.get(&holder.key.id).is_none_or(|since| since.plus(self.defaults.patience) > now);
            if patient {
                return true;
            }
        } else if self.within_limits(slot, site.wall, length).is_some_and(|duration| now.plus(duration) <= kept.at) {
            return true;
        }
        let need = &self.shape(slot).need;
        if site.cage == kept.cage && (kept.slots_extra == 0 || !need.fits(&kept.cage_extra)) {
            return false;
        }
        // Only what the holder itself needs of the node can be missing to it.
        site.node != kept.node || (0..5).all(|i| kept.need.0[i] == 0 || need.0[i] <= kept.node_extra.0[i])
    }

    /// Whether the reservation is known to leave no place for a task, from a search for another like it.
    pub(super) fn is_known_reserved(&self, slot: u32, everything: bool) -> bool {
        let standing = self.holder.as_ref().is_some_and(|holder| holder.reservation.is_some());
        standing
            && self.asks[self.shape(slot).ask].reserved.is_some_and(|known| {
                known.gains == self.sites.gains
                    && known.reservation == self.reservations
                    && (known.everything || !everything)
                    && known.duration <= self.duration_or_longest(slot)
            })
    }

    /// Remembers that the reservation leaves no place for a task.
    pub(super) fn remember_reserved(&mut self, slot: u32, everything: bool) {
        let known = Reserved {
            gains: self.sites.gains,
            reservation: self.reservations,
            duration: self.duration_or_longest(slot),
            everything,
        };
        let ask = self.shape(slot).ask;
        self.asks[ask].reserved = Some(known);
    }

    /// How long a task is expected to take, whatever the cage.
    fn duration_or_longest(&self, slot: u32) -> Span {
        let length = self.length(slot, self.shape(slot).wish.agent);
        self.within_limits(slot, Span::ZERO, length).unwrap_or(Span::LONGEST)
    }

    /// A task starts out of turn; a holder that nobody can promise a time begins to lose patience.
    pub(super) fn passed_by(&mut self, now: Timestamp) {
        if let Some(holder) = &self.holder
            && holder.reservation.as_ref().is_some_and(|kept| kept.at == Timestamp::LAST)
        {
            self.passed_since.entry(holder.key.id).or_insert(now);
        }
    }

    /// The node that something is kept on.
    pub(super) fn reserved_node(&self) -> Option<u32> {
        self.holder.as_ref()?.reservation.as_ref().map(|kept| kept.node)
    }

    /// Something started or ended; a reservation that it touches has to be judged anew.
    pub(super) fn disturb_reservation(&mut self, cage: CageId, held: &Quantities) {
        if let Some(holder) = &mut self.holder
            && let Some(kept) = &holder.reservation
            && (kept.cage == cage || (0..5).any(|i| kept.need.0[i] > 0 && held.0[i] > 0))
        {
            holder.stale = true;
        }
    }

    /// The fleet has changed; the reservation has to be judged anew.
    pub(super) fn forget_reservation(&mut self) {
        if let Some(holder) = &mut self.holder {
            holder.stale = true;
        }
    }

    /// The holder starts or goes away: what was kept for it counts as gained by the others.
    pub(super) fn drop_holder(&mut self) {
        if let Some(holder) = self.holder.take()
            && let Some(kept) = holder.reservation
        {
            self.no_longer_kept(&kept);
        }
    }

    /// Drops the holder if it is this task.
    pub(super) fn drop_holder_of(&mut self, slot: u32) {
        if self.holder.as_ref().is_some_and(|holder| holder.key.slot == slot) {
            self.drop_holder();
        }
    }

    /// When the task that holds the reservation can probably start, if anybody knows.
    pub(super) fn promised(&self, id: TaskId, now: Timestamp) -> Option<Timestamp> {
        let holder = self.holder.as_ref().filter(|holder| holder.key.id == id)?;
        let (at, ..) = self.soonest(holder.key.slot, now, true)?;
        (at < Timestamp::LAST).then_some(at)
    }
}
