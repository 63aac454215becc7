//! What has changed, in a form that costs nothing to announce: a counter for each part of the fleet. Whoever follows
//! compares the counters with those it saw last, however long it has slept; nothing is queued for it meanwhile.

use std::sync::Arc;

use tokio::sync::watch;

use crate::domain::{Event, Record};

/// A set of the parts of the fleet that can change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Topics(u8);

impl Topics {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Tasks and their executions.
    pub const TASKS: Self = Self(1);
    /// Agents.
    pub const AGENTS: Self = Self(2);
    /// Cages and nodes.
    pub const CAGES: Self = Self(4);
    /// Artifacts and their reviews.
    pub const ARTIFACTS: Self = Self(8);
    /// Alerts, system events, and whether the engine takes changes.
    pub const ALERTS: Self = Self(16);
    /// What is sampled.
    pub const USAGE: Self = Self(32);
    /// How many there are.
    const COUNT: usize = 6;

    /// Those in either set.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every part of `other` is in this set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What these records have changed.
    pub fn of(records: &[Record]) -> Self {
        records.iter().fold(Self::NONE, |topics, record| topics.and(Self::of_event(&record.event)))
    }

    /// What an event changes in what people see. An execution's coming and going also changes what its agent and its
    /// cage are seen to do.
    fn of_event(event: &Event) -> Self {
        match event {
            Event::JournalOpened(_) | Event::EngineStarted(_) | Event::UserAdded(_) | Event::DefaultsSet(_) => {
                Self::NONE
            }
            Event::NodeSeen(_) | Event::NodeLost(_) => Self::CAGES.and(Self::AGENTS),
            Event::CageDeclared(_)
            | Event::CageRemoved(_)
            | Event::CageMaintenance(_)
            | Event::CageEnforced(_)
            | Event::CageFaulted(_)
            | Event::CageReleased(_) => Self::CAGES,
            Event::AgentDeclared(_)
            | Event::AgentRemoved(_)
            | Event::AgentMoved(_)
            | Event::AgentDrained(_)
            | Event::AgentResumed(_)
            | Event::BreakerOpened(_)
            | Event::BreakerClosed(_) => Self::AGENTS.and(Self::CAGES),
            Event::TaskRated(_) => Self::TASKS.and(Self::AGENTS),
            Event::ModelVersioned(_) => Self::AGENTS,
            Event::TaskSubmitted(_)
            | Event::TaskMaterialised(_)
            | Event::ArrayEnded(_)
            | Event::TaskCancelled(_)
            | Event::TaskFailed(_)
            | Event::TaskRetried(_)
            | Event::TaskReassigned(_)
            | Event::TaskPrioritised(_)
            | Event::ExecutionStopping(_) => Self::TASKS,
            Event::ExecutionScheduled(_) | Event::ExecutionStarted(_) | Event::ExecutionEnded(_) => {
                Self::TASKS.and(Self::AGENTS).and(Self::CAGES)
            }
            Event::ArtifactAdded(_)
            | Event::ArtifactReviewed(_)
            | Event::ArtifactMerged(_)
            | Event::ArtifactSnoozed(_)
            | Event::ApprovalRuleDeclared(_)
            | Event::ApprovalRuleRemoved(_) => Self::ARTIFACTS,
            // What was put off leaves the inbox, which is told of artifacts.
            Event::TaskSnoozed(_) => Self::TASKS.and(Self::ARTIFACTS),
            Event::SystemEventRaised(_)
            | Event::AlertRaised(_)
            | Event::AlertRepeated(_)
            | Event::AlertAcknowledged(_)
            | Event::AlertUnacknowledged(_)
            | Event::AlertSilenced(_)
            | Event::AlertResolved(_)
            | Event::AlertReopened(_)
            | Event::AlertGrouped(_)
            | Event::AlertRuleDeclared(_)
            | Event::AlertRuleRemoved(_)
            | Event::SilenceAdded(_)
            | Event::SilenceRemoved(_) => Self::ALERTS,
        }
    }
}

/// Where the engine stands: the journal's last durable record, and how often each part has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The number of the last durable record.
    pub seq: u64,
    changes: [u64; Topics::COUNT],
}

impl Standing {
    /// What has changed since an earlier standing.
    pub fn since(&self, earlier: &Self) -> Topics {
        let pairs = self.changes.iter().zip(&earlier.changes).enumerate();
        Topics(pairs.filter(|(_, (now, then))| now != then).fold(0, |topics, (place, _)| topics | 1 << place))
    }
}

/// Announces changes. Clones announce to the same followers.
#[derive(Clone, Debug)]
pub struct Beat(Arc<watch::Sender<Standing>>);

impl Beat {
    /// Begins with the journal's last record.
    pub fn new(seq: u64) -> Self {
        Self(Arc::new(watch::Sender::new(Standing { seq, ..Standing::default() })))
    }

    /// Announces that everything up to `seq` is durable and what that has changed.
    pub fn committed(&self, seq: u64, topics: Topics) {
        self.announce(Some(seq), topics);
    }

    /// Announces a change that is in no record.
    pub fn changed(&self, topics: Topics) {
        self.announce(None, topics);
    }

    /// Where the engine stands now.
    pub fn standing(&self) -> Standing {
        *self.0.borrow()
    }

    /// Follows from now on.
    pub fn follow(&self) -> watch::Receiver<Standing> {
        self.0.subscribe()
    }

    fn announce(&self, seq: Option<u64>, topics: Topics) {
        self.0.send_if_modified(|standing| {
            standing.seq = seq.unwrap_or(standing.seq);
            for (place, count) in standing.changes.iter_mut().enumerate() {
                *count += u64::from(topics.0 >> place & 1);
            }
            // A record that changes nothing to be seen wakes nobody.
            !topics.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleeper_finds_all_that_changed_and_no_more() {
        let beat = Beat::new(7);
        let mut follower = beat.follow();
        let seen = *follower.borrow_and_update();
        beat.committed(8, Topics::NONE);
        assert!(!follower.has_changed().unwrap(), "nothing to be seen has changed");
        assert_eq!(beat.standing().seq, 8);
        beat.committed(9, Topics::TASKS);
        beat.committed(12, Topics::TASKS.and(Topics::CAGES));
        beat.changed(Topics::USAGE);
        assert!(follower.has_changed().unwrap());
        let now = *follower.borrow_and_update();
        assert_eq!(now.seq, 12);
        assert_eq!(now.since(&seen), Topics::TASKS.and(Topics::CAGES).and(Topics::USAGE));
        assert_eq!(now.since(&now), Topics::NONE);
    }
}
