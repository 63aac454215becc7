//! The yardstick of `menagerie bench dispatch`: the cheapest honest way to run a program in a cgroup of its own.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Runs `/bin/true` `tasks` times on `threads` threads, each time: make a cgroup, spawn into it, wait, remove it. No
/// journal, no output, no sandbox.
///
/// # Errors
/// When no cgroup can be made, or a program fails.
pub fn spawn_into_fresh_cgroups(tasks: usize, threads: usize) -> io::Result<Duration> {
    let root = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"].map(PathBuf::from).into_iter().find(|path| path.is_dir());
    let root = root.ok_or_else(|| io::Error::other("this host has no cgroups"))?;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let share = |thread| tasks / threads + usize::from(thread < tasks % threads);
        let running: Vec<_> = (0..threads)
            .map(|thread| (thread, share(thread)))
            .map(|(thread, tasks)| {
                let root = &root;
                scope.spawn(move || one_thread(root, thread, tasks))
            })
            .collect();
        running.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread of the bare loop panicked")))
        })
    })?;
    Ok(begun.elapsed())
}

fn one_thread(root: &Path, thread: usize, tasks: usize) -> io::Result<()> {
    for number in 0..tasks {
        let group = root.join(format!("menagerie-bare-{}-{thread}-{number}", std::process::id()));
        fs::create_dir(&group)?;
        let status = spawn(&group);
        // The group goes whatever came of the program; the kernel may need a moment to let go of a process that ended.
        while fs::remove_dir(&group).is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy) {
            std::thread::yield_now();
        }
        if !status? {
            return Err(io::Error::other("/bin/true failed"));
        }
    }
    Ok(())
}

/// Runs the program in the group; gives whether it succeeded.
fn spawn(group: &Path) -> io::Result<bool> {
    // Version 1 moves a single task more cheaply than a process, and a child that has just begun is a single task.
    let members = ["tasks", "cgroup.procs"].map(|name| group.join(name)).into_iter().find(|path| path.exists());
    let members = File::options().write(true).open(members.unwrap_or_else(|| group.join("cgroup.procs")))?;
    let mut stack = vec![0_u8; 16 << 10];
    let top = stack.as_mut_ptr_range().end;
    let mut descriptor = members.as_raw_fd();
    // SAFETY: with CLONE_VFORK this thread waits until the child has executed or ended, so that the stack, which the
    // child alone uses, and the descriptor outlive its use of them.
    let pid = unsafe {
        let top = top.sub(top.addr() % 16);
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        libc::clone(join_and_exec, top.cast(), flags, (&raw mut descriptor).cast())
    };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    let mut status = 0;
    // SAFETY: `status` is a valid place for the status of a child of ours.
    if unsafe { libc::waitpid(pid, &raw mut status, 0) } != pid {
        return Err(io::Error::last_os_error());
    }
    Ok(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0)
}

/// The child: joins the cgroup and becomes the program.
extern "C" fn join_and_exec(descriptor: *mut libc::c_void) -> libc::c_int {
    let program = c"/bin/true";
    let arguments = [program.as_ptr(), std::ptr::null()];
    let environment = [std::ptr::null()];
    // SAFETY: `descriptor` points to the parent's variable, which outlives this child's use of its memory; the lists end
    // with null; `write` and `execve` allocate nothing and take no lock.
    unsafe {
        let descriptor = *descriptor.cast::<libc::c_int>();
        if libc::write(descriptor, c"0".as_ptr().cast(), 1) == 1 {
            libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr());
        }
        libc::_exit(127)
    }
}
