//! How executions and slots come to their ends: asked, killed, doomed, given up; then the last output, the artifacts,
//! the report.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, EventFlags};

use super::super::artifacts::{self, Collected, Collector};
use super::super::run::{Gone, NEVER, Stage, Verdict, signal_for};
use super::super::runtime::said::Announced;
use super::super::{log, sys};
use super::events::KILL_US;
use super::{Known, Server, Source, key, notice};
use crate::domain::artifact::FoundArtifact;
use crate::domain::link::Report;
use crate::domain::{Outcome, Severity};

/// How long the end of everything may take when the worker leaves.
const LEAVE_WAIT: Duration = Duration::from_secs(5);
/// What a pipe holds unless it is made larger, in bytes.
const PIPE_BYTES: usize = 64 << 10;

impl Server {
    /// Ends an execution for a reason. The first reason stays; a harsher stage replaces a milder one.
    pub(super) fn condemn(&mut self, index: usize, verdict: Verdict, stage: Stage, grace_us: u64) {
        let Some(slot) = self.slots.get_mut(&index) else { return };
        // An init that is still building its sandbox hears no signals; nothing of the execution runs yet.
        let stage = if slot.ready { stage } else { Stage::Doomed };
        let Some(run) = slot.run.as_mut().filter(|run| run.gone.is_none()) else { return };
        run.verdict.get_or_insert(verdict);
        self.advance(index, stage, if stage == Stage::Asked { grace_us } else { KILL_US });
    }

    /// Goes on to a harsher stage, which lasts at most `for_us`.
    pub(super) fn advance(&mut self, index: usize, stage: Stage, for_us: u64) {
        let Some(slot) = self.slots.get_mut(&index) else { return };
        let Some(run) = &mut slot.run else { return };
        if run.stage as u8 >= stage as u8 {
            return;
        }
        run.stage = stage;
        run.stage_until = sys::monotonic().saturating_add(for_us);
        let until = run.stage_until;
        if stage == Stage::Doomed {
            slot.doom();
        } else if let Some(signal) = signal_for(stage) {
            sys::signal_held(slot.pidfd.as_fd(), signal);
        }
        self.wake(until);
    }

    /// Everything that an execution started is gone: takes its last output, and goes on to what verifies it, if there is
    /// such, or to what it has left.
    pub(super) fn everything_gone(&mut self, index: usize, gone: Gone) {
        for is_err in [false, true] {
            self.drain(index, is_err);
        }
        self.orphan_relays(index);
        let Some(slot) = self.slots.get_mut(&index) else { return };
        let Some(run) = &mut slot.run else { return };
        run.listener.end();
        // What it said last counts as well, even if it has ended by itself since.
        let verdict = self.token_verdict(index);
        let Some(slot) = self.slots.get_mut(&index) else { return };
        let Some(run) = &mut slot.run else { return };
        run.verdict = run.verdict.take().or(verdict);
        if let Some(gone) = self.verify(index, gone) {
            self.gather(index, gone);
        }
    }

    /// Reads what an execution has left in one of its pipes, and no more than a pipe holds: an agent may have handed its
    /// stream over a socket to somebody who lives on and never ceases. A slot whose pipe brings more is built anew.
    fn drain(&mut self, index: usize, is_err: bool) {
        let (mut taken, mut room) = (0, PIPE_BYTES);
        while let Some(count) = self.read_once(index, is_err) {
            taken += count;
            if taken <= room {
                continue;
            }
            // More than pipes hold as a rule; an agent may have made this one larger.
            let Some(slot) = self.slots.get_mut(&index) else { return };
            let holds = rustix::pipe::fcntl_getpipe_size(slot.pipe(usize::from(is_err))).unwrap_or(0);
            if room > PIPE_BYTES || taken > holds {
                slot.stale = true;
                if let Some(run) = &mut slot.run {
                    run.add_remark("something that outlives it goes on writing to its output; the slot is built anew");
                }
                return;
            }
            room = holds;
        }
    }

    /// Takes what an execution has left, once there is nothing more to be done about it.
    pub(super) fn gather(&mut self, index: usize, gone: Gone) {
        let Some(slot) = self.slots.get_mut(&index) else { return };
        let Some(run) = &mut slot.run else { return };
        run.gone = Some(gone);
        if let Some(complaint) = run.listener.said.complaint() {
            run.spool.note(sys::now(), &complaint);
            run.add_remark(&complaint);
        }
        if let Some(remark) = run.listener.said.misnamed() {
            run.spool.note(sys::now(), &remark);
        }
        self.find_difference(index);
        let Some(slot) = self.slots.get_mut(&index) else { return };
        let Some(run) = &mut slot.run else { return };
        let mut announced = std::mem::take(&mut run.listener.said.announced);
        if let Some(difference) = &run.difference {
            announced.insert(0, Announced::difference(difference.clone()));
        }
        if !announced.is_empty() || artifacts::has_entries(&slot.artifacts_fd) {
            let work = self.cages.get(&slot.cage).map(|cage| cage.work.clone()).unwrap_or_default();
            run.collector = Some(Collector::begin(&self.around.data_dir, run.id(), &slot.artifacts, &work, announced));
        }
        if run.collector.is_some() {
            self.collecting.push(index);
        } else {
            self.conclude(index, vec![]);
        }
    }

    /// Does a piece of the collecting that is under way.
    pub(super) fn collect(&mut self) {
        let mut waiting = std::mem::take(&mut self.collecting);
        waiting.retain(|index| {
            let Some(slot) = self.slots.get_mut(index) else { return false };
            let Some(run) = &mut slot.run else { return false };
            let complete = run.collector.as_mut().is_none_or(Collector::step);
            if !complete {
                return true;
            }
            let Some(Collected { found, left_out, removed, is_emptied }) = run.collector.take().map(Collector::finish)
            else {
                return false;
            };
            if left_out > 0 {
                let text = "were no regular files, could not be read, or were too many or too large";
                run.add_remark(&format!("{left_out} artifacts were left out: they {text}"));
            }
            // What could not be taken out is moved away with the folder when the slot is built anew.
            slot.stale |= !is_emptied;
            if !removed.is_empty() {
                self.clear(removed);
            }
            if found.iter().any(|artifact| artifact.path.is_some()) {
                self.keep(*index, found);
            } else {
                self.conclude(*index, found);
            }
            false
        });
        self.collecting.append(&mut waiting);
    }

    /// Judges an execution and reports it.
    pub(super) fn conclude(&mut self, index: usize, mut found: Vec<FoundArtifact>) {
        let Some(slot) = self.slots.get_mut(&index) else { return };
        let (cage, Some(run)) = (slot.cage, slot.run.as_mut()) else { return };
        let Some(gone) = run.gone else { return };
        if run.difference.is_some() && !found.iter().any(|artifact| artifact.difference.is_some()) {
            run.difference_failure.get_or_insert_with(|| "it is too large".to_owned());
        }
        // The last remark of the agent, before the end that follows it.
        let sample = run.take_sample(NEVER / 2);
        let mut outcome = run.outcome(&gone, found.iter().map(|artifact| artifact.kind));
        // What a process had resident counts shared pages too, which may be charged to others; the cage was never charged more
        // than this.
        let charged = self.cages.get(&cage).and_then(|cage| cage.group.as_ref()?.memory_peak());
        if let (Some(peak), Some(charged)) = (&mut outcome.usage.memory_peak, charged) {
            *peak = charged.min(*peak);
        }
        if !outcome.succeeded() {
            // What a failed attempt has changed is worth reading, and nothing that anybody should merge.
            found.iter_mut().filter_map(|artifact| artifact.difference.as_mut()).for_each(|one| one.merge = None);
        }
        if let Some(sample) = sample {
            self.link.sample(sample);
        }
        self.end_run(index, outcome, found);
    }

    /// Reports the end of what runs in a slot, and makes the slot free or has it built anew.
    pub(super) fn end_run(&mut self, index: usize, outcome: Outcome, artifacts: Vec<FoundArtifact>) {
        let Some(slot) = self.slots.get_mut(&index) else { return };
        let Some(run) = slot.run.take() else { return };
        self.running -= 1;
        let (id, cage) = (run.id(), slot.cage);
        let worn = slot.stale || slot.doomed || slot.broken.is_some();
        if let Some(work) = self.cages.get(&cage).map(|cage| cage.work.clone()) {
            self.move_out(&run, &work);
        }
        self.known.insert(id, Known::Ended);
        log::ended(&run.start, &outcome);
        let outcome = Box::new(outcome);
        self.report(Report::Ended { execution_id: id, started_at: run.started_at, outcome, artifacts });
        let surplus = self.cages.get(&cage).is_none_or(|known| !known.places.contains(&Some(index)));
        if worn || surplus {
            self.retire(index);
        }
        self.fill(cage);
    }

    /// A process cannot be ended: what ran is reported all the same, and the slot is replaced.
    pub(super) fn give_up(&mut self, index: usize) {
        let Some(slot) = self.slots.get_mut(&index) else { return };
        let (memory_kills, refused_forks) = slot.breaches();
        let (cage, place, pid) = (slot.cage, slot.place, slot.pid);
        let Some(run) = &mut slot.run else { return };
        let what = "a process of it cannot be ended (it is in an uninterruptible call); it stays in the cage's account";
        run.add_remark(what);
        let text = format!(
            "execution {} in cage {cage}: {what}; slot {place} is replaced, its init is process {pid}",
            run.id()
        );
        self.report(notice(Severity::Critical, text));
        self.everything_gone(index, Gone { status: None, cpu_us: 0, peak_kib: 0, memory_kills, refused_forks });
    }

    /// Takes a slot out of service. Its init is killed if need be and waited for in the background.
    pub(super) fn retire(&mut self, index: usize) {
        let Some(mut slot) = self.slots.remove(&index) else { return };
        if let Some(cage) = self.cages.get_mut(&slot.cage) {
            for place in &mut cage.places {
                if *place == Some(index) {
                    *place = None;
                }
            }
        }
        self.close_ports(index);
        self.unwatch(&slot.socket);
        self.unwatch(&slot.pidfd);
        for pipe in 0..2 {
            let _ = epoll::delete(&self.epoll, slot.pipe(pipe));
        }
        slot.doom();
        let watched = epoll::add(&self.epoll, &slot.pidfd, key(Source::Dying, index), EventFlags::IN);
        if watched.is_ok() {
            self.dying.insert(index, slot);
        }
    }

    /// Ends all executions and waits, within bounds, until they are gone; then tells the engine.
    pub(super) fn end_everything(&mut self) {
        let deadline = Instant::now() + LEAVE_WAIT;
        for cage in self.cages.values_mut() {
            cage.queue.clear();
        }
        self.end_errands();
        let running: Vec<usize> = self.slots.keys().copied().collect();
        for index in running {
            let Some(slot) = self.slots.get_mut(&index) else { continue };
            slot.doom();
            if slot.run.is_none() {
                self.retire(index);
            }
        }
        let mut events = Vec::with_capacity(64);
        while (!self.slots.is_empty() || !self.dying.is_empty()) && Instant::now() < deadline {
            events.clear();
            let short = rustix::event::Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
            let _ = epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&short));
            for event in &events {
                let data: u64 = event.data.u64();
                let index = usize::try_from(data & ((1 << 56) - 1)).unwrap_or(usize::MAX);
                match data >> 56 {
                    source if source == Source::Exit as u64 => self.leave_run(index),
                    source if source == Source::Dying as u64 => self.take(Source::Dying, index, event.flags),
                    source if source == Source::Errand as u64 => self.errand_ended(index),
                    _ => {}
                }
            }
        }
        self.flush();
    }

    /// Reports an execution that ended because the worker leaves.
    fn leave_run(&mut self, index: usize) {
        let verdict = Verdict {
            kind: crate::domain::OutcomeKind::WorkerLost,
            limit: None,
            message: "the worker was stopped".to_owned(),
        };
        if let Some(run) = self.slots.get_mut(&index).and_then(|slot| slot.run.as_mut()) {
            run.verdict.get_or_insert(verdict);
        }
        self.init_ended(index);
        while !self.collecting.is_empty() {
            self.collect();
        }
    }
}
