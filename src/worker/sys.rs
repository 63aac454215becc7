//! Calls to the kernel for which the other crates have no safe door, each wrapped so that its unsafety ends here.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::domain::time::Timestamp;

/// Turns the result of a call into the kernel into a `Result`.
pub(super) fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn clock(id: libc::clockid_t) -> libc::timespec {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer.
    unsafe { libc::clock_gettime(id, &raw mut time) };
    time
}

/// The wall clock in microseconds.
pub(super) fn now() -> Timestamp {
    let time = clock(libc::CLOCK_REALTIME);
    Timestamp::from_micros(time.tv_sec.saturating_mul(1_000_000).saturating_add(time.tv_nsec / 1000))
}

/// Microseconds of the clock that only goes forward; for timers.
pub(super) fn monotonic() -> u64 {
    let time = clock(libc::CLOCK_MONOTONIC);
    time.tv_sec.unsigned_abs() * 1_000_000 + time.tv_nsec.unsigned_abs() / 1000
}

/// Bytes in a page of memory.
pub(super) fn page_bytes() -> u64 {
    // SAFETY: reads a constant of the system.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

/// What `clone3` takes; the kernel's `struct clone_args` up to its second version.
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// Which side of a fork this is.
pub(super) enum Forked {
    /// The new process.
    Child,
    /// The old one: the child's number in the caller's namespace, and a handle that becomes readable at its end.
    Parent(libc::pid_t, OwnedFd),
}

/// Forks with new namespaces (`flags` are `CLONE_NEW*`), straight into a version 2 cgroup when one is given.
///
/// The caller has to be single-threaded: then the child may allocate and run any code, as after `fork`.
pub(super) fn fork_into(flags: libc::c_int, cgroup: Option<BorrowedFd<'_>>) -> io::Result<Forked> {
    let mut pidfd: RawFd = -1;
    let mut args = CloneArgs {
        flags: u64::from(flags.cast_unsigned()) | libc::CLONE_PIDFD as u64,
        pidfd: (&raw mut pidfd) as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..CloneArgs::default()
    };
    if let Some(cgroup) = cgroup {
        args.flags |= 0x2_0000_0000; // CLONE_INTO_CGROUP
        args.cgroup = u64::from(cgroup.as_raw_fd().cast_unsigned());
    }
    // SAFETY: `args` is a valid `struct clone_args` of the size given and outlives the call; without CLONE_VM the child
    // has memory of its own, and the worker has one thread, so no lock of another thread is held in it.
    let pid = check(unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<CloneArgs>()) })?;
    if pid == 0 {
        return Ok(Forked::Child);
    }
    // SAFETY: the kernel has stored a fresh descriptor in `pidfd`, and nobody else owns it.
    let handle = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Forked::Parent(libc::pid_t::try_from(pid).unwrap_or(-1), handle))
}

/// Sends a signal. Errors are of no interest: the process may have ended by itself.
pub(super) fn signal(pid: libc::pid_t, number: libc::c_int) {
    if pid > 1 || pid == -1 {
        // SAFETY: `kill` reads no memory of ours.
        unsafe { libc::kill(pid, number) };
    }
}

/// Sends a signal to the very process that a handle was made for; once that is reaped, to nobody. A number may by then
/// be another process's.
pub(super) fn signal_held(process: BorrowedFd<'_>, number: libc::c_int) {
    // SAFETY: numbers only; no information goes with the signal.
    unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), number, std::ptr::null::<libc::siginfo_t>(), 0);
    }
}

/// Takes the exit of a child, if it has ended and was not taken before.
pub(super) fn reap(process: BorrowedFd<'_>) {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let _ = waitid(WaitId::PidFd(process), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
}

/// Kills a child and takes its exit.
pub(super) fn kill(process: BorrowedFd<'_>) {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    signal_held(process, libc::SIGKILL);
    let _ = rustix::io::retry_on_intr(|| waitid(WaitId::PidFd(process), WaitIdOptions::EXITED));
}

/// Attributes for `mount_setattr`.
#[repr(C)]
pub(super) struct MountAttr {
    /// `MOUNT_ATTR_*` to set.
    pub(super) set: u64,
    /// `MOUNT_ATTR_*` to clear.
    pub(super) clear: u64,
    /// `MS_PRIVATE` and its kin, or zero.
    pub(super) propagation: u64,
    /// A user namespace for an id-mapped mount.
    pub(super) userns_fd: u64,
}

/// Changes the attributes of the mounts under `tree`.
pub(super) fn mount_setattr(tree: BorrowedFd<'_>, recursive: bool, attr: &MountAttr) -> io::Result<()> {
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a literal, `attr` has the kernel's layout and the size given, and both outlive the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            flags,
            std::ptr::from_ref(attr),
            size_of::<MountAttr>(),
        )
    })
    .map(drop)
}

/// Makes the current folder the root and the old root a mount on top of it, which the caller then detaches.
pub(super) fn pivot_root_here() -> io::Result<()> {
    // SAFETY: both paths are literals.
    check(unsafe { libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()) }).map(drop)
}

/// Closes every descriptor from `first` on.
pub(super) fn close_from(first: RawFd) -> io::Result<()> {
    // SAFETY: only called in a fresh process that owns nothing it still needs beyond `first`; what Rust believes to own
    // there is never dropped, because the process leaves by `_exit`.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) }).map(drop)
}

/// Puts `from` at the number `to`, without close-on-exec.
pub(super) fn dup_to(from: RawFd, to: RawFd) -> io::Result<()> {
    // SAFETY: numbers only; the caller is a fresh process that lays out its own descriptors.
    check(libc::c_long::from(unsafe { libc::dup2(from, to) })).map(drop)
}

/// Marks a descriptor close-on-exec or not.
pub(super) fn set_cloexec(fd: RawFd, on: bool) {
    // SAFETY: numbers only.
    unsafe { libc::fcntl(fd, libc::F_SETFD, if on { libc::FD_CLOEXEC } else { 0 }) };
}

/// Sets the status flags of a descriptor to none: blocking, no signals.
pub(super) fn clear_status_flags(fd: RawFd) {
    // SAFETY: numbers only.
    unsafe { libc::fcntl(fd, libc::F_SETFL, 0) };
}

/// By which signal a descriptor's events are told, in place of `SIGIO`; `libc` does not name it.
const F_SETSIG: libc::c_int = 10;

/// Whether anybody may have a file open for writing. Only while nobody has does the kernel grant a lease for reading, which
/// is given back at once; a file system without leases does not tell.
pub(super) fn may_be_written(file: BorrowedFd<'_>) -> bool {
    let control = |command, argument: libc::c_int| {
        // SAFETY: numbers only, and the descriptor is open.
        unsafe { libc::fcntl(file.as_raw_fd(), command, argument) }
    };
    // What ends a lease early is told by a signal; this one is ignored unless somebody waits for it.
    control(F_SETSIG, libc::SIGURG);
    let granted = control(libc::F_SETLEASE, libc::F_RDLCK) == 0;
    if granted {
        control(libc::F_SETLEASE, libc::F_UNLCK);
    }
    !granted
}

/// A `prctl` whose arguments are numbers.
pub(super) fn prctl(option: libc::c_int, argument: libc::c_ulong) -> io::Result<()> {
    // SAFETY: only called with options that take numbers.
    check(libc::c_long::from(unsafe { libc::prctl(option, argument, 0, 0, 0) })).map(drop)
}

/// Sets both the soft and the hard limit of a resource.
pub(super) fn limit(resource: libc::__rlimit_resource_t, soft: u64, hard: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: `limit` is valid and outlives the call.
    check(libc::c_long::from(unsafe { libc::setrlimit(resource, &raw const limit) })).map(drop)
}

/// The soft and hard limit of a resource.
pub(super) fn limit_of(resource: libc::__rlimit_resource_t) -> (u64, u64) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid place for the answer.
    unsafe { libc::getrlimit(resource, &raw mut limit) };
    (limit.rlim_cur, limit.rlim_max)
}

/// Becomes another user for good, without supplementary groups.
pub(super) fn become_user(uid: libc::uid_t, gid: libc::gid_t) -> io::Result<()> {
    // SAFETY: no groups are read; the others take numbers. The process has one thread, so that glibc's broadcast to
    // other threads is not needed; the raw calls avoid it.
    unsafe {
        check(libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<libc::gid_t>()))?;
        check(libc::syscall(libc::SYS_setresgid, gid, gid, gid))?;
        check(libc::syscall(libc::SYS_setresuid, uid, uid, uid))?;
    }
    Ok(())
}

/// Makes sure that no program executed later gains a capability, as far as this process may.
pub(super) fn forget_bounding_set() {
    for capability in 0..64 {
        // EINVAL marks the end of the list that this kernel knows.
        if prctl(libc::PR_CAPBSET_DROP, capability).is_err() {
            break;
        }
    }
}

/// Gives up every capability.
pub(super) fn drop_capabilities() -> io::Result<()> {
    let header: [u32; 2] = [0x2008_0522, 0];
    let none = [0_u32; 6];
    // SAFETY: version 3 of the interface takes a header of two words and data of twice three words.
    check(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) }).map(drop)
}

/// Whether this process has `CAP_SYS_ADMIN` in its user namespace.
pub(super) fn is_admin() -> bool {
    let header: [u32; 2] = [0x2008_0522, 0];
    let mut data = [0_u32; 6];
    // SAFETY: as in `drop_capabilities`, with a place for the answer.
    let result = unsafe { libc::syscall(libc::SYS_capget, header.as_ptr(), data.as_mut_ptr()) };
    result == 0 && data[0] & (1 << 21) != 0
}

/// Installs a handler, or the default when `None`. Interrupted calls return rather than start again.
pub(super) fn set_handler(number: libc::c_int, handler: Option<extern "C" fn(libc::c_int)>) {
    // SAFETY: a zeroed `sigaction` is valid; the handlers given make only async-signal-safe calls.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler.map_or(libc::SIG_DFL, |handler| handler as libc::sighandler_t);
        libc::sigaction(number, &raw const action, std::ptr::null_mut());
    }
}

/// A descriptor that becomes readable when one of `numbers` arrives; the signals are blocked otherwise.
pub(super) fn signal_fd(numbers: &[libc::c_int]) -> io::Result<OwnedFd> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigemptyset` initialises the set before anything reads it, and the new descriptor has one owner.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for number in numbers {
            libc::sigaddset(set.as_mut_ptr(), *number);
        }
        libc::sigprocmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
        let fd = libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        check(libc::c_long::from(fd))?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Lets all signals through.
pub(super) fn unblock_signals() {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: as above.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, set.as_ptr(), std::ptr::null_mut());
    }
}

/// Leaves at once: no destructors, no exit handlers. The only way out of a forked process here.
pub(super) fn leave(status: libc::c_int) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(status) }
}

/// Where the first `byte` is.
pub(super) fn find_byte(byte: u8, bytes: &[u8]) -> Option<usize> {
    // SAFETY: `memchr` reads at most `len` bytes from a valid slice.
    let found = unsafe { libc::memchr(bytes.as_ptr().cast(), libc::c_int::from(byte), bytes.len()) };
    (!found.is_null()).then(|| found.addr() - bytes.as_ptr().addr())
}

/// The host's name.
pub(super) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Sets the name of the host in this namespace.
pub(super) fn set_host_name(name: &str) -> io::Result<()> {
    // SAFETY: the length belongs to the text.
    check(libc::c_long::from(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) })).map(drop)
}

/// Enters a network namespace.
pub(super) fn enter_network(namespace: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: numbers only.
    check(libc::c_long::from(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) })).map(drop)
}

/// Brings the loopback device of this network namespace up.
pub(super) fn loopback_up() -> io::Result<()> {
    let socket = rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::DGRAM, None)?;
    // SAFETY: a zeroed `ifreq` is valid, its name is terminated, and it outlives both calls.
    unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[0] = libc::c_char::from_ne_bytes(*b"l");
        request.ifr_name[1] = libc::c_char::from_ne_bytes(*b"o");
        check(libc::c_long::from(libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, &raw mut request)))?;
        request.ifr_ifru.ifru_flags |= libc::c_short::try_from(libc::IFF_UP).unwrap_or(1);
        check(libc::c_long::from(libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request))).map(drop)
    }
}

/// Loads a seccomp program for this process and all that follow from it.
pub(super) fn load_seccomp(program: &[libc::sock_filter]) -> io::Result<()> {
    let length = u16::try_from(program.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let filter = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    // SAFETY: the kernel copies the program, which outlives the call and has the length given.
    check(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const filter) }).map(drop)
}

/// A page shared between the worker and one init process: which execution runs, and since when.
pub(super) struct SharedPage(std::ptr::NonNull<Page>);

struct Page {
    running: AtomicU64,
    started: AtomicI64,
}

impl SharedPage {
    /// Maps a page that children share.
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: an anonymous mapping at an address of the kernel's choice touches nothing that exists.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size_of::<Page>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        std::ptr::NonNull::new(address.cast()).map(Self).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }

    fn page(&self) -> &Page {
        // SAFETY: the mapping lives as long as `self`, is page-aligned, and zeroed memory is a valid `Page`.
        unsafe { self.0.as_ref() }
    }

    /// Says that execution `number` runs since `time` (microseconds of the wall clock).
    pub(super) fn set(&self, number: u64, time: i64) {
        self.page().started.store(time, Ordering::Release);
        self.page().running.store(number, Ordering::Release);
    }

    /// Since when execution `number` runs, if it does.
    pub(super) fn started(&self, number: u64) -> Option<Timestamp> {
        let page = self.page();
        (page.running.load(Ordering::Acquire) == number)
            .then(|| Timestamp::from_micros(page.started.load(Ordering::Acquire)))
    }
}

impl Drop for SharedPage {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` with this size and nothing borrows from it any more.
        unsafe { libc::munmap(self.0.as_ptr().cast(), size_of::<Page>()) };
    }
}

/// Whether shared memory or semaphores are left in this IPC namespace: they outlive the processes that made them. Message
/// queues cannot be made in a cage.
pub(super) fn ipc_is_left() -> bool {
    /// The kernel's `struct shm_info`.
    #[repr(C)]
    #[derive(Default)]
    struct SharedMemory {
        used_ids: libc::c_int,
        sums: [libc::c_ulong; 5],
    }
    /// The kernel's `struct seminfo`; with `SEM_INFO` the eighth figure tells how many sets there are.
    type Semaphores = [libc::c_int; 10];
    const SHM_INFO: libc::c_int = 14;
    const SEM_INFO: libc::c_int = 19;
    let (mut memory, mut semaphores) = (SharedMemory::default(), Semaphores::default());
    // SAFETY: both places have the kernel's layout and outlive the calls.
    let told = unsafe {
        libc::syscall(libc::SYS_shmctl, 0, SHM_INFO, &raw mut memory) >= 0
            && libc::syscall(libc::SYS_semctl, 0, 0, SEM_INFO, &raw mut semaphores) >= 0
    };
    // A kernel without these calls has nothing that could be left.
    told && (memory.used_ids > 0 || semaphores[7] > 0)
}

/// What the kernel counted for a process that has ended.
pub(super) struct Reaped {
    /// Its number.
    pub(super) pid: libc::pid_t,
    /// Its wait status.
    pub(super) status: i32,
    /// User and system time in microseconds.
    pub(super) cpu_us: u64,
    /// Largest resident size in KiB.
    pub(super) peak_kib: u64,
}

/// Waits for any child; `None` when a signal interrupted, or with `WNOHANG` when none has ended.
pub(super) fn wait_any(options: libc::c_int) -> io::Result<Option<Reaped>> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both places are valid for the answers; zeroed memory is a valid `rusage`.
    let (pid, usage) = unsafe {
        let pid = libc::wait4(-1, &raw mut status, options | libc::__WALL, usage.as_mut_ptr());
        (pid, usage.assume_init())
    };
    match pid {
        0 => Ok(None),
        -1 => {
            let error = io::Error::last_os_error();
            if error.kind() == io::ErrorKind::Interrupted { Ok(None) } else { Err(error) }
        }
        pid => {
            let micros = |time: libc::timeval| {
                time.tv_sec.unsigned_abs().saturating_mul(1_000_000).saturating_add(time.tv_usec.unsigned_abs())
            };
            let cpu_us = micros(usage.ru_utime).saturating_add(micros(usage.ru_stime));
            Ok(Some(Reaped { pid, status, cpu_us, peak_kib: usage.ru_maxrss.unsigned_abs() }))
        }
    }
}

/// What [`spawn`] executes. All pointers are into memory that outlives the call.
pub(super) struct Program<'a> {
    /// Paths to try, in order.
    pub(super) candidates: &'a [*const libc::c_char],
    /// Null-terminated.
    pub(super) argv: &'a [*const libc::c_char],
    /// Null-terminated.
    pub(super) envp: &'a [*const libc::c_char],
    /// Null-terminated: `/bin/sh`, the file, and the arguments, for a script that names no interpreter.
    pub(super) shell: &'a mut [*const libc::c_char],
    /// Where to start; `None` stays where init is.
    pub(super) workdir: Option<&'a CStr>,
    /// The error, when nothing could be executed.
    pub(super) errno: i32,
    /// Whether it was the change of folder that failed.
    pub(super) workdir_failed: bool,
}

extern "C" fn exec_child(argument: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `spawn` passes a valid `Program`, and the parent is suspended until this process has executed or left, so
    // this is the only reference in use. Only async-signal-safe calls are made.
    unsafe {
        let program = &mut *argument.cast::<Program<'_>>();
        // A group of its own, as a shell gives a job. A session of its own would cost the kernel a scheduling group.
        libc::setpgid(0, 0);
        if let Some(workdir) = program.workdir
            && libc::chdir(workdir.as_ptr()) != 0
        {
            program.errno = *libc::__errno_location();
            program.workdir_failed = true;
            libc::_exit(127);
        }
        let mut failure = libc::ENOENT;
        for candidate in program.candidates {
            libc::execve(*candidate, program.argv.as_ptr(), program.envp.as_ptr());
            let errno = *libc::__errno_location();
            if errno == libc::ENOEXEC && program.shell.len() > 2 {
                program.shell[1] = *candidate;
                libc::execve(c"/bin/sh".as_ptr(), program.shell.as_ptr(), program.envp.as_ptr());
            }
            // As a shell does: go on looking, but a file that may not be executed is the better message.
            if errno != libc::ENOENT && errno != libc::ENOTDIR {
                failure = errno;
            }
        }
        // Written only now: a program that was executed leaves zero behind.
        program.errno = failure;
        libc::_exit(127)
    }
}

/// Starts a program in a process of its own, without copying the address space. The child's number; whether it could
/// be executed stands in `program.errno` (zero when it could).
pub(super) fn spawn(program: &mut Program<'_>, stack: &mut [u8]) -> io::Result<libc::pid_t> {
    let top = stack.as_mut_ptr_range().end;
    // SAFETY: CLONE_VFORK suspends this process until the child has executed or left, so the stack and `program` are the
    // child's alone for that time; the top is aligned down to 16 bytes inside the slice.
    let pid = unsafe {
        let top = top.sub(top.addr() % 16);
        libc::clone(
            exec_child,
            top.cast(),
            libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
            std::ptr::from_mut(program).cast(),
        )
    };
    check(libc::c_long::from(pid))?;
    Ok(pid)
}

/// A child in a namespace of its own in which nothing happens; it is there so that its namespace can be named.
pub(super) struct NamespaceHolder {
    pid: libc::pid_t,
    _stack: Box<[std::mem::MaybeUninit<u8>]>,
}

/// What a holder runs; `parent` is the worker's number. It has every descriptor of the worker, the lock of the data
/// directory among them, and so must not outlive it, not even when the worker is killed before it could end its holder.
extern "C" fn hold(parent: *mut libc::c_void) -> libc::c_int {
    // SAFETY: neither call reads memory.
    let orphaned = unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        usize::try_from(libc::getppid()) != Ok(parent.addr())
    };
    if orphaned {
        return 0;
    }
    loop {
        // SAFETY: only waits.
        unsafe { libc::pause() };
    }
}

impl NamespaceHolder {
    /// Starts the child. It shares our memory and descriptors, which makes it cheap, and only ever waits on its own stack.
    pub(super) fn new(namespace: libc::c_int) -> io::Result<Self> {
        let mut stack = Box::new_uninit_slice(16 << 10);
        let top = stack.as_mut_ptr_range().end;
        // SAFETY: the child runs `hold` on a stack that lives until `drop` has killed and reaped it.
        let pid = unsafe {
            let top = top.sub(top.addr() % 16);
            let flags = libc::CLONE_VM | libc::CLONE_FILES | namespace | libc::SIGCHLD;
            let parent = usize::try_from(libc::getpid()).unwrap_or(0);
            libc::clone(hold, top.cast(), flags, std::ptr::without_provenance_mut(parent))
        };
        check(libc::c_long::from(pid))?;
        Ok(Self { pid, _stack: stack })
    }

    /// Its number.
    pub(super) fn pid(&self) -> libc::pid_t {
        self.pid
    }

    /// Has the child end beside what the caller does before dropping this.
    pub(super) fn end(&self) {
        signal(self.pid, libc::SIGKILL);
    }
}

impl Drop for NamespaceHolder {
    fn drop(&mut self) {
        self.end();
        let mut status = 0;
        // SAFETY: `status` is valid. The child only waits, so that it ends at once.
        unsafe { libc::waitpid(self.pid, &raw mut status, libc::__WALL) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    /// Set in the process that makes a holder and ends without a destructor, as a worker does that is killed.
    const MAKER: &str = "MENAGERIE_TEST_MAKES_A_HOLDER";

    #[test]
    fn a_holder_dies_with_the_process_that_made_it() {
        if std::env::var_os(MAKER).is_some() {
            std::mem::forget(NamespaceHolder::new(0).unwrap());
            leave(0);
        }
        let myself = ["--exact", "worker::sys::tests::a_holder_dies_with_the_process_that_made_it", "--nocapture"];
        let mut maker = std::process::Command::new(std::env::current_exe().unwrap());
        maker.args(myself).env(MAKER, "1").stdout(std::process::Stdio::piped());
        let mut maker = maker.spawn().unwrap();
        let mut output = maker.stdout.take().unwrap();
        assert!(maker.wait().unwrap().success());
        // The holder has a copy of the pipe's end, as it has of the lock of the data directory.
        let (ended, end) = std::sync::mpsc::channel();
        std::thread::spawn(move || ended.send(std::io::Read::read_to_end(&mut output, &mut vec![])));
        let heard = end.recv_timeout(std::time::Duration::from_secs(30));
        assert!(heard.is_ok_and(|read| read.is_ok()), "somebody still holds the maker's standard output");
    }

    #[test]
    fn a_signal_to_a_process_that_was_reaped_hits_nobody() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        let held = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap();
        signal_held(held.as_fd(), libc::SIGKILL);
        child.wait().unwrap();
        // Both are without effect now, whoever may have got the number.
        signal_held(held.as_fd(), libc::SIGKILL);
        reap(held.as_fd());
        assert!(rustix::process::pidfd_send_signal(&held, rustix::process::Signal::KILL).is_err());
    }
}
