//! What slots bring: words of init, output of agents, ends, and connections to the ports of the policy; and what time
//! brings.

use std::os::fd::AsFd;

use rustix::event::epoll::{self, EventFlags};

use super::super::message::Reply;
use super::super::run::{Gone, NEVER, Run, Stage, Verdict, not_executed};
use super::super::sys;
use super::super::watch::{self, DiskUsage};
use super::{Server, Source, key, notice};
use crate::domain::cage::SEARCH_PATH;
use crate::domain::link::Report;
use crate::domain::spool::Stream;
use crate::domain::{Outcome, OutcomeKind, Severity};

/// How many reads one slot's output gets in a turn.
const READS_PER_TURN: usize = 4;
/// How long the rest of an execution may take to die before init is killed.
pub(super) const KILL_US: u64 = 3_000_000;
/// How long init may take to die before the execution is given up as stuck.
const DOOM_US: u64 = 5_000_000;
/// Between SIGTERM and SIGKILL when the worker ends an execution of its own accord.
const GRACE_US: u64 = 2_000_000;
/// Between two looks at limits that the kernel does not hold.
const WATCH_DISK_US: u64 = 250_000;
const WATCH_PROCESSES_US: u64 = 100_000;

impl Server {
    pub(super) fn read_init(&mut self, index: usize, flags: EventFlags) {
        let Some(slot) = self.slots.get_mut(&index) else { return };
        if flags.contains(EventFlags::OUT) && !slot.send_rest() {
            let _ = epoll::modify(&self.epoll, &slot.socket, key(Source::Socket, index), EventFlags::IN);
        }
        for reply in slot.replies() {
            self.heed(index, reply);
        }
        // A closed socket stays readable for ever; the pidfd tells of the end.
        if flags.contains(EventFlags::HUP)
            && let Some(slot) = self.slots.get(&index)
        {
            self.unwatch(&slot.socket);
        }
    }

    fn heed(&mut self, index: usize, reply: Reply) {
        let Some(slot) = self.slots.get_mut(&index) else { return };
        let current = slot.run.as_ref().map(|run| run.number);
        match reply {
            Reply::Ready => {
                slot.ready = true;
                let cage = slot.cage;
                self.listen(index);
                self.report_cage(cage);
            }
            Reply::NotExecuted { number, errno, workdir } if current == Some(number) => {
                let Some(run) = &mut slot.run else { return };
                let path = run.start.env.get("PATH").map_or(SEARCH_PATH, String::as_str);
                if let Some(agent) = run.agent.take_if(|_| run.taking_difference) {
                    run.taking_difference = false;
                    let shell = ["/bin/sh".to_owned()];
                    run.difference_failure = Some(not_executed(&run.start, &shell, path, errno, workdir));
                    self.gather(index, agent);
                } else if let Some(agent) = run.agent.take() {
                    let command = run.start.verify.commands.get(run.checks_done).map(Vec::as_slice).unwrap_or_default();
                    run.check_failure = Some(not_executed(&run.start, command, path, errno, workdir));
                    self.gather(index, agent);
                } else {
                    let message = not_executed(&run.start, &run.start.command, path, errno, workdir);
                    let outcome = Outcome { exit_code: Some(127), ..Outcome::new(OutcomeKind::NotStarted, message) };
                    self.end_run(index, outcome, vec![]);
                }
            }
            Reply::Lingering { number } if current == Some(number) => {
                self.advance(index, Stage::Killed, KILL_US);
            }
            Reply::Gone { number, status, cpu_us, peak_kib, started, dirty } if current == Some(number) => {
                slot.stale |= dirty;
                let (memory_kills, refused_forks) = slot.breaches();
                if let Some(run) = &mut slot.run {
                    run.started_at.get_or_insert(crate::domain::Timestamp::from_micros(started));
                }
                let status = Some(status);
                self.everything_gone(index, Gone { status, cpu_us, peak_kib, memory_kills, refused_forks });
            }
            // The text of `Broken` is kept for init's end, which follows; the others are about an execution that was given
            // up meanwhile.
            Reply::Broken(_) | Reply::NotExecuted { .. } | Reply::Lingering { .. } | Reply::Gone { .. } => {}
        }
    }

    /// Reads what has been printed, up to a bound.
    pub(super) fn read_output(&mut self, index: usize, is_err: bool) {
        for _ in 0..READS_PER_TURN {
            if self.read_once(index, is_err).is_none() {
                break;
            }
        }
        if self.slots.get(&index).is_some_and(|slot| slot.stale && slot.run.is_none()) {
            self.retire(index);
        }
        self.after_output(index);
    }

    /// Reads once: how many bytes there were; `None` when there is no more.
    pub(super) fn read_once(&mut self, index: usize, is_err: bool) -> Option<usize> {
        let slot = self.slots.get_mut(&index)?;
        let count = match rustix::io::read(slot.pipe(usize::from(is_err)), &mut self.buffer[..]) {
            Ok(0) => {
                // Every writer is gone, init included.
                self.unwatch_pipe(index, is_err);
                return None;
            }
            Ok(count) => count,
            Err(rustix::io::Errno::INTR) => return Some(0),
            Err(_) => return None,
        };
        let bytes = &self.buffer[..count];
        let Some(run) = slot.run.as_mut().filter(|run| run.gone.is_none()) else {
            // Nothing runs here, so somebody else has the stream: what runs here next would be held to its words.
            slot.stale = true;
            return Some(count);
        };
        let stream = if is_err { Stream::Err } else { Stream::Out };
        run.spool.write(stream, sys::now(), bytes);
        // What a command prints that verifies an agent is not the agent's word.
        if run.agent.is_none() {
            run.output.feed(is_err, sys::monotonic(), bytes);
        }
        if !is_err && run.agent.is_none() {
            let before = run.listener.said.progress;
            run.listener.feed(bytes);
            if run.listener.said.progress > before {
                run.output.made_headway();
            }
        }
        if let Some(error) = run.spool.take_failure() {
            let text = format!("output of execution {} cannot be kept: {error}", run.id());
            self.report(notice(Severity::Error, text));
        }
        Some(count)
    }

    fn unwatch_pipe(&self, index: usize, is_err: bool) {
        if let Some(slot) = self.slots.get(&index) {
            let _ = epoll::delete(&self.epoll, slot.pipe(usize::from(is_err)));
        }
    }

    /// Acts on what an agent has said: figures for people, and tokens over the limit.
    pub(super) fn after_output(&mut self, index: usize) {
        let Some(run) = self.slots.get_mut(&index).and_then(|slot| slot.run.as_mut()) else { return };
        if run.listener.said.changed && run.sample_at == NEVER {
            let now = sys::monotonic();
            let sample = run.take_sample(now);
            let next = run.sample_at;
            if let Some(sample) = sample {
                self.link.sample(sample);
            }
            self.wake(next);
        }
        self.check_tokens(index);
    }

    /// Counts what an execution has reported since this was last done, and whether its cage has used too much lately.
    fn count_tokens(&mut self, index: usize) -> Option<String> {
        let run = self.slots.get_mut(&index)?.run.as_mut()?;
        let used = run.listener.said.tokens_used?;
        let cage = self.cages.get_mut(&run.start.cage_id)?;
        let limit = cage.spec.limits.tokens?;
        let span = limit.per?.as_micros().unsigned_abs();
        let new = used.saturating_sub(run.tokens_counted);
        run.tokens_counted = used.max(run.tokens_counted);
        let lately = cage.tokens.add(new, sys::monotonic(), span);
        (lately > limit.tokens).then(|| format!("the cage's agents have reported {lately} tokens, {limit} are allowed"))
    }

    fn check_tokens(&mut self, index: usize) {
        if let Some(verdict) = self.token_verdict(index) {
            self.condemn(index, verdict, Stage::Killed, KILL_US);
        }
    }

    /// Whether an execution has reported more tokens than it, or its cage lately, may use.
    pub(super) fn token_verdict(&mut self, index: usize) -> Option<Verdict> {
        let verdict = |message| Verdict { kind: OutcomeKind::LimitExceeded, limit: Some("tokens"), message };
        if let Some(message) = self.count_tokens(index) {
            return Some(verdict(message));
        }
        let run = self.slots.get(&index)?.run.as_ref()?;
        let per_execution = self
            .cages
            .get(&run.start.cage_id)
            .and_then(|cage| cage.spec.limits.tokens)
            .filter(|limit| limit.per.is_none())
            .map(|limit| limit.tokens);
        let limit = [run.start.tokens, per_execution].into_iter().flatten().min();
        let (limit, used) = (limit?, run.listener.said.tokens_used?);
        (used > limit).then(|| verdict(format!("{used} tokens were reported, {limit} are allowed")))
    }

    /// Init has ended, and its whole namespace with it.
    pub(super) fn init_ended(&mut self, index: usize) {
        let Some(slot) = self.slots.get_mut(&index) else { return };
        // What it wrote last may explain.
        let replies = slot.replies();
        let (ready, cage) = (slot.ready, slot.cage);
        for reply in replies {
            self.heed(index, reply);
        }
        let Some(slot) = self.slots.get_mut(&index) else { return };
        sys::reap(slot.pidfd.as_fd());
        slot.doomed = true;
        let broken = slot.broken.clone();
        let (memory_kills, refused_forks) = slot.breaches();
        let Some(run) = &slot.run else {
            self.retire(index);
            if let Some(why) = broken.filter(|_| !ready) {
                self.report(notice(Severity::Error, format!("cage {cage} cannot be set up: {why}")));
            }
            self.fill(cage);
            return;
        };
        if run.gone.is_some() {
            // Its artifacts are being collected; the slot goes after that.
            self.unwatch_exit(index);
            return;
        }
        self.unwatch_exit(index);
        if let Some(why) = broken.filter(|_| !ready) {
            self.end_run(index, Outcome::new(OutcomeKind::CageFailed, why), vec![]);
        } else {
            let gone = Gone { status: None, cpu_us: 0, peak_kib: 0, memory_kills, refused_forks };
            self.everything_gone(index, gone);
        }
    }

    fn unwatch_exit(&self, index: usize) {
        if let Some(slot) = self.slots.get(&index) {
            self.unwatch(&slot.pidfd);
        }
    }

    /// Looks at every execution whose time has come and works out when the next one's will.
    pub(super) fn tick(&mut self) {
        let now = sys::monotonic();
        let due: Vec<usize> = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.run.as_ref().is_some_and(|run| run.gone.is_none() && run.next_wake() <= now))
            .map(|(index, _)| *index)
            .collect();
        for index in due {
            self.tick_one(index, now);
        }
        self.end_overdue_errands(now);
        let running = self.slots.values().filter_map(|slot| slot.run.as_ref()).filter(|run| run.gone.is_none());
        self.wake_at = running.map(Run::next_wake).min().unwrap_or(NEVER).min(self.errands.next_due());
    }

    fn tick_one(&mut self, index: usize, now: u64) {
        let Some(slot) = self.slots.get_mut(&index) else { return };
        let started = slot.started();
        let Some(run) = &mut slot.run else { return };
        let mut reports = vec![];
        if run.report_start_at <= now {
            run.report_start_at = match started {
                Some(time) => {
                    run.started_at = Some(time);
                    reports.push((time, Report::Started { execution_id: run.id() }));
                    NEVER
                }
                None => now + 5_000,
            };
        }
        if run.sample_at <= now {
            run.sample_at = NEVER;
            if let Some(sample) = run.take_sample(now) {
                self.link.sample(sample);
            }
        }
        for (time, report) in reports {
            self.link.report(time, report);
        }
        if run.timeout_at <= now {
            run.timeout_at = NEVER;
            let verdict = run.overtime();
            self.condemn(index, verdict, Stage::Asked, GRACE_US);
        }
        let Some(run) = self.slots.get(&index).and_then(|slot| slot.run.as_ref()) else { return };
        let (stage, watch) = (run.stage, run.watch_at <= now);
        if run.stage_until <= now {
            match stage {
                Stage::Running => {}
                Stage::Asked => self.advance(index, Stage::Killed, KILL_US),
                Stage::Killed => self.advance(index, Stage::Doomed, DOOM_US),
                Stage::Doomed => {
                    self.give_up(index);
                    return;
                }
            }
        }
        if watch {
            self.watch(index, now);
        }
    }

    /// Samples what the kernel does not hold.
    fn watch(&mut self, index: usize, now: u64) {
        let (memory_held, pids_held) = (self.around.cgroups.holds_memory(), self.around.cgroups.holds_pids());
        let Some(slot) = self.slots.get_mut(&index) else { return };
        let (Some(run), Some(cage)) = (&mut slot.run, self.cages.get_mut(&slot.cage)) else { return };
        let limits = &cage.spec.limits;
        let mut broken = None;
        let mut next = NEVER;
        if let Some(limit) = limits.disk {
            let usage =
                run.disk.get_or_insert_with(|| DiskUsage::begin(vec![cage.work.clone(), slot.artifacts.clone()]));
            let complete = usage.step();
            let bytes = usage.bytes();
            // What former executions left is first seen in full, before anybody is blamed for it.
            let unknown = cage.overfull && run.disk_before.is_none();
            if !unknown && bytes > run.disk_before.unwrap_or(0).max(limit.get()) {
                cage.overfull = true;
                let used = crate::domain::Bytes::new(bytes).human();
                let text = format!(
                    "its folders hold {used} in {} files and folders, which count as 4KiB at least, {} are allowed; a task in \
                     this cage may remove what is too much as long as it adds nothing (menagerie run --cage {} -- find . \
                     -mindepth 1 -delete removes everything), or raise the limit",
                    usage.entries(),
                    limit.human(),
                    slot.cage
                );
                broken = Some(("disk", text));
            } else if usage.is_lost() {
                let text = "folders in its folders are nested deeper than any path can name and were moved while they were \
                            measured; whoever nests so deeply has to leave them where they are";
                broken = Some(("disk", text.to_owned()));
            }
            if complete {
                run.disk = None;
                if unknown {
                    run.disk_before = Some(bytes);
                }
                cage.overfull &= bytes > limit.get();
            }
            next = now + if complete { WATCH_DISK_US } else { 2_000 };
        }
        let memory = limits.memory.filter(|_| !memory_held);
        let pids = limits.pids.filter(|_| !pids_held);
        if memory.is_some() || pids.is_some() {
            let (count, bytes) = watch::descendants(slot.pid);
            if let Some(limit) = memory.filter(|limit| bytes > limit.get()) {
                let used = crate::domain::Bytes::new(bytes).human();
                broken = Some(("memory", format!("{used} of memory were in use, {} are allowed", limit.human())));
            }
            if let Some(limit) = pids.filter(|limit| count > *limit) {
                broken = Some(("pids", format!("{count} processes were there, {limit} are allowed")));
            }
            next = next.min(now + WATCH_PROCESSES_US);
        }
        run.watch_at = next;
        if let Some((limit, message)) = broken {
            run.watch_at = NEVER;
            let verdict = Verdict { kind: OutcomeKind::LimitExceeded, limit: Some(limit), message };
            self.condemn(index, verdict, Stage::Killed, KILL_US);
        }
    }
}
