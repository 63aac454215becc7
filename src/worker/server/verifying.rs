//! What verifies an execution: once its agent has ended well, and everything that it started is gone, commands of its task
//! run in the same slot, one after the other. Until the last has ended the execution is under way: it holds its slot and
//! what was allocated to it, it can be stopped, and whoever loses the worker loses the attempt.

use super::super::run::{Gone, NEVER, check_failure, clocks};
use super::Server;
use crate::domain::Activity;
use crate::domain::link::Report;

impl Server {
    /// Goes on to the next command that verifies an execution. Gives back how its agent ended once there is none, or one
    /// has failed.
    pub(super) fn verify(&mut self, index: usize, gone: Gone) -> Option<Gone> {
        let slot = self.slots.get_mut(&index)?;
        let run = slot.run.as_mut()?;
        let agent = match run.agent.take() {
            None => gone,
            Some(agent) => {
                let command = run.start.verify.commands.get(run.checks_done).map(Vec::as_slice).unwrap_or_default();
                if run.verdict.is_none() {
                    run.check_failure = if gone.status.is_some() {
                        check_failure(command, &gone)
                    } else {
                        Some(format!("the slot's init ended unexpectedly under `{}`", command.join(" ")))
                    };
                }
                run.checks_done += 1;
                agent.with_check(&gone)
            }
        };
        let left = run.checks_done < run.start.verify.commands.len();
        if !left || slot.doomed || !run.ended_well(&agent) {
            return Some(agent);
        }
        self.begin_check(index, agent);
        None
    }

    fn begin_check(&mut self, index: usize, agent: Gone) {
        let Some(slot) = self.slots.get_mut(&index) else { return };
        let number = slot.next_number();
        let Some(run) = &mut slot.run else { return };
        let ((now, time), id) = (clocks(), run.id());
        run.begin_check(agent, number, now);
        let shown = run.check().unwrap_or_default();
        run.spool.note(time, &format!("verifying: {shown}"));
        run.listener.said.does(Activity::Verifying, Some(&shown));
        let command = run.start.verify.commands.get(run.checks_done).cloned().unwrap_or_default();
        // A short agent has not been reported yet, and what verifies it may take long.
        let unreported = std::mem::replace(&mut run.report_start_at, NEVER) != NEVER;
        let (started_at, start, next) = (run.started_at, run.start.clone(), run.next_wake());
        if let Some(time) = started_at.filter(|_| unreported) {
            self.link.report(time, Report::Started { execution_id: id });
        }
        self.send_command(index, &start, &command, number);
        self.after_output(index);
        self.wake(next);
    }
}
