//! The one place where the worker waits: for the engine, for its slots, for relays and for time.
//!
//! Each turn takes what is ready, bounded per source so that a loud agent delays nobody, then sends what has come of it
//! in one piece. Without timers due the wait has no end: an idle worker only
//! tells a connected engine every few seconds that it is there.
//! [`requests`] does what the engine asks, [`events`] what slots bring, [`ports`] passes connections on, [`workspaces`] has
//! repositories copied and merged, [`verifying`] has checked what an agent did, [`ending`] brings executions to their end, [`measuring`] and [`sensors`] tell what is used.

mod ending;
mod events;
mod measuring;
mod ports;
mod requests;
mod sensors;
mod surroundings;
mod verifying;
mod workspaces;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{Timespec, epoll};
use rustix::fs::FlockOperation;

use super::cage::Cage;
use super::hold::Hold;
use super::link::Link;
use super::relay::Relay;
use super::run::NEVER;
use super::sense::Helper;
use super::slot::{OutputFolder, Slot};
use super::{Error, Settings, cgroup, host, log, sys, workspace};
use crate::domain::link::{HEARTBEAT, Report};
use crate::domain::{CageId, ExecutionId, Severity};
pub(super) use surroundings::Surroundings;

/// What an event is about. With an index and a generation it makes the number that the kernel hands back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Signal = 0,
    Listener = 1,
    Engine = 2,
    Socket = 3,
    Out = 4,
    Err = 5,
    Exit = 6,
    Port = 7,
    Inside = 8,
    Outside = 9,
    Dying = 10,
    Sensors = 11,
    HelperExit = 12,
    Errand = 13,
}

const SOURCES: [Source; 14] = [
    Source::Signal,
    Source::Listener,
    Source::Engine,
    Source::Socket,
    Source::Out,
    Source::Err,
    Source::Exit,
    Source::Port,
    Source::Inside,
    Source::Outside,
    Source::Dying,
    Source::Sensors,
    Source::HelperExit,
    Source::Errand,
];

/// A key for the kernel: source, and which of them. Indices are never used twice, so that a late event finds nobody.
fn key(source: Source, index: usize) -> epoll::EventData {
    epoll::EventData::new_u64((source as u64) << 56 | index as u64)
}

/// What the worker knows of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// Waits for a slot of its cage.
    Queued,
    /// Is under way in this slot.
    Running(usize),
    /// Has ended; the engine has not acknowledged that.
    Ended,
}

/// The worker.
pub(super) struct Server {
    around: Surroundings,
    link: Link,
    epoll: OwnedFd,
    signals: OwnedFd,
    cages: BTreeMap<CageId, Cage>,
    slots: BTreeMap<usize, Slot>,
    /// Slots whose init has been killed and is waited for.
    dying: BTreeMap<usize, Slot>,
    ports: BTreeMap<usize, (usize, OwnedFd, u16)>,
    relays: BTreeMap<usize, Relay>,
    /// Ports whose connections cannot be taken at the moment.
    parked: BTreeSet<usize>,
    known: HashMap<ExecutionId, Known>,
    /// What is done with git outside the cages.
    errands: workspaces::Errands,
    /// Slots whose executions have ended and whose artifacts are being collected.
    collecting: Vec<usize>,
    next_index: usize,
    peer_index: usize,
    /// Whether the engine's socket is watched for room to send.
    wants_room: bool,
    /// Reports that wait for more of their kind.
    hold: Hold,
    /// How many slots have an execution.
    running: usize,
    output: OutputFolder,
    /// No timer is due before this time of the monotonic clock.
    wake_at: u64,
    /// When to measure what cages use; never while nobody wants to know.
    measure_at: u64,
    /// When to tell the engine that we are there; never while none is connected.
    heartbeat_at: u64,
    watch: measuring::Watch,
    /// The process that reads the slower sensors.
    helper: Helper,
    /// Whether it was said that there can be none.
    helper_missed: bool,
    /// When to leave, as nobody needs us.
    leave_at: u64,
    idle_exit: Duration,
    leaving: bool,
    incarnation: u64,
    request: Vec<u8>,
    buffer: Vec<u8>,
    _lock: File,
}

impl Server {
    /// Takes the data directory, ends what a former worker has left, prepares the host, and listens.
    pub(super) fn start(settings: &Settings) -> Result<Self, Error> {
        let given = &settings.data_dir;
        let data_dir = given.canonicalize().map_err(Error::file("opening the data directory", given))?;
        let lock = lock(&data_dir)?;
        host::raise_descriptor_limit();
        for folder in ["output", "artifacts", "cages", workspace::FOLDER] {
            let path = data_dir.join(folder);
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
            made.map_err(Error::file("making the folder", path))?;
        }
        let left = end_leftovers(&data_dir)?;
        let signals = sys::signal_fd(&[libc::SIGTERM, libc::SIGINT]).map_err(Error::kernel("waiting for signals"))?;
        let mut helper = Helper::new(&data_dir);
        // It looks for GPUs while the rest is prepared. If it cannot be started, device files have to do.
        let _ = helper.ask_first();
        let around = Surroundings::prepare(&data_dir)?;
        let mut link = Link::bind(&data_dir.join("worker.sock"))?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(Error::kernel("making an epoll"))?;
        let waiting = Error::kernel("waiting on a descriptor");
        epoll::add(&epoll, &signals, key(Source::Signal, 0), epoll::EventFlags::IN)
            .and_then(|()| epoll::add(&epoll, link.listener(), key(Source::Listener, 0), epoll::EventFlags::IN))
            .map_err(waiting)?;
        for folder in left {
            let message = format!(
                "{} of a former worker could not be removed: a process in it cannot be ended",
                folder.display()
            );
            link.report(sys::now(), notice(Severity::Critical, message));
        }
        let output: Arc<std::path::Path> = data_dir.join("output").into();
        let mut server = Self {
            around,
            link,
            epoll,
            signals,
            cages: BTreeMap::new(),
            slots: BTreeMap::new(),
            dying: BTreeMap::new(),
            ports: BTreeMap::new(),
            relays: BTreeMap::new(),
            parked: BTreeSet::new(),
            known: HashMap::new(),
            errands: workspaces::Errands::default(),
            collecting: vec![],
            next_index: 1,
            peer_index: 0,
            wants_room: false,
            hold: Hold::NONE,
            running: 0,
            output,
            wake_at: NEVER,
            measure_at: NEVER,
            heartbeat_at: NEVER,
            watch: measuring::Watch::default(),
            helper,
            helper_missed: false,
            leave_at: NEVER,
            idle_exit: settings.idle_exit,
            leaving: false,
            incarnation: sys::now().as_micros().unsigned_abs(),
            request: vec![],
            buffer: vec![0; 64 << 10],
            _lock: lock,
        };
        server.find_gpus();
        server.clear_workspaces();
        Ok(server)
    }

    /// Serves until there is a reason to leave.
    pub(super) fn serve(mut self) -> Result<(), Error> {
        tracing::info!(pid = std::process::id(), incarnation = self.incarnation, "ready");
        let mut events = Vec::with_capacity(256);
        while !self.leaving {
            self.consider_leaving();
            events.clear();
            let timeout = self.timeout();
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), timeout.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(Error::kernel("waiting for events")(error)),
            }
            for event in &events {
                let data = event.data.u64();
                let Some(source) = SOURCES.get(usize::try_from(data >> 56).unwrap_or(usize::MAX)) else { continue };
                let index = usize::try_from(data & ((1 << 56) - 1)).unwrap_or(usize::MAX);
                self.take(*source, index, event.flags);
            }
            self.collect();
            let now = sys::monotonic();
            if now >= self.wake_at {
                self.tick();
            }
            if now >= self.measure_at {
                self.measure();
            }
            if now >= self.heartbeat_at {
                self.beat(now);
            }
            self.check_sensors();
            if self.wants_room || !self.hold.wait(self.link.ends_alone(), self.running, sys::monotonic()) {
                self.flush();
            }
        }
        tracing::info!("stopping");
        self.end_everything();
        if self.around.cgroups.remove().is_empty() {
            let _ = std::fs::remove_file(self.around.data_dir.join(GROUPS_FILE));
        }
        Ok(())
    }

    fn take(&mut self, source: Source, index: usize, flags: epoll::EventFlags) {
        match source {
            Source::Signal => {
                let mut info = [0; 128];
                let _ = rustix::io::read(&self.signals, &mut info);
                self.leaving = true;
            }
            Source::Listener => self.accept(),
            Source::Engine if index == self.peer_index => self.read_engine(),
            Source::Engine => {}
            Source::Socket => self.read_init(index, flags),
            Source::Out | Source::Err => self.read_output(index, source == Source::Err),
            Source::Exit => self.init_ended(index),
            Source::Port => self.accept_relay(index),
            Source::Inside | Source::Outside => self.pump_relay(index, flags),
            Source::Sensors => self.read_sensors(),
            Source::HelperExit => self.helper_ended(),
            Source::Errand => self.errand_ended(index),
            Source::Dying => {
                if let Some(slot) = self.dying.remove(&index) {
                    sys::reap(slot.pidfd.as_fd());
                    self.unwatch(&slot.pidfd);
                }
            }
        }
    }

    fn accept(&mut self) {
        if !self.link.accept() {
            return;
        }
        // The former peer's socket was closed and has left the epoll by that.
        self.peer_index = self.new_index();
        self.wants_room = false;
        // Another engine, or the same anew: it says whether somebody watches.
        self.set_watch(None, false);
        self.heartbeat_at = sys::monotonic();
        if let Some(peer) = self.link.peer() {
            let _ = epoll::add(&self.epoll, peer, key(Source::Engine, self.peer_index), epoll::EventFlags::IN);
        }
    }

    /// Tells the engine that we are there, and works out when to do so again.
    fn beat(&mut self, now: u64) {
        self.link.heartbeat();
        let pause = u64::try_from(HEARTBEAT.as_micros()).unwrap_or(NEVER / 2);
        self.heartbeat_at = if self.link.peer().is_some() { now + pause } else { NEVER };
    }

    fn read_engine(&mut self) {
        // A broken connection needs no more than its end: reports are kept, and the engine comes back.
        for message in self.link.read().unwrap_or_default() {
            self.request(message);
        }
    }

    /// Sends what there is to send; watches the socket for room when not all of it could be.
    fn flush(&mut self) {
        if self.link.peer().is_none() {
            return;
        }
        let left = self.link.flush();
        if let Some(peer) = self.link.peer() {
            let flags = epoll::EventFlags::IN | if left { epoll::EventFlags::OUT } else { epoll::EventFlags::empty() };
            if left != self.wants_room {
                let _ = epoll::modify(&self.epoll, peer, key(Source::Engine, self.peer_index), flags);
                self.wants_room = left;
            }
        }
    }

    fn timeout(&self) -> Option<Timespec> {
        if !self.collecting.is_empty() {
            return Some(Timespec { tv_sec: 0, tv_nsec: 0 });
        }
        let own = self.wake_at.min(self.measure_at).min(self.heartbeat_at).min(self.leave_at);
        let wake = own.min(self.hold.until()).min(self.sensors_due());
        (wake != NEVER).then(|| {
            let micros = wake.saturating_sub(sys::monotonic());
            let seconds = i64::try_from(micros / 1_000_000).unwrap_or(i64::MAX);
            Timespec { tv_sec: seconds, tv_nsec: i64::try_from(micros % 1_000_000 * 1000).unwrap_or(0) }
        })
    }

    /// Makes sure that the loop wakes at `time`.
    fn wake(&mut self, time: u64) {
        self.wake_at = self.wake_at.min(time);
    }

    /// Starts, stops or heeds the clock by which an unneeded worker leaves.
    fn consider_leaving(&mut self) {
        // What is not acknowledged lives nowhere else: the engine would have finished tasks run again.
        let needed = self.link.peer().is_some() || self.is_busy() || self.link.has_kept() || !self.errands.is_empty();
        if needed {
            self.leave_at = NEVER;
        } else if self.leave_at == NEVER {
            self.leave_at = sys::monotonic() + u64::try_from(self.idle_exit.as_micros()).unwrap_or(NEVER / 2);
        } else if sys::monotonic() >= self.leave_at {
            self.leaving = true;
        }
    }

    /// Whether anything runs or waits.
    fn is_busy(&self) -> bool {
        self.known.values().any(|known| *known != Known::Ended)
    }

    fn new_index(&mut self) -> usize {
        self.next_index += 1;
        self.next_index
    }

    fn unwatch(&self, fd: &impl AsFd) {
        let _ = epoll::delete(&self.epoll, fd);
    }

    fn report(&mut self, report: Report) {
        log::reported(&report);
        self.link.report(sys::now(), report);
    }
}

/// A remark for people.
fn notice(severity: Severity, message: String) -> Report {
    Report::Notice { severity, source: "worker".to_owned(), message }
}

/// Where the worker notes its control groups, so that the next one finds them even if it is started elsewhere.
const GROUPS_FILE: &str = "worker.groups";

/// Takes the lock of the data directory for this process's lifetime.
fn lock(data_dir: &std::path::Path) -> Result<File, Error> {
    let path = data_dir.join("worker.lock");
    let options = || File::options().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = options().map_err(Error::file("opening the lock", &path))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let pid = std::fs::read_to_string(&path).unwrap_or_default().trim().to_owned();
            return Err(Error::Locked { path, pid });
        }
        Err(error) => return Err(Error::file("locking", path)(error)),
    }
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(Error::file("writing the lock", path))?;
    Ok(file)
}

/// Ends what a former worker noted and left. Its processes have died with it, as a rule; this makes sure.
fn end_leftovers(data_dir: &std::path::Path) -> Result<Vec<std::path::PathBuf>, Error> {
    let path = data_dir.join(GROUPS_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(Error::file("reading", path)(error)),
    };
    let tag = surroundings::group_name(data_dir);
    // Only groups that bear our name: the file might have been written to.
    let folders: Vec<_> = text.lines().map(std::path::PathBuf::from).filter(|folder| folder.ends_with(&tag)).collect();
    Ok(cgroup::end_leftovers(&folders))
}
