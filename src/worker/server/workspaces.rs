//! Workspaces: the copies of repositories that executions work on, and the merging of what was approved. What takes git
//! outside the cages is an errand of a process of its own (`workspace`); here they are sent out, a few at a time, and what
//! came of them is taken up.

use std::fs;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::event::epoll;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::super::cage::expand;
use super::super::workspace::{self, Done, Errand, Preparation};
use super::super::{run::Run, sys};
use super::{Known, Server, Source, key, notice};
use crate::domain::link::{MergeOrder, Report, Start};
use crate::domain::{ArtifactId, ExecutionId, Merge, Outcome, OutcomeKind, Severity, TaskId};

/// How many errands are under way at a time; each is a process that reads and writes a whole repository.
const ERRANDS_MAX: usize = 4;
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
}

/// An errand under way.
pub(super) struct Running {
    purpose: Purpose,
    pidfd: OwnedFd,
    answer: File,
}

/// The errands, under way and waiting.
#[derive(Default)]
pub(super) struct Errands {
    running: std::collections::BTreeMap<usize, Running>,
    waiting: std::collections::VecDeque<(Errand, Purpose)>,
}

impl Errands {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty() && self.waiting.is_empty()
    }

    fn merges(&self, id: ArtifactId) -> bool {
        let purposes = self.running.values().map(|one| &one.purpose).chain(self.waiting.iter().map(|(_, one)| one));
        purposes.into_iter().any(|purpose| matches!(purpose, Purpose::Merge(artifact, _) if *artifact == id))
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
            self.send_out(Errand::Remove(vec![over]), Purpose::Clearing);
        }
    }

    /// Removes the copy of an execution that never started, if one was made.
    pub(super) fn forget_workspace(&mut self, id: ExecutionId) {
        let staged = self.staged(id);
        if staged.exists() {
            self.send_out(Errand::Remove(vec![staged]), Purpose::Clearing);
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
            self.send_out(Errand::Remove(left), Purpose::Clearing);
        }
    }

    fn send_out(&mut self, errand: Errand, purpose: Purpose) {
        self.errands.waiting.push_back((errand, purpose));
        self.send_next();
    }

    fn send_next(&mut self) {
        while self.errands.running.len() < ERRANDS_MAX {
            let Some((errand, purpose)) = self.errands.waiting.pop_front() else { return };
            if let Purpose::Start(start) = &purpose
                && !self.is_queued(start.execution_id)
            {
                continue;
            }
            let index = self.new_index();
            let sent = send(&errand, &self.around.data_dir).and_then(|(pidfd, answer)| {
                epoll::add(&self.epoll, &pidfd, key(Source::Errand, index), epoll::EventFlags::IN)?;
                Ok((pidfd, answer))
            });
            match sent {
                Ok((pidfd, answer)) => {
                    self.errands.running.insert(index, Running { purpose, pidfd, answer });
                }
                Err(error) => self.take_up(purpose, Done::Failed(format!("no process for git: {error}"))),
            }
        }
    }

    fn is_queued(&self, id: ExecutionId) -> bool {
        self.known.get(&id) == Some(&Known::Queued)
    }

    /// An errand's process has ended: takes up what came of it.
    pub(super) fn errand_ended(&mut self, index: usize) {
        let Some(Running { purpose, pidfd, mut answer }) = self.errands.running.remove(&index) else { return };
        self.unwatch(&pidfd);
        sys::reap(std::os::fd::AsFd::as_fd(&pidfd));
        let mut text = vec![];
        let read = answer.rewind().and_then(|()| answer.take(ANSWER_BYTES_MAX).read_to_end(&mut text));
        let done = read.map_err(|error| error.to_string()).and_then(|_| {
            serde_json::from_slice(&text).map_err(|_| "the process that runs git ended unexpectedly".to_owned())
        });
        self.take_up(purpose, done.unwrap_or_else(Done::Failed));
        self.send_next();
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
                    Done::Prepared(_) | Done::Removed => Merge::failed("the process that runs git gave no answer"),
                };
                self.report(Report::Merged { artifact_id, task_id, merge });
            }
            (Purpose::Clearing, Done::Failed(why)) => {
                let text = format!("what is left of workspaces cannot be removed: {why}");
                self.report(notice(Severity::Warning, text));
            }
            (Purpose::Clearing, _) => {}
        }
    }
}

/// Starts the process of an errand: what to wait on, and the file that its answer will be in.
fn send(errand: &Errand, data_dir: &Path) -> io::Result<(OwnedFd, File)> {
    let mut order = File::from(memfd_create("menagerie-errand", MemfdFlags::CLOEXEC)?);
    let answer = File::from(memfd_create("menagerie-answer", MemfdFlags::CLOEXEC)?);
    order.write_all(&serde_json::to_vec(errand)?)?;
    order.rewind()?;
    // The worker's own program, also when another has taken its place on the disk.
    let mut command = Command::new("/proc/self/exe");
    command.arg("--data-dir").arg(data_dir).arg("errand");
    let child = command.stdin(Stdio::from(order)).stdout(Stdio::from(answer.try_clone()?)).spawn()?;
    Ok((pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?, answer))
}
