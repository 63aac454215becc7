//! The first process of a slot's process namespace: forked from the worker, it builds the sandbox around itself, then
//! starts one execution after another and ends with everything that it started.
//!
//! It is so small because it is trusted with nothing: it runs inside the sandbox that it has built. Agents inherit its
//! standard streams as they are (the task, and the slot's two pipes), so that starting one costs no more than a `vfork`
//! and an `exec`. They cannot signal it (it is process 1 of their namespace), nor trace it or look into it (it is not
//! dumpable), and its end is the end of everything in the namespace: the kernel sees to that.
//!
//! When the main process of an execution has ended, everything else in the namespace is killed and waited for; only
//! then is the execution reported. To stop one, the worker sends init SIGTERM, which it passes to all its processes, or
//! SIGUSR1, upon which it kills them; and should that not be enough, the worker kills init itself.

use std::ffi::CStr;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use super::message::{self, REQUEST_HEADER_BYTES, Received, Reply};
use super::sandbox::{self, Plan};
use super::sys::{self, SharedPage};

/// Where init keeps its socket and the task's writing end, once the sandbox stands.
const SOCKET: RawFd = 3;
const TASK: RawFd = 4;

/// The most descriptors that are sent with one message.
const FDS_MAX: usize = 128;

/// The most version 1 groups that a slot enters: cpu, memory, pids, and those that count cpu time and io.
const GROUPS_MAX: usize = 5;

/// Whether an execution is under way, so that a signal that comes too late hits nobody.
static RUNNING: AtomicBool = AtomicBool::new(false);

extern "C" fn pass_on(number: libc::c_int) {
    if RUNNING.load(Ordering::Relaxed) {
        let passed = if number == libc::SIGUSR1 { libc::SIGKILL } else { libc::SIGTERM };
        sys::signal(-1, passed);
    }
}

/// What init inherits from the worker.
pub(super) struct Inherited<'a> {
    /// Its end of the socket pair.
    pub(super) socket: OwnedFd,
    /// The writing ends of the slot's pipes: standard output and standard error.
    pub(super) pipes: [OwnedFd; 2],
    /// Where it tells what runs.
    pub(super) page: &'a SharedPage,
}

/// Runs init. Never returns; leaves with status 1 when the sandbox cannot be built, which it explains first.
pub(super) fn run(plan: &Plan<'_>, inherited: &Inherited<'_>) -> ! {
    default_signals();
    // Away from whatever terminal the worker was started on; agents cannot get one of their own.
    let _ = rustix::process::setsid();
    let built = sandbox::enter(plan).and_then(|entered| {
        enter_groups(inherited.socket.as_fd()).map_err(|error| format!("entering the control groups: {error}"))?;
        Ok(entered)
    });
    let entered = match built {
        Ok(entered) => entered,
        Err(text) => {
            let text = text.as_bytes();
            let reply = Reply::Broken(u32::try_from(text.len()).unwrap_or(0)).encode();
            let _ = rustix::io::write(&inherited.socket, &[&reply, text].concat());
            sys::leave(1);
        }
    };
    let announced = announce(inherited.socket.as_fd(), &entered.listeners).is_ok();
    if !announced || lay_out(&entered, inherited).is_err() {
        sys::leave(1);
    }
    let tmp_baseline = entered.tmp_baseline;
    // What these own has been moved to its place or closed; their destructors would close numbers now used otherwise.
    std::mem::forget(entered);
    serve(inherited.page, tmp_baseline)
}

/// Hands the control files to init by which it enters the slot's groups, none where it was born in them.
pub(super) fn hand_groups(socket: BorrowedFd<'_>, groups: &[OwnedFd]) -> io::Result<()> {
    let groups: Vec<BorrowedFd<'_>> = groups.iter().map(AsFd::as_fd).collect();
    send_with(socket, b"g", &groups)
}

/// Waits for the slot's groups and enters them.
fn enter_groups(socket: BorrowedFd<'_>) -> io::Result<()> {
    use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(GROUPS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let parts = &mut [IoSliceMut::new(&mut byte)];
    let received = rustix::io::retry_on_intr(|| recvmsg(socket, parts, &mut control, RecvFlags::CMSG_CLOEXEC))?;
    if received.bytes == 0 {
        return Err(io::Error::other("the worker is gone"));
    }
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(groups) = message {
            for group in groups {
                rustix::io::write(group, b"0")?;
            }
        }
    }
    Ok(())
}

/// Signals as a program expects them, but for the two by which the worker speaks.
fn default_signals() {
    for number in 1..=64 {
        if number != libc::SIGKILL && number != libc::SIGSTOP {
            sys::set_handler(number, None);
        }
    }
    sys::set_handler(libc::SIGTERM, Some(pass_on));
    sys::set_handler(libc::SIGUSR1, Some(pass_on));
    sys::unblock_signals();
}

/// Tells the worker that the sandbox stands and hands over the listening sockets.
fn announce(socket: BorrowedFd<'_>, listeners: &[OwnedFd]) -> io::Result<()> {
    let reply = Reply::Ready.encode();
    let fds: Vec<BorrowedFd<'_>> = listeners.iter().map(AsFd::as_fd).collect();
    // The kernel passes at most 253 descriptors with one message, so a longer list needs several.
    let mut chunks = fds.chunks(FDS_MAX);
    let first = chunks.next().unwrap_or_default();
    let (most, last) = reply.split_at(message::REPLY_BYTES - 1);
    send_with(socket, most, first)?;
    // There are at most 256 ports, hence at most two messages; the last byte completes the reply.
    send_with(socket, last, chunks.next().unwrap_or_default())
}

/// Sends bytes and at most [`FDS_MAX`] descriptors with them.
fn send_with(socket: BorrowedFd<'_>, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(fds));
    }
    sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Puts the descriptors where agents expect them and closes everything else.
fn lay_out(entered: &sandbox::Entered, inherited: &Inherited<'_>) -> io::Result<()> {
    // First away from the numbers to be filled, so that no copy overwrites what is still needed.
    let high = |fd: &OwnedFd| rustix::io::fcntl_dupfd_cloexec(fd, 16);
    let sources = [
        high(&entered.task_read)?,
        high(&inherited.pipes[0])?,
        high(&inherited.pipes[1])?,
        high(&inherited.socket)?,
        high(&entered.task_write)?,
    ];
    for (number, source) in (0..).zip(&sources) {
        sys::dup_to(source.as_raw_fd(), number)?;
    }
    std::mem::forget(sources);
    sys::close_from(TASK + 1)?;
    sandbox::limit_descriptors()?;
    sys::set_cloexec(SOCKET, true);
    sys::set_cloexec(TASK, true);
    Ok(())
}

/// Takes requests until the worker is gone.
fn serve(page: &SharedPage, tmp_baseline: Option<u64>) -> ! {
    // SAFETY: `lay_out` has put these there, and nothing else owns them in this process.
    let (mut socket, mut task) = unsafe { (std::fs::File::from_raw_fd(SOCKET), std::fs::File::from_raw_fd(TASK)) };
    let mut buffer = vec![0; 8 << 10];
    let mut stack = vec![0_u8; 64 << 10];
    loop {
        let Ok(length) = read_request(&mut socket, &mut buffer) else { sys::leave(0) };
        let Some(request) = message::parse_request(&buffer[..length]) else { sys::leave(2) };
        let reply = execute(&request, &buffer[..length], &mut task, &mut stack, page, &mut socket, tmp_baseline);
        if socket.write_all(&reply.encode()).is_err() {
            sys::leave(0);
        }
        if buffer.len() > 1 << 20 {
            buffer = vec![0; 8 << 10];
        }
    }
}

/// Reads one request into `buffer`, which grows as needed; its length. The worker sends the next only after the reply
/// to this one, so nothing of another request can come with it.
fn read_request(socket: &mut std::fs::File, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut have = 0;
    loop {
        let total = if have >= REQUEST_HEADER_BYTES { message::request_length(buffer) } else { 0 };
        if have >= REQUEST_HEADER_BYTES {
            if have >= total {
                return Ok(total);
            }
            if buffer.len() < total {
                buffer.resize(total, 0);
            }
        }
        match socket.read(&mut buffer[have..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => have += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn execute(
    request: &Received,
    buffer: &[u8],
    task: &mut std::fs::File,
    stack: &mut [u8],
    page: &SharedPage,
    socket: &mut std::fs::File,
    tmp_baseline: Option<u64>,
) -> Reply {
    let number = request.number;
    let refused = |errno| Reply::NotExecuted { number, errno, workdir: false };
    if let Err(error) = give_task(task, &buffer[request.task..]) {
        return refused(error.raw_os_error().unwrap_or(libc::EIO));
    }
    // A former agent may have left these otherwise; they belong to everybody who has the pipe.
    (0..3).for_each(sys::clear_status_flags);
    // Taken before: short programs have ended when `start` returns.
    let started = sys::now().as_micros();
    let pid = match start(request, buffer, stack) {
        Ok(pid) => pid,
        Err(reply) => return reply,
    };
    page.set(number, started);
    let (status, cpu_us, peak_kib) = wait(pid, number, socket);
    page.set(0, 0);
    let dirty = sys::ipc_is_left() || tmp_baseline.is_some_and(|baseline| sandbox::tmp_inodes() != baseline);
    Reply::Gone { number, status, cpu_us, peak_kib, started, dirty }
}

/// Puts the task into its file and the agent's standard input at its beginning.
fn give_task(file: &mut std::fs::File, task: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    file.set_len(0)?;
    file.write_all_at(task, 0)?;
    // SAFETY: 0 is the reading end of the task's file for as long as init lives.
    rustix::fs::seek(unsafe { BorrowedFd::borrow_raw(0) }, rustix::fs::SeekFrom::Start(0))?;
    Ok(())
}

/// Executes the program of a request.
fn start(request: &Received, buffer: &[u8], stack: &mut [u8]) -> Result<libc::pid_t, Reply> {
    let number = request.number;
    let text = |at: usize| buffer[at..].as_ptr().cast::<libc::c_char>();
    let bytes = |at: usize| CStr::from_bytes_until_nul(&buffer[at..]).unwrap_or(c"");
    let Some(program) = request.arguments.first().map(|at| bytes(*at)) else {
        return Err(Reply::NotExecuted { number, errno: libc::ENOENT, workdir: false });
    };
    let mut paths: Vec<Vec<u8>> = vec![];
    if !program.to_bytes().contains(&b'/') {
        let path = request.variables.iter().rev().find_map(|at| bytes(*at).to_bytes().strip_prefix(b"PATH="));
        for folder in path.unwrap_or_default().split(|byte| *byte == b':').filter(|folder| !folder.is_empty()) {
            paths.push([folder, b"/", program.to_bytes_with_nul()].concat());
        }
    }
    let candidates: Vec<*const libc::c_char> = if program.to_bytes().contains(&b'/') {
        vec![program.as_ptr()]
    } else {
        paths.iter().map(|path| path.as_ptr().cast()).collect()
    };
    let terminated = |starts: &[usize]| -> Vec<*const libc::c_char> {
        starts.iter().map(|at| text(*at)).chain([std::ptr::null()]).collect()
    };
    let (argv, envp) = (terminated(&request.arguments), terminated(&request.variables));
    let mut shell = vec![c"sh".as_ptr(), std::ptr::null()];
    shell.extend_from_slice(&argv[1..]);
    let workdir = bytes(request.workdir);
    let mut program = sys::Program {
        candidates: &candidates,
        argv: &argv,
        envp: &envp,
        shell: &mut shell,
        workdir: (!workdir.is_empty()).then_some(workdir),
        errno: 0,
        workdir_failed: false,
    };
    RUNNING.store(true, Ordering::Relaxed);
    let spawned = sys::spawn(&mut program, stack);
    let (errno, workdir) = (program.errno, program.workdir_failed);
    match spawned {
        Ok(pid) if errno == 0 => Ok(pid),
        Ok(_) => {
            RUNNING.store(false, Ordering::Relaxed);
            while matches!(sys::wait_any(0), Ok(Some(_) | None)) {}
            Err(Reply::NotExecuted { number, errno, workdir })
        }
        Err(error) => {
            RUNNING.store(false, Ordering::Relaxed);
            let errno = error.raw_os_error().unwrap_or(libc::EAGAIN);
            Err(Reply::NotExecuted { number, errno, workdir: false })
        }
    }
}

/// Waits for the main process, kills what is left, and waits for that: status of the main process, processor time of
/// all, peak of the largest.
fn wait(main: libc::pid_t, number: u64, socket: &mut std::fs::File) -> (i32, u64, u64) {
    let (mut cpu_us, mut peak_kib) = (0, 0);
    let mut note = |reaped: &sys::Reaped| {
        cpu_us += reaped.cpu_us;
        peak_kib = peak_kib.max(reaped.peak_kib);
    };
    let status = loop {
        match sys::wait_any(0) {
            Ok(Some(reaped)) => {
                note(&reaped);
                if reaped.pid == main {
                    break reaped.status;
                }
            }
            Ok(None) => {}
            // No child is left, which cannot be before the main process was taken; told as an end by SIGKILL.
            Err(_) => break libc::SIGKILL,
        }
    };
    RUNNING.store(false, Ordering::Relaxed);
    sys::signal(-1, libc::SIGKILL);
    let mut told = false;
    loop {
        match sys::wait_any(if told { 0 } else { libc::WNOHANG }) {
            Ok(Some(reaped)) => note(&reaped),
            Ok(None) if told => {}
            Ok(None) => {
                // Something takes its time to die. Should it be uninterruptible, the worker has to know.
                told = true;
                let _ = socket.write_all(&Reply::Lingering { number }.encode());
            }
            Err(_) => break,
        }
    }
    (status, cpu_us, peak_kib)
}
