//! What stands between an agent and the rest of the machine.
//!
//! A slot's init process builds it once, around itself, and everything that it starts inherits it. In order: by policy, an
//! empty network namespace; a root of its own in a mount namespace ([`root`]); its host name; rlimits; Landlock
//! ([`rules`]); the loss of every capability and, where the worker is privileged, of the owner's identity; a system call
//! filter ([`filter`]). Its control groups it enters before all that, or after, and in any case before it starts anything.
//!
//! **Who the agents are.** Where the worker has privileges, each cage gets a user number of its own, far away from any
//! account, and the folders it is given are mounted with their owner mapped to that number. So the kernel's every
//! comparison of users (signals, tracing, files, keys, per-user quotas of inotify and pipes) separates cages from the
//! host and from each other, and yet what an agent writes belongs on disk to the owner of the data directory. A file
//! system that cannot be mapped is given to the cage's user outright (`chown`), and granted paths on it then hold what
//! everybody may read. Without privileges the worker makes a user namespace, which it has to itself; agents are then
//! the owner without any capability, and mount and process namespaces, Landlock and the filter keep them in.
//!
//! What was rejected: user number 0 in a user namespace (files of the owner would need the owner's number, and 0 owns
//! half of `/proc/sys`), one number for all cages (they would share the kernel's per-user quotas), and a read-only bind
//! of the whole of `/etc`.

mod filter;
mod held;
mod mounts;
mod root;
mod rules;
mod template;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use crate::domain::NetworkPolicy;

use super::sys;
pub(super) use held::{Held, Identity};
pub(super) use root::{Tree, can_be_mapped, take, tmp_inodes};
pub(super) use template::{Template, userns_for};

/// A path that a cage was given.
#[derive(Debug)]
pub(super) struct Grant {
    /// What it is on the host, links resolved.
    pub(super) source: PathBuf,
    /// The very file or folder that was looked at when the grant was: what is shown is this, whatever has taken its name
    /// since.
    pub(super) held: Held,
    /// Where the agent finds it: as it was written.
    pub(super) target: PathBuf,
    /// Whether it may be written.
    pub(super) writable: bool,
}

/// Everything that a slot's init has to know to build its sandbox.
pub(super) struct Plan<'a> {
    /// The worker's template.
    pub(super) template: &'a Template,
    /// The data directory, of which nothing but the next two is seen.
    pub(super) data_dir: &'a std::path::Path,
    /// The cage's working folder.
    pub(super) work: &'a std::path::Path,
    /// The slot's artifact folder.
    pub(super) artifacts: &'a std::path::Path,
    /// Paths beyond those.
    pub(super) grants: &'a [Grant],
    /// What they show, in the same order.
    pub(super) granted: &'a [Tree],
    /// The data directory as such, whatever it is called by now.
    pub(super) data: &'a Held,
    /// The mapping between the owner and the cage's user, where there is one.
    pub(super) idmap: Option<BorrowedFd<'a>>,
    /// The user and group to become.
    pub(super) user: Option<u32>,
    /// What may be reached.
    pub(super) network: &'a NetworkPolicy,
    /// The size of the private `/tmp` in bytes.
    pub(super) tmp_bytes: u64,
    /// The largest file, in bytes.
    pub(super) file_bytes: Option<u64>,
    /// Device files of granted GPUs.
    pub(super) devices: &'a [PathBuf],
    /// The host's name inside.
    pub(super) host_name: String,
}

/// What [`enter`] has built.
pub(super) struct Entered {
    /// The file that holds the task, open for writing.
    pub(super) task_write: OwnedFd,
    /// The same, for reading: an agent's standard input.
    pub(super) task_read: OwnedFd,
    /// How many inodes `/tmp` has when empty; `None` when `/tmp` is not private.
    pub(super) tmp_baseline: Option<u64>,
    /// Sockets that listen on the ports of the policy, in its order.
    pub(super) listeners: Vec<OwnedFd>,
}

/// The namespaces that a slot's init is born into.
pub(super) fn namespaces(network: &NetworkPolicy, template: &Template) -> i32 {
    let shared = network.is_none() && template.empty_network.is_some();
    let own_net = if network.is_all() || shared { 0 } else { libc::CLONE_NEWNET };
    libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS | own_net
}

/// Builds the sandbox around the calling process, which has to be a fresh init. The error is a sentence.
pub(super) fn enter(plan: &Plan<'_>) -> Result<Entered, String> {
    let step = |what: &'static str| move |error: std::io::Error| format!("{what}: {error}");
    if let Some(empty) = plan.template.empty_network.as_ref().filter(|_| plan.network.is_none()) {
        sys::enter_network(empty.as_fd()).map_err(step("entering the empty network"))?;
    }
    let listeners = listen(plan.network)?;
    let tmp_baseline = root::build(plan)?;
    let (task_write, task_read) = root::task_file()?;
    sys::set_host_name(&plan.host_name).map_err(step("setting the host name"))?;
    limits(plan).map_err(step("setting rlimits"))?;
    sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1).map_err(step("setting no_new_privs"))?;
    rules::restrict(plan)?;
    // In this order: emptying the bounding set needs one capability, becoming somebody else another.
    sys::forget_bounding_set();
    if let Some(user) = plan.user {
        sys::become_user(user, user).map_err(step("becoming the cage's user"))?;
    }
    sys::drop_capabilities().map_err(step("dropping capabilities"))?;
    sys::prctl(libc::PR_SET_DUMPABLE, 0).map_err(step("hiding init from its cage"))?;
    sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong).map_err(step("tying init to the worker"))?;
    sys::load_seccomp(&filter::program(plan.network)).map_err(step("loading the system call filter"))?;
    Ok(Entered { task_write, task_read, tmp_baseline, listeners })
}

/// Listens, inside the cage's own network namespace, on each port of the policy; the worker takes the connections and
/// passes them on to the same port outside.
fn listen(network: &NetworkPolicy) -> Result<Vec<OwnedFd>, String> {
    if network.ports().is_empty() {
        return Ok(vec![]);
    }
    sys::loopback_up().map_err(|error| format!("bringing loopback up: {error}"))?;
    let open = |port: u16| -> std::io::Result<OwnedFd> {
        let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        Ok(listener.into())
    };
    let one = |port: &u16| open(*port).map_err(|error| format!("listening on port {port} in the cage: {error}"));
    network.ports().iter().map(one).collect()
}

/// Limits per process; those of the cage as a whole are its control groups'.
fn limits(plan: &Plan<'_>) -> std::io::Result<()> {
    sys::limit(libc::RLIMIT_CORE, 0, 0)?;
    sys::limit(libc::RLIMIT_MSGQUEUE, 0, 0)?;
    sys::limit(libc::RLIMIT_RTPRIO, 0, 0)?;
    sys::limit(libc::RLIMIT_NICE, 0, 0)?;
    sys::limit(libc::RLIMIT_MEMLOCK, 64 << 10, 64 << 10)?;
    if let Some(bytes) = plan.file_bytes {
        sys::limit(libc::RLIMIT_FSIZE, bytes, bytes)?;
    }
    Ok(())
}

/// Sets how many descriptors an agent may have: as many as programs expect, and more where they ask for it.
///
/// Only once init has closed what it does not need: it begins with a copy of every descriptor of the worker, which are
/// more than this as soon as there are a hundred cages, and could open nothing beyond.
pub(super) fn limit_descriptors() -> std::io::Result<()> {
    let (_, hard) = sys::limit_of(libc::RLIMIT_NOFILE);
    sys::limit(libc::RLIMIT_NOFILE, hard.min(1024), hard.min(65_536))
}

/// What Landlock holds on this host, for people; `None` when the kernel has none.
pub(super) fn landlock_version() -> Option<i32> {
    rules::version()
}
