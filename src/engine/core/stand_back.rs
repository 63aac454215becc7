//! Standing back: where many tasks wait, whoever is free first would get the first of them, whether it suits it or not, and
//! nobody would choose. So the first leaves an agent that suits it clearly less than one that has no slot free to another
//! task behind it, which that agent suits better. It waits as it were its turn for the better one ("delay scheduling":
//! Zaharia et al., "Delay Scheduling: A Simple Technique for Achieving Locality and Fairness in Cluster Scheduling", 2010).
//!
//! No slot stays empty for that: something starts in any case, and the first itself where nothing behind it is better suited.
//! Only tasks of the same group and level change places, which are of one owner, ask for the same and are as urgent. It lasts
//! no longer than the task itself is thought to take, for that is what a failure would cost, and no longer than
//! `defaults.patience`. What matters most, or has a deadline, waits only where it is likely to fail otherwise, and clearly
//! likelier to succeed with the better one: a failure would cost it as long. It waits no longer than its deadline allows.

use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Unbounded};

use super::Core;
use super::queue::Key;
use super::selection::{CLEARLY, NO_FIRST_CHANCE};
use crate::domain::{AgentId, Span, Timestamp};

/// So many tasks behind the first are looked at, and so many of them that are about something else are weighed.
const BEHIND_MAX: usize = 64;
const WEIGHED_MAX: usize = 8;
/// How long a task stands back of which nobody knows how long it takes.
const UNKNOWN_LASTS: Span = Span::from_secs(60);

/// A task that stands back.
#[derive(Clone, Copy, Debug)]
pub struct StandingBack {
    /// Until when at the longest.
    pub until: Timestamp,
    /// Who would suit it better.
    pub better: AgentId,
}

impl Core {
    /// The task behind the head of a group that had better have the agent which the head would get; `None` where the head
    /// takes it. The place is good for either: tasks of a group ask for the same.
    pub(super) fn better_used(&mut self, head: Key, group: u32, agent: u32, now: Timestamp) -> Option<Key> {
        let task = &self.tasks[head.slot];
        if self.defaults.preemption || self.queue.groups[group].ready.len() < 2 {
            return None;
        }
        let presses = task.priority >= NO_FIRST_CHANCE || head.deadline != Timestamp::LAST;
        if self.standing_back.get(&head.id).is_some_and(|stood| stood.until <= now) {
            return None;
        }
        let (better, behind) = self.better_but_full(head.slot, agent)?;
        if presses && !self.rather_succeeds(head.slot, agent, better) {
            return None;
        }
        let length = self.length(head.slot, None).unwrap_or(UNKNOWN_LASTS);
        let room = head.deadline.since(now.plus(length));
        if room <= Span::ZERO {
            return None;
        }
        let holds = self.holder.as_ref().is_none_or(|holder| holder.key.slot == head.slot);
        // What is about the same is suited as badly.
        let mut topics = BTreeSet::from([task.topic]);
        let others = self.queue.groups[group].ready.range((Excluded(head), Unbounded));
        let others = others.take(BEHIND_MAX).take_while(|other| other.level == head.level);
        let others = others.filter(|other| topics.insert(self.tasks[other.slot].topic)).take(WEIGHED_MAX);
        let mut best = None;
        for other in others.filter(|other| holds || !self.is_behind_holder(**other, group)) {
            let lost = self.behind_the_best(other.slot, agent);
            if lost + CLEARLY <= behind && best.is_none_or(|(least, _)| lost < least) {
                best = Some((lost, *other));
            }
            if lost == 0 {
                break;
            }
        }
        let (_, other) = best?;
        let lasts = length.min(self.defaults.patience).min(room);
        let better = self.agents[better].id;
        let stood = self.standing_back.entry(head.id).or_insert(StandingBack { until: now.plus(lasts), better });
        stood.better = better;
        Some(other)
    }
}
