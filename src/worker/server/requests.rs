//! What the engine asks for.

use super::super::artifacts;
use super::super::cage::Cage;
use super::super::cgroup::Cgroups;
use super::super::gpu::Devices;
use super::super::message::Request;
use super::super::run::{Run, Stage, Verdict, clocks};
use super::super::slot::Slot;
use super::super::{log, sys, workspace};
use super::{Known, Server, Source, key, notice};
use crate::domain::cage::SEARCH_PATH;
use crate::domain::link::{FromWorker, LINK_VERSION, Report, Start, ToWorker};
use crate::domain::trace::traceparent;
use crate::domain::{CageId, CageSpec, ExecutionId, Outcome, OutcomeKind, Severity, Span};
use rustix::event::epoll;

impl Server {
    pub(super) fn request(&mut self, message: ToWorker) {
        match message {
            ToWorker::Hello { version } => self.greet(version),
            ToWorker::Cage { spec, slots } => self.declare(spec, slots),
            ToWorker::Probe { cage_id } => self.probe(cage_id),
            ToWorker::RemoveCage { cage_id } => self.remove(cage_id),
            ToWorker::Start(start) => self.begin(start),
            ToWorker::Stop { execution_id, reason, grace } => self.stop(execution_id, reason, grace),
            ToWorker::Ack { number } => {
                for id in self.link.acknowledge(number) {
                    self.known.remove(&id);
                }
            }
            ToWorker::Merge(order) => self.merge(order),
            ToWorker::Watch { interval_ms, while_busy } => self.set_watch(interval_ms, while_busy),
            ToWorker::Processes { request, cage_id } => self.list_processes(request, cage_id),
            ToWorker::Shutdown { kill } => {
                if kill || !self.is_busy() {
                    self.leaving = true;
                } else {
                    let count = self.known.values().filter(|known| **known != Known::Ended).count();
                    let message =
                        format!("the worker stays: {count} executions are under way; end them, or stop with kill");
                    self.report(notice(Severity::Warning, message));
                }
            }
        }
    }

    fn greet(&mut self, version: u32) {
        let mut executions: Vec<ExecutionId> =
            self.known.iter().filter(|(_, known)| **known != Known::Ended).map(|(id, _)| *id).collect();
        executions.extend(self.link.ended());
        executions.sort_unstable();
        let hello = FromWorker::Hello {
            version: LINK_VERSION,
            incarnation: self.incarnation,
            pid: std::process::id(),
            node: sys::host_name(),
            capacity: self.capacity(),
            metadata: self.metadata(),
            executions,
        };
        self.link.greet(&hello);
        if version != LINK_VERSION {
            self.link.flush();
            self.link.disconnect();
        }
    }

    fn declare(&mut self, spec: CageSpec, slots: u32) {
        let id = spec.id;
        let slots = slots.max(1);
        let Some(cage) = self.cages.get_mut(&id) else {
            self.cages.insert(id, Cage::new(spec, slots, &self.around));
            return;
        };
        if cage.spec == spec && cage.slots == slots {
            return;
        }
        if cage.spec.read != spec.read || cage.spec.write != spec.write {
            cage.forget_grants();
        }
        // What an init has built around itself cannot be changed; what the groups hold can.
        let same_sandbox = cage.spec.network == spec.network
            && cage.spec.read == spec.read
            && cage.spec.write == spec.write
            && cage.spec.limits.disk == spec.limits.disk
            && cage.spec.limits.gpu == spec.limits.gpu
            && cage.tmp_bytes() == Cage::new(spec.clone(), slots, &self.around).tmp_bytes();
        (cage.spec, cage.slots, cage.prepared, cage.reported) = (spec, slots, false, false);
        let set = cage.group.as_ref().map_or(Ok(()), |group| group.set_limits(&cage.spec.limits, slots));
        let surplus = cage.places.get(slots as usize..).unwrap_or_default();
        let affected = if same_sandbox { surplus } else { &cage.places };
        let affected: Vec<usize> = affected.iter().flatten().copied().collect();
        if let Err(error) = set {
            self.report(notice(Severity::Error, format!("cage {id}: new limits were not taken: {error}")));
        }
        for index in affected {
            self.renew(index);
        }
        let standing = self.cages.get(&id).is_some_and(|cage| {
            cage.places.iter().flatten().any(|index| self.slots.get(index).is_some_and(|slot| slot.ready))
        });
        if standing {
            self.report_cage(id);
        }
        self.fill(id);
    }

    /// Has a slot built anew: now when it is free, else after its execution.
    pub(super) fn renew(&mut self, index: usize) {
        let Some(slot) = self.slots.get_mut(&index) else { return };
        slot.stale = true;
        if slot.run.is_none() {
            self.retire(index);
        }
    }

    fn probe(&mut self, id: CageId) {
        let Some(cage) = self.cages.get_mut(&id) else {
            self.report(notice(Severity::Error, format!("cage {id} was not declared to this worker")));
            return;
        };
        cage.reported = false;
        if let Some(index) = cage.places.iter().flatten().next().copied()
            && self.slots.get(&index).is_some_and(|slot| slot.ready)
        {
            self.report_cage(id);
        } else if let Err(why) = self.slot_for(id) {
            self.report(notice(Severity::Error, format!("cage {id} cannot be set up: {why}")));
        }
    }

    fn remove(&mut self, id: CageId) {
        let Some(mut cage) = self.cages.remove(&id) else { return };
        self.watch.forget(id);
        for start in cage.queue.drain(..) {
            let outcome = Outcome::new(OutcomeKind::Cancelled, format!("cage {id} was removed"));
            self.end_unstarted(start.execution_id, outcome);
        }
        for index in cage.places.iter().flatten() {
            let verdict =
                Verdict { kind: OutcomeKind::Cancelled, limit: None, message: format!("cage {id} was removed") };
            if self.slots.get(index).is_some_and(|slot| slot.run.is_some()) {
                if let Some(slot) = self.slots.get_mut(index) {
                    slot.stale = true;
                }
                self.condemn(*index, verdict, Stage::Killed, 0);
            } else {
                self.retire(*index);
            }
        }
    }

    fn begin(&mut self, start: Box<Start>) {
        if self.known.contains_key(&start.execution_id) {
            return;
        }
        let (id, cage_id) = (start.execution_id, start.cage_id);
        let Some(cage) = self.cages.get_mut(&cage_id) else {
            let why = format!("cage {cage_id} was not declared to this worker");
            self.end_unstarted(id, Outcome::new(OutcomeKind::NotStarted, why));
            return;
        };
        if start.command.is_empty() {
            let why = "neither the task nor its agent has a command; give one of them a command";
            self.end_unstarted(id, Outcome::new(OutcomeKind::NotStarted, why));
            return;
        }
        if start.workspace.is_some() {
            self.prepare_workspace(start);
            return;
        }
        cage.queue.push_back(start);
        self.known.insert(id, Known::Queued);
        self.fill(cage_id);
    }

    /// Starts what waits for a slot of a cage, as far as there are slots.
    pub(super) fn fill(&mut self, id: CageId) {
        while self.cages.get(&id).is_some_and(|cage| !cage.queue.is_empty()) {
            match self.slot_for(id) {
                Ok(Some(_)) if self.used_up(id).is_some() => {
                    let message = self.used_up(id).unwrap_or_default();
                    if let Some(start) = self.cages.get_mut(&id).and_then(|cage| cage.queue.pop_front()) {
                        let limit = Some("tokens".to_owned());
                        let outcome = Outcome { limit, ..Outcome::new(OutcomeKind::LimitExceeded, message) };
                        self.end_unstarted(start.execution_id, outcome);
                    }
                }
                Ok(Some(index)) => {
                    if let Some(start) = self.cages.get_mut(&id).and_then(|cage| cage.queue.pop_front()) {
                        self.hand_over(index, start);
                    }
                }
                Ok(None) => return,
                Err(why) => {
                    let meant = self.cages.get_mut(&id).map(|cage| std::mem::take(&mut cage.queue)).unwrap_or_default();
                    for start in meant {
                        self.end_unstarted(start.execution_id, Outcome::new(OutcomeKind::CageFailed, &why));
                    }
                }
            }
        }
    }

    /// Why nothing may start in a cage for want of tokens.
    fn used_up(&mut self, id: CageId) -> Option<String> {
        let cage = self.cages.get_mut(&id)?;
        let limit = cage.spec.limits.tokens?;
        let now = sys::monotonic();
        let lately = cage.tokens.add(0, now, limit.per?.as_micros().unsigned_abs());
        (lately >= limit.tokens).then(|| {
            let seconds = cage.tokens.relief(now).div_ceil(1_000_000);
            format!(
                "cage {id} may use {limit} tokens, and {lately} were reported: the first of them are forgotten in \
                 {seconds} s; try again then, or raise the cage's limit"
            )
        })
    }

    /// Makes a cage's folders and groups, if that has not been done.
    pub(super) fn prepare_cage(&mut self, id: CageId) -> std::io::Result<()> {
        let Some(cage) = self.cages.get(&id) else { return Ok(()) };
        let others = self.cages.values().filter(|_| !cage.granted);
        let writable: Vec<_> = others.flat_map(|cage| cage.writable(&self.around)).collect();
        self.cages.get_mut(&id).map_or(Ok(()), |cage| cage.prepare(&self.around, &writable))
    }

    /// A slot that can take an execution, made if there is room for another; `None` when all are taken. The error says why
    /// the cage cannot be set up.
    fn slot_for(&mut self, id: CageId) -> Result<Option<usize>, String> {
        let Some(cage) = self.cages.get_mut(&id) else { return Ok(None) };
        if cage.look_again() {
            let standing: Vec<usize> = cage.places.iter().flatten().copied().collect();
            for index in standing {
                self.renew(index);
            }
        }
        let Some(cage) = self.cages.get_mut(&id) else { return Ok(None) };
        let slots = &self.slots;
        let free = |index: &usize| slots.get(index).is_some_and(Slot::is_free);
        let width = cage.slots as usize;
        if let Some(index) = cage.places.iter().take(width).flatten().copied().find(free) {
            return Ok(Some(index));
        }
        cage.places.resize(width.max(cage.places.len()), None);
        let Some(place) = cage.places.iter().take(width).position(Option::is_none) else { return Ok(None) };
        let fail = |error: std::io::Error| error.to_string();
        self.prepare_cage(id).map_err(fail)?;
        let place_number = u32::try_from(place).unwrap_or(u32::MAX);
        self.next_index += 1;
        let index = self.next_index;
        self.clear_slot(id, place_number, index).map_err(fail)?;
        let Some(cage) = self.cages.get_mut(&id) else { return Ok(None) };
        let wanted = cage.spec.limits.gpu.unwrap_or(0) as usize;
        let gpus = least_used(wanted, &self.around.gpus, self.slots.values());
        let slot = Slot::start(cage, place_number, index, gpus, &self.around).map_err(fail)?;
        let input = epoll::EventFlags::IN;
        epoll::add(&self.epoll, &slot.socket, key(Source::Socket, index), input)
            .and_then(|()| epoll::add(&self.epoll, slot.pipe(0), key(Source::Out, index), input))
            .and_then(|()| epoll::add(&self.epoll, slot.pipe(1), key(Source::Err, index), input))
            .and_then(|()| epoll::add(&self.epoll, &slot.pidfd, key(Source::Exit, index), input))
            .map_err(|error| fail(error.into()))?;
        cage.places[place] = Some(index);
        self.slots.insert(index, slot);
        Ok(Some(index))
    }

    /// Moves away what is in the artifact folder of a slot that is about to be made: a former worker may have been killed, or
    /// what an execution left could not be taken out. It is nothing that the next one has made.
    fn clear_slot(&mut self, id: CageId, place: u32, index: usize) -> std::io::Result<()> {
        let Some(cage) = self.cages.get(&id) else { return Ok(()) };
        let folder = cage.artifacts(place);
        if !std::fs::File::open(&folder).is_ok_and(|folder| artifacts::has_entries(&folder.into())) {
            return Ok(());
        }
        let name = format!("slot-{}-{index}.left", self.incarnation);
        let away = self.around.data_dir.join(workspace::FOLDER).join(name);
        let failed = |error| std::io::Error::other(format!("{} cannot be emptied: {error}", folder.display()));
        std::fs::rename(&folder, &away).map_err(failed)?;
        self.clear(vec![away]);
        Ok(())
    }

    /// Hands an execution to a slot's init.
    fn hand_over(&mut self, index: usize, mut start: Box<Start>) {
        if let Err(error) = self.move_in(&mut start) {
            let why = format!("its workspace cannot be moved into its cage: {error}");
            self.end_unstarted(start.execution_id, Outcome::new(OutcomeKind::CageFailed, why));
            return;
        }
        let (Some(cage), Some(slot)) = (self.cages.get(&start.cage_id), self.slots.get_mut(&index)) else { return };
        let number = slot.next_number();
        let (now, _) = clocks();
        let wall = cage.spec.limits.wall.map(|wall| wall.as_micros().unsigned_abs());
        let watched = is_watched(cage, &self.around.cgroups);
        let id = start.execution_id;
        log::handed_over(&start, index);
        self.send_command(index, &start, &start.command, number);
        let mut run = Run::new(start, number, self.output.clone(), now, wall);
        if watched {
            run.watch_at = now;
        }
        let next = run.next_wake();
        if let Some(slot) = self.slots.get_mut(&index) {
            slot.run = Some(run);
        }
        self.running += 1;
        self.measure_again();
        self.known.insert(id, Known::Running(index));
        self.wake(next);
    }

    /// Has a slot's init execute a command of an execution: the agent itself, or one that verifies it. Both are given the
    /// same task, folders and variables.
    pub(super) fn send_command(&mut self, index: usize, start: &Start, command: &[String], number: u64) {
        let workspace = self.workspace_of(start);
        let (Some(cage), Some(slot)) = (self.cages.get(&start.cage_id), self.slots.get_mut(&index)) else { return };
        let mut request = Request::begin(&mut self.request, number, start.workdir.as_deref().unwrap_or_default());
        for word in command {
            request.argument(word);
        }
        let (work, artifacts) = (cage.work.to_string_lossy(), slot.artifacts.to_string_lossy());
        let mut set = |name: &str, value: &str| {
            // What the task or its agent says counts, but not about what Menagerie itself tells.
            if !start.env.contains_key(name) || name.starts_with("MENAGERIE_") {
                request.variable(name, value);
            }
        };
        set("PATH", SEARCH_PATH);
        set("HOME", &work);
        set("LANG", "C.UTF-8");
        set("TMPDIR", "/tmp");
        set("USER", "agent");
        set("MENAGERIE_TASK_ID", &start.task_id.to_string());
        set("MENAGERIE_EXECUTION_ID", &start.execution_id.to_string());
        set("MENAGERIE_AGENT", &start.agent);
        set("MENAGERIE_CAGE", &start.cage_id.to_string());
        set("MENAGERIE_TASK_FILE", "/run/menagerie/task.json");
        set("MENAGERIE_ARTIFACTS", &artifacts);
        set("MENAGERIE_WORK", &work);
        if let Some(workspace) = &workspace {
            set("MENAGERIE_WORKSPACE", workspace);
        }
        set("TRACEPARENT", &traceparent(start.task_id, start.execution_id));
        if let Some(element) = start.task.get("array_index").and_then(serde_json::Value::as_u64) {
            set("MENAGERIE_ARRAY_INDEX", &element.to_string());
        }
        if cage.spec.limits.gpu.is_some() || self.around.gpus.count() > 0 {
            set("CUDA_VISIBLE_DEVICES", &self.around.gpus.visible(&slot.gpus));
        }
        for (name, value) in start.env.iter().filter(|(name, _)| !name.starts_with("MENAGERIE_")) {
            request.variable(name, value);
        }
        let task = serde_json::to_vec(&start.task).unwrap_or_default();
        request.finish(&task);
        if slot.send(&self.request) {
            let flags = epoll::EventFlags::IN | epoll::EventFlags::OUT;
            let _ = epoll::modify(&self.epoll, &slot.socket, key(Source::Socket, index), flags);
        }
    }

    fn stop(&mut self, id: ExecutionId, reason: OutcomeKind, grace: Span) {
        let message = match reason {
            OutcomeKind::Cancelled => "cancelled".to_owned(),
            OutcomeKind::Preempted => "stopped to be queued again".to_owned(),
            other => format!("stopped by the engine as {other}"),
        };
        match self.known.get(&id) {
            Some(Known::Queued) => {
                for cage in self.cages.values_mut() {
                    cage.queue.retain(|start| start.execution_id != id);
                }
                self.end_unstarted(id, Outcome::new(reason, message));
                self.end_preparation(id);
            }
            Some(Known::Running(index)) => {
                let verdict = Verdict { kind: reason, limit: None, message };
                let grace = grace.as_micros().unsigned_abs();
                let stage = if grace == 0 { Stage::Killed } else { Stage::Asked };
                self.condemn(*index, verdict, stage, grace);
            }
            Some(Known::Ended) | None => {}
        }
    }

    /// Reports the end of an execution that never had a slot.
    pub(super) fn end_unstarted(&mut self, id: ExecutionId, outcome: Outcome) {
        self.forget_workspace(id);
        self.known.insert(id, Known::Ended);
        self.report(Report::Ended {
            execution_id: id,
            started_at: None,
            outcome: Box::new(outcome),
            artifacts: vec![],
        });
    }

    /// Reports how the limits of a cage hold, once for each declaration.
    pub(super) fn report_cage(&mut self, id: CageId) {
        let Some(cage) = self.cages.get_mut(&id).filter(|cage| !cage.reported) else { return };
        cage.reported = true;
        let enforcement = cage.enforcement(&self.around);
        self.report(Report::CageReady { cage_id: id, enforcement });
    }
}

/// Whether a cage has a limit that only sampling holds.
fn is_watched(cage: &Cage, cgroups: &Cgroups) -> bool {
    let limits = &cage.spec.limits;
    limits.disk.is_some()
        || (limits.memory.is_some() && !cgroups.holds_memory())
        || (limits.pids.is_some() && !cgroups.holds_pids())
}

/// The `wanted` devices, of those that are not lost, that the fewest slots see.
fn least_used<'a>(wanted: usize, devices: &Devices, slots: impl Iterator<Item = &'a Slot>) -> Vec<usize> {
    if wanted == 0 || devices.count() == 0 {
        return vec![];
    }
    let mut uses: Vec<(usize, usize)> = (0..devices.count()).map(|device| (0, device)).collect();
    for device in slots.flat_map(|slot| &slot.gpus) {
        if let Some((count, _)) = uses.get_mut(*device) {
            *count += 1;
        }
    }
    uses.retain(|(_, device)| devices.is_usable(*device));
    uses.sort_unstable();
    let mut chosen: Vec<usize> = uses.into_iter().take(wanted).map(|(_, device)| device).collect();
    chosen.sort_unstable();
    chosen
}
