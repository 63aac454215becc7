//! A slot: one init process with its sandbox, in which one execution after another runs.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::pipe::PipeFlags;

use super::cage::Cage;
use super::cgroup::{CageGroup, SlotGroup};
use super::init::{self, Inherited};
use super::message::{REPLY_BYTES, Reply};
use super::run::Run;
use super::sandbox::{self, Plan};
use super::server::Surroundings;
use super::sys::{self, Forked, SharedPage};
use crate::domain::CageId;

/// One slot of a cage.
pub(super) struct Slot {
    /// Its cage.
    pub(super) cage: CageId,
    /// Its place among the cage's slots, from 0.
    pub(super) place: u32,
    /// Init, in the worker's namespace.
    pub(super) pid: libc::pid_t,
    /// Readable once init and its whole namespace have ended.
    pub(super) pidfd: OwnedFd,
    /// To and from init.
    pub(super) socket: OwnedFd,
    /// The reading ends of standard output and standard error.
    pub(super) pipes: [OwnedFd; 2],
    /// Sockets that listen in the cage, once init has handed them over.
    pub(super) listeners: Vec<OwnedFd>,
    /// Whether the sandbox stands.
    pub(super) ready: bool,
    /// Why it does not, when init has said so.
    pub(super) broken: Option<String>,
    /// Whether it has to be built anew before it is used again.
    pub(super) stale: bool,
    /// Whether init was killed by the worker.
    pub(super) doomed: bool,
    /// What runs in it.
    pub(super) run: Option<Run>,
    /// The artifact folder, as the host has it, and a descriptor for a quick look.
    pub(super) artifacts: PathBuf,
    pub(super) artifacts_fd: OwnedFd,
    /// Which GPUs it sees.
    pub(super) gpus: Vec<usize>,
    page: SharedPage,
    group: SlotGroup,
    /// The cage's groups go only after those of its slots.
    _cage_group: Option<Arc<CageGroup>>,
    requests: u64,
    unsent: Vec<u8>,
    input: Vec<u8>,
    memory_kills: u64,
    refused_forks: u64,
}

impl Slot {
    /// Starts the init of slot `place`. Its sandbox is built while the caller goes on; `ready` tells.
    pub(super) fn start(
        cage: &mut Cage,
        place: u32,
        index: usize,
        gpus: Vec<usize>,
        around: &Surroundings,
    ) -> io::Result<Self> {
        let artifacts = cage.artifacts(place);
        std::fs::create_dir_all(&artifacts)?;
        if cage.idmap.is_none()
            && let Some(user) = cage.user
        {
            std::os::unix::fs::chown(&artifacts, Some(user), Some(user))?;
        }
        let artifacts_fd = std::fs::File::open(&artifacts)?.into();
        let born_in = around.cgroups.are_entered_at_birth().then(|| cage.slot_group(index, around)).transpose()?;
        let page = SharedPage::new()?;
        let flags = SocketFlags::CLOEXEC;
        let (socket, theirs) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        rustix::io::ioctl_fionbio(&socket, true)?;
        let (out, out_write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        let (err, err_write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        for end in [&out, &err] {
            rustix::io::ioctl_fionbio(end, true)?;
        }
        if let Some(user) = cage.user {
            // So that an agent may open `/dev/stdout`.
            for end in [&out_write, &err_write] {
                let (uid, gid) = (rustix::fs::Uid::from_raw(user), rustix::fs::Gid::from_raw(user));
                rustix::fs::fchown(end, Some(uid), Some(gid))?;
            }
        }
        let idmap = cage.idmap.as_ref().map(AsFd::as_fd);
        let granted = cage.grants.iter().map(|grant| {
            let why = |error: io::Error| io::Error::other(format!("the path {}: {error}", grant.source.display()));
            sandbox::take(grant, idmap).map_err(why)
        });
        let granted = granted.collect::<io::Result<Vec<_>>>()?;
        let network = &cage.spec.network;
        let birthplace = born_in.as_ref().and_then(|group| group.birthplace.as_ref()).map(AsFd::as_fd);
        let (pid, pidfd) = match sys::fork_into(sandbox::namespaces(network, &around.template), birthplace)? {
            Forked::Parent(pid, pidfd) => (pid, pidfd),
            Forked::Child => {
                let devices: Vec<PathBuf> = around.gpus.files(&gpus);
                let plan = Plan {
                    template: &around.template,
                    data_dir: &around.data_dir,
                    work: &cage.work,
                    artifacts: &artifacts,
                    grants: &cage.grants,
                    granted: &granted,
                    data: &around.data,
                    idmap,
                    user: cage.user,
                    network,
                    tmp_bytes: cage.tmp_bytes(),
                    file_bytes: cage.spec.limits.disk.map(crate::domain::Bytes::get),
                    devices: &devices,
                    host_name: format!("cage-{}", cage.spec.id),
                };
                let pipes = [out_write, err_write];
                init::run(&plan, &Inherited { socket: theirs, pipes, page: &page })
            }
        };
        let group = born_in.map_or_else(|| cage.slot_group(index, around), Ok);
        let mut group = group.inspect_err(|_| sys::kill(pidfd.as_fd()))?;
        // An init that is gone already has said why, or is seen to have ended.
        let _ = init::hand_groups(socket.as_fd(), &group.entries);
        // Only init enters it; a worker with a thousand cages has better uses for these descriptors.
        group.entries.clear();
        group.birthplace = None;
        let (memory_kills, refused_forks) = (group.out_of_memory_kills(), group.refused_forks());
        Ok(Self {
            cage: cage.spec.id,
            place,
            pid,
            pidfd,
            socket,
            pipes: [out, err],
            listeners: vec![],
            ready: false,
            broken: None,
            stale: false,
            doomed: false,
            run: None,
            artifacts,
            artifacts_fd,
            gpus,
            page,
            group,
            _cage_group: cage.group.clone(),
            requests: 0,
            unsent: vec![],
            input: vec![],
            memory_kills,
            refused_forks,
        })
    }

    /// The number for the next request.
    pub(super) fn next_number(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// Sends a request; whether something is left for when there is room. An error means that init is gone, which the
    /// caller learns by other means.
    pub(super) fn send(&mut self, request: &[u8]) -> bool {
        let sent = rustix::io::write(&self.socket, request).unwrap_or(0);
        self.unsent.extend_from_slice(&request[sent..]);
        !self.unsent.is_empty()
    }

    /// Sends what is left of a request; whether something still is.
    pub(super) fn send_rest(&mut self) -> bool {
        while !self.unsent.is_empty() {
            match rustix::io::write(&self.socket, &self.unsent) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return true,
                Err(_) => self.unsent.clear(),
            }
        }
        false
    }

    /// Reads what init says.
    pub(super) fn replies(&mut self) -> Vec<Reply> {
        if self.ready {
            self.receive_plain();
        } else {
            self.receive_with_listeners();
        }
        let mut replies = vec![];
        while let Some(reply) = self.input.get(..REPLY_BYTES).and_then(Reply::decode) {
            let length = match reply {
                Reply::Broken(length) => {
                    let end = REPLY_BYTES + length as usize;
                    let Some(text) = self.input.get(REPLY_BYTES..end) else { break };
                    self.broken = Some(String::from_utf8_lossy(text).into_owned());
                    end
                }
                _ => REPLY_BYTES,
            };
            self.input.drain(..length);
            replies.push(reply);
        }
        replies
    }

    fn receive_plain(&mut self) {
        let mut buffer = [0; 4 * REPLY_BYTES];
        if let Ok(count) = rustix::io::read(&self.socket, &mut buffer) {
            self.input.extend_from_slice(&buffer[..count]);
        }
    }

    fn receive_with_listeners(&mut self) {
        use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
        let mut space = vec![std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(128))];
        let mut buffer = [0; 2048];
        loop {
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let parts = &mut [io::IoSliceMut::new(&mut buffer)];
            let Ok(received) = recvmsg(&self.socket, parts, &mut control, RecvFlags::CMSG_CLOEXEC) else { return };
            for message in control.drain() {
                if let RecvAncillaryMessage::ScmRights(fds) = message {
                    self.listeners.extend(fds);
                }
            }
            if received.bytes == 0 {
                return;
            }
            self.input.extend_from_slice(&buffer[..received.bytes]);
        }
    }

    /// When the execution under way started, if it has.
    pub(super) fn started(&self) -> Option<crate::domain::Timestamp> {
        self.run.as_ref().and_then(|run| self.page.started(run.number))
    }

    /// Out-of-memory kills and refused forks since this was last asked.
    pub(super) fn breaches(&mut self) -> (u64, u64) {
        let (kills, forks) = (self.group.out_of_memory_kills(), self.group.refused_forks());
        let new = (kills.saturating_sub(self.memory_kills), forks.saturating_sub(self.refused_forks));
        (self.memory_kills, self.refused_forks) = (kills, forks);
        new
    }

    /// Out-of-memory kills since its groups were made.
    pub(super) fn out_of_memory_kills(&self) -> u64 {
        self.group.out_of_memory_kills()
    }

    /// The processes in it, init among them.
    pub(super) fn processes(&self) -> Vec<libc::pid_t> {
        let found = self.group.processes();
        if found.is_empty() { super::watch::below(self.pid) } else { found }
    }

    /// Kills init and so everything in the slot, at the latest when it leaves an uninterruptible call.
    pub(super) fn doom(&mut self) {
        self.doomed = true;
        sys::signal_held(self.pidfd.as_fd(), libc::SIGKILL);
        for pid in self.group.processes() {
            sys::signal(pid, libc::SIGKILL);
        }
    }

    /// Whether a new execution can be started in it.
    pub(super) fn is_free(&self) -> bool {
        self.run.is_none() && !self.stale && !self.doomed && self.broken.is_none()
    }

    /// One of its descriptors to wait on.
    pub(super) fn pipe(&self, number: usize) -> BorrowedFd<'_> {
        self.pipes[number & 1].as_fd()
    }
}

/// The folder for the output of all executions, shared by their spools.
pub(super) type OutputFolder = Arc<std::path::Path>;
