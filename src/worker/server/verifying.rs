//! What follows once an agent has ended and everything that it started is gone: the difference that it has made in its
//! workspace is taken and, if it has ended well, commands of its task verify it; all in the same slot, one after the other.
//! Until the last has ended the execution is under way: it holds its slot and what was allocated to it, it can be stopped,
//! and whoever loses the worker loses the attempt.

use super::super::artifacts;
use super::super::run::{Gone, NEVER, check_failure, clocks};
use super::super::workspace::{self, difference};
use super::Server;
use crate::domain::link::{Report, Start};
use crate::domain::{Activity, Difference};

impl Server {
    /// Goes on to what follows the end of an agent. Gives back how it ended once there is nothing more to do, or something
    /// has failed.
    pub(super) fn verify(&mut self, index: usize, gone: Gone) -> Option<Gone> {
        let slot = self.slots.get_mut(&index)?;
        let run = slot.run.as_mut()?;
        // A slot whose init is gone runs nothing any more.
        let stands = gone.status.is_some() && !slot.doomed;
        let agent = match run.agent.take() {
            None => gone,
            Some(agent) if run.taking_difference => {
                run.difference_taken(&gone);
                agent.with_check(&gone)
            }
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
        if run.wants_difference() {
            if stands {
                self.begin_difference(index, agent);
                return None;
            }
            run.difference_failure = Some("its slot is gone".to_owned());
        }
        let left = run.checks_done < run.start.verify.commands.len();
        if !left || slot.doomed || !run.ended_well(&agent) {
            return Some(agent);
        }
        self.begin_check(index, agent);
        None
    }

    fn begin_difference(&mut self, index: usize, agent: Gone) {
        let Some(slot) = self.slots.get_mut(&index) else { return };
        let number = slot.next_number();
        let Some(run) = &mut slot.run else { return };
        run.begin_difference(agent, number, clocks().0);
        let mut start = run.start.clone();
        let base = start.workspace.as_ref().map(|workspace| workspace.base.clone()).unwrap_or_default();
        start.workdir = None;
        self.begin_step(index, &start, &difference::command(&base), number);
    }

    fn begin_check(&mut self, index: usize, agent: Gone) {
        let Some(slot) = self.slots.get_mut(&index) else { return };
        let number = slot.next_number();
        let Some(run) = &mut slot.run else { return };
        let (now, time) = clocks();
        run.begin_check(agent, number, now);
        let shown = run.check().unwrap_or_default();
        run.spool.note(time, &format!("verifying: {shown}"));
        run.listener.said.does(Activity::Verifying, Some(&shown));
        let command = run.start.verify.commands.get(run.checks_done).cloned().unwrap_or_default();
        let start = run.start.clone();
        self.begin_step(index, &start, &command, number);
    }

    fn begin_step(&mut self, index: usize, start: &Start, command: &[String], number: u64) {
        let Some(run) = self.slots.get_mut(&index).and_then(|slot| slot.run.as_mut()) else { return };
        // A short agent has not been reported yet, and what follows may take long.
        let unreported = std::mem::replace(&mut run.report_start_at, NEVER) != NEVER;
        let (id, started_at, next) = (run.id(), run.started_at, run.next_wake());
        if let Some(time) = started_at.filter(|_| unreported) {
            self.link.report(time, Report::Started { execution_id: id });
        }
        self.send_command(index, start, command, number);
        self.after_output(index);
        self.wake(next);
    }

    /// Takes up the difference that was left in the artifact folder: what is known of it goes with the file.
    pub(super) fn find_difference(&mut self, index: usize) {
        let Some(slot) = self.slots.get_mut(&index) else { return };
        let Some(run) = &mut slot.run else { return };
        let Some(workspace) = run.start.workspace.as_ref().filter(|_| run.difference_done) else { return };
        let statistics = artifacts::take_note(&slot.artifacts, difference::STATISTICS);
        if run.difference_failure.is_some() {
            return;
        }
        run.difference = difference::describe(workspace, &statistics.unwrap_or_default());
        if run.difference.is_none() {
            // The file is there and empty.
            artifacts::take_note(&slot.artifacts, difference::FILE);
        }
        let changed = run.difference.as_ref().map_or_else(|| "nothing".to_owned(), Difference::phrase);
        run.spool.note(clocks().1, &format!("changed: {changed}"));
    }

    /// Where the copy lies that an execution works on, as the agent sees it.
    pub(super) fn workspace_of(&self, start: &Start) -> Option<String> {
        start.workspace.as_ref()?;
        let cage = self.cages.get(&start.cage_id)?;
        Some(cage.work.join(workspace::name(start.execution_id)).to_string_lossy().into_owned())
    }
}
