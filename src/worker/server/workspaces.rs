//! Workspaces: the copies of repositories that executions work on, and the merging of what was approved. What takes git
//! outside the cages, or the disk long, is an errand of a process of its own (`workspace`); here they are sent out, a few at
//! a time, and what came of them is taken up.

use std::fs;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::event::epoll;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::super::cage::expand;
use super::super::run::{NEVER, Run};
use super::super::sys;
use super::super::workspace::{self, Done, Errand, Preparation};
use super::{Known, Server, Source, key, notice};
use crate::domain::artifact::FoundArtifact;
use crate::domain::link::{MergeOrder, Report, Start};
use crate::domain::{ArtifactId, ExecutionId, Merge, Outcome, OutcomeKind, Severity, TaskId};

/// How many errands of a kind are under way at a time; each is a process that reads or writes as much as a whole repository.
const ERRANDS_MAX: usize = 4;
/// How long one may take, in microseconds: longer than any that comes to an end, so that one that hangs does not keep its
/// place for ever.
const ERRAND_US: u64 = 3_600_000_000;
/// How much of an answer is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// What an errand is for.
pub(super) enum Purpose {
    /// The execution that it makes a copy for.
    Start(Box<Start>),
    /// What it merges.
    Merge(ArtifactId, TaskId),
    /// Nobody waits for it.
    Clearing,
    /// The slot whose execution has left what the disk is to keep.
    Keep(usize, Vec<FoundArtifact>),
}

/// Which errands wait for each other's places.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lane {
    Git,
    Clearing,
    Keep,
}

impl Purpose {
    fn lane(&self) -> Lane {
        match self {
            Self::Start(_) | Self::Merge(..) => Lane::Git,
            Self::Clearing => Lane::Clearing,
            Self::Keep(..) => Lane::Keep,
        }
    }
}

/// An errand under way.
pub(super) struct Running {
    /// What for; nothing any more, once it was killed.
    purpose: Option<Purpose>,
    process: Process,
    /// Until when it has to be done, by the monotonic clock.
    until: u64,
}

/// The process of an errand, which leads a process group: git and what git starts.
struct Process {
    group: Pid,
    pidfd: OwnedFd,
    answer: File,
}

impl Process {
    /// Kills it and everything that it has started.
    fn kill(&self) {
        let _ = kill_process_group(self.group, Signal::KILL);
    }
}

/// The errands, under way and waiting.
#[derive(Default)]
pub(super) struct Errands {
    running: std::collections::BTreeMap<usize, Running>,
    waiting: std::collections::VecDeque<(Errand, Purpose)>,
}

impl Errands {
    /// Whether there is none that anybody waits for.
    pub(super) fn is_empty(&self) -> bool {
        self.under_way().next().is_none() && self.waiting.is_empty()
    }

    /// When the next of them has to be done, by the monotonic clock.
    pub(super) fn next_due(&self) -> u64 {
        self.running.values().filter(|one| one.purpose.is_some()).map(|one| one.until).min().unwrap_or(NEVER)
    }

    fn under_way(&self) -> impl Iterator<Item = &Purpose> {
        self.running.values().filter_map(|one| one.purpose.as_ref())
    }

    fn merges(&self, id: ArtifactId) -> bool {
        let purposes = self.under_way().chain(self.waiting.iter().map(|(_, one)| one));
        purposes.into_iter().any(|purpose| matches!(purpose, Purpose::Merge(artifact, _) if *artifact == id))
    }

    /// The next that there is a place for.
    fn next(&mut self) -> Option<(Errand, Purpose)> {
        let has_place = |lane| self.under_way().filter(|purpose| purpose.lane() == lane).count() < ERRANDS_MAX;
        let at = self.waiting.iter().position(|(_, purpose)| has_place(purpose.lane()))?;
        self.waiting.remove(at)
    }

    /// Those of which `which` holds.
    fn which(&self, which: impl Fn(&Running, &Purpose) -> bool) -> Vec<usize> {
        let holds = |one: &Running| one.purpose.as_ref().is_some_and(|purpose| which(one, purpose));
        self.running.iter().filter(|(_, one)| holds(one)).map(|(index, _)| *index).collect()
    }
}

impl Server {
    /// Has the copy made that an execution works on; it is queued for its cage once that is there.
    pub(super) fn prepare_workspace(&mut self, start: Box<Start>) {
        let id = start.execution_id;
        self.known.insert(id, Known::Queued);
        let Some(declared) = start.workspace.clone() else { return };
        let user = match self.prepare_cage(start.cage_id) {
            Ok(()) => self.cages.get(&start.cage_id).and_then(|cage| cage.user.filter(|_| cage.idmap.is_none())),
            Err(error) => {
                self.end_unstarted(id, Outcome::new(OutcomeKind::CageFailed, error.to_string()));
                return;
            }
        };
        let errand = Errand::Prepare(Preparation {
            repository: expand(&declared.repository, self.around.home.as_deref()),
            base: declared.base,
            target: self.staged(id),
            branch: format!("menagerie/{}", start.task_id),
            agent: start.agent.clone(),
            user,
            writable: self.agents_write(),
        });
        self.send_out(errand, Purpose::Start(start));
    }

    /// Has an approved difference merged, unless that is under way.
    pub(super) fn merge(&mut self, order: Box<MergeOrder>) {
        if self.errands.merges(order.artifact_id) {
            return;
        }
        let purpose = Purpose::Merge(order.artifact_id, order.task_id);
        let repository = expand(&order.difference.repository, self.around.home.as_deref());
        let errand = Errand::Merge { order, repository, writable: self.agents_write() };
        self.send_out(errand, purpose);
    }

    /// Where a copy is made, out of every cage's sight.
    fn staged(&self, id: ExecutionId) -> PathBuf {
        self.around.data_dir.join(workspace::FOLDER).join(id.to_string())
    }

    /// Everything that agents may write to: the data directory with the cages' own folders, and what they were given.
    fn agents_write(&self) -> Vec<PathBuf> {
        let given = self.cages.values().flat_map(|cage| cage.writable(&self.around));
        std::iter::once(self.around.data_dir.clone()).chain(given).collect()
    }

    /// Moves the copy into the working folder of the execution's cage and has it start there. In the cage it was never seen
    /// incomplete, and nothing of it is touched from outside any more.
    pub(super) fn move_in(&self, start: &mut Start) -> io::Result<()> {
        let Some(cage) = self.cages.get(&start.cage_id).filter(|_| start.workspace.is_some()) else { return Ok(()) };
        let folder = cage.work.join(workspace::name(start.execution_id));
        fs::rename(self.staged(start.execution_id), &folder)?;
        start.workdir.get_or_insert_with(|| folder.to_string_lossy().into_owned());
        Ok(())
    }

    /// Takes the copy of an execution that has ended out of its cage's working folder and has it removed.
    pub(super) fn move_out(&mut self, run: &Run, work: &Path) {
        if run.start.workspace.is_none() {
            return;
        }
        let (folder, over) = (work.join(workspace::name(run.id())), self.staged(run.id()).with_extension("over"));
        // An agent may have moved it; then it is one of the files that it has left in its working folder.
        if fs::rename(folder, &over).is_ok() {
            self.clear(vec![over]);
        }
    }

    /// Removes the copy of an execution that never started, if one was made.
    pub(super) fn forget_workspace(&mut self, id: ExecutionId) {
        let staged = self.staged(id);
        if staged.exists() {
            self.clear(vec![staged]);
        }
    }

    /// Removes what a former worker has left of copies.
    pub(super) fn clear_workspaces(&mut self) {
        let folder = self.around.data_dir.join(workspace::FOLDER);
        let cages = fs::read_dir(self.around.data_dir.join("cages")).into_iter().flatten().flatten();
        for entry in cages.flat_map(|cage| fs::read_dir(cage.path().join("work")).into_iter().flatten().flatten()) {
            let name = entry.file_name();
            if let Some(id) = name.to_str().and_then(|name| name.strip_prefix(workspace::PREFIX))
                && let Ok(id) = id.parse::<ExecutionId>()
            {
                let _ = fs::rename(entry.path(), self.staged(id).with_extension("over"));
            }
        }
        let left: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        if !left.is_empty() {
            self.clear(left);
        }
    }

    /// Has files and folders removed that nobody sees any more.
    pub(super) fn clear(&mut self, paths: Vec<PathBuf>) {
        // One process removes them all, however many executions have left something.
        for (errand, _) in &mut self.errands.waiting {
            if let Errand::Remove(waiting) = errand {
                waiting.extend(paths);
                return;
            }
        }
        self.send_out(Errand::Remove(paths), Purpose::Clearing);
    }

    /// Has the disk keep what an execution has left in the store; the execution is concluded once that is done.
    pub(super) fn keep(&mut self, index: usize, found: Vec<FoundArtifact>) {
        let files = found.iter().filter_map(|artifact| artifact.path.as_ref().map(PathBuf::from)).collect();
        self.send_out(Errand::Keep(files), Purpose::Keep(index, found));
    }

    fn send_out(&mut self, errand: Errand, purpose: Purpose) {
        self.errands.waiting.push_back((errand, purpose));
        self.send_next();
    }

    fn send_next(&mut self) {
        while let Some((errand, purpose)) = self.errands.next() {
            if let Purpose::Start(start) = &purpose
                && !self.is_queued(start.execution_id)
            {
                continue;
            }
            let index = self.new_index();
            let sent = send(&errand, &self.around.data_dir).and_then(|process| {
                epoll::add(&self.epoll, &process.pidfd, key(Source::Errand, index), epoll::EventFlags::IN)?;
                Ok(process)
            });
            match sent {
                Ok(process) => {
                    let until = sys::monotonic() + ERRAND_US;
                    self.errands.running.insert(index, Running { purpose: Some(purpose), process, until });
                    self.wake(until);
                }
                Err(error) => self.take_up(purpose, Done::Failed(format!("there is no process for it: {error}"))),
            }
        }
    }

    fn is_queued(&self, id: ExecutionId) -> bool {
        self.known.get(&id) == Some(&Known::Queued)
    }

    /// An errand's process has ended: takes up what came of it.
    pub(super) fn errand_ended(&mut self, index: usize) {
        let Some(Running { purpose, process, .. }) = self.errands.running.remove(&index) else { return };
        let Process { pidfd, mut answer, .. } = process;
        self.unwatch(&pidfd);
        sys::reap(std::os::fd::AsFd::as_fd(&pidfd));
        let mut text = vec![];
        let read = answer.rewind().and_then(|()| answer.take(ANSWER_BYTES_MAX).read_to_end(&mut text));
        let done = read.map_err(|error| error.to_string()).and_then(|_| {
            serde_json::from_slice(&text).map_err(|_| "the process that was to do it ended unexpectedly".to_owned())
        });
        if let Some(purpose) = purpose {
            self.take_up(purpose, done.unwrap_or_else(Done::Failed));
        }
        self.send_next();
    }

    /// Ends the errands that take too long. Their places are free at once: what hangs in the kernel goes when it can.
    pub(super) fn end_overdue_errands(&mut self, now: u64) {
        for index in self.errands.which(|one, _| one.until <= now) {
            let Some(running) = self.errands.running.get_mut(&index) else { continue };
            running.process.kill();
            if let Some(purpose) = running.purpose.take() {
                let why = format!("it took longer than {} minutes and was ended", ERRAND_US / 60_000_000);
                self.take_up(purpose, Done::Failed(why));
            }
            self.send_next();
        }
    }

    /// Ends the making of the copy for an execution that is to start no more.
    pub(super) fn end_preparation(&self, id: ExecutionId) {
        let is_its = |purpose: &Purpose| matches!(purpose, Purpose::Start(start) if start.execution_id == id);
        let running = self.errands.running.values();
        running.filter(|one| one.purpose.as_ref().is_some_and(is_its)).for_each(|one| one.process.kill());
    }

    /// The worker leaves: what is done with git ends, and so does what nobody waits for; what executions have left is kept all
    /// the same. The next worker is told again what is to be started and merged.
    pub(super) fn end_errands(&mut self) {
        self.errands.waiting.retain(|(_, purpose)| purpose.lane() == Lane::Keep);
        for running in self.errands.running.values_mut() {
            if running.purpose.take_if(|purpose| purpose.lane() != Lane::Keep).is_some() {
                running.process.kill();
            }
        }
    }

    fn take_up(&mut self, purpose: Purpose, done: Done) {
        match (purpose, done) {
            (Purpose::Start(mut start), done) => {
                let id = start.execution_id;
                if !self.is_queued(id) {
                    self.forget_workspace(id);
                    return;
                }
                match (done, &mut start.workspace, self.cages.get_mut(&start.cage_id)) {
                    (Done::Prepared(commit), Some(workspace), Some(cage)) => {
                        workspace.base = commit;
                        let cage_id = start.cage_id;
                        cage.queue.push_back(start);
                        self.fill(cage_id);
                    }
                    (Done::Failed(why), _, Some(_)) => {
                        let why = format!("its workspace could not be made: {why}");
                        self.end_unstarted(id, Outcome::new(OutcomeKind::NotStarted, why));
                    }
                    _ => {
                        let why = format!("cage {} was removed", start.cage_id);
                        self.end_unstarted(id, Outcome::new(OutcomeKind::Cancelled, why));
                    }
                }
            }
            (Purpose::Merge(artifact_id, task_id), done) => {
                let merge = match done {
                    Done::Merged(merge) => merge,
                    Done::Failed(why) => Merge::failed(why),
                    _ => Merge::failed("the process that runs git gave no answer"),
                };
                self.report(Report::Merged { artifact_id, task_id, merge });
            }
            (Purpose::Clearing, Done::Failed(why)) => {
                let text = format!("what executions have left cannot be removed: {why}");
                self.report(notice(Severity::Warning, text));
            }
            (Purpose::Clearing, _) => {}
            (Purpose::Keep(index, found), done) => {
                if let Done::Failed(why) = done
                    && let Some(run) = self.slots.get_mut(&index).and_then(|slot| slot.run.as_mut())
                {
                    run.add_remark(&format!("a loss of power may take its artifacts: {why}"));
                }
                self.conclude(index, found);
            }
        }
    }
}

/// Starts the process of an errand.
fn send(errand: &Errand, data_dir: &Path) -> io::Result<Process> {
    let mut order = File::from(memfd_create("menagerie-errand", MemfdFlags::CLOEXEC)?);
    let answer = File::from(memfd_create("menagerie-answer", MemfdFlags::CLOEXEC)?);
    order.write_all(&serde_json::to_vec(errand)?)?;
    order.rewind()?;
    // The worker's own program, also when another has taken its place on the disk.
    let mut command = Command::new("/proc/self/exe");
    command.arg("--data-dir").arg(data_dir).arg("errand").process_group(0);
    let child = command.stdin(Stdio::from(order)).stdout(Stdio::from(answer.try_clone()?)).spawn()?;
    let group = Pid::from_child(&child);
    Ok(Process { group, pidfd: pidfd_open(group, PidfdFlags::empty())?, answer })
}
