//! A worker that is only a model: it keeps the link's promises (numbered reports, repeated until acknowledged, idempotent
//! starts) and breaks everything that may break.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use menagerie::domain::artifact::FoundArtifact;
use menagerie::domain::link::Report;
use menagerie::domain::{ArtifactType, CageId, Enforcements, ExecutionId, Outcome, OutcomeKind, Timestamp};

use super::draw::Draw;

/// A message on its way to the worker.
#[derive(Clone, Debug)]
pub enum Order {
    Start(ExecutionId, CageId),
    Stop(ExecutionId, OutcomeKind),
    Cage(CageId, u32),
    Ack(u64),
}

#[derive(Clone, Debug)]
pub struct Running {
    pub cage: CageId,
    pub started: Option<Timestamp>,
    pub stopping: Option<OutcomeKind>,
}

pub struct Worker {
    pub incarnation: u64,
    pub connected: bool,
    pub running: BTreeMap<ExecutionId, Running>,
    seen: BTreeSet<ExecutionId>,
    /// Declared cages with their slots.
    cages: BTreeMap<CageId, u32>,
    /// Everything that was ever started, by any incarnation: nothing may be started a second time.
    started: BTreeSet<ExecutionId>,
    /// Everything that ever ended well.
    pub succeeded: BTreeSet<ExecutionId>,
    pub unacknowledged: VecDeque<(u64, Timestamp, Report)>,
    number: u64,
    pub inbox: VecDeque<Order>,
    /// Reports sent in this connection and not yet taken by the engine.
    pub outbox: VecDeque<(u64, Timestamp, Report)>,
}

impl Worker {
    pub fn new(incarnation: u64) -> Self {
        Self {
            incarnation,
            connected: false,
            running: BTreeMap::new(),
            seen: BTreeSet::new(),
            cages: BTreeMap::new(),
            started: BTreeSet::new(),
            succeeded: BTreeSet::new(),
            unacknowledged: VecDeque::new(),
            number: 0,
            inbox: VecDeque::new(),
            outbox: VecDeque::new(),
        }
    }

    /// The worker dies with everything that it ran and another takes its place, which knows nothing.
    pub fn die(&mut self) {
        let next = Self::new(self.incarnation + 1);
        let dead = std::mem::replace(self, next);
        (self.started, self.succeeded) = (dead.started, dead.succeeded);
    }

    /// Executions that it names in its hello: those whose end is not acknowledged.
    pub fn known(&self) -> Vec<ExecutionId> {
        let ended = self.unacknowledged.iter().filter_map(|(_, _, report)| match report {
            Report::Ended { execution_id, .. } => Some(*execution_id),
            _ => None,
        });
        self.running.keys().copied().chain(ended).collect()
    }

    fn say(&mut self, now: Timestamp, report: Report) {
        self.number += 1;
        self.unacknowledged.push_back((self.number, now, report.clone()));
        if self.connected {
            self.outbox.push_back((self.number, now, report));
        }
    }

    /// Takes one message, if there is one.
    pub fn obey(&mut self) {
        match self.inbox.pop_front() {
            Some(Order::Start(execution, cage)) if self.seen.insert(execution) => {
                assert!(self.started.insert(execution), "execution {execution} is started by a second incarnation");
                let slots = *self.cages.get(&cage).expect("a start in a cage that was not declared");
                // What is being stopped may be a leftover that the engine has given up; it is on its way out.
                let staying = |running: &&Running| running.cage == cage && running.stopping.is_none();
                let taken = self.running.values().filter(staying).count();
                assert!(taken < slots as usize, "cage {cage} has {slots} slots, all taken");
                self.running.insert(execution, Running { cage, started: None, stopping: None });
            }
            Some(Order::Cage(cage, slots)) => {
                self.cages.insert(cage, slots);
            }
            Some(Order::Stop(execution, reason)) => {
                if let Some(running) = self.running.get_mut(&execution) {
                    running.stopping.get_or_insert(reason);
                }
            }
            Some(Order::Ack(number)) => self.unacknowledged.retain(|(sent, _, _)| *sent > number),
            _ => {}
        }
    }

    /// Lets one of the executions go a step further: start, or end somehow.
    pub fn work(&mut self, now: Timestamp, draw: &mut Draw, kindly: bool) {
        let ids: Vec<_> = self.running.keys().copied().collect();
        let Some(id) = draw.pick(&ids).copied() else { return };
        let Some(running) = self.running.get_mut(&id) else { return };
        if running.started.is_none() && draw.chance(60) {
            running.started = Some(now);
            self.say(now, Report::Started { execution_id: id });
            return;
        }
        if running.started.is_none() && !kindly && draw.chance(5) {
            let outcome = Box::new(Outcome::new(running.stopping.unwrap_or(OutcomeKind::CageFailed), "simulated"));
            self.running.remove(&id);
            self.say(now, Report::Ended { execution_id: id, started_at: None, outcome, artifacts: vec![] });
            return;
        }
        let (started_at, cage_id) = (Some(running.started.unwrap_or(now)), running.cage);
        if draw.chance(10) {
            self.say(now, Report::CageReady { cage_id, enforcement: Enforcements::default() });
        }
        let Some(running) = self.running.get(&id) else { return };
        let kind = match running.stopping {
            // A process may end by itself just before it is stopped.
            Some(_) if draw.chance(20) => OutcomeKind::Succeeded,
            Some(reason) => reason,
            None if kindly => OutcomeKind::Succeeded,
            None => *draw
                .pick(&[
                    OutcomeKind::Succeeded,
                    OutcomeKind::Succeeded,
                    OutcomeKind::Succeeded,
                    OutcomeKind::Failed,
                    OutcomeKind::TimedOut,
                    OutcomeKind::LimitExceeded,
                    OutcomeKind::NotStarted,
                ])
                .unwrap(),
        };
        self.running.remove(&id);
        if kind == OutcomeKind::Succeeded {
            self.succeeded.insert(id);
        }
        let mut outcome = Outcome::new(kind, if kind == OutcomeKind::Succeeded { "" } else { "simulated" });
        outcome.limit = (kind == OutcomeKind::LimitExceeded).then(|| "memory".into());
        let artifacts = if kind == OutcomeKind::Succeeded && draw.chance(30) {
            vec![FoundArtifact {
                kind: ArtifactType::Report,
                title: "simulated.md".into(),
                content: Some("text".into()),
                path: None,
                size: 4,
                digest: "00".into(),
                metadata: serde_json::Map::new(),
                quality: None,
                difference: None,
            }]
        } else {
            vec![]
        };
        self.say(now, Report::Ended { execution_id: id, started_at, outcome: Box::new(outcome), artifacts });
    }
}
