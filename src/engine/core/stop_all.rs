//! The end of everything that runs, for `menagerie stop --all`: no task is lost by it, each is queued again.

use super::{Core, Decisions};
use crate::domain::{Actor, OutcomeKind, Timestamp};

impl Core {
    /// Has every execution stopped; their tasks wait for the next engine and lose no attempt.
    pub fn stop_all(&mut self, now: Timestamp, out: &mut Decisions) {
        let now = self.clock(now);
        self.stopping_all = true;
        let slots: Vec<u32> = self.executions.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            let note = Some("the fleet was stopped".to_owned());
            self.stop_execution(slot, OutcomeKind::Preempted, note, now, Actor::Engine, out);
        }
    }

    /// How many executions have not ended.
    pub fn running_executions(&self) -> usize {
        self.executions.iter().count()
    }
}
