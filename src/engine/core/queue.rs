//! The queue: groups of alike tasks, each an ordered set, and the order in which their heads are looked at.
//!
//! **Order.** A task's place is fixed when it is queued: its *level* is the number of whole ageing intervals between the
//! epoch and its submission, less its priority. A lower level goes first, so a point of priority is worth one interval of
//! waiting, and nothing starves: whatever is submitted later than ten intervals from now comes after it. Within a level the
//! earlier deadline goes first; then the owner with the smaller dominant share (see [`share`](super::share)), compared when
//! the decision is made; then the earlier submission. For one owner, one priority and no deadlines this is exactly first
//! come, first served, because levels rise with the time of submission and ids with its order.
//!
//! **Groups.** Tasks of one shape and about one duration, as far as they say, share a group. Durations are told apart in steps of an eighth of
//! an octave, so that the head of a group speaks for the others when a gap of limited length is to be filled.
//!
//! **Parking.** A group whose tasks must have a certain agent or cage, and whose head cannot have it now, is taken out of
//! the order until that agent or cage gains something; so ten thousand agents with a queue each do not slow each other.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Included, Unbounded};

use super::slab::Slab;
use crate::domain::{Span, TaskId, Timestamp};

/// A task's place in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Ageing intervals before submission, less priority.
    pub level: i32,
    /// [`Timestamp::LAST`] for none.
    pub deadline: Timestamp,
    /// Carries the order of submission.
    pub id: TaskId,
    /// The task's slot.
    pub slot: u32,
}

impl Key {
    /// What is compared before shares are.
    pub const fn rank(&self) -> Rank {
        (self.level, self.deadline)
    }
}

/// What is compared before the shares of owners are.
pub type Rank = (i32, Timestamp);

/// The level of a task; see the module's text.
pub fn level(created_at: Timestamp, priority: u8, ageing: Span) -> i32 {
    let intervals = created_at.as_micros() / ageing.as_micros().max(1);
    i32::try_from(intervals - i64::from(priority)).unwrap_or(i32::MAX)
}

/// The class of a duration: eighths of an octave of milliseconds, 0 for unknown.
pub fn duration_class(duration: Span) -> u16 {
    let micros = duration.as_micros().unsigned_abs();
    if micros == 0 {
        return 0;
    }
    let millis = (micros / 1000).max(8);
    let octave = millis.ilog2();
    let eighth = (millis >> (octave - 3)) & 7;
    u16::try_from(u64::from(octave) * 8 + eighth + 1).unwrap_or(u16::MAX)
}

/// What tells the classes of timeouts from those of estimates.
const BY_TIMEOUT: u16 = 1 << 15;

/// The class of a task: of its estimate, or else of its timeout, or else 0.
pub fn class_of(estimate: Span, timeout: Span) -> u16 {
    match duration_class(estimate) {
        0 if timeout == Span::ZERO => 0,
        0 => duration_class(timeout) | BY_TIMEOUT,
        class => class,
    }
}

/// Whether tasks of a class say how long they take.
pub const fn is_estimated(class: u16) -> bool {
    class > 0 && class & BY_TIMEOUT == 0
}

/// The shortest duration of a class; zero for the class of unknown ones.
pub fn shortest_of_class(class: u16) -> Span {
    let Some(steps) = (class & !BY_TIMEOUT).checked_sub(1).map(i64::from) else { return Span::ZERO };
    let (octave, eighth) = (steps / 8, steps % 8);
    // The lowest class holds everything up to its upper end.
    if octave <= 3 && eighth == 0 { Span::from_micros(1) } else { Span::from_millis((8 + eighth) << (octave - 3)) }
}

/// What a parked group waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pin {
    /// An agent, by slot.
    Agent(u32),
    /// A cage, by number.
    Cage(u16),
}

/// Tasks of one shape and about one duration.
#[derive(Debug)]
pub struct Group {
    /// Their shape.
    pub shape: u32,
    /// Their [`class_of`].
    pub class: u16,
    /// The owner, as a number.
    pub owner: u32,
    /// Those that could start, in order.
    pub ready: BTreeSet<Key>,
    /// All tasks in memory that belong here, ready or not.
    pub members: u32,
    /// The head as it stands in the order, when it does.
    listed: Option<Key>,
    /// Whether the head has not been looked at since it became the head.
    fresh: bool,
    /// What it waits for, when it is parked.
    parked: Option<Pin>,
}

impl Group {
    /// Whether the head has to be looked at against the whole fleet.
    pub const fn is_fresh(&self) -> bool {
        self.fresh
    }
    /// What it waits for, when it is parked.
    pub const fn parked(&self) -> Option<Pin> {
        self.parked
    }
    /// Where it stands in the order, when it does.
    pub const fn listed(&self) -> Option<Key> {
        self.listed
    }
}

/// Heads of groups in order.
#[derive(Debug, Default)]
pub struct Order {
    ranks: BTreeMap<Rank, BTreeMap<u32, BTreeSet<(TaskId, u32)>>>,
    len: usize,
}

/// How far a walk through an [`Order`] has come. Heads only ever move back while a walk goes on, so nothing is met twice.
#[derive(Debug, Default)]
pub struct Cursor {
    rank: Option<Rank>,
    /// The owners of the rank.
    owners: Vec<OwnerCursor>,
    /// The owner met last, and how far its walk had come before.
    last: Option<(usize, Option<TaskId>)>,
    /// Whether the walk was among fresh groups only.
    fresh: bool,
}

/// How far a walk has come among the heads of one owner.
#[derive(Debug)]
struct OwnerCursor {
    owner: u32,
    passed: Option<TaskId>,
    /// The next heads, the first of them last, as far as they have been looked up.
    next: Vec<(TaskId, u32)>,
    /// Whether there may be more than those.
    more: bool,
}

impl OwnerCursor {
    /// What was looked up no longer holds.
    fn forget(&mut self) {
        self.next.clear();
        self.more = true;
    }
}

/// How many heads of an owner are looked up at a time.
const HEADS_AHEAD: usize = 32;

impl Cursor {
    /// Something of the group met last has started, and the group may have another head. With `again` its head is the
    /// same and is to be met again when its turn comes: an array has more elements.
    pub fn started(&mut self, again: bool) {
        if let Some((at, before)) = self.last.take() {
            self.owners[at].forget();
            if again {
                self.owners[at].passed = before;
            }
        }
    }

    /// The group met last is to be met again.
    pub fn step_back(&mut self) {
        self.started(true);
    }

    /// The walk goes on among all groups, or among fresh ones only.
    pub fn turn_to(&mut self, fresh: bool) {
        if self.fresh != fresh {
            self.fresh = fresh;
            self.owners.iter_mut().for_each(OwnerCursor::forget);
        }
    }
}

impl Order {
    fn insert(&mut self, key: Key, owner: u32, group: u32) {
        let added = self.ranks.entry(key.rank()).or_default().entry(owner).or_default().insert((key.id, group));
        self.len += usize::from(added);
    }

    fn remove(&mut self, key: Key, owner: u32, group: u32) {
        let Some(owners) = self.ranks.get_mut(&key.rank()) else { return };
        let Some(heads) = owners.get_mut(&owner) else { return };
        self.len -= usize::from(heads.remove(&(key.id, group)));
        if heads.is_empty() {
            owners.remove(&owner);
            if owners.is_empty() {
                self.ranks.remove(&key.rank());
            }
        }
    }

    /// The next group of a walk. `share` is asked only where owners have to be compared.
    pub fn next(&self, cursor: &mut Cursor, share: impl Fn(u32) -> u64) -> Option<u32> {
        let from = cursor.rank.map_or(Unbounded, Included);
        for (rank, owners) in self.ranks.range((from, Unbounded)) {
            if cursor.rank != Some(*rank) {
                cursor.rank = Some(*rank);
                cursor.owners.clear();
                let start = |owner: &u32| OwnerCursor { owner: *owner, passed: None, next: vec![], more: true };
                cursor.owners.extend(owners.keys().map(start));
            }
            let mut best: Option<((u64, TaskId), usize)> = None;
            let alone = cursor.owners.len() == 1;
            for (at, owner) in cursor.owners.iter_mut().enumerate() {
                if owner.next.is_empty() && owner.more {
                    let after = owner.passed.map_or(Unbounded, |id| Excluded((id, u32::MAX)));
                    let heads = owners.get(&owner.owner).into_iter().flat_map(|heads| heads.range((after, Unbounded)));
                    owner.next.extend(heads.take(HEADS_AHEAD));
                    owner.next.reverse();
                    owner.more = owner.next.len() == HEADS_AHEAD;
                }
                let Some((id, _)) = owner.next.last().copied() else { continue };
                let place = (if alone { 0 } else { share(owner.owner) }, id);
                if best.is_none_or(|(known, _)| place < known) {
                    best = Some((place, at));
                }
            }
            if let Some((_, at)) = best {
                let owner = &mut cursor.owners[at];
                if let Some((id, group)) = owner.next.pop() {
                    cursor.last = Some((at, owner.passed.replace(id)));
                    return Some(group);
                }
            }
        }
        None
    }

    /// How many groups stand here.
    pub const fn len(&self) -> usize {
        self.len
    }
}

/// All groups.
#[derive(Debug, Default)]
pub struct Queue {
    /// The groups.
    pub groups: Slab<Group>,
    numbers: BTreeMap<(u32, u16), u32>,
    /// Every group that has something ready and is not parked.
    pub order: Order,
    /// Those of them that have not been looked at.
    pub fresh: Order,
    parked: BTreeMap<Pin, BTreeSet<u32>>,
    parked_order: BTreeSet<(Rank, TaskId, u32)>,
    /// How many of those that could start were submitted in each second; for people.
    submitted: BTreeMap<i64, u32>,
}

/// The second in which a task was submitted.
fn second_of(id: TaskId) -> i64 {
    id.made_at().as_micros() / 1_000_000
}

impl Queue {
    /// The group of a shape and a class of duration, made when there is none; says whether it is new.
    pub fn join(&mut self, shape: u32, class: u16, owner: u32) -> (u32, bool) {
        let known = self.numbers.get(&(shape, class)).copied();
        let group = known.unwrap_or_else(|| {
            let group = self.groups.insert(Group {
                shape,
                class,
                owner,
                ready: BTreeSet::new(),
                members: 0,
                listed: None,
                fresh: false,
                parked: None,
            });
            self.numbers.insert((shape, class), group);
            group
        });
        self.groups[group].members += 1;
        (group, known.is_none())
    }

    /// A task leaves its group for good; gives the group's shape when that was its last.
    pub fn leave(&mut self, group: u32) -> Option<u32> {
        let state = &mut self.groups[group];
        state.members -= 1;
        if state.members > 0 {
            return None;
        }
        let (shape, class) = (state.shape, state.class);
        self.unlist(group);
        self.numbers.remove(&(shape, class));
        self.groups.remove(group);
        Some(shape)
    }

    /// A task becomes ready.
    pub fn push(&mut self, group: u32, key: Key) {
        let state = &mut self.groups[group];
        if state.ready.insert(key) {
            *self.submitted.entry(second_of(key.id)).or_default() += 1;
        }
        if state.ready.first() == Some(&key) {
            self.relist(group);
        }
    }

    /// A task is no longer ready.
    pub fn pull(&mut self, group: u32, key: Key) {
        let state = &mut self.groups[group];
        let was_head = state.ready.first() == Some(&key);
        if state.ready.remove(&key)
            && let Some(count) = self.submitted.get_mut(&second_of(key.id))
        {
            *count -= 1;
            if *count == 0 {
                self.submitted.remove(&second_of(key.id));
            }
        }
        if was_head {
            self.relist(group);
        }
    }

    /// When the oldest of those that could start was submitted, to the second.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.submitted.first_key_value().map(|(second, _)| Timestamp::from_micros(second.saturating_mul(1_000_000)))
    }

    /// How many could start, as the seconds of their submission count them.
    pub fn submitted(&self) -> u64 {
        self.submitted.values().map(|count| u64::from(*count)).sum()
    }

    /// The group's head has changed, or what it can have: it is looked at anew.
    pub fn relist(&mut self, group: u32) {
        self.unlist(group);
        let state = &mut self.groups[group];
        if let Some(key) = state.ready.first().copied() {
            state.listed = Some(key);
            state.fresh = true;
            self.order.insert(key, state.owner, group);
            self.fresh.insert(key, state.owner, group);
        }
    }

    /// Takes a group out of the order and out of parking.
    fn unlist(&mut self, group: u32) {
        let state = &mut self.groups[group];
        let Some(key) = state.listed.take() else { return };
        let (owner, fresh) = (state.owner, std::mem::take(&mut state.fresh));
        if let Some(pin) = state.parked.take() {
            self.parked_order.remove(&(key.rank(), key.id, group));
            if let Some(groups) = self.parked.get_mut(&pin) {
                groups.remove(&group);
                if groups.is_empty() {
                    self.parked.remove(&pin);
                }
            }
        } else {
            self.order.remove(key, owner, group);
            if fresh {
                self.fresh.remove(key, owner, group);
            }
        }
    }

    /// The head has been looked at against the whole fleet.
    pub fn looked_at(&mut self, group: u32) {
        let state = &mut self.groups[group];
        if let Some(key) = state.listed
            && std::mem::take(&mut state.fresh)
        {
            self.fresh.remove(key, state.owner, group);
        }
    }

    /// Takes a group out of the order until its agent or cage gains something.
    pub fn park(&mut self, group: u32, pin: Pin) {
        self.looked_at(group);
        let state = &mut self.groups[group];
        let Some(key) = state.listed else { return };
        if state.parked.is_none() {
            state.parked = Some(pin);
            self.order.remove(key, state.owner, group);
            self.parked.entry(pin).or_default().insert(group);
            self.parked_order.insert((key.rank(), key.id, group));
        }
    }

    /// An agent or a cage has gained something: whoever waits for it is looked at anew.
    pub fn wake(&mut self, pin: Pin) {
        for group in self.parked.get(&pin).cloned().unwrap_or_default() {
            self.relist(group);
        }
    }

    /// The first of the groups, and the first of those parked, are looked at anew, so that they may claim a reservation.
    pub fn wake_first(&mut self) {
        if let Some(group) = self.order.next(&mut Cursor::default(), |_| 0) {
            self.relist(group);
        }
        if let Some((_, _, group)) = self.parked_order.first().copied() {
            self.relist(group);
        }
    }

    /// The fleet has changed: everything is looked at anew.
    pub fn wake_all(&mut self) {
        for group in self.groups.numbers() {
            if self.groups[group].listed.is_some() {
                self.relist(group);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn a_point_of_priority_is_worth_one_interval() {
        let ageing = Span::from_secs(600);
        let early = level(Timestamp::from_micros(600_000_000 * 100), 5, ageing);
        let late = level(Timestamp::from_micros(600_000_000 * 101), 6, ageing);
        assert_eq!(early, late);
        assert!(level(Timestamp::from_micros(600_000_000 * 111), 10, ageing) > early);
    }

    #[test]
    fn classes_of_durations_rise_in_steps_of_an_eighth() {
        let mut last = 0;
        for secs in 1..100_000 {
            let class = duration_class(Span::from_secs(secs));
            assert!(class >= last);
            last = class;
            let next = duration_class(Span::from_micros(secs * 1_126_000));
            assert!(next > class, "{secs}");
            let shortest = shortest_of_class(class);
            assert!(shortest <= Span::from_secs(secs) && duration_class(shortest) == class, "{secs}: {shortest:?}");
        }
        assert_eq!(duration_class(Span::ZERO), 0);
        assert_ne!(duration_class(Span::from_micros(1)), 0);
    }
}
