//! The pass: what can start, starts, in order; the first that cannot gets a reservation, and others may pass it by only
//! where they do not delay it.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use super::draw;
use super::queue::{Cursor, Key, Pin, Rank, is_estimated, shortest_of_class};
use super::shape::Shape;
use super::share;
use super::sites::Site;
use super::slab::NONE;
use super::{Core, Decisions, Effect};
use crate::domain::event::{ExecutionScheduled, Held, TaskMaterialised};
use crate::domain::requirements::Quantities;
use crate::domain::{Actor, AllocationId, CageId, ExecutionId, ResourceId, Span, TaskId, Timestamp, TokenLimit};

/// A place for a task.
#[derive(Clone, Copy, Debug)]
struct Place {
    site: Site,
    agent: u32,
    /// Among how many agents it was chosen; zero where it is not for selection to choose.
    among: u32,
}

/// What a search for a place came to.
#[derive(Clone, Copy, Debug)]
enum Search {
    Found(Place),
    /// Nothing admits it. The flags say what stood in the way besides agents and cages.
    Blocked {
        /// A node's capacity.
        node: bool,
        /// Only what is kept for the task at the head.
        reserved: bool,
    },
}

/// How far a task's wish for a cage or an agent narrows the search.
#[derive(Clone, Copy, Debug)]
enum Confined {
    Anywhere,
    /// To one place in the list of sites.
    At(u32),
    Nowhere,
}

/// How many tasks behind the head of a group are tried when only the head's length stands in its way. Durations within a
/// group differ by an eighth of an octave at most, so few are enough; and only those shorter than all that were tried cost a
/// search.
const LOOK_AHEAD: u32 = 64;

/// Tasks behind a head whose length alone stands in its way, each to be tried when the walk comes to its place in the order: others
/// that come before it may fit as well. The order is that of [`Core::is_before`] with the shares as they are since the last start.
type Behind = BTreeMap<(Rank, u64, TaskId), Candidate>;

/// One of them.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    key: Key,
    group: u32,
    /// Whether it is looked at against the whole fleet, as its head was.
    everything: bool,
    /// How many of the group were tried before it.
    tried: u32,
}

impl Core {
    /// Starts what can start: first what timers demand, then up to `limit` tasks in order. True when the limit was
    /// reached and more might start at once.
    pub fn schedule(&mut self, now: Timestamp, limit: usize, out: &mut Decisions) -> bool {
        let now = self.clock(now);
        self.fire_timers(now, out);
        self.refresh_sites();
        self.review_reservation(now);
        if self.holder.is_none() {
            self.queue.wake_first();
        }
        let mut started = 0;
        loop {
            let (mut cursor, mut behind) = (Cursor::default(), Behind::new());
            loop {
                let next = self.next_group(&mut cursor);
                if started == limit && (next.is_some() || !behind.is_empty()) {
                    return true;
                }
                let has_started = if let Some(candidate) = self.first_behind(&mut behind, next) {
                    // The group that was come to is met again.
                    if next.is_some() {
                        cursor.step_back();
                    }
                    self.try_candidate(candidate, &mut behind, now, out)
                } else {
                    let Some(group) = next else { break };
                    let head = self.queue.groups[group].listed();
                    let has_started = self.try_group(group, &mut behind, now, out);
                    if has_started {
                        cursor.started(self.queue.groups.get(group).is_some_and(|group| group.listed() == head));
                    }
                    has_started
                };
                if has_started {
                    started += 1;
                    if self.review_reservation(now) {
                        (cursor, behind) = (Cursor::default(), Behind::new());
                    } else {
                        // Shares have changed, and with them the order.
                        behind = behind.into_values().map(|candidate| (self.place(&candidate), candidate)).collect();
                    }
                }
            }
            self.sites.settle();
            // A start may have woken groups that the walk had already passed.
            if self.queue.fresh.len() == 0 {
                return false;
            }
        }
    }

    /// The next group to look at: any, while something gained is left; otherwise only those never looked at.
    fn next_group(&self, cursor: &mut Cursor) -> Option<u32> {
        let gains = self.sites.has_gains();
        cursor.turn_to(!gains);
        let order = if gains { &self.queue.order } else { &self.queue.fresh };
        order.next(cursor, |owner| self.share_of(owner))
    }

    /// An owner's dominant share now, in billionths.
    pub(super) fn share_of(&self, owner: u32) -> u64 {
        self.owners[owner as usize].share
    }

    /// Works an owner's share out anew, after what it holds or what there is has changed.
    pub(super) fn reckon_share(&mut self, owner: usize) {
        self.owners[owner].share = share::dominant(&self.owners[owner].holding, &self.pool);
    }

    /// Starts the head of a group. Says whether it did.
    fn try_group(&mut self, group: u32, behind: &mut Behind, now: Timestamp, out: &mut Decisions) -> bool {
        let Some(head) = self.queue.groups[group].listed() else { return false };
        let everything = self.queue.groups[group].is_fresh();
        let constrained = self.is_behind_holder(head, group);
        match self.search(head.slot, everything, constrained, now) {
            Search::Found(place) => {
                let chosen = place.among > 0 && !constrained;
                let other = if chosen { self.better_used(head, group, place.agent, now) } else { None };
                self.start(other.map_or(head.slot, |other| other.slot), place, now, out);
                true
            }
            Search::Blocked { node, reserved } => {
                if reserved && self.may_have_shorter(group) {
                    self.put_behind(Candidate { key: head, group, everything, tried: 0 }, behind);
                }
                self.queue.looked_at(group);
                if !reserved {
                    self.claim(head, group, now, out);
                }
                let holds = self.holder.as_ref().is_some_and(|holder| holder.key.slot == head.slot);
                if !node && !reserved && !holds {
                    self.park(group);
                }
                false
            }
        }
    }

    /// Whether a group may have tasks that are short enough for a search to end otherwise than the last for their like.
    fn may_have_shorter(&self, group: u32) -> bool {
        let group = &self.queue.groups[group];
        let known = self.asks[self.shapes[group.shape].ask].reserved;
        // Tasks that do not say how long they take may be of several types, of which different things are foretold.
        let foretold = !is_estimated(group.class) && self.predictor.foretells();
        let shortest = match shortest_of_class(group.class) {
            Span::ZERO => self.predictor.shortest(),
            shortest if foretold => shortest.min(self.predictor.shortest()),
            shortest => shortest,
        };
        (group.class > 0 || foretold) && known.is_none_or(|known| shortest < known.duration)
    }

    /// Has the task after `before` in its group tried when the walk comes to it.
    fn put_behind(&self, before: Candidate, behind: &mut Behind) {
        let Candidate { key, group, tried, .. } = before;
        let ready = self.queue.groups.get(group).map(|group| &group.ready);
        let next = ready.and_then(|ready| ready.range((Excluded(key), Unbounded)).next());
        if let Some(key) = next.copied().filter(|_| tried < LOOK_AHEAD) {
            let candidate = Candidate { key, tried: tried + 1, ..before };
            behind.insert(self.place(&candidate), candidate);
        }
    }

    /// Where a candidate stands in the order.
    fn place(&self, candidate: &Candidate) -> (Rank, u64, TaskId) {
        let share = self.queue.groups.get(candidate.group).map_or(0, |group| self.share_of(group.owner));
        (candidate.key.rank(), share, candidate.key.id)
    }

    /// Takes the first candidate, if it comes before the head of the group that the walk has come to.
    fn first_behind(&self, behind: &mut Behind, next: Option<u32>) -> Option<Candidate> {
        let first = *behind.first_key_value()?.0;
        let head = next.and_then(|group| Some((self.queue.groups[group].listed()?, group)));
        let is_first =
            head.is_none_or(|(key, group)| first < self.place(&Candidate { key, group, everything: false, tried: 0 }));
        if is_first { behind.remove(&first) } else { None }
    }

    /// Starts a task behind its group's head. Says whether it did; the one behind it is tried later either way.
    fn try_candidate(
        &mut self,
        candidate: Candidate,
        behind: &mut Behind,
        now: Timestamp,
        out: &mut Decisions,
    ) -> bool {
        if !self.may_have_shorter(candidate.group) {
            return false;
        }
        self.put_behind(candidate, behind);
        let Search::Found(place) = self.search(candidate.key.slot, candidate.everything, true, now) else {
            return false;
        };
        self.start(candidate.key.slot, place, now, out);
        // An array has more elements.
        if self.queue.groups.get(candidate.group).is_some_and(|group| group.ready.contains(&candidate.key)) {
            behind.insert(self.place(&candidate), candidate);
        }
        true
    }

    /// Parks a group that must have a certain agent or cage. A floating agent may find a vacant cage anywhere, so who
    /// waits for one stays in the order.
    fn park(&mut self, group: u32) {
        let wish = &self.shapes[self.queue.groups[group].shape].wish;
        let agent =
            wish.agent.and_then(|id| self.agent_ids.get(id)).filter(|slot| self.agents[*slot].spec.cage.is_some());
        let pin = agent.map(Pin::Agent).or(wish.cage.map(|cage| Pin::Cage(cage.number())));
        if let Some(pin) = pin
            && (wish.agent.is_none() || agent.is_some())
        {
            self.queue.park(group, pin);
        }
    }

    /// Looks for the site that admits a task and whose agent suits it best, the smallest of equals: among all, or among
    /// those that have gained something.
    fn search(&mut self, slot: u32, everything: bool, constrained: bool, now: Timestamp) -> Search {
        let number = self.shape(slot).ask;
        let (ask, gains) = (&self.asks[number], self.sites.gains);
        if ask.blocked_at == gains || (!everything && ask.gains_blocked_at == gains) {
            return Search::Blocked { node: ask.by_node, reserved: false };
        }
        if constrained && self.is_known_reserved(slot, everything) {
            return Search::Blocked { node: false, reserved: true };
        }
        let mut short = vec![];
        let first = self.scan(slot, everything, &mut short, |_| true);
        if first.is_none() {
            let ask = &mut self.asks[number];
            ask.by_node = !short.is_empty();
            *(if everything { &mut ask.blocked_at } else { &mut ask.gains_blocked_at }) = gains;
        }
        let found = match first {
            Some(place) if constrained => {
                self.prepare_reservation(now);
                let length = self.length(slot, self.shape(slot).wish.agent);
                let allowed = |site: &Site| self.holder_allows(slot, length, site, now);
                if allowed(&place.site) { Some(place) } else { self.scan(slot, everything, &mut short, allowed) }
            }
            other => other,
        };
        let reserved = first.is_some() && found.is_none();
        let node = !short.is_empty();
        for number in short {
            self.nodes[number as usize].tight = true;
        }
        if let Some(place) = found {
            if constrained {
                self.passed_by(now);
            }
            return Search::Found(place);
        }
        if reserved {
            self.remember_reserved(slot, everything);
            if let Some(number) = self.reserved_node() {
                self.nodes[number as usize].tight = true;
            }
        }
        Search::Blocked { node, reserved }
    }

    /// Of the sites that admit a task and that `allowed` lets through the one whose agent suits it best. Nodes that would have, but for their capacity,
    /// are added to `short`.
    fn scan(
        &self,
        slot: u32,
        everything: bool,
        short: &mut Vec<u32>,
        allowed: impl Fn(&Site) -> bool,
    ) -> Option<Place> {
        let shape = self.shape(slot);
        let mut roomy = false;
        for (number, node) in (0..).zip(&self.nodes) {
            if shape.need.fits(&node.free()) {
                roomy |= node.is_open();
            } else if node.is_open() && !short.contains(&number) {
                short.push(number);
            }
        }
        if !roomy {
            return None;
        }
        let floater = self.floater_for(shape);
        let admits = |site: &Site| {
            if !site.open || !shape.need.fits(&site.free) || shape.tokens > site.tokens || short.contains(&site.node) {
                return None;
            }
            let agent = if site.agent == NONE { floater? } else { site.agent };
            let able = site.agent == NONE
                || (shape.is_covered_by(site.capability_set)
                    && shape.wish.agent.is_none_or(|id| id == self.agents[site.agent].id));
            (able && allowed(site)).then_some(Place { site: *site, agent, among: 0 })
        };
        let choose = |places: &mut dyn Iterator<Item = Place>| {
            if self.leaves_choice(shape) { self.choose_place(slot, shape, places) } else { places.next() }
        };
        let at = |place: u32| self.sites.list.get(place as usize);
        match self.confined(shape) {
            Confined::Anywhere => {}
            Confined::Nowhere => return None,
            Confined::At(place) => {
                let site = at(place).filter(|site| everything || self.sites.is_gain(place, site));
                return choose(&mut site.and_then(admits).into_iter());
            }
        }
        if everything {
            return choose(&mut self.sites.list.iter().filter_map(admits));
        }
        if self.sites.gained_nodes.is_empty() && !self.sites.gained_floater {
            return choose(&mut self.sites.gained.iter().filter_map(|place| at(*place).and_then(admits)));
        }
        let gains = (0..).zip(&self.sites.list).filter(|(place, site)| self.sites.is_gain(*place, site));
        choose(&mut gains.map(|(_, site)| site).filter_map(admits))
    }

    /// Of the places that admit a task that whose agent suits it best; of equals the first. Of the vacant ones the first
    /// stands for all.
    fn choose_place(&self, slot: u32, shape: &Shape, admitting: &mut dyn Iterator<Item = Place>) -> Option<Place> {
        let (mut places, mut vacant): (Vec<Place>, bool) = (vec![], false);
        for place in admitting {
            if place.site.agent != NONE || !std::mem::replace(&mut vacant, true) {
                places.push(place);
            }
        }
        let agents: Vec<_> = places.iter().map(|place| place.site.agent).collect();
        let staffed = agents.iter().filter(|agent| **agent != NONE).count();
        let idle = if vacant { self.idle_able(shape) } else { 0 };
        let among = u32::try_from(staffed).unwrap_or(u32::MAX).saturating_add(idle);
        if among < 2 {
            // Nobody need be compared with anybody.
            return places.pop().map(|place| Place { among, ..place });
        }
        let (at, agent) = self.choose(slot, &agents)?;
        Some(Place { agent, among, ..places[at] })
    }

    /// Where a shape can go, if it names a cage or an agent that has its place.
    fn confined(&self, shape: &Shape) -> Confined {
        let cage = match (shape.wish.cage, shape.wish.agent) {
            (Some(cage), _) => Some(cage),
            (None, None) => return Confined::Anywhere,
            (None, Some(id)) => {
                let Some(slot) = self.agent_ids.get(id) else { return Confined::Nowhere };
                let agent = &self.agents[slot];
                match agent.cage.or(agent.spec.cage) {
                    None => return Confined::Anywhere,
                    at => at,
                }
            }
        };
        cage.and_then(|cage| self.sites.place(cage)).map_or(Confined::Nowhere, Confined::At)
    }

    /// Starts a task, or the next element of an array, at a place.
    fn start(&mut self, slot: u32, place: Place, now: Timestamp, out: &mut Decisions) {
        let array = self.tasks[slot].array.as_ref().map(|array| (array.next, array.index(array.next)));
        let task = match array {
            None => slot,
            Some((element, index)) => match self.materialise(slot, element, index, now, out) {
                Some(task) => task,
                None => return,
            },
        };
        let seq = self.seq + 1;
        let shape = self.shape(task);
        let (need, tokens) = (shape.need, shape.tokens);
        let node_id = self.nodes[place.site.node as usize].node.id;
        let held = (0..5)
            .filter(|kind| need.0[*kind] > 0)
            .filter_map(|kind| {
                Some(Held {
                    id: AllocationId::new(now, draw::id_bits(self.seed, seq, kind as u64)),
                    resource_id: self.resource(place.site.node, kind)?,
                    quantity: need.0[kind],
                })
            })
            .collect();
        let event = ExecutionScheduled {
            execution_id: ExecutionId::new(now, draw::id_bits(self.seed, seq, 0)),
            task_id: self.tasks[task].id,
            agent_id: self.agents[place.agent].id,
            cage_id: place.site.cage,
            node_id,
            attempt: self.tasks[task].executions + 1,
            held,
            choice: if place.among > 0 { self.choice(task, place.agent, place.among) } else { None },
        };
        let effect = Effect::Start {
            node_id,
            execution_id: event.execution_id,
            task_id: event.task_id,
            agent_id: event.agent_id,
            cage_id: event.cage_id,
            timeout: self.timeout_of(task),
            tokens: self.token_budget(event.cage_id, tokens),
        };
        self.emit(now, Actor::Engine, event, out);
        out.effects.push(effect);
    }

    /// Makes an element of an array a task of its own.
    pub(super) fn materialise(
        &mut self,
        array: u32,
        place: u32,
        index: u32,
        now: Timestamp,
        out: &mut Decisions,
    ) -> Option<u32> {
        let array_id = self.tasks[array].id;
        let task_id: TaskId = array_id.element(place);
        self.emit(now, Actor::Engine, TaskMaterialised { array_id, task_id, index }, out);
        self.task_ids.get(task_id)
    }

    /// The resource of a node that counts a place of [`Quantities`].
    fn resource(&self, node: u32, kind: usize) -> Option<ResourceId> {
        let resources = &self.nodes[node as usize].resources;
        resources.iter().find(|resource| resource.name == Quantities::NAMES[kind]).map(|resource| resource.id)
    }

    /// How long the worker lets an execution of a task run, besides the cage's own limit.
    pub(super) fn timeout_of(&self, task: u32) -> Option<Span> {
        match self.tasks[task].timeout {
            Span::ZERO => self.defaults.timeout,
            own => Some(own),
        }
    }

    /// How many tokens an execution may use: what the task expects, or what the cage grants one execution if less.
    pub(super) fn token_budget(&self, cage: CageId, wished: u64) -> Option<u64> {
        let granted = self.cage(cage).and_then(|cage| match cage.spec.limits.tokens {
            Some(TokenLimit { tokens, per: None }) => Some(tokens),
            _ => None,
        });
        let wished = (wished > 0).then_some(wished);
        wished.into_iter().chain(granted).min()
    }

    /// Whether a head comes after the task that holds the reservation.
    pub(super) fn is_behind_holder(&self, head: Key, group: u32) -> bool {
        let Some(holder) = &self.holder else { return false };
        head.slot != holder.key.slot && !self.is_before(head, group, holder.key, holder.group)
    }

    /// Whether one task comes before another in the order.
    pub(super) fn is_before(&self, one: Key, one_group: u32, other: Key, other_group: u32) -> bool {
        let share = |group: u32| self.share_of(self.queue.groups[group].owner);
        let same_owner = self.queue.groups[one_group].owner == self.queue.groups[other_group].owner;
        if one.rank() != other.rank() || same_owner {
            return (one.rank(), one.id) < (other.rank(), other.id);
        }
        (share(one_group), one.id) < (share(other_group), other.id)
    }
}
